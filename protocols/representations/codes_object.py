"""Codes that an object of the user's makes of images: anything with ``encode``, ``transform`` or ``forward``."""

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ssl_irmae.datasets.arrays import arrays_of, as_numpy
from ssl_irmae.datasets.image_set import ImageSet, Split, as_float
from ssl_irmae.datasets.registry import Dataset
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.encoders.encoding import ENCODE_CHUNK
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.representations.given_codes import Codes, as_codes

METHODS_OF_OBJECTS = ("encode", "transform", "forward")
"""What is called, in this order of preference."""


@dataclass(frozen=True)
class CodesObject:
    """An object that makes codes, called for at most 512 images at a time.

    What it is given:

    - a torch module, by ``encode`` or ``forward``: images as they were loaded, fp32 in [0, 1], shape (n, c, h, w), on
      its device. It is in eval mode meanwhile, without gradients, and every part has its mode back afterwards;
    - ``transform``, as of scikit-learn: the user's own array where ``dataset`` is arrays, otherwise uint8 of shape
      (n, c, h, w); as rows (n, features) if it was fitted on rows of that length;
    - any other ``encode``, and that of an :class:`Encoder`: a uint8 tensor of shape (n, c, h, w).

    It returns a tensor or an array of shape (n, d).

    Args:
        title: How error messages call it.
        model: The object.
        method: Name of the method that is called.
        dataset: The data set as the user gave it.
    """

    title: str
    model: Any
    method: str
    dataset: Dataset | None

    @property
    def codes_from(self) -> str:
        """The class and the method."""
        return f"{type(self.model).__name__}.{self.method}"

    def of(self, images: ImageSet, split: Split) -> Codes:
        """Return the codes of the images of a split.

        Raises:
            UserError: If the object returns anything but codes. What it raises itself is raised as it is.
        """
        inputs, called = self._inputs(images, split), self._called()
        parts = []
        with _frozen(self.model):
            for start in range(0, len(images), ENCODE_CHUNK):
                chunk = inputs[start : start + ENCODE_CHUNK]
                part = self._checked(called(chunk), len(chunk))
                parts.append(part)
        if len({part.shape[1] for part in parts}) > 1:
            raise UserError(f"{self.title}: `{self.method}` returned codes of several widths; they must have one")
        return as_codes(np.concatenate(parts), f"{self.title}: what `{self.method}` returned")

    def _inputs(self, images: ImageSet, split: Split) -> Any:
        if self.method != "transform":
            return images.images
        arrays = None if self.dataset is None else arrays_of(self.dataset, split)
        given = images.images.numpy() if arrays is None else arrays
        rows = math.prod(given.shape[1:])
        return given.reshape(len(given), rows) if getattr(self.model, "n_features_in_", None) == rows else given

    def _called(self) -> Callable[[Any], object]:
        if isinstance(self.model, nn.Module) and not isinstance(self.model, Encoder) and self.method != "transform":
            some = next(itertools.chain(self.model.parameters(), self.model.buffers()), torch.empty(0))
            # a module is called as such, so that its hooks run
            call: Callable[[Tensor], object] = (
                self.model if self.method == "forward" else getattr(self.model, self.method)
            )
            return lambda images: call(as_float(images, some.device))
        called: Callable[[Any], object] = getattr(self.model, self.method)
        return called

    def _checked(self, returned: object, n: int) -> npt.NDArray[Any]:
        """Return what a call for n images returned, as an array (n, d)."""
        if not isinstance(returned, np.ndarray | Tensor):
            kind = type(returned).__name__
            raise UserError(
                f"{self.title}: `{self.method}` must return an array or a tensor of shape (n, d), got {kind}"
            )
        array = as_numpy(returned)
        if array.ndim != 2 or len(array) != n:
            raise UserError(
                f"{self.title}: `{self.method}` must return codes of shape (n, d), for {n} images ({n}, d): got "
                f"{array.shape}"
            )
        return array


@contextlib.contextmanager
def _frozen(model: object) -> Iterator[None]:
    """Keep a torch module in eval mode and without gradients, and give every part of it its own mode back."""
    if not isinstance(model, nn.Module):
        yield
        return
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training
