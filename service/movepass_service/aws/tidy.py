"""Lambda function: what is due, on a schedule.

Each minute it carries out bulk decisions whose window is over, tells how long the oldest urgent case has waited, and
puts the newest head of the decision log where the issuer's publish function takes it (heads.py).
Once an hour it sweeps: it reads the whole table, in parts, each of which is done before the next is read. Applications
whose trip is over expire, what need not be kept is forgotten, and the numbers by state that the public page shows are
counted. What the table's stream has lost is handed to the decide and the sequence function by name (sweeping.py).
Passes that custodians have issued again under another key take the place of the void ones (reissued.py).
An invocation sweeps for less than a minute; the next one goes on where it ended or was killed. The event
{"sweep": true} begins a sweep now. TTL deletes in between.
Where there is another region it does what other_region says, also what an operator asks it for.

IAM: dynamodb:BatchGetItem, dynamodb:GetItem, dynamodb:Query, dynamodb:Scan, dynamodb:PutItem, dynamodb:DeleteItem on
the table and dynamodb:Query on its indexes; lambda:InvokeFunction on the decide and the sequence function;
s3:ListBucket and s3:GetObject on the repository, s3:PutObject on decisions.head in it; dynamodb:BatchGetItem on the
issuer's table. With another region,
dynamodb:PutItem on its table, and lambda:InvokeFunction on the revoke function.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from movepass_issuer import IssuerError
from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger
from movepass_issuer.storage.repository import Repository
from movepass_issuer.storage.s3_repository import S3Repository
from movepass_keys import KeySet
from movepass_service.aws.events import UnknownEventError
from movepass_service.aws.handover import Handover
from movepass_service.aws.heads import put_head
from movepass_service.aws.opening import COUNTS, CloudService, open_service
from movepass_service.aws.other_region import OtherRegion, read_step
from movepass_service.aws.reissued import Reissues, void_kids
from movepass_service.aws.revoking import Revocations
from movepass_service.aws.settings import ServiceFunctionSettings
from movepass_service.aws.sweeping import Found, Progress, look
from movepass_service.aws.telemetry import count, logger, serving
from movepass_service.errors import ServiceError
from movepass_service.issuing.deciding import EXPIRED
from movepass_service.officers.accounts import forget_sessions
from movepass_service.rules.columns import dhaka_day, week_of
from movepass_service.stores.desk import Changed

SWEEP = "sweep"
"""Name under which the progress of the sweep is kept."""
SWEEPING_SECONDS = 40.0
"""After which an invocation begins no further part."""
PART_ITEMS = 1_000
"""Items of the table in a part; an application has two."""
URGENT_LOOKED = 100
"""Urgent cases that are looked at for the one that has waited longest: those that came first."""


class TidyFunction:
    """The function, opened once a process."""

    def __init__(
        self, service: CloudService, repository: Repository, ledger: DynamoDbLedger, handover: Handover,
        other: OtherRegion | None = None, *, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """Take what it works with.

        Args:
            service: the service's core.
            repository: the issuer's, where the log's head is put.
            ledger: the issuer's.
            handover: takes what the stream has left behind.
            other: what is done where there is another region.
            clock: gives the time in seconds since 1970 UTC.
        """
        self._service = service
        self._repository = repository
        self._reissues = Reissues(service.cloud_store, repository, ledger)
        self._handover = handover
        self._other = other
        self._clock = clock

    @classmethod
    def open(cls, settings: ServiceFunctionSettings) -> "TidyFunction":
        """Open the core.

        Raises:
            ServiceError: a setting is wrong.
        """
        service = open_service(settings)
        regional = service.regional
        other = OtherRegion(regional, Revocations(settings.revoke)) if regional else None
        repository, ledger = S3Repository(settings.repository), DynamoDbLedger(settings.ledger)
        return cls(service, repository, ledger, Handover(settings.decide, settings.sequence), other)

    def __call__(self, event: Any, _context: Any) -> dict[str, int]:
        """Do what is due, or what an operator asks for.

        Raises:
            UnknownEventError: the operator asks for something else, or there is no other region.
            ServiceError: a part of it failed; the next invocation does it again.
        """
        now = int(self._clock())
        if step := read_step(event):
            if self._other is None:
                raise UnknownEventError("there is no other region")
            return self._other.take(step, now)
        store = self._service.cloud_store
        done = {"carried_out": self._service.desk.carry_out(now=now)}
        urgent = [case.since for case in store.cases(URGENT_LOOKED) if case.is_urgent]
        count("OldestUrgentSeconds", now - min(urgent) if urgent else 0)
        self._put_head()
        done |= self._sweep(now, is_whole=isinstance(event, Mapping) and event.get("sweep") is True)
        count("Tidied", 1)
        return done | (self._other.tidy(now) if self._other else {})

    def _put_head(self) -> None:
        try:
            put_head(self._service.cloud_store, self._repository)
        except (ServiceError, IssuerError) as e:  # all the rest goes on
            count("HeadNotPublished")
            logger.error("the head of the decision log is not published", error=str(e))

    def _sweep(self, now: int, *, is_whole: bool) -> dict[str, int]:
        """Go on with the sweep, or begin one, if it is time; returns what was done."""
        store, end = self._service.cloud_store, time.monotonic() + SWEEPING_SECONDS
        kept = store.noted(SWEEP)
        progress = Progress.read(kept).resumed(now, is_whole=is_whole)
        done: dict[str, int] = {}
        keys = self._reissues.read_keys() if progress is not None else None
        kids = void_kids(keys) if keys else frozenset()
        while progress is not None and not progress.is_over:
            applications, after = store.page(progress.after, PART_ITEMS)
            found = look(applications, progress, now, store.is_logged, kids)
            for name, number in self._do(found, keys, now).items():
                done[name] = done.get(name, 0) + number
            progress = progress.advanced((document for _, document in applications), after)
            if progress.is_over:
                self._finish(progress, now)
            try:
                store.replace_noted(SWEEP, kept, progress.to_bytes(), now)
            except Changed:
                return done  # another process sweeps
            kept = progress.to_bytes()
            if time.monotonic() >= end:
                break
        return done

    def _do(self, found: Found, keys: KeySet | None, now: int) -> dict[str, int]:
        """Do what was found in a part of the table. All of it may be done twice."""
        store = self._service.cloud_store
        self._handover.undecided(found.undecided)
        self._handover.unfollowed(found.unfollowed)
        expired = store.expire(EXPIRED, now, len(found.over), among=found.over) if found.over else 0
        for one in store.find_many(found.unissued).values():  # their request ended among the issuer's dead letters
            store.record_refused(one, EXPIRED, now)
        forgotten = store.forget(now, _oldest_week(now), len(found.due), among=found.due) if found.due else 0
        reissued = self._reissues.take(found.reissuable, keys, now) if keys else 0
        return {
            "reissued": reissued,
            "expired": expired + len(found.unissued), "forgotten": forgotten,
            "undecided": len(found.undecided), "unfollowed": len(found.unfollowed),
        }  # fmt: skip

    def _finish(self, progress: Progress, now: int) -> None:
        store = self._service.cloud_store
        store.note(COUNTS, json.dumps(progress.states).encode())
        store.forget(now, _oldest_week(now), 0, among=())  # the keys of weeks that are over
        forget_sessions(store, now)
        if self._other:
            self._other.find_strays()
        count("Swept", 1)


def _oldest_week(now: int) -> int:
    return week_of(dhaka_day(now)) - 1


@cache
def _function() -> TidyFunction:
    settings = ServiceFunctionSettings.from_environment(os.environ, "decide", "sequence", "repository", "ledger")
    return TidyFunction.open(settings)


@serving
def handler(event: Any, context: Any) -> Any:
    """Handle an invocation by Lambda."""
    return _function()(event, context)
