"""Each report read off the events one after the other in plain Python, to compare the SQL with.

Written from the words of the reports and of the data dictionary, and not from the SQL. `answer` returns the rows of all
reports in no order. It never looks further than an event and a few counters.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from movepass_service.statistics.facts import TYPES

Event = Mapping[str, Any]
Row = tuple[Any, ...]
_EPOCH = date(1970, 1, 1)
_HOUR = 3600
_FINAL = ("approve", "reject")


def quantile(values: Sequence[int], percent: int) -> int | None:
    """Return the smallest value that is not below that share of all."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1] if values else None


def histogram_quantile(values: Counter[int], percent: int) -> int | None:
    """Return the same of values that were counted."""
    left = math.ceil(values.total() * percent / 100)
    for value in sorted(values):
        left -= values[value]
        if left <= 0:
            return value
    return None


def answer(name: str, events: Iterable[Event], since: date, until: date, filters: Mapping[str, str]) -> set[Row]:
    """Return the rows of a report, by columns of events that must have a value."""
    return answer_all(events, since, until, filters, only=name)[name]


def answer_all(
    events: Iterable[Event], since: date, until: date, filters: Mapping[str, str], *, only: str = ""
) -> dict[str, set[Row]]:
    """Return the rows of all reports, or of one, in one pass over the events."""
    readers = {name: make(since, until) for name, make in _READERS.items() if only in ("", name)}
    asking = {kind: [one for one in readers.values() if kind in one.types] for kind in TYPES}
    for event in events:
        kind = event["type"]
        if kind == "published" or all(event.get(column) == value for column, value in filters.items()):
            for reader in asking[kind]:
                reader.see(event)
    return {name: set(reader.rows()) for name, reader in readers.items()}


class _Reader:
    types: tuple[str, ...] = ("decided",)

    def __init__(self, since: date, until: date) -> None:
        self.days = frozenset((since + timedelta(days=n)).isoformat() for n in range((until - since).days + 1))
        self.first = (since - _EPOCH).days * 24
        self.last = (until - _EPOCH).days * 24 + 23

    def see(self, event: Event) -> None:
        raise NotImplementedError

    def rows(self) -> Iterable[Row]:
        raise NotImplementedError

    def hours(self) -> Iterator[tuple[int, str, int]]:
        for hour in range(self.first, self.last + 1):
            yield hour, (_EPOCH + timedelta(days=hour // 24)).isoformat(), hour % 24


class _Applications(_Reader):
    types = ("applied", "decided", "issued", "withdrawn", "expired")
    _PLACES: Mapping[str, int] = {"applied": 0, "issued": 5, "withdrawn": 6, "expired": 7}
    _OUTCOMES: Mapping[str, int] = {"approve": 1, "reject": 2, "refer": 3, "needs-correction": 4}
    keys: tuple[str, ...] = ("day", "hour")

    def __init__(self, since: date, until: date) -> None:
        super().__init__(since, until)
        self.counts: defaultdict[Row, list[int]] = defaultdict(lambda: [0] * 8)

    def see(self, event: Event) -> None:
        kind = event["type"]
        place = self._OUTCOMES[event["outcome"]] if kind == "decided" else self._PLACES.get(kind)
        if place is not None and event["day"] in self.days:
            self.counts[tuple(event[key] for key in self.keys)][place] += 1

    def rows(self) -> Iterable[Row]:
        return ((*key, *counts) for key, counts in self.counts.items())


class _ByDistrict(_Applications):
    keys = ("from_district",)


class _ByReason(_Applications):
    keys = ("reason",)


class _TimeToDecision(_Reader):
    def __init__(self, since: date, until: date) -> None:
        super().__init__(since, until)
        self.waits: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)

    def see(self, event: Event) -> None:
        if event["type"] == "decided" and event["day"] in self.days and event["outcome"] in _FINAL:
            for who in (event["decided_by"], "all"):
                self.waits[event["lane"], who][event["waited_s"]] += 1

    def rows(self) -> Iterable[Row]:
        for key, waits in self.waits.items():
            yield (*key, waits.total(), *(histogram_quantile(waits, percent) for percent in (50, 90, 99)))


class _Refusals(_Reader):
    def __init__(self, since: date, until: date) -> None:
        super().__init__(since, until)
        self.counts: Counter[Row] = Counter()

    def see(self, event: Event) -> None:
        is_one = event["type"] == "decided" and event["outcome"] == "reject" and event["decided_by"] == "rules"
        if is_one and event["day"] in self.days:
            self.counts[event["rule_row"], event["rule_set"]] += 1

    def rows(self) -> Iterable[Row]:
        return ((*key, count, 100 * count / self.counts.total()) for key, count in self.counts.items())


class _ByRules(_Reader):
    def __init__(self, since: date, until: date) -> None:
        super().__init__(since, until)
        self.days_seen: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])

    def see(self, event: Event) -> None:
        if event["type"] == "decided" and event["outcome"] in _FINAL and event["day"] in self.days:
            counts = self.days_seen[event["day"]]
            if event["decided_by"] == "rules":
                counts[0] += 1
            else:
                counts[1] += 1
                counts[2] += bool(event.get("is_bulk"))

    def rows(self) -> Iterable[Row]:
        return ((day, *c, 100 * c[0] / (c[0] + c[1])) for day, c in self.days_seen.items())


