"""Images that do not fit into memory: the same images, fingerprints and weights as in it, within the limit."""

import hashlib
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from numpy.lib.format import open_memmap
from PIL import Image

import ssl_irmae
from ssl_irmae._support.memory import free_memory
from ssl_irmae.datasets.image_set import ImageSet, fit_images
from ssl_irmae.datasets.registry import holds_rows, load_images
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.errors import NoTestSplitError, UserError
from ssl_irmae.pretraining.pretrain import PretrainingResult
from ssl_irmae.protocols.task import ScoredOn

Limit = Callable[[], None]


@pytest.fixture
def no_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Limit:
    """Return what makes a process see that nothing is left of what ``ulimit -d`` allows it."""
    monkeypatch.setenv("SSL_IRMAE_HOME", str(tmp_path / "home"))
    return lambda: monkeypatch.setattr(resource, "getrlimit", lambda _: (0, 0))


def random_pixels(*shape: int, high: int = 256) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, high, shape, dtype=np.uint8)


def write_pictures(folder: Path, kind: str) -> None:
    """Write twelve pictures in two classes: colour with a grey one, with transparency, of 16 bits, or masks."""
    for i in range(12):
        file = folder / ("a" if i < 6 else "b") / f"{i:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.roll(random_pixels(20, 24, 4), i, 0)
        match kind:
            case "colour":
                Image.fromarray(pixels[..., 0] if i == 3 else pixels[..., :3]).save(file)
            case "transparency":
                Image.fromarray(pixels).save(file)
            case "16 bits":
                Image.fromarray(pixels[..., 0].astype(np.uint16) * 16).save(file)
            case "masks":
                Image.fromarray(pixels[..., 0] // 128).save(file)


def assert_equal(a: ImageSet, b: ImageSet) -> None:
    assert torch.equal(a.images, b.images)
    assert (a.fingerprint, a.pixel_fingerprint) == (b.fingerprint, b.pixel_fingerprint)
    assert (a.classes, a.paths, a.reading) == (b.classes, b.paths, b.reading)
    assert (a.labels is None) == (b.labels is None)


@pytest.mark.parametrize("kind", ["colour", "transparency", "16 bits", "masks"])
def test_a_folder_too_large_for_memory_holds_the_same_images(tmp_path: Path, no_memory: Limit, kind: str) -> None:
    write_pictures(tmp_path / "pictures", kind)
    in_memory = load_images(tmp_path / "pictures", image_size=16)
    no_memory()
    assert_equal(load_images(tmp_path / "pictures", image_size=16), in_memory)


def test_what_was_put_on_disk_leaves_nothing_there(tmp_path: Path, no_memory: Limit) -> None:
    write_pictures(tmp_path / "pictures", "colour")
    no_memory()
    images = load_images(tmp_path / "pictures", image_size=16)
    assert len(images) == 12
    assert list((tmp_path / "home").iterdir()) == []


LAYOUTS: dict[str, npt.NDArray[Any]] = {
    "grey": random_pixels(9, 8, 10),
    "channels first": random_pixels(9, 3, 8, 10),
    "channels last": random_pixels(9, 8, 10, 3),
    "opaque": np.concatenate([random_pixels(9, 8, 10, 3), np.full((9, 8, 10, 1), 255, np.uint8)], 3),
    "masks": random_pixels(9, 8, 10, high=2),
    "floats": random_pixels(9, 8, 10, 3) / np.float32(255),
    "16 bits": random_pixels(9, 8, 10).astype(">u2") * 16,
    "another order of axes": np.asfortranarray(random_pixels(9, 8, 10, 3)),
    "rows of numbers": np.random.default_rng(0).normal(size=(9, 4)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_array_file_holds_what_the_array_does(tmp_path: Path, layout: str) -> None:
    np.save(tmp_path / "images.npy", LAYOUTS[layout])
    images, array = load_images(tmp_path / "images.npy"), load_images(LAYOUTS[layout])
    assert images.name == "images"
    assert holds_rows(tmp_path / "images.npy") == array.are_rows
    assert_equal(images, array)
    with pytest.raises(NoTestSplitError, match="test_images"):
        load_images(tmp_path / "images.npy", "test")


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "rows of numbers"])
def test_an_array_file_too_large_for_memory_holds_the_same_images(
    tmp_path: Path, no_memory: Limit, layout: str
) -> None:
    np.save(tmp_path / "images.npy", LAYOUTS[layout])
    in_memory = load_images(tmp_path / "images.npy")
    no_memory()
    large = load_images(tmp_path / "images.npy")
    assert_equal(large, in_memory)
    for channels, size in ((1, 16), (large.images.shape[1], 8)):
        wanted = {"channels": channels, "image_size": size}
        assert torch.equal(fit_images(large.images, **wanted), fit_images(in_memory.images, **wanted))


def test_rows_of_numbers_too_many_for_memory_are_refused(tmp_path: Path, no_memory: Limit) -> None:
    np.save(tmp_path / "rows.npy", LAYOUTS["rows of numbers"])
    no_memory()
    with pytest.raises(UserError, match=r"rows of numbers take .* and 0.0 GB are free: give fewer rows"):
        load_images(tmp_path / "rows.npy")


def test_a_mapped_array_with_labels_is_a_data_set(tmp_path: Path, no_memory: Limit) -> None:
    pixels, labels = LAYOUTS["channels first"], np.arange(9) % 3
    mapped = open_memmap(tmp_path / "images.npy", "w+", np.uint8, pixels.shape)
    mapped[:] = pixels
    mapped.flush()
    in_memory = load_images((pixels, labels))
    no_memory()
    assert_equal(load_images((np.load(tmp_path / "images.npy", mmap_mode="r"), labels)), in_memory)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as a .npy file"),
        (b"PK\x03\x04 an archive", "cannot be read as a .npy file"),
        (b"\x93NUMPY\x03\x00", "not for numbers or names"),
    ],
)
def test_a_file_that_is_not_an_array_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(UserError, match=message):
        load_images(tmp_path / "a.npy")


