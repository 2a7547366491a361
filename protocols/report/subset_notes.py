"""Notes on the labelled subsets, and on what was scored."""

from collections.abc import Sequence

from ssl_irmae.protocols.report.note import Note, join
from ssl_irmae.protocols.storage.rows import Row


def scored_images(row: Row) -> str:
    """Name what was scored."""
    if row.folds is not None:
        return f"labelled {row.noun}s in {row.folds} stratified folds"
    return f"test {row.noun}s" if row.scored_on == "test" else f"held-out training {row.noun}s"


def subset_notes(rows: Sequence[Row], baseline: str) -> list[Note]:
    """Say how subsets were drawn, who looked at what is scored, and what was scored in folds."""
    rules = {row.rule for row in rows}
    its = f"{rows[0].noun}s"
    shared = "nested over budgets, shared by all contenders"
    texts = {
        "balanced": f"Subsets: balanced (equally many of each class, within one), {shared}.",
        "stratified": f"Subsets: stratified (each class by its share of the labelled {its}), {shared}.",
        "uniform": f"Subsets: uniform (drawn without looking at classes), {shared}.",
        "typical": f"Subsets: typical {its}, chosen on {_chosen_on(rows)}, shared by all contenders; not nested over "
        "budgets; the seed is that of the clustering, so ± is not about other labels of this kind, and a subset that "
        "several seeds chose counts once.",
        "first": f"Subset: the first {its}, the same for all: ± is over training seeds alone.",
    }
    notes = [Note("subsets", text, text) for rule, text in texts.items() if rule in rules]
    full = [row for row in rows if row.rule == "full" and row.folds is None]
    if full:
        notes.append(
            Note(
                "full set",
                "At the full set every subset is the same: ± is over training seeds alone, and a readout without "
                "randomness has n = 1† and no ±; its one result is compared with every run of the baseline.",
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
    looked = {row.contender for row in rows if row.transductive}
    if looked:
        text = f"Transductive readouts looked at the scored {its}, without labels, before they predicted them"
        own = "they have tables of their own, but count in Holm's correction"
        beside = (
            f"{baseline}, the baseline, is one of them, and those that did not look are compared with it"
            if baseline in looked
            else f"their Δ, p and worth are against {baseline}, which did not look"
        )
        notes.append(Note("transductive", f"{text}: {own}; {beside}.", f"{text}."))
    return [*notes, *_folds(rows)]


def _chosen_on(rows: Sequence[Row]) -> str:
    chosen_on = {row.chosen_on for row in rows if row.chosen_on is not None}
    names = {row.encoder_hash: row.representation for row in rows if row.encoder_hash is not None}
    return join(sorted(names.get(each) or each[:12] for each in chosen_on)) if chosen_on else ""


def _folds(rows: Sequence[Row]) -> list[Note]:
    folds = rows[0].folds
    if folds is None:
        return []
    its = f"{rows[0].noun}s"
    text = (
        f"Scored in {folds} stratified folds: each seed divides the labelled {its} anew, each fold is predicted from "
        f"labels of the other folds (and from the {its} outside it, without labels), and the error is that of all "
        f"folds together. Divisions share their {its}, so their ± is about other divisions and subsets of these "
        f"{its}, not about other {its}."
    )
    return [Note("folds", text, f"No test {its}: labelled {its} are scored in {folds} folds, each by the others.")]
