"""The table of several pretrainings tells one encoder from several."""

from docs.pretraining_seeds import seeds_table
from tests.protocols.conftest import MakeRow


def test_one_encoder_stands_beside_all(make_row: MakeRow) -> None:
    rows = [
        make_row("irmae-linear", seed, 10.0 + seed + 3.0 * pretraining, pretrain_seed=pretraining)
        for seed in range(10)
        for pretraining in range(3)
    ]
    said = seeds_table(rows)
    assert "| `irmae-linear`, 100 labels | 14.50 ± 0.96 | 17.50 ± " in said
    assert said.startswith("Pretraining spreads errors more than the choice of labels does at 0 of 1 places.")
