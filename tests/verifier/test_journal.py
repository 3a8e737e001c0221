"""Check the journal: decisions, never persons; passes shown before; and that deleted entries are gone."""

import hmac
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import processes
from support.mounts import may_mount, small_disk
from support.passes import DAY, HOUR, iso
from support.world import World, written_to_by_nobody

from movepass_verifier import DamagedError, Device, PolicyError, Verdict
from movepass_verifier.officer import journal
from movepass_verifier.officer.journal import (
    COUNTS_KEPT_SECONDS,
    DOUBLE_READ_SECONDS,
    KEEP_SECONDS,
    Decision,
    JournalEntry,
    Noted,
    Seen,
)
from movepass_verifier.store import schema
from movepass_verifier.store.doctor import Diagnosis, examine
from movepass_verifier.store.pages import delete_list
from movepass_verifier.store.schema import JOURNAL
from movepass_verifier.store.store import FILE_NAME
from movepass_wire import times
from movepass_wire.base45 import decode, encode
from movepass_words import message


@dataclass
class Post:
    """A device in use, and a clock that the test turns."""

    world: World
    device: Device
    now: int

    def scan(self, text: str, after: int = 60) -> Noted:
        noted = self.try_scan(text, after)
        assert noted, self.device.journal_trouble
        return noted

    def try_scan(self, text: str, after: int = 60) -> Noted | None:
        self.now += after
        return self.device.note(self.device.verify(text))

    def scan_synced(self, text: str, after: int) -> Noted:
        """Scan on a device that has synced just before."""
        self.now += after
        self.world.publish(self.now)
        self.device.sync(str(self.world.repository))
        return self.scan(text, 0)

    def counts(self) -> dict[str, tuple[int, ...]]:
        """Return the counts by verdict, of all hours."""
        found: dict[str, tuple[int, ...]] = {}
        for row in self.device.hourly():
            before = found.get(row.verdict.value, (0,) * 5)
            found[row.verdict.value] = tuple(a + b for a, b in zip(before, row[2:], strict=True))
        return found

    def sql(self, statement: str) -> list[Any]:
        with closing(sqlite3.connect(self.world.store / FILE_NAME, isolation_level=None)) as db:
            return db.execute(statement).fetchall()


@pytest.fixture
def post(world: World) -> Iterator[Post]:
    post = Post(world, None, world.now)  # type: ignore[arg-type]
    with world.device(lambda: post.now) as device:
        post.device = device
        yield post


def bytes_of(store: Path) -> bytes:
    """Return all bytes of the store's file and of the files beside it."""
    return b"".join(path.read_bytes() for path in store.iterdir())


# Shown before


