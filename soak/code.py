"""Files that would run code where they are trusted: pickles in every place, programs beside the data."""

import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from soak.fault import Case, Fault
from soak.processes import Running
from soak.workshop import Workshop, explained

CANARY = "executed"
"""Name of the file that code would create, were it run."""

Plant = Callable[[Path, Path, "Payload"], str]


class Payload:
    """Unpickling it creates a file.

    Args:
        canary: The file.
    """

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.canary),)


def _archive(name: str, command: str) -> Plant:
    def plant(folder: Path, _inputs: Path, payload: Payload) -> str:
        objects: Any = np.array([payload] * 8, dtype=object)
        np.savez(folder / "a.npz", **{name: objects, "labels" if name != "labels" else "images": np.arange(8)})
        return command

    return plant


def _saved(place: str, command: str, *, pickled: bool, copied: str = "") -> Plant:
    def plant(folder: Path, inputs: Path, payload: Payload) -> str:
        if copied:
            shutil.copytree(inputs / copied, folder / copied)
        if pickled:
            (folder / place).write_bytes(pickle.dumps({"x": payload}))
        else:
            torch.save({"enc.dcnn.0.weight": payload}, folder / place)
        return command

    return plant


def _replaced(place: str, text: str, by: str, command: str, copied: str) -> Plant:
    def plant(folder: Path, inputs: Path, payload: Payload) -> str:
        shutil.copytree(inputs / copied, folder / copied)
        (folder / "evil.py").write_text(f"import os\nos.mkdir({str(payload.canary)!r})\ndef f(*a, **k): pass\n")
        file = folder / place
        before = file.read_text()
        file.write_text(before.replace(text, by))
        assert file.read_text() != before
        return command

    return plant


def _store(folder: Path, inputs: Path, payload: Payload) -> str:
    shutil.copyfile(inputs / "rows.sqlite", folder / "rows.sqlite")
    connection = sqlite3.connect(folder / "rows.sqlite")
    connection.execute("UPDATE trials SET row = ?, environment = ?", (pickle.dumps(payload), pickle.dumps(payload)))
    connection.execute("CREATE TRIGGER run AFTER INSERT ON trials BEGIN SELECT load_extension('evil'); END")
    connection.commit()
    connection.close()
    return "report rows.sqlite --out out"


def _postscript(folder: Path, _inputs: Path, payload: Payload) -> str:
    (folder / "pictures").mkdir()
    program = f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n({payload.canary}) (w) file closefile\nshowpage\n"
    for name in ("a.png", "b.eps", "c.jpg"):
        (folder / "pictures" / name).write_text(program)
    return "encode --dataset pictures --encoder @tiny --out codes.npz"


def _modules(folder: Path, inputs: Path, payload: Payload) -> str:
    """Lay modules beside the data that shadow those which commands import."""
    shutil.copytree(inputs / "pictures", folder / "pictures")
    names = ("numpy", "torch", "json", "typer", "PIL", "sitecustomize", "usercustomize", "matplotlib", "evil")
    for name in (*names, *(f"pictures/{name}" for name in names)):
        (folder / f"{name}.py").write_text(f"import os\nos.makedirs({str(payload.canary)!r}, exist_ok=True)\n")
    return "encode --dataset pictures --encoder @tiny --out codes.npz"


