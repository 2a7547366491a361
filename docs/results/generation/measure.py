"""Measure how far pictures of the bundled encoders are from real ones, and draw them: distances.csv and the sheets.

    OMP_NUM_THREADS=1 python -m docs.results.generation.measure

For MNIST and Fashion-MNIST each: distances of reconstructions and samples, five draws of 2,000 pictures; and one sheet
per kind of picture, with IRMAE, AE and VAE side by side. What is there already is not measured or drawn again.
"""

import csv
from collections.abc import Callable
from pathlib import Path

from ssl_irmae._support.files import write_atomically
from ssl_irmae.generation.grid import side_by_side
from ssl_irmae.generation.picture_maker import Generated, PictureMaker
from ssl_irmae.protocols.generation.distance import generation_distance

FOLDER = Path(__file__).parent
HEAD = ["dataset", "encoder", "pictures", "draw", "frechet", "kernel", "n", "judge_error"]
DATASETS, METHODS = ("mnist", "fashion-mnist"), ("irmae", "ae", "vae")
PICTURES, DRAWS = 2000, 5
SHEETS: dict[str, Callable[[PictureMaker], Generated]] = {
    "reconstruct": lambda maker: maker.reconstruct(8),
    "interpolate": lambda maker: maker.interpolate(5, steps=8),
    "sample": lambda maker: maker.sample(30),
    "sample-mixture": lambda maker: maker.sample(30, sampler="mixture"),
    "sample-prior": lambda maker: maker.sample(30, sampler="prior"),
    "walk": lambda maker: maker.walk(5, steps=8),
}
"""What is drawn, by the name of the file; the prior is the VAE's alone."""


def measured(dataset: str) -> list[list[object]]:
    """Return the rows of a data set: one per encoder, kind of picture and draw."""
    encoders = [f"{dataset}-{method}" for method in METHODS]
    found = generation_distance(encoders, dataset, n=PICTURES, seeds=DRAWS, device="cpu")
    assert found.judge_error is not None
    return [
        [
            dataset,
            row.encoder,
            row.pictures,
            draw,
            f"{frechet:.6g}",
            f"{kernel:.6g}",
            PICTURES,
            f"{found.judge_error:g}",
        ]
        for row in found.rows
        for draw, (frechet, kernel) in enumerate(zip(row.frechet, row.kernel, strict=True))
    ]


def add_missing(file: Path) -> None:
    """Measure the data sets that have no rows, and add theirs."""
    lines: list[list[object]] = []
    if file.is_file():
        with file.open(newline="", encoding="utf-8") as before:
            lines += [list[object](line) for line in csv.reader(before)][1:]
    for dataset in DATASETS:
        if not any(line[0] == dataset for line in lines):
            lines += measured(dataset)
            with file.open("w", newline="", encoding="utf-8") as out:
                csv.writer(out, lineterminator="\n").writerows([HEAD, *lines])


def draw_missing(dataset: str) -> None:
    """Draw the sheets of a data set that are not there."""
    missing = {kind: FOLDER / f"{dataset}-{kind}.png" for kind in SHEETS}
    missing = {kind: file for kind, file in missing.items() if not file.is_file()}
    if not missing:
        return
    makers = PictureMaker.several([f"{dataset}-{method}" for method in METHODS], dataset, device="cpu")
    for kind, file in missing.items():
        shown = {n: maker for n, maker in makers.items() if kind != "sample-prior" or maker.method == "vae"}
        write_atomically(file, side_by_side({name: SHEETS[kind](maker).png() for name, maker in shown.items()}))


def main() -> None:
    """Measure and draw what is missing."""
    for dataset in DATASETS:
        draw_missing(dataset)
    add_missing(FOLDER / "distances.csv")


if __name__ == "__main__":
    main()
