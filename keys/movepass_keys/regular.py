"""Opening a file whose name comes from somebody else: a regular file is opened, anything else refused, both at once.

A FIFO would wait for a writer, a device may never end, and a file of /proc says more than its size. So nothing is read
beyond the size that the file had when it was opened.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


class NotRegularError(OSError):
    """What has this name is no regular file."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(errno.EINVAL, "expected a regular file, not a pipe, a device or a folder", str(path))


class TooLargeError(OSError):
    """A file is larger than what it is said to be can be."""

    def __init__(self, path: str | Path, size: int, most: int) -> None:
        super().__init__(errno.EFBIG, f"expected at most {most:,} bytes, got {size:,}", str(path))


def open_regular(path: str | Path) -> tuple[BinaryIO, int]:
    """Open a regular file to be read, and tell its size.

    Raises:
        NotRegularError: it is something else.
        OSError: it can't be opened.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - a name may be bytes that are no text; opening some devices does something
            raise NotRegularError(path)
        descriptor = os.open(path, _FLAGS)
    except ValueError as e:
        raise OSError(errno.EINVAL, "expected a file's name, got one with a NUL", repr(str(path))) from e
    opened = os.fstat(descriptor)
    if not stat.S_ISREG(opened.st_mode):  # replaced in between
        os.close(descriptor)
        raise NotRegularError(path)
    return os.fdopen(descriptor, "rb"), opened.st_size


def read_regular(path: str | Path, most: int) -> bytes:
    """Read a regular file whole.

    Raises:
        NotRegularError: it is something else.
        TooLargeError: it has more than `most` bytes.
        OSError: it can't be read.
    """
    file, size = open_regular(path)
    with file:
        if size > most:
            raise TooLargeError(path, size, most)
        return file.read(size)
