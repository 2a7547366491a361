"""How far settings travel: Fashion-MNIST with its own beside those of MNIST; docs/tables.py writes it."""

import json
from collections.abc import Iterable
from pathlib import Path

from docs.claims import Comparison, Verdict, errors_by_place, verdicts
from docs.markdown import Row, read_rows, table, with_error
from docs.results.settings.choose import winners
from ssl_irmae.protocols.contenders.registry import CONTENDERS, SETTING_GROUPS
from ssl_irmae.protocols.report.note import join
from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.report.tables.cells import format_count, format_difference
from ssl_irmae.protocols.statistics.paired import paired_difference

ROWS = Path(__file__).parent / "results" / "settings" / "travel.csv"


def block(fashion: Report | None) -> str:
    """Return the generated block; without its rows it says so.

    Args:
        fashion: The grid of Fashion-MNIST, which has MNIST's settings.
    """
    if fashion is None or not ROWS.exists():
        return "Not run yet."
    rows = read_rows(ROWS.name, ROWS.parent.name)
    tried = {name for group in winners("fashion-mnist") for name in SETTING_GROUPS[group]}
    same = [name for name in fashion.styles if name in tried and not CONTENDERS[name].frozen]
    return travel_table(rows, fashion, [name for name in same if name not in {row["contender"] for row in rows}])


def travel_table(rows: Iterable[Row], fashion: Report, same: Iterable[str]) -> str:
    """Say which networks would have had other settings, and lay out their errors with both on the same subsets.

    Args:
        rows: Trials with settings chosen on Fashion-MNIST.
        fashion: The grid, with settings chosen on MNIST.
        same: Networks for which both data sets choose the same.
    """
    mnist = errors_by_place(fashion.rows())
    own: dict[tuple[str, int], dict[int, float]] = {}
    given: dict[str, str] = {}
    for row in rows:
        own.setdefault((row["contender"], int(row["budget"])), {})[int(row["seed"])] = float(row["error"])
        given[row["contender"]] = ", ".join(f"{name} {value:g}" for name, value in json.loads(row["given"]).items())
    lines = []
    changes: list[float] = []
    both: dict[tuple[str, int], dict[int, float]] = {}
    places: dict[Comparison, str] = {}
    for (name, budget), errors in own.items():
        difference = paired_difference(errors, mnist.get((name, budget), {}), "MNIST's")
        if difference is None:
            continue
        shared = {seed: error for seed, error in mnist[name, budget].items() if seed in errors}
        place = f"`{name}` at {budget:,}"
        cells = (
            given[name],
            with_error(list(shared.values())),
            with_error(list(errors.values())),
            format_difference(difference),
            format_count(difference.n),
        )
        lines.append((f"{place} labels", *cells))
        both |= {(name, budget): shared, (f"own {name}", budget): errors}
        changes.append(difference.mean)
        places[f"own {name}", name, budget] = place
    found: dict[Verdict | None, list[str]] = {}
    for compared, verdict in verdicts(both, list(places)).items():
        found.setdefault(verdict, []).append(places[compared])
    alike = [f"`{name}`" for name in same]
    untested = [place for verdict, several in found.items() if verdict and "mean" in verdict for place in several]
    sentences = [
        f"Own settings change mean errors by {min(changes):+.2f} to {max(changes):+.2f} points." if changes else "",
        f"The settings of {join(alike)} are the same on both." if alike else "",
        f"Their own make fewer errors for {join(found['fewer'])} labels." if "fewer" in found else "",
        f"They make more errors for {join(found['more'])} labels." if "more" in found else "",
        f"At {len(found['cannot tell'])} of {len(lines)} places one cannot tell." if "cannot tell" in found else "",
        f"At {len(untested)} runs are too few to test." if untested else "",
    ]
    head = "error % ± SE | its own | MNIST's settings | its own settings | Δ [95 %] | n"
    return "\n\n".join([" ".join(filter(None, sentences)), *([table(head, lines)] if lines else [])])
