"""The trials that a preset would have run, out of others."""

from collections.abc import Sequence

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.budgets import Budget
from ssl_irmae.protocols.contenders.published import PUBLISHED_PROTOCOL
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.presets import Preset
from ssl_irmae.protocols.report.note import Note
from ssl_irmae.protocols.storage.rows import FinishedTrial, Row


def trials_of_published(trials: Sequence[FinishedTrial]) -> list[FinishedTrial]:
    """Keep the trials on the first images, and at the full set those of the same contenders and of the script's.

    Args:
        trials: Trials on the first images or at the full set, which belongs to every rule.

    Raises:
        UserError: If nothing is left.
    """
    run = {trial.row.contender for trial in trials if trial.row.rule == "first"} | PUBLISHED_PROTOCOL.keys()
    chosen = [trial for trial in trials if trial.row.contender in run]
    if not chosen:
        raise _none_left()
    return chosen


def trials_of_preset(preset: Preset, trials: Sequence[FinishedTrial]) -> tuple[list[FinishedTrial], list[Note]]:
    """Keep the trials that a preset would have run: what it declared says nothing about others.

    Networks in another precision than the preset's are let through if there is none in that: not every machine has it.

    Args:
        preset: The protocol.
        trials: Trials of one data set, one set of scored images and one rule.

    Returns:
        What is kept, in the same order, and notes on what was left out or is missing.

    Raises:
        UserError: If nothing is left.
    """
    planned = {
        (name, budget, seed): part.steps
        for part in preset.parts
        for budget in part.budgets
        for name in part.contenders
        for seed in part.seeds
    }

    def place(row: Row) -> tuple[str, Budget, int]:
        return row.contender, None if row.rule == "full" else row.budget, row.seed

    def fits(row: Row) -> bool:
        return (
            (row.dataset, row.scored_on) == (preset.dataset, "test")
            and row.rule in ("balanced", "full")
            and place(row) in planned
            and (row.reads != "images" or planned[place(row)] in (None, row.settings.get("steps")))
        )

    chosen = [trial for trial in trials if fits(trial.row)]
    notes = []
    networks = [trial.row for trial in chosen if trial.row.reads == "images"]
    declared = [row for row in networks if row.precision == preset.precision]
    if preset.precision is not None and networks:
        if declared:
            chosen = [t for t in chosen if t.row.reads != "images" or t.row.precision == preset.precision]
        else:
            text = f"Networks in {networks[0].precision}, where the protocol declares {preset.precision}."
            notes.append(Note("software", text))
    if not chosen:
        raise _none_left()
    once = {name for name, c in CONTENDERS.items() if c.deterministic_at_full_set}
    due = {(name, b, seed) for name, b, seed in planned if b is not None or name not in once or seed == 0}
    missing = due - {place(trial.row) for trial in chosen}
    if missing:
        text = (
            f"Planned and not run yet: {len(missing):,} of the protocol's {len(due):,} trials, of "
            f"{len({name for name, *_ in missing})} contenders; means over fewer subsets than planned stand beside the "
            "others."
        )
        notes.append(Note("not run", text, f"Not run yet: {len(missing):,} of {len(due):,} planned trials."))
    if len(chosen) < len(trials):
        ids = {id(trial) for trial in chosen}
        others = dict.fromkeys(trial.row.contender for trial in trials if id(trial) not in ids)
        text = f"Left out: {len(trials) - len(chosen):,} trials that the protocol does not have ({', '.join(others)})."
        notes.append(Note("left out", text, f"Left out: {len(trials) - len(chosen):,} trials of other protocols."))
    return chosen, notes


def _none_left() -> UserError:
    return UserError(
        "none of these trials belongs to this `preset`: run it with `ssl-irmae evaluate --preset`, or leave "
        "`preset` out"
    )
