"""What the documents report is what the package does today: same settings, same encoders, settings rightly chosen."""

import csv
import json
import math
import statistics
from collections import defaultdict
from pathlib import Path

import pytest

from ssl_irmae.encoders.encoder import weights_hash
from ssl_irmae.protocols.contenders.registry import CONTENDERS, DEFAULT, FAMILIES, with_steps
from ssl_irmae.protocols.presets import find_preset

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
GRIDS = {"mnist-full": RESULTS / "mnist-label-budgets", "mnist-quick": RESULTS / "mnist-quick"}


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


def grid_rows(preset: str) -> list[dict[str, str]]:
    with (GRIDS[preset] / "rows.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def planned_steps(name: str, steps: int | None) -> int | None:
    contender = with_steps(CONTENDERS[name], steps)
    return int(contender.settings["steps"]) if contender.reads == "images" else None


def steps_of(row: dict[str, str]) -> int:
    return int(json.loads(row["settings"])["steps"])


@pytest.mark.parametrize("preset", GRIDS)
def test_a_stored_grid_holds_every_trial_of_its_preset_and_no_other(preset: str) -> None:
    planned = {
        (name, budget or 60_000, seed, planned_steps(name, part.steps))
        for part in find_preset(preset).parts
        for name in part.contenders
        for budget in part.budgets
        for seed in part.seeds
        # there every subset is the same: what makes no random choice is run once
        if budget is not None or seed == 0 or not CONTENDERS[name].deterministic_at_full_set
    }
    stored = [
        (row["contender"], int(row["budget"]), int(row["seed"]), steps_of(row) if row["reads"] == "images" else None)
        for row in grid_rows(preset)
    ]
    assert len(stored) == len(planned)
    assert set(stored) == planned


@pytest.mark.parametrize("preset", GRIDS)
def test_a_stored_grid_is_of_these_settings_and_encoders(preset: str) -> None:
    for row in grid_rows(preset):
        contender = CONTENDERS[row["contender"]]
        told = {"steps": steps_of(row)} if row["reads"] == "images" else {}
        assert json.loads(row["settings"]) == {**contender.settings, **told}
        if contender.encoder in ("irmae", "ae", "vae"):
            assert row["encoder_hash"] == weights_hash(f"mnist-{contender.encoder}")


@pytest.mark.parametrize("preset", GRIDS)
def test_contenders_of_a_stored_grid_share_their_subsets(preset: str) -> None:
    subsets: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in grid_rows(preset):
        subsets[row["budget"], row["seed"]].add(row["subset"])
    assert all(len(here) == 1 for here in subsets.values())


def test_the_readme_tells_mean_and_standard_error_of_the_grid_rows() -> None:
    errors: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in grid_rows("mnist-full"):
        errors[row["contender"], f"{int(row['budget']):,}"].append(float(row["error"]))
    block = (ROOT / "README.md").read_text().split("<!-- grid: begin -->\n")[1].split("\n\n")[0]
    head, _, *lines = ([cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines())
    budgets = [cell.split()[0] for cell in head[2:]]
    told = 0
    for contender, _, *cells in lines:
        for budget, cell in zip(budgets, cells, strict=True):
            here = errors.get((contender.strip("`"), budget), [])
            if not here:
                assert not cell
                continue
            told += 1
            values, _, n = cell.replace("*", "").rpartition(" ")
            assert n == f"({len(here)}{'†' if len(here) < 6 else ''})"
            of_rows = [statistics.mean(here)]
            of_rows += [statistics.stdev(here) / math.sqrt(len(here))] if len(here) > 1 else []
            # two decimals; a mean of hundredths may lie in the middle of two of them
            assert [float(value) for value in values.split("±")] == pytest.approx(of_rows, abs=0.005 + 1e-9, rel=0)
    assert told > len(lines)
