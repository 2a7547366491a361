"""Section: peak resident memory of pretraining and of encoding, on all of MNIST."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks import child
from benchmarks.measure import measure
from benchmarks.options import Options


def section(options: Options) -> dict[str, Any]:
    """Run each command in a fresh process and ask the system for its largest resident size."""
    steps = "10" if options.quick else "100"
    commands = {
        "pretrain, batch 32": ["pretrain", "--max-steps", steps],
        f"pretrain, batch {options.large_batch}": [
            *("pretrain", "--max-steps", steps, "--batch-size", str(options.large_batch))
        ],
        "encode, 60,000 images": ["encode", "--dataset", "mnist", "--out", "codes.npz"],
    }
    measures = [measure("python, torch imported", "MB", [_megabytes(child.run(["-c", "import torch"]))])]
    for name, arguments in commands.items():
        with tempfile.TemporaryDirectory() as scratch:
            done = child.ssl_irmae(*arguments, "--quiet", "--device", options.device, folder=Path(scratch))
        measures.append(measure(name, "MB", [_megabytes(done)], at_most=1200 if name.startswith("pretrain") else None))
    return {
        "measures": measures,
        "notes": [
            "largest resident size (ru_maxrss), 1 MB = 10^6 bytes; pages of torch's libraries that were touched count",
            f"pretrain ran {steps} steps and then measured rank and reconstruction on all images, as at the end of a "
            "run",
        ],
    }


def _megabytes(done: child.Child) -> float:
    return done.peak_mb * 1024**2 / 1e6
