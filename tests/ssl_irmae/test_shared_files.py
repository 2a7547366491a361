"""A file that several processes use goes with the last of them, and what a killed one left goes later."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ssl_irmae._support.files import sha256
from ssl_irmae._support.shared_files import remove_left, shared_file

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there, such files stay")

DATA = b"images"
HOLD = f"""
import sys, time
from pathlib import Path
from ssl_irmae._support.shared_files import shared_file

with shared_file(Path(sys.argv[1]), {DATA!r}):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / sha256(DATA)


def held_by_another(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def make_old(path: Path) -> None:
    days_ago = time.time() - 30 * 24 * 3600
    os.utime(path, (days_ago, days_ago))


def test_a_file_is_there_within_the_block_and_goes_with_it(path: Path) -> None:
    with shared_file(path, DATA):
        assert path.read_bytes() == DATA
    assert not list(path.parent.iterdir())


def test_a_file_that_another_process_needs_stays_until_that_ends(path: Path) -> None:
    other = held_by_another(path)
    with shared_file(path, DATA):
        pass
    assert path.read_bytes() == DATA
    make_old(path)
    remove_left(path.parent)
    assert path.exists(), "it is in use, however old it is"
    other.communicate("")
    assert not path.exists()


def test_what_a_killed_process_left_is_used_again_or_goes_after_some_days(path: Path) -> None:
    other = held_by_another(path)
    other.send_signal(signal.SIGKILL)
    other.communicate()
    remove_left(path.parent)
    assert path.exists(), "the same command may be given again"
    with shared_file(path, DATA):
        assert path.read_bytes() == DATA
    assert not path.exists()
    path.write_bytes(DATA)
    make_old(path)
    remove_left(path.parent)
    assert not path.exists()


def test_a_damaged_file_is_written_again(path: Path) -> None:
    path.write_bytes(b"torn")
    with shared_file(path, DATA):
        assert path.read_bytes() == DATA


def test_a_file_that_another_process_replaced_is_left_to_it(path: Path) -> None:
    with shared_file(path, DATA):
        path.unlink()
        with shared_file(path, DATA):
            pass
        assert not path.exists()
        path.write_bytes(DATA)
    assert path.exists()
