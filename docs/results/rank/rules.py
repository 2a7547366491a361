"""Score places on the dial without labels, and by cross-validation: rules.csv and validated.csv beside this.

    python -m docs.results.rank.rules

Each score is a candidate for a rule that picks the depth; docs/rank.py computes what its picks cost. They are of the
codes of 10,000 training images, and of four weak views of each: small rotations, scalings, shears and shifts. The
cross-validation is of `linear` and `poisson-prior`, over the labels of five of the subsets that the dial was measured
on, in five folds. Run dial.py first. Places whose rows are there already are not scored again.
"""

import json
from typing import Any

import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score
from torch import Tensor

from docs.results.rank.dial import DATASETS, Rows, settings
from docs.results.rank.dial import SEEDS as PRETRAIN_SEEDS
from docs.results.rank.trial import CPU, SEEDS, WORK, Settings, load
from ssl_irmae._support.seeding import generator
from ssl_irmae.datasets.image_set import as_float
from ssl_irmae.encoders.encoding import encode
from ssl_irmae.protocols.graphs.graph import build_graph
from ssl_irmae.protocols.graphs.poisson_mbo import poisson_mbo
from ssl_irmae.protocols.labelling.held_out import folds
from ssl_irmae.protocols.learners.augmentation import view
from ssl_irmae.protocols.plan import Part
from ssl_irmae.protocols.readouts.linear import linear
from ssl_irmae.protocols.readouts.poisson_prior import poisson_prior
from ssl_irmae.protocols.readouts.sample import Memo, Sample
from ssl_irmae.protocols.running.jobs import draw_subsets
from ssl_irmae.protocols.task import Task, load_task
from ssl_irmae.spectrum import effective_rank, spectrum

IMAGES, VIEWS, NEAREST, CLASSES = 10_000, 4, 10, 10
QUERIES = 3_000  # images whose views are looked up among the others
KEPT = WORK / "rules"


def neighbours(queries: Tensor, z: Tensor) -> Tensor:
    """Return the positions of the nearest codes of each of the first images but itself, int64 (m, NEAREST)."""
    distance = torch.cdist(queries, z)
    distance.fill_diagonal_(torch.inf)
    return distance.topk(NEAREST, largest=False).indices


def overlap(a: Tensor, b: Tensor) -> float:
    """Return the mean share of neighbours, int64 (m, k), that two lists have in common."""
    return float((a[:, :, None] == b[:, None, :]).any(2).double().mean())


def rankme(values: Tensor) -> float:
    """Compute RankMe from eigenvalues: exp of the entropy of singular values (Garrido et al., 2023)."""
    p = values.clamp_min(0).sqrt()
    p = p / p.sum() + 1e-7
    return float((-(p * p.log()).sum()).exp())


def alpha(values: Tensor) -> float:
    """Compute the decay of the eigenvalues, the slope in log-log (Agrawal et al., "alpha-ReQ", 2022)."""
    kept = values[1 : min(50, int((values > 1e-9).sum()))].log().numpy()
    return float(-np.polyfit(np.log(np.arange(2, len(kept) + 2)), kept, 1)[0])


def lidar(views: Tensor) -> float:
    """Compute LiDAR from codes of views, (n, v, d): the rank of between- over within-image scatter (Thilak, 2024)."""
    mean = views.mean(1)
    between = torch.cov(mean.T)
    within = (views - mean[:, None]).flatten(0, 1)
    scatter = within.T @ within / (len(mean) * (views.shape[1] - 1))
    values, vectors = torch.linalg.eigh(scatter + 1e-4 * between.trace() / len(between) * torch.eye(len(between)))
    whiten = vectors @ torch.diag(values.clamp_min(1e-12).rsqrt()) @ vectors.T
    p = torch.linalg.eigvalsh(whiten @ between @ whiten).clamp_min(0)
    p = p / p.sum() + 1e-7
    return float((-(p * p.log()).sum()).exp())


def stability(labels: list[Any]) -> float:
    """Return the mean normalised mutual information of pairs of partitions."""
    pairs = [(a, b) for i, a in enumerate(labels) for b in labels[:i]]
    return float(np.mean([normalized_mutual_info_score(a, b) for a, b in pairs]))


def scores(z: Tensor, views: Tensor) -> tuple[dict[str, float], Tensor]:
    """Score codes, (n, d), and those of views of the same images, (n, v, d); return the nearest neighbours too."""
    values, nearest = spectrum(z), neighbours(z[:QUERIES], z)
    graph = build_graph(z, k=NEAREST)
    rng = np.random.default_rng(0)
    starts = [torch.from_numpy(rng.choice(len(z), CLASSES, replace=False)) for _ in range(8)]
    partitions = [poisson_mbo(graph, i, torch.arange(CLASSES), CLASSES, slack=0.1).argmax(1).numpy() for i in starts]
    clusters = [KMeans(CLASSES, n_init=1, random_state=seed).fit_predict(z.numpy()) for seed in range(6)]
    ratios = (values[:64] + 1e-9)[:-1] / (values[:64] + 1e-9)[1:]
    found = {
        "effective rank": effective_rank(values),
        "RankMe": rankme(values),
        "alpha-ReQ": alpha(values),
        "LiDAR": lidar(views.double()),
        "view among neighbours": overlap(neighbours(views[:QUERIES, 0], z), nearest),
        "k-means across seeds": stability(clusters),
        "Poisson labels from random starts": stability(partitions),
        "gap in the spectrum": float(ratios.max()),
    }
    return found, nearest


