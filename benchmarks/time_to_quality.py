"""Section: how long ten epochs of ours take, beside the hundred of the published loop."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import child
from benchmarks.measure import measure, ratios
from benchmarks.options import Options
from benchmarks.pretraining import IMAGES, published_rates
from ssl_irmae.datasets.registry import load_images

TRAINING_IMAGES = 60_000  # of MNIST
PUBLISHED_EPOCHS, EPOCHS = 100, 10
OURS = {
    "the recipe short": (),
    "an AE of width 8": ("--method", "ae", "--latent-dim", "8", "--learning-rate", "1e-3"),
}
"""Arguments of `pretrain`; what their codes are worth is in docs/results/rank."""


def section(options: Options) -> dict[str, Any]:
    """Measure the rates of all loops in turn, and extrapolate how long they take for all of their epochs."""
    steps = 60 if options.quick else 400
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        images = load_images("mnist").images[:IMAGES]
        np.savez(Path(scratch) / "images.npz", images=images.numpy())
        for repeat in range(options.repeats):
            rates.setdefault("the published loop", []).append(max(published_rates(options, steps).values()))
            for i, (name, arguments) in enumerate(OURS.items()):
                document = child.ssl_irmae(
                    *("pretrain", "--dataset", "images.npz", "--max-steps", str(max(100, steps)), *arguments),
                    *("--device", options.device, "--out", f"run-{repeat}-{i}", "--json", "--quiet"),
                    folder=Path(scratch),
                ).json
                rates.setdefault(name, []).append(document["images_per_second"])
    hours = {
        name: [(EPOCHS if name in OURS else PUBLISHED_EPOCHS) * TRAINING_IMAGES / rate / 3600 for rate in each]
        for name, each in rates.items()
    }
    published = hours.pop("the published loop")
    measures = [measure(f"the published loop, {PUBLISHED_EPOCHS} epochs", "hours", published)]
    measures += [measure(f"{name}, {EPOCHS} epochs", "hours", each) for name, each in hours.items()]
    measures += [ratios(f"the published loop to {name}", published, each, at_least=30) for name, each in hours.items()]
    notes = [
        "extrapolated from the rates of the loops, measured in turn; the published loop has as many workers as suit it",
        "an epoch is 60,000 images; which of ours reaches the quality of the published recipe is measured in "
        "docs/results/rank",
    ]
    return {"measures": measures, "notes": notes}
