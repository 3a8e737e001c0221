"""Keep the journal of a post: what was decided when, by which check and lists, but never about whom.

A pass with a valid signature is recorded as an HMAC-SHA-256 of its day and index, cut to 16 bytes. That is enough to
say that this device was shown the pass before. Whoever has the key can try all pass numbers. So each UTC day of exp has
its own key, which is deleted with that day's list, together with the marks made with it. Counts by hour outlast the
entries. One reading of a wrong clock deletes nothing: an entry is old only as far as the signed time of the lists
confirms the clock, and an entry of the future is moved to now. Everything here runs in the caller's transaction. No
verdict relies on the journal.
"""

import os
import sqlite3
import struct
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from movepass_verifier.deciding.lists import MAX_AGE_MOST
from movepass_verifier.deciding.verdicts import Outcome, Verdict, Verification
from movepass_verifier.errors import DamagedError, PolicyError
from movepass_verifier.store.schema import JOURNAL
from movepass_wire import Pass
from movepass_wire.times import DAY_SECONDS, ago, iso
from movepass_words import Message

KEEP_LEAST, KEEP_SECONDS, KEEP_MOST = DAY_SECONDS, 7 * DAY_SECONDS, 30 * DAY_SECONDS
"""How long entries are kept: at least, by default, and at most."""
ENTRIES_MOST = 200_000
"""The oldest entries beyond this number are deleted; their counts stay. They take 14 MB and last for days."""
COUNTS_KEPT_SECONDS = 90 * DAY_SECONDS
DOUBLE_READ_SECONDS = 5
"""If a process notes a pass again within this time of its first entry, a scanner has read it twice."""
_AHEAD_SECONDS = DAY_SECONDS
"""An entry later than this was noted with a wrong clock."""
_KEY_BYTES, _MARK_BYTES = 32, 16
_COUNTS = ("scans", "shown_before", "let_through", "sent_back", "called_in")
_HOUR = 3600


class Decision(Enum):
    """The officer's action when nothing could be verified."""

    LET_THROUGH = "let-through"
    SENT_BACK = "sent-back"
    CALLED_IN = "called-in"

    @property
    def column(self) -> str:
        """The column of its count."""
        return self.value.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Seen:
    """The earlier times that this device was shown a pass: how often, and when last (seconds since 1970 UTC)."""

    count: int
    last_at: int

    def to_json(self) -> dict[str, Any]:
        """Return the object `shown_before` of `verify --json`."""
        return {"count": self.count, "last_at": iso(self.last_at)}


class Noted(NamedTuple):
    """The result of noting a verdict: the number of its entry, and whether the pass was seen before."""

    entry: int
    seen: Seen | None


class Checked(NamedTuple):
    """A pass that was verified and noted.

    Attributes:
        result: the verdict.
        noted: its note in the journal; None where the journal can't be kept.
        trouble: why it can't be kept, or None.
    """

    result: Verification
    noted: Noted | None
    trouble: Message | None


class JournalEntry(NamedTuple):
    """One decision.

    Attributes:
        at: seconds since 1970 UTC, by the device's clock.
        verdict: the verdict of the device.
        failed: the check that decided; None if all passed.
        published: the signed time of the lists that the device used.
        decision: the officer's decision when nothing could be verified.
    """

    at: int
    verdict: Verdict
    failed: str | None
    published: int | None
    decision: Decision | None

    def to_json(self) -> dict[str, Any]:
        """Return the object that `journal entries --json` shows."""
        return {
            "at": iso(self.at),
            "outcome": self.verdict.outcome.value,
            "verdict": self.verdict.value,
            "failed": self.failed,
            "lists_published": None if self.published is None else iso(self.published),
            "decision": self.decision.value if self.decision else None,
        }


class Count(NamedTuple):
    """The count of a verdict in an hour, of these passes shown before, and of the officer's decisions."""

    hour: int
    verdict: Verdict
    scans: int
    shown_before: int
    let_through: int
    sent_back: int
    called_in: int

    def to_json(self) -> dict[str, Any]:
        """Return a row of `journal export`."""
        head = (iso(self.hour * _HOUR), self.verdict.outcome.value, self.verdict.value)
        return dict(zip(self.columns(), (*head, *self[2:]), strict=True))

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """Return the names of the columns of to_json."""
        return ("hour", "outcome", *cls._fields[1:])


def check_keep(seconds: int) -> None:
    """Check that entries may be kept this long.

    Raises:
        PolicyError: they may not; the message says what is allowed.
    """
    if not KEEP_LEAST <= seconds <= KEEP_MOST:
        raise PolicyError(f"expected to keep the journal for {ago(KEEP_LEAST)} to {ago(KEEP_MOST)}, got {ago(seconds)}")


