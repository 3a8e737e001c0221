"""Read the user's input: a payload as text or picture, and requests as JSON or JSON Lines; write output files."""

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from movepass_keys import files
from movepass_wire.payload import PREFIX

STDIN = "-"
_TEXT_READ_BYTES = 65536
"""Far above the length of a payload; longer input is refused for its length anyway."""
_LINE_MAX_BYTES = 1 << 26
"""A longer line of requests is not read to its end, because it may have none."""

_PICTURES = (b"\x89PNG", b"%PDF")
"""The first bytes of pictures."""
_HEAD_BYTES = 8


class InputError(Exception):
    """The input can't be read."""

    is_input = True


def payload_text(given: str | None, text: str | None = None, image: Path | None = None) -> str:
    """Return the text of a payload from --text, a picture, stdin or INPUT.

    INPUT is for people. "-" is text on stdin; a path that exists, or a name that ends like a file's, is a picture;
    everything else, and whatever begins as a pass does, is the text itself. CR and LF at its end go, as scanners send
    them; nothing else does: base45 has a space.

    Raises:
        ImageError: a picture without exactly one QR code.
    """
    if text is not None:
        return text.rstrip("\r\n")
    if image is not None:
        return _text_of_picture(image)
    if given is None or given == STDIN:
        return sys.stdin.buffer.read(_TEXT_READ_BYTES).decode(errors="replace").rstrip("\r\n")
    if not given.startswith(PREFIX) and (_names_file(given) or _exists(given)):
        return _text_of_picture(Path(given))
    return given.rstrip("\r\n")


def _text_of_picture(path: Path) -> str:
    from movepass_verifier.reading.image import read_qr  # noqa: PLC0415 - reading text needs no pictures

    return read_qr(path)


def _names_file(given: str) -> bool:
    from movepass_verifier.reading.image import FILE_ENDINGS  # noqa: PLC0415 - a pass's text needs none

    return given.lower().endswith(FILE_ENDINGS) and "://" not in given


def _exists(given: str) -> bool:
    try:
        return bool(given) and os.path.lexists(given)
    except (OSError, ValueError):  # a text too long for a path, or with a NUL
        return False


def ask_secret(kind: str) -> str:
    """Read a passphrase or a PIN from the environment, or ask for it; the command line would show it to others."""
    import click  # noqa: PLC0415 - most input is no secret

    from movepass_keys.signers.signer import secret_in_environment  # noqa: PLC0415

    given = secret_in_environment(kind)
    return given if given is not None else str(click.prompt(kind[0].upper() + kind[1:], hide_input=True, err=True))


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
        file, _ = files.open_regular(given)
    except files.UnfitFileError as e:
        raise InputError(f"can't read {given}: {e.strerror}; for a pipe, give - and redirect it to stdin") from e
    except OSError as e:
        raise InputError(f"can't read {given}: {e.strerror}") from e
    with file:
        yield file


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Write a file to a path that the user named.

    Raises:
        InputError: no file can be there, or one is already that is not replaced.
    """
    try:
        yield
    except FileExistsError as e:
        raise InputError(f"{path} exists; it is not written over: choose another name") from e
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as e:
        raise InputError(f"can't write {path}: {e.strerror}") from e


def write_picture(path: Path, data: bytes) -> None:
    """Write a picture whole or not at all; only another picture is replaced.

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
    """Check whether a file begins like a picture, or is empty."""
    with writing_to(path), path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return not head or head.startswith(_PICTURES)


def split_requests(file: BinaryIO, max_bytes: int) -> tuple[bool, Iterator[tuple[int, bytes]]]:
    """Check whether the input is one JSON object over any number of lines, or JSON Lines.

    Args:
        file: the input with the requests.
        max_bytes: the most bytes of one request.

    Returns:
        Whether it is one object, and each request with its line number. A line longer than max_bytes is cut behind
        one byte more, so that whoever reads the request sees that it is too long.
    """
    head = file.read(max_bytes + 1)
    if len(head) <= max_bytes and _is_object(head):
        return True, iter([(1, head)])
    return False, _number_lines(_lines(head, file, max_bytes + 1))


def _is_object(data: bytes) -> bool:
    try:
        return isinstance(json.loads(data.decode("utf-8-sig")), dict)
    except (ValueError, RecursionError):
        return False


def _lines(head: bytes, file: BinaryIO, limit: int) -> Iterator[bytes]:
    """Read the lines of `head` and of the rest of the file, each cut at `limit` bytes.

    Raises:
        InputError: a line seems to have no end.
    """
    start = io.BytesIO(head)
    while line := start.readline(limit) or file.readline(limit):
        if not line.endswith(b"\n") and len(line) < limit:
            line += file.readline(limit - len(line))
        yield line
        length = len(line)
        while len(line) == limit and not line.endswith(b"\n"):
            line = start.readline(limit) or file.readline(limit)
            length += len(line)
            if length > _LINE_MAX_BYTES:
                raise InputError(
                    f"expected JSON Lines, got a line longer than {_LINE_MAX_BYTES:,} bytes: stopped there"
                )


def _number_lines(lines: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, line
