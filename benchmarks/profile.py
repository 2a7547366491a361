"""Section: where a training step's time goes, with the bias inside the transposed convolutions and apart from them."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks import child
from benchmarks.measure import measure
from benchmarks.options import Options
from ssl_irmae._support.allocator import keep_freed_memory
from ssl_irmae._support.compute import autocast, find_precision
from ssl_irmae.architecture import Architecture
from ssl_irmae.networks.convolutional import ConvDecoder, TransposedConv
from ssl_irmae.pretraining.adam import Adam

KINDS: dict[str, tuple[str, ...]] = {
    "convolutions, backward": ("convolution_backward",),
    "convolutions, forward": ("convolution",),
    "matrix products": ("mm", "addmm"),
    "Adam": ("_fused_adam_",),
}
REST, BETWEEN = "other operations", "between operations"


def section(options: Options) -> dict[str, Any]:
    """Time the operations of a step, in turn with the bias inside and apart."""
    milliseconds: dict[str, list[float]] = {}
    if options.device != "cpu":
        return {"measures": [], "notes": ["on the CPU only: elsewhere operations return before they are done"]}
    for _ in range(options.repeats):
        for batch in (32, options.large_batch):
            for bias in ("inside", "apart"):
                arguments = ("--batch", str(batch), "--bias", bias, "--steps", "5" if options.quick else "20")
                by_kind = child.run(["-m", "benchmarks.profile", *arguments], folder=child.ROOT).json
                for kind, value in by_kind.items():
                    milliseconds.setdefault(f"batch {batch}, bias {bias}: {kind}", []).append(value)
    return {
        "measures": [measure(name, "ms", values) for name, values in milliseconds.items()],
        "notes": [
            "a step of IRMAE at the precision that auto chooses, with all threads; each operation is timed as torch "
            "dispatches it",
        ],
    }


class _Stopwatch(TorchDispatchMode):
    """Add up the seconds of every operation by name."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seconds: dict[str, float] = {}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        began = time.perf_counter()
        out = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began
        return out


def training_step(batch: int, *, bias_inside: bool) -> Callable[[], None]:
    """Return a function that takes one step of pretraining on images of noise."""
    device = torch.device("cpu")
    precision = find_precision("auto", device)
    autoencoder = Architecture.paper(method="irmae", channels=1, image_size=32).build()
    if bias_inside:
        assert isinstance(autoencoder.decoder, ConvDecoder)
        for name, layer in autoencoder.decoder.dcnn.named_children():
            if isinstance(layer, TransposedConv):
                c_in, c_out, kernel, _ = layer.weight.shape
                fused = nn.ConvTranspose2d(c_in, c_out, kernel, layer.stride, layer.padding)
                autoencoder.decoder.dcnn.set_submodule(name, fused)
    autoencoder = autoencoder.to(memory_format=torch.channels_last)
    optimizer = Adam(autoencoder.parameters(), 1e-4)
    x = torch.rand(batch, 1, 32, 32)

    def step() -> None:
        optimizer.zero_grad()
        with autocast(device, precision):
            loss = autoencoder.loss(x)
        loss.backward()
        optimizer.step()

    return step


def milliseconds_by_kind(step: Callable[[], None], steps: int) -> dict[str, float]:
    """Time steps as a whole, then their operations one by one."""
    for _ in range(5):
        step()
    began = time.perf_counter()
    for _ in range(steps):
        step()
    whole = time.perf_counter() - began
    with _Stopwatch() as watch:
        for _ in range(steps):
            step()
    seconds = dict(watch.seconds)
    kinds = {kind: sum(seconds.pop(name, 0.0) for name in names) for kind, names in KINDS.items()}
    kinds[REST] = sum(seconds.values())
    kinds[BETWEEN] = max(0.0, whole - sum(kinds.values()))
    return {"the whole step": 1000 * whole / steps, **{kind: 1000 * value / steps for kind, value in kinds.items()}}


def main() -> None:
    """Measure in this process and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--bias", choices=("inside", "apart"), default="apart")
    parser.add_argument("--steps", type=int, default=20)
    a = parser.parse_args()
    keep_freed_memory()
    result = milliseconds_by_kind(training_step(a.batch, bias_inside=a.bias == "inside"), a.steps)
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
