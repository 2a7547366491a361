"""The roof: how fast this machine multiplies large matrices, as images a second of pretraining."""

import argparse
import json
import sys
import time

import torch

from benchmarks.flops import training_flops
from ssl_irmae.compute import find_device, find_precision
from ssl_irmae.recipe import Architecture

SIDE = 2048


class _Whole(torch.nn.Module):
    """An autoencoder whose forward pass is the whole of it."""

    def __init__(self) -> None:
        super().__init__()
        self.autoencoder = Architecture.reference(method="irmae", channels=1, image_size=32).build()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Reconstruct images (n, 1, 32, 32)."""
        return self.autoencoder.reconstruct(x)


def products_per_second(dtype: torch.dtype, device: torch.device, *, seconds: float) -> float:
    """Multiply two square matrices over and over; return floating-point operations a second, the best of the runs."""
    a = torch.randn(SIDE, SIDE).to(device, dtype)
    best, ends = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < ends:
        began = time.perf_counter()
        b = a @ a
        b[0, 0].item()  # waits for the device
        best = min(best, time.perf_counter() - began)
    return 2 * SIDE**3 / best


def main() -> None:
    """Measure in this process and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=5.0)
    a = parser.parse_args()
    device = find_device(a.device)
    flops = training_flops(_Whole(), torch.zeros(4, 1, 32, 32))
    told: dict[str, float | str] = {"flops_per_image": flops}
    for precision, dtype in {"fp32": torch.float32, "bf16": torch.bfloat16}.items():
        if precision == "fp32" or find_precision("auto", device) == "bf16":
            told[precision] = products_per_second(dtype, device, seconds=a.seconds)
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
