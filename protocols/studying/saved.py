"""The rows that a study saves, and how they are read back: with them its page can be written again without a run."""

import csv
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from ssl_irmae.protocols.storage.files import csv_text
from ssl_irmae.protocols.studying.found import find_study
from ssl_irmae.protocols.studying.results import Pretraining, Results, Value, level_tried

ROWS, MEASURES, ENCODERS, ORIGIN = "rows.csv", "measures.csv", "encoders.csv", "study.json"
_HASH = 12  # digits


class Origin(NamedTuple):
    """How a study was made.

    Args:
        name: Name of the study.
        quick: Whether in its quick form.
        made_with: The processor and the software.
    """

    name: str
    quick: bool
    made_with: str

    @property
    def command(self) -> str:
        """The command that makes the same again."""
        return f"ssl-irmae study {self.name}{'' if self.quick else ' --full'}"


def saved(results: Results, origin: Origin) -> dict[str, str]:
    """Return the text of every file: errors of trials, what was measured, the encoders, and how they were made."""
    errors = [
        {**_place(v), "readout": v.what, "labels": v.labels, "subset": v.subset, "error": v.value, **_made(v)}
        for v in results.values
        if v.labels is not None
    ]
    measures = [
        {**_place(v), "measure": v.what, "value": v.value, **_made(v)} for v in results.values if v.labels is None
    ]
    encoders = [{**each._asdict(), "encoder": each.encoder[:_HASH]} for each in results.encoders]
    files = {ROWS: errors, MEASURES: measures, ENCODERS: encoders}
    texts = {name: csv_text(lines) for name, lines in files.items() if lines}
    return texts | {ORIGIN: json.dumps(origin._asdict(), indent=2) + "\n"}


def read_saved(folder: Path) -> tuple[Results, Origin]:
    """Read what was saved.

    Raises:
        ValueError: If it is of another comparison than the study makes now.
    """
    origin = Origin(**json.loads((folder / ORIGIN).read_text()))
    study = find_study(origin.name)(quick=origin.quick)
    values = [_error(line) for line in _lines(folder / ROWS)] + [_measure(line) for line in _lines(folder / MEASURES)]
    encoders = [_pretraining(line) for line in _lines(folder / ENCODERS)]
    results = Results(study, origin.name, values, encoders)
    known = {(v.dataset, v.level) for v in values}
    known |= {(e.dataset, level_tried(e.level)) for e in encoders if e.failed}
    named = [*results.levels, *results.floors]
    missing = [(dataset, level) for dataset in study.datasets for level in named if (dataset, level) not in known]
    lacking = [m.name for m in study.measures if m.name not in results.columns and encoders]
    if missing or lacking:
        raise ValueError(
            f"{folder}: there is nothing of {[*missing, *lacking]}, which the study has by now: run `{origin.command}`"
        )
    for what, (had, has) in _differences(results).items():
        if had != has:
            raise ValueError(
                f"{folder}: {what} are {sorted(had)}, and the study has {sorted(has)} by now: run `{origin.command}`"
            )
    known_settings = {level.name: [str(settings) for settings in level.candidates] for level in study.levels}
    other = {each.level for each in encoders if each.settings not in known_settings.get(each.level, [each.settings])}
    if other:
        raise ValueError(f"{folder}: the study has other settings of {sorted(other)} by now: run `{origin.command}`")
    return results, origin


def _differences(results: Results) -> dict[str, tuple[set[int], set[int]]]:
    """Return what the rows have and what the study has, of what every level has alike."""
    study = results.study
    errors = [v for v in results.values if v.labels is not None and v.level in (*results.levels, *results.floors)]
    encoders = [each for each in results.encoders if each.level in results.levels]
    steps = set(results.steps)
    return {
        "labelled subsets": (
            {v.subset for v in errors if v.subset is not None},
            set(study.subsets if study.budgets else ()),
        ),
        "numbers of labels": ({v.labels for v in errors if v.labels is not None}, set(study.budgets)),
        "pretraining seeds": ({e.pretrain_seed for e in encoders}, set(study.seeds if encoders else ())),
        "steps": (steps, {study.steps} if steps else steps),
    }


def _place(value: Value) -> dict[str, object]:
    return {"dataset": value.dataset, "level": value.level, "pretrain_seed": value.pretrain_seed}


def _made(value: Value) -> dict[str, object]:
    return {"seconds": value.seconds, "encoder": value.encoder[:_HASH]}


def _lines(path: Path) -> Iterable[Mapping[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _error(line: Mapping[str, str]) -> Value:
    labels, subset = int(line["labels"]), int(line["subset"])
    seed = int(line["pretrain_seed"]) if line["pretrain_seed"] else None
    seconds = float(line["seconds"] or math.nan)
    return Value(
        line["dataset"],
        line["level"],
        seed,
        line["readout"],
        labels,
        subset,
        float(line["error"]),
        seconds,
        line["encoder"],
    )


def _measure(line: Mapping[str, str]) -> Value:
    value = float(line["value"]) if line["value"] else None
    seed, seconds = int(line["pretrain_seed"]), float(line["seconds"])
    return Value(line["dataset"], line["level"], seed, line["measure"], None, None, value, seconds, line["encoder"])


def _pretraining(line: Mapping[str, str]) -> Pretraining:
    return Pretraining(
        line["dataset"],
        line["level"],
        int(line["pretrain_seed"]),
        line["settings"],
        int(line["steps"]),
        float(line["seconds"]),
        line["on_plateau"] == "True",
        line["failed"],
        line["encoder"],
    )
