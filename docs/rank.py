"""The tables and the figure of docs/results/rank, from the rows beside them; docs/tables.py writes the tables.

python -m docs.rank  # draw dial.png
"""

import statistics
from collections.abc import Callable, Iterable
from pathlib import Path

from docs.markdown import Row, grouped, mean_error, read_rows, table, with_error

FOLDER = Path(__file__).parent / "results" / "rank"
READOUTS, BUDGETS = ("linear", "poisson-prior"), ("10", "100", "1000")
COLUMNS = [f"`{readout}`, {int(labels):,} labels" for readout in READOUTS for labels in BUDGETS]
EXCHANGED = 5.0  # points of error above the best subset: a whole class at least has another's name
LABEL_FREE: dict[str, Callable[[float], float]] = {
    "view among neighbours": lambda value: value,
    "neighbours across encoders": lambda value: value,
    "k-means across seeds": lambda value: value,
    "Poisson labels from random starts": lambda value: value,
    "LiDAR": lambda value: value,
    "RankMe": lambda value: value,
    "alpha-ReQ": lambda value: -abs(value - 1),
    "gap in the spectrum": lambda value: value,
}
"""What each rule without labels maximises, by the score that it reads."""

VARIED = {
    "depth 4, decay 0.1": "v",
    "depth 4, decay 1": "<",
    "depth 4, half the start": "s",
    "depth 4, twice the rate": "^",
    "depth 4, twice as long": ">",
}
"""Markers of the places where something else than the depth is varied."""

USUAL, BEST_RULE = "depth 4", "Poisson labels from random starts"

Errors = dict[tuple[str, str, str], float]  # mean error by place, readout and labels


def blocks() -> dict[str, str]:
    """Return the generated blocks by name; without its rows a block says so."""
    needed = {
        "dial": (dial_table, ("dial",)),
        "regret": (regret_table, ("dial", "rules")),
        "validated": (validated_table, ("dial", "rules", "validated")),
        "beside": (beside_table, ("dial", "beside")),
        "graphs": (graphs_table, ("graphs",)),
        "naming": (naming_table, ("naming",)),
        "students": (students_table, ("students",)),
        "brief": (brief_table, ("brief",)),
        "quick": (quick_table, ("quick",)),
    }
    there = {path.stem for path in FOLDER.glob("*.csv")}
    return {name: make() if there >= set(files) else "Not run yet." for name, (make, files) in needed.items()}


def over_seeds(rows: Iterable[Row]) -> str:
    """Write the mean error and its standard error over pretraining seeds; subsets are averaged first."""
    means = [statistics.mean(float(r["error"]) for r in group) for group in grouped(rows, "pretrain_seed").values()]
    return with_error(means, 1)


def dial_table() -> str:
    """Lay out rank, reconstruction and errors of every place."""
    lines = []
    for (dataset, place), group in grouped(read_rows("dial.csv", FOLDER.name), "dataset", "place").items():
        by = grouped(group, "readout", "labels")
        rank, mse = (
            statistics.mean(float(rows[0][column]) for rows in grouped(group, "pretrain_seed").values())
            for column in ("rank", "mse")
        )
        errors = [over_seeds(by[readout, labels]) for readout in READOUTS for labels in BUDGETS]
        lines.append((f"{dataset}, {place}", f"{rank:.1f}", f"{mse:.4f}", *errors))
    return table(" | ".join(["place", "effective rank", "MSE", *COLUMNS]), lines)


def mean_errors(rows: Iterable[Row]) -> Errors:
    """Return the mean error over subsets."""
    by = grouped(rows, "place", "readout", "labels")
    return {(a, b, c): statistics.mean(float(r["error"]) for r in rows) for (a, b, c), rows in by.items()}


def regret_of(errors: Errors, pick: dict[tuple[str, str], float]) -> float:
    """Return the mean over readouts and budgets of an error divided by the lowest on the dial.

    Args:
        errors: Mean errors of all places.
        pick: The error of what was picked, by readout and labels.
    """
    lowest = {cell: min(error for (_, *rest), error in errors.items() if tuple(rest) == cell) for cell in pick}
    return statistics.mean(pick[cell] / lowest[cell] for cell in pick)


