"""Whether the value chosen for a setting is the smallest or the largest that was tried."""

from ssl_irmae.datasets.reading import listed
from ssl_irmae.protocols.contenders.candidates import LEAST, SEARCHED
from ssl_irmae.protocols.contenders.contender import Setting
from ssl_irmae.protocols.report.checks.check import PASSED, Check, Evidence, Result, failed, unknown
from ssl_irmae.protocols.report.checks.tuned import tuned_groups, untraced
from ssl_irmae.protocols.report.note import join


def setting_at_edge(evidence: Evidence) -> Result:
    """Find settings beyond which nothing was tried."""
    groups = tuned_groups(evidence.rows)
    edges = {
        group: [
            _describe(name, value, SEARCHED[group][name]) for name, value in settings.items() if _at(group, name, value)
        ]
        for group, settings in groups.items()
        if group in SEARCHED
    }
    found = {group: settings for group, settings in edges.items() if settings}
    by_hand = [*(group for group in groups if group not in SEARCHED), *untraced(evidence.rows)]
    not_told = f"{join(by_hand)}: no candidates are recorded." if by_hand else ""
    if found:
        details = f"{'; '.join(f'{group}: {join(settings)}' for group, settings in found.items())}."
        return failed(
            f"At the edge of what was tried: settings of {listed(list(found), 3)}.",
            f"At the edge of what was tried: {details} {not_told}".strip(),
        )
    return unknown(not_told) if by_hand else PASSED


def _at(group: str, name: str, value: Setting) -> bool:
    """Return whether a value is an end of its search, or outside it, and could lie further out."""
    tried = SEARCHED[group][name]
    return isinstance(value, int | float) and not min(tried) < value < max(tried) and value != LEAST.get(name)


def _describe(name: str, value: Setting, tried: object) -> str:
    assert isinstance(tried, list)
    return f"{name.replace('_', ' ')} {value:g} (tried {', '.join(f'{each:g}' for each in tried)})"


SETTING_AT_EDGE = Check(
    "setting at the edge of its search",
    setting_at_edge,
    looks_for="Fixed settings whose value is the smallest or the largest that was tried; of two candidates, one always "
    "is. Settings given with the command are not looked at, nor values that cannot be smaller, such as one "
    "neighbour. Where candidates are not recorded it cannot be told.",
    why="A better value may lie beyond the edge, so the contender may be better than it looks; if it is the baseline, "
    "that flatters all others.",
    remedy="Try values beyond the edge on development images, and choose again.",
)
