"""Do the work on many encoders in workers: few and long pieces, each of which continues where it was stopped."""

import contextlib
import functools
import pickle
from collections import Counter, deque
from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import NamedTuple

from ssl_irmae._support.progress import Listener, Message
from ssl_irmae.errors import UserError, describe_exception
from ssl_irmae.protocols.running.engines import PROCESSES
from ssl_irmae.protocols.running.executors import Pool
from ssl_irmae.protocols.running.lanes import Lane
from ssl_irmae.protocols.running.submitting import TRIES
from ssl_irmae.protocols.running.work import Work
from ssl_irmae.protocols.running.workers import one_process
from ssl_irmae.protocols.studying.encoder_work import EncoderWork, Found, run_in_worker

_LOOK_EVERY = 0.5  # seconds between two chances for the caller to stop


class _Submission(NamedTuple):
    place: int
    lane: Lane


def lanes_for(processes: int, pool: Pool | None) -> list[Lane]:
    """Return what runs the work: processes of this machine with one thread each, or a pool's workers."""
    run = functools.partial(run_in_worker, Work.of(None))
    if pool is not None:
        return [Lane(pool.build, workers=pool.workers, single=False, run=run, title=pool.title, logs=pool.logs)]
    build = functools.partial(one_process, None, 1)
    return [Lane(build, workers=1, single=True, run=run, title=PROCESSES) for _ in range(processes)]


def in_workers(
    works: Iterable[EncoderWork], lanes: list[Lane], progress: Listener
) -> Generator[tuple[EncoderWork, Found] | None]:
    """Yield each piece of work with what was found, as it finishes, and None every half second between.

    Work that is lost with its worker is done again, three times in all, and continues from its last checkpoint. When
    the generator is closed, the workers end.

    Raises:
        UserError: If an executor cannot be built, or, when all other work is done, some failed for a reason that the
            user can fix, or was lost three times.
    """
    every = list(works)
    waiting = deque(range(len(every)))
    running: dict[Future[bytes], _Submission] = {}
    lost = Counter[int]()
    failures: list[UserError] = []
    with contextlib.ExitStack() as stack:
        for lane in lanes:
            stack.callback(lane.close)
        stack.callback(lambda: [future.cancel() for future in running])
        while waiting or running:
            for lane in lanes:
                while waiting and sum(each.lane is lane for each in running.values()) < lane.workers:
                    place = waiting.popleft()
                    running[lane.submit(pickle.dumps(every[place]))] = _Submission(place, lane)
            done = wait(running, timeout=_LOOK_EVERY, return_when=FIRST_COMPLETED).done
            if not done:
                yield None
            for future in done:
                place, lane = running.pop(future)
                try:
                    result: Found | UserError = pickle.loads(future.result())  # noqa: S301 (ours)
                except Exception as error:  # an engine may raise anything, and so may a measure
                    lost[place] += 1
                    if lost[place] == TRIES:
                        reason = f"failed {TRIES} times, or was lost with its worker ({describe_exception(error)})"
                        failures.append(UserError(f"the work on {every[place].folder.name} {reason}"))
                    else:
                        waiting.appendleft(place)
                        progress(Message(f"an encoder's worker was lost ({type(error).__name__}): it is tried again"))
                        if not any(each.lane is lane for each in running.values()):
                            lane.close()  # it is built again
                    continue
                if isinstance(result, UserError):
                    failures.append(result)
                else:
                    yield every[place], result
    if failures:
        raise UserError(
            f"{len(failures)} of {len(every)} encoders have no result, the others are kept; the first: {failures[0]}"
        )
