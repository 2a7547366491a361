"""Every measured thing runs in a process of its own, so that no side warms caches or memory for the other."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssl_irmae.datasets.registry import default_data_dir

# A process counts the resident memory of the one that started it as its own first peak, so a small one starts each:
# this one has torch.
_LAUNCHER = """
import os, sys, time
began = time.perf_counter()
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
with open(sys.argv[1], "w") as file:
    file.write(f"{time.perf_counter() - began} {usage.ru_maxrss}")
sys.exit(abs(os.waitstatus_to_exitcode(status)))
"""


class ChildError(RuntimeError):
    """A measured process failed; the sentence ends with its last words."""


@dataclass(frozen=True)
class Child:
    """A finished process.

    Args:
        stdout: What it wrote.
        seconds: Wall clock from start to end, interpreter and imports included.
        peak_mb: Peak resident memory, MiB; 0 where the system does not tell.
    """

    stdout: str
    seconds: float
    peak_mb: float

    @property
    def json(self) -> dict[str, Any]:
        """The document it printed."""
        document: dict[str, Any] = json.loads(self.stdout)
        return document


def run(arguments: list[str], *, folder: Path | None = None, environment: Mapping[str, str] | None = None) -> Child:
    """Run a process to its end.

    Args:
        arguments: Of the interpreter.
        folder: Where it works; here unless given.
        environment: Variables added to those of this process.

    Raises:
        ChildError: If it fails.
    """
    with tempfile.TemporaryDirectory() as scratch:
        told = Path(scratch) / "told"
        launch = [sys.executable, "-S", "-c", _LAUNCHER, str(told), sys.executable, *arguments]
        variables = {**os.environ, **(environment or {})}
        done = subprocess.run(launch, capture_output=True, text=True, cwd=folder, env=variables, check=False)
        if done.returncode or not told.is_file():
            words = done.stderr.strip().splitlines() or ["no message"]
            raise ChildError(f"python {' '.join(arguments)} ended with {done.returncode}: {words[-1]}")
        seconds, peak = told.read_text().split()
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return Child(done.stdout, float(seconds), int(peak) / unit)


def ssl_irmae(*arguments: str, folder: Path | None = None) -> Child:
    """Run the command ``ssl-irmae``; in a folder of its own with a cache of its own too, but with the user's data."""
    apart = {"XDG_CACHE_HOME": str(folder / "cache"), "SSL_IRMAE_DATA_DIR": str(default_data_dir())} if folder else {}
    return run(["-m", "ssl_irmae.cli", *arguments], folder=folder, environment=apart)


def reference(*arguments: str) -> Child:
    """Run the re-typed reference loop or downstream script."""
    return run(["-m", "benchmarks.reference", *arguments], folder=Path(__file__).parent.parent)
