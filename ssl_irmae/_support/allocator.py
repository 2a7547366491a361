"""Memory that is freed stays with the process, where the C library can be told so."""

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # the names of mallopt(3) in glibc's malloc.h
_NEVER = 2**31 - 1  # bytes
_LARGE = (2**30, 2**25)  # bytes; glibc before 2.35 takes no more than the second


def keep_freed_memory() -> bool:
    """Tell glibc to reuse freed memory rather than to give it back to the system, for the rest of the process.

    A training step frees and allocates the same large tensors every time. glibc would fetch fresh pages for each, which
    the system has to fill with zeros first. The peak of memory stays what it was; it is only not given back. This
    changes the whole process, so that it is for programs to call, and for no import.

    Source: https://man7.org/linux/man-pages/man3/mallopt.3.html.

    Returns:
        Whether it was done; elsewhere than on glibc nothing is.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return any(mallopt(_MMAP_THRESHOLD, size) for size in _LARGE) and bool(mallopt(_TRIM_THRESHOLD, _NEVER))
