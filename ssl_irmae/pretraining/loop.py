"""One plain loop that trains an autoencoder, and can stop and continue at any step."""

import copy
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ssl_irmae._support.compute import Precision, autocast
from ssl_irmae._support.memory import fits
from ssl_irmae._support.seeding import generator, seeded
from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.datasets.image_set import as_float
from ssl_irmae.datasets.large_arrays import read_ahead
from ssl_irmae.encoders.encoding import encode
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.optimizers import USUAL, make_optimizer
from ssl_irmae.pretraining.plateau import mean_picture, plateau_loss
from ssl_irmae.pretraining.processes import ALONE, Processes
from ssl_irmae.pretraining.recipes import learning_rate_at
from ssl_irmae.spectrum import effective_rank, spectrum

_LOG_EVERY = 50  # steps: reading the losses waits for the device, and CUDA should not wait at every step
_RANK_IMAGES = 5000  # images on which the effective rank of each epoch is measured, spread over the set
_JUDGED_STEPS = 10  # last ones before the losses are read, which say whether a run is on its plateau
_CHECKED_IMAGES = 8  # images whose codes and reconstructions must be finite whenever the losses are read


class NonFiniteLossError(UserError):
    """The loss, or a code or reconstruction after the last step, is infinite or not a number."""


@dataclass(frozen=True)
class Record:
    """How far a run has got.

    Args:
        epoch: Epochs completed.
        step: Optimiser steps taken.
        epoch_done: Whether this record ends an epoch.
        loss: Mean training loss of the epoch so far.
        recent_loss: Mean training loss of the steps since the last record.
        effective_rank: Effective rank of the code at the end of an epoch; None within one.
        images_per_second: Speed since the last record, not counting the time to measure the rank.
        on_plateau: Whether reconstructions have not yet been better than the mean picture.
    """

    epoch: int
    step: int
    epoch_done: bool
    loss: float
    recent_loss: float
    effective_rank: float | None
    images_per_second: float
    on_plateau: bool


