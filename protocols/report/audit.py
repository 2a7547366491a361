"""The leak audit: for a set of results, who saw what, and when."""

import hashlib
from collections.abc import Mapping, Sequence

from ssl_irmae.protocols.contenders.registry import CONTENDERS, REFERENCE_PROTOCOL
from ssl_irmae.protocols.storage.rows import Kept, Row


def leak_audit(kept: Sequence[Kept]) -> list[str]:
    """State, from the rows alone, which data chose what, what was read when, and how subsets were drawn.

    Args:
        kept: Every trial of one protocol, as the store has it.

    Returns:
        One statement an entry.
    """
    rows = [k.row for k in kept]
    first = rows[0]
    finished = sorted(k.finished for k in kept if k.finished)
    unknown = len(kept) - len(finished)
    when = ", at times not kept here"
    if finished:
        when = f"; for the trials here first at {finished[0]}, last at {finished[-1]}"
        when += f" ({unknown:,} at times not kept)" if unknown else ""
    leaky = sorted({row.contender for row in rows if row.looks > 1})
    lines = [
        *(
            [
                f"LEAKY: {', '.join(leaky)} report the best of several looks at the {first.scored_on} labels, as the "
                "public reference script does. They are shown for comparison and are no estimate of anything."
            ]
            if leaky
            else []
        ),
        f"Learners were given labelled images of their subset, unlabelled training images and a seed. Labels of the "
        f"{first.n_scored:,} scored images (fingerprint {first.scored_fingerprint[:12]}) lay with the scorer alone, "
        f"which read them after each trial's predictions were made{when}. Earlier looks at them, in runs that are not "
        "among these, cannot be seen from here.",
        "Settings were fixed before: "
        + " and ".join(_about_settings(rows))
        + _about_other_settings(rows)
        + (
            "; C of logistic regression by cross-validation inside the labelled subset where each class has five or "
            "more labels there."
            if any(row.readout == "linear_probe" for row in rows)
            else "."
        ),
        _about_encoders(rows),
        _about_subsets(rows),
    ]
    transductive = sorted({row.contender for row in rows if row.transductive})
    if transductive:
        lines.append(
            f"Transductive, looked at the scored images without their labels: {', '.join(transductive)}. All others "
            "predicted each scored image by itself."
        )
    versions = sorted({f"{row.computed_with}, {row.precision}, {row.device}" for row in rows})
    lines.append(f"Computed with {'; '.join(versions)}.")
    return lines


def _about_settings(rows: Sequence[Row]) -> list[str]:
    scripts = {c.readout.__name__ for c in REFERENCE_PROTOCOL.values()}
    lines = []
    if any(row.readout in scripts for row in rows):
        lines.append("those of the public reference script")
    if any(row.readout not in scripts for row in rows):
        lines.append(
            "those in the code, chosen on held-out MNIST training images or set by hand before (docs/results/settings "
            "tells which, and what had been seen by then), for other data sets not chosen at all"
        )
    return lines


def _about_other_settings(rows: Sequence[Row]) -> str:
    """Name the settings that the command gave and that the code does not hold for that readout."""
    known: dict[str, list[Mapping[str, object]]] = {}
    for contender in CONTENDERS.values():
        known.setdefault(contender.readout.__name__, []).append(contender.settings)
    other: dict[str, None] = {}
    for row in rows:
        if row.readout in known and row.settings not in known[row.readout]:
            nearest = min(known[row.readout], key=lambda s: len(row.settings.items() ^ s.items()))
            other |= dict.fromkeys(f"{k} {row.settings[k]}" for k in row.settings if row.settings[k] != nearest.get(k))
    return f"; given with the command instead: {', '.join(other).replace('_', ' ')}" if other else ""


def _about_encoders(rows: Sequence[Row]) -> str:
    used = {
        (
            row.encoder,
            row.pretrain_seed if row.pretrain_seed is not None else -1,
            "; ".join(filter(None, ((row.encoder_hash or "")[:12], row.pretraining))),
        )
        for row in rows
        if row.encoder and row.encoder_hash != row.encoder
    }
    if not used:
        return "No pretrained encoder took part."
    names = ", ".join(f"{name} ({value})" for name, _, value in sorted(used))
    return f"Pretrained encoders, whose cards say on which images and how: {names}."


def _about_subsets(rows: Sequence[Row]) -> str:
    drawn = sorted({(row.budget, row.seed, row.subset) for row in rows})
    together = hashlib.sha256("".join(subset for _, _, subset in drawn).encode()).hexdigest()
    rules = ", ".join(sorted({row.rule for row in rows}))
    return (
        f"Labelled subsets: rule {rules}, a pure function of the training data ({rows[0].data_fingerprint[:12]}), "
        f"budget and seed; the same for all contenders; {len({s for *_, s in drawn})} in all, together {together[:12]}."
    )
