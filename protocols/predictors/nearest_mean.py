"""The class with the nearest mean code."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from ssl_irmae.protocols.predictors.checks import check_classes, check_tensors
from ssl_irmae.protocols.predictors.distances import bandwidth, distance_logits
from ssl_irmae.protocols.predictors.form import Settings, Tensors, over_classes
from ssl_irmae.protocols.readouts.metric_learning import euclidean


@dataclass(frozen=True)
class NearestMean:
    """Predict the class with the nearest mean, by Euclidean distance.

    Args:
        means: Mean code of each class of the sample, fp64 (p, d).
        present: These classes, ascending, int64 (p,).
        classes: Number of classes.
    """

    means: Tensor
    present: Tensor
    classes: int

    def __call__(self, x: Tensor) -> Tensor:
        """Predict the classes of codes x (m, d)."""
        return self.present[euclidean(x, self.means).argmin(1)]

    def logits(self, x: Tensor) -> Tensor:
        """Score classes by the distance to their mean (see ``distance_logits``)."""
        index = torch.arange(len(self.present))
        scores = distance_logits(x, self.means, index, len(self.present), self._bandwidth)
        return over_classes(scores, self.present, self.classes)

    @cached_property
    def _bandwidth(self) -> float:
        return bandwidth(self.means, self.present)

    def tensors(self) -> dict[str, Tensor]:
        """Return the means and their classes."""
        return {"means": self.means, "present": self.present}

    def settings(self) -> dict[str, int]:
        """Return the number of classes."""
        return {"classes": self.classes}

    @classmethod
    def rebuild(cls, tensors: Tensors, settings: Settings, _device: torch.device) -> Self:
        """Rebuild the predictor."""
        layout = {"means": (torch.float64, "p d"), "present": (torch.int64, "p")}
        check_tensors(tensors, layout, settings, ["classes"])
        check_classes(tensors["present"], settings["classes"])
        return cls(tensors["means"], tensors["present"], settings["classes"])
