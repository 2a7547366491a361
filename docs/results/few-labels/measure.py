"""Measure `classify` on 5,000 pictures each of MNIST and Fashion-MNIST whose labels it is not given.

    python docs/results/few-labels/measure.py classify    # rows in classify.csv
    python docs/results/few-labels/measure.py pixels      # rows in pixels.csv
    python docs/results/few-labels/measure.py coverage    # rows in coverage.csv
    python docs/results/few-labels/measure.py folds       # rows in folds.csv

The pictures are test images, as PNG files; the settings behind `classify` and `suggest` were chosen on training images,
so that these are new to every choice. `classify` labels them from 10 and from 100 labels, equally many of each class,
five draws each, beside one nearest neighbour on pixels; `pixels` adds logistic regression on the pixels, by the readout
`linear`, of the same draws. `coverage` does fifty draws of 20, 50 and 100 labels with
Poisson learning on frozen codes, of the encoder that `classify` pretrained. The true error is that on all pictures
without a label. A second run does only what is missing.

`folds` compares two ways to deal few labels into folds, by how far the expected error is from the true one: ten folds,
or as many as a class has labels on average, which `classify` takes where all classes have about the same number.
It learns from training images, twenty draws each: 5,000 of both sets, labelled equally many of each class, and 400
digits, labelled at random.
"""

import csv
import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier

from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.estimators import FewLabelClassifier
from ssl_irmae.protocols.contenders.for_few_labels import contenders_for_few_labels
from ssl_irmae.protocols.labelling.expected_error import expected_error
from ssl_irmae.protocols.labelling.held_out import held_out_logits
from ssl_irmae.protocols.labelling.learn import learn
from ssl_irmae.protocols.labelling.own_encoder import find_own_encoder, fitted_to
from ssl_irmae.protocols.labelling.pool import Pool
from ssl_irmae.protocols.representations.pretrained import OpenedEncoder, open_encoder
from ssl_irmae.protocols.subsets import Subset, draw_subset

CLASSIFY, PIXELS, COVERAGE, FOLDS = (
    Path(__file__).with_name(f"{name}.csv") for name in ("classify", "pixels", "coverage", "folds")
)
DRAWS, FOLD_DRAWS = 50, 20
SETS = ("mnist", "fashion-mnist")
N = 5000
WORK = Path("runs/few-labels")


def chosen_images(name: str, split: str = "test") -> ImageSet:
    """Return 5,000 images of a set, the same ones every time, with all their labels."""
    images = load_images(name, "test" if split == "test" else "train")
    assert images.labels is not None
    part = np.random.default_rng(16).permutation(len(images))[:N]
    paths = tuple(f"{i:05}.png" for i in part)
    return ImageSet(name, images.images[part], images.labels[part], images.classes, paths=paths)


def draw(images: ImageSet, labels: int, seed: int) -> Subset:
    """Draw so many labels, equally many of each class."""
    assert images.labels is not None
    return draw_subset(images.labels.numpy(), fingerprint=images.fingerprint, budget=labels, seed=seed, rule="balanced")


