"""A made-up protocol of a store's shape: every kind of contender, three budgets, the last one the full set."""

import math

import pytest

from ssl_irmae.protocols.storage.rows import FinishedTrial

BUDGETS = (10, 100, 1000)
SEEDS = range(7)
ENVIRONMENT = {"python": "3.11.7", "packages": {"torch": "2.9.0"}, "gpu": None}

# contender: encoder, what it reads, readout, error at ten labels
CONTENDERS = {
    "irmae-linear": ("irmae", "code", "linear_probe", 30.0),
    "irmae-knn": ("irmae", "code", "knn", 35.0),
    "pixels-linear": ("pixels", "code", "linear_probe", 50.0),
    "supervised": (None, "images", "supervised", 60.0),
    "my_own & <b>-joint": ("my_own & <b>", "images", "joint", 40.0),
    "irmae-poisson-transductive": ("irmae", "code", "poisson_transductive", 5.0),
}


@pytest.fixture(scope="session")
def trials(make_row) -> list[FinishedTrial]:
    """Errors fall as 1 / sqrt(labels); a readout without randomness has one trial at the full set."""
    found = []
    for budget in BUDGETS:
        full = budget == BUDGETS[-1]
        for place, (name, (encoder, reads, readout, start)) in enumerate(CONTENDERS.items()):
            for seed in SEEDS[:1] if full and readout == "linear_probe" else SEEDS:
                error = start / math.sqrt(budget / 10) + 0.3 * seed + 0.1 * ((seed * (place + 2)) % 5)
                row = make_row(
                    name,
                    seed,
                    round(error, 1),
                    budget=budget,
                    rule="full" if full else "balanced",
                    subset=f"{'full' if full else f'subset-{budget}-{seed}'}",
                    predictions=f"predictions-{name}-{budget}-{seed}",
                    encoder=encoder,
                    encoder_hash=None if encoder is None else f"hash-of-{encoder}",
                    reads=reads,
                    readout=readout,
                    settings={"C": 0.1, "loss": "none"},
                    transductive=readout == "poisson_transductive",
                    pretrain_seed=0 if encoder == "irmae" else None,
                )
                found.append(FinishedTrial(row, 0.25, f"2026-01-01T00:00:{seed:02d}+00:00", dict(ENVIRONMENT)))
    return found
