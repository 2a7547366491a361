"""Whether pictures are of the kind that an encoder was pretrained on, by how well it reconstructs them."""

import torch
from torch import Tensor

from ssl_irmae._support.seeding import generator
from ssl_irmae.datasets.image_set import as_float
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.encoders.encoding import reconstruction_error

_SAMPLE = 500
# Both must be reached (docs/results/kind). MNIST at 10 to 64 pixels stays below one of the two for the bundled
# encoders; MNIST inverted, scikit-learn's digits, Fashion-MNIST and photographs are beyond both for all three. The
# synthetic shapes lie between: the IRMAE finds them, the AE reconstructs them well, the VAE is just below. New images
# of its own kind are strange to an encoder of a hundred images, which indeed hardly serves for them.
_WORSE = 4.0  # times the error on the encoder's own kind
_LOST = 0.3  # share of a picture's own contrast


def times_worse(encoder: Encoder, images: Tensor) -> float | None:
    """Measure how many times worse an encoder reconstructs images than its own kind, if they are of another kind.

    Its own kind is the test images on its card, or the training images where there were no others. A ratio alone would
    take every new image for another kind where an encoder is overfitted, and the contrast that is lost would do so
    where an encoder is poor: it takes both.

    Args:
        encoder: The encoder, with its card.
        images: uint8, shape (n, c, h, w), any size; up to 500 of them, drawn at random, are looked at. Rows of numbers
            are not judged: the limits were measured on pictures, and do not hold for rows (docs/decisions.md).

    Returns:
        The ratio of mean squared errors, at least 4; None if they do not differ in kind, if they are rows, or if the
        card does not record an error to compare with.

    Raises:
        UserError: If ``images`` is anything else.
    """
    card = encoder.config.card
    own = card.get("reconstruction_mse_test") or card.get("reconstruction_mse_train")
    if encoder.config.columns is not None or not isinstance(own, float):  # a card may hold anything
        return None
    sample = encoder.fit_images(_sample(images))
    error = reconstruction_error(encoder.autoencoder, sample)
    contrast = float(as_float(sample).flatten(1).var(1, correction=0).mean())
    return error / own if error >= _WORSE * own and error >= _LOST * contrast else None


def describe_other_kind(encoder: str, times: float) -> str:
    """Say that pictures differ in kind from those that an encoder was pretrained on, and what to do.

    Args:
        encoder: Its name.
        times: How many times worse it reconstructs them.

    >>> describe_other_kind("mnist-irmae", 15.4).split(":")[0]
    'these pictures differ in kind from those that mnist-irmae was pretrained on'
    """
    return (
        f"these pictures differ in kind from those that {encoder} was pretrained on: it reconstructs them {times:.0f} "
        "times worse; pretrain an encoder on them with `ssl-irmae pretrain`, or compare with pixels"
    )


def _sample(images: Tensor) -> Tensor:
    """Draw images, the same ones each time: every k-th could be of one class, where classes take turns."""
    if not isinstance(images, Tensor) or images.ndim != 4 or len(images) <= _SAMPLE:  # what is none, is said elsewhere
        return images
    return images[torch.randperm(len(images), generator=generator("cpu", "kind"))[:_SAMPLE].sort().values]
