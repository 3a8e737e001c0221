"""Answer what a device knows of a pass number that was typed or heard, without the pass itself.

The answer is a pure function. A number proves nothing: anybody can invent one, or read out somebody else's. So a number
is either revoked or can't be verified, with whatever is known about it; it is never accepted. A mistyped number is
never corrected silently: the officer asks again.
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
"""Nobody shows a pass that ended longer ago, so the number was probably misheard."""


@dataclass(frozen=True, slots=True)
class NumberAnswer:
    """The answer about a pass number.

    Attributes:
        outcome: reject if it is revoked, else cannot verify.
        number: the formatted number, or the typed text if that is not a number.
        why: the reason.
        known: what else is known, most important first.
        suggestions: the numbers probably meant by a mistyped one; to ask for, not to use.
        readable: whether the text was a number without a mistake.
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
        """Return the object that `check-number --json` shows."""
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
    """Return what is known of a pass number.

    Args:
        text: the typed text; case, hyphens and spaces are ignored.
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
        known=tuple(_describe_pass(day, lists, freshness, revoked=revoked)),
        suggestions=(),
        readable=True,
        freshness=freshness,
    )


def _slip(typed: str, lists: StatusLists, freshness: Freshness) -> NumberAnswer:
    """Return what is wrong with the typed text, and which numbers may have been meant."""
    try:
        why, suggestions = message("number.slip"), _suggestions(typed, lists)
    except NumberError:
        why, suggestions = message("number.unreadable"), ()
    number = typed.strip()[:_TYPED_MOST_CHARS]
    return NumberAnswer(Outcome.CANNOT_VERIFY, number, why, (), suggestions, readable=False, freshness=freshness)


def _suggestions(typed: str, lists: StatusLists) -> tuple[str, ...]:
    """List the numbers that may have been meant: only passes that a device can know, and only common mistakes.

    If the mistake is in the day itself, few candidates are left, and they are likely whatever the symbols.
    """
    found = corrections(typed)
    days = {day % DAYS for day in lists.days}
    near = [correction for correction in found if correction.day in days]
    likely = [c for c in near if c.alike] or (near if len(near) <= SUGGESTIONS_MOST else [])
    return tuple(c.number for c in likely[:SUGGESTIONS_MOST])


def _day(day_in_number: int, lists: StatusLists, now: int) -> int:
    """Find the day of a number: a day with a list, whatever the clock says, or else the nearest day."""
    listed = [day for day in lists.days if day % DAYS == day_in_number]
    return listed[0] if listed else resolve_day(day_in_number, max(day_of(now), DAYS))


def _describe_pass(day: int, lists: StatusLists, freshness: Freshness, *, revoked: bool) -> list[Message]:
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