def test_a_pass_that_is_shown_again_says_how_often_and_when(post: Post) -> None:
    signed, other = post.world.issue_many(2)
    first = post.scan(signed.text)
    assert first.seen is None
    began = post.now
    assert post.scan(other.text).seen is None
    assert post.scan(signed.text).seen == Seen(1, last_at=began)
    second = post.now
    assert post.scan(signed.text, HOUR // 2).seen == Seen(2, last_at=second)
    assert post.counts() == {"valid": (4, 2, 0, 0, 0)}


def test_whatever_the_verdict_the_pass_is_the_same(post: Post) -> None:
    signed = post.world.issue()
    post.scan(signed.text)
    post.world.revoke_and_publish(signed)
    post.device.sync(str(post.world.repository))
    assert (post.scan(signed.text).seen or Seen(0, 0)).count == 1
    assert (post.scan(signed.text, 4 * HOUR).seen or Seen(0, 0)).count == 2
    assert [entry.verdict for entry in post.device.entries()] == [Verdict.VALID, Verdict.REVOKED, Verdict.EXPIRED]


def test_one_call_verifies_and_notes_and_its_verdict_stands_without_a_journal(post: Post) -> None:
    signed = post.world.issue()
    checked = post.device.check(signed.text)
    assert (checked.result.verdict, checked.trouble) == (Verdict.VALID, None)
    assert checked.noted
    assert [entry.verdict for entry in post.device.entries()] == [Verdict.VALID]
    with closing(sqlite3.connect(post.world.store / "device.sqlite")) as other:
        other.execute("BEGIN IMMEDIATE")
        checked = post.device.check(signed.text)
    assert (checked.result.verdict, checked.noted, checked.trouble) == (Verdict.VALID, None, message("journal.busy"))


def test_it_is_known_again_by_another_process_and_after_the_device_was_off(post: Post) -> None:
    signed = post.world.issue()
    post.scan(signed.text)
    with post.world.device(lambda: post.now + 60) as other:
        noted = other.note(other.verify(signed.text))
    assert noted
    assert noted.seen == Seen(1, post.now)


def test_a_scanner_that_reads_twice_is_counted_once(post: Post) -> None:
    signed = post.world.issue()
    first = post.scan(signed.text)
    assert post.scan(signed.text, 0) == first
    assert post.scan(signed.text, DOUBLE_READ_SECONDS) == first
    assert post.counts() == {"valid": (1, 0, 0, 0, 0)}
    assert post.scan(signed.text, 1).seen == Seen(1, post.now - DOUBLE_READ_SECONDS - 1)
    assert post.counts() == {"valid": (2, 1, 0, 0, 0)}
    assert post.scan(signed.text, 1).seen == Seen(1, post.now - 7)


def test_each_process_that_verifies_is_another_showing(post: Post) -> None:
    signed = post.world.issue()
    seen = []
    for second in range(4):
        with post.world.device(lambda second=second: post.now + second) as device:  # type: ignore[misc]
            noted = device.note(device.verify(signed.text))
            assert noted
            seen.append(noted.seen.count if noted.seen else 0)
    assert seen == [0, 1, 2, 3]


def test_readings_of_one_pass_do_not_chain(post: Post) -> None:
    """A pass that is shown every few seconds is shown again, however often a scanner has read it meanwhile."""
    signed = post.world.issue()
    seen = [post.scan(signed.text, 2).seen for _ in range(7)]
    assert [bool(each) for each in seen] == [False, False, False, True, True, True, True]


def test_the_same_signature_written_otherwise_is_the_same_pass(post: Post) -> None:
    """A pass is never known by its signature or its text: for ECDSA (r, n - s) verifies as well."""
    signed = post.world.issue()
    post.scan(signed.text)
    assert post.scan(other_signature(signed.text)).seen


def forge(text: str) -> str:
    data = decode(text.removeprefix("MP1:"))
    return "MP1:" + encode(data[:-1] + bytes([data[-1] ^ 1]))


def other_signature(text: str) -> str:
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    data = decode(text.removeprefix("MP1:"))
    s = int.from_bytes(data[-32:], "big")
    return "MP1:" + encode(data[:-32] + (order - s).to_bytes(32, "big"))


def test_what_no_signature_vouches_for_is_noted_and_never_known_again(post: Post) -> None:
    signed = post.world.issue()
    forged = forge(signed.text)
    for text in (forged, "nothing", forged):
        assert post.scan(text).seen is None
    assert post.sql("SELECT count(*), count(pass), count(day) FROM journal_entries") == [(3, 0, 0)]
    assert post.sql("SELECT count(*) FROM journal_keys") == [(0,)]


def test_a_day_without_a_list_gets_no_key_so_none_outlives_its_list(post: Post) -> None:
    signed = post.world.issue()
    with closing(sqlite3.connect(post.world.store / FILE_NAME)) as db:
        take_list_away(db, signed.pass_.day)
    assert post.scan(signed.text).seen is None
    assert post.scan(signed.text).seen is None
    assert [entry.verdict for entry in post.device.entries()] == [Verdict.STATUS_UNKNOWN] * 2
    assert post.sql("SELECT count(*) FROM journal_keys") == [(0,)]


def take_list_away(db: sqlite3.Connection, day: int) -> None:
    delete_list(db, day)
    schema.put_seal(db)
    db.commit()


def test_asking_for_another_time_is_nobodys_to_note(post: Post) -> None:
    """Device.verify itself notes nothing; who shows a verdict does."""
    post.device.verify(post.world.issue().text, at=post.now)
    post.device.verify(post.world.issue().text)
    assert post.device.entries() == []


# What an entry says


def test_an_entry_says_when_what_by_which_check_and_on_which_lists(post: Post) -> None:
    signed = post.world.issue()
    published = post.device.state().lists.published
    post.scan(signed.text)
    post.scan("nothing")
    first, second = post.device.entries()
    assert first == JournalEntry(post.now - 60, Verdict.VALID, None, published, None)
    assert second == JournalEntry(post.now, Verdict.NOT_A_PASS, "prefix", published, None)
    assert second.to_json() == {
        "at": times.iso(post.now), "outcome": "reject", "verdict": "not-a-pass", "failed": "prefix",
        "lists_published": times.iso(published or 0), "decision": None,
    }  # fmt: skip


def test_nothing_of_a_person_is_anywhere_in_the_store(post: Post) -> None:
    signed = post.world.issue(
        "R-9",
        holder={"name": "Zubaida Qadirah", "id_type": "passport", "id_last": "QX7ZVK9W"},
        vehicle={"registration": "ZQXVEH 99", "driver": {"name": "Walid Zaman", "licence_last": "LQX93Z"}},
    )
    post.world.revoke_and_publish(signed)
    forged = forge(signed.text)
    for text in (signed.text, forged, signed.text):
        post.scan(text)
    post.device.sync(str(post.world.repository))
    post.scan(signed.text)
    held = bytes_of(post.world.store)
    secrets = ["Zubaida", "Qadirah", "QX7ZVK9W", "ZQXVEH", "Walid", "LQX93Z", signed.number, signed.text[4:24]]
    secrets += [signed.number.replace("-", ""), signed.text[-20:]]
    for secret in secrets:
        assert secret.encode() not in held, secret
    assert b"forged" in held  # it looks where the entries are


# What the officer decided


def make_stale(post: Post) -> str:
    published = post.device.state().lists.published or 0
    begin, end = published + 20 * HOUR, published + 30 * HOUR
    text = post.world.issue("R-1", not_before=iso(begin), not_after=iso(end)).text
    post.now = published + DAY
    return text


def test_what_the_officer_did_is_written_down_and_may_be_changed(post: Post) -> None:
    noted = post.scan(make_stale(post))
    for decision, counted in (
        (Decision.LET_THROUGH, (1, 0, 1, 0, 0)),
        (Decision.SENT_BACK, (1, 0, 0, 1, 0)),
        (Decision.SENT_BACK, (1, 0, 0, 1, 0)),
        (Decision.CALLED_IN, (1, 0, 0, 0, 1)),
    ):
        post.device.decide(noted.entry, decision)
        assert post.device.entries()[0].decision is decision
        assert post.counts() == {"stale": counted}


def test_there_is_nothing_to_decide_where_the_verdict_is_clear_or_the_entry_is_gone(post: Post) -> None:
    noted = post.scan(post.world.issue().text)
    with pytest.raises(ValueError, match="the verdict was valid: there is nothing to decide"):
        post.device.decide(noted.entry, Decision.LET_THROUGH)
    post.device.decide(noted.entry + 1, Decision.LET_THROUGH)
    assert post.counts() == {"valid": (1, 0, 0, 0, 0)}


# Forgetting


def key_of(post: Post, day: int) -> bytes:
    ((key,),) = post.sql(f"SELECT key FROM journal_keys WHERE day = {day}")
    assert isinstance(key, bytes)
    return key


def test_the_key_of_a_day_goes_with_its_list_and_is_found_nowhere_afterwards(post: Post) -> None:
    signed = post.world.issue()
    post.scan(signed.text)
    post.scan(signed.text)
    key, ((mark,),) = key_of(post, signed.pass_.day), post.sql("SELECT DISTINCT pass FROM journal_entries")
    assert key in bytes_of(post.world.store)
    assert mark in bytes_of(post.world.store)
    with post.world.device(lambda: post.now) as other:  # so that nobody's closing cleans up
        other.state()
        post.now += 2 * DAY
        post.world.publish(post.now)
        post.device.sync(str(post.world.repository))
        assert signed.pass_.day not in post.device.state().lists.days
        assert post.sql("SELECT count(*) FROM journal_keys") == [(0,)]
        held = bytes_of(post.world.store)
    assert key not in held
    assert mark not in held
    assert len(post.device.entries()) == 2


def marks_of_all(key: bytes, day: int, indexes: range) -> set[bytes]:
    """Try pass numbers through, as whoever holds a day's key can."""
    return {hmac.digest(key, day.to_bytes(4) + n.to_bytes(4), "sha256")[:16] for n in indexes}


def test_not_defended_who_has_the_store_can_try_numbers_of_days_that_have_a_list_and_of_no_others(post: Post) -> None:
    signed = post.world.issue()
    day, index = signed.pass_.day, signed.pass_.index
    post.scan(signed.text)
    stolen = bytes_of(post.world.store)
    tried = marks_of_all(key_of(post, day), day, range(index + 5))
    assert any(mark in stolen for mark in tried)
    post.now += 2 * DAY
    post.world.publish(post.now)
    post.device.sync(str(post.world.repository))
    stolen_later = bytes_of(post.world.store)
    assert not any(mark in stolen_later for mark in tried)


def test_a_reader_in_the_way_keeps_the_key_in_the_log_only_until_the_next_sync(post: Post) -> None:
    signed = post.world.issue()
    post.scan(signed.text)
    key = key_of(post, signed.pass_.day)
    post.now += 2 * DAY
    post.world.publish(post.now)
    with closing(sqlite3.connect(post.world.store / FILE_NAME, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM facts").fetchall()
        post.device.sync(str(post.world.repository))
        assert key in bytes_of(post.world.store)  # what is being read can't be taken away
        reader.execute("COMMIT")
        post.device.sync(str(post.world.repository))
        assert key not in bytes_of(post.world.store)


def test_a_day_that_stays_keeps_its_key_through_a_sync(post: Post) -> None:
    signed = post.world.issue()
    post.scan(signed.text)
    post.world.publish(post.now)
    post.device.sync(str(post.world.repository))
    assert post.scan(signed.text).seen


def test_entries_are_forgotten_after_a_week_and_their_counts_after_three_months(post: Post) -> None:
    post.scan("one")
    post.scan_synced("two", KEEP_SECONDS - HOUR)
    assert len(post.device.entries()) == 2
    post.scan_synced("three", 2 * HOUR)
    assert len(post.device.entries()) == 2
    assert post.counts() == {"not-a-pass": (3, 0, 0, 0, 0)}
    post.scan_synced("four", COUNTS_KEPT_SECONDS - KEEP_SECONDS)
    assert len(post.device.entries()) == 1
    assert post.counts() == {"not-a-pass": (3, 0, 0, 0, 0)}


def test_a_sync_forgets_as_well_where_nobody_scans(post: Post) -> None:
    post.scan("one")
    post.now += KEEP_SECONDS + 1
    post.world.publish(post.now)
    post.device.sync(str(post.world.repository))
    assert post.device.entries() == []


def test_how_long_is_the_devices_to_decide(post: Post) -> None:
    assert post.device.state().journal_keep == KEEP_SECONDS
    post.device.configure(journal_keep=DAY)
    post.scan("one")
    post.scan("two", DAY + HOUR)  # lists that are a day old are of use, so the clock is believed
    assert len(post.device.entries()) == 1
    assert post.device.state().journal_keep == DAY
    for seconds in (DAY - 1, 30 * DAY + 1):
        with pytest.raises(PolicyError, match="expected to keep the journal for 1 d to 30 d, got"):
            post.device.configure(journal_keep=seconds)


def test_what_a_clock_that_ran_ahead_noted_does_not_stay_for_years(post: Post) -> None:
    post.now += 4 * 365 * DAY
    post.scan("one")
    post.now = post.world.now
    post.scan("two")
    assert [entry.at for entry in post.device.entries()] == [post.now] * 2
    assert post.counts() == {"not-a-pass": (2, 0, 0, 0, 0)}
    post.scan_synced("three", KEEP_SECONDS + DAY)
    assert len(post.device.entries()) == 1


@pytest.mark.parametrize("jump", [30 * DAY, 4 * 365 * DAY, -30 * DAY, -10 * 365 * DAY])
def test_a_clock_that_jumps_deletes_nothing(post: Post, jump: int) -> None:
    signed = post.world.issue()
    post.scan(signed.text)
    post.scan("by a wrong clock", jump)
    post.scan(signed.text, HOUR)
    noted = post.scan(signed.text, -jump)
    assert noted.seen
    assert noted.seen.count == 2
    assert len(post.device.entries()) == 4
    assert sum(counts[0] for counts in post.counts().values()) == 4


def test_entries_are_bounded_and_the_counts_stay(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "ENTRIES_MOST", 10)
    for number in range(25):
        post.scan(f"text {number}")
    assert [entry.at for entry in post.device.entries()] == [post.now - 60 * ago for ago in range(9, -1, -1)]
    assert post.counts() == {"not-a-pass": (25, 0, 0, 0, 0)}


# Where it can't be kept, verifying goes on

NOTE_READ_ONLY = (
    processes.AS_NOBODY
    + """
become_nobody()
with Device.open(sys.argv[1], clock=lambda: int(sys.argv[3])) as device:
    result = device.verify(sys.argv[2])
    print(result.verdict.value, device.note(result), device.journal_trouble.key)
    device.decide(1, None)
"""
)


def test_on_a_read_only_medium_it_says_so(world: World) -> None:
    signed = world.issue()
    with written_to_by_nobody(world):
        said = processes.run(NOTE_READ_ONLY, world.store, signed.text, world.now)
    assert said == "valid None journal.read-only"


def test_while_another_process_writes_the_verdict_is_given_and_what_comes_later_is_noted(post: Post) -> None:
    signed = post.world.issue()
    with closing(sqlite3.connect(post.world.store / FILE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert post.device.verify(signed.text).verdict is Verdict.VALID
        assert post.try_scan(signed.text) is None
        assert post.device.journal_trouble == message("journal.busy")
        other.execute("ROLLBACK")
    assert post.scan(signed.text).seen is None
    assert post.device.journal_trouble is None


if may_mount():

    def test_on_a_full_disk_it_says_so_and_the_verdict_is_the_same(world: World, tmp_path: Path) -> None:
        signed = world.issue()
        with small_disk(tmp_path / "disk", 600):
            store = Path(shutil.copytree(world.store, tmp_path / "disk" / "device"))
            with Device.open(store, clock=lambda: world.now) as device:
                result = device.verify(signed.text)
                for number in range(5_000):
                    later = result._replace(freshness=result.freshness._replace(now=world.now + 10 * number))
                    if device.note(later) is None:
                        break
                assert device.journal_trouble == message("journal.full")
                assert device.verify(signed.text).verdict is Verdict.VALID


# Damage

DAMAGES = {
    "a key of another length": "UPDATE journal_keys SET key = x'00'",
    "a verdict that there is not": "UPDATE journal_entries SET verdict = 'splendid'",
    "a time that is none": "UPDATE journal_entries SET at = 'noon'",
    "a mark cut short": "UPDATE journal_entries SET pass = x'00'",
    "a decision that there is not": "UPDATE journal_entries SET decision = 'bribed'",
    "a count of another type": "UPDATE journal_hours SET let_through = 'many'",
    "a count below nothing": "UPDATE journal_hours SET scans = -5",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_journal_changes_no_verdict_and_the_doctor_empties_it(post: Post, damage: str) -> None:
    good, bad = post.world.issue_many(2)
    post.world.revoke_and_publish(bad)
    post.device.sync(str(post.world.repository))
    post.scan(good.text)
    with closing(sqlite3.connect(post.world.store / FILE_NAME, isolation_level=None)) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute(damage)
    post.try_scan(good.text)
    post.try_scan(good.text, after=3600)  # the hour after forgets what is old
    assert post.device.verify(good.text).verdict is Verdict.VALID
    assert post.device.verify(bad.text).verdict is Verdict.REVOKED
    diagnosis = examine(post.world.store, source=None, now=post.now)
    assert message("damage.journal") in diagnosis.problems
    assert diagnosis.obstacle is None
    assert examine(post.world.store, source=None, now=post.now) == Diagnosis()
    assert post.device.entries() == []
    assert post.scan(good.text).seen is None
    assert post.device.verify(bad.text).verdict is Verdict.REVOKED


@pytest.mark.parametrize("table", JOURNAL)
def test_where_a_table_of_it_is_gone_the_doctor_makes_it_anew(post: Post, table: str) -> None:
    good = post.world.issue()
    post.scan(good.text)
    post.sql(f"DROP TABLE {table}")
    assert post.device.verify(good.text).verdict is Verdict.VALID
    assert post.try_scan(good.text) is None
    assert post.device.journal_trouble
    assert examine(post.world.store, source=None, now=post.now).mended
    assert post.scan(good.text).seen is None


def test_where_the_file_is_damaged_within_the_journal_a_sync_goes_on_and_the_doctor_mends_it(world: World) -> None:
    signed = world.issue()
    with world.device() as device:
        device.note(device.verify(signed.text))
    with closing(sqlite3.connect(world.store / FILE_NAME)) as db:
        query = "SELECT rootpage FROM sqlite_master WHERE name LIKE 'journal_%'"
        roots = [root for (root,) in db.execute(query)]
    with (world.store / FILE_NAME).open("r+b") as file:
        for root in roots:
            file.seek((root - 1) * 4096)
            file.write(b"\xa5" * 4096)
    world.revoke_and_publish(signed)
    world.sync()
    with world.device() as device:
        result = device.verify(signed.text)
        assert (result.verdict, device.note(result)) == (Verdict.REVOKED, None)
        assert device.journal_trouble == message("journal.damaged")
        with pytest.raises(DamagedError, match="movepass doctor"):
            device.entries()
        assert examine(world.store, source=None, now=world.now).mended
        assert device.note(device.verify(signed.text))


def test_what_else_the_doctor_mends_leaves_the_journal_as_it_was(post: Post) -> None:
    signed = post.world.issue()
    post.scan(signed.text)
    before = post.device.entries(), post.device.hourly()
    post.sql("UPDATE documents SET sum = sum + 1")
    assert examine(post.world.store, source=None, now=post.now).mended
    assert (post.device.entries(), post.device.hourly()) == before
    assert post.scan(signed.text).seen


# A check's way stays as short as it was


def reads(post: Post, call: Callable[[], Any]) -> list[str]:
    statements: list[str] = []
    post.device._store._db.set_trace_callback(statements.append)
    call()
    post.device._store._db.set_trace_callback(None)
    return statements


def test_noting_makes_the_next_check_read_nothing_anew(post: Post) -> None:
    text = post.world.issue().text
    post.scan(text)
    post.scan(text)
    assert not [sql for sql in reads(post, lambda: post.device.verify(text)) if "FROM facts" in sql]
    assert not [sql for sql in reads(post, lambda: post.scan(text, 10)) if "FROM facts" in sql]