def fixed(errors: Errors, place: str) -> dict[tuple[str, str], float]:
    """Return the errors of one place for everything."""
    return {(readout, labels): error for (each, readout, labels), error in errors.items() if each == place}


def regret_table() -> str:
    """Lay out what each rule costs on both sets: the mean over pretraining seeds, and its picks."""
    dial = read_rows("dial.csv", FOLDER.name)
    errors = {key: mean_errors(rows) for key, rows in grouped(dial, "dataset", "pretrain_seed").items()}
    datasets = list(dict.fromkeys(row["dataset"] for row in dial))
    lines = []
    for rule, picks in picks_of_rules(dial, read_rows("rules.csv", FOLDER.name)).items():
        cells = []
        for dataset in datasets:
            keys = [key for key in errors if key[0] == dataset]
            regret = statistics.mean(regret_of(errors[key], fixed(errors[key], picks[key])) for key in keys)
            picked = "" if rule.startswith("always") else f" ({'; '.join(sorted({picks[key] for key in keys}))})"
            cells.append(f"{regret:.2f}{picked}")
        lines.append((rule, *cells))
    best = [statistics.mean(best_by_readout(e) for (d, _), e in errors.items() if d == dataset) for dataset in datasets]
    lines.append(("the best place for each readout, which nobody knows", *(f"{regret:.2f}" for regret in best)))
    return table(" | ".join(["rule", *datasets]), lines)


def validated_table() -> str:
    """Lay out what cross-validation costs, beside the usual depth and the best rule without labels where it was run."""
    dial, validated = read_rows("dial.csv", FOLDER.name), read_rows("validated.csv", FOLDER.name)
    first, places = validated[0]["pretrain_seed"], {(r["dataset"], r["labels"], r["subset"]) for r in validated}
    rows = [r for r in dial if r["pretrain_seed"] == first and (r["dataset"], r["labels"], r["subset"]) in places]
    rules = picks_of_rules(dial, read_rows("rules.csv", FOLDER.name))
    lines: dict[str, list[str]] = {}
    for (dataset,), group in grouped(rows, "dataset").items():
        errors = mean_errors(group)
        chosen = [r for r in validated if r["dataset"] == dataset]
        of = {
            f"always {USUAL}": fixed(errors, USUAL),
            BEST_RULE: fixed(errors, rules[BEST_RULE][dataset, first]),
            "cross-validation of each readout": validated_errors(group, chosen),
        }
        for rule, pick in of.items():
            lines.setdefault(rule, []).append(f"{regret_of(errors, pick):.2f}")
    return table(" | ".join(["rule", *dict.fromkeys(r["dataset"] for r in rows)]), [(k, *v) for k, v in lines.items()])


def picks_of_rules(dial: list[Row], scores: list[Row]) -> dict[str, dict[tuple[str, ...], str]]:
    """Return the place that every rule picks, by data set and pretraining seed."""
    encoders = list(grouped(dial, "dataset", "pretrain_seed"))
    rules: dict[str, dict[tuple[str, ...], str]] = {}
    for place in dict.fromkeys(row["place"] for row in dial):
        rules[f"always {place}"] = dict.fromkeys(encoders, place)
    groups = grouped(scores, "score", "dataset", "pretrain_seed")
    for score, worth in LABEL_FREE.items():
        rules[score] = {}
        for key in encoders:
            values = [worth(float(row["value"])) for row in groups[score, *key]]
            rules[score][key] = groups[score, *key][values.index(max(values))]["place"]
    return rules


def best_by_readout(errors: Errors) -> float:
    """Return the regret of the place that is best for each readout over all budgets, which no rule can know."""
    places = {place for place, *_ in errors}
    regrets = []
    for readout in READOUTS:
        cells = [{(readout, b): errors[place, readout, b] for b in BUDGETS} for place in places]
        regrets.append(min(regret_of(errors, pick) for pick in cells))
    return statistics.mean(regrets)


