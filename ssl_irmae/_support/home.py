"""The folder below which everything is kept that outlives a command: data, encoders, codes."""

import os
import tempfile
from pathlib import Path

from ssl_irmae.errors import UserError


def home() -> Path:
    """Return the folder of all caches: ``$SSL_IRMAE_HOME``, or one in the user's cache."""
    import platformdirs

    if chosen := os.environ.get("SSL_IRMAE_HOME"):
        return Path(chosen)
    try:
        return platformdirs.user_cache_path("ssl-irmae")
    except RuntimeError:  # there is no home folder: older versions return a path in "~" as it is
        return Path("~/.cache/ssl-irmae")


def make_folder(folder: Path) -> None:
    """Create a folder of a cache if it does not exist, and check that files can be written into it.

    Args:
        folder: A folder below ``home()``, or one of data that the user keeps elsewhere.

    Raises:
        UserError: If it cannot be written to; the message says how to move it.
    """
    try:
        if folder.parts[:1] == ("~",):
            raise OSError("there is no home folder")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        remedy = (
            "set SSL_IRMAE_HOME to a folder that is writable; data, encoders and codes are all kept below it"
            if folder.is_relative_to(home())
            else "set SSL_IRMAE_DATA_DIR to a folder that is writable"
        )
        raise UserError(f"{folder} cannot be written to ({error.strerror or error}): {remedy}") from error
