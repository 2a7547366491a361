"""Every command that writes, in a small form that takes a second or two; and what they are given."""

import gzip
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from soak.processes import Running
from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.encoders.encoder import Encoder, EncoderConfig
from ssl_irmae.protocols.storage.store import Store

STORE = "s.sqlite"


@dataclass(frozen=True)
class Command:
    """A command in a small form; it writes into the folder in which it runs.

    Args:
        name: What it is called here.
        arguments: Its arguments, where ``@`` stands for the folder of inputs.
        has_store: Whether it keeps trials in ``STORE``.
        imports: Whether it adds trials to it that it does not run, which count as no second run.
        run_folder: Where it keeps a checkpoint, if it does.
        prepare: What puts files into its folder first.
        forked: Whether it needs what only a forked process has, and is never started anew.
    """

    name: str
    arguments: str
    has_store: bool = False
    imports: bool = False
    run_folder: str | None = None
    prepare: Callable[[Path, Path], None] | None = None
    forked: bool = False

    def words(self, inputs: Path) -> list[str]:
        """Return its arguments."""
        return [word.replace("@", f"{inputs}/") for word in self.arguments.split()]


_TINY = "--recipe paper --batch-size 8 --latent-dim 8 --precision fp32 --device cpu"
_PICTURES = "--dataset @pictures --image-size 8"
_EVALUATE = "evaluate --dataset digits --labels 10,20 --precision fp32 --device cpu --store s.sqlite --quiet"
_FOLDS = "evaluate --dataset @pictures --labels 6,12 --precision fp32 --device cpu --store s.sqlite"


def _report_of(folder: Path, inputs: Path) -> None:
    shutil.copyfile(inputs / "rows.sqlite", folder / "rows.sqlite")


def _filled_in(folder: Path, inputs: Path) -> None:
    (folder / "sheet").mkdir()
    shutil.copyfile(inputs / "sheet.csv", folder / "sheet/labels.csv")


COMMANDS = (
    Command("pretrain", f"pretrain {_PICTURES} {_TINY} --depth 2 --max-steps 120 --out run", run_folder="run"),
    Command("pretrain rows", f"pretrain --dataset @table.csv {_TINY} --max-steps 400 --out run", run_folder="run"),
    Command("pretrain vae", f"pretrain {_PICTURES} --method vae {_TINY} --max-steps 80 --out run --quiet",
            run_folder="run"),
    Command("evaluate frozen", f"{_EVALUATE} --seeds 6 --encoder @tiny --contenders "
            "tiny-linear,tiny-spread,tiny-poisson-prior,tiny-cutssl,pixels-knn,pca-centroid --json", has_store=True),
    Command("evaluate networks", f"{_FOLDS} --seeds 2 --steps 2 --encoder @tiny --jobs 1 "
            "--contenders tiny-finetune,tiny-joint", has_store=True),
    Command("evaluate processes", f"{_FOLDS} --seeds 2 --steps 2 --encoder @tiny --jobs 2 "
            "--contenders tiny-finetune", has_store=True),
    Command("evaluate folds", f"{_FOLDS} --seeds 4 --contenders pixels-linear,pixels-spread", has_store=True),
    Command("evaluate codes", "evaluate --codes mine=@codes.npz --labels 10,20 --seeds 6 --device cpu --store s.sqlite "
            "--contenders mine-linear,mine-spread,mine-knn", has_store=True),
    Command("evaluate import", f"{_EVALUATE} --seeds 6 --contenders pixels-linear,pixels-spread,pixels-knn "
            "--import-trials @report/rows.csv", has_store=True, imports=True),
    Command("report", "report rows.sqlite --html --out report", prepare=_report_of),
    Command("study", "study tiny --store s.sqlite --jobs 1 --device cpu --out study", has_store=True, forked=True),
    Command("study processes", "study tiny --store s.sqlite --jobs 2 --device cpu --out study", has_store=True,
            forked=True),
    Command("encode", "encode --dataset digits --encoder @tiny --out codes.npz"),
    Command("suggest", "suggest @pictures --encoder @tiny --n 6 --labels-from @labels.csv --out suggested"),
    Command("suggest again", "suggest @flat --encoder @tiny --n 6 --out sheet", prepare=_filled_in),
    Command("classify", "classify @pictures --encoder @tiny --labels-from @labels.csv --out classified"),
    Command("predict", "predict @classifier @pictures --out predictions.csv"),
    Command("encoders copy", "encoders copy @tiny --fold --half --out copy"),
    Command("encoders import", "encoders import @published.pt --out imported"),
    Command("export", "export @tiny --out encoder.onnx"),
    Command("data fetch", "data fetch fashion-mnist"),
    Command("dimension", "dimension --dataset digits --encoder @tiny"),
)  # fmt: skip


