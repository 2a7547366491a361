"""Measure how strange pictures are to encoders: rows in kind.csv beside this file.

    python docs/results/kind/measure.py

For each bundled encoder and several sets of at most 500 pictures: the reconstruction error relative to the one on the
encoder's card, the share of the pictures' contrast that is lost, and whether they count as another kind. Photographs
are patches of scikit-learn's two sample images. No label is used.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import torch
from sklearn.datasets import load_sample_images
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from ssl_irmae.datasets.image_set import as_float
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.encoders.encoding import reconstruction_error
from ssl_irmae.encoders.kind import times_worse

ENCODERS = ("mnist-irmae", "mnist-ae", "mnist-vae")
PATCH = 64


def main() -> None:
    """Measure every set with every encoder."""
    lines: list[list[object]] = [["encoder", "pictures", "times_card_error", "contrast_lost", "another_kind"]]
    for name in ENCODERS:
        encoder = Encoder.from_pretrained(name)
        for pictures, images in sets():
            fitted = encoder.fit_images(images)
            error = reconstruction_error(encoder.autoencoder, fitted)
            contrast = float(as_float(fitted, torch.device("cpu")).flatten(1).var(1, correction=0).mean())
            known = float(encoder.config.card["reconstruction_mse_test"])
            strange = times_worse(encoder, images) is not None
            lines.append([name, pictures, round(error / known, 2), round(error / contrast, 3), strange])
    with Path(__file__).with_name("kind.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


def sets() -> Iterator[tuple[str, Tensor]]:
    """Yield sets of at most 500 pictures by name, uint8 (n, c, h, w)."""
    digits = sample(load_images("mnist", "test").images)
    yield "mnist", digits
    for size in (10, 14, 28, 64):
        yield f"mnist at {size} pixels", F.resize(digits, [size, size])
    yield "mnist inverted", 255 - digits
    yield "digits", sample(load_images("digits").images)
    yield "fashion-mnist", sample(load_images("fashion-mnist", "test").images)
    yield "shapes", sample(load_images("shapes", "test").images)
    photographs = [torch.from_numpy(image.copy()).permute(2, 0, 1) for image in load_sample_images().images]
    patches = [
        image[:, y : y + PATCH, x : x + PATCH]
        for image in photographs
        for y in range(0, image.shape[1] - PATCH, PATCH)
        for x in range(0, image.shape[2] - PATCH, PATCH)
    ]
    yield "patches of photographs", torch.stack(patches)


def sample(images: Tensor) -> Tensor:
    """Take at most 500 images, evenly spread."""
    return images[:: -(-len(images) // 500)]


if __name__ == "__main__":
    main()
