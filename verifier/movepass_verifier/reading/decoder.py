"""Decode pictures in a separate process, so that a hostile picture can harm nothing else.

image.py starts this file as a script. It imports nothing of ours, so that it starts in a twentieth of a second. Once it
has imported the decoders, it gives up every right that they don't need. It can open no file and write only its answer;
its memory, and its processor time per picture, are limited.

Requests come on stdin, each as a line of JSON followed by bytes:

    {"bytes": 4821, "seconds": 1.2}                         a picture's file
    {"bytes": 921600, "seconds": 0.5, "shape": [720, 1280]} a camera's frame in grey

Each answer goes to stdout as a line of JSON: {"codes": [text, …]}, or {"fault": name, …}, which image.py words.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP")
"""The formats that are read, whatever a file is called: Pillow also hands EPS to Ghostscript, which runs programs."""
PIXELS_MAX = 64_000_000
"""No phone's camera makes more in one exposure; a larger picture is not decoded."""
UNPACKED_MAX_BYTES = 120_000_000
"""The same for formats that can't be decoded at a smaller scale, as JPEG can."""
LOOK_MAX_PIXELS = 16_000_000
"""The largest picture to search: a code that fills 5 % of its width still has 3 pixels per module."""
ENLARGED_MAX = 1_000_000
"""The most pixels of a picture that is searched enlarged, which takes some tenths of a second."""
MEMORY_BYTES = 180_000_000
"""The memory that the process may take beyond its memory at the start."""
_BYTES_A_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "LA": 4, "PA": 4}
_BYTES_A_PIXEL_MOST = 4
_WEBP_COPIES = 3
"""libwebp keeps the canvas, the previous canvas and the frame."""
_LAST_LOOK_BEGINS = 0.4
"""The share of a picture's time after which no search starts, so that a slow device says "no code", not "too hard"."""
_CARD_DICTIONARY = re.compile(
    rb"<<[^<>]*?/Subtype /Image\b[^<>]*?/Filter (?:\[ ?)?/DCTDecode\b[^<>]*?/Length ([0-9]{1,8})\b[^<>]*>>"
    rb"\s{0,4}stream\r?\n"
)


class Fault(Exception):  # noqa: N818 - an answer, not an error
    """The reason why a picture is not read: a name that image.py knows, and values."""

    def __init__(self, name: str, **values: object) -> None:
        super().__init__(name)
        self.answer = {"fault": name, **values}