@pytest.mark.parametrize("shape", [(10**9, 32, 32), (2**40, 2**20, 2**20), (1, 8, 7), (2**70, 0, 1), (0, 2**40, 2**40)])
def test_a_header_is_believed_only_as_far_as_the_file_goes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", random_pixels(1, 8, 8))
    content = (tmp_path / "a.npy").read_bytes()
    header = content[10:-64].replace(b"(1, 8, 8)", str(shape).encode()).rstrip().ljust(len(content) - 74)
    (tmp_path / "a.npy").write_bytes(content[:10] + header[: len(content) - 74] + content[-64:])
    with pytest.raises(UserError, match=r"declares shape .* save it again"):
        load_images(tmp_path / "a.npy")


def test_an_array_of_objects_is_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"code": "could run"}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="Python objects, which are never loaded"):
        load_images(tmp_path / "a.npy")


@pytest.mark.parametrize("shape", [(0, 8, 8), (8,), (), (2, 2, 2, 2, 2)])
def test_an_array_that_is_not_of_images_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", np.zeros(shape, np.uint8))
    with pytest.raises(UserError, match=r"no pixels|must be images"):
        load_images(tmp_path / "a.npy")


def test_a_full_disk_is_reported(tmp_path: Path, no_memory: Limit, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pictures(tmp_path / "pictures", "colour")
    no_memory()
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(UserError, match="has no room for them"):
        load_images(tmp_path / "pictures", image_size=16)


def pretrained(dataset: Path, out: Path, steps: int = 6) -> PretrainingResult:
    return ssl_irmae.pretrain(
        dataset=dataset,
        out=out,
        recipe="paper",
        max_steps=steps,
        batch_size=5,
        network="mlp",
        image_size=16,
        latent_dim=4,
    )


def weights(result: PretrainingResult) -> str:
    state = result.encoder.state_dict()
    return hashlib.sha256(b"".join(state[name].numpy().tobytes() for name in sorted(state))).hexdigest()


@pytest.mark.parametrize("form", ["folder", "array"])
def test_images_on_disk_give_the_weights_of_those_in_memory_bit_for_bit(
    tmp_path: Path, no_memory: Limit, form: str
) -> None:
    dataset = tmp_path / ("pictures" if form == "folder" else "images.npy")
    if form == "folder":
        write_pictures(dataset, "colour")
    else:
        np.save(dataset, random_pixels(12, 40, 44, 3))
    in_memory = pretrained(dataset, tmp_path / "in-memory")
    pretrained(dataset, tmp_path / "continued", steps=4)  # in the middle of an epoch
    no_memory()
    assert weights(pretrained(dataset, tmp_path / "on-disk")) == weights(in_memory)
    continued = pretrained(dataset, tmp_path / "continued")
    assert continued.steps_before == 4
    assert weights(continued) == weights(in_memory)
    large = load_images(dataset, image_size=16)
    encoder = Encoder.from_pretrained(tmp_path / "on-disk")
    assert large.fingerprint == encoder.config.card["data_fingerprint"]
    assert len(encoder.encode(large.images)) == 12


@pytest.mark.parametrize("scored_on", ["folds", "development"])
def test_codes_of_images_on_disk_are_evaluated_as_those_in_memory(
    tmp_path: Path, no_memory: Limit, monkeypatch: pytest.MonkeyPatch, scored_on: ScoredOn
) -> None:
    write_pictures(tmp_path / "pictures", "colour")
    encoder = pretrained(tmp_path / "pictures", tmp_path / "mine").folder

    def predictions(store: str, *contenders: str) -> dict[str, str]:
        monkeypatch.setenv("SSL_IRMAE_HOME", str(tmp_path / store))  # where codes are kept
        report = ssl_irmae.evaluate(
            dataset=tmp_path / "pictures",
            encoders=encoder,
            contenders=contenders,
            baseline="mine-centroid",
            budgets=4,
            seeds=2,
            scored_on=scored_on,
            jobs=2,
            store=tmp_path / store / "results.sqlite",
        )
        return {row.key: row.predictions for row in report.rows()}

    in_memory = predictions("in-memory", "mine-centroid", "mine-knn")
    no_memory()
    assert predictions("on-disk", "mine-centroid", "mine-knn") == in_memory
    with pytest.raises(UserError, match=r"trials failed, the others are kept.*read codes of an encoder"):
        predictions("pixels", "mine-centroid", "pixels-knn")


def test_a_set_five_times_the_allowance_is_pretrained_on_and_encoded_within_it(tmp_path: Path) -> None:
    script = """
import re, resource
from pathlib import Path
import numpy as np, torch
import ssl_irmae
from ssl_irmae.datasets.registry import load_images

def run(dataset, out):
    result = ssl_irmae.pretrain(dataset=dataset, out=out, max_steps=2, depth=0, latent_dim=2, network="mlp",
                                image_size=16, precision="fp32", recipe="paper")
    return result.encoder.encode(load_images(dataset).images)

def used():
    return 1024 * int(re.search(r"VmData:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

torch.set_num_threads(1)
np.save("small.npy", np.random.default_rng(0).integers(0, 256, (600, 16, 16), dtype=np.uint8))
run("small.npy", "small")  # what is imported and allocated by then does not count
allowed = 32 * 2**20
large = np.lib.format.open_memmap("large.npy", "w+", np.uint8, (5 * allowed // 4096, 64, 64))
for i in range(0, len(large), 1000):
    large[i : i + 1000] = np.random.default_rng(i).integers(0, 256, (len(large[i : i + 1000]), 64, 64), dtype=np.uint8)
size = large.nbytes
del large
resource.setrlimit(resource.RLIMIT_DATA, (used() + allowed,) * 2)
try:
    np.ones(size, np.uint8)
    raise SystemExit("the limit does not hold")
except MemoryError:
    pass
assert size >= 5 * allowed
print(len(run("large.npy", "large")))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PATH": "", "SSL_IRMAE_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"{5 * 32 * 2**20 // 4096}\n", done.stderr


def test_a_limit_of_the_process_is_memory_that_it_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    before = free_memory()
    assert before is not None
    assert before > 0
    unlimited = (resource.RLIM_INFINITY,) * 2
    for name in (resource.RLIMIT_DATA, resource.RLIMIT_AS):
        monkeypatch.setattr(resource, "getrlimit", lambda which, name=name: (1, 1) if which == name else unlimited)
        assert free_memory() == 0
