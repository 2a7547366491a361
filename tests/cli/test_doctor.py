"""`ssl-irmae doctor`: the answer first, everything with --json, and exit code 2 where something is wrong."""

import json
from pathlib import Path

import pytest

from tests.command_line import run


def test_the_answer_comes_first_and_the_document_holds_everything() -> None:
    lines = run("doctor").stdout.splitlines()
    found = json.loads(run("doctor --json").stdout)
    assert lines[0] == "All is well."
    assert found["well"] is True
    assert {f"  {missing['what']}" in "\n".join(lines) for missing in found["available"]} == {True}
    assert f"auto is {found['compute']['precision']}" in "\n".join(lines)


def test_what_is_wrong_comes_first_and_is_an_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_IRMAE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("in the way")
    first, second, third, *_ = run("doctor", code=2).stdout.splitlines()
    assert first == "Something is wrong:"
    assert str(tmp_path / "file") in second
    assert third == "    export SSL_IRMAE_HOME=FOLDER"
    assert json.loads(run("doctor --json", code=2).stdout)["well"] is False
