"""Every source returns the same object; the user's images are read unchanged; errors are explained."""

import gzip
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import functional as transforms

from ssl_irmae.datasets.idx import idx_bytes, read_idx
from ssl_irmae.datasets.image_set import ImageSet, Split, as_float, fit_images
from ssl_irmae.datasets.registry import DATASETS, Dataset, load_images
from ssl_irmae.datasets.shapes import FACTORS, generate
from ssl_irmae.errors import NoTestSplitError, UserError

RNG = np.random.default_rng(0)


def _pixels(*shape: int) -> npt.NDArray[np.uint8]:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def _write_npz(path: Path, arrays: dict[str, Any]) -> None:
    np.savez(path, **arrays)


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


def test_digits_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    train, test = load_images("digits"), load_images("digits", "test")
    images = torch.cat([train.images, test.images]).reshape(1797, 64).double()
    assert train.labels is not None
    assert test.labels is not None
    np.testing.assert_array_equal(torch.cat([train.labels, test.labels]).numpy(), y)
    np.testing.assert_allclose(images.numpy() / 256, x / 16, atol=1 / 256)


def test_shapes_are_drawn_from_their_factors() -> None:
    shapes = generate(60, seed=3)
    assert shapes.factors is not None
    assert shapes.factors.shape == (60, len(FACTORS))
    for image, factors in zip(shapes.images.numpy(), shapes.factors.numpy(), strict=True):
        kind, cx, cy, size = (int(v) for v in factors[:4])
        assert 8 <= cx <= 24
        assert 8 <= cy <= 24
        assert 3 <= size <= 8
        for row in range(32):
            for column in range(32):
                dx, dy = column - cx, row - cy
                inside = 0 <= dx <= size and 0 <= dy <= size if kind else dx * dx + dy * dy <= size * size
                expected = np.round(factors[4:] * 255) if inside else 0
                assert (image[:, row, column] == expected).all()


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
    x = _pixels(5, 1, *shape)
    ours = fit_images(torch.from_numpy(x), channels=1, image_size=32).numpy()
    pil = np.stack([np.asarray(Image.fromarray(p[0]).resize((32, 32), Image.Resampling.BILINEAR))[None] for p in x])
    assert np.abs(ours.astype(int) - pil.astype(int)).max() <= 1  # a rounding step where PIL works in fixed point


@pytest.mark.parametrize("shape", [(3, 1, 28, 28), (5, 3, 178, 148), (1, 1, 8, 8), (1, 3, 40, 33)])
def test_images_are_resized_as_torchvision_does(shape: tuple[int, int, int, int]) -> None:
    x = torch.from_numpy(_pixels(*shape))
    theirs = transforms.resize(x, [32, 32], antialias=True)
    assert torch.equal(fit_images(x, channels=shape[1], image_size=32), theirs)


