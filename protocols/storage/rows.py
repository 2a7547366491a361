"""A trial and its outcome as plain data; tables, figures and statistics are functions of these."""

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

IDENTITY = 1
"""Version of :meth:`Trial.identity`. A store of another version computes its keys anew before it looks one up."""

_LONGEST = 1e10  # seconds, three hundred years; sums of these are finite


class Pretraining(BaseModel):
    """How an encoder was pretrained, apart from the seed; None where its card does not record it.

    Args:
        method: Name of the method, such as ``"irmae"``.
        depth: Number of linear layers in its stack; None for methods without one.
        steps: Number of optimiser steps.
        batch_size: Images per step.
        learning_rate: Learning rate.
        precision: Arithmetic of the networks.
        optimizer: What took the steps, where it is not Adam.
        network: Family of the networks, where it is not the usual one.
        strength: How much the method does, where it is not its usual strength.
        variant: What is different in its linear layers, if anything.
        init: Initial weights of its linear layers, where they are not the usual ones.
        other_data: None if it was pretrained on the training images of the trial; otherwise the first 12 digits of
            the fingerprint of the data that its card names, or an empty string if it does not name any.
        times_worse: How many times worse it reconstructs the training images of the trial than the images of its own
            pretraining, if they differ in kind; None if they do not, or it is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    method: str
    depth: int | None = None
    steps: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    precision: str | None = None
    optimizer: str | None = None
    network: str | None = None
    strength: float | None = None
    variant: str | None = None
    init: str | None = None
    other_data: str | None = None
    times_worse: float | None = None

    def __str__(self) -> str:
        return self.in_words("image")

    def in_words(self, noun: str) -> str:
        """Describe it, where one of its data is an image or a row."""
        parts = [self.method + ("" if self.depth is None else f" of depth {self.depth}")]
        parts += [] if self.strength is None else [f"strength {self.strength:g}"]
        parts += [] if self.variant is None else [f"layers {self.variant}"]
        parts += [] if self.init is None else [f"{self.init} start"]
        parts += [] if self.network is None else [f"networks {self.network}"]
        if self.steps is not None:
            parts += [f"{self.steps:,} steps" + ("" if self.batch_size is None else f" of {self.batch_size} {noun}s")]
            parts += [] if self.optimizer is None else [self.optimizer]
            parts += [] if self.learning_rate is None else [f"learning rate {self.learning_rate:g}"]
            parts += [] if self.precision is None else [self.precision]
        text = ", ".join(parts)
        if self.other_data is None:
            return text
        card = f"names other data ({self.other_data})" if self.other_data else "does not name its data"
        text = f"{text}; its card {card}"
        if self.times_worse is None:
            return text
        return f"{text}, and it reconstructs these {noun}s {self.times_worse:.0f} times worse than its own"


class PluginUsed(BaseModel):
    """Something registered from outside that took part in a trial.

    Args:
        kind: What it is, as an argument of ``register``.
        name: Its name.
        distribution: The installed distribution that registered it; None for a notebook or a script.
        version: Version of the distribution.
        source: SHA-256 of its code.
        unseen: Names of what its code refers to and the hash does not cover.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["method", "readout", "learner", "dataset", "network"]
    name: str
    distribution: str | None = None
    version: str | None = None
    source: str
    unseen: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """The distribution and its version, or what else registered it."""
        return "a notebook or a script" if self.distribution is None else f"{self.distribution} {self.version}"


