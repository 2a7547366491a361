"""The table on settings that travel says what its rows say."""

import json

from docs.travel import travel_table
from ssl_irmae.protocols.report.report import make_report
from ssl_irmae.protocols.storage.rows import FinishedTrial
from tests.protocols.conftest import MakeRow

MNIST = (20.0, 22.0, 21.0, 20.5, 21.5, 22.0)


def test_own_settings_are_compared_on_the_same_subsets(make_row: MakeRow) -> None:
    grid = [make_row("vib", seed, error) for seed, error in enumerate(MNIST)]
    fashion = make_report([FinishedTrial(row, 1.0, "2026-01-01T00:00:00+00:00", {}) for row in grid])
    given = json.dumps({"beta": 0.01})
    gains = (1.0, 2.0, 1.5, 1.0, 2.0, 1.5)
    rows = [
        {"contender": "vib", "given": given, "budget": "100", "seed": str(seed), "error": str(error - gain)}
        for seed, (error, gain) in enumerate(zip(MNIST, gains, strict=True))
    ]
    said = travel_table(rows, fashion, ["supervised"])
    assert said.startswith("Own settings change mean errors by -1.50 to -1.50 points.")
    assert "`supervised` are the same on both" in said
    assert "fewer errors for `vib` at 100 labels" in said
    assert "| beta 0.01 | 21.17 " in said
    assert "| 19.67 " in said
    assert "-1.50 [" in said
