"""The tables of docs/results/pretraining-seeds, from the rows beside them; docs/tables.py writes them."""

from collections.abc import Sequence
from pathlib import Path

from docs.few_labels import table
from docs.grids import METHODS
from ssl_irmae.protocols.report.tables.cells import format_error
from ssl_irmae.protocols.report.tables.components import component_notes, crossed_components, lay_out_components
from ssl_irmae.protocols.statistics.summary import summarise
from ssl_irmae.protocols.storage.files import read_trials
from ssl_irmae.protocols.storage.rows import Row

FOLDER = Path(__file__).parent / "results" / "pretraining-seeds"
SHOWN = (
    *(f"{method}-{readout}" for readout in ("linear", "poisson-prior") for method in METHODS),
    *("fused-poisson-prior", "irmae-propagate", "fused-propagate-prior"),
)
"""The others are in the rows."""


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
    said = (
        f"Pretraining spreads errors more than the choice of labels does at {len(larger)} of {len(components)} places."
    )
    head = "error % ± SE | seed 0 | three seeds | SD: subset | SD: pretraining | SD: residual"
    notes = [f"- {note.text}" for note in component_notes(components)]
    return "\n".join([said, "", table(head, lines), "", *notes])


def _block(path: Path) -> str:
    if not path.exists():
        return "Not run yet."
    rows = [trial.row for trial in read_trials(path) if trial.row.contender in SHOWN]
    return seeds_table(sorted(rows, key=lambda row: SHOWN.index(row.contender)))
