"""Whether training ended in one class for every image."""

from ssl_irmae.datasets.reading import listed
from ssl_irmae.protocols.report.checks.check import PASSED, Check, Evidence, Result, failed, unknown
from ssl_irmae.protocols.storage.rows import Row

_ENOUGH = 20  # scored images; of a handful, one class is no wonder


def collapsed_training(evidence: Evidence) -> Result:
    """Count the trials of each contender and budget that predict one class, although their subset has several.

    Folds of fewer images are judged together with the others of their seed.
    """
    trials: dict[tuple[str, int, int, int | None, int | None], list[Row]] = {}
    for row in evidence.rows:
        several = row.budget > 1 and row.classes_labelled != 1
        if several and row.classes_predicted is not None:
            fold = row.fold if row.n_scored >= _ENOUGH else None
            trials.setdefault((row.contender, row.budget, row.seed, row.pretrain_seed, fold), []).append(row)
    places: dict[tuple[str, int], list[bool]] = {}
    for (name, budget, *_), rows in trials.items():
        if sum(row.n_scored for row in rows) >= _ENOUGH:
            places.setdefault((name, budget), []).append(all(row.classes_predicted == 1 for row in rows))
    of = "divisions" if any(len(rows) > 1 for rows in trials.values()) else "trials"
    totals: dict[str, list[bool]] = {}
    details = []
    for (name, budget), collapsed in places.items():
        if any(collapsed):
            totals.setdefault(name, []).extend(collapsed)
            details.append(f"{name} at {budget:,} labels, {sum(collapsed)} of {len(collapsed)} {of}")
    if totals:
        what = f"One class was predicted for every {evidence.first.noun}:"
        short = [f"{name} in {sum(collapsed)} of {len(collapsed)} {of}" for name, collapsed in totals.items()]
        return failed(f"{what} {listed(short, 2)}.", f"{what} {'; '.join(details)}.")
    if any(row.classes_predicted is None for row in evidence.rows):
        return unknown("These rows are from before the predicted classes were counted.")
    if trials and not places:
        noun = evidence.first.noun
        return unknown(f"Fewer than {_ENOUGH} {noun}s were scored, and of so few one class is no wonder.")
    return PASSED


COLLAPSED_TRAINING = Check(
    "collapsed training",
    collapsed_training,
    looks_for="Trials that predict one class for all of at least 20 images, although their subset holds several. "
    "Folds of fewer images are judged together; of fewer than 20 in all it cannot tell.",
    why="Training never got going, or it diverged: the mean describes neither these trials nor the others.",
    remedy="Look at these trials in rows.csv, and mend the learner on development images: its learning rate, its "
    "initialisation, its steps. Leaving such trials out would flatter it.",
)
