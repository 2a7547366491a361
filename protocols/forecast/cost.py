"""What the missing trials of a grid cost on this machine, before they run."""

import functools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from ssl_irmae._support.compute import Precision, find_precision
from ssl_irmae.protocols.forecast.speed import Piece, Taken, time_piece
from ssl_irmae.protocols.forecast.stored_costs import (
    PRETRAINING,
    START,
    StoredCost,
    cost_at,
    cost_of,
    cost_of_codes,
)
from ssl_irmae.protocols.graphs.neighbours import Neighbours
from ssl_irmae.protocols.representations.representation import identity
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.running.jobs import Job
from ssl_irmae.protocols.running.workers import in_each_process, limited_threads, number_of_processes

STARTED, PRETRAINED, SHARED = "start", "pretraining on the spot", "encoding and graphs"
_IMAGES = 70_000  # of MNIST, on which costs were measured: training and scored


@dataclass(frozen=True)
class Share:
    """A part of a cost.

    Args:
        group: Family of a contender, or what is shared by trials.
        contender: Name of the contender; empty for what is shared.
        budget: Number of labels; None for what is shared.
        trials: Number of missing trials.
        core_seconds: Processor seconds.
    """

    group: str
    contender: str
    budget: int | None
    trials: int
    core_seconds: float


@dataclass(frozen=True)
class Cost:
    """What missing trials cost on this machine.

    Args:
        missing: Number of trials that are missing.
        planned: Number of all trials.
        seconds: Seconds until they are done, if the machine stays as busy with other work as it is.
        idle_seconds: The same if it had no other work.
        shares: Where the time goes.
        processes: How many processes train networks; 0 if the one that plans does everything itself.
        device: Where they are trained.
        not_counted: Contenders of which no costs are stored.
    """

    missing: int
    planned: int
    seconds: float
    idle_seconds: float
    shares: tuple[Share, ...]
    processes: int
    device: str
    not_counted: tuple[str, ...]

    @property
    def core_seconds(self) -> float:
        """Processor seconds, all shares together."""
        return sum(share.core_seconds for share in self.shares)


class _Kind(NamedTuple):
    """What decides how long a piece of work takes here."""

    piece: Piece
    precision: Precision
    threads: int
    elsewhere: bool


class _Work(NamedTuple):
    """Pieces of work of one kind, and whose they are."""

    kind: _Kind
    amount: float
    group: str
    contender: str = ""
    budget: int | None = None
    trials: int = 0


def cost_of_missing(grid: Grid, *, loaded: Taken, pretrainings: int = 0, steps: int = 0) -> Cost:
    """Count what a grid's missing trials take in pieces of fixed work, and time these pieces here, for some seconds.

    Costs were measured on one thread, on MNIST. With more threads the pieces are timed with as many; for other data,
    graphs and whatever predicts images cost in proportion to the number of images, and networks are timed at their
    size.

    Args:
        grid: The trials, and the store of finished ones.
        loaded: How long loading the images took, with which running the trials begins too.
        pretrainings: Number of encoders that are pretrained on the spot before.
        steps: Optimiser steps of each of them.
    """
    began = Taken.now()
    here, others = grid.missing()
    listed = Taken.since(began)
    if any(job.contender.reads == "images" for batch in (*here, *others) for job in batch):
        find_precision(grid.plan.precision, torch.device(grid.plan.device))
    processes = number_of_processes(others, grid.most_processes)
    here_alone = functools.partial(_Kind, threads=torch.get_num_threads(), elsewhere=False)
    started = _Work(here_alone("regression", "fp32"), cost_of(START).trial, STARTED)
    work, not_counted = [started], []
    if pretrainings:
        kind = here_alone("network", find_precision("auto", torch.device(grid.plan.device)))
        work.append(_Work(kind, pretrainings * steps * cost_of(PRETRAINING).step, PRETRAINED))
    for batches, among in ((here, 0), (others, processes)):
        for batch in batches:
            counted = _of_trials(grid, batch, elsewhere=among > 0)
            work += counted
            not_counted += [] if counted else [batch[0].trial.contender]
        work += _of_codes(grid, batches, elsewhere=among > 0) + _of_graphs(grid, batches, among)
    if processes:
        work.append(started)  # they start one beside the other
    speeds = _speeds(grid, {item.kind for item in work}, processes)
    took = [(item, speeds[item.kind].times(item.amount)) for item in work]
    took += [(started, loaded), (started, listed)]
    return Cost(
        missing=sum(len(batch) for batch in (*here, *others)),
        planned=len({job.trial.key for job in grid.jobs}),
        seconds=_elapsed([(item, taken.seconds) for item, taken in took], processes),
        idle_seconds=_elapsed([(item, _idle(taken, grid.plan.device)) for item, taken in took], processes),
        shares=tuple(
            Share(item.group, item.contender, item.budget, item.trials, taken.processor_seconds) for item, taken in took
        ),
        processes=processes,
        device=grid.plan.device,
        not_counted=tuple(dict.fromkeys(not_counted)),
    )


