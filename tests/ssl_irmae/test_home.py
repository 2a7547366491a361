"""One variable moves every cache, and a cache that cannot be written to says so."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ssl_irmae._support.home import home
from ssl_irmae.datasets import mnist
from ssl_irmae.datasets.registry import default_data_dir
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.representations.pretrained import encoder_of_method
from ssl_irmae.protocols.storage.cache import cached
from ssl_irmae.protocols.task import Task, load_task


@pytest.fixture(scope="module")
def task() -> Task:
    """The digits, scored on their test images."""
    return load_task("digits", scored_on="test")


def test_the_home_is_in_the_users_cache_unless_the_variable_moves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert home() == tmp_path / "cache" / "ssl-irmae"
    monkeypatch.setenv("SSL_IRMAE_HOME", str(tmp_path / "elsewhere"))
    assert home() == tmp_path / "elsewhere"
    assert default_data_dir() == tmp_path / "elsewhere" / "data"
    cached("codes", 1, compute=lambda: {"codes": torch.zeros(2)})
    assert len(list((tmp_path / "elsewhere" / "codes").iterdir())) == 1
    monkeypatch.setenv("SSL_IRMAE_DATA_DIR", str(tmp_path / "data"))
    assert default_data_dir() == tmp_path / "data", "moves the data alone"
    assert home() == tmp_path / "elsewhere"


def _a_file_in_the_way(folder: Path) -> None:
    folder.write_text("a file")


def _no_folders_there(folder: Path) -> None:
    folder.symlink_to("/proc/self")


def _no_permission(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0)
    if os.geteuid() == 0:  # root can write anywhere; nobody can enter the private folders of root's tests
        os.seteuid(65534)


@pytest.fixture(params=[_a_file_in_the_way, _no_folders_there, _no_permission])
def spoiled(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder that cannot be written to."""
    user = os.geteuid()
    request.param(tmp_path / "spoiled")
    yield tmp_path / "spoiled"
    os.seteuid(user)


@pytest.mark.parametrize("variable", ["SSL_IRMAE_HOME", "SSL_IRMAE_DATA_DIR"])
def test_data_that_cannot_be_kept_are_an_error_that_names_the_variable_that_moves_them(
    spoiled: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(spoiled))
    with pytest.raises(UserError, match=rf"^{spoiled}.* cannot be written to \(.*\): .*set {variable} to"):
        mnist.fetch("mnist", default_data_dir())


def test_encoders_that_cannot_be_kept_are_an_error_that_names_the_home(
    task: Task, spoiled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_IRMAE_HOME", str(spoiled))
    with pytest.raises(UserError, match=rf"^{spoiled}/encoders/.* cannot be written to .*set SSL_IRMAE_HOME to"):
        encoder_of_method("ae", task, dataset="digits", device=torch.device("cpu"), data_dir=None)


def test_codes_that_cannot_be_kept_are_computed(spoiled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_IRMAE_HOME", str(spoiled))
    for _ in range(2):
        assert cached("codes", 1, compute=lambda: {"codes": torch.ones(2)})["codes"].sum() == 2


def _unknown_user(_: int) -> None:
    raise KeyError


def test_without_a_home_folder_no_folder_called_tilde_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setattr("pwd.getpwuid", _unknown_user)
    with pytest.raises(UserError, match=r"there is no home folder.*SSL_IRMAE_HOME"):
        mnist.fetch("mnist", default_data_dir())
    cached("codes", 1, compute=lambda: {"codes": torch.zeros(2)})
    assert list(tmp_path.iterdir()) == []
