"""Compare penalties of logistic regression where a class has fewer than five labels: what `linear` does there.

    python docs/results/settings/few_label_penalty.py

Training images only: a sixth is held out and scored, and labels come from the rest, on subsets whose seeds no reported
table uses. Representations are the floors, the bundled encoders, and the short pretrainings of
docs/results/few-labels/choose.py, which that script leaves under runs/. Subsets are balanced or uniform; two more
kinds are uniform subsets of unequal classes: `skewed`, where half of the ten classes are a tenth as common as the
others, and `rare`, two classes of which one has 5 % of the images. There is no row for a subset of a single class, for
one in which every class has five labels, where `linear` cross-validates, or of all images there are.

The rows go to few_label_penalty.csv beside this file: a column of errors in percent for each candidate. Printed is
the regret: the mean error over the seeds, as a multiple of the lowest mean error of any candidate; half a point is
added to both, as two classes are often told apart without any error.

The rule in force, C = 0.01 per label of a class with equal weight for every class, was thought of after errors of a
grid of C, with weights and without, had been seen on some of these subsets (seeds 200 to 205).
"""

import csv
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.protocols.readouts.scaling import Scaling
from ssl_irmae.protocols.representations.floors import FLOORS
from ssl_irmae.protocols.subsets import Rule, draw_subset
from ssl_irmae.protocols.task import Task, load_task

ROWS = Path(__file__).with_suffix(".csv")
SHORT = Path("runs/few-labels/development")
SHORT_NAMES = ("irmae2", "irmae4", "irmae8", "irmae8-long", "plain")
SEEDS = range(200, 210)
FEWEST = 5  # labels per class from which `linear` cross-validates
PLAIN = (0.01, 0.1, 1.0)
WEIGHTED = (0.01, 0.03, 0.1, 1.0)
PER_CLASS = 0.01

Array = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


CASES = {"balanced": (10, 20, 30, 40), "uniform": (10, 20, 30, 40), "skewed": (20, 60, 100), "rare": (20, 60, 100)}
"""Numbers of labels by kind of subset."""


def representations(task: Task, dataset: str) -> Iterator[tuple[str, torch.Tensor, torch.Tensor]]:
    """Yield the name of every representation with the codes of the training and of the scored images."""
    encoders = {name: floor.learn(task.train.images) for name, floor in FLOORS.items()}
    if dataset == "mnist":
        encoders |= {method: Encoder.from_pretrained(f"mnist-{method}").encode for method in ("irmae", "ae", "vae")}
    if dataset != "digits":
        encoders |= {f"short-{name}": Encoder.from_pretrained(SHORT / dataset / name).encode for name in SHORT_NAMES}
    for name, encode in encoders.items():
        yield name, encode(task.train.images), encode(task.scored.images)


def kept(kind: str, seed: int, *labels: Labels) -> list[npt.NDArray[np.bool_]]:
    """Return which images there are in each of several parts of a data set, by their labels."""
    rng = np.random.default_rng(seed)
    classes = rng.permutation(10)
    share = np.ones(10)
    if kind == "skewed":
        share[classes[5:]] = 0.1
    if kind == "rare":
        share[classes[1]], share[classes[2:]] = 1 / 19, 0
    return [rng.random(len(y)) < share[y] for y in labels]


def draw(y: Labels, fingerprint: str, labels: int, kind: str, seed: int) -> Labels:
    """Draw labelled images."""
    rule: Rule = "balanced" if kind == "balanced" else "uniform"
    return draw_subset(y, fingerprint=fingerprint, budget=labels, seed=seed, rule=rule).indices


def errors(x: Array, y: Labels, scored: Array, truth: Labels) -> dict[str, float]:
    """Return every candidate's error in percent.

    Args:
        x: Scaled codes of the labelled images.
        y: Their classes.
        scored: Scaled codes of the scored images.
        truth: Their classes.
    """
    basis = np.linalg.qr(x.T)[0]  # weights lie in the span of the labelled codes
    x, scored = (x @ basis).astype(np.float64), scored @ basis
    per_class = PER_CLASS * len(y) / len(np.unique(y))
    models = {
        **{f"C={C:g}": LogisticRegression(C=C, max_iter=1000) for C in PLAIN},
        "C=0.1, no intercept": LogisticRegression(C=0.1, max_iter=1000, fit_intercept=False),
        **{f"weighted, C={C:g}": _weighted(C) for C in WEIGHTED},
        f"weighted, C={PER_CLASS:g} per label of a class": _weighted(per_class),
        "weighted, cross-validated": _weighted(_validated(x, y, per_class)),
    }
    return {name: 100 * float((m.fit(x, y).predict(scored) != truth).mean()) for name, m in models.items()}


