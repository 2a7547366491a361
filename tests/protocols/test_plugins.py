"""Plug-ins: installed ones and those of a session, judged as any others and identified by their code."""

import importlib
import json
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch

import ssl_irmae
from ssl_irmae._support.home import home
from ssl_irmae.diagnosis import doctor
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.errors import UserError
from ssl_irmae.networks.registry import find_networks
from ssl_irmae.plugins.installed import entry_points, load_installed
from ssl_irmae.plugins.lookup import registered
from ssl_irmae.plugins.registered import REGISTERED
from ssl_irmae.protocols.evaluation import evaluate, read_results
from ssl_irmae.protocols.register import register
from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.representations.brief_pretraining import brief_architecture, brief_folder
from tests.command_line import check_mistake, run

EXAMPLE = Path(__file__).parents[2] / "docs" / "extending" / "whitened"
MODULE = "ssl_irmae_whitened"
Install = Callable[..., None]

BROKEN = "import nothing_there\n"
PLUGIN = """
import torch
import ssl_irmae

def first(sample):
    return lambda inputs: torch.zeros(len(inputs), dtype=torch.int64)

def add():
    ssl_irmae.register("{name}", readout=first)
"""


@pytest.fixture(autouse=True)
def _session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget what a test registers and installs."""
    monkeypatch.chdir(tmp_path)
    with patch.dict(REGISTERED):
        restart()
        yield
    restart()


def restart() -> None:
    """Forget what was loaded, as a new process would."""
    REGISTERED.clear()
    load_installed.cache_clear()
    entry_points.cache_clear()
    for name in [name for name in sys.modules if name.startswith((MODULE, "plugin_"))]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that puts a distribution where pip would."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def put(name: str, version: str, entry: str, **modules: str) -> None:
        for module, text in modules.items():
            (site / f"{module}.py").write_text(text)
        for old in site.glob(f"{name}-*.dist-info"):
            shutil.rmtree(old)
        info = site / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[ssl_irmae.plugins]\nit = {entry}\n")
        restart()

    return put


@pytest.fixture
def example(install: Install) -> Callable[..., None]:
    """Return a function that installs the worked example, with changes."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    (entry,) = project["entry-points"]["ssl_irmae.plugins"].values()
    text = (EXAMPLE / f"{MODULE}.py").read_text()

    def put(version: str = project["version"], old: str = "", new: str = "") -> None:
        assert old in text
        install(project["name"], version, entry, **{MODULE: text.replace(old, new) if old else text + new})

    return put


def judge(*contenders: str, **arguments: Any) -> Report:
    usual: dict[str, Any] = {"dataset": "digits", "budgets": 20, "seeds": 2, "store": "s.sqlite"}
    return evaluate(**{**usual, "contenders": contenders, **arguments})


def keys(*contenders: str, **arguments: Any) -> set[str]:
    return {row.key for row in judge(*contenders, **arguments).rows()}


def nearest(sample: Any, *, power: float = 2.0) -> Any:
    """Predict the class of the nearest labelled code."""
    return lambda inputs: sample.labels[torch.cdist(inputs, sample.inputs, p=power).argmin(1)]


