"""What a study runs: pretrain and measure what is missing, run the trials that are missing, collect what is stored."""

import contextlib
import itertools
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ssl_irmae._support.compute import find_precision
from ssl_irmae._support.extras import require
from ssl_irmae._support.progress import EncodersDone, Listener, Message
from ssl_irmae.pretraining.optimizers import USUAL
from ssl_irmae.pretraining.recipes import find_recipe
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.registry import contenders_of
from ssl_irmae.protocols.plan import Part, Plan
from ssl_irmae.protocols.representations.floors import FLOORS
from ssl_irmae.protocols.representations.pretrained import OpenedEncoder
from ssl_irmae.protocols.running.executors import Pool
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.running.reported import run_reported
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.studying.encoder_settings import EncoderSettings
from ssl_irmae.protocols.studying.encoder_work import EncoderWork, Found, work_on
from ssl_irmae.protocols.studying.encoder_workers import in_workers, lanes_for
from ssl_irmae.protocols.studying.measure import Measure
from ssl_irmae.protocols.studying.results import Pretraining, Results, Value, name_tried
from ssl_irmae.protocols.studying.study import CHOOSING_SEED, Level, Study, error_column
from ssl_irmae.protocols.task import Task, load_task
from ssl_irmae.protocols.typical_subsets import DEFAULT_REPRESENTATION, TYPICAL

Chosen = Mapping[str, EncoderSettings | None]
"""The settings of each level's encoder, by the name of the level."""


@dataclass
class Collected:
    """What is known of some levels on one data set; fields as in ``Results``."""

    values: list[Value] = field(default_factory=list)
    encoders: list[Pretraining] = field(default_factory=list)

    def mean(self, column: str, level: str) -> float | None:
        """Return the mean of a column at a level; None if there is no value."""
        found = [v.value for v in self.values if (v.column, v.level) == (column, level) and v.value is not None]
        return sum(found) / len(found) if found else None