_ENCODE = "encode --dataset digits --encoder tiny --out codes.npz"
PLANTS: dict[str, Plant] = {
    "objects as images": _archive("images", "encode --dataset a.npz --encoder @tiny --out codes.npz"),
    "objects as labels": _archive("labels", "evaluate --dataset a.npz --labels 4 --contenders pixels-knn"),
    "objects as codes": _archive("code", "evaluate --codes mine=a.npz --labels 4"),
    "objects as mistakes": _saved("report/mistakes.npz", "report report/rows.csv --out out", pickled=True,
                                  copied="report"),
    "pickle as an archive": _saved("a.npz", "encode --dataset a.npz --encoder @tiny --out codes.npz", pickled=True),
    "pickle as IDX": _saved("a-images-idx3-ubyte", "encode --dataset a-images-idx3-ubyte --encoder @tiny --out c.npz",
                            pickled=True),
    "pickle as a table": _saved("a.csv", "pretrain --dataset a.csv --max-steps 2", pickled=True),
    "pickle as a store": _saved("a.sqlite", "report a.sqlite --out out", pickled=True),
    "pickle as rows": _saved("rows.csv", "report rows.csv --out out", pickled=True),
    "pickles in a store": _store,
    "published checkpoint": _saved("a.pt", "encoders import a.pt --out out", pickled=True),
    "published checkpoint, zip": _saved("a.pt", "encoders import a.pt --out out", pickled=False),
    "checkpoint of a run": _saved("tiny/checkpoint.pt", "pretrain --dataset @pictures --image-size 8 --recipe paper "
                                  "--batch-size 8 --latent-dim 8 --depth 2 --precision fp32 --device cpu "
                                  "--max-steps 80 --out tiny", pickled=False, copied="tiny"),
    "weights of an encoder": _saved("tiny/model.safetensors", _ENCODE, pickled=True, copied="tiny"),
    "weights of an encoder, zip": _saved("tiny/model.safetensors", _ENCODE, pickled=False, copied="tiny"),
    "scale of an encoder": _saved("tiny/code_scale.safetensors", "evaluate --dataset digits --labels 10 --seeds 2 "
                                  "--encoder tiny --contenders tiny-linear", pickled=True, copied="tiny"),
    "weights of a classifier": _saved("classifier/model.safetensors", "predict classifier @pictures --out p.csv",
                                      pickled=False, copied="classifier"),
    "card that names code": _replaced("tiny/config.json", '"network": "conv"', '"network": "evil:f"', _ENCODE, "tiny"),
    "method that names code": _replaced("tiny/config.json", '"irmae"', '"evil:f"', _ENCODE, "tiny"),
    "recipe that names code": _replaced("tiny/recipe.json", '"network": "conv"', '"network": "evil:f"',
                                        "pretrain --dataset @pictures --image-size 8 --out tiny --max-steps 80",
                                        "tiny"),
    "classifier that names code": _replaced("classifier/config.json", '"kind": "', '"kind": "evil:',
                                            "predict classifier @pictures --out p.csv", "classifier"),
    "programs as pictures": _postscript,
    "modules beside pictures": _modules,
}  # fmt: skip
_AS_INSTALLED = {"modules beside pictures"}
"""Run by the console script: ``python -m`` itself looks for modules in the current folder."""


def cases(workshop: Workshop) -> Iterator[Case]:
    """Give every command files that would run code."""
    for name, plant in PLANTS.items():
        yield name, partial(_planted, workshop, name, plant)


def _planted(workshop: Workshop, name: str, plant: Plant) -> Fault:
    folder = workshop.fresh(f"code {name}")
    folder.mkdir()
    canary = folder.parent / CANARY
    words = [
        word.replace("@", f"{workshop.inputs}/") for word in plant(folder, workshop.inputs, Payload(canary)).split()
    ]
    home = folder.parent / "cache"
    if name in _AS_INSTALLED:
        script = Path(sys.executable).with_name("ssl-irmae")
        done = subprocess.run([script, *words], cwd=folder, capture_output=True, text=True, check=False,
                              env={**os.environ, "SSL_IRMAE_HOME": str(home)})  # fmt: skip
        counts = {"tracebacks": int("Traceback" in done.stderr), "unexplained": int(done.returncode != 0)}
        note = f"code {done.returncode}: {done.stderr.strip()[-200:]}"
    else:
        ended = Running(words, folder, home=home, logs=workshop.scratch / "logs").end()
        counts, note = explained(ended), f"code {ended.code}: {ended.stderr.strip()[-200:]}"
    return Fault("code in files", name, 1, executed=int(canary.exists()), note=note, **counts)
