"""Reading files from the network."""

import http.client
import urllib.request

from ssl_irmae._support.progress import Fetched, Listener, silent

_TIMEOUT = 10  # seconds to wait for an answer


class FetchError(Exception):
    """A file could not be fetched from one source; the text says briefly why."""


def read_url(url: str, progress: Listener = silent) -> bytes:
    """Read the contents of an http(s) address.

    Args:
        url: The address.
        progress: Called with ``Fetched`` events: at 0 bytes, then at least once per mebibyte.

    Raises:
        FetchError: If it cannot be read completely.
    """
    if not url.startswith(("http://", "https://")):
        raise FetchError(f"{url} is not an http address")
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response:  # noqa: S310  # the scheme is checked above
            total = int(response.headers.get("Content-Length") or 0)
            data = bytearray()
            what = url.rsplit("/", 1)[-1]
            progress(Fetched(what, 0, total))
            while block := response.read(1 << 20):
                data += block
                progress(Fetched(what, len(data), total))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FetchError(f"{url}: {error}") from error
    if total and len(data) != total:
        raise FetchError(f"{url}: got {len(data)} of {total} bytes")
    return bytes(data)
