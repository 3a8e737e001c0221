"""A week of seeded facts for pictures of the desk's reports."""

import random
from collections.abc import Iterator

from movepass_service.statistics.facts import Fact, hour_number, moment
from movepass_wire.codes import DISTRICTS, REASONS

DAYS = 7
_DAY = 86400
_BY_HOUR = (1, 1, 1, 1, 2, 4, 8, 12, 14, 12, 10, 8, 6, 6, 7, 8, 9, 8, 6, 5, 4, 3, 2, 1)
_ROWS = ("urgent-medical", "groceries", "own-words", "many-passes")


def week_of_facts(now: int, per_day: int = 1500) -> Iterator[Fact]:
    """Go through the facts of the seven days until now."""
    rng = random.Random(19)
    midnight = now - (now + 6 * 3600) % _DAY
    event = 0
    for day in range(DAYS):
        start = midnight - (DAYS - 1 - day) * _DAY
        for _ in range(per_day):
            event += 1
            at = start + rng.choices(range(24), _BY_HOUR)[0] * 3600 + rng.randrange(3600)
            if at < now:
                yield from _application(rng, event, at, now)


def _application(rng: random.Random, event: int, at: int, now: int) -> Iterator[Fact]:
    reason = rng.choices([*REASONS.by_key, "other"], [1 / (1 + n) for n in range(len(REASONS.by_key) + 1)])[0]
    districts = list(DISTRICTS.by_key)
    trip = {
        "reason": reason, "lane": "urgent" if reason in {"medical", "burial"} else "ordinary",
        "from_district": rng.choices(districts, [1 / (1 + (n - 12) % 64) ** 1.5 for n in range(64)])[0],
        "to_district": rng.choice(districts), "rule_row": rng.choice(_ROWS), "rule_set": "2021-04-14",
    }  # fmt: skip
    yield _fact("applied", event, at, trip)
    outcome = rng.choices(("approve", "reject", "refer"), (85, 6, 9))[0]
    yield _fact("decided", event, at + 2, trip, outcome=outcome, decided_by="rules", waited_s=rng.randrange(1, 8))
    decided = at + 2
    if outcome == "refer":
        waited = rng.randrange(300, 9000)
        decided = at + waited
        if decided >= now:
            return
        outcome = rng.choices(("approve", "reject"), (3, 1))[0]
        yield _fact(
            "decided", event + 10**6, decided, trip, outcome=outcome, decided_by="officer", waited_s=waited,
            officer=f"officer-{rng.randrange(5)}", case_s=waited, case_opened=hour_number(at),
        )  # fmt: skip
    if outcome == "approve" and decided + 3 < now:
        yield _fact("issued", event, decided + 3, trip, waited_s=decided + 3 - at, starts=hour_number(at) + 2, hours=3)


def _fact(kind: str, event: int, at: int, trip: dict[str, str], **more: object) -> Fact:
    when = moment(at)
    return Fact(when.day, kind, event, when.hour, when.minute, **trip, **more)  # type: ignore[arg-type]
