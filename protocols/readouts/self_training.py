"""Logistic regression that teaches itself on its own confident guesses."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import SelfTrainingClassifier
from threadpoolctl import threadpool_limits
from torch import Tensor

from ssl_irmae._support.seeding import generator
from ssl_irmae.protocols.readouts.sample import Predictor, Sample
from ssl_irmae.protocols.readouts.scaling import Scaling


def self_training(
    sample: Sample, *, C: float, max_iter: int, threshold: float, rounds: int, unlabelled: int
) -> Predictor:
    """Fit logistic regression, label what it is sure of, fit again (scikit-learn's SelfTrainingClassifier).

    Source: Yarowsky, "Unsupervised Word Sense Disambiguation Rivaling Supervised Methods", ACL 1995.

    Args:
        sample: Codes or features, shape (m, d).
        C: Inverse strength of the penalty.
        max_iter: Most iterations of the solver.
        threshold: Probability from which a guess counts as a label.
        rounds: Most rounds of guessing.
        unlabelled: How many unlabelled codes take part, drawn by the sample's seed (all, if there are fewer).

    Returns:
        A predictor; if the sample holds one class only, that predicts it always.
    """
    scaling = Scaling.of_sample(sample)
    first = sample.labels[:1]
    if bool((sample.labels == first).all()):
        return lambda x: first.repeat(len(x))
    free = torch.ones(len(sample.unlabelled), dtype=torch.bool)
    free[sample.positions] = False
    others = free.nonzero().flatten()
    others = others[torch.randperm(len(others), generator=generator("cpu", sample.seed, "unlabelled"))[:unlabelled]]
    inputs = torch.cat([sample.inputs, sample.unlabelled[others]])
    labels = torch.cat([sample.labels, torch.full((len(others),), -1)])
    regression = LogisticRegression(C=C, max_iter=max_iter, warm_start=True)  # each round from where the last ended
    model = SelfTrainingClassifier(regression, threshold=threshold, max_iter=rounds) if len(others) else regression
    with threadpool_limits(1):  # products this small wait for a second thread far longer than they take
        model.fit(scaling(inputs).numpy(), labels.numpy())

    def predict(x: Tensor) -> Tensor:
        return torch.from_numpy(model.predict(scaling(x).numpy()).astype(np.int64))

    return predict
