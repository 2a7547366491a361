"""However many encoders there are, a process keeps codes and graphs up to a bound, and rows do not depend on it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ssl_irmae.architecture import Architecture
from ssl_irmae.encoders.encoder import Encoder, EncoderConfig
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.registry import contenders_of
from ssl_irmae.protocols.readouts.sample import Memo, Predictor, Sample
from ssl_irmae.protocols.representations.pretrained import OpenedEncoder, open_encoder
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.running.kept import Kept
from ssl_irmae.protocols.storage.rows import Row
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.task import Task
from tests.protocols.small_grids import plan

KNOWN = {name: contenders_of("own")[name] for name in ("own-poisson", "own-spread-transductive", "own-knn")}


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> tuple[OpenedEncoder, ...]:
    """Return three untrained encoders, which contenders take for three pretraining seeds of one."""
    folder = tmp_path_factory.mktemp("encoders")
    for seed in range(3):
        architecture = Architecture.paper(method="ae", channels=1, image_size=32, latent_dim=8)
        config = EncoderConfig(architecture=architecture, card={"seed": seed})
        Encoder(config, architecture.build(seed).state_dict()).save_pretrained(folder / f"own-{seed}")
    return tuple(open_encoder("own", folder / f"own-{seed}") for seed in range(3))


@dataclass
class Ran:
    """The rows of a grid, and the bytes that were kept after each of its trials."""

    rows: list[Row]
    sizes: list[int]


def run(task: Task, encoders: tuple[OpenedEncoder, ...], store: Path, most: int | None = None) -> Ran:
    grid = Grid(plan(KNOWN, known=KNOWN), task, {"own": encoders}, Store(store))
    if most is not None:
        grid.runner.kept.most = most
    places, sizes = {}, []
    for outcome in grid.run():
        places[outcome.place] = outcome.row
        sizes.append(grid.runner.kept.size)
    return Ran([places[place] for place in sorted(places)], sizes)


def test_codes_and_graphs_of_many_encoders_stay_below_a_bound_and_rows_are_the_same(
    task: Task, several: tuple[OpenedEncoder, ...], tmp_path: Path
) -> None:
    one = max(run(task, several[:1], tmp_path / "one").sizes)
    everything = run(task, several, tmp_path / "everything")
    assert max(everything.sizes) > 2 * one, "three encoders need more than two"
    for most in (one, 0):
        bounded = run(task, several, tmp_path / f"{most}", most=most)
        assert 0 < max(bounded.sizes) <= one, "with no room at all, what the last trials used is kept"
        assert bounded.rows == everything.rows


class Counting:
    """A readout that counts how often what trials share had to be computed."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, sample: Sample) -> Predictor:
        def compute() -> Tensor:
            self.count += 1
            return torch.zeros(1000)

        sample.memo.once("shared", compute)
        return lambda inputs: torch.zeros(len(inputs), dtype=torch.int64)


def test_trials_that_share_codes_run_one_after_the_other_so_that_nothing_is_computed_twice(
    task: Task, several: tuple[OpenedEncoder, ...], tmp_path: Path
) -> None:
    counting = Counting()
    known = {name: Contender(name, counting, "code", {}, representation="own") for name in ("a", "b", "c")}
    grid = Grid(plan(known, known=known), task, {"own": several}, Store(tmp_path / "s"))
    grid.runner.kept.most = 0
    assert len(list(grid.run())) == 3 * 2 * len(several)
    assert counting.count == len(several)


def test_what_was_used_least_recently_goes_first() -> None:
    kept = Kept(most=3000)
    for name in ("a", "b", "c", "a", "d"):
        with kept.in_use():
            kept.once(name, lambda: np.zeros(125))  # 1000 bytes
    assert [name for name in "abcd" if name in kept] == ["a", "c", "d"]
    assert kept.size == 3000


def test_what_is_in_use_stays_even_if_it_is_too_much_and_goes_when_something_else_is_used() -> None:
    kept = Kept(most=1000)
    with kept.in_use():
        for name in ("a", "b"):
            kept.once(name, lambda: torch.zeros(250))
    assert kept.size == 2000
    with kept.in_use():
        assert kept.once("b", lambda: torch.ones(250)).sum() == 0, "it is still there"
        kept.once("c", lambda: torch.zeros(10))
    assert "a" not in kept


def test_what_several_values_share_counts_once_and_what_others_keep_not_at_all() -> None:
    others, shared = torch.zeros(1000), torch.zeros(250)
    kept = Kept(apart=[others])
    with kept.in_use():
        kept.once("view", lambda: shared[10:20])
        kept.once("several", lambda: {"codes": shared, "array": [shared.numpy()], "others": others[:500]})
    assert kept.size == 1000
    kept.most = 0
    with kept.in_use():
        kept.once("nothing", lambda: others)
    assert kept.size == 0


def test_a_value_that_grows_makes_others_go() -> None:
    kept = Kept(most=2000)
    with kept.in_use():
        kept.once("first", lambda: torch.zeros(250))
    with kept.in_use():
        memo = kept.once("memo", lambda: Memo(lambda: kept.measure("memo")))
        assert "first" in kept
        memo.once("graph", lambda: torch.zeros(500))
    assert "first" not in kept
    assert kept.size == 2000
