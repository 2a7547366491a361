"""`ssl-irmae evaluate`: what it prints where, which code it exits with, and what it leaves behind."""

import dataclasses
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ssl_irmae.datasets.registry import load_images
from ssl_irmae.encoders.encoder import Encoder, read_config
from ssl_irmae.protocols.contenders.published import PUBLISHED_PROTOCOL
from ssl_irmae.protocols.contenders.registry import CONTENDERS, DEFAULT
from ssl_irmae.protocols.report.checks.registry import CHECKS
from ssl_irmae.protocols.representations.pretrained import open_encoder
from tests.command_line import check_mistake, run

EVALUATE = "evaluate --dataset digits --labels 10,20 --seeds 2 --precision fp32"


def document(command: str) -> dict[str, Any]:
    """Run a command with --json and return what it prints."""
    found: dict[str, Any] = json.loads(run(f"{command} --json").stdout)
    return found


def texts(notes: list[dict[str, str]]) -> str:
    return "\n".join(note["text"] for note in notes)


@pytest.fixture
def evaluate(tiny_encoder: Path) -> str:
    """A protocol small enough for a test: one encoder, its linear probe beside a baseline of few steps."""
    return f"{EVALUATE} --steps 3 --encoder {tiny_encoder} --contenders tiny-linear,supervised"


def test_help_explains_every_contender() -> None:
    blocks = [block.split("\n  ") for block in run("evaluate --contenders help").stdout.split("\n\n")]
    names = set()
    for heading, *lines in blocks[2:]:
        stems = " ".join(heading.split()).partition(" one of ")[2].removesuffix(", and").split(", ")
        names |= {f"{stem}{line.split()[0]}" for stem in stems for line in lines if not line.startswith(" ")}
    assert {name for name in names if not name.startswith("NAME")} == set(CONTENDERS)
    assert names >= {"NAME-linear", "NAME-features-knn", "NAME-joint"}
    default = " ".join(blocks[1][0].split()).partition("Default: ")[2]
    assert default == f"{', '.join(DEFAULT)}."
    families = [" ".join(line.split()[:2]) for line in blocks[0][1:] if not line.startswith(" ")]
    headings = [" ".join(heading.split()[:2]).lower() for heading, *_ in blocks[2:]]
    assert [heading.rstrip(":,") for heading in headings] == families
    assert run("plan --contenders help").stdout == run("evaluate --contenders help").stdout


def test_it_says_which_contenders_a_pattern_stands_for() -> None:
    result = run(f"{EVALUATE} --contenders pixels-kn*,pixels-centroid --json")
    assert "pixels-kn* stands for 1 contender: pixels-knn\n" in result.stderr
    assert {row["contender"] for row in json.loads(result.stdout)["rows"]} == {"pixels-knn", "pixels-centroid"}


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("evaluate --labels ten", "'ten'"),
        ("evaluate --labels 0", "'0'"),
        ("evaluate --seeds 0", "--seeds"),
        ("evaluate --seeds -1", "--seeds"),
        ("evaluate --contenders irmae-liner", "did you mean 'irmae-linear'"),
        ("evaluate --contenders mine-linear", "no encoder and no codes are called 'mine' here: name their folder"),
        ("evaluate --contenders irmae", "name what learns from it too, such as irmae-linear"),
        (
            "evaluate --labels 1,000",
            "'000' is not a number of labels; write for example 10,100,1%,5/class,all; write th",
        ),
        ("evaluate --encoder mine-{seed}", "--encoder: mine-{seed}: {seed} needs --pretrain-seeds"),
        (
            "evaluate --encoder mine --pretrain-seeds 0,1",
            "--pretrain-seeds: write {seed} in place of the seed in --enc",
        ),
        ("evaluate --contenders irmea-*", "--contenders: nothing matches 'irmea-*'; a pattern is"),
        ("evaluate --baseline nobody", "unknown contender 'nobody'"),
        ("evaluate --contenders supervised --baseline vib", "--baseline"),
        ("evaluate --encoder no/such", "no/such"),
        ("evaluate --dataset digits --contenders pixels-linear --encoder mnist-ae", "add mnist-ae-linear"),
        ("evaluate --dataset digits --contenders pixels-linear --pretrain-seeds 0,1", "--pretrain-seeds"),
        ("evaluate --contenders pixels-linear --encoder irmae=mnist-irmae", "no contender that is run uses irmae"),
        ("evaluate --contenders irmae-linear --encoder irmae=mnist-ae", "mnist-ae is called irmae, but was pretrained"),
        ("evaluate --preset mnist-full --rule uniform", "--rule"),
        ("evaluate --preset mnist-full --scored-on development", "--scored-on"),
        ("evaluate --preset mnist-full --labels 10", "--labels"),
        ("evaluate --contenders supervised+supcon", "--contenders: supervised+supcon cannot be run"),
        ("evaluate --ignore SSI15", "did you mean 'SSI015'"),
        ("evaluate --codes mine=nowhere.npz", "--codes: mine=nowhere.npz: there is no file nowhere.npz"),
        ("evaluate --codes irmae=nowhere.npz", "the name 'irmae' is taken"),
        ("evaluate --import-trials nowhere.csv", "there is no file nowhere.csv"),
        ("evaluate --dataset shapes --labels 1 --contenders supervised", "cannot be balanced"),
        ("evaluate --dataset digits --labels 5000 --contenders supervised", "1 to 1300"),
    ],
)
def test_mistakes_get_one_sentence_and_exit_code_2(command: str, message: str) -> None:
    check_mistake(command, message)
    assert not [p for p in Path().rglob("*") if p.suffix not in ("", ".sqlite")], "something was left half-written"


