"""The table of variance components, and in words what its numbers are."""

from collections.abc import Iterable, Sequence

from rich.table import Table

from ssl_irmae.protocols.statistics.variance import Component, VarianceComponents, variance_components
from ssl_irmae.protocols.storage.rows import Row

COMPONENTS_TITLE = "standard deviation of error by source, points"


def crossed_components(rows: Iterable[Row]) -> list[VarianceComponents]:
    """Estimate the components where there is something to show: contenders with several pretraining seeds."""
    return [c for c in variance_components(rows) if c.pretraining_seeds > 1]


def components_table(components: Sequence[VarianceComponents]) -> Table:
    """Build the table of components of variance, in points, of every contender and budget given."""
    head, *body = lay_out_components(components)
    table = Table(title=COMPONENTS_TITLE, title_justify="left", title_style="bold")
    table.add_column(head[0], overflow="fold")
    for name in head[1:]:
        table.add_column(name, justify="right", no_wrap=True)
    for line in body:
        table.add_row(*line)
    return table


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


def explain_components(components: Sequence[VarianceComponents]) -> list[str]:
    """Say in words what stands in the table of components, one entry a line of thought."""
    lines = [
        "Sources of spread: what each alone would give the error of one run, by the method of moments in the random-"
        "effects analysis of variance (Searle, Casella and McCulloch 1992); rough where subsets or encoders are few. "
        "Subset: the labelled images, with what the training seed that goes with them does alike to every encoder. "
        "Pretraining: the seed of the encoder. Residual: training and interactions, and what could not be told apart."
    ]
    given = [component for c in components for component in (c.subset, c.pretraining, c.residual)]
    if any(component is not None and component.raw < 0 for component in given):
        lines.append("0 without decimals: the estimate was negative, so the component is too small to be seen.")
    missing: dict[str, dict[str, None]] = {}
    for c in components:
        if c.why:
            missing.setdefault(c.why, {})[f"{c.contender} at {c.budget:,}"] = None
    lines += [f"No component (-) for {', '.join(where)}: {why}." for why, where in missing.items()]
    return lines
