"""Make facts of what a store tells. Pure, and the same for every store: a story goes in, facts without people come out.

A fact says what a story says and nothing else, so it comes out the same whoever makes it again, and counts once.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from movepass_service.applications.states import WAITING_FOR_OFFICER, is_urgent
from movepass_service.decisions.records import APPLICANT, RULES, officer_of
from movepass_service.errors import ServiceError
from movepass_service.rules import RuleSet
from movepass_service.rules.columns import OTHER_REASON
from movepass_service.statistics import facts
from movepass_service.statistics.facts import Fact, event_of, hour_number
from movepass_service.stores.changes import ENDS_PASSES, NEW_STATE
from movepass_service.stores.kept import Kept
from movepass_service.stores.stories import Story, ToldDecision, ToldPass
from movepass_wire.codes import DISTRICTS, REASONS

SECOND_LOOK: Final = "second-look"
"""The action of the act of administration that a second look leaves."""
_TYPES: Mapping[str, str] = {
    "approve": facts.DECIDED, "reject": facts.DECIDED, "refer": facts.DECIDED, "needs-correction": facts.DECIDED,
    "appeal": facts.APPEALED, "withdraw": facts.WITHDRAWN, "expire": facts.EXPIRED,
}  # fmt: skip
"""The type of event that a decision's action is. Revoking is one of each pass that it takes away."""
_QUOTAS: Mapping[str, str] = {"passes_today": "day", "passes_week": "week", "overlaps": "overlap"}
"""The limits by the columns that rules look at."""
_TRIP = ("reason", "from_district", "to_district", "evidence")
_LANES = {True: "urgent", False: "ordinary"}

_LINE = -2
"""In place of an application's number, in the names of the line's events."""

Trip = Mapping[str, Any]
"""The columns that say what kind of trip it is; nothing of them is a person's."""
NameEvent = Callable[[int, int | None], int]
"""Names an event by the number of its application and its own number, which is None of the application's coming."""


def name_by_position(number: int, event: int | None) -> int:
    """Name an event of a store whose events are positions of the log."""
    return number if event is None else event


def name_by_hash(key: bytes) -> NameEvent:
    """Return what names events of a store whose application numbers lead to applications."""

    def name(number: int, event: int | None) -> int:
        text = f"{number} {'came' if event is None else event}"
        return event_of(hmac.digest(key, text.encode(), hashlib.sha256))

    return name


