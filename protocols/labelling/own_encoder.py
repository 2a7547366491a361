"""An encoder for the user's own pictures, pretrained on all of them and kept."""

import dataclasses
import platformdirs
import torch

from ssl_irmae._support.compute import find_precision
from ssl_irmae._support.progress import Listener, Message, silent
from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.encoders.encoder import read_config
from ssl_irmae.encoders.files import WEIGHTS
from ssl_irmae.pretraining.pretrain import train
from ssl_irmae.pretraining.run_folder import make_run
from ssl_irmae.protocols.representations.pretrained import PretrainedEncoder, open_encoder

STEPS = 2000
"""Optimiser steps of the pretraining: two minutes on two cores."""

_METHOD = "irmae"
_LEARNING_RATE = 1e-3
_BATCH_SIZE = 32


def find_own_encoder(
    images: ImageSet,
    *,
    device: torch.device,
    progress: Listener = silent,
) -> PretrainedEncoder:
    """Pretrain an encoder on all the pictures.

    What is pretrained here is kept in the cache for these very pictures, whatever their labels; a pretraining that was
    stopped continues.

    Args:
        images: The pictures, at the size at which they are read.
        device: Where to pretrain.
        progress: Called with every event of the pretraining.

    Raises:
        UserError: If the pictures cannot be learned from.
    """
    channels, size = images.images.shape[1], images.images.shape[2]
    precision = find_precision("auto", device)
    folder = platformdirs.user_cache_path("ssl-irmae") / "encoders"
    folder /= f"own-{_METHOD}-{images.pixel_fingerprint[:12]}-{channels}x{size}-{precision}-{device.type}-{STEPS}"
    if not (folder / WEIGHTS).is_file() or read_config(folder).card["steps"] < STEPS:
        progress(Message(f"pretraining an encoder on the {len(images):,} pictures, kept for next time"))
        run = make_run(
            folder,
            architecture=lambda *_: Architecture.paper(method=_METHOD, channels=channels, image_size=size),
            dataset=dataclasses.replace(images, labels=None, classes=()),
            image_size=size,
            batch_size=_BATCH_SIZE,
            learning_rate=_LEARNING_RATE,
            precision=precision,
            device=str(device),
            seed=0,
            progress=progress,
        )
        train(run, epochs=-(-STEPS // run.state.steps_per_epoch), max_steps=STEPS, progress=progress)
        run.finish("ssl_irmae.classify or ssl_irmae.suggest")
    return open_encoder(_METHOD, folder)
