"""The promises of every ledger (movepass_issuer.issuing.ledger), then those of the SQLite one alone."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest
from support import processes

from movepass_issuer.errors import LedgerError, ReasonError, UnknownPassError
from movepass_issuer.issuing.ledger import PERSONAL_DAYS, REASON_MAX_CHARS, REQUEST_DAYS, Announced, Ledger, Request
from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger
from movepass_issuer.storage.sqlite_ledger import SqliteLedger
from movepass_wire.limits import INDEX_LIMIT

DAY = 20_779
HASH, OTHER_HASH = b"h" * 32, b"o" * 32
FIRST = Announced(1, b"1" * 32)
Open = Callable[[], Ledger]
"""Opens the one ledger of a test; each call stands for another process."""


def sqlite_ledger(folder: Path, _: pytest.FixtureRequest | None = None) -> Open:
    path = folder / "ledger.sqlite"
    SqliteLedger(path, create=True).close()
    return lambda: SqliteLedger(path)


def dynamodb_ledger(_: Path, request: pytest.FixtureRequest) -> Open:
    client = request.getfixturevalue("ministack").client("dynamodb")
    table = f"ledger-{uuid4()}"
    DynamoDbLedger.create(table, client=client)
    return lambda: DynamoDbLedger(table, client=client)


FACTORIES: dict[str, Callable[[Path, pytest.FixtureRequest], Open]] = {
    "sqlite": sqlite_ledger,
    "dynamodb": dynamodb_ledger,
}
"""Another ledger joins by one line here."""


@pytest.fixture(params=FACTORIES)
def open_new(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Open the ledger; the test closes it, in the thread that opened it."""
    return FACTORIES[request.param](tmp_path, request)


@pytest.fixture
def opened(open_new: Open) -> Iterator[Open]:
    handles: list[Ledger] = []

    def open_another() -> Ledger:
        handles.append(open_new())
        return handles[-1]

    yield open_another
    for handle in handles:
        handle.close()


@pytest.fixture
def ledger(opened: Open) -> Ledger:
    return opened()


def wanted(*request_ids: str, day: int = DAY, content: bytes = HASH) -> list[Request]:
    return [Request(request_id, content, day) for request_id in request_ids]


def test_indexes_of_a_day_are_given_from_0_up_and_each_day_has_its_own(ledger: Ledger) -> None:
    assert [e.index for e in ledger.reserve(wanted("a", "b", "c"))] == [0, 1, 2]
    assert [e.index for e in ledger.reserve([*wanted("d"), *wanted("e", day=DAY + 1), *wanted("f")])] == [3, 0, 4]


def test_a_reservation_says_what_was_asked_for_and_has_no_payload_yet(ledger: Ledger) -> None:
    entry = ledger.reserve(wanted("a"))[0]
    assert (entry.request_id, entry.content_hash, entry.day, entry.index) == ("a", HASH, DAY, 0)
    assert (entry.text, entry.revoked_at, entry.reason) == (None, None, None)


def test_a_request_id_that_is_known_gets_its_own_entry_again_and_takes_no_index(ledger: Ledger) -> None:
    first = ledger.reserve(wanted("a"))
    assert ledger.reserve(wanted("b", "a"))[1] == first[0]
    assert [e.index for e in ledger.reserve(wanted("c"))] == [2]


def test_one_request_id_twice_in_a_call_is_one_entry(ledger: Ledger) -> None:
    entries = ledger.reserve(wanted("a", "b", "a"))
    assert [e.index for e in entries] == [0, 1, 0]


def test_a_request_id_keeps_the_content_and_the_day_it_came_with_first(ledger: Ledger) -> None:
    ledger.reserve(wanted("a"))
    again = ledger.reserve([Request("a", OTHER_HASH, DAY + 1)])[0]
    assert (again.content_hash, again.day, again.index) == (HASH, DAY, 0)
    assert ledger.find_index(DAY + 1, 0) is None


def test_no_requests_are_no_entries(ledger: Ledger) -> None:
    assert ledger.reserve([]) == []
    assert ledger.find([]) == {}
    assert ledger.store([]) == {}


