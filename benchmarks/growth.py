"""Section: how cost grows with images, labels, subsets, depth and latent size, over two decades where possible."""

import itertools
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import child
from benchmarks.measure import measure
from benchmarks.options import Options
from ssl_irmae.datasets.registry import load_images

POINTS: dict[str, tuple[int, ...]] = {
    "images, pretraining one epoch": (320, 1000, 3200, 10_000, 32_000),
    "images, encoding": (600, 2000, 6000, 20_000, 60_000),
    "labels, linear": (100, 1000, 10_000),
    "labels, mlp": (100, 1000, 10_000),
    "subsets, mlp": (1, 3, 10, 30, 100),
    "depth, pretraining": (1, 3, 10, 30, 100),
    "latent size, pretraining": (8, 32, 128, 512, 1024),
}
_STEPS = "100"


def section(options: Options) -> dict[str, Any]:
    """Measure every point once, each in a fresh process; fit slopes of log cost against log size."""
    curves: dict[str, list[tuple[int, float]]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        cost = _Cost(Path(scratch), options.device)
        costs: dict[str, Callable[[int], float]] = {
            "images, pretraining one epoch": cost.epoch,
            "images, encoding": cost.encoding,
            "labels, linear": lambda n: cost.readout("irmae-linear", labels=n, subsets=1),
            "labels, mlp": lambda n: cost.readout("irmae-mlp", labels=n, subsets=1),
            "subsets, mlp": lambda n: cost.readout("irmae-mlp", labels=100, subsets=n),
            "depth, pretraining": lambda n: cost.per_image("--depth", n),
            "latent size, pretraining": lambda n: cost.per_image("--latent-dim", n),
        }
        for name, points in POINTS.items():
            chosen = points[:: len(points) // 2] if options.quick else points
            curves[name] = [(n, costs[name](n)) for n in chosen]
    options.figures.mkdir(parents=True, exist_ok=True)
    plot(curves, options.figures / "growth.png")
    return {
        "measures": [
            measure(f"{name}, {points[0][0]:,} to {points[-1][0]:,}", "slope", [slope(points)])
            for name, points in curves.items()
        ],
        "curves": curves,
        "notes": [
            "slope of log seconds against log size by least squares: 1 is linear, 0 costs nothing more",
            "pretraining: the loop alone; encoding: the whole command minus the same for one image; readouts: without "
            "encoding",
            "each point ran once",
        ],
    }


class _Cost:
    """Measures points of the curves in seconds, from the JSON that the commands print."""

    def __init__(self, scratch: Path, device: str) -> None:
        self.scratch = scratch
        self.device = device
        self.counter = itertools.count()  # names of runs and stores
        self.images = load_images("mnist").images.numpy()
        self._overhead: float | None = None

    def epoch(self, images: int) -> float:
        """Time one epoch of pretraining at batch 32."""
        document = self._pretrain("--dataset", self._archive(images), "--epochs", "1")
        return float(document["seconds"]["train"])

    def per_image(self, option: str, value: int) -> float:
        """Time pretraining with an option; return seconds per image."""
        document = self._pretrain("--dataset", self._archive(320), "--max-steps", _STEPS, option, str(value))
        return 1 / float(document["images_per_second"])

    def encoding(self, images: int) -> float:
        """Time encoding that many images with the bundled IRMAE."""
        if self._overhead is None:
            self._overhead = self._encode(1)
        return max(self._encode(images) - self._overhead, 1e-3)

    def readout(self, contender: str, *, labels: int, subsets: int) -> float:
        """Time fitting and predicting on all subsets."""
        document = child.ssl_irmae(
            *("evaluate", "--labels", str(labels), "--seeds", str(subsets), "--contenders", contender),
            *("--baseline", contender, "--store", f"{next(self.counter)}.sqlite", "--json", "--quiet"),
            *("--device", self.device),
            folder=self.scratch,
        ).json
        return float(document["seconds"]["stages"]["trials"])

    def _pretrain(self, *arguments: str) -> dict[str, Any]:
        out = f"run-{next(self.counter)}"
        done = child.ssl_irmae(
            *("pretrain", *arguments, "--out", out, "--json", "--quiet", "--device", self.device), folder=self.scratch
        )
        return done.json

    def _encode(self, images: int) -> float:
        arguments = ("--dataset", self._archive(images), "--out", "codes.npz", "--quiet", "--device", self.device)
        return child.ssl_irmae("encode", *arguments, folder=self.scratch).seconds

    def _archive(self, images: int) -> str:
        path = self.scratch / f"{images}.npz"
        if not path.exists():
            np.savez(path, images=self.images[:images])
        return path.name


def slope(points: Sequence[tuple[int, float]]) -> float:
    """Fit log cost against log size by least squares.

    >>> round(slope([(1, 2.0), (10, 20.0), (100, 200.0)]), 6)
    1.0
    """
    n, cost = np.log(np.array(points, dtype=float)).T
    return float(np.polyfit(n, cost, 1)[0])


def plot(curves: dict[str, list[tuple[int, float]]], path: Path) -> None:
    """Plot every curve in a panel of its own, with a straight line of slope 1 through its last point."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = 4
    rows = -(-len(curves) // columns)
    figure = Figure(figsize=(3.2 * columns, 2.8 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for i, (name, points) in enumerate(curves.items()):
        axes = figure.add_subplot(rows, columns, i + 1)
        n, cost = np.array(points, dtype=float).T
        axes.loglog(n, cost[-1] * n / n[-1], color="0.7", linestyle="--", label="linear")
        axes.loglog(n, cost, marker="o", color="C0", label=f"measured, slope {slope(points):.2f}")
        axes.set_title(name, fontsize=10)
        axes.set_xlabel(name.split(",")[0])
        axes.set_ylabel("seconds per image" if name.startswith(("depth", "latent")) else "seconds")
        axes.legend(fontsize=7)
    figure.savefig(path, dpi=120)
