r"""Measure how often 95 % intervals hold the true value, on rows of this toolkit.

    python docs/results/coverage/measure.py errors STORE    # errors.csv, from a store of `ssl-irmae evaluate`
    python docs/results/coverage/measure.py runs            # coverage.csv, from errors.csv
    python docs/results/coverage/measure.py method          # method.csv, from the rows of mnist-label-budgets
    python docs/results/coverage/measure.py worth           # worth.csv, from the same

The store is filled by

    ssl-irmae evaluate --labels 10 --seeds 100 --store STORE --contenders irmae-linear,irmae-knn,irmae-poisson,\
irmae-poisson-prior,ae-linear,ae-poisson-prior,vae-linear,vae-poisson-prior,pixels-linear,pixels-poisson-prior

`runs`: the 100 stored subsets of a budget are taken as all that there are, and their mean as the truth. n of them are
drawn with replacement, 400 times, and each kind of interval is computed from the n: of the mean error of a contender,
and of the mean difference of two. `method` does the same with the scored images too: n of 30 subsets and 10,000 of
10,000 test images are drawn with replacement, and the truth is the mean over all of both.

`worth` is about how many labels of `supervised` those of a contender are worth. The stored subsets of every budget are
taken as all that there are, and as many are drawn from them with replacement, 200 times.

The kinds of `runs`: Student's t; the percentile and the BCa bootstrap (Efron 1987); the studentised bootstrap. `method`
compares the t interval over subsets alone, `method_interval_of_difference`, and the percentile bootstrap that draws
subsets and images crosswise (Owen 2007). `worth` compares percentiles and expanded percentiles (Hesterberg 2015).
"""

import csv
import itertools
import math
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import stats

from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix, error_matrices
from ssl_irmae.protocols.statistics.finite_test_set import scored_images_error
from ssl_irmae.protocols.statistics.intervals import standard_error, t_interval
from ssl_irmae.protocols.statistics.label_equivalence import baselines_curve, equivalent_labels, interval_of_labels
from ssl_irmae.protocols.storage.files import read_trials

HERE = Path(__file__).parent
GRID = HERE.parent / "mnist-label-budgets" / "rows.csv.gz"
SIZES = (3, 5, 6, 8, 10, 15, 20, 30)
DRAWS, RESAMPLES = 400, 999
BASELINE = "supervised"
Floats = npt.NDArray[np.float64]
Ends = tuple[Floats, Floats]


def student(x: Floats) -> Ends:
    """Student's t interval of each line."""
    margin = stats.t.ppf(0.975, x.shape[1] - 1) * x.std(1, ddof=1) / math.sqrt(x.shape[1])
    return x.mean(1) - margin, x.mean(1) + margin


def _bootstrap(method: str) -> Callable[[Floats], Ends]:
    def ends(x: Floats) -> Ends:
        interval = stats.bootstrap(
            (x,), np.mean, n_resamples=RESAMPLES, method=method, axis=1, rng=np.random.default_rng(0)
        ).confidence_interval
        equal = np.ptp(x, axis=1) == 0  # of which BCa is not defined
        return np.where(equal, x[:, 0], interval.low), np.where(equal, x[:, 0], interval.high)

    return ends


