"""The scale of an encoder's codes over the images of its pretraining, kept beside its weights."""

from pathlib import Path
from typing import NamedTuple

import safetensors
import safetensors.torch
from torch import Tensor

from ssl_irmae._support.files import write_atomically
from ssl_irmae.encoders.encoder import weights_hash
from ssl_irmae.errors import UserError

SCALE = "code_scale.safetensors"


class CodeScale(NamedTuple):
    """What codes are centred by and divided by.

    Args:
        mean: Mean of each direction, fp32 (d,).
        rms: Root-mean-square of the centred codes over all directions, fp32, a scalar.
    """

    mean: Tensor
    rms: Tensor


def measure_scale(codes: Tensor) -> CodeScale:
    """Measure the scale of codes, fp32 (n, d).

    >>> import torch
    >>> measure_scale(torch.tensor([[1.0, 0.0], [3.0, 0.0]])).mean
    tensor([2., 0.])
    """
    mean = codes.mean(0)
    return CodeScale(mean, (codes - mean).square().mean().sqrt().clamp_min(1e-12))


def write_scale(folder: Path, codes: Tensor, data_fingerprint: str) -> None:
    """Write the scale of an encoder's codes into its folder: who reads a few codes need not compute all for it.

    Where weights are exported anew, as for the bundled encoders, it is measured anew.

    Args:
        folder: Folder of the encoder, which has been saved.
        codes: Codes of all images of its pretraining, fp32 (n, d), as they are computed on the CPU.
        data_fingerprint: Fingerprint of these images.
    """
    belongs_to = {"encoder": weights_hash(folder), "data_fingerprint": data_fingerprint}
    write_atomically(folder / SCALE, safetensors.torch.save(measure_scale(codes)._asdict(), belongs_to))


def read_scale(folder: Path, data_fingerprint: str) -> CodeScale | None:
    """Read the scale of an encoder's codes; None if no finite one is known of these weights and images.

    Args:
        folder: Folder of the encoder.
        data_fingerprint: Fingerprint of the images that the codes are of.

    Raises:
        UserError: If the file is damaged.
    """
    path = folder / SCALE
    if not path.is_file():
        return None
    try:
        with safetensors.safe_open(path, "pt") as file:
            found = file.metadata() or {}
            scale = CodeScale(file.get_tensor("mean"), file.get_tensor("rms"))
    except (OSError, safetensors.SafetensorError) as error:
        raise UserError(f"{path} is damaged ({error}): delete it, and the scale is measured from all codes") from error
    belongs = {"encoder": weights_hash(folder), "data_fingerprint": data_fingerprint}
    return scale if found == belongs and scale.mean.isfinite().all() and scale.rms.isfinite() else None
