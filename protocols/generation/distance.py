"""How far reconstructions and samples of encoders are from real pictures, over several draws."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from ssl_irmae._support.compute import find_device
from ssl_irmae._support.progress import Listener, Message, silent
from ssl_irmae._support.seeding import generator
from ssl_irmae.datasets.image_set import as_float
from ssl_irmae.datasets.reading import count
from ssl_irmae.datasets.registry import Dataset
from ssl_irmae.errors import UserError
from ssl_irmae.generation.picture_maker import FITTED_TO, PictureMaker
from ssl_irmae.generation.samplers import SAMPLERS, samplers_of
from ssl_irmae.networks.own import Pair
from ssl_irmae.protocols.generation.distances import frechet_distance, kernel_distance
from ssl_irmae.protocols.generation.judge import STEPS, Judge, train_judge
from ssl_irmae.protocols.generation.shared_pictures import widening
from ssl_irmae.protocols.statistics.summary import mean_and_standard_error

_MOST = 2000  # pictures per set, unless another number is given
_LEAST = 50

Kind = TypeVar("Kind")
Pictures = Callable[[int, Tensor], Tensor]
"""Makes n pictures, fp32 (n, c, s, s), from a seed and n real images, uint8."""


@dataclass(frozen=True)
class Distance:
    """How far one kind of picture is from real ones.

    Args:
        encoder: Name of the encoder; empty for real pictures.
        pictures: What was compared: ``"real"``, ``"reconstruction"`` or the name of a sampler.
        frechet: Squared Fréchet distance of each draw.
        kernel: Squared kernel distance of each draw.
    """

    encoder: str
    pictures: str
    frechet: tuple[float, ...]
    kernel: tuple[float, ...]

    @property
    def name(self) -> str:
        """Encoder and kind of picture."""
        return f"{self.encoder} {self.pictures}".strip()


@dataclass(frozen=True, repr=False)
class Distances:
    """Distances of several kinds of picture, by the same features and from the same real pictures.

    Args:
        rows: The distances, real pictures first: the least that can be reached with so few pictures.
        dataset: Name of the data set.
        pictures: How many pictures are in each set.
        seeds: How many draws.
        judge_error: Error of the classifier whose features are compared, in percent, if it is known.
        split: The split that real pictures are from.
        images: How many images it has, from which each draw takes its pictures.
    """

    rows: tuple[Distance, ...]
    dataset: str
    pictures: int
    seeds: int
    judge_error: float | None
    split: str
    images: int

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain values that JSON can hold."""
        return dataclasses.asdict(self)

    def __repr__(self) -> str:
        cells = [
            ("", "Fréchet", "kernel"),
            *((row.name, _shown(row.frechet, 2), _shown(row.kernel, 3)) for row in self.rows),
        ]
        first, second, third = (max(map(len, column)) for column in zip(*cells, strict=True))
        lines = [f"{name:{first}}  {frechet:>{second}}  {kernel:>{third}}" for name, frechet, kernel in cells]
        known = "" if self.judge_error is None else f", with an error of {self.judge_error:.2f} % on test images"
        wider = widening(self.pictures, self.images, self.seeds)
        return "\n".join(
            [
                *lines,
                f"Squared distances to {self.pictures:,} real pictures of {self.dataset} ({self.split}) from as many.",
                "A kernel distance below 0 is noise around 0. Reconstructions are of the pictures in the first row.",
                f"±: standard error over {count(self.seeds, 'draw')} of pictures from these {self.images:,} images.",
                f"With other images it would be wider, up to {wider:.2f} times, as draws have images in common.",
                "Each row is one encoder: how much another pretraining of its kind would differ is not in ±.",
                f"Features: the last layer of our classifier of {self.dataset}, {STEPS} steps{known}.",
                "Not comparable with distances by other features, such as those of Inception networks.",
            ]
        )


