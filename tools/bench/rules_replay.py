"""How long a replay of past applications takes: `python tools/bench/rules_replay.py [APPLICATIONS]`, a million without.

It fills an embedded store with applications that the rules of April 2021 have decided in order, by the engine itself,
and replays them twice. The same rules must change nothing, which also proves the replay; a smaller quota must change
something. The floor is reading the same rows and doing nothing with them. It exits with 1 if a bar is missed.
"""

import json
import random
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from movepass_service.decisions.records import RULES, Decision, make_record
from movepass_service.rules import Facts, RuleSet, default_rules, dhaka_day, week_of
from movepass_service.rules.columns import COLUMNS
from movepass_service.rules.replay import Replay
from movepass_service.stores.sqlite.replay_source import replay_past
from movepass_service.stores.sqlite.store import FILE, SqliteStore

APPLICATIONS = 1_000_000
REPLAY_MAX_SECONDS = 10.0
"""The bar for a million."""
_BEGIN = 1_618_358_400
"""06:00 in Dhaka on 2021-04-14."""
_A_SECOND = 10
_HOUR = 3600
_CONTENT = json.dumps({"trip": "x" * 400})
"""As long as a usual application; a replay does not read it."""
_STATES = {"approve": "issued", "reject": "rejected", "refer": "referred"}
_INSERT = (
    "INSERT INTO applications (number, reference, client, part, digest, secret_hash, state, since, received_at, "
    "is_urgent, content, id_hash, travel_week, travel_day, not_before, not_after, rules, pass_number) "
    "VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_DECISION = "INSERT INTO decisions (number, at, by_person, digest, salt, record) VALUES (?, ?, 0, ?, ?, ?)"


def main() -> int:
    """Fill a store, replay it, and print what was seen."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else APPLICATIONS
    smaller = RuleSet.from_toml(default_rules().table.source.replace("{ at_least = 3 }", "{ at_least = 2 }"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, count)
        floor = _floor(folder)
        same, seconds = timed(folder, default_rules())
        other, others_seconds = timed(folder, smaller)
    print(f"{count:,} applications; reading their rows alone: {floor:.1f} s")
    print(f"the same rules:    {seconds:.1f} s, {same.changed:,} changed")
    print(f"two passes a day:  {others_seconds:.1f} s, {other.changed:,} changed")
    is_right = same.applications == count and same.changed == 0 and other.changed > 0
    is_fast = max(seconds, others_seconds) <= REPLAY_MAX_SECONDS * max(1.0, count / APPLICATIONS)
    return 0 if is_right and is_fast else 1


def fill(folder: Path, count: int) -> None:
    """Make a store with applications that rules have decided."""
    SqliteStore(folder).close()
    with closing(sqlite3.connect(folder / FILE)) as db:
        db.execute("PRAGMA synchronous = OFF")
        for application, decision in _decided(count):
            db.execute(_INSERT, application)
            db.execute(_INSERT_DECISION, decision)
        db.commit()


def timed(folder: Path, rules: RuleSet) -> tuple[Replay, float]:
    """Replay a store; return the result and the seconds that it took."""
    begun = time.perf_counter()
    result, _ = replay_past(folder, rules, changes_max=20)
    return result, time.perf_counter() - begun


def _floor(folder: Path) -> float:
    begun = time.perf_counter()
    with closing(sqlite3.connect(folder / FILE)) as db:
        columns = "record, not_before, not_after, id_hash, state, since"
        query = f"SELECT {columns} FROM decisions JOIN applications USING (number)"
        for _ in db.execute(query):
            pass
    return time.perf_counter() - begun


def _decided(count: int) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """Make rows of applications, ten a second, of four persons in ten, and of the decisions about them."""
    chance, rules = random.Random(16), default_rules()
    reasons, districts = COLUMNS["reason"].words, COLUMNS["from_district"].words
    passes: defaultdict[bytes, list[tuple[int, int, int, int]]] = defaultdict(list)
    for number in range(1, count + 1):
        came = _BEGIN + number // _A_SECOND
        start = came + chance.randint(1, 48) * _HOUR
        minutes = chance.choice([60, 120, 180, 240])
        end, day = start + minutes * 60, dhaka_day(start)
        person = sha256(b"%d" % chance.randrange(count * 2 // 5 + 1)).digest()[:16] if chance.random() < 0.9 else None
        held = passes[person] if person else []
        facts = Facts(
            reason=str(chance.choice(reasons)),
            minutes=minutes,
            lead_minutes=(start - came) // 60,
            passes_today=sum(other == day for other, *_ in held) if person else None,
            passes_week=sum(other == week_of(day) for _, other, *_ in held) if person else None,
            overlaps=any(other < end and start < other_end for _, _, other, other_end in held) if person else None,
            from_district=str(chance.choice(districts)),
            to_district=str(chance.choice(districts)),
            closed=False,
            evidence=chance.choice(["own-word", "own-word", "employer"]),
            phone_verified=chance.random() < 0.5,
        )
        outcome = rules.decide(facts, at=dhaka_day(came))
        action = outcome.action.value
        if action == "approve":
            held.append((day, week_of(day), start, end))
        decision = Decision(
            action, RULES, outcome.code, outcome.texts, rules.version, rules.digest, outcome.row, asdict(facts)
        )
        reference = f"R{number:08}"
        record = make_record(reference, 0, bytes(32), decision, came)
        yield (
            (
                number, reference, b"%016d" % number, bytes(32), bytes(32), _STATES[action], came, came, _CONTENT,
                person, week_of(day), day, start, end, rules.version, reference if action == "approve" else None,
            ),
            (number, came, record.digest, record.salt, record.text),
        )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
