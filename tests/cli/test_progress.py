"""What a listener shows of each event: lines in a log, bars on a terminal, nothing when quiet."""

import os
import re
import signal
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from ssl_irmae._support.progress import Event, Fetched, Listener, Message, Pretrained, TrialDone, Waiting, silent
from ssl_irmae.cli.progress import Display, with_progress
from ssl_irmae.errors import UserError

EPOCH = Pretrained(
    step=50,
    first_step=0,
    total_steps=100,
    epoch=3,
    epoch_done=True,
    loss=0.0123,
    recent_loss=0.0111,
    effective_rank=8.44,
    images_per_second=1234.5,
    seconds_left=300,
)
TRIAL = TrialDone(contender="irmae-linear", budget=1000, error=7.5, done=12, total=80, group_mean=7.584, group_size=10)
CLOCK = r"\d\d:\d\d:\d\d  "

Capture = pytest.CaptureFixture[str]


def _shown(capsys: Capture, *events: Event, quiet: bool = False) -> list[str]:
    with Display(quiet=quiet) as display:
        for event in events:
            display(event)
    captured = capsys.readouterr()
    assert captured.out == "", "progress is not a result"
    return captured.err.splitlines()


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Message("pretraining an encoder"), "pretraining an encoder"),
        (EPOCH, CLOCK + r"epoch 3  loss 0\.01230  rank 8\.4  1,234 images/s  5 min left"),
        (replace(EPOCH, noun="row"), CLOCK + r"epoch 3  .*  1,234 rows/s  .*"),
        (replace(EPOCH, effective_rank=None), CLOCK + r"epoch 3  .*  rank -  .*"),
        (
            replace(EPOCH, on_plateau=True),
            CLOCK + r"epoch 3  .*  still on the plateau: no better than the mean picture",
        ),
        (TRIAL, CLOCK + r"12/80  irmae-linear, 1,000 labels: 7\.58 %, n 10"),
    ],
)
def test_a_log_has_a_line_for_what_is_complete(capsys: Capture, event: Event, line: str) -> None:
    (shown,) = _shown(capsys, event)
    assert re.fullmatch(line, shown)


def _epochs(shown: list[str]) -> list[int]:
    return [int(line.split("epoch ")[1].split()[0]) for line in shown]


def test_many_epochs_have_about_fifty_lines_the_first_and_the_last_among_them(capsys: Capture) -> None:
    run = [replace(EPOCH, step=6 * i, epoch=i, total_steps=3000) for i in range(1, 501)]
    first = _epochs(_shown(capsys, *run))
    assert first[0] == 1
    assert first[-1] == 500
    assert 40 <= len(first) <= 52
    again = _epochs(_shown(capsys, *run[:250], *run))
    assert again[-len(first) :] == first, "another run starts anew"
    continued = [replace(event, first_step=2400) for event in run[400:]]
    assert _epochs(_shown(capsys, *continued))[:2] == [401, 403], "so does what is left of one"


def test_few_epochs_have_a_line_each(capsys: Capture) -> None:
    run = [replace(EPOCH, step=100 * i, epoch=i, total_steps=1000) for i in range(1, 11)]
    assert _epochs(_shown(capsys, *run)) == list(range(1, 11))


UNDER_WAY = [replace(EPOCH, epoch_done=False), replace(TRIAL, group_mean=None), Waiting("fetching mnist", 2.0)]


@pytest.mark.parametrize("event", UNDER_WAY)
def test_a_log_has_no_line_for_what_is_under_way(capsys: Capture, event: Event) -> None:
    assert _shown(capsys, event) == []


def test_a_log_has_one_line_per_file(capsys: Capture) -> None:
    events = [Fetched(file, done, 9) for file in ("images.gz", "labels.gz") for done in (0, 5, 9)]
    assert _shown(capsys, *events) == ["fetching images.gz", "fetching labels.gz"]


def test_nothing_is_shown_when_quiet(capsys: Capture) -> None:
    assert _shown(capsys, Message("text"), EPOCH, TRIAL, Fetched("f", 0, 9), quiet=True) == []


def test_a_terminal_has_bars_and_messages_above_them(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "TTY_INTERACTIVE"):
        monkeypatch.setenv(name, "1")
    again = replace(EPOCH, step=20, epoch=1)  # of another run
    text = "\n".join(
        _shown(
            capsys,
            Waiting("fetching mnist", 2.0),
            Fetched("a.gz", 4, 0),
            Fetched("a.gz", 9, 9),
            EPOCH,
            again,
            Message("hello"),
            TRIAL,
        )
    )
    for expected in (
        "waiting for another process: fetching mnist",
        "fetching a.gz",
        "epoch 1  loss 0.01230",
        "hello",
        "12/80 trials",
        "irmae-linear, 1,000 labels",
    ):
        assert expected in re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", text)


def _press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_ctrl_c_waits_for_the_next_event(capsys: Capture) -> None:
    done = []

    def work() -> None:
        with Display(quiet=True) as display:
            _press_ctrl_c()
            done.append("before the event")
            display(Message("a safe point"))
            done.append("after the event")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["before the event"]
    assert "stopping at the next safe point" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before


def test_a_ctrl_c_after_the_last_event_stops_at_the_end() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Display():
        _press_ctrl_c()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_ctrl_c_hides_no_error() -> None:
    def work() -> None:
        with Display():
            _press_ctrl_c()
            raise UserError("no such file")

    with pytest.raises(UserError, match="no such file"):
        work()


def test_the_second_ctrl_c_stops_at_once() -> None:
    done = []

    def work() -> None:
        with Display():
            _press_ctrl_c()
            done.append("after the first")
            _press_ctrl_c()
            done.append("after the second")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["after the first"]


def test_other_threads_can_show_progress(capsys: Capture) -> None:
    thread = threading.Thread(target=lambda: _shown(capsys, Message("text")))
    before = signal.getsignal(signal.SIGINT)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before


def _work(*, steps: int, progress: Listener = silent) -> int:
    """Do some work."""
    progress(Message(f"{steps} steps"))
    return steps


def test_a_decorated_function_shows_its_progress_unless_it_is_listened_to(capsys: Capture) -> None:
    work = with_progress(_work)
    assert work(steps=2) == 2
    assert capsys.readouterr().err == "2 steps\n"
    events: list[Event] = []
    listeners: list[Callable[[Event], None]] = [events.append, silent]
    for listener in listeners:
        work(steps=3, progress=listener)
    assert events == [Message("3 steps")]
    assert capsys.readouterr().err == ""
    assert work.__doc__ == "Do some work."