class Trial(BaseModel):
    """One contender on one labelled subset: everything that its outcome depends on, and facts about it.

    Args:
        contender: Name of the contender.
        budget: Number of labels; at all labels but those of a fold, of folds that differ by one, the smaller number.
        seed: Seed of the labelled subset and of the learner, and of the folds.
        subset: SHA-256 of the labelled indices, which the store keeps.
        rule: How the labelled subset was drawn.
        dataset: Name of the data set.
        data_fingerprint: Fingerprint of the training images and labels.
        scored_fingerprint: Fingerprint of the scored images and labels.
        scored_on: ``"test"``; ``"development"`` for training images held out for tuning; or ``"folds"`` for folds of
            the labelled training images.
        chosen_on: What typical images were chosen on: SHA-256 of a pretrained encoder, or the name of a floor; None
            where the subset was drawn.
        fold: The fold that is scored, from 0, of the seed's division into folds; None without folds.
        folds: How many folds there are, which follows from the data.
        noun: What one of the data is called, which follows from the data: ``"image"`` or ``"row"``.
        readout: Id of the readout or learner, as in the registry of contenders.
        reads: What the readout is given: ``"code"``, ``"features"`` or ``"images"``.
        settings: Settings of the readout or learner.
        given: Names of the settings that were chosen for this run, instead of the fixed ones.
        cross_validated: Names of the settings that are chosen inside the labelled subset where it is large enough.
        settings_from: Where the fixed settings come from: ``"development images"``, ``"published script"``, or
            ``"plug-in"`` for those of the author of a plug-in.
        family: Kind of readout or learner.
        deterministic_at_full_set: Whether it makes no random choice on the full training set.
        transductive: Whether it saw the scored images, without labels, before it predicted them.
        test_peeks: How often the scored labels were read; above 1 the error is the smallest of that many: a leak.
        revision: Version of the contender's code.
        representation: The pretrained encoder, the name of codes that were not made here, ``"pixels"``, ``"pca"`` or
            ``"random"``; None for learning from scratch.
        encoder_hash: SHA-256 of a pretrained encoder's weights and architecture, or of the numbers of codes that were
            not made here; None without either.
        pretrain_seed: Seed of the encoder's pretraining, if its card records one.
        pretraining: How the encoder was pretrained.
        quick: Whether it was pretrained for a few steps on the spot.
        network: Family of the networks that are initialised for the trial, where it is not the usual one; None
            otherwise, and where no network of a family is.
        codes_from: Where codes that were not made here come from, such as the name of a file; None for all others.
        plugins: What took part that was registered from outside.
        precision: Arithmetic of the network that is trained; ``"fp32"`` for frozen codes.
        device: Where the trial ran.
        threads: Number of threads, which can change how sums are rounded.
        software: Version by package, of the packages that can change a bit of the predictions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    contender: str
    budget: int = Field(ge=1, lt=2**63)
    seed: int
    subset: str
    rule: str
    dataset: str
    data_fingerprint: str
    scored_fingerprint: str
    scored_on: str
    chosen_on: str | None = None
    fold: int | None = None
    folds: int | None = None
    noun: Literal["image", "row"] = "image"
    readout: str
    reads: str
    settings: dict[str, int | float | str]
    given: tuple[str, ...] = ()
    cross_validated: tuple[str, ...] = ()
    settings_from: Literal["development images", "published script", "plug-in"] = "development images"
    family: str = "other"
    deterministic_at_full_set: bool = False
    transductive: bool = False
    test_peeks: int = 1
    revision: int = 1
    representation: str | None = None
    encoder_hash: str | None = None
    pretrain_seed: int | None = None
    pretraining: Pretraining | None = None
    quick: bool = False
    network: str | None = None
    codes_from: str | None = None
    plugins: tuple[PluginUsed, ...] = ()
    precision: str
    device: str
    threads: int
    software: dict[str, str]

    @property
    def one_subset(self) -> bool:
        """Whether every seed has the same labels: all of them, or the first ones. Folds leave others for each."""
        return self.rule in ("full", "first") and self.folds is None

    @property
    def computed_with(self) -> str:
        """The versions of the software that computed it and the number of threads, in one line."""
        return ", ".join([*(f"{name} {version}" for name, version in self.software.items()), f"{self.threads} threads"])

    @property
    def code_of_plugins(self) -> list[list[str | None]]:
        """The code from outside that the outcome depends on; of a data set, the images say whatever code does."""
        code = [[p.kind, p.distribution, p.version, p.source] for p in self.plugins if p.kind != "dataset"]
        return sorted(code, key=json.dumps)

    @property
    def needs_session(self) -> bool:
        """Whether its encoder takes what a notebook or a script registered, which another process does not know."""
        return any(p.kind in ("method", "network") and p.distribution is None for p in self.plugins)

    @property
    def settings_author(self) -> str | None:
        """The plug-in whose author fixed the settings; None where they are ours, or of the public script."""
        if self.settings_from != "plug-in":
            return None
        return next((plugin.origin for plugin in self.plugins if plugin.kind in ("readout", "learner")), None)

    def identity(self) -> dict[str, object]:
        """Return what distinguishes this trial from others, without names: after a renaming nothing has to run again.

        The keys are those of the first version, whatever the fields are called today. A field that is added later
        becomes part of the identity only where it is not at its default, so that stored trials keep theirs.
        """
        identity: dict[str, object] = {
            "budget": self.budget,
            "seed": self.seed,
            "subset": self.subset,
            "rule": self.rule,
            "reads": self.reads,
            "readout": self.readout,
            "settings": dict(sorted(self.settings.items())),
            # a representation without weights is a function of the training images, so its name identifies it
            "encoder_hash": self.encoder_hash or self.representation,
            "data_fingerprint": self.data_fingerprint,
            "scored_fingerprint": self.scored_fingerprint,
            "scored_on": self.scored_on,
            "precision": self.precision,
            "device": self.device,
            "computed_with": self.computed_with,
            "transductive": self.transductive,
            "pretrain_seed": self.pretrain_seed,
            "looks": self.test_peeks,
        }
        if self.revision != 1:
            identity["revision"] = self.revision
        if self.chosen_on is not None:
            identity["chosen_on"] = self.chosen_on
        if self.fold is not None:
            identity["fold"] = self.fold
        if self.network is not None:
            identity["network"] = self.network
        if self.code_of_plugins:
            identity["plugins"] = self.code_of_plugins
        return identity

    @property
    def key(self) -> str:
        """SHA-256 of the identity, under which a store keeps the trial."""
        return hashlib.sha256(json.dumps(self.identity(), separators=(",", ":")).encode()).hexdigest()


_Percent = Annotated[float, Field(ge=0, le=100)]


class Row(Trial):
    """A trial with its outcome. The same trial gives the same row, bit for bit.

    Args:
        error: Percentage of the scored images that were classified wrongly.
        n_scored: Number of scored images.
        predictions: SHA-256 of the predicted labels.
        classes_predicted: Number of classes among the predictions: 1 shows training that never got going or diverged.
            None in rows from before this was recorded.
        classes_labelled: Number of classes in the labelled subset: from 1 nothing can be learned. None, like
            all that follows, in older rows.
        scored_classes: Number of scored images of each class, by the name of the class.
        class_errors: Percentage of each class's scored images that were classified wrongly, in that order; None for a
            class without scored images.
        balanced_error: Mean of these, percent.
        constant_error: Error of always guessing the most common class of the scored images, percent.
        trouble: What solvers and training reported about not having converged, each in a few words.
    """

    error: _Percent
    n_scored: int = Field(ge=1)
    predictions: str
    classes_predicted: int | None = None
    classes_labelled: int | None = None
    scored_classes: dict[str, int] | None = None
    class_errors: tuple[_Percent | None, ...] | None = None
    balanced_error: _Percent | None = None
    constant_error: _Percent | None = None
    trouble: tuple[str, ...] | None = None


@dataclass(frozen=True)
class FinishedTrial:
    """A trial as a store has it.

    Args:
        row: The trial and its outcome.
        seconds: Wall-clock time of fitting and predicting; NaN if not known.
        finished: When it was scored, UTC, ISO 8601 to the second; empty if not known.
        environment: Where it was computed, as ``describe_environment`` records it.
        wrong: Which scored images were classified wrongly, packed by ``numpy.packbits``; empty if not known. Of a fold,
            other images count as right.

    Raises:
        ValueError: If the seconds are no duration.
    """

    row: Row
    seconds: float
    finished: str
    environment: dict[str, object]
    wrong: bytes = b""

    def __post_init__(self) -> None:
        if not (math.isnan(self.seconds) or 0 <= self.seconds < _LONGEST):
            raise ValueError(f"seconds: {self.seconds:g} is not a duration")


def mistakes(trials: Iterable[FinishedTrial]) -> dict[str, bytes]:
    """Collect which scored images were wrong, by the hash of a row's predictions, where it is known."""
    return {trial.row.predictions: trial.wrong for trial in trials if trial.wrong}
