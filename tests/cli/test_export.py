"""`ssl-irmae export` prints what was written and how far it is from torch."""

from pathlib import Path

import pytest

from tests.command_line import check_mistake, run


def test_it_prints_shapes_and_the_largest_difference(tiny_encoder: Path, tmp_path: Path) -> None:
    result = run(f"export {tiny_encoder} --out {tmp_path / 'tiny.onnx'}")
    first, second = result.stdout.splitlines()
    assert result.stderr == "exporting tiny to ONNX\n", "what torch's exporter prints is kept from a person"
    assert "tiny.onnx: images uint8 (batch, 1, 32, 32) -> code (batch, 8)" in first
    assert float(second.rpartition(": ")[2].removesuffix(" of code")) < 1e-4


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("export mnist-irmea --out new.onnx", "did you mean 'mnist-irmae'"),
        ("export mnist-irmae --out new.pt", "--out: new.pt must end in .onnx"),
        ("export nowhere/here --out new.onnx", "there is no encoder folder nowhere/here"),
    ],
)
def test_mistakes_get_one_sentence_and_exit_code_2(command: str, message: str) -> None:
    check_mistake(command, message)
