"""Versions of the layouts of files: what a later version wrote is refused in one sentence, not taken for damaged."""

import json

from ssl_irmae.errors import UserError


def refuse_later(where: str, version: object, known: int) -> None:
    """Check the version that a file names.

    Args:
        where: The file; the error message begins with it.
        version: What it names; anything but a whole number is for whoever reads the file to refuse.
        known: The latest version that can be read.

    Raises:
        UserError: If it is a later one.

    >>> refuse_later("config.json", 1, 1)
    """
    if isinstance(version, int) and version > known:
        raise UserError(
            f"{where} was written by a later ssl-irmae (format {version}, this one knows up to {known}): update "
            "ssl-irmae"
        )


def format_of(document: bytes, *, having: str) -> object:
    """Return the field ``format`` of a JSON object that has another field too; None of anything else.

    >>> format_of(b'{"format": 2, "classes": []}', having="classes")
    2
    """
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        return None
    return found.get("format") if isinstance(found, dict) and having in found else None
