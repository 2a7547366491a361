"""Formats of files: those of earlier versions are read, and those of later ones are refused in one sentence."""

import csv
import importlib.util
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ssl_irmae.datasets.registry import load_images
from ssl_irmae.encoders.code_scale import read_scale
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.errors import UserError
from ssl_irmae.networks.own import Pair
from ssl_irmae.pretraining.recipe import recorded_recipe
from ssl_irmae.pretraining.run_folder import Run
from ssl_irmae.protocols.evaluation import read_results
from ssl_irmae.protocols.labelling.classifier import Classifier
from ssl_irmae.protocols.labelling.label_sheet import LabelSheet
from ssl_irmae.protocols.storage.files import read_trials
from ssl_irmae.protocols.storage.store import Store
from tests.fixtures.make import KEPT, NETWORK, write_pictures

FIXTURES = Path(__file__).parent / "fixtures"
VERSIONS = sorted(folder.name for folder in FIXTURES.iterdir() if (folder / "store.sqlite").is_file())


@pytest.fixture(params=VERSIONS)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a copy of the files that an earlier version wrote, beside the pictures they are of."""
    shutil.copytree(FIXTURES / request.param, tmp_path / "old")
    write_pictures(tmp_path / "old")
    return tmp_path / "old"


def pair(folder: Path) -> Pair:
    """Return the function of the fixtures' networks."""
    (folder / "tiny.py").write_text(NETWORK)
    spec = importlib.util.spec_from_file_location("tiny", folder / "tiny.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Pair = module.pair
    return function


def test_there_are_files_of_every_kind_and_they_are_small() -> None:
    assert VERSIONS
    for version in VERSIONS:
        assert all((FIXTURES / version / name).is_file() for name in KEPT)
    assert max(file.stat().st_size for file in FIXTURES.rglob("*.*")) < 200_000


def test_an_encoder_gives_the_codes_that_it_gave(old: Path) -> None:
    encoder = Encoder.from_pretrained(old / "run", network=pair(old))
    images = load_images(old / "pictures", image_size=8)
    with np.load(old / "codes.npz") as codes:
        np.testing.assert_allclose(encoder.encode(images.images).numpy(), codes["code"], rtol=1e-4, atol=1e-5)
    assert read_scale(old / "run", str(encoder.config.card["data_fingerprint"])) is not None


def test_a_run_continues(old: Path) -> None:
    recipe = recorded_recipe(old / "run")
    assert recipe is not None
    networks = recipe.architecture.with_network(pair(old))
    images = load_images(old / "pictures", image_size=8)
    run = Run(old / "run", recipe.model_copy(update={"architecture": networks, "steps": 24}), images, None)
    assert run.state.step == run.resumed_at == 20
    assert [record.step for record in run.train()][-1] == 24


def test_stores_and_reports_hold_the_same_trials(old: Path) -> None:
    stored = read_trials(old / "store.sqlite")
    assert len(stored) == len({trial.row.key for trial in stored}) > 0
    assert read_trials(old / "report/rows.csv") == [
        trial.__class__(trial.row, round(trial.seconds, 3), trial.finished, trial.environment, trial.wrong)
        for trial in stored
    ]
    assert {t.row.key for t in read_trials(old / "report/report.json")} == {t.row.key for t in stored}
    with (old / "report/rows.csv").open(newline="") as file:
        assert [line["key"] for line in csv.DictReader(file)] == [trial.row.key for trial in stored]
    assert read_results(old / "report/report.json").summaries == read_results(old / "store.sqlite").summaries


def test_a_classifier_predicts_what_it_predicted(old: Path) -> None:
    classifier = Classifier.load(old / "classified/classifier", network=pair(old))
    images = load_images(old / "flat", image_size=8)
    assert images.paths is not None
    predicted = dict(zip(images.paths, classifier.logits(images.images).argmax(1).tolist(), strict=True))
    with (old / "classified/predictions.csv").open(newline="") as file:
        for line in csv.DictReader(file):
            assert classifier.classes[predicted[Path(line["path"]).name]] == line["label"]


def test_a_sheet_of_labels_is_read(old: Path) -> None:
    assert LabelSheet.read(old / "suggested/labels.csv").labels == {}


def _json(name: str, **fields: Any) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps({**json.loads(path.read_text()), **fields, "a field of later": 1}))

    return write


def _later_rows(folder: Path) -> None:
    lines = (folder / "report/rows.csv").read_text().splitlines()
    text = [f"{lines[0]},format,later", *(f"{line},99,x" for line in lines[1:])]
    (folder / "report/rows.csv").write_text("\n".join(text) + "\n")


def _later_checkpoint(folder: Path) -> None:
    state = torch.load(folder / "run/checkpoint.pt", weights_only=True)
    torch.save({**state, "format": 99}, folder / "run/checkpoint.pt")


def _later_store(folder: Path) -> None:
    connection = sqlite3.connect(folder / "store.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def _run(folder: Path) -> None:
    recipe = recorded_recipe(folder / "run")
    assert recipe is not None
    networks = recipe.architecture.with_network(pair(folder))
    Run(
        folder / "run",
        recipe.model_copy(update={"architecture": networks}),
        load_images(folder / "pictures", image_size=8),
        None,
    )


LATER: dict[str, tuple[Callable[[Path], None], Callable[[Path], object]]] = {
    "encoder": (_json("run/config.json", format=99), lambda folder: Encoder.from_pretrained(folder / "run")),
    "recipe": (_json("run/recipe.json", format=99), lambda folder: recorded_recipe(folder / "run")),
    "checkpoint": (_later_checkpoint, _run),
    "classifier": (
        _json("classified/classifier/config.json", format=99),
        lambda folder: Classifier.load(folder / "classified/classifier"),
    ),
    "store": (_later_store, lambda folder: Store(folder / "store.sqlite")),
    "rows": (_later_rows, lambda folder: read_trials(folder / "report/rows.csv")),
    "report": (_json("report/report.json", format=99), lambda folder: read_trials(folder / "report/report.json")),
}


@pytest.mark.parametrize("kind", LATER)
def test_what_a_later_version_wrote_says_so(old: Path, kind: str) -> None:
    make, read = LATER[kind]
    make(old)
    with pytest.raises(UserError, match="was written by a later ssl-irmae") as refused:
        read(old)
    assert "update ssl-irmae" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_new_files_name_their_format(tmp_path: Path) -> None:
    encoder = Encoder.from_pretrained("mnist-irmae")
    encoder.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["format"] == 2


def test_weights_of_another_time_than_their_card_are_refused(tmp_path: Path) -> None:
    encoder = Encoder.from_pretrained("mnist-irmae")
    encoder.save_pretrained(tmp_path)
    content = bytearray((tmp_path / "model.safetensors").read_bytes())
    content[-2] ^= 1
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"model\.safetensors is damaged, or not the one that .*config\.json"):
        Encoder.from_pretrained(tmp_path)
