"""One protocol out of a store that may hold several: nothing is averaged that does not belong together."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Sequence

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.storage.rows import Kept, Row


def select_protocol(
    trials: Sequence[Kept], *, dataset: str | None = None, scored_on: str | None = None, rule: str | None = None
) -> list[Kept]:
    """Keep the trials of one data set, one set of scored images and one rule of drawing.

    Trials at the full set belong to either rule: there is nothing to draw.

    Args:
        trials: Of any protocols.
        dataset: Its name, or the beginning of its fingerprint (six characters or more), where there are several.
        scored_on: ``"test"`` or ``"development"``, where both are there.
        rule: ``"balanced"`` or ``"uniform"``, where both are there.

    Raises:
        UserError: If nothing is left, or several protocols are; it lists them.
    """
    chosen = [
        kept
        for kept in trials
        if (dataset is None or _is_dataset(kept.row, dataset))
        and scored_on in (None, kept.row.scored_on)
        and (rule is None or kept.row.rule in (rule, "full"))
    ]
    if not chosen:
        asked = {"--dataset": dataset, "--scored-on": scored_on, "--rule": rule}
        words = " ".join(f"{option} {value}" for option, value in asked.items() if value is not None)
        raise UserError(f"no trial fits {words}: there are {_listing(trials)}")
    data = {_data(kept.row) for kept in chosen}
    rules = {kept.row.rule for kept in chosen} - {"full"}
    if len(data) > 1 or len(rules) > 1:
        values = {"--dataset": {d[0] for d in data}, "--scored-on": {d[2] for d in data}, "--rule": rules}
        options = " and ".join(option for option, found in values.items() if len(found) > 1)
        raise UserError(
            f"these trials come from several protocols, which no table may mix: {_listing(chosen)}; choose one with "
            f"{options or '--dataset and the beginning of a fingerprint'}"
        )
    return chosen


def keep_newest(trials: Sequence[Kept]) -> tuple[list[Kept], list[str]]:
    """Keep one version of every contender: the one whose last trial finished last.

    An encoder that was pretrained in another way replaces the older ones of its name, and a retrained one the older of
    its name and pretraining seed, everywhere. At each budget, a contender's trials of other settings, precision, device
    or software than its newest are left out: means are over trials that differ in their seeds alone.

    Args:
        trials: Of one protocol, oldest first.

    Returns:
        What is kept, in the same order, and in words what was left out, if anything was.
    """
    trials = _with_pretraining(trials)
    ways = {k.row.encoder: k.row.pretraining for k in trials}
    alike = [k for k in trials if ways[k.row.encoder] == k.row.pretraining]
    encoders = {(k.row.encoder, k.row.pretrain_seed): k.row.encoder_hash for k in alike}
    current = [k for k in alike if encoders[k.row.encoder, k.row.pretrain_seed] == k.row.encoder_hash]
    versions = {(k.row.contender, k.row.budget): _version(k.row) for k in current}
    same = [k for k in current if versions[k.row.contender, k.row.budget] == _version(k.row)]
    once = {(k.row.contender, k.row.budget, k.row.seed, k.row.pretrain_seed): k for k in same}
    newest = list(once.values())
    reasons = {
        "of an older encoder of the same name": _without(trials, current),
        "of older settings, precision, device or software": _without(current, same),
        "that are there twice": _without(same, newest),
    }
    notes = [_software(newest)] if len({_computed(k.row) for k in newest}) > 1 else []
    commits = Counter(str(k.environment.get("commit")) for k in newest if k.environment.get("commit"))
    if len(commits) > 1:
        listing = ", ".join(f"{commit[:12]} ({n:,} trials)" for commit, n in commits.items())
        notes.append(f"Not all trials were computed by the same commit of ssl-irmae: {listing}.")
    notes += [f"Left out: {len(rows):,} trials {reason} ({_count(rows)})." for reason, rows in reasons.items() if rows]
    return newest, notes


def _with_pretraining(trials: Sequence[Kept]) -> list[Kept]:
    """Give trials that were kept before rows told of pretraining what the other trials of their encoder tell."""
    told: dict[str | None, dict[str, object]] = {}
    for k in trials:
        known = {name: getattr(k.row, name) for name in ("pretrain_seed", "pretraining")}
        told.setdefault(k.row.encoder_hash, {}).update({n: value for n, value in known.items() if value is not None})
    return [dataclasses.replace(k, row=k.row.model_copy(update=told[k.row.encoder_hash])) for k in trials]


def _software(trials: Sequence[Kept]) -> str:
    found = Counter(_computed(k.row) for k in trials)
    listing = "; ".join(f"{', '.join(computed)} ({n:,} trials)" for computed, n in found.items())
    return f"Not all contenders were computed with the same software, threads, precision and device: {listing}."


def _is_dataset(row: Row, dataset: str) -> bool:
    return row.dataset == dataset or (len(dataset) >= 6 and row.data_fingerprint.startswith(dataset))


def _data(row: Row) -> tuple[str, str, str, str]:
    return row.dataset, row.data_fingerprint, row.scored_on, row.scored_fingerprint


def _version(row: Row) -> tuple[str, ...]:
    settings = json.dumps(row.settings, sort_keys=True)
    return row.readout, row.reads, settings, *_computed(row)


def _computed(row: Row) -> tuple[str, str, str]:
    return row.computed_with, row.precision, row.device


def _listing(trials: Iterable[Kept]) -> str:
    found = Counter((_data(k.row), k.row.rule) for k in trials)
    # held-out development images leave other training images than the test images do: that is one data set still
    of_a_name = Counter((name, scored_on) for name, _, scored_on, _ in {data for data, _ in found})
    return "; ".join(
        f"{data[0]}{f' (fingerprint {data[1][:8]})' if of_a_name[data[0], data[2]] > 1 else ''} scored on {data[2]}, "
        f"{'all labels' if rule == 'full' else f'{rule} subsets'} ({n:,} trials)"
        for (data, rule), n in found.items()
    )


def _without(before: Sequence[Kept], after: Sequence[Kept]) -> list[Row]:
    ids = {id(k) for k in after}
    return [k.row for k in before if id(k) not in ids]


def _count(rows: Iterable[Row]) -> str:
    counts = Counter(row.contender for row in rows)
    return ", ".join(f"{name} {n}" for name, n in counts.items())
