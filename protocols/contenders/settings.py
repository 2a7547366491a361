"""The fixed settings of every readout and learner."""

from ssl_irmae.protocols.contenders.contender import Setting

# Fixed beforehand on held-out training images, never on test images, from four candidates for every group with settings
# to choose (candidates.py): docs/results/settings/choose.py runs them and checks that these are the winners.
TRAINING: dict[str, Setting] = {"steps": 100, "batch_size": 64, "learning_rate": 1e-3}
JOINT: dict[str, Setting] = {**TRAINING, "unlabelled_batch_size": 32, "reconstruction_weight": 1.0}
CONSISTENCY: dict[str, Setting] = {
    **TRAINING,
    "learning_rate": 3e-3,
    "unlabelled_batch_size": 128,
    "confidence": 0.8,
    "reconstruction_weight": 0.0,
}
MLP: dict[str, Setting] = {"width": 128, "dropout": 0.5, "steps": 500, "learning_rate": 1e-3, "batch_size": 100}
METRIC: dict[str, Setting] = {"steps": 100, "learning_rate": 1e-3, "per_class": 4, "temperature": 0.1, "k": 5}
SELF_TRAINING: dict[str, Setting] = {
    "C": 0.1,
    "max_iter": 1000,
    "threshold": 0.8,
    "rounds": 5,
    "unlabelled": 2000,
}
SPREAD: dict[str, Setting] = {"k": 10, "alpha": 0.99}
POISSON: dict[str, Setting] = {"k": 10}
PRIOR: dict[str, Setting] = {"k": 10, "slack": 0.1}
CUTSSL: dict[str, Setting] = {"k": 10, "slack": 0.1, "rounds": 250}
PROPAGATE: dict[str, Setting] = {**CONSISTENCY, "learning_rate": 1e-3, "k": 10}
# found by hand on the same images (docs/results/rank/students.csv and naming.csv), not among four candidates
FUSED_PRIOR: dict[str, Setting] = {**PRIOR, "starts": 16}
FUSED_PROPAGATE: dict[str, Setting] = {
    "steps": 2000,
    "batch_size": 128,
    "learning_rate": 2e-3,
    "unlabelled_batch_size": 64,
    "true_batch_size": 64,
    "confidence": 0.95,
    "k": 10,
    "agree": 0.9,
    "width": 32,
}
