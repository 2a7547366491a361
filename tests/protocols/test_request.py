"""Arguments become a plan: contenders, budgets, seeds; presets hold whole protocols."""

from typing import Any

import numpy as np
import pytest

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.budgets import Budget
from ssl_irmae.protocols.contenders.published import PUBLISHED_PROTOCOL
from ssl_irmae.protocols.contenders.registry import CONTENDERS, DEFAULT, SETTING_GROUPS
from ssl_irmae.protocols.presets import PRESETS
from ssl_irmae.protocols.request import make_plan, read_budgets, read_seeds
from ssl_irmae.protocols.statistics.significance import what_n_allows

READ: dict[str, Any] = {"budgets": read_budgets, "seeds": read_seeds}


def test_a_pattern_stands_for_all_contenders_that_match_and_for_no_other() -> None:
    plan = make_plan(contenders=["vib", "mine-p*", "mine-poisson"], encoders=["mine"])
    assert list(plan.contenders) == [
        "vib",
        *(f"mine-{name}" for name in ("poisson", "poisson-prior", "propagate", "propagate-prior")),
    ]
    assert plan.patterns == {"mine-p*": tuple(plan.contenders)[1:]}
    assert set(make_plan(contenders="ae-*").contenders) == {
        name for name, contender in CONTENDERS.items() if name.startswith("ae-") and not contender.transductive
    }


def test_a_pattern_has_contenders_that_see_the_scored_images_only_if_it_says_so() -> None:
    assert not [name for name, contender in make_plan(contenders="*").contenders.items() if contender.transductive]
    asked = make_plan(contenders="pixels-*-transductive").contenders
    assert asked.keys() == {name for name, c in CONTENDERS.items() if c.transductive and c.representation == "pixels"}
    with pytest.raises(UserError, match="see the scored images"):
        make_plan(contenders="pixels-spread-t*")


def test_a_pattern_without_a_match_is_one_sentence() -> None:
    with pytest.raises(UserError, match=r"`contenders`: nothing matches 'IRMAE-\*'"):
        make_plan(contenders=["vib", "IRMAE-*"])


@pytest.mark.parametrize(
    ("budgets", "expected"),
    [
        (100, (100,)),
        ("all", (None,)),
        ([10, "all"], (10, None)),
        ("1%", ("1%",)),
        (["5/class", "0.5%", "5/class", 10], ("5/class", "0.5%", 10)),
        ((10, None), (10, None)),
        ([100, 10, 100, "all", None], (100, 10, None)),
        (range(1, 4), (1, 2, 3)),
        (np.int64(100), (100,)),
        ([np.int32(10), 10, np.uint8(20)], (10, 20)),
        (np.array([10, 100]), (10, 100)),
    ],
)
def test_budgets_are_a_number_all_or_a_list(budgets: Any, expected: tuple[Budget, ...]) -> None:
    read = read_budgets(budgets)
    assert read == expected
    assert all(budget is None or type(budget) in (int, str) for budget in read)


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [
        (3, (0, 1, 2)),
        (1, (0,)),
        ([0, 3], (0, 3)),
        ((7,), (7,)),
        ([3, 0, 3], (3, 0)),
        (range(5, 8), (5, 6, 7)),
        (np.int64(3), (0, 1, 2)),
        ([np.int64(0), 3], (0, 3)),
        (np.arange(2), (0, 1)),
    ],
)
def test_seeds_are_how_many_or_a_list(seeds: Any, expected: tuple[int, ...]) -> None:
    read = read_seeds(seeds)
    assert read == expected
    assert all(type(seed) is int for seed in read)


@pytest.mark.parametrize("argument", READ)
@pytest.mark.parametrize(
    "value", [-1, 0, True, False, 1.0, np.float64(3), np.True_, "100", "", "everything", "0%", "101%", "0/class"]
)
def test_values_that_are_not_counts_are_rejected(argument: str, value: object) -> None:
    with pytest.raises(UserError, match=f"^`{argument}`: ") as error:
        READ[argument](value)
    assert repr(value) in str(error.value)


@pytest.mark.parametrize("argument", READ)
@pytest.mark.parametrize("value", [-1, True, False, 1.0, np.True_, "10", [10], (1, 2)])
def test_lists_with_anything_but_counts_are_rejected(argument: str, value: object) -> None:
    with pytest.raises(UserError, match=f"^`{argument}`: ") as error:
        READ[argument]([10, value])
    assert repr(value) in str(error.value)


@pytest.mark.parametrize("argument", READ)
def test_empty_lists_are_rejected(argument: str) -> None:
    with pytest.raises(UserError, match=f"^`{argument}`: the list is empty"):
        READ[argument]([])


