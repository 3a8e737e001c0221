"""The facts: one row an event, with nobody in it. Pure: the columns, their meaning, and times in Dhaka.

No name, identity number, telephone, reference, request id or pass number is a column, and no column holds one. Officers
are pseudonyms. A row belongs to the day in Dhaka on which its event happened; the folder's name is that day
(docs/reports.md, "Data dictionary").
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple

from movepass_service.errors import ServiceError
from movepass_wire.times import DAY_SECONDS, DHAKA, day_name

SCHEMA_VERSION: Final = 2
"""Of the columns below; each file names the one that it was written by. 2: what the line counts."""
_DHAKA_SECONDS = int(DHAKA.utcoffset(None).total_seconds())
_HOUR = 3600

APPLIED, DECIDED, APPEALED, WITHDRAWN, EXPIRED = "applied", "decided", "appealed", "withdrawn", "expired"
ISSUED, REISSUED, REVOKED, PUBLISHED = "issued", "reissued", "revoked", "published"
LOOKED, COUNTED, LINED, FORGOTTEN = "looked", "counted", "lined", "forgotten"
TYPES: Final[Mapping[str, str]] = {
    APPLIED: "an application came",
    DECIDED: "rules or an officer approved, rejected, referred, or asked for a correction",
    APPEALED: "an applicant asked an officer to look again",
    WITHDRAWN: "an applicant or an officer withdrew an application",
    EXPIRED: "a trip was over before there was a decision, or a pass",
    ISSUED: "a pass was issued",
    REISSUED: "a pass was issued again under another key",
    REVOKED: "a pass was taken away: outcome says why",
    PUBLISHED: "revocation lists were published",
    LOOKED: "a second look at an approval, or its end: outcome says what was found",
    COUNTED: "a device's count of one verdict in one hour",
    LINED: "the line's count for one lane in one hour",
    FORGOTTEN: "something was decided, and its record was deleted before it was counted (rebuilt days only)",
}
"""The types of events, and what each means."""


class FactsError(ServiceError):
    """Facts can't be read or written, or a question about them is wrong."""


class QuestionError(FactsError):
    """A question names an unknown report, day or filter, or a query or an export is wrong."""

    is_input = True


@dataclass(frozen=True, slots=True)
class Fact:
    """One event. `day` names its folder; all other attributes are the columns that DICTIONARY explains."""

    day: str
    type: str
    event: int
    hour: int
    minute: int
    revision: int = 0
    reason: str | None = None
    from_district: str | None = None
    to_district: str | None = None
    lane: str | None = None
    outcome: str | None = None
    code: str | None = None
    rule_set: str | None = None
    rule_row: str | None = None
    decided_by: str | None = None
    officer: str | None = None
    other_officer: str | None = None
    is_bulk: bool | None = None
    correction: int | None = None
    evidence: str | None = None
    quota: str | None = None
    waited_s: int | None = None
    case_s: int | None = None
    case_opens: int | None = None
    case_opened: int | None = None
    starts: int | None = None
    hours: int | None = None
    at_s: int | None = None
    noted_s: int | None = None
    post: str | None = None
    district: str | None = None
    verdict: str | None = None
    scans: int | None = None
    shown_before: int | None = None
    let_through: int | None = None
    sent_back: int | None = None
    called_in: int | None = None
    places: int | None = None
    entered: int | None = None
    in_line: int | None = None
    is_rebuilt: bool | None = None

    @classmethod
    def of(cls, kind: str, event: int, at: int, **columns: Any) -> "Fact":
        """Return the fact of an event at a time, seconds since 1970 UTC."""
        when = moment(at)
        return cls(when.day, kind, event, when.hour, when.minute, **columns)

    def to_line(self) -> str:
        """Write it as one line of JSON, without what is not known."""
        known = {name: value for name in NAMES if (value := getattr(self, name)) is not None}
        return json.dumps(known, ensure_ascii=False, separators=(",", ":"))


NAMES: Final = tuple(field.name for field in fields(Fact))


class Entry(NamedTuple):
    """A column of the data dictionary: its type in SQL, and what it means."""

    sql: str
    means: str


