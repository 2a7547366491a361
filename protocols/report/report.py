"""What a report says, before it is written as tables, figures or a page."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ssl_irmae.errors import UserError, unknown_name
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.presets import Preset
from ssl_irmae.protocols.report.audit import leak_audit
from ssl_irmae.protocols.report.notes import explain
from ssl_irmae.protocols.report.styles import Look, looks_of
from ssl_irmae.protocols.report.tables.comparisons import explain_comparisons
from ssl_irmae.protocols.statistics.summary import Comparison, Summary, compare, summarise
from ssl_irmae.protocols.storage.rows import Kept, Row, mistakes

MOST_DRAWN = 12


@dataclass(frozen=True)
class Report:
    """One protocol, summarised.

    Args:
        trials: By budget, contender and seed.
        reference: The contender that differences are taken to.
        summaries: Of every contender at every budget.
        looks: Of every contender.
        drawn: The contenders that figures show.
        drawn_because: Who chose those, in words; empty if the report did.
        comparisons: That the protocol declared.
        notes: What the numbers are, in words.
        audit: Which data chose what, in words.
        commands: That made it.
    """

    trials: tuple[Kept, ...]
    reference: str
    summaries: tuple[Summary, ...]
    looks: dict[str, Look]
    drawn: tuple[str, ...]
    drawn_because: str
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...]
    audit: tuple[str, ...]
    commands: tuple[str, ...]

    @property
    def rows(self) -> list[Row]:
        """The row of every trial."""
        return [kept.row for kept in self.trials]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over every row, the reference and what is drawn: what tables and figures are functions of."""
        rows = sorted(row.model_dump_json() for row in self.rows)
        return hashlib.sha256(json.dumps([self.reference, self.drawn, rows]).encode()).hexdigest()

    @property
    def kinds(self) -> dict[str, list[Summary]]:
        """Summaries of the inductive contenders and of the transductive, which never share a table; no empty list."""
        kinds: dict[str, list[Summary]] = {"inductive": [], "transductive": []}
        for s in self.summaries:
            kinds["transductive" if self.looks[s.contender].transductive else "inductive"].append(s)
        return {kind: summaries for kind, summaries in kinds.items() if summaries}

    @property
    def budgets(self) -> list[int]:
        """Numbers of labels, ascending."""
        return sorted({kept.row.budget for kept in self.trials})

    @property
    def environments(self) -> list[dict[str, object]]:
        """Where trials were computed, once each."""
        found: list[dict[str, object]] = []
        for kept in self.trials:
            if kept.environment and kept.environment not in found:
                found.append(kept.environment)
        return found

    @property
    def title(self) -> str:
        """The data set, what was scored and how subsets were drawn."""
        row = self.rows[0]
        drawn = " and ".join(sorted({r.rule for r in self.rows} - {"full"}))
        subsets = f", {drawn} subsets" if drawn else ""
        return f"{row.dataset}: error on {row.n_scored:,} {row.scored_on} images{subsets}"

    @property
    def left_out(self) -> str:
        """Which contenders the figures do not show, in words; empty if they show all."""
        left_out = self.looks.keys() - set(self.drawn)
        if not left_out:
            return ""
        if self.drawn_because:
            how = self.drawn_because
        elif all(self.looks[name].transductive or self.looks[name].leaky for name in left_out):
            how = "all but those that are transductive or leaky"
        else:
            how = (
                "by default the reference, the best frozen readout of each representation and the best network of "
                "each way of training, by their mean error in this very table"
            )
        return f"Drawn: {len(self.drawn)} of {len(self.looks)} contenders, {how}. The tables hold all."


def make_report(
    trials: Sequence[Kept],
    *,
    reference: str | None = None,
    drawn: Sequence[str] | None = None,
    preset: Preset | None = None,
    notes: Sequence[str] = (),
    commands: Sequence[str] = (),
) -> Report:
    """Summarise the trials of one protocol.

    Args:
        trials: As ``keep_newest`` leaves them.
        reference: None stands for ``"supervised"`` or, where that was not run, the first contender that is not leaky.
        drawn: The contenders that figures show; None for those of the preset, or a few by default.
        preset: The protocol that the trials are of, for what it declared.
        notes: To be said after ``explain``.
        commands: That made it.

    Raises:
        UserError: If a contender that is named has no trial, or no trial is one of the preset's.
    """
    if preset is not None:
        trials, left_out = of_preset(preset, trials)
        notes = [*notes, *left_out]
    names = list(dict.fromkeys(kept.row.contender for kept in trials))
    names.sort(key=[*CONTENDERS, *names].index)
    for name in [*([] if reference is None else [reference]), *(drawn or [])]:
        if name not in names:
            raise unknown_name("contender", name, names)
    if reference is None:
        honest = {kept.row.contender for kept in trials if kept.row.looks == 1} or set(names)
        reference = "supervised" if "supervised" in names else next(name for name in names if name in honest)
    ordered = sorted(trials, key=lambda k: (k.row.budget, names.index(k.row.contender), k.row.seed))
    rows = [kept.row for kept in ordered]
    summaries = summarise(rows, reference=reference)
    looks = looks_of(sorted(rows, key=lambda row: names.index(row.contender)))
    comparisons = compare(rows, preset.comparisons, mistakes(trials)) if preset else []
    drawn_because = "named by --contenders" if drawn else ""
    if not drawn and preset is not None and preset.drawn:
        drawn = [name for name in preset.drawn if name in names]
        drawn_because = "declared by the protocol"
    return Report(
        tuple(ordered),
        reference,
        tuple(summaries),
        looks,
        tuple(dict.fromkeys(drawn)) if drawn else tuple(choose_drawn(summaries, looks, reference)),
        drawn_because if drawn else "",
        tuple(comparisons),
        (
            *explain(rows, summaries, reference=reference),
            *(explain_comparisons(comparisons, declared=len(preset.comparisons)) if preset and comparisons else []),
            *notes,
        ),
        tuple(leak_audit(ordered)),
        tuple(commands),
    )


