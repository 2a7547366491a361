"""Two processes that need the same file or encoder: one makes it, the other waits, says so, and uses it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import numpy as np
import pytest
import torch

from ssl_irmae._support.home import home
from ssl_irmae._support.progress import Event, Listener, Message, Pretrained, Waiting
from ssl_irmae._support.waiting import wait_for
from ssl_irmae.datasets import mnist
from ssl_irmae.datasets.idx_files import FILES
from ssl_irmae.encoders.files import CONFIG
from ssl_irmae.protocols.representations import pretrained
from ssl_irmae.protocols.representations.pretrained import OpenedEncoder, encoder_of_method
from ssl_irmae.protocols.task import load_task

HOLD = """
import pathlib, sys, time
from ssl_irmae._support.waiting import wait_for
with wait_for(pathlib.Path(sys.argv[1]), "holding"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds the lock until it is killed."""
    arguments = [sys.executable, "-c", HOLD, str(tmp_path / ".lock")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def _finishing(lock: filelock.BaseFileLock, work: Callable[[], object], events: list[Event]) -> Listener:
    """Return a listener that plays the other process: once it is waited for, it does its work and frees its lock."""

    def listen(event: Event) -> None:
        events.append(event)
        if isinstance(event, Message) and event.text.startswith("waiting"):
            work()
            lock.release()

    return listen


def test_a_lock_that_nobody_holds_is_taken_without_a_word(tmp_path: Path) -> None:
    events: list[Event] = []
    for _ in range(2):
        with wait_for(tmp_path / ".lock", "fetching", events.append):
            pass
    assert events == []


def test_whoever_waits_is_told_for_what_and_gets_on_when_the_other_is_killed(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    events: list[Event] = []

    def listen(event: Event) -> None:
        events.append(event)
        holder.kill()

    with wait_for(tmp_path / ".lock", "fetching mnist", listen):
        assert holder.wait() != 0
    assert events[0] == Message("waiting for another process that is fetching mnist")
    assert all(isinstance(event, Waiting) for event in events[1:])


@pytest.mark.usefixtures("holder")
def test_the_listener_can_stop_the_waiting(tmp_path: Path) -> None:
    def listen(event: Event) -> None:
        if isinstance(event, Waiting):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), wait_for(tmp_path / ".lock", "fetching", listen):
        pytest.fail("the other process still holds the lock")


def test_a_second_fetch_uses_the_files_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "read_url", lambda *_: pytest.fail("the other process fetches"))
    raw = tmp_path / "KMNIST" / "raw"
    raw.mkdir(parents=True)
    lock = filelock.FileLock(raw / ".lock")
    lock.acquire()
    events: list[Event] = []
    mnist.fetch("kmnist", tmp_path, _finishing(lock, lambda: [(raw / name).write_text("") for name in FILES], events))
    assert events[0] == Message("waiting for another process that is fetching kmnist")


def test_a_second_evaluation_uses_the_encoder_that_the_first_pretrained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "QUICK_STEPS", 2)
    images, labels = np.random.default_rng(0).integers(0, 256, (20, 32, 32), dtype=np.uint8), np.arange(20) % 2
    arrays = (images, labels, images[::-1].copy(), labels)
    task = load_task(arrays, scored_on="test")

    def find(progress: Listener) -> OpenedEncoder:
        device = torch.device("cpu")
        return encoder_of_method("ae", task, dataset=arrays, device=device, data_dir=None, progress=progress)

    events: list[Event] = []
    first = find(events.append)
    assert first.folder.is_relative_to(home() / "encoders")
    assert any(isinstance(event, Pretrained) for event in events)
    # as it is when the first has not quite finished
    config = first.folder / CONFIG
    config.rename(config.with_name("hidden"))
    lock = filelock.FileLock(first.folder / ".pretraining.lock")
    lock.acquire()
    events = []
    assert find(_finishing(lock, lambda: config.with_name("hidden").rename(config), events)) == first
    waited = f"waiting for another process that is pretraining the encoder {first.folder.name}"
    assert events[0] == Message(waited)
    assert not any(isinstance(event, Pretrained) for event in events)
