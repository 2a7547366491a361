"""Look names up among what is built in and what was registered; only this loads installed plug-ins."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from ssl_irmae.errors import UserError, unknown_name
from ssl_irmae.plugins.installed import is_loading, load_installed, origin_in_session, problems
from ssl_irmae.plugins.registered import IN_WORDS, REGISTERED, Kind, Registered


def registered(kind: Kind) -> dict[str, Registered]:
    """Return everything of a kind that was registered, by name, after loading installed plug-ins."""
    if not is_loading():
        load_installed()
    return {name: _as_it_is(each) for (of, name), each in REGISTERED.items() if of == kind}


def find_registered(kind: Kind, name: str, built_in: Iterable[str]) -> Registered:
    """Look up what was registered under a name.

    Args:
        kind: What it should be.
        name: The name.
        built_in: Names that need no plug-in, which an error lists too.

    Raises:
        UserError: If the name is unknown; it lists the known ones and the nearest, and plug-ins that cannot be loaded.
    """
    known = registered(kind)
    if name not in known:
        raise unknown_with_plugins(IN_WORDS[kind], name, [*built_in, *known])
    return known[name]


def unknown_with_plugins(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Build the error for a name that neither a registry nor a plug-in has; see ``unknown_name``."""
    return UserError("; ".join([str(unknown_name(kind, name, known)), *problems()]))


def registered_network(function: Callable[..., Any] | None) -> Registered | None:
    """Return the network that a function was registered as; None if it was not. It is at hand: nothing is loaded."""
    found = (each for (of, _), each in REGISTERED.items() if of == "network" and each.function is function)
    each = next(found, None)
    return None if each is None else _as_it_is(each)


def _as_it_is(each: Registered) -> Registered:
    """Return it with its hash as it is now: what a notebook's function refers to may have changed since."""
    if each.origin.distribution is not None:
        return each
    return dataclasses.replace(each, origin=origin_in_session(each.function))
