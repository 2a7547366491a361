"""Run a protocol: look up what is finished, run and store what is missing, and yield both."""

import contextlib
import dataclasses
import itertools
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ssl_irmae._support.compute import find_precision
from ssl_irmae._support.memory import fits
from ssl_irmae._support.progress import Listener, Message, silent
from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.folds import Fold
from ssl_irmae.protocols.plan import Plan
from ssl_irmae.protocols.readouts.scaling import Scaling
from ssl_irmae.protocols.representations.clustering import Clustering
from ssl_irmae.protocols.representations.floors import floors_of
from ssl_irmae.protocols.representations.fused import parts_of
from ssl_irmae.protocols.representations.representation import Representation
from ssl_irmae.protocols.representations.retrieval import Retrieval
from ssl_irmae.protocols.running.executors import Pool, Processes
from ssl_irmae.protocols.running.jobs import Job, list_jobs
from ssl_irmae.protocols.running.runner import Runner
from ssl_irmae.protocols.running.submitting import in_workers
from ssl_irmae.protocols.running.workers import (
    can_be_sent,
    groups_of,
    limited_threads,
    pays_to_start,
    threads_by_default,
    threads_of_each,
)
from ssl_irmae.protocols.storage.rows import FinishedTrial, Row
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.task import Task

_MOST_NAMED = 10


@dataclass(frozen=True)
class Outcome:
    """A finished trial of a grid.

    Args:
        trial: The trial as the store has it; its seconds leave out the encoding that trials share.
        fresh: Whether it was run now rather than found in the store.
        place: Its index among the jobs of the grid.
    """

    trial: FinishedTrial
    fresh: bool
    place: int

    @property
    def row(self) -> Row:
        """The trial's row."""
        return self.trial.row


