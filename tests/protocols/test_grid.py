"""The protocol's promises: no test label reaches a learner, subsets are shared, rows repeat, nothing is lost."""

import dataclasses
import sqlite3
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ssl_irmae.encoders import Encoder
from ssl_irmae.errors import UserError
from ssl_irmae.files import sha256
from ssl_irmae.protocols.contenders import CONTENDERS, Contender, choose, contenders_of
from ssl_irmae.protocols.data import Data, load_data
from ssl_irmae.protocols.grid import Grid, Spec, call_readout
from ssl_irmae.protocols.pretrained import PretrainedEncoder, open_encoder
from ssl_irmae.protocols.readouts import Sample
from ssl_irmae.protocols.results import Row, Store

# every readout, on the tiny encoder and with few steps
QUICK = {
    name: dataclasses.replace(
        contender,
        encoder="tiny" if contender.encoder else None,
        settings={**contender.settings, **({"steps": 3} if "steps" in contender.settings else {})},
    )
    for name, contender in CONTENDERS.items()
    if contender.encoder in (None, "irmae")
}


@pytest.fixture(scope="module")
def data() -> Data:
    return load_data("digits", scored_on="test")


@pytest.fixture
def encoders(tiny_encoder: Path) -> dict[str, PretrainedEncoder]:
    return {"tiny": open_encoder("tiny", tiny_encoder)}


def _spec(budgets: tuple[int | None, ...] = (20,), seeds: tuple[int, ...] = (0, 1)) -> Spec:
    return Spec(budgets=budgets, seeds=seeds, rule="balanced", scored_on="test", precision="fp32", device="cpu")


def _rows(
    data: Data, encoders: dict[str, PretrainedEncoder], store: Path, spec: Spec | None = None, *names: str
) -> list[Row]:
    contenders = {name: QUICK[name] for name in names} if names else QUICK
    return [o.row for o in Grid(spec or _spec(), data, contenders, encoders, Store(store)).run()]


def test_permuting_the_test_labels_changes_no_prediction_bit(
    data: Data, encoders: dict[str, PretrainedEncoder], tmp_path: Path
) -> None:
    assert data.scored.labels is not None
    shuffled = dataclasses.replace(data.scored, labels=data.scored.labels.roll(7))
    permuted = dataclasses.replace(data, scored=shuffled)
    a, b = (_rows(d, encoders, tmp_path / f"{i}.sqlite") for i, d in enumerate((data, permuted)))
    assert [row.predictions for row in a] == [row.predictions for row in b]
    assert [row.error for row in a] != [row.error for row in b]


def test_two_runs_give_identical_rows(data: Data, encoders: dict[str, PretrainedEncoder], tmp_path: Path) -> None:
    assert _rows(data, encoders, tmp_path / "a") == _rows(data, encoders, tmp_path / "b")


def test_the_error_is_the_share_of_wrong_predictions(data: Data, tmp_path: Path) -> None:
    def always_three(_: Sample) -> object:
        return lambda x: torch.full((len(x),), 3)

    contenders = {"three": Contender(always_three, "images", {})}
    row = next(Grid(_spec(), data, contenders, {}, Store(tmp_path / "s")).run()).row
    labels = data.scored.labels
    assert labels is not None
    assert row.error == pytest.approx(100 * (labels != 3).double().mean().item())
    assert row.n_scored == 497


def test_all_contenders_see_the_same_stored_subsets(
    data: Data, encoders: dict[str, PretrainedEncoder], tmp_path: Path
) -> None:
    rows = _rows(data, encoders, tmp_path / "s")
    for seed in (0, 1):
        assert len({row.subset for row in rows if row.seed == seed}) == 1
    indices = Store(tmp_path / "s").indices(rows[0].subset)
    assert data.train.labels is not None
    assert data.train.labels[indices].bincount().tolist() == [2] * 10


def test_a_readout_gets_the_labels_of_its_subset_and_no_others(data: Data, tmp_path: Path) -> None:
    seen: list[Sample] = []

    def look(sample: Sample) -> object:
        seen.append(sample)
        return lambda x: torch.zeros(len(x), dtype=torch.int64)

    contenders = {"look": Contender(look, "images", {})}
    store = Store(tmp_path / "s")
    (row,) = (o.row for o in Grid(_spec(seeds=(0,)), data, contenders, {}, store).run())
    assert data.train.labels is not None
    assert torch.equal(seen[0].labels, data.train.labels[store.indices(row.subset)])
    assert seen[0].positions.tolist() == store.indices(row.subset)
    tensors = {name: v for name, v in vars(seen[0]).items() if isinstance(v, Tensor) and v.dtype == torch.int64}
    assert {name: len(v) for name, v in tensors.items()} == {"labels": 20, "positions": 20}


def test_a_second_run_runs_only_what_is_missing(
    data: Data, encoders: dict[str, PretrainedEncoder], tmp_path: Path
) -> None:
    store = Store(tmp_path / "s")
    grid = Grid(_spec(), data, QUICK, encoders, store)
    for _, outcome in zip(range(3), grid.run(), strict=False):
        assert outcome.fresh
    outcomes = list(Grid(_spec(), data, QUICK, encoders, store).run())
    assert [o.fresh for o in outcomes] == [False] * 3 + [True] * (len(outcomes) - 3)
    assert len(store.rows()) == len(outcomes)


