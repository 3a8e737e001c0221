"""Find control sequences that a command has written into a terminal and that only the command may send."""

import re

_TEXT = rb"[ -~]|[\xc2-\xf4][\x80-\xbf]{1,3}"
_OURS = re.compile(
    rb"\x1b\[(?:\?1049[hl]|\?25[hl]|2J|K|\d{1,3};1H|0m|1m|2m|[0-9;]{1,8}m)|\r\x1b\[K|\r?\n|\x07{1,3}|" + _TEXT
)
_INVISIBLE = re.compile("[\x80-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")


def foreign(written: bytes) -> list[str]:
    """Return the pieces that are neither text nor a sequence that the screen sends itself."""
    pieces = [piece.decode("latin-1") for piece in _OURS.split(written) if piece]
    return pieces + _INVISIBLE.findall(written.decode("utf-8", "replace"))