class Grid:
    """Every trial of a protocol, in order: by part, then budget, contender, representation and seed.

    Args:
        plan: What to run.
        task: Training and scored images.
        encoders: The pretrained encoders that contenders name; several of one name differ in the seed of their
            pretraining and are crossed with the subsets.
        store: Where finished trials are looked up and kept.
        processes: Number of processes that run trials and share the threads; with one, this process runs them. None
            chooses what is faster for each contender, and starts processes only where enough is missing.
        pool: Runs trials in the place of processes, each with one thread: workers may be on other machines.
        progress: Called with a message where trials have to be run again.
    """

    def __init__(
        self,
        plan: Plan,
        task: Task,
        encoders: Mapping[str, Sequence[Representation]],
        store: Store,
        processes: int | None = 1,
        pool: Pool | None = None,
        progress: Listener = silent,
    ) -> None:
        self.plan = plan
        self.task = task
        self.representations = {**{name: (floor,) for name, floor in floors_of(task.networks).items()}, **encoders}
        self.store = store
        self.processes = processes
        self.pool = pool
        self.progress = progress
        self.runner = Runner(task, device=plan.device, precision=plan.precision)
        self._failed: dict[str, tuple[Job, Exception]] = {}

    @cached_property
    def jobs(self) -> list[Job]:
        """Every trial, with its labelled subset, its contender and the representation that this reads."""
        threads = {name: self._threads(name) for name in self.plan.contenders}
        return list(list_jobs(self.plan, self.task, self.representations, threads, self._codes_to_choose_on))

    def _codes_to_choose_on(self, fold: Fold | None) -> Tensor:
        """Encode the training images for the choice of typical ones; of several pretraining seeds the first counts.

        Codes of several encoders are brought to one scale, as otherwise the distances would be those of the widest.
        """
        assert self.plan.chosen_on is not None  # only called where typical images are chosen
        parts = parts_of(self.representations[self.plan.chosen_on][0])
        codes = [self.runner.codes.of(part, "code", fold)[0] for part in parts]
        return codes[0] if len(codes) == 1 else torch.cat([Scaling.of(z)(z) for z in codes], 1)

    def adopt(self, trials: Iterable[FinishedTrial]) -> tuple[int, list[str]]:
        """Add finished trials from elsewhere to the store, those that belong to this grid.

        Args:
            trials: Finished trials of any protocol. They belong if everything that decides a result agrees, software
                and threads included.

        Returns:
            How many of them the store did not have; and, in a sentence for each reason, why others that look alike were
            left out.
        """
        jobs = {job.trial.key: job for job in self.jobs}
        trials = list(trials)
        added = 0
        for trial in trials:
            if trial.row.key in jobs:
                added += self.store.add(trial, jobs[trial.row.key].subset)
        keys = {trial.row.key for trial in trials}
        missing = [job for key, job in jobs.items() if key not in keys and self.store.get(key) is None]
        return added, _differences(missing, [trial.row for trial in trials if trial.row.key not in jobs])

    def missing(self) -> tuple[list[list[Job]], list[list[Job]]]:
        """List the trials that the store does not have, in batches: those that this process would run, and the others.

        Other processes would run the second list, as many of them as ``number_of_processes`` says.
        """
        by_key: dict[str, Job] = {}
        for job in self.jobs:
            by_key.setdefault(job.trial.key, job)
        missing = [job for key, job in by_key.items() if self.store.get(key) is None]
        for_others = self._for_other_processes(missing)
        moved = {job.trial.key for job in for_others}
        return _batches(job for job in missing if job.trial.key not in moved), _batches(for_others)

    @property
    def most_processes(self) -> int:
        """How many processes run what this one does not, at most."""
        return self.processes or torch.get_num_threads()

    def run(self) -> Generator[Outcome]:
        """Yield every trial's outcome, running those that the store does not have.

        With several processes, trials come in the order in which they finish. One that fails does not stop the others:
        its exception is raised when those are done.

        Raises:
            UserError: If a network has to be trained in a precision that the processor does not have, a process that
                runs trials is killed, or trials failed for a reason that the user can fix; other exceptions are
                raised as they are.
        """
        self._failed = {}
        yield from self._outcomes()
        if self._failed:
            _, error = next(iter(self._failed.values()))
            summary = (
                f"{len(self._failed):,} of {len(self.jobs):,} trials failed, the others are kept; the first was "
                f"{_named([job for job, _ in self._failed.values()])}"
            )
            if isinstance(error, UserError):
                raise UserError(f"{summary}: {error}") from error
            error.add_note(summary)
            raise error

    def _outcomes(self) -> Generator[Outcome]:
        jobs: dict[str, Job] = {}
        places: dict[str, list[int]] = {}
        for place, job in enumerate(self.jobs):
            jobs.setdefault(job.trial.key, job)
            places.setdefault(job.trial.key, []).append(place)
        found = {key: trial for key in jobs if (trial := self.store.get(key)) is not None}
        missing = [job for key, job in jobs.items() if key not in found]
        if any(job.trial.reads == "images" for job in missing):
            find_precision(self.plan.precision, torch.device(self.plan.device))
        for_others = self._for_other_processes(missing)
        moved = {job.trial.key for job in for_others}
        self.runner.expect(job for job in missing if job.trial.key not in moved)
        for_this = groups_of(_batches(job for key, job in jobs.items() if key not in moved))
        in_this = (self._run(batch, found) for batch in itertools.chain.from_iterable(for_this))
        elsewhere = self.pool or Processes(self.most_processes)
        batches = _batches(for_others)
        with contextlib.ExitStack() as stack:
            lanes = stack.enter_context(elsewhere.lanes(self.runner, batches))
            in_others = in_workers(lanes, batches, self._note_failure, lambda text: self.progress(Message(text)))
            stack.enter_context(contextlib.closing(in_others))
            for finished in itertools.chain(in_this, in_others):
                # all are stored before the first is yielded: whoever receives it may stop there
                new = {
                    job.trial.key
                    for job, trial in finished
                    if job.trial.key not in found and self.store.add(trial, job.subset)
                }
                for job, trial in finished:
                    for i, place in enumerate(places[job.trial.key]):
                        yield self._outcome(place, trial, fresh=i == 0 and job.trial.key in new)

    def _for_other_processes(self, missing: Sequence[Job]) -> list[Job]:
        """Choose the trials that other processes run; this process runs the rest."""
        if (self.processes == 1 and self.pool is None) or not can_be_sent(self.task.networks):
            return []
        if self.pool is None and not fits(self.task.train.images.nbytes + self.task.scored.images.nbytes):
            return []  # each process would get a copy
        movable = [job for job in missing if can_be_sent(job.contender) and not job.trial.needs_session]
        if self.processes is not None or self.pool is not None:
            return movable
        # trials of frozen encoders share codes and graphs: they stay together in this process, with all threads
        trained = [job for job in movable if job.trial.threads < torch.get_num_threads()]
        return trained if pays_to_start(trained) else []

    def _threads(self, contender: str) -> int:
        """Return how many threads a contender's trials are run with.

        The number is part of a trial's identity, so it depends on contender, machine and ``processes``, not on what
        else is run. What this machine has says nothing about the workers of a pool.
        """
        if self.pool is not None:
            return 1
        if self.processes is None:
            return threads_by_default(self.plan.contenders[contender], self.plan.device)
        return threads_of_each(self.processes)

    def _run(self, batch: Sequence[Job], found: Mapping[str, FinishedTrial]) -> list[tuple[Job, FinishedTrial]]:
        """Run in this process those trials of a batch that are missing, and return all that are finished."""
        # what was not found is looked up again, as another process may have run it meanwhile
        finished = {job.trial.key: found.get(job.trial.key) or self.store.get(job.trial.key) for job in batch}
        missing = [job for job in batch if finished[job.trial.key] is None]
        if missing:
            with limited_threads(missing[0].trial.threads):
                try:
                    new = self.runner.run(missing)
                    finished |= {job.trial.key: trial for job, trial in zip(missing, new, strict=True)}
                except Exception as error:  # whatever a readout raises, the other trials are run; raised at the end
                    self._note_failure(missing, error)
        return [(job, trial) for job in batch if (trial := finished[job.trial.key]) is not None]

    def _note_failure(self, batch: Sequence[Job], error: Exception) -> None:
        self._failed |= {job.trial.key: (job, error) for job in batch}

    def retrieval(self) -> list[Retrieval]:
        """Measure the codes of every representation that is read frozen, without any classifier.

        Of several encoders side by side, each is measured for itself: they are never read as one code.
        """
        measured: dict[str, Retrieval] = {}
        for representation, reads, label in self._read_frozen():
            for part in parts_of(representation):
                its = part.name + label.removeprefix(representation.name)
                if its not in measured:
                    measured[its] = self.runner.retrieval(part, reads, its)
        return list(measured.values())

    def clustering(self) -> list[Clustering]:
        """Divide the codes of every representation that is read frozen into clusters, without any label."""
        found = [self.runner.clustering(*each) for each in self._read_frozen()]
        return list(itertools.chain.from_iterable(found))

    def _read_frozen(self) -> list[tuple[Representation, Reads, str]]:
        """List the representations that frozen contenders read, and a label for each, once."""
        listed: dict[str, tuple[Representation, Reads, str]] = {}
        for name in dict.fromkeys(name for part in self.plan.parts for name in part.contenders):
            contender = self.plan.contenders[name]
            if contender.reads == "images" or contender.representation is None:
                continue
            representations = self.representations[contender.representation]
            for representation in representations:
                label = representation.name + (" features" if contender.reads == "features" else "")
                if len(representations) > 1:
                    label += f", pretraining seed {representation.pretrain_seed}"
                listed.setdefault(label, (representation, contender.reads, label))
        return list(listed.values())

    def _outcome(self, place: int, trial: FinishedTrial, *, fresh: bool) -> Outcome:
        """Give a finished trial this grid's names and facts; it may have been run under others."""
        # all fields of the planned trial: those that decide the result agree already
        row = trial.row.model_copy(update=dict(self.jobs[place].trial))
        return Outcome(dataclasses.replace(trial, row=row), fresh, place)


