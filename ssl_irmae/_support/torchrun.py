"""What torchrun says of this process in its environment: one of how many, and which."""

import functools
import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ssl_irmae.errors import UserError

P = ParamSpec("P")
R = TypeVar("R")

NEEDED = ("RANK", "MASTER_ADDR", "MASTER_PORT")
"""Variables that each of several processes needs besides ``WORLD_SIZE``, and torchrun sets."""

_PARENT = os.getppid()


def process_count() -> int:
    """Return how many processes were started together; 1 if this one was started alone."""
    return max(1, _number("WORLD_SIZE", 1))


def process_number() -> int:
    """Return which of them this is, from 0: what torchrun calls its rank."""
    return _number("RANK", 0) if process_count() > 1 else 0


def number_on_machine() -> int:
    """Return which of the processes on this machine this is, from 0."""
    return _number("LOCAL_RANK", process_number()) if process_count() > 1 else 0


def are_copies() -> bool:
    """Return whether this command was started several times at once."""
    return process_count() > 1 and all(os.environ.get(name) for name in NEEDED)


def refuse_copies(name: str) -> None:
    """Check that what does not divide its work among processes was started once.

    Args:
        name: What was started.

    Raises:
        UserError: If torchrun has started it several times.
    """
    if are_copies():
        raise UserError(
            f"torchrun has started {process_count()} copies of `{name}`, which would all do the same work; only "
            "`pretrain` divides it: start this command without torchrun"
        )


def alone(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function refuse to run where torchrun has started it several times."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        refuse_copies(f"ssl_irmae.{function.__name__}")
        return function(*args, **kwargs)

    return wrapped


def has_ended() -> bool:
    """Return whether torchrun, which started this process, has ended before it, as when it was killed."""
    return "TORCHELASTIC_RUN_ID" in os.environ and os.getppid() != _PARENT


def _number(name: str, otherwise: int) -> int:
    value = os.environ.get(name, "")
    return int(value) if value.isdecimal() else otherwise
