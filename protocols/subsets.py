"""The labelled indices: a pure function of data fingerprint, budget, seed and rule."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ssl_irmae._support.seeding import derive_seed
from ssl_irmae.datasets.image_set import UNLABELLED
from ssl_irmae.datasets.reading import count
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.folds import Fold, Indices

Rule = Literal["balanced", "stratified", "uniform", "typical", "first", "full"]


@dataclass(frozen=True)
class Subset:
    """Which images come with a label.

    Args:
        indices: Indices into the training set, int64, shape (budget,), in the order drawn.
        seed: Seed of the draw.
        rule: How they were drawn; ``"full"`` if it holds every label there is, whatever rule was asked for.
        fold: The fold that is scored, of whose labels there are none; None where other images are scored.
    """

    indices: Indices
    seed: int
    rule: Rule
    fold: Fold | None = None

    @property
    def hash(self) -> str:
        """SHA-256 of the indices in order."""
        return hashlib.sha256(self.indices.tobytes()).hexdigest()


def draw_subset(labels: npt.NDArray[np.int64], *, fingerprint: str, budget: int, seed: int, rule: Rule) -> Subset:
    """Draw the labelled images for one budget and seed.

    ``"balanced"`` deals the classes out in rounds: each round takes one image of every class, the classes in a random
    order, so that counts never differ by more than one. ``"stratified"`` keeps the shares that the classes have among
    all labelled images: each label goes to the class that is furthest behind its share, so that a rare class may have
    none in a small subset. ``"uniform"`` draws without looking at labels. All three are prefixes of one long draw that
    does not depend on the budget: a smaller subset is contained in a larger one.
    ``"first"`` draws nothing: it takes the first labelled images as they come, as the public reference script does.

    Args:
        labels: Labels of the whole training set, int64, shape (n,); images of label -1 have none and are never drawn.
            Balanced and stratified drawing need the labels, as in every published protocol.
        fingerprint: Fingerprint of the training set.
        budget: Number of labels, at most as many as there are.
        seed: Seed of the draw.
        rule: ``"balanced"``, ``"stratified"``, ``"uniform"`` or ``"first"``.

    Raises:
        UserError: If the budget cannot be met by that rule.

    >>> y = np.array([0, 0, 0, 1, 1, 1])
    >>> s = draw_subset(y, fingerprint="ab", budget=4, seed=0, rule="balanced")
    >>> sorted(y[s.indices].tolist())
    [0, 0, 1, 1]
    """
    labelled = np.flatnonzero(labels != UNLABELLED)
    classes = np.unique(labels[labelled])
    queues = [np.flatnonzero(labels == c) for c in classes]
    check_budget(budget, rule, labelled=len(labelled), classes=len(classes), rarest=min(map(len, queues), default=0))
    if budget == len(labelled):
        return Subset(labelled, seed, "full")
    if rule == "first":
        return Subset(labelled[:budget], seed, rule)
    rng = np.random.default_rng(derive_seed("subset", fingerprint, seed, rule))
    if rule == "uniform":
        return Subset(labelled[rng.permutation(len(labelled))[:budget]], seed, rule)
    queues = [rng.permutation(queue) for queue in queues]
    if rule == "stratified":
        return Subset(_deal_by_share(queues, budget, rng), seed, rule)
    dealt = [queues[c][r] for r in range(-(-budget // len(queues))) for c in rng.permutation(len(queues))]
    return Subset(np.array(dealt[:budget], dtype=np.int64), seed, rule)


def check_budget(budget: int, rule: Rule, *, labelled: int, classes: int, rarest: int, in_folds: bool = False) -> None:
    """Check that a budget can be met.

    Args:
        budget: Number of labels.
        rule: How subsets are drawn.
        labelled: Number of labelled images.
        classes: Number of their classes.
        rarest: Number of labelled images of the rarest class.
        in_folds: Whether these numbers are what is left where a fold is held out.

    Raises:
        UserError: If it cannot.
    """
    left = ", as many as are left where a fold is held out" if in_folds else ""
    fewest = f"{count(rarest, 'label')}{left}"
    if not 1 <= budget <= labelled:
        raise UserError(
            f"`budgets`: {budget} labels cannot be drawn from {count(labelled, 'label')}{left}; use 1 to {labelled}, "
            "or 'all'"
        )
    if rule != "balanced" or budget == labelled:
        return
    if budget < classes:
        raise UserError(
            f"`budgets`: {budget} labels cannot be balanced over {classes} classes; use {classes} or more, or `rule` "
            "stratified or uniform"
        )
    if budget > rarest * classes:
        raise UserError(
            f"`budgets`: {budget} labels cannot be balanced, as the rarest class has {fewest}; use at "
            f"most {rarest * classes}, 'all', or `rule` stratified or uniform"
        )


def _deal_by_share(queues: Sequence[Indices], budget: int, rng: np.random.Generator) -> Indices:
    """Give each label to the class that is furthest behind its share; of several, to the first in a random order."""
    order = rng.permutation(len(queues))
    sizes = np.array([len(queues[c]) for c in order])
    counts = np.zeros_like(sizes)
    dealt = np.empty(budget, dtype=np.int64)
    for t in range(budget):
        # share * (t + 1) - count, times the number of images: whole numbers, so that ties are ties
        behind = int(np.argmax(sizes * (t + 1) - counts * sizes.sum()))
        dealt[t] = queues[order[behind]][counts[behind]]
        counts[behind] += 1
    return dealt