def generation_distance(
    encoder: str | Path | Sequence[str | Path],
    dataset: Dataset = "mnist",
    *,
    n: int | None = None,
    seeds: int = 5,
    network: Pair | None = None,
    device: str = "auto",
    data_dir: str | Path | None = None,
    strict: bool = False,
    progress: Listener = silent,
) -> Distances:
    """Measure how far reconstructions and samples of encoders are from real pictures.

    In each draw two disjoint sets of n test images are drawn (training images where there is no test split). All
    distances are to the first set. The second is one row itself, which shows what n pictures can reach, and is
    reconstructed for another; samples are drawn by every sampler that the method has, anew in each draw, from
    distributions fitted once to codes of training images.

    Pictures are compared by the features of a small classifier, trained here on the labels of the training images. All
    encoders are judged by the same classifier, on the same draws.

    Args:
        encoder: Folder of an encoder or name of a bundled one; or several, of one size of image.
        dataset: A name, a path or arrays, as in ``load_images``, with labels.
        n: Pictures per set; 2,000 unless given, or half the images there are.
        seeds: How many draws, at least 2.
        network: The function that returns the encoders' networks, if they are one's own.
        device: ``"auto"`` or a device that torch knows.
        data_dir: Folder of the data.
        strict: Whether to refuse images of which anything was left out or changed.
        progress: Called with what ``load_images`` reports, and with a ``Message`` for each stage.

    Raises:
        UserError: If an argument, an encoder or the data cannot be used.
    """
    if seeds < 2:
        raise UserError(f"`seeds`: {seeds} is too few for a standard error: use 2 or more")
    where = find_device(device)
    makers = PictureMaker.several(
        [encoder] if isinstance(encoder, str | Path) else encoder,
        dataset,
        network=network,
        device=device,
        data_dir=data_dir,
        strict=strict,
        progress=progress,
    )
    first = next(iter(makers.values()))
    sizes = {name: _size(maker) for name, maker in makers.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} of {size}" for name, size in sizes.items())
        raise UserError(f"`encoder`: they read images of different sizes, {listed}: compare those of one size")
    has_test = first.test is not first.train
    most = len(first.test) // 2
    if most < _LEAST:
        raise UserError(
            f"{first.test.name} has {count(len(first.test), 'image')}, and distances take {2 * _LEAST} or more, as two "
            "sets are drawn: give it more"
        )
    n = min(_MOST, most) if n is None else n
    if not _LEAST <= n <= most:
        raise UserError(
            f"`n` {n}: use {_LEAST} or more, and no more than half of the {count(len(first.test), 'image')} of "
            f"{first.test.name}, as two sets are drawn"
        )
    train = dataclasses.replace(first.train, images=first.encoder.fit_images(first.train.images))
    test = dataclasses.replace(first.test, images=first.encoder.fit_images(first.test.images))
    progress(Message(f"training the classifier whose features are compared: {STEPS} steps"))
    judge = train_judge(train, test if has_test else None, device=where)
    kinds: dict[tuple[str, str], Pictures] = {("", "real"): lambda _seed, images: as_float(images)}
    for name, each in makers.items():
        progress(Message(f"{name}: fitting distributions to the codes of up to {FITTED_TO:,} training images"))
        kinds |= _kinds(name, each)
    found = distances_to_real(kinds, judge, test.images, n=n, seeds=seeds, progress=progress)
    return Distances(
        rows=tuple(
            Distance(name, kind, tuple(f for f, _ in values), tuple(k for _, k in values))
            for (name, kind), values in found.items()
        ),
        dataset=first.train.name,
        pictures=n,
        seeds=seeds,
        judge_error=judge.error,
        split="test" if has_test else "train",
        images=len(test),
    )


def distances_to_real(
    kinds: Mapping[Kind, Pictures], judge: Judge, images: Tensor, *, n: int, seeds: int, progress: Listener = silent
) -> dict[Kind, list[tuple[float, float]]]:
    """Measure how far pictures of several kinds are from real ones, in several draws of two sets of real images.

    Args:
        kinds: What makes the pictures of each kind, which is given the second set.
        judge: The classifier whose features are compared.
        images: Real images, uint8 (m, c, s, s), m at least 2 n; distances are to the first set of a draw.
        n: Pictures per set.
        seeds: How many draws.
        progress: Called with a ``Message`` after each draw.

    Returns:
        The squared Fréchet and the squared kernel distance of each draw.
    """
    found: dict[Kind, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    for seed in range(seeds):
        positions = torch.randperm(len(images), generator=generator("cpu", seed, "distance"))[: 2 * n]
        reference, other = images[positions[:n]], images[positions[n:]]
        real = judge.features(as_float(reference))
        for kind, make in kinds.items():
            features = judge.features(make(seed, other))
            found[kind].append((frechet_distance(features, real), kernel_distance(features, real)))
        progress(Message(f"draw {seed + 1} of {seeds}"))
    return found


def samples_of(maker: PictureMaker, codes: Tensor, sampler: str) -> Pictures:
    """Return what decodes as many codes as there are images, drawn by a sampler fitted to training codes (m, d)."""
    draw = SAMPLERS[sampler](codes, method=maker.method, seed=0)

    def drawn(seed: int, images: Tensor) -> Tensor:
        return maker.decode(draw(len(images), generator("cpu", seed, "distance", sampler)))

    return drawn


def _size(maker: PictureMaker) -> str:
    architecture = maker.encoder.config.architecture
    return f"{architecture.channels} x {architecture.image_size} x {architecture.image_size}"


def _kinds(name: str, each: PictureMaker) -> dict[tuple[str, str], Pictures]:
    codes = each.training_codes()

    def reconstructions(_seed: int, images: Tensor) -> Tensor:
        return each.decode(each.encoder.encode(images))

    return {
        (name, "reconstruction"): reconstructions,
        **{(name, sampler): samples_of(each, codes, sampler) for sampler in samplers_of(each.method)},
    }


def _shown(values: Sequence[float], digits: int) -> str:
    mean, error = mean_and_standard_error(values)
    assert error is not None  # there are two seeds or more
    return f"{mean:.{digits}f} ± {error:.{digits}f}"
