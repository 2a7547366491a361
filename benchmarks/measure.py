"""One measured quantity: all of its repeats, and their spread."""

import statistics
from collections.abc import Sequence
from typing import Any


def measure(
    what: str,
    unit: str,
    values: Sequence[float],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> dict[str, Any]:
    """Describe repeats of one quantity, and whether their median meets an aim.

    Args:
        what: The quantity.
        unit: The unit of the values; ``"x"`` for a ratio.
        values: One per repeat.
        at_least: The aim, if it is a lower bound.
        at_most: The aim, if it is an upper bound.

    Returns:
        The entry for the JSON. ``met`` is None without an aim.

    >>> measure("speed", "x", [2.0, 4.0, 3.0], at_least=2.5)["median"]
    3.0
    """
    median = statistics.median(values)
    bounds = [
        *([f">= {at_least:g}"] if at_least is not None else []),
        *([f"<= {at_most:g}"] if at_most is not None else []),
    ]
    met = (at_least is None or median >= at_least) and (at_most is None or median <= at_most)
    return {
        "what": what,
        "unit": unit,
        "values": [float(value) for value in values],
        "min": float(min(values)),
        "median": float(median),
        "max": float(max(values)),
        "aim": " and ".join(bounds),
        "met": met if bounds else None,
    }


def ratios(
    what: str,
    above: Sequence[float],
    below: Sequence[float],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> dict[str, Any]:
    """Divide two quantities repeat by repeat: interleaved runs see the same state of the machine.

    >>> ratios("ours to theirs", [4.0, 6.0], [2.0, 2.0])["values"]
    [2.0, 3.0]
    """
    return measure(what, "x", [a / b for a, b in zip(above, below, strict=True)], at_least=at_least, at_most=at_most)


def format_number(value: float) -> str:
    """Write a number to three significant digits, large ones with commas.

    >>> format_number(1355.2), format_number(0.1234), format_number(13.25)
    ('1,355', '0.123', '13.2')
    """
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.3g}"