def test_a_home_that_cannot_be_written_to_is_named_with_the_variable_that_moves_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("home").write_text("a file in the way")
    monkeypatch.setenv("SSL_IRMAE_HOME", "home")
    check_mistake("evaluate --dataset digits --contenders ae-linear", "error: home/encoders/digits-ae")
    check_mistake("evaluate --dataset digits --contenders ae-linear", "set SSL_IRMAE_HOME to a folder")


def test_bf16_is_refused_without_its_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False}, raising=False)
    check_mistake("evaluate --dataset digits --contenders supervised --precision bf16", "bf16")


def test_a_misspelt_option_is_a_mistake_too() -> None:
    assert "--lables" in run("evaluate --lables 10", code=2).stderr


def test_it_prints_the_answer_the_table_and_a_few_notes_on_standard_output(evaluate: str) -> None:
    result = run(evaluate)
    answer = " ".join(result.stdout.split())
    assert answer.startswith("With 10 labels, `")
    assert answer.index("With 10 labels") < answer.index("digits, 10 labels") < answer.index("- Error: mean %")
    assert "± standard error over 2 labelled subsets" in answer
    assert "Fewer than 6 runs (†)" in answer
    assert "Fixed beforehand" not in answer
    assert result.stdout.count("\n- ") <= 7
    assert "2/8  tiny-linear, 10 labels" in result.stderr


def test_full_notes_hold_settings_and_every_check(evaluate: str) -> None:
    printed = " ".join(run(f"{evaluate} --notes full").stdout.split())
    assert "Fixed beforehand" in printed
    assert "were with the scorer alone" in printed
    assert "given with the command instead: steps 3" in printed
    assert all(f"{code} {check.name}" in printed for code, check in CHECKS.items())


def test_an_ignored_check_is_named_and_changes_nothing_else(evaluate: str) -> None:
    without, ignored = document(evaluate), document(f"{evaluate} --ignore SSI015,SSI002")
    outcomes = [{check["code"]: check["outcome"] for check in found["checks"]} for found in (without, ignored)]
    assert outcomes[0]["SSI015"] == "failed"
    assert outcomes[1] == outcomes[0] | {"SSI015": "ignored", "SSI002": "ignored"}
    assert ignored["rows"] == without["rows"]
    printed = " ".join(run(f"{evaluate} --ignore SSI015,SSI002").stdout.split())
    assert "ignored: SSI002, SSI015" in printed
    assert "Fewer than 6 runs" not in printed


