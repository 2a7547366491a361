"""Installed plug-ins: distributions with an entry point in the group ``ssl_irmae.plugins``, loaded once, when asked."""

import functools
import importlib.metadata
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ssl_irmae.errors import UserError, describe_exception
from ssl_irmae.plugins.registered import REGISTERED, Origin
from ssl_irmae.plugins.source import hash_files, hash_function

GROUP = "ssl_irmae.plugins"


@dataclass(frozen=True)
class Installed:
    """An installed plug-in, after an attempt to load it.

    Args:
        distribution: Its name.
        version: Its version.
        problem: What keeps it from being loaded; None if all is well.
    """

    distribution: str
    version: str
    problem: str | None = None

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"

    @property
    def remedy(self) -> str:
        """The command that removes it."""
        return f"pip uninstall {self.distribution}"


_loading: ContextVar[importlib.metadata.EntryPoint | None] = ContextVar("loading", default=None)
_hashes: dict[str, str] = {}
_said: set[str] = set()


@functools.cache
def load_installed() -> tuple[Installed, ...]:
    """Load every installed plug-in, once in a process; of one that fails, what it has registered is dropped."""
    return tuple(_load(entry) for entry in entry_points())


@functools.cache
def entry_points() -> tuple[importlib.metadata.EntryPoint, ...]:
    """Find the entry points of installed plug-ins, once in a process; none is imported."""
    found = importlib.metadata.entry_points(group=GROUP)
    return tuple(sorted(found, key=lambda entry: (*_distribution(entry), entry.name)))


def is_loading() -> bool:
    """Return whether a plug-in is being loaded, which finds what was registered by then."""
    return _loading.get() is not None


def problems() -> list[str]:
    """Return a sentence on every plug-in that could not be loaded; nothing is loaded for it."""
    loaded = load_installed() if load_installed.cache_info().currsize else ()
    return [
        f"the plug-in {plugin} cannot be loaded, so that its names are not known ({plugin.problem}): mend or update "
        f"it, or `{plugin.remedy}`"
        for plugin in loaded
        if plugin.problem is not None
    ]


def new_problems() -> list[str]:
    """Return those that this has not returned before, so that a person reads each once."""
    new = [problem for problem in problems() if problem not in _said]
    _said.update(new)
    return new


def origin_of(function: Callable[..., Any]) -> Origin:
    """Return where a function that is being registered comes from.

    It is the plug-in that is being loaded; otherwise, where a notebook imports the module of a plug-in itself, that
    plug-in; otherwise this session.
    """
    entry, module = _loading.get(), str(getattr(function, "__module__", None) or type(function).__module__)
    if entry is None:
        entry = next((each for each in entry_points() if _top(each.module) == _top(module)), None)
    if entry is None:
        return origin_in_session(function)
    elsewhere = () if _top(module) == _top(entry.module) else (module,)
    distribution, version = _distribution(entry)
    source = _hashes[entry.module] if entry is _loading.get() else hash_files(entry.module)
    return Origin(source, distribution, version, elsewhere)


def origin_in_session(function: Callable[..., Any]) -> Origin:
    """Return where a function of a notebook or a script comes from, with its hash as it is now."""
    source, unseen = hash_function(function)
    return Origin(source, unseen=unseen)


def _load(entry: importlib.metadata.EntryPoint) -> Installed:
    distribution, version = _distribution(entry)
    before = dict(REGISTERED)
    token = _loading.set(entry)
    try:
        _hashes[entry.module] = hash_files(entry.module)  # before it is imported: later they may be others
        loaded = entry.load()
        if not isinstance(loaded, ModuleType):
            loaded()
        if all(each.origin.distribution != distribution for each in REGISTERED.values()):
            raise UserError("it registers nothing: it has to call ssl_irmae.register")
    except (Exception, SystemExit) as error:  # its code is not ours, and may raise anything
        REGISTERED.clear()
        REGISTERED.update(before)
        why = str(error) if isinstance(error, UserError) else describe_exception(error)
        return Installed(distribution, version, why)
    finally:
        _loading.reset(token)
    return Installed(distribution, version)


def _distribution(entry: importlib.metadata.EntryPoint) -> tuple[str, str]:
    assert entry.dist is not None  # which entry_points() gives to each
    return entry.dist.name, entry.dist.version


def _top(module: str) -> str:
    return module.split(".")[0]
