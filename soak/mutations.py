"""Truncations and flipped bits in every kind of file that is read."""

import contextlib
import multiprocessing
import random
import resource
import shutil
import signal
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

from soak.fault import Case, Fault
from soak.readers import KINDS, Kind, digest
from soak.workshop import Workshop
from ssl_irmae.errors import UserError

_OF_EACH = 72  # of each kind of file: together over 2,000
_BATCH = 24
_LONGEST = 20  # seconds to read a file of a few kilobytes
_MEMORY = 2**28  # bytes above what the process has
_context = multiprocessing.get_context("forkserver")


def cases(workshop: Workshop) -> Iterator[Case]:
    """Damage files of every kind, a batch at a time."""
    for batch in range(workshop.number(_OF_EACH // _BATCH)):
        for kind in KINDS:
            yield f"{kind.name} {batch}", partial(_damaged_elsewhere, workshop, kind, batch)


def damage(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Cut content short, or flip up to four of its bits; say which."""
    if rng.random() < 0.5:
        length = rng.randrange(len(content))
        return content[:length], f"cut to {length}"
    damaged, places = bytearray(content), sorted(rng.randrange(8 * len(content)) for _ in range(rng.randint(1, 4)))
    for place in places:
        damaged[place // 8] ^= 1 << place % 8
    return bytes(damaged), f"bits {', '.join(map(str, places))}"


def read_damaged(kind: Kind, folder: Path, inputs: Path, rng: random.Random, number: int) -> Fault:
    """Damage a file a number of times, and judge what reading it gives each time.

    Right are what the whole file gives, and a ``UserError`` of one sentence that names the file. Where no hash is kept
    another answer is right too: a flipped bit of a pixel is another picture.
    """
    counts: Counter[str] = Counter()
    notes: list[str] = []
    (folder / "whole").mkdir(parents=True)
    kind.make(folder / "whole", inputs)
    content, expected = (folder / "whole" / kind.file).read_bytes(), _read(kind, folder, None, "")[1]
    for _ in range(number):
        damaged, what = damage(content, rng)
        if damaged == content:
            continue
        counts["injected"] += 1
        began, before = time.monotonic(), _peak(reset=True)
        outcome, found = _read(kind, folder, damaged, kind.file)
        greedy = time.monotonic() - began > _LONGEST or _peak() - before > _MEMORY
        if greedy:
            counts["greedy"] += 1
        if outcome == "read":
            counts["compared"] += 1
            if found != expected and kind.checksum:
                outcome = "differing"
        if outcome not in ("read", "explained"):
            counts[outcome] += 1
        if greedy or outcome not in ("read", "explained"):
            notes.append(f"{what}: {outcome}{' greedy' * greedy} {found[:160]}")
    return Fault("damaged files", kind.name, note="; ".join(notes[:4]), **counts)


def _read(kind: Kind, folder: Path, content: bytes | None, file: str) -> tuple[str, str]:
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(folder / "whole", work)
    if content is not None:
        (work / file).write_bytes(content)
    with warnings.catch_warnings(record=True) as warned, _alarm():
        warnings.simplefilter("always")
        try:
            found = digest(kind.read(work))
        except UserError as error:
            text = str(error)
            named = content is None or any(
                part in text for part in (Path(file).name, work.name, Path(file).parent.name)
            )
            return ("explained" if named and "\n" not in text else "unexplained"), text
        except BaseException as error:  # what a reader must not raise
            return "unexplained", f"{type(error).__name__}: {error}"
    if warned:
        return "unexplained", f"warning: {warned[0].message}"
    return "read", found


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, note)
    signal.alarm(2 * _LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _peak(*, reset: bool = False) -> int:
    """Return the most memory that the process has had since the last reset, in bytes, where /proc says it."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except OSError:
        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _damaged_elsewhere(workshop: Workshop, kind: Kind, batch: int) -> Fault:
    """Read damaged files in a process of its own, which they may crash."""
    case = f"{kind.name} {batch}"
    folder = workshop.fresh(f"damage {case}")
    seed = repr((workshop.seed, case))
    ours, theirs = _context.Pipe(duplex=False)
    process = _context.Process(target=_send, args=(theirs, kind.name, str(folder), str(workshop.inputs), seed))
    process.start()
    theirs.close()
    try:
        found: Fault = ours.recv()
    except EOFError:
        process.join()
        return Fault("damaged files", case, _BATCH, tracebacks=1, note=f"the reader ended with {process.exitcode}")
    process.join()
    return Fault(**{**found.__dict__, "case": case})


def _send(pipe: Connection, name: str, folder: str, inputs: str, seed: str) -> None:
    kind = next(kind for kind in KINDS if kind.name == name)
    rng = random.Random(seed)  # noqa: S311 (faults are no secrets)
    pipe.send(read_damaged(kind, Path(folder), Path(inputs), rng, _BATCH))
