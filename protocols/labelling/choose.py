"""Which pictures to label: the typical ones, and with labels also those of which a classifier is uncertain."""

from collections.abc import Mapping
from itertools import zip_longest

import torch
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torch import Tensor

from ssl_irmae.protocols.labelling.suggestion import Suggestion
from ssl_irmae.protocols.labelling.typical import typical_suggestions
from ssl_irmae.protocols.labelling.uncertain import doubt, uncertain
from ssl_irmae.protocols.readouts.scaling import Scaling

_C = 0.1  # as in self-training, which also relies on how certain logistic regression is
_MAX_ITER = 1000


def choose(codes: Tensor, known: Mapping[int, str], n: int, *, seed: int) -> tuple[Suggestion, ...]:
    """Choose pictures to label, the most useful first.

    Without labels of two classes, all are typical ones. With them, every second picture is one of which a classifier of
    these labels is uncertain. No more than half are: few labels make a poor judge of what they do not know, and a group
    of pictures without any label is what it knows least about.

    Args:
        codes: Codes of all pictures, fp32, shape (m, d).
        known: Label of each picture that has one, by position.
        n: How many pictures to choose, at most those without a label.
        seed: Seed of every random choice.
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
    probabilities = few_label_probabilities(codes, labelled, y)
    found = rest[uncertain(probabilities[rest], codes[rest], doubtful, seed=seed)]
    doubts = [Suggestion(i, doubt(probabilities[i], classes)) for i in found.tolist()]
    # in turn, so that whoever stops early has labelled both kinds
    return tuple(s for pair in zip_longest(groups, doubts) for s in pair if s is not None)


def few_label_probabilities(codes: Tensor, labelled: Tensor, labels: Tensor) -> Tensor:
    """Fit logistic regression to a few labels and return the probabilities of every class for every picture.

    Args:
        codes: Codes of all pictures, fp32, shape (m, d).
        labelled: Positions of the labelled ones, int64, shape (l,).
        labels: Their classes, int64, shape (l,); every class from 0 to the largest occurs, and there are at least two.

    Returns:
        fp32, shape (m, classes).
    """
    x = Scaling.of(codes)(codes).numpy()
    with threadpool_limits(1):  # the same bits with any number of threads
        model = LogisticRegression(C=_C, max_iter=_MAX_ITER).fit(x[labelled.numpy()], labels.numpy())
        return torch.from_numpy(model.predict_proba(x)).float()
