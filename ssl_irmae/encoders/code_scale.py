"""The scale of an encoder's codes over the images of its pretraining, kept beside its weights."""

from pathlib import Path
from typing import NamedTuple

import safetensors
import safetensors.torch
import torch
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

    >>> measure_scale(torch.tensor([[1.0, 0.0], [3.0, 0.0]])).mean
    tensor([2., 0.])
    """
    mean = codes.mean(0)
    return CodeScale(mean, (codes - mean).square().mean().sqrt().clamp_min(1e-12))


def write_scale(folder: Path, codes: Tensor, data_fingerprint: str, *, threads: int) -> None:
    """Write the scale of an encoder's codes into its folder: who reads a few codes need not compute all for it.

    The number of threads decides in which order squares are added, and so the last bit of their sum: it is written for
    each number. Where weights are exported anew, as for the bundled encoders (64 threads), this is called anew.

    Args:
        folder: Folder of the encoder, which has been saved.
        codes: Codes of all images of its pretraining, fp32 (n, d), as they are computed on the CPU.
        data_fingerprint: Fingerprint of these images.
        threads: Largest number of threads with which the scale can be read.
    """
    before = torch.get_num_threads()
    try:
        scales = []
        for number in range(1, threads + 1):
            torch.set_num_threads(number)
            scales.append(measure_scale(codes))
    finally:
        torch.set_num_threads(before)
    tensors = {"mean": torch.stack([s.mean for s in scales]), "rms": torch.stack([s.rms for s in scales])}
    write_atomically(folder / SCALE, safetensors.torch.save(tensors, _belonging(folder, data_fingerprint)))


def read_scale(folder: Path, data_fingerprint: str) -> CodeScale | None:
    """Read what ``measure_scale`` returns for the codes of an encoder, with as many threads as there are now.

    Args:
        folder: Folder of the encoder.
        data_fingerprint: Fingerprint of the images that the codes are of.

    Returns:
        The scale; None if no finite one was written for these weights and images, or for so many threads.

    Raises:
        UserError: If the file is damaged.
    """
    path, row = folder / SCALE, torch.get_num_threads() - 1
    if not path.is_file():
        return None
    try:
        with safetensors.safe_open(path, "pt") as file:
            belongs = file.metadata() == _belonging(folder, data_fingerprint)
            mean, rms = file.get_tensor("mean"), file.get_tensor("rms")
    except (OSError, safetensors.SafetensorError) as error:
        raise UserError(f"{path} is damaged ({error}): delete it, and the scale is measured from all codes") from error
    if not belongs or row >= len(rms) or not (mean.isfinite().all() and rms.isfinite().all()):
        return None
    return CodeScale(mean[row], rms[row])


def _belonging(folder: Path, data_fingerprint: str) -> dict[str, str]:
    return {"encoder": weights_hash(folder), "data_fingerprint": data_fingerprint}
