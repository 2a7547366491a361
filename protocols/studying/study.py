"""What a study lists, as plain data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.studying.encoder_settings import EncoderSettings
from ssl_irmae.protocols.studying.measure import Measure
from ssl_irmae.protocols.subsets import Rule

if TYPE_CHECKING:
    from ssl_irmae.protocols.studying.results import Results

CHOOSING_SEED = 1000
"""Pretraining seed of the encoders that candidates are chosen by; no result is of it. Where they are chosen by errors,
the seeds of the labelled subsets are those of the study, plus this."""

FULL_STEPS = 7815
"""Optimiser steps of each pretraining of a full form: five epochs of MNIST without the images that are held out. The
recipe's ten take twice as long, and changed errors of four layers by at most 1.2 points (docs/results/rank)."""

_FLOORS = {"pixels": "pixels", "untrained encoder": "random"}
"""By what a study calls them: what contenders call them."""


@dataclass(frozen=True)
class Level:
    """One level of the factor that a study varies, or one combination of levels of two.

    Args:
        name: What tables and figures call it, such as ``"depth 4"``.
        candidates: How its encoder is pretrained. Of several, the one stands for the level whose encoder of
            ``CHOOSING_SEED`` is best by the study's ``chosen_by``, on each data set. None where nothing is pretrained.
        at: Where it stands on a numeric axis; None where levels are names.
        line: What is joined by one line in figures, such as the method where widths are varied; empty if all are.
        rule: How its labelled subsets are drawn.
        contenders: What is scored, by a name that comes after that of the level; None for the study's ``readouts`` of
            the encoder. Contenders with a representation, such as pixels, keep it; others read the encoder, if there
            is one.
    """

    name: str
    candidates: tuple[EncoderSettings, ...] = ()
    at: float | None = None
    line: str = ""
    rule: Rule = "balanced"
    contenders: Mapping[str, Contender] | None = None

    @property
    def slug(self) -> str:
        """The name as part of a contender's.

        >>> Level("depth 4").slug
        'depth-4'
        """
        return "-".join("".join(c if c.isalnum() or c == "." else " " for c in self.name).split()).lower()


@dataclass(frozen=True)
class Panel:
    """One panel of a study's figure.

    Args:
        columns: Names of what is drawn, as ``Results`` knows it; the first is solid, the second dashed and hollow.
        log: Whether its axis is logarithmic.
        against: The column of its horizontal axis; None for the levels.
        log_against: Whether that is logarithmic; of levels the study says it.
    """

    columns: tuple[str, ...]
    log: bool = False
    against: str | None = None
    log_against: bool = False


@dataclass(frozen=True)
class Study:
    """What is compared, what is measured, and how the answer is written: a question as data.

    On every data set, every level is pretrained from every seed, on the training images that remain when the
    development images are held out. Two kinds of thing are then known of it: what ``measures`` say of each encoder, on
    the held-out images, and errors: ``readouts`` of its frozen codes, as ordinary trials on labelled subsets, scored
    on the held-out images. Test images are never loaded for scoring. All of it is kept and resumed.

    How questions become studies:

    - one factor, such as depth or initial scale: a level for each value, with ``at``; a name where it is none;
    - two, such as method and code width: a level for each pair, with ``line`` for the one that is not on the axis;
    - "at their best", such as optimisers or penalties, tuned alike: several ``candidates`` per level and ``chosen_by``;
    - about the protocol, such as how subsets are drawn: levels with the same encoder and another ``rule``, or with
      ``contenders`` of their own, which may have other settings or leak on purpose;
    - what is derived, such as the smallest width that reaches an error, or components of variance: ``answer`` computes
      it from the ``Results``, which have every value by pretraining seed and subset;
    - a number that is not measured yet: a ``Measure`` whose function stands in the study's file, or in ``measures`` if
      several studies have it.

    Args:
        title: What it is about, a few words.
        question: The question, one sentence with its question mark.
        levels: What is compared.
        datasets: Names of data sets with labels.
        seeds: Seeds of the pretraining: five where a run is short, three where it is long.
        answer: Returns the answer from the results: sentences, the first of which answers the question.
        measures: What is measured of each encoder.
        readouts: Names of readouts of its codes.
        budgets: Numbers of labels.
        subsets: Seeds of the labelled subsets, which nothing was chosen on.
        steps: Optimiser steps of each pretraining.
        chosen_by: Column by which candidates are chosen, the lowest.
        panels: The figure.
        axis: What levels are, along the axis.
        log: Whether the axis of levels is logarithmic.
    """

    title: str
    question: str
    levels: tuple[Level, ...]
    datasets: tuple[str, ...]
    seeds: tuple[int, ...]
    answer: "Callable[[Results], Sequence[str]]"
    measures: tuple[Measure, ...] = ()
    readouts: tuple[str, ...] = ("linear",)
    budgets: tuple[int, ...] = (100,)
    subsets: tuple[int, ...] = tuple(range(2000, 2010))
    steps: int = FULL_STEPS
    chosen_by: str = "mse"
    panels: tuple[Panel, ...] = ()
    axis: str = ""
    log: bool = False

    @property
    def floors(self) -> tuple[Level, ...]:
        """What encoders have to beat, with the same readouts; none where levels have contenders of their own."""
        frozen = [readout for readout in self.readouts if f"pixels-{readout}" in CONTENDERS]
        if not self.budgets or not frozen or all(level.contenders is not None for level in self.levels):
            return ()
        return tuple(
            Level(title, contenders={readout: CONTENDERS[f"{floor}-{readout}"] for readout in frozen})
            for title, floor in _FLOORS.items()
        )

    @property
    def encoders(self) -> int:
        """How many encoders are pretrained at most, those that candidates are chosen by included."""
        distinct = {level.candidates for level in self.levels if level.candidates}
        return len(self.datasets) * (len(distinct) * len(self.seeds) + self._tried)

    @property
    def measurements(self) -> int:
        """How often an encoder is measured and scored: of one that several levels have, once for each."""
        pretrained = sum(len(self.seeds) if level.candidates else 1 for level in self.levels)
        return len(self.datasets) * (pretrained + self._tried)

    @property
    def _tried(self) -> int:
        return sum(len(level.candidates) for level in self.levels if len(level.candidates) > 1)


def error_column(readout: str, budget: int) -> str:
    """Name the column of an error.

    >>> error_column("linear", 1000)
    'linear, 1,000 labels'
    """
    return f"{readout}, {budget:,} label{'s' * (budget != 1)}"
