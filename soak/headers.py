"""Headers that claim what the rest of a file does not hold: any shape, size, type and length."""

import io
import struct
import tempfile
import time
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import hypothesis
from hypothesis import strategies as st

from soak.fault import Case, Fault
from soak.workshop import Workshop
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.errors import UserError

_EXAMPLES = 500  # of each kind
_LONGEST = 10.0  # seconds
_MOST = 2**28  # bytes for a file of a few hundred

_sides = st.one_of(st.integers(0, 40), st.integers(0, 2**32 - 1), st.sampled_from([2**31, 2**32 - 1, 2**16]))
_body = st.binary(max_size=300)


@st.composite
def npy(draw: st.DrawFn) -> bytes:
    """Draw an array file of numpy whose header says anything."""
    kind = draw(st.sampled_from(["|u1", "<f4", "<i8", "|O", "<U4", "|V9", "<c16", "[('a', '<f4')]", "<U999999999"]))
    shape = tuple(draw(st.lists(st.integers(-2, 2**70) | _sides, max_size=5)))
    descr = kind if kind.startswith("[") else repr(kind)
    text = draw(st.sampled_from([
        f"{{'descr': {descr}, 'fortran_order': {draw(st.booleans())}, 'shape': {shape}, }}",
        f"{{'descr': {descr}, 'shape': {shape}, }}", "[" * 2000, "__import__('os').getpid()", "9" * 5000,
    ]))  # fmt: skip
    major = draw(st.sampled_from([1, 1, 1, 2, 3, 200]))
    length = draw(st.just(len(text)) | st.integers(0, 65535))
    packed = struct.pack("<H" if major == 1 else "<I", length)
    return b"\x93NUMPY" + bytes([major, 0]) + packed + text.encode("latin1") + draw(_body)


@st.composite
def npz(draw: st.DrawFn) -> bytes:
    """Draw an archive whose members, and whose directory, say anything."""
    buffer = io.BytesIO()
    names = st.sampled_from(["images.npy", "labels.npy", "rows.npy", "test_images.npy", "../images.npy", "/etc/x.npy"])
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")  # a name may come twice
        for name in draw(st.lists(names, min_size=1, max_size=3)):
            method = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]))
            archive.writestr(name, draw(npy()), compress_type=method)
    return _with_edits(draw, buffer.getvalue())


@st.composite
def idx(draw: st.DrawFn) -> bytes:
    """Draw an IDX file whose header says anything."""
    sides = draw(st.lists(_sides, max_size=5))
    count = draw(st.just(len(sides)) | st.integers(0, 255))
    return (
        bytes([0, 0, draw(st.sampled_from([8, 12, 13, 0, 255])), count])
        + struct.pack(f">{len(sides)}I", *sides)
        + draw(_body)
    )


@st.composite
def png(draw: st.DrawFn) -> bytes:
    """Draw a PNG file whose chunks say anything."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        length = draw(st.just(len(data)) | st.integers(0, 2**32 - 1))
        return struct.pack(">I", length) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = draw(_sides), draw(_sides)
    rest = bytes(draw(st.integers(0, 255)) for _ in range(5)) if draw(st.booleans()) else b"\x08\x00\x00\x00\x00"
    pixels = zlib.compress(bytes(draw(st.integers(0, 2000))))
    kinds = draw(st.lists(st.sampled_from([b"IDAT", b"PLTE", b"tEXt", b"iCCP", b"acTL", b"fcTL", b"zTXt"]), max_size=4))
    chunks = [chunk(b"IHDR", struct.pack(">II", *size) + rest), *(chunk(kind, pixels) for kind in kinds)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


def _with_edits(draw: st.DrawFn, content: bytes) -> bytes:
    """Overwrite a few places, often sizes in the directory of an archive."""
    edited = bytearray(content)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, max(0, len(edited) - 4)))
        edited[place : place + 4] = struct.pack("<I", draw(_sides))
    return bytes(edited)


FILES: dict[str, tuple[st.SearchStrategy[bytes], str]] = {
    "npz": (npz(), "a.npz"),
    "npy": (npy(), "a.npz"),
    "idx": (idx(), "train-images-idx3-ubyte"),
    "png": (png(), "pictures/a.png"),
}
"""What is drawn, and where it lies."""


def judge(content: bytes, file: str) -> None:
    """Read a file, which must give images, or a ``UserError`` of one line, in little time and memory.

    Raises:
        Exception: If it gives anything else.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        began = time.monotonic()
        try:
            load_images(path.parent if path.suffix == ".png" else path, image_size=8)
        except UserError as error:
            if "\n" in str(error):
                raise AssertionError(f"more than one line: {error}") from error
        if time.monotonic() - began > _LONGEST:
            raise AssertionError("it took too long")


def try_headers(name: str, examples: int, seed: int) -> None:
    """Read so many drawn files of a kind.

    Raises:
        Exception: What the first that is not as it should be gives.
    """
    strategy, file = FILES[name]
    settings = hypothesis.settings(
        max_examples=examples, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )

    @hypothesis.seed(seed)
    @settings
    @hypothesis.given(strategy)
    def check(content: bytes) -> None:
        judge(content, file)

    check()


def cases(workshop: Workshop) -> Iterator[Case]:
    """Read files whose headers hypothesis draws."""
    for name in FILES:
        yield name, partial(_headers, workshop, name)


def _headers(workshop: Workshop, name: str) -> Fault:
    examples = workshop.number(_EXAMPLES)
    before = _peak()
    try:
        try_headers(name, examples, workshop.seed)
    except Exception as error:  # whatever a reader raises is a finding
        return Fault("headers", name, examples, unexplained=1, note=f"{type(error).__name__}: {error}"[:300])
    return Fault("headers", name, examples, greedy=int(_peak() - before > _MOST))


def _peak() -> int:
    import resource

    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
