"""Lambda function: what is due, on a schedule.

Each minute it carries out bulk decisions whose window is over, and tells how long the oldest urgent case has waited.
Once an hour, whichever process comes first, it reads the whole table: applications whose trip is over expire, what need
not be kept is forgotten, and the numbers by state that the public page shows are counted. TTL deletes in between.
Where there is another region it does what other_region says, also what an operator asks it for.

IAM: dynamodb:BatchGetItem, dynamodb:GetItem, dynamodb:Query, dynamodb:Scan, dynamodb:PutItem, dynamodb:DeleteItem on
the table and dynamodb:Query on its indexes. With another region, dynamodb:PutItem on its table, and
lambda:InvokeFunction on the revoke function.
"""

import json
import os
import time
from functools import cache
from typing import Any

from movepass_service.aws.events import UnknownEventError
from movepass_service.aws.opening import COUNTS, CloudService, open_service
from movepass_service.aws.other_region import OtherRegion, read_step
from movepass_service.aws.revoking import Revocations
from movepass_service.aws.settings import ServiceFunctionSettings
from movepass_service.aws.telemetry import count, serving
from movepass_service.issuing.deciding import EXPIRED
from movepass_service.officers.accounts import forget_sessions
from movepass_service.rules.columns import dhaka_day, week_of
from movepass_service.stores.desk import Changed

SWEPT = "swept-at"
"""Name under which the time of the last sweep is kept."""
SWEEP_SECONDS = 3600
_AT_ONCE = 10_000


class TidyFunction:
    """The function, opened once a process."""

    def __init__(self, service: CloudService, other: OtherRegion | None = None) -> None:
        """Take the service's core, and what is done where there is another region."""
        self._service = service
        self._other = other

    @classmethod
    def open(cls, settings: ServiceFunctionSettings) -> "TidyFunction":
        """Open the core.

        Raises:
            ServiceError: a setting is wrong.
        """
        service = open_service(settings)
        regional = service.regional
        return cls(service, OtherRegion(regional, Revocations(settings.revoke)) if regional else None)

    def __call__(self, event: Any, _context: Any) -> dict[str, int]:
        """Do what is due, or what an operator asks for.

        Raises:
            UnknownEventError: the operator asks for something else, or there is no other region.
            ServiceError: something failed; it is done again in a minute.
        """
        now = int(time.time())
        if step := read_step(event):
            if self._other is None:
                raise UnknownEventError("there is no other region")
            return self._other.take(step, now)
        store = self._service.cloud_store
        done = {"carried_out": self._service.desk.carry_out(now=now)}
        urgent = [case.since for case in store.cases(_AT_ONCE) if case.is_urgent]
        count("OldestUrgentSeconds", now - min(urgent) if urgent else 0)
        if self._takes_the_sweep(now):
            done["expired"] = store.expire(EXPIRED, now, _AT_ONCE) + self._expire_approved(now)
            done["forgotten"] = store.forget(now, week_of(dhaka_day(now)) - 1, _AT_ONCE)
            counts = {state.value: number for state, number in store.counts_by_state().items()}
            store.note(COUNTS, json.dumps(counts).encode())
            forget_sessions(store, now)
            if self._other:
                self._other.find_strays()
        count("Tidied", 1)
        return done | (self._other.tidy(now) if self._other else {})

    def _expire_approved(self, now: int) -> int:
        """Let approved applications expire that got no pass before their trip was over; returns how many.

        Their request ended among the issuer's dead letters, or was never sent.
        """
        store = self._service.cloud_store
        over = [one for one in store.approved(_AT_ONCE, store.log_size()) if one.not_after <= now]
        for one in over:
            store.record_refused(one, EXPIRED, now)
        return len(over)

    def _takes_the_sweep(self, now: int) -> bool:
        """Return whether a sweep is due, and note that this process makes it."""
        store = self._service.cloud_store
        last = store.noted(SWEPT)
        if last is not None and now - int(last) < SWEEP_SECONDS:
            return False
        try:
            store.replace_noted(SWEPT, last, str(now).encode(), now)
        except Changed:
            return False
        return True


@cache
def _function() -> TidyFunction:
    return TidyFunction.open(ServiceFunctionSettings.from_environment(os.environ))


@serving
def handler(event: Any, context: Any) -> Any:
    """Handle an invocation by Lambda."""
    return _function()(event, context)
