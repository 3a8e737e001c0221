"""The target that is a picture's file, as anybody may hand it over."""

import json
import os
import select
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import IO, Any

from PIL import Image

from fuzz.targets import Check, Prepare, hold
from movepass_issuer.printing.qr import qr_image
from movepass_verifier.errors import ImageError
from movepass_verifier.reading import image
from movepass_verifier.reading.decoder import FORMATS
from movepass_verifier.reading.image import FILE_SECONDS, PictureReader
from movepass_words import LANGUAGES, Message, words

_TEXT = "MP1:AB3"
_EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(x) print flush showpage\n"
_WAITED_SECONDS = 10 * FILE_SECONDS
"""By the clock, for the machine may be busy: a process that is not ended would take longer than any of this."""
_AT_ONCE = 200
"""Pictures that are sent to one decoder before its first answer is waited for."""
_WHOLE_EVERY = 100
"""Every so often the whole way is gone, from a file to its text or a message."""


class _Decoder(PictureReader):
    """The process that decodes, as ever within its limits, but asked for many pictures at once."""

    def answers(self, pictures: Sequence[bytes]) -> list[dict[str, Any] | None]:
        """Return its answer to each picture; None where none came in time."""
        found: list[dict[str, Any] | None] = []
        while len(found) < len(pictures):
            left = pictures[len(found) :]
            child = self._running_decoder()
            assert child.stdin is not None
            assert child.stdout is not None
            sender = Thread(target=_send, args=(child.stdin, left), daemon=True)
            sender.start()
            came, in_time = _receive(child.stdout, len(left))
            found += came
            if len(came) < len(left):  # it ended, or was ended, by the picture that it did not answer for
                found.append({"fault": "too-hard"} if in_time else None)
                self._end()
            sender.join()
        return found


def _send(pipe: IO[bytes], pictures: Sequence[bytes]) -> None:
    with suppress(OSError, ValueError):  # it ended
        for data in pictures:
            pipe.write(json.dumps({"bytes": len(data), "seconds": FILE_SECONDS}).encode() + b"\n" + data)
        pipe.flush()


def _receive(pipe: IO[bytes], count: int) -> tuple[list[dict[str, Any]], bool]:
    """Read answers until all are there or the process has ended; tells whether it did so in time."""
    data = b""
    while data.count(b"\n") < count:
        if not select.select([pipe], [], [], _WAITED_SECONDS)[0]:
            return _parse(data), False
        if not (more := os.read(pipe.fileno(), 1 << 16)):
            break
        data += more
    return _parse(data), True


def _parse(lines: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.split(b"\n")[:-1]]


def picture() -> tuple[Check, Sequence[bytes], int, Prepare]:
    """Any bytes as a picture's file: the code that it shows, or a message; the process that decodes always answers."""
    decoder, reader, folder = _Decoder(), PictureReader(), TemporaryDirectory()
    path, answers, number = Path(folder.name) / "picture.png", deque[dict[str, Any] | None](), 0

    def prepare(pictures: Sequence[bytes]) -> None:
        answers.extend(decoder.answers(pictures))

    def check(data: bytes) -> None:
        nonlocal number
        number += 1
        answer = answers.popleft()
        if answer is None:
            hold(holds=False, what="no end")
        elif "codes" not in answer:
            _say(image._fault(answer, "x"))
        else:
            hold(answer["codes"] in ([], [_TEXT]), "a code that is not in the picture")
        if number % _WHOLE_EVERY == 0:
            path.write_bytes(data)
            try:
                hold(reader.read(path) == _TEXT, "a code that is not in the picture")
            except ImageError as e:
                _say(e.why)
        hold(bool(folder.name), "its folder stays for as long as this target")

    return check, [*_pictures(), _EPS, b"\x89PNG\r\n\x1a\n" + _EPS], _AT_ONCE, prepare


def _say(why: Message) -> None:
    for language in LANGUAGES:
        words(language).say(why)


def _pictures() -> list[bytes]:
    """Draw a code in every format, small enough that changes hit more than pixels."""
    code = qr_image(_TEXT, module_px=2).convert("L")
    clear = Image.new("RGBA", code.size)
    clear.putalpha(code.point(lambda grey: 255 - grey))
    kinds = [(code, kind) for kind in (*FORMATS, "PDF")] + [(clear, kind) for kind in ("PNG", "WEBP", "TIFF")]
    files = []
    for drawn, kind in kinds:
        file = BytesIO()
        drawn.save(file, kind)
        files.append(file.getvalue())
    return files
