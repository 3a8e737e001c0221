"""The target that is a picture's file, as anybody may hand it over."""

import time
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from fuzz.targets import Check, hold
from movepass_issuer.printing.qr import qr_image
from movepass_verifier.errors import ImageError
from movepass_verifier.reading.decoder import FORMATS
from movepass_verifier.reading.image import FILE_SECONDS, PictureReader
from movepass_words import LANGUAGES, words

_TEXT = "MP1:AB3"
_EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(x) print flush showpage\n"
_WAITED_SECONDS = 10 * FILE_SECONDS
"""By the clock, for the machine may be busy: a process that is not ended would take longer than any of this."""


def picture() -> tuple[Check, Sequence[bytes]]:
    """Any bytes as a picture's file: the code that it shows, or a message; the process that decodes always answers."""
    reader, folder = PictureReader(), TemporaryDirectory()
    path = Path(folder.name) / "picture.png"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        began = time.monotonic()
        try:
            hold(reader.read(path) == _TEXT, "a code that is not in the picture")
        except ImageError as e:
            for language in LANGUAGES:
                words(language).say(e.why)
        hold(time.monotonic() - began < _WAITED_SECONDS, "no end")
        hold(bool(folder.name), "its folder stays for as long as this target")

    return check, [*_pictures(), _EPS, b"\x89PNG\r\n\x1a\n" + _EPS]


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
