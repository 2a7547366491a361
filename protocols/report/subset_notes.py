"""Notes on the labelled subsets, and on what was scored."""

from collections.abc import Sequence

from ssl_irmae.protocols.report.note import Note, join
from ssl_irmae.protocols.storage.rows import Row


def scored_images(row: Row) -> str:
    """Name what was scored."""
    if row.folds is not None:
        return f"labelled images in {row.folds} stratified folds"
    return "test images" if row.scored_on == "test" else "held-out training images"


def subset_notes(rows: Sequence[Row]) -> list[Note]:
    """Say how subsets were drawn, and what was scored in folds."""
    rules = {row.rule for row in rows}
    shared = "nested over budgets, shared by all contenders"
    texts = {
        "balanced": f"Subsets: balanced (equally many of each class, within one), {shared}.",
        "stratified": f"Subsets: stratified (each class by its share of the labelled images), {shared}.",
        "uniform": f"Subsets: uniform (drawn without looking at classes), {shared}.",
        "typical": f"Subsets: typical images, chosen on {_chosen_on(rows)}, shared by all contenders; not nested over "
        "budgets; the seed is that of the clustering, so ± is not about other labels of this kind.",
        "first": "Subset: the first images, the same for all: ± is over training seeds alone.",
    }
    notes = [Note("subsets", text, text) for rule, text in texts.items() if rule in rules]
    full = [row for row in rows if row.rule == "full" and row.folds is None]
    if full:
        notes.append(
            Note(
                "full set",
                "At the full set every subset is the same: ± is over training seeds alone, and a readout without "
                "randomness has n = 1 and no ±; its one result is compared with every run of the baseline.",
            )
        )
    if len({row.pretrain_seed for row in full if row.pretrain_seed is not None}) > 1:
        notes.append(
            Note(
                "full set",
                "At the full set, for contenders with several pretraining seeds, the mean over training seeds is taken "
                "first, and ± is over the pretraining seeds.",
            )
        )
    if any(row.transductive for row in rows):
        notes.append(
            Note(
                "transductive",
                "Transductive readouts looked at the scored images, without labels, before they predicted them: they "
                "have tables of their own, but count in Holm's correction.",
                "Transductive readouts looked at the scored images, without labels, before they predicted them.",
            )
        )
    return [*notes, *_folds(rows)]


def _chosen_on(rows: Sequence[Row]) -> str:
    chosen_on = {row.chosen_on for row in rows if row.chosen_on is not None}
    names = {row.encoder_hash: row.representation for row in rows if row.encoder_hash is not None}
    return join(sorted(names.get(each) or each[:12] for each in chosen_on)) if chosen_on else ""


def _folds(rows: Sequence[Row]) -> list[Note]:
    folds = rows[0].folds
    if folds is None:
        return []
    text = (
        f"Scored in {folds} stratified folds: each seed divides the labelled images anew, each fold is predicted from "
        "labels of the other folds (and from the images outside it, without labels), and the error is that of all "
        "folds together. Divisions share their images, so their ± is about other divisions and subsets of these "
        "images, not about other images."
    )
    return [Note("folds", text, f"No test images: labelled images are scored in {folds} folds, each by the others.")]
