"""Exact nearest neighbours among many codes, in single precision where that is safe."""

from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ssl_irmae._support.files import sha256
from ssl_irmae.protocols.graphs.all_pairs import nearest_of_all
from ssl_irmae.protocols.storage.cache import cached, is_cached

_SPARE = 12  # candidates beyond k
_RUN = 16
_CHUNK = 512  # queries
_WIDTHS = (16, 32, 64, 128, 256, 512)
_PILOT = 256  # queries
_SURE = 0.95
_SAMPLE = 4096  # codes
_MANY = 1 << 24  # distances, above which it pays to try fewer directions
_WORTH_CACHING = 1 << 26  # distances
_CHUNK_BYTES = 1 << 23


class Neighbours:
    """Exact Euclidean nearest neighbours among points.

    Codes are rotated to their principal directions; the first few of these, with the norm of the rest, bound every
    distance from below (the way Faloutsos, Ranganathan and Manolopoulos, SIGMOD 1994, search time series). The nearest
    by that bound, a few more than asked for, are measured in double precision; where the bound on the others leaves a
    doubt, all directions are compared, and where that leaves one too, all points are measured: where groups are far
    apart, or more points are equal than there are candidates. Matrix products in single precision only propose
    candidates, so the answer for one query does not depend on the others, and duplicates are at distance exactly 0.

    Args:
        points: Codes, fp32 (n, d).
    """

    def __init__(self, points: Tensor) -> None:
        self.points = points
        self._varied = (points != points[:1]).any(0)  # a constant direction adds the same to all
        self._mean = points.mean(0)
        self._centred = self._centre(points)
        self._last: tuple[Tensor, int, tuple[Tensor, Tensor]] | None = None

    def search(self, x: Tensor, k: int, *, exclude_self: bool = False) -> tuple[Tensor, Tensor]:
        """Find the nearest points of each x, nearest first, equal distances in order of position.

        Args:
            x: Codes, fp32 (m, d).
            k: Number of neighbours (all points, if there are fewer).
            exclude_self: Whether x are the points themselves, and none is its own neighbour.

        Returns:
            Distances, fp64, and positions, int64, each (m, k).
        """
        n, d = self._centred.shape
        k = min(k, n - exclude_self)
        if torch.compiler.is_exporting():
            return nearest_of_all(x, self.points, k)
        every = torch.arange(len(x))
        centred = self._centred if exclude_self else self._centre(x)
        if len(x) * n >= _MANY:
            rotated = self._rotated if exclude_self else centred @ self._directions
            for width in (width for width in _WIDTHS if 2 * width <= d):
                points, queries = _narrow(self._rotated, width), _narrow(rotated, width)
                pilot = every[:: max(1, len(x) // _PILOT)]
                if self._compare(points, queries, x, pilot, k, exclude_self)[2].double().mean() < _SURE:
                    continue
                distances, positions, sure = self._compare(points, queries, x, every, k, exclude_self)
                rest = every[~sure]
                distances[rest], positions[rest] = self._compare_fully(centred, x, rest, k, exclude_self)
                return distances, positions
        return self._compare_fully(centred, x, every, k, exclude_self)

    def find(self, x: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Do the same as ``search``, remembering the last answer and keeping slow ones in the cache."""
        if torch.compiler.is_exporting():
            return self.search(x, k)
        if self._last is None or self._last[1] != k or not torch.equal(self._last[0], x):
            self._last = (x.clone(), k, self._search_cached(x, k))
        return self._last[2]

    def find_others(self, k: int) -> tuple[Tensor, Tensor]:
        """Find the nearest other points of each point, keeping slow answers in the cache."""
        return self._search_cached(self.points, k, exclude_self=True)

    def others_are_kept(self, k: int) -> bool:
        """Return whether ``find_others`` has little to do: its answer is in the cache, or the points are few."""
        return len(self.points) ** 2 < _WORTH_CACHING or is_cached("neighbours", *self._name(self.points, k, True))

    def _name(self, x: Tensor, k: int, exclude_self: bool) -> tuple[object, ...]:
        hashes = [sha256(codes.numpy().tobytes()) for codes in (self.points, x)]
        return *hashes, *self.points.shape, k, exclude_self

    def _search_cached(self, x: Tensor, k: int, *, exclude_self: bool = False) -> tuple[Tensor, Tensor]:
        if len(x) * len(self.points) < _WORTH_CACHING:
            return self.search(x, k, exclude_self=exclude_self)

        def compute() -> dict[str, Tensor]:
            distances, positions = self.search(x, k, exclude_self=exclude_self)
            return {"distances": distances, "positions": positions}

        found = cached("neighbours", *self._name(x, k, exclude_self), compute=compute)
        return found["distances"], found["positions"]

    @cached_property
    def _directions(self) -> Tensor:
        subsample = self._centred[:: -(-len(self._centred) // _SAMPLE)].double()
        directions: Tensor = torch.linalg.eigh(subsample.T @ subsample).eigenvectors
        return directions.flip(1).float()

    @cached_property
    def _rotated(self) -> Tensor:
        return self._centred @ self._directions

    def _centre(self, x: Tensor) -> Tensor:
        return (x - self._mean)[:, self._varied]

    def _compare(
        self, points: Tensor, queries: Tensor, x: Tensor, rows: Tensor, k: int, exclude_self: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Propose candidates and measure them: distances, positions, and whether no other point can be nearer.

        Args:
            points: The points, centred, or rotated and narrowed, fp32 (n, width).
            queries: x, likewise, fp32 (m, width).
            x: Codes, fp32 (m, d).
            rows: Which x to compare.
            k: Number of neighbours.
            exclude_self: Whether x are the points themselves, and none is its own neighbour.
        """
        queries = queries[rows]
        near, beyond = _nearest(points, queries, min(len(points), k + exclude_self + _SPARE))
        near = near.sort(1).values
        size = max(1, _CHUNK_BYTES // (8 * near.shape[1] * x.shape[1]))
        chunks = zip(torch.split(rows, size), torch.split(near, size), strict=True)
        d = torch.cat([(x[i][:, None].double() - self.points[j]).square().sum(2).sqrt() for i, j in chunks])
        if exclude_self:
            d[near == rows[:, None]] = torch.inf
        order = d.argsort(dim=1, stable=True)[:, :k]
        d = d.gather(1, order)
        # many times the rounding error of single precision
        doubt = 16 * torch.finfo(torch.float32).eps * (queries.norm(dim=1) + points.norm(dim=1).max()).square()
        return d, near.gather(1, order), d[:, -1].square() < beyond - doubt

    def _compare_fully(
        self, centred: Tensor, x: Tensor, rows: Tensor, k: int, exclude_self: bool
    ) -> tuple[Tensor, Tensor]:
        """Find the nearest points by all directions: in double precision where single precision leaves a doubt."""
        distances, positions, sure = self._compare(self._centred, centred, x, rows, k, exclude_self)
        if sure.all():
            return distances, positions
        points = self.points.double()
        for i in torch.split((~sure).nonzero().flatten(), max(1, _CHUNK_BYTES // (8 * len(points)))):
            d = torch.cdist(x[rows[i]].double(), points, compute_mode="donot_use_mm_for_euclid_dist")
            if exclude_self:
                d[torch.arange(len(i)), rows[i]] = torch.inf
            nearest = d.sort(dim=1, stable=True)
            distances[i], positions[i] = nearest.values[:, :k], nearest.indices[:, :k]
        return distances, positions


def _narrow(rotated: Tensor, width: int) -> Tensor:
    """Keep the first directions, and the norm of the others: fp32 (n, width + 1)."""
    return torch.cat([rotated[:, :width], rotated[:, width:].norm(dim=1, keepdim=True)], 1)


def _nearest(points: Tensor, queries: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Find the nearest ``count`` points up to rounding, in any order, and a lower bound on the others' square distance.

    Points are divided into runs; candidates are the members of the ``count`` runs that hold the nearest points.

    Args:
        points: fp32 (n, width).
        queries: fp32 (m, width).
        count: How many, at most n.

    Returns:
        Positions, int64 (m, count), and the bounds, fp32 (m,), infinite where all points are found.
    """
    n = len(points)
    width = -(-n // _RUN)
    padded = torch.zeros(_RUN * width, points.shape[1] + 1)
    padded[:n, :-1] = points
    padded[:, -1] = torch.finfo(torch.float32).max
    padded[:n, -1] = points.square().sum(1)
    squares = torch.empty(_CHUNK, _RUN * width)  # shared by all chunks: allocating it takes as long as filling it
    positions, beyond = [], []
    for chunk in torch.split(queries, _CHUNK):
        d = squares[: len(chunk)]
        factors = torch.cat([-2 * chunk, torch.ones(len(chunk), 1)], 1)
        np.matmul(factors.numpy(), padded.T.numpy(), out=d.numpy())  # OpenBLAS: faster here than torch's product
        runs = d.view(-1, _RUN, width).amin(1)
        near = runs.topk(min(count, width), largest=False, sorted=False).indices
        members = (near[:, None] + width * torch.arange(_RUN)[:, None]).flatten(1)
        best = d.gather(1, members).topk(count, largest=False, sorted=False)
        positions.append(members.gather(1, best.indices))
        beyond.append(best.values.amax(1) + chunk.square().sum(1))
    farthest = torch.cat(beyond)
    return torch.cat(positions), farthest if count < n else torch.full_like(farthest, torch.inf)
