"""Read the QR code of a pass in a picture. Needs the [scan] extra.

Pictures come from strangers, so a separate process decodes them (decoder.py) within limits of size, time and memory.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Self

from movepass_keys import files
from movepass_verifier.errors import ImageError
from movepass_wire.payload import PREFIX
from movepass_words import Message, message

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff", ".pdf")
"""The file endings of pictures, and of cards as PDF. Only its content decides what a file is."""
FILE_ENDINGS = (
    *PICTURE_ENDINGS,
    *(".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".apng", ".mpo", ".svg", ".svgz", ".ps", ".eps", ".psd"),
    *(".tga", ".ico", ".icns", ".pcx", ".ppm", ".pgm", ".pbm", ".pnm", ".dng", ".raw", ".xcf", ".djvu", ".xps", ".emf"),
    *(".wmf", ".mp4", ".doc", ".docx", ".odt", ".txt", ".rtf"),
)
"""File endings. A text with such an ending that names no file is a mistyped name, not a pass to reject."""
FILE_MAX_BYTES = 40_000_000
"""A larger file is not read."""
FILE_SECONDS, FRAME_SECONDS = 1.2, 0.5
"""The processor time that a picture's file, or a frame of a camera, may take."""
_CLOCK_SECONDS = 1.8 if os.name == "nt" else 15.0
"""The time by the clock, for systems that can't limit processor time and in case the process waits."""
_CHUNK_BYTES = 1 << 18
_ANSWER_MAX_BYTES = 1 << 20
_EXTRA = ("PIL", "zxingcpp")
_DECODER = Path(__file__).with_name("decoder.py")


def read_qr(path: Path) -> str:
    """Return the text of the pass's QR code in a picture. A PictureReader is faster for several pictures.

    Raises:
        ImageError: there is no such file, picture or QR code, there are several codes, or the extra is missing.
    """
    with PictureReader() as reader:
        return reader.read(path)


