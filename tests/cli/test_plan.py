"""`ssl-irmae plan`: the answer first, one document with --json, and mistakes in one sentence."""

import json
from pathlib import Path

import pytest

from tests.command_line import check_mistake, run

REQUEST = "plan --dataset digits --contenders pixels-linear,supervised --labels 20 --seeds 2 --precision fp32 --quiet"
FIND = "plan --dataset digits --between irmae-linear vae-linear --labels 100 --precision fp32 --quiet"


def test_a_request_is_answered_in_the_first_line_and_a_table_says_where_the_time_goes() -> None:
    answer, *lines = run(REQUEST).stdout.splitlines()
    assert answer.startswith("4 of 4 trials are missing: about ")
    assert "here, " in answer
    table = [line.split() for line in lines if line.startswith("  ")]
    assert ["linear", "2"] in [words[:2] for words in table]
    assert ["network,", "labels", "only", "2"] in [words[:4] for words in table]
    assert list(Path().iterdir()) == []


def test_the_document_holds_what_the_text_says() -> None:
    document = json.loads(run(f"{FIND} --detect 2 --power 0.9 --json").stdout)
    subsets = document["subsets"]
    lines = run(f"{FIND} --detect 2 --power 0.9").stdout.splitlines()
    needed = subsets["needed"]
    assert " ".join(lines).startswith(
        f"{needed['n']} subsets ({needed['low']} to {needed['high']}) detect a difference of 2 points between "
        "`irmae-linear` and `vae-linear` at 100 labels with power 0.9; about "
    )
    assert lines[-1].strip() == subsets["command"]
    assert document["cost"]["missing"] == document["cost"]["planned"] == 2 * subsets["needed"]["n"]
    assert document["cost"]["core_seconds"] == pytest.approx(
        sum(share["core_seconds"] for share in document["cost"]["shares"])
    )


def test_lines_fit_the_terminal_except_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for command in (REQUEST, f"{FIND} --detect 2"):
        lines = run(command).stdout.splitlines()
        assert max(len(line) for line in lines if not line.startswith("  ssl-irmae")) <= 80


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("plan --detect 0.1 --labels 100", "--detect and --between go together"),
        ("plan --between irmae-linear ae-linear", "--detect and --between go together"),
        ("plan --power 2 --labels 100", "--power goes with --detect and --between"),
        ("plan --detect -1 --between irmae-linear ae-linear", "--detect: -1"),
        ("plan --detect 1 --power 80 --between irmae-linear ae-linear", "--power: 80"),
        ("plan --detect 1 --between irmae-liner ae-linear", "did you mean 'irmae-linear'"),
        ("plan --detect 1 --between irmae-* ae-linear", "--between: 'irmae-*' is a pattern"),
        ("plan --detect 1 --between irmae-linear ae-linear --seeds 3", "--seeds cannot be given"),
        (f"{FIND} --detect 1 --labels 10,100", "--labels: give one"),
        (f"{FIND} --detect 1 --results nowhere.csv", "there is no file nowhere.csv"),
        ("plan --dataset digits --between lorae-linear vib --detect 1 --labels 20", "--results"),
        ("plan --preset mnist-ful", "did you mean 'mnist-full'"),
        ("plan --preset mnist-full --labels 10", "--labels"),
        ("plan --dataset digits --labels 5000 --contenders supervised", "1 to 1300"),
    ],
)
def test_mistakes_get_one_sentence_and_exit_code_2(command: str, message: str) -> None:
    check_mistake(command, message)
    assert list(Path().iterdir()) == []