def test_entries_are_found_by_request_id_and_by_index(ledger: Ledger) -> None:
    entry = ledger.reserve(wanted("a"))[0]
    assert ledger.find(["a", "unknown"]) == {"a": entry}
    assert ledger.find_index(DAY, 0) == entry
    assert ledger.find_index(DAY, 1) is None
    assert ledger.find_index(DAY + 1, 0) is None


def test_every_pass_that_was_signed_is_issued_whatever_became_of_it(ledger: Ledger) -> None:
    ids = [f"R-{n}" for n in range(1_200)]
    entries = ledger.reserve([*wanted(*ids), *wanted("over", "old", day=DAY - 40), *wanted("unsigned")])
    ledger.store([(entry.request_id, f"MP1:{entry.request_id}") for entry in entries[:-1]])
    ledger.revoke(DAY, 7, reason="x", now=1)
    ledger.revoke(DAY, entries[-1].index, reason="x", now=1)
    ledger.forget(DAY)
    found = {entry.request_id: entry for some in ledger.issued() for entry in some}
    assert found.keys() == {*ids, "over", "old"}
    assert [name for name, entry in found.items() if entry.revoked_at is not None] == ["R-7"]
    assert found["R-7"].text == "MP1:R-7"
    assert (found["over"].text, found["old"].day) == ("", DAY - 40)


def test_thousands_are_found_stored_and_reserved_at_once(ledger: Ledger) -> None:
    ids = [f"R-{n}" for n in range(2_500)]
    assert [e.index for e in ledger.reserve(wanted(*ids))] == list(range(2_500))
    ledger.store([(request_id, f"text of {request_id}") for request_id in ids])
    assert {i: e.text for i, e in ledger.find(ids).items()} == {i: f"text of {i}" for i in ids}


def test_a_name_may_hold_anything_printable_and_line_breaks(ledger: Ledger) -> None:
    ids = ["'; DROP TABLE passes; --", "ঢাকা 🚗", "a b", "%", "_", "A", "a", "a\ne0ea10e5", "a+e0ea10e5"]
    assert len({e.index for e in ledger.reserve(wanted(*ids))}) == len(ids)
    assert ledger.find(ids).keys() == set(ids)


def test_the_first_payload_stored_stays_and_is_answered(ledger: Ledger) -> None:
    ledger.reserve(wanted("a", "b"))
    assert ledger.store([("a", "first")]) == {"a": "first"}
    assert ledger.store([("a", "second"), ("b", "other")]) == {"a": "first", "b": "other"}
    assert ledger.find(["a"])["a"].text == "first"


def test_a_payload_for_no_reservation_is_not_stored(ledger: Ledger) -> None:
    assert ledger.store([("unknown", "text")]) == {}
    assert ledger.find(["unknown"]) == {}


def test_a_revocation_says_when_and_why_and_is_pending(ledger: Ledger) -> None:
    ledger.reserve(wanted("a", "b"))
    ledger.store([("b", "text")])
    entry = ledger.revoke(DAY, 1, reason="lost", now=1_000)
    assert (entry.request_id, entry.text, entry.revoked_at, entry.reason) == ("b", "text", 1_000, "lost")
    assert ledger.find(["b"])["b"] == entry
    assert ledger.pending() == [(DAY, 1)]


@pytest.mark.parametrize("reason", ["x" * (REASON_MAX_CHARS + 1), "two\nlines", "\ud800"])
def test_a_reason_that_another_ledger_could_not_keep_is_refused_and_nothing_revoked(
    ledger: Ledger, reason: str
) -> None:
    ledger.reserve(wanted("a"))
    with pytest.raises(ReasonError, match=f"at most {REASON_MAX_CHARS} printable characters"):
        ledger.revoke(DAY, 0, reason=reason, now=1)
    assert ledger.pending() == []
    ledger.revoke(DAY, 0, reason="x" * REASON_MAX_CHARS, now=1)


def test_what_was_ever_revoked_is_counted_and_listed_published_or_not(ledger: Ledger) -> None:
    ledger.reserve([*wanted(*(f"R-{n}" for n in range(20))), *wanted("other", day=DAY + 1)])
    assert (ledger.revoked_count(DAY), ledger.revoked(DAY)) == (0, [])
    for index in (3, 17, 3, 4):
        ledger.revoke(DAY, index, reason="", now=0)
    ledger.settle([(DAY, 3)], FIRST)
    assert (ledger.revoked_count(DAY), sorted(ledger.revoked(DAY))) == (3, [3, 4, 17])
    assert ledger.revoked_count(DAY + 1) == 0