def studentised(x: Floats) -> Ends:
    """The studentised bootstrap of each line; infinite where too many resamples have no spread."""
    rng = np.random.default_rng(0)
    resampled = x[:, rng.integers(0, x.shape[1], (RESAMPLES, x.shape[1]))]
    shift = resampled.mean(2) - x.mean(1, keepdims=True)
    spread = resampled.std(2, ddof=1) / math.sqrt(x.shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(np.abs(shift) < 1e-12, 0.0, shift / np.where(spread < 1e-12, 0.0, spread))
        low, high = np.quantile(t, (0.025, 0.975), axis=1, method="inverted_cdf")
        error = x.std(1, ddof=1) / math.sqrt(x.shape[1])
        return x.mean(1) - np.where(error > 0, high * error, 0), x.mean(1) - np.where(error > 0, low * error, 0)


KINDS: dict[str, Callable[[Floats], Ends]] = {
    "t": student,
    "percentile": _bootstrap("percentile"),
    "BCa": _bootstrap("BCa"),
    "studentised": studentised,
}


def write_errors(store: Path) -> None:
    """Keep the error of every trial of a store."""
    rows = sorted((t.row for t in read_trials(store) if t.row.budget == 10), key=lambda r: (r.contender, r.seed))
    head = ("contender", "labels", "seed", "error", "key")
    _write("errors.csv", [head, *((r.contender, r.budget, r.seed, r.error, r.key[:12]) for r in rows)])


def measure_runs() -> None:
    """Measure how often intervals over subsets hold the mean of all."""
    with (HERE / "errors.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    lines: list[tuple[object, ...]] = [("labels", "of", "n", "kind", "who", "coverage", "width")]
    for labels in sorted({int(row["labels"]) for row in rows}):
        errors: dict[str, dict[int, float]] = {}
        for row in rows:
            if int(row["labels"]) == labels:
                errors.setdefault(row["contender"], {})[int(row["seed"])] = float(row["error"])
        seeds = sorted(set.intersection(*(set(its) for its in errors.values())))
        every = {name: np.array([its[seed] for seed in seeds]) for name, its in errors.items()}
        populations = [("error", name, x) for name, x in every.items()]
        populations += [("difference", f"{a} - {b}", every[a] - every[b]) for a, b in itertools.combinations(every, 2)]
        for n, (of, who, population) in itertools.product(SIZES, populations):
            rng = np.random.default_rng(n)
            drawn = population[rng.integers(0, len(population), (DRAWS, n))]
            exact = student(drawn)
            for kind, ends in KINDS.items():
                low, high = ends(drawn)
                covered = (low <= population.mean() + 1e-9) & (population.mean() - 1e-9 <= high)
                width = np.median(high - low) / np.median(exact[1] - exact[0])
                lines.append((labels, of, n, kind, who, round(float(covered.mean()), 4), round(float(width), 3)))
            sys.stderr.write(f"{labels} labels, n {n}, {who}\n")
    _write("coverage.csv", lines)


def measure_method() -> None:
    """Measure how often intervals hold the mean of all subsets and all images."""
    wrong: dict[str, Floats] = {}
    for trial in read_trials(GRID):
        row = trial.row
        if row.budget == 10 and not row.transductive and row.seed < 30 and trial.wrong:
            bits = np.unpackbits(np.frombuffer(trial.wrong, dtype=np.uint8), count=row.n_scored)
            wrong.setdefault(row.contender, np.zeros((30, row.n_scored), dtype=np.uint8))[row.seed] = bits
    names = [f"{r}-{c}" for r in ("irmae", "ae", "vae", "pixels") for c in ("linear", "poisson-prior")]
    lines: list[tuple[object, ...]] = [("n", "kind", "who", "coverage", "width")]
    rng = np.random.default_rng(0)
    images = wrong[names[0]].shape[1]
    weights = rng.poisson(1.0, (images, 199)).astype(np.float32)  # images drawn with replacement, but for their number
    weights *= images / weights.sum(0)
    for n, (a, b) in itertools.product((5, 10, 30), itertools.combinations(names, 2)):
        x = 100 * (wrong[a].astype(np.float32) - wrong[b])
        found: dict[str, list[tuple[float, float]]] = {}
        for _ in range(100):
            sample = x[rng.integers(0, 30, n)][:, rng.integers(0, images, images)]
            runs, mean = sample.mean(1, dtype=np.float64), float(sample.mean(dtype=np.float64))
            of_images = scored_images_error(sample.mean(0, dtype=np.float64) / 100)
            found.setdefault("t over subsets", []).append(t_interval(mean, standard_error(runs)))
            found.setdefault("method", []).append(t_interval(mean, standard_error(runs), of_images))
            shares = rng.multinomial(n, np.full(n, 1 / n), 199) / n
            resampled = np.einsum("rs,sr->r", shares, sample @ weights / images)
            low, high = np.quantile(resampled, (0.025, 0.975))
            found.setdefault("crossed percentile", []).append((float(low), float(high)))
        truth = float(x.mean(dtype=np.float64))
        exact = np.median([high - low for low, high in found["t over subsets"]])
        for kind, ends in found.items():
            covered = np.mean([low <= truth <= high for low, high in ends])
            width = np.median([high - low for low, high in ends]) / exact
            lines.append((n, kind, f"{a} - {b}", round(float(covered), 4), round(float(width), 3)))
        sys.stderr.write(f"n {n}, {a} - {b}\n")
    _write("method.csv", lines)


def measure_worth() -> None:
    """Measure how often intervals of what labels are worth hold the worth by the mean errors of all subsets."""
    rows = [t.row for t in read_trials(GRID) if not t.row.transductive and t.row.budget <= 10_000]
    matrices = error_matrices(rows)
    names = [f"{r}-{c}" for r in ("irmae", "ae", "vae", "pixels") for c in ("linear", "poisson-prior")]
    names += ["irmae-propagate", "supervised-augment", "vib", BASELINE]
    matrices = {key: matrix for key, matrix in matrices.items() if key[1] in names}
    keys = [key for key in matrices if key[1] != BASELINE]
    truth = [float(its[0]) for its in equivalent_labels(matrices, keys, baseline=BASELINE).values()]
    rng, found = np.random.default_rng(0), dict[str, list[list[tuple[float, float]]]]()
    for i in range(200):
        drawn = _drawn_again(matrices, rng)
        labels = equivalent_labels(drawn, keys, baseline=BASELINE)
        sizes = [len(matrices[key].seeds) for key in keys]
        curves = {key: baselines_curve(drawn, key, BASELINE) for key in keys}
        printed = [interval_of_labels(its, curves[key], drawn[key]) for key, its in labels.items()]
        # where no resample differs, nothing is printed: the number alone
        expanded = [
            (its[0], its[0]) if low is None or high is None else (low, high)
            for its, (low, high) in zip(labels.values(), printed, strict=True)
        ]
        plain = np.stack([its[1:] for its in labels.values()])
        low, high = np.quantile(plain, (0.025, 0.975), axis=1, method="inverted_cdf")
        found.setdefault("percentile", []).append(list(zip(low, high, strict=True)))
        found.setdefault("expanded", []).append(expanded)
        sys.stderr.write(f"draw {i + 1} of 200\n")
    lines: list[tuple[object, ...]] = [("labels", "who", "n", "kind", "worth", "coverage", "width")]
    for kind, draws in found.items():
        for key, n, worth, *ends in zip(keys, sizes, truth, *draws, strict=True):
            covered = np.mean([low <= worth + 1e-9 and worth - 1e-9 <= high for low, high in ends])
            width = np.median([high / low if low > 0 else math.inf for low, high in ends])  # 0: fewer than were run
            shown = round(worth) if math.isfinite(worth) else worth
            lines.append((*key, n, kind, shown, round(float(covered), 4), round(float(width), 3)))
    _write("worth.csv", lines)


def _drawn_again(
    matrices: dict[tuple[int, str], ErrorMatrix], rng: np.random.Generator
) -> dict[tuple[int, str], ErrorMatrix]:
    """Draw subsets with replacement, the same ones wherever there are equally many: those of a seed are nested."""
    drawn: dict[int, npt.NDArray[np.int64]] = {}
    again = {}
    for key, matrix in matrices.items():
        n = len(matrix.seeds)
        if n not in drawn:
            drawn[n] = rng.integers(0, n, n)
        again[key] = replace(matrix, errors=matrix.errors[drawn[n]])
    return again


def _write(name: str, lines: Sequence[Sequence[object]]) -> None:
    with (HERE / name).open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


if __name__ == "__main__":
    warnings.simplefilter("ignore", stats.DegenerateDataWarning)
    if sys.argv[1] == "errors":
        write_errors(Path(sys.argv[2]))
    else:
        {"runs": measure_runs, "method": measure_method, "worth": measure_worth}[sys.argv[1]]()
