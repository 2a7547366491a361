"""A picture without its metadata: text, times and colour profiles that are damaged must not cost the pixels."""

import struct
from typing import BinaryIO

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNKS = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"eXIf", b"acTL", b"fcTL", b"fdAT"}
"""What pixels, transparency, orientation and further frames are in."""


def without_metadata(stream: BinaryIO) -> bytes | None:
    """Return the content of a PNG file without the chunks that hold no pixels; None if it is of another format.

    Pillow reads all chunks, and gives up at the first that is damaged or too long.

    Source: PNG specification, third edition (W3C, 2025), sections 5 and 11, https://www.w3.org/TR/png-3/.
    """
    stream.seek(0)
    if stream.read(len(_PNG)) != _PNG:
        return None
    content = stream.read()
    kept, start = [_PNG], 0
    while start + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, start)
        end = start + 12 + length
        if kind in _PNG_CHUNKS:
            kept.append(content[start:end])
        start = end
    return b"".join(kept)
