"""`ssl-irmae generate`: what it writes and what it refuses."""

import json
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssl_irmae.datasets.registry import load_images
from tests.command_line import check_mistake, run, start


@pytest.mark.parametrize("command", ["reconstruct --n 3", "interpolate --n 2 --steps 3", "sample --n 4", "walk --n 2"])
def test_a_grid_and_its_arrays_are_written(command: str) -> None:
    result = run(f"generate {command} --encoder mnist-vae --dataset digits")
    name = command.split()[0]
    assert result.stdout.startswith(f"runs/mnist-vae-generated/{name}.png: ")
    assert "mnist-vae was pretrained on mnist: pictures of digits may come out wrong" in result.stderr
    assert {path.name for path in Path("runs/mnist-vae-generated").iterdir()} == {f"{name}.png", f"{name}.npz"}


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("sample --encoder mnist-irmae --dataset digits --sampler prior", "--sampler prior: only codes of vae"),
        ("walk --encoder mnist-irmae --dataset digits --steps 1", "--steps must be at least 2"),
        ("reconstruct --encoder mnist-irmae --dataset digits --n 1000", "--n 1000: digits has 497 images"),
        ("sample --encoder mnist-irmea", "did you mean 'mnist-irmae'"),
        ("sample --encoder mnist-vae --encoder mnist-irmea", "did you mean 'mnist-irmae'"),
        ("walk --encoder mnist-vae --encoder mnist-vae", "--encoder: two have the name mnist-vae"),
        ("sample --encoder mnist-vae --encoder mnist-ae --dataset digits --sampler prior", "and this is ae"),
        ("distance --encoder mnist-irmae --dataset digits --seeds 1", "--seeds: 1 is too few"),
        ("interpolate --encoder mnist-irmae --dataset digits --n 300", "--n 300: 300 pairs take 600 images"),
        (f"sample --encoder mnist-irmae --dataset digits --n {10**30}", f"--n {10**30}: a grid of"),
        (f"walk --encoder mnist-irmae --dataset digits --steps {10**12}", f"--steps {10**12}: a grid of"),
        ("walk --encoder mnist-irmae --dataset digits --reach 1e300", "--reach 1e+300: the decoder's numbers overflow"),
        ("walk --encoder mnist-irmae --dataset digits --reach nan", "--reach must be positive and finite, got nan"),
        ("walk --encoder mnist-irmae --dataset digits --n 999", "--n 999: irmae's codes of digits vary along"),
    ],
)
def test_mistakes_get_one_sentence_and_leave_nothing_behind(command: str, message: str) -> None:
    check_mistake(f"generate {command}", message)
    assert not [path for path in Path().rglob("*") if path.is_file()]


def test_the_images_are_those_of_the_pretraining_where_these_have_a_name() -> None:
    run("pretrain --dataset digits --max-steps 2 --precision fp32 --out runs/of-digits")
    assert "pretrained on" not in run("generate reconstruct --encoder runs/of-digits --n 2").stderr
    images = load_images("digits").images.numpy()
    np.savez("mine.npz", images=images[:50])
    run("pretrain --dataset mine.npz --max-steps 2 --precision fp32 --out runs/of-mine")
    check_mistake("generate sample --encoder runs/of-mine", "--dataset: runs/of-mine: pretrained on mine; say where")
    check_mistake(
        "generate sample --encoder runs/of-mine --encoder runs/of-digits", "pretrained on mine and digits; say where"
    )


def test_a_folder_below_a_file_is_refused_before_anything_is_made() -> None:
    Path("a-file").touch()
    check_mistake(
        "generate sample --encoder mnist-irmae --out a-file/sub", "--out: a-file/sub cannot be written to (Not"
    )


def test_distances_of_encoders_of_different_images_name_their_sizes() -> None:
    run("pretrain --dataset digits --image-size 16 --max-steps 2 --precision fp32 --out runs/small")
    check_mistake(
        "generate distance --dataset digits --encoder runs/small --encoder mnist-ae",
        "small of 1 x 16 x 16, mnist-ae of 1 x 32 x 32",
    )


