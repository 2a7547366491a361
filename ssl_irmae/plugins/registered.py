"""What was registered from outside, and where it comes from."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["method", "readout", "learner", "dataset", "network"]
"""What can be registered; the arguments of ``register``."""

IN_WORDS: dict[Kind, str] = {
    "method": "method",
    "readout": "readout",
    "learner": "learner",
    "dataset": "data set",
    "network": "network",
}


@dataclass(frozen=True)
class Origin:
    """Where something registered comes from: what changes when its code does.

    Args:
        source: SHA-256 of its code: of every file of an installed plug-in's package; of a function that a notebook or a
            script registers, what it is compiled to and what it refers to.
        distribution: Name of the installed distribution; None for what a notebook or a script registers.
        version: Its version; None without one.
        unseen: What the code refers to and the hash does not cover.
    """

    source: str
    distribution: str | None = None
    version: str | None = None
    unseen: tuple[str, ...] = ()

    @property
    def stamp(self) -> str:
        """Twelve hexadecimal digits that identify distribution, version and source, for names of files."""
        return hashlib.sha256(json.dumps([self.distribution, self.version, self.source]).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        return "registered in this session" if self.distribution is None else f"{self.distribution} {self.version}"


@dataclass(frozen=True)
class Registered:
    """Something that was registered from outside.

    Args:
        kind: What it is.
        name: Its name.
        function: What does it.
        origin: Where it comes from.
        summary: What it is, in one line.
        paper: Authors and year of its source.
        settings: Settings of a readout or learner, which the function is passed by name.
        deterministic: Whether a readout or learner makes no random choice on the full training set.
    """

    kind: Kind
    name: str
    function: Callable[..., Any]
    origin: Origin
    summary: str = ""
    paper: str = ""
    settings: Mapping[str, int | float | str] = field(default_factory=dict)
    deterministic: bool = False

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"the {IN_WORDS[self.kind]} {self.name} ({self.origin})"

    @property
    def described(self) -> str:
        """What it is and where it comes from, for lists."""
        return " ".join(filter(None, (self.summary, f"({self.origin})")))


REGISTERED: dict[tuple[Kind, str], Registered] = {}
"""Everything that was registered by now; look names up with ``ssl_irmae.plugins.lookup``, which loads plug-ins."""
