"""What all commands share: help, the version, and pipes."""

import re
import shlex
import subprocess
import sys

from tests.command_line import run


def test_version_and_help() -> None:
    assert re.fullmatch(r"ssl-irmae \d+\.\d+\.\d+\n", run("--version").stdout)
    for command in ("pretrain", "evaluate", "encode", "report"):
        text = run(f"{command} --help").stdout
        assert "Examples:" in text
        assert f"ssl-irmae {command}" in text


def test_a_reader_that_closes_the_pipe_is_not_an_error() -> None:
    command = f"{shlex.quote(sys.executable)} -m ssl_irmae.cli data list | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