def test_the_worked_example_is_judged_beside_what_is_built_in(example: Callable[..., None]) -> None:
    example()
    line = "evaluate --dataset digits --labels 20 --seeds 2 --store s.sqlite --json --quiet"
    document = json.loads(run(f"{line} --contenders pixels-whitened-mean,pixels-centroid").stdout)
    ours = [row for row in document["rows"] if row["contender"] == "pixels-centroid"]
    theirs = [row for row in document["rows"] if row["contender"] == "pixels-whitened-mean"]
    assert [row["subset"] for row in ours] == [row["subset"] for row in theirs]
    assert all(row["error"] < 50 for row in theirs)
    assert all(row["plugins"] == [] and row["settings_from"] == "development images" for row in ours)
    (plugin,) = theirs[0]["plugins"]
    assert (plugin["distribution"], plugin["version"]) == ("ssl-irmae-whitened", "0.1.0")
    assert theirs[0]["settings_from"] == "plug-in"
    run("pretrain --dataset digits --method noisy-ae --image-size 8 --latent-dim 6 --max-steps 3 --out n --quiet")
    names = "n-whitened-mean,n-features-centroid"
    document = json.loads(run(f"{line} --encoder n --contenders {names}").stdout)
    kinds = {row["contender"]: {plugin["kind"] for plugin in row["plugins"]} for row in document["rows"]}
    assert kinds == {"n-whitened-mean": {"readout", "method"}, "n-features-centroid": {"method"}}
    assert "-whitened-mean" in (shown := run("evaluate --contenders help").stdout)
    assert "noisy-ae-" in shown
    assert doctor().plugins == {"ssl-irmae-whitened 0.1.0": ["readout whitened-mean", "method noisy-ae"]}
    assert (EXAMPLE / "pyproject.toml").read_text() in (EXAMPLE.parent / "README.md").read_text()


def test_reports_say_whose_settings_they_are(example: Callable[..., None]) -> None:
    example()
    report = judge("pixels-whitened-mean", "pixels-linear", baseline="pixels-linear")
    author = "ssl-irmae-whitened 0.1.0"
    (note,) = (note.text for note in report.notes if note.kind == "plug-ins")
    assert author in note
    assert any("author of a plug-in" in each.text and author in each.text for each in report.provenance)
    (finding,) = (finding for finding in report.checks if finding.code == "SSI009")
    assert f"author of a plug-in ({author}), not tuned here" in finding.result.details
    read = read_results("s.sqlite")
    assert {row.key: row.plugins for row in read.rows()} == {row.key: row.plugins for row in report.rows()}


@pytest.mark.parametrize(
    "change",
    [{"new": "# a comment\n"}, {"version": "0.2.0"}, {"old": "0.95", "new": "0.5"}],
    ids=["file", "version", "setting"],
)
def test_no_result_outlives_the_code_that_made_it(example: Callable[..., None], change: dict[str, str]) -> None:
    def both() -> tuple[set[str], set[str]]:
        found = judge("pixels-whitened-mean", "pixels-centroid", baseline="pixels-centroid").rows()
        of = {name: {row.key for row in found if row.contender == name} for name in {row.contender for row in found}}
        return of["pixels-whitened-mean"], of["pixels-centroid"]

    example()
    first = both()
    restart()
    assert both() == first, "the same code finds its trials again"
    example(**change)
    again = both()
    assert not again[0] & first[0]
    assert again[1] == first[1], "what is built in keeps its trials"
    report = read_results("s.sqlite", baseline="pixels-centroid")
    assert {row.key for row in report.rows()} == again[0] | again[1], "a report has the newest alone"


def test_code_that_is_changed_before_a_worker_starts_gives_no_row(example: Callable[..., None], tmp_path: Path) -> None:
    def start() -> Executor:
        code = tmp_path / "site" / f"{MODULE}.py"
        code.write_text(code.read_text() + "# a change\n")
        return ProcessPoolExecutor(1, get_context("spawn"))

    example()
    with pytest.raises(UserError, match=r"whitened-mean of ssl-irmae-whitened 0\.1\.0 was changed since"):
        judge("pixels-whitened-mean", executor=start)
    with pytest.raises(UserError):
        read_results("s.sqlite")


def test_encoders_depend_on_the_code_of_their_method(example: Callable[..., None]) -> None:
    def pretrained() -> str:
        line = "--dataset digits --method noisy-ae --image-size 8 --latent-dim 6 --max-steps 3"
        return run(f"pretrain {line} --out n --quiet").stdout

    def seen() -> tuple[str | None, str]:
        (row,) = judge("n-centroid", encoders="n", seeds=1).rows()
        architecture = brief_architecture("noisy-ae", images=1, channels=1, image_size=32)
        return row.encoder_hash, brief_folder("digits", architecture, 10).name

    example()
    pretrained()
    first = seen()
    example(new="# a comment\n")
    changed = seen()
    assert changed[0] != first[0]
    assert changed[1] != first[1]
    check_mistake(
        "pretrain --dataset digits --method noisy-ae --image-size 8 --latent-dim 6 --max-steps 3 --out n", "`plugin`"
    )
    example(old="return h.float()", new="return 2 * h.float()")
    with pytest.raises(
        UserError, match=r"the method noisy-ae does not build what n was pretrained with.*pretrain again"
    ):
        Encoder.from_pretrained("n")


