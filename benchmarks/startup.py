"""Section: how long the command line takes to print its help."""

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import child
from benchmarks.measure import measure
from benchmarks.options import Options

EMPTY = """import typer
app = typer.Typer()
@app.callback()
def callback() -> None:
    pass
@app.command()
def nothing() -> None:
    pass
app()
"""
COMMANDS = ("pretrain", "evaluate", "report", "encode", "encoders list", "data list")
HEAVY = ("matplotlib", "numpy", "scipy", "sklearn", "torch", "torchvision")


def section(options: Options) -> dict[str, Any]:
    """Time `--help` of both programs in turn, and list what each command imports to print its help."""
    times = 5 if options.quick else 25
    empty: list[float] = []
    ours: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        program = Path(scratch) / "empty.py"
        program.write_text(EMPTY)
        for _ in range(times + 1):
            empty.append(child.run([str(program), "--help"]).seconds)
            ours.append(child.ssl_irmae("--help").seconds)
    # the first run of each reads the disk
    empty, ours = empty[1:], ours[1:]
    difference = statistics.median(ours) - statistics.median(empty)
    imports = {f"{command} --help".strip(): imported(command) for command in ("", *COMMANDS)}
    return {
        "measures": [
            measure("empty typer program, --help", "s", empty),
            measure("ssl-irmae --help", "s", ours),
            measure("difference of the medians", "s", [difference], at_most=0.15),
            measure("heavy modules that a --help imports", "", [sum(map(len, imports.values()))], at_most=0),
        ],
        "notes": [
            f"each run {times} times in turn; Python {sys.version.split()[0]}; heavy: {', '.join(HEAVY)}",
            *(f"`{command}` imports {', '.join(modules)}" for command, modules in imports.items() if modules),
        ],
    }


def imported(command: str) -> list[str]:
    """List the heavy modules that a command has imported once it has printed its help."""
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom ssl_irmae.cli.main import app\n"
        f"CliRunner().invoke(app, {[*command.split(), '--help']}, catch_exceptions=False)\n"
        f"print(*sorted(set({HEAVY}) & set(sys.modules)))"
    )
    return child.run(["-c", code]).stdout.split()
