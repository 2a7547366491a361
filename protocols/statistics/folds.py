"""One row out of the folds of a seed: each image was scored once, so the errors are pooled."""

import hashlib
from collections.abc import Iterable, Sequence

from ssl_irmae.protocols.storage.rows import Row


def pool_folds(rows: Iterable[Row]) -> list[Row]:
    """Pool the folds of every contender, budget and seed: the error is that of all their scored images together.

    A seed of which a fold is missing is left out. Rows that are not of folds stay as they are.
    """
    pooled: list[Row] = []
    groups: dict[tuple[str, int, int, int | None], dict[int, Row]] = {}
    for row in rows:
        if row.fold is None:
            pooled.append(row)
        else:
            group = (row.contender, row.budget, row.seed, row.pretrain_seed)
            groups.setdefault(group, {})[row.fold] = row
    complete = (folds for folds in groups.values() if len(folds) == next(iter(folds.values())).folds)
    return [*pooled, *(_pooled([folds[number] for number in sorted(folds)]) for folds in complete)]


def _pooled(folds: Sequence[Row]) -> Row:
    wrong, n = sum(_count(row.error, row.n_scored) for row in folds), sum(row.n_scored for row in folds)
    known = {row.classes_predicted for row in folds}
    together = hashlib.sha256("".join(row.predictions for row in folds).encode()).hexdigest()
    return folds[0].model_copy(
        update={
            "fold": None,
            "error": 100 * wrong / n,
            "n_scored": n,
            "predictions": together,
            "classes_predicted": max(c for c in known if c is not None) if None not in known else None,
            "trouble": _trouble(folds),
            **_classes(folds),
        }
    )


def _trouble(folds: Sequence[Row]) -> tuple[str, ...] | None:
    if any(row.trouble is None for row in folds):
        return None
    return tuple(dict.fromkeys(each for row in folds for each in row.trouble or ()))


def _classes(folds: Sequence[Row]) -> dict[str, object]:
    # what another program wrote may name in each fold only the classes that are scored there
    names = list(dict.fromkeys(name for row in folds for name in row.scored_classes or {}))
    scored = {name: sum((row.scored_classes or {}).get(name, 0) for row in folds) for name in names}
    n = sum(scored.values())
    if not n or any(row.scored_classes is None for row in folds):
        return dict.fromkeys(("scored_classes", "class_errors", "balanced_error", "constant_error"))
    wrong = dict.fromkeys(names, 0)
    for row in folds:
        for (name, count), error in zip((row.scored_classes or {}).items(), row.class_errors or (), strict=True):
            wrong[name] += 0 if error is None else _count(error, count)
    errors = [100 * wrong[name] / scored[name] if scored[name] else None for name in names]
    present = [error for error in errors if error is not None]
    return {
        "scored_classes": scored,
        "class_errors": tuple(errors),
        "balanced_error": sum(present) / len(present),
        "constant_error": 100 * (n - max(scored.values())) / n,
    }


def _count(percent: float, n: int) -> int:
    return round(percent * n / 100)
