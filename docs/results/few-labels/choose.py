"""Choose, on training images, what `classify` and `suggest` do unless told otherwise: the encoder and the readout.

    python docs/results/few-labels/choose.py

Of the training images of MNIST and Fashion-MNIST, 5,000 are the pool and 5,000 others are scored; test images are not
loaded. Five short pretrainings on the pool are compared by frozen readouts of their codes, beside pixels, with 10 to
500 labels on six subsets; networks are trained from the encoder that is kept, on three. The rows go to
development.csv beside this file. A second run uses what is stored.
"""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np

from ssl_irmae.datasets.registry import load_images
from ssl_irmae.protocols.storage.files import read_trials
from ssl_irmae.protocols.storage.rows import Row

ROWS = Path(__file__).with_name("development.csv")
WORK = Path("runs/few-labels/development")
ENCODERS = {
    "irmae8": ["--method", "irmae", "--depth", "8", "--max-steps", "2000"],
    "irmae8-long": ["--method", "irmae", "--depth", "8", "--max-steps", "6000"],
    "irmae4": ["--method", "irmae", "--depth", "4", "--max-steps", "2000"],
    "irmae2": ["--method", "irmae", "--depth", "2", "--max-steps", "2000"],
    "plain": ["--method", "ae", "--max-steps", "2000"],
}
KEPT = "irmae2"
FROZEN = ("linear", "poisson", "poisson-prior")
NETWORKS = ("propagate", "consistency")
COLUMNS = ("dataset", "encoder", "readout", "network_steps", "labels", "seed", "error", "encoder_hash", "computed_with")


def main() -> None:
    """Run what is missing and write the rows."""
    WORK.mkdir(parents=True, exist_ok=True)
    store = WORK / "trials.sqlite"
    for name in ("mnist", "fashion-mnist"):
        data = WORK / f"{name}-dev.npz"
        write_pool(name, data)
        for encoder, options in ENCODERS.items():
            out = str(WORK / name / encoder)
            run(
                "pretrain",
                *options,
                "--recipe",
                "paper",
                "--dataset",
                str(data),
                "--learning-rate",
                "1e-3",
                "--epochs",
                "1000",
                "--out",
                out,
            )
        frozen = [f"{source}-{readout}" for source in (*ENCODERS, "pixels") for readout in FROZEN]
        networks = [f"{KEPT}-{learner}" for learner in NETWORKS]
        named = [word for encoder in ENCODERS for word in ("--encoder", str(WORK / name / encoder))]
        common = ["--dataset", str(data), "--labels", "10,50,100,500", "--jobs", "1", "--store", str(store)]
        run("evaluate", *common, *named, "--seeds", "6", "--contenders", ",".join(frozen))
        kept = ["--encoder", str(WORK / name / KEPT), "--steps", "300"]
        run("evaluate", *common, *kept, "--seeds", "3", "--contenders", ",".join(networks))
    write_rows([trial.row for trial in read_trials(store)])


def write_pool(name: str, file: Path) -> None:
    """Write 5,000 training images as the pool and 5,000 others as scored images."""
    images = load_images(name)
    assert images.labels is not None
    x, y = images.images[:, 0].numpy(), images.labels.numpy()
    order = np.random.default_rng(16).permutation(len(y))
    pool, scored = order[:5000], order[5000:10000]
    np.savez(file, images=x[pool], labels=y[pool], test_images=x[scored], test_labels=y[scored])


def run(*arguments: str) -> None:
    """Run a command of ssl-irmae."""
    subprocess.run([Path(sys.executable).with_name("ssl-irmae"), *arguments], check=True)


def write_rows(rows: list[Row]) -> None:
    """Write what the choice is made from, one line per trial."""
    with ROWS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in sorted(
            rows, key=lambda row: (row.dataset, str(row.pretraining), row.contender, row.budget, row.seed)
        ):
            pretraining = row.pretraining
            depth = "" if pretraining is None or pretraining.depth is None else f" of depth {pretraining.depth}"
            encoder = (
                row.representation if pretraining is None else f"{pretraining.method}{depth}, {pretraining.steps} steps"
            )
            writer.writerow(
                {
                    "dataset": row.dataset,
                    "encoder": encoder,
                    "readout": row.readout,
                    "network_steps": row.settings.get("steps"),
                    "labels": row.budget,
                    "seed": row.seed,
                    "error": row.error,
                    "encoder_hash": row.encoder_hash,
                    "computed_with": row.computed_with,
                }
            )


if __name__ == "__main__":
    main()
