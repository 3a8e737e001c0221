"""Cases, decisions and people as officers read them; shared by several pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from movepass_service.decisions.desk import Case
from movepass_service.decisions.desk.cases import UNREADABLE
from movepass_service.decisions.reasons import REASONS as CODES
from movepass_service.rules.columns import OTHER_REASON
from movepass_service.stores.kept import Kept
from movepass_service.web.summary import place
from movepass_service.web.words import Words
from movepass_wire import trip_to_json
from movepass_wire.codes import DISTRICTS, REASONS

_OFFICER = "officer:"
_HOUR_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Trip:
    """A case in one line.

    Attributes:
        reference: the application's.
        name: of whoever travels.
        reason: in words.
        way: from where to where.
        time: from when until when.
    """

    reference: str
    name: str
    reason: str
    way: str
    time: str


def age_of(t: Words, seconds: int) -> str:
    """Write how long a case has waited: to the minute, as an officer needs it."""
    minutes = seconds // 60
    if minutes < _HOUR_MINUTES:
        return t("age.minutes", minutes=minutes)
    return t("age.hours", hours=minutes // _HOUR_MINUTES, minutes=minutes % _HOUR_MINUTES)


def trip_of(t: Words, case: Case) -> Trip:
    """Return a case in one line; of damaged content only what the store knows besides."""
    kept = case.kept
    time = t.short_period(kept.not_before, kept.not_after)
    if case.application is None:
        return Trip(kept.reference, t("case.unreadable"), "", "", time)
    trip = trip_to_json(case.application.trip)
    way = t("case.way", start=place(t, trip["from"]), end=place(t, trip["to"]))
    reason = t.named(REASONS, trip["reason"])
    return Trip(kept.reference, trip["holder"]["name"], reason, way, time)


def reason_name(t: Words, reason: str) -> str:
    """Name a reason of trips as the queue counts them."""
    if reason == OTHER_REASON:
        return t("reason.own-words")
    return t("case.unreadable") if reason == UNREADABLE else t.named(REASONS, reason)


def district_name(t: Words, district: str) -> str:
    """Name a district."""
    return t.named(DISTRICTS, district)


def actor_name(t: Words, actor: str) -> str:
    """Name who decided: an officer by their name, the others in words."""
    if actor.startswith(_OFFICER):
        return actor.removeprefix(_OFFICER)
    return t(f"actor.{actor}") if t.has(f"actor.{actor}") else actor


def code_text(t: Words, code: str, texts: Mapping[str, Mapping[str, str]] = CODES) -> str:
    """Return what an applicant reads for a reason; a code without a text stays as it is."""
    return texts[code][t.language] if code in texts else code


def action_name(t: Words, action: str) -> str:
    """Name an action of a decision or of administration."""
    return t(f"action.{action}") if t.has(f"action.{action}") else action


def past_name(t: Words, action: str) -> str:
    """Name an action that was carried out: "Approved" rather than "Approve"."""
    return t(f"past.{action}") if t.has(f"past.{action}") else action_name(t, action)


def state_name(t: Words, kept: Kept) -> str:
    """Name a state, in few words."""
    return t(f"state.{kept.state}")


def record_line(t: Words, record: Mapping[str, Any], texts: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return a decision's record as a line of the history.

    Args:
        t: the words.
        record: as the log has it.
        texts: of the rules that decided, and of officers' reasons: by code and language.
    """
    return {
        "at": record["at"],
        "what": past_name(t, str(record["action"])),
        "who": actor_name(t, str(record["actor"])),
        "code": code_text(t, str(record.get("code") or ""), texts),
        "row": record.get("row"),
        "note": record.get("note"),
    }
