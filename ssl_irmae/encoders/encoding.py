"""Any number of images through an autoencoder, a chunk at a time: codes and reconstruction error."""

from typing import Literal

import torch
from torch import Tensor

from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.datasets.image_set import as_float
from ssl_irmae.errors import unknown_name

Reads = Literal["code", "features"]

ENCODE_CHUNK = 512
"""Images that are encoded at once."""

_DECODE_CHUNK = 128  # the widest layer takes 128 KiB per image, several times over


@torch.no_grad()
def encode(autoencoder: Autoencoder, images: Tensor, *, reads: Reads) -> Tensor:
    """Encode any number of images, a chunk at a time, in fp32 and eval mode.

    Among a whole chunk of images or more, the code of an image is the same bit for bit whatever the others are.

    Args:
        autoencoder: Autoencoder on any device; it is put into eval mode.
        images: uint8, shape (n, c, s, s), of the size that the encoder expects; or standardised rows, fp32
            (n, d, 1, 1).
        reads: ``"code"`` or ``"features"``.

    Returns:
        fp32 on the CPU, shape (n, d).

    Raises:
        UserError: If features are read from a folded encoder, or ``reads`` is anything else.
    """
    if reads not in ("code", "features"):
        raise unknown_name("reading", reads, ("code", "features"))
    autoencoder.eval()
    read = autoencoder.code if reads == "code" else autoencoder.features
    device = next(autoencoder.parameters()).device
    result = torch.empty(len(images), autoencoder.latent_dim)
    for start in range(0, len(images), ENCODE_CHUNK):
        # the last chunk is a full one too, if there are as many images: products of fewer rows may round differently
        chunk = slice(max(0, min(start, len(images) - ENCODE_CHUNK)), start + ENCODE_CHUNK)
        result[chunk] = read(as_float(images[chunk], device))
    return result


@torch.no_grad()
def reconstruction_error(autoencoder: Autoencoder, images: Tensor) -> float:
    """Measure the mean squared error per pixel, for pixels in [0, 1], of deterministic reconstruction.

    Args:
        autoencoder: Autoencoder on any device; it is put into eval mode.
        images: uint8, shape (n, c, s, s); of standardised rows, fp32 (n, d, 1, 1), it is the error per number.
    """
    autoencoder.eval()
    device = next(autoencoder.parameters()).device
    total = torch.zeros((), dtype=torch.float64)
    for chunk in torch.split(images, _DECODE_CHUNK):
        x = as_float(chunk, device)
        total += (autoencoder.reconstruct(x) - x).square().sum(dim=(1, 2, 3)).cpu().double().sum()
    return float(total) / images.numel()
