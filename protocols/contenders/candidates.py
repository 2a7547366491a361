"""What was searched for the fixed settings: the candidates of every group, on held-out training images."""

from collections.abc import Mapping, Sequence

CANDIDATES: dict[str, dict[str, list[float]]] = {
    "linear": {"C": [0.001, 0.01, 0.1, 1.0]},
    "mlp": {"steps": [125, 250, 500, 1000]},
    "knn": {"k": [1, 3, 5, 10]},
    "metric": {"temperature": [0.1, 0.3], "steps": [100, 300]},
    "self-training": {"threshold": [0.6, 0.7, 0.8, 0.9]},
    "spread": {"alpha": [0.9, 0.95, 0.99, 0.999]},
    "poisson-prior": {"slack": [0.1, 0.15, 0.2, 0.3]},
    "cutssl": {"slack": [0.0, 0.1], "rounds": [100, 250]},
    "finetune": {"learning_rate": [1e-4, 3e-4, 1e-3, 2e-3]},
    "joint": {"learning_rate": [1e-3, 3e-3], "reconstruction_weight": [1.0, 10.0]},
    "consistency": {"learning_rate": [1e-3, 3e-3], "confidence": [0.8, 0.95]},
    "propagate": {"learning_rate": [1e-3, 3e-3], "confidence": [0.8, 0.95]},
    "scratch-consistency": {"learning_rate": [3e-4, 1e-3], "confidence": [0.8, 0.95]},
    "scratch-propagate": {"learning_rate": [3e-4, 1e-3], "confidence": [0.8, 0.95]},
    "supervised": {"learning_rate": [5e-4, 1e-3, 2e-3, 4e-3]},
    "supervised-irmae": {"learning_rate": [5e-4, 1e-3, 2e-3, 4e-3]},
    "supervised-augment": {"learning_rate": [5e-4, 1e-3, 2e-3, 4e-3]},
    "vib": {"learning_rate": [3e-3, 1e-2], "beta": [1e-3, 1e-2]},
}
"""By group of settings: the values of each setting, of which all combinations were tried; docs/results/settings."""

SEARCHED: dict[str, Mapping[str, Sequence[float]]] = {
    **CANDIDATES,
    "propagate-prior": {**CANDIDATES["propagate"], **CANDIDATES["poisson-prior"]},
    "scratch-propagate-prior": {**CANDIDATES["scratch-propagate"], **CANDIDATES["poisson-prior"]},
    # nothing to choose: 10 neighbours, as in Calder et al., 2020
    "centroid": {},
    "poisson": {},
}
"""The same for every group whose settings were not set by hand, with those that took over another group's."""

LEAST = {"k": 1}
"""Settings that cannot be smaller than this, so that a winner there has no neighbour beyond it."""

CHOSEN_ON = "mnist"
"""The data set whose held-out training images chose the settings."""
