"""Where faults are injected: a scratch folder, what commands are given there, and what they do undisturbed."""

import os
import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from soak import contents
from soak.commands import COMMANDS, STORE, Command, make_inputs, packed_files, prepare, run_twice
from soak.processes import PACKAGE, Ended, Running
from ssl_irmae._support.home import home


@dataclass(frozen=True)
class Undisturbed:
    """What a command does if nothing disturbs it.

    Args:
        files: Hash of what every file holds, by its path.
        seconds: How long it took.
        size: Bytes of what it wrote, caches included.
    """

    files: Mapping[str, str]
    seconds: float
    size: int


@dataclass
class Workshop:
    """A scratch folder for faults.

    Args:
        scratch: The folder; what is in it is deleted.
        seed: Everything that is drawn follows from it.
        share: How much of each section is run; 1 is all.
    """

    scratch: Path
    seed: int
    share: float = 1.0
    _undisturbed: dict[str, Undisturbed] = field(default_factory=dict)

    @property
    def inputs(self) -> Path:
        """The folder of what commands are given."""
        return self.scratch / "inputs"

    def open(self) -> None:
        """Make what commands are given."""
        make_inputs(self.inputs)
        raw = home() / "data/FashionMNIST/raw"
        if raw.is_dir():
            packed_files(raw, self.scratch / "package")

    def commands(self) -> list[Command]:
        """List the commands that can be run here: ``data fetch`` needs files to be served."""
        served = (self.scratch / "package").is_dir()
        return [command for command in COMMANDS if served or command.name != "data fetch"]

    def rng(self, *parts: object) -> random.Random:
        """Return a random generator for one case."""
        return random.Random(repr((self.seed, *parts)))  # noqa: S311 (faults are no secrets)

    def number(self, of: int) -> int:
        """Return how many of so many cases are run, at least one."""
        return max(1, round(of * self.share))

    def fresh(self, name: str) -> Path:
        """Return the name of a folder that does not exist, with nothing else in its parent."""
        folder = self.scratch / "cases" / name.replace(" ", "-")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder / "work"

    def clear(self) -> None:
        """Delete the folders of cases."""
        shutil.rmtree(self.scratch / "cases", ignore_errors=True)

    def start(
        self,
        command: Command,
        folder: Path,
        *,
        anew: bool = False,
        stdout: Path | None = None,
        cache: Path | None = None,
    ) -> Running:
        """Start a command in its folder, with a cache of its own beside that."""
        variables = {PACKAGE: str(self.scratch / "package"), "SSL_IRMAE_DATA_DIR": "data"}  # in the command's folder
        cache = folder.parent / "cache" if cache is None else cache
        words, logs = command.words(self.inputs), self.scratch / "logs"
        return Running(words, folder, home=cache, logs=logs, anew=anew, stdout=stdout, environment=variables)

    def undisturbed(self, command: Command) -> Undisturbed:
        """Run a command undisturbed, once; it is the second run that counts, as in a process that has run before."""
        if command.name not in self._undisturbed:
            folder = self.fresh(f"undisturbed {command.name}")
            prepare(command, folder, self.inputs)
            before = _size(folder)
            ended = self.start(command, folder).end()
            if ended.code != 0:
                raise RuntimeError(f"{command.name} fails undisturbed: {ended.stderr[-2000:]}")
            size = _size(folder) - before + _size(folder.parent / "cache")
            self._undisturbed[command.name] = Undisturbed(contents.of_folder(folder), ended.seconds, size)
            shutil.rmtree(folder.parent)
        return self._undisturbed[command.name]

    def complete(self, command: Command, folder: Path, cache: Path | None = None) -> dict[str, int | str]:
        """Run a disturbed command to its end, and compare what it leaves with what it leaves undisturbed."""
        expected = self.undisturbed(command).files
        ended = self.start(command, folder, cache=cache).end()
        found = contents.of_folder(folder)
        differ = contents.differing(found, dict(expected))
        left = contents.left_over(folder)
        done = ended.code == 0 or (ended.code == 2 and ended.is_explained and not differ)  # a finished one may refuse
        notes = [*differ[:3], *left[:3], *([] if done else [ended.stderr.strip()[-300:]])]
        return {
            "compared": len(expected),
            "differing": len(differ),
            "twice": run_twice(folder / STORE) if command.has_store and not command.imports else 0,
            "left": len(left),
            "tracebacks": int(ended.has_traceback),
            "unexplained": int(not done),
            "note": "; ".join(notes),
        }


def explained(ended: Ended) -> dict[str, int]:
    """Judge how a process ended."""
    return {"tracebacks": int(ended.has_traceback), "unexplained": int(not ended.is_explained)}


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if os.path.lexists(folder) else 0
