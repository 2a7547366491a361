"""The nearest nodes of a graph, each of which counts as the class it scores highest."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from ssl_irmae.protocols.graphs.graph import extend
from ssl_irmae.protocols.graphs.neighbours import Neighbours
from ssl_irmae.protocols.predictors.checks import check_classes, check_tensors
from ssl_irmae.protocols.predictors.form import Settings, Tensors, over_classes

_VOTE = 0.95
_LAYOUT = {"nodes": (torch.float32, "n d"), "scores": (torch.float32, "n p"), "present": (torch.int64, "p")}


@dataclass(frozen=True)
class OnGraph:
    """Predict the class with the largest total weight among the k nearest nodes.

    A prediction does not depend on the other new points.

    Args:
        neighbours: Nearest neighbours among the codes that are the nodes.
        scores: Scores of the nodes, fp32 (n, p), for the classes of the sample.
        present: These classes, int64 (p,).
        k: Number of nodes that vote.
        classes: Number of classes.
    """

    neighbours: Neighbours
    scores: Tensor
    present: Tensor
    k: int
    classes: int

    def __call__(self, x: Tensor) -> Tensor:
        """Predict the classes of codes x (m, d)."""
        return self.present[extend(self.neighbours, self._votes, x, k=self.k).argmax(1)]

    def logits(self, x: Tensor) -> Tensor:
        r"""Score every class by votes and by how decided the voters are.

        .. math:: s_c = \log \sum_i w_i \, (0.95 \, v_{ic} + 0.05 \, \text{softmax}_c(f_i))

        Here w are the weights of the nearest nodes, v is 1 for the class of a node and 0 for others, and f are the
        scores of a node, less their mean and divided by their standard deviation over classes: the readouts' scores
        have no scale in common.
        """
        shares = extend(self.neighbours, self._softened, x, k=self.k)
        return over_classes(shares.log(), self.present, self.classes)

    @cached_property
    def _votes(self) -> Tensor:
        return F.one_hot(self.scores.argmax(1), len(self.present))

    @cached_property
    def _softened(self) -> Tensor:
        standardised = self.scores.double() - self.scores.double().mean(1, keepdim=True)
        deviation = standardised.square().mean(1, keepdim=True).sqrt()
        standardised /= torch.where(deviation > 0, deviation, 1.0)
        return _VOTE * self._votes + (1 - _VOTE) * standardised.softmax(1)

    def tensors(self) -> dict[str, Tensor]:
        """Return the nodes, their scores and the classes of these."""
        return {"nodes": self.neighbours.points, "scores": self.scores, "present": self.present}

    def settings(self) -> dict[str, int]:
        """Return the numbers of voters and classes."""
        return {"k": self.k, "classes": self.classes}

    @classmethod
    def rebuild(cls, tensors: Tensors, settings: Settings, _device: torch.device) -> Self:
        """Rebuild the predictor."""
        check_tensors(tensors, _LAYOUT, settings, ["k", "classes"])
        check_classes(tensors["present"], settings["classes"])
        neighbours = Neighbours(tensors["nodes"])
        return cls(neighbours, tensors["scores"], tensors["present"], settings["k"], settings["classes"])
