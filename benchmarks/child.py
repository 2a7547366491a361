"""Every measured thing runs in a process of its own, so that no side warms caches or memory for the other."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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


def run(arguments: list[str], *, folder: Path | None = None) -> Child:
    """Run a process to its end.

    Args:
        arguments: The command line, after the interpreter: of ``python``.
        folder: Where it works; here unless given.

    Raises:
        ChildError: If it fails.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, *arguments], stdout=out, stderr=err, cwd=folder)
        # wait4 tells the memory of this very child; getrusage would tell the largest of all so far
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            words = err.read().decode(errors="replace").strip().splitlines() or ["no message"]
            raise ChildError(f"python {' '.join(arguments)} ended with {process.returncode}: {words[-1]}")
        unit = 1024**2 if sys.platform == "darwin" else 1024
        return Child(out.read().decode(), seconds, usage.ru_maxrss / unit)


def ssl_irmae(*arguments: str, folder: Path | None = None) -> Child:
    """Run the command ``ssl-irmae``."""
    return run(["-m", "ssl_irmae.cli", *arguments], folder=folder)


def reference(*arguments: str) -> Child:
    """Run the re-typed reference loop or downstream script."""
    return run(["-m", "benchmarks.reference", *arguments], folder=Path(__file__).parent.parent)
