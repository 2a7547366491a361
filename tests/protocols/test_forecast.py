"""A forecast names what it is estimated from, and counts exactly what is missing; nothing is trained or stored."""

import dataclasses
import functools
import math
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ssl_irmae._support.home import home
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.evaluation import evaluate
from ssl_irmae.protocols.forecast import cost as cost_module
from ssl_irmae.protocols.forecast.cost import PRETRAINED, SHARED, Cost
from ssl_irmae.protocols.forecast.description import format_duration
from ssl_irmae.protocols.forecast.forecast import Forecast, plan
from ssl_irmae.protocols.forecast.speed import Taken, time_piece
from ssl_irmae.protocols.forecast.stored_costs import cost_at, shipped_costs
from ssl_irmae.protocols.forecast.stored_errors import StoredErrors, errors_of, nearest_pairs
from ssl_irmae.protocols.plan import Part
from ssl_irmae.protocols.presets import PRESETS, Preset
from ssl_irmae.protocols.running.workers import in_each_process
from ssl_irmae.protocols.storage.files import rows_csv
from ssl_irmae.protocols.task import Task, load_task
from tests.protocols.conftest import MakeRow
from tests.protocols.report.conftest import finished

SPEED = Taken(0.1, 0.1)

digits = functools.partial(plan, dataset="digits", contenders=["supervised", "pixels-linear"], budgets=20, seeds=2)


@pytest.fixture(autouse=True)
def speed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Taken], None]:
    """Let every piece of work take a tenth of a second; return a function that sets another speed."""
    monkeypatch.chdir(tmp_path)

    def set_speed(taken: Taken) -> None:
        monkeypatch.setattr(cost_module, "time_piece", lambda *_, **__: taken)
        monkeypatch.setattr(cost_module, "in_each_process", lambda _, processes, __: [taken] * processes)

    set_speed(SPEED)
    return set_speed


def seconds_of(cost: Cost, contender: str) -> float:
    return sum(share.core_seconds for share in cost.shares if share.contender == contender)


def stored(contender: str, errors: list[float] | dict[int, float], **fields: Any) -> StoredErrors:
    by_seed = errors if isinstance(errors, dict) else dict(enumerate(errors))
    usual: dict[str, Any] = {"budget": 100, "steps": None, "dataset": "mnist", "scored_on": "test"}
    usual |= {"rule": "balanced", "source": "here"}
    return StoredErrors(contender=contender, errors=by_seed, **(usual | fields))


def both(**fields: Any) -> list[StoredErrors]:
    return [stored("a", [2.0, 4.0, 3.5], **fields), stored("b", [1.0, 1.5, 2.0], **fields)]


def nearest(errors: list[StoredErrors], **asked: Any) -> Any:
    usual: dict[str, Any] = {"dataset": "mnist", "scored_on": "test", "budget": 100, "steps": {}}
    return nearest_pairs(errors, ("a", "b"), **(usual | asked))


def test_differences_are_paired_by_seed() -> None:
    pairs = nearest([stored("a", {0: 5.0, 2: 4.0, 3: 3.0}), stored("b", {3: 1.0, 2: 1.0, 1: 9.0})])
    assert pairs.differences == [3.0, 2.0]


@pytest.mark.parametrize(
    ("far", "near", "asked"),
    [
        ({"budget": 10}, {"budget": 1000}, {"budget": 400}),
        ({"budget": 1000}, {"budget": 10}, {"budget": 50}),
        ({"dataset": "digits"}, {"budget": 10}, {}),
        ({"fingerprint": "other"}, {"fingerprint": "same", "budget": 10}, {"fingerprint": "same"}),
        ({"fingerprint": "other"}, {"fingerprint": "", "budget": 10}, {"fingerprint": "same"}),
        ({"fingerprint": "same", "budget": 10}, {"fingerprint": "", "budget": 100}, {"fingerprint": "same"}),
        ({"dataset": "digits"}, {"dataset": "copy", "fingerprint": "same", "budget": 10}, {"fingerprint": "same"}),
        ({"rule": "uniform"}, {"budget": 10}, {}),
        ({"scored_on": "development"}, {"budget": 10}, {}),
        ({"steps": 100}, {"steps": 600}, {"steps": {"a": 600}}),
    ],
)
def test_the_nearest_protocol_is_taken(far: dict[str, Any], near: dict[str, Any], asked: dict[str, Any]) -> None:
    for errors in ([*both(**far), *both(**near)], [*both(**near), *both(**far)]):
        found = nearest(errors, **asked)
        assert all(getattr(found.a, name) == getattr(found.b, name) == value for name, value in near.items())


