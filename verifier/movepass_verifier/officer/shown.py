"""Word a verification for an officer in one language, so that the shells only lay it out.

Holder data is included only if the signature is valid.
"""

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from movepass_verifier.deciding.verdicts import Freshness, Outcome, Verdict, Verification
from movepass_wire import Place, Trip
from movepass_wire.codes import DISTRICTS, ID_TYPES, REASONS, Code
from movepass_words import Words, data

if TYPE_CHECKING:
    from movepass_verifier.officer.by_number import NumberAnswer
    from movepass_verifier.officer.journal import Seen

WARNING = "!"
"""The sign before a warning, on every terminal."""
Rows = list[tuple[str, str]]
"""Labels and values, in the order in which an officer compares them."""


class Look(NamedTuple):
    """The look and sound of an outcome, never distinguished by colour alone.

    Attributes:
        symbol: one character.
        ascii: the same for terminals without Unicode.
        colour: the colour on a terminal.
        rgb: the colour on a screen, "#rrggbb".
        sound: tones and pauses, each Hz (0: silence) and milliseconds; each outcome has its own rhythm.
        bells: how often a bell rings if nothing plays tones.
    """

    symbol: str
    ascii: str
    colour: str
    rgb: str
    sound: tuple[tuple[int, int], ...]
    bells: int


class Shown(NamedTuple):
    """A verdict in words.

    Attributes:
        outcome: the word that everybody at the post must understand.
        verdict: the reason in a word or two.
        reason: the reason in words that an officer can repeat to the driver.
        advice: what to do.
        test: says that a TEST authority signed it, large and in words; empty if none did.
        trip: the content of the pass, if its signature is valid.
        rows: pass number and trip, who signed, and how old the lists are.
        notes: what else is known, most important first.
    """

    outcome: str
    verdict: str
    reason: str
    advice: str
    test: tuple[str, ...]
    trip: Rows
    rows: Rows
    notes: tuple[str, ...] = ()


@cache
def looks() -> dict[Outcome, Look]:
    """Return the look and sound of each outcome."""
    return {
        Outcome(name): Look(**(row | {"sound": tuple((hz, ms) for hz, ms in row["sound"])}))
        for name, row in data("outcomes.json").items()
    }


def shown(result: Verification, words: Words) -> Shown:
    """Word a verification."""
    trip = trip_rows(result.pass_.trip, words, result.freshness.now) if result.pass_ else []
    rows = [
        (words("label.pass"), result.pass_number or ""),
        *trip,
        (words("label.authority"), result.authority or ""),
        (words("label.lists"), age(result.freshness, words)),
    ]
    test = (words("test.banner"), words("test.long")) if result.test else ()
    accepted_test = result.test and result.verdict is Verdict.VALID
    return Shown(
        outcome=words(f"outcome.{result.outcome.value}"),
        verdict=words(f"verdict.{result.verdict.value}"),
        reason=words.say(result.why),
        advice=words("advice.test" if accepted_test else f"advice.{result.verdict.value}"),
        test=test,
        trip=trip,
        rows=[row for row in rows if row[1]],
    )


def number_shown(answer: "NumberAnswer", words: Words) -> Shown:
    """Word what is known of a pass number."""
    if answer.outcome is Outcome.REJECT:
        advice = words("advice.revoked")
    elif answer.suggestions:
        advice = words("number.likely", number=" / ".join(answer.suggestions))
    else:
        advice = words("number.advice" if answer.readable else "number.ask")
    return Shown(
        outcome=words(f"outcome.{answer.outcome.value}"),
        verdict=answer.number,
        reason=words.say(answer.why),
        advice=advice,
        test=(),
        trip=[],
        rows=[(words("label.lists"), age(answer.freshness, words))],
        notes=tuple(words.say(known) for known in answer.known),
    )


def trip_rows(trip: Trip, words: Words, now: int | None = None) -> Rows:
    """List the content of a pass; names and places stay in the script in which they were issued.

    Args:
        trip: the content of the pass.
        words: the language.
        now: seconds since 1970 UTC; dates show their year if it is another year, or without this time.
    """
    driver = trip.driver_name or ""
    if driver and trip.driver_licence_last:
        driver = words("value.driver", name=driver, last=trip.driver_licence_last)
    elif trip.driver_licence_last:
        driver = words("value.licence", last=trip.driver_licence_last)
    reason = trip.reason if isinstance(trip.reason, str) else _code(REASONS.by_number, trip.reason, "reason", words)
    rows = [
        ("holder", trip.holder_name),
        ("id", words("value.id", paper=_code(ID_TYPES.by_number, trip.id_type, "id", words), last=trip.id_last)),
        ("vehicle", trip.vehicle or ""),
        ("driver", driver),
        ("from", _place(trip.origin, words)),
        ("to", _place(trip.destination, words)),
        ("valid", words.period(trip.not_before, trip.not_after, now)),
        ("reason", reason),
        ("unknown", ", ".join(f"{key}: {value!r}" for key, value in trip.unknown.items())),
    ]
    return [(words(f"label.{name}"), value) for name, value in rows if value]


def seen_before(seen: "Seen", now: int, words: Words) -> str:
    """Warn that this device was shown the same pass before: when last, and how often.

    Args:
        seen: the journal's record.
        now: seconds since 1970 UTC.
        words: the language.
    """
    ago = max(0, now - seen.last_at)
    if seen.count == 1:
        return words("seen.once", ago=ago, last=seen.last_at)
    return words("seen.often", count=seen.count, ago=ago, last=seen.last_at)


def age(freshness: Freshness, words: Words) -> str:
    """Return in words how old the lists are, and whether they are too old for an accept."""
    if freshness.age is None:
        return words("fresh.never")
    how = "too-old" if freshness.too_old else "sync-soon" if freshness.sync_soon else "old"
    return words(f"fresh.{how}", age=freshness.age)


def _place(place: Place, words: Words) -> str:
    district = _code(DISTRICTS.by_number, place.district, "district", words)
    return words("value.place", place=place.text, district=district) if place.text else district


def _code(table: dict[int, Code], number: int, name: str, words: Words) -> str:
    """Name a code, or give its number if the code is newer than this software."""
    code = table.get(number)
    return words(f"value.{name}-code", code=number) if code is None else code.name(words.language)
