"""What is injected and what came of it, as rows of a CSV to which each is added as it ends."""

import csv
import dataclasses
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fault:
    """One case: some faults of one kind in one command or file. Every number but the first two should be 0.

    Args:
        section: Kind of fault.
        case: Its name, once within a section; with the seed it says exactly what is injected.
        injected: Number of faults.
        compared: Results (files, rows, answers) that were compared with those of an undisturbed run.
        differing: Those that differ.
        lost: Finished work that was gone after a restart: stored trials, steps of a checkpoint.
        twice: Trials that were stored and run again all the same.
        torn: Files that were neither whole nor absent.
        left: Hidden files that nothing removes, and processes and jobs that nothing ends.
        tracebacks: Processes that printed one.
        unexplained: Ends with another exit code than the documented ones, or without one sentence.
        executed: Files of which code was run.
        greedy: Files for which memory or time was taken that their size does not justify.
        note: What happened, in a few words.
    """

    section: str
    case: str
    injected: int
    compared: int = 0
    differing: int = 0
    lost: int = 0
    twice: int = 0
    torn: int = 0
    left: int = 0
    tracebacks: int = 0
    unexplained: int = 0
    executed: int = 0
    greedy: int = 0
    note: str = ""

    @property
    def is_as_promised(self) -> bool:
        """Whether nothing went wrong."""
        return not any(getattr(self, name) for name in BROKEN)


BROKEN = (
    "differing", "lost", "twice", "torn", "left", "tracebacks", "unexplained", "executed", "greedy",
)  # fmt: skip
"""Columns that should be 0."""

Case = tuple[str, Callable[[], Fault]]
"""Name of a case, and what injects it."""


def read(path: Path) -> list[Fault]:
    """Read the rows of a CSV; none if it does not exist."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [_row(line) for line in csv.DictReader(file)]


def _row(cells: dict[str, str]) -> Fault:
    texts = {name: cells.pop(name) for name in ("section", "case", "note")}
    numbers = {name: int(cell) for name, cell in cells.items()}
    return Fault(texts["section"], texts["case"], numbers.pop("injected"), note=texts["note"], **numbers)


def append(path: Path, fault: Fault) -> None:
    """Add a row to a CSV, with a header if it is the first."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [field.name for field in dataclasses.fields(Fault)], lineterminator="\n")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        writer.writeheader()
    writer.writerow(dataclasses.asdict(fault))
    with path.open("a", encoding="utf-8") as file:
        file.write(buffer.getvalue())


def total(faults: Iterable[Fault], section: str) -> Fault:
    """Add up the rows of a section."""
    rows = list(faults)
    sums = {name: sum(getattr(row, name) for row in rows) for name in ("injected", "compared", *BROKEN)}
    return Fault(section, f"{len(rows)} cases", **sums)


def by_section(faults: Iterable[Fault]) -> Iterator[Fault]:
    """Yield the total of every section, in the order in which they first occur."""
    groups: dict[str, list[Fault]] = {}
    for fault in faults:
        groups.setdefault(fault.section, []).append(fault)
    for section, rows in groups.items():
        yield total(rows, section)


def broken(fault: Fault) -> str:
    """Write the numbers of a row that should be 0 and are not."""
    found = [f"{getattr(fault, name)} {name}" for name in BROKEN if getattr(fault, name)]
    return ", ".join(found) + (f" ({fault.note})" if found and fault.note else "")


def with_seed(fault: Fault, seed: int) -> Fault:
    """Name the seed in the name of a case."""
    return dataclasses.replace(fault, case=f"{fault.case}, seed {seed}")
