"""A vote of the nearest labelled codes."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from ssl_irmae.protocols.predictors.checks import check_classes, check_tensors
from ssl_irmae.protocols.predictors.distances import bandwidth, distance_logits
from ssl_irmae.protocols.predictors.form import Settings, Tensors, over_classes
from ssl_irmae.protocols.readouts.voting import find_voters, vote

_BY_DISTANCE = 0.05


@dataclass(frozen=True)
class Votes:
    """Predict by a vote of the k nearest labelled codes; see ``knn`` for ties.

    Args:
        inputs: Labelled codes, fp32 (n, d).
        labels: Their classes, int64 (n,).
        k: Number of voters.
        classes: Number of classes.
    """

    inputs: Tensor
    labels: Tensor
    k: int
    classes: int

    def __call__(self, x: Tensor) -> Tensor:
        """Predict the classes of codes x (m, d)."""
        return vote(x, self.inputs, self.labels, self.k)

    def logits(self, x: Tensor) -> Tensor:
        """Score classes by their nearest labelled code (see ``distance_logits``); with several voters, by their votes.

        Then the scores are the logarithm of 0.95 times a class's share of the votes plus 0.05 times the softmax of the
        scores by distance, which so decides a tie as ``knn`` does. From 18 voters on the softmax has less, so that it
        never outweighs a vote.
        """
        present, index = self._grouped
        scores = distance_logits(x, self.inputs, index, len(present), self._bandwidth)
        number = min(self.k, len(self.labels))
        if number > 1:
            voters = find_voters(x, self.inputs, self.labels, self.k)
            shares = F.one_hot(voters, self.classes)[:, :, present].double().mean(1)
            weight = min(_BY_DISTANCE, 0.9 / (number + 1))
            scores = ((1 - weight) * shares + weight * scores.softmax(1)).log()
        return over_classes(scores, present, self.classes)

    @cached_property
    def _grouped(self) -> tuple[Tensor, Tensor]:
        present, index = torch.unique(self.labels, return_inverse=True)
        return present, index

    @cached_property
    def _bandwidth(self) -> float:
        return bandwidth(self.inputs, self.labels)

    def tensors(self) -> dict[str, Tensor]:
        """Return the labelled codes and their classes."""
        return {"inputs": self.inputs, "labels": self.labels}

    def settings(self) -> dict[str, int]:
        """Return the numbers of voters and classes."""
        return {"k": self.k, "classes": self.classes}

    @classmethod
    def rebuild(cls, tensors: Tensors, settings: Settings, _device: torch.device) -> Self:
        """Rebuild the predictor."""
        layout = {"inputs": (torch.float32, "n d"), "labels": (torch.int64, "n")}
        check_tensors(tensors, layout, settings, ["k", "classes"])
        check_classes(tensors["labels"], settings["classes"])
        return cls(tensors["inputs"], tensors["labels"], settings["k"], settings["classes"])