def _size(file: Path) -> tuple[int, int]:
    with Image.open(file) as picture:
        return picture.size


@pytest.mark.parametrize(
    ("command", "shared"),
    [
        ("reconstruct --n 3", ("images", "positions")),
        ("interpolate --n 2 --steps 3", ("images", "positions")),
        ("sample --n 4", ()),
        ("walk --n 2", ()),
    ],
)
def test_several_encoders_make_the_same_and_are_shown_side_by_side(command: str, shared: tuple[str, ...]) -> None:
    names = ("mnist-irmae", "mnist-vae")
    result = run(f"generate {command} --encoder {names[0]} --encoder {names[1]} --dataset digits")
    kind, folder = command.split()[0], Path("runs/generated")
    assert result.stdout.startswith(f"{folder / kind}.png: mnist-irmae, mnist-vae side by side")
    width, height = _size(folder / f"{kind}.png")
    sizes = [_size(folder / name / f"{kind}.png") for name in names]
    assert width > sum(each for each, _ in sizes)
    assert height > max(each for _, each in sizes)
    first, second = (np.load(folder / name / f"{kind}.npz") for name in names)
    for array in shared:
        assert (first[array] == second[array]).all()
    assert not np.array_equal(first["pictures"], second["pictures"])
    # each is what it is alone
    run(f"generate {command} --encoder {names[1]} --dataset digits --out alone")
    assert (Path("alone") / f"{kind}.png").read_bytes() == (folder / names[1] / f"{kind}.png").read_bytes()


def test_photographs_in_folders_are_generated_and_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colour pictures that are not square, as those of faces are, in a folder per class."""
    rng = np.random.default_rng(0)
    for i in range(120):
        folder = Path("faces", "dark" if i % 2 else "light")
        folder.mkdir(parents=True, exist_ok=True)
        level = 30 if i % 2 else 200
        pixels = rng.integers(level, level + 50, (22, 18, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    for method in ("irmae", "vae"):
        line = "pretrain --dataset faces --image-size 16 --latent-dim 4 --max-steps 20 --precision fp32"
        run(f"{line} --method {method} --out runs/{method}")
    both = "--dataset faces --encoder runs/irmae --encoder runs/vae"
    for command in ("reconstruct --n 3", "interpolate --n 2 --steps 3", "sample --n 4 --sampler mixture", "walk --n 2"):
        run(f"generate {command} {both}")
    for file in Path("runs/generated").glob("*.png"):
        with Image.open(file) as sheet:
            assert sheet.mode == "RGB"
    monkeypatch.setattr("ssl_irmae.protocols.generation.judge.STEPS", 2)
    result = run(f"generate distance {both} --n 50 --seeds 2")
    assert "vae prior " in result.stdout
    assert "another pretraining" in result.stdout


def test_rows_of_numbers_have_no_pictures() -> None:
    Path("table.csv").write_text("a,b\n" + "\n".join(f"{i},{i * i}" for i in range(40)) + "\n")
    run("pretrain --dataset table.csv --max-steps 2 --out runs/table")
    check_mistake("generate sample --encoder runs/table --dataset table.csv", "encodes rows of numbers")


def test_distances_are_printed_as_json_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl_irmae.protocols.generation.judge.STEPS", 2)
    line = "generate distance --encoder mnist-vae --dataset digits --n 50 --seeds 2"
    found = json.loads(run(f"{line} --json").stdout)
    assert [row["pictures"] for row in found["rows"]] == ["real", "reconstruction", "gaussian", "mixture", "prior"]


def test_ctrl_c_stops_at_once_what_keeps_nothing() -> None:
    with start("generate distance --encoder mnist-vae --dataset digits") as process:
        assert process.stderr is not None
        assert any("training the classifier" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "stopped: the same command begins anew\n"
    assert process.returncode == 130