def _elapsed(took: Sequence[tuple[_Work, float]], processes: int) -> float:
    """Return how long it takes until all is done: first what this process does, then what others do side by side."""
    theirs = [seconds for item, seconds in took if item.kind.elsewhere]
    together = max(sum(theirs) / processes, *theirs) if theirs else 0.0
    return together + sum(seconds for item, seconds in took if not item.kind.elsewhere)


def _idle(taken: Taken, device: str) -> float:
    """Return how many seconds work takes where nothing else runs; threads that wait for another device look busy."""
    return min(taken) if device == "cpu" else taken.seconds


def _of_trials(grid: Grid, batch: Sequence[Job], *, elsewhere: bool) -> list[_Work]:
    """Count trials that are fitted together, without what they share with others; nothing if no cost is stored."""
    trial, contender = batch[0].trial, batch[0].contender
    cost = cost_at(trial.contender, contender, trial.budget)
    if cost is None:
        return []
    steps = 0 if contender.frozen else int(contender.settings.get("steps", 0))
    size = _size(grid, cost)
    amount = size * cost.batch + len(batch) * (size * cost.trial + steps * cost.step)
    kind = _kind(grid, batch[0], cost.piece, elsewhere)
    return [_Work(kind, amount, contender.family, trial.contender, trial.budget, len(batch))]


def _of_codes(grid: Grid, batches: Sequence[Sequence[Job]], *, elsewhere: bool) -> list[_Work]:
    """Count the encoding of images whose codes are not in the user's cache."""
    jobs = [job for batch in batches for job in batch if job.contender.frozen]
    if not jobs:
        return []
    kind = _kind(grid, jobs[0], "network", elsewhere)
    with limited_threads(kind.threads):  # which the names of cached codes hold
        counts = grid.runner.to_encode(jobs)
    if not any(counts.values()):
        return []
    amount = sum(n / _IMAGES * cost_of_codes(representation.name) for (representation, _), n in counts.items())
    return [_Work(kind, amount, SHARED)]


def _of_graphs(grid: Grid, batches: Sequence[Sequence[Job]], processes: int) -> list[_Work]:
    """Count what only the first trial in a process does, such as building the graph that all trials share."""
    groups: dict[tuple[object, ...], list[Job]] = {}
    for job in (job for batch in batches for job in batch):
        source = None if job.representation is None else identity(job.representation)
        groups.setdefault((source, job.contender.reads, job.contender.transductive), []).append(job)
    work = []
    for jobs in groups.values():
        costs = [(cost, job) for job in jobs if (cost := cost_at(job.trial.contender, job.contender, job.trial.budget))]
        if costs:
            cost, job = max(costs, key=lambda each: each[0].cold)
            kind = _kind(grid, job, cost.piece, elsewhere=processes > 0)
            with limited_threads(kind.threads):
                amount = cost.kept if _is_kept(grid, job) else cost.cold
            work.append(_Work(kind, _size(grid, cost) * amount * max(1, min(processes, len(jobs))), SHARED))
    return work


def _is_kept(grid: Grid, job: Job) -> bool:
    """Return whether the nearest neighbours among the codes that a readout of a graph reads are in the user's cache."""
    settings, representation, reads = job.contender.settings, job.representation, job.contender.reads
    if reads == "images" or representation is None or job.contender.family != "graph":
        return False
    if any(grid.runner.to_encode([job]).values()):
        return False
    codes = grid.runner.codes.of_unlabelled(representation, reads)
    if job.contender.transductive:
        codes = torch.cat([codes, grid.runner.codes.of_scored(representation, reads)])
    parts = torch.chunk(codes, int(settings.get("parts", 1)), dim=1)
    return all(Neighbours(part.contiguous()).others_are_kept(int(settings["k"])) for part in parts)


def _size(grid: Grid, cost: StoredCost) -> float:
    """Return by how much work grows with the images, in units of MNIST; regression is about labelled ones alone."""
    return 1.0 if cost.piece == "regression" else (len(grid.task.train) + len(grid.task.scored)) / _IMAGES


def _kind(grid: Grid, job: Job, piece: Piece, elsewhere: bool) -> _Kind:
    precision = grid.plan.precision if job.contender.reads == "images" else "fp32"
    return _Kind(piece, precision, job.trial.threads, elsewhere)


def _speeds(grid: Grid, kinds: set[_Kind], processes: int) -> dict[_Kind, Taken]:
    """Time a piece of each kind: in this process, or in all others at the same time, as they will run."""
    channels, image_size = grid.task.train.images.shape[1:3]
    time_any = functools.partial(
        time_piece,
        channels=channels,
        image_size=image_size,
        device=grid.plan.device,
        networks=grid.task.networks,
    )
    speeds = {}
    for kind in kinds:
        time_one = functools.partial(time_any, kind.piece, precision=kind.precision)
        if kind.elsewhere:
            taken = in_each_process(time_one, processes, kind.threads)
            speeds[kind] = Taken(*(statistics.mean(each) for each in zip(*taken, strict=True)))
        else:
            with limited_threads(kind.threads):
                speeds[kind] = time_one()
    return speeds
