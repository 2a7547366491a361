"""Submit trials to workers and wait for what they return: the one loop, whatever the executor."""

import contextlib
import itertools
import math
import pickle
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from dataclasses import dataclass

from ssl_irmae.errors import UserError, describe_exception
from ssl_irmae.protocols.running.jobs import Job
from ssl_irmae.protocols.running.lanes import Lane
from ssl_irmae.protocols.running.work import Batch, UnfitWorkerError
from ssl_irmae.protocols.running.workers import groups_of
from ssl_irmae.protocols.storage.rows import FinishedTrial

TRIES = 3
_IN_VAIN = 12  # losses in a row without any result, after which nothing more is tried
_SECONDS_AT_ONCE = 10.0  # of trials that are submitted together: a second per submission then matters little
_UNTIL_BROKEN = 60.0  # seconds until a broken executor has given back all that it had

Result = list[FinishedTrial] | Exception


def in_workers(
    lanes: Sequence[Lane],
    batches: Sequence[Batch],
    failed: Callable[[Sequence[Job], Exception], None],
    lost: Callable[[str], None],
) -> Generator[list[tuple[Job, FinishedTrial]]]:
    """Run trials in workers and yield all that have finished since the last time.

    A trial that is lost with its worker, or fails for a reason that may pass, is run again, three times in all. One
    that was lost twice runs alone, so that it takes no other with it. When the generator is closed, the workers end.

    Args:
        lanes: The executors.
        batches: The trials; those of one batch are run together.
        failed: Called with trials that are given up, and the reason; the others are still run.
        lost: Called with a sentence whenever trials have to be run again.

    Raises:
        UserError: If an executor cannot be built, or a worker cannot run any trial.
    """
    with contextlib.ExitStack() as stack:
        for lane in lanes:
            stack.callback(lane.close)
        loop = _Loop(lanes, batches, failed, lost)
        stack.callback(loop.cancel)
        while loop.submit():
            yield loop.collect()


@dataclass(frozen=True, eq=False)
class _Submission:
    batches: Sequence[Batch]
    lane: Lane

    @property
    def jobs(self) -> list[Job]:
        return [job for batch in self.batches for job in batch]


class _Waiting:
    """Batches that are still to be submitted, in groups that share codes.

    Those of many labels come first: they take longest, and no worker should be left alone with one at the end.
    """

    def __init__(self, batches: Sequence[Batch]) -> None:
        groups = sorted(groups_of(batches), key=lambda group: group[0][0].trial.budget, reverse=True)
        self._groups = deque(deque(group) for group in groups)
        self.alone: deque[Batch] = deque()
        self._seconds: dict[str, list[float]] = {}

    @property
    def together(self) -> bool:
        """Whether any of them may run beside others."""
        return bool(self._groups)

    def everything(self) -> list[Batch]:
        """Return all of them."""
        return [*itertools.chain.from_iterable(self._groups), *self.alone]

    def again(self, batches: Iterable[Batch]) -> None:
        """Put batches back, to be run next."""
        for batch in batches:
            self._groups.appendleft(deque([batch]))

    def took(self, trials: Iterable[FinishedTrial]) -> None:
        """Learn from finished trials how long others of their contenders take."""
        for trial in trials:
            self._seconds.setdefault(trial.row.contender, []).append(trial.seconds)

    def take_group(self) -> list[list[Batch]]:
        """Take all batches that share codes, each to be submitted for itself."""
        return [[batch] for batch in self._groups.popleft()]

    def take_some(self, workers: int) -> list[list[Batch]]:
        """Take batches to be submitted together: some seconds of work, and no more than leaves all workers busy."""
        most = math.ceil(sum(map(len, self._groups)) / (2 * workers))
        taken: list[Batch] = []
        seconds = 0.0
        while self._groups and len(taken) < most:
            seconds += self._expected(self._groups[0][0])
            if taken and seconds > _SECONDS_AT_ONCE:
                break
            taken.append(self._groups[0].popleft())
            if not self._groups[0]:
                self._groups.popleft()
        return [taken]

    def _expected(self, batch: Batch) -> float:
        known = self._seconds.get(batch[0].trial.contender)
        return math.inf if known is None else len(batch) * sum(known) / len(known)


