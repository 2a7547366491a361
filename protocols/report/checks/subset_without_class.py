"""Whether labelled subsets lack a class."""

from collections.abc import Sequence

from ssl_irmae.datasets.reading import count
from ssl_irmae.protocols.report.checks.check import PASSED, Check, Evidence, Result, failed, unknown
from ssl_irmae.protocols.storage.rows import Row

_EVERY_CLASS = ("balanced", "full")  # by their rule these hold every class that has labels


def subset_without_class(evidence: Evidence) -> Result:
    """Count the subsets at each budget that hold fewer classes than there are."""
    subsets: dict[int, dict[tuple[int, str], Row]] = {}
    for row in evidence.rows:
        subsets.setdefault(row.budget, {})[row.seed, row.subset] = row
    sentences, details = [], []
    for budget, found in subsets.items():
        missing = [row for row in found.values() if _labelled(row) < len(row.scored_classes or ())]
        if not missing:
            continue
        at = f"of {count(len(found), 'subset')} at {count(budget, 'label')}"
        sentences.append(f"{len(missing)} {at}")
        details.append(f"{len(missing)} {at} ({_fewest(missing)})")
    if sentences:
        lack = "lacks a class" if sentences[0].startswith("1 ") and len(sentences) == 1 else "lack a class"
        return failed(f"{'; '.join(sentences)} {lack}.", f"{'; '.join(details)} {lack}.")
    told = all((row.classes_labelled and row.scored_classes) or row.rule in _EVERY_CLASS for row in evidence.rows)
    return PASSED if told else unknown("These rows are from before the classes of a subset were recorded.")


def _labelled(row: Row) -> int:
    return len(row.scored_classes or ()) if row.classes_labelled is None else row.classes_labelled


def _fewest(rows: Sequence[Row]) -> str:
    """Say how few classes the worst has; from one class nothing can be learned."""
    classes = len(rows[0].scored_classes or ())
    single = sum(row.classes_labelled == 1 for row in rows)
    if single:
        return f"{single} of them hold one class of {classes}, so that nothing can be learned from them"
    return f"at worst {min(map(_labelled, rows))} of {classes} classes are there"


SUBSET_WITHOUT_CLASS = Check(
    "subset without a class",
    subset_without_class,
    looks_for="Labelled subsets in which a class of the data has no label, up to subsets of a single class.",
    why="A class without a label is never predicted, so all of its images are errors, whatever the contender.",
    remedy="Use more labels, or the rule `balanced`. If labels are drawn at random in use too, keep such subsets and "
    "say how many there are.",
)
