"""What a report says, before it is written as tables, figures or a page."""

import functools
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssl_irmae._support.extras import require
from ssl_irmae._support.files import write_atomically
from ssl_irmae.errors import unknown_name
from ssl_irmae.protocols.contenders.registry import CONTENDERS, DEFAULT_BASELINE
from ssl_irmae.protocols.duplicates import Duplicates
from ssl_irmae.protocols.report.answer import answer_in_words, target_in_words
from ssl_irmae.protocols.report.checks.check import Evidence
from ssl_irmae.protocols.report.checks.finding import Finding, run_checks
from ssl_irmae.protocols.report.checks.registry import read_codes
from ssl_irmae.protocols.report.drawn import choose_drawn
from ssl_irmae.protocols.report.note import Note
from ssl_irmae.protocols.report.notes import table_notes
from ssl_irmae.protocols.report.provenance import provenance_notes
from ssl_irmae.protocols.report.styles import Style, styles_of
from ssl_irmae.protocols.report.subset_notes import scored_images
from ssl_irmae.protocols.report.tables.cells import what_leads, who_leads
from ssl_irmae.protocols.report.tables.comparisons import comparison_note
from ssl_irmae.protocols.representations.clustering import Clustering
from ssl_irmae.protocols.representations.retrieval import Retrieval
from ssl_irmae.protocols.statistics.best import probabilities_best
from ssl_irmae.protocols.statistics.curve_summary import CurveSummary, summarise_curves
from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix, error_matrices
from ssl_irmae.protocols.statistics.folds import pool_folds
from ssl_irmae.protocols.statistics.label_equivalence import label_equivalences
from ssl_irmae.protocols.statistics.learning_curve import LabelsNeeded
from ssl_irmae.protocols.statistics.summary import Comparison, Summary, compare, summarise
from ssl_irmae.protocols.storage.rows import FinishedTrial, Row, mistakes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Report:
    """One protocol, summarised.

    Args:
        trials: By budget, contender and seed.
        baseline: The contender that differences are taken to.
        summaries: Summaries of every contender at every budget.
        styles: How every contender is drawn.
        drawn: The contenders that figures show.
        drawn_because: Who chose those, in words; empty if the report did.
        comparisons: The comparisons that the protocol declared.
        notes: What the numbers are.
        checks: What every numbered check found.
        provenance: Which data chose what, and who saw what when.
        commands: The commands that made it.
        retrieval: The quality of codes without any classifier, if it was measured.
        clustering: How far clusters that were found without a label agree with the classes, if it was measured.
        duplicates: Which images occur more than once; None if that is not known.
        run: What a run of ``evaluate`` measured of itself, such as seconds by stage; empty for trials from a file.
        target_error: The error, percent, of which it says how many labels each contender needs; None if none was asked.
    """

    trials: tuple[FinishedTrial, ...]
    baseline: str
    summaries: tuple[Summary, ...]
    styles: dict[str, Style]
    drawn: tuple[str, ...]
    drawn_because: str
    comparisons: tuple[Comparison, ...]
    notes: tuple[Note, ...]
    checks: tuple[Finding, ...]
    provenance: tuple[Note, ...]
    commands: tuple[str, ...] = ()
    retrieval: tuple[Retrieval, ...] = ()
    clustering: tuple[Clustering, ...] = ()
    duplicates: Duplicates | None = None
    run: Mapping[str, Any] = field(default_factory=dict)
    target_error: float | None = None

    def rows(self) -> list[Row]:
        """Return the row of every trial."""
        return [trial.row for trial in self.trials]

    @functools.cached_property
    def pooled(self) -> list[Row]:
        """The rows, with one row in the place of the folds of a seed."""
        return pool_folds(self.rows())

    def to_frame(self) -> "pd.DataFrame":
        """Return the rows as a tidy pandas table: one line per trial, one column per fact.

        Raises:
            UserError: If pandas is not installed.
        """
        require("pandas", "`to_frame`")
        import pandas as pd

        return pd.DataFrame([row.model_dump() for row in self.rows()])

    def plot(self) -> "Axes":
        """Draw mean error against the number of labels, and return the axes; ``.figure`` is the whole figure."""
        from ssl_irmae.protocols.report.figures.error_against_labels import error_against_labels

        return error_against_labels(self).axes[0]

    def save_html(self, path: str | Path) -> None:
        """Write one self-contained page with curves, tables and the trials behind every point."""
        from ssl_irmae.protocols.report.page.page import html_page

        write_atomically(Path(path), html_page(self))

    @functools.cached_property
    def equivalences(self) -> dict[tuple[int, str], LabelsNeeded]:
        """How many labels of the baseline every error is worth, by budget and contender."""
        return label_equivalences(self.rows(), baseline=self.baseline)

    @functools.cached_property
    def curves(self) -> list[CurveSummary]:
        """Every contender over all budgets, with the labels that the target error takes."""
        return summarise_curves(self.rows(), baseline=self.baseline, target=self.target_error)

    @functools.cached_property
    def best(self) -> dict[tuple[int, str], float]:
        """How likely each contender is the best of its kind, by budget and contender; the leaky are none."""
        return {
            key: share
            for summaries in self.kinds.values()
            for key, share in probabilities_best(
                self.rows(), {s.contender for s in summaries if not self.styles[s.contender].leaky}
            ).items()
        }

    @functools.cached_property
    def matrices(self) -> dict[tuple[int, str], ErrorMatrix]:
        """Errors by budget and contender."""
        return error_matrices(self.rows())

    @functools.cached_property
    def leading(self) -> set[tuple[int, str]]:
        """Who comes first of its kind at each budget, which tables show in bold: budgets and contenders."""
        kinds = self.kinds.values()
        return {place for summaries in kinds for place in who_leads(self.matrices, summaries, self.styles)}

    @property
    def leads_by(self) -> str:
        """What those that come first have, in words."""
        return what_leads(self.summaries, self.leading, self.styles)

    @functools.cached_property
    def answer(self) -> list[str]:
        """The answer, in a few sentences computed from the rows."""
        sentences = answer_in_words(
            self.summaries, self.styles, self.equivalences, self.best, self.matrices, baseline=self.baseline
        )
        if self.target_error is None:
            return sentences
        return [*target_in_words(self.curves, self.styles, self.target_error, baseline=self.baseline), *sentences]

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 of every trial and its outcome, the baseline and what is drawn: what tables and figures show."""
        rows = sorted(f"{row.contender} {row.key} {row.error} {row.predictions}" for row in self.rows())
        return hashlib.sha256(json.dumps([self.baseline, self.drawn, rows]).encode()).hexdigest()

    @property
    def kinds(self) -> dict[str, list[Summary]]:
        """Summaries of the inductive contenders and of the transductive, which never share a table; none is empty."""
        kinds: dict[str, list[Summary]] = {"inductive": [], "transductive": []}
        for s in self.summaries:
            kinds["transductive" if self.styles[s.contender].transductive else "inductive"].append(s)
        return {kind: summaries for kind, summaries in kinds.items() if summaries}

    @property
    def budgets(self) -> list[int]:
        """Numbers of labels, ascending."""
        return sorted({trial.row.budget for trial in self.trials})

    @property
    def environments(self) -> list[dict[str, object]]:
        """Where trials were computed, once each."""
        found: list[dict[str, object]] = []
        for trial in self.trials:
            if trial.environment and trial.environment not in found:
                found.append(trial.environment)
        return found

    @property
    def seconds_by_contender(self) -> dict[str, float]:
        """Seconds that each contender's trials took, as far as they are known."""
        seconds: dict[str, float] = {}
        for trial in self.trials:
            if not math.isnan(trial.seconds):
                seconds[trial.row.contender] = seconds.get(trial.row.contender, 0.0) + trial.seconds
        return {name: round(total, 3) for name, total in seconds.items()}

    @property
    def title(self) -> str:
        """The data set, what was scored and how subsets were drawn."""
        row = self.pooled[0]
        rules = " and ".join(sorted({t.row.rule for t in self.trials} - {"full"}))
        subsets = f", {rules} subsets" if rules else ""
        return f"{row.dataset}: error on {row.n_scored:,} {scored_images(row)}{subsets}"

    @property
    def left_out(self) -> str:
        """Which contenders the figures do not show, in words; empty if they show all."""
        left_out = self.styles.keys() - set(self.drawn)
        if not left_out:
            return ""
        if self.drawn_because:
            how = self.drawn_because
        elif all(self.styles[name].marks for name in left_out):
            how = "all but those that are transductive or leaky"
        else:
            how = (
                "by default the baseline, the best frozen readout of each representation and the best network of "
                "each way of training, by their errors in this very table"
            )
        return f"Drawn: {len(self.drawn)} of {len(self.styles)} contenders, {how}. The tables hold all."

    def __str__(self) -> str:
        """The answer, the tables and the short notes, as wide as the terminal or the notebook; see ``report_text``."""
        from ssl_irmae.protocols.report.text import report_text

        return report_text(self)

    def __repr__(self) -> str:
        return f"<Report of {len(self.trials):,} trials: {' '.join(self.answer)}>"

    def _repr_html_(self) -> str:
        from ssl_irmae.protocols.report.text import report_html

        return report_html(self)