def test_of_equally_near_ones_the_first_is_taken() -> None:
    assert nearest([*both(source="mine"), *both(source="theirs")]).a.source == "mine"


def test_subsets_of_different_sources_are_never_paired() -> None:
    with pytest.raises(UserError, match="a mnist at 100 labels and b mnist at 10 and 100 labels"):
        nearest([stored("a", [1.0, 2.0]), stored("b", [1.0, 2.0], source="there"), stored("b", [1.0], budget=10)])
    with pytest.raises(UserError, match="b nothing"):
        nearest([stored("a", [1.0, 2.0])])


@pytest.mark.parametrize("other", [{"data_fingerprint": "e"}, {"scored_fingerprint": "u"}, {"chosen_on": "pca"}])
def test_subsets_of_other_images_of_the_same_name_are_never_paired(make_row: MakeRow, other: dict[str, str]) -> None:
    rows = [make_row("a", s, 1.0 + s) for s in range(3)] + [make_row("b", s, 2.0, **other) for s in range(3)]
    with pytest.raises(UserError, match="no stored subsets of both"):
        nearest(errors_of(finished(rows), "store"), dataset="digits")
    both_on_one = [*rows, *(make_row("b", s, 5.0) for s in range(3))]
    assert nearest(errors_of(finished(both_on_one), "store"), dataset="digits").differences == [-4.0, -3.0, -2.0]


def test_a_plan_takes_errors_on_the_very_same_images(make_row: MakeRow) -> None:
    images = load_task("digits", scored_on="test").train.fingerprint
    rows = [
        make_row(name, s, 10.0 + s * (name == "pixels-linear"), budget=budget, data_fingerprint=fingerprint)
        for name in ("pixels-linear", "pixels-knn")
        for budget, fingerprint in ((20, "of an older version"), (40, images))
        for s in range(3)
    ]
    Path("rows.csv").write_text(rows_csv(finished(rows)))
    text = str(found(between=("pixels-linear", "pixels-knn"), budgets=20, results="rows.csv"))
    assert "3 subsets of digits at 40 labels (rows.csv)" in text
    assert "No balanced subsets scored on test are stored of both at a budget nearer to 20 on these images." in text
    others = [row for row in rows if row.data_fingerprint != images]
    Path("rows.csv").write_text(rows_csv(finished(others)))
    text = str(found(between=("pixels-linear", "pixels-knn"), budgets=20, results="rows.csv"))
    assert "Those are other images of that name than the digits here, so that this is a rough guide." in text


def test_networks_of_one_family_are_compared_where_they_are_stored(make_row: MakeRow) -> None:
    errors = {("a", None): 3.0, ("a", "residual"): 5.0, ("b", "residual"): 1.0}
    rows = [
        make_row(name, s, error + s * (name == "a"), network=network)
        for (name, network), error in errors.items()
        for s in range(3)
    ]
    for its in (rows, rows[::-1]):
        assert nearest(errors_of(finished(its), "store"), dataset="digits").differences == [4.0, 5.0, 6.0]


def test_differences_that_are_all_equal_are_passed_over() -> None:
    equal = [stored("a", [2.0, 3.0, 4.0], source="equal"), stored("b", [1.0, 2.0, 3.0], source="equal")]
    assert nearest([*equal, *both(budget=10)]).a.budget == 10
    with pytest.raises(UserError, match="show how their difference varies, but of a mnist at 100 labels and b mnist"):
        nearest(equal)


