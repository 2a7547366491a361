"""One row of a table: a representation with a readout, or a learner, with its fixed settings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ssl_irmae.protocols.readouts.sample import Predictor

Reads = Literal["code", "features", "images"]
Setting = int | float | str
Family = Literal[
    "linear",
    "mlp",
    "neighbours",
    "graph",
    "network, labels only",
    "network, reconstruction",
    "network, pseudo-labels",
    "network, bottleneck",
    "other",
]
"""Kinds of readout and learner that figures tell apart."""


@dataclass(frozen=True)
class Contender:
    """One row of a table.

    Args:
        readout: Identifies the readout or learner in stored rows. It is part of every trial's identity, so it stays
            the same when the function is renamed, and a new one means new trials.
        fit: Called with a sample, the pretrained autoencoder if the contender starts from one, and the settings;
            returns a predictor. With ``several`` it is called with a list of samples and returns a list.
        reads: What the readout is given: a frozen encoder's ``"code"`` or ``"features"``, or ``"images"``.
        settings: Fixed beforehand, passed by name.
        family: Which kind of readout or learner it is.
        summary: What it does, in one line.
        paper: Where it comes from: authors and year; empty for what is common knowledge.
        software: Distributions whose version can change a bit of the predictions. Only these count in a trial's
            identity.
        representation: A pretraining method, the name of a user's encoder, ``"pixels"``, ``"pca"`` or ``"random"``;
            None for learning from scratch.
        deterministic_at_full_set: Whether repeating it on the full training set shows nothing, as it makes no random
            choice there.
        transductive: Whether it looks at the scored images, without their labels, before it predicts them.
        test_peeks: Above 1, ``fit`` yields that many predictors and the best on the scored labels counts. That leaks;
            it is what the public reference script does, and is there for comparison.
        takes_metric_loss: Whether ``metric_loss`` is one of its settings.
        several: Whether ``fit`` takes samples that share everything but labels and seed all at once, which is faster.
            No predictor may depend on what else is in the list.
        cross_validated: Settings that it chooses inside the labelled subset where that is large enough.
        settings_from: Where the settings come from: held-out development images, or the public reference script.
        given: Settings that this run was asked for, instead of the fixed ones.
        note: What a reader of the table has to know about the readout, as a clause; may be empty.
        revision: Raised when the code changes what a trial predicts, so that older trials are not taken for it.
    """

    readout: str
    fit: Callable[..., Any]
    reads: Reads
    settings: Mapping[str, Setting]
    family: Family = "other"
    summary: str = ""
    paper: str = ""
    software: tuple[str, ...] = ("torch", "numpy", "scipy", "scikit-learn", "pytorch-metric-learning")
    representation: str | None = None
    deterministic_at_full_set: bool = False
    transductive: bool = False
    test_peeks: int = 1
    takes_metric_loss: bool = False
    several: bool = False
    cross_validated: tuple[str, ...] = ()
    settings_from: Literal["development images", "published script"] = "development images"
    given: tuple[str, ...] = ()
    note: str = ""
    revision: int = 1

    @property
    def frozen(self) -> bool:
        """Whether the encoder is used as it is, so that images are encoded once for all trials."""
        return self.reads != "images"

    def with_settings(self, **settings: Setting) -> "Contender":
        """Return the contender with other settings, noting those that differ from the fixed ones."""
        changed = tuple(name for name, value in settings.items() if self.settings.get(name) != value)
        return replace(self, settings={**self.settings, **settings}, given=(*self.given, *changed))

    def with_steps(self, steps: int | None) -> "Contender":
        """Return the contender with that many optimiser steps; None, and heads on frozen codes, keep their own."""
        return self if steps is None or self.frozen else self.with_settings(steps=steps)

    def fit_all(self, samples: Sequence[Any], autoencoder: Any) -> Sequence[Predictor | Iterator[Predictor]]:
        """Fit several samples: a predictor for each, or for each an iterator over predictors (``test_peeks``)."""
        start = () if self.frozen or self.representation is None else (autoencoder,)
        if self.several:
            fitted: Sequence[Predictor] = self.fit(samples, *start, **self.settings)
            return fitted
        return [self.fit(sample, *start, **self.settings) for sample in samples]
