"""Commands run in an empty folder, without the network."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ssl_irmae.datasets.mnist.fetch", lambda *_: pytest.fail("no test of these needs a download"))
