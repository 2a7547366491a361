"""Optional packages, which the user installs through an extra."""

import importlib.util

from ssl_irmae.errors import UserError

EXTRAS = {"pandas": "pandas"}
"""The package that each extra of pyproject.toml installs."""


def require(extra: str, purpose: str) -> None:
    """Check that the package of an extra is installed.

    Args:
        extra: Name of the extra.
        purpose: What needs it; the error message begins with it.

    Raises:
        UserError: If the package is missing; the message says how to install it.
    """
    package = EXTRAS[extra]
    if importlib.util.find_spec(package) is None:
        raise UserError(
            f"{purpose} needs the package {package}, which is not installed: pip install 'ssl-irmae[{extra}]'"
        )
