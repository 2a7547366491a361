"""The roof: how fast this machine multiplies large matrices, as images per second of pretraining."""

import argparse
import json
import sys
import time

import torch
from torch.utils.flop_counter import FlopCounterMode

from ssl_irmae._support.compute import find_device, find_precision
from ssl_irmae.architecture import Architecture

SIDE = 2048


def flops_per_image(images: int = 4) -> float:
    """Count the arithmetic of one training image: its share of one forward and backward pass."""
    autoencoder = Architecture.paper(method="irmae", channels=1, image_size=32).build()
    with FlopCounterMode(display=False) as counter:
        autoencoder.loss(torch.zeros(images, 1, 32, 32)).backward()
    return float(counter.get_total_flops() / images)


def products_per_second(dtype: torch.dtype, device: torch.device, *, seconds: float) -> float:
    """Multiply two square matrices over and over; return floating-point operations per second, the best of the runs."""
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
    result = {"flops_per_image": flops_per_image()}
    for precision, dtype in {"fp32": torch.float32, "bf16": torch.bfloat16}.items():
        if precision == "fp32" or find_precision("auto", device) == "bf16":
            result[precision] = products_per_second(dtype, device, seconds=a.seconds)
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
