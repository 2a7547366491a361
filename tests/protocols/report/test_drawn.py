"""Which contender is the baseline, and which a figure shows: what the user names, else a few that can be read."""

import pytest

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.report.drawn import MOST_DRAWN
from ssl_irmae.protocols.report.report import make_report
from ssl_irmae.protocols.storage.rows import FinishedTrial, Row
from tests.protocols.conftest import MakeRow
from tests.protocols.report.conftest import finished

FAMILIES = {"knn": "neighbours", "linear": "linear", "mlp": "mlp", "spread": "graph"}


def test_an_unknown_baseline_or_contender_names_the_nearest(trials: list[FinishedTrial]) -> None:
    with pytest.raises(UserError, match="did you mean 'supervised'"):
        make_report(trials, baseline="supervisd")
    with pytest.raises(UserError, match="did you mean 'irmae-knn'"):
        make_report(trials, drawn=["irmae-kn"])


def test_without_supervised_the_first_contender_is_the_baseline(trials: list[FinishedTrial]) -> None:
    assert make_report(trials).baseline == "supervised"
    report = make_report([trial for trial in trials if trial.row.contender != "supervised"])
    assert report.baseline == "irmae-linear"


def test_a_transductive_contender_is_no_baseline_by_default(trials: list[FinishedTrial], make_row: MakeRow) -> None:
    others = [trial for trial in trials if trial.row.contender != "supervised"]
    first = finished(make_row("a-transductive", seed, 1.0 + seed, transductive=True) for seed in range(7))
    assert make_report([*first, *others]).baseline == "irmae-linear"


def test_a_leaky_contender_is_neither_baseline_nor_drawn_by_default(
    trials: list[FinishedTrial], make_row: MakeRow
) -> None:
    best_of_many = finished(make_row("best-of-50", seed, 1.0 + seed, test_peeks=50) for seed in range(7))
    assert "best-of-50" not in make_report([*trials, *best_of_many]).drawn
    knn = [trial for trial in trials if trial.row.contender == "irmae-knn"]
    assert make_report([*best_of_many, *knn]).baseline == "irmae-knn"
    alone = make_report(best_of_many)
    assert (alone.baseline, alone.drawn) == ("best-of-50", ("best-of-50",))


def test_of_many_contenders_a_few_are_drawn(make_row: MakeRow) -> None:
    frozen = [
        make_row(f"{encoder}-{readout}", s, base + more + s, representation=encoder, reads="code", family=family)
        for base, encoder in ((10, "irmae"), (20, "ae"), (30, "pixels"))
        for more, (readout, family) in zip((3, 1, 2, 4), FAMILIES.items(), strict=True)
        for s in range(3)
    ]
    networks = [
        make_row(name, s, error + s, family="network, labels only")
        for error, name in ((15, "supervised"), (9, "supervised-augment"))
        for s in range(3)
    ]
    trials = finished([*frozen, *networks])
    report = make_report(trials)
    assert set(report.drawn) == {"irmae-linear", "ae-linear", "pixels-linear", "supervised", "supervised-augment"}
    assert len(report.drawn) <= MOST_DRAWN
    assert report.left_out.startswith("Drawn: 5 of 14 contenders, by default ")
    named = make_report(trials, drawn=["ae-knn"])
    assert named.drawn == ("ae-knn",)
    assert "named by the user" in named.left_out


def test_few_contenders_are_all_drawn_but_for_those_with_a_mark(trials: list[FinishedTrial]) -> None:
    assert make_report(trials).left_out == (
        "Drawn: 5 of 6 contenders, all but those that are transductive or leaky. The tables hold all."
    )
    inductive = [trial for trial in trials if not trial.row.transductive]
    assert make_report(inductive).left_out == ""


def test_a_lower_mean_over_easier_subsets_is_not_drawn_first(make_row: MakeRow) -> None:
    def frozen(encoder: str, readout: str, errors: list[float]) -> list[Row]:
        return [
            make_row(f"{encoder}-{readout}", s, e, representation=encoder, reads="code", family=FAMILIES[readout])
            for s, e in enumerate(errors)
        ]

    rows = [row for e in ("ae", "vae", "pixels") for r in FAMILIES for row in frozen(e, r, [40.0] * 3 + [60.0] * 3)]
    rows += frozen("irmae", "knn", [8.0] * 3) + frozen("irmae", "linear", [5.0] * 3 + [50.0] * 3)
    drawn = make_report(finished(rows)).drawn
    assert "irmae-linear" in drawn
    assert "irmae-knn" not in drawn
