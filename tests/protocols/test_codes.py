"""What is encoded for frozen readouts, and that it makes no difference to them what else was."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.encoders.code_scale import SCALE, write_scale
from ssl_irmae.encoders.encoder import Encoder, EncoderConfig
from ssl_irmae.encoders.encoding import ENCODE_CHUNK
from ssl_irmae.protocols.contenders.registry import contenders_of
from ssl_irmae.protocols.plan import Part, Plan
from ssl_irmae.protocols.representations.pretrained import open_encoder
from ssl_irmae.protocols.running.codes import Codes
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.running.kept import Kept
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.task import Task

TRAIN, SCORED = 5 * ENCODE_CHUNK, 40
LABELS = torch.arange(TRAIN) % 4
CLASSES = ("a", "b", "c", "d")


def image_set(n: int) -> ImageSet:
    """Return images whose brightness depends on their class."""
    noise = np.random.default_rng(n).integers(0, 128, (n, 1, 32, 32))
    pixels = noise + 32 * LABELS[:n].numpy()[:, None, None, None]
    return ImageSet("stripes", torch.from_numpy(pixels.astype(np.uint8)), LABELS[:n], CLASSES)


@pytest.fixture(scope="module")
def large_task() -> Task:
    """Return a task with more training images than a few labels need."""
    train = image_set(TRAIN)
    return Task(train, image_set(SCORED), train.fingerprint)


@pytest.fixture
def folder(large_task: Task, tmp_path: Path) -> Path:
    """Return an encoder that was pretrained on the task's images, as its card says, with the scale of its codes."""
    architecture = Architecture.paper(method="ae", channels=1, image_size=32, latent_dim=8)
    fingerprint = large_task.train.fingerprint
    encoder = Encoder(EncoderConfig(architecture=architecture, card={"data_fingerprint": fingerprint}))
    encoder.save_pretrained(tmp_path / "own")
    write_scale(tmp_path / "own", encoder.encode(large_task.train.images), fingerprint, threads=torch.get_num_threads())
    return tmp_path / "own"


def make_grid(folder: Path, task: Task, *readouts: str, seeds: int = 1) -> Grid:
    """Plan readouts of an encoder at 20 labels."""
    known = contenders_of("own")
    names = tuple(f"own-{readout}" for readout in readouts)
    part = Part(contenders=names, budgets=(20,), seeds=tuple(range(seeds)))
    plan = Plan(parts=(part,), contenders={n: known[n] for n in names}, baseline=names[0], dataset="stripes")
    return Grid(plan, task, {"own": (open_encoder("own", folder),)}, Store(folder / "store"))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_IRMAE_HOME", str(tmp_path / "home"))


LABELLED_ALONE = [name for name, c in contenders_of("own").items() if c.frozen and not c.reads_unlabelled]


@pytest.mark.parametrize(
    "changes", [{}, {"scored_on": "development", "source_fingerprint": "of these and the held-out images"}]
)
def test_readouts_of_few_labels_are_the_same_whether_all_images_are_encoded_or_these_alone(
    changes: dict[str, Any], large_task: Task, folder: Path
) -> None:
    large_task = dataclasses.replace(large_task, **changes)
    readouts = [name.removeprefix("own-") for name in LABELLED_ALONE if "features" not in name]
    assert readouts == ["linear", "mlp", "knn", "centroid", "metric"]
    few = make_grid(folder, large_task, *readouts)
    found = [outcome.row.predictions for outcome in few.run()]
    assert few.runner.codes.encoding.images == ENCODE_CHUNK + SCORED
    (folder / SCALE).unlink()
    (folder / "store").unlink()
    everything = make_grid(folder, large_task, *readouts)
    assert [outcome.row.predictions for outcome in everything.run()] == found
    assert everything.runner.codes.encoding.images == TRAIN  # the scored ones are in the cache
    assert len(set(found)) > 1


@pytest.mark.parametrize(
    ("readout", "changes"),
    [
        ("self-training", {}),
        ("linear", {"source_fingerprint": "of other images"}),
        # of a pretraining that has seen what is held out, the scale is that of more images
        ("linear", {"scored_on": "development", "train": image_set(TRAIN - ENCODE_CHUNK)}),
    ],
)
def test_all_images_are_encoded_for_readouts_of_unlabelled_codes_and_where_no_scale_is_known(
    readout: str, changes: dict[str, Any], large_task: Task, folder: Path
) -> None:
    grid = make_grid(folder, dataclasses.replace(large_task, **changes), readout)
    assert len(list(grid.run())) == 1
    assert grid.runner.codes.encoding.images == len(grid.task.train) + SCORED


@pytest.mark.parametrize("readouts", [("linear", "knn"), ("self-training", "linear")])
def test_how_many_images_will_be_encoded_is_known_before(
    readouts: tuple[str, ...], large_task: Task, folder: Path
) -> None:
    grid = make_grid(folder, large_task, *readouts, seeds=2)
    for _ in range(2):  # nothing is cached, then something
        (foretold,) = grid.runner.to_encode(grid.jobs).values()
        list(grid.run())
        assert foretold == grid.runner.codes.encoding.images
        (folder / "store").unlink()
        grid = make_grid(folder, large_task, *readouts, seeds=2)


class Brightness:
    """A representation whose code is the mean pixel, and which counts the images that it encodes."""

    name, hash, pretrain_seed, pretraining, network, learns, quick = "brightness", "b", None, None, None, False, False

    def __init__(self) -> None:
        self.encoded = 0

    def fit(self, _train: Tensor, _device: torch.device) -> "Brightness":
        return self

    def __call__(self, images: Tensor, _reads: str) -> Tensor:
        self.encoded += len(images)
        return images.float().mean((1, 2, 3))[:, None]


def test_few_images_are_encoded_in_whole_chunks_those_expected_together_and_none_twice(large_task: Task) -> None:
    counting, codes = Brightness(), Codes(large_task, "cpu")
    truth = Brightness()(large_task.train.images, "code")
    first, second = torch.arange(5, 300), torch.arange(250, 400)
    codes.expect(counting, "code", second)
    assert torch.equal(codes.of_labelled(counting, "code", first), truth[first])
    assert torch.equal(codes.of_labelled(counting, "code", second.flip(0)), truth[second.flip(0)])
    assert counting.encoded == ENCODE_CHUNK
    assert torch.equal(codes.of_labelled(counting, "code", torch.arange(TRAIN)), truth)
    assert counting.encoded == ENCODE_CHUNK + TRAIN, "many images: all are encoded, to be kept"
    codes.of(counting, "code")
    Codes(large_task, "cpu").of_labelled(counting, "code", first)
    assert counting.encoded == ENCODE_CHUNK + TRAIN + SCORED, "what is in the cache is not encoded again"


def test_codes_of_few_images_that_had_to_be_dropped_are_replaced_by_those_of_all(large_task: Task) -> None:
    kept = Kept(most=0)
    counting, codes = Brightness(), Codes(large_task, "cpu", kept)
    truth = Brightness()(large_task.train.images, "code")
    few = torch.arange(5, 300)
    for _ in range(3):
        with kept.in_use():
            assert torch.equal(codes.of_labelled(counting, "code", few), truth[few])
        with kept.in_use():
            kept.once("other codes", lambda: torch.zeros(10))
    assert counting.encoded == ENCODE_CHUNK + TRAIN, "those of all are in the cache"