def make_report(
    trials: Sequence[FinishedTrial],
    *,
    baseline: str | None = None,
    order: Sequence[str] = tuple(CONTENDERS),
    drawn: Sequence[str] = (),
    drawn_because: str = "named by the user",
    comparisons: Sequence[tuple[str, str]] = (),
    notes: Sequence[Note] = (),
    commands: Sequence[str] = (),
    retrieval: Sequence[Retrieval] = (),
    clustering: Sequence[Clustering] = (),
    duplicates: Duplicates | None = None,
    target_error: float | None = None,
    ignore: str | Sequence[str] = (),
) -> Report:
    """Summarise the trials of one protocol.

    Args:
        trials: As ``keep_newest`` leaves them.
        baseline: None stands for ``"supervised"`` or, where that was not run, the first contender that is not leaky.
        order: The order of contenders; others follow as they appear.
        drawn: The contenders that figures show; a few by default.
        drawn_because: Who chose those, in words.
        comparisons: Pairs of contenders that the protocol declared, run or not.
        notes: Further notes.
        commands: The commands that made it.
        retrieval: The quality of codes without any classifier.
        clustering: How far clusters that were found without a label agree with the classes.
        duplicates: Which images occur more than once, if that is known.
        ignore: Codes of checks to ignore, such as ``"SSI010"``.
        target_error: An error in percent, of which it says how many labels each contender needs.

    Raises:
        UserError: If a contender that is named has no trial, or a code belongs to no check.
    """
    ignored = read_codes(ignore)
    names = list(dict.fromkeys(trial.row.contender for trial in trials))
    names.sort(key=[*order, *names].index)
    for name in [*([] if baseline is None else [baseline]), *drawn]:
        if name not in names:
            raise unknown_name("contender", name, names)
    if baseline is None:
        single = {trial.row.contender for trial in trials if trial.row.test_peeks == 1}
        honest = single - {trial.row.contender for trial in trials if trial.row.transductive} or single or set(names)
        baseline = next(name for name in (DEFAULT_BASELINE, *names) if name in honest)
    ordered = sorted(trials, key=lambda t: (t.row.budget, names.index(t.row.contender), t.row.seed, t.row.fold or 0))
    rows = [trial.row for trial in ordered]
    wrong = mistakes(trials)
    summaries = summarise(rows, baseline=baseline, wrong=wrong)
    styles = styles_of(sorted(rows, key=lambda row: names.index(row.contender)))
    compared = compare(rows, comparisons, wrong)
    all_notes = table_notes(rows, summaries, baseline=baseline)
    if compared:
        all_notes.append(comparison_note(len(comparisons)))
    evidence = Evidence(rows, summaries, baseline, compared, len(comparisons), duplicates, wrong)
    return Report(
        tuple(ordered),
        baseline,
        tuple(summaries),
        styles,
        tuple(dict.fromkeys(drawn))
        if drawn
        else tuple(choose_drawn(summaries, styles, error_matrices(rows), baseline)),
        drawn_because if drawn else "",
        tuple(compared),
        (*all_notes, *notes),
        run_checks(evidence, ignored),
        tuple(provenance_notes(ordered)),
        tuple(commands),
        tuple(retrieval),
        tuple(clustering),
        duplicates,
        {},
        target_error,
    )
