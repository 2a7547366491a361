"""The contenders of plug-ins: readouts and learners that were registered, and ours on the encoders of their methods."""

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.errors import UserError, describe_exception
from ssl_irmae.plugins.lookup import registered
from ssl_irmae.plugins.registered import Registered
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.fused import FUSED
from ssl_irmae.protocols.contenders.registry import CONTENDERS, contenders_of
from ssl_irmae.protocols.predictors.registry import is_kept_form
from ssl_irmae.protocols.readouts.sample import Predictor, Sample
from ssl_irmae.protocols.storage.rows import PluginUsed

_SINGLE = [c for c in CONTENDERS.values() if c.representation not in (None, *FUSED)]
_READ: dict[tuple[str, Reads], None] = {(str(c.representation), c.reads): None for c in _SINGLE if c.reads != "images"}
_STARTS = tuple(dict.fromkeys(str(c.representation) for c in _SINGLE if not c.frozen))


def contenders_of_plugins(encoders: Iterable[str] = (), codes: Iterable[str] = ()) -> dict[str, Contender]:
    """Return every contender that a plug-in has a part in, by name, after loading installed plug-ins.

    A readout is on whatever ours are on; a learner starts from every pretrained encoder or, if it takes none, from
    nothing; and the encoder of a method has all contenders of a pretrained encoder.

    Args:
        encoders: Names of the user's encoders.
        codes: Names of codes that were not made here, which have readouts alone.
    """
    plugins = [*registered("method").values(), *registered("readout").values(), *registered("learner").values()]
    return dict(combine(plugins, encoders, codes))


def combine(
    plugins: Iterable[Registered], encoders: Iterable[str] = (), codes: Iterable[str] = ()
) -> Iterator[tuple[str, Contender]]:
    """Yield the name of every contender that some plug-ins have a part in, and the contender.

    Args:
        plugins: Methods, readouts and learners; others have no contenders.
        encoders: Names of the user's encoders.
        codes: Names of codes that were not made here.
    """
    plugins = tuple(plugins)
    methods = [each.name for each in plugins if each.kind == "method"]
    pretrained = dict.fromkeys((*methods, *encoders))
    read = {**_READ, **{(name, reads): None for name in pretrained for reads in ("code", "features")}}
    read |= {(name, "code"): None for name in codes}
    for method in methods:
        yield from contenders_of(method).items()
    for each in plugins:
        if each.kind == "readout":
            for name, reads in read:
                contender = replace(_contender(each, reads), representation=name)
                yield f"{name}{'-features' * (reads == 'features')}-{each.name}", contender
        elif each.kind == "learner" and starts_from_encoder(each):
            for name in dict.fromkeys((*_STARTS, *pretrained)):
                yield f"{name}-{each.name}", replace(_contender(each, "images"), representation=name)
        elif each.kind == "learner":
            yield each.name, replace(_contender(each, "images"), fresh_encoder=True)


def starts_from_encoder(learner: Registered) -> bool:
    """Return whether a learner takes a pretrained autoencoder after the sample."""
    return count_inputs(learner) > 1


def count_inputs(plugin: Registered) -> int:
    """Count what a readout or learner is given by position: its parameters that are not settings."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(plugin.function).parameters.values()
    return sum(p.kind in positional and p.default is p.empty and p.name not in plugin.settings for p in parameters)


def as_used(plugin: Registered) -> PluginUsed:
    """Return what rows record of a plug-in."""
    origin = plugin.origin
    return PluginUsed(
        kind=plugin.kind,
        name=plugin.name,
        distribution=origin.distribution,
        version=origin.version,
        source=origin.source,
        unseen=origin.unseen,
    )


def _contender(plugin: Registered, reads: Any) -> Contender:
    return Contender(
        plugin.name,
        _Guarded(plugin.title, plugin.function),
        reads,
        plugin.settings,
        summary=plugin.summary,
        paper=plugin.paper,
        deterministic_at_full_set=plugin.deterministic,
        settings_from="plug-in",
        plugin=as_used(plugin),
    )


@dataclass(frozen=True)
class _Guarded:
    """A readout or learner of a plug-in, held to its contract."""

    title: str
    function: Any

    def __call__(self, sample: Sample, *start: object, **settings: object) -> Predictor:
        try:
            predictor: object = self.function(sample, *start, **settings)
        except UserError:
            raise
        except Exception as error:  # the code is not ours, and may raise anything
            raise UserError(f"{self.title} fails ({describe_exception(error)})") from error
        if not callable(predictor):
            raise UserError(
                f"{self.title} must return a function from inputs to classes, got {type(predictor).__name__}"
            )
        return predictor if is_kept_form(predictor) else _GuardedPredictor(self.title, predictor)


@dataclass(frozen=True)
class _GuardedPredictor:
    """What it returns, held to the contract of predictors."""

    title: str
    predictor: Any

    def __call__(self, inputs: Tensor) -> Tensor:
        try:
            predicted: object = self.predictor(inputs)
        except UserError:
            raise
        except Exception as error:  # the code is not ours, and may raise anything
            raise UserError(f"{self.title} fails where it predicts ({describe_exception(error)})") from error
        if not isinstance(predicted, Tensor) or predicted.dtype != torch.int64 or predicted.shape != inputs.shape[:1]:
            got = type(predicted).__name__
            if isinstance(predicted, Tensor):
                got = f"{str(predicted.dtype).removeprefix('torch.')} of shape {tuple(predicted.shape)}"
            raise UserError(f"{self.title} must predict int64 classes of shape ({len(inputs)},), got {got}")
        return predicted.cpu()
