"""The command line as tests run it: in this process, or in one that can be stopped."""

import subprocess
import sys
from typing import TextIO

from typer.testing import CliRunner, Result

from ssl_irmae.cli.main import app


def run(command: str, code: int = 0) -> Result:
    """Run a command in this process and check its exit code."""
    result = CliRunner().invoke(app, command.split())
    assert result.exit_code == code, result.output
    return result


IN_BACKGROUND = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
"""Starts what follows as a script starts its jobs in the background: they ignore Ctrl-C."""


def start(command: str, stdout: TextIO | None = None, by: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start a command in a process of its own; its results go where those of the tests go, or to a file."""
    arguments = [*by, sys.executable, "-m", "ssl_irmae.cli", *command.split()]
    return subprocess.Popen(arguments, stdout=stdout, stderr=subprocess.PIPE, text=True)


def check_mistake(command: str, message: str) -> None:
    """Check that a command ends with exit code 2 and one sentence, and leaves nothing behind."""
    result = run(command, code=2)
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""