def validated_errors(rows: list[Row], validated: list[Row]) -> dict[tuple[str, str], float]:
    """Return the errors of picking, on every subset and for each readout, the place that cross-validates best.

    Args:
        rows: Errors of all places of a data set and a pretraining seed.
        validated: Their errors by cross-validation.
    """
    truth = {(r["place"], r["readout"], r["labels"], r["subset"]): float(r["error"]) for r in rows}
    picks: dict[tuple[str, str], list[float]] = {}
    for (readout, labels, subset), group in grouped(validated, "readout", "labels", "subset").items():
        best = min(group, key=lambda row: float(row["error"]))["place"]
        picks.setdefault((readout, labels), []).append(truth[best, readout, labels, subset])
    return {cell: statistics.mean(each) for cell, each in picks.items()}


def brief_table() -> str:
    """Lay out the errors of encoders that were pretrained briefly on few images, beside those of pixels."""
    every = grouped(read_rows("brief.csv", FOLDER.name), "dataset", "readout", "labels", "encoder")
    names = {"depth0-0": "AE", "depth2-0": "depth 2", "depth4-0": "depth 4", "depth8-0": "depth 8", "pixels": "pixels"}
    lines = [
        (
            f"{dataset}, {labels} labels, `{readout.removesuffix('_probe')}`",
            *(mean_error(every[dataset, readout, labels, e]) for e in names),
        )
        for dataset, readout, labels in dict.fromkeys(key[:3] for key in every)
        if readout != "poisson_prior"  # the classes of somebody's own pictures are seldom equally common
    ]
    return table(" | ".join(["error % ± SE over subsets", *names.values()]), lines)


def beside_table() -> str:
    """Lay out the errors of several encoders as one, below those of their parts."""
    dial = [row for row in read_rows("dial.csv", FOLDER.name) if row["pretrain_seed"] == "0"]
    lines = []
    for (dataset,), rows in grouped(read_rows("beside.csv", FOLDER.name), "dataset").items():
        parts = {part for row in rows for part in row["parts"].split(" + ")}
        alone = [row for row in dial if row["dataset"] == dataset and row["place"] in parts]
        for column, every in (("place", alone), ("parts", rows)):
            for (name,), group in grouped(every, column).items():
                errors = grouped(group, "readout", "labels")
                means = (statistics.mean(float(r["error"]) for r in errors[r, b]) for r in READOUTS for b in BUDGETS)
                lines.append((f"{dataset}, {name}", *(f"{mean:.2f}" for mean in means)))
    return table(" | ".join(["error %", *COLUMNS]), lines)


def quick_table() -> str:
    """Lay out what was tried to reach the paper's quality sooner."""
    every = grouped(read_rows("quick.csv", FOLDER.name), "settings", "rank", "mse")
    errors = {key: [mean_error(rows) for rows in grouped(group, "labels").values()] for key, group in every.items()}
    lines = [
        (f"`{name}`", f"{float(rank):.1f}", f"{float(mse):.4f}", *errors[name, rank, mse])
        for name, rank, mse in sorted(errors, key=lambda key: float(errors[key][BUDGETS.index("100")].split()[0]))
    ]
    return table(" | ".join(["settings", "effective rank", "MSE", *COLUMNS[: len(BUDGETS)]]), lines)


def graphs_table() -> str:
    """Lay out what percentage of labels is wrong on every graph: of all, and of those that most neighbours share."""
    lines = []
    for (dataset, graph), rows in grouped(read_rows("graphs.csv", FOLDER.name), "dataset", "graph").items():
        by = grouped(rows, "labels", "share")
        cells = [f"{statistics.mean(float(r['wrong']) for r in by[n, s]):.2f}" for n in BUDGETS for s in ("0.0", "0.9")]
        lines.append((f"{dataset}, {graph}", *cells))
    head = " | ".join(f"{int(n):,} labels: all | kept" for n in BUDGETS)
    return table(f"wrong % | {head}", lines)


