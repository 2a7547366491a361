"""Cross-validation over few labels: every labelled picture is predicted by classifiers that did not see its label."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ssl_irmae._support.progress import Listener, Message, silent
from ssl_irmae._support.seeding import generator
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.labelling.pool import Labelled, Pool
from ssl_irmae.protocols.predictors.form import Form


@dataclass(frozen=True)
class HeldOut:
    """What classifiers say of labelled pictures that were held out.

    Args:
        logits: fp32 (repeats * h, classes), for the h pictures whose class has two or more that differ, in one order
            for every repeat; of equal pictures one.
        labels: Their classes, int64 (repeats * h,).
    """

    logits: Tensor
    labels: Tensor

    @property
    def errors(self) -> Tensor:
        """1 where the prediction is wrong, else 0: fp64 (repeats * h,)."""
        return (self.logits.argmax(1) != self.labels).double()


def folds(labels: Tensor, *, count: int, rng: torch.Generator) -> list[Tensor]:
    """Deal labelled pictures into folds, each class evenly; a class with one label is never held out.

    scikit-learn's StratifiedKFold wants as many labels in each class as there are folds; here the rarest has two.

    Args:
        labels: Classes, int64 (m,).
        count: Most folds.
        rng: Decides the order within each class.

    Returns:
        Indices of the pictures held out in each fold, int64; only folds that hold something.

    >>> y = torch.tensor([0, 0, 0, 1, 1, 2])
    >>> sorted(i for fold in folds(y, count=2, rng=torch.Generator()) for i in fold.tolist())
    [0, 1, 2, 3, 4]
    """
    dealt: list[int] = []
    for c in labels.unique():
        members = (labels == c).nonzero().flatten()
        if len(members) > 1:
            dealt += members[torch.randperm(len(members), generator=rng)].tolist()
    # dealing class after class into one row keeps classes and sizes of the folds even
    return [torch.tensor(dealt[i::count]) for i in range(min(count, len(dealt)))]


def distinct(labels: Tensor, originals: Tensor) -> Tensor:
    """Return the pictures that can be held out, one for all that equal it.

    A copy that stayed labelled would tell the answer, and copies are no further evidence. Equal pictures with different
    labels are none of them: nobody knows which of their labels is right.

    Args:
        labels: Classes, int64 (m,).
        originals: For each picture the first that equals it, int64 (m,).

    Returns:
        Their indices, int64, ascending.

    >>> distinct(torch.tensor([0, 0, 1, 1, 0]), originals=torch.tensor([0, 0, 2, 3, 3]))
    tensor([0, 2])
    """
    first: Tensor = originals.unique()
    return first[~torch.isin(first, originals[labels != labels[originals]])]


def fold_count(labels: Tensor, *, most: int) -> int:
    """Return into how many folds labels are dealt, so that folds are drawn as the labels were.

    Whoever labels equally many pictures of each class has equally many in every fold, too, if there are as many folds
    as labels per class. In more folds, the class of a held-out picture has fewer labels left than other classes, and
    what is spread along a graph reaches it less often: errors would be too many. Of pictures labelled at random, some
    classes have fewer labels than others to begin with, and err more often. Many folds show that.

    Args:
        labels: Classes, int64 (m,).
        most: Most folds.

    >>> fold_count(torch.tensor([0, 0, 0, 1, 1, 1, 2, 2]), most=10)
    3
    >>> fold_count(torch.tensor([0, 0, 0, 0, 0, 1, 1, 2]), most=10)
    10
    """
    counts = labels.unique(return_counts=True)[1].tolist()
    largest = max(counts, default=0)
    return min(most, max(largest, 2)) if largest - min(counts, default=0) <= 1 else most


def held_out_logits(
    pool: Pool, contender: Contender, *, count: int, repeats: int, seed: int = 0, progress: Listener = silent
) -> HeldOut:
    """Compute logits of each labelled picture from classifiers fitted without its label and those of its copies.

    The pictures that are held out stay in the unlabelled pool, as the pictures to be labelled are.

    Args:
        pool: The pictures.
        contender: What is fitted.
        count: Most folds.
        repeats: How often all pictures are dealt anew.
        seed: Seed of the folds and of the fits.
        progress: Told about each fit of a network.

    Returns:
        Logits and labels; empty if no class has two pictures that differ.
    """
    positions, labels = pool.labelled
    once = distinct(labels, pool.originals)
    inputs = pool.inputs(contender)
    logits = torch.full((repeats, len(labels), len(pool.images.classes)), torch.nan)
    for r in range(repeats):  # one at a time: a predictor on a graph holds scores of all pictures
        dealt = [once[fold] for fold in folds(labels[once], count=count, rng=generator("cpu", seed, "folds", r))]
        if not dealt:
            break
        fits = _fits(pool, contender, [_without(pool, fold) for fold in dealt], seed, progress)
        for fold, predictor in zip(dealt, fits, strict=True):
            logits[r, fold] = predictor.logits(inputs[positions[fold]])
    known = ~logits[0].isnan().any(1)
    return HeldOut(logits[:, known].flatten(0, 1), labels[known].repeat(repeats))


def _fits(pool: Pool, contender: Contender, parts: list[Labelled], seed: int, progress: Listener) -> Iterator[Form]:
    if contender.frozen:  # graph readouts solve for all parts at once
        yield from pool.fit(contender, parts, seed=seed)
        return
    for i, part in enumerate(parts):
        progress(Message(f"calibrating: {contender.readout} without a part of the labels, {i + 1} of {len(parts)}"))
        yield from pool.fit(contender, [part], seed=seed)


def _without(pool: Pool, fold: Tensor) -> Labelled:
    positions, labels = pool.labelled
    kept = ~torch.isin(pool.originals, fold)
    return positions[kept], labels[kept]
