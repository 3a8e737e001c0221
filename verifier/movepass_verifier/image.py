"""Reading the one QR code in a picture; needs the [scan] extra."""

from __future__ import annotations

from typing import TYPE_CHECKING

from movepass_verifier.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from PIL import Image

PIXELS_MAX = 100_000_000
"""A picture larger than this is refused before it is unpacked."""
ENLARGED_MAX = 1_000_000
"""Pixels of the largest picture that is looked at enlarged, for that takes some tenths of a second."""
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic")


def read_qr(path: Path) -> str:
    """Give the text of the QR code in a picture.

    Raises:
        ImageError: no such file, not a picture, no QR code or more than one in it, or the extra is missing.
    """
    try:
        import zxingcpp  # noqa: PLC0415 - an extra
        from PIL import Image  # noqa: PLC0415 - an extra
    except ImportError:
        raise ImageError("reading pictures needs an extra: pip install 'movepass[scan]'") from None
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > PIXELS_MAX:
                raise ImageError(f"{path} is {picture.width}x{picture.height}; at most {PIXELS_MAX} pixels are read")
            grey = picture.convert("L")
    except ImageError:
        raise
    except FileNotFoundError:
        raise ImageError(f"there is no picture {path}") from None
    except Exception as e:  # noqa: BLE001 - Pillow's decoders raise many kinds for a damaged file
        raise ImageError(f"{path} can't be read as a picture: {e}") from None
    texts: list[str] = []
    for look in _looks(grey):
        codes = zxingcpp.read_barcodes(
            look, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode), text_mode=zxingcpp.TextMode.Plain
        )
        texts = [str(code.text) for code in codes]
        if texts:
            break
    if len(texts) != 1:
        found = f"{len(texts)} QR codes" if texts else "no QR code"
        raise ImageError(f"{found} in {path}; show one pass, whole and sharp, with some white around it")
    return texts[0]


def _looks(grey: Image.Image) -> Iterator[Image.Image]:
    """Give the picture as it is, and then, for a reader that saw no code in it, made over in four ways.

    Halved, noise and a screen's moiré average out. Equalised, what lies in shade gets its contrast back, and enlarged as
    well, a shadow's edge falls between modules. Enlarged and sharpened, modules that blur or wet ink ran together part
    again. bench/rain measures what they are good for.
    """
    from PIL import Image, ImageFilter, ImageOps  # noqa: PLC0415 - an extra

    yield grey
    yield grey.reduce(2)
    equalised = ImageOps.equalize(grey)
    yield equalised
    if grey.width * grey.height <= ENLARGED_MAX:
        double = (2 * grey.width, 2 * grey.height)
        yield equalised.resize(double, Image.Resampling.BICUBIC)
        yield grey.resize(double, Image.Resampling.BICUBIC).filter(ImageFilter.UnsharpMask(radius=5, percent=300, threshold=0))
