"""Freed memory stays with the process, where the C library can be made to keep it."""

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # mallopt(3)'s numbers in glibc's malloc.h
_NEVER = 2**31 - 1  # bytes
_LARGE = (2**30, 2**25)  # bytes; glibc before 2.35 accepts only the second


def keep_freed_memory() -> bool:
    """Make glibc reuse freed memory instead of returning it to the system, for the rest of the process.

    Every training step frees and allocates the same large tensors. By default glibc fetches fresh pages for each, which
    the system must first fill with zeros. Peak memory stays the same; it is just not returned. This changes the
    whole process, so programs may call it, but no import may.

    Source: https://man7.org/linux/man-pages/man3/mallopt.3.html.

    Returns:
        Whether it was done; without glibc nothing is.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return any(mallopt(_MMAP_THRESHOLD, size) for size in _LARGE) and bool(mallopt(_TRIM_THRESHOLD, _NEVER))


def return_freed_memory() -> None:
    """Return freed memory to the system all the same, once: what is needed next may be of other sizes."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
