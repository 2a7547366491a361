"""Run a protocol: look up what is finished, run what is missing, keep it, yield."""

import contextlib
import dataclasses
import itertools
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from ssl_irmae._support.compute import find_precision
from ssl_irmae._support.environment import software
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.registry import Contender, with_steps
from ssl_irmae.protocols.representations.pretrained import PretrainedEncoder
from ssl_irmae.protocols.representations.retrieval import Retrieval
from ssl_irmae.protocols.running.runner import Runner
from ssl_irmae.protocols.running.trials import Cell, Spec, Trial, draw_subsets
from ssl_irmae.protocols.running.workers import (
    in_processes,
    limited_threads,
    pays_to_start,
    threads_by_default,
    threads_of_each,
)
from ssl_irmae.protocols.storage.rows import Kept, Row
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.subsets import Subset
from ssl_irmae.protocols.task import Data


@dataclass(frozen=True)
class Outcome:
    """A finished trial.

    Args:
        kept: What the store has of it; its seconds leave out the encoding that trials share.
        fresh: Whether it was run now, rather than found in the store.
        place: Among the cells of its grid.
    """

    kept: Kept
    fresh: bool
    place: int

    @property
    def row(self) -> Row:
        """The trial's row."""
        return self.kept.row


class Grid:
    """Every trial of a protocol, in order: by part, then budget, contender, encoder and seed.

    Args:
        spec: What to run.
        data: Train and scored images.
        contenders: By name.
        encoders: The pretrained encoders that contenders name; several for a name differ in the seed of their
            pretraining and are crossed with the subsets.
        store: Where finished trials are looked up and kept.
        jobs: Processes that run trials, sharing the threads; with one, this process runs them. None takes what is
            faster for each contender, and starts processes only where enough is missing.
    """

    def __init__(
        self,
        spec: Spec,
        data: Data,
        contenders: Mapping[str, Contender],
        encoders: Mapping[str, Sequence[PretrainedEncoder]],
        store: Store,
        jobs: int | None = 1,
    ) -> None:
        self.spec = spec
        self.data = data
        self.contenders = contenders
        self.encoders = encoders
        self.store = store
        self.jobs = jobs
        self.runner = Runner(spec, data, contenders)
        self._failed: dict[str, tuple[Cell, Exception]] = {}

    @cached_property
    def cells(self) -> list[Cell]:
        """Every trial, with its labelled subset and the pretrained encoder, if there is one."""
        cells = []
        for part in self.spec.parts:
            for subsets in draw_subsets(part, self.spec.rule, self.data):
                for name in part.contenders:
                    contender = with_steps(self.contenders[name], part.steps)
                    # at the full set all subsets are one: a readout without randomness has one result there, not n
                    once = contender.deterministic_at_full_set and subsets[0].rule == "full"
                    for encoder in self.encoders.get(contender.encoder or "", (None,)):
                        cells += [
                            Cell(self._trial(name, contender, s, encoder), s, encoder)
                            for s in (subsets[:1] if once else subsets)
                        ]
        return cells

    def adopt(self, trials: Iterable[Kept]) -> int:
        """Put finished trials from elsewhere into the store, as far as they are of this grid.

        Args:
            trials: With rows of any protocol; all that decides a result must agree, software and threads too.

        Returns:
            How many the store did not have.
        """
        subsets = {cell.trial.key: cell.subset for cell in self.cells}
        added = 0
        for kept in trials:
            key = Trial.model_validate(kept.row.model_dump(include=set(Trial.model_fields))).key
            if key in subsets:
                added += self.store.add(key, kept, subsets[key])
        return added

    def run(self) -> Generator[Outcome]:
        """Yield every trial's outcome, running those that the store does not have; with several jobs as they finish.

        A trial that fails stops no other: its exception is raised when those are done.

        Raises:
            UserError: If a network has to be trained in a precision that the processor does not have, a process that
                runs trials is killed, or trials failed for a reason that is the user's to mend; other exceptions are
                raised as they are.
        """
        self._failed = {}
        yield from self._outcomes()
        if self._failed:
            cell, error = next(iter(self._failed.values()))
            told = (
                f"{len(self._failed):,} of {len(self.cells):,} trials failed, the others are kept; the first was "
                f"{cell.trial.contender} at {cell.trial.budget:,} labels, seed {cell.trial.seed}"
            )
            if isinstance(error, UserError):
                raise UserError(f"{told}: {error}") from error
            error.add_note(told)
            raise error

    def _outcomes(self) -> Generator[Outcome]:
        missing: dict[str, Cell] = {}
        places: dict[str, list[int]] = {}
        found: list[tuple[int, Kept]] = []
        for place, cell in enumerate(self.cells):
            places.setdefault(cell.trial.key, []).append(place)
            kept = self.store.get(cell.trial.key)
            if kept is None:
                missing.setdefault(cell.trial.key, cell)
            else:
                found.append((place, kept))
        if any(cell.trial.reads == "images" for cell in missing.values()):
            find_precision(self.spec.precision, torch.device(self.spec.device))
        away = self._away(list(missing.values()))
        if away:
            for place, kept in found:
                yield self._outcome(place, kept, fresh=False)
            elsewhere = {cell.trial.key for cell in away}
            here = self._batches(cell for key, cell in missing.items() if key not in elsewhere)
            finished = itertools.chain.from_iterable(self._run(batch) for batch in here)
            processes = in_processes(self.runner, self._batches(away), self.jobs or torch.get_num_threads(), self._note)
            with contextlib.closing(processes):
                for cell, kept in itertools.chain(finished, processes):
                    self.store.add(cell.trial.key, kept, cell.subset)
                    for i, place in enumerate(places[cell.trial.key]):
                        yield self._outcome(place, kept, fresh=i == 0)
            return
        batches = {cell.trial.key: batch for batch in self._batches(missing.values()) for cell in batch}
        new: dict[str, Kept] = {}
        for place, cell in enumerate(self.cells):
            key = cell.trial.key
            fresh = key in new
            # looked up again: another process may have run it meanwhile
            kept = new.pop(key) if fresh else self.store.get(key)
            if kept is None and key not in self._failed:
                still = [c for c in batches.get(key, [cell]) if c is cell or self.store.get(c.trial.key) is None]
                for each, ran in self._run(still):
                    self.store.add(each.trial.key, ran, each.subset)
                    new[each.trial.key] = ran
                kept, fresh = new.pop(key, None), True
            if kept is not None:
                yield self._outcome(place, kept, fresh=fresh)

    def _away(self, missing: Sequence[Cell]) -> list[Cell]:
        """Choose the trials for processes of their own; the others run in this one."""
        if self.jobs is not None:
            return list(missing) if self.jobs > 1 else []
        # codes and graphs of frozen encoders are shared: those trials stay together here, with all threads
        trained = [cell for cell in missing if self._threads(cell.trial.contender) < torch.get_num_threads()]
        return trained if pays_to_start(trained) else []

    def _threads(self, contender: str) -> int:
        """Say with how many threads a contender's trials are run.

        They are part of a trial's key, so they depend on contender, machine and ``jobs``, not on what else is run.
        """
        if self.jobs is None:
            return threads_by_default(self.contenders[contender], self.spec.device)
        return threads_of_each(self.jobs)

    def _run(self, batch: Sequence[Cell]) -> list[tuple[Cell, Kept]]:
        """Run trials in this process."""
        with limited_threads(self._threads(batch[0].trial.contender)):
            try:
                return list(zip(batch, self.runner.run(batch), strict=True))
            except Exception as error:
                self._note(batch, error)
                return []

    def _note(self, batch: Sequence[Cell], error: Exception) -> None:
        self._failed |= {cell.trial.key: (cell, error) for cell in batch}

    def retrieval(self) -> list[Retrieval]:
        """Measure codes without any classifier, for every representation that is read frozen."""
        measured = {}
        for name in dict.fromkeys(name for part in self.spec.parts for name in part.contenders):
            contender = self.contenders[name]
            if contender.reads == "images" or contender.encoder is None:
                continue
            for encoder in self.encoders.get(contender.encoder, (None,)):
                told = contender.encoder + (" features" if contender.reads == "features" else "")
                if encoder is not None and len(self.encoders[contender.encoder]) > 1:
                    told += f", pretraining seed {encoder.pretrain_seed}"
                if told not in measured:
                    measured[told] = self.runner.retrieval(contender.encoder, encoder, contender.reads, told)
        return list(measured.values())

    def _batches(self, cells: Iterable[Cell]) -> list[list[Cell]]:
        """Put side by side the trials whose readout fits several samples at once; others stay alone."""

        def batch(cell: Cell) -> tuple[object, ...]:
            trial = cell.trial
            alone = trial.key if self.contenders[trial.contender].together is None else ""
            return trial.contender, trial.budget, trial.encoder_hash, alone

        return [list(group) for _, group in itertools.groupby(cells, key=batch)]

    def _outcome(self, place: int, kept: Kept, *, fresh: bool) -> Outcome:
        """Give a kept trial the words it has here: it may have been run under others."""
        trial, encoder = self.cells[place].trial, self.cells[place].encoder
        words = {"contender": trial.contender, "encoder": trial.encoder, "dataset": self.data.train.name}
        words |= {"pretraining": encoder.pretraining} if encoder is not None else {}
        return Outcome(dataclasses.replace(kept, row=kept.row.model_copy(update=words)), fresh, place)

    def _trial(self, name: str, contender: Contender, subset: Subset, encoder: PretrainedEncoder | None) -> Trial:
        return Trial(
            contender=name,
            budget=len(subset.indices),
            seed=subset.seed,
            subset=subset.hash,
            rule=subset.rule,
            reads=contender.reads,
            readout=contender.readout.__name__,
            settings=dict(sorted(contender.settings.items())),  # the order they are written in is no difference
            encoder=contender.encoder,
            # a floor is a function of the training images, which the trial names
            encoder_hash=contender.encoder if encoder is None else encoder.hash,
            data_fingerprint=self.data.train.fingerprint,
            scored_fingerprint=self.data.scored.fingerprint,
            scored_on=self.spec.scored_on,
            precision=self.spec.precision,
            device=self.spec.device,
            computed_with=f"{software()}, {self._threads(name)} threads",
            transductive=contender.transductive,
            pretrain_seed=None if encoder is None else encoder.pretrain_seed,
            looks=contender.looks,
        )