def test_what_a_row_depends_on_makes_it_another_row(
    data: Data, encoders: dict[str, PretrainedEncoder], tmp_path: Path
) -> None:
    store = Store(tmp_path / "s")
    list(Grid(_spec(), data, {"a": QUICK["irmae-linear"]}, encoders, store).run())
    stronger = dataclasses.replace(QUICK["irmae-linear"], settings={"C": 7.0, "max_iter": 1000})
    assert all(o.fresh for o in Grid(_spec(), data, {"a": stronger}, encoders, store).run())
    assert not any(o.fresh for o in Grid(_spec(), data, {"b": stronger}, encoders, store).run())


def test_at_the_full_set_a_deterministic_readout_runs_once(
    data: Data, encoders: dict[str, PretrainedEncoder], tmp_path: Path
) -> None:
    rows = _rows(data, encoders, tmp_path / "s", _spec((None,)), "irmae-linear", "supervised")
    assert [(row.contender, row.seed, row.rule) for row in rows] == [
        ("irmae-linear", 0, "full"),
        ("supervised", 0, "full"),
        ("supervised", 1, "full"),
    ]


def test_the_encoder_is_bit_identical_before_and_after(
    data: Data, encoders: dict[str, PretrainedEncoder], tiny_encoder: Path, tmp_path: Path
) -> None:
    grid = Grid(_spec(), data, QUICK, encoders, Store(tmp_path / "s"))
    before = sha256(tiny_encoder / "model.safetensors")
    list(grid.run())
    assert sha256(tiny_encoder / "model.safetensors") == before
    again = _rows(data, encoders, tmp_path / "t")  # a fresh load: had the first run changed its copy, rows differ
    assert again == Store(tmp_path / "s").rows()


@pytest.mark.parametrize("name", QUICK)
def test_contract_of_every_readout(name: str, data: Data, tiny_encoder: Path) -> None:
    contender = QUICK[name]
    encoder = Encoder.from_pretrained(tiny_encoder)
    inputs = encoder.encode(data.train.images) if contender.frozen else data.train.images
    scored = encoder.encode(data.scored.images) if contender.frozen else data.scored.images
    assert data.train.labels is not None
    sample = Sample(inputs[:30], data.train.labels[:30], inputs, torch.arange(30), 10, 5, torch.device("cpu"), "fp32")
    before = torch.random.get_rng_state()
    predictor, twin = (call_readout(contender, sample, encoder.autoencoder) for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state()), "torch's global generator was used or reseeded"
    predictions = predictor(scored)
    assert predictions.shape == (497,)
    assert predictions.dtype == torch.int64
    assert ((predictions >= 0) & (predictions < 10)).all()
    assert torch.equal(predictions, twin(scored))
    assert torch.equal(predictions[3:4], predictor(scored[3:4])), "a prediction must not depend on the others"


@pytest.mark.parametrize("name", QUICK)
def test_readouts_take_a_subset_of_one_class(name: str, data: Data, tiny_encoder: Path) -> None:
    contender = QUICK[name]
    encoder = Encoder.from_pretrained(tiny_encoder)
    inputs = encoder.encode(data.train.images) if contender.frozen else data.train.images
    sample = Sample(inputs[:3], torch.full((3,), 4), inputs, torch.arange(3), 10, 0, torch.device("cpu"), "fp32")
    assert call_readout(contender, sample, encoder.autoencoder)(inputs[:5]).shape == (5,)


@pytest.mark.parametrize("name", ["supervised", "irmae-joint", "vib", "irmae-linear"])
def test_learners_learn(name: str, data: Data, tiny_encoder: Path) -> None:
    """From 200 labelled digits every learner must do far better than the 90 % error of guessing."""
    contender = dataclasses.replace(CONTENDERS[name], settings={**CONTENDERS[name].settings})
    encoder = Encoder.from_pretrained(tiny_encoder)
    inputs = encoder.encode(data.train.images) if contender.frozen else data.train.images
    scored = encoder.encode(data.scored.images) if contender.frozen else data.scored.images
    assert data.train.labels is not None
    assert data.scored.labels is not None
    sample = Sample(
        inputs[:200], data.train.labels[:200], inputs, torch.arange(200), 10, 0, torch.device("cpu"), "fp32"
    )
    wrong = call_readout(contender, sample, encoder.autoencoder)(scored) != data.scored.labels
    assert wrong.double().mean() < (0.75 if contender.frozen else 0.5)


def test_development_scoring_holds_out_training_images() -> None:
    development, test = (load_data("digits", scored_on=s) for s in ("development", "test"))
    assert (len(development.train), len(development.scored)) == (1300 - 216, 216)
    both = torch.cat([development.train.images, development.scored.images])
    assert sorted(x.numpy().tobytes() for x in both) == sorted(x.numpy().tobytes() for x in test.train.images)
    assert development.scored.labels is not None
    assert development.scored.labels.bincount().min() > 5, "every class is held out in part"


def test_unknown_contenders_name_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'irmae-linear'"):
        choose(["irmae-liner"], CONTENDERS)
    assert {"mine-linear", "mine-features-linear", "mine-joint"} <= contenders_of("mine").keys()


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "s")
    connection.execute("CREATE TABLE trials (number INTEGER)")
    connection.commit()
    connection.close()
    with pytest.raises(UserError, match="another program"):
        Store(tmp_path / "s")


def test_a_store_that_is_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"my thesis, chapter one, which nobody may overwrite" * 100)
    before = sha256(tmp_path / "s")
    with pytest.raises(UserError, match="name another --store"):
        Store(tmp_path / "s")
    assert sha256(tmp_path / "s") == before
