"""Progress of long work: bars on a terminal or in a notebook, lines in a log."""

import contextlib
import functools
import importlib.util
import time
from collections.abc import Callable
from typing import ParamSpec, Self, TypeVar

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from ssl_irmae._support.progress import EncodersDone, Event, Fetched, Message, Pretrained, TrialDone, Waiting
from ssl_irmae._support.torchrun import process_number
from ssl_irmae.cli.terminal import gentle_interrupt, print_status

P = ParamSpec("P")
R = TypeVar("R")

_EPOCH_LINES = 50  # of one pretraining in a log, which of a small table has hundreds of epochs


class Display:
    """Show events on standard error.

    While it is entered, the first Ctrl-C or SIGTERM waits until the next event, where work can stop without loss, or
    until it is left; a second one stops at once.

    Args:
        quiet: Show no event.
        gentle: Whether Ctrl-C waits like this; for work of which nothing is kept it stops at once.

    >>> with Display(quiet=True) as display:
    ...     display(Message("loading"))
    """

    def __init__(self, *, quiet: bool = False, gentle: bool = True) -> None:
        self._gentle = gentle
        self._quiet = quiet or process_number() > 0  # one of several shows what all do
        console = Console(stderr=True)
        before, after = (TextColumn(f"{{task.{text}}}", markup=False) for text in ("description", "fields[state]"))
        columns = (before, BarColumn(), TimeRemainingColumn(), after)
        self._progress = Progress(*columns, console=console, transient=True) if _can_animate(console) else None
        self._task: TaskID | None = None
        self._shown: tuple[object, ...] = ()
        self._done = 0
        self._epoch: Pretrained | None = None
        self._interrupted: Callable[[], KeyboardInterrupt | None] = lambda: None
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        if self._gentle:
            self._interrupted = self._open.enter_context(gentle_interrupt())
        return self

    def __exit__(self, raised: type[BaseException] | None, *_: object) -> None:
        self._open.close()
        if raised is None and (came := self._interrupted()):
            raise came

    def __call__(self, event: Event) -> None:
        """Show an event.

        Raises:
            KeyboardInterrupt: If Ctrl-C has been pressed, or SIGTERM has come.
        """
        if not self._quiet:
            if self._progress is None or isinstance(event, Message):
                line = _log_line(event)
                if line is not None and self._is_due(event):
                    print_status(line)
            else:
                self._move_bar(self._progress, event)
        if came := self._interrupted():
            raise came

    def _is_due(self, event: Event) -> bool:
        """Return whether an event gets its line: of many epochs the first, the last and some evenly between."""
        if not isinstance(event, Pretrained):
            return True
        last = self._epoch
        if last is not None and last.step < event.step < event.total_steps == last.total_steps:
            apart = (event.total_steps - event.first_step) / _EPOCH_LINES
            if event.step - last.step < apart:
                return False
        self._epoch = event
        return True

    def _move_bar(self, progress: Progress, event: Waiting | Fetched | Pretrained | TrialDone | EncodersDone) -> None:
        done, total, description, state = _bar(event)
        kind = (type(event), event.what if isinstance(event, Fetched) else None)
        if self._task is None:
            self._open.enter_context(progress)
        elif kind != self._shown or done < self._done:  # another file, another run, another kind of work
            progress.remove_task(self._task)
            self._task = None
        if self._task is None:
            self._task = progress.add_task(description, completed=done, total=total, state=state)
        progress.update(self._task, description=description, completed=done, total=total, state=state)
        self._shown, self._done = kind, done


def with_progress(function: Callable[P, R]) -> Callable[P, R]:
    """Show the progress of a function that takes ``progress``, unless the caller passes that argument."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        if "progress" in kwargs:
            return function(*args, **kwargs)
        with Display() as display:
            kwargs["progress"] = display
            return function(*args, **kwargs)

    return wrapped


def _can_animate(console: Console) -> bool:
    return console.is_interactive or (console.is_jupyter and importlib.util.find_spec("ipywidgets") is not None)


def _bar(event: Waiting | Fetched | Pretrained | TrialDone | EncodersDone) -> tuple[int, int | None, str, str]:
    """Return what a bar shows: done, total (None if unknown), the text before it and the text after it."""
    match event:
        case Waiting():
            return 0, None, f"waiting for another process: {event.what}", f"{event.seconds:.0f} s"
        case Fetched():
            return event.done, event.total or None, f"fetching {event.what}", _bytes(event)
        case Pretrained():
            return event.step, event.total_steps, "pretraining", _epoch(event) + "  plateau" * event.on_plateau
        case TrialDone():
            state = f"{event.contender}, {event.budget:,} labels: {event.error:.2f} %"
            return event.done, event.total, f"{event.done}/{event.total} trials", state
        case EncodersDone():
            return event.done, event.total, f"{event.done}/{event.total} encoders", event.latest


def _log_line(event: Event) -> str | None:
    """Return the line of a log, where only what is complete is worth one."""
    clock = time.strftime("%H:%M:%S")
    match event:
        case Message():
            return event.text
        case Fetched(done=0):
            return f"fetching {event.what}"
        case Pretrained(epoch_done=True):
            mean = "picture" if event.noun == "image" else event.noun
            plateau = f"  still on the plateau: no better than the mean {mean}" * event.on_plateau
            return f"{clock}  {_epoch(event)}  {event.seconds_left / 60:.0f} min left{plateau}"
        case TrialDone(group_mean=float(mean)):
            group = f"{event.contender}, {event.budget:,} labels: {mean:.2f} %, n {event.group_size}"
            return f"{clock}  {event.done}/{event.total}  {group}"
        case EncodersDone(new=True):
            left = "" if event.seconds_left is None else f", {event.seconds_left / 60:.0f} min left"
            return f"{clock}  {event.done}/{event.total} encoders{left}  {event.latest}"
    return None


def _bytes(event: Fetched) -> str:
    return decimal(event.done) + (f" of {decimal(event.total)}" if event.total else "")


def _epoch(event: Pretrained) -> str:
    rank = "-" if event.effective_rank is None else f"{event.effective_rank:.1f}"
    return f"epoch {event.epoch}  loss {event.loss:.5f}  rank {rank}  {event.images_per_second:,.0f} {event.noun}s/s"