def test_a_list_of_seeds_may_hold_0_but_a_list_of_budgets_may_not() -> None:
    assert read_seeds([0]) == (0,)
    with pytest.raises(UserError, match="`budgets`: 0 is not a number of labels"):
        read_budgets([0])


def test_very_many_seeds_are_rejected_and_the_error_names_the_argument() -> None:
    assert len(read_seeds(10_000)) == 10_000
    with pytest.raises(UserError, match=r"^`pretrain_seeds`: 10001 is out of range; use 1 to 10,000"):
        read_seeds(10_001, "pretrain_seeds")


def test_without_arguments_the_plan_is_the_default_contenders_at_100_labels() -> None:
    plan = make_plan()
    (part,) = plan.parts
    assert part.contenders == DEFAULT
    assert (part.budgets, part.seeds, part.steps) == ((100,), tuple(range(10)), None)
    assert (plan.dataset, plan.baseline, plan.rule, plan.scored_on) == ("mnist", "supervised", "balanced", None)
    assert plan.contenders == {name: CONTENDERS[name] for name in DEFAULT}
    assert (plan.comparisons, plan.drawn) == ((), ())


def test_arguments_become_the_plan() -> None:
    plan = make_plan(
        budgets=[10, "all"],
        seeds=[3, 5],
        dataset="digits",
        contenders=["vib", "irmae-linear"],
        baseline="vib",
        steps=7,
        rule="uniform",
        scored_on="development",
        precision="fp32",
        device="cpu",
    )
    (part,) = plan.parts
    assert (part.contenders, part.budgets, part.seeds) == (("vib", "irmae-linear"), (10, None), (3, 5))
    assert (part.steps, plan.dataset, plan.baseline) == (7, "digits", "vib")
    assert (plan.rule, plan.scored_on, plan.precision, plan.device) == ("uniform", "development", "fp32", "cpu")


def test_contenders_of_the_users_encoder_join_the_usual_ones() -> None:
    added = ("mine-linear", "mine-joint")
    (part,) = make_plan(encoders=["mine"]).parts
    assert part.contenders == (*DEFAULT, *added, "mine-poisson-prior")
    (part,) = make_plan(encoders=["mine"], preset="published").parts
    assert part.contenders == (*PUBLISHED_PROTOCOL, *added)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_users_encoder_joins_each_budget_of_a_preset_once(preset: str) -> None:
    parts = make_plan(encoders=["mine"], preset=preset).parts
    for budget in {budget for part in parts for budget in part.budgets}:
        run = [name for part in parts if budget in part.budgets for name in part.contenders]
        assert len(run) == len(set(run))
        assert {"mine-linear", "mine-joint"} <= set(run)
    for part in parts:  # the kinds differ in steps
        ours = {CONTENDERS[f"irmae-{name[5:]}"].frozen for name in part.contenders if name.startswith("mine-")}
        assert ours <= {CONTENDERS[name].frozen for name in part.contenders if not name.startswith("mine-")}


def test_one_contender_can_be_named_without_a_list() -> None:
    assert make_plan(contenders="irmae-linear").parts[0].contenders == ("irmae-linear",)


@pytest.mark.parametrize(("argument", "value"), [("contenders", []), ("rule", "Balanced"), ("rule", "first")])
def test_what_is_not_a_choice_is_refused(argument: str, value: Any) -> None:
    with pytest.raises(UserError, match=rf"^`{argument}`: "):
        make_plan(**{argument: value})


def test_contenders_of_the_users_encoder_can_be_chosen() -> None:
    plan = make_plan(encoders=["mine"], contenders=["mine-features-knn", "supervised"])
    assert plan.parts[0].contenders == ("mine-features-knn", "supervised")
    assert plan.contenders["mine-features-knn"].representation == "mine"


def test_contenders_of_every_method_can_be_named_and_none_joins_a_pattern_unasked() -> None:
    plan = make_plan(contenders=["lorae-linear", "sigreg-joint", "supervised"])
    assert plan.contenders["sigreg-joint"].representation == "sigreg"
    assert make_plan(contenders="rrae-features-*").parts[0].contenders[0] == "rrae-features-linear"
    assert not [name for name in make_plan(contenders="*-linear").contenders if name.startswith(("lorae", "rrae"))]
    assert make_plan(rule="typical:lorae").chosen_on == "lorae"
    with pytest.raises(UserError, match="unknown contender 'lorae-linaer'"):
        make_plan(contenders="lorae-linaer")


def test_an_encoder_of_a_method_outside_the_table_joins_it() -> None:
    assert "lorae-linear" in make_plan(encoders=["lorae"]).parts[0].contenders
    assert make_plan(encoders=["vae"]).parts[0].contenders == DEFAULT


