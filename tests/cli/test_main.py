"""What all commands share: help, the version, and pipes."""

import re
import shlex
import subprocess
import sys
from collections import defaultdict
from typing import Any

import pytest
import typer

from ssl_irmae.cli.main import app
from tests.command_line import check_mistake, run

PROGRAM: Any = typer.main.get_command(app)
LEAVES = [
    name if part is None else f"{name} {part}"
    for name, command in PROGRAM.commands.items()
    for part in getattr(command, "commands", {None: command})
]
PANELS = ["Data", "What is run", "Output", "Machine"]


def panels(command: str) -> dict[str, list[str]]:
    """List the options of a command by the panel of its help that they are in."""
    found: dict[str, list[str]] = {}
    for line in run(f"{command} --help").stdout.splitlines():
        if title := re.match("╭─ (.*?) ─", line):
            found[title[1]] = []
        elif option := re.match(r"│[ *]+(--[a-z-]+)", line):
            found[list(found)[-1]].append(option[1])
    return found


def test_version_and_help() -> None:
    assert re.fullmatch(r"ssl-irmae \d+\.\d+\.\d+\n", run("--version").stdout)


@pytest.mark.parametrize("command", ["", *PROGRAM.commands, *LEAVES])
def test_help_names_no_value_of_options_that_take_none(command: str) -> None:
    assert "bool" not in run(f"{command} --help").stdout.lower()


@pytest.mark.parametrize(
    "name", [name for name, command in PROGRAM.commands.items() if not hasattr(command, "commands")]
)
def test_help_begins_with_examples_that_fit_and_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    before, _, _ = run(f"{name} --help").stdout.partition("╭")
    examples = [line.strip() for line in before.partition("Examples:")[2].splitlines() if line.strip()]
    assert examples
    for example in examples:
        program, command, *words = shlex.split(example)
        assert (program, command) == ("ssl-irmae", name)
        PROGRAM.commands[name].make_context(name, words)


def test_an_option_is_in_the_same_panel_of_every_command() -> None:
    where = defaultdict(set)
    for name in LEAVES:
        found = panels(name)
        assert [panel for panel in found if panel != "Arguments"] == [panel for panel in PANELS if panel in found]
        for panel, options in found.items():
            for option in options:
                where[option].add(panel)
    del where["--store"]  # evaluate writes it, plan only reads it
    assert {option: panels for option, panels in where.items() if len(panels) > 1} == {}


@pytest.mark.parametrize(
    ("command", "use"),
    [
        ("evaluate --protocol published", "--preset published"),
        ("plan --metric-loss=supcon", "--contenders irmae-joint+supcon"),
        *(
            (f"{name} --data-dir data", "SSL_IRMAE_DATA_DIR")
            for name in (*LEAVES, "evaluate --json", "suggest pictures/")
        ),
    ],
)
def test_an_option_that_is_gone_names_what_to_use(command: str, use: str) -> None:
    check_mistake(command, use)
    assert run(command, code=2).stderr.startswith("error: --")


def test_an_option_that_a_command_never_had_is_not_said_to_be_gone() -> None:
    assert "No such option: --protocol" in run("suggest pictures/ --protocol published", code=2).stderr


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("evaluate --jobs 0", "'--jobs': 0 "),
        ("generate sample --encoder x --sampler y", "'--sampler': 'y' is not one of"),
    ],
)
def test_a_value_that_an_option_refuses_is_named(command: str, said: str) -> None:
    assert said in run(command, code=2).stderr


def test_evaluate_has_at_most_28_options() -> None:
    options = [parameter for parameter in PROGRAM.commands["evaluate"].params if parameter.param_type_name == "option"]
    assert len(options) <= 28


def test_a_reader_that_closes_the_pipe_is_not_an_error() -> None:
    command = f"{shlex.quote(sys.executable)} -m ssl_irmae.cli data list | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", ["encoders list", "data list", "doctor", "dimension --dataset digits --seeds 2"])
def test_results_fit_a_narrow_terminal_and_nothing_is_cut(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    wide = run(command).stdout
    monkeypatch.setenv("COLUMNS", "80")
    narrow = run(command).stdout
    assert [line for line in narrow.splitlines() if len(line) > 80 and len(line.split()) > 1] == []
    assert narrow.split() == wide.split()
