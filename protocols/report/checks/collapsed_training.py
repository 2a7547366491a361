"""Whether training ended in one class for every image."""

from ssl_irmae.datasets.reading import listed
from ssl_irmae.protocols.report.checks.check import PASSED, Check, Evidence, Result, failed, unknown

_ENOUGH = 20  # scored images; of a handful, one class is no wonder


def collapsed_training(evidence: Evidence) -> Result:
    """Count the trials of each contender and budget that predict one class, although their subset has several."""
    places: dict[tuple[str, int], list[bool]] = {}
    for row in evidence.rows:
        several = row.budget > 1 and row.classes_labelled != 1
        if several and row.n_scored >= _ENOUGH and row.classes_predicted is not None:
            places.setdefault((row.contender, row.budget), []).append(row.classes_predicted == 1)
    totals: dict[str, list[bool]] = {}
    details = []
    for (name, budget), collapsed in places.items():
        if any(collapsed):
            totals.setdefault(name, []).extend(collapsed)
            details.append(f"{name} at {budget:,} labels, {sum(collapsed)} of {len(collapsed)} trials")
    if totals:
        what = f"One class was predicted for every {evidence.first.noun}:"
        short = [f"{name} in {sum(collapsed)} of {len(collapsed)} trials" for name, collapsed in totals.items()]
        return failed(f"{what} {listed(short, 2)}.", f"{what} {'; '.join(details)}.")
    if any(row.classes_predicted is None for row in evidence.rows):
        return unknown("These rows are from before the predicted classes were counted.")
    return PASSED


COLLAPSED_TRAINING = Check(
    "collapsed training",
    collapsed_training,
    looks_for="Trials that predict one class for all of at least 20 images, although their subset holds several.",
    why="Training never got going, or it diverged: the mean describes neither these trials nor the others.",
    remedy="Look at these trials in rows.csv, and mend the learner on development images: its learning rate, its "
    "initialisation, its steps. Leaving such trials out would flatter it.",
)