def test_the_default_baseline_is_a_contender_that_is_run_and_does_not_leak() -> None:
    assert make_plan(contenders=["irmae-linear", "ae-linear"]).baseline == "irmae-linear"
    assert make_plan(contenders=["mine-linear", "pixels-knn", "ae-linear"], encoders=["mine"]).baseline == "ae-linear"
    assert make_plan(contenders=["irmae-linear", "supervised"]).baseline == "supervised"
    assert make_plan(preset="published").baseline == "irmae-published-last"
    assert make_plan(preset="published", contenders=["ae-published-best"]).baseline == "ae-published-best"


def test_the_published_protocol_takes_the_first_images() -> None:
    plan = make_plan(preset="published", budgets=[10, 50], seeds=[3], dataset="digits")
    assert plan.rule == "first"
    assert plan.contenders == PUBLISHED_PROTOCOL
    assert (plan.dataset, plan.parts[0].budgets, plan.parts[0].seeds) == ("digits", (10, 50), (3,))


def test_a_contender_is_named_with_its_metric_loss_and_stands_beside_the_one_without() -> None:
    names = ("irmae-joint+supcon", "irmae-joint", "vib")
    plan = make_plan(contenders=names, baseline="irmae-joint+supcon")
    assert plan.parts[0].contenders == tuple(plan.contenders) == names
    assert plan.contenders["irmae-joint"] == CONTENDERS["irmae-joint"]
    changed = plan.contenders["irmae-joint+supcon"]
    assert changed.settings == {**CONTENDERS["irmae-joint"].settings, "metric_loss": "supcon"}
    assert changed.given == ("metric_loss",)
    assert "pytorch-metric-learning" in changed.software
    assert plan.contenders["vib"] == CONTENDERS["vib"]


def test_a_pattern_can_ask_for_a_metric_loss() -> None:
    plan = make_plan(contenders=["*-joint+triplet", "mine+2-linear"], encoders=["mine+2", "lorae"])
    assert plan.patterns == {
        "*-joint+triplet": tuple(f"{name}-joint+triplet" for name in ("irmae", "ae", "vae", "mine+2", "lorae"))
    }
    with pytest.raises(UserError, match="nothing matches"):
        make_plan(contenders="*-joint+triplets")


BETWEEN = {20, 50, 200, 500, 5000}


@pytest.mark.parametrize("name", PRESETS)
def test_presets_name_contenders_and_a_baseline_that_they_run(name: str) -> None:
    preset = PRESETS[name]()
    for part in preset.parts:
        assert set(part.contenders) <= CONTENDERS.keys()
        assert len(set(part.contenders)) == len(part.contenders)
        assert list(part.seeds) == list(range(len(part.seeds))), "subsets are shared: the first n seeds"
    budgets = {b for part in preset.parts for b in part.budgets}
    for budget in budgets:
        run = [name for part in preset.parts if budget in part.budgets for name in part.contenders]
        assert preset.baseline in run
        assert len(run) == len(set(run)), "no trial is in two parts"
        if budget in BETWEEN:
            continue  # frozen readouts beside the baseline, for finer curves; nothing is declared there
        # propagation is not run where no image is unlabelled, a prior for few labels not where there are many
        left_out = {"-propagate"} if budget is None else set()
        left_out |= {"-propagate-prior"} if not isinstance(budget, int) or budget > 100 else set()
        known = set(run) | {name for name in CONTENDERS if name.endswith(tuple(left_out))}
        assert {contender for pair in preset.comparisons for contender in pair} <= known
        assert set(preset.drawn) <= known
    if preset.comparisons:
        assert what_n_allows(10, contenders=len(preset.comparisons)) is None, "ten subsets can show something"


@pytest.mark.parametrize("name", PRESETS)
def test_plans_of_presets_are_the_presets(name: str) -> None:
    preset, plan = PRESETS[name](), make_plan(preset=name)
    assert plan.parts == preset.parts
    assert (plan.dataset, plan.baseline) == (preset.dataset, preset.baseline)
    assert (plan.rule, plan.scored_on) == ("balanced", "test")
    assert (plan.comparisons, plan.drawn) == (preset.comparisons, preset.drawn)
    assert preset.precision in (None, plan.precision)
    other = preset.parts[0].contenders[0]
    assert make_plan(preset=name, baseline=other).baseline == other
    assert make_plan(preset=name, precision="fp32").precision == "fp32"