def test_json_is_one_document_with_rows_and_summary(evaluate: str) -> None:
    found = document(evaluate)
    assert len(found["rows"]) == 8
    assert all(len(row["key"]) == 64 for row in found["rows"])
    errors = [row["error"] for row in found["rows"] if row["contender"] == "supervised" and row["budget"] == 20]
    summary = next(s for s in found["summary"] if s["contender"] == "supervised" and s["budget"] == 20)
    assert summary["n"] == 2
    assert summary["mean"] == pytest.approx(np.mean(errors))
    assert summary["standard_error"] == pytest.approx(np.std(errors, ddof=1) / np.sqrt(2))
    assert found["answer"][0].startswith("With 10 labels, `")
    assert "rule balanced" in " ".join(found["provenance"])
    assert [check["code"] for check in found["checks"]] == list(CHECKS)


def test_pretraining_seeds_are_crossed_and_their_variance_reported(
    evaluate: str, tiny_encoder: Path, tmp_path: Path
) -> None:
    config = read_config(tiny_encoder)
    for seed in (0, 1):
        encoder = Encoder(config.model_copy(update={"card": {**config.card, "seed": seed}}))
        encoder.autoencoder.load_state_dict(config.architecture.build(seed).state_dict())
        encoder.save_pretrained(tmp_path / f"mine-{seed}")
    crossed = "evaluate --dataset digits --labels 20 --seeds 3 --contenders mine-linear --encoder mine-{seed}"
    found = document(f"{crossed} --baseline mine-linear --pretrain-seeds 0,1")
    assert sorted((row["pretrain_seed"], row["seed"]) for row in found["rows"]) == [
        (p, s) for p in (0, 1) for s in range(3)
    ]
    assert found["summary"][0]["over"] == "subsets x pretraining seeds"
    assert found["variance_components"][0]["pretraining_seeds"] == 2
    run(crossed, code=2)
    run(f"{evaluate} --pretrain-seeds 0,1", code=2)


def test_an_encoder_by_the_name_of_its_method_takes_the_place_of_the_methods(tiny_encoder: Path) -> None:
    command = "evaluate --dataset digits --labels 20 --seeds 2 --contenders"
    named = document(f"{command} irmae-knn --encoder irmae={tiny_encoder}")
    own = document(f"{command} tiny-knn --encoder {tiny_encoder}")
    assert {row["contender"] for row in named["rows"]} == {"irmae-knn"}
    assert {row["key"] for row in named["rows"]} == {row["key"] for row in own["rows"]}


def test_own_codes_are_a_data_set_of_their_own_where_none_is_named() -> None:
    labels = np.arange(40) % 2
    codes = np.random.default_rng(0).normal(size=(40, 3)) + 3 * labels[:, None]
    np.savez("embeddings.npz", code=codes, labels=labels, test_code=codes[:20], test_labels=labels[:20])
    command = "evaluate --codes mine=embeddings.npz --labels 4 --seeds 2 --contenders mine-knn,mine-centroid"
    result = run(command)
    assert "codes, train: 40 codes, 3 numbers each, 2 classes, no images, as no data set is named" in result.stderr
    assert "mine (embeddings.npz): codes that were not made here" in " ".join(result.stdout.split())
    assert "all 4 trials are in the store" in run(command.replace("evaluate", "plan")).stdout
    check_mistake(f"{command} --encoder mnist-irmae", "--encoder: mnist-irmae encodes images")
    check_mistake(f"{command} --dataset digits", "'code' has 40 rows, and digits has 1,300 training images")


def test_an_encoder_that_was_pretrained_on_other_data_is_marked(tiny_encoder: Path, tmp_path: Path) -> None:
    config = read_config(tiny_encoder)
    without_labels = load_images("digits").without_labels().fingerprint
    for name, fingerprint in (("elsewhere", "0123456789abcdef"), ("unlabelled", without_labels)):
        other = Encoder(config.model_copy(update={"card": {**config.card, "data_fingerprint": fingerprint}}))
        other.save_pretrained(tmp_path / name)
    command = "evaluate --dataset digits --labels 20 --seeds 2"
    audits = {
        name: " ".join(document(f"{command} --encoder {path} --contenders {name}-knn")["provenance"])
        for name, path in (
            ("elsewhere", tmp_path / "elsewhere"),
            ("unlabelled", tmp_path / "unlabelled"),
            ("tiny", tiny_encoder),
        )
    }
    assert "its card names other data (0123456789ab)" in audits["elsewhere"]
    assert "its card" not in audits["tiny"]
    assert "its card" not in audits["unlabelled"], "an encoder learns from no label"