def note(db: sqlite3.Connection, result: Verification, keep: int, own: Collection[int] = ()) -> Noted:
    """Write an entry, unless a scanner has read the same pass twice.

    Args:
        db: the store.
        result: a verification that was made now.
        keep: entries are deleted after this many seconds.
        own: the last entries of this process; an entry of another process is never the same reading.

    Raises:
        DamagedError: the journal is damaged.
    """
    published = result.freshness.published
    now = max(result.freshness.now, published or 0)  # a clock behind a signed time is wrong
    hour = now // _HOUR
    if not db.execute("SELECT 1 FROM journal_hours WHERE hour = ?", (hour,)).fetchone():
        forget(db, now, keep, published)
    mark = _mark(db, result.pass_)
    if mark:
        again = (mark, result.verdict.value, now - DOUBLE_READ_SECONDS, now + DOUBLE_READ_SECONDS)
        query = "SELECT id FROM journal_entries WHERE pass = ? AND verdict = ? AND at BETWEEN ? AND ?"
        entry = max((id_ for (id_,) in db.execute(query, again) if id_ in own), default=None)
        if entry is not None:
            return Noted(entry, _seen_before(db, mark, entry))
    seen = _seen_before(db, mark, 0) if mark else None
    row = (
        now,
        result.verdict.value,
        result.failed,
        published,
        result.pass_.day if mark and result.pass_ else None,
        mark,
    )
    columns = "at, verdict, failed, published, day, pass"
    new = db.execute(f"INSERT INTO journal_entries ({columns}) VALUES (?, ?, ?, ?, ?, ?)", row).lastrowid  # noqa: S608
    assert new is not None  # noqa: S101 - a row has just been inserted
    db.execute("DELETE FROM journal_entries WHERE id <= ?", (new - ENTRIES_MOST,))
    if not _count(db, hour, result.verdict, scans=1, shown_before=int(bool(seen))):
        first = (hour, result.verdict.value, int(bool(seen)))
        db.execute("INSERT INTO journal_hours VALUES (?, ?, 1, ?, 0, 0, 0)", first)
    return Noted(new, seen)


