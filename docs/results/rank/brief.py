"""Choose the depth of encoders that are pretrained on the spot, where a data set or somebody's pictures ship none.

    python docs/results/rank/brief.py

Four pools of images, of which no label is read in pretraining: 5,000 training images of MNIST and of Fashion-MNIST, and
1,000 of scikit-learn's digits, as they are and enlarged to 40 x 40 pixels. Others are scored: 5,000 training images, or
the 300 digits that remain; test images are not loaded. On every pool, encoders of four depths, of which 0 is the plain
AE, are pretrained by the recipe `short` from one seed. Frozen readouts of their codes, beside those of pixels, go to
brief.csv beside this file, with ten subsets for each number of labels. A second run uses what is stored.
"""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from ssl_irmae.datasets.image_set import fit_images
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.protocols.storage.files import read_trials
from ssl_irmae.protocols.storage.rows import Row

ROWS = Path(__file__).with_name("brief.csv")
WORK = Path("runs/rank/brief")
DEPTHS = (0, 2, 4, 8)
READOUTS = ("linear", "poisson", "poisson-prior")
COLUMNS = ("dataset", "encoder", "readout", "labels", "seed", "error", "encoder_hash", "computed_with")


def main() -> None:
    """Run what is missing and write the rows."""
    WORK.mkdir(parents=True, exist_ok=True)
    store = WORK / "trials.sqlite"
    pools = {name: WORK / f"{name}.npz" for name in ("digits", "digits-40", "mnist", "fashion-mnist")}
    for name, file in pools.items():
        write_pool(name, file)
    for name, file in pools.items():
        encoders = {f"depth{depth}-0": depth for depth in DEPTHS}
        for encoder, depth in encoders.items():
            kind = ["--method", "irmae", "--depth", str(depth)] if depth else ["--method", "ae"]
            run("pretrain", "--dataset", str(file), *kind, "--recipe", "short", "--out", str(WORK / name / encoder))
        named = [word for encoder in encoders for word in ("--encoder", str(WORK / name / encoder))]
        contenders = [f"{code}-{readout}" for code in (*encoders, "pixels") for readout in READOUTS]
        words = ["--dataset", str(file), "--labels", "10,50,100,500", "--seeds", "10", "--jobs", "1"]
        run("evaluate", *words, *named, "--contenders", ",".join(contenders), "--store", str(store))
    write_rows([trial.row for trial in read_trials(store)])


def write_pool(name: str, file: Path) -> None:
    """Write the pool, and the images that are scored as its test split."""
    if file.exists():
        return
    images = load_images(name.removesuffix("-40"))
    assert images.labels is not None
    x, y = images.images[:, 0], images.labels.numpy()
    if name.endswith("-40"):
        x = fit_images(images.images, channels=1, image_size=40)[:, 0]
    order = torch.from_numpy(np.random.default_rng(17).permutation(len(y)))
    pool = 1000 if len(y) < 10_000 else 5000
    chosen, others = order[:pool], order[pool : 2 * pool]
    np.savez(file, images=x[chosen], labels=y[chosen], test_images=x[others], test_labels=y[others])


def run(*arguments: str) -> None:
    """Run a command of ssl-irmae."""
    subprocess.run([Path(sys.executable).with_name("ssl-irmae"), *arguments], check=True)


def write_rows(rows: list[Row]) -> None:
    """Write what the choice is made from, one line per trial."""
    with ROWS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in sorted(rows, key=lambda r: (r.dataset, r.contender, int(r.budget), r.seed)):
            values = row.model_dump(include=set(COLUMNS))
            writer.writerow({**values, "encoder": row.representation, "labels": row.budget})


if __name__ == "__main__":
    main()
