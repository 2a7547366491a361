"""One protocol out of a store that may hold several: nothing is averaged that does not belong together."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from ssl_irmae.datasets.reading import count
from ssl_irmae.errors import UserError, unknown_name
from ssl_irmae.protocols.report.note import Note
from ssl_irmae.protocols.storage.rows import FinishedTrial, Row
from ssl_irmae.protocols.subsets import Rule


def select_protocol(
    trials: Sequence[FinishedTrial],
    *,
    dataset: str | None = None,
    scored_on: str | None = None,
    rule: str | None = None,
) -> list[FinishedTrial]:
    """Keep the trials of one data set, one set of scored images and one rule of drawing.

    Trials at the full set belong to every rule, as nothing is drawn there.

    Args:
        trials: Trials of any protocols.
        dataset: Its name, or the beginning of its fingerprint (six characters or more), where there are several.
        scored_on: ``"test"``, ``"development"`` or ``"folds"``, where there are several.
        rule: A rule of drawing, where there are several; for typical images with what they were chosen on, such as
            ``"typical:pca"`` or the beginning of an encoder's hash in its place.

    Raises:
        UserError: If there is no such rule, nothing is left, or several protocols are; it lists them.
    """
    if rule is not None and rule.partition(":")[0] not in get_args(Rule):
        raise unknown_name("rule", rule, get_args(Rule))  # it would leave the full set, which belongs to every rule
    chosen = [
        trial
        for trial in trials
        if (dataset is None or _is_dataset(trial.row, dataset))
        and scored_on in (None, trial.row.scored_on)
        and (rule is None or _is_rule(trial.row, rule))
    ]
    if not chosen:
        asked = {"dataset": dataset, "scored_on": scored_on, "rule": rule}
        values = " ".join(f"`{argument}` {value}" for argument, value in asked.items() if value is not None)
        raise UserError(f"no trial fits {values}: there are {_listing(trials)}")
    data = {_data(trial.row) for trial in chosen}
    rules = {_rule(trial.row) for trial in chosen} - {"full"}
    if len(data) > 1 or len(rules) > 1:
        found = {"dataset": {d[0] for d in data}, "scored_on": {d[2] for d in data}, "rule": rules}
        arguments = " and ".join(f"`{argument}`" for argument, values in found.items() if len(values) > 1)
        raise UserError(
            f"these trials come from several protocols, which no table may mix: {_listing(chosen)}; choose one with "
            f"{arguments or '`dataset` and the beginning of a fingerprint'}"
        )
    return chosen


def keep_newest(trials: Sequence[FinishedTrial]) -> tuple[list[FinishedTrial], list[Note]]:
    """Keep one version of every contender: the one whose last trial finished last.

    An encoder that was pretrained in another way replaces older ones of its name, and a retrained one the older one of
    its name and pretraining seed, everywhere. At each budget, a contender's trials of other settings, code, networks,
    precision, device or software than its newest are left out: means are over trials that differ in their seeds alone.

    Args:
        trials: Trials of one protocol, oldest first.

    Returns:
        What is kept, in the same order, and notes on what was left out and on what computed the rest.

    Raises:
        UserError: If a trial is there twice with different errors. One error may be the other, rounded, where the
            predictions are the same.
    """
    trials = _with_pretraining(trials)
    ways = {t.row.representation: t.row.pretraining for t in trials}
    alike = [t for t in trials if ways[t.row.representation] == t.row.pretraining]
    encoders = {(t.row.representation, t.row.pretrain_seed): t.row.encoder_hash for t in alike}
    current = [t for t in alike if encoders[t.row.representation, t.row.pretrain_seed] == t.row.encoder_hash]
    versions = {(t.row.contender, t.row.budget): _version(t.row) for t in current}
    same = [t for t in current if versions[t.row.contender, t.row.budget] == _version(t.row)]
    once: dict[tuple[str, int, int, int | None, int | None], FinishedTrial] = {}
    for t in same:
        place = (t.row.contender, t.row.budget, t.row.seed, t.row.pretrain_seed, t.row.fold)
        _check_same_error(once.get(place, t), t)
        once[place] = t
    newest = list(once.values())
    reasons = {
        "of an older encoder of the same name": _without(trials, current),
        "of older settings, code, precision, device or software": _without(current, same),
        "that are there twice": _without(same, newest),
    }
    return newest, [*_software(newest), *_commits(newest), *_left_out(reasons)]


def keep_crossed(trials: Sequence[FinishedTrial]) -> tuple[list[FinishedTrial], list[Note]]:
    """Keep, of each contender at each budget, pretraining seeds that have a subset in common.

    A mean over several encoders takes subsets that all of them were run on. Where there is none, the pretraining seed
    with the fewest subsets is left out, of equals the largest, until there is. A contender of which no seed was run on
    every fold has no error at that budget.

    Args:
        trials: As ``keep_newest`` leaves them.

    Returns:
        What is kept, in the same order, and notes on what was left out.

    Raises:
        UserError: If nothing is left.
    """
    folds: dict[tuple[str, int], dict[tuple[int, int | None], int]] = {}
    for t in trials:
        runs = folds.setdefault((t.row.contender, t.row.budget), {})
        run = (t.row.seed, t.row.pretrain_seed)
        runs[run] = runs.get(run, 0) + 1
    number = trials[0].row.folds or 1
    complete = {place: [run for run, n in runs.items() if n == number] for place, runs in folds.items()}
    whole = [t for t in trials if complete[t.row.contender, t.row.budget]]
    if not whole:
        raise UserError(f"no seed of any contender was run on all {number} folds: run the missing trials")
    together = {place: _in_common(runs) for place, runs in complete.items()}
    crossed = [t for t in whole if t.row.pretrain_seed in together[t.row.contender, t.row.budget]]
    reasons = {
        "of which no seed was run on every fold": _without(trials, whole),
        "of pretraining seeds that share no subset with the others and so have no mean with them": _without(
            whole, crossed
        ),
    }
    return crossed, _left_out(reasons)


def _in_common(runs: Sequence[tuple[int, int | None]]) -> set[int | None]:
    """Return the pretraining seeds to keep of runs, each a seed and a pretraining seed."""
    subsets: dict[int | None, set[int]] = {}
    for seed, pretrain_seed in runs:
        subsets.setdefault(pretrain_seed, set()).add(seed)
    while subsets and not set.intersection(*subsets.values()):
        del subsets[min(subsets, key=lambda p: (len(subsets[p]), -1 if p is None else -p))]
    return set(subsets)


def _left_out(reasons: Mapping[str, Sequence[Row]]) -> list[Note]:
    """Say how many trials were left out for each reason, and of which contenders."""
    return [
        Note(
            "left out",
            f"Left out: {count(len(rows), 'trial')} {reason} ({_count(rows)}).",
            f"Left out: {count(len(rows), 'trial')} {reason}.",
        )
        for reason, rows in reasons.items()
        if rows
    ]


def _check_same_error(older: FinishedTrial, newer: FinishedTrial) -> None:
    """Check that two rows of one trial agree, as far as a table that rounds them shows."""
    a, b = older.row, newer.row
    if a.error == b.error or (a.predictions == b.predictions and _is_rounded(a.error, b.error)):
        return
    places = {"seed": a.seed, "pretraining seed": a.pretrain_seed, "fold": a.fold}
    where = ", ".join(f"{name} {number}" for name, number in places.items() if number is not None)
    raise UserError(
        f"two rows give {a.contender} at {a.budget:,} labels, {where}, different errors: {_outcome(older)} and "
        f"{_outcome(newer)}; a trial has one result, so remove the row that is wrong"
    )


def _is_rounded(a: float, b: float) -> bool:
    """Whether one is the other, rounded to whole percent or finer."""
    return any(x == round(x, digits) and abs(a - b) <= 0.5 * 10**-digits + 1e-9 for digits in range(10) for x in (a, b))


def _outcome(trial: FinishedTrial) -> str:
    """Say what a trial's error is, and by what its row is found."""
    finished = f", finished {trial.finished}" if trial.finished else ""
    return f"{trial.row.error:.10g} % (predictions {trial.row.predictions[:12]}{finished})"


