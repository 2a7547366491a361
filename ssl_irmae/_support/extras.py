"""Packages that only some parts need, and that the user installs by an extra."""

import importlib.util

from ssl_irmae.errors import UserError

EXTRAS = {"graph": "graphlearning"}
"""The package that each extra of pyproject.toml brings."""


def require(extra: str, purpose: str) -> None:
    """Refuse to go on if the package of an extra is not installed.

    Args:
        extra: Its name.
        purpose: What needs it, as the error's first word.

    Raises:
        UserError: If the package is missing; it says how to install it.
    """
    package = EXTRAS[extra]
    if importlib.util.find_spec(package) is None:
        raise UserError(
            f"{purpose} needs the package {package}, which is not installed: pip install 'ssl-irmae[{extra}]'"
        )
