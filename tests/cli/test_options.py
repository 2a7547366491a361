"""Lists on the command line: texts that are not budgets or seeds are rejected with the option's name."""

import pytest

from ssl_irmae.cli.options import parse_budgets, parse_seeds
from ssl_irmae.errors import UserError


@pytest.mark.parametrize(
    "text", ["", "1,,2", "-5", "1.5", "all,x", "10_", "²", "0%", "100.1%", "%", "0/class", "5/classes"]
)
def test_texts_that_are_not_budgets_are_rejected(text: str) -> None:
    with pytest.raises(UserError, match="--labels"):
        parse_budgets(text)


@pytest.mark.parametrize("text", ["", "a", "0", ",", "1.5", "3,x", "²,", "10001"])
def test_texts_that_are_not_seeds_are_rejected(text: str) -> None:
    with pytest.raises(UserError, match="--pretrain-seeds"):
        parse_seeds(text, "--pretrain-seeds")
