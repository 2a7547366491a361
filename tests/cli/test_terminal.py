"""Errors become one sentence, an exit code, and options instead of arguments."""

import errno
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner, Result

from ssl_irmae.cli.terminal import handle_errors
from ssl_irmae.errors import UserError


def _fail_with(error: BaseException) -> Result:
    app = typer.Typer()

    @app.command()
    @handle_errors
    def command(
        source: Annotated[str, typer.Argument()] = "",
        labels: Annotated[str, typer.Option()] = "",
        encoder: Annotated[list[str] | None, typer.Option()] = None,
        max_steps: Annotated[int, typer.Option(min=1)] = 1,
        scored_on: Annotated[str, typer.Option()] = "",
    ) -> None:
        assert not (source or labels or encoder or scored_on) or max_steps
        raise error

    return CliRunner().invoke(app, [])


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("`max_steps` must be at least 1", "--max-steps must be at least 1"),
        ("`scored_on` and `max_steps`", "--scored-on and --max-steps"),
        ("`budgets`: 5 labels", "--labels: 5 labels"),
        ("`encoders`: no such folder", "--encoder: no such folder"),
        ("`source` is an argument, `out` another command's option", None),
        ("run `ssl-irmae data fetch mnist` first", None),
        ("max_steps without backticks", None),
    ],
)
def test_arguments_in_backticks_become_options_of_the_command(message: str, shown: str | None) -> None:
    result = _fail_with(UserError(message))
    assert result.exit_code == 2
    assert result.stderr == f"error: {shown or message}\n"


def test_errors_of_the_system_name_the_file() -> None:
    result = _fail_with(OSError(errno.ENOSPC, "No space left on device", "runs/x"))
    assert (result.exit_code, result.stderr) == (2, "error: No space left on device: runs/x\n")


def test_ctrl_c_says_what_is_kept() -> None:
    result = _fail_with(KeyboardInterrupt())
    assert result.exit_code == 130
    assert "finished work is kept" in result.stderr


def test_bugs_keep_their_traceback() -> None:
    assert isinstance(_fail_with(RuntimeError("a bug")).exception, RuntimeError)
    assert not Path("runs").exists()


def test_a_long_error_is_wrapped_on_a_terminal_and_one_line_in_a_pipe() -> None:
    command = [sys.executable, "-m", "ssl_irmae.cli", "data", "verify", "no-such-data-set"]
    (line,) = subprocess.run(command, capture_output=True, text=True, check=False).stderr.splitlines()
    assert len(line) > 50
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 50, 0, 0))
    process = subprocess.Popen(command, stderr=its)
    os.close(its)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 2
    lines = shown.decode().splitlines()
    assert max(map(len, lines)) <= 50
    assert " ".join(lines) == line
