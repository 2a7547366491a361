"""Which pictures to label: the typical ones, and with labels also those of which a classifier is uncertain."""

from collections.abc import Callable, Mapping
from itertools import zip_longest

import torch
from torch import Tensor

from ssl_irmae.protocols.labelling.suggestion import Suggestion
from ssl_irmae.protocols.labelling.typical import typical_suggestions
from ssl_irmae.protocols.labelling.uncertain import doubt, uncertain

ProbabilitiesOf = Callable[[Tensor, Tensor], Tensor]
"""Maps positions and classes of labelled pictures, int64 (l,), to the probabilities of all, fp32 (m, classes)."""


def choose(
    codes: Tensor, known: Mapping[int, str], n: int, *, seed: int, probabilities_of: ProbabilitiesOf
) -> tuple[Suggestion, ...]:
    """Choose pictures to label, the most useful first.

    Without labels of two classes, all are typical ones. With them, every second picture is one of which a classifier of
    these labels is uncertain. No more than half are: few labels make a poor judge of what they do not know, and a group
    of pictures without any label is what it knows least about.

    Args:
        codes: Codes of all pictures, fp32, shape (m, d).
        known: Label of each picture that has one, by position.
        n: How many pictures to choose, at most those without a label.
        seed: Seed of every random choice.
        probabilities_of: Fits a classifier of these labels.
    """
    labelled = torch.tensor(sorted(known), dtype=torch.int64)
    classes = sorted(set(known.values()))
    doubtful = n // 2 if len(classes) > 1 else 0
    groups = typical_suggestions(codes, n - doubtful, seed=seed, labelled=labelled)
    if not doubtful:
        return groups
    free = torch.ones(len(codes), dtype=torch.bool)
    free[labelled] = False
    free[[suggestion.position for suggestion in groups]] = False
    rest = free.nonzero().flatten()
    y = torch.tensor([classes.index(known[i]) for i in labelled.tolist()])
    probabilities = probabilities_of(labelled, y)
    found = rest[uncertain(probabilities[rest], codes[rest], doubtful, seed=seed)]
    doubts = [Suggestion(i, doubt(probabilities[i], classes)) for i in found.tolist()]
    # in turn, so that whoever stops early has labelled both kinds
    return tuple(s for pair in zip_longest(groups, doubts) for s in pair if s is not None)