_TEXT, _NUMBER, _BIG, _FLAG = "VARCHAR", "INTEGER", "BIGINT", "BOOLEAN"
DICTIONARY: Final[Mapping[str, Entry]] = {
    "day": Entry(_TEXT, "the day in Dhaka on which it happened, YYYY-MM-DD; the partition"),
    "type": Entry(_TEXT, f"one of {', '.join(TYPES)}"),
    "event": Entry(_BIG, "with type, names the event, which counts once: a position, or a hash that leads nowhere"),
    "revision": Entry(_NUMBER, "of events that are told again with later counts the highest stays; else 0"),
    "hour": Entry(_NUMBER, "the hour of that day in Dhaka, 0 to 23"),
    "minute": Entry(_NUMBER, "the minute of that hour; seconds are not kept"),
    "reason": Entry(_TEXT, "the trip's reason, a key of the table of reasons; other where it was written in words"),
    "from_district": Entry(_TEXT, "the district of departure, a key of the table of districts"),
    "to_district": Entry(_TEXT, "the district of arrival"),
    "lane": Entry(_TEXT, "urgent (medical, burial) or ordinary; of lined slow-urgent and slow too, in a flood"),
    "outcome": Entry(
        _TEXT,
        "decided: approve, reject, refer, needs-correction. revoked: withdraw, revoke, reject, expire, replaced. "
        "looked: agreed, disagreed, upheld, reversed",
    ),
    "code": Entry(_TEXT, "the code of the reason that the applicant was given"),
    "rule_set": Entry(_TEXT, "the version of the rules that decided"),
    "rule_row": Entry(_TEXT, "the id of the row that decided"),
    "decided_by": Entry(_TEXT, "rules, officer, applicant or service"),
    "officer": Entry(_TEXT, "a pseudonym of the officer"),
    "other_officer": Entry(_TEXT, "who proposed what a second officer confirmed; of looked: who had approved"),
    "is_bulk": Entry(_FLAG, "whether it was part of a bulk decision"),
    "correction": Entry(_NUMBER, "how often the application had been corrected"),
    "evidence": Entry(_TEXT, "who vouched: own-word, assistant, employer"),
    "quota": Entry(_TEXT, "the limit that a refusal rests on: day, week or overlap"),
    "waited_s": Entry(_NUMBER, "seconds since the application came, or since rules first looked at its correction"),
    "case_s": Entry(_NUMBER, "seconds for which it had waited for an officer"),
    "case_opens": Entry(_BIG, "the hour (see starts) from which it waits for an officer because of this event"),
    "case_opened": Entry(_BIG, "the hour since which it had waited for an officer until this event"),
    "starts": Entry(_BIG, "the first hour in Dhaka of the pass's time, or of what a revocation took of it: 24 a day "
                          "since 1970-01-01"),
    "hours": Entry(_NUMBER, "for how many hours from then, begun ones too"),
    "at_s": Entry(_BIG, "seconds since 1970 UTC; of published and revoked alone, which are compared with each other. "
                        "Of revoked: the second after the issuer noted it; the first publication since then lists it"),
    "noted_s": Entry(_NUMBER, "of revoked: seconds from what took the pass away until at_s"),
    "post": Entry(_TEXT, "the name of a post, as whoever imports its counts calls it"),
    "district": Entry(_TEXT, "the district of a post"),
    "verdict": Entry(_TEXT, "the device's verdict: valid, forged, revoked …"),
    "scans": Entry(_NUMBER, "how often the verdict came in the hour"),
    "shown_before": Entry(_NUMBER, "how many of these passes the device had been shown before"),
    "let_through": Entry(_NUMBER, "of those that could not be verified: let through"),
    "sent_back": Entry(_NUMBER, "of those that could not be verified: sent back"),
    "called_in": Entry(_NUMBER, "of those that could not be verified: called in"),
    "places": Entry(_NUMBER, "how many places in line were given in the hour"),
    "entered": Entry(_NUMBER, "how many applications were let in in the hour, with or without a place"),
    "in_line": Entry(_NUMBER, "the most places that waited in the lane at one time; looked at each minute or sooner"),
    "is_rebuilt": Entry(_FLAG, "whether the day was lost, and built again from what was left"),
}  # fmt: skip
"""Every column, in the order of the files."""


class Moment(NamedTuple):
    """A time as facts name it: the day, the hour and the minute in Dhaka."""

    day: str
    hour: int
    minute: int


def moment(at: int) -> Moment:
    """Return the day, hour and minute in Dhaka of a time (seconds since 1970 UTC)."""
    day, seconds = divmod(at + _DHAKA_SECONDS, DAY_SECONDS)
    return Moment(day_name(day), seconds // _HOUR, seconds % _HOUR // 60)


def hour_number(at: int) -> int:
    """Return the number of the hour in Dhaka that a time falls in: 24 a day since 1970-01-01."""
    return (at + _DHAKA_SECONDS) // _HOUR


def hour_begins(hour: int) -> int:
    """Return when an hour in Dhaka begins, by its number; seconds since 1970 UTC."""
    return hour * _HOUR - _DHAKA_SECONDS


def event_of(digest: bytes) -> int:
    """Return the number that names an event by a digest: its first 63 bits, as a BIGINT has a sign."""
    return int.from_bytes(digest[:8]) >> 1


def read_line(line: str) -> Fact:
    """Read what Fact.to_line wrote.

    Raises:
        FactsError: it is something else.
    """
    try:
        known: dict[str, Any] = json.loads(line)
        return Fact(**known)
    except (ValueError, TypeError) as e:
        raise FactsError(f"a line of the facts is none: {type(e).__name__}") from e
