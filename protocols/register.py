"""``ssl_irmae.register``: methods, readouts, learners, data sets and networks from outside, by name."""

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ssl_irmae.datasets.registry import DATASETS
from ssl_irmae.errors import UserError
from ssl_irmae.methods import METHODS
from ssl_irmae.networks.own import Pair
from ssl_irmae.networks.registry import NETWORKS
from ssl_irmae.plugins.installed import is_loading, load_installed, origin_of
from ssl_irmae.plugins.registered import IN_WORDS, REGISTERED, Kind, Registered
from ssl_irmae.protocols.contenders.contender import Setting
from ssl_irmae.protocols.contenders.fused import FUSED
from ssl_irmae.protocols.contenders.plugins import combine, count_inputs
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.representations.floors import FLOORS

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_BUILT_IN: dict[Kind, Iterable[str]] = {
    "method": (*METHODS, *FLOORS, *FUSED, "scratch"),
    # what rows and notes know readouts and learners by
    "readout": tuple(contender.readout for contender in CONTENDERS.values()),
    "learner": tuple(contender.readout for contender in CONTENDERS.values()),
    "dataset": tuple(DATASETS),
    "network": tuple(NETWORKS),
}


def register(
    name: str,
    *,
    method: Callable[..., Any] | None = None,
    readout: Callable[..., Any] | None = None,
    learner: Callable[..., Any] | None = None,
    dataset: Callable[..., Any] | None = None,
    network: Pair | None = None,
    settings: Mapping[str, Setting] | None = None,
    summary: str = "",
    paper: str = "",
    deterministic: bool = False,
) -> None:
    """Give a method, readout, learner, data set or network of your own a name that commands and functions know.

    A notebook or a script calls this itself. An installed plug-in has an entry point in the group
    ``ssl_irmae.plugins`` that names a module, or a function without arguments, which does so; it is imported when a
    name is looked up. In a session the same name again replaces what it stood for.

    Trials and caches are identified by the code too: by distribution, version and all files of an installed plug-in's
    package, or by what a function of a session is compiled to and refers to.

    Args:
        name: A name that nothing else of the kind has: letters, digits, "-", "_" and ".".
        method: Called with ``channels``, ``image_size``, ``latent_dim`` and ``networks`` by name; returns an
            :class:`~ssl_irmae.autoencoder.Autoencoder` with a code of that width. Contenders of its encoders are
            ``NAME-linear``, ``NAME-joint``, ...
        readout: Called with a :class:`~ssl_irmae.protocols.readouts.sample.Sample` of codes, and the settings by name;
            returns a function from codes (n, d) to classes, int64 (n,). Contenders are ``irmae-NAME``,
            ``pixels-NAME``, ...
        learner: The same for images, uint8 (n, c, s, s). With a second parameter by position it is given a pretrained
            autoencoder (``irmae-NAME``, ...), otherwise it starts from nothing (``NAME``).
        dataset: Called with ``data_dir``, the folder of data, by name; returns what ``dataset`` takes as arrays, such
            as ``(images, labels, test_images, test_labels)``.
        network: Called with ``channels``, ``image_size`` and ``code`` by name; returns an encoder and a decoder.
        settings: Settings of a readout or learner, fixed beforehand.
        summary: What it is, in one line.
        paper: Authors and year of its source.
        deterministic: Whether a readout or learner makes no random choice where all training images have their label,
            so that one run on all of them is enough.

    Raises:
        UserError: If the name is taken or cannot be one, or the function cannot be called like this.
    """
    given: dict[Kind, Any] = {
        "method": method,
        "readout": readout,
        "learner": learner,
        "dataset": dataset,
        "network": network,
    }
    kinds = [kind for kind, function in given.items() if function is not None]
    if len(kinds) != 1:
        got = " and ".join(f"`{kind}`" for kind in kinds) or "none of them"
        raise UserError(f"`name`: {name!r}: register one of {', '.join(f'`{kind}`' for kind in given)}: got {got}")
    (kind,) = kinds
    function = given[kind]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UserError(f"`name`: {name!r} is not a name; use letters, digits, '-', '_' and '.', as in my-{kind}")
    if not callable(function):
        raise UserError(f"`{kind}`: {name} must be a function, got {type(function).__name__}")
    if kind not in ("readout", "learner") and (settings or deterministic):
        argument = "settings" if settings else "deterministic"
        raise UserError(
            f"`{argument}` belongs to readouts and learners, and {name} is a {IN_WORDS[kind]}: leave it out"
        )
    if not is_loading():
        load_installed()  # whose names are taken
    new = Registered(kind, name, function, origin_of(function), summary, paper, dict(settings or {}), deterministic)
    _check_call(new)
    _check_name(new)
    REGISTERED[kind, name] = new


def _check_call(new: Registered) -> None:
    """Check that a function can be called as it will be, as far as its signature tells."""
    by_name: dict[Kind, tuple[str, ...]] = {
        "method": ("channels", "image_size", "latent_dim", "networks"),
        "dataset": ("data_dir",),
        "network": ("channels", "image_size", "code"),
    }
    try:
        signature = inspect.signature(new.function)
        inputs = max(1, min(2 if new.kind == "learner" else 1, count_inputs(new))) if new.kind not in by_name else 0
        signature.bind(*(None,) * inputs, **dict.fromkeys(by_name.get(new.kind, tuple(new.settings))))
    except (TypeError, ValueError) as error:
        wanted = {
            "readout": "a sample, and the settings by name",
            "learner": "a sample, a pretrained autoencoder if it starts from one, and the settings by name",
        }
        takes = wanted.get(new.kind) or f"{', '.join(by_name[new.kind])} by name"
        raise UserError(f"`{new.kind}`: {new.name} must take {takes}: {error}") from error


def _check_name(new: Registered) -> None:
    """Check that nothing else has the name, nor that of one of its contenders."""
    before = REGISTERED.get((new.kind, new.name))
    if new.name in _BUILT_IN[new.kind]:
        raise UserError(f"`name`: {new.name} is the name of a built-in {IN_WORDS[new.kind]}: choose another")
    if before is not None and before.origin.distribution != new.origin.distribution:
        raise UserError(f"`name`: {new.name} is the name of {before.title} already: choose another")
    others = [each for key, each in REGISTERED.items() if key != (new.kind, new.name)]
    counts = Counter([*CONTENDERS, *(name for name, _ in combine([*others, new]))])
    clash = next((name for name, count in counts.items() if count > 1), None)
    if clash is not None:
        raise UserError(f"`name`: {new.name}: there is a contender {clash} already: choose another name")