def main() -> None:
    """Answer requests until stdin ends."""
    sys.path += json.loads(sys.argv[1])
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)  # decoders write warnings, and only the answer may reach the reader
    os.dup2(nowhere, 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent; this process ends when stdin does
    _import_decoders()
    _confine()
    while line := requests.readline():
        request = json.loads(line)
        data = requests.read(request["bytes"])
        answer = _answer(data, request["seconds"], request.get("shape"))
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def _answer(data: bytes, seconds: float, shape: list[int] | None) -> dict[str, Any]:
    try:
        with _at_most(seconds):
            return {"codes": codes_in_frame(data, *shape) if shape else codes_in_file(data, seconds)}
    except Fault as fault:
        return fault.answer
    except MemoryError:
        return {"fault": "too-hard"}
    except Exception as e:  # noqa: BLE001 - decoders raise many kinds for a damaged file
        return {"fault": "unreadable", "problem": f"{type(e).__name__}: {e}"[:200]}


def codes_in_frame(grey: bytes, height: int, width: int) -> list[str]:
    """Read the codes in a grey frame of one byte per pixel."""
    return _codes(memoryview(grey).cast("B", shape=[height, width]))


def codes_in_file(data: bytes, seconds: float) -> list[str]:
    """Read the codes in a picture's file, and stop at the first search that finds any.

    Args:
        data: the file.
        seconds: of processor time; see _LAST_LOOK_BEGINS.

    Raises:
        Fault: the picture is not read.
    """
    last = time.process_time() + seconds * _LAST_LOOK_BEGINS
    if data.startswith(b"%PDF-"):
        data = picture_in_card(data)
    for grey in _unpack(data):
        for look in _looks(grey):
            if found := _codes(look):
                return found
            if time.process_time() > last:
                return []
    return []


def _codes(picture: Any) -> list[str]:
    import zxingcpp  # noqa: PLC0415 - an extra

    formats = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    codes = zxingcpp.read_barcodes(picture, formats=formats, text_mode=zxingcpp.TextMode.Plain)
    return [str(code.text) for code in codes]


def picture_in_card(data: bytes) -> bytes:
    """Find the only JPEG in a PDF as `movepass issue --card` writes it, without unpacking or following anything.

    Raises:
        Fault: it is another kind of PDF.
    """
    found = list(_CARD_DICTIONARY.finditer(data))
    if len(found) != 1 or data.count(b"/Subtype /Image") != 1:
        raise Fault("pdf")
    start = found[0].end()
    picture = data[start : start + int(found[0][1])]
    if not picture.startswith(b"\xff\xd8\xff") or len(picture) != int(found[0][1]):
        raise Fault("pdf")
    return picture


def _unpack(data: bytes) -> Iterator[Image.Image]:
    """Decode the first frame of a picture in grey, on white; then on black if it has transparent parts."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - an extra

    try:
        picture: Image.Image = Image.open(BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as e:
        raise Fault("format") from e
    _check_size(picture)
    if picture.format in ("JPEG", "MPO"):
        scale = 1
        while picture.width * picture.height > LOOK_MAX_PIXELS * scale * scale:
            scale *= 2
        picture.draft("L", (picture.width // scale, picture.height // scale))
    if picture.has_transparency_data:
        coloured = picture.convert("RGBA")
        alpha, grey = coloured.getchannel("A"), coloured.convert("L")
        del coloured, picture
        for ground in (255, 0):
            below = Image.new("L", grey.size, ground)
            below.paste(grey, mask=alpha)
            yield _reduce(below)
    elif picture.mode.startswith("I;16"):
        yield _reduce(picture.convert("I").point(lambda value: value * (1 / 256)).convert("L"))
    else:
        yield _reduce(picture.convert("L"))


def _check_size(picture: Image.Image) -> None:
    """Refuse pictures that are too large, by the size in their header.

    Raises:
        Fault: the picture is too large.
    """
    pixels = picture.width * picture.height
    most = PIXELS_MAX
    if picture.format not in ("JPEG", "MPO"):
        bytes_a_pixel = _BYTES_A_PIXEL.get(picture.mode, _BYTES_A_PIXEL_MOST)
        copies = _WEBP_COPIES if picture.format == "WEBP" else 1
        most = min(most, UNPACKED_MAX_BYTES // (bytes_a_pixel * copies))
    if pixels > most:
        raise Fault("too-large", width=picture.width, height=picture.height, most=most)


def _reduce(grey: Image.Image) -> Image.Image:
    factor = 1
    while grey.width * grey.height > LOOK_MAX_PIXELS * factor * factor:
        factor += 1
    return grey.reduce(factor) if factor > 1 else grey


def _looks(grey: Image.Image) -> Iterator[Image.Image]:
    """Yield the picture unchanged and then, in case no code was found, changed in four ways.

    Halving averages out noise and a screen's moiré. Equalising restores the contrast of shaded parts; with enlarging,
    the edge of a shadow falls between modules. Enlarging and sharpening separates modules that blur or wet ink has
    joined. tools/bench/rain measures their use.
    """
    from PIL import Image, ImageFilter, ImageOps  # noqa: PLC0415 - an extra

    yield grey
    yield grey.reduce(2)
    equalised = ImageOps.equalize(grey)
    yield equalised
    if grey.width * grey.height <= ENLARGED_MAX:
        double = (2 * grey.width, 2 * grey.height)
        yield equalised.resize(double, Image.Resampling.BICUBIC)
        yield grey.resize(double, Image.Resampling.BICUBIC).filter(
            ImageFilter.UnsharpMask(radius=5, percent=300, threshold=0)
        )


def _import_decoders() -> None:
    """Import everything now, because no file can be opened later. Plugins of other formats are not imported."""
    import copy  # noqa: F401, PLC0415 - Pillow's GIF reader imports it when it converts

    from PIL import (  # noqa: PLC0415 - an extra
        BmpImagePlugin,
        GifImagePlugin,
        Image,
        ImageFilter,
        ImageOps,
        JpegImagePlugin,
        MpoImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    del BmpImagePlugin, GifImagePlugin, ImageFilter, ImageOps, JpegImagePlugin
    del MpoImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin
    Image.MAX_IMAGE_PIXELS = None  # _check_size knows more
    for kind in FORMATS:  # everything else is imported at its first use
        sample = BytesIO()
        Image.new("1", (64, 64)).save(sample, kind)
        for grey in _unpack(sample.getvalue()):
            _codes(grey)


def _confine() -> None:
    """Give up the rights that decoding does not need, if the system allows that."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    limits = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_NOFILE, 0)]
    with suppress(OSError):  # Linux; elsewhere an address space is not the memory in use
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        limits.append((resource.RLIMIT_AS, pages * resource.getpagesize() + MEMORY_BYTES))
    for limit, most in limits:
        with suppress(OSError, ValueError):
            resource.setrlimit(limit, (most, most))


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """End this process if a block takes more processor time, which no decoder can prevent.

    Time that other processes use does not count, so that a busy machine refuses no picture.
    """
    if not hasattr(signal, "setitimer"):  # Windows: only image.py's clock ends it
        yield
        return
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


if __name__ == "__main__":
    main()
