"""Makes something slightly wrong out of something right: bytes, texts and JSON documents."""

import json
import random
import string
from copy import deepcopy
from typing import Any

from movepass_wire import base45

_NUMBERS = (0, 1, 2, -1, 255, 1 << 16, (1 << 32) - 1, 1 << 32, (1 << 53) + 1, 1 << 60)
_OTHERS: tuple[Any, ...] = (None, "", "x", [], {}, ["x"], {"x": 1}, 0.5)
_CHARACTERS = base45.ALPHABET + string.ascii_lowercase + "\r\n\tÖşম়\u200c\u00a0\U0001f600\ufeff"


_ADDED = ("", "", "]Q1", "\\000026", '"', "\x02", "\r\n", "MP2:", "mp1:", "\U0001f600")


class Mutator:
    """Draws mutations from a random source."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def data(self, data: bytes) -> bytes:
        """Change bytes in one to three places."""
        out = bytearray(data)
        for _ in range(self.rng.choice((1, 1, 1, 2, 3))):
            at = self.rng.randrange(len(out) + 1)
            match self.rng.randrange(7):
                case 0 | 1 if at < len(out):
                    out[at] ^= 1 << self.rng.randrange(8)
                case 2 if at < len(out):
                    out[at] = self.rng.randrange(256)
                case 3:
                    out.insert(at, self.rng.randrange(256))
                case 4:
                    del out[at : at + self.rng.choice((1, 1, 2, 8))]
                case 5:
                    piece = out[at : at + self.rng.choice((1, 4, 16))]
                    out[at:at] = piece
                case 6 if self.rng.random() < 0.3:
                    del out[at:]
        return bytes(out)

    def text(self, text: str) -> str:
        """Change characters in one to three places."""
        out = list(text)
        for _ in range(self.rng.choice((1, 1, 2, 3))):
            at = self.rng.randrange(len(out) + 1)
            match self.rng.randrange(6):
                case 0 | 1 if at < len(out):
                    out[at] = self.rng.choice(_CHARACTERS)
                case 2:
                    out.insert(at, self.rng.choice(_CHARACTERS))
                case 3:
                    del out[at : at + 1]
                case 4 if at + 1 < len(out):
                    out[at], out[at + 1] = out[at + 1], out[at]
                case 5 if at < len(out):
                    out[at] = out[at].swapcase()
        return "".join(out)

    def around(self, text: str) -> str:
        """Add what a scanner's settings may, and a little more; sometimes in another case."""
        before, behind = (
            self.rng.choice(_ADDED) + "".join(self.rng.choices(_CHARACTERS, k=self.rng.choice((0, 0, 1, 28, 32, 33))))
            for _ in range(2)
        )
        case = self.rng.choice((str, str, str.lower, str.swapcase, self.text))
        return str(case(before + text + behind))

    def document(self, document: Any) -> Any:
        """Change one to three values of a JSON document, at any depth."""
        out = deepcopy(document)
        for _ in range(self.rng.choice((1, 1, 2, 3))):
            self._change(out)
        return out

    def _change(self, document: Any) -> None:
        holders = _holders(document)
        if not holders:
            return
        holder = self.rng.choice(holders)
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = self.rng.choice(keys)
        match self.rng.randrange(8):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[self.rng.choice(("x", str(key) + "x"))] = deepcopy(holder[key])
            case 1:
                holder.append(deepcopy(holder[key]))
            case 2:
                other = self.rng.choice(holders)
                if other is not holder[key]:
                    holder[key] = deepcopy(self.rng.choice(list(other.values() if isinstance(other, dict) else other)))
            case 3:
                holder[key] = deepcopy(self.rng.choice(_OTHERS))
            case _:
                holder[key] = self._similar(holder[key])

    def _similar(self, value: Any) -> Any:
        match value:
            case bool():  # Python takes true for 1 and 1 for true, so neither becomes the other
                return not value
            case int():
                return self.rng.choice((value + 1, value - 1, self.rng.choice(_NUMBERS)))
            case str():
                return self.text(value)
        return value


def _holders(document: Any) -> list[Any]:
    """Give every object and array with something in it."""
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    found = [holder for value in inner for holder in _holders(value)]
    return [document, *found] if inner else found


def dump(document: Any) -> bytes:
    """Write JSON as it is published."""
    return json.dumps(document, separators=(",", ":")).encode()
