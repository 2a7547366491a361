"""What the documents report is what the package does today: same settings, same encoders, settings rightly chosen."""

import csv
import json
import statistics
from collections import defaultdict
from pathlib import Path

import pytest

from ssl_irmae.encoders import weights_hash
from ssl_irmae.protocols.contenders import CONTENDERS

RESULTS = Path(__file__).parent.parent / "docs" / "results"


def test_the_settings_in_force_won_on_the_development_images() -> None:
    errors: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with (RESULTS / "settings" / "rows.csv").open() as file:
        for row in csv.DictReader(file):
            contender, _, settings = row["candidate"].partition(" ")
            errors[contender][settings].append(float(row["error"]))
    assert errors.keys() == CONTENDERS.keys()
    for contender, candidates in errors.items():
        assert len(candidates) == 4, f"{contender}: every contender gets the same number of candidates"
        assert len({len(values) for values in candidates.values()}) == 1
        winner = min(candidates, key=lambda settings: statistics.mean(candidates[settings]))
        chosen = dict(setting.split("=") for setting in winner.split())
        in_force = CONTENDERS[contender].settings
        assert {name: float(value) for name, value in chosen.items()} == {name: in_force[name] for name in chosen}


def test_the_stored_table_is_of_these_contenders_and_encoders() -> None:
    rows = json.loads((RESULTS / "mnist-100-labels" / "evaluate.json").read_text())["rows"]
    assert {row["contender"] for row in rows} == CONTENDERS.keys()
    for row in rows:
        contender = CONTENDERS[row["contender"]]
        assert row["settings"] == contender.settings
        if contender.encoder:
            assert row["encoder_hash"] == weights_hash(f"mnist-{contender.encoder}")


@pytest.mark.parametrize("seed", range(10))
def test_stored_rows_share_their_subset(seed: int) -> None:
    rows = json.loads((RESULTS / "mnist-100-labels" / "evaluate.json").read_text())["rows"]
    here = [row for row in rows if row["seed"] == seed]
    assert len(here) == len(CONTENDERS)
    assert len({row["subset"] for row in here}) == 1
