"""The page of a study: the answer with its table, and what the numbers are."""

from collections.abc import Sequence

from ssl_irmae.datasets.reading import count, listed
from ssl_irmae.protocols.studying.phrases import shown
from ssl_irmae.protocols.studying.results import Results
from ssl_irmae.protocols.studying.saved import ENCODERS, MEASURES, ROWS, Origin
from ssl_irmae.protocols.studying.study import CHOOSING_SEED, Level
from ssl_irmae.protocols.typical_subsets import TYPICAL

_SHOWN_FAILURES = 3


def table(results: Results, dataset: str) -> list[list[str]]:
    """Lay out means with their standard errors on a data set: a head, then a line for each level."""
    columns = [c for c in results.columns if any(results.mean(c, level, dataset) for level in results.levels)]
    head = ["", *(results.head(column) for column in columns)]
    body = [
        [level, *(shown(results.mean(column, level, dataset), results.digits(column)) for column in columns)]
        for level in (*results.levels, *results.floors)
    ]
    return [head, *body]


def notes(results: Results) -> list[str]:
    """Say what the numbers are, and what a reader needs to know."""
    study = results.study
    rules = {level.rule for level in study.levels}
    pretrained = any(level.candidates for level in study.levels)
    seeds, subsets = count(len(study.seeds), "pretraining seed"), count(len(study.subsets), "labelled subset")
    lines = []
    if pretrained:
        steps = " and ".join(f"{n:,}" for n in results.steps)
        lines.append(
            f"± is the standard error (ddof = 1) over {seeds}; of errors it covers {subsets} too, which are crossed "
            "with them. Differences are paired by both, and each interval of 95 % is for one comparison alone."
            if len(study.seeds) > 1
            else f"There is one pretraining seed: ± of errors is the standard error over {subsets}."
        )
        lines.append(
            f"Encoders are pretrained by the recipe short, cut to {steps} steps, so that errors are higher than in "
            "other results, on the training images that remain when a sixth is held out at random; everything is "
            "measured and scored on the held-out images. Test images are not used."
        )
        lines += _encoders(results)
    else:
        lines.append(
            f"± is the standard error (ddof = 1) over {subsets}; differences are paired by subset. Scored are held-out "
            "training images; test images are not used."
        )
    if len(rules) > 1:
        lines.append(
            "Subsets that were drawn by different rules are no pairs: their differences are paired by pretraining seed."
        )
    if "first" in rules:
        lines.append(
            "The first images, of those that remain, are one subset: there ± does not cover others, but pretraining "
            "seeds alone. A network is trained on it from as many seeds as other rules have subsets."
        )
    chosen = [level for level in study.levels if len(level.candidates) > 1]
    if chosen:
        each = "; ".join(
            f"{dataset}, {level.name}: {_chosen(results, dataset, level)}"
            for dataset in study.datasets
            for level in chosen
        )
        lines.append(
            f"Chosen among candidates by the lowest {results.title(study.chosen_by)} of an encoder of another "
            f"pretraining seed ({CHOOSING_SEED}), on the same held-out images: {each}."
        )
    for dataset in study.datasets:
        for level in results.levels:
            lines += _lost(results, dataset, level)
    if TYPICAL in rules:
        lines.append(
            "Typical subsets are chosen on the principal components of pixels; their seeds vary where k-means starts."
        )
    if study.floors:
        lines.append("The untrained encoder is that of the AE before its first step, from one seed.")
    lines += dict.fromkeys(m.note for m in study.measures if m.note and m.name in results.columns)
    return lines


def _encoders(results: Results) -> list[str]:
    """Say what is pretrained, where it is not chosen among candidates: of that it is said with the choice."""
    study = results.study
    levels: dict[str, list[str]] = {}
    for level in study.levels:
        if len(level.candidates) == 1:
            levels.setdefault(str(level.candidates[0]), []).append(level.name)
    if len(levels) == 1 and len(study.levels) == sum(map(len, levels.values())):
        return [f"Whatever is in the first column, encoders are the same: {next(iter(levels))}."]
    each = "; ".join(f"{', '.join(names)}: {settings}" for settings, names in levels.items())
    return [f"Encoders, as `pretrain` has them: {each}."] if levels else []


