"""What a study has found: values by data set, level, pretraining seed and subset; means, and paired differences."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ssl_irmae.protocols.statistics.intervals import StandardError, standard_error, t_interval, without_rounding
from ssl_irmae.protocols.statistics.method_interval import error_of_runs
from ssl_irmae.protocols.studying.study import Study, error_column

Floats = npt.NDArray[np.float64]


class Value(NamedTuple):
    """One number.

    Args:
        dataset: Name of the data set.
        level: Name of the level.
        pretrain_seed: Seed of the pretraining; None where nothing was pretrained.
        what: Name of the measure or, of an error, of the readout or contender.
        labels: Number of labels; None for what is measured of an encoder.
        subset: Seed of the labelled subset, likewise.
        value: The number, of errors in percent; None where it is not defined.
        seconds: How long it took; NaN if not known.
        encoder: Hash of the encoder; empty without one.
    """

    dataset: str
    level: str
    pretrain_seed: int | None
    what: str
    labels: int | None
    subset: int | None
    value: float | None
    seconds: float
    encoder: str

    @property
    def column(self) -> str:
        """The column that it is in: the name of the measure, or that of the error."""
        return self.what if self.labels is None else error_column(self.what, self.labels)


class Pretraining(NamedTuple):
    """One pretraining of a level.

    Args:
        dataset: Name of the data set.
        level: Name of the level or, of a candidate that others were tried beside, that with its settings.
        pretrain_seed: Its seed.
        settings: What the encoder is.
        steps: Optimiser steps.
        seconds: How long it took.
        on_plateau: Whether it ended on the plateau, where reconstructions are no better than the mean picture.
        failed: Why it has no result; empty if it has.
        encoder: Hash of the encoder; empty if there is none.
    """

    dataset: str
    level: str
    pretrain_seed: int
    settings: str
    steps: int
    seconds: float
    on_plateau: bool
    failed: str
    encoder: str


def name_tried(level: str, settings: str) -> str:
    """Name a candidate of a level."""
    return f"{level}: {settings}"


def level_tried(name: str) -> str:
    """Return the level of a candidate, or the name of a level itself.

    >>> level_tried(name_tried("wide", "ae, latent dim 8")), level_tried("wide")
    ('wide', 'wide')
    """
    return name.partition(": ")[0]


class Mean(NamedTuple):
    """A mean over pretraining seeds and subsets.

    Args:
        mean: The mean.
        error: Its standard error, which covers both; None for a single value.
        seeds: Number of pretraining seeds, 1 where nothing was pretrained.
    """

    mean: float
    error: float | None
    seeds: int


class Gap(NamedTuple):
    """A paired difference between two levels.

    Args:
        mean: Mean of one minus the other, over what both have.
        low: Lower end of the 95 % interval; None for a single pair, or if all pairs differ alike.
        high: Upper end.
        pairs: Number of pretraining seeds that are paired, 1 where nothing was pretrained.
    """

    mean: float
    low: float | None
    high: float | None
    pairs: int

    @property
    def known(self) -> bool:
        """Whether the interval leaves no doubt about the sign."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


class Lowest(NamedTuple):
    """The levels of the lowest mean.

    Args:
        level: The level of the lowest mean.
        mean: That mean.
        others: Levels that cannot be told from it, with paired intervals of 95 % each.
    """

    level: str
    mean: Mean
    others: tuple[str, ...]