def _with_pretraining(trials: Sequence[FinishedTrial]) -> list[FinishedTrial]:
    """Give trials from before rows recorded pretraining what the other trials of their encoder record."""
    recorded: dict[str | None, dict[str, object]] = {}
    for t in trials:
        known = {name: getattr(t.row, name) for name in ("pretrain_seed", "pretraining")}
        of_encoder = recorded.setdefault(t.row.encoder_hash, {})
        of_encoder.update({name: value for name, value in known.items() if value is not None})
    return [
        t
        if t.row.encoder_hash is None
        else dataclasses.replace(t, row=t.row.model_copy(update=recorded[t.row.encoder_hash]))
        for t in trials
    ]


def _software(trials: Sequence[FinishedTrial]) -> list[Note]:
    """Say where versions, threads, precision or device differ between contenders that need not differ in them."""
    found: Counter[str] = Counter()
    for name in dict.fromkeys(name for t in trials for name in t.row.software):
        versions = Counter(t.row.software[name] for t in trials if name in t.row.software)
        if len(versions) > 1:
            found.update({f"{name} {version}": n for version, n in versions.items()})
    for kind in ("threads", "precision", "device"):
        values = Counter(str(getattr(t.row, kind)) for t in trials)
        if len(values) > 1:
            found.update({f"{kind} {value}": n for value, n in values.items()})
    if not found:
        return []
    listing = "; ".join(f"{value} ({n:,} trials)" for value, n in found.items())
    return [Note("software", f"Not all trials have the same software, threads, precision and device: {listing}.")]


