"""Files that are there whole or not at all, whatever is killed, pulled out or full while they are written.

The data goes to a temporary file beside the path, down to the medium, and gets its name in one step; then the folder
goes down to the medium as well, so that the name outlives a power cut.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path

OWNER_ONLY = 0o600
TEMPORARY = ".new"
"""Ending of a file that is being written; its name begins with a dot."""
_MODE = 0o644
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS}
"""What file systems without hard links answer, such as a stick's FAT; there a name is taken first, and filled then."""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, or put another content in place of what it has. One writer of a path at a time.

    Raises:
        OSError: it can't be written; what was there before is there still.
    """
    temporary = path.with_name(f".{path.name}{TEMPORARY}")  # the next try takes the place of what a killed one left
    try:
        _write(temporary, os.O_TRUNC, data, _MODE)
        temporary.replace(path)
    except OSError as e:
        with suppress(OSError):
            temporary.unlink()
        raise _naming(path, e) from None
    _sync_folder(path.parent)


def write_new(path: Path, data: bytes, mode: int = _MODE) -> None:
    """Write a file that must not exist yet, whoever else may want to make it at the same time.

    Raises:
        FileExistsError: something has that name, if only a link that leads nowhere.
        OSError: it can't be written; nothing is there then.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}{TEMPORARY}")
    try:
        _write(temporary, os.O_EXCL, data, mode)
        try:
            os.link(temporary, path)  # unlike a rename, this refuses to replace
        except OSError as e:
            if e.errno not in _NO_LINKS:
                raise
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
            temporary.replace(path)
    except OSError as e:
        raise _naming(path, e) from None
    finally:
        with suppress(OSError):
            temporary.unlink()
    _sync_folder(path.parent)


def _naming(path: Path, error: OSError) -> OSError:
    """Tell the same by the file that was to be written: of the temporary one nobody knows."""
    return OSError(error.errno, error.strerror, str(path))


def _write(path: Path, flag: int, data: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | flag, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