class _Waiting(_Reader):
    """Follows each case by the hour in which it began to wait, over everything that ever happened."""

    types = tuple(TYPES)

    def __init__(self, since: date, until: date) -> None:
        super().__init__(since, until)
        self.moves: defaultdict[int, Counter[tuple[str, int]]] = defaultdict(Counter)

    def see(self, event: Event) -> None:
        opens, opened = event.get("case_opens"), event.get("case_opened")
        if opens is not None:
            self.moves[opens][event["lane"], opens] += 1
        if opened is not None:
            now = (date.fromisoformat(event["day"]) - _EPOCH).days * 24 + event["hour"]
            self.moves[now][event["lane"], opened] -= 1

    def rows(self) -> Iterable[Row]:
        waiting: Counter[tuple[str, int]] = Counter()
        for hour in [hour for hour in sorted(self.moves) if hour < self.first]:
            waiting.update(self.moves[hour])
        for hour, day, of_day in self.hours():
            waiting.update(self.moves.get(hour, {}))
            here = [(lane, opened) for (lane, opened), many in waiting.items() if many]
            urgent = [opened for lane, opened in here if lane == "urgent"]
            yield (
                day, of_day, waiting.total(), sum(many for (lane, _), many in waiting.items() if lane == "urgent"),
                (hour + 1 - min(opened for _, opened in here)) * _HOUR if here else None,
                (hour + 1 - min(urgent)) * _HOUR if urgent else None,
            )  # fmt: skip


class _Officers(_Reader):
    types = ("decided", "looked")

    def __init__(self, since: date, until: date) -> None:
        super().__init__(since, until)
        self.counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.waits: defaultdict[str, list[int]] = defaultdict(list)

    def see(self, event: Event) -> None:
        if event["day"] not in self.days:
            return
        other = event.get("other_officer")
        if event["type"] == "looked":
            self.counts[other or ""][event["outcome"]] += 1
        elif event["type"] == "decided" and event["decided_by"] == "officer":
            mine = self.counts[event["officer"]]
            mine["decided"] += 1
            mine[event["outcome"]] += 1
            mine["bulk"] += bool(event["is_bulk"])
            self.waits[event["officer"]].append(event["case_s"])
            if other:
                self.counts[other]["proposed"] += 1

    def rows(self) -> Iterable[Row]:
        for officer, c in self.counts.items():
            yield (
                officer, c["decided"], c["approve"], c["reject"], c["needs-correction"], c["bulk"], c["proposed"],
                quantile(self.waits[officer], 50), c["agreed"] + c["disagreed"], c["disagreed"], c["reversed"],
            )  # fmt: skip


class _InForce(_Reader):
    types = ("issued", "revoked")

    def __init__(self, since: date, until: date) -> None:
        super().__init__(since, until)
        self.in_force: Counter[int] = Counter()
        self.starting: Counter[int] = Counter()

    def see(self, event: Event) -> None:
        if event["type"] in ("issued", "revoked") and event["day"] <= max(self.days):
            change = 1 if event["type"] == "issued" else -1
            for hour in range(event["starts"], event["starts"] + event["hours"]):
                self.in_force[hour] += change
            self.starting[event["starts"]] += change == 1

    def rows(self) -> Iterable[Row]:
        return ((day, of_day, self.in_force[hour], self.starting[hour]) for hour, day, of_day in self.hours())


class _Routes(_Reader):
    types = ("issued", "revoked")

    def __init__(self, since: date, until: date) -> None:
        super().__init__(since, until)
        self.routes: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])

    def see(self, event: Event) -> None:
        if event["type"] in ("issued", "revoked") and self.first <= event["starts"] <= self.last:
            if event["day"] > max(self.days):
                return
            route = self.routes[event["from_district"], event["to_district"]]
            if event["type"] == "issued":
                route[0] += 1
                route[1] += event["hours"]
            else:
                route[2] += 1

    def rows(self) -> Iterable[Row]:
        return ((*key, *counts) for key, counts in self.routes.items())


