"""The components of a neighbour graph, and the bridges that connect them."""

from dataclasses import dataclass
from typing import Any

import torch
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from ssl_irmae.protocols.graphs.neighbours import Neighbours


@dataclass(frozen=True)
class Components:
    """The components that a graph has without its bridges, two or more.

    Args:
        of: The component of each node, int64 (n,).
        bridges: For each component but the largest, the node in it and the node in the largest that are nearest to each
            other, shortest bridge first: int64 (components - 1, 2).
    """

    of: Tensor
    bridges: Tensor

    def across(self, scores: Tensor, labelled: Tensor) -> Tensor:
        """Give nodes of components without labels the scores at the other end of their bridge.

        Those of the largest component, where all bridges end, come over the shortest from a component with labels.

        Args:
            scores: Scores of the nodes, (n, classes).
            labelled: Positions of the labelled nodes, int64 (m,).

        Returns:
            Scores, (n, classes).
        """
        (outside, inside), known = self.bridges.T, torch.zeros(len(self.bridges) + 1, dtype=torch.bool)
        known[self.of[labelled]] = True
        source, largest = torch.arange(len(scores)), self.of[inside[0]]
        if not known[largest]:
            source[self.of == largest] = outside[known[self.of[outside]]][0]
        end = torch.empty(len(known), dtype=torch.int64)
        end[self.of[outside]] = inside
        rest = ~known[self.of] & (self.of != largest)
        source[rest] = source[end[self.of[rest]]]
        return scores[source]


def components_of(weights: Any, codes: Tensor) -> Components | None:
    """Find the components of a graph, and the shortest edge from each to the largest.

    Args:
        weights: Symmetric sparse array, (n, n).
        codes: Codes of the nodes, fp32 (n, d).

    Returns:
        None if the graph is connected.
    """
    count, component = connected_components(weights, directed=False)
    if count == 1:
        return None
    of = torch.from_numpy(component).long()
    largest = of == of.bincount().argmax()
    inside, outside = largest.nonzero().flatten(), (~largest).nonzero().flatten()
    distances, nearest = Neighbours(codes[inside]).find(codes[outside], 1)
    bridges = []
    for c in torch.unique(of[outside]):
        members = (of[outside] == c).nonzero().flatten()
        closest = members[distances[members, 0].argmin()]
        bridges.append((float(distances[closest, 0]), int(outside[closest]), int(inside[nearest[closest, 0]])))
    return Components(of, torch.tensor([ends for _, *ends in sorted(bridges)]))