def test_a_nearer_budget_of_another_kind_of_subset_is_not_denied(make_row: MakeRow) -> None:
    images = load_task("digits", scored_on="test").train.fingerprint
    rows = [
        make_row(name, s, 10.0 + s * (name == "pixels-linear"), budget=budget, rule=rule, data_fingerprint=images)
        for name in ("pixels-linear", "pixels-knn")
        for budget, rule in ((20, "uniform"), (40, "balanced"))
        for s in range(3)
    ]
    Path("rows.csv").write_text(rows_csv(finished(rows)))
    power = str(found(between=("pixels-linear", "pixels-knn"), budgets=20, results="rows.csv")).splitlines()[1]
    assert "3 subsets of digits at 40 labels (rows.csv)" in power
    assert "No balanced subsets scored on test are stored of both at a budget nearer to 20 on these images." in power


def test_finished_trials_are_arranged_by_protocol(make_row: MakeRow) -> None:
    rows = [
        make_row("a", seed, float(seed), settings={"steps": steps}, budget=budget, rule=rule)
        for seed in (0, 1)
        for steps in (100, 600)
        for budget, rule in ((10, "balanced"), (10, "uniform"), (60, "full"))
    ]
    found = errors_of(finished(rows), "store")
    assert {(each.budget, each.rule, each.steps) for each in found} == {
        (10, rule, steps) for rule in ("balanced", "uniform") for steps in (100, 600)
    }
    assert all(each.errors == {0: 0.0, 1: 1.0} for each in found)


def test_costs_lie_between_those_of_the_stored_budgets() -> None:
    known = CONTENDERS["irmae-linear"]
    low, between, high = (cost_at("irmae-linear", known, budget) for budget in (100, 300, 1000))
    assert low is not None
    assert between is not None
    assert high is not None
    assert low.trial < between.trial < high.trial
    assert between.trial == pytest.approx(
        low.trial + (high.trial - low.trial) * math.log(3) / math.log(10)
    )  # linear in the logarithm of the budget


def test_an_encoder_of_the_users_costs_as_much_as_another_with_the_same_readout() -> None:
    linear = dataclasses.replace(CONTENDERS["irmae-linear"], representation="mine")
    mine, known = cost_at("mine-linear", linear, 100), cost_at("irmae-linear", linear, 100)
    assert mine is not None
    assert known is not None
    assert mine.trial == known.trial
    assert cost_at("own", dataclasses.replace(linear, readout="own"), 100) is None


def test_every_contender_that_evaluate_lists_has_a_cost() -> None:
    assert [name for name, contender in CONTENDERS.items() if cost_at(name, contender, 100) is None] == []
    assert {cost.of for cost in shipped_costs() if cost.budget is not None} <= CONTENDERS.keys()


def test_cost_grows_with_seeds_and_steps_of_networks_alone() -> None:
    few, many = digits().cost, digits(seeds=4).cost
    assert (few.missing, many.missing) == (4, 8)
    for name in ("supervised", "pixels-linear"):
        assert seconds_of(many, name) == pytest.approx(2 * seconds_of(few, name))
    short, long, longer = (digits(steps=steps).cost for steps in (100, 300, 500))
    assert seconds_of(short, "pixels-linear") == seconds_of(long, "pixels-linear")
    assert seconds_of(longer, "supervised") - seconds_of(long, "supervised") == pytest.approx(
        seconds_of(long, "supervised") - seconds_of(short, "supervised")
    )


def test_pieces_of_work_that_take_twice_as_long_double_the_cost(speed: Callable[[Taken], None]) -> None:
    before = digits().cost
    speed(Taken(0.2, 0.2))
    after = digits().cost
    assert seconds_of(after, "supervised") == pytest.approx(2 * seconds_of(before, "supervised"))


def test_a_busy_machine_is_named_with_the_time_it_would_take_without(speed: Callable[[Taken], None]) -> None:
    assert "busy" not in str(digits())
    speed(Taken(0.3, 0.1))
    forecast = digits()
    assert forecast.cost.idle_seconds == pytest.approx(forecast.cost.seconds / 3, rel=0.1)  # loading is not scripted
    assert f"busy with other work; without it, it would take {format_duration(forecast.cost.idle_seconds)}" in str(
        forecast
    )


def test_processes_share_the_networks() -> None:
    request = functools.partial(digits, contenders=["supervised"], seeds=8, steps=500)
    one, two = request(jobs=1).cost, request(jobs=2).cost
    assert (one.processes, two.processes) == (0, 2)
    # starting processes takes its time
    assert seconds_of(two, "supervised") / 2 < two.seconds < one.seconds


