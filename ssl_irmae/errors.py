"""The one kind of error that is the user's to mend."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """A value that cannot be used: one sentence with the value, what was expected and what to do."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Build the error for a name that is not in a registry, with the known names and the nearest.

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
    return UserError(f"unknown {kind} {name!r}: known are {', '.join(names)}{hint}")
