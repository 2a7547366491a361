"""Optional packages: each belongs to an extra, and the error for a missing one names it."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from ssl_irmae._support.extras import EXTRAS, require
from ssl_irmae.errors import UserError


def test_extras_are_those_that_can_be_installed() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    extras = {name: value for name, value in project["optional-dependencies"].items() if name != "dev"}
    named = {name: tuple(re.split("[<>=]", package)[0] for package in packages) for name, packages in extras.items()}
    assert named == {name: extra.packages for name, extra in EXTRAS.items()}


@pytest.mark.parametrize("extra", EXTRAS)
def test_a_missing_package_is_named_with_its_extra(extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=rf"^`to_frame` needs .* pip install 'ssl-irmae\[{extra}\]'"):
        require(extra, "`to_frame`")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    require(extra, "`to_frame`")
