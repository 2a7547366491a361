"""The arithmetic of a run on several processes: each takes its part of every batch, all keep the same weights.

The sum that a step follows is the one of a single process, rounded differently: the batch, its order and its noise are
those of one process, and the loss of a part counts by its number of images.
"""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator

import torch
import torch.distributed
from torch import Tensor, nn

from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.errors import UserError


class LostContactError(BaseException):
    """The others did not take part in a sum: one of them has ended, or does not answer.

    It can come at any time, as ``KeyboardInterrupt`` can, and is not an error of what it interrupts.
    """


class Processes:
    """The processes that train one run, seen by one of them.

    Everything that they exchange is a sum over all, which each calls at the same point. Whoever misses one ends the
    others with a ``LostContactError``.

    Args:
        number: Which one this is, from 0. Number 0 alone writes.
        count: How many there are.
    """

    def __init__(self, number: int, count: int) -> None:
        self.number = number
        self.count = count

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.number == 0

    def own(self, chosen: Tensor) -> Tensor:
        """Return the part of a batch's indices that this process computes; one that counts nothing if that is none."""
        return chosen[self._rows(len(chosen))]

    def losses(
        self, autoencoder: Autoencoder, x: Tensor, rng: torch.Generator, *, images: int
    ) -> tuple[Tensor, Tensor]:
        """Compute this process's share of the losses of a batch: over all processes they add up to ``losses``.

        The bottleneck sees the rows of the whole batch in each process, and what is drawn is drawn for the whole batch,
        so that noise and penalties are those of one process.

        Args:
            autoencoder: The networks, the same in all processes.
            x: The images of ``own``, shape (m, c, s, s).
            rng: Random generator of what is drawn in training, in the same state in all processes.
            images: Number of images of the batch.

        Returns:
            Two scalars. Their backward pass is a sum over all processes too.
        """
        if self.count == 1:
            return autoencoder.losses(x, rng)
        begin, end = self._range(images)
        share, rows = (end - begin) / images, self._rows(images)
        h = autoencoder.encoder(autoencoder.corrupted(x, rng, rows=rows, images=images))[: end - begin]
        z, penalty = autoencoder.bottleneck.sample(self._joined(h, begin, images), rng)
        error = autoencoder.reconstruction_loss(z[rows], x)
        contraction = autoencoder.contraction_penalty(x, rng, rows=rows, images=images)
        return error * share, penalty / self.count + contraction * share

    def add_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace the gradients by their sums over all processes, in one exchange."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        together = self.total(torch.cat([gradient.flatten() for gradient in gradients]))
        parts = torch.split(together, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def total(self, values: Tensor) -> Tensor:
        """Add up a tensor over all processes, in place.

        Raises:
            LostContactError: If another process has ended, or does not answer.
        """
        if self.count > 1:
            try:
                torch.distributed.all_reduce(values)
            except RuntimeError as error:
                raise LostContactError(str(error)) from error
        return values

    def any(self, flag: bool) -> bool:
        """Return whether a flag is set in any process."""
        return flag if self.count == 1 else bool(self.total(torch.tensor(float(flag))))

    def agree(self, value: int) -> int:
        """Return the value of number 0."""
        return value if self.count == 1 else int(self.total(torch.tensor(value if self.first else 0)))

    @contextlib.contextmanager
    def first_alone(self) -> Iterator[None]:
        """Let number 0 run a block before the others do."""
        if not self.first:
            self.any(False)
        yield
        if self.first:
            self.any(False)

    def check_same(self, what: str) -> None:
        """Check that a text is the same in all processes, each of which has come so far.

        Raises:
            UserError: If it is not.
        """
        if self.count == 1:
            return
        digests = torch.zeros(self.count, dtype=torch.int64)
        digests[self.number] = int.from_bytes(hashlib.sha256(what.encode()).digest()[:7], "big")
        different = (self.total(digests) != digests[0]).nonzero().flatten().tolist()
        if different:
            raise UserError(
                f"the process of rank {different[0]} has opened another run than that of rank 0: all need the same "
                "settings, images, kind of device and run folder"
            )

    def check_networks(self, autoencoder: Autoencoder) -> None:
        """Check that no layer normalises over the images of a batch, of which each process has only its part.

        Raises:
            UserError: If one does.
        """
        if self.count == 1:
            return
        for name, layer in autoencoder.named_modules():
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                raise UserError(
                    f"`network`: {name} is a {type(layer).__name__}, which normalises over a batch, and each of "
                    f"{self.count} processes would have a part of it: use GroupNorm or LayerNorm, or one process"
                )

    def _range(self, images: int) -> tuple[int, int]:
        return images * self.number // self.count, images * (self.number + 1) // self.count

    def _rows(self, images: int) -> slice:
        begin, end = self._range(images)
        return slice(begin, end) if begin < end else slice(1)

    def _joined(self, rows: Tensor, begin: int, images: int) -> Tensor:
        """Join the rows of all processes to those of the batch; gradients come back from all processes."""
        whole = torch.zeros(images, *rows.shape[1:], device=rows.device)
        whole[begin : begin + len(rows)] = rows.detach()
        others = self.total(whole).to(rows.dtype)
        joined = torch.cat([others[:begin], rows, others[begin + len(rows) :]])
        joined.register_hook(lambda gradient: self.total(gradient.float().contiguous()).to(gradient.dtype))
        return joined


ALONE = Processes(0, 1)
"""One process: nothing is exchanged."""
