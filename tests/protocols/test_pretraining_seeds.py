"""The tables of several pretrainings tell one encoder from several."""

import pytest

from docs.pretraining_seeds import differences_table, seeds_table
from tests.protocols.conftest import MakeRow


def test_one_encoder_stands_beside_all(make_row: MakeRow) -> None:
    rows = [
        make_row("irmae-linear", seed, 10.0 + seed + 3.0 * pretraining, pretrain_seed=pretraining)
        for seed in range(10)
        for pretraining in range(3)
    ]
    said = seeds_table(rows)
    assert "| `irmae-linear`, 100 labels | 14.50 ± 0.96 | 17.50 ± " in said
    assert said.startswith("Pretraining spreads errors more than the choice of labels does in 0 of 1 rows.")


@pytest.mark.parametrize(
    ("better_by", "verdict"),
    [
        ((3.0, 3.1, 2.9), "Over three seeds that holds for 1 of these, in the same"),
        ((3.0, -4.0, -3.5), "Over three seeds that holds for 0 of these, in the same"),
    ],
)
def test_what_one_encoder_decides_is_asked_of_all(
    better_by: tuple[float, ...], verdict: str, make_row: MakeRow
) -> None:
    said = differences_table(
        [
            make_row(contender, seed, error, pretrain_seed=pretraining)
            for seed in range(10)
            for pretraining, by in enumerate(better_by)
            for contender, error in (
                ("irmae-linear", 20.0 + seed % 3 - by + 0.1 * (seed % 2)),
                ("ae-linear", 20.0 + seed % 3),
            )
        ]
    )
    assert said.startswith("With one encoder of each method 1 of 1 differences are decided")
    assert verdict in said
