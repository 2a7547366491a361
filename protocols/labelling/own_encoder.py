"""An encoder for the user's own pictures: the one they name, or one pretrained on all the pictures and kept."""

import dataclasses
from pathlib import Path

import torch

from ssl_irmae._support.compute import find_precision
from ssl_irmae._support.progress import Listener, Message, silent
from ssl_irmae.datasets.image_set import ImageSet, fit_images
from ssl_irmae.datasets.registry import IMAGE_SIZE
from ssl_irmae.errors import UserError
from ssl_irmae.networks.own import Pair
from ssl_irmae.protocols.contenders.registry import CONTENDERS, contenders_of
from ssl_irmae.protocols.representations.brief_pretraining import brief_architecture, brief_steps, pretrain_briefly
from ssl_irmae.protocols.representations.floors import FLOORS
from ssl_irmae.protocols.representations.pretrained import OpenedEncoder, open_encoder

_METHOD = "irmae"


def find_own_encoder(
    images: ImageSet,
    *,
    encoder: str | Path | None = None,
    network: Pair | None = None,
    device: torch.device,
    progress: Listener = silent,
) -> OpenedEncoder:
    """Open the encoder that the user names, or pretrain one on all the pictures.

    What is pretrained here is kept in the cache for these very pictures, whatever their labels; a pretraining that was
    stopped continues.

    Args:
        images: The pictures, of any size.
        encoder: Name of a bundled encoder, or a folder.
        network: The function that returns its networks, if they are one's own.
        device: Where to pretrain.
        progress: Called with every event of the pretraining.

    Raises:
        UserError: If there is no such encoder, or the pictures cannot be learned from.
    """
    if encoder is not None:
        return open_encoder(own_name(encoder), encoder, network)
    if network is not None:
        raise UserError("`network` goes with an `encoder` that was pretrained with it: name its folder")
    pictures = at_usual_size(images)
    channels = pictures.images.shape[1]
    precision = find_precision("auto", device)
    folder = pretrain_briefly(
        f"own-{pictures.pixel_fingerprint[:16]}-{_METHOD}-{precision}-{device.type}",
        architecture=brief_architecture(_METHOD, images=len(images), channels=channels, image_size=IMAGE_SIZE),
        dataset=dataclasses.replace(pictures.without_labels(), name="own"),
        steps=brief_steps(len(images)),
        precision=precision,
        device=str(device),
        message=f"pretraining an encoder on all {len(images):,} pictures, which is kept for next time",
        command=f"ssl-irmae classify or suggest, on {images.name}",
        progress=progress,
    )
    progress(Message(f"codes are by the encoder in {folder}"))
    return open_encoder(_METHOD, folder)


def own_name(encoder: str | Path | None) -> str:
    """Return the name under which contenders know the encoder: the last part of its path, if no other has it.

    Args:
        encoder: As the user names it; None for one pretrained on the pictures.
    """
    if encoder is None:
        return _METHOD
    name = Path(encoder).name or "own"
    return "own" if contenders_of(name).keys() & CONTENDERS.keys() else name


def needs_encoder(contender: str) -> bool:
    """Return whether a contender, by name, takes an encoder that is pretrained on the pictures.

    >>> needs_encoder("irmae-propagate"), needs_encoder("supervised"), needs_encoder("pixels-linear")
    (True, False, False)
    """
    return CONTENDERS[contender].representation not in (None, *FLOORS)


def fitted_to(encoder: OpenedEncoder, images: ImageSet) -> ImageSet:
    """Give images the size and the channels that an encoder reads."""
    return _fitted(images, encoder.architecture.channels, encoder.architecture.image_size)


def at_usual_size(images: ImageSet) -> ImageSet:
    """Give images the size that networks read unless another is chosen."""
    return _fitted(images, images.images.shape[1], IMAGE_SIZE)


def _fitted(images: ImageSet, channels: int, size: int) -> ImageSet:
    return dataclasses.replace(images, images=fit_images(images.images, channels=channels, image_size=size))