def test_revoking_a_second_time_changes_nothing(ledger: Ledger) -> None:
    ledger.reserve(wanted("a"))
    first = ledger.revoke(DAY, 0, reason="lost", now=1_000)
    assert ledger.revoke(DAY, 0, reason="found again", now=2_000) == first
    assert ledger.pending() == [(DAY, 0)]


def test_a_published_revocation_that_is_made_again_is_not_pending_again(ledger: Ledger) -> None:
    ledger.reserve(wanted("a"))
    ledger.revoke(DAY, 0, reason="lost", now=1_000)
    ledger.settle([(DAY, 0)], FIRST)
    ledger.revoke(DAY, 0, reason="lost", now=2_000)
    assert ledger.pending() == []


def test_a_pass_that_is_not_there_can_not_be_revoked(ledger: Ledger) -> None:
    ledger.reserve(wanted("a"))
    for day, index in ((DAY, 1), (DAY + 1, 0)):
        with pytest.raises(UnknownPassError):
            ledger.revoke(day, index, reason="", now=0)
    assert ledger.pending() == []


def test_a_revoked_reservation_stays_revoked_when_its_payload_comes(ledger: Ledger) -> None:
    ledger.reserve(wanted("a"))
    ledger.revoke(DAY, 0, reason="lost", now=1_000)
    ledger.store([("a", "text")])
    entry = ledger.find(["a"])["a"]
    assert (entry.text, entry.revoked_at) == ("text", 1_000)


def test_settling_takes_what_was_published_and_nothing_else(ledger: Ledger) -> None:
    ledger.reserve([*wanted("a", "b", "c"), *wanted("d", day=DAY + 1)])
    for day, index in ((DAY, 2), (DAY, 0), (DAY + 1, 0)):
        ledger.revoke(day, index, reason="", now=0)
    assert sorted(ledger.pending()) == [(DAY, 0), (DAY, 2), (DAY + 1, 0)]
    ledger.settle([(DAY, 0), (DAY, 1), (DAY + 1, 0)], FIRST)
    ledger.settle([], FIRST)
    assert ledger.pending() == [(DAY, 2)]


def test_what_was_announced_is_remembered_until_a_later_one_is_settled(ledger: Ledger) -> None:
    assert ledger.announced() == []
    for version in (7, 8, 10):
        ledger.announce(Announced(version, bytes([version]) * 32))
    ledger.settle([], Announced(8, b"\x08" * 32))
    assert ledger.announced() == [Announced(8, b"\x08" * 32, settled=True), Announced(10, b"\x0a" * 32)]
    asked = [
        Announced(7, b"\x07" * 32),
        Announced(8, b"\x08" * 32),
        Announced(10, b"\x0a" * 32),
        Announced(8, b"8" * 32),
    ]
    assert [ledger.has_announced(timestamp) for timestamp in asked] == [False, True, True, False]


def test_of_two_announced_with_one_version_the_settled_one_stays(ledger: Ledger) -> None:
    for digest in (b"a", b"b"):
        ledger.announce(Announced(3, digest * 32))
    ledger.settle([], Announced(3, b"b" * 32))
    assert ledger.announced() == [Announced(3, b"b" * 32, settled=True)]


def test_who_settles_late_does_not_bring_back_what_a_later_one_has_settled(ledger: Ledger) -> None:
    for version in (3, 4):
        ledger.announce(Announced(version, b"a" * 32 if version == 3 else b"b" * 32))
    ledger.settle([], Announced(4, b"b" * 32))
    ledger.settle([], Announced(3, b"a" * 32))
    assert ledger.announced() == [Announced(4, b"b" * 32, settled=True)]


def test_a_payload_goes_personal_days_after_its_day_and_the_request_id_stays_used(ledger: Ledger) -> None:
    ledger.reserve(wanted("a"))
    ledger.store([("a", "text")])
    ledger.forget(DAY + PERSONAL_DAYS)
    assert ledger.find(["a"])["a"].text == "text"
    ledger.forget(DAY + PERSONAL_DAYS + 1)
    assert ledger.find(["a"])["a"].text == ""
    assert ledger.store([("a", "again")]) == {"a": ""}
    assert ledger.find(["a"])["a"].text == ""