@pytest.mark.parametrize("name", ["mnist-full", "fashion-mnist-full"])
def test_between_the_powers_of_ten_frozen_readouts_are_run_beside_the_baseline(name: str) -> None:
    parts = PRESETS[name]().parts
    beside = {(name, len(part.seeds)) for part in parts if BETWEEN & set(part.budgets) for name in part.contenders}
    assert {n for _, n in beside} == {10}
    assert {name for name, _ in beside if not CONTENDERS[name].frozen} == {"supervised"}, "the baseline"


def test_on_mnist_all_is_run_that_is_run_on_fashion_mnist() -> None:
    mnist, fashion = (
        {
            (name, budget, seed, None if CONTENDERS[name].frozen else part.steps)
            for part in PRESETS[preset]().parts
            for name in part.contenders
            for budget in part.budgets
            for seed in part.seeds
        }
        for preset in ("mnist-full", "fashion-mnist-full")
    )
    assert fashion < mnist


def test_the_full_protocol_runs_every_contender_of_its_time_at_five_budgets() -> None:
    added = PRESETS["mnist-between"]().parts
    parts = [part for part in PRESETS["mnist-full"]().parts if part not in added]
    run = {(name, b): len(part.seeds) for part in parts for b in part.budgets for name in part.contenders}
    later = {"cutssl", "cutssl-transductive"}
    assert {name for name, _ in run} == {
        n for group, names in SETTING_GROUPS.items() if group not in later for n in names
    }
    assert {b for _, b in run} == {10, 100, 1000, 10_000, None}
    frozen = {name for name, _ in run if CONTENDERS[name].frozen}
    assert {n for (name, b), n in run.items() if b == 10 and name in frozen} == {30}
    assert {n for (name, b), n in run.items() if b in (100, 1000)} == {10}
    assert {n for (name, b), n in run.items() if b == 10_000 and name not in frozen} == {5}
    assert {n for (_, b), n in run.items() if b is None} == {3}
    assert {b for name, b in run if name.endswith("-propagate")} == {10, 100, 1000, 10_000}
    assert {b for name, b in run if name.endswith("-propagate-prior")} == {10, 100}
    steps = {(b, part.steps) for part in parts for b in part.budgets if part.contenders[0] not in frozen}
    assert steps == {(10, 600), (100, 600), (1000, 600), (10_000, 1500), (None, 3000)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "mnist-fall"}, "did you mean 'mnist-full'"),
        ({"preset": "mnist-full", "budgets": (10,)}, "`preset`: mnist-full .* `budgets`"),
        ({"preset": "mnist-full", "seeds": 3}, "`preset`: mnist-full .* `seeds`"),
        ({"preset": "mnist-full", "dataset": "digits"}, "`preset`: mnist-full .* `dataset`"),
        ({"preset": "mnist-full", "contenders": ["vib"]}, "`preset`: mnist-full .* `contenders`"),
        ({"preset": "mnist-full", "steps": 100}, "`preset`: mnist-full .* `steps`"),
        ({"preset": "mnist-full", "rule": "uniform"}, "`preset`: mnist-full .* `rule`"),
        ({"preset": "mnist-full", "scored_on": "development"}, "`preset`: mnist-full .* `scored_on`"),
        ({"preset": "published", "rule": "uniform"}, "`rule`: uniform .* preset published"),
        ({"preset": "published", "contenders": ["irmae-linear"]}, "unknown contender 'irmae-linear'"),
        ({"budgets": 0}, "`budgets`: 0 "),
        ({"seeds": -1}, "`seeds`: -1 "),
        ({"steps": 0}, "`steps`: 0 "),
        ({"contenders": ["supervised"], "baseline": "vib"}, "`baseline`: vib is not among the contenders"),
        ({"contenders": [""]}, "contender"),
        ({"baseline": "supervise"}, "did you mean 'supervised'"),
        ({"contenders": ["pixel-linear"]}, "did you mean 'pixels-linear'"),
        ({"contenders": ["supervised"], "encoders": ["mine"]}, "`encoders`: .* uses mine; add mine-linear to"),
        ({"contenders": ["irmae-joint+supcom"]}, "did you mean 'supcon'"),
        ({"contenders": ["irmae-joint"], "baseline": "vib+supcon"}, "vib does not train jointly"),
        ({"contenders": ["irmae-joitn+supcon"]}, "unknown contender 'irmae-joitn"),
        ({"contenders": ["pixels-joint+supcon"]}, r"encoder further, not pixels; .* irmae-joint\+supcon"),
        ({"contenders": ["pca-propagate-prior"]}, "encoder further, not pca; .* irmae-propagate-prior"),
        ({"precision": "fp16"}, "unknown `precision` 'fp16'"),
    ],
)
def test_impossible_requests_are_rejected_in_one_sentence(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        make_plan(**arguments)
    assert "--" not in str(error.value), "options belong to the command line"