class FactBuilder:
    """Makes facts."""

    def __init__(self, key: bytes, rules: Callable[[str | None], RuleSet], name: NameEvent = name_by_position) -> None:
        """Take the key of officers' pseudonyms, what finds a rule set by its version, and what names events."""
        self._key = key
        self._rules = rules
        self.name = name
        self._limits: dict[tuple[str | None, str], str | None] = {}

    def applied(self, kept: Kept, trip: Trip | None = None) -> Fact:
        """Return the fact that an application came."""
        return Fact.of(facts.APPLIED, self.name(kept.number, None), kept.received_at, **(trip or _read_trip(kept)))

    def new_facts(self, story: Story) -> Iterator[Fact]:
        """Return the facts that are new in a story, and those of all its passes that were taken away."""
        trips = _Trips(story)
        for place, decision in enumerate(story.decisions):
            if decision.event in story.new:
                yield from self._decided(story, place, decision, trips)
        for one in story.passes:
            for place, (event, at) in enumerate(one.leaves):
                if event in story.new:
                    yield self._issued(story, one, event, at, trips, is_again=place > 0)
        yield from self.taken_facts(story, trips)

    def taken_facts(self, story: Story, trips: "_Trips | None" = None) -> Iterator[Fact]:
        """Return the facts of passes that were given back, replaced or taken away before their time."""
        for one in story.taken:
            yield self._revoked(story, one, trips or _Trips(story))

    def looked(self, position: int, act: Mapping[str, Any], approver: str | None) -> Fact:
        """Return the fact of a second look, or of its end, from the act's record and the officer who had approved."""
        return replace(
            Fact.of(facts.LOOKED, self.name(-1, position), act["at"]), outcome=act["outcome"],
            decided_by=_decided_by(act["actor"]), officer=self.pseudonym(officer_of(act["actor"])),
            other_officer=self.pseudonym(approver),
        )  # fmt: skip

    def lined(self, event: int, fact: Fact) -> Fact:
        """Return what a lane of the line did in an hour, under the name that events have here."""
        return replace(fact, event=self.name(_LINE, event))

    def pseudonym(self, officer: str | None) -> str | None:
        """Return the pseudonym of an officer."""
        if officer is None:
            return None
        return "officer-" + hmac.digest(self._key, officer.encode(), hashlib.sha256)[:4].hex()

    def _decided(self, story: Story, place: int, decision: ToldDecision, trips: "_Trips") -> Iterator[Fact]:
        record = decision.record
        if place == 0:
            yield self.applied(story.kept, trips[0])
        kind = _TYPES.get(record["action"])
        if kind is None:
            return
        before = story.decisions[place - 1].record if place else None
        yield replace(
            self._event(kind, story, decision.event, record["at"], trips[record["correction"]]),
            outcome=record["action"], rule_set=record.get("rules"), rule_row=record.get("row"),
            correction=record["correction"], quota=self._quota(record),
            waited_s=max(0, record["at"] - _came_at(story, record["correction"])), **self._who(record),
            **_waits(before, record),
        )  # fmt: skip

    def _issued(self, story: Story, one: ToldPass, event: int, at: int, trips: "_Trips", *, is_again: bool) -> Fact:
        kind = facts.REISSUED if is_again else facts.ISSUED
        return replace(
            self._event(kind, story, event, at, trips[one.correction]), correction=one.correction,
            waited_s=max(0, at - _came_at(story, one.correction)), **hours_of(one.not_before, one.not_after),
        )  # fmt: skip

    def _revoked(self, story: Story, one: ToldPass, trips: "_Trips") -> Fact:
        ended_at = one.ended_at or 0
        ending = next(
            (d.record for d in reversed(story.decisions)
             if d.record["at"] == ended_at and NEW_STATE.get(d.record["action"]) in ENDS_PASSES),
            None,
        )  # fmt: skip
        told: dict[str, Any] = {"outcome": "replaced"} if ending is None else self._who(ending)
        if ending is not None:
            told["outcome"] = ending["action"]
        if one.noted_at is not None:
            noted_s = max(0, one.noted_at - ended_at) + 1  # the second after: a list of the same second may lack it
            told |= {"at_s": ended_at + noted_s, "noted_s": noted_s, "revision": 1}
        return replace(
            self._event(facts.REVOKED, story, one.leaves[0][0], ended_at, trips[one.correction]),
            correction=one.correction, **hours_of(max(one.not_before, ended_at), one.not_after), **told,
        )  # fmt: skip

    def _event(self, kind: str, story: Story, event: int, at: int, trip: Trip) -> Fact:
        return Fact.of(kind, self.name(story.kept.number, event), at, **trip)

    def _who(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns that say who decided."""
        return {
            "code": record["code"],
            "decided_by": _decided_by(record["actor"]),
            "officer": self.pseudonym(officer_of(record["actor"])),
            "other_officer": self.pseudonym(officer_of(record.get("proposed_by", ""))),
            "is_bulk": "batch" in record,
        }

    def _quota(self, record: Mapping[str, Any]) -> str | None:
        """Return the limit that a refusal by rules rests on."""
        if record["action"] != "reject" or "row" not in record or record["actor"] != RULES:
            return None
        key = (record.get("rules"), record["row"])
        if key not in self._limits:
            self._limits[key] = self._limit_of(*key)
        return self._limits[key]

    def _limit_of(self, version: str | None, row_id: str) -> str | None:
        """Return the limit that a row sets, by the first of its columns that counts a person's passes."""
        try:
            rows = self._rules(version).table.rows
        except ServiceError:  # a rule set that is gone: the refusal counts without its limit
            return None
        row = next((row for row in rows if row.id == row_id), None)
        return next((_QUOTAS[name] for name in (row.when if row else ()) if name in _QUOTAS), None)


class _Trips:
    """The trip of each content of an application: as its rules saw it, else as it is kept."""

    def __init__(self, story: Story) -> None:
        self._kept = story.kept
        self._seen: dict[int, Trip] = {}
        self._read: Trip | None = None
        for decision in story.decisions:
            if "facts" in decision.record:
                self._seen[decision.record["correction"]] = _seen_trip(decision.record["facts"])

    def __getitem__(self, correction: int) -> Trip:
        found = self._seen.get(correction)
        if found is None:
            found = self._read = self._read or _read_trip(self._kept)
        return found


def forgotten(event: int, at: int) -> Fact:
    """Return the fact of a decision whose record was deleted."""
    return Fact.of(facts.FORGOTTEN, event, at)


def published(version: int, at: int) -> Fact:
    """Return the fact that revocation lists were published, from the timestamp's version and time."""
    return Fact.of(facts.PUBLISHED, version, at, at_s=at)


def _read_trip(kept: Kept) -> Trip:
    try:
        content = json.loads(kept.content)
        trip = content["trip"]
        reason = trip["reason"] if trip["reason"] in REASONS.by_key else OTHER_REASON
        places = {
            column: trip[end]["district"] if trip[end]["district"] in DISTRICTS.by_key else None
            for end, column in (("from", "from_district"), ("to", "to_district"))
        }
        evidence = content["evidence"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return {"lane": _LANES[kept.is_urgent]}
    return {"reason": reason, **places, "evidence": evidence, "lane": _LANES[kept.is_urgent]}


def _seen_trip(columns: Mapping[str, Any]) -> Trip:
    code = REASONS.by_key.get(columns.get("reason") or "")
    lane = lane_of(code.number if code else OTHER_REASON)
    return {**{name: columns.get(name) for name in _TRIP}, "lane": lane}


def lane_of(reason: int | str) -> str:
    """Return the lane of a reason."""
    return _LANES[is_urgent(reason)]


def _came_at(story: Story, correction: int) -> int:
    """Return when an application came; of a correction when rules first looked at it."""
    if correction:
        for decision in story.decisions:
            if decision.record["correction"] == correction:
                return int(decision.record["at"])
    return story.kept.received_at


def _waits(before: Mapping[str, Any] | None, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return when a wait for an officer ends with a decision, and when one begins."""
    found: dict[str, Any] = {}
    if before is not None and _waits_for_officer(before):
        found = {"case_opened": hour_number(before["at"]), "case_s": max(0, record["at"] - before["at"])}
    if _waits_for_officer(record):
        found["case_opens"] = hour_number(record["at"])
    return found


def _waits_for_officer(record: Mapping[str, Any]) -> bool:
    return NEW_STATE.get(record["action"]) in WAITING_FOR_OFFICER


def hours_of(begins: int, ends: int) -> dict[str, Any]:
    """Return the first hour from one time to another, and how many there are."""
    if begins >= ends:
        return {"starts": hour_number(ends), "hours": 0}
    return {"starts": hour_number(begins), "hours": hour_number(ends - 1) - hour_number(begins) + 1}


def _decided_by(actor: str) -> str:
    if officer_of(actor) is not None:
        return "officer"
    return actor if actor in {RULES, APPLICANT} else "service"
