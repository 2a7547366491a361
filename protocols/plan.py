"""What a protocol runs, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from ssl_irmae._support.compute import Precision
from ssl_irmae.datasets.registry import Dataset
from ssl_irmae.protocols.budgets import Budget
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.representations.codes_file import CodesFile
from ssl_irmae.protocols.subsets import Rule
from ssl_irmae.protocols.task import ScoredOn


class Part(BaseModel):
    """Contenders that share budgets and seeds.

    Args:
        contenders: Their names.
        budgets: Numbers of labels; ``"1%"`` and ``"5/class"`` depend on the data; None means all.
        seeds: One subset and one training seed each.
        steps: Optimiser steps of every network trained end to end; None keeps the contenders' own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    contenders: tuple[str, ...]
    budgets: tuple[Budget, ...]
    seeds: tuple[int, ...]
    steps: int | None = None


@dataclass(frozen=True)
class Plan:
    """What is run, on what and how.

    Args:
        parts: Contenders, budgets and seeds; run in this order.
        contenders: By name, every one that is run.
        baseline: The contender that differences are taken to.
        dataset: A name, a path to the user's images, or arrays; or codes with labels, of which there are no images.
        rule: How subsets are drawn.
        chosen_on: Name of the representation that typical images are chosen on; None where subsets are drawn.
        scored_on: Test images, held-out training images or folds of these; None prefers test images.
        precision: Arithmetic of networks that are trained.
        device: Where they are trained.
        comparisons: Pairs of contenders that a preset declared.
        drawn: The contenders that a preset declared for figures.
        patterns: Names of contenders that each pattern of the request stands for.
    """

    parts: tuple[Part, ...]
    contenders: Mapping[str, Contender]
    baseline: str
    dataset: Dataset | CodesFile = "mnist"
    rule: Rule = "balanced"
    chosen_on: str | None = None
    scored_on: ScoredOn | None = None
    precision: Precision = "fp32"
    device: str = "cpu"
    comparisons: tuple[tuple[str, str], ...] = ()
    drawn: tuple[str, ...] = ()
    patterns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def explain_patterns(self) -> list[str]:
        """Return a sentence on every pattern: nobody should have to guess what is run."""
        return [
            f"{pattern} stands for {len(names)} contender{'s' * (len(names) > 1)}: {', '.join(names)}"
            for pattern, names in self.patterns.items()
        ]
