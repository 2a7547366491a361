"""An evaluation that is stopped, by Ctrl-C, SIGTERM or a kill, loses nothing and leaves no process behind."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ssl_irmae.cli import main as commands
from ssl_irmae.cli.__main__ import main
from tests.command_line import IN_BACKGROUND, run, start

EVALUATE = "evaluate --dataset digits --labels 10,20 --precision fp32 --seeds 40"


CODES = {signal.SIGKILL: -signal.SIGKILL, signal.SIGINT: 130, signal.SIGTERM: 143}


def stored_rows(store: Path) -> int:
    if not store.is_file():
        return 0
    connection = sqlite3.connect(store)
    try:
        return int(connection.execute("SELECT count(*) FROM trials").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # the table is not made yet
    finally:
        connection.close()


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes are found in /proc")
@pytest.mark.parametrize("number", CODES)
def test_the_processes_of_a_stopped_evaluation_end_with_it(number: signal.Signals) -> None:
    store = Path("s.sqlite")
    process = start(f"{EVALUATE} --contenders supervised --steps 5 --jobs 2 --store {store}")
    while stored_rows(store) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    children = children_of(process.pid)
    assert len(children) >= 2
    os.kill(process.pid, number)
    _, stderr = process.communicate()
    assert process.returncode == CODES[number]
    assert "Traceback" not in stderr
    count = stored_rows(store)
    assert 2 <= count < 80
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline, "a process was left behind"
        time.sleep(0.05)
    assert stored_rows(store) == count


@pytest.mark.parametrize("number", CODES)
def test_a_stopped_evaluation_loses_no_row_and_repeats_none(tiny_encoder: Path, number: signal.Signals) -> None:
    store = Path("s.sqlite")
    command = f"{EVALUATE} --encoder {tiny_encoder} --contenders tiny-linear"
    process = start(f"{command} --store {store}")
    while stored_rows(store) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, number)
    _, stderr = process.communicate()
    assert process.returncode == CODES[number]
    if number != signal.SIGKILL:
        assert "kept" in stderr
        assert "Traceback" not in stderr
    assert 2 <= stored_rows(store) < 80
    continued = json.loads(run(f"{command} --store {store} --json").stdout)
    whole = json.loads(run(f"{command} --store whole.sqlite --json").stdout)
    assert continued["rows"] == whole["rows"]
    assert stored_rows(store) == 80


def test_a_background_job_goes_on_ignoring_ctrl_c_and_heeds_sigterm() -> None:
    store = Path("s.sqlite")
    process = start(f"{EVALUATE} --contenders pixels-knn --jobs 1 --store {store}", by=IN_BACKGROUND)
    for number, expected in ((signal.SIGINT, 6), (signal.SIGINT, 12), (signal.SIGTERM, 12)):
        while stored_rows(store) < expected:
            assert process.poll() is None, "Ctrl-C has stopped it"
            time.sleep(0.01)
        os.kill(process.pid, number)
    _, stderr = process.communicate()
    assert process.returncode == CODES[signal.SIGTERM]
    assert "Traceback" not in stderr
    assert stored_rows(store) < 80


@pytest.mark.parametrize(("raised", "code"), [(KeyboardInterrupt(), 130), (OSError(28, "No space left on device"), 2)])
def test_what_stops_the_command_line_outside_a_command_is_one_sentence(
    raised: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop() -> None:
        raise raised

    monkeypatch.setattr(commands, "main", stop)
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit) as stopped:
            main()
    finally:
        signal.signal(signal.SIGINT, before)
    assert stopped.value.code == code
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
@pytest.mark.parametrize("command", ["--version", "data list"])
def test_results_that_do_not_fit_on_the_disk_are_an_error_in_one_sentence(command: str) -> None:
    with Path("/dev/full").open("w") as full:
        process = start(command, stdout=full)
        _, stderr = process.communicate()
    assert process.returncode == 2
    assert "No space left" in stderr
    assert "Traceback" not in stderr


IMPORTING = """
import os, signal, sys, types
signal.signal(signal.SIGINT, getattr(signal, sys.argv[2]))
from ssl_irmae.cli.terminal import handle_errors

@handle_errors
def command():
    sys.modules["torch"] = module = types.ModuleType("torch")
    module.__spec__ = types.SimpleNamespace(_initializing=True)
    try:
        os.kill(os.getpid(), int(sys.argv[1]))
    finally:
        print("an exception inside C++ aborts the process", file=sys.stderr)

command()
"""


@pytest.mark.parametrize(
    ("number", "code", "ctrl_c"),
    [
        (signal.SIGINT, 130, "default_int_handler"),
        (signal.SIGTERM, 143, "default_int_handler"),
        (signal.SIGTERM, 143, "SIG_IGN"),
    ],
    ids=["Ctrl-C", "SIGTERM", "SIGTERM, Ctrl-C ignored as in a background job"],
)
def test_a_command_that_is_stopped_while_torch_is_imported_ends_at_once(number: int, code: int, ctrl_c: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING, str(int(number)), ctrl_c], stderr=subprocess.PIPE, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (code, "stopped: nothing had begun\n")
