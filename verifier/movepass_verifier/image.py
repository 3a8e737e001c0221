"""Reading the one QR code in a picture; needs the [scan] extra."""

from pathlib import Path

from movepass_verifier.errors import ImageError

PIXELS_MAX = 100_000_000
"""A picture larger than this is refused before it is unpacked."""
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
    codes = zxingcpp.read_barcodes(
        grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode), text_mode=zxingcpp.TextMode.Plain
    )
    if len(codes) != 1:
        found = f"{len(codes)} QR codes" if codes else "no QR code"
        raise ImageError(f"{found} in {path}; show one pass, whole and sharp, with some white around it")
    return str(codes[0].text)