def naming_table() -> str:
    """Lay out errors with one label per class, by where Poisson MBO starts and how parts are named."""
    lines = []
    for (dataset, graph, start), rows in grouped(
        read_rows("naming.csv", FOLDER.name), "dataset", "graph", "start"
    ).items():
        if "steps" in start and "30 steps" not in start:
            continue  # the others are in the rows
        errors = [float(row["error"]) for row in rows]
        many = sum(error > min(errors) + EXCHANGED for error in errors)
        lines.append(
            (
                f"{dataset}, {graph} graph: {start}",
                f"{statistics.mean(errors):.2f}",
                f"{max(errors):.2f}",
                f"{many} of {len(rows)}",
            )
        )
    head = "start, or name | mean error % | worst | more than 5 points above the best"
    return table(head, lines)


def students_table() -> str:
    """Lay out what networks made of fused labels; a data set's encoders are always the same and are left out."""
    columns = ("kept", "kept_wrong", "train_error", "error")
    lines = []
    for row in read_rows("students.csv", FOLDER.name):
        named = (word for word in row["settings"].split() if not word.startswith(("dataset=", "encoders=", "start=")))
        trial = f"{row['dataset']}, {int(row['budget']):,} labels: `{' '.join(named)}`, {row['graph']}"
        lines.append((f"{trial}, round {int(row['round']) + 1}", *(row[c] for c in columns)))
    head = "trial | labels kept | of these wrong % | error on the 50,000 % | error on the 10,000 held out %"
    return table(head, lines)


def along_dial(rows: Iterable[Row], labels: str, places: Callable[[str], bool]) -> list[tuple[float, float, str]]:
    """Return effective rank, error and name of some places at a budget, in the order of ranks."""
    points = []
    for (place, n), group in grouped(rows, "place", "labels").items():
        if n == labels and places(place):
            rank, error = (statistics.mean(float(row[column]) for row in group) for column in ("rank", "error"))
            points.append((rank, error, place))
    return sorted(points)


def draw(path: Path) -> None:
    """Draw errors along the dial: a panel for each data set and readout."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    every = grouped(read_rows("dial.csv", FOLDER.name), "dataset", "readout")
    figure = Figure(figsize=(9, 7), layout="constrained")
    FigureCanvasAgg(figure)
    for i, ((dataset, readout), rows) in enumerate(every.items()):
        axes = figure.add_subplot(2, 2, i + 1)
        for labels, colour in zip(BUDGETS, ("#d07c00", "#0072b2", "#009e73"), strict=True):
            for place, marker in VARIED.items():
                ((rank, error, _),) = along_dial(rows, labels, place.__eq__)
                axes.plot(rank, error, color=colour, marker=marker, markersize=7, markeredgecolor="0.2", linestyle="")
            for narrow, places in ((False, ("depth 8", "depth 4", "depth 2", "AE")), (True, ("AE", "AE, 8 wide"))):
                points = along_dial(rows, labels, places.__contains__)
                line, fill = ("--", "white") if narrow else ("-", colour)
                axes.plot(
                    [rank for rank, *_ in points],
                    [error for _, error, _ in points],
                    color=colour,
                    linestyle=line,
                    marker="o",
                    markerfacecolor=fill,
                    label=None if narrow else f"{int(labels):,} labels",
                )
                for rank, error, place in points if labels == BUDGETS[0] else ():
                    if not (narrow and place == "AE"):
                        away = (4, -14) if narrow else (0, 7)
                        axes.annotate(place, (rank, error), away, textcoords="offset points", ha="center", fontsize=8)
        axes.set_xscale("log")
        axes.set_xticks([5, 10, 20, 40], ["5", "10", "20", "40"])
        axes.minorticks_off()
        axes.margins(x=0.12, y=0.15)
        axes.set_ylim(0, None)
        axes.set_title(f"{dataset}, {readout}", fontsize=11)
        axes.set_xlabel("effective rank of the code")
        axes.set_ylabel("error on development images, %")
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        if i == 0:
            axes.plot(
                [], [], color="0.4", linestyle="--", marker="o", markerfacecolor="white", label="AE, 8 wide, to AE"
            )
            for place, marker in VARIED.items():
                axes.plot([], [], color="0.7", marker=marker, markeredgecolor="0.2", linestyle="", label=place)
            figure.legend(loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    figure.savefig(path, dpi=140)


if __name__ == "__main__":
    draw(FOLDER / "dial.png")