def of_preset(preset: Preset, trials: Sequence[Kept]) -> tuple[list[Kept], list[str]]:
    """Keep the trials that a preset would have run: what it declared says nothing about others.

    Another precision than the preset's is let through where there is no trial in that: not every machine has it.

    Args:
        preset: The protocol.
        trials: Of one data set, one set of scored images and one rule.

    Returns:
        What is kept, in the same order, and in words what was left out, if anything was.

    Raises:
        UserError: If nothing is left.
    """
    planned = {
        (name, b, s): part.steps
        for part in preset.parts
        for b in part.budgets
        for name in part.contenders
        for s in part.seeds
    }

    def place(row: Row) -> tuple[str, int | None, int]:
        return row.contender, None if row.rule == "full" else row.budget, row.seed

    def fits(row: Row) -> bool:
        return (
            (row.dataset, row.scored_on) == (preset.dataset, "test")
            and row.rule in ("balanced", "full")
            and place(row) in planned
            and (row.reads != "images" or planned[place(row)] in (None, row.settings.get("steps")))
        )

    kept = [k for k in trials if fits(k.row)]
    notes = []
    if preset.precision is not None:
        exact = [k for k in kept if k.row.precision == preset.precision]
        if kept and not exact:
            notes.append(f"In {kept[0].row.precision}, where the protocol declares {preset.precision}.")
        kept = exact or kept
    if not kept:
        raise UserError("no trial is one of this preset: run it by `ssl-irmae evaluate --preset`, or leave it out")
    once = {name for name, c in CONTENDERS.items() if c.deterministic_at_full_set}
    due = {(name, b, s) for name, b, s in planned if b is not None or name not in once or s == 0}
    missing = due - {place(k.row) for k in kept}
    if missing:
        notes.append(
            f"Planned and not run yet: {len(missing):,} of the protocol's {len(due):,} trials, of "
            f"{len({name for name, *_ in missing})} contenders; means over fewer subsets than planned stand beside the "
            "others."
        )
    if len(kept) < len(trials):
        ids = {id(k) for k in kept}
        others = dict.fromkeys(k.row.contender for k in trials if id(k) not in ids)
        notes.append(
            f"Left out: {len(trials) - len(kept):,} trials that the protocol does not have ({', '.join(others)})."
        )
    return kept, notes


def choose_drawn(summaries: Sequence[Summary], looks: dict[str, Look], reference: str) -> list[str]:
    """Choose the few contenders that a figure can show and still be read.

    The reference, the best frozen readout of each representation, and the best network of each family of training.
    No transductive and no leaky contenders, unless there are no others. They are ranked by their mean over budgets of
    log(error / median error at that budget).

    Args:
        summaries: To choose from.
        looks: Of every contender.
        reference: Always drawn if it is among the summaries.

    Returns:
        At most ``MOST_DRAWN`` names, in the order of the table.
    """
    plain = [s for s in summaries if not (looks[s.contender].transductive or looks[s.contender].leaky)]
    summaries = plain or summaries
    names = list(dict.fromkeys(s.contender for s in summaries))
    if len(names) <= MOST_DRAWN:
        return names
    by_budget: dict[int, list[float]] = {}
    for s in summaries:
        by_budget.setdefault(s.budget, []).append(s.mean)
    medians = {budget: sorted(means)[len(means) // 2] for budget, means in by_budget.items()}
    scores: dict[str, float] = {}
    count = Counter(s.contender for s in summaries)
    for s in summaries:
        # a hundredth of a point keeps an error of zero finite
        relative = math.log((s.mean + 0.01) / (medians[s.budget] + 0.01))
        scores[s.contender] = scores.get(s.contender, 0.0) + relative / count[s.contender]
    ranked = sorted(names, key=lambda name: scores[name])
    best = {reference: reference} if reference in names else {}
    for name in ranked:
        look = looks[name]
        best.setdefault(look.representation if look.frozen else look.family, name)
    few = list(dict.fromkeys(best.values()))[:MOST_DRAWN]
    return [name for name in names if name in few]
