"""Pass numbers as people type them: what is known of each must be the same."""

from collections.abc import Iterator
from typing import Any

from movepass_verifier.deciding.lists import Policy, StatusLists
from movepass_verifier.officer.by_number import check_number
from movepass_wire import format_number
from movepass_wire.limits import INDEX_LIMIT
from movepass_wire.number import ALPHABET
from movepass_wire.times import DAY_SECONDS
from phone.mutate import Mutator
from phone.payloads import plain

Message = dict[str, Any]
_DAY = 20779
_NOW = _DAY * DAY_SECONDS + 40000
_BANGLA = str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")


def cases(mutator: Mutator) -> Iterator[tuple[Message, Message]]:
    """Make numbers without end."""
    rng = mutator.rng
    while True:
        day, index = _DAY + rng.randrange(-12, 9), rng.choice((7, 400000, rng.randrange(INDEX_LIMIT)))
        text = _typed(mutator, format_number(day, index))
        days = {_DAY + ahead: [7, 400000] if rng.random() < 0.5 else [] for ahead in range(rng.choice((0, 5)))}
        published = rng.choice((None, _NOW - 100, _NOW - 90000)) if days else None
        lists = StatusLists(days, published, published)
        said = check_number(text, lists=lists, now=_NOW, policy=Policy())
        expect = {
            "result": said.outcome.value,
            "number": said.number,
            "suggestions": list(said.suggestions),
            "readable": said.readable,
            "why": plain(said.why),
            "known": [plain(known) for known in said.known],
        }
        yield {"text": text, "days": days, "now": _NOW, "published": published}, expect


def _typed(mutator: Mutator, number: str) -> str:
    """Type a number well, with a slip, or as something else."""
    rng = mutator.rng
    match rng.randrange(7):
        case 0:
            return number.lower().replace("-", " ")
        case 1 | 2:
            at = rng.choice([i for i, symbol in enumerate(number) if symbol != "-"])
            return number[:at] + rng.choice(ALPHABET) + number[at + 1 :]
        case 3:
            at = rng.randrange(len(number) - 1)
            return number[:at] + number[at + 1] + number[at] + number[at + 2 :]
        case 4:
            return mutator.text(number)
        case 5:
            typed = number.replace("-", rng.choice("\u2013\u2011\u00a0\u200b\u2016\ufeff"))
            return "".join(chr(ord(c) + rng.choice((0, 0xFEE0))) if c.isascii() else c for c in typed)
    return number.translate(_BANGLA) if rng.random() < 0.5 else number.replace("0", "o").replace("1", "l")
