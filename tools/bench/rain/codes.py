"""The codes that are photographed: on our card and on a phone's screen, ours and others in the same place and size."""

import random
from dataclasses import dataclass
from functools import cache

import numpy as np
import qrcode
import zxingcpp
from PIL import Image
from qr_sizes import HCERT, OURS
from qrcode import util

from movepass_issuer.printing.card import DPI, QR_PX, render_card
from movepass_issuer.printing.qr import QUIET_ZONE, qr_image
from movepass_wire import decode_claims, format_number, open_text
from rain.photograph import TABLE_GREY, Shot
from rain.texts import SIGNED

CARD, SCREEN = "card", "screen"
PX_PER_MM = DPI / 25.4
FULL = QR_PX / PX_PER_MM
"""Millimetres: the side of the card's code with its quiet zone, and of the one on the screen."""

_AROUND_MM = 6
"""What is seen around the code."""
_SCREEN_GREY = 25
"""An app in dark colours around a code whose quiet zone is its own."""
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


@dataclass(frozen=True, slots=True)
class Code:
    """A code to be photographed.

    Attributes:
        medium: CARD or SCREEN.
        scheme: whose text it holds.
        level: of error correction, L, M, Q or H; "" is as our issuer draws it.
        side: with its quiet zone, in millimetres.
        characters: a text of that length in place of the standard pass; 0 is the standard pass.
    """

    medium: str
    scheme: str = OURS
    level: str = ""
    side: float = FULL
    characters: int = 0

    def text(self, signature: int) -> str:
        """Return its content."""
        if self.characters:
            rng = random.Random(signature)
            return "MP1:" + "".join(rng.choices(_ALPHABET, k=self.characters - 4))
        return SIGNED[signature][self.scheme]

    def at(self, side: float) -> "Code":
        """Return the same code at another size."""
        return Code(self.medium, self.scheme, self.level, side, self.characters)


OURS_AS_DRAWN = {medium: Code(medium) for medium in (CARD, SCREEN)}


@cache
def shot(code: Code, signature: int) -> Shot:
    """Lay a code before the camera."""
    text = code.text(signature)
    if code == OURS_AS_DRAWN[CARD]:
        around, middle = _card(signature)
    elif code.medium == CARD:
        around, middle = _card(signature)
        around.paste(255, _square(middle, QR_PX))
        drawn = _drawn(text, code)
        around.paste(drawn, _square(middle, drawn.width))
    else:
        drawn = _drawn(text, code)
        middle = (QR_PX, QR_PX)
        around = Image.new("L", (2 * QR_PX, 2 * QR_PX), _SCREEN_GREY)
        around.paste(drawn, _square(middle, drawn.width))
    half = round((FULL / 2 + _AROUND_MM) * PX_PER_MM)
    scene = Image.new("L", (2 * half, 2 * half), TABLE_GREY)
    scene.paste(around, (half - middle[0], half - middle[1]))
    return Shot(np.asarray(scene, np.float32), PX_PER_MM, code.side)


def _card(signature: int) -> tuple[Image.Image, tuple[int, int]]:
    """Draw our card, and say where the middle of its code is."""
    text = SIGNED[signature][OURS]
    pass_ = decode_claims(open_text(text).claims)
    number = format_number(pass_.day, pass_.index)
    image = render_card(pass_, text, number, authority="Dhaka District Administration", test=False).convert("L")
    (found,) = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    one, other = found.position.top_left, found.position.bottom_right
    return image, (round((one.x + other.x) / 2), round((one.y + other.y) / 2))


def _drawn(text: str, code: Code) -> Image.Image:
    """Draw a code at exactly its size: modules need not be whole pixels, or sizes could not be equal."""
    if code.level:
        made = qrcode.QRCode(error_correction=getattr(qrcode.constants, f"ERROR_CORRECT_{code.level}"))
        made.border = QUIET_ZONE
        made.add_data(util.QRData(text, mode=util.MODE_ALPHA_NUM))
        modules = made.get_matrix()
        side = len(modules)
        pixels = bytes(0 if dark else 255 for row in modules for dark in row)
        image = Image.frombytes("L", (side, side), pixels)
    else:
        image = qr_image(text, module_px=1).convert("L")
        side = image.width
    large = image.resize((24 * side, 24 * side), Image.Resampling.NEAREST)
    px = round(code.side * PX_PER_MM)
    return large.resize((px, px), Image.Resampling.BOX)


def _square(middle: tuple[int, int], side: int) -> tuple[int, int, int, int]:
    left, top = middle[0] - side // 2, middle[1] - side // 2
    return left, top, left + side, top + side


PEERS = {f"HCERT-{level}": {medium: Code(medium, HCERT, level) for medium in (CARD, SCREEN)} for level in ("M", "Q")}