def test_finished_trials_cost_nothing_and_a_forecast_leaves_nothing_behind() -> None:
    assert digits(precision="fp32").cost.missing == 4
    assert not Path("runs").exists()
    assert not list(home().rglob("*.safetensors"))
    evaluate(
        dataset="digits", contenders="pixels-linear", budgets=20, seeds=1, baseline="pixels-linear", precision="fp32"
    )
    forecast = digits(precision="fp32")
    assert (forecast.cost.missing, forecast.cost.planned) == (3, 4)
    done = digits(contenders="pixels-linear", seeds=1, precision="fp32")
    assert done.cost.missing == 0
    assert str(done).startswith("Nothing is missing")


def test_encoders_that_are_not_there_are_counted_and_not_pretrained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ssl_irmae.protocols.representations.pretrained.pretrain_briefly", lambda *_, **__: pytest.fail("it pretrains")
    )
    costs = [digits(contenders=names).cost for names in (["irmae-linear"], ["irmae-linear", "ae-linear"])]
    one, two = (next(share.core_seconds for share in cost.shares if share.group == PRETRAINED) for cost in costs)
    assert two == pytest.approx(2 * one) != 0


def test_codes_are_counted_once_for_all_that_read_them() -> None:
    def shared(*names: str) -> float:
        cost = digits(contenders=list(names)).cost
        return sum(share.core_seconds for share in cost.shares if share.group == SHARED)

    assert shared("random-linear") == pytest.approx(shared("random-linear", "random-mlp"), rel=0.01) != 0
    assert shared("random-linear", "pca-linear") > shared("random-linear")


def test_an_encoder_in_the_place_of_the_usual_one_adds_no_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    part = Part(contenders=("pixels-linear", "irmae-knn"), budgets=(20,), seeds=(0,))
    preset = Preset("digits", "pixels-linear", (part,))
    monkeypatch.setitem(PRESETS, "ours", lambda: preset)
    replaced, added = (plan(preset="ours", encoders=name) for name in ("irmae=mnist-irmae", "mnist-irmae"))
    assert replaced.cost.planned == 2
    assert added.cost.planned > 2


def test_what_has_no_stored_cost_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    own = dataclasses.replace(CONTENDERS["pixels-linear"], readout="own")
    monkeypatch.setitem(CONTENDERS, "pixels-own", own)
    forecast = digits(contenders=["pixels-own", "pixels-linear"])
    assert forecast.cost.not_counted == ("pixels-own",)
    assert "at least" in str(forecast).splitlines()[0]
    assert "Not counted, because no costs are stored: pixels-own." in str(forecast)


def found(**arguments: Any) -> Forecast:
    usual: dict[str, Any] = {"between": ("irmae-linear", "vae-linear"), "detect": 1.0, "budgets": 100}
    return plan(dataset="digits", **(usual | arguments))


def test_subsets_are_found_from_what_ships_and_named() -> None:
    forecast = found()
    assert forecast.subsets is not None
    needed = forecast.subsets.needed
    answer, power, *_, command = str(forecast).splitlines()
    assert answer.startswith(
        f"{needed.n} subsets ({needed.low} to {needed.high}) detect a difference of 1 point between `irmae-linear` and "
        "`vae-linear` at 100 labels with power 0.8; about "
    )
    assert "10 subsets of mnist at 100 labels (docs/results/mnist-label-budgets" in power
    assert "Nothing is stored of digits" in power
    assert command == (
        f"  ssl-irmae evaluate --dataset digits --contenders irmae-linear,vae-linear --labels 100 --seeds {needed.n}"
    )
    assert forecast.cost.planned == 2 * needed.n


def test_subsets_are_found_from_the_users_own_trials_first() -> None:
    names = ["pixels-linear", "pixels-knn"]
    evaluate(dataset="digits", contenders=names, budgets=20, seeds=3, baseline="pixels-knn")
    forecast = found(between=("pixels-linear", "pixels-knn"), budgets=20)
    assert forecast.subsets is not None
    assert forecast.subsets.pairs.a.source == "runs/results.sqlite"
    assert forecast.cost.planned - forecast.cost.missing == 6
    elsewhere = found(between=("pixels-linear", "pixels-knn"), budgets=20, store="none", results="runs/results.sqlite")
    assert elsewhere.subsets is not None
    assert forecast.subsets is not None
    assert dataclasses.replace(elsewhere.subsets, command=forecast.subsets.command) == forecast.subsets
    assert not Path("none").exists()