def test_colour_becomes_grey_and_grey_becomes_colour() -> None:
    colour = torch.from_numpy(_pixels(2, 3, 32, 32))
    grey = fit_images(colour, channels=1, image_size=32)
    luminance = (colour * torch.tensor([0.2989, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    assert (grey - luminance).abs().max() <= 1
    back = fit_images(grey, channels=3, image_size=32)
    assert torch.equal(back[:, 0], back[:, 2])


def test_floats_lie_between_zero_and_one() -> None:
    x = as_float(torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 1, 1, 3))
    torch.testing.assert_close(x.flatten(), torch.tensor([0.0, 0.2, 1.0]))


def test_idx_files_are_read_plain_and_gzipped(tmp_path: Path) -> None:
    x = _pixels(3, 4, 5)
    (tmp_path / "plain").write_bytes(idx_bytes(x))
    (tmp_path / "packed.gz").write_bytes(gzip.compress(idx_bytes(x)))
    for name in ("plain", "packed.gz"):
        np.testing.assert_array_equal(read_idx(tmp_path / name), x)


@pytest.mark.parametrize(
    "content",
    [b"", b"abcdefgh", idx_bytes(np.zeros((2, 2), np.uint8))[:-1], struct.pack(">4BI", 0, 0, 8, 3, 1)],
)
def test_damaged_idx_files_are_rejected(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UserError, match="x"):
        read_idx(tmp_path / "x")


def test_idx_files_find_their_labels_and_their_test_split(tmp_path: Path) -> None:
    arrays = {
        "train-images-idx3-ubyte": _pixels(4, 6, 6),
        "train-labels-idx1-ubyte": np.array([0, 1, 2, 1], np.uint8),
        "t10k-images-idx3-ubyte": _pixels(2, 6, 6),
    }
    for name, array in arrays.items():
        (tmp_path / name).write_bytes(idx_bytes(array))
    path = str(tmp_path / "train-images-idx3-ubyte")
    train, test = load_images(path), load_images(path, "test")
    assert train.labels is not None
    assert train.labels.tolist() == [0, 1, 2, 1]
    assert test.labels is None
    np.testing.assert_array_equal(test.images[:, 0].numpy(), arrays["t10k-images-idx3-ubyte"])


def test_celeba_is_read_from_files_in_place_cropped_and_resized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="celeba is not in place"):
        load_images("celeba", data_dir=tmp_path)
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{i:06}.jpg" for i in range(1, 5)]
    faces = _pixels(4, 218, 178, 3)
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
    assert train.factors is not None
    assert train.factors.tolist() == [[1, 0], [1, 0]]
    middle = Image.open(folder / "img_align_celeba" / names[2]).crop((15, 35, 163, 183))
    expected = np.asarray(middle.resize((64, 64), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(np.moveaxis(test.images[0].numpy(), 0, 2) - expected).max() <= 1


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_folder_of_pictures_with_classes(tmp_path: Path, mode: str) -> None:
    channels = {"L": 1, "RGB": 3}[mode]
    written = {}
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for i in range(2):
            pixels = _pixels(9, 7, 3) if mode == "RGB" else _pixels(9, 7)
            Image.fromarray(pixels).save(tmp_path / label / f"{i}.png")
            written[f"{label}/{i}.png"] = pixels
    images = load_images(str(tmp_path))
    assert images.classes == ("cat", "dog")
    assert images.labels is not None
    assert images.labels.tolist() == [0, 0, 1, 1]
    assert images.images.shape == (4, channels, 9, 7)
    for path, image in zip(images.paths, images.images.numpy(), strict=True):
        np.testing.assert_array_equal(np.moveaxis(image, 0, 2).squeeze(), written[path])


def test_a_folder_of_several_sizes_needs_an_image_size(tmp_path: Path) -> None:
    for i, size in enumerate((10, 20)):
        Image.fromarray(_pixels(size, size)).save(tmp_path / f"{i}.png")
    with pytest.raises(UserError, match="2 sizes: set `image_size`"):
        load_images(str(tmp_path))
    images = load_images(str(tmp_path), image_size=32)
    assert images.images.shape == (2, 1, 32, 32)
    assert images.labels is None


def test_a_file_that_is_not_a_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"a\.png"):
        load_images(str(tmp_path))


@pytest.mark.parametrize(
    ("array", "shape"),
    [
        (_pixels(3, 8, 8), (3, 1, 8, 8)),
        (_pixels(3, 8, 8, 3), (3, 3, 8, 8)),
        (_pixels(3, 3, 8, 8), (3, 3, 8, 8)),
        (RNG.random((3, 8, 8)), (3, 1, 8, 8)),
    ],
)
def test_archives_are_read_in_the_usual_layouts(
    tmp_path: Path, array: npt.NDArray[Any], shape: tuple[int, ...]
) -> None:
    np.savez(tmp_path / "mine.npz", images=array, labels=np.array(["b", "a", "b"]))
    images = load_images(str(tmp_path / "mine.npz"))
    assert images.images.shape == shape
    assert images.labels is not None
    assert images.labels.tolist() == [1, 0, 1]
    assert images.classes == ("a", "b")


def test_a_class_absent_from_one_split_does_not_shift_the_others(tmp_path: Path) -> None:
    arrays = {"images": _pixels(3, 4, 4), "test_images": _pixels(2, 4, 4)}
    _write_npz(tmp_path / "m.npz", {"labels": np.array([3, 5, 9]), "test_labels": np.array([9, 3]), **arrays})
    test = load_images(str(tmp_path / "m.npz"), "test")
    assert test.classes == ("3", "5", "9")
    assert test.labels is not None
    assert test.labels.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": _pixels(1, 4, 4)}, "no array 'images'"),
        ({"images": RNG.random((2, 4, 4)) * 255}, r"\[0, 1\]"),
        ({"images": np.full((2, 4, 4), np.nan)}, r"\[0, 1\]"),
        ({"images": _pixels(2, 4)}, "shape"),
        ({"images": _pixels(2, 4, 4), "labels": np.zeros(3, int)}, "one label per image"),
        ({"images": np.array([{}])}, "npz"),
    ],
)
def test_unusable_archives_are_explained(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    _write_npz(tmp_path / "mine.npz", arrays)
    with pytest.raises(UserError, match=message):
        load_images(str(tmp_path / "mine.npz"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short"])
def test_damaged_archives_are_explained(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.npz").write_bytes(content)
    with pytest.raises(UserError, match="cannot be read"):
        load_images(str(tmp_path / "m.npz"))


def test_pictures_of_more_than_8_bits_are_rejected_rather_than_clipped(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 4000, np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(UserError, match="more than 8 bits"):
        load_images(str(tmp_path))


def test_unknown_names_and_missing_paths_are_rejected() -> None:
    with pytest.raises(UserError, match="did you mean 'mnist'"):
        load_images("mnits")
    for missing in ("no/such/folder", Path("mnits")):
        with pytest.raises(UserError, match="does not exist"):
            load_images(missing)
    with pytest.raises(UserError, match="unknown split 'tset'"):
        load_images("digits", "tset")  # type: ignore[arg-type]


def test_every_named_set_has_a_summary_and_a_size_that_the_papers_networks_take() -> None:
    for name, source in DATASETS.items():
        assert source.summary, name
        assert source.image_size in (32, 64)


def test_a_folder_is_grey_only_if_every_picture_is_grey(tmp_path: Path) -> None:
    Image.fromarray(_pixels(6, 6)).save(tmp_path / "0.png")
    colour = _pixels(6, 6, 3)
    Image.fromarray(colour).save(tmp_path / "1.png")
    images = load_images(str(tmp_path)).images
    assert images.shape == (2, 3, 6, 6)
    np.testing.assert_array_equal(np.moveaxis(images[1].numpy(), 0, 2), colour)


def test_transparent_pixels_become_white(tmp_path: Path) -> None:
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[0, 0, 3] = 255  # one opaque black pixel
    Image.fromarray(pixels).save(tmp_path / "glyph.png")
    image = load_images(str(tmp_path)).images[0]
    assert image[:, 0, 0].tolist() == [0, 0, 0]
    assert (image.flatten(1)[:, 1:] == 255).all()


def test_pictures_are_turned_upright(tmp_path: Path) -> None:
    pixels = np.zeros((8, 16), np.uint8)
    pixels[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # viewers turn it clockwise by 90 degrees
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif, quality=100)
    image = load_images(str(tmp_path)).images[0, 0].float()
    assert image.shape == (16, 8)
    assert image[:8].mean() > 250
    assert image[8:].mean() < 5


def test_class_folders_can_be_links(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    Image.fromarray(_pixels(4, 4)).save(tmp_path / "elsewhere" / "0.png")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "cat").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert load_images(str(tmp_path / "set")).classes == ("cat",)


@pytest.mark.parametrize("place", [30, 60])
def test_a_damaged_picture_is_named(tmp_path: Path, place: int) -> None:
    Image.fromarray(_pixels(20, 20)).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[place] ^= 0xFF
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.png cannot be read"):
        load_images(str(tmp_path))


@pytest.mark.parametrize("labels", [np.array(3), np.zeros((2, 2), int), np.array([0.5, 1.0])])
@pytest.mark.parametrize("name", ["labels", "test_labels"])
def test_labels_that_are_neither_numbers_nor_names_are_rejected(
    tmp_path: Path, labels: npt.NDArray[Any], name: str
) -> None:
    arrays = {"images": _pixels(2, 4, 4), "labels": np.array([0, 1]), name: labels}
    _write_npz(tmp_path / "m.npz", arrays)
    with pytest.raises(UserError, match=f"'{name}' must be whole numbers or names"):
        load_images(str(tmp_path / "m.npz"))


def test_files_of_another_kind_are_rejected(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", _pixels(2, 4, 4))
    (tmp_path / "a.npy").rename(tmp_path / "array.npz")
    with zipfile.ZipFile(tmp_path / "text.npz", "w") as archive:
        archive.writestr("images", b"no array")
    np.savez(tmp_path / "empty.npz", images=np.zeros((3, 0, 5), np.uint8))
    (tmp_path / "deep").write_bytes(struct.pack(">4B", 0, 0, 8, 200) + bytes(800))
    (tmp_path / "flat").write_bytes(idx_bytes(np.zeros((3, 0, 5), np.uint8)))
    for name in ("array.npz", "text.npz", "empty.npz", "deep", "flat"):
        with pytest.raises(UserError):
            load_images(str(tmp_path / name))


LABELS = np.array(["dog", "cat", "dog"])


@pytest.mark.parametrize(
    "images",
    [
        _pixels(3, 8, 8),
        _pixels(3, 1, 8, 8),
        _pixels(3, 8, 8, 3),
        RNG.random((3, 8, 8), dtype=np.float32),
        torch.from_numpy(_pixels(3, 3, 8, 8)),
        torch.rand(3, 1, 8, 8, dtype=torch.bfloat16),
    ],
)
def test_arrays_are_read_as_an_archive_of_them_is(tmp_path: Path, images: npt.NDArray[Any] | torch.Tensor) -> None:
    is_bfloat16 = isinstance(images, torch.Tensor) and images.dtype == torch.bfloat16
    array = torch.as_tensor(images).float().numpy() if is_bfloat16 else np.asarray(images)
    _write_npz(tmp_path / "m.npz", {"images": array, "labels": LABELS})
    expected = load_images(tmp_path / "m.npz")
    loaded = load_images((images, LABELS))
    assert loaded.name == "arrays"
    assert loaded.fingerprint == expected.fingerprint
    assert loaded.classes == ("cat", "dog")
    unlabelled = load_images(images)
    assert unlabelled.labels is None
    assert torch.equal(unlabelled.images, expected.images)


def test_both_splits_of_arrays_name_the_classes() -> None:
    dataset = (_pixels(3, 8, 8), torch.tensor([3, 5, 9]), _pixels(2, 8, 8), np.array([9, 3]))
    train, test = load_images(dataset), load_images(dataset, "test")
    assert train.classes == test.classes == ("3", "5", "9")
    assert train.labels is not None
    assert test.labels is not None
    assert (train.labels.tolist(), test.labels.tolist()) == ([0, 1, 2], [2, 0])


def test_an_image_set_is_its_own_training_split(digits: ImageSet) -> None:
    assert load_images(digits) is digits


@pytest.mark.parametrize("labelled", [False, True])
def test_arrays_without_test_images_have_no_test_split(digits: ImageSet, labelled: bool) -> None:
    images = _pixels(3, 8, 8)
    datasets: list[Dataset] = [(images, LABELS)] if labelled else [images, digits]
    for dataset in datasets:
        with pytest.raises(NoTestSplitError, match="`dataset` has no test images"):
            load_images(dataset, "test")


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ((), "got an empty tuple"),
        ((_pixels(2, 4, 4), LABELS, LABELS), "got ndarray and ndarray and ndarray"),
        ((_pixels(2, 4, 4), ["a", "b"]), "got ndarray and list"),
        ([_pixels(2, 4, 4), LABELS], "got list"),
        (None, "got NoneType"),
        ((_pixels(2, 4, 4), LABELS), "one label per image"),
        ((_pixels(2, 4, 4), np.array([0.5, 1])), "`dataset`: 'labels' must be whole numbers or names"),
        (_pixels(2, 4, 4).astype(np.int64), "`dataset`: images must be uint8 or floats"),
        (torch.full((2, 4, 4), 2.0), r"`dataset`: float images must lie in \[0, 1\]"),
    ],
)
def test_unusable_arrays_are_explained(dataset: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_images(dataset)


def test_arrays_that_torch_cannot_share_are_copied() -> None:
    images = _pixels(3, 8, 8)
    read_only = images.copy()
    read_only.flags.writeable = False
    for same in (images[::-1][::-1], read_only):
        assert torch.equal(load_images(same).images, torch.from_numpy(images)[:, None])


def test_a_name_wins_over_a_folder_unless_it_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("digits").mkdir()
    Image.fromarray(_pixels(8, 8)).save("digits/0.png")
    assert len(load_images("digits")) == 1300
    assert len(load_images(Path("digits"))) == len(load_images("./digits")) == 1
