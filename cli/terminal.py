"""How every command speaks: results to standard output, everything human to standard error, errors in a sentence."""

import contextlib
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import ParamSpec, TypeVar

import typer

P = ParamSpec("P")
R = TypeVar("R")


def say(text: str = "") -> None:
    """Print a line for a person, on standard error."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def give(text: str) -> None:
    """Print a result, on standard output."""
    print(text, flush=True)  # noqa: T201


def plainly(command: Callable[P, R]) -> Callable[P, R]:
    """Turn what stops a command into one sentence and an exit code: 2 for the user's mistakes, 130 for Ctrl-C."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        from ssl_irmae.errors import UserError

        try:
            return command(*args, **kwargs)
        except UserError as error:
            say(f"error: {error}")
            raise typer.Exit(2) from error
        except BrokenPipeError as error:
            # who reads the output has enough of it, as `head` has: nothing to say, and nothing more to flush
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from error
        except OSError as error:
            # a full disk, a folder that may not be written to: the system's own sentence names the file
            name = error.filename2 or error.filename
            say(f"error: {error.strerror or error}{f': {name}' if name else ''}")
            raise typer.Exit(2) from error
        except KeyboardInterrupt as error:
            say("stopped: what was finished is kept; the same command goes on from there")
            raise typer.Exit(130) from error

    return wrapped


@contextlib.contextmanager
def gentle_interrupt() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C wait until the work is at a point where it can be saved; the second one is immediate.

    Yields:
        A function that says whether Ctrl-C was pressed.
    """
    pressed = False

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True
        say("stopping at the next safe point; Ctrl-C again stops at once")

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