def write_pictures(images: ImageSet, folder: Path) -> None:
    """Write the images as PNG files, unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, pixels in zip(images.paths, images.images[:, 0].numpy(), strict=True):
        if not (folder / path).is_file():
            Image.fromarray(pixels).save(folder / path)


def write_table(images: ImageSet, chosen: Subset, file: Path) -> None:
    """Write the labels of a few images as the table that ``--labels-from`` takes."""
    assert images.labels is not None
    with file.open("w", newline="", encoding="utf-8") as table:
        writer = csv.writer(table)
        writer.writerow(("path", "label"))
        writer.writerows((images.paths[i], images.classes[int(images.labels[i])]) for i in chosen.indices)


def append_row(file: Path, row: dict[str, object]) -> None:
    """Add a row to a CSV, which gets its header with the first."""
    new = not file.is_file()
    with file.open("a", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, list(row), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def finished(file: Path, *columns: str) -> set[tuple[str, ...]]:
    """Read which rows a CSV has already, by some of its columns."""
    if not file.is_file():
        return set()
    with file.open(newline="", encoding="utf-8") as table:
        return {tuple(row[column] for column in columns) for row in csv.DictReader(table)}


def measure_classify() -> None:
    """Label pictures from 10 and from 100 labels, five draws each, with the command itself."""
    done = finished(CLASSIFY, "dataset", "labels", "draw")
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
                subset = draw(images, labels, seed)
                chosen = subset.indices
                table, out = WORK / name / f"labels-{labels}-{seed}.csv", WORK / name / f"{labels}-{seed}"
                write_table(images, subset, table)
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
                    CLASSIFY,
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


def measure_pixels() -> None:
    """Label the same pictures from the same labels by logistic regression on pixels."""
    done = finished(PIXELS, "dataset", "labels", "draw")
    for name in SETS:
        images = chosen_images(name)
        assert images.labels is not None
        pixels, truth = images.images.flatten(1).numpy() / np.float32(255), images.labels.numpy()
        for labels in (10, 100):
            for seed in range(5):
                if (name, str(labels), str(seed)) in done:
                    continue
                chosen = draw(images, labels, seed).indices
                rest = np.setdiff1d(np.arange(len(truth)), chosen)
                known = np.full_like(truth, -1)
                known[chosen] = truth[chosen]
                guess = FewLabelClassifier("linear").fit(pixels, known).predict(pixels[rest])
                error = round(100 * float((guess != truth[rest]).mean()), 3)
                append_row(PIXELS, {"dataset": name, "labels": labels, "draw": seed, "error": error})


def measure_coverage() -> None:
    """Count how often the interval of the expected error contains the true one, and confident predictions are right."""
    done = finished(COVERAGE, "dataset", "contender", "labels", "draw")
    for name in SETS:
        images = chosen_images(name)
        truth = images.labels
        assert truth is not None
        encoder = find_own_encoder(images, device=torch.device("cpu"))
        fitted = fitted_to(encoder, images)
        codes = None
        for labels in (20, 50, 100):
            for readout in ("poisson",):
                for seed in range(DRAWS):
                    contender = f"{encoder.name}-{readout}"
                    if (name, contender, str(labels), str(seed)) in done:
                        continue
                    chosen = torch.from_numpy(draw(images, labels, seed).indices)
                    known = torch.full_like(truth, -1)
                    known[chosen] = truth[chosen]
                    few = dataclasses.replace(fitted, labels=known)
                    learned = learn(few, encoder, contender=contender, seed=seed, device=torch.device("cpu"))
                    rest = known < 0
                    if codes is None:  # the same for every draw
                        codes = learned.classifier.codes(fitted.images)
                    logits = learned.classifier.predictor.logits(codes[rest])
                    confidence, guess = (logits / learned.classifier.temperature).softmax(1).max(1)
                    right = guess == truth[rest]
                    sure = confidence >= 0.9
                    expected = learned.expected
                    assert expected is not None
                    append_row(
                        COVERAGE,
                        {
                            "dataset": name,
                            "contender": contender,
                            "labels": labels,
                            "draw": seed,
                            "error": round(100 * float((~right).double().mean()), 3),
                            "expected_error": round(expected.mean, 3),
                            "low": round(expected.low, 3),
                            "high": round(expected.high, 3),
                            "calibrated": learned.classifier.calibrated,
                            "confident": int(sure.sum()),
                            "confident_right": int(right[sure].sum()),
                            "pictures": int(rest.sum()),
                        },
                    )


def measure_folds() -> None:
    """Compare ten folds with even ones, on training images."""
    done = finished(FOLDS, "dataset", "labels", "draw")
    for name in ("mnist", "fashion-mnist"):
        images = chosen_images(name, "train")
        encoder = find_own_encoder(images, device=torch.device("cpu"))
        for labels in (20, 50):
            for seed in range(FOLD_DRAWS):
                if (name, str(labels), str(seed)) not in done:
                    chosen = torch.from_numpy(draw(images, labels, seed).indices)
                    measure_draw(images, encoder, chosen, rule="balanced", seed=seed)
    digits = load_images("digits", "train")
    assert digits.labels is not None
    images = ImageSet("digits", digits.images[:400], digits.labels[:400], digits.classes)
    encoder = open_encoder("irmae", "mnist-irmae")
    for labels in (50, 80):
        for seed in range(FOLD_DRAWS):
            if ("digits", str(labels), str(seed)) not in done:
                order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
                measure_draw(images, encoder, order[:labels].sort().values, rule="uniform", seed=seed)


def measure_draw(images: ImageSet, encoder: OpenedEncoder, chosen: torch.Tensor, *, rule: str, seed: int) -> None:
    """Estimate the error of one draw in both ways, beside the true one."""
    truth = images.labels
    assert truth is not None
    known = torch.full_like(truth, -1)
    known[chosen] = truth[chosen]
    few = dataclasses.replace(fitted_to(encoder, images), labels=known)
    pool = Pool(few, {encoder.name: encoder}, torch.device("cpu"))
    name = f"{encoder.name}-poisson"
    contender = contenders_for_few_labels(encoder.name)[name]
    (predictor,) = pool.fit(contender, [pool.labelled], seed=seed)
    guess = predictor.logits(pool.inputs(contender)).argmax(1)
    rest = known < 0
    row: dict[str, object] = {
        "dataset": images.name,
        "rule": rule,
        "labels": len(chosen),
        "draw": seed,
        "error": round(100 * float((guess != truth)[rest].double().mean()), 3),
    }
    for way, count in (("ten", 10), ("even", len(chosen) // len(images.classes))):
        held_out = held_out_logits(pool, contender, count=count, repeats=5, seed=seed)
        expected = expected_error(name, held_out.logits.argmax(1), held_out.labels, repeats=5)
        assert expected is not None
        row |= {f"folds_{way}": count, f"expected_{way}": round(expected.mean, 3)}
    append_row(FOLDS, row)


if __name__ == "__main__":
    {
        "classify": measure_classify,
        "pixels": measure_pixels,
        "coverage": measure_coverage,
        "folds": measure_folds,
    }[sys.argv[1]]()
