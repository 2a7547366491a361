"""The one kind of error that is the user's to mend."""

import difflib
from collections.abc import Iterable

_MOST_LISTED = 24


class UserError(ValueError):
    """A value that cannot be used: one sentence with the value, what was expected and what to do."""


class NoTestSplitError(UserError):
    """Images that would have to have a test split have none."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Build the error for a name that is not in a registry, with the known names (of very many some) and the nearest.

    Args:
        kind: What the name should have been, such as ``"dataset"``.
        name: What was given.
        known: Every name that would have been accepted.

    Returns:
        The error, to be raised by the caller.

    >>> print(unknown_name("method", "irmea", ["ae", "irmae", "vae"]))
    unknown method 'irmea': known are ae, irmae, vae; did you mean 'irmae'?
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(names)
    if len(names) > _MOST_LISTED:
        some = difflib.get_close_matches(name, names, n=6, cutoff=0) or names[:6]
        listed = f"{len(names)}, among them {', '.join(some)}"
    return UserError(f"unknown {kind} {name!r}: known are {listed}{hint}")
