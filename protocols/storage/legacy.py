"""Read rows from before version 0.1, which describe software and pretraining in words: turn the words into fields."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from ssl_irmae.protocols.storage.rows import Row

_REGRESSION = ("torch", "numpy", "scipy", "scikit-learn")
_GRAPH = ("torch", "numpy", "scipy")

_IN_WORDS = {"missing": "missing", "extra_forbidden": "not known"}


class _Facts(NamedTuple):
    family: str
    deterministic_at_full_set: bool
    software: tuple[str, ...]


# the facts of those rows; they stay as they are, whatever the registry of contenders holds today
_READOUTS = {
    "linear_probe": _Facts("linear", True, _REGRESSION),
    "mlp_head": _Facts("mlp", False, ("torch",)),
    "knn": _Facts("neighbours", True, ("torch", "numpy", "pytorch-metric-learning")),
    "centroid": _Facts("neighbours", True, ("torch", "pytorch-metric-learning")),
    "metric": _Facts("neighbours", False, ("torch", "numpy", "pytorch-metric-learning")),
    "self_training": _Facts("linear", True, _REGRESSION),
    "spread": _Facts("graph", True, _GRAPH),
    "poisson": _Facts("graph", True, _GRAPH),
    "poisson_prior": _Facts("graph", True, _GRAPH),
    "spread_transductive": _Facts("graph", True, _GRAPH),
    "poisson_transductive": _Facts("graph", True, _GRAPH),
    "poisson_prior_transductive": _Facts("graph", True, _GRAPH),
    "finetune": _Facts("network, labels only", False, ("torch",)),
    "joint": _Facts("network, reconstruction", False, ("torch",)),
    "consistency": _Facts("network, pseudo-labels", False, ("torch",)),
    "propagate": _Facts("network, pseudo-labels", False, _GRAPH),
    "propagate_prior": _Facts("network, pseudo-labels", False, _GRAPH),
    "supervised": _Facts("network, labels only", False, ("torch",)),
    "vib": _Facts("network, bottleneck", False, ("torch",)),
    "reference_head": _Facts("mlp", False, ("torch",)),
    "last_look": _Facts("mlp", False, ("torch",)),
}
# of the user's own readouts nothing is known: as for contenders that do not say, and every package counts
_UNKNOWN = _Facts("other", False, ("torch", "numpy", "scipy", "scikit-learn", "pytorch-metric-learning"))
_SCRIPT = ("reference_head", "last_look")
_RENAMED = {"-best-of-50-looks": "-published-best", "-last-look": "-published-last"}
_PRETRAINING = re.compile(
    r"(?P<method>\w+)(?: of depth (?P<depth>\d+))?, (?P<steps>[\d,]+) steps of (?P<batch_size>\d+) images, "
    r"learning rate (?P<learning_rate>[\d.e-]+), (?P<precision>\w+)"
)
_OTHER_DATA = re.compile(r"its card (?:names other data \((?P<fingerprint>\w+)\)|does not name its data)")


def read_row(values: Mapping[str, Any]) -> Row:
    """Read a row of this version, or an older one, whose missing facts are filled in.

    Raises:
        ValueError: If it is not a row; it says why in a few words.
    """
    try:
        row = Row.model_validate(_completed(values) if "computed_with" in values else values)
    except ValidationError as error:
        first = error.errors()[0]
        what = _IN_WORDS.get(first["type"], first["msg"])
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {what}") from error
    except KeyError as error:
        raise ValueError(f"{error.args[0]}: missing") from error
    except (AttributeError, TypeError) as error:
        raise ValueError(f"it is no row, and none of an earlier version: {error}") from error
    _check_parts(row)
    return row


def _check_parts(row: Row) -> None:
    """Check what fields must have in common."""
    if (row.fold is None) != (row.folds is None) or not 0 <= (row.fold or 0) < (row.folds or 1):
        raise ValueError(f"fold: {row.fold} is not one of {row.folds} folds, counted from 0")
    classes, errors = row.scored_classes or {}, row.class_errors or ()
    if len(classes) != len(errors) and (row.class_errors is not None or row.fold is not None):
        raise ValueError(f"class_errors: {len(errors)} for {len(classes)} classes")


def _completed(values: Mapping[str, Any]) -> dict[str, Any]:
    row = dict(values)
    facts = _READOUTS.get(row["readout"], _UNKNOWN)
    software, threads = _software(row.pop("computed_with"))
    representation, encoder_hash = row.pop("encoder"), row["encoder_hash"]
    counting = set(facts.software)
    if representation == "pca":
        counting |= set(_REGRESSION)
    settings = row["settings"]
    given = ["steps"] if row["reads"] == "images" and settings.get("steps") != 100 else []
    if "metric_loss" in settings:
        counting.add("pytorch-metric-learning")
        given.append("metric_loss")
    for old, new in _RENAMED.items():
        row["contender"] = row["contender"].replace(old, new)
    row |= {
        "settings_from": "published script" if row["readout"] in _SCRIPT else "development images",
        "given": given,
        "cross_validated": ["C"] if row["readout"] == "linear_probe" else [],
        "family": facts.family,
        "deterministic_at_full_set": facts.deterministic_at_full_set,
        "test_peeks": row.pop("looks", 1),
        "representation": representation,
        # a representation without weights had its name in the place of the hash
        "encoder_hash": None if encoder_hash == representation else encoder_hash,
        "pretraining": _pretraining(row.get("pretraining")),
        # readouts of frozen codes compute in single precision, whatever was asked for
        "precision": row["precision"] if row["reads"] == "images" else "fp32",
        "threads": threads,
        "software": {name: version for name, version in software.items() if name in counting},
    }
    return row


def _software(computed_with: str) -> tuple[dict[str, str], int]:
    *packages, threads = computed_with.split(", ")
    try:
        return dict(package.rsplit(" ", 1) for package in packages), int(threads.removesuffix(" threads"))
    except ValueError as error:
        raise ValueError(f"computed_with: {computed_with!r} does not list versions and threads") from error


def _pretraining(words: str | None) -> dict[str, Any] | None:
    if not words:
        return None
    found, other = _PRETRAINING.match(words), _OTHER_DATA.search(words)
    facts: dict[str, Any] = {"method": "unknown"} if found is None else found.groupdict()
    if found is not None:
        facts["steps"] = int(facts["steps"].replace(",", ""))
    return {**facts, "other_data": None if other is None else other["fingerprint"] or ""}
