"""The plateau on which a deep linear stack begins: reconstructions no better than the mean picture.

Gradients pass through every layer of the stack, and are small while all of them are. Until they have grown, the decoder
sees almost the same code for every image, and the best that it can do is to draw the mean picture.

Source: Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
networks", ICLR 2014, https://arxiv.org/abs/1312.6120.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from ssl_irmae.autoencoder import Reconstruction
from ssl_irmae.datasets.image_set import as_float

EXPLAINED = 0.05
"""Share of what the mean picture leaves unexplained that a reconstruction must explain to count as better than it."""

NOTABLE = 500
"""Steps on the plateau from which it is reported: every run begins on it, most of them for less."""

_CHUNK = 512
_SUMMED = 2**17  # pixels summed at once: each takes eight bytes meanwhile


def mean_picture(images: Tensor) -> Tensor:
    """Average images.

    Args:
        images: uint8, shape (n, c, s, s); or standardised rows of numbers.

    Returns:
        Pixels in [0, 1], fp32, shape (c, s, s), on the device of the images.
    """
    if images.is_floating_point():
        return images.mean(0, dtype=torch.float64).float()
    total = torch.zeros(images.shape[1:], dtype=torch.int64, device=images.device)
    for chunk in torch.split(images, max(1, _SUMMED // total.numel())):
        total += chunk.sum(0, dtype=torch.int64)  # exact, so that the size of chunks does not matter
    return total.float() / (255 * len(images))


def plateau_loss(images: Tensor, mean: Tensor, reconstruction: Reconstruction) -> float:
    """Sum the reconstruction losses at which images are reconstructed as well as by the mean picture, but for 5 %.

    With squared error that is 95 % of their squared distance to the mean picture, over all images 95 % of the variance
    of the pixels. With cross-entropy, of which even a perfect reconstruction of grey pixels has some, it is 95 % of the
    way from there to the cross-entropy of the mean picture.

    Args:
        images: uint8, shape (n, c, s, s).
        mean: The mean picture of the whole set, shape (c, s, s).
        reconstruction: The loss that is averaged over the pixels of each image.

    Returns:
        The sum over images.
    """
    total = 0.0
    for chunk in torch.split(images, _CHUNK):
        x = as_float(chunk, mean.device)
        if reconstruction == "cross-entropy":
            perfect = F.binary_cross_entropy(x, x, reduction="sum")
            of_mean = F.binary_cross_entropy(mean.expand_as(x), x, reduction="sum")
        else:
            perfect, of_mean = torch.zeros(()), (x - mean).square().sum()
        total += float(perfect) * EXPLAINED + float(of_mean) * (1 - EXPLAINED)
    return total / mean.numel()
