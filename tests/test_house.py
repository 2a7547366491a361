"""The layout: three layers, one direction; rooms that need little import little; what the folders hold is installed."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import ssl_irmae
from ssl_irmae.cli.main import app
from ssl_irmae.protocols.contenders.published import PUBLISHED_PROTOCOL
from ssl_irmae.protocols.contenders.registry import CONTENDERS

ROOT = Path(__file__).parent.parent
PACKAGES = {"ssl_irmae": "ssl_irmae", "protocols": "ssl_irmae.protocols", "cli": "ssl_irmae.cli"}
ABOVE = {"ssl_irmae": ("protocols", "cli"), "protocols": ("cli",), "cli": ()}
FILES = {file.relative_to(ROOT).as_posix(): file for layer in PACKAGES for file in sorted((ROOT / layer).rglob("*.py"))}
FRONT_DOOR = ("ssl_irmae/__init__.py", "ssl_irmae/estimators.py")
"""What users import: it names things of all layers."""


def imports_of(file: Path) -> set[str]:
    """Return the full names of everything that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import; modules are imported by full name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def within(name: str, *packages: str) -> bool:
    """Return whether a dotted name is one of these packages or something in them."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("file", [name for name in FILES if name not in FRONT_DOOR])
def test_imports_point_down(file: str) -> None:
    imported = imports_of(FILES[file])
    above = [PACKAGES[layer] for layer in ABOVE[file.split("/")[0]]]
    assert [name for name in imported if within(name, *above)] == []
    assert [name for name in imported if within(name, "cli", "protocols")] == [], "not names that users can import"


@pytest.mark.parametrize("file", FILES)
def test_nothing_inside_goes_through_the_front_door(file: str) -> None:
    front = {"ssl_irmae", *(f"ssl_irmae.{name}" for name in ssl_irmae.__all__)}
    assert imports_of(FILES[file]) & front <= ({"ssl_irmae.estimators"} if file in FRONT_DOOR else set())


@pytest.mark.parametrize("file", [name for name in FILES if name.startswith("protocols/statistics/")])
def test_statistics_import_numbers_and_rows_alone(file: str) -> None:
    ours = ("ssl_irmae.errors", "ssl_irmae.protocols.storage.rows", "ssl_irmae.protocols.statistics")
    others = [name for name in imports_of(FILES[file]) if name.split(".")[0] not in sys.stdlib_module_names]
    assert [name for name in others if not within(name, "numpy", "scipy", *ours)] == []


def test_statistics_do_without_torch_and_the_registry_of_contenders() -> None:
    modules = [name for name in FILES if name.startswith("protocols/statistics/") and "__init__" not in name]
    code = "\n".join(f"import ssl_irmae.{name.removesuffix('.py').replace('/', '.')}" for name in modules)
    imported = imported_by(code)
    assert len(modules) > 5
    assert not imported & {"torch", "sklearn", "pandas", "matplotlib", "rich", "typer"}
    assert {name for name in imported if within(name, "ssl_irmae")} - {"ssl_irmae", "ssl_irmae.errors"} == {
        "ssl_irmae.protocols",
        "ssl_irmae.protocols.statistics",
        *(f"ssl_irmae.{name.removesuffix('.py').replace('/', '.')}" for name in modules),
        "ssl_irmae.protocols.storage",
        "ssl_irmae.protocols.storage.rows",
    }


def test_rows_do_without_numpy_and_torch() -> None:
    imported = imported_by("import ssl_irmae.protocols.storage.rows")
    assert not imported & {"numpy", "scipy", "sklearn", "torch"}
    assert {name for name in imported if within(name, "ssl_irmae")} == {
        "ssl_irmae",
        "ssl_irmae.protocols",
        "ssl_irmae.protocols.storage",
        "ssl_irmae.protocols.storage.rows",
    }


@pytest.mark.parametrize("file", [name for name in FILES if not name.startswith("cli/")])
def test_only_the_command_line_prints(file: str) -> None:
    tree = ast.parse(FILES[file].read_text())
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not calls & {"print", "exit", "input"}
    attributes = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not attributes & {"sys.stdout", "sys.stderr", "sys.argv", "sys.exit"}


@pytest.mark.parametrize("file", [name for name in FILES if not name.startswith("cli/")])
def test_errors_and_messages_name_arguments_and_not_options(file: str) -> None:
    for node in ast.walk(ast.parse(FILES[file].read_text())):
        if isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and ast.unparse(node.func) == "Message"):
            parts = [c.value for c in ast.walk(node) if isinstance(c, ast.Constant) and isinstance(c.value, str)]
            # whole commands are fine: they stand in backticks
            text = re.sub(r"`ssl-irmae [^`]*`", "", " ".join(parts))
            assert not re.search(r"(?<!\S)--[a-z]", text), "the command line adds the dashes"


def looked_up(tree: ast.AST) -> Iterator[str]:
    """Yield the string constants that code compares with, looks up, or maps from."""
    for node in ast.walk(tree):
        places: list[ast.AST | None] = []
        match node:
            case ast.Compare():
                places = [node.left, *node.comparators]
            case ast.Dict():
                places = [*node.keys]
            case ast.Subscript():
                places = [node.slice]
            case ast.MatchValue():
                places = [node.value]
        for place in places:
            elements = place.elts if isinstance(place, ast.Tuple | ast.List | ast.Set) else [place]
            for element in elements:
                if isinstance(element, ast.Constant) and isinstance(element.value, str):
                    yield element.value


@pytest.mark.parametrize("file", [name for name in FILES if not name.startswith("ssl_irmae/")])
def test_only_the_registry_knows_contenders_and_readouts_by_name(file: str) -> None:
    if file.startswith("protocols/contenders/") or file in ("protocols/presets.py", "protocols/storage/legacy.py"):
        return
    known = {**CONTENDERS, **PUBLISHED_PROTOCOL}
    names = known.keys() | {contender.readout for contender in known.values()}
    assert set(looked_up(ast.parse(FILES[file].read_text()))) & names == set(), "use a field of Contender or Row"


def test_names_that_code_looks_up_are_found() -> None:
    code = """