class Pretraining:
    """The state of a run: networks, optimiser, and position in the data.

    Every random choice is a function of (seed, epoch) or comes from a generator that is part of the state, so that a
    run restored from ``state_dict`` is bit-identical on CPU to one that never stopped.

    Args:
        autoencoder: Autoencoder to train, in place.
        images: uint8, shape (n, c, s, s), already of the size that the encoder expects; or standardised rows, fp32
            (n, d, 1, 1).
        seed: Seed of the order of images and of what the loss draws at random.
        batch_size: Images per step; the last batch of an epoch may be smaller. If that is one image, which not all
            networks can be trained on, it takes the image before it as well where it has to.
        learning_rate: Learning rate, before any cooldown.
        precision: Arithmetic of the networks.
        device: Device to train on; the images are kept there too, as uint8, if they fit into memory.
        cooldown: Share of the steps, at their end, over which the learning rate falls linearly to zero.
        steps: The most optimiser steps to take; a cooldown ends there. None for no limit, at a constant rate alone.
        optimizer: Name in ``OPTIMIZERS``.
        processes: The processes that train together, each of which has the same state.

    Attributes:
        plateau_steps: Steps in which reconstructions, as far as the losses were read, were not yet better than the mean
            picture; None if a checkpoint of an earlier version does not record it.
        spectrum: Singular values of the code when its effective rank was last measured; None before.
    """

    def __init__(
        self,
        autoencoder: Autoencoder,
        images: Tensor,
        *,
        seed: int,
        batch_size: int,
        learning_rate: float,
        precision: Precision,
        device: torch.device,
        cooldown: float = 0.0,
        steps: int | None = None,
        optimizer: str = USUAL,
        processes: Processes = ALONE,
    ) -> None:
        if cooldown and steps is None:
            raise UserError(f"`cooldown` {cooldown:g} needs the planned `steps`: its end is where they end")
        self.autoencoder = autoencoder.to(device).to(memory_format=torch.channels_last)
        self._on_disk = not fits(images.nbytes)  # then they stay there, and each batch goes to the device
        self.images = images if self._on_disk else images.to(device)
        self.seed = seed
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.precision = precision
        self.device = device
        self.cooldown = cooldown
        self.processes = processes
        self.steps = sys.maxsize if steps is None else steps
        self.plateau_steps: int | None = 0
        self.spectrum: Tensor | None = None
        self.optimizer = make_optimizer(
            optimizer, self.autoencoder.parameters(), learning_rate, weight_decay=self.autoencoder.weight_decay
        )
        self.epoch = 0
        self.step = 0
        self._batch = 0
        self._loss_sum = 0.0
        self._noise_rng = generator(device, seed, "noise")
        if batch_size == 1 and not self._takes_one_image:
            raise UserError("`batch_size` 1: in training these networks cannot take one image alone; use 2 or more")
        least, most = self.autoencoder.bottleneck.least_images, min(batch_size, len(images))
        if most < least:
            raise UserError(
                f"`strength` {least - 1}: batches of {most} images have no more directions than that, so that none "
                f"would be dropped; use less, or batches of {least} images"
            )
        if batch_size < processes.count:
            raise UserError(f"`batch_size` {batch_size}: {processes.count} processes need an image each; use more")
        processes.check_networks(self.autoencoder)
        if processes.count > 1 and not self._takes_one_image:
            raise UserError("in training these networks cannot take one image alone, as one of several processes may")

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps in one pass over the images."""
        return -(-len(self.images) // self.batch_size)

    @property
    def on_plateau(self) -> bool:
        """Whether reconstructions have not yet been better than the mean picture."""
        return self.plateau_steps == self.step

    def limit(self, *, epochs: int | None = None, max_steps: int | None = None) -> int:
        """Return the step at which training ends: after ``epochs`` epochs, ``max_steps`` steps or the planned steps."""
        limits = [self.steps]
        limits += [] if epochs is None else [epochs * self.steps_per_epoch]
        limits += [] if max_steps is None else [max_steps]
        return min(limits)

    def run(self, *, epochs: int | None = None, max_steps: int | None = None) -> Iterator[Record]:
        """Train up to ``epochs`` epochs, ``max_steps`` steps or the planned steps, yielding a record every few steps.

        Each of them counts from the beginning of the run, and the first to come ends it. At each yield the state is
        complete: it can be saved, and the caller can stop.

        Raises:
            NonFiniteLossError: If a loss is not finite; the message names epoch, step and learning rate.
        """
        limit = self.limit(epochs=epochs, max_steps=max_steps)
        while self.step < limit:
            yield from self._epoch(limit)

    def _epoch(self, limit: int) -> Iterator[Record]:
        n = len(self.images)
        order = torch.randperm(n, generator=generator("cpu", self.seed, "order", self.epoch)).to(self.images.device)
        self.autoencoder.train()
        epoch = self.epoch
        while self.epoch == epoch and self.step < limit:
            start, seen, losses, reconstructions = time.perf_counter(), 0, [], []
            for _ in range(min(_LOG_EVERY, self.steps_per_epoch - self._batch, limit - self.step)):
                first = self._batch * self.batch_size
                new = min(self.batch_size, n - first)
                if new == 1 and not self._takes_one_image:
                    first -= 1  # the image before it is seen again: in a batch of one there is nothing to normalise by
                chosen = order[first : (self._batch + 1) * self.batch_size]
                own = self.processes.own(chosen)
                if self._on_disk:
                    read_ahead(self.images, own)
                x = as_float(self.images[own], self.device)
                self.optimizer.zero_grad()
                with autocast(self.device, self.precision):
                    reconstruction, penalty = self.processes.losses(
                        self.autoencoder, x, self._noise_rng, images=len(chosen)
                    )
                    loss = reconstruction + penalty
                torch.autograd.backward(loss)
                self.processes.add_gradients(self.optimizer.parameters)
                self.optimizer.learning_rate = learning_rate_at(
                    self.step, learning_rate=self.learning_rate, cooldown=self.cooldown, steps=self.steps
                )
                self.optimizer.step()
                losses.append(loss.detach() * new)
                reconstructions.append(reconstruction.detach() * new)
                seen += new
                self._batch += 1
                self.step += 1
            # the weights after the last step have no loss yet: what they compute is checked instead
            checked = torch.stack([*losses, self._sum_of_outputs(x[:_CHECKED_IMAGES])]).cpu().double()
            self.processes.total(checked)
            if not checked.isfinite().all():
                first = self.step - len(losses) + min(int((~checked.isfinite()).nonzero()[0]) + 1, len(losses))
                raise NonFiniteLossError(
                    f"the loss is not finite at epoch {self.epoch + 1}, step {first}, with learning rate "
                    f"{self.learning_rate:g}: try a smaller `learning_rate`, or `precision` fp32; an earlier "
                    "checkpoint, if there is one, is kept"
                )
            self._loss_sum += float(checked[:-1].sum())
            if self.plateau_steps == self.step - len(losses) and self._no_better_than_mean(order, reconstructions):
                self.plateau_steps = self.step
            rate = seen / (time.perf_counter() - start)
            recent = float(checked[:-1].sum()) / seen
            mean = self._loss_sum / min(self._batch * self.batch_size, n)
            if self._batch < self.steps_per_epoch:
                yield Record(self.epoch, self.step, False, mean, recent, None, rate, self.on_plateau)
            else:
                self.epoch, self._batch, self._loss_sum = self.epoch + 1, 0, 0.0
                yield Record(self.epoch, self.step, True, mean, recent, self.effective_rank(), rate, self.on_plateau)

    @cached_property
    def _takes_one_image(self) -> bool:
        """Whether the networks can be trained on one image: batch normalisation over maps of one pixel cannot."""
        networks = copy.deepcopy(self.autoencoder).train()  # whose statistics may change
        with seeded(self.seed, "one image"), torch.no_grad():
            try:
                networks.decoder.before_output(networks.code(as_float(self.images[:1], self.device)))
            except Exception:  # networks of one's own may raise anything
                return False
        return True

    @cached_property
    def _mean_picture(self) -> Tensor:
        return mean_picture(self.images).to(self.device)

    def _no_better_than_mean(self, order: Tensor, losses: list[Tensor]) -> bool:
        """Compare reconstruction losses of the last few steps, summed over images, with those of the mean picture."""
        steps = min(_JUDGED_STEPS, len(losses))
        chosen = order[(self._batch - steps) * self.batch_size : self._batch * self.batch_size]
        limit = plateau_loss(self.images[chosen], self._mean_picture, self.autoencoder.reconstruction)
        return float(self.processes.total(torch.stack(losses[-steps:]).cpu().double()).sum()) >= limit

    @torch.no_grad()
    def _sum_of_outputs(self, x: Tensor) -> Tensor:
        """Sum codes and reconstructions: not finite if any of their entries is not."""
        self.autoencoder.eval()
        with autocast(self.device, self.precision):
            z = self.autoencoder.code(x)
            total = z.float().abs().sum() + self.autoencoder.decoder.before_output(z).abs().sum()
        self.autoencoder.train()
        return total

    def effective_rank(self) -> float:
        """Measure the effective rank of the code, on images spread over the set."""
        sample = self.images[:: max(1, len(self.images) // _RANK_IMAGES)]
        self.spectrum = spectrum(encode(self.autoencoder, sample, reads="code"))
        self.autoencoder.train()
        return effective_rank(self.spectrum)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that ``load_state_dict`` needs to continue bit for bit."""
        return {
            "autoencoder": self.autoencoder.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epoch": self.epoch,
            "step": self.step,
            "batch": self._batch,
            "loss_sum": self._loss_sum,
            "noise": self._noise_rng.get_state(),
            "plateau_steps": self.plateau_steps,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a saved state of the same recipe; if its noise is None, noise is drawn from a seed of its step."""
        self.autoencoder.load_state_dict(state["autoencoder"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.step = state["epoch"], state["step"]
        self._batch, self._loss_sum = state["batch"], state["loss_sum"]
        self.plateau_steps = state.get("plateau_steps")  # checkpoints of the first versions do not record it
        if state["noise"] is None:
            self._noise_rng = generator(self.device, self.seed, "noise", self.step)
        else:
            self._noise_rng.set_state(state["noise"])
