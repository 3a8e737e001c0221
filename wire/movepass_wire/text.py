"""Check the text fields of a pass, and pack them into "block text".

Block text takes one byte per character for text of ASCII and one other Unicode block, so that a pass in Bangla is as
small as a pass in English. Its first byte is the number of the block (code point divided by 128; Bengali is 0x13).
"""

import unicodedata
from bisect import bisect_right

from movepass_wire.errors import ClaimsError, WireError
from movepass_wire.limits import FIELD_MAX_CHARS

ZWNJ, ZWJ, DANDA = 0x200C, 0x200D, 0x0964

_SHARED = {ZWNJ: 0x01, ZWJ: 0x02, DANDA: 0x03}
"""Characters that a script needs from outside its block: the joiners, and the danda that all Indic scripts share."""
_SHARED_BACK = {byte: point for point, byte in _SHARED.items()}
_BLOCK = 0x80
_BLOCKS = 0x100

_REFUSED = (
    (0x0000, 0x001F), (0x007F, 0x009F), (0x00AD, 0x00AD), (0x0600, 0x0605), (0x061C, 0x061C),
    (0x06DD, 0x06DD), (0x070F, 0x070F), (0x0890, 0x0891), (0x08E2, 0x08E2), (0x180E, 0x180E),
    (0x200B, 0x200B), (0x200E, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0xD800, 0xF8FF),
    (0xFDD0, 0xFDEF), (0xFEFF, 0xFEFF), (0xFFF0, 0xFFFB), (0xFFFE, 0xFFFF), (0x110BD, 0x110BD),
    (0x110CD, 0x110CD), (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0x10FFFF),
)  # fmt: skip
"""Control, format, separator, surrogate, private-use and tag characters. The list is fixed so that every implementation
refuses the same characters, whatever its Unicode version. Bangla needs the joiners U+200C and U+200D: they are allowed.
"""
_REFUSED_STARTS = [first for first, _ in _REFUSED]


def check_text(field: str, text: str) -> None:
    """Check the length and the characters of a text field.

    Args:
        field: the name of the field, for the message.
        text: the text, in NFC.

    Raises:
        ClaimsError: the text is empty or too long, or has a character that is not allowed.
    """
    if text.isascii() and text.isprintable() and not text.isspace() and 0 < len(text) <= FIELD_MAX_CHARS:
        return
    if not text.strip():
        raise ClaimsError(field, "expected text, got none", "missing")
    if len(text) > FIELD_MAX_CHARS:
        message = f"{len(text)} characters; at most {FIELD_MAX_CHARS} fit"
        raise ClaimsError(field, message, "too-long", length=len(text), max=FIELD_MAX_CHARS)
    for char in text:
        point = ord(char)
        at = bisect_right(_REFUSED_STARTS, point) - 1
        if point <= _REFUSED[at][1]:
            raise ClaimsError(
                field, f"U+{point:04X} is a control or format character; remove it", "character",
                character=f"U+{point:04X}",
            )  # fmt: skip


def normalise(text: str) -> str:
    """Return a text as an issuer signs it: in NFC, with plain spaces, stripped."""
    composed = unicodedata.normalize("NFC", text).strip()
    if composed.isascii():
        return composed
    return "".join(" " if unicodedata.category(char) == "Zs" else char for char in composed)


def pack_text(text: str) -> str | bytes:
    """Return a text as block text (bytes) if that is shorter than UTF-8, else unchanged."""
    if text.isascii():
        return text
    block = next((ord(c) // _BLOCK for c in text if ord(c) >= _BLOCK and ord(c) not in _SHARED), _BLOCKS)
    if block >= _BLOCKS or len(text) + 1 >= len(text.encode()):
        return text
    packed = bytearray([block])
    for char in text:
        point = ord(char)
        if point in _SHARED:
            packed.append(_SHARED[point])
        elif point < _BLOCK:
            packed.append(point)
        elif point // _BLOCK == block:
            packed.append(_BLOCK | point % _BLOCK)
        else:
            return text
    return bytes(packed)


def unpack_text(packed: str | bytes) -> str:
    """Read a text in the form that pack_text returns.

    Raises:
        WireError: the block text has a byte of no character, or the text is in the longer form.
    """
    if isinstance(packed, str):
        text = packed
    else:
        base = packed[0] * _BLOCK if packed else 0
        try:
            text = "".join(
                [
                    chr(base + byte - _BLOCK if byte >= _BLOCK else byte if byte >= 0x20 else _SHARED_BACK[byte])
                    for byte in packed[1:]
                ]
            )
        except KeyError as e:
            raise WireError(f"block text holds the byte {e.args[0]:#04x}, which encodes no character") from e
    if pack_text(text) != packed:
        raise WireError("a text is not in its one legal form (the shorter of UTF-8 and block text)")
    return text
