"""The codes of some images of a set, where nothing asks for the others."""

from collections.abc import Callable

import torch
from torch import Tensor

from ssl_irmae.encoders.encoding import ENCODE_CHUNK


class PartialCodes:
    """The codes of a set of images, as far as they have been asked for.

    Args:
        expected: Whether each image will be asked for, bool (n,): all of these are encoded together, when one is
            needed. What is asked for is noted there too.
    """

    def __init__(self, expected: Tensor) -> None:
        self._expected = expected
        self._codes: Tensor | None = None  # of known images alone, in the order in which they were asked for
        self._place = torch.full((len(expected),), -1, dtype=torch.int32)

    def share(self, positions: Tensor) -> float:
        """Return which share of all images will have been encoded once the codes at ``positions`` are known."""
        return (int((self._place >= 0).sum()) + len(self._missing(positions))) / len(self._place)

    def at(self, positions: Tensor, encode: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the codes of images, (m, d), encoding those that are missing.

        Args:
            positions: Indices of the images, int64 (m,).
            encode: Maps indices to codes, fp32 (n, d).
        """
        if len(missing := self._missing(positions)):
            codes = encode(missing)
            known = 0 if self._codes is None else len(self._codes)
            self._codes = codes if self._codes is None else torch.cat([self._codes, codes])
            self._place[missing] = torch.arange(known, known + len(missing), dtype=torch.int32)
        assert self._codes is not None
        return self._codes[self._place[positions].long()]

    def _missing(self, positions: Tensor) -> Tensor:
        """Return which images to encode, int64; they fill whole chunks, which never leave an image to itself."""
        known = self._place >= 0
        if known[positions].all():
            return positions[:0]
        self._expected[positions] = True
        missing = (self._expected & ~known).nonzero().flatten()
        others = (~self._expected & ~known).nonzero().flatten()
        return torch.cat([missing, others[: -len(missing) % ENCODE_CHUNK]])