def _batches(jobs: Iterable[Job]) -> list[list[Job]]:
    """Group trials whose readout fits several samples at once; any other trial is a batch of its own."""

    def batch(job: Job) -> tuple[object, ...]:
        trial = job.trial
        # the unlabelled inputs of two folds are not the same
        alone = "" if job.contender.several and trial.fold is None else trial.key
        return trial.contender, trial.budget, trial.encoder_hash, alone

    return [list(group) for _, group in itertools.groupby(jobs, key=batch)]


def _named(jobs: Sequence[Job]) -> str:
    """Name trials in the order in which they failed."""
    names = [f"{job.trial.contender} at {job.trial.budget:,} labels, seed {job.trial.seed}" for job in jobs]
    others = names[1:_MOST_NAMED]
    more = len(names) - len(others) - 1
    then = "; ".join([*others, *([f"{more:,} more"] if more else [])])
    return f"{names[0]} (then {then})" if then else names[0]


_IN_WORDS = {
    "encoder_hash": "encoder",
    "data_fingerprint": "training data",
    "scored_fingerprint": "scored data",
    "looks": "test peeks",
}


def _differences(missing: Sequence[Job], others: Sequence[Row]) -> list[str]:
    """Describe how missing trials differ from finished ones of the same contender, budget and seed."""
    by_place: dict[tuple[str, int, int, int | None, int | None], Row] = {}
    for row in others:
        by_place[row.contender, row.budget, row.seed, row.pretrain_seed, row.fold] = row
    counts: Counter[tuple[str, ...]] = Counter()
    for job in missing:
        planned = job.trial
        place = (planned.contender, planned.budget, planned.seed, planned.pretrain_seed, planned.fold)
        finished = by_place.get(place)
        if finished is not None:
            counts[tuple(_difference(planned.identity(), finished.identity()))] += 1
    return [f"{count:,} finished trials differ in {', '.join(differences)}" for differences, count in counts.items()]


def _difference(planned: dict[str, object], finished: dict[str, object]) -> Iterable[str]:
    for name in planned | finished:
        a, b = planned.get(name), finished.get(name)
        if a == b:
            continue
        if name == "computed_with":
            ours, theirs = str(a).split(", "), str(b).split(", ")
            yield (
                f"software ({', '.join(part for part in theirs if part not in ours)} there, "
                f"{', '.join(part for part in ours if part not in theirs)} here)"
            )
        elif name in ("settings", "precision", "device"):
            yield f"{name} ({b} there, {a} here)"
        else:
            yield _IN_WORDS.get(name, name)
