"""Section: frozen readouts on 1,000 labels, beside the reference downstream script, seconds a subset."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks import child, peer
from benchmarks.measure import measure, ratios
from benchmarks.options import Options
from benchmarks.reference import EPOCHS, LOOK_EVERY
from ssl_irmae.datasets.registry import default_data_dir

LABELS = 1000
OURS = {
    "mlp": ("--contenders", "irmae-mlp", "--reference", "irmae-mlp"),
    "linear": ("--contenders", "irmae-linear", "--reference", "irmae-linear"),
    "the script's own head, 500 epochs": ("--protocol", "reference", "--contenders", "irmae-last-look"),
}


def section(options: Options) -> dict[str, Any]:
    """Run the reference script for a few epochs and ours for ten subsets, in turn."""
    subsets = 2 if options.quick else 10
    theirs: list[float] = []
    ours: dict[str, list[float]] = {name: [] for name in OURS}
    for _ in range(options.repeats):
        if options.peer:
            theirs.append(peer.downstream(options.peer, labels=LABELS, epochs=LOOK_EVERY, device=options.device))
        else:
            told = child.reference(
                *("downstream", "--data-dir", str(default_data_dir()), "--labels", str(LABELS)),
                *("--epochs", str(LOOK_EVERY), "--device", options.device),
            ).json
            theirs.append(told["seconds"])
        for name, chosen in OURS.items():
            with tempfile.TemporaryDirectory() as scratch:
                told = child.ssl_irmae(
                    *("evaluate", "--labels", str(LABELS), "--seeds", str(subsets), *chosen),
                    *("--json", "--quiet", "--device", options.device),
                    folder=Path(scratch),
                ).json
            # encoding is part of what a subset costs, shared by all of them
            stages = told["seconds"]["stages"]
            ours[name].append((stages["encode"] + stages["trials"]) / subsets)
    who = "the checkout" if options.peer else "the re-typed script"
    return {
        "measures": [
            measure("reference script, one subset", "s", theirs),
            *(measure(f"{name}, one of {subsets} subsets", "s", seconds) for name, seconds in ours.items()),
            *(
                ratios(f"reference to {name}", theirs, seconds, at_least=300 if name != "linear" else None)
                for name, seconds in ours.items()
            ),
        ],
        "notes": [
            f"reference: {who} ran {LOOK_EVERY} epochs with one look at the test images, times {EPOCHS // LOOK_EVERY}",
            f"ours: encoding and trials of `evaluate --labels {LABELS} --seeds {subsets}`, a fresh store, divided by "
            f"{subsets}",
        ],
    }
