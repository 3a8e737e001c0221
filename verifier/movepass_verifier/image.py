"""Reading the pass's QR code in a picture; needs the [scan] extra."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from movepass_verifier.errors import ImageError
from movepass_verifier.words import message
from movepass_wire.payload import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from PIL import Image

PIXELS_MAX = 100_000_000
"""A picture larger than this is refused before it is unpacked."""
ENLARGED_MAX = 1_000_000
"""Pixels of the largest picture that is looked at enlarged, for that takes some tenths of a second."""
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic")


def read_qr(path: Path) -> str:
    """Give the text of the pass's QR code in a picture.

    Raises:
        ImageError: no such file, not a picture, no QR code or several in it, or the extra is missing.
    """
    name = str(path)
    with _extra():
        from PIL import Image  # noqa: PLC0415
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > PIXELS_MAX:
                raise ImageError(
                    message("image.too-large", file=name, width=picture.width, height=picture.height, most=PIXELS_MAX)
                )
            grey = picture.convert("L")
    except ImageError:
        raise
    except FileNotFoundError:
        raise ImageError(message("image.missing", file=name)) from None
    except Exception as e:  # noqa: BLE001 - Pillow's decoders raise many kinds for a damaged file
        raise ImageError(message("image.unreadable", file=name, problem=str(e))) from None
    texts = next((found for look in _looks(grey) if (found := codes_in(look))), [])
    return the_pass(texts, name)


def codes_in(picture: Any) -> list[str]:
    """Give the texts of all QR codes in a picture, as it is.

    Args:
        picture: grey, as Pillow or NumPy have it.

    Raises:
        ImageError: the extra is missing.
    """
    with _extra():
        import zxingcpp  # noqa: PLC0415
    formats = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    codes = zxingcpp.read_barcodes(picture, formats=formats, text_mode=zxingcpp.TextMode.Plain)
    return [str(code.text) for code in codes]


def the_pass(texts: Sequence[str], name: str) -> str:
    """Choose the text of the pass: the only code, or the only one among several that begins as a pass does.

    Raises:
        ImageError: there is none, or it can't be told which is meant.
    """
    passes = list(dict.fromkeys(text for text in texts if text.startswith(PREFIX))) or texts
    if len(passes) != 1:
        raise ImageError(message("image.several" if texts else "image.no-code", file=name, count=len(texts)))
    return passes[0]


def check_extra() -> None:
    """Make sure that pictures can be read.

    Raises:
        ImageError: the extra is missing.
    """
    with _extra():
        import zxingcpp  # noqa: F401, PLC0415
        from PIL import Image  # noqa: F401, PLC0415


@contextmanager
def _extra() -> Iterator[None]:
    try:
        yield
    except ImportError:
        raise ImageError(message("image.extra")) from None


def _looks(grey: Image.Image) -> Iterator[Image.Image]:
    """Give the picture as it is, and then, for a reader that saw no code in it, made over in four ways.

    Halved, noise and a screen's moiré average out. Equalised, what lies in shade gets its contrast back, and enlarged
    as well, a shadow's edge falls between modules. Enlarged and sharpened, modules that blur or wet ink ran together
    part again. bench/rain measures what they are good for.
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