class PictureReader:
    """Reads QR codes with a process that serves many pictures. Close it, or use it as a context manager."""

    def __init__(self) -> None:
        """Prepare a reader without starting its process."""
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def start(self) -> None:
        """Start the process, so that it is ready for the first picture.

        Raises:
            ImageError: the extra is missing, or no process can be started.
        """
        with self._lock:
            self._running_decoder()

    def read(self, path: Path) -> str:
        """Return the text of the pass's QR code in a picture, or in a card as PDF.

        Raises:
            ImageError: see read_qr.
        """
        name = str(path)
        try:
            file, size = files.open_regular(path)
        except FileNotFoundError as e:
            raise ImageError(message("image.missing", file=name)) from e
        except files.UnfitFileError as e:
            raise ImageError(message("image.not-a-file", file=name)) from e
        except OSError as e:
            raise ImageError(message("image.unreadable", file=name, problem=e.strerror or str(e))) from e
        with file:
            if size > FILE_MAX_BYTES:
                raise ImageError(message("image.too-many-bytes", file=name, size=size, most=FILE_MAX_BYTES))
            if not size:
                raise ImageError(message("image.format", file=name))
            try:
                answer = self._ask({"bytes": size, "seconds": FILE_SECONDS}, _content(file, size))
            except OSError as e:
                raise ImageError(message("image.unreadable", file=name, problem=e.strerror or str(e))) from e
        if "codes" not in answer:
            raise ImageError(_fault(answer, name))
        return the_pass([str(code) for code in answer["codes"]], name)

    def codes_in(self, grey: Any) -> list[str]:
        """Return the texts of all QR codes in a camera's frame; an empty list if the frame is too hard to read.

        Args:
            grey: a two-dimensional array of NumPy, one byte per pixel.

        Raises:
            ImageError: the extra is missing, or no process can be started.
        """
        height, width = grey.shape
        request = {"bytes": height * width, "seconds": FRAME_SECONDS, "shape": [height, width]}
        answer = self._ask(request, iter([grey.tobytes()]))
        return [str(code) for code in answer.get("codes", ())]

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def __enter__(self) -> Self:
        """Return the reader."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the reader."""
        self.close()

    def _ask(self, request: dict[str, Any], content: Iterator[bytes]) -> dict[str, Any]:
        """Send a request and return the answer; if there is none, return a fault and start another process."""
        with self._lock:
            child = self._running_decoder()
            assert child.stdin is not None  # noqa: S101 - both are pipes
            assert child.stdout is not None  # noqa: S101
            clock = threading.Timer(_CLOCK_SECONDS, child.kill)
            try:
                clock.start()
            except RuntimeError as e:  # no more threads
                raise ImageError(message("image.no-process", problem=str(e))) from e
            answer: Any = None
            try:
                _send(child.stdin, request, content)
                answer = json.loads(child.stdout.readline(_ANSWER_MAX_BYTES))
            except (BrokenPipeError, ConnectionError, ValueError):  # it ended, or was ended
                answer = None
            finally:
                clock.cancel()
                if answer is None:
                    self._end()
            if not isinstance(answer, dict):
                with suppress(ImageError):
                    self._running_decoder()  # the next picture need not wait for it
                return {"fault": "too-hard"}
            return answer

    def _running_decoder(self) -> "subprocess.Popen[bytes]":
        """Return this process's own decoder, and start it if it is not running."""
        if self._child and self._owner != os.getpid():  # this process was forked: two must not share an answer
            self._child = None
        if self._child and self._child.poll() is None:
            return self._child
        folders = _folders_of_extra()
        try:
            self._child = subprocess.Popen(  # noqa: S603 - this Python, and a file of ours
                [sys.executable, "-I", "-S", str(_DECODER), json.dumps(folders)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )  # fmt: skip
        except OSError as e:
            raise ImageError(message("image.no-process", problem=e.strerror or str(e))) from e
        self._owner = os.getpid()
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child and self._owner == os.getpid():
            child.kill()
            with suppress(OSError):
                child.communicate()


def _send(pipe: IO[bytes], request: dict[str, Any], content: Iterator[bytes]) -> None:
    pipe.write(json.dumps(request).encode() + b"\n")
    for chunk in content:
        pipe.write(chunk)
    pipe.flush()


def _content(file: IO[bytes], size: int) -> Iterator[bytes]:
    """Read a file in pieces, up to a size; bytes that are missing since it was opened are sent as zeros."""
    while size:
        wanted = min(size, _CHUNK_BYTES)
        chunk = file.read(wanted) or bytes(wanted)
        size -= len(chunk)
        yield chunk


def _fault(answer: dict[str, Any], name: str) -> Message:
    """Convert a fault of decoder.py to a message."""
    fault = answer.get("fault")
    if fault in ("pdf", "format"):
        return message(f"image.{fault}", file=name)
    if fault == "too-large":
        return message("image.too-large", file=name, **{key: int(answer[key]) for key in ("width", "height", "most")})
    if fault == "unreadable":
        return message("image.unreadable", file=name, problem=str(answer.get("problem")))
    return message("image.too-hard", file=name)


def the_pass(texts: Sequence[str], name: str) -> str:
    """Choose the text of the pass: the only code, or the only code among several that begins like a pass.

    Raises:
        ImageError: there is no such text, or more than one.
    """
    passes = list(dict.fromkeys(text for text in texts if text.startswith(PREFIX))) or texts
    if len(passes) != 1:
        raise ImageError(message("image.several" if texts else "image.no-code", file=name, count=len(texts)))
    return passes[0]


def check_extra() -> None:
    """Check that pictures can be read.

    Raises:
        ImageError: the extra is missing.
    """
    _folders_of_extra()


def _folders_of_extra() -> list[str]:
    """Find the folders of the decoders; the decoding process looks nowhere else.

    Raises:
        ImageError: the decoders are not installed.
    """
    folders = []
    for name in _EXTRA:
        spec = None
        with suppress(ImportError, ValueError):  # ValueError: None stands for the module
            spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise ImageError(message("image.extra"))
        package = Path(spec.origin)
        folders.append(str(package.parents[1] if spec.submodule_search_locations else package.parent))
    return list(dict.fromkeys(folders))