if readout == "a" or "b" in names or name in ("c", "d"): ...
match readout:
    case "e" | "f": ...
found = {"g": 1, **more}["h"]
said = "not looked up"
"""
    assert sorted(looked_up(ast.parse(code))) == list("abcdefgh")


def test_every_folder_with_code_is_installed() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert setuptools["package-dir"] == {package: folder for folder, package in PACKAGES.items()}
    found = {
        ".".join((package, *file.parent.relative_to(ROOT / folder).parts))
        for folder, package in PACKAGES.items()
        for file in (ROOT / folder).rglob("*.py")
    }
    assert found == set(setuptools["packages"])
    assert all((file.parent / "__init__.py").is_file() for file in FILES.values())


COMMANDS = sorted(command.name or "" for command in typer.main.get_group(app).commands.values())
HELP = ["", *COMMANDS, "encoders show", "data fetch"]
HEAVY = {"matplotlib", "numpy", "scipy", "sklearn", "torch", "torchvision"}


@pytest.mark.parametrize("command", [*(f"{name} --help" for name in HELP), "--version", "data list", "encoders list"])
def test_commands_that_compute_nothing_import_nothing_heavy(command: str) -> None:
    code = f"""
from typer.testing import CliRunner
from ssl_irmae.cli.main import app
assert CliRunner().invoke(app, {command.split()}).exit_code == 0
"""
    assert not imported_by(code) & HEAVY


def test_pretraining_does_without_torchvision_and_scikit_learn() -> None:
    # these take seconds and memory, and MNIST needs them only to be fetched
    assert not imported_by("import ssl_irmae.pretraining.run_folder") & {"torchvision", "sklearn"}


def imported_by(code: str) -> set[str]:
    """Run code in a fresh interpreter and return the names of all modules that are imported by then."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nsys.stderr.write(' '.join(sys.modules))"],
        check=True,
        capture_output=True,
        text=True,
    )
    return set(done.stderr.split())
