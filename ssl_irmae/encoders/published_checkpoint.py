"""Checkpoints of the public IRMAE code, so that people can use what they trained with it."""

import warnings
from pathlib import Path

import torch
from torch import Tensor

from ssl_irmae.architecture import Architecture
from ssl_irmae.encoders.checks import check_weights, require_undamaged
from ssl_irmae.encoders.encoder import Encoder, EncoderConfig
from ssl_irmae.errors import UserError

_PARTS = {"enc.": "encoder.", "mlp.": "bottleneck.", "dec.": "decoder."}


def read_published_checkpoint(path: Path) -> Encoder:
    """Read a state dict of github.com/facebookresearch/irmae as an encoder with its decoder.

    Images, code width, depth and method are inferred from the names and shapes of its tensors. Nothing but tensors is
    unpickled.

    Args:
        path: File written by its ``train.py``, for MNIST, the synthetic shapes or CelebA; IRMAE, AE or VAE.

    Raises:
        UserError: If the file is not such a state dict.
    """
    state = _load(path)
    renamed: dict[str, Tensor] = {}
    for key, value in state.items():
        part = next((new for old, new in _PARTS.items() if key.startswith(old)), None)
        if part is None:
            raise UserError(f"{path}: unexpected entry {key!r}: the IRMAE code saves enc.*, mlp.* and dec.*")
        renamed[part + key.split(".", 1)[1]] = value
    try:
        config = EncoderConfig(architecture=_architecture(renamed), card={"command": f"imported from {path.name}"})
        encoder = Encoder(config, renamed)
    except (KeyError, IndexError, RuntimeError) as error:
        raise UserError(f"{path} does not match any of the paper's architectures ({error})") from error
    check_weights(renamed, f"{path}", "give a checkpoint of a run that did not diverge")
    return encoder


def _load(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise UserError(f"{path} does not exist: give a checkpoint that the IRMAE code saved")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the pickle protocol: the error below is clearer
            require_undamaged(path)
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise UserError(f"{path} is not a checkpoint of plain tensors: nothing else is unpickled") from error
    if not isinstance(state, dict) or not state or not all(_is_weight(*entry) for entry in state.items()):
        raise UserError(
            f"{path} is not a state dict: expected a dictionary of tensors, as saved by torch.save(net.state_dict())"
        )
    return state


def _is_weight(key: object, value: object) -> bool:
    # a tensor may repeat its numbers without having them, and would take their memory where it is copied
    return isinstance(key, str) and isinstance(value, Tensor) and value.nbytes <= value.untyped_storage().nbytes()


def _architecture(state: dict[str, Tensor]) -> Architecture:
    first = state["encoder.dcnn.0.weight"]
    channels = first.shape[1]
    last = state.get("encoder.fc.weight", state.get("encoder.dcnn.8.weight"))
    to_map = state.get("decoder.fc.weight")
    if last is None:
        raise KeyError("encoder.fc.weight")
    width = to_map.shape[1] if to_map is not None else state["decoder.dcnn.0.weight"].shape[0]
    depth = sum(key.startswith("bottleneck.hidden.") for key in state)
    method = "vae" if last.shape[0] == 2 * width else "irmae" if depth else "ae"
    return Architecture.paper(
        method=method,
        channels=channels,
        image_size=64 if first.shape[0] == 128 else 32,
        latent_dim=width,
        depth=depth or None,
    )
