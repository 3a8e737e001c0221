"""The QR code of a pass (ISO/IEC 18004): alphanumeric mode, a quiet zone of four modules.

Its error correction is level Q, which mends a quarter of the code. At the same printed size its modules are finer than
level M's: that costs something where a picture is blurred or ink ran, and the correction wins more where a card is
creased or dirty or lies in glare. Long texts, whose modules are fine as it is, take level M (tools/bench/rain).
"""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING, Any

from movepass_issuer.errors import IssuerError

if TYPE_CHECKING:
    from PIL import Image

QUIET_ZONE = 4
"""Modules of white on each side; ISO/IEC 18004 asks for no fewer."""

VERSION_Q_MAX = 15
"""A text that needs a larger code than this at level Q is drawn at level M: from 484 characters on."""

MODULE_PX = 8
"""Pixels of one module where the caller does not say: a pass of version 11 then is 552 pixels wide."""

_FINER = 8
"""Where modules are not whole pixels, the code is drawn so many times as fine and then reduced."""


class QrError(IssuerError):
    """The text can't be drawn as a pass's QR code, or what draws it is not installed."""


class TooLongError(QrError):
    """No QR code holds so much text."""

    is_input = True


def qr_version(text: str) -> int:
    """Return the version (1 to 40) of a text's QR code, which has 17 + 4 x version modules a side.

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


def qr_image_of_side(text: str, side_px: int) -> Image.Image:
    """Draw a text's QR code with its quiet zone exactly so wide, for print.

    Where modules are not whole pixels, their edges are grey, so that each module keeps its place and its size.

    Args:
        text: a payload's text, as sealed.
        side_px: the side in pixels, quiet zone included.

    Returns:
        A square image of 8 bits a pixel.

    Raises:
        QrError: see qr_image.
    """
    from PIL import Image  # noqa: PLC0415  (an extra: see _code)

    modules = 17 + 4 * qr_version(text) + 2 * QUIET_ZONE
    if side_px % modules == 0:
        return qr_image(text, module_px=side_px // modules).convert("L")
    fine = qr_image(text, module_px=_FINER * -(-side_px // modules)).convert("L")
    return fine.resize((side_px, side_px), Image.Resampling.BOX)


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
        from qrcode import util  # noqa: PLC0415
    except ImportError as e:
        raise QrError("QR codes need qrcode and Pillow: pip install 'movepass[issuer]'") from e
    try:
        data = util.QRData(text, mode=util.MODE_ALPHA_NUM)
    except ValueError as e:
        raise QrError(
            f"a pass's text has only 0-9, A-Z, space and $%*+-./: (QR alphanumeric mode), got {text[:24]!r}"
        ) from e
    code = _fit(data)
    try:
        util.create_data(code.version, code.error_correction, [data])
    except ValueError:  # qrcode can't correct a block of zeros only, as of a long run of "0"; a byte is never zero
        code = _fit(util.QRData(text.encode(), mode=util.MODE_8BIT_BYTE))
    return code


def _fit(data: Any) -> Any:
    """Return a code at Q where it does not become too fine, else at M.

    Raises:
        TooLongError: no code of level M holds it.
    """
    import qrcode  # noqa: PLC0415
    from qrcode import exceptions  # noqa: PLC0415

    for level in (qrcode.constants.ERROR_CORRECT_Q, qrcode.constants.ERROR_CORRECT_M):
        code = qrcode.QRCode(error_correction=level, border=QUIET_ZONE)
        code.add_data(data)
        with suppress(ValueError, exceptions.DataOverflowError):  # which of the two depends on qrcode's version
            if code.best_fit() <= VERSION_Q_MAX or level == qrcode.constants.ERROR_CORRECT_M:
                return code
    raise TooLongError(f"{len(data)} characters are more than a QR code of level M holds")