def _commits(trials: Sequence[FinishedTrial]) -> list[Note]:
    commits = Counter(str(t.environment.get("commit")) for t in trials if t.environment.get("commit"))
    if len(commits) < 2:
        return []
    listing = ", ".join(f"{commit[:12]} ({n:,} trials)" for commit, n in commits.items())
    return [Note("commits", f"Not all trials were computed by the same commit of ssl-irmae: {listing}.")]


def _is_dataset(row: Row, dataset: str) -> bool:
    return row.dataset == dataset or (len(dataset) >= 6 and row.data_fingerprint.startswith(dataset))


def _rule(row: Row) -> str:
    return row.rule if row.chosen_on is None else f"{row.rule}:{row.chosen_on}"


def _is_rule(row: Row, rule: str) -> bool:
    name, chosen, beginning = rule.partition(":")
    return row.rule == "full" or (row.rule == name and (not chosen or (row.chosen_on or "").startswith(beginning)))


def _data(row: Row) -> tuple[str, str, str, str]:
    return row.dataset, row.data_fingerprint, row.scored_on, row.scored_fingerprint


def _version(row: Row) -> tuple[str, ...]:
    settings = json.dumps(row.settings, sort_keys=True)
    return (
        row.readout,
        row.reads,
        settings,
        str(row.revision),
        str(row.network),
        f"{row.code_of_plugins}",
        *_computed(row),
    )


def _computed(row: Row) -> tuple[str, str, str]:
    return row.computed_with, row.precision, row.device


def _listing(trials: Iterable[FinishedTrial]) -> str:
    found = Counter((_data(t.row), _rule(t.row)) for t in trials)
    # held-out images leave other training images than the test images do, but it is one data set
    of_name = Counter((name, scored_on) for name, _, scored_on, _ in {data for data, _ in found})
    return "; ".join(
        f"{data[0]}{f' (fingerprint {data[1][:8]})' if of_name[data[0], data[2]] > 1 else ''} scored on {data[2]}, "
        f"{'all labels' if rule == 'full' else f'{rule} subsets'} ({n:,} trials)"
        for (data, rule), n in found.items()
    )


def _without(before: Sequence[FinishedTrial], after: Sequence[FinishedTrial]) -> list[Row]:
    ids = {id(t) for t in after}
    return [t.row for t in before if id(t) not in ids]


def _count(rows: Iterable[Row]) -> str:
    counts = Counter(row.contender for row in rows)
    return ", ".join(f"{name} {n}" for name, n in counts.items())
