"""Commands as processes that can be stopped: forked from one that has imported everything, or started anew."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TextIO

_AFTER = 0.02  # seconds between two looks at a process
LONGEST = 300.0
"""Seconds after which a command hangs."""

PACKAGE = "SOAK_PACKAGE"
"""Variable that names the folder from which ``data fetch`` is served."""

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["soak.preloaded"])


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Args:
        code: Exit code; negative is the signal that ended it, None that it hung and was killed.
        stdout: What it printed.
        stderr: What it reported.
        seconds: How long it ran.
    """

    code: int | None
    stdout: str
    stderr: str
    seconds: float

    @property
    def has_traceback(self) -> bool:
        """Whether it printed a traceback, of itself or of a process of its own."""
        return "Traceback (most recent call last)" in self.stderr + self.stdout

    @property
    def is_explained(self) -> bool:
        """Whether it succeeded, was stopped by a signal, or ended with one sentence and exit code 2."""
        if self.code == 2:
            return not self.has_traceback and sum("error: " in line for line in self.stderr.splitlines()) == 1
        return self.code in (0, 130, 143, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT)


class Running:
    """A command that runs in a folder.

    Args:
        arguments: The command, without the name of the program.
        folder: The folder in which it runs.
        home: Folder of its caches.
        logs: Folder for what it prints.
        anew: Whether it starts as a user's does, importing everything, instead of being forked.
        launcher: What starts the module of such a command.
        stdout: Where results go, if not to be read.
        environment: Further variables.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        *,
        home: Path,
        logs: Path,
        anew: bool = False,
        launcher: Sequence[str] = (sys.executable, "-m"),
        stdout: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        number = time.monotonic_ns()
        logs.mkdir(parents=True, exist_ok=True)
        self._out, self._err = stdout or logs / f"{number}.out", logs / f"{number}.err"
        self._logs = (self._err,) if stdout else (self._out, self._err)
        variables = {"SSL_IRMAE_HOME": str(home), "COLUMNS": "200", "CUDA_VISIBLE_DEVICES": "", **(environment or {})}
        self._began = time.monotonic()
        self._process: BaseProcess | subprocess.Popen[bytes]
        if anew:
            command = [*launcher, "ssl_irmae.cli", *arguments]
            with self._out.open("w") as out, self._err.open("w") as err:
                self._process = subprocess.Popen(
                    command, cwd=folder, env={**os.environ, **variables}, stdout=out, stderr=err, start_new_session=True
                )
        else:
            self._process = _context.Process(
                target=_command, args=(list(arguments), str(folder), variables, str(self._out), str(self._err))
            )
            self._process.start()

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll() if isinstance(self._process, subprocess.Popen) else self._process.exitcode

    def children(self) -> list[int]:
        """List the processes that it has started."""
        with contextlib.suppress(OSError):
            return [int(child) for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        return []

    def stop_after(self, seconds: float, number: int) -> bool:
        """Send a signal after some time; return whether it was still running then.

        A process that is being forked is not a command yet: its time begins with its first output file.
        """
        while self.code is None and not self._err.exists():
            time.sleep(_AFTER / 10)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.code is not None:
                return False
            time.sleep(min(_AFTER, max(0.0, deadline - time.monotonic())))
        return self.send(number)

    def send(self, number: int) -> bool:
        """Send a signal; return whether it was still running."""
        if self.code is not None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        return True

    def end(self, longest: float = LONGEST) -> Ended:
        """Wait until it ends; one that hangs is killed."""
        deadline = time.monotonic() + longest
        while self.code is None and time.monotonic() < deadline:
            time.sleep(_AFTER)
        code = self.code
        if code is None:
            self.send(signal.SIGKILL)
        if isinstance(self._process, subprocess.Popen):
            self._process.wait()
        else:
            self._process.join()
        seconds = time.monotonic() - self._began
        # one that was killed at once has printed nothing
        texts = {file: file.read_text(errors="replace") if file.exists() else "" for file in self._logs}
        for file in self._logs:
            file.unlink(missing_ok=True)
        return Ended(code, texts.get(self._out, ""), texts[self._err], seconds)


def _command(arguments: list[str], folder: str, variables: dict[str, str], out: str, err: str) -> None:
    """Run a command in a forked process, by the way of the console script."""
    os.setsid()
    os.chdir(folder)
    os.environ.update(variables)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdout = _opened(out, 1)
    sys.argv = ["ssl-irmae", *arguments]

    from ssl_irmae.cli.__main__ import main
    from ssl_irmae.datasets import debian_package

    sys.stderr = _opened(err, 2)  # what waits for this file may send signals now
    if package := variables.get(PACKAGE):  # `data fetch` asks an installed package first
        debian_package._FOLDER = Path(package)
    main()


def _opened(path: str, number: int) -> TextIO:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(handle, number)
    os.close(handle)
    return open(number, "w", encoding="utf-8", closefd=False)
