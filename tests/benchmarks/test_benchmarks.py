"""The benchmark compares what it says: the re-typed model is the reference one, arithmetic is counted rightly."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import __main__ as benchmark
from benchmarks import child, peer, reference
from benchmarks.growth import slope
from benchmarks.measure import measure, ratios
from benchmarks.roof import flops_per_image
from ssl_irmae.encoders.published_checkpoint import read_reference_checkpoint


def test_the_re_typed_model_is_the_reference_model(tmp_path: Path) -> None:
    torch.manual_seed(3)
    net = reference.model()
    torch.save(net.state_dict(), tmp_path / "theirs")
    ours = read_reference_checkpoint(tmp_path / "theirs").autoencoder
    x = torch.rand(3, 1, 32, 32)
    torch.testing.assert_close(reference.features(net, x), ours.features(x))
    torch.testing.assert_close(reference.reconstruct(net, x), ours.reconstruct(x))


def test_an_image_costs_what_the_layers_say() -> None:
    # multiply-adds forward, by hand: four convolutions, two linear layers and the stack, three transposed convolutions
    encoder = 16 * (256 * 32 + 64 * 32 * 64 + 16 * 64 * 128 + 4 * 128 * 256) + 1024 * 128 + 8 * 128 * 128
    decoder = 128 * 8192 + 16 * (64 * 128 * 64 + 256 * 64 * 32) + 1024 * 32
    pixels = 16 * 256 * 32  # nobody needs the gradient of the images
    assert flops_per_image() == 2 * (3 * (encoder + decoder) - pixels)


def test_an_aim_is_held_to_the_median() -> None:
    assert measure("m", "s", [9.0, 1.0, 2.0], at_most=2.0)["met"] is True
    assert measure("m", "s", [9.0, 1.0, 2.1], at_most=2.0)["met"] is False
    assert measure("m", "s", [1.0])["met"] is None
    assert ratios("r", [6.0, 8.0], [2.0, 1.0], at_least=6)["values"] == [3.0, 8.0]


def test_the_slope_is_the_exponent() -> None:
    assert slope([(n, 5 * n**1.5) for n in (3, 10, 70)]) == pytest.approx(1.5)


def test_a_failed_process_says_why() -> None:
    with pytest.raises(child.ChildError, match="ValueError: so it is"):
        child.run(["-c", "raise ValueError('so it is')"])


def test_memory_and_output_are_those_of_the_process_itself() -> None:
    big = child.run(["-c", "x = b'x' * 300_000_000; print(len(x))"])
    small = child.run(["-c", "print(1)"])
    assert big.stdout == "300000000\n"
    assert big.peak_mb - small.peak_mb > 200


def test_a_peer_without_its_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(child.ChildError, match=r"holds no train\.py"):
        peer.refuse_if_it_cannot_run(tmp_path)


def test_sections_are_kept_in_one_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def section(_: Any) -> dict[str, Any]:
        return {"measures": [measure("of something " * 5, "s", [1.0, 2.0, 3.0], at_most=1.0)], "notes": ["note " * 40]}

    monkeypatch.setattr(benchmark, "SECTIONS", {"startup": section, "memory": section})
    monkeypatch.setattr(child, "ssl_irmae", lambda *_: None)
    out = tmp_path / "there" / "bench.json"
    for name in ("startup", "memory"):
        assert benchmark.main(["--only", name, "--out", str(out)]) == 0
    document = json.loads(out.read_text())
    assert set(document["sections"]) == {"startup", "memory"}
    assert document["sections"]["memory"]["environment"]["packages"]["torch"] == torch.__version__.split("+")[0]
    printed = capsys.readouterr().out
    assert "MISSED" in printed
    assert max(map(len, printed.splitlines())) <= 80
