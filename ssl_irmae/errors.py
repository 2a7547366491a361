"""Errors the user can fix, and a warning."""

import difflib
from collections.abc import Iterable

_MOST_LISTED = 24


class UserError(ValueError):
    """A value that cannot be used: one sentence that names the value, what was expected and what to do.

    Arguments are named in backticks; the command line turns these into its options.
    """


class OtherKindWarning(UserWarning):
    """Pictures are of another kind than those that an encoder was pretrained on."""


class NoTestSplitError(UserError):
    """A data set has no test split, and it was asked for."""


class LostProcessError(UserError):
    """Another process that trained the same run has ended, and this one with it.

    Args:
        message: Why it ended, as far as that is known.
        speaks: Whether this process is the one to report it, for all that are left.
    """

    def __init__(self, message: str, *, speaks: bool) -> None:
        super().__init__(message)
        self.speaks = speaks


def check_choice(argument: str, value: object, choices: Iterable[str]) -> None:
    """Check an argument that takes one of a few words.

    Raises:
        UserError: If the value is none of them.

    >>> check_choice("rule", "balanced", ["balanced", "uniform"])
    """
    choices = list(choices)
    if value not in choices:
        raise UserError(f"`{argument}`: {value!r} is not a choice; use {' or '.join(map(repr, choices))}")


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Build the error for a name that is not in a registry, with the known names (a few of very many) and the nearest.

    Args:
        kind: What the name should have been, such as ``"data set"``.
        name: What was given.
        known: Every name that is accepted.

    Returns:
        The error, for the caller to raise.

    >>> print(unknown_name("method", "irmea", ["ae", "irmae", "vae"]))
    unknown method 'irmea': known are ae, irmae, vae; did you mean 'irmae'?
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(names)
    if len(names) > _MOST_LISTED:
        nearest = difflib.get_close_matches(name, names, n=6, cutoff=0) or names[:6]
        listed = f"{len(names)}, among them {', '.join(nearest)}"
    return UserError(f"unknown {kind} {name!r}: known are {listed}{hint}")


def describe_exception(error: BaseException) -> str:
    """Describe what code that is not ours raised, in a few words.

    >>> describe_exception(KeyError("k"))
    "KeyError: 'k'"
    """
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
