"""How fast this machine is: the seconds of three fixed pieces of work, in which stored costs are counted."""

import statistics
import time
from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssl_irmae._support.compute import Precision
from ssl_irmae._support.seeding import generator, seeded
from ssl_irmae.networks.registry import CONV, Networks
from ssl_irmae.networks.sizes import paper_settings
from ssl_irmae.protocols.contenders.on_codes import READOUTS
from ssl_irmae.protocols.learners.training import labelled_batches, train
from ssl_irmae.protocols.readouts.sample import Sample

Piece = Literal["network", "graph", "regression"]


class Taken(NamedTuple):
    """How long a piece of work took.

    Args:
        seconds: By the clock on the wall.
        processor_seconds: Time that processors spent on it: less, if other work kept them busy meanwhile.
    """

    seconds: float
    processor_seconds: float

    @classmethod
    def since(cls, began: "Taken") -> "Taken":
        """Return what has passed since ``Taken.now()``."""
        now = cls.now()
        return cls(now.seconds - began.seconds, now.processor_seconds - began.processor_seconds)

    @classmethod
    def now(cls) -> "Taken":
        """Read both clocks, of which only differences mean anything."""
        return cls(time.perf_counter(), time.process_time())

    def times(self, amount: float) -> "Taken":
        """Return how long so many of them take."""
        return Taken(amount * self.seconds, amount * self.processor_seconds)


_BATCH = 64
_CLASSES = 10
_STEPS = 30
_WARM_UP = 5
_REPEATS = 5
_WIDTH = 128
_NODES = 4_000
_LABELS = 100


def time_piece(
    piece: Piece,
    *,
    channels: int = 1,
    image_size: int = 32,
    device: str = "cpu",
    precision: Precision = "fp32",
    networks: Networks = CONV,
) -> Taken:
    """Measure a piece of work here and now, with torch's threads: medians of several repeats.

    ``"network"`` is one training step of an encoder with a linear head on 64 images; ``"graph"`` a k-NN graph
    of 4,000 codes with Poisson learning from 100 labels on it; ``"regression"`` logistic regression on 100 codes, with
    cross-validation.

    Args:
        piece: Which.
        channels: Channels of the images; like the next four, of the network alone.
        image_size: Their height and width, pixels.
        device: Where the network is trained.
        precision: Its arithmetic.
        networks: Its family.
    """
    if piece == "network":
        return _time_step(channels, image_size, torch.device(device), precision, networks)
    readout = READOUTS["poisson-prior" if piece == "graph" else "linear"]
    taken = []
    for _ in range(_REPEATS):
        sample = _codes(_NODES)  # whose memo is empty: the graph is built each time
        began = Taken.now()
        readout.fit_all([sample], None)
        taken.append(Taken.since(began))
    return _medians(taken)


def _time_step(channels: int, image_size: int, device: torch.device, precision: Precision, networks: Networks) -> Taken:
    width = paper_settings(channels=channels, image_size=image_size).latent_dim
    with seeded(0, "network"):
        encoder = networks.encoder(channels=channels, image_size=image_size, features=width)
        net = nn.Sequential(encoder, nn.Linear(width, _CLASSES)).to(device).to(memory_format=torch.channels_last)
    images = torch.randint(
        256, (_BATCH, channels, image_size, image_size), generator=generator("cpu", "images"), dtype=torch.uint8
    )
    labels = torch.arange(_BATCH) % _CLASSES
    sample = Sample(images, labels, images, torch.arange(_BATCH), _CLASSES, 0, device, precision)
    labelled = labelled_batches(sample, _BATCH)
    taken: list[Taken] = []
    began = Taken.now()

    def loss() -> Tensor:
        nonlocal began
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(Taken.since(began))
        began = Taken.now()
        x, y = next(labelled)
        return F.cross_entropy(net(x).float(), y)

    train(loss, net.parameters(), sample, steps=_WARM_UP + _STEPS, learning_rate=1e-3)
    return _medians(taken[_WARM_UP:])


def _medians(taken: Sequence[Taken]) -> Taken:
    return Taken(*(statistics.median(each) for each in zip(*taken, strict=True)))


def _codes(n: int) -> Sample:
    """Draw codes that fall into as many clusters as there are classes, a few of them labelled."""
    rng = generator("cpu", "codes")
    labels = torch.arange(n) % _CLASSES
    codes = torch.randn(_CLASSES, _WIDTH, generator=rng)[labels] + 2 * torch.randn(n, _WIDTH, generator=rng)
    chosen = torch.arange(_LABELS)
    return Sample(codes[chosen], labels[chosen], codes, chosen, _CLASSES, 0, torch.device("cpu"), "fp32")
