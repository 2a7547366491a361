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
    """Predict the class with the largest total weight among the k nearest nodes, by each encoder if there are several.

    A prediction does not depend on the other new points.

    Args:
        parts: Nearest neighbours among the codes that are the nodes, for each encoder.
        scores: Scores of the nodes, fp32 (n, p), for the classes of the sample.
        present: These classes, int64 (p,).
        k: Number of nodes that vote.
        classes: Number of classes.
    """

    parts: tuple[Neighbours, ...]
    scores: Tensor
    present: Tensor
    k: int
    classes: int

    def __call__(self, x: Tensor) -> Tensor:
        """Predict the classes of codes x (m, d)."""
        return self.present[extend(self.parts, self._votes, x, k=self.k).argmax(1)]

    def at_nodes(self) -> Tensor:
        """Return the class of each node by its own score, int64 (n,)."""
        return self.present[self.scores.argmax(1)]

    def logits(self, x: Tensor) -> Tensor:
        r"""Score every class by votes and by how decided the voters are.

        .. math:: s_c = \log \sum_i w_i \, (0.95 \, v_{ic} + 0.05 \, \text{softmax}_c(f_i))

        Here w are the weights of the nearest nodes, v is 1 for the class of a node and 0 for others, and f are the
        scores of a node, less their mean and divided by their standard deviation over classes: the readouts' scores
        have no scale in common.
        """
        shares = extend(self.parts, self._softened, x, k=self.k)
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
        nodes = torch.cat([part.points for part in self.parts], 1)
        return {"nodes": nodes, "scores": self.scores, "present": self.present}

    def settings(self) -> dict[str, int]:
        """Return the numbers of voters and classes, and of encoders if there are several."""
        several = {"parts": len(self.parts)} if len(self.parts) > 1 else {}
        return {"k": self.k, "classes": self.classes, **several}

    @classmethod
    def rebuild(cls, tensors: Tensors, settings: Settings, _device: torch.device) -> Self:
        """Rebuild the predictor."""
        count = settings.get("parts", 1)
        check_tensors(tensors, _LAYOUT, settings, ["k", "classes", *(["parts"] if count > 1 else [])])
        check_classes(tensors["present"], settings["classes"])
        nodes = tensors["nodes"]
        if count < 1 or nodes.shape[1] % count:
            raise ValueError(f"the nodes have {nodes.shape[1]} columns, which {count} encoders cannot share evenly")
        parts = tuple(Neighbours(block.contiguous()) for block in torch.chunk(nodes, count, dim=1))
        return cls(parts, tensors["scores"], tensors["present"], settings["k"], settings["classes"])
