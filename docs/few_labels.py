"""The tables of docs/results/few-labels, from the rows beside them; docs/tables.py writes them into the document."""

from collections.abc import Iterable

from docs.markdown import RESULTS, Row, grouped, mean_error, read_rows, table, with_error
from ssl_irmae.protocols.storage.files import read_trials

FOLDER = "few-labels"


def blocks() -> dict[str, str]:
    """Return the generated blocks by name."""
    return {
        "classify": classify_table(read_rows("classify.csv", FOLDER), read_rows("pixels.csv", FOLDER)),
        "coverage": coverage_table(read_rows("coverage.csv", FOLDER)),
        "folds": folds_table(read_rows("folds.csv", FOLDER)),
        "typical": typical_table(),
        "development": development_table(read_rows("development.csv", FOLDER)),
    }


def own_pictures() -> str:
    """Say in one sentence what `classify` made of 5,000 pictures and 100 labels."""
    parts = []
    on_pixels = grouped(read_rows("pixels.csv", FOLDER), "dataset", "labels")
    for (name, labels), group in grouped(read_rows("classify.csv", FOLDER), "dataset", "labels").items():
        if labels == "100":
            linear = mean_error(on_pixels[name, labels])
            parts.append(f"{mean_error(group)} % errors on {name} (logistic regression on pixels: {linear} %)")
    return (
        f"With 100 labels for 5,000 pictures, `classify` made {' and '.join(parts)}; ± is the standard error over five "
        "draws of ten labels of every class, too few draws to test. It took at most a minute and a half on two cores. "
        "[Measured](docs/results/few-labels/README.md)"
    )


def total(group: Iterable[Row], column: str) -> int:
    """Add up a column of whole numbers."""
    return sum(int(row[column]) for row in group)


def confident(group: list[Row]) -> tuple[str, str]:
    """Return the share of predictions at 0.9 or above, and of these the share that is right, in percent."""
    sure = total(group, "confident")
    right = f"{100 * total(group, 'confident_right') / sure:.1f}" if sure else ""
    return f"{100 * sure / total(group, 'pictures'):.1f}", right


def classify_table(every: list[Row], on_pixels: list[Row]) -> str:
    """Lay out the errors of `classify` beside logistic regression and one nearest neighbour on pixels."""
    lines = []
    linear = grouped(on_pixels, "dataset", "labels")
    for (name, labels), group in grouped(every, "dataset", "labels").items():
        held = [
            float(r["expected_low"]) <= float(r["error"]) <= float(r["expected_high"])
            for r in group
            if r["expected_low"]
        ]
        seconds = sorted(float(row["seconds"]) for row in group)
        contenders = ", ".join(f"`{c}` {len(g)}" for (c,), g in grouped(group, "contender").items())
        lines.append(
            (
                f"{name}, {labels} labels",
                mean_error(group),
                mean_error(linear[name, labels]),
                mean_error(group, "error_1nn_pixels"),
                f"{sum(held)} of {len(held)}" if held else "no estimate",
                f"{seconds[0]:.0f} to {seconds[-1]:.0f}",
                contenders,
            )
        )
    floors = "logistic regression on pixels | 1-NN on pixels"
    head = f"pictures | error % ± SE | {floors} | error in the interval | seconds | contender (draws)"
    return table(head, lines)


def coverage_table(every: list[Row]) -> str:
    """Lay out how often the interval held the true error, and what confidence was worth."""
    lines = []
    for (name, labels), group in grouped(every, "dataset", "labels").items():
        bound = int(labels) < 50  # with fewer than five labels per class, classify prints the upper end alone
        held = [
            (bound or float(row["low"]) <= float(row["error"])) and float(row["error"]) <= float(row["high"])
            for row in group
        ]
        width = [float(row["high"]) - float(row["low"]) for row in group]
        calibrated = {row["calibrated"] for row in group} == {"True"}
        lines.append(
            (
                f"{name}, {labels} labels",
                mean_error(group),
                mean_error(group, "expected_error"),
                f"{sum(held)} of {len(held)}{' (upper end)' if bound else ''}",
                f"{sum(width) / len(width):.1f}",
                "yes" if calibrated else "no",
                *confident(group),
            )
        )
    head = "pictures | error % ± SE | expected % ± SE | in the interval | mean width | calibrated"
    return table(f"{head} | at 0.9 or above % | of these right %", lines)


def folds_table(every: list[Row]) -> str:
    """Lay out the expected error of two ways to deal folds beside the true one."""
    lines = [
        (
            f"{name}, {labels} labels, {'equally many of each class' if rule == 'balanced' else 'at random'}",
            mean_error(group),
            f"{mean_error(group, 'expected_ten')}",
            f"{mean_error(group, 'expected_even')} ({group[0]['folds_even']} folds)",
        )
        for (name, rule, labels), group in grouped(every, "dataset", "rule", "labels").items()
    ]
    return table("pictures | error % ± SE | expected, ten folds | expected, even folds", lines)


def typical_table() -> str:
    """Lay out typical labels beside random ones, for a frozen readout and a trained network."""
    found: dict[tuple[str, str], dict[str, list[float]]] = {}
    for path in sorted((RESULTS / FOLDER).glob("typical-*.csv")):
        for trial in read_trials(path):
            row = trial.row
            rule = "typical, on codes" if row.chosen_on == row.encoder_hash else row.rule
            found.setdefault((row.dataset, row.contender), {}).setdefault(rule, []).append(row.error)
    rules = sorted({rule for by_rule in found.values() for rule in by_rule})
    lines = []
    for (name, contender), by_rule in found.items():
        cells = [f"{with_error(by_rule[rule], 1)} ({len(by_rule[rule])})" for rule in rules]
        lines.append((f"{name}, `{contender}`", *cells))
    return table(" | ".join(["10 labels, error % ± SE (n)", *rules]), lines)


def development_table(every: list[Row]) -> str:
    """Lay out the development errors that the choice was made from."""
    budgets = sorted({row["labels"] for row in every}, key=int)
    lines = []
    for (name, encoder, readout), group in grouped(every, "dataset", "encoder", "readout").items():
        by_budget = grouped(group, "labels")
        cells = [
            f"{mean_error(by_budget[budget,])} ({len(by_budget[budget,])})" if (budget,) in by_budget else ""
            for budget in budgets
        ]
        lines.append((f"{name}, {encoder}, `{readout}`", *cells))
    return table(" | ".join(["error % ± SE (n)", *(f"{budget} labels" for budget in budgets)]), lines)
