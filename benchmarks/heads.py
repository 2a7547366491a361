"""Section: frozen readouts on 1,000 labels, beside the public downstream script, in seconds per subset."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks import child, peer
from benchmarks.measure import measure, ratios
from benchmarks.options import Options
from benchmarks.published import EPOCHS, PEEK_EVERY
from ssl_irmae.datasets.registry import default_data_dir

LABELS = 1000
OURS = {
    "mlp": ("--contenders", "irmae-mlp", "--baseline", "irmae-mlp"),
    "linear": ("--contenders", "irmae-linear", "--baseline", "irmae-linear"),
    "the script's own head, 500 epochs": ("--preset", "published", "--contenders", "irmae-published-last"),
}


def section(options: Options) -> dict[str, Any]:
    """Run the public script for a few epochs and ours for ten subsets, in turn."""
    subsets = 2 if options.quick else 10
    theirs: list[float] = []
    ours: dict[str, list[float]] = {name: [] for name in OURS}
    for _ in range(options.repeats):
        if options.peer:
            theirs.append(peer.downstream(options.peer, labels=LABELS, epochs=PEEK_EVERY, device=options.device))
        else:
            script = child.published(
                *("downstream", "--data-dir", str(default_data_dir()), "--labels", str(LABELS)),
                *("--epochs", str(PEEK_EVERY), "--device", options.device),
            ).json
            theirs.append(script["seconds"])
        for name, arguments in OURS.items():
            with tempfile.TemporaryDirectory() as scratch:
                document = child.ssl_irmae(
                    *("evaluate", "--labels", str(LABELS), "--seeds", str(subsets), *arguments),
                    *("--json", "--quiet", "--device", options.device),
                    folder=Path(scratch),
                ).json
            # encoding is part of what a subset costs, shared by all of them
            stages = document["seconds"]["stages"]
            ours[name].append((stages["encode"] + stages["trials"]) / subsets)
    side = "the checkout" if options.peer else "the re-typed script"
    return {
        "measures": [
            measure("published script, one subset", "s", theirs),
            *(measure(f"{name}, one of {subsets} subsets", "s", seconds) for name, seconds in ours.items()),
            *(
                ratios(f"published script to {name}", theirs, seconds, at_least=300 if name != "linear" else None)
                for name, seconds in ours.items()
            ),
        ],
        "notes": [
            f"published script: {side} ran {PEEK_EVERY} epochs and scored the test images once, times "
            f"{EPOCHS // PEEK_EVERY}",
            f"ours: encoding and trials of `evaluate --labels {LABELS} --seeds {subsets}`, a fresh store, divided by "
            f"{subsets}",
        ],
    }
