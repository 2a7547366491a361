"""One row of a table: a representation with a readout, or a learner, with its fixed settings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from torch import Tensor

from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.protocols.readouts.sample import Predictor
from ssl_irmae.protocols.storage.rows import PluginUsed

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
"""Kinds of readout and learner, which figures draw differently."""


@dataclass(frozen=True)
class Contender:
    """One row of a table.

    Args:
        readout: Id of the readout or learner in stored rows. It is part of every trial's identity: it stays the same
            when the function is renamed, and a new id means new trials.
        fit: Called with a sample, the pretrained autoencoder if the contender starts from one (from several encoders:
            their codes of the unlabelled images side by side), and the settings; returns a predictor. With ``several``
            it is called with a list of samples and returns a list.
        reads: What the readout is given: a frozen encoder's ``"code"`` or ``"features"``, or ``"images"``.
        settings: Settings fixed beforehand, which ``fit`` is passed by name.
        family: Kind of readout or learner.
        summary: What it does, in one line.
        paper: Authors and year of its source; empty for common knowledge.
        software: Packages whose version can change a bit of the predictions. Only these count in a trial's identity.
        representation: A pretraining method, the name of a user's encoder, ``"fused"`` for several methods at once,
            ``"pixels"``, ``"pca"`` or ``"random"``; None for learning from scratch.
        deterministic_at_full_set: Whether it makes no random choice on the full training set, so that repeating it
            there shows nothing.
        draws_unlabelled: Whether it draws unlabelled images at random, so that it makes a random choice on the full set
            too where some training images have no label.
        fresh_encoder: Whether it initialises an encoder of the run's family of networks.
        reads_unlabelled: Whether it reads codes of unlabelled images. If not, these are not computed for it where the
            scale of all codes is known.
        transductive: Whether it sees the scored images, without their labels, before it predicts them.
        test_peeks: How often the scored labels are read. Above 1, ``fit`` yields that many predictors, and the one that
            is best on the scored labels counts. That leaks; it is what the public reference script does, and is here
            for comparison.
        takes_metric_loss: Whether ``metric_loss`` is one of its settings.
        several: Whether ``fit`` takes several samples at once, which share everything but labels and seed; this is
            faster. No predictor may depend on the other samples in the list.
        cross_validated: Names of the settings that it chooses inside the labelled subset where that is large enough.
        settings_from: Where the settings come from: held-out development images, the public reference script, or the
            author of a plug-in.
        given: Names of the settings that were chosen for this run, instead of the fixed ones.
        note: What a reader of the table needs to know about the readout, as a clause; may be empty.
        revision: Version of the code, raised when a change alters what a trial predicts, so that older trials are not
            mistaken for new ones; a function of the labels of the subset, int64 (m,), where a change altered some
            trials and the others stay valid.
        plugin: What it is of, if it was registered from outside.
    """

    readout: str
    fit: Callable[..., Any]
    reads: Reads | Literal["images"]
    settings: Mapping[str, Setting]
    family: Family = "other"
    summary: str = ""
    paper: str = ""
    software: tuple[str, ...] = ("torch", "numpy", "scipy", "scikit-learn", "pytorch-metric-learning")
    representation: str | None = None
    deterministic_at_full_set: bool = False
    draws_unlabelled: bool = False
    fresh_encoder: bool = False
    reads_unlabelled: bool = True
    transductive: bool = False
    test_peeks: int = 1
    takes_metric_loss: bool = False
    several: bool = False
    cross_validated: tuple[str, ...] = ()
    settings_from: Literal["development images", "published script", "plug-in"] = "development images"
    given: tuple[str, ...] = ()
    note: str = ""
    revision: int | Callable[[Tensor], int] = 1
    plugin: PluginUsed | None = None

    @property
    def frozen(self) -> bool:
        """Whether the encoder is used as it is, so that images are encoded once for all trials."""
        return self.reads != "images"

    def revision_for(self, labels: Tensor) -> int:
        """Return the version of what is predicted from these labels of a subset, int64 (m,)."""
        return self.revision(labels) if callable(self.revision) else self.revision

    def with_settings(self, **settings: Setting) -> "Contender":
        """Return the contender with other settings, noting those that differ from the fixed ones."""
        changed = tuple(name for name, value in settings.items() if self.settings.get(name) != value)
        return replace(self, settings={**self.settings, **settings}, given=(*self.given, *changed))

    def with_steps(self, steps: int | None) -> "Contender":
        """Return the contender with that many optimiser steps; None, and heads on frozen codes, keep their own."""
        return self if steps is None or self.frozen or "steps" not in self.settings else self.with_settings(steps=steps)

    def fit_all(self, samples: Sequence[Any], start: Any) -> Sequence[Predictor | Iterator[Predictor]]:
        """Fit several samples; return for each a predictor or, if ``test_peeks`` exceeds 1, an iterator of them."""
        starts = () if self.frozen or self.representation is None else (start,)
        if self.several:
            fitted: Sequence[Predictor] = self.fit(samples, *starts, **self.settings)
            return fitted
        return [self.fit(sample, *starts, **self.settings) for sample in samples]