class _Loop:
    """What is waiting, what is running, and how often each trial was lost."""

    def __init__(
        self,
        lanes: Sequence[Lane],
        batches: Sequence[Batch],
        failed: Callable[[Sequence[Job], Exception], None],
        lost: Callable[[str], None],
    ) -> None:
        self._lanes, self._failed, self._lost = lanes, failed, lost
        self._waiting = _Waiting(batches)
        self._running: dict[Future[bytes], _Submission] = {}
        self._losses: Counter[str] = Counter()
        self._in_vain = 0
        self._unfit: UnfitWorkerError | None = None

    def submit(self) -> bool:
        """Submit what there is room for; return whether anything is under way."""
        if self._unfit is not None:
            raise self._unfit
        if not self._running and not self._waiting.together and self._waiting.alone:
            self._submit(self._lanes[0], [[self._waiting.alone.popleft()]])
            return True
        for lane in self._lanes:
            while self._waiting.together and self._has_room(lane):
                waiting = self._waiting
                self._submit(lane, waiting.take_group() if lane.single else waiting.take_some(lane.workers))
        return bool(self._running)

    def collect(self) -> list[tuple[Job, FinishedTrial]]:
        """Wait for something, and return the trials that have finished."""
        done = wait(self._running, return_when=FIRST_COMPLETED).done
        broken = {self._running[each].lane for each in done if isinstance(_raised(each), BrokenExecutor)}
        for lane in broken:
            wait(self._of(lane), timeout=_UNTIL_BROKEN)
        results = {each: _result(each) for each, of in self._running.items() if each in done or of.lane in broken}
        finished: list[tuple[Job, FinishedTrial]] = []
        losses: list[tuple[_Submission, Exception]] = []
        for future, result in results.items():
            submission = self._running.pop(future)
            if isinstance(result, UnfitWorkerError):
                self._unfit = result
            elif isinstance(result, Exception):
                losses.append((submission, result))
            else:
                for batch, each in zip(submission.batches, result, strict=True):
                    finished += self._finish(batch, each)
        for lane in broken:
            lane.close()  # it is built again when there is something to submit
        self._in_vain = self._in_vain + 1 if len(losses) == len(results) else 0
        self._repeat(losses)
        return finished

    def cancel(self) -> None:
        """Give up what is under way."""
        for future in self._running:
            future.cancel()

    def _has_room(self, lane: Lane) -> bool:
        under_way = self._of(lane)
        return not under_way if lane.single else len(under_way) < 2 * lane.workers

    def _of(self, lane: Lane) -> list[Future[bytes]]:
        return [future for future, submission in self._running.items() if submission.lane is lane]

    def _submit(self, lane: Lane, several: Iterable[list[Batch]]) -> None:
        for batches in several:
            self._running[lane.submit(pickle.dumps(batches))] = _Submission(batches, lane)

    def _finish(self, batch: Batch, result: Result) -> list[tuple[Job, FinishedTrial]]:
        """Return a batch's finished trials; of one that raised, see what becomes of it."""
        if not isinstance(result, Exception):
            self._waiting.took(result)
            return list(zip(batch, result, strict=True))
        if isinstance(result, UserError):  # the same would happen again
            self._failed(batch, result)
        else:
            self._waiting.again([job] for job in batch if not self._is_given_up(job, result))
        return []

    def _repeat(self, losses: Sequence[tuple[_Submission, Exception]]) -> None:
        """Put back what was lost with a worker, or give it up."""
        blameless = self._not_begun([submission for submission, _ in losses])
        for submission, error in losses:
            if submission in blameless:
                self._waiting.again(submission.batches)
                continue
            left = submission.jobs
            if isinstance(error, CancelledError):  # it had not begun
                self._waiting.again(submission.batches)
            else:
                lost = UserError(
                    f"lost {TRIES} times with the worker that ran it, most likely because memory ran out; try fewer "
                    f"`jobs` ({describe_exception(error)}){_where_printed(submission)}"
                )
                left = [job for job in left if not self._is_given_up(job, lost)]
                twice = [job for job in left if self._losses[job.trial.key] == TRIES - 1]
                self._waiting.alone += [[job] for job in twice]
                self._waiting.again([job] for job in left if job not in twice)
            if left:
                again = f"{len(left):,} {'trial is' if len(left) == 1 else 'trials are'} run again"
                self._lost(f"a worker was lost ({type(error).__name__}): {again}")
        if self._in_vain >= max([_IN_VAIN, *(2 * TRIES * lane.workers for lane in self._lanes)]):
            last, error = losses[-1]
            reason = f"{self._in_vain} workers in a row were lost before any finished ({describe_exception(error)})"
            self._give_up(UserError(reason + _where_printed(last)))

    def _not_begun(self, lost: Iterable[_Submission]) -> set[_Submission]:
        """Return submissions to a single process that broke while it ran another: it runs them in their order."""
        began: dict[Lane, _Submission] = {}
        return {each for each in lost if each.lane.single and began.setdefault(each.lane, each) is not each}

    def _is_given_up(self, job: Job, error: Exception) -> bool:
        """Count that a trial was lost or has failed; after the last time, give it up."""
        self._losses[job.trial.key] += 1
        if self._losses[job.trial.key] < TRIES:
            return False
        self._failed([job], error)
        return True

    def _give_up(self, error: Exception) -> None:
        self.cancel()
        left = [*self._waiting.everything(), *(batch for each in self._running.values() for batch in each.batches)]
        for batch in left:
            self._failed(batch, error)
        self._waiting, self._running = _Waiting([]), {}


def _where_printed(submission: _Submission) -> str:
    return f"; what workers printed is in {submission.lane.logs}" if submission.lane.logs else ""


def _raised(future: Future[bytes]) -> BaseException | None:
    return None if future.cancelled() else future.exception()


def _result(future: Future[bytes]) -> list[Result] | Exception:
    """Return what a worker returned, which may be that it is unfit; or why it returned nothing."""
    if not future.done():
        future.cancel()
        return BrokenExecutor("it gave nothing back")
    try:
        results: list[Result] | UnfitWorkerError = pickle.loads(future.result())  # noqa: S301 (ours)
    except Exception as error:  # an engine may raise anything, and only about its workers
        return error
    return results
