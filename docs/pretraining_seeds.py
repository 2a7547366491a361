"""The tables of docs/results/pretraining-seeds, from the rows beside them; docs/tables.py writes them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from docs.grids import METHODS
from docs.markdown import table
from ssl_irmae.protocols.report.tables.cells import format_error
from ssl_irmae.protocols.report.tables.components import component_notes, crossed_components, lay_out_components
from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix, error_matrices
from ssl_irmae.protocols.statistics.intervals import POINTS, t_interval, without_rounding
from ssl_irmae.protocols.statistics.method_interval import error_of_runs, paired_lines
from ssl_irmae.protocols.statistics.summary import summarise
from ssl_irmae.protocols.storage.files import read_trials
from ssl_irmae.protocols.storage.rows import Row

FOLDER = Path(__file__).parent / "results" / "pretraining-seeds"
SHOWN = (
    *(f"{method}-{readout}" for readout in ("linear", "poisson-prior") for method in METHODS),
    *("fused-poisson-prior", "irmae-propagate", "fused-propagate-prior"),
)
"""The others are in the rows."""
PAIRS = (
    *(
        (f"irmae-{readout}", f"{method}-{readout}")
        for readout in ("linear", "poisson-prior")
        for method in ("ae", "vae")
    ),
    ("irmae-propagate", "irmae-poisson-prior"),
    ("fused-propagate-prior", "irmae-propagate"),
)
"""Chosen before any encoder of another seed had been evaluated: what README says of one encoder each."""


def blocks() -> dict[str, str]:
    """Return the generated blocks by name; without its rows a block says so."""
    return {dataset: _block(FOLDER / f"{dataset}.csv.gz") for dataset in ("mnist", "fashion-mnist")}


def seeds_table(rows: Sequence[Row]) -> str:
    """Lay out errors of one encoder and of several, and what each source adds to the error of one run.

    Args:
        rows: Of encoders of several pretraining seeds, 0 among them, on the same subsets.
    """
    one = {(s.contender, s.budget): s for s in summarise([r for r in rows if not r.pretrain_seed], baseline="")}
    several = {(s.contender, s.budget): s for s in summarise(rows, baseline="")}
    components = crossed_components(rows)
    lines = []
    for c, (*_, subset, pretraining, residual) in zip(components, lay_out_components(components)[1:], strict=True):
        place = (c.contender, c.budget)
        cells = (f"`{c.contender}`, {c.budget:,} labels", format_error(one[place]), format_error(several[place]))
        lines.append((*cells, subset, pretraining, residual))
    larger = [
        c for c in components if c.pretraining is not None and c.subset is not None and c.pretraining.raw > c.subset.raw
    ]
    said = f"Pretraining spreads errors more than the choice of labels does in {len(larger)} of {len(components)} rows."
    head = "error % ± SE | seed 0 | three seeds | SD: subset | SD: pretraining | SD: residual"
    notes = [f"- {note.text}" for note in component_notes(components)]
    return "\n".join([said, "", table(head, lines), "", *notes])


def differences_table(rows: Sequence[Row]) -> str:
    """Lay out differences between contenders, of one encoder each and of several, and say how many are still decided.

    They are paired by subset and pretraining seed. The interval of several covers both draws.

    Args:
        rows: Of encoders of several pretraining seeds, 0 among them, on the same subsets.
    """
    matrices = error_matrices(rows)
    lines, verdicts = [], []
    for contender, other in PAIRS:
        for budget in sorted({budget for budget, _ in matrices}):
            if not {(budget, contender), (budget, other)} <= matrices.keys():
                continue
            differences = _differences(matrices[budget, contender], matrices[budget, other])
            cells, signs = zip(*(_judge(each) for each in (differences[:, :1], differences)), strict=True)
            lines.append((f"`{contender}` - `{other}`, {budget:,} labels", str(len(differences)), *cells))
            verdicts.append(signs)
    decided = [one for one, _ in verdicts if one]
    stand = sum(one == three for one, three in verdicts if one)
    added = sum(not one and bool(three) for one, three in verdicts)
    others = len(verdicts) - len(decided)
    said = (
        f"With one encoder of each method {len(decided)} of {len(verdicts)} differences are decided: their 95 % "
        f"intervals, each for one comparison alone, leave out 0. Over three seeds that holds for {stand} of these, in "
        f"the same direction{f', and for {added} of the other {others}' if others else ''}."
    )
    head = "difference in error, points [95 %] | subsets | seed 0 | three seeds"
    return "\n".join([said, "", table(head, lines)])


def _differences(matrix: ErrorMatrix, other: ErrorMatrix) -> npt.NDArray[np.float64]:
    lines, of_other = paired_lines(matrix, other)
    return without_rounding(matrix.errors[lines] - other.errors[of_other])


def _judge(differences: npt.NDArray[np.float64]) -> tuple[str, int]:
    """Write a mean difference with its interval, and return its sign; 0 if it is not certain."""
    mean, error = float(differences.mean()), error_of_runs(differences, one_subset=False)
    if error is None or not error.points:
        return f"{mean:+.2f}", 0
    low, high = t_interval(mean, error, within=POINTS)
    return f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]", int(low > 0) - int(high < 0)


def _block(path: Path) -> str:
    if not path.exists():
        return "Not run yet."
    rows = [trial.row for trial in read_trials(path) if trial.row.contender in SHOWN]
    rows.sort(key=lambda row: (SHOWN.index(row.contender), row.budget))
    missing = [f"`{name}`" for name in SHOWN if name not in {row.contender for row in rows}]
    lacking = f"Not run yet: {', '.join(missing)}.\n\n" if missing else ""
    return f"{lacking}{differences_table(rows)}\n\n{seeds_table(rows)}"
