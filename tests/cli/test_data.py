"""`ssl-irmae data`: list, fetch and verify."""

import os
import signal
from pathlib import Path

import filelock
import pytest

from tests.command_line import check_mistake, run, start


@pytest.mark.parametrize(
    ("command", "message"),
    [("fetch digits", "nothing can be fetched or verified for digits"), ("verify mnits", "did you mean 'mnist'")],
)
def test_mistakes_get_one_sentence(command: str, message: str) -> None:
    check_mistake(f"data {command}", message)


def test_data_sets_are_listed_with_the_state_of_their_files() -> None:
    lines = run("data list").stdout.splitlines()
    assert next(line for line in lines if line.startswith("mnist ")).endswith("[not fetched]")
    assert next(line for line in lines if line.startswith("digits ")).endswith("no download")


def test_verify_fails_if_files_are_missing() -> None:
    result = run("data verify mnist", code=2)
    assert result.stdout.count("missing") == 4


def test_ctrl_c_ends_the_waiting_for_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_IRMAE_DATA_DIR", "d")
    raw = Path("d/MNIST/raw")
    raw.mkdir(parents=True)
    with filelock.FileLock(raw / ".lock"):
        process = start("data fetch mnist")
        assert process.stderr is not None
        assert process.stderr.readline() == "waiting for another process that is fetching mnist\n"
        os.kill(process.pid, signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in stderr
