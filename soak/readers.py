"""Every kind of file that is read, how one is made, and what is read from it."""

import contextlib
import gzip
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ssl_irmae.datasets.idx import idx_bytes
from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.encoders.card import model_card
from ssl_irmae.encoders.code_scale import read_scale
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.encoders.published_checkpoint import read_published_checkpoint
from ssl_irmae.pretraining.recipe import recorded_recipe
from ssl_irmae.pretraining.run_folder import Run
from ssl_irmae.protocols.evaluation import read_results
from ssl_irmae.protocols.labelling.classifier import Classifier
from ssl_irmae.protocols.labelling.label_sheet import LabelSheet
from ssl_irmae.protocols.representations.codes_file import CodesFile
from ssl_irmae.protocols.storage.cache import cached
from ssl_irmae.protocols.storage.files import read_trials
from ssl_irmae.protocols.storage.store import Store

Read = Callable[[Path], object]


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Args:
        name: What it is.
        file: The file that is damaged, in a folder that ``make`` fills.
        make: Fills a folder from that of the inputs.
        read: Reads what is in the folder, as a command would.
        checksum: Whether damage that changes what is read is always found: a hash is kept of it.
    """

    name: str
    file: str
    make: Callable[[Path, Path], None]
    read: Read
    checksum: bool = False


def digest(value: object) -> str:
    """Hash what was read: tensors, arrays and whatever has a text."""
    return hashlib.sha256(repr(_plain(value)).encode()).hexdigest()


def _plain(value: Any) -> object:
    if isinstance(value, Tensor):
        value = value.detach().numpy()
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
    if isinstance(value, ImageSet):
        return _plain([value.images, value.labels, value.classes, value.paths])
    if isinstance(value, dict):
        return [(name, _plain(each)) for name, each in value.items()]
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


_IMAGES = torch.arange(2 * 8 * 8, dtype=torch.uint8).reshape(2, 1, 8, 8)


def _copy(*names: str) -> Callable[[Path, Path], None]:
    def make(folder: Path, inputs: Path) -> None:
        for name in names:
            if (inputs / name).is_dir():
                shutil.copytree(inputs / name, folder / name)
            else:
                shutil.copyfile(inputs / name, folder / Path(name).name)

    return make


def _encoder(folder: Path) -> object:
    encoder = Encoder.from_pretrained(folder / "tiny")
    fingerprint = str(encoder.config.card.get("data_fingerprint"))
    scale = read_scale(folder / "tiny", fingerprint)
    return encoder.encode(_IMAGES), model_card("tiny", encoder.config), scale


def _classifier(folder: Path) -> object:
    classifier = Classifier.load(folder / "classifier")
    return classifier.probabilities(_IMAGES), classifier.classes


def _run(folder: Path) -> object:
    recipe = recorded_recipe(folder / "tiny")
    if recipe is None:
        return None
    images = load_images(folder / "pictures", image_size=8)
    run = Run(folder / "tiny", recipe, images, None)
    return run.state.step, dict(run.state.autoencoder.state_dict())


def _make_run(folder: Path, inputs: Path) -> None:
    _copy("tiny")(folder, inputs)
    shutil.copytree(inputs / "pictures/0", folder / "pictures/0")


def _picture(kind: str, mode: str) -> Callable[[Path, Path], None]:
    def make(folder: Path, inputs: Path) -> None:
        (folder / "pictures").mkdir()
        with Image.open(next((inputs / "pictures/0").iterdir())) as picture:
            picture.convert(mode).save(folder / f"pictures/a.{kind}")

    return make


def _pictures(folder: Path) -> object:
    return load_images(folder / "pictures", image_size=8)


def _make_archive(folder: Path, _inputs: Path) -> None:
    labels = np.array(["cat", "dog"] * 5)
    np.savez_compressed(folder / "a.npz", images=np.arange(640, dtype=np.uint8).reshape(10, 8, 8), labels=labels)


def _make_idx(folder: Path, _inputs: Path) -> None:
    (folder / "train-images-idx3-ubyte").write_bytes(idx_bytes(np.arange(640, dtype=np.uint8).reshape(10, 8, 8)))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.arange(10, dtype=np.uint8)))


def _make_packed_idx(folder: Path, _inputs: Path) -> None:
    content = idx_bytes(np.arange(640, dtype=np.uint8).reshape(10, 8, 8))
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(content))


def _labelled(folder: Path) -> object:
    return load_images(folder / "pictures", image_size=8, labels_from=folder / "labels.csv")


def _codes(folder: Path) -> object:
    codes = CodesFile.open(folder / "codes.npz", "`codes`")
    return codes.of(codes.as_images("train"), "train")


def _trials(name: str) -> Read:
    def read(folder: Path) -> object:
        return [(t.row.model_dump(), t.wrong) for t in read_trials(folder / name)]

    return read


def _looked_up(folder: Path) -> object:
    store = Store(folder / "rows.sqlite")
    return [(t.row.model_dump(), store.get(t.row.key) is not None) for t in store.trials()]


def _report(folder: Path) -> object:
    return str(read_results(folder / "report.json"))


def _make_cached(folder: Path, _inputs: Path) -> None:
    _cached(folder)


def _cached(folder: Path) -> object:
    def compute() -> dict[str, Tensor]:
        return {"x": torch.arange(100.0)}

    with _home(folder):
        found = cached("codes", "soak", compute=compute)
        (file,) = (folder / "codes").iterdir()
        file.replace(folder / "cached")
        shutil.rmtree(folder / "codes")
        return found


def _read_cached(folder: Path) -> object:
    def compute() -> dict[str, Tensor]:
        return {"x": torch.arange(100.0)}  # what is damaged counts as absent

    with _home(folder):
        cached("codes", "soak", compute=compute)
        (file,) = (folder / "codes").iterdir()
        shutil.copyfile(folder / "cached", file)
        return cached("codes", "soak", compute=compute)


@contextlib.contextmanager
def _home(folder: Path) -> Iterator[None]:
    before = os.environ.get("SSL_IRMAE_HOME")
    os.environ["SSL_IRMAE_HOME"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("SSL_IRMAE_HOME")
        if before is not None:
            os.environ["SSL_IRMAE_HOME"] = before


_REPORT = ("report/rows.csv", "report/environments.json", "report/mistakes.npz", "report/report.json")

KINDS = (
    Kind("weights of an encoder", "tiny/model.safetensors", _copy("tiny"), _encoder, checksum=True),
    Kind("card of an encoder", "tiny/config.json", _copy("tiny"), _encoder),
    Kind("scale of an encoder", "tiny/code_scale.safetensors", _copy("tiny"), _encoder),
    Kind("recipe of a run", "tiny/recipe.json", _make_run, _run),
    Kind("checkpoint of a run", "tiny/checkpoint.pt", _make_run, _run, checksum=True),
    Kind("published checkpoint", "published.pt", _copy("published.pt"),
         lambda folder: dict(read_published_checkpoint(folder / "published.pt").autoencoder.state_dict()),
         checksum=True),
    Kind("weights of a classifier", "classifier/model.safetensors", _copy("classifier"), _classifier, checksum=True),
    Kind("card of a classifier", "classifier/config.json", _copy("classifier"), _classifier),
    Kind("store", "rows.sqlite", _copy("rows.sqlite"), _looked_up),
    Kind("rows", "rows.csv", _copy(*_REPORT), _trials("rows.csv")),
    Kind("environments", "environments.json", _copy(*_REPORT), _trials("rows.csv")),
    Kind("mistakes", "mistakes.npz", _copy(*_REPORT), _trials("rows.csv"), checksum=True),
    Kind("report", "report.json", _copy(*_REPORT), _report),
    Kind("codes", "codes.npz", _copy("codes.npz"), _codes, checksum=True),
    Kind("archive of images", "a.npz", _make_archive, lambda folder: load_images(folder / "a.npz"), checksum=True),
    Kind("IDX of images", "train-images-idx3-ubyte", _make_idx,
         lambda folder: load_images(folder / "train-images-idx3-ubyte")),
    Kind("IDX of labels", "train-labels-idx1-ubyte", _make_idx,
         lambda folder: load_images(folder / "train-images-idx3-ubyte")),
    Kind("packed IDX", "train-images-idx3-ubyte.gz", _make_packed_idx,
         lambda folder: load_images(folder / "train-images-idx3-ubyte.gz"), checksum=True),
    Kind("table of numbers", "table.csv", _copy("table.csv"), lambda folder: load_images(folder / "table.csv")),
    Kind("table of labels", "labels.csv", _copy("labels.csv", "pictures"), _labelled),
    Kind("sheet to fill in", "sheet.csv", _copy("sheet.csv"),
         lambda folder: LabelSheet.read(folder / "sheet.csv").labels),
    Kind("cached tensors", "cached", _make_cached, _read_cached, checksum=True),
    *(Kind(f"{kind} picture", f"pictures/a.{kind}", _picture(kind, mode), _pictures)
      for kind, mode in (("png", "L"), ("jpg", "RGB"), ("gif", "P"), ("bmp", "L"), ("tiff", "I;16"), ("webp", "RGBA"),
                         ("ppm", "RGB"), ("tga", "RGB"))),
)  # fmt: skip
