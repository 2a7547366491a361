"""The page of a study: the answer with its table, and what the numbers are."""

from collections.abc import Sequence

from ssl_irmae.datasets.reading import count, listed
from ssl_irmae.protocols.studying.phrases import shown
from ssl_irmae.protocols.studying.results import Results
from ssl_irmae.protocols.studying.study import CHOOSING_SEED, Level

_SHOWN_FAILURES = 3


def table(results: Results, dataset: str) -> list[list[str]]:
    """Lay out means with their standard errors on a data set: a head, then a line for each level."""
    columns = [c for c in results.columns if any(results.mean(c, level, dataset) for level in results.levels)]
    head = ["level", *(_head(results, column) for column in columns)]
    body = [
        [level, *(shown(results.mean(column, level, dataset), results.digits(column)) for column in columns)]
        for level in results.levels
    ]
    return [head, *body]


def notes(results: Results) -> list[str]:
    """Say what the numbers are, and what a reader needs to know."""
    study = results.study
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
            f"Encoders are pretrained by the recipe short, for {steps} steps, on the training images that remain when "
            "a sixth is held out; everything is measured and scored on the held-out images. Test images are not used."
        )
    else:
        lines.append(
            f"± is the standard error (ddof = 1) over {subsets}; differences are paired by subset. Scored are held-out "
            "training images; test images are not used."
        )
    chosen = [level for level in study.levels if len(level.candidates) > 1]
    if chosen:
        each = "; ".join(
            f"{dataset}, {level.name}: {results.settings[dataset, level.name]}{_at_edge(results, dataset, level)}"
            for dataset in study.datasets
            for level in chosen
        )
        lines.append(
            f"Chosen among candidates by the lowest {results.title(study.chosen_by)} of an encoder of another "
            f"pretraining seed ({CHOOSING_SEED}), as many candidates being tried as each level lists: {each}."
        )
    for dataset in study.datasets:
        for level in results.levels:
            lines += _lost(results, dataset, level)
    lines += dict.fromkeys(m.note for m in study.measures if m.note and m.name in results.columns)
    return lines


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


def _head(results: Results, column: str) -> str:
    return results.title(column) + (", %" if results.is_error(column) else "")


def _at_edge(results: Results, dataset: str, level: Level) -> str:
    """Note a candidate that is the first or the last that was tried: a better one may lie beyond."""
    chosen = results.settings[dataset, level.name]
    return ", at the edge of what was tried" if chosen in map(str, (level.candidates[0], level.candidates[-1])) else ""


def time_taken(results: Results) -> str:
    """Say how long it took, from the seconds that are stored: the same whenever it is asked."""
    pretraining = results.pretraining_seconds
    seconds = pretraining + sum(v.seconds for v in results.values if v.seconds == v.seconds)
    text = f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{max(1.0, seconds / 60):.0f} minutes"
    return f"about {text} of one core, {pretraining / seconds:.0%} of them pretraining"


def readme(results: Results, answer: Sequence[str], command: str, made_with: str) -> str:
    """Write the page of a study: the answer first.

    Args:
        results: What was found.
        answer: The answer's sentences.
        command: The command that makes the same again.
        made_with: The processor and the software that it was made with.
    """
    study = results.study
    first, *others = answer
    lines = [f"# {study.title}", "", f"*{study.question}*", "", first, ""]
    lines += [*(f"- {sentence}" for sentence in others), ""] if others else []
    lines += [f"![{study.title}: every column against {study.axis or 'the levels'}](figure.png)", ""]
    for dataset in study.datasets:
        head, *body = table(results, dataset)
        lines += [f"## {dataset}", "", f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
        lines += [*(f"| {' | '.join(cells)} |" for cells in body), ""]
    lines += ["## What the numbers are", "", *(f"- {note}" for note in notes(results)), ""]
    lines += ["## Again", "", f"    {command}", ""]
    lines += [f"It took {time_taken(results)} ({made_with}), with whatever else ran meanwhile.", ""]
    lines += ["What is stored is not run again. Rows: [rows.csv](rows.csv), the error of every trial;"]
    lines += [
        "[measures.csv](measures.csv), what is measured of every encoder; [encoders.csv](encoders.csv), what each is."
    ]
    lines += ["Candidates that were not chosen are among them.", ""]
    return "\n".join(lines)
