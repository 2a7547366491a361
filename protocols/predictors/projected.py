"""A vote of the nearest labelled codes on the unit sphere of a projection."""

from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from ssl_irmae.protocols.predictors.checks import check_tensors, named_part, part_of
from ssl_irmae.protocols.predictors.form import Settings, Tensors
from ssl_irmae.protocols.predictors.votes import Votes
from ssl_irmae.protocols.readouts.scaling import Scaling

_LAYOUT = {
    "mean": (torch.float32, "d"),
    "rms": (torch.float32, ""),
    "weight": (torch.float32, "width d"),
    "bias": (torch.float32, "width"),
}


@dataclass(frozen=True)
class Projection:
    """Scale codes, project them linearly, and divide them by their norm.

    Args:
        scaling: Scaling of the codes.
        weight: fp32 (width, d).
        bias: fp32 (width,).
    """

    scaling: Scaling
    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Project codes (m, d) to (m, width)."""
        return F.normalize(F.linear(self.scaling(x), self.weight, self.bias))


@dataclass(frozen=True)
class Projected:
    """Predict by a vote of the nearest labelled codes after a projection.

    Args:
        projection: The projection.
        votes: The vote among projected codes.
    """

    projection: Projection
    votes: Votes

    def __call__(self, x: Tensor) -> Tensor:
        """Predict the classes of codes x (m, d)."""
        return self.votes(self.projection(x))

    def logits(self, x: Tensor) -> Tensor:
        """Score every class."""
        return self.votes.logits(self.projection(x))

    def tensors(self) -> dict[str, Tensor]:
        """Return the projection and the labelled codes after it."""
        scaling = self.projection.scaling
        layers = {"weight": self.projection.weight, "bias": self.projection.bias}
        return {"mean": scaling.mean, "rms": scaling.rms, **layers, **named_part("votes", self.votes.tensors())}

    def settings(self) -> dict[str, int]:
        """Return those of the vote."""
        return self.votes.settings()

    @classmethod
    def rebuild(cls, tensors: Tensors, settings: Settings, device: torch.device) -> Self:
        """Rebuild the predictor."""
        votes = Votes.rebuild(part_of(tensors, "votes"), settings, device)
        own = {name: x for name, x in tensors.items() if not name.startswith("votes.")}
        check_tensors(own, _LAYOUT, {})
        if len(own["bias"]) != votes.inputs.shape[1]:
            raise ValueError("the projection is not as wide as the labelled codes")
        projection = Projection(Scaling(own["mean"], own["rms"]), own["weight"], own["bias"])
        return cls(projection, votes)
