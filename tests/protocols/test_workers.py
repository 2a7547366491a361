"""Trials in several processes: the rows of one process, and no loss when one fails or is killed."""

import contextlib
import dataclasses
import os
import pickle
import signal
import subprocess
import sys
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import pytest
import torch

from ssl_irmae._support.seeding import derive_seed
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.readouts.sample import Predictor, Sample
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.running.runner import Runner
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.task import Task
from tests.protocols.small_grids import QUICK, Encoders, plan, stored_rows


@pytest.fixture
def two_threads() -> object:
    """Let torch use two threads during a test."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_two_processes_give_the_rows_of_one(task: Task, encoders: Encoders, tmp_path: Path) -> None:
    some = plan(("irmae-linear", "irmae-knn", "irmae-centroid", "irmae-spread-transductive"))
    expected = [o.row for o in Grid(some, task, encoders, Store(tmp_path / "one")).run()]
    grid = Grid(some, task, encoders, Store(tmp_path / "two"), processes=2)
    rows = [o.row for o in sorted(grid.run(), key=lambda o: o.place)]
    assert [(r.contender, r.seed, r.predictions) for r in rows] == [
        (r.contender, r.seed, r.predictions) for r in expected
    ]
    assert not any(o.fresh for o in grid.run())
    assert len(stored_rows(Store(tmp_path / "two"))) == len(expected)


def test_bf16_is_only_required_where_a_network_is_trained(
    task: Task, encoders: Encoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False}, raising=False)
    store = Store(tmp_path / "s")
    frozen, mixed = (
        dataclasses.replace(plan(names), precision="bf16")
        for names in (("irmae-knn",), ("irmae-centroid", "supervised"))
    )
    assert len(list(Grid(frozen, task, encoders, store).run())) == 2
    with pytest.raises(UserError, match="bf16"):
        list(Grid(mixed, task, encoders, store).run())
    assert {row.contender for row in stored_rows(store)} == {"irmae-knn"}, "it is reported before anything runs"


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("processes", [1, 2, None])
def test_whoever_stops_at_a_trial_loses_none_that_ran_together_with_it(
    processes: int | None, task: Task, encoders: Encoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ssl_irmae.protocols.running.workers._STEPS_TO_PAY", 1)
    store = Store(tmp_path / "s")
    together = plan(("irmae-mlp", "supervised"), seeds=(0, 1, 2))
    with contextlib.closing(Grid(together, task, encoders, store, processes=processes).run()) as outcomes:
        next(outcome for outcome in outcomes if outcome.row.contender == "irmae-mlp")
    assert [row.seed for row in stored_rows(store) if row.contender == "irmae-mlp"] == [0, 1, 2]


def _refuse_one(sample: Sample, kind: str) -> Predictor:
    """Learn nothing, and fail for one seed."""
    if sample.seed == derive_seed("learner", 1):
        raise {"user": UserError, "bug": RuntimeError}[kind]("no such luck")
    return lambda inputs: torch.zeros(len(inputs), dtype=torch.int64)


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize(("kind", "expected"), [("user", UserError), ("bug", RuntimeError)])
def test_a_trial_that_fails_stops_no_other(
    kind: str, expected: type[Exception], processes: int, task: Task, encoders: Encoders, tmp_path: Path
) -> None:
    unlucky = Contender("unlucky", _refuse_one, "images", {"kind": kind})
    known = {"unlucky": unlucky, "irmae-linear": QUICK["irmae-linear"]}
    store = Store(tmp_path / "s")
    with pytest.raises(expected, match="no such luck") as raised:
        list(Grid(plan(known, seeds=(0, 1, 2), known=known), task, encoders, store, processes=processes).run())
    message = "".join([str(raised.value), *getattr(raised.value, "__notes__", [])])
    assert "1 of 6 trials failed, the others are kept; the first was unlucky at 20 labels, seed 1" in message
    stored = sorted((row.contender, row.seed) for row in stored_rows(store))
    assert stored == [*(("irmae-linear", s) for s in (0, 1, 2)), ("unlucky", 0), ("unlucky", 2)]


def _die(sample: Sample, here: int, once: str) -> Predictor:
    """Learn nothing, and for one seed end the process that is not ``here``, as the kernel does when memory is short."""
    if sample.seed == derive_seed("learner", 2) and os.getpid() != here and not (once and Path(once).exists()):
        if once:
            Path(once).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return lambda inputs: torch.zeros(len(inputs), dtype=torch.int64)


def _run_doomed(task: Task, encoders: Encoders, store: Store, once: str) -> list[str]:
    """Run trials of which one kills its process, and return what is said meanwhile."""
    doomed = {"doomed": Contender("doomed", _die, "images", {"here": os.getpid(), "once": once})}
    said: list[str] = []
    some = plan(doomed, seeds=(0, 1, 2, 3), known=doomed)
    list(Grid(some, task, encoders, store, processes=2, progress=lambda event: said.append(str(event))).run())
    return said


def test_a_trial_whose_process_is_killed_runs_again(task: Task, encoders: Encoders, tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    said = _run_doomed(task, encoders, store, str(tmp_path / "killed"))
    assert sorted(row.seed for row in stored_rows(store)) == [0, 1, 2, 3]
    assert len(said) == 1
    assert "1 trial is run again" in said[0]


def test_a_trial_that_always_kills_its_process_is_named_and_costs_no_other(
    task: Task, encoders: Encoders, tmp_path: Path
) -> None:
    store = Store(tmp_path / "s")
    named = "1 of 4 trials failed, the others are kept; the first was doomed at 20 labels, seed 2: lost 3 times"
    with pytest.raises(UserError, match=named):
        _run_doomed(task, encoders, store, "")
    assert sorted(row.seed for row in stored_rows(store)) == [0, 1, 3]


@pytest.mark.usefixtures("two_threads")
def test_threads_follow_from_the_contender_and_not_from_what_else_is_run(
    task: Task, encoders: Encoders, tmp_path: Path
) -> None:
    """With two threads or more, trained networks get one each; a frozen readout's rows are found in any company."""
    store = Store(tmp_path / "s")
    list(Grid(plan(["irmae-knn"]), task, encoders, store, processes=None).run())
    mixed = plan(("irmae-knn", "supervised"))
    trials = Grid(mixed, task, encoders, store, processes=None).run()
    assert [next(trials).fresh for _ in range(3)] == [False, False, True]
    assert torch.get_num_threads() == 2, "a trial's own number of threads is not left behind"
    trials.close()
    outcomes = list(Grid(mixed, task, encoders, store, processes=None).run())
    assert [o.fresh for o in outcomes] == [False, False, False, True]
    assert [o.row.threads for o in outcomes] == [2, 2, 1, 1]
    assert [o.trial.environment["threads"] for o in outcomes] == [2, 2, 1, 1]
    processes = list(Grid(mixed, task, encoders, Store(tmp_path / "t"), processes=2).run())
    predictions = [o.row.predictions for o in sorted(processes, key=lambda o: o.place)]
    assert predictions == [o.row.predictions for o in outcomes]
    assert {o.trial.environment["threads"] for o in processes} == {1}


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("some", [("irmae-knn", "supervised"), ("supervised", "irmae-knn")])
def test_by_default_only_training_goes_to_other_processes(
    some: tuple[str, str], task: Task, encoders: Encoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ssl_irmae.protocols.running.workers._STEPS_TO_PAY", 1)
    store = Store(tmp_path / "s")
    outcomes = list(Grid(plan(some), task, encoders, store, processes=None).run())
    assert sorted(o.place for o in outcomes) == [0, 1, 2, 3]
    assert all(o.fresh for o in outcomes)
    assert [o.row.reads for o in outcomes] == ["code"] * 2 + ["images"] * 2, "codes are read first, in this process"
    assert not any(o.fresh for o in Grid(plan(some), task, encoders, store, processes=None).run())


def test_what_goes_to_another_process_needs_no_shared_memory(
    task: Task, encoders: Encoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linear = plan(["irmae-linear"])
    runner = Runner(task, device=linear.device, precision=linear.precision)
    jobs = Grid(linear, task, encoders, Store(tmp_path / "s")).jobs
    here = runner.run(jobs)

    def refuse(*_: object) -> None:
        raise AssertionError("a tensor went to shared memory, of which containers have little")

    monkeypatch.setattr(torch.UntypedStorage, "_share_filename_cpu_", refuse)
    monkeypatch.setattr(torch.UntypedStorage, "_share_fd_cpu_", refuse)
    sent = pickle.loads(ForkingPickler.dumps(runner))  # noqa: S301 (ours)
    assert [trial.row for trial in sent.run(jobs)] == [trial.row for trial in here]


SCRIPT = """
import functools

import torch
import ssl_irmae
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.registry import CONTENDERS

print("the script runs")


def always_three(sample):
    return lambda x: torch.full((len(x),), 3)


def always(label, sample):
    return lambda x: torch.full((len(x),), label)


CONTENDERS["three"] = Contender("three", always_three, "images", {})
CONTENDERS["four"] = Contender("four", functools.partial(always, 4), "images", {})
options = dict(dataset="digits", budgets=20, seeds=2, contenders=["three", "four", "pixels-knn", "supervised"], steps=2)
report = ssl_irmae.evaluate(**options, jobs=2, progress=lambda event: None)
print(len(report.rows()))
"""


def test_a_script_without_a_main_guard_is_run_once_and_may_define_contenders(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "script.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stdout.split("\n")) == (0, ["the script runs", "8", ""]), done.stderr
