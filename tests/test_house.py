"""The layout: three layers, one direction; what installs is what the folders hold."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FORBIDDEN = {"ssl_irmae": ("ssl_irmae.protocols", "ssl_irmae.cli"), "protocols": ("ssl_irmae.cli",), "cli": ()}
FILES = [file for layer in FORBIDDEN for file in sorted((ROOT / layer).rglob("*.py"))]


def _imports(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import; the house imports by full name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(ROOT).as_posix())
def test_imports_point_down(file: Path) -> None:
    layer = file.relative_to(ROOT).parts[0]
    up = [name for name in _imports(file) if name.startswith(FORBIDDEN[layer])] if FORBIDDEN[layer] else []
    bare = [name for name in _imports(file) if name.split(".")[0] in ("cli", "protocols")]
    assert up == []
    assert bare == []


@pytest.mark.parametrize("file", [f for f in FILES if f.relative_to(ROOT).parts[0] != "cli"], ids=lambda f: f.stem)
def test_only_the_command_line_prints(file: Path) -> None:
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"print", "exit", "input"}


def test_every_folder_with_code_is_installed() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    listed = set(setuptools["packages"])
    found = set()
    for package, folder in setuptools["package-dir"].items():
        for init in (ROOT / folder).rglob("__init__.py"):
            found.add(".".join((package, *init.parent.relative_to(ROOT / folder).parts)))
    assert found == listed


HELP = ["", "pretrain", "evaluate", "report", "encode", "encoders", "encoders show", "data", "data fetch"]
HEAVY = ("matplotlib", "numpy", "scipy", "sklearn", "torch", "torchvision")


@pytest.mark.parametrize("command", [*(f"{name} --help" for name in HELP), "--version", "data list", "encoders list"])
def test_what_computes_nothing_imports_nothing_heavy(command: str) -> None:
    assert not _imported(HEAVY, f"assert CliRunner().invoke(app, {command.split()}).exit_code == 0")


def test_pretraining_does_without_torchvision_and_scikit_learn() -> None:
    # they take seconds and memory, and MNIST needs them only to be fetched
    assert not _imported(("torchvision", "sklearn"), "import ssl_irmae.pretraining.run_folder")


def _imported(modules: tuple[str, ...], code: str) -> set[str]:
    """Run code in a fresh interpreter and tell which of these modules it has imported."""
    code = f"""
import sys
from typer.testing import CliRunner
from ssl_irmae.cli.main import app
{code}
sys.stderr.write(" ".join({set(modules)} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(done.stderr.split())
