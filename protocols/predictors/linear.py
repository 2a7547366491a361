"""A linear classifier of scaled codes."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ssl_irmae.protocols.predictors.checks import check_classes, check_tensors
from ssl_irmae.protocols.predictors.form import Settings, Tensors, over_classes
from ssl_irmae.protocols.readouts.scaling import Scaling

_LAYOUT = {
    "mean": (torch.float32, "d"),
    "rms": (torch.float32, ""),
    "weights": (torch.float32, "d rows"),
    "bias": (torch.float32, "rows"),
    "present": (torch.int64, "present"),
}


@dataclass(frozen=True)
class Linear:
    """Predict the class with the largest linear score of the scaled code.

    Args:
        scaling: Scaling of the codes.
        weights: fp32 (d, rows): a column for each class of the sample, or for two classes one that scores the second.
        bias: fp32 (rows,).
        present: Classes of the sample, two or more, int64 (p,).
        classes: Number of classes.
    """

    scaling: Scaling
    weights: Tensor
    bias: Tensor
    present: Tensor
    classes: int

    @classmethod
    def of(cls, model: Any, scaling: Scaling, classes: int) -> Self:
        """Take over a fitted ``LogisticRegression`` of scaled codes, fp32 (m, d)."""
        learned = (model.coef_.T, model.intercept_, model.classes_.astype(np.int64))
        weights, bias, present = (torch.from_numpy(np.ascontiguousarray(x)) for x in learned)
        return cls(scaling, weights, bias, present, classes)

    def __call__(self, x: Tensor) -> Tensor:
        """Predict the classes of codes x (m, d)."""
        scores = self._scores(x)
        chosen = scores.argmax(1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(np.int64)
        return self.present[torch.from_numpy(chosen)]

    def logits(self, x: Tensor) -> Tensor:
        """Score every class; the softmax is scikit-learn's ``predict_proba``."""
        exporting = torch.compiler.is_exporting()  # which cannot follow numpy
        scores = self._traceable_scores(x) if exporting else torch.from_numpy(self._scores(x))
        if scores.shape[1] == 1:
            scores = torch.cat([torch.zeros_like(scores), scores], 1)
        return over_classes(scores, self.present, self.classes)

    def _scores(self, x: Tensor) -> npt.NDArray[np.float32]:
        # numpy's product, as in scikit-learn: torch's rounds differently
        scores: npt.NDArray[np.float32] = self.scaling(x).numpy() @ self.weights.numpy() + self.bias.numpy()
        return scores

    def _traceable_scores(self, x: Tensor) -> Tensor:
        return self.scaling(x) @ self.weights + self.bias

    def tensors(self) -> dict[str, Tensor]:
        """Return scaling, weights and classes."""
        return {
            "mean": self.scaling.mean,
            "rms": self.scaling.rms,
            "weights": self.weights,
            "bias": self.bias,
            "present": self.present,
        }

    def settings(self) -> dict[str, int]:
        """Return the number of classes."""
        return {"classes": self.classes}

    @classmethod
    def rebuild(cls, tensors: Tensors, settings: Settings, _device: torch.device) -> Self:
        """Rebuild the predictor."""
        check_tensors(tensors, _LAYOUT, settings, ["classes"])
        present, rows = tensors["present"], len(tensors["bias"])
        check_classes(present, settings["classes"])
        if len(present) != max(2, rows):
            raise ValueError(f"there are {rows} linear scores for {len(present)} classes")
        scaling = Scaling(tensors["mean"], tensors["rms"])
        return cls(scaling, tensors["weights"], tensors["bias"], present, settings["classes"])
