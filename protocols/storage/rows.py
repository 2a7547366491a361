"""A finished trial: its row, and what is kept beside it."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field


class Row(BaseModel):
    """One trial: one contender on one subset. The same trial gives the same row, bit for bit.

    Args:
        contender: Its name.
        budget: Number of labels.
        seed: Of the subset and of the learner.
        error: Percent of the scored images that were classified wrongly.
        n_scored: How many images that was over.
        scored_on: ``"test"``, or ``"development"`` for training images held out for tuning.
        rule: How the labelled subset was drawn.
        subset: SHA-256 of the labelled indices, which the store keeps.
        predictions: SHA-256 of the predicted labels.
        dataset: Its name.
        data_fingerprint: Of the training images and labels.
        scored_fingerprint: Of the scored images and labels.
        encoder: Name of the pretrained encoder, if there is one.
        encoder_hash: Of its weights and architecture.
        reads: What the readout was given: ``"code"``, ``"features"`` or ``"images"``.
        readout: Which.
        settings: Its fixed settings.
        precision: Arithmetic of networks that were trained.
        device: Where.
        computed_with: Versions of software, and the number of threads: what can change a bit.
        transductive: Whether the readout looked at the scored images, without labels, before it predicted them.
        pretrain_seed: Seed of the encoder's pretraining, if there is an encoder and it tells.
        looks: How often the scored labels were looked at; above 1 the error is the smallest of so many, which leaks.
        pretraining: How the encoder was pretrained, in words without the seed, if there is one and its card tells.
        quick: Whether that was a few steps on the spot.
        classes_predicted: How many classes the predictions hold: 1 tells of training that never got going or diverged.
            None in rows from before this was kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    contender: str
    budget: int = Field(ge=1)
    seed: int
    error: float = Field(ge=0, le=100, allow_inf_nan=False)
    n_scored: int = Field(ge=1)
    scored_on: str
    rule: str
    subset: str
    predictions: str
    dataset: str
    data_fingerprint: str
    scored_fingerprint: str
    encoder: str | None
    encoder_hash: str | None
    reads: str
    readout: str
    settings: dict[str, int | float | str]
    precision: str
    device: str
    computed_with: str
    transductive: bool = False
    pretrain_seed: int | None = None
    looks: int = 1
    pretraining: str | None = None
    quick: bool = False
    classes_predicted: int | None = None


@dataclass(frozen=True)
class Kept:
    """A trial as the store has it.

    Args:
        row: Its row.
        seconds: That fitting and predicting took, by the clock on the wall; NaN if not known.
        finished: When it was scored, UTC, ISO 8601 to the second; empty if not known.
        environment: Where it was computed, as ``describe_environment`` tells it.
        wrong: Which scored images were classified wrongly, as ``numpy.packbits`` packs it; empty if not known.
    """

    row: Row
    seconds: float
    finished: str
    environment: dict[str, object]
    wrong: bytes = b""


def mistakes(trials: Iterable[Kept]) -> dict[str, bytes]:
    """Collect which scored images were wrong, by the hash of a row's predictions, as far as it is known."""
    return {kept.row.predictions: kept.wrong for kept in trials if kept.wrong}
