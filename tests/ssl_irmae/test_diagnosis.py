"""What `doctor` finds: problems with what mends them, what is missing with what brings it, and what is kept."""

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import ssl_irmae
from ssl_irmae._support.extras import EXTRAS
from ssl_irmae.datasets.idx_files import FILES, SIZES, raw_folder
from ssl_irmae.datasets.registry import default_data_dir
from ssl_irmae.diagnosis import doctor
from ssl_irmae.protocols.storage.cache import cached


@pytest.fixture
def mnist() -> Path:
    """Return the folder of files with the sizes of MNIST, without their contents."""
    folder = raw_folder("mnist", default_data_dir())
    folder.mkdir(parents=True)
    for file, size in SIZES.items():
        with (folder / file).open("wb") as sparse:
            sparse.truncate(size)
    return folder


def test_nothing_is_kept_yet_and_all_is_well(tmp_path: Path) -> None:
    found = doctor()
    assert found.well
    assert found.kept == {}
    assert str(found).startswith("All is well.\n")
    assert list(tmp_path.iterdir()) == [], "it writes nothing"


def test_versions_and_arithmetic_are_those_of_this_process() -> None:
    found = doctor()
    assert (found.packages["ssl-irmae"], found.packages["torch"]) == (ssl_irmae.__version__, torch.__version__)
    assert found.compute is not None
    assert found.compute.threads == torch.get_num_threads()
    assert found.compute.precision == ("bf16" if found.compute.bf16 else "fp32")


def test_what_is_not_there_is_named_with_the_command_that_brings_it(
    mnist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    (mnist / FILES[0]).unlink()
    found = doctor()
    assert found.well
    assert found.data["mnist"] == "1 of 4 files are not fetched"
    commands = [missing.command for missing in found.available]
    assert "ssl-irmae data fetch mnist" in commands
    assert {f"pip install 'ssl-irmae[{extra}]'" for extra in EXTRAS} <= set(commands)
    assert all(command in str(found) for command in commands)
    elsewhere = [missing.command for missing in doctor(data_dir="my data").available]
    assert "SSL_IRMAE_DATA_DIR='my data' ssl-irmae data fetch mnist" in elsewhere


def test_files_are_counted_and_those_cut_short_are_a_problem(mnist: Path) -> None:
    found = doctor()
    assert found.data["mnist"] == "fetched"
    assert (found.kept["data"].files, found.kept["data"].bytes) == (4, sum(SIZES.values()))
    (mnist / FILES[1]).write_bytes(b"cut")
    found = doctor()
    (problem,) = found.problems
    assert not found.well
    assert problem.command == f"rm {mnist / FILES[1]} && ssl-irmae data fetch mnist"


def test_encoders_that_are_half_trained_are_counted() -> None:
    kept = default_data_dir().parent / "encoders"
    for name, file in (("done", "config.json"), ("begun", "checkpoint.safetensors")):
        (kept / name).mkdir(parents=True)
        (kept / name / file).write_text("{}")
    cached("codes", 1, compute=lambda: {"codes": torch.zeros(2)})
    found = doctor().kept
    assert found["encoders"].unfinished == 1
    assert found["codes"].files == 1


@pytest.mark.parametrize("variable", ["SSL_IRMAE_HOME", "SSL_IRMAE_DATA_DIR"])
def test_a_folder_that_cannot_be_written_to_is_a_problem_with_the_variable_that_moves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(variable, str(tmp_path / "file"))
    (problem,) = doctor().problems
    assert str(tmp_path / "file") in problem.what
    assert problem.command == f"export {variable}=FOLDER"


@pytest.fixture(params=["codes", "."])
def closed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Close a folder below the home of caches, or that home, to a user without root rights."""
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o777)
        (Path(home) / "codes").mkdir()
        folder = Path(home) / request.param
        folder.chmod(0)
        monkeypatch.setenv("SSL_IRMAE_HOME", home)
        if user == 0:
            os.seteuid(65534)
        yield request.param
        os.seteuid(user)
        folder.chmod(0o777)


def test_what_cannot_be_read_is_said(closed: str) -> None:
    found = doctor()
    if closed == "codes":
        assert found.kept["codes"].unreadable == 1
        assert "cannot be read" in str(found)
    else:
        assert f"{found.home} cannot be written to (Permission denied)" in str(found)


def test_a_torch_that_cannot_be_imported_is_a_problem_and_no_traceback() -> None:
    code = "import sys; sys.modules['torch'] = None; from ssl_irmae.diagnosis import doctor; print(doctor())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "torch cannot be imported" in done.stdout
    assert "pip install --force-reinstall torch" in done.stdout
