"""Device and arithmetic: chosen by name, decided once, recorded."""

from typing import Literal

import torch

from ssl_irmae.errors import UserError

Precision = Literal["fp32", "bf16"]


def find_device(name: str) -> torch.device:
    """Turn ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"`` into an available device.

    Raises:
        UserError: If torch does not know the name or the device is not available.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device).cpu()  # raises on "meta", which has no numbers
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        raise UserError(f"`device` {name!r} is not available: use auto, cpu or, with a GPU, cuda") from error
    return device


def find_precision(name: str, device: torch.device) -> Precision:
    """Turn ``"auto"``, ``"fp32"`` or ``"bf16"`` into the arithmetic to use: auto is bf16 where the hardware has it.

    Raises:
        UserError: If the name is unknown, or bf16 is chosen on a processor that is known not to have it.
    """
    if name == "auto":
        return "bf16" if has_bf16(device) else "fp32"
    if name == "fp32":
        return "fp32"
    if name == "bf16":
        if device.type == "cpu" and has_bf16(device) is False:
            raise UserError(
                "precision 'bf16' is refused: this processor has no bf16 instructions, and torch's emulation can be "
                "hundreds of times slower than fp32; use `precision` fp32"
            )
        return "bf16"
    raise UserError(f"unknown `precision` {name!r}: known are auto, fp32, bf16")


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """Return a context in which networks compute in ``precision``; parameters stay fp32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def has_bf16(device: torch.device) -> bool | None:
    """Return whether there are bf16 instructions; None if that is unknown, as in older torch."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return None
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    if not capabilities:
        return None
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16"))
