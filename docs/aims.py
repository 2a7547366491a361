"""Test errors of `fused-propagate-prior` beside the aims that were set for it; docs/tables.py writes them."""

from pathlib import Path

from docs.markdown import table, with_error
from ssl_irmae.protocols.evaluation import read_results
from ssl_irmae.protocols.report.note import Kind
from ssl_irmae.protocols.report.tables.markdown import short_markdown
from ssl_irmae.protocols.storage.files import read_trials

FOLDER = Path(__file__).parent / "results" / "fused"
CONTENDER = "fused-propagate-prior"
AIMS = {
    ("mnist", 10): ("1.64", "1.0, worst below 2", "none below 1.64"),
    ("mnist", 100): ("1.49", "0.8", "0.57 (BAE-GC), 0.89 (Ladder), 0.91 (Triple-GAN)"),
    ("mnist", 1000): ("1.25", "0.7", "0.84 (Ladder)"),
    ("fashion-mnist", 10): ("not run", "30", "38 (transductive)"),
    ("fashion-mnist", 100): ("not run", "19", "24 (transductive)"),
    ("fashion-mnist", 1000): ("not run", "12", "19 at 800 labels (transductive)"),
}
"""By data set and labels: the lowest mean test error in percent before, the aim, and the best published."""
NOT_SHOWN: tuple[Kind, ...] = ("difference", "p value", "worth", "curves")  # columns that these tables do not have


def blocks() -> dict[str, str]:
    """Return the generated blocks by name; without its rows a block says so."""
    return {"aims": aims_table(), **{name: grid_table(name) for name in ("mnist", "fashion-mnist")}}


def grid_table(dataset: str) -> str:
    """Lay out every contender of a preset, with its notes."""
    path = FOLDER / dataset / "rows.csv"
    if not path.exists():
        return "Not run yet."
    report = read_results(path, preset=f"{dataset}-fused")
    notes = [f"- {note.text}" for note in report.notes if note.kind not in NOT_SHOWN]
    return "\n".join([short_markdown(report), "", *notes])


def aims_table() -> str:
    """Lay out every aim with the mean error, its standard error over subsets and the worst of them."""
    errors: dict[tuple[str, int], list[float]] = {}
    for path in sorted(FOLDER.glob("*/rows.csv")):
        for trial in read_trials(path):
            if trial.row.contender == CONTENDER:
                errors.setdefault((trial.row.dataset, int(trial.row.budget)), []).append(trial.row.error)
    lines = []
    for (dataset, labels), (before, aim, published) in AIMS.items():
        found = errors.get((dataset, labels), [])
        came_out = with_error(found) if found else "not run yet"
        worst = f"{max(found):.2f} of {len(found)}" if found else ""
        lines.append((f"{dataset}, {labels:,} labels", before, aim, published, came_out, worst))
    return table("error % | before | aim | best published | came out, ± SE over subsets | worst", lines)