def test_a_reservation_without_payload_has_none_after_personal_days_either(ledger: Ledger) -> None:
    ledger.reserve(wanted("a"))
    ledger.forget(DAY + PERSONAL_DAYS + 1)
    assert not ledger.find(["a"])["a"].text


def test_a_request_id_goes_request_days_after_its_day_and_its_index_is_never_given_again(ledger: Ledger) -> None:
    ledger.reserve(wanted("a", "b"))
    ledger.forget(DAY + REQUEST_DAYS)
    assert ledger.find(["a"])
    ledger.forget(DAY + REQUEST_DAYS + 1)
    assert ledger.find(["a", "b"]) == {}
    assert ledger.reserve(wanted("a"))[0].index > 1


def test_forgetting_leaves_other_days_and_what_is_pending(ledger: Ledger) -> None:
    ledger.reserve([*wanted("old"), *wanted("new", day=DAY + 1)])
    ledger.store([("old", "old text"), ("new", "new text")])
    ledger.revoke(DAY, 0, reason="", now=0)
    ledger.forget(DAY + PERSONAL_DAYS + 1)
    assert ledger.find(["new"])["new"].text == "new text"
    assert ledger.pending() == [(DAY, 0)]


def test_everything_is_there_after_closing_and_opening(opened: Open) -> None:
    before = opened()
    before.reserve(wanted("a", "b"))
    before.store([("a", "text")])
    before.revoke(DAY, 1, reason="lost", now=1_000)
    entries = before.find(["a", "b"])
    before.close()
    after = opened()
    assert after.find(["a", "b"]) == entries
    assert after.pending() == [(DAY, 1)]
    assert after.reserve(wanted("c"))[0].index > 1


def test_another_handle_sees_a_change_when_its_call_has_returned(opened: Open) -> None:
    one, two = opened(), opened()
    entry = one.reserve(wanted("a"))[0]
    assert two.find(["a"]) == {"a": entry}
    two.store([("a", "text")])
    assert one.store([("a", "late")]) == {"a": "text"}
    one.revoke(DAY, 0, reason="lost", now=0)
    assert two.pending() == [(DAY, 0)]


def test_writers_side_by_side_never_share_an_index_and_never_split_a_request(open_new: Open) -> None:
    """Four at once, half of whose requests are the same ones."""

    def work(writer: int) -> list[tuple[str, int]]:
        with closing(open_new()) as ledger:
            calls = [ledger.reserve(wanted(f"shared-{n}", f"own-{writer}-{n}")) for n in range(40)]
        return [(entry.request_id, entry.index) for entries in calls for entry in entries]

    with ThreadPoolExecutor(4) as pool:
        given = {pair for pairs in pool.map(work, range(4)) for pair in pairs}
    assert len(given) == len(dict(given)) == 40 + 4 * 40  # one index for each request id
    assert len({index for _, index in given}) == len(given)


RESERVER = """
import sys
from pathlib import Path
from movepass_issuer.issuing.ledger import Request
from movepass_issuer.storage.sqlite_ledger import SqliteLedger
ledger = SqliteLedger(Path(sys.argv[1]))
for n in range(100):
    print(ledger.reserve([Request(f"{sys.argv[2]}-{n}", b"h" * 32, 20_779)])[0].index)
"""


