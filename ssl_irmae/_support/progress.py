"""Events that long work reports while it runs, for a listener to show or to ignore."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """Something that a person should know.

    Args:
        text: One sentence.
    """

    text: str


@dataclass(frozen=True)
class Waiting:
    """Another process is doing what this one needs, and this one waits for it.

    Args:
        what: What the other process is doing, such as ``"fetching mnist"``.
        seconds: How long this one has waited.
    """

    what: str
    seconds: float


@dataclass(frozen=True)
class Fetched:
    """How much of a file has been fetched; the first event of a file has ``done`` 0.

    Args:
        what: Name of the file.
        done: Bytes fetched so far.
        total: Size of the file in bytes; 0 if the server does not state it.
    """

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class Pretrained:
    """How far a pretraining run has got.

    Args:
        step: Optimiser steps taken, including those of earlier sessions.
        first_step: Steps taken before this session.
        total_steps: Steps to take altogether.
        epoch: The current epoch, or with ``epoch_done`` the one that has just ended; the first is 1.
        epoch_done: Whether an epoch has just ended.
        loss: Mean training loss of this epoch so far.
        recent_loss: Mean training loss of the steps since the last event.
        effective_rank: Effective rank of the code when last measured; None before the first measurement.
        images_per_second: Speed since the last event, in what ``noun`` names.
        seconds_left: Estimated time left.
        on_plateau: Whether reconstructions, after hundreds of steps, are still no better than the mean picture.
        noun: What it learns from: ``"image"`` or ``"row"``.
    """

    step: int
    first_step: int
    total_steps: int
    epoch: int
    epoch_done: bool
    loss: float
    recent_loss: float
    effective_rank: float | None
    images_per_second: float
    seconds_left: float
    on_plateau: bool = False
    noun: str = "image"


@dataclass(frozen=True)
class TrialDone:
    """A trial of a protocol has a result.

    Args:
        contender: Name of the contender.
        budget: Number of labels.
        error: Error in percent.
        done: Number of trials that have a result.
        total: Number of trials altogether.
        group_mean: Mean error in percent of this contender at this budget, once all its trials there are done; None
            before.
        group_size: What that mean is over, the n of tables: of folds, one for every division; 0 before.
    """

    contender: str
    budget: int
    error: float
    done: int
    total: int
    group_mean: float | None
    group_size: int


@dataclass(frozen=True)
class EncodersDone:
    """How many encoders of a study have been pretrained and measured; it also comes while none has finished.

    Args:
        done: Number of encoders that have.
        total: Number of encoders to pretrain and measure.
        latest: What finished last, in a few words; empty if nothing has.
        new: Whether it has finished since the last event.
        seconds_left: Estimated time left; None until an encoder has finished.
    """

    done: int
    total: int
    latest: str
    new: bool
    seconds_left: float | None


Event = Message | Waiting | Fetched | Pretrained | TrialDone | EncodersDone
Listener = Callable[[Event], None]
"""Called with every event, at a point where work can stop without loss: it may raise ``KeyboardInterrupt``."""


def silent(event: Event) -> None:
    """Ignore an event."""
