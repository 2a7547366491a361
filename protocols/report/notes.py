"""What the numbers of a protocol's tables are, in words."""

from collections.abc import Sequence

from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.report.tables.components import crossed_components, explain_components
from ssl_irmae.protocols.report.tables.terminal import format_n
from ssl_irmae.protocols.statistics.error_matrix import cross
from ssl_irmae.protocols.statistics.significance import EXACT_UP_TO, FLIPS, what_n_allows
from ssl_irmae.protocols.statistics.summary import Summary
from ssl_irmae.protocols.statistics.test_set_error import scoring_error
from ssl_irmae.protocols.storage.rows import Row

_MOST_NAMES = 3


def explain(rows: Sequence[Row], summaries: Sequence[Summary], *, reference: str) -> list[str]:
    """Say in words what stands in the tables, one entry a line of thought.

    Args:
        rows: Every row of the protocol.
        summaries: Of them.
        reference: The contender that differences are taken to.
    """
    first = rows[0]
    return [
        *_about_errors(first, summaries),
        *_about_pretraining(rows, summaries),
        *_about_differences(summaries, reference),
        *_about_n(summaries),
        *_about_subsets(rows),
        _about_scoring(first, summaries),
        *_about_single_classes(rows),
        *_about_readouts(rows),
        *_about_settings(rows),
    ]


def _about_errors(first: Row, summaries: Sequence[Summary]) -> list[str]:
    what = "test" if first.scored_on == "test" else "held-out training (development)"
    error = f"Error: mean % of {first.n_scored:,} {what} images"
    subsets = {s.n for s in summaries if s.over.startswith("subsets")}
    if all(s.n == 1 for s in summaries):
        one = "one labelled subset" if subsets else "one training run"
        return [f"{error}; {one}, so there is no ± and no test of anything: use --seeds 10."]
    if not subsets:
        return [f"{error}, ± standard error (ddof = 1)."]
    count = f"{subsets.pop()}" if len(subsets) == 1 else "n"
    return [f"{error}, ± standard error over {count} labelled subsets (ddof = 1), each with its own training seed."]


def _about_pretraining(rows: Sequence[Row], summaries: Sequence[Summary]) -> list[str]:
    lines = []
    if any(s.over == "subsets x pretraining seeds" for s in summaries):
        lines.append(
            "Contenders with several pretraining seeds: the mean over those is taken first, within each subset, and n "
            "counts subsets. Their ± covers both draws, of subsets and of pretraining seeds (two-way random effects); "
            "Δ, its interval and p are about these encoders and no others."
        )
    single: dict[str, set[int | None]] = {}
    for row in rows:
        if row.encoder and row.encoder_hash != row.encoder:  # a floor's hash is its name
            single.setdefault(row.encoder, set()).add(row.pretrain_seed)
    names = [name for name, seeds in single.items() if len(seeds) == 1]
    if any(row.encoder_hash == "random" for row in rows):
        lines.append(
            "random: one initialisation of the encoder, not trained; how much another changes is not in its ±."
        )
    if names:
        lines.append(
            f"One pretraining of each encoder ({_listed(names)}): ±, Δ and p are about these very encoders, not about "
            "how they were pretrained; --pretrain-seeds tells how much another pretraining changes."
        )
    for (budget, name), crossing in cross(rows).items():
        if crossing.left_out:
            seeds = _listed([str(seed) for seed in crossing.left_out])
            lines.append(f"Left out for {name} at {budget:,} labels, not run with every pretraining seed: {seeds}.")
    components = crossed_components(rows)
    return [*lines, *explain_components(components)] if components else lines


def _about_differences(summaries: Sequence[Summary], reference: str) -> list[str]:
    compared = [s.difference for s in summaries if s.difference is not None]
    budgets = {s.budget for s in summaries if s.difference is not None}
    if not compared:
        return []
    if all(d.n == 1 for d in compared):
        return [f"Δ: error minus {reference}'s on the same subset, in points; one pair has no interval and no test."]
    families = {sum(s.budget == budget and s.difference is not None for s in summaries) for budget in budgets}
    many = f"the {families.pop()} contenders" if len(families) == 1 else "all contenders"
    return [
        f"Δ: error minus {reference}'s on the same subsets, in points, with the 95 % BCa bootstrap interval of its "
        "mean over these pairs (Efron 1987), of each contender alone: not corrected, and too narrow for few pairs.",
        f"p Holm: two-sided sign-flip test of Δ = 0 on the pairs (exact up to {EXACT_UP_TO}, beyond by {FLIPS:,} "
        f"random flips), corrected by Holm (1979) for {many} compared at one budget.",
    ]


