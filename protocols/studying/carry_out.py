"""A study from its name to its answer and its files."""

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from ssl_irmae._support.compute import find_device
from ssl_irmae._support.environment import processor, versions
from ssl_irmae._support.files import check_folder, write_atomically
from ssl_irmae._support.progress import Listener, silent
from ssl_irmae.protocols.report.figures.figure import render
from ssl_irmae.protocols.running.executors import Factory, find_pool
from ssl_irmae.protocols.running.workers import limited_threads
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.studying.document import notes, readme, table, time_taken
from ssl_irmae.protocols.studying.figure import figure
from ssl_irmae.protocols.studying.found import find_study
from ssl_irmae.protocols.studying.phrases import beside_floors
from ssl_irmae.protocols.studying.results import Results
from ssl_irmae.protocols.studying.runner import StudyRunner
from ssl_irmae.protocols.studying.saved import ENCODERS, MEASURES, ROWS, Origin, read_saved, saved

STORE = Path("runs/studies/results.sqlite")


@dataclass(frozen=True, repr=False)
class CarriedOutStudy:
    """A study with everything that it found.

    Args:
        results: Every value.
        origin: How it was made.
    """

    results: Results
    origin: Origin

    @classmethod
    def read(cls, folder: str | Path) -> "CarriedOutStudy":
        """Read one that was saved; sentences and tables are made from its rows again.

        Raises:
            ValueError: If its rows are of another comparison than the study makes now.
        """
        return cls(*read_saved(Path(folder)))

    @cached_property
    def answer(self) -> list[str]:
        """The answer: sentences, the first of which answers the question, the last of which are about floors."""
        return [*self.results.study.answer(self.results), *beside_floors(self.results)]

    @property
    def tables(self) -> dict[str, list[list[str]]]:
        """The table of each data set: a head, then a line for each level."""
        return {dataset: table(self.results, dataset) for dataset in self.results.study.datasets}

    @property
    def page(self) -> str:
        """The answer with its table and what the numbers are, as Markdown."""
        return readme(self.results, self.answer, self.origin)

    def save(self, out: str | Path) -> Path:
        """Write rows, figure.png and then README.md, which shows them, into a folder.

        Rows of a kind that there is nothing of are removed, as they would be of a comparison from before.

        Raises:
            UserError: If ``out`` is a file, or nothing can be written there.
        """
        out = Path(out)
        check_folder(out)
        files: dict[str, bytes | str] = {
            **saved(self.results, self.origin),
            "figure.png": render(figure(self.results), "png", source=self.origin.command),
            "README.md": self.page,
        }
        for name in {ROWS, MEASURES, ENCODERS} - files.keys():
            (out / name).unlink(missing_ok=True)
        for name, content in files.items():
            write_atomically(out / name, content)
        return out

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the figure, as plain values that JSON can hold."""
        study = self.results.study
        return {
            "name": self.results.name,
            "question": study.question,
            "answer": self.answer,
            "tables": self.tables,
            "notes": notes(self.results),
            "command": self.origin.command,
            "time": time_taken(self.results),
            "values": [
                {name: x for name, x in value._asdict().items() if name != "seconds"} for value in self.results.values
            ],
        }


def carry_out(
    name: str,
    *,
    quick: bool = True,
    store: str | Path = STORE,
    jobs: int | None = None,
    executor: str | Executor | Factory | None = None,
    device: str = "auto",
    progress: Listener = silent,
) -> CarriedOutStudy:
    """Carry a study out; what is stored or kept already is not done again.

    Encoders are kept with those that are pretrained on the spot, and a pretraining that was stopped continues. Every
    piece of work has one thread, so that no number depends on how many workers there are.

    Args:
        name: Name of the study.
        quick: Whether to run the quick form, of about a quarter of an hour on two cores, or the full one.
        store: The file in which finished trials and what is measured of encoders are kept.
        jobs: Number of workers; None for one per thread of this machine. 1 does everything in this process.
        executor: What runs the work, as in ``evaluate``.
        device: Where encoders are pretrained.
        progress: Called with every event.

    Raises:
        UserError: If there is no such study, or data, an extra or a value cannot be used; finished work is kept.
    """
    made = find_study(name)(quick=quick)
    pool = find_pool(executor, jobs)
    software = ", ".join(f"{package} {versions()[package]}" for package in ("torch", "numpy"))
    origin = Origin(name, quick, f"{processor()}; {software}")
    runner = StudyRunner(
        made,
        name,
        store=Store(Path(store)),
        workers=jobs or torch.get_num_threads(),
        pool=pool,
        device=find_device(device),
        command=origin.command,
        progress=progress,
    )
    with limited_threads(1):
        results = runner.run()
    return CarriedOutStudy(results, origin)
