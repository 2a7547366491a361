"""The settings of rows that were fixed beforehand: which are searched for, and among which values."""

from collections.abc import Iterable

from ssl_irmae.protocols.contenders.candidates import SEARCHED
from ssl_irmae.protocols.contenders.contender import Setting
from ssl_irmae.protocols.contenders.registry import setting_group
from ssl_irmae.protocols.storage.rows import Row


def tuned_groups(rows: Iterable[Row]) -> dict[str, dict[str, Setting]]:
    """Return the settings of each group that a search, or a hand, chose on our development images.

    Left out are settings that were given with the command, and those that a paper fixed.
    """
    found: dict[str, dict[str, Setting]] = {}
    for row in rows:
        group = _group(row)
        if group is not None:
            names = [name for name in SEARCHED.get(group, row.settings) if name not in row.given]
            chosen = {name: row.settings[name] for name in names if name in row.settings}
            if chosen:
                found.setdefault(group, {}).update(chosen)
    return found


def of_plugins(rows: Iterable[Row]) -> dict[str, str]:
    """Return the contenders with settings that the author of a plug-in fixed, and the plug-in of each."""
    fixed = (row for row in rows if row.settings.keys() - row.given)
    return {row.contender: author for row in fixed if (author := row.settings_author)}


def untraced(rows: Iterable[Row]) -> list[str]:
    """Return the contenders with settings whose choice is not recorded: the public script's, and of plug-ins."""
    return list(dict.fromkeys(row.contender for row in rows if _group(row) is None and row.settings.keys() - row.given))


def _group(row: Row) -> str | None:
    ours = row.settings_from == "development images"
    return setting_group(row.contender, row.representation) if ours else None