def _weighted(C: float) -> LogisticRegression:
    return LogisticRegression(C=C, max_iter=1000, class_weight="balanced")


def _validated(x: Array, y: Labels, otherwise: float) -> float:
    """Choose C by stratified cross-validation if each class has two labels or more."""
    fewest = int(np.unique(y, return_counts=True)[1].min())
    if fewest < 2:
        return otherwise
    folds = list(StratifiedKFold(fewest).split(x, y))

    def loss(C: float) -> float:
        return sum(float(log_loss(y[b], _weighted(C).fit(x[a], y[a]).predict_proba(x[b]))) for a, b in folds)

    return min(WEIGHTED, key=loss)


def trials(dataset: str) -> Iterator[dict[str, object]]:
    """Yield a row for each representation, case and seed of a data set."""
    task = load_task(dataset, scored_on="development")
    assert task.train.labels is not None
    assert task.scored.labels is not None
    y, truth = task.train.labels.numpy(), task.scored.labels.numpy()
    for name, codes, scored in representations(task, dataset):
        whole = Scaling.of(codes)
        for kind, seed in itertools.product(CASES, SEEDS):
            part, judged = kept(kind, seed, y, truth)
            there = np.flatnonzero(part)
            scaling = Scaling.of(codes[there]) if kind in ("skewed", "rare") else whole
            z = scaling(scored[judged]).numpy()
            for labels in CASES[kind]:
                if labels >= len(there):
                    continue
                rule: Rule = "balanced" if kind == "balanced" else "uniform"
                fingerprint = task.train.fingerprint
                chosen = there[
                    draw_subset(y[there], fingerprint=fingerprint, budget=labels, seed=seed, rule=rule).indices
                ]
                counts = np.unique(y[chosen], return_counts=True)[1]
                if len(counts) < 2 or counts.min() >= FEWEST:
                    continue
                found = errors(scaling(codes[chosen]).numpy(), y[chosen], z, truth[judged])
                row = {"dataset": dataset, "representation": name, "rule": kind, "labels": labels, "seed": seed}
                yield row | {candidate: f"{error:.2f}" for candidate, error in found.items()}
        sys.stderr.write(f"{dataset}, {name}\n")


def report(rows: list[dict[str, str]]) -> None:
    """Print every candidate's mean regret in each kind of subset, and its worst case."""
    candidates = list(rows[0])[5:]
    combinations: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        combinations.setdefault((row["rule"], row["labels"], row["dataset"], row["representation"]), []).append(row)
    regrets: dict[str, dict[tuple[str, ...], float]] = {candidate: {} for candidate in candidates}
    for combination, trials in combinations.items():
        means = {candidate: np.mean([float(row[candidate]) for row in trials]) for candidate in candidates}
        for candidate, mean in means.items():
            regrets[candidate][combination] = float((mean + 0.5) / (min(means.values()) + 0.5))
    for candidate, regret in regrets.items():
        worst = max(regret, key=lambda combination: regret[combination])
        by_kind = {kind: [r for c, r in regret.items() if c[0] == kind] for kind in CASES}
        kinds = ", ".join(f"{kind} {np.mean(values):.3f}" for kind, values in by_kind.items())
        sys.stdout.write(f"{candidate}: {np.mean(list(regret.values())):.3f} ({kinds}); ")
        sys.stdout.write(f"worst {regret[worst]:.2f}: {' '.join(worst)}\n")


def main() -> None:
    """Write the rows and print what follows from them."""
    with threadpool_limits(1):
        rows = [row for dataset in ("digits", "mnist", "fashion-mnist") for row in trials(dataset)]
    with ROWS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    with ROWS.open(newline="", encoding="utf-8") as file:
        report(list(csv.DictReader(file)))


if __name__ == "__main__":
    main()