def test_encoders_pretrained_on_the_spot_depend_on_the_code_of_their_method(
    example: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ssl_irmae.protocols.representations.pretrained.QUICK_STEPS", 1)

    def encoders() -> tuple[list[str | None], list[str]]:
        rows = judge("noisy-ae-centroid", "ae-centroid", baseline="ae-centroid", seeds=1).rows()
        hashes = {row.contender: row.encoder_hash for row in rows}
        return [hashes["noisy-ae-centroid"], hashes["ae-centroid"]], [path.name for path in home().glob("encoders/*")]

    example()
    first, _ = encoders()
    example(new="# a comment\n")
    again, folders = encoders()
    assert again[0] != first[0]
    assert again[1] == first[1]
    assert len(folders) == 3, "it was pretrained again, and the encoder of our own method was not"


def test_plugins_are_imported_when_a_name_is_not_built_in(install: Install) -> None:
    install("it", "1", "plugin_it:add", plugin_it=PLUGIN.format(name="zero"))
    judge("pixels-centroid")
    ssl_irmae.load_images("digits")
    assert "plugin_it" not in sys.modules
    assert {row.contender for row in judge("pixels-ze*", seeds=1).rows()} == {"pixels-zero"}
    assert "plugin_it" in sys.modules


def test_a_broken_plugin_is_named_and_breaks_nothing_else(install: Install) -> None:
    half = PLUGIN.format(name="half") + "add()\n" + BROKEN
    install("broken", "1.2", "plugin_broken", plugin_broken=half)
    reason = "the plug-in broken 1.2 cannot be loaded"
    line = "--dataset digits --labels 20 --seeds 1 --store s.sqlite"
    assert reason not in run(f"evaluate {line} --contenders pixels-centroid").stderr, "it was not needed"
    check_mistake(f"evaluate {line} --contenders pixels-half", "No module named 'nothing_there'")
    restart()
    said = run(f"evaluate {line} --contenders pixels-cent*").stderr
    assert said.count(reason) == 1
    assert "pip uninstall broken" in said
    for command in ("evaluate --contenders help", "data list"):
        assert reason in " ".join(run(command).output.split())
    found = doctor()
    assert not found.well
    assert [problem.command for problem in found.problems] == ["pip uninstall broken"]
    assert not registered("readout")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it registers nothing"),
        (PLUGIN.format(name="linear") + "add()\n", "there is a contender irmae-linear already"),
        (PLUGIN.format(name="knn") + "add()\n", "knn is the name of a built-in readout"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_why_a_plugin_cannot_be_loaded(install: Install, text: str, reason: str) -> None:
    install("it", "1", "plugin_it", plugin_it=text)
    (plugin,) = load_installed()
    assert plugin.problem is not None
    assert reason in plugin.problem


def test_of_two_plugins_with_one_name_the_second_cannot_be_loaded(install: Install) -> None:
    for name in ("a", "b"):
        install(name, "1", f"plugin_{name}:add", **{f"plugin_{name}": PLUGIN.format(name="zero")})
    first, second = load_installed()
    assert first.problem is None
    assert "zero is the name of the readout zero (a 1) already" in str(second.problem)
    with pytest.raises(UserError, match=r"the readout zero \(a 1\) already: choose another"):
        register("zero", readout=nearest)


def test_all_files_of_a_package_count(install: Install, tmp_path: Path) -> None:
    package = tmp_path / "site" / "plugin_package"
    package.mkdir()
    (package / "__init__.py").write_text(PLUGIN.format(name="zero"))
    (package / "constants.json").write_text("[1]")

    def source() -> str:
        install("it", "1", "plugin_package:add")
        return registered("readout")["zero"].origin.source

    first = source()
    assert source() == first
    (package / "constants.json").write_text("[2]")
    assert source() != first


def test_a_name_registered_again_in_a_session_stands_for_the_new_function() -> None:
    scope: dict[str, Any] = {"torch": torch, "power": 2.0, "table": np.zeros(2)}

    def fresh(code: str) -> set[str]:
        exec(code, scope)  # noqa: S102 (as a notebook runs a cell)
        register("near", readout=scope["near"])
        return keys("pixels-near")

    cell = "def near(sample):\n    return lambda z: sample.labels[torch.cdist(z, sample.inputs, p=power).argmin(1)]\n"
    first = fresh(cell)
    assert fresh("# a comment\n" + cell) == first, "compiled to the same"
    assert not fresh(cell.replace("argmin", "argmax")) & first
    assert fresh(cell) == first
    scope["power"] = 1.0
    assert not keys("pixels-near") & first, "what it refers to has changed, without registering it again"
    with_table = fresh(cell.replace("    return", "    table.sum()\n    return"))
    scope["table"] = np.ones(2)
    assert not keys("pixels-near") & with_table
    assert judge("pixels-near").rows()[0].plugins[0].distribution is None


def test_what_a_hash_does_not_cover_is_named() -> None:
    model = torch.nn.Linear(2, 2)

    def with_model(sample: Any) -> Any:
        assert model is not None
        return nearest(sample)

    register("near", readout=with_model)
    report = judge("pixels-near", seeds=1)
    assert report.rows()[0].plugins[0].unseen == ("model",)
    assert any("without model, which its hash does not cover" in note.text for note in report.provenance)


def test_learners_start_from_an_encoder_or_from_nothing(tiny_encoder: Path) -> None:
    def pixels(sample: Any, *, steps: int) -> Any:
        assert steps == 7
        return nearest_pixels(sample.inputs, sample.labels)

    def codes(sample: Any, autoencoder: Any, *, steps: int) -> Any:
        assert (autoencoder.latent_dim, steps) == (8, 7)
        return nearest_pixels(sample.inputs, sample.labels)

    register("scratch-pixels", learner=pixels, settings={"steps": 5})
    register("from-code", learner=codes, settings={"steps": 5})
    rows = judge("scratch-pixels", "tiny-from-code", encoders={"tiny": tiny_encoder}, seeds=1, steps=7).rows()
    assert {row.contender: (row.representation, row.settings["steps"]) for row in rows} == {
        "scratch-pixels": (None, 7),
        "tiny-from-code": ("tiny", 7),
    }
    assert len({row.predictions for row in rows}) == 1


def nearest_pixels(inputs: torch.Tensor, labels: torch.Tensor) -> Any:
    flat = inputs.flatten(1).float()
    return lambda images: labels[torch.cdist(images.flatten(1).float(), flat).argmin(1)]


def test_a_data_set_is_identified_by_its_images() -> None:
    def pictures(shift: int) -> Any:
        rng = np.random.default_rng(shift)
        images, labels = rng.integers(0, 256, (90, 8, 8), dtype=np.uint8), np.arange(90) % 3
        return images[:60], labels[:60], images[60:], labels[60:]

    def judged(load: Any) -> Any:
        register("noise", dataset=load)
        (row,) = judge("pixels-centroid", dataset="noise", budgets=6, seeds=1).rows()
        return row

    first = judged(lambda data_dir: pictures(0 * len(str(data_dir))))
    assert (first.dataset, first.plugins[0].kind, first.n_scored) == ("noise", "dataset", 30)
    assert judged(lambda *, data_dir: pictures(int(data_dir is None))).key == first.key, "other code, the same images"
    assert judged(lambda data_dir: pictures(int(data_dir is not None))).key != first.key
    assert "noise" in run("data list").stdout
    check_mistake("evaluate --dataset nose", "did you mean 'noise'?")
    check_mistake("data fetch noise", "has no files to fetch")


def test_networks_have_a_name_and_are_found_again() -> None:
    from docs.extending.small_network import small

    register("small", network=small)
    run("pretrain --dataset digits --network small --image-size 8 --latent-dim 6 --max-steps 3 --out own --quiet")
    assert Encoder.from_pretrained("own").encode(ssl_irmae.load_images("digits").images[:3]).shape == (3, 6)
    run("encode --encoder own --network small --dataset digits --out codes.npz --quiet")
    rows = judge("random-centroid", "own-centroid", encoders="own", network="small", seeds=1).rows()
    assert all([plugin.name for plugin in row.plugins] == ["small"] for row in rows)
    first = find_networks("small", channels=1, image_size=8).name

    def other(*, channels: int, image_size: int, code: int) -> Any:
        return small(channels=channels, image_size=image_size, code=code)

    register("small", network=other)
    assert find_networks("small", channels=1, image_size=8).name != first, "it computes the same, by other code"
    check_mistake("evaluate --network smal", "did you mean 'small'?")


def failing(_sample: Any) -> Any:
    raise RuntimeError("no luck")


@pytest.mark.parametrize(
    ("readout", "message"),
    [
        (failing, r"the readout mine \(registered in this session\) fails \(RuntimeError: no luck\)"),
        (lambda _: 3, "must return a function from inputs to classes, got int"),
        (
            lambda _: lambda z: z,
            r"must predict int64 classes of shape \(497,\), got float32 of shape \(497, 1024\)",
        ),
        (lambda _: lambda z: z.nothing, "fails where it predicts"),
    ],
)
def test_code_that_breaks_its_contract_ends_in_a_sentence(readout: Any, message: str) -> None:
    register("mine", readout=readout)
    with pytest.raises(UserError, match=message):
        judge("pixels-mine", seeds=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "`name`: 'mine': register one of `method`, .*: got none of them"),
        ({"readout": nearest, "dataset": nearest}, "got `readout` and `dataset`"),
        ({"readout": 3}, "`readout`: mine must be a function, got int"),
        ({"readout": nearest, "settings": {"k": 3}}, "`readout`: mine must take a sample, and the settings by name"),
        ({"readout": lambda: 0}, "`readout`: mine must take a sample"),
        (
            {"method": lambda *, channels: channels},
            "`method`: mine must take channels, image_size, latent_dim, networks by name",
        ),
        ({"dataset": lambda: 0}, "`dataset`: mine must take data_dir by name"),
        ({"network": nearest, "settings": {"k": 3}}, "`settings` belongs to readouts and learners"),
        ({"name": "my readout", "readout": nearest}, "'my readout' is not a name"),
        ({"name": "linear", "readout": nearest}, "there is a contender irmae-linear already"),
        ({"name": "linear_probe", "readout": nearest}, "the name of a built-in readout"),
        ({"name": "vib", "learner": nearest}, "the name of a built-in learner"),
        ({"name": "pca", "method": lambda **_: 0}, "the name of a built-in method"),
        ({"name": "mnist", "dataset": lambda *, data_dir: data_dir}, "the name of a built-in data set"),
        ({"name": "conv", "network": lambda **_: 0}, "the name of a built-in network"),
    ],
)
def test_what_cannot_be_registered(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        register(**{"name": "mine", **arguments})
    assert not REGISTERED


def test_a_method_that_breaks_its_contract_ends_in_a_sentence() -> None:
    register("mine", method=lambda **_: None)
    line = "--dataset digits --method mine --image-size 8 --max-steps 2 --out n"
    check_mistake(
        f"pretrain {line}", "must return an Autoencoder with the --latent-dim that it is given, 128: got NoneType"
    )
    register("mine", method=lambda **_: 1 / 0)
    check_mistake(f"pretrain {line}", "the method mine (registered in this session) fails (ZeroDivisionError")
