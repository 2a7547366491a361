"""Files and folders that are whole or absent, and what killed processes leave of them."""

import subprocess
import sys
from pathlib import Path

import pytest

from ssl_irmae._support.files import whole_folder, write_atomically
from ssl_irmae.errors import UserError

HOLD = """
import pathlib, sys, time
from ssl_irmae._support import files

path = pathlib.Path(sys.argv[1])
if sys.argv[2] == "file":
    handle, _ = files._begin_file(path)
    print("holding", flush=True)
    time.sleep(600)
with files.whole_folder(path) as folder:
    (folder / "a").write_text("half")
    print("holding", flush=True)
    time.sleep(600)
"""


def hold(path: Path, kind: str) -> subprocess.Popen[str]:
    """Start a process that is in the middle of writing, and wait until it is."""
    command = [sys.executable, "-c", HOLD, str(path), kind]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    return process


@pytest.mark.skipif(sys.platform == "win32", reason="without locks of POSIX")
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "out"
    with hold(path, kind) as process:
        write_atomically(path, "while another writes")
        hidden = [entry for entry in tmp_path.iterdir() if entry.name.startswith(".")]
        assert len(hidden) == 1, "the living process has what it writes"
        process.kill()
    write_atomically(path, "afterwards")
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
    assert path.read_text() == "afterwards"


def test_hidden_files_of_other_names_are_left_alone(tmp_path: Path) -> None:
    others = [".out.mine", ".out.12345678.txt", ".other.12345678", "out.12345678"]
    for name in others:
        (tmp_path / name).write_text("mine")
    write_atomically(tmp_path / "out", "text")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([*others, "out"])


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "deep/out"
    with pytest.raises(FileNotFoundError), whole_folder(out) as folder:
        (folder / "a/b").write_text("b")  # there is no folder a
    assert list((tmp_path / "deep").iterdir()) == []
    out.mkdir()
    with whole_folder(out) as folder:
        (folder / "a").write_text("a")
        assert not any(out.iterdir())
    assert [file.name for file in out.iterdir()] == ["a"]
    assert [entry.name for entry in out.parent.iterdir()] == ["out"]


def test_a_folder_that_another_process_has_filled_meanwhile_is_kept_and_named(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def fill_at_once() -> None:
        with whole_folder(out) as folder:
            (folder / "mine").write_text("mine")
            out.mkdir()
            (out / "theirs").write_text("theirs")

    with pytest.raises(UserError, match="out exists already and is not empty: choose another folder"):
        fill_at_once()
    assert [file.name for file in out.iterdir()] == ["theirs"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