def score_encoder(c: Settings, images: Tensor, views: list[Tensor]) -> tuple[dict[str, float], Tensor]:
    """Score the encoder of a finished trial, once."""
    file = KEPT / f"{c.name}.pt"
    if not file.exists():
        ae = load(c)
        z, *seen = (encode(ae, x, reads="code").float() for x in (images, *views))
        torch.save(scores(z, torch.stack(seen, 1)), file)
    found: tuple[dict[str, float], Tensor] = torch.load(file, weights_only=True)
    return found


def score_all() -> None:
    """Score the encoders of every place that has no rows yet."""
    rows = Rows("rules.csv")
    for dataset in DATASETS:
        places = rows.missing(dataset)
        if not places:
            continue
        images = load_task(dataset, scored_on="development").train.images[:IMAGES]
        rng = generator("cpu", 0, "views")
        seen = [
            torch.cat([view(as_float(x, CPU), "weak", rng) for x in torch.split(images, 1000)]) for _ in range(VIEWS)
        ]
        views = [(x * 255).round().to(torch.uint8) for x in seen]
        for place in places:
            found = [score_encoder(settings(dataset, place, seed), images, views) for seed in PRETRAIN_SEEDS]
            lines: list[list[object]] = []
            for seed, (values, nearest) in zip(PRETRAIN_SEEDS, found, strict=True):
                others = [
                    overlap(nearest, other) for s, (_, other) in zip(PRETRAIN_SEEDS, found, strict=True) if s != seed
                ]
                values["neighbours across encoders"] = float(np.mean(others))
                lines += [[dataset, place, seed, name, f"{value:.6g}"] for name, value in values.items()]
            rows.add(dataset, place, lines)


def validate(c: Settings, task: Task) -> dict[str, dict[str, list[float]]]:
    """Cross-validate both readouts over the labels of every subset, once; errors in percent."""
    file = KEPT / f"{c.name}.json"
    if not file.exists():
        assert task.train.labels is not None
        z, truth = encode(load(c), task.train.images, reads="code"), task.train.labels
        memo, found = Memo(), {"linear": {}, "poisson-prior": {}}  # type: tuple[Memo, dict[str, dict[str, list[float]]]]
        for subsets in draw_subsets(Part(contenders=(), budgets=(100, 1000), seeds=SEEDS[:5]), "balanced", task):
            wrong: dict[str, list[float]] = {name: [] for name in found}
            for subset in subsets:
                chosen = torch.from_numpy(subset.indices)
                dealt = folds(truth[chosen], count=5, rng=generator("cpu", subset.seed, "folds"))
                kept = [np.setdiff1d(np.arange(len(chosen)), fold.numpy()) for fold in dealt]
                samples = [
                    Sample(z[chosen[k]], truth[chosen[k]], z, chosen[k], CLASSES, subset.seed, CPU, "fp32", memo=memo)
                    for k in kept
                ]
                fits: dict[str, list[Any]] = {
                    "linear": [linear(sample, C=0.01, max_iter=1000) for sample in samples],
                    "poisson-prior": list(poisson_prior(samples, k=10, slack=0.1)),
                }
                for name, predictors in fits.items():
                    bad = [
                        int((p(z[chosen[f]]) != truth[chosen[f]]).sum()) for p, f in zip(predictors, dealt, strict=True)
                    ]
                    wrong[name].append(round(100 * sum(bad) / len(chosen), 2))
            for name, errors in wrong.items():
                found[name][str(len(subsets[0].indices))] = errors
        file.write_text(json.dumps(found))
    stored: dict[str, dict[str, list[float]]] = json.loads(file.read_text())
    return stored


def validate_all() -> None:
    """Cross-validate the first encoder of every place that has no rows yet."""
    rows = Rows("validated.csv")
    for dataset in DATASETS:
        places = rows.missing(dataset)
        if not places:
            continue
        task, seed = load_task(dataset, scored_on="development"), PRETRAIN_SEEDS[0]
        for place in places:
            found = validate(settings(dataset, place, seed), task)
            lines: list[list[object]] = [
                [dataset, place, seed, readout, labels, s, e]
                for readout, by_labels in found.items()
                for labels, errors in by_labels.items()
                for s, e in zip(SEEDS, errors, strict=False)
            ]
            rows.add(dataset, place, lines)


def main() -> None:
    """Score and cross-validate, and write the rows."""
    KEPT.mkdir(parents=True, exist_ok=True)
    score_all()
    validate_all()


if __name__ == "__main__":
    main()
