"""What the user gives: a payload, as text or picture; requests, as JSON or JSON Lines; where files shall go."""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from movepass_keys import files

STDIN = "-"
_TEXT_READ_BYTES = 65536
"""Far more than a payload's text; what is longer is refused for its length all the same."""

_PICTURES = (b"\x89PNG", b"%PDF")
"""How pictures begin."""
_HEAD_BYTES = 8


class InputError(Exception):
    """Input that can't be read."""

    is_input = True


def payload_text(given: str) -> str:
    """Turn the INPUT argument into a payload's text.

    A path that exists, or a name that ends like a picture's, is a picture; "-" is text on stdin; everything else is
    the text itself. CR and LF at its end go, as scanners send them; nothing else does: base45 has a space.

    Raises:
        ImageError: a picture without exactly one QR code.
    """
    if given == STDIN:
        return sys.stdin.buffer.read(_TEXT_READ_BYTES).decode(errors="replace").rstrip("\r\n")
    from movepass_verifier.image import IMAGE_ENDINGS, read_qr  # noqa: PLC0415 - reading text needs no pictures

    if given.lower().endswith(IMAGE_ENDINGS) or _exists(given):
        return read_qr(Path(given))
    return given.rstrip("\r\n")


def _exists(given: str) -> bool:
    try:
        return bool(given) and Path(given).exists()
    except (OSError, ValueError):  # a text too long for a path, or with a NUL
        return False


@contextmanager
def open_requests(given: str) -> Iterator[BinaryIO]:
    """Open the file of requests, or stdin.

    Raises:
        InputError: it can't be read.
    """
    if given == STDIN:
        yield sys.stdin.buffer
        return
    try:
        file = Path(given).open("rb")  # noqa: SIM115 - closed below; only the opening is in the try
    except OSError as e:
        raise InputError(f"can't read {given}: {e.strerror}") from None
    with file:
        yield file


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Write a file where the user wants it.

    Raises:
        InputError: no file can be there, or one is already that is not replaced.
    """
    try:
        yield
    except FileExistsError:
        raise InputError(f"{path} exists; it is not written over: choose another name") from None
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as e:
        raise InputError(f"can't write {path}: {e.strerror}") from None


def write_picture(path: Path, data: bytes) -> None:
    """Write a picture so that it is there whole or not at all; only another picture is replaced.

    Raises:
        InputError: something else is there, or no file can be.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is not a file")
    if path.is_file() and not _is_picture(path):
        raise InputError(f"{path} exists and is no picture; it is not written over: choose another name")
    with writing_to(path):
        files.write_whole(path, data)


def _is_picture(path: Path) -> bool:
    """Tell whether a file begins as a picture does, or is empty."""
    with writing_to(path), path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return not head or head.startswith(_PICTURES)


def split_requests(file: BinaryIO, max_bytes: int) -> tuple[bool, Iterator[tuple[int, bytes]]]:
    """Tell one JSON object, written over as many lines as it likes, from JSON Lines.

    Args:
        file: what holds the requests.
        max_bytes: the most that one request may have.

    Returns:
        Whether it is one object, and each request with its line number. A line longer than max_bytes is cut behind
        one byte more, so that whoever reads the request sees that it is too long.
    """
    head = file.read(max_bytes + 1)
    if len(head) <= max_bytes and _is_object(head):
        return True, iter([(1, head)])
    return False, _numbered(_lines(head, file, max_bytes + 1))


def _is_object(data: bytes) -> bool:
    try:
        return isinstance(json.loads(data.decode("utf-8-sig")), dict)
    except (ValueError, RecursionError):
        return False


def _lines(head: bytes, file: BinaryIO, limit: int) -> Iterator[bytes]:
    """Read the lines of `head` and of the file behind it, each cut at `limit` bytes."""
    start = io.BytesIO(head)
    while line := start.readline(limit) or file.readline(limit):
        if not line.endswith(b"\n") and len(line) < limit:
            line += file.readline(limit - len(line))
        yield line
        while len(line) == limit and not line.endswith(b"\n"):
            line = start.readline(limit) or file.readline(limit)


def _numbered(lines: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, line
