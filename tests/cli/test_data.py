"""`ssl-irmae data`: list, fetch and verify."""

import pytest

from tests.command_line import check_mistake, run


@pytest.mark.parametrize(
    ("command", "message"), [("fetch digits", "no files"), ("verify mnits", "did you mean 'mnist'")]
)
def test_mistakes_get_one_sentence(command: str, message: str) -> None:
    check_mistake(f"data {command}", message)


def test_data_sets_are_listed_with_the_state_of_their_files() -> None:
    lines = run("data list --data-dir d").stdout.splitlines()
    assert next(line for line in lines if line.startswith("mnist ")).endswith("[not fetched]")
    assert next(line for line in lines if line.startswith("digits ")).endswith("no download")


def test_verify_fails_if_files_are_missing() -> None:
    result = run("data verify mnist --data-dir d", code=2)
    assert result.stdout.count("missing") == 4