def _about_n(summaries: Sequence[Summary]) -> list[str]:
    lines = []
    marks = "".join(format_n(s) for s in summaries)
    if "(" in marks:
        lines.append("n in brackets: the pairs behind Δ, where they are more or fewer.")
    if "†" in marks:
        lines.append("† n below 6: too few to trust a standard error or an interval far.")
    said: dict[str, dict[str, None]] = {}
    for s in summaries:
        if s.difference is None or s.difference.n == 1:
            continue
        others = [o.difference.n for o in summaries if o.budget == s.budget and o.difference is not None]
        sentence = what_n_allows(s.difference.n, contenders=sum(n <= s.difference.n for n in others))
        if sentence:
            said.setdefault(sentence, {})[f"{s.budget:,}"] = None
    for sentence, budgets in said.items():
        everywhere = len(budgets) == len({s.budget for s in summaries})
        lines.append(
            sentence if everywhere else f"At {_listed(list(budgets))} labels: {sentence[0].lower()}{sentence[1:]}"
        )
    return lines


def _about_subsets(rows: Sequence[Row]) -> list[str]:
    drawn = {row.rule for row in rows}
    shared = "nested over budgets, shared by all contenders"
    lines = []
    if "balanced" in drawn:
        lines.append(f"Subsets: balanced (as many of each class, within one), {shared}.")
    if "uniform" in drawn:
        lines.append(f"Subsets: uniform (drawn without looking at classes), {shared}.")
    if "first" in drawn:
        lines.append("Subset: the first images, one for all: ± is over training seeds alone.")
    full = [row for row in rows if row.rule == "full"]
    if full:
        lines.append(
            "At the full set every subset is the same: ± is over training seeds alone, and a readout without "
            "randomness has n = 1 and no ±; its one result is compared with every run of the reference."
        )
    if len({row.pretrain_seed for row in full if row.pretrain_seed is not None}) > 1:
        lines.append(
            "At the full set contenders with several pretraining seeds have ± over those, each with the mean over its "
            "training seeds."
        )
    if any(row.transductive for row in rows):
        lines.append(
            "Transductive readouts looked at the scored images, without labels, before they predicted them: they stand "
            "in tables of their own, but count in Holm's correction."
        )
    return lines


def _about_scoring(first: Row, summaries: Sequence[Summary]) -> str:
    errors = sorted({s.mean for s in summaries})
    ends = dict.fromkeys((errors[0], errors[-1]))
    binomial = " and ".join(f"{scoring_error(e, first.n_scored):.2f} points at {e:.1f} % error" for e in ends)
    return (
        f"Not in ±, nor in any interval or p: the {first.n_scored:,} scored images are one sample; that alone gives a "
        f"mean a standard error of at most (binomial) {binomial}."
    )


def _about_single_classes(rows: Sequence[Row]) -> list[str]:
    """Name what predicts one class for every image: its mean is no picture of the others it is over."""
    found: dict[tuple[str, int], list[bool]] = {}
    for row in rows:
        if row.budget > 1:
            found.setdefault((row.contender, row.budget), []).append(row.classes_predicted == 1)
    told = [
        f"{name} at {budget:,} labels, {sum(single)} of {len(single)} trials"
        for (name, budget), single in found.items()
        if any(single)
    ]
    return [f"One class for every image, training that never got going or diverged: {'; '.join(told)}."] if told else []


def _about_readouts(rows: Sequence[Row]) -> list[str]:
    told = {c.readout.__name__: c.note for c in CONTENDERS.values() if c.note}
    notes: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        if row.readout in told:
            notes.setdefault((row.readout, told[row.readout]), {})[row.contender] = None
    return [f"{_named(readout, list(names))}: {note}." for (readout, note), names in notes.items()]


def _about_settings(rows: Sequence[Row]) -> list[str]:
    texts: dict[str, dict[str, tuple[Row, set[int]]]] = {}
    for row in rows:
        text = ", ".join(f"{setting.replace('_', ' ')} {_short(value)}" for setting, value in row.settings.items())
        texts.setdefault(row.contender, {}).setdefault(text or "no settings", (row, set()))[1].add(row.budget)
    fixed: dict[tuple[str, str], list[str]] = {}
    for name, versions in texts.items():
        for text, (row, budgets) in versions.items():
            where = f" at {_listed([f'{b:,}' for b in sorted(budgets)])} labels" if len(versions) > 1 else ""
            fixed.setdefault((row.readout, text), []).append(name + where)
    told = [f"{_named(readout, names)}: {text}" for (readout, text), names in fixed.items()]
    lines = [f"Fixed beforehand: {'; '.join(told)}."]
    if rows[0].scored_on == "development":
        lines.append(
            "Development images are for choosing settings, as those above were on MNIST; pretrained encoders have seen "
            "them without labels. Report test results instead."
        )
    quick = dict.fromkeys(row.encoder for row in rows if row.quick and row.encoder)
    if quick:
        lines.append(
            f"Pretrained for a few steps on the spot, to try things and not to report: {', '.join(quick)}. Use "
            "`ssl-irmae pretrain` and --encoder."
        )
    return lines


def _named(readout: str, contenders: Sequence[str]) -> str:
    """Name a few contenders, or what they have in common."""
    if len(contenders) <= _MOST_NAMES:
        return ", ".join(contenders)
    return f"{readout.replace('_', ' ')} ({len(contenders)} contenders)"


def _short(value: int | float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
