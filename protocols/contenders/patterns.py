"""Patterns of names, such as ``irmae-*``, and the contenders that they stand for."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.contender import Contender

_TRANSDUCTIVE = "transductive"


def is_pattern(name: str) -> bool:
    """Return whether a name is a pattern: ``*`` stands for anything, ``?`` for one character, ``[ab]`` for a or b."""
    return any(character in name for character in "*?[")


def match(names: Sequence[str], known: Mapping[str, Contender]) -> dict[str, tuple[str, ...]]:
    """Return what every pattern among names stands for, in the order of the registry.

    Contenders that see the scored images are for those who ask for them: a pattern has them only if it says
    ``transductive``.

    Raises:
        UserError: If a pattern stands for nothing.

    >>> from ssl_irmae.protocols.contenders.registry import CONTENDERS
    >>> match(["vib", "fused-poisson*"], CONTENDERS)
    {'fused-poisson*': ('fused-poisson', 'fused-poisson-prior')}
    """
    return {name: _match(name, known) for name in names if is_pattern(name)}


def _match(pattern: str, known: Mapping[str, Contender]) -> tuple[str, ...]:
    matching = {name: contender for name, contender in known.items() if fnmatchcase(name, pattern)}
    found = tuple(name for name, c in matching.items() if not c.transductive or _TRANSDUCTIVE in pattern)
    if not found and matching:
        raise UserError(
            f"`contenders`: {pattern!r} matches only contenders that see the scored images; to run these, write "
            f"{_TRANSDUCTIVE} in it, as in 'irmae-*-{_TRANSDUCTIVE}'"
        )
    if not found:
        raise UserError(
            f"`contenders`: nothing matches {pattern!r}; a pattern is, for example, 'irmae-*' or '*-linear'"
        )
    return found
