"""A pass number that was typed, or heard over the radio: what a device can say of it without having seen the pass.

A pure function. A number proves nothing: anybody can make one up, or read out another's. So it is revoked, or it can't
be verified, with what is known; never accepted. A slip is never put right in silence: the officer asks again.
"""

from dataclasses import dataclass
from typing import Any

from movepass_verifier.deciding.lists import Policy, StatusLists
from movepass_verifier.deciding.verdicts import Freshness, Outcome
from movepass_wire import NumberError, format_number, parse_number
from movepass_wire.limits import PASS_DAYS_AHEAD_MAX
from movepass_wire.number import DAYS, corrections, resolve_day
from movepass_wire.times import DAY_SECONDS, day_of
from movepass_words import Message, message, plain_digits, words

SUGGESTIONS_MOST = 3
_TYPED_MOST_CHARS = 40
_LONG_AGO_DAYS = 7
"""A pass that ended longer ago is shown to nobody: then it is likelier that the number was misheard."""


@dataclass(frozen=True, slots=True)
class NumberAnswer:
    """What can be said of a pass number.

    Attributes:
        outcome: reject where it is revoked, else cannot verify.
        number: as numbers are written, or what was typed where that is none.
        why: the reason.
        known: what is known besides, from what matters most on.
        suggestions: the numbers likely to have been meant by one with a slip; to be asked for, not to be used.
        readable: whether it was a number at all, without a slip.
        freshness: how old the lists are.
    """

    outcome: Outcome
    number: str
    why: Message
    known: tuple[Message, ...]
    suggestions: tuple[str, ...]
    readable: bool
    freshness: Freshness

    def to_json(self) -> dict[str, Any]:
        """Write as `check-number --json` shows it."""
        say = words().say
        return {
            "outcome": self.outcome.value,
            "reason": say(self.why),
            "pass_number": self.number if self.readable else None,
            "known": [say(known) for known in self.known],
            "suggestions": list(self.suggestions),
            "freshness": self.freshness.to_json(),
        }


def check_number(text: str, *, lists: StatusLists, now: int, policy: Policy) -> NumberAnswer:
    """Say what is known of a pass number.

    Args:
        text: as it was typed; case, hyphens and spaces don't count.
        lists: the revocation lists.
        now: seconds since 1970 UTC.
        policy: how old lists may be.
    """
    typed = plain_digits(text)
    freshness = Freshness.of(lists, now, policy)
    try:
        short_day, index = parse_number(typed)
    except NumberError:
        return _slip(typed, lists, freshness)
    day = _day(short_day, lists, now)
    revoked = index in lists.days.get(day, ())
    return NumberAnswer(
        outcome=Outcome.REJECT if revoked else Outcome.CANNOT_VERIFY,
        number=format_number(day, index),
        why=message("reason.revoked") if revoked else message("number.no-signature"),
        known=tuple(_known(day, lists, freshness, revoked=revoked)),
        suggestions=(),
        readable=True,
        freshness=freshness,
    )


def _slip(typed: str, lists: StatusLists, freshness: Freshness) -> NumberAnswer:
    """Say what is wrong with what was typed, and what may have been meant."""
    try:
        why, suggestions = message("number.slip"), _suggestions(typed, lists)
    except NumberError:
        why, suggestions = message("number.unreadable"), ()
    number = typed.strip()[:_TYPED_MOST_CHARS]
    return NumberAnswer(Outcome.CANNOT_VERIFY, number, why, (), suggestions, readable=False, freshness=freshness)


def _suggestions(typed: str, lists: StatusLists) -> tuple[str, ...]:
    """Give what may have been meant: only passes that a device can know of, and only what people mistake.

    Where the day itself has the slip hardly anything is left, and that is likely whatever the symbols.
    """
    found = corrections(typed)
    days = {day % DAYS for day in lists.days}
    near = [correction for correction in found if correction.day in days]
    likely = [c for c in near if c.alike] or (near if len(near) <= SUGGESTIONS_MOST else [])
    return tuple(c.number for c in likely[:SUGGESTIONS_MOST])


def _day(day_in_number: int, lists: StatusLists, now: int) -> int:
    """Find the day that a number means: one with a list, whatever the clock says, or else the nearest."""
    listed = [day for day in lists.days if day % DAYS == day_in_number]
    return listed[0] if listed else resolve_day(day_in_number, max(day_of(now), DAYS))


def _known(day: int, lists: StatusLists, freshness: Freshness, *, revoked: bool) -> list[Message]:
    known = []
    if day not in lists.days:
        known.append(message("number.no-list", day=day))
    elif not revoked:
        known.append(message("number.not-revoked", day=day))
    begins, ends, today = day * DAY_SECONDS, (day + 1) * DAY_SECONDS, day_of(freshness.now)
    if not today - _LONG_AGO_DAYS <= day <= today + PASS_DAYS_AHEAD_MAX:
        known.append(message("number.far", day=day))
    elif day < today:
        known.append(message("number.ended", until=ends, now=freshness.now))
    else:
        known.append(message("number.ends", **{"from": begins, "until": ends}))
    if freshness.too_old:
        known.append(message("number.stale", age=freshness.age, max=freshness.max_age))
    return known