def test_the_command_runs_what_was_planned() -> None:
    request = {"scored_on": "development", "store": "my store.sqlite", "jobs": 1}
    planned = found(between=("pixels-linear", "pca-linear"), budgets=20, **request)
    assert planned.subsets is not None
    words = shlex.split(planned.subsets.command or "")
    options = dict(zip(words[2::2], words[3::2], strict=True))
    assert words[:2] == ["ssl-irmae", "evaluate"]
    assert options == {
        "--dataset": "digits",
        "--contenders": "pixels-linear,pca-linear",
        "--labels": "20",
        "--seeds": str(planned.subsets.needed.n),
        "--scored-on": "development",
        "--store": "my store.sqlite",
        "--jobs": "1",
    }


def test_data_in_memory_have_no_command(task: Task) -> None:
    assert task.train.labels is not None
    arrays = (task.train.images.numpy(), task.train.labels.numpy())
    planned = plan(between=("pixels-linear", "pca-linear"), detect=3.0, budgets=20, dataset=arrays)
    assert planned.subsets is not None
    assert planned.subsets.command is None
    assert "ssl-irmae evaluate" not in str(planned)


def test_networks_take_the_steps_of_the_stored_trials_unless_others_are_asked_for() -> None:
    networks = ("supervised-augment", "scratch-consistency")  # stored with 600 steps alone
    stored_steps, given = found(between=networks), found(between=networks, steps=200)
    assert stored_steps.subsets is not None
    assert given.subsets is not None
    assert (stored_steps.subsets.steps, given.subsets.steps) == (600, 200)
    assert "networks of 600 steps" in str(given)
    assert stored_steps.subsets.command is not None
    assert "--steps 600" in stored_steps.subsets.command
    assert seconds_of(stored_steps.cost, networks[0]) > seconds_of(given.cost, networks[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"detect": 0.0}, "`detect`: 0 is not"),
        ({"detect": math.nan}, "`detect`: nan"),
        ({"power": 1.0}, "`power`: 1 is not"),
        ({"detect": 200}, "`detect`: 200 is not a difference of two errors in percent"),
        ({"detect": 1e-10}, "at most 10,000 can be run"),
        ({"detect": None, "between": None, "power": 0.9}, "`power` goes with `detect`"),
        ({"detect": None}, "`detect` and `between` go together"),
        ({"between": None}, "`detect` and `between` go together"),
        ({"between": ("irmae-linear", "irmae-linear")}, "cannot differ from itself"),
        ({"between": ("irmae-liner", "vae-linear")}, "did you mean 'irmae-linear'"),
        ({"seeds": 3}, "`seeds` cannot be given"),
        ({"contenders": ["vib"]}, "`contenders` cannot be given"),
        ({"preset": "mnist-full"}, "`preset` cannot be given"),
        ({"budgets": [10, 100]}, "`budgets`: give one"),
        ({"budgets": 1300}, "`budgets`: with all 1,300 labels"),
        ({"detect": 1e-4}, "at most 10,000 can be run"),
        ({"between": ("lorae-linear", "vib")}, "lorae-linear nothing"),
    ],
)
def test_mistakes_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        found(**arguments)


def test_durations_have_two_digits_and_a_unit() -> None:
    assert [format_duration(s) for s in (0.2, 42, 100, 5399, 36_000)] == [
        "1 second",
        "42 seconds",
        "1.7 minutes",
        "90 minutes",
        "10 hours",
    ]


@pytest.mark.parametrize("piece", ["network", "graph", "regression"])
def test_pieces_are_timed(piece: Any) -> None:
    taken = time_piece(piece)
    assert taken.seconds > 0
    assert taken.processor_seconds > 0


def test_the_same_is_done_in_every_process() -> None:
    assert in_each_process(functools.partial(max, 1, 2), 2, 1) == [2, 2]
