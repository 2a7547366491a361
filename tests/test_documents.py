"""What README and docs show works, and nothing is left out: Python blocks, commands, options, links."""

import re
import shlex
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import typer

from ssl_irmae.cli.main import app
from ssl_irmae.plugins.registered import REGISTERED
from ssl_irmae.protocols.presets import PRESETS
from tests.command_line import run

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGES.md", *sorted((ROOT / "docs").rglob("*.md"))]
DOCUMENTS = [path for path in DOCUMENTS if path.name != "table.md"]  # the tables of a report
START = ROOT / "docs" / "start.md"
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^    (ssl-irmae (?:.*\\\n)*.*)", re.MULTILINE)
INLINE = re.compile(r"`(ssl-irmae [a-z][^`]*)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
SECTION_LINK = re.compile(r"\]\(([^)#\s]*)#([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
PROGRAM: Any = typer.main.get_command(app)


def blocks(path: Path, language: str) -> list[str]:
    return [code for fence, code in FENCED.findall(path.read_text()) if fence == language]


def commands(path: Path) -> list[str]:
    """List the command lines of a document that a reader may copy."""
    lines = [line for block in blocks(path, "sh") for line in block.replace("\\\n", " ").splitlines()]
    lines += [line.replace("\\\n", " ") for line in INDENTED.findall(FENCED.sub("", path.read_text()))]
    return [line.strip() for line in lines if line.strip().startswith("ssl-irmae ")]


def mentions(path: Path) -> list[str]:
    """List the command lines that a document mentions in a sentence, which may leave arguments out."""
    return [" ".join(line.split()) for line in INLINE.findall(FENCED.sub("", path.read_text()))]


def run_python(code: str, path: Path, namespace: dict[str, Any]) -> None:
    exec(compile(code, str(path), "exec"), namespace)  # noqa: S102 (our own documents)


def resolve(line: str) -> tuple[Any, Any, list[str]]:
    """Find the command of a line, its parent context, and the words after its name."""
    _, *words = shlex.split(line, comments=True)
    command: Any = typer.main.get_command(app)
    context: Any = command.make_context("ssl-irmae", list(words), resilient_parsing=True)
    while words and hasattr(command, "resolve_command"):
        name, command, words = command.resolve_command(context, words)
        if hasattr(command, "resolve_command"):
            context = command.make_context(name, list(words), parent=context, resilient_parsing=True)
    return command, context, words


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture
def _reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, without a network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ssl_irmae.datasets.mnist.fetch", lambda *_: pytest.fail("a document needs a download"))


@pytest.mark.usefixtures("_reader")
@pytest.mark.parametrize("path", [p for p in DOCUMENTS if blocks(p, "python") and p != START], ids=name_of)
def test_python_blocks_run(path: Path) -> None:
    namespace: dict[str, Any] = {"__name__": "document"}
    with patch.dict(REGISTERED):  # a document registers what is its own
        for code in blocks(path, "python"):
            run_python(code, path, namespace)


@pytest.mark.usefixtures("_reader")
def test_the_start_runs_from_its_first_block_to_its_last() -> None:
    namespace: dict[str, Any] = {"__name__": "document"}
    for language, code in FENCED.findall(START.read_text()):
        if language == "python":
            run_python(code, START, namespace)
        elif language == "sh":
            for line in code.replace("\\\n", " ").replace("--max-steps 600", "--max-steps 20").splitlines():
                run(line.removeprefix("ssl-irmae "))
    with Path("predicted.csv").open() as predicted:
        assert len(predicted.readlines()) == 1 + 1300


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if commands(path)], ids=name_of)
def test_commands_parse(path: Path) -> None:
    for line in commands(path):
        command, context, words = resolve(line)
        command.make_context(command.name, list(words), parent=context)  # as the program does before it runs


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if mentions(path)], ids=name_of)
def test_commands_in_a_sentence_exist_with_their_options(path: Path) -> None:
    for line in mentions(path):
        command, _, words = resolve(line)
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= known | {"--help"}, line


def test_a_wrong_option_would_be_noticed() -> None:
    command, context, words = resolve("ssl-irmae evaluate --lables 10")
    with pytest.raises(Exception, match=r"(?i)no such option"):
        command.make_context("evaluate", words, parent=context)
    assert sum(len(commands(path)) for path in DOCUMENTS) > 20


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_to_files_resolve(path: Path) -> None:
    links = LINK.findall(FENCED.sub("", path.read_text()))
    files = [link for link in links if not link.startswith(("http://", "https://"))]
    assert [link for link in files if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_to_sections_resolve(path: Path) -> None:
    for file, section in SECTION_LINK.findall(FENCED.sub("", path.read_text())):
        if not file.startswith(("http://", "https://")):
            target = path.parent / file if file else path
            headings = HEADING.findall(FENCED.sub("", target.read_text()))
            assert section in [re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings]


@pytest.mark.parametrize("name", [name for name, command in PROGRAM.commands.items() if not command.hidden])
def test_every_option_and_argument_of_a_command_is_in_its_section(name: str) -> None:
    sections = re.split(r"^## ", (ROOT / "docs" / "using" / "README.md").read_text(), flags=re.MULTILINE)
    (section,) = (text for text in sections if text.startswith(f"{name}\n"))
    commands = getattr(PROGRAM.commands[name], "commands", {"": PROGRAM.commands[name]})
    options = {max(p.opts, key=len) for c in commands.values() for p in c.params if p.param_type_name == "option"}
    arguments = {p.metavar for p in PROGRAM.commands[name].params if p.param_type_name == "argument"}
    missing = (options | arguments) - set(re.findall(r"--[a-z-]+|[A-Z]+", section)) - {"--help"}
    assert not missing


def test_every_preset_is_in_the_section_on_evaluate() -> None:
    assert not {name for name in PRESETS if f"`{name}`" not in (ROOT / "docs" / "using" / "README.md").read_text()}


@pytest.mark.parametrize(
    ("page", "file"), [("README.md", "whitened/ssl_irmae_whitened.py"), ("networks.md", "small_network.py")]
)
def test_a_worked_example_is_the_file_beside_it(page: str, file: str) -> None:
    folder = ROOT / "docs" / "extending"
    assert (folder / file).read_text() in blocks(folder / page, "python")
