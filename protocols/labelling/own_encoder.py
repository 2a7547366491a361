"""The encoder of the user's own pictures."""

from pathlib import Path

import torch

from ssl_irmae._support.progress import Listener
from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.representations.pretrained import PretrainedEncoder, open_encoder


def find_own_encoder(
    images: ImageSet,  # noqa: ARG001
    *,
    encoder: str | Path | None,
    device: torch.device,  # noqa: ARG001
    progress: Listener,  # noqa: ARG001
) -> PretrainedEncoder:
    """Open an encoder.

    Raises:
        UserError: If none is named.
    """
    if encoder is None:
        raise UserError("`encoder` is needed: give the folder of a pretrained encoder, or the name of a bundled one")
    return open_encoder("own", encoder)