def test_processes_side_by_side_never_share_an_index(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    SqliteLedger(path, create=True).close()
    writers = [processes.start(RESERVER, path, name) for name in ("a", "b", "c")]
    given = [[int(line) for line in writer.communicate(timeout=60)[0].split()] for writer in writers]
    assert sorted(index for indexes in given for index in indexes) == list(range(300))
    assert all(before < after for indexes in given for before, after in pairwise(indexes))


def test_a_reservation_that_fails_midway_reserves_nothing(tmp_path: Path) -> None:
    ledger = sqlite_ledger(tmp_path)()
    assert isinstance(ledger, SqliteLedger)
    ledger._db.execute("INSERT INTO next_index VALUES (?, ?)", (DAY, INDEX_LIMIT - 1))
    with pytest.raises(LedgerError, match="are taken"):
        ledger.reserve(wanted("fits", "does not"))
    assert ledger.find(["fits", "does not"]) == {}
    assert [e.index for e in ledger.reserve(wanted("last"))] == [INDEX_LIMIT - 1]
    ledger.close()


def test_a_revocation_whose_pending_entry_fails_is_no_revocation(tmp_path: Path) -> None:
    ledger = sqlite_ledger(tmp_path)()
    assert isinstance(ledger, SqliteLedger)
    ledger.reserve(wanted("a"))
    ledger._db.execute("DROP TABLE pending")
    with pytest.raises(LedgerError):
        ledger.revoke(DAY, 0, reason="lost", now=0)
    assert ledger.find(["a"])["a"].revoked_at is None
    ledger.close()


def test_every_commit_is_synced_to_the_disk(tmp_path: Path) -> None:
    ledger = sqlite_ledger(tmp_path)()
    assert isinstance(ledger, SqliteLedger)
    assert ledger._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert ledger._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    ledger.close()


def test_a_forgotten_payload_is_nowhere_in_the_ledgers_files(tmp_path: Path) -> None:
    ledger = sqlite_ledger(tmp_path)()
    ids = [f"R-{n}" for n in range(200)]
    ledger.reserve(wanted(*ids))
    ledger.store([(request_id, f"PERSONAL DATA OF {request_id}") for request_id in ids])
    ledger.forget(DAY + PERSONAL_DAYS + 1)
    ledger.close()
    assert not [f.name for f in tmp_path.iterdir() if b"PERSONAL DATA" in f.read_bytes()]


def test_a_forgotten_payload_is_nowhere_in_the_files_of_a_ledger_that_stays_open(tmp_path: Path) -> None:
    ledger = sqlite_ledger(tmp_path)()
    ledger.reserve(wanted("R-1"))
    ledger.store([("R-1", "PERSONAL DATA")])
    ledger.forget(DAY + PERSONAL_DAYS + 1)
    assert not [f.name for f in tmp_path.iterdir() if b"PERSONAL DATA" in f.read_bytes()]
    ledger.close()


def test_a_missing_ledger_is_not_made_by_opening_it(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="does not exist"):
        SqliteLedger(tmp_path / "ledger.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_is_never_made_over_another(tmp_path: Path) -> None:
    opened = sqlite_ledger(tmp_path)
    opened().reserve(wanted("a"))
    with pytest.raises(LedgerError, match="exists already"):
        SqliteLedger(tmp_path / "ledger.sqlite", create=True)
    assert opened().find(["a"])


def test_a_ledger_of_version_1_is_brought_up_to_date(tmp_path: Path) -> None:
    opened = sqlite_ledger(tmp_path)
    with closing(opened()) as ledger:
        ledger.reserve(wanted("a"))
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as db:
        db.executescript("DROP TABLE announced; PRAGMA user_version = 1;")
    for _ in range(2):
        with closing(opened()) as ledger:
            ledger.announce(FIRST) if not ledger.announced() else None
            assert ledger.announced() == [FIRST]
            assert ledger.find(["a"])


def test_a_ledger_of_a_later_version_is_refused(tmp_path: Path) -> None:
    sqlite_ledger(tmp_path)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        db.execute("PRAGMA user_version = 4")
    db.close()
    with pytest.raises(LedgerError, match="version 4"):
        SqliteLedger(tmp_path / "ledger.sqlite")


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + bytes(84)])
def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(content)
    with pytest.raises(LedgerError):
        SqliteLedger(path)


def test_a_folder_that_is_not_there_is_a_ledger_error(tmp_path: Path) -> None:
    with pytest.raises(LedgerError):
        SqliteLedger(tmp_path / "nowhere" / "ledger.sqlite", create=True)


def test_a_ledger_that_is_closed_gives_a_ledger_error(tmp_path: Path) -> None:
    ledger = sqlite_ledger(tmp_path)()
    ledger.close()
    for call in (lambda: ledger.find(["a"]), lambda: ledger.reserve(wanted("a")), ledger.pending):
        with pytest.raises(LedgerError):
            call()
