"""What is asked for becomes contenders, budgets and seeds; presets hold whole protocols."""

import pytest

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.registry import CONTENDERS, DEFAULT
from ssl_irmae.protocols.presets import PRESETS
from ssl_irmae.protocols.request import make_plan
from ssl_irmae.protocols.statistics.significance import what_n_allows


def test_nothing_asked_for_is_the_default_eight_at_100_labels() -> None:
    plan = make_plan()
    (part,) = plan.parts
    assert part.contenders == DEFAULT
    assert len(DEFAULT) == 8
    assert (part.budgets, part.seeds, plan.dataset, plan.reference) == ((100,), tuple(range(10)), "mnist", "supervised")


def test_an_encoder_of_ones_own_joins_the_default_ones() -> None:
    (part,) = make_plan(own=["mine"]).parts
    assert part.contenders == (*DEFAULT, "mine-linear", "mine-joint")
    assert all("mine-linear" in part.contenders for part in make_plan(own=["mine"], preset="mnist-full").parts)


def test_the_reference_is_one_that_is_run() -> None:
    assert make_plan(contenders=["irmae-linear", "ae-linear"]).reference == "irmae-linear"
    assert make_plan(contenders=["irmae-linear", "supervised"]).reference == "supervised"


@pytest.mark.parametrize("name", PRESETS)
def test_presets_name_contenders_and_a_reference_that_they_run(name: str) -> None:
    preset = PRESETS[name]()
    for part in preset.parts:
        assert set(part.contenders) <= CONTENDERS.keys()
        assert len(set(part.contenders)) == len(part.contenders)
        assert list(part.seeds) == list(range(len(part.seeds))), "subsets are shared: the first n seeds"
    budgets = {b for part in preset.parts for b in part.budgets}
    for budget in budgets:
        run = [name for part in preset.parts if budget in part.budgets for name in part.contenders]
        assert preset.reference in run
        assert len(run) == len(set(run)), "no trial is in two parts"
        # what spreads labels is not run where all are known, a prior for few labels not where there are many
        left_out = {"-propagate"} if budget is None else set()
        left_out |= {"-propagate-prior"} if budget is None or budget > 100 else set()
        known = set(run) | {name for name in CONTENDERS if name.endswith(tuple(left_out))}
        assert {contender for pair in preset.comparisons for contender in pair} <= known
        assert set(preset.drawn) <= known
    if preset.comparisons:
        assert what_n_allows(10, contenders=len(preset.comparisons)) is None, "ten subsets can show something"


def test_the_full_protocol_runs_every_contender_at_five_budgets() -> None:
    parts = PRESETS["mnist-full"]().parts
    run = {(name, b): len(part.seeds) for part in parts for b in part.budgets for name in part.contenders}
    assert {name for name, _ in run} == CONTENDERS.keys()
    assert {b for _, b in run} == {10, 100, 1000, 10_000, None}
    frozen = {name for name, c in CONTENDERS.items() if c.frozen}
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
        ({"preset": "mnist-full", "budgets": (10,)}, "--labels"),
        ({"preset": "mnist-full", "leaky": True}, "--protocol reference"),
        ({"contenders": ["supervised"], "reference": "vib"}, "not among the contenders"),
        ({"contenders": [""]}, "contender"),
        ({"reference": "supervise"}, "did you mean 'supervised'"),
        ({"contenders": ["pixel-linear"]}, "did you mean 'pixels-linear'"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make_plan(**arguments)