@pytest.fixture
def published(tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The published protocol, shortened; a stand-in for the bundled encoders, which do not read these digits."""
    for name, contender in PUBLISHED_PROTOCOL.items():
        shorter = dataclasses.replace(contender, settings={**contender.settings, "epochs": 20})
        monkeypatch.setitem(PUBLISHED_PROTOCOL, name, shorter)
    stand_in = open_encoder("irmae", tiny_encoder)
    monkeypatch.setattr("ssl_irmae.protocols.evaluation.encoder_of_method", lambda *_, **__: stand_in)
    return "evaluate --dataset digits --seeds 1 --preset published"


def test_the_audit_says_whose_settings_they_are(published: str, tiny_encoder: Path) -> None:
    script, code = "those of the public reference script", "those in the code"
    for labels, contenders, expected in (
        ("50", "irmae-published-last,tiny-knn", [True, True]),
        ("50", "irmae-published-last", [True, False]),
        ("all", "irmae-published-last", [True, False]),
    ):
        encoder = f"--encoder {tiny_encoder}" if "tiny" in contenders else ""
        audit = " ".join(document(f"{published} {encoder} --labels {labels} --contenders {contenders}")["provenance"])
        assert [script in audit, code in audit] == expected


def test_the_published_protocol_is_stamped_as_leaky(published: str) -> None:
    found = document(f"{published} --labels 50")
    assert found["checks"][0]["outcome"] == "failed"
    assert found["baseline"] == "irmae-published-last", "differences are not taken to the leaky one"
    printed = run(f"{published} --labels 50").stdout
    assert "irmae-published-best (leaky)" in printed
    assert "LEAKY" in printed
    check_mistake(f"{published} --labels 50 --rule uniform", "--rule")
    errors = {row["contender"]: row["error"] for row in found["rows"]}
    assert errors["irmae-published-best"] <= errors["irmae-published-last"]
    assert {row["rule"] for row in found["rows"]} == {"first"}


def test_codes_are_measured_without_a_classifier_on_request(evaluate: str) -> None:
    assert "MAP@R" in run(f"{evaluate} --metrics retrieval").stdout
    (quality,) = document(f"{evaluate} --metrics retrieval")["retrieval"]  # `supervised` has no frozen code
    assert quality["representation"] == "tiny"
    assert 0 < quality["map_at_r"] <= quality["r_precision"] <= 100
    assert document(evaluate)["retrieval"] == []


def test_subsets_can_be_drawn_without_looking_at_classes(evaluate: str) -> None:
    found = document(f"{evaluate} --rule uniform")
    assert {row["rule"] for row in found["rows"]} == {"uniform"}
    assert "without looking at classes" in texts(found["notes"])


def test_evaluate_again_repeats_nothing_and_gives_the_same_rows(evaluate: str) -> None:
    first, second = document(evaluate), document(evaluate)
    fresh = document(f"{evaluate} --store other.sqlite")
    assert first["rows"] == second["rows"] == fresh["rows"]
    assert {"load", "encode", "trials"} <= set(fresh["seconds"]["stages"])
    assert first["images_per_second"] > 0
    assert fresh["images_per_second"] is None, "codes were kept, nothing was encoded again"
    assert second["seconds"]["fresh_trials"] == 0 < fresh["seconds"]["fresh_trials"]


def test_quiet_prints_nothing_but_the_result(evaluate: str) -> None:
    result = run(f"{evaluate} --quiet --json")
    assert result.stderr == ""
    json.loads(result.stdout)


def test_a_pipe_gets_no_colour(evaluate: str) -> None:
    assert "\x1b" not in run(evaluate).output


def test_own_pictures_of_another_size_are_evaluated_with_an_own_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl_irmae.protocols.representations.pretrained.QUICK_STEPS", 1)
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (20, 30, 50, 3), dtype=np.uint8), np.arange(20) % 2
    np.savez("mine.npz", images=images, labels=labels, test_images=images, test_labels=labels)
    run("pretrain --dataset mine.npz --image-size 64 --latent-dim 4 --max-steps 1 --method ae --out own")
    contenders = "irmae-joint,own-linear,supervised"
    command = f"evaluate --dataset mine.npz --encoder own --labels 4 --seeds 1 --steps 1 --contenders {contenders}"
    printed = " ".join(run(command).stdout.split())
    assert "one labelled subset, so there is no ±" in printed
    assert "irmae: pretrained for only 1 steps on the spot, which is good for trying alone" in printed


def test_pictures_without_a_test_split_are_scored_in_folds() -> None:
    rng = np.random.default_rng(0)
    np.savez("mine.npz", images=rng.integers(0, 256, (24, 32, 32), dtype=np.uint8), labels=np.arange(24) % 2)
    result = run("evaluate --dataset mine.npz --labels 4 --seeds 2 --contenders pixels-knn")
    assert "mine has no test split: 24 labelled images are scored in folds" in result.stderr
    assert "mean % of 24 labelled images in 5 stratified folds" in " ".join(result.stdout.split())
    title = "mine, 4 labels, n = 2†; 5 stratified folds of the labelled images"
    assert title in " ".join(result.stdout.split())
    held_out = run("evaluate --dataset mine.npz --labels 4 --seeds 2 --contenders pixels-knn --scored-on development")
    assert "4 held-out training images" in " ".join(held_out.stdout.split())
    run("evaluate --dataset mine.npz --labels 4 --seeds 2 --contenders pixels-knn --scored-on test", code=2)


def test_an_impossible_budget_is_reported_before_anything_is_pretrained() -> None:
    result = run("evaluate --dataset digits --labels 5", code=2)
    assert "balanced" in result.stderr
    assert "pretraining" not in result.stderr


def test_a_terminal_that_cannot_show_signs_causes_no_error() -> None:
    command = f"{shlex.quote(sys.executable)} -m ssl_irmae.cli {EVALUATE} --contenders pixels-knn,pca-knn --quiet"
    done = subprocess.run(
        ["bash", "-c", f"PYTHONIOENCODING=ascii {command}"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_short_encoders_are_pretrained_for_own_pictures_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl_irmae.protocols.representations.pretrained.QUICK_STEPS", 2)
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for label, low in (("dark", 0), ("light", 128)):
            folder = Path("pictures") / split / label
            folder.mkdir(parents=True)
            for i in range(6):
                Image.fromarray(rng.integers(low, low + 100, (32, 32), dtype=np.uint8)).save(folder / f"{i}.png")
    command = "evaluate --dataset pictures --labels 4 --seeds 2 --contenders ae-linear,supervised --json"
    result = run(command)
    assert "no bundled ae encoder for pictures" in result.stderr
    assert {row["n_scored"] for row in json.loads(result.stdout)["rows"]} == {12}
    assert "no bundled" not in run(command).stderr


def test_an_encoder_of_another_kind_is_named_before_the_trials_and_in_every_report_of_them(tiny_encoder: Path) -> None:
    command = f"evaluate --dataset digits --labels 20 --seeds 2 --encoder mnist-irmae --encoder {tiny_encoder}"
    result = run(f"{command} --contenders mnist-irmae-knn,tiny-knn --store s.sqlite")
    sentence = "hese pictures differ in kind from those that mnist-irmae was pretrained on: it reconstructs them"
    assert result.stderr.index(sentence) < result.stderr.index("mnist-irmae-knn, 20 labels")
    assert "mnist-irmae: pretrained on pictures of another kind" in " ".join(result.stdout.split())
    again = run("report s.sqlite --json --out report")
    assert f"T{sentence}" in again.stdout
    assert "those that tiny" not in again.stdout
    (audit,) = [text for text in json.loads(again.stdout)["provenance"] if "its card" in text]
    assert "its card names other data (adf7250e86ae), and it reconstructs these images" in audit