def decide(db: sqlite3.Connection, entry: int, decision: Decision) -> None:
    """Record or change what the officer did when nothing could be verified; a deleted entry stays deleted.

    Raises:
        DamagedError: the journal is damaged.
        ValueError: the entry's verdict leaves nothing to decide.
    """
    for found in _entries(db, "WHERE id = ?", entry):
        if found.verdict.outcome is not Outcome.CANNOT_VERIFY:
            raise ValueError(f"the verdict was {found.verdict.value}: there is nothing to decide")
        db.execute("UPDATE journal_entries SET decision = ? WHERE id = ?", (decision.value, entry))
        for which, change in ((found.decision, -1), (decision, 1)):
            if which:
                _count(db, found.at // _HOUR, found.verdict, **{which.column: change})


def forget(db: sqlite3.Connection, now: int, keep: int, published: int | None) -> None:
    """Delete entries that were kept long enough, and the keys of days that have no list any more.

    Args:
        db: the store.
        now: seconds since 1970 UTC by the device's clock, which may be wrong.
        keep: entries are deleted after this many seconds.
        published: the signed time of the lists; None before the first. A clock that is behind it is not believed, nor a
            clock further ahead of it than lists stay useful.
    """
    confirmed = now if published is None else min(now, published + MAX_AGE_MOST)
    latest = max(now, published or 0)
    db.execute("DELETE FROM journal_entries WHERE at < ?", (confirmed - keep,))
    # A time that is no number is greater than all of them; it is damage, which the doctor finds.
    ahead = "typeof(at) = 'integer' AND at > ?"
    db.execute(f"UPDATE journal_entries SET at = ? WHERE {ahead}", (latest, latest + _AHEAD_SECONDS))  # noqa: S608
    db.execute("DELETE FROM journal_hours WHERE hour < ?", ((confirmed - COUNTS_KEPT_SECONDS) // _HOUR,))
    _count_now(db, latest // _HOUR, (latest + _AHEAD_SECONDS) // _HOUR)
    forget_days(db)


def _count_now(db: sqlite3.Connection, hour: int, last: int) -> None:
    """Move the counts of all hours after `last` into another hour."""
    sums = ", ".join(f"sum({name})" for name in _COUNTS)
    adds = ", ".join(f"{name} = {name} + excluded.{name}" for name in _COUNTS)
    db.execute(
        f"INSERT INTO journal_hours SELECT ?, verdict, {sums} FROM journal_hours WHERE hour > ? GROUP BY verdict "  # noqa: S608
        f"ON CONFLICT DO UPDATE SET {adds}",
        (hour, last),
    )
    db.execute("DELETE FROM journal_hours WHERE hour > ?", (last,))


def forget_days(db: sqlite3.Connection) -> None:
    """Delete the keys of days that have no list, and the marks made with them."""
    gone = "day NOT IN (SELECT day FROM logs)"
    if db.execute(f"DELETE FROM journal_keys WHERE {gone}").rowcount:  # noqa: S608 - a constant
        db.execute(f"UPDATE journal_entries SET day = NULL, pass = NULL WHERE day IS NOT NULL AND {gone}")  # noqa: S608


def entries(db: sqlite3.Connection) -> Iterator[JournalEntry]:
    """Read all entries, oldest first.

    Raises:
        DamagedError: an entry is damaged.
    """
    return _entries(db, "ORDER BY id")


def hourly(db: sqlite3.Connection) -> list[Count]:
    """Read the counts, oldest first.

    Raises:
        DamagedError: a count is damaged.
    """
    try:
        rows = db.execute("SELECT * FROM journal_hours ORDER BY hour, verdict")
        return [Count(int(hour), Verdict(verdict), *map(int, counts)) for hour, verdict, *counts in rows]
    except (TypeError, ValueError) as e:
        raise DamagedError("a count in its journal is not what was written") from e


def totals(counts: Iterable[Count], since: int) -> list[Count]:
    """Add up the counts of all hours from a time on (seconds since 1970 UTC), in the order of the verdicts."""
    found: dict[Verdict, list[int]] = {}
    for count in counts:
        if count.hour >= since // _HOUR:
            found[count.verdict] = [a + b for a, b in zip(found.get(count.verdict, [0] * 5), count[2:], strict=True)]
    return [Count(since // _HOUR, verdict, *found[verdict]) for verdict in Verdict if verdict in found]


def carry_over(old: sqlite3.Connection, new: sqlite3.Connection) -> bool:
    """Copy the journal into a store whose own journal is empty; a damaged journal is not copied.

    Returns:
        Whether the journal was undamaged.
    """
    try:
        for _ in entries(old):
            pass
        hourly(old)
        for table in JOURNAL:
            for row in old.execute(f"SELECT * FROM {table}"):  # noqa: S608 - a constant
                new.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608
    except (sqlite3.Error, DamagedError, OverflowError):
        for table in JOURNAL:
            new.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant
        return False
    forget_days(new)
    return True


def _mark(db: sqlite3.Connection, pass_: Pass | None) -> bytes | None:
    """Return a pass's mark, or None if no signature is valid or the pass's day has no list to end its key with."""
    if pass_ is None or not db.execute("SELECT 1 FROM logs WHERE day = ?", (pass_.day,)).fetchone():
        return None
    row = db.execute("SELECT key FROM journal_keys WHERE day = ?", (pass_.day,)).fetchone()
    key = row[0] if row else os.urandom(_KEY_BYTES)
    if not isinstance(key, bytes) or len(key) != _KEY_BYTES:
        raise DamagedError("a key of its journal is not what was written")
    if not row:
        db.execute("INSERT INTO journal_keys VALUES (?, ?)", (pass_.day, key))
    mark = HMAC(key, SHA256())
    mark.update(struct.pack(">II", pass_.day, pass_.index))
    return mark.finalize()[:_MARK_BYTES]


def _seen_before(db: sqlite3.Connection, mark: bytes, but: int) -> Seen | None:
    """Return earlier entries of the same pass besides one entry, or None."""
    query = "SELECT count(*), max(at) FROM journal_entries WHERE pass = ? AND id <> ?"
    count, last = db.execute(query, (mark, but)).fetchone()
    if not count:
        return None
    if not isinstance(last, int):
        raise DamagedError("an entry of its journal is not what was written")
    return Seen(count, last)


def _entries(db: sqlite3.Connection, which: str, *values: object) -> Iterator[JournalEntry]:
    query = f"SELECT at, verdict, failed, published, decision FROM journal_entries {which}"  # noqa: S608 - a constant
    try:
        for at, verdict, failed, published, decision in db.execute(query, values):
            decided = None if decision is None else Decision(decision)
            yield JournalEntry(int(at), Verdict(verdict), failed, published, decided)
    except (TypeError, ValueError) as e:
        raise DamagedError("an entry of its journal is not what was written") from e


def _count(db: sqlite3.Connection, hour: int, verdict: Verdict, **changes: int) -> bool:
    """Change counts, and return whether the hour has any of the verdict."""
    sets = ", ".join(f"{name} = {name} + {change}" for name, change in changes.items())
    query = f"UPDATE journal_hours SET {sets} WHERE hour = ? AND verdict = ?"  # noqa: S608 - columns and numbers
    return bool(db.execute(query, (hour, verdict.value)).rowcount)
