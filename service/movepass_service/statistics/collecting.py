"""Collects facts from the decision log: each position once, into the day in which it happened.

The log is append-only and has a position for every decision and every pass, so the position up to which it was read is
all that must be remembered. A collector that is killed reads the same positions again and writes the same parts over,
and a reader counts an event once. Times are those of the log: a clock that is set back changes no total.
"""

import hashlib
import hmac
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from movepass_keys import files
from movepass_service.applications.states import is_urgent
from movepass_service.decisions.leaves import ISSUANCE
from movepass_service.decisions.records import APPLICANT, RULES, officer_of
from movepass_service.errors import ServiceError
from movepass_service.statistics import facts
from movepass_service.statistics.compaction import compact_days
from movepass_service.statistics.engine import MissingExtraError
from movepass_service.statistics.facts import Fact, FactsError, hour_number, moment
from movepass_service.statistics.folder import STATE, make_folder, part_path
from movepass_service.statistics.rounds import Rounds, Stopped
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import LoggedRecord
from movepass_wire.codes import DISTRICTS, REASONS

LOG = logging.getLogger(__name__)
PART_POSITIONS = 2_000
"""Positions of the log in one round: some hundred kilobytes of facts."""
ROUND_SECONDS = 20.0
_STATE_MAX_BYTES = 4096
_OTHER = "other"
_TYPES: Mapping[str, str] = {
    "approve": facts.DECIDED, "reject": facts.DECIDED, "refer": facts.DECIDED, "needs-correction": facts.DECIDED,
    "appeal": facts.APPEALED, "withdraw": facts.WITHDRAWN, "expire": facts.EXPIRED, "revoke": facts.REVOKED,
}  # fmt: skip
"""The type of event that a decision's action is."""


class LogSource(Protocol):
    """As much of a store as the collector reads."""

    def log_size(self) -> int:
        """Count the leaves of the log."""

    def leaves(self, start: int, end: int) -> Iterator[str]:
        """Read the leaves from a position up to another one."""

    def records(self, end: int, start: int = 0) -> Iterator[LoggedRecord]:
        """Read the records of the leaves from a position up to another one that are still kept."""

    def find(self, reference: str) -> Kept | None:
        """Look up an application."""

    def find_pass(self, day: int, index: int) -> Kept | None:
        """Look up the application of a pass."""

    def history(self, number: int) -> list[dict[str, Any]]:
        """Return the records of all decisions about an application."""


@dataclass(frozen=True, slots=True)
class Collected:
    """How far the log was read.

    Attributes:
        position: the first one that was not.
        complete_until: until when all that happened is in the facts, seconds since 1970 UTC.
    """

    position: int
    complete_until: int | None = None


