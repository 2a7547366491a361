"""What all commands share: results on standard output, the rest on standard error, errors as one sentence."""

import contextlib
import functools
import inspect
import json
import os
import re
import shutil
import signal
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, ParamSpec, TypeVar, get_args

import typer
from typer.models import OptionInfo

from ssl_irmae._support.torchrun import process_number

P = ParamSpec("P")
R = TypeVar("R")

_OPTIONS = {"budgets": "labels", "encoders": "encoder"}  # arguments of the library whose option has another name


def print_status(text: str = "") -> None:
    """Print a line about the work on standard error: wrapped on a terminal, one line in a log or a pipe."""
    if sys.stderr.isatty():
        width = os.get_terminal_size(sys.stderr.fileno()).columns or 80  # some terminals do not know theirs
        text = textwrap.fill(text, width, break_on_hyphens=False, break_long_words=False)
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def print_result(text: str) -> None:
    """Print a result on standard output."""
    print(text, flush=True)  # noqa: T201


def print_json(document: object) -> None:
    """Print one JSON document on standard output: in ASCII, which is read alike whatever a pipe is encoded in."""
    print_result(json.dumps(document, indent=2, allow_nan=False))


def print_wrapped(line: str, *, indent: int = 0) -> None:
    """Print a result as wide as the terminal, 120 columns at most; words, such as paths, are never broken.

    Args:
        line: One line.
        indent: Spaces before every line but the first.
    """
    width = min(shutil.get_terminal_size().columns, 120)
    print_result(
        textwrap.fill(line, width, subsequent_indent=" " * indent, break_on_hyphens=False, break_long_words=False)
    )


def print_lines(text: str, *, indent: int = 0) -> None:
    """Print a result of several lines; tables, paths and commands, which begin with two spaces, stay as they are.

    Args:
        text: The lines.
        indent: Spaces before what is wrapped, as in ``print_wrapped``.
    """
    for line in text.splitlines():
        print_result(line) if line.startswith("  ") else print_wrapped(line, indent=indent)


def handle_errors(command: Callable[P, R], *, continues: bool = True) -> Callable[P, R]:
    """Turn what stops a command into one sentence and an exit code: 2 for errors the user can fix, 130 for Ctrl-C.

    SIGTERM, which schedulers send some seconds before they kill, is like Ctrl-C, with the exit code 143. Arguments that
    the sentence names in backticks become this command's options.

    Args:
        command: The command.
        continues: Whether what was finished is kept where it is stopped; if not, it begins anew.
    """

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        from ssl_irmae.errors import LostProcessError, UserError

        try:
            with _heeding_signals():
                return command(*args, **kwargs)
        except LostProcessError as error:
            if error.speaks:
                with contextlib.redirect_stderr(sys.__stderr__):  # also where this process is a silent one
                    print_status(f"error: {error}")
            raise typer.Exit(2) from error
        except UserError as error:
            print_status(f"error: {name_options(str(error), command)}")
            raise typer.Exit(2) from error
        except BrokenPipeError as error:
            # the reader has closed the pipe, as `head` does: nothing to report, and nothing left to flush
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from error
        except OSError as error:
            # a full disk, a folder without write permission: the system's own message names the file
            name = error.filename2 or error.filename
            print_status(f"error: {error.strerror or error}{f': {name}' if name else ''}")
            raise typer.Exit(2) from error
        except KeyboardInterrupt as error:
            kept = "finished work is kept; the same command continues from there"
            print_status(f"stopped: {kept if continues else 'the same command begins anew'}")
            raise typer.Exit(143 if isinstance(error, Terminated) else 130) from error

    return wrapped


class Terminated(KeyboardInterrupt):
    """SIGTERM has come."""


def stop(number: int) -> KeyboardInterrupt:
    """Build the exception for a signal that stops a command: SIGINT, which is Ctrl-C, or SIGTERM."""
    return Terminated() if number == signal.SIGTERM else KeyboardInterrupt()


@contextlib.contextmanager
def _heeding_signals() -> Iterator[None]:
    """Raise ``KeyboardInterrupt`` at Ctrl-C and ``Terminated`` at SIGTERM, in the main thread, if nothing else does.

    While torch is imported, the process ends instead: an exception inside its C++ would abort it.
    """

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if getattr(getattr(sys.modules.get("torch"), "__spec__", None), "_initializing", False):
            print_status("stopped: nothing had begun")
            os._exit(143 if number == signal.SIGTERM else 130)
        raise stop(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    # a script's job in the background ignores Ctrl-C, and goes on doing so
    before = {number: handler for number, handler in usual.items() if signal.getsignal(number) is handler}
    for number in before:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def name_options(text: str, command: Callable[..., Any]) -> str:
    """Replace arguments in backticks by a command's options, and leave other words in backticks alone.

    >>> from typing import Annotated
    >>> def command(max_steps: Annotated[str, typer.Option()]) -> None: ...
    >>> name_options("`max_steps` must be a number, see `ls`", command)
    '--max-steps must be a number, see `ls`'
    """
    parameters = inspect.signature(command).parameters.values()
    options = {p.name for p in parameters if any(isinstance(note, OptionInfo) for note in get_args(p.annotation))}

    def option(word: re.Match[str]) -> str:
        name = _OPTIONS.get(word[1], word[1])
        return f"--{name.replace('_', '-')}" if name in options else word[0]

    return re.sub(r"`(\w+)`", option, text)


@contextlib.contextmanager
def first_process_alone() -> Iterator[None]:
    """Keep silent what a block prints in any but the first of several processes; an exception shows all the same."""
    if process_number() == 0:
        yield
        return
    with (
        Path(os.devnull).open("w") as nothing,
        contextlib.redirect_stdout(nothing),
        contextlib.redirect_stderr(nothing),
    ):
        yield


@contextlib.contextmanager
def gentle_interrupt() -> Iterator[Callable[[], KeyboardInterrupt | None]]:
    """Let the first Ctrl-C or SIGTERM wait until work can stop without loss; a second one stops at once.

    One that is ignored, as Ctrl-C is by a script's job in the background, stays so.

    Yields:
        A function that returns which of them has come, as what to raise; always None outside the main thread.
    """
    came: KeyboardInterrupt | None = None

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        nonlocal came
        if came is not None:
            raise stop(number)
        came = stop(number)
        print_status("stopping at the next safe point; Ctrl-C again stops at once")

    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, note)
    try:
        yield lambda: came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