def _lost(results: Results, dataset: str, level: str) -> list[str]:
    """Say of which encoders of a level there is nothing, and which say next to nothing."""
    encoders, lines = results.of(dataset, level), []
    failed = [f"seed {each.pretrain_seed}: {each.failed}" for each in encoders if each.failed]
    if failed:
        lines.append(
            f"{dataset}, {level}: {len(failed)} of {count(len(encoders), 'pretraining')} diverged and are left out "
            f"({listed(failed, _SHOWN_FAILURES)})."
        )
    number = sum(each.on_plateau for each in encoders)
    if number:
        lines.append(
            f"{dataset}, {level}: {number} of {count(len(encoders), 'encoder')} ended on the plateau, where "
            "reconstructions are no better than the mean picture: codes say next to nothing, and more steps are needed."
        )
    return lines


def _chosen(results: Results, dataset: str, level: Level) -> str:
    """Name the candidate, of how many, and whether a better one may lie beyond the first or the last that was tried."""
    chosen, number = results.settings.get((dataset, level.name)), len(level.candidates)
    if chosen is None:
        return f"none of {number}, as no candidate has a result"
    edge = ", at the edge" if chosen in map(str, (level.candidates[0], level.candidates[-1])) else ""
    return f"{chosen}, of {number}{edge}"


def time_taken(results: Results) -> str:
    """Say how long it took, from the seconds that are stored: the same whenever it is asked."""
    pretraining = results.pretraining_seconds
    trials = sum(v.seconds for v in results.values if v.labels is not None and v.seconds == v.seconds)
    measured = {(v.dataset, v.encoder, v.what): v.seconds for v in results.values if v.labels is None}
    seconds = pretraining + trials + sum(measured.values())
    text = f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{max(1.0, seconds / 60):.0f} minutes"
    return f"about {text} of one core, {100 * pretraining / seconds:.0f} % of them pretraining"


def readme(results: Results, answer: Sequence[str], origin: Origin) -> str:
    """Write the page of a study: the answer first.

    Args:
        results: What was found.
        answer: The answer's sentences.
        origin: How it was made.
    """
    study = results.study
    first, *others = answer
    lines = [f"# {study.title}", "", f"*{study.question}*", "", first, ""]
    lines += [*(f"- {sentence}" for sentence in others), ""] if others else []
    lines += [f"![{study.title}, as a figure](figure.png)", ""]
    for dataset in study.datasets:
        head, *body = table(results, dataset)
        lines += [f"## {dataset}", "", f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
        lines += [*(f"| {' | '.join(cells)} |" for cells in body), ""]
    lines += ["## What the numbers are", "", *(f"- {note}" for note in notes(results)), ""]
    form = "The quick form; `--full` carries out the whole study. " if origin.quick else ""
    lines += ["## Again", "", f"    {origin.command}", ""]
    lines += [f"{form}It took {time_taken(results)} ({origin.made_with}), with whatever else ran meanwhile.", ""]
    lines += [f"{_where_rows_are(results)} `ssl-irmae evaluate --contenders help` explains readouts.", ""]
    return "\n".join(lines)


def _where_rows_are(results: Results) -> str:
    files = {
        "every error": any(v.labels is not None for v in results.values) and ROWS,
        "every number that was measured of an encoder": any(v.labels is None for v in results.values) and MEASURES,
        "what each encoder is": bool(results.encoders) and ENCODERS,
    }
    listed_files = listed([f"{what} ([{name}]({name}))" for what, name in files.items() if name])
    tried = any(len(level.candidates) > 1 for level in results.study.levels)
    return f"Beside this page: {listed_files}{', of candidates that were not chosen too' if tried else ''}."
