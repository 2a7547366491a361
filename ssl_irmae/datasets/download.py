"""Reading from the network, with progress."""

import http.client
import urllib.request
from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with what is being fetched, bytes so far, and bytes in all (0 where the server does not say)."""


class FetchError(Exception):
    """One road to a file did not lead there; the text says why in a few words."""


def no_progress(what: str, done: int, total: int) -> None:
    """Report nothing."""


def read_url(url: str, progress: Progress = no_progress, timeout: float = 10) -> bytes:
    """Read what an http(s) address holds.

    Args:
        url: The address.
        progress: Called at least once a mebibyte.
        timeout: Seconds without an answer after which to give up.

    Raises:
        FetchError: If it cannot be read whole.
    """
    if not url.startswith(("http://", "https://")):
        raise FetchError(f"{url} is no http address")
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:  # noqa: S310  # the scheme is checked above
            total = int(response.headers.get("Content-Length") or 0)
            data = bytearray()
            while block := response.read(1 << 20):
                data += block
                progress(url.rsplit("/", 1)[-1], len(data), total)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FetchError(f"{url}: {error}") from error
    if total and len(data) != total:
        raise FetchError(f"{url}: got {len(data)} of {total} bytes")
    return bytes(data)
