"""The codes of some images of a set, where nothing asks for the others."""

from collections.abc import Callable

import torch
from torch import Tensor

from ssl_irmae.encoders.encoding import ENCODE_CHUNK


class PartialCodes:
    """The codes of a set of images, as far as they have been asked for.

    Args:
        images: Number of images in the set.
    """

    def __init__(self, images: int) -> None:
        self._codes: Tensor | None = None  # (images, d); rows of other images are never read
        self._known = torch.zeros(images, dtype=torch.bool)
        self._expected = torch.zeros(images, dtype=torch.bool)

    def expect(self, positions: Tensor) -> None:
        """Note images, int64 (m,), that will be asked for: all of these are encoded together, when one is needed."""
        self._expected[positions] = True

    def share(self, positions: Tensor) -> float:
        """Return which share of all images will have been encoded once the codes at ``positions`` are known."""
        return (int(self._known.sum()) + len(self._missing(positions))) / len(self._known)

    def at(self, positions: Tensor, encode: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the codes of images, (m, d), encoding those that are missing.

        Args:
            positions: Indices of the images, int64 (m,).
            encode: Maps indices to codes, fp32 (n, d).
        """
        if len(missing := self._missing(positions)):
            codes = encode(missing)
            self._codes = codes.new_empty(len(self._known), codes.shape[1]) if self._codes is None else self._codes
            self._codes[missing] = codes
            self._known[missing] = True
        assert self._codes is not None
        return self._codes[positions]

    def _missing(self, positions: Tensor) -> Tensor:
        """Return which images to encode, int64; they fill whole chunks, which never leave an image to itself."""
        if self._known[positions].all():
            return positions[:0]
        self.expect(positions)
        missing = (self._expected & ~self._known).nonzero().flatten()
        others = (~self._expected & ~self._known).nonzero().flatten()
        return torch.cat([missing, others[: -len(missing) % ENCODE_CHUNK]])
