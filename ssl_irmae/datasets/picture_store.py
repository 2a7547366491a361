"""The pixels of the pictures of a folder while it is read: what becomes of one depends on all of them."""

import contextlib
import math
import tempfile
from collections.abc import Iterator
from typing import Self

from PIL import Image

from ssl_irmae._support.home import home, make_folder
from ssl_irmae._support.memory import fits
from ssl_irmae.datasets.large_arrays import no_room

_ASK_EVERY = 2**22  # bytes after which it is asked again whether there is memory
_BYTES = {"L": 1, "RGB": 3, "RGBA": 4, "F": 4}  # per pixel

_Form = tuple[str, tuple[int, int]]


class PictureStore:
    """Decoded pictures one after another: in memory or, once they would take much of that, in a file without a name.

    Args:
        file: Where they are, empty at first.
    """

    def __init__(self, file: tempfile.SpooledTemporaryFile[bytes]) -> None:
        self._file = file
        self._forms: list[_Form] = []
        self._known: dict[_Form, _Form] = {}  # one object of each kind, however many pictures there are
        self._size = self._asked = 0
        self._on_disk = False

    def add(self, image: Image.Image) -> None:
        """Keep a picture of mode L, RGB, RGBA or F.

        Raises:
            UserError: If there is room neither in memory nor on the disk.
        """
        content = image.tobytes()
        try:
            self._file.write(content)
            self._size += len(content)
            form = image.mode, image.size
            self._forms.append(self._known.setdefault(form, form))
            if not self._on_disk and self._size - self._asked > _ASK_EVERY:
                self._asked = self._size
                if not fits(self._size):
                    make_folder(home())
                    self._file.rollover()
                    self._on_disk = True
        except OSError as error:
            raise no_room(self._size, str(home()), error.strerror or str(error)) from error

    @classmethod
    @contextlib.contextmanager
    def opened(cls) -> Iterator[Self]:
        """Give a store that is emptied at the end of a block."""
        with tempfile.SpooledTemporaryFile(dir=str(home())) as file:
            yield cls(file)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the first, and of all others where they have one size."""
        return self._forms[0][1]

    def __iter__(self) -> Iterator[Image.Image]:
        """Yield the pictures in the order in which they were added."""
        self._file.seek(0)
        for mode, size in self._forms:
            yield Image.frombytes(mode, size, self._file.read(math.prod(size) * _BYTES[mode]))