def prepare(command: Command, folder: Path, inputs: Path) -> None:
    """Make the folder in which a command runs; its store counts what is added to it again."""
    folder.mkdir(parents=True)
    if command.prepare is not None:
        command.prepare(folder, inputs)
    if command.has_store:
        Store(folder / STORE)
        connection = sqlite3.connect(folder / STORE)
        connection.executescript(
            "CREATE TABLE attempts (key TEXT);"
            "CREATE TRIGGER attempt BEFORE INSERT ON trials BEGIN INSERT INTO attempts VALUES (NEW.key); END;"
        )
        connection.close()


def run_twice(store: Path) -> int:
    """Count the trials that were run again although the store had them."""
    connection = sqlite3.connect(store)
    try:
        return int(connection.execute("SELECT count(*) - count(DISTINCT key) FROM attempts").fetchone()[0])
    finally:
        connection.close()


def make_inputs(inputs: Path) -> None:
    """Make what the commands are given, once."""
    if (inputs / "ready").is_file():
        return
    shutil.rmtree(inputs, ignore_errors=True)
    inputs.mkdir(parents=True)
    _write_pictures(inputs)
    rng = np.random.default_rng(0)
    lines = [",".join(f"{number:.4f}" for number in row) for row in rng.normal(size=(200, 6))]
    (inputs / "table.csv").write_text("\n".join(["a,b,c,d,e,f", *lines]) + "\n")
    architecture = Architecture.paper(method="irmae", channels=1, image_size=32, latent_dim=128, depth=2)
    torch.save(_published(Encoder(EncoderConfig(architecture=architecture))), inputs / "published.pt")
    home = inputs / "home"
    for command in (
        f"pretrain --dataset pictures --image-size 8 {_TINY} --depth 2 --max-steps 40 --out tiny",
        "encode --dataset digits --encoder tiny --out codes.npz",
        "classify pictures --encoder tiny --labels-from labels.csv --out classified",
        "evaluate --dataset digits --labels 10,20 --seeds 6 --precision fp32 --device cpu --store rows.sqlite "
        "--contenders pixels-linear,pixels-spread",
        "report rows.sqlite --out report",
    ):
        ended = Running(command.split(), inputs, home=home, logs=home).end()
        if ended.code != 0:
            raise RuntimeError(f"{command}: {ended.stderr}")
    shutil.move(inputs / "classified/classifier", inputs / "classifier")
    shutil.rmtree(home)
    (inputs / "ready").touch()


def _write_pictures(inputs: Path) -> None:
    digits = load_images("digits")
    assert digits.labels is not None
    table, sheet = ["path,label"], ["path,label"]
    (inputs / "flat").mkdir()
    for place in range(60):
        label = int(digits.labels[place]) % 3
        name = f"pictures/{label}/{place}.png"
        (inputs / name).parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(digits.images[place, 0].numpy() * 15).resize((16, 16))
        picture.save(inputs / name)
        picture.save(inputs / f"flat/{place}.png")
        table += [f"{label}/{place}.png,{label}"] if place % 3 == 0 else []
        sheet += [f"{place}.png,{label}"] if place < 9 else []
    (inputs / "labels.csv").write_text("\n".join(table) + "\n")
    (inputs / "sheet.csv").write_text("\n".join(sheet) + "\n")


def _published(encoder: Encoder) -> dict[str, torch.Tensor]:
    parts = {"encoder.": "enc.", "bottleneck.": "mlp.", "decoder.": "dec."}
    state = encoder.autoencoder.state_dict()
    return {
        next(new + k.removeprefix(old) for old, new in parts.items() if k.startswith(old)): v for k, v in state.items()
    }


def packed_files(raw: Path, folder: Path) -> None:
    """Write the gzipped files from which ``data fetch`` is served, as the Debian package has them."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in raw.glob("*-ubyte"):
        packed = folder / f"{file.name}.gz"
        if not packed.is_file():
            packed.write_bytes(gzip.compress(file.read_bytes(), 1))
