"""Every source returns the same object, under a name or a path; images are resized as other packages do."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import functional as transforms

from ssl_irmae._support.progress import Event, Message
from ssl_irmae.datasets.image_set import ImageSet, Split, as_float, fit_images
from ssl_irmae.datasets.registry import DATASETS, load_images
from ssl_irmae.datasets.shapes import generate
from ssl_irmae.errors import UserError
from tests.ssl_irmae.pictures import random_pixels


@pytest.mark.parametrize("name", ["digits", "shapes"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_contract_of_the_sources_without_files(name: str, split: Split) -> None:
    one, two = (load_images(name, split) for _ in range(2))
    assert one.images.dtype == torch.uint8
    assert one.labels is not None
    assert one.labels.dtype == torch.int64
    assert one.labels.unique().tolist() == list(range(len(one.classes)))
    assert one.fingerprint == two.fingerprint
    assert one.fingerprint != load_images(name, "test" if split == "train" else "train").fingerprint


def test_every_named_set_has_a_summary_and_a_size_that_the_papers_networks_take() -> None:
    for name, source in DATASETS.items():
        assert source.summary, name
        assert source.image_size in (32, 64)


def test_unknown_names_and_missing_paths_are_rejected() -> None:
    with pytest.raises(UserError, match=r"did you mean 'mnist'\?; there is no such file or folder"):
        load_images("mnits")
    for missing in ("no/such/folder", Path("mnits")):
        with pytest.raises(UserError, match="does not exist"):
            load_images(missing)
    with pytest.raises(UserError, match="unknown split 'tset'"):
        load_images("digits", "tset")  # type: ignore[arg-type]


def test_a_name_wins_over_a_folder_unless_it_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("digits").mkdir()
    Image.fromarray(random_pixels(8, 8)).save("digits/0.png")
    heard: list[Event] = []
    assert len(load_images("digits", progress=heard.append)) == 1300
    assert heard == [Message("digits, train: the built-in data set is read; write ./digits for what is here")]
    assert len(load_images(Path("digits"))) == len(load_images("./digits")) == 1


def test_an_image_set_is_its_own_training_split(digits: ImageSet) -> None:
    assert load_images(digits) is digits


def test_digits_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    train, test = load_images("digits"), load_images("digits", "test")
    images = torch.cat([train.images, test.images]).reshape(1797, 64).double()
    assert train.labels is not None
    assert test.labels is not None
    np.testing.assert_array_equal(torch.cat([train.labels, test.labels]).numpy(), y)
    np.testing.assert_allclose(images.numpy() / 256, x / 16, atol=1 / 256)


def test_shapes_are_circles_and_squares_of_one_colour_in_the_papers_range() -> None:
    y, x, size = np.stack(np.meshgrid(range(8, 25), range(8, 25), range(3, 9)), -1).reshape(-1, 3).T[:, :, None, None]
    row, column = np.indices((32, 32))
    circles = (row - y) ** 2 + (column - x) ** 2 <= size**2
    squares = (y <= row) & (row <= y + size) & (x <= column) & (column <= x + size)
    shapes = generate(60, seed=3)
    assert shapes.labels is not None
    for image, label in zip(shapes.images.numpy(), shapes.labels.tolist(), strict=True):
        assert len(np.unique(image.reshape(3, -1), axis=1).T) == 2, "black and one colour"
        assert (image.any(axis=0) == (circles, squares)[label]).all(axis=(1, 2)).any()


def test_celeba_is_read_from_files_in_place_cropped_and_resized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="celeba is not in place"):
        load_images("celeba", data_dir=tmp_path)
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{i:06}.jpg" for i in range(1, 5)]
    faces = random_pixels(4, 218, 178, 3)
    for name, face in zip(names, faces, strict=True):
        Image.fromarray(face).save(folder / "img_align_celeba" / name, quality=100, subsampling=0)
    rows = {
        "list_eval_partition.txt": [f"{n} {split}" for n, split in zip(names, (0, 0, 2, 2), strict=True)],
        "identity_CelebA.txt": [f"{n} 1" for n in names],
        "list_bbox_celeba.txt": ["4", "image_id x_1 y_1 width height", *(f"{n} 0 0 1 1" for n in names)],
        "list_landmarks_align_celeba.txt": ["4", "a b", *(f"{n} 0 0" for n in names)],
        "list_attr_celeba.txt": ["4", "Smiling Young", *(f"{n} 1 -1" for n in names)],
    }
    for name, lines in rows.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    # the published checksums are of the real lists
    monkeypatch.setattr("torchvision.datasets.CelebA._check_integrity", lambda _: True)
    train, test = load_images("celeba", data_dir=tmp_path), load_images("celeba", "test", data_dir=tmp_path)
    assert train.images.shape == (2, 3, 64, 64)
    assert test.images.shape == (2, 3, 64, 64)
    assert train.labels is None
    middle = Image.open(folder / "img_align_celeba" / names[2]).crop((15, 35, 163, 183))
    expected = np.asarray(middle.resize((64, 64), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(np.moveaxis(test.images[0].numpy(), 0, 2) - expected).max() <= 1


def test_the_fingerprint_depends_on_pixels_and_labels_but_not_on_the_name() -> None:
    x, y = torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.tensor([0, 1])
    base = ImageSet("a", x, y, ("p", "q")).fingerprint
    other = x.clone()
    other[1, 0, 2, 2] = 1
    assert ImageSet("b", x.clone(), y.clone(), ("p", "q")).fingerprint == base
    assert ImageSet("a", other, y, ("p", "q")).fingerprint != base
    assert ImageSet("a", x, y.flip(0), ("p", "q")).fingerprint != base


@pytest.mark.parametrize("shape", [(28, 28), (8, 8), (100, 60)])
def test_images_are_resized_as_pil_does(shape: tuple[int, int]) -> None:
    x = random_pixels(5, 1, *shape)
    ours = fit_images(torch.from_numpy(x), channels=1, image_size=32).numpy()
    pil = np.stack([np.asarray(Image.fromarray(p[0]).resize((32, 32), Image.Resampling.BILINEAR))[None] for p in x])
    assert np.abs(ours.astype(int) - pil.astype(int)).max() <= 1  # a rounding step where PIL works in fixed point


@pytest.mark.parametrize("shape", [(3, 1, 28, 28), (5, 3, 178, 148), (1, 1, 8, 8), (1, 3, 40, 33)])
def test_images_are_resized_as_torchvision_does(shape: tuple[int, int, int, int]) -> None:
    x = torch.from_numpy(random_pixels(*shape))
    theirs = transforms.resize(x, [32, 32], antialias=True)
    assert torch.equal(fit_images(x, channels=shape[1], image_size=32), theirs)


def test_colour_becomes_grey_and_grey_becomes_colour() -> None:
    colour = torch.from_numpy(random_pixels(2, 3, 32, 32))
    grey = fit_images(colour, channels=1, image_size=32)
    luminance = (colour * torch.tensor([0.2989, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    assert (grey - luminance).abs().max() <= 1
    back = fit_images(grey, channels=3, image_size=32)
    assert torch.equal(back[:, 0], back[:, 2])


def test_floats_lie_between_zero_and_one() -> None:
    x = as_float(torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 1, 1, 3))
    torch.testing.assert_close(x.flatten(), torch.tensor([0.0, 0.2, 1.0]))
