"""The table of variance components, and in words what its numbers are."""

from collections.abc import Iterable, Sequence

from rich.table import Table

from ssl_irmae.protocols.results import Row
from ssl_irmae.protocols.variance import Component, VarianceComponents, variance_components


def crossed_components(rows: Iterable[Row]) -> list[VarianceComponents]:
    """Estimate the components where there is something to show: contenders with several pretraining seeds."""
    return [c for c in variance_components(rows) if c.pretraining_seeds > 1]


def components_table(components: Sequence[VarianceComponents]) -> Table:
    """Build the table of components of variance, in points, of every contender and budget given."""
    table = Table(title="standard deviation of error by source, points", title_justify="left", title_style="bold")
    table.add_column("contender", overflow="fold")
    for name in ("labels", "subsets", "encoders", "subset", "pretraining", "residual"):
        table.add_column(name, justify="right", no_wrap=True)
    for c in components:
        sources = (format_component(component) for component in (c.subset, c.pretraining, c.residual))
        table.add_row(c.contender, f"{c.budget:,}", str(c.subsets), str(c.pretraining_seeds), *sources)
    return table


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
