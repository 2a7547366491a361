"""The labelled indices: a pure function of data fingerprint, budget, seed and rule."""

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ssl_irmae._support.seeding import derive_seed
from ssl_irmae.datasets.image_set import UNLABELLED
from ssl_irmae.datasets.reading import count
from ssl_irmae.errors import UserError

Rule = Literal["balanced", "uniform", "first", "full"]


@dataclass(frozen=True)
class Subset:
    """Which images come with a label.

    Args:
        indices: Indices into the training set, int64, shape (budget,), in the order drawn.
        seed: Seed of the draw.
        rule: How they were drawn; ``"full"`` if it holds every label there is, whatever rule was asked for.
    """

    indices: npt.NDArray[np.int64]
    seed: int
    rule: Rule

    @property
    def hash(self) -> str:
        """SHA-256 of the indices in order."""
        return hashlib.sha256(self.indices.tobytes()).hexdigest()


def draw_subset(labels: npt.NDArray[np.int64], *, fingerprint: str, budget: int, seed: int, rule: Rule) -> Subset:
    """Draw the labelled images for one budget and seed.

    ``"balanced"`` deals the classes out in rounds: each round takes one image of every class, the classes in a random
    order, so that counts never differ by more than one. ``"uniform"`` draws without looking at labels. Both are
    prefixes of one long draw that does not depend on the budget: a smaller subset is contained in a larger one.
    ``"first"`` draws nothing: it takes the first labelled images as they come, as the public reference script does.

    Args:
        labels: Labels of the whole training set, int64, shape (n,); images of label -1 have none and are never drawn.
            Balanced drawing needs the labels, as in every published protocol.
        fingerprint: Fingerprint of the training set.
        budget: Number of labels, at most as many as there are.
        seed: Seed of the draw.
        rule: ``"balanced"``, ``"uniform"`` or ``"first"``.

    Raises:
        UserError: If the budget cannot be met by that rule.

    >>> y = np.array([0, 0, 0, 1, 1, 1])
    >>> s = draw_subset(y, fingerprint="ab", budget=4, seed=0, rule="balanced")
    >>> sorted(y[s.indices].tolist())
    [0, 0, 1, 1]
    """
    labelled = np.flatnonzero(labels != UNLABELLED)
    n = len(labelled)
    if not 1 <= budget <= n:
        raise UserError(f"`budgets`: {budget} labels cannot be drawn from {n} labelled images; use 1 to {n}, or 'all'")
    if budget == n:
        return Subset(labelled, seed, "full")
    if rule == "first":
        return Subset(labelled[:budget], seed, rule)
    rng = np.random.default_rng(derive_seed("subset", fingerprint, seed, rule))
    if rule == "uniform":
        return Subset(labelled[rng.permutation(n)[:budget]], seed, rule)
    queues = [rng.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels[labelled])]
    if budget < len(queues):
        raise UserError(
            f"`budgets`: {budget} labels cannot be balanced over {len(queues)} classes; "
            f"use {len(queues)} or more, or `rule` uniform"
        )
    scarcest = min(len(queue) for queue in queues)
    if budget > scarcest * len(queues):
        raise UserError(
            f"`budgets`: {budget} labels cannot be balanced, as the rarest class has "
            f"{count(scarcest, 'labelled image')}; use at most {scarcest * len(queues)}, 'all', or `rule` uniform"
        )
    dealt = [queues[c][r] for r in range(-(-budget // len(queues))) for c in rng.permutation(len(queues))]
    return Subset(np.array(dealt[:budget], dtype=np.int64), seed, rule)