class Collector:
    """Reads one store's log into one folder of facts."""

    def __init__(self, store: LogSource, folder: Path, key: bytes) -> None:
        """Take the store, the folder of the facts, and the key of officers' pseudonyms."""
        self._store = store
        self._folder = folder
        self._key = key

    def collect(self, now: int) -> int:
        """Write the facts of the positions that came since; returns how many facts.

        Raises:
            FactsError: the folder can't be written.
            StoreError: the store can't be read.
        """
        done = read_state(self._folder)
        size = self._store.log_size()
        if done.position > size:
            raise FactsError(
                f"{self._folder} was read up to position {done.position} of the log, which has {size}: the store was "
                "restored from a copy. Move the folder away, and it is written again from what is kept"
            )
        end = min(size, done.position + PART_POSITIONS)
        found = list(self._facts(done.position, end))
        try:
            self._write(found, done.position)
            until = now if end == size else done.complete_until
            _write_state(self._folder, Collected(end, until))
        except OSError as e:
            raise FactsError(f"{self._folder}: {e.strerror or e}") from e
        return len(found)

    def compact(self, now: int) -> int:
        """Compact the days that are over; returns how many. Without DuckDB nothing is compacted, and nothing is lost.

        Raises:
            FactsError: a day can't be read or written.
        """
        try:
            return compact_days(self._folder, moment(now).day)
        except MissingExtraError:
            return 0

    def _facts(self, start: int, end: int) -> Iterator[Fact]:
        records = {record.position: json.loads(record.text) for record in self._store.records(end, start)}
        for position, leaf in enumerate(self._store.leaves(start, end), start):
            if position in records and "reference" in records[position]:
                yield from self._decision(position, records[position])
            elif f'"kind":"{ISSUANCE}"' in leaf:
                yield from self._issuance(position, json.loads(leaf))

    def _decision(self, position: int, record: Mapping[str, Any]) -> Iterator[Fact]:
        kind = _TYPES.get(record["action"])
        kept = self._store.find(record["reference"])
        if kind is None or kept is None:
            return
        history = self._store.history(kept.number)
        place = next((n for n, one in enumerate(history) if one == record), 0)
        trip = self._trip(kept)
        if place == 0:  # an application is counted with the first decision about it, on the day it came
            yield _at(facts.APPLIED, position, kept.received_at, trip)
        officer = officer_of(record["actor"])
        before = history[place - 1] if place else None
        yield replace(
            _at(kind, position, record["at"], trip), outcome=record["action"], code=record["code"],
            rule_set=record.get("rules"), rule_row=record.get("row"), decided_by=_decided_by(record["actor"]),
            officer=self._pseudonym(officer), other_officer=self._pseudonym(officer_of(record.get("proposed_by", ""))),
            is_bulk="batch" in record, correction=record["correction"],
            waited_s=max(0, record["at"] - kept.received_at),
            case_s=max(0, record["at"] - before["at"]) if officer and before else None,
        )  # fmt: skip

    def _issuance(self, position: int, leaf: Mapping[str, Any]) -> Iterator[Fact]:
        kept = self._store.find_pass(leaf["day"], leaf["index"])
        if kept is None:
            return
        at = leaf["at"]
        kind = facts.REISSUED if "replaces" in leaf and not kept.correction else facts.ISSUED
        yield replace(
            _at(kind, position, at, self._trip(kept)), correction=kept.correction,
            waited_s=max(0, at - kept.received_at), starts=hour_number(kept.not_before),
            hours=hour_number(kept.not_after - 1) - hour_number(kept.not_before) + 1,
        )  # fmt: skip

    def _trip(self, kept: Kept) -> Mapping[str, Any]:
        """Return the columns that say what kind of trip it is; nothing of them is a person's."""
        try:
            application = kept.application()
        except (ValueError, LookupError, TypeError):
            return {"lane": "urgent" if kept.is_urgent else "ordinary"}
        trip = application.trip
        reason = REASONS.by_number[trip.reason].key if isinstance(trip.reason, int) else _OTHER
        return {
            "reason": reason,
            "from_district": DISTRICTS.by_number[trip.origin.district].key,
            "to_district": DISTRICTS.by_number[trip.destination.district].key,
            "lane": "urgent" if is_urgent(trip.reason) else "ordinary",
            "evidence": application.evidence,
        }

    def _pseudonym(self, officer: str | None) -> str | None:
        if officer is None:
            return None
        return "officer-" + hmac.digest(self._key, officer.encode(), hashlib.sha256)[:4].hex()

    def _write(self, found: list[Fact], position: int) -> None:
        days: dict[str, list[str]] = defaultdict(list)
        for fact in found:
            days[fact.day].append(fact.to_line())
        for day, lines in days.items():
            path = part_path(self._folder, day, f"{position:012}")
            make_folder(path.parent)
            files.write_whole(path, ("\n".join(lines) + "\n").encode())


def collector_rounds(collector: Collector, clock: Callable[[], float]) -> Rounds:
    """Return what collects in a thread of its own; `clock` gives the time in seconds since 1970 UTC."""

    def round_(_: Stopped) -> bool:
        try:
            found = collector.collect(int(clock()))
            if not found:
                collector.compact(int(clock()))
        except ServiceError as e:
            LOG.error("no facts are collected: %s", e)  # noqa: TRY400 - a cause, no defect
            return False
        return found >= PART_POSITIONS

    return Rounds("collector", round_, ROUND_SECONDS)


def read_state(folder: Path) -> Collected:
    """Return how far the log was read.

    Raises:
        FactsError: that is not known any longer.
    """
    try:
        state = json.loads(files.read_regular(folder / STATE, _STATE_MAX_BYTES))
        return Collected(int(state["position"]), state.get("complete_until"))
    except FileNotFoundError:
        return Collected(0)
    except (OSError, ValueError, LookupError, TypeError) as e:
        raise FactsError(f"{folder / STATE} can't be read; move the folder away, and it is written again") from e


def _write_state(folder: Path, state: Collected) -> None:
    make_folder(folder)
    document = {"position": state.position, "complete_until": state.complete_until}
    files.write_whole(folder / STATE, json.dumps(document).encode())


def _at(kind: str, event: int, at: int, trip: Mapping[str, Any]) -> Fact:
    when = moment(at)
    return Fact(when.day, kind, event, when.hour, when.minute, **trip)


def _decided_by(actor: str) -> str:
    if officer_of(actor) is not None:
        return "officer"
    return actor if actor in {RULES, APPLICANT} else "service"
