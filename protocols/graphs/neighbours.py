"""Exact nearest neighbours among many codes, in single precision where that is safe."""

from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ssl_irmae._support.files import sha256
from ssl_irmae.protocols.storage.cache import cached

_SPARE = 12
_RUN = 16
_CHUNK = 512  # queries
_WIDTHS = (16, 32, 64, 128, 256, 512)
_PILOT = 256  # queries
_SURE = 0.95
_SAMPLE = 4096  # codes
_MANY = 1 << 24  # distances, from which it pays to look for fewer directions
_WORTH_KEEPING = 1 << 26  # distances
_CHUNK_BYTES = 1 << 23


class Neighbours:
    """Exact Euclidean nearest neighbours among reference codes.

    Codes are turned to their principal directions, of which the first few and the length of the rest bound every
    distance from below (Faloutsos, Ranganathan and Manolopoulos, SIGMOD 1994, search so for series). The nearest by
    that bound, a few more than asked for, are measured in double precision; where the bound of the others leaves a
    doubt, all directions are compared. Matrix products in single precision only propose, so that the answer for one
    query does not depend on the others, and duplicates are at distance 0 exactly.

    Args:
        reference: Codes, fp32 (n, d).
    """

    def __init__(self, reference: Tensor) -> None:
        self.reference = reference
        self._varied = (reference != reference[:1]).any(0)  # what all have in common moves all distances alike
        self._mean = reference.mean(0)
        self._centred = self._centre(reference)
        self._last: tuple[Tensor, int, tuple[Tensor, Tensor]] | None = None

    def search(self, x: Tensor, k: int, *, own: bool = False) -> tuple[Tensor, Tensor]:
        """Find the nearest reference codes of each x, nearest first, equal distances in order of position.

        Args:
            x: Codes, fp32 (m, d).
            k: How many (all, if there are fewer).
            own: Whether x are the reference codes, none of which is its own neighbour.

        Returns:
            Distances, fp64, and positions, int64, each (m, k).
        """
        n, d = self._centred.shape
        k = min(k, n - own)
        everyone = torch.arange(len(x))
        centred = self._centred if own else self._centre(x)
        if len(x) * n >= _MANY:
            turned = self._turned if own else centred @ self._directions
            for width in (width for width in _WIDTHS if 2 * width <= d):
                there, here = _narrowed(self._turned, width), _narrowed(turned, width)
                pilot = everyone[:: max(1, len(x) // _PILOT)]
                if self._compare(there, here, x, pilot, k, own=own)[2].double().mean() < _SURE:
                    continue
                distances, positions, sure = self._compare(there, here, x, everyone, k, own=own)
                rest = everyone[~sure]
                distances[rest], positions[rest], _ = self._compare(self._centred, centred, x, rest, k, own=own)
                return distances, positions
        return self._compare(self._centred, centred, x, everyone, k, own=own)[:2]

    def find(self, x: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Do as ``search``, remembering the last answer; what takes long is kept in the user's cache."""
        if self._last is None or self._last[1] != k or not torch.equal(self._last[0], x):
            self._last = (x.clone(), k, self._found(x, k))
        return self._last[2]

    def find_others(self, k: int) -> tuple[Tensor, Tensor]:
        """Find the nearest other reference codes of each reference code; kept in the user's cache."""
        return self._found(self.reference, k, own=True)

    def _found(self, x: Tensor, k: int, *, own: bool = False) -> tuple[Tensor, Tensor]:
        if len(x) * len(self.reference) < _WORTH_KEEPING:
            return self.search(x, k, own=own)

        def compute() -> dict[str, Tensor]:
            distances, positions = self.search(x, k, own=own)
            return {"distances": distances, "positions": positions}

        of = [sha256(codes.numpy().tobytes()) for codes in (self.reference, x)]
        found = cached("neighbours", *of, *self.reference.shape, k, own, compute=compute)
        return found["distances"], found["positions"]

    @cached_property
    def _directions(self) -> Tensor:
        some = self._centred[:: -(-len(self._centred) // _SAMPLE)].double()
        directions: Tensor = torch.linalg.eigh(some.T @ some).eigenvectors
        return directions.flip(1).float()

    @cached_property
    def _turned(self) -> Tensor:
        return self._centred @ self._directions

    def _centre(self, x: Tensor) -> Tensor:
        return (x - self._mean)[:, self._varied]

    def _compare(
        self, there: Tensor, here: Tensor, x: Tensor, queries: Tensor, k: int, *, own: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Propose, and measure: distances, positions, and whether none of the others can be nearer.

        Args:
            there: Of the reference codes: centred, or turned and narrowed, fp32 (n, width).
            here: Of x, likewise.
            x: Codes, fp32 (m, d).
            queries: Positions in x.
            k: How many.
            own: Whether x are the reference codes.
        """
        here = here[queries]
        near, beyond = _nearest(there, here, min(len(there), k + own + _SPARE))
        near = near.sort(1).values
        size = max(1, _CHUNK_BYTES // (8 * near.shape[1] * x.shape[1]))
        chunks = zip(torch.split(queries, size), torch.split(near, size), strict=True)
        d = torch.cat([(x[i][:, None].double() - self.reference[j]).square().sum(2).sqrt() for i, j in chunks])
        if own:
            d[near == queries[:, None]] = torch.inf
        order = d.argsort(dim=1, stable=True)[:, :k]
        d = d.gather(1, order)
        # many times what single precision rounds
        doubt = 16 * torch.finfo(torch.float32).eps * (here.norm(dim=1) + there.norm(dim=1).max()).square()
        return d, near.gather(1, order), d[:, -1].square() < beyond - doubt


def _narrowed(turned: Tensor, width: int) -> Tensor:
    """Keep the first directions, and the length of what the others hold: fp32 (n, width + 1)."""
    return torch.cat([turned[:, :width], turned[:, width:].norm(dim=1, keepdim=True)], 1)


def _nearest(there: Tensor, here: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Find the nearest ``count``, up to rounding, in any order, and the square distance beyond which the others are.

    They are among the members of the ``count`` runs of reference codes that hold the nearest ones.

    Args:
        there: Reference codes, fp32 (n, width).
        here: Queries, fp32 (m, width).
        count: How many, up to n.

    Returns:
        Positions, int64 (m, count), and squares, fp32 (m,): infinite where all are found.
    """
    n = len(there)
    width = -(-n // _RUN)
    references = torch.zeros(_RUN * width, there.shape[1] + 1)
    references[:n, :-1] = there
    references[:, -1] = torch.finfo(torch.float32).max
    references[:n, -1] = there.square().sum(1)
    squares = torch.empty(_CHUNK, _RUN * width)  # one for all chunks: to allocate it takes as long
    found, beyond = [], []
    for some in torch.split(here, _CHUNK):
        d = squares[: len(some)]
        asked = torch.cat([-2 * some, torch.ones(len(some), 1)], 1)
        np.matmul(asked.numpy(), references.T.numpy(), out=d.numpy())  # OpenBLAS: faster here than what torch uses
        runs = d.view(-1, _RUN, width).amin(1)
        near = runs.topk(min(count, width), largest=False, sorted=False).indices
        members = (near[:, None] + width * torch.arange(_RUN)[:, None]).flatten(1)
        best = d.gather(1, members).topk(count, largest=False, sorted=False)
        found.append(members.gather(1, best.indices))
        beyond.append(best.values.amax(1) + some.square().sum(1))
    farthest = torch.cat(beyond)
    return torch.cat(found), farthest if count < n else torch.full_like(farthest, torch.inf)
