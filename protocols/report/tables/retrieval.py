"""The table of retrieval quality."""

from collections.abc import Sequence

from rich.table import Table

from ssl_irmae.protocols.representations.retrieval import Retrieval


def retrieval_table(measured: Sequence[Retrieval]) -> Table:
    """Build the table of what each code does without a classifier, percent, higher is better."""
    title = "Retrieval among the scored images, %, by Euclidean distance; no classifier, no label learned from"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("representation", no_wrap=True)
    for heading in ("precision@1", "R-precision", "MAP@R", "NMI", "AMI"):
        table.add_column(heading, justify="right", no_wrap=True)
    for m in measured:
        numbers = (m.precision_at_1, m.r_precision, m.map_at_r, m.nmi, m.ami)
        table.add_row(m.representation, *(f"{number:.2f}" for number in numbers))
    return table
