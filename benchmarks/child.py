"""Run each measurement in a process of its own, so that neither side warms caches or memory for the other."""

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

ROOT = Path(__file__).parent.parent

# A process inherits its parent's resident memory as its own first peak, and this parent has torch loaded: a small
# process in between starts each measurement.
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
    """A measured process failed; the message ends with the last line it wrote."""


@dataclass(frozen=True)
class Child:
    """A finished process.

    Args:
        stdout: What it wrote.
        seconds: Wall clock from start to end, interpreter and imports included.
        peak_mb: Peak resident memory, MiB; 0 where the system does not report it.
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
    """Run a Python process to its end.

    Args:
        arguments: The interpreter's arguments.
        folder: Its working directory; by default that of this process.
        environment: Variables added to those of this process.

    Raises:
        ChildError: If it fails.
    """
    with tempfile.TemporaryDirectory() as scratch:
        record = Path(scratch) / "record"
        launch = [sys.executable, "-S", "-c", _LAUNCHER, str(record), sys.executable, *arguments]
        variables = {**os.environ, **(environment or {})}
        done = subprocess.run(launch, capture_output=True, text=True, cwd=folder, env=variables, check=False)
        if done.returncode or not record.is_file():
            lines = done.stderr.strip().splitlines() or ["no message"]
            raise ChildError(f"python {' '.join(arguments)} ended with {done.returncode}: {lines[-1]}")
        seconds, peak = record.read_text().split()
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return Child(done.stdout, float(seconds), int(peak) / unit)


def ssl_irmae(*arguments: str, folder: Path | None = None) -> Child:
    """Run the command ``ssl-irmae``; in a given folder it has a cache of its own, but still the user's data."""
    isolated = (
        {"SSL_IRMAE_HOME": str(folder / "cache"), "SSL_IRMAE_DATA_DIR": str(default_data_dir())} if folder else {}
    )
    return run(["-m", "ssl_irmae.cli", *arguments], folder=folder, environment=isolated)


def published(*arguments: str) -> Child:
    """Run the public code's training loop or downstream script, as re-typed."""
    return run(["-m", "benchmarks.published", *arguments], folder=ROOT)
