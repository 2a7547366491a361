"""Progress for a person at a terminal, plain lines for a log."""

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from ssl_irmae.cli.terminal import gentle_interrupt, say
from ssl_irmae.pretraining.loop import Record
from ssl_irmae.pretraining.run_folder import Run
from ssl_irmae.protocols.running.grid import Outcome


@contextlib.contextmanager
def fetch_progress(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Give a function that shows bytes being fetched: a bar on a terminal, one line a file otherwise."""
    console = Console(stderr=True, quiet=quiet)
    if not console.is_terminal:
        seen: set[str] = set()

        def line(what: str, done: int, total: int) -> None:  # noqa: ARG001
            if what not in seen and not quiet:
                say(f"fetching {what}")
            seen.add(what)

        yield line
        return
    columns = (TextColumn("fetching {task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        tasks: dict[str, object] = {}

        def bar(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=None)
            progress.update(tasks[what], completed=done, total=total or None)  # type: ignore[arg-type]

        yield bar


class _Shown:
    """Something with a bar while it is entered, if there is a terminal to show it on."""

    bar: Progress | None = None

    def __enter__(self) -> Self:
        if self.bar:
            self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar:
            self.bar.stop()


class EpochProgress(_Shown):
    """Show a pretraining run: epoch, loss, effective rank, images a second, time left.

    Args:
        run: What is shown.
        epochs: To train in all.
        max_steps: To train in all, if that comes sooner.
        quiet: Show nothing.
    """

    def __init__(self, run: Run, epochs: int, max_steps: int | None, *, quiet: bool) -> None:
        self.per_epoch = run.state.steps_per_epoch
        self.total = min(epochs * self.per_epoch, max_steps or sys.maxsize)
        self.first = run.resumed_at
        self.batch_size = run.recipe.batch_size
        self.rank = run.history[-1]["effective_rank"] if run.history else None
        self.quiet = quiet
        console = Console(stderr=True, quiet=quiet)
        if console.is_terminal:
            self.bar = Progress(TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=console)
            self.task = self.bar.add_task("pretraining", total=self.total, completed=self.first)
        self._rates: list[tuple[int, float]] = []
        self._last_step = self.first

    @property
    def images_per_second(self) -> float | None:
        """The median over looks, each of up to 50 steps; None if nothing was trained."""
        rates = sorted(rate for _, rate in self._rates)
        return rates[len(rates) // 2] if rates else None

    def show(self, record: Record) -> None:
        """Take note of a record and show it."""
        self._rates.append((record.step, record.images_per_second))
        if record.effective_rank is not None:
            self.rank = record.effective_rank
        rank = "-" if self.rank is None else f"{self.rank:.1f}"
        epoch = record.epoch if record.epoch_done else record.epoch + 1
        text = f"epoch {epoch}  loss {record.loss:.5f}  rank {rank}  {record.images_per_second:,.0f} images/s"
        if self.bar:
            self.bar.update(self.task, completed=record.step, description=text)
        elif record.epoch_done and not self.quiet:
            left = (self.total - record.step) * self.batch_size / max(self.images_per_second or 1, 1)
            say(f"{time.strftime('%H:%M:%S')}  {text}  {left / 60:.0f} min left")


def train_with_progress(run: Run, *, epochs: int, max_steps: int | None, quiet: bool) -> float | None:
    """Train a run, showing it; at Ctrl-C save and stop.

    Returns:
        Images a second, the median over looks; None if there was nothing left to train.

    Raises:
        KeyboardInterrupt: After Ctrl-C, once the run is saved.
    """
    with gentle_interrupt() as interrupted, EpochProgress(run, epochs, max_steps, quiet=quiet) as view:
        for record in run.train(epochs=epochs, max_steps=max_steps):
            view.show(record)
            if interrupted():
                run.save()
                raise KeyboardInterrupt
    return view.images_per_second


class TrialProgress(_Shown):
    """Show a protocol: trials done, which one was last, time left; in a log one line a contender and budget.

    Args:
        groups: (contender, budget) of every trial.
        quiet: Show nothing.
    """

    def __init__(self, groups: Sequence[tuple[str, int]], *, quiet: bool) -> None:
        self.quiet = quiet
        self.total = len(groups)
        self.expected = Counter(groups)
        self.errors: dict[tuple[str, int], list[float]] = {}
        console = Console(stderr=True, quiet=quiet)
        if console.is_terminal:
            columns = (TextColumn("{task.completed}/{task.total} trials"), BarColumn(), TimeRemainingColumn())
            self.bar = Progress(*columns, TextColumn("{task.description}"), console=console, transient=True)
            self.task = self.bar.add_task("", total=self.total)

    def show(self, outcome: Outcome) -> None:
        """Take note of a finished trial and show it."""
        row = outcome.row
        group = (row.contender, row.budget)
        errors = self.errors.setdefault(group, [])
        errors.append(row.error)
        done = sum(len(e) for e in self.errors.values())
        if self.bar:
            text = f"{row.contender}, {row.budget:,} labels: {row.error:.2f} %"
            self.bar.update(self.task, completed=done, description=text)
        elif len(errors) == self.expected[group] and not self.quiet:
            mean = sum(errors) / len(errors)
            clock = time.strftime("%H:%M:%S")
            say(f"{clock}  {done}/{self.total}  {row.contender}, {row.budget:,} labels: {mean:.2f} %, n {len(errors)}")
