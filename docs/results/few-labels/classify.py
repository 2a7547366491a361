"""Label 5,000 pictures from 10 and from 100 labels with `ssl-irmae classify`, five draws each; rows in classify.csv.

    python docs/results/few-labels/classify.py

Beside it: one nearest neighbour on pixels, from the same labels. A second run does only what is missing.
"""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

sys.path.insert(0, str(Path(__file__).parent))
from pictures import SETS, WORK, append_row, chosen_images, draw, finished, write_pictures, write_table

ROWS = Path(__file__).with_name("classify.csv")


def main() -> None:
    """Run what is missing."""
    done = finished(ROWS, "dataset", "labels", "draw")
    for name in SETS:
        images = chosen_images(name)
        assert images.labels is not None
        folder = WORK / name / "pictures"
        write_pictures(images, folder)
        pixels, truth = images.images.flatten(1).numpy().astype(np.float32), images.labels.numpy()
        for labels in (10, 100):
            for seed in range(5):
                if (name, str(labels), str(seed)) in done:
                    continue
                chosen = draw(images, labels, seed).indices
                table, out = WORK / name / f"labels-{labels}-{seed}.csv", WORK / name / f"{labels}-{seed}"
                write_table(images, chosen, table)
                command = ["ssl-irmae", "classify", str(folder), "--labels-from", str(table), "--out", str(out)]
                began = time.monotonic()
                subprocess.run([Path(sys.executable).with_name(command[0]), *command[1:]], check=True)
                seconds = time.monotonic() - began
                with (out / "predictions.csv").open(newline="", encoding="utf-8") as file:
                    predicted = {row["path"]: row for row in csv.DictReader(file)}
                rest = np.setdiff1d(np.arange(len(truth)), chosen)
                right = np.array([predicted[images.paths[i]]["label"] == images.classes[truth[i]] for i in rest])
                confidence = np.array([float(predicted[images.paths[i]]["confidence"]) for i in rest])
                nearest = KNeighborsClassifier(1).fit(pixels[chosen], truth[chosen]).predict(pixels[rest])
                config = json.loads((out / "classifier" / "config.json").read_text())
                expected = config["card"]["expected_error"] or {}
                sure = confidence >= 0.9
                append_row(
                    ROWS,
                    {
                        "dataset": name,
                        "labels": labels,
                        "draw": seed,
                        "contender": config["card"]["contender"],
                        "error": round(100 * float((~right).mean()), 3),
                        "error_1nn_pixels": round(100 * float((nearest != truth[rest]).mean()), 3),
                        "expected_error": expected.get("mean"),
                        "expected_low": expected.get("low"),
                        "expected_high": expected.get("high"),
                        "calibrated": config["calibrated"],
                        "confident": int(sure.sum()),
                        "confident_right": int(right[sure].sum()),
                        "pictures": len(rest),
                        "seconds": round(seconds, 1),
                    },
                )


if __name__ == "__main__":
    main()
