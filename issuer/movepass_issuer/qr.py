"""The QR code of a pass (ISO/IEC 18004): alphanumeric mode, error correction M, a quiet zone of four modules.

Base45 text in alphanumeric mode costs 8.25 bits a byte, which is why a text that would fall back to byte mode is
refused and not drawn larger.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

QUIET_ZONE = 4
"""Modules of white on each side; ISO/IEC 18004 asks for no fewer."""

MODULE_PX = 8
"""Pixels of one module where the caller does not say: a pass of version 9 then is 488 pixels wide."""


class QrError(Exception):
    """The text can't be drawn as a pass's QR code, or what draws it is not installed."""


def qr_version(text: str) -> int:
    """Give the version (1 to 40) of a text's QR code, which has 17 + 4 x version modules a side.

    Args:
        text: a payload's text, as sealed.

    Raises:
        QrError: see qr_image.
    """
    return int(_code(text).version)


def qr_image(text: str, *, module_px: int = MODULE_PX) -> Image.Image:
    """Draw a text's QR code with its quiet zone, black on white.

    Args:
        text: a payload's text, as sealed.
        module_px: pixels of one module's side; a whole number, so that every module is equally large.

    Returns:
        A square image of one bit a pixel.

    Raises:
        QrError: a character that alphanumeric mode lacks, too much text, no such module size, or the extra is missing.
    """
    if module_px < 1:
        raise QrError(f"a module is at least 1 pixel wide, got {module_px}")
    code = _code(text)
    code.make()
    modules = code.get_matrix()
    from PIL import Image  # noqa: PLC0415  (an extra: see _code)

    side = len(modules)
    image = Image.frombytes("L", (side, side), bytes(0 if dark else 255 for row in modules for dark in row))
    return image.resize((side * module_px, side * module_px), Image.Resampling.NEAREST).convert("1")


def qr_png(text: str, *, module_px: int = MODULE_PX) -> bytes:
    """Draw a text's QR code as a PNG file's bytes; arguments and errors are qr_image's."""
    file = BytesIO()
    qr_image(text, module_px=module_px).save(file, "PNG", optimize=True)
    return file.getvalue()


def _code(text: str) -> Any:
    """Fit a text into the smallest code (qrcode.QRCode) that holds it.

    The libraries are imported here, on use, because the package must import without its extra.
    """
    try:
        import PIL  # noqa: F401, PLC0415  (qrcode imports without it and fails later)
        import qrcode  # noqa: PLC0415
        from qrcode import exceptions, util  # noqa: PLC0415
    except ImportError as e:
        raise QrError("QR codes need qrcode and Pillow: pip install 'movepass[issuer]'") from e
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=QUIET_ZONE)
    try:
        code.add_data(util.QRData(text, mode=util.MODE_ALPHA_NUM))
    except ValueError:
        raise QrError(
            f"a pass's text has only 0-9, A-Z, space and $%*+-./: (QR alphanumeric mode), got {text[:24]!r}"
        ) from None
    try:
        code.best_fit()
    except (ValueError, exceptions.DataOverflowError):  # which of the two depends on qrcode's version
        raise QrError(f"{len(text)} characters are more than a QR code of level M holds") from None
    return code
