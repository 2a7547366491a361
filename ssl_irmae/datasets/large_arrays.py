"""Images too large for memory: arrays and tensors like any other, whose pixels are in a file that is mapped.

The system reads the pages that are asked for and drops them again when memory is needed. A file that is made here has
no name: its space on the disk is freed with the array, also when the process is killed.
"""

import ctypes
import math
import mmap
import os
import shutil
import tempfile
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ssl_irmae._support.home import home, make_folder
from ssl_irmae._support.memory import fits
from ssl_irmae.errors import UserError

_CHUNK = 2**24  # bytes copied, resized or hashed at once
_MOST = 4096  # images


def empty(shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return an uninitialised uint8 array: in memory, or in a file below ``home()`` if it would take much of that.

    Raises:
        UserError: If the disk has no room for the file.
    """
    size = math.prod(shape)
    if fits(size):
        return np.empty(shape, np.uint8)
    folder = home()
    make_folder(folder)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            reserve(file.fileno(), size, str(folder))
            return np.memmap(file, np.uint8, "r+", shape=shape)
    except OSError as error:
        raise no_room(size, str(folder), error.strerror or str(error)) from error


def images_at_once(shape: tuple[int, ...]) -> int:
    """Return how many images (n, ...) of one byte per pixel are copied, resized or hashed at once: about 16 MB."""
    return max(1, min(_MOST, _CHUNK // math.prod(shape[1:])))


def reserve(file: int, size: int, folder: str) -> None:
    """Give a file its size on disk: where pages that are mapped found no room later, the process would be killed.

    Args:
        file: Descriptor of an empty file.
        size: Bytes.
        folder: Where it is.

    Raises:
        OSError: If there is no room.
    """
    if shutil.disk_usage(folder).free < size:
        raise OSError("the disk is full")
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:  # macOS
        os.truncate(file, size)


def no_room(size: int, folder: str, reason: str) -> UserError:
    """Return the error for images that fit neither into memory nor on the disk."""
    return UserError(
        f"{size / 1e9:,.1f} GB of images are too much for memory, and {folder} has no room for them ({reason}): free "
        "some, or set SSL_IRMAE_HOME to a folder on a larger disk"
    )


def contiguous(x: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return images (n, ...) as a contiguous array, ``x`` itself if it is one.

    If it would take much memory, it is enough that each image is in one piece, whatever the order of its axes.
    """
    if x.flags.c_contiguous:
        return x
    if not fits(x.nbytes) and min(x.strides) >= 0 and x.strides[0] >= x[0].nbytes:
        return x
    copied = empty(x.shape)
    step = images_at_once(x.shape)
    for start in range(0, len(x), step):
        copied[start : start + step] = x[start : start + step]
    return copied


def as_tensor(x: npt.NDArray[Any]) -> Tensor:
    """View an array as a tensor, copying only what torch cannot share: read-only memory and negative strides.

    What is read-only and would take much memory is shared too, such as a file that is mapped. Nothing may write to it.
    """
    if min(x.strides, default=0) < 0:
        return torch.from_numpy(x.copy())
    if x.flags.writeable:
        return torch.from_numpy(x)
    if fits(x.nbytes):
        return torch.from_numpy(x.copy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns that writing to it is undefined
        return torch.from_numpy(x)


def read_ahead(images: Tensor, positions: Tensor) -> None:
    """Have the system read some images of a file that is mapped, all at once and no others.

    Without it each is read when its pages are touched, one after the other, with some megabytes of its neighbours: in a
    random order they would drive out of memory what is read next.

    Args:
        images: Images (n, ...) on the CPU, each in one piece.
        positions: int64, shape (m,).
    """
    if not hasattr(mmap, "MADV_WILLNEED"):
        return
    madvise, size = ctypes.CDLL(None).madvise, images[0].nbytes
    stride = images.stride(0) * images.element_size()
    for position in positions.tolist():
        image = images.data_ptr() + position * stride
        page = image // mmap.PAGESIZE * mmap.PAGESIZE
        # it is advice: that it was not taken is no error
        madvise(ctypes.c_void_p(page), ctypes.c_size_t(image + size - page), mmap.MADV_WILLNEED)


def take(images: Tensor, positions: Tensor) -> Tensor:
    """Return ``images[positions]``, without copying if these are all images, and not in memory if they are too large.

    Args:
        images: Images (n, ...).
        positions: int64, shape (m,).
    """
    if len(positions) == len(images) and torch.equal(positions, torch.arange(len(images))):
        return images
    shape = (len(positions), *images.shape[1:])
    if images.dtype != torch.uint8 or fits(math.prod(shape)):
        return images[positions]
    taken = torch.from_numpy(empty(shape))
    step = images_at_once(images.shape)
    for chosen, out in zip(torch.split(positions, step), torch.split(taken, step), strict=True):
        out.copy_(images[chosen])
    return taken
