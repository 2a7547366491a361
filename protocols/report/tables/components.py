"""Components of variance as text, and what their numbers are."""

from collections.abc import Iterable, Sequence

from ssl_irmae.protocols.report.note import Note
from ssl_irmae.protocols.statistics.variance import Component, VarianceComponents, variance_components
from ssl_irmae.protocols.storage.rows import Row

COMPONENTS_TITLE = "standard deviation of error by source, points"


def crossed_components(rows: Iterable[Row]) -> list[VarianceComponents]:
    """Estimate the components where there is something to show: for contenders with several pretraining seeds."""
    return [c for c in variance_components(rows) if c.pretraining_seeds > 1]


def lay_out_components(components: Sequence[VarianceComponents]) -> list[list[str]]:
    """Lay components out as text: a head, then a line for each contender and budget, in points."""
    head = ["contender", "labels", "subsets", "encoders", "subset", "pretraining", "residual"]
    body = [
        [
            c.contender,
            f"{c.budget:,}",
            str(c.subsets),
            str(c.pretraining_seeds),
            *map(format_component, (c.subset, c.pretraining, c.residual)),
        ]
        for c in components
    ]
    return [head, *body]


def format_component(component: Component | None) -> str:
    """Write a component as a standard deviation; one whose estimate was negative is 0, without decimals."""
    if component is None:
        return "-"
    return "0" if component.raw < 0 else f"{component.points:.2f}"


def component_notes(components: Sequence[VarianceComponents]) -> list[Note]:
    """Return the notes on the table of components."""
    texts = [
        "Sources of spread: the standard deviation that each source alone would give the error of one run, by the "
        "method of moments in the random-effects analysis of variance (Searle, Casella and McCulloch 1992); rough if "
        "there are few subsets or encoders. "
        "Subset: what is labelled, and any effect of their training seed that is the same for every encoder. "
        "Pretraining: the seed of the encoder. Residual: training and interactions, and what could not be separated."
    ]
    estimates = [component for c in components for component in (c.subset, c.pretraining, c.residual)]
    if any(component is not None and component.raw < 0 for component in estimates):
        texts.append("0 without decimals: the estimate was negative, so the component is too small to be seen.")
    missing: dict[str, dict[str, None]] = {}
    for c in components:
        if c.why:
            missing.setdefault(c.why, {})[f"{c.contender} at {c.budget:,}"] = None
    texts += [f"No component (-) for {', '.join(where)}: {why}." for why, where in missing.items()]
    return [Note("components", text) for text in texts]
