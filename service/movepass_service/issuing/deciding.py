"""From an application to the facts that rules look at, and from a rule's outcome to a decision."""

import logging
from collections.abc import Callable, Mapping

from movepass_service.applications.application import Application
from movepass_service.decisions.records import RULES, SERVICE, Decision
from movepass_service.errors import Busy, ServiceError, StoreError
from movepass_service.rules import OTHER_REASON, Facts, RuleSet, dhaka_day
from movepass_service.rules.columns import COLUMNS
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import Counts, Decide
from movepass_wire import WireError
from movepass_wire.codes import DISTRICTS, REASONS

LOG = logging.getLogger(__name__)

OVER: Mapping[str, str] = {
    "bn": "সিদ্ধান্ত হওয়ার আগেই যাত্রার সময় পার হয়ে গেছে। দরকার হলে নতুন সময় দিয়ে আবার আবেদন করুন।",
    "en": "The trip was over before there was a decision. Apply again with another time if you still need to travel.",
}
NOT_ISSUED: Mapping[str, str] = {
    "bn": "পাসটি তৈরি করা যায়নি। একজন কর্মকর্তা দেখবেন।",
    "en": "The pass could not be made. An officer will look at it.",
}
NOT_DECIDED: Mapping[str, str] = {
    "bn": "নিয়ম অনুযায়ী সিদ্ধান্ত নেওয়া যায়নি। একজন কর্মকর্তা সিদ্ধান্ত নেবেন।",
    "en": "The rules could not decide this. An officer will decide.",
}
EXPIRED = Decision("expire", SERVICE, "trip-over", OVER)


def decider(
    rules: Callable[[str | None], RuleSet], now: int, seen: Callable[[Kept, Application], None] = lambda *_: None
) -> Decide:
    """Return what decides received applications, each by the rules that were in force when it came.

    An application that can't be decided is referred to an officer. While the store can't be read none is decided: what
    decides them raises StoreError or Busy.

    Args:
        rules: finds a rule set by its version.
        now: seconds since 1970 UTC.
        seen: is handed each application as it was read, for whoever needs it next.
    """

    def decide(application: Kept, counts: Counts | None) -> Decision:
        if application.not_after <= now:
            return EXPIRED
        try:
            content = application.application()
            seen(application, content)
            return decide_by(rules(application.rules_version), application, content, counts)
        except (StoreError, Busy):  # no fault of the application's: it is decided once the rules can be read
            raise
        except (ServiceError, WireError, ValueError, LookupError, TypeError) as e:  # which must keep no other waiting
            LOG.error("application number %d can't be decided by rules: %s", application.number, type(e).__name__)  # noqa: TRY400 - the message may quote a person's data
            return Decision("refer", SERVICE, "not-decided", NOT_DECIDED, note=type(e).__name__)

    return decide


def decide_by(rules: RuleSet, application: Kept, content: Application, counts: Counts | None) -> Decision:
    """Decide an application by a rule set. The closed columns are recorded as they were."""
    facts = facts_of(rules, application, content, counts)
    outcome = rules.decide(facts, at=dhaka_day(application.since))
    return Decision(
        action=str(outcome.action),
        actor=RULES,
        code=outcome.code,
        texts=outcome.texts,
        rules_version=rules.version,
        rules_digest=rules.digest,
        row=outcome.row,
        facts={name: getattr(facts, name) for name in COLUMNS},  # asdict copies deeply, and costs more than deciding
    )


def facts_of(rules: RuleSet, application: Kept, content: Application, counts: Counts | None) -> Facts:
    """Return what rules may look at, as it was when the application came (or was corrected)."""
    trip = content.trip
    origin, destination = (str(DISTRICTS.key(place.district)) for place in (trip.origin, trip.destination))
    days = dhaka_day(trip.not_before), dhaka_day(trip.not_after - 1)
    return Facts(
        reason=str(REASONS.key(trip.reason)) if isinstance(trip.reason, int) else OTHER_REASON,
        minutes=-(-(trip.not_after - trip.not_before) // 60),
        lead_minutes=max(0, trip.not_before - application.since) // 60,
        passes_today=counts.today if counts else None,
        passes_week=counts.week if counts else None,
        overlaps=counts.overlaps if counts else None,
        from_district=origin,
        to_district=destination,
        closed=rules.is_closed((origin, destination), *days),
        evidence=content.evidence,
        phone_verified=content.phone_verified,
    )