class Results:
    """Every value that a study has found.

    Args:
        study: What was compared.
        name: Name of the study.
        values: The values; those of levels that the study does not have are of candidates.
        encoders: The pretrainings, likewise.
    """

    def __init__(self, study: Study, name: str, values: Sequence[Value], encoders: Sequence[Pretraining]) -> None:
        self.study = study
        self.name = name
        # as they are saved: the time on a page that is made again is the same
        self.values = [v._replace(seconds=round(v.seconds, 3)) for v in values]
        self.encoders = list(encoders)

    @cached_property
    def settings(self) -> dict[tuple[str, str], str]:
        """What the encoders of a level are, by data set and level."""
        return {(each.dataset, each.level): each.settings for each in self.encoders}

    @cached_property
    def steps(self) -> list[int]:
        """The optimiser steps of pretrainings, in the order of the data sets."""
        return list(dict.fromkeys(each.steps for each in self.encoders))

    @property
    def pretraining_seconds(self) -> float:
        """Seconds of all pretrainings, those of candidates included; of an encoder that several levels have, once."""
        return sum({each.encoder: each.seconds for each in self.encoders}.values())

    def of(self, dataset: str, level: str) -> list[Pretraining]:
        """Return the pretrainings of a level."""
        return [each for each in self.encoders if (each.dataset, each.level) == (dataset, level)]

    @property
    def floors(self) -> list[str]:
        """Names of the floors: what encoders have to beat."""
        return [level.name for level in self.study.floors]

    @property
    def levels(self) -> list[str]:
        """Names of the levels, in the order of the study."""
        return [level.name for level in self.study.levels]

    def learned(self, dataset: str) -> list[str]:
        """List the levels none of whose encoders ended on the plateau, where codes say nothing and their rank is 1."""
        return [level for level in self.levels if not any(each.on_plateau for each in self.of(dataset, level))]

    @cached_property
    def columns(self) -> list[str]:
        """What there is: the names of measures, then those of errors."""
        found = dict.fromkeys(value.column for value in self.values)
        measures = [measure.name for measure in self.study.measures if measure.name in found]
        return list(dict.fromkeys([*measures, *found]))

    def title(self, column: str) -> str:
        """Return what a sentence calls a column, after "the"."""
        measure = next((m for m in self.study.measures if m.name == column), None)
        return f"error of {column.replace(', ', ' with ', 1)}" if measure is None else measure.title

    def head(self, column: str) -> str:
        """Return what stands above a column, or beside an axis: the title, with the unit of an error."""
        return self.title(column) + (", %" if self.is_error(column) else "")

    def is_error(self, column: str) -> bool:
        """Return whether a column has errors, in percent."""
        return column not in [measure.name for measure in self.study.measures]

    def digits(self, column: str) -> int:
        """Return the decimal places of a column."""
        return next((m.digits for m in self.study.measures if m.name == column), 2)

    def matrix(self, column: str, level: str, dataset: str) -> tuple[Floats, list[int | None], list[int | None]]:
        """Return values, shape (subsets, pretraining seeds), with the seeds of both; those that all subsets have."""
        cells = self._cells.get((column, level, dataset), {})
        subsets, seeds = list(dict.fromkeys(s for s, _ in cells)), list(dict.fromkeys(p for _, p in cells))
        whole = [p for p in seeds if all((s, p) in cells for s in subsets)]
        values = np.array([[cells[s, p] for p in whole] for s in subsets])
        return values.reshape(len(subsets), len(whole)), subsets, whole

    @cached_property
    def _cells(self) -> dict[tuple[str, str, str], dict[tuple[int | None, int | None], float]]:
        cells: dict[tuple[str, str, str], dict[tuple[int | None, int | None], float]] = {}
        for v in self.values:
            if v.value is not None:
                cells.setdefault((v.column, v.level, v.dataset), {})[v.subset, v.pretrain_seed] = v.value
        return cells

    def mean(self, column: str, level: str, dataset: str) -> Mean | None:
        """Return a mean with its standard error over pretraining seeds and subsets; None if there is no value.

        By the rule ``"first"`` all subsets are the same: the error is over pretraining seeds alone.
        """
        values, _, seeds = self.matrix(column, level, dataset)
        if not values.size:
            return None
        error = _error_of(values, one_subset=self._is_one_subset(level))
        return Mean(float(values.mean()), None if error is None else error.points, len(seeds))

    def by_seed(self, column: str, level: str, dataset: str) -> list[float]:
        """Return the mean over subsets for each pretraining seed."""
        values, _, _ = self.matrix(column, level, dataset)
        return [float(each) for each in values.mean(axis=0)] if values.size else []

    def gap(self, column: str, level: str, other: str, dataset: str) -> Gap | None:
        """Return the difference of two levels, paired by pretraining seed and subset; None if nothing is shared.

        What has no pretraining, such as pixels, is paired with every pretraining seed. Subsets that were drawn by
        different rules are no pairs, whatever their seeds: pretraining seeds alone are.
        """
        a, subsets_a, seeds_a = self.matrix(column, level, dataset)
        b, subsets_b, seeds_b = self.matrix(column, other, dataset)
        if seeds_a == [None]:
            a, seeds_a = np.repeat(a, len(seeds_b), axis=1), seeds_b
        if seeds_b == [None]:
            b, seeds_b = np.repeat(b, len(seeds_a), axis=1), seeds_a
        same_rule = self._rule(level) == self._rule(other)
        subsets, seeds = [s for s in subsets_a if s in subsets_b], [p for p in seeds_a if p in seeds_b]
        if not seeds or (same_rule and not subsets):
            return None
        a, b = a[:, [seeds_a.index(p) for p in seeds]], b[:, [seeds_b.index(p) for p in seeds]]
        if same_rule:
            differences = a[[subsets_a.index(s) for s in subsets]] - b[[subsets_b.index(s) for s in subsets]]
            doubt = _error_of(without_rounding(differences), one_subset=self._is_one_subset(level))
            mean, doubts = float(differences.mean()), [] if doubt is None else [doubt]
        else:
            mean, doubts = float(a.mean() - b.mean()), []
            if len(seeds) > 1:
                doubts.append(standard_error(without_rounding(a.mean(axis=0) - b.mean(axis=0))))
            for errors, drawn in ((a, not self._is_one_subset(level)), (b, not self._is_one_subset(other))):
                if drawn and len(errors) > 1:
                    doubts.append(standard_error(errors.mean(axis=1)))
        # that no spread was seen does not make the mean certain
        low, high = t_interval(mean, *doubts) if any(doubt.points > 0 for doubt in doubts) else (None, None)
        return Gap(mean, low, high, len(seeds))

    def _rule(self, level: str) -> str:
        return next((known.rule for known in (*self.study.levels, *self.study.floors) if known.name == level), "")

    def _is_one_subset(self, level: str) -> bool:
        return self._rule(level) == "first"

    def lowest(self, column: str, dataset: str, levels: Iterable[str] | None = None) -> Lowest | None:
        """Find the level of the lowest mean, and the others that cannot be told from it; None if none has a value."""
        named = self.levels if levels is None else list(levels)
        means = {level: mean for level in named if (mean := self.mean(column, level, dataset)) is not None}
        if not means:
            return None
        best = min(means, key=lambda level: means[level].mean)
        gaps = {level: self.gap(column, level, best, dataset) for level in means if level != best}
        doubtful = (level for level, gap in gaps.items() if gap is None or not gap.known or gap.mean <= 0)
        return Lowest(best, means[best], tuple(doubtful))


def _error_of(values: Floats, *, one_subset: bool) -> StandardError | None:
    """Return the standard error of a mean over subsets and pretraining seeds, shape (S, P); None for one value."""
    return error_of_runs(values, one_subset=one_subset or len(values) == 1)
