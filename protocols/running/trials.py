"""What is run: a specification, and the trials it stands for."""

import hashlib
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from ssl_irmae._support.compute import Precision
from ssl_irmae.protocols.representations.pretrained import PretrainedEncoder
from ssl_irmae.protocols.subsets import Rule, Subset, draw_subset
from ssl_irmae.protocols.task import Data, ScoredOn


class Part(BaseModel):
    """Contenders that share budgets and seeds.

    Args:
        contenders: By name.
        budgets: Numbers of labels; None stands for all.
        seeds: One subset and one training seed each.
        steps: Optimiser steps of every network trained end to end; None leaves the contenders' own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    contenders: tuple[str, ...]
    budgets: tuple[int | None, ...]
    seeds: tuple[int, ...]
    steps: int | None = None


class Spec(BaseModel):
    """What a protocol runs, apart from data.

    Args:
        parts: What is run at which budgets, over which seeds; run in this order.
        rule: How subsets are drawn.
        scored_on: Test images, or training images held out for tuning.
        precision: Arithmetic of networks that are trained.
        device: Where they are trained.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    parts: tuple[Part, ...]
    rule: Rule
    scored_on: ScoredOn
    precision: Precision
    device: str


class Trial(BaseModel):
    """A cell of the grid: everything that its row depends on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    contender: str
    budget: int
    seed: int
    subset: str
    rule: str
    reads: str
    readout: str
    settings: dict[str, int | float | str]
    encoder: str | None
    encoder_hash: str | None
    data_fingerprint: str
    scored_fingerprint: str
    scored_on: str
    precision: str
    device: str
    computed_with: str
    transductive: bool
    pretrain_seed: int | None
    looks: int

    @property
    def key(self) -> str:
        """SHA-256 over every field but names: a contender or encoder that is renamed is not run again."""
        return hashlib.sha256(self.model_dump_json(exclude={"contender", "encoder"}).encode()).hexdigest()


def draw_subsets(part: Part, rule: Rule, data: Data) -> list[list[Subset]]:
    """Draw every labelled subset of a part: for each budget, once, one a seed.

    Raises:
        UserError: If a budget cannot be met.
    """
    assert data.train.labels is not None  # load_data has seen to it
    labels = data.train.labels.numpy()
    budgets = dict.fromkeys(len(labels) if budget is None else budget for budget in part.budgets)
    return [
        [
            draw_subset(labels, fingerprint=data.train.fingerprint, budget=budget, seed=seed, rule=rule)
            for seed in part.seeds
        ]
        for budget in budgets
    ]


class Cell(NamedTuple):
    """A trial with what it needs.

    Args:
        trial: Everything that its row depends on.
        subset: Its labelled images.
        encoder: The pretrained encoder, if there is one.
    """

    trial: Trial
    subset: Subset
    encoder: PretrainedEncoder | None
