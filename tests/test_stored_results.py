"""What the documents report is what the package does today: same settings, same encoders, settings rightly chosen."""

import csv
import json
import statistics
from collections import defaultdict
from pathlib import Path

import pytest

from ssl_irmae.encoders import weights_hash
from ssl_irmae.protocols.contenders import CONTENDERS, DEFAULT, FAMILIES

RESULTS = Path(__file__).parent.parent / "docs" / "results"


FAMILY = {name: family for family, names in FAMILIES.items() for name in names}
NOTHING_TO_CHOOSE = {"centroid", "poisson", "propagate-prior", "scratch-propagate-prior"}


def test_settings_were_chosen_with_the_encoders_that_ship() -> None:
    with (RESULTS / "settings" / "rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    for method in ("irmae", "ae", "vae"):
        used = {row["encoder_hash"] for row in rows if row["candidate"].startswith(f"{method}-")}
        assert used == {weights_hash(f"mnist-{method}")}


def test_the_settings_in_force_won_on_the_development_images() -> None:
    errors: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    contenders = set()
    with (RESULTS / "settings" / "rows.csv").open() as file:
        for row in csv.DictReader(file):
            contender, _, settings = row["candidate"].partition(" ")
            errors[FAMILY[contender]][settings].append(float(row["error"]))
            contenders.add(contender)
    inductive = {name for name, c in CONTENDERS.items() if not c.transductive}
    assert contenders == {name for name in inductive if FAMILY[name] not in NOTHING_TO_CHOOSE}
    for family, candidates in errors.items():
        assert len(candidates) == 4, f"{family}: every family gets the same number of candidates"
        assert len({len(values) for values in candidates.values()}) == 1
        winner = min(candidates, key=lambda settings: statistics.mean(candidates[settings]))
        chosen = dict(setting.split("=") for setting in winner.split())
        for name in FAMILIES[family]:
            in_force = CONTENDERS[name].settings
            assert {key: float(value) for key, value in chosen.items()} == {key: in_force[key] for key in chosen}, name


@pytest.mark.parametrize("name", [name for name in CONTENDERS if name.endswith("-propagate-prior")])
def test_propagation_with_a_prior_has_the_settings_of_that_without_and_of_the_readout_with(name: str) -> None:
    without, prior = CONTENDERS[name.removesuffix("-prior")].settings, CONTENDERS["irmae-poisson-prior"].settings
    assert CONTENDERS[name].settings == {**without, **prior}


@pytest.mark.parametrize("name", [name for name, c in CONTENDERS.items() if c.transductive])
def test_transductive_readouts_have_the_settings_of_the_inductive_ones(name: str) -> None:
    assert CONTENDERS[name].settings == CONTENDERS[name.removesuffix("-transductive")].settings


def test_the_stored_table_is_of_these_contenders_and_encoders() -> None:
    rows = json.loads((RESULTS / "mnist-100-labels" / "evaluate.json").read_text())["rows"]
    assert {row["contender"] for row in rows} == set(DEFAULT)
    for row in rows:
        contender = CONTENDERS[row["contender"]]
        assert row["settings"] == contender.settings
        if contender.encoder:
            assert row["encoder_hash"] == weights_hash(f"mnist-{contender.encoder}")


@pytest.mark.parametrize("seed", range(10))
def test_stored_rows_share_their_subset(seed: int) -> None:
    rows = json.loads((RESULTS / "mnist-100-labels" / "evaluate.json").read_text())["rows"]
    here = [row for row in rows if row["seed"] == seed]
    assert len(here) == len(DEFAULT)
    assert len({row["subset"] for row in here}) == 1