class StudyRunner:
    """Does what is missing of a study, and collects what is stored.

    Args:
        study: What is compared.
        name: Its name.
        store: Where trials and what is measured are kept.
        workers: How many workers there are; one is this process, unless there is a pool.
        pool: What runs the work in the place of processes of this machine.
        device: Where encoders are pretrained.
        command: What cards of encoders record as the command.
        progress: Called with every event.
    """

    def __init__(
        self,
        study: Study,
        name: str,
        *,
        store: Store,
        workers: int,
        pool: Pool | None,
        device: torch.device,
        command: str,
        progress: Listener,
    ) -> None:
        self.study, self.name, self.store, self.workers, self.pool = study, name, store, workers, pool
        self.device, self.command, self.progress = device, command, progress
        self.precision = find_precision("auto", device)

    def run(self) -> Results:
        """Do what is missing, and return everything.

        Raises:
            UserError: If data are missing, an extra is, or work failed for a reason that the user can fix.
        """
        for measure in self.study.measures:
            if measure.extra is not None:
                require(measure.extra, f"the study {self.name}")
        found, tried = Collected(), Collected()
        for dataset in self.study.datasets:
            task = load_task(dataset, scored_on="development", progress=self.progress)
            chosen = self._choose(task, tried)
            self._observe(task, self.study, chosen, found, floors=self.study.floors)
        return Results(self.study, self.name, found.values + tried.values, found.encoders + tried.encoders)

    def _choose(self, task: Task, collected: Collected) -> Chosen:
        """Choose among candidates, by encoders of a seed of their own; what is known of these is collected."""
        chosen: dict[str, EncoderSettings | None] = {}
        tried: dict[str, EncoderSettings | None] = {}
        levels = []
        for level in self.study.levels:
            chosen[level.name] = next(iter(level.candidates), None)
            for settings in level.candidates if len(level.candidates) > 1 else ():
                levels.append(replace(level, name=name_tried(level.name, str(settings)), candidates=(settings,)))
                tried[levels[-1].name] = settings
        if not levels:
            return chosen
        column = self.study.chosen_by
        errors = [(r, b) for r in self.study.readouts for b in self.study.budgets if error_column(r, b) == column]
        judging = replace(
            self.study,
            levels=tuple(levels),
            seeds=(CHOOSING_SEED,),
            measures=tuple(measure for measure in self.study.measures if measure.name == column),
            readouts=tuple(readout for readout, _ in errors),
            budgets=tuple(budget for _, budget in errors),
            subsets=tuple(seed + CHOOSING_SEED for seed in self.study.subsets),
        )
        found = Collected()
        self._observe(task, judging, tried, found)
        collected.values += found.values
        collected.encoders += found.encoders
        for level in self.study.levels:
            if len(level.candidates) < 2:
                continue
            means = {
                settings: found.mean(column, name_tried(level.name, str(settings))) for settings in level.candidates
            }
            known = {settings: mean for settings, mean in means.items() if mean is not None}
            chosen[level.name] = min(known, key=lambda settings: known[settings]) if known else None
        return chosen

    def _observe(
        self, task: Task, study: Study, chosen: Chosen, collected: Collected, floors: tuple[Level, ...] = ()
    ) -> None:
        """Collect what is known of a study's levels, and of floors, on one data set, after doing what is missing."""
        every = [settings for settings in dict.fromkeys(chosen.values()) if settings is not None]
        works = {
            (settings, seed): self._work(task, settings, seed, study.measures)
            for settings in every
            for seed in study.seeds
        }
        what = "encoders" if study is self.study else "candidates"
        self._do([work for work in works.values() if not self._is_done(work)], task, what)
        opened: dict[str, tuple[OpenedEncoder, ...]] = {}
        for level in study.levels:
            settings = chosen[level.name]
            mine = [] if settings is None else [works[settings, seed] for seed in study.seeds]
            found = [self._collect(level, str(settings), work, collected) for work in mine]
            opened[level.slug] = tuple(encoder for encoder in found if encoder is not None)
        if study.budgets:
            # of a level whose encoders all diverged there is nothing to score
            levels = [level for level in study.levels if opened[level.slug] or not level.candidates]
            self._run_trials(task, study, (*levels, *floors), opened, collected)

    def _work(self, task: Task, settings: EncoderSettings, seed: int, measures: tuple[Measure, ...]) -> EncoderWork:
        channels, size = task.train.images.shape[1:3]
        most_depth = find_recipe("short").most_depth(len(task.train))
        return EncoderWork(
            dataset=task.train.name,
            fingerprint=task.train.fingerprint,
            architecture=settings.architecture(channels=channels, image_size=size, most_depth=most_depth),
            settings=str(settings),
            seed=seed,
            steps=self.study.steps,
            precision=self.precision,
            device=str(self.device),
            measures=measures,
            command=self.command,
            optimizer=settings.optimizer or USUAL,
            learning_rate=settings.learning_rate,
        )

    def _record(self, work: EncoderWork) -> dict[str, Any]:
        return self.store.measured(work.key()) or {}

    def _is_done(self, work: EncoderWork) -> bool:
        record = self._record(work)
        if "failed" in record:
            return True
        measured = all(self.store.measured(work.key(measure)) is not None for measure in work.measures)
        return bool(record) and measured and work.is_pretrained

    def _do(self, works: Sequence[EncoderWork], task: Task, what: str) -> None:
        """Pretrain and measure encoders, and store what is found of each as it finishes."""
        if not works:
            return
        missing = [
            work._replace(measures=tuple(m for m in work.measures if self.store.measured(work.key(m)) is None))
            for work in works
        ]
        workers = min(self.workers, len(missing))
        self.progress(Message(f"{task.train.name}: {len(missing)} {what} to pretrain and measure"))
        found: Generator[tuple[EncoderWork, Found] | None] = (
            ((work, work_on(work, task, self.progress)) for work in missing)
            if workers == 1 and self.pool is None
            else in_workers(missing, lanes_for(workers, self.pool), self.progress)
        )
        began, done, latest = time.monotonic(), 0, ""
        with contextlib.closing(found):
            for each in found:
                if each is not None:
                    self._store(*each)
                    done += 1
                    latest = _describe(*each)
                left = (time.monotonic() - began) / done * (len(missing) - done) if done else None
                self.progress(EncodersDone(done, len(missing), latest, each is not None, left))

    def _store(self, work: EncoderWork, found: Found) -> None:
        if found.failed is not None:
            self.store.add_measured(work.key(), {"failed": found.failed})
            return
        for measure in work.measures:
            value, seconds = found.values[measure.name]
            self.store.add_measured(work.key(measure), {"value": value, "seconds": seconds})
        self.store.add_measured(work.key(), {"seconds": found.seconds, "on_plateau": found.on_plateau})

    def _collect(self, level: Level, settings: str, work: EncoderWork, collected: Collected) -> OpenedEncoder | None:
        """Collect what is stored of an encoder, and return it; None if its pretraining diverged."""
        record = self._record(work)
        place = (work.dataset, level.name, work.seed)
        if "failed" in record:
            collected.encoders.append(
                Pretraining(*place, settings, work.steps, 0.0, on_plateau=False, failed=record["failed"], encoder="")
            )
            return None
        encoder = work.open(level.slug)
        collected.encoders.append(
            Pretraining(
                *place,
                settings,
                work.steps,
                record["seconds"],
                on_plateau=record["on_plateau"],
                failed="",
                encoder=encoder.hash,
            )
        )
        for measure in work.measures:
            found = self.store.measured(work.key(measure))
            assert found is not None  # it was stored, or looked up before
            collected.values.append(
                Value(*place, measure.name, None, None, found["value"], found["seconds"], encoder.hash)
            )
        return encoder

    def _run_trials(
        self,
        task: Task,
        study: Study,
        levels: Sequence[Level],
        opened: Mapping[str, tuple[OpenedEncoder, ...]],
        collected: Collected,
    ) -> None:
        """Collect every error, after running the trials that are missing: one plan for each rule of subsets."""
        dataset = task.train.name
        for rule, several in itertools.groupby(sorted(levels, key=lambda level: level.rule), lambda level: level.rule):
            names: dict[str, tuple[Level, str]] = {}
            contenders: dict[str, Contender] = {}
            for level in several:
                for label, contender in _contenders_of(level, study.readouts).items():
                    contenders[f"{level.slug}-{label}"] = contender
                    names[f"{level.slug}-{label}"] = (level, label)
            if not contenders:
                continue
            part = Part(contenders=tuple(contenders), budgets=study.budgets, seeds=study.subsets)
            plan = Plan(
                (part,),
                contenders,
                baseline=next(iter(contenders)),
                dataset=dataset,
                rule=rule,
                chosen_on=DEFAULT_REPRESENTATION if rule == TYPICAL else None,
                scored_on="development",
                precision=self.precision,
                device=str(self.device),
            )
            encoders = {name: each for name, each in opened.items() if each}
            grid = Grid(plan, task, encoders, self.store, self.workers, self.pool, self.progress)
            for outcome in sorted(run_reported(grid, self.progress), key=lambda outcome: outcome.place):
                row = outcome.row
                level, label = names[row.contender]
                place = (dataset, level.name, row.pretrain_seed, label, row.budget, row.seed)
                collected.values.append(Value(*place, row.error, outcome.trial.seconds, row.encoder_hash or ""))


def _contenders_of(level: Level, readouts: Sequence[str]) -> dict[str, Contender]:
    """Return what is scored at a level, by what comes after the level's name."""
    if level.contenders is None:
        known = contenders_of(level.slug)
        return {name: known[f"{level.slug}-{name}"] for name in readouts} if level.candidates else {}
    keep = not level.candidates
    return {
        label: contender
        if keep or contender.representation in FLOORS
        else replace(contender, representation=level.slug)
        for label, contender in level.contenders.items()
    }


def _describe(work: EncoderWork, found: Found) -> str:
    if found.failed is not None:
        return f"{work.title}: {found.failed}"
    digits = {measure.name: measure.digits for measure in work.measures}
    values = [f"{name} {value:.{digits[name]}f}" for name, (value, _) in found.values.items() if value is not None]
    return f"{work.title}: {', '.join(['on the plateau'] * found.on_plateau + values)}"
