"""Logistic regression that learns from its own confident predictions."""

import torch
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import SelfTrainingClassifier
from threadpoolctl import threadpool_limits

from ssl_irmae._support.seeding import generator
from ssl_irmae.protocols.predictors.constant import Constant
from ssl_irmae.protocols.predictors.linear import Linear
from ssl_irmae.protocols.readouts.sample import Sample
from ssl_irmae.protocols.readouts.scaling import Scaling


def self_training(
    sample: Sample, *, C: float, max_iter: int, threshold: float, rounds: int, unlabelled: int
) -> Linear | Constant:
    """Fit logistic regression, turn its confident predictions into labels, fit again; scikit-learn's implementation.

    Source: Yarowsky, "Unsupervised Word Sense Disambiguation Rivaling Supervised Methods", ACL 1995.

    Args:
        sample: Codes or features, shape (m, d).
        C: Inverse strength of the penalty.
        max_iter: Most iterations of the solver.
        threshold: Probability from which a prediction becomes a label.
        rounds: Most rounds of labelling.
        unlabelled: Number of unlabelled codes that take part, drawn by the sample's seed (all, if there are fewer).

    Returns:
        A predictor; if the sample holds a single class, it always predicts that class.
    """
    scaling = Scaling.of_sample(sample)
    first = sample.labels[:1]
    if bool((sample.labels == first).all()):
        return Constant(first, sample.classes)
    is_unlabelled = torch.ones(len(sample.unlabelled), dtype=torch.bool)
    is_unlabelled[sample.positions] = False
    pool = is_unlabelled.nonzero().flatten()
    pool = pool[torch.randperm(len(pool), generator=generator("cpu", sample.seed, "unlabelled"))[:unlabelled]]
    inputs = torch.cat([sample.inputs, sample.unlabelled[pool]])
    labels = torch.cat([sample.labels, torch.full((len(pool),), -1)])
    regression = LogisticRegression(C=C, max_iter=max_iter, warm_start=True)  # each round starts from the last fit
    model = SelfTrainingClassifier(regression, threshold=threshold, max_iter=rounds) if len(pool) else regression
    with threadpool_limits(1):  # for products this small, waiting for a second thread takes longer than the work
        model.fit(scaling(inputs).numpy(), labels.numpy())
    fitted = model.estimator_ if len(pool) else regression
    return Linear.of(fitted, scaling, sample.classes)
