"""What figures of a report share: formats, markers, the contenders they draw, captions, and writing them."""

import io
import textwrap
from typing import TYPE_CHECKING, Any, Literal

from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.statistics.summary import Summary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Format = Literal["png", "svg", "pdf"]
FORMATS: tuple[Format, ...] = ("png", "svg", "pdf")
MARKERS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D", "plus": "P", "down": "v"}
_CAPTION = 7.5  # points


def drawn_summaries(report: Report) -> list[Summary]:
    """Return the summaries of the contenders that figures show."""
    return [s for s in report.summaries if s.contender in report.drawn]


def render(figure: "Figure", kind: Format, *, source: str) -> bytes:
    """Write a figure as PNG, SVG or PDF: the same bytes for the same figure, without the time of day.

    Args:
        figure: The figure.
        kind: Its format.
        source: What it was drawn from, such as a report's fingerprint. The file records it (PNG ``Source``, SVG
            ``dc:source``, PDF ``Keywords``), so that a figure that no longer agrees with the rows can be recognised.
    """
    import matplotlib as mpl

    stamps: dict[Format, dict[str, Any]] = {
        "png": {"Source": source},
        "svg": {"Date": None, "Source": source},
        "pdf": {"CreationDate": None, "Keywords": source},
    }
    buffer = io.BytesIO()
    # text stays text: it can be searched, and read aloud
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "ssl-irmae", "pdf.fonttype": 42}):
        figure.savefig(buffer, format=kind, dpi=160, metadata=stamps[kind], bbox_inches="tight", pad_inches=0.1)
    return buffer.getvalue()


def add_caption(figure: "Figure", text: str) -> None:
    """Write a caption below a figure, wrapped to its width."""
    width = int(figure.get_figwidth() * 72 / (0.54 * _CAPTION))  # characters per line
    lines = textwrap.fill(" ".join(text.split()), width)
    figure.text(0.008, -0.01, lines, ha="left", va="top", fontsize=_CAPTION, color="#444444")
