"""One self-contained HTML page of a report, which requests nothing from the network."""

import base64
import dataclasses
import importlib.resources
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import jinja2
from markupsafe import Markup

from ssl_irmae.protocols.report.checks.finding import counted
from ssl_irmae.protocols.report.classes import lay_out_classes
from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.report.styles import group_by_representation
from ssl_irmae.protocols.report.subset_notes import scored_images
from ssl_irmae.protocols.report.tables.cells import format_labels, format_labels_interval
from ssl_irmae.protocols.report.tables.comparisons import pivot_comparisons
from ssl_irmae.protocols.report.tables.components import crossed_components, lay_out_components
from ssl_irmae.protocols.report.tables.curves import lay_out_curves
from ssl_irmae.protocols.report.text import text_html
from ssl_irmae.protocols.statistics.learning_curve import LabelsNeeded
from ssl_irmae.protocols.statistics.summary import Over, Summary, summarise
from ssl_irmae.protocols.storage.rows import Row, mistakes

_OF_A_TRIAL = {"contender", "budget", "seed", "error", "subset", "predictions"}
_NOT_SHOWN = {"class_errors", "balanced_error"}  # of which the page has the means
_ONE: dict[Over, str] = {
    "subsets": "subset",
    "divisions into folds": "division into folds",
    "training seeds": "training seed",
    "pretraining seeds": "pretraining seed",
    "subsets x pretraining seeds": "subset x pretraining seeds",
    "divisions into folds x pretraining seeds": "division into folds x pretraining seeds",
}


@dataclass(frozen=True)
class Picture:
    """A finished figure that the page shows as it is.

    Args:
        title: Heading above the figure.
        caption: Text below it, which is also its alternative text.
        png: The figure as PNG.
    """

    title: str
    caption: str
    png: bytes


def html_page(report: Report, *, pictures: Sequence[Picture] = ()) -> str:
    """Write the page.

    Every statistic in it comes from ``summarise``; its script only shows them. It holds differences to the baseline and
    to each contender that the figures draw.

    Args:
        report: What the page shows.
        pictures: Figures to show below the table.
    """
    rows, pooled = report.rows(), report.pooled
    here = importlib.resources.files("ssl_irmae.protocols.report.page")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["coded"] = lambda text: Markup(text_html(text))  # noqa: S704 (escaped there)
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}
    template = environment.from_string((here / "page.html.j2").read_text(encoding="utf-8"))
    return template.render(
        report=report,
        first=pooled[0],
        scored=scored_images(pooled[0]),
        groups=group_by_representation(report.styles),
        # files of this package, the only text that is not escaped
        style=Markup((here / "page.css").read_text(encoding="utf-8")),  # noqa: S704
        script=Markup((here / "page.js").read_text(encoding="utf-8")),  # noqa: S704
        data=page_data(report),
        comparisons=pivot_comparisons(report.comparisons) if report.comparisons else [],
        classes=lay_out_classes(pooled, report.drawn),
        curves=lay_out_curves(report),
        components=lay_out_components(crossed_components(rows)),
        counted=counted(report.checks),
        pictures=[(p, base64.b64encode(p.png).decode()) for p in pictures],
    )


def page_data(report: Report) -> dict[str, object]:
    """Collect what the page's script shows: each contender, subset and setting once, elsewhere its index."""
    rows, wrong = report.rows(), mistakes(report.trials)
    names = list(report.styles)
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row.contender, row)
    baselines = list(dict.fromkeys((report.baseline, *report.drawn)))
    differences = {
        name: _differences(
            report.summaries if name == report.baseline else summarise(rows, baseline=name, wrong=wrong), names
        )
        for name in baselines
    }
    subsets = list(dict.fromkeys(row.subset for row in rows))
    of_subset = {subset: i for i, subset in enumerate(subsets)}
    contexts: dict[str, int] = {}
    trials = []
    for trial in report.trials:
        context = trial.row.model_dump_json(exclude=_OF_A_TRIAL | _NOT_SHOWN)
        trials.append(
            [
                names.index(trial.row.contender),
                trial.row.budget,
                trial.row.seed,
                trial.row.error,
                contexts.setdefault(context, len(contexts)),
                of_subset[trial.row.subset],
                trial.row.predictions,
                None if math.isnan(trial.seconds) else round(trial.seconds, 2),
            ]
        )
    return {
        "budgets": report.budgets,
        "baseline": report.baseline,
        "leads_by": report.leads_by,
        "floor": 50 / report.pooled[0].n_scored,
        "contenders": [
            {
                "name": name,
                "label": style.marked(name),
                "reads": first[name].reads,
                "drawn": name in report.drawn,
                **dataclasses.asdict(style),
            }
            for name, style in report.styles.items()
        ],
        "summaries": [
            {
                "c": names.index(s.contender),
                "b": s.budget,
                "mean": s.mean,
                "leads": (s.budget, s.contender) in report.leading,
                "se": s.standard_error,
                "sd": s.standard_deviation,
                "low": s.low,
                "high": s.high,
                "method": [s.method_low, s.method_high],
                "median": s.median,
                "tenth": s.worst_tenth,
                "worst": s.worst,
                "best": report.best.get((s.budget, s.contender)),
                "n": s.n,
                "over": _ONE[s.over] if s.n == 1 else s.over,
                **_worth(report.equivalences.get((s.budget, s.contender))),
            }
            for s in report.summaries
        ],
        "differences": differences,
        "subsets": subsets,
        "contexts": [json.loads(context) for context in contexts],
        "trials": trials,
    }


def _worth(found: LabelsNeeded | None) -> dict[str, object]:
    """Give the number of labels to sort by, and as text; infinity is no JSON."""
    if found is None:
        return {"worth": None, "labels": ""}
    text = f"{format_labels(found)} {format_labels_interval(found)}".strip()
    return {"worth": min(found.labels, found.last + 1), "labels": text}


def _differences(summaries: Sequence[Summary], names: Sequence[str]) -> list[dict[str, object]]:
    return [
        {
            "c": names.index(s.contender),
            "b": s.budget,
            "mean": s.difference.mean,
            "low": s.difference.low,
            "high": s.difference.high,
            "method": [s.difference.method_low, s.difference.method_high],
            "n": s.difference.n,
            "p": s.difference.p,
            "holm": s.difference.p_holm,
        }
        for s in summaries
        if s.difference is not None
    ]