class _Revocations(_Reader):
    types = ("revoked", "published")

    def __init__(self, since: date, until: date) -> None:
        super().__init__(since, until)
        self.published: list[int] = []
        self.revoked: list[tuple[str, int | None, int | None]] = []
        self.and_next = self.days | {(until + timedelta(days=1)).isoformat()}

    def see(self, event: Event) -> None:
        if event["type"] == "published" and event["day"] in self.and_next:
            self.published.append(event["at_s"])
        if event["type"] == "revoked" and event["day"] in self.days:
            self.revoked.append((event["outcome"], event.get("at_s"), event.get("noted_s")))

    def rows(self) -> Iterable[Row]:
        self.published.sort()
        waits: defaultdict[str, list[int | None]] = defaultdict(list)
        for outcome, at, noted in self.revoked:
            first = next((one for one in self.published if at is not None and one >= at), None)
            for name in (outcome, "all"):
                waits[name].append(None if first is None or at is None or noted is None else first - at + noted)
        for name, those in waits.items():
            known = [one for one in those if one is not None]
            quantiles = (quantile(known, percent) for percent in (50, 90, 99))
            yield (name, len(those), len(known), *quantiles, max(known, default=None))


class _Verdicts(_Reader):
    types = ("counted",)
    keys: tuple[str, ...] = ("day", "hour")

    def __init__(self, since: date, until: date) -> None:
        super().__init__(since, until)
        self.counts: defaultdict[Row, Counter[str]] = defaultdict(Counter)

    def see(self, event: Event) -> None:
        if event["type"] == "counted" and event["day"] in self.days:
            counts = self.counts[tuple(event[key] for key in self.keys)]
            verdict = event["verdict"]
            counts["checks"] += event["scans"]
            counts[verdict if verdict in ("valid", "forged", "revoked") else "other"] += event["scans"]
            for name in ("shown_before", "let_through", "sent_back", "called_in"):
                counts[name] += event[name]

    def rows(self) -> Iterable[Row]:
        names = ("checks", "valid", "forged", "revoked", "other")
        columns = (*names, "shown_before", "let_through", "sent_back", "called_in")
        return ((*key, *(counts[name] for name in columns)) for key, counts in self.counts.items())


class _VerdictsByDistrict(_Verdicts):
    keys = ("district",)


class _Quotas(_Reader):
    def __init__(self, since: date, until: date) -> None:
        super().__init__(since, until)
        self.hit: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def see(self, event: Event) -> None:
        if event["type"] == "decided" and event["outcome"] in _FINAL and event["day"] in self.days:
            self.hit[event["day"]][event.get("quota") or ""] += 1

    def rows(self) -> Iterable[Row]:
        for day, hit in self.hit.items():
            by_limit = [hit[name] for name in ("day", "week", "overlap")]
            yield (day, *by_limit, hit.total(), 100 * sum(by_limit) / hit.total())


class _Load(_Reader):
    types = ("applied", "decided", "issued", "lined")

    def __init__(self, since: date, until: date) -> None:
        super().__init__(since, until)
        self.lines: dict[tuple[str, int], list[Event]] = defaultdict(list)
        self.minutes: defaultdict[tuple[str, int], Counter[int]] = defaultdict(Counter)
        self.waits: defaultdict[tuple[str, int], Counter[int]] = defaultdict(Counter)
        self.issued: Counter[tuple[str, int]] = Counter()

    def see(self, event: Event) -> None:
        if event["day"] not in self.days:
            return
        hour = (event["day"], event["hour"])
        if event["type"] == "applied":
            self.minutes[hour][event["minute"]] += 1
        elif event["type"] == "decided" and event["decided_by"] == "rules":
            self.waits[hour][event["waited_s"]] += 1
        elif event["type"] == "issued":
            self.issued[hour] += 1
        elif event["type"] == "lined":
            self.lines[hour].append(event)

    def rows(self) -> Iterable[Row]:
        for hour in self.minutes.keys() | self.waits.keys() | self.issued.keys() | self.lines.keys():
            lanes = self.lines[hour]
            minutes, waits = self.minutes[hour], self.waits[hour]
            yield (
                *hour, minutes.total(), max(minutes.values(), default=0), waits.total(), self.issued[hour],
                histogram_quantile(waits, 50), histogram_quantile(waits, 99),
                sum(lane["entered"] for lane in lanes), sum(lane["places"] for lane in lanes),
                max((lane["in_line"] for lane in lanes), default=0),
            )  # fmt: skip


_READERS: Mapping[str, type[_Reader]] = {
    "applications-by-hour": _Applications,
    "applications-by-district": _ByDistrict,
    "applications-by-reason": _ByReason,
    "time-to-decision": _TimeToDecision,
    "refusals-by-rule": _Refusals,
    "decided-by-rules": _ByRules,
    "cases-waiting": _Waiting,
    "officers-load": _Officers,
    "passes-in-force": _InForce,
    "passes-by-route": _Routes,
    "revocations": _Revocations,
    "verdicts-by-hour": _Verdicts,
    "verdicts-by-district": _VerdictsByDistrict,
    "quotas": _Quotas,
    "load": _Load,
}
REPORTS = frozenset(_READERS)
