"""What the documents report is what the package does today: same settings, same encoders, settings rightly chosen."""

import csv
import itertools
import json
import math
import statistics
from collections import defaultdict
from pathlib import Path

import pytest

from docs.coverage import t_coverage, worth_coverage
from docs.grids import GRIDS, METHODS
from ssl_irmae.encoders.encoder import weights_hash
from ssl_irmae.protocols.contenders.candidates import CANDIDATES
from ssl_irmae.protocols.contenders.registry import CONTENDERS, DEFAULT, SETTING_GROUPS
from ssl_irmae.protocols.evaluation import read_results
from ssl_irmae.protocols.presets import find_preset
from ssl_irmae.protocols.representations.floors import FLOORS
from ssl_irmae.protocols.statistics.coverage import MEASURED, MEASURED_WORTH
from ssl_irmae.protocols.storage.files import read_trials
from ssl_irmae.protocols.storage.rows import Row

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
FIRST = RESULTS / "mnist-100-labels" / "evaluate.json"

GROUP = {name: group for group, names in SETTING_GROUPS.items() for name in names}
NOTHING_TO_CHOOSE = {"centroid", "poisson", "propagate-prior", "scratch-propagate-prior"}


def settings_rows() -> list[dict[str, str]]:
    with (RESULTS / "settings" / "rows.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_settings_were_chosen_with_the_encoders_that_ship() -> None:
    for method in ("irmae", "ae", "vae"):
        names = {name for name, c in CONTENDERS.items() if c.representation == method}
        used = {row["encoder_hash"] for row in settings_rows() if row["contender"] in names}
        assert used == {weights_hash(f"mnist-{method}")}


def test_the_settings_in_force_won_on_the_development_images() -> None:
    errors: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in settings_rows():
        errors[GROUP[row["contender"]]][row["tried"]].append(float(row["error"]))
    inductive = {name for name, c in CONTENDERS.items() if not c.transductive}
    tried = {row["contender"] for row in settings_rows()}
    assert tried == {name for name in inductive & GROUP.keys() if GROUP[name] not in NOTHING_TO_CHOOSE}
    for group, candidates in errors.items():
        assert len(candidates) == 4, f"{group}: every group gets the same number of candidates"
        assert len({len(values) for values in candidates.values()}) == 1
        winner = min(candidates, key=lambda settings: statistics.mean(candidates[settings]))
        chosen = json.loads(winner)
        for name in SETTING_GROUPS[group]:
            in_force = CONTENDERS[name].settings
            assert chosen == {setting: in_force[setting] for setting in chosen}, name


def test_what_is_said_to_have_been_searched_was() -> None:
    tried: dict[str, set[frozenset[tuple[str, float]]]] = defaultdict(set)
    for row in settings_rows():
        tried[GROUP[row["contender"]]].add(frozenset(json.loads(row["tried"]).items()))
    assert tried == {
        group: {frozenset(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())}
        for group, grid in CANDIDATES.items()
    }


def test_the_penalty_in_force_for_very_few_labels_has_the_lowest_regret_on_the_development_images() -> None:
    with (RESULTS / "settings" / "few_label_penalty.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    candidates = list(rows[0])[5:]
    combinations: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        combinations[row["dataset"], row["representation"], row["rule"], row["labels"]].append(row)
    regrets: dict[str, list[float]] = defaultdict(list)
    for trials in combinations.values():
        means = {c: statistics.mean(float(row[c]) for row in trials) for c in candidates}
        for candidate, mean in means.items():
            regrets[candidate].append((mean + 0.5) / (min(means.values()) + 0.5))
    winner = min(regrets, key=lambda candidate: statistics.mean(regrets[candidate]))
    assert winner == f"weighted, C={CONTENDERS['irmae-linear'].settings['C']} per label of a class"


def test_the_start_in_force_of_supervised_irmae_did_not_collapse_on_the_development_images() -> None:
    with (RESULTS / "settings" / "supervised_irmae.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    settings = CONTENDERS["supervised-irmae"].settings
    in_force = {"learning_rate": settings["learning_rate"], "init_scale": settings["init_scale"]}
    mine = [r for r in rows if {name: float(r[name]) for name in in_force} == pytest.approx(in_force, rel=1e-3)]
    collapsed = {row["arm"] for row in rows if row["classes_predicted"] == "1"}
    assert collapsed == {"as before"}
    assert {row["arm"] for row in mine} == {"variance 1/d"}
    assert len(mine) >= 60


@pytest.mark.parametrize("name", [name for name in CONTENDERS if name.endswith("-propagate-prior")])
def test_propagation_with_a_prior_has_the_settings_of_both_its_parts(name: str) -> None:
    graph = "fused" if name.startswith("fused") else "irmae"
    without, prior = CONTENDERS[name.removesuffix("-prior")].settings, CONTENDERS[f"{graph}-poisson-prior"].settings
    assert CONTENDERS[name].settings == {**without, **prior}


@pytest.mark.parametrize("name", [name for name, c in CONTENDERS.items() if c.transductive])
def test_transductive_readouts_have_the_settings_of_the_inductive_ones(name: str) -> None:
    assert CONTENDERS[name].settings == CONTENDERS[name.removesuffix("-transductive")].settings


def test_the_stored_table_is_of_these_contenders_and_encoders() -> None:
    rows = [trial.row for trial in read_trials(FIRST)]
    assert {row.contender for row in rows} == set(DEFAULT)
    for row in rows:
        contender = CONTENDERS[row.contender]
        assert row.settings == contender.settings
        if contender.representation and contender.representation not in FLOORS:
            assert row.encoder_hash == weights_hash(f"mnist-{contender.representation}")


def test_the_contenders_of_the_stored_table_share_their_subsets() -> None:
    rows = [trial.row for trial in read_trials(FIRST)]
    for seed in range(10):
        of_seed = [row for row in rows if row.seed == seed]
        assert len(of_seed) == len(DEFAULT)
        assert len({row.subset for row in of_seed}) == 1


@pytest.fixture(scope="module", params=GRIDS)
def preset(request: pytest.FixtureRequest) -> str:
    """The name of a preset whose trials are stored."""
    name: str = request.param
    if not GRIDS[name].path.exists():
        pytest.skip("not run yet")
    return name


@pytest.fixture(scope="module")
def grid(preset: str) -> tuple[str, list[Row]]:
    """The name of a preset and its stored rows."""
    return preset, [trial.row for trial in read_trials(GRIDS[preset].path)]


def test_a_stored_grid_holds_every_trial_of_its_preset_and_no_other(grid: tuple[str, list[Row]]) -> None:
    preset, rows = grid
    planned: set[tuple[str, int, int, object]] = set()
    for part in find_preset(preset).parts:
        for name in part.contenders:
            contender = CONTENDERS[name].with_steps(part.steps)
            steps = None if contender.frozen else contender.settings["steps"]
            for budget in part.budgets:
                # there every subset is the same: what makes no random choice is run once
                once = budget is None and contender.deterministic_at_full_set
                assert budget is None or isinstance(budget, int)
                planned |= {(name, budget or 60_000, seed, steps) for seed in (part.seeds[:1] if once else part.seeds)}
    stored = [(r.contender, r.budget, r.seed, r.settings["steps"] if r.reads == "images" else None) for r in rows]
    assert len(stored) == len(set(stored))
    assert set(stored) == planned


def test_a_stored_grid_is_of_these_settings_facts_and_encoders(grid: tuple[str, list[Row]]) -> None:
    for row in grid[1]:
        contender = CONTENDERS[row.contender]
        steps = {"steps": row.settings["steps"]} if row.reads == "images" else {}
        assert row.settings == {**contender.settings, **steps}
        assert (row.readout, row.reads, row.family) == (contender.readout, contender.reads, contender.family)
        assert row.deterministic_at_full_set == contender.deterministic_at_full_set
        assert set(contender.software) <= row.software.keys()
        if contender.representation in METHODS:
            assert row.encoder_hash == weights_hash(f"{row.dataset}-{contender.representation}")


def test_contenders_of_a_stored_grid_share_their_subsets(grid: tuple[str, list[Row]]) -> None:
    subsets: dict[tuple[int, int], set[str]] = defaultdict(set)
    for row in grid[1]:
        subsets[row.budget, row.seed].add(row.subset)
    assert all(len(of_seed) == 1 for of_seed in subsets.values())


def test_stored_statistics_follow_from_the_stored_rows(preset: str) -> None:
    report = read_results(GRIDS[preset].path, preset=preset)
    with GRIDS[preset].path.with_name("summary.csv").open(newline="") as file:
        stored = list(csv.DictReader(file))
    assert len(stored) == len(report.summaries)
    for line, s in zip(stored, report.summaries, strict=True):
        assert (line["contender"], int(line["budget"]), int(line["n"])) == (s.contender, s.budget, s.n)
        d = s.difference
        values = {"mean": s.mean, "standard_error": s.standard_error, "low": s.low, "high": s.high}
        if d is not None:
            values |= {"difference_mean": d.mean, "difference_low": d.low, "difference_high": d.high}
            values |= {"difference_p": d.p, "difference_p_holm": d.p_holm}
        for name, value in values.items():
            # another processor may add up in another order
            assert (float(line[name]) if line[name] else None) == (None if value is None else pytest.approx(value)), (
                name
            )


def test_the_grid_page_gives_mean_and_standard_error_of_its_rows(grid: tuple[str, list[Row]]) -> None:
    preset, rows = grid
    path = GRIDS[preset].path.with_name("README.md")
    if not path.exists():
        pytest.skip("no page")
    errors: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in rows:
        errors[row.contender, f"{row.budget:,}"].append(row.error)
    block = path.read_text().split("<!-- grid: begin -->\n")[1].split("\n\n")[0]
    head, _, *lines = ([cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines())
    budgets = [cell.split()[0] for cell in head[2:]]
    compared = 0
    for contender, _, *cells in lines:
        for budget, cell in zip(budgets, cells, strict=True):
            values = errors.get((contender.strip("`"), budget), [])
            if not values:
                assert not cell
                continue
            compared += 1
            printed, _, n = cell.replace("*", "").rpartition(" ")
            assert n == f"({len(values)}{'†' if len(values) < 6 else ''})"
            expected = [statistics.mean(values)]
            expected += [statistics.stdev(values) / math.sqrt(len(values))] if len(values) > 1 else []
            # two decimals; a mean of hundredths may lie in the middle of two of them
            assert [float(value) for value in printed.split("±")] == pytest.approx(expected, abs=0.005 + 1e-9, rel=0)
    assert compared > len(lines)


def test_the_coverage_that_notes_state_is_that_of_the_stored_draws() -> None:
    assert t_coverage() == MEASURED
    assert worth_coverage() == MEASURED_WORTH
