"""Who saw what, and when: statements of fact about a set of results, which checks do not judge."""

import hashlib
from collections.abc import Sequence

from ssl_irmae.plugins.registered import IN_WORDS
from ssl_irmae.protocols.report.note import Note, join
from ssl_irmae.protocols.statistics.folds import pool_folds
from ssl_irmae.protocols.storage.rows import FinishedTrial, Row


def provenance_notes(trials: Sequence[FinishedTrial]) -> list[Note]:
    """State, from the rows alone, which data chose what, what was read when, and how subsets were drawn.

    Args:
        trials: Every trial of one protocol, as the store has it.

    Returns:
        One statement per note.
    """
    rows = [trial.row for trial in trials]
    first = pool_folds(rows)[0]
    its = f"{first.noun}s"
    of_fold = "" if first.folds is None else ", those of a fold in the trials that were scored on it"
    statements = [
        f"Learners were given the labelled {its} of their subset, unlabelled training {its} and a seed. The labels "
        f"of the {first.n_scored:,} scored {its} (fingerprint {first.scored_fingerprint[:12]}) were with the scorer "
        f"alone{of_fold}, which read them after each trial had made its predictions{_when(trials)}. Earlier looks at "
        "them, in runs that are not among these, cannot be seen from here.",
        _settings(rows),
        _encoders(rows),
        *_given_codes(rows),
        *_plugins(rows),
        _subsets(rows),
    ]
    transductive = sorted({row.contender for row in rows if row.transductive})
    if transductive:
        statements.append(
            f"Transductive, looked at the scored {its} without their labels: {', '.join(transductive)}. All others "
            f"predicted each scored {first.noun} by itself."
        )
    versions = sorted({f"{row.computed_with}, {row.precision}, {row.device}" for row in rows})
    statements.append(f"Computed with {'; '.join(versions)}.")
    return [Note("provenance", statement) for statement in statements]


def _when(trials: Sequence[FinishedTrial]) -> str:
    finished = sorted(trial.finished for trial in trials if trial.finished)
    if not finished:
        return ", at times that were not recorded here"
    unknown = len(trials) - len(finished)
    text = f"; for the trials here first at {finished[0]}, last at {finished[-1]}"
    return text + (f" ({unknown:,} at times that were not recorded)" if unknown else "")


def _settings(rows: Sequence[Row]) -> str:
    sources = {row.settings_from for row in rows}
    parts = []
    if "published script" in sources:
        parts.append("those of the public reference script")
    if "development images" in sources:
        parts.append(
            "those in the code, chosen on held-out MNIST training images or set by hand before (docs/results/settings "
            "says which, and what had been seen by then)"
        )
    if "plug-in" in sources:
        authors = dict.fromkeys(author for row in rows if (author := row.settings_author))
        parts.append(f"those of the author of a plug-in ({join(list(authors))}), which were not tuned here")
    text = f"Settings were fixed beforehand: {join(parts)}"
    given = dict.fromkeys(f"{name} {row.settings.get(name, '')}".strip() for row in rows for name in row.given)
    if given:
        text += f"; given with the command instead: {', '.join(given).replace('_', ' ')}"
    validated = dict.fromkeys(name for row in rows for name in row.cross_validated)
    if validated:
        text += (
            f"; {', '.join(validated)} by cross-validation inside the labelled subset where each class has five or "
            "more labels there"
        )
    return f"{text}."


def _encoders(rows: Sequence[Row]) -> str:
    used = {
        (
            row.representation or "",
            row.pretrain_seed if row.pretrain_seed is not None else -1,
            "; ".join(
                filter(None, (row.encoder_hash[:12], row.pretraining.in_words(row.noun) if row.pretraining else ""))
            ),
        )
        for row in rows
        if row.encoder_hash is not None and row.codes_from is None
    }
    if not used:
        return "No pretrained encoder took part."
    names = ", ".join(f"{name} ({facts})" for name, _, facts in sorted(used))
    return f"Pretrained encoders, whose cards say on which {rows[0].noun}s and how: {names}."


def _given_codes(rows: Sequence[Row]) -> list[str]:
    used = {
        (row.representation or "", row.encoder_hash or "", row.codes_from) for row in rows if row.codes_from is not None
    }
    if not used:
        return []
    names = ", ".join(f"{name} ({hash_[:12]}, from {codes_from})" for name, hash_, codes_from in sorted(used))
    return [
        f"Codes that were not made here, identified by their numbers alone: {names}. Which {rows[0].noun}s and "
        "labels they have seen, those that are scored here among them, is not known."
    ]


def _plugins(rows: Sequence[Row]) -> list[str]:
    used = list(dict.fromkeys(plugin for row in rows for plugin in row.plugins))
    if not used:
        return []
    names = ", ".join(
        f"{IN_WORDS[p.kind]} {p.name} ({p.origin}, source {p.source[:12]}"
        f"{f', without {join(p.unseen)}, which its hash does not cover' if p.unseen else ''})"
        for p in used
    )
    return [f"From outside the package, by plug-ins whose code identifies these trials: {names}."]


def _subsets(rows: Sequence[Row]) -> str:
    drawn = sorted({(row.budget, row.seed, row.subset) for row in rows})
    together = hashlib.sha256("".join(subset for _, _, subset in drawn).encode()).hexdigest()
    rules = ", ".join(sorted({row.rule for row in rows}))
    rules += "".join(f" (chosen on {on[:12]})" for on in sorted({row.chosen_on or "" for row in rows} - {""}))
    return (
        f"Labelled subsets: rule {rules}, a pure function of the training data ({rows[0].data_fingerprint[:12]}), "
        f"budget and seed; the same for all contenders; {len({s for *_, s in drawn})} in all, together {together[:12]}."
    )
