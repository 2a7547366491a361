"""The benchmark measures what it claims: the re-typed model is the published one, and FLOPs are counted correctly."""

import itertools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import typer

from benchmarks import __main__ as benchmark
from benchmarks import child, growth, peer, pretraining, published, readouts, time_to_quality
from benchmarks.growth import slope
from benchmarks.measure import measure, ratios
from benchmarks.options import Options
from benchmarks.roof import flops_per_image
from ssl_irmae.cli.main import app
from ssl_irmae.encoders.published_checkpoint import read_published_checkpoint


def test_the_re_typed_model_is_the_published_model(tmp_path: Path) -> None:
    torch.manual_seed(3)
    net = published.model()
    torch.save(net.state_dict(), tmp_path / "theirs")
    ours = read_published_checkpoint(tmp_path / "theirs").autoencoder
    x = torch.rand(3, 1, 32, 32)
    torch.testing.assert_close(published.features(net, x), ours.features(x))
    torch.testing.assert_close(published.reconstruct(net, x), ours.reconstruct(x))


def test_flops_per_image_match_a_count_by_hand() -> None:
    # multiply-adds, forward: four convolutions, two linear layers and the stack, three transposed convolutions
    encoder = 16 * (256 * 32 + 64 * 32 * 64 + 16 * 64 * 128 + 4 * 128 * 256) + 1024 * 128 + 8 * 128 * 128
    decoder = 128 * 8192 + 16 * (64 * 128 * 64 + 256 * 64 * 32) + 1024 * 32
    pixels = 16 * 256 * 32  # the gradient of the images is never computed
    assert flops_per_image() == 2 * (3 * (encoder + decoder) - pixels)


def test_an_aim_is_compared_with_the_median() -> None:
    assert measure("m", "s", [9.0, 1.0, 2.0], at_most=2.0)["met"] is True
    assert measure("m", "s", [9.0, 1.0, 2.1], at_most=2.0)["met"] is False
    assert measure("m", "s", [1.0])["met"] is None
    assert ratios("r", [6.0, 8.0], [2.0, 1.0], at_least=6)["values"] == [3.0, 8.0]


def test_the_slope_is_the_exponent() -> None:
    assert slope([(n, 5 * n**1.5) for n in (3, 10, 70)]) == pytest.approx(1.5)


def test_a_failed_process_reports_its_error() -> None:
    with pytest.raises(child.ChildError, match="ValueError: deliberate"):
        child.run(["-c", "raise ValueError('deliberate')"])


def test_memory_and_output_are_those_of_the_process_itself() -> None:
    big = child.run(["-c", "x = b'x' * 300_000_000; print(len(x))"])
    small = child.run(["-c", "print(1)"])
    assert big.stdout == "300000000\n"
    assert big.peak_mb - small.peak_mb > 200


def test_a_peer_without_its_files_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(child.ChildError, match=r"has no train\.py"):
        peer.check_checkout(tmp_path)


def test_readouts_have_the_names_of_the_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seconds = {"irmae-linear": 1.0, "pixels-linear": 2.0, "ae-self-training": 4.0}
    done = child.Child(json.dumps({"seconds": {"by_contender": seconds}}), 9.0, 1.0)
    monkeypatch.setattr(child, "ssl_irmae", lambda *_, **__: done)
    options = Options(
        quick=True, repeats=1, device="cpu", large_batch=256, large_rate=2e-3, peer=None, figures=tmp_path
    )
    _, *measures = readouts.section(options)["measures"]
    assert {m["what"]: m["values"] for m in measures} == {"- linear": [3.0], "- self-training": [4.0]}


def test_sections_accumulate_in_one_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def section(_: Any) -> dict[str, Any]:
        return {"measures": [measure("of something " * 5, "s", [1.0, 2.0, 3.0], at_most=1.0)], "notes": ["note " * 40]}

    monkeypatch.setattr(benchmark, "SECTIONS", {"startup": section, "memory": section})
    monkeypatch.setattr(child, "ssl_irmae", lambda *_: None)
    out = tmp_path / "new" / "bench.json"
    for name in ("startup", "memory"):
        assert benchmark.main(["--only", name, "--out", str(out)]) == 0
    document = json.loads(out.read_text())
    assert set(document["sections"]) == {"startup", "memory"}
    assert document["sections"]["memory"]["environment"]["packages"]["torch"] == torch.__version__
    printed = capsys.readouterr().out
    assert "MISSED" in printed
    assert max(map(len, printed.splitlines())) <= 80


@pytest.mark.parametrize("name", benchmark.SECTIONS)
def test_sections_pass_options_that_the_commands_have(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = typer.main.get_command(app)
    assert isinstance(commands, typer.core.TyperGroup)
    counter = itertools.count(1.0)  # different values, as `quality` divides by their standard error

    def parse(command: str, *arguments: str, **_: Any) -> child.Child:
        if command in commands.commands:
            commands.commands[command].make_context(command, list(arguments))
        else:
            assert command == "--help"
        value = next(counter)
        document = {
            "seconds": {
                "stages": {"encode": value, "trials": value},
                "by_contender": {"ae-knn": value},
                "train": value,
            },
            "images_per_second": value,
            "rows": [{"error": value}],
            "config": {
                "card": {"precision": "fp32", "effective_rank": value, "reconstruction_mse_train": value},
            },
        }
        return child.Child(json.dumps(document), value, value)

    def run(arguments: list[str], **_: Any) -> child.Child:
        document = {"flops_per_image": 1.0, "fp32": 1.0} if "benchmarks.roof" in arguments else {"the whole step": 1.0}
        return child.Child(json.dumps(document) if "-m" in arguments else "", 1.0, 1.0)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(child, "ssl_irmae", parse)
    monkeypatch.setattr(child, "published", lambda *_: child.Child('{"seconds": 1.0, "images_per_second": 1.0}', 1, 1))
    monkeypatch.setattr(child, "run", run)
    for module in (growth, pretraining, time_to_quality):
        monkeypatch.setattr(module, "load_images", lambda _: SimpleNamespace(images=torch.zeros(4, 2, 2)))
    options = Options(
        quick=True, repeats=1, device="cpu", large_batch=256, large_rate=2e-3, peer=None, figures=tmp_path
    )
    assert benchmark.SECTIONS[name](options)["measures"]
