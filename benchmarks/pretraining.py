"""Section: images per second of pretraining, beside the published loop and the roof."""

import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import child, peer
from benchmarks.measure import measure, ratios
from benchmarks.options import Options
from ssl_irmae.datasets.registry import default_data_dir, load_images

IMAGES = 12_800  # for ours: measuring the encoder afterwards is then short; the loop's rate does not depend on it
WORKERS = (0, 2)  # the public code asks for 32 loader processes, which is slower on few cores; the faster counts


def published_rates(options: Options, steps: int) -> dict[str, float]:
    """Measure the published loop, in images per second, with each number of workers; or the checkout that was given."""
    if options.peer:
        rate = peer.pretraining(options.peer, steps=steps, device=options.device)
        return {"published code, as checked out": rate}
    rates = {}
    for workers in WORKERS:
        arguments = ("--data-dir", str(default_data_dir()), "--steps", str(steps), "--workers", str(workers))
        loop = child.published("pretraining", *arguments, "--device", options.device).json
        rates[f"published loop, {workers} workers"] = float(loop["images_per_second"])
    return rates


def section(options: Options) -> dict[str, Any]:
    """Run both sides in turn; ratios are to the faster of the published loops."""
    steps = 60 if options.quick else 400
    ours: dict[str, tuple[int, float, str]] = {
        "ours, batch 32, fp32": (32, 1e-4, "fp32"),
        "ours, batch 32": (32, 1e-4, "auto"),
        f"ours, batch {options.large_batch}": (options.large_batch, options.large_rate, "auto"),
    }
    rates: dict[str, list[float]] = {}
    auto_precision = ""
    with tempfile.TemporaryDirectory() as scratch:
        images = load_images("mnist").images[:IMAGES]
        np.savez(Path(scratch) / "images.npz", images=images.numpy())
        for repeat in range(options.repeats):
            for name, rate in published_rates(options, steps).items():
                rates.setdefault(name, []).append(rate)
            for i, (name, (batch, learning_rate, precision)) in enumerate(ours.items()):
                max_steps = max(100, steps * 32 // batch)
                document = child.ssl_irmae(
                    *("pretrain", "--dataset", "images.npz", "--max-steps", str(max_steps), "--json", "--quiet"),
                    *("--batch-size", str(batch), "--learning-rate", str(learning_rate), "--precision", precision),
                    *("--device", options.device, "--out", f"run-{repeat}-{i}"),
                    folder=Path(scratch),
                ).json
                auto_precision = document["config"]["card"]["precision"]
                rates.setdefault(name, []).append(document["images_per_second"])
        roof = child.run(
            ["-m", "benchmarks.roof", "--device", options.device, "--seconds", "2" if options.quick else "8"],
            folder=child.ROOT,
        ).json
    theirs = max((name for name in rates if name.startswith("published")), key=lambda n: statistics.median(rates[n]))
    measures = [measure(name, "images/s", values) for name, values in rates.items()]
    for precision in ("fp32", "bf16"):
        if precision in roof:
            values = [roof[precision] / roof["flops_per_image"]]
            measures.append(measure(f"roof, {precision} matrix products", "images/s", values))
    large = list(ours)[-1]
    measures += [
        ratios("batch 32, fp32, to the published loop", rates["ours, batch 32, fp32"], rates[theirs]),
        ratios("batch 32 to the published loop", rates["ours, batch 32"], rates[theirs], at_least=3),
        ratios(f"batch {options.large_batch} to the published loop", rates[large], rates[theirs], at_least=4.5),
        measure(
            f"batch {options.large_batch} to the {auto_precision} roof",
            "x",
            [rate * roof["flops_per_image"] / roof[auto_precision] for rate in rates[large]],
            at_least=0.5,
        ),
    ]
    notes = [
        f"ratios are to {theirs}; {auto_precision} is what --precision auto chose here",
        f"training costs {roof['flops_per_image'] / 1e6:.0f} MFLOP per image, counted layer by layer; the roof is a "
        "product of two 2048 x 2048 matrices, the best of many",
    ]
    if "bf16" not in roof:
        notes.append("this processor has no native bf16 arithmetic: that roof was not measured")
    return {"measures": measures, "notes": notes}
