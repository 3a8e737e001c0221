"""Request ids: every spelling is one request, no id is mistaken for another, reissues are out of callers' reach."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from unicodedata import normalize
from uuid import uuid4

import pytest
from support.passes import approved, request

from movepass_issuer import (
    ApprovedPass,
    Issuer,
    IssuerError,
    RequestConflictError,
    RequestError,
    SignedPass,
    UnknownPassError,
)
from movepass_issuer.issuing.issuer import Revoker
from movepass_issuer.issuing.ledger import Ledger, Request
from movepass_issuer.issuing.request_ids import STORED_ID_MAX_CHARS, request_of, spellings
from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger
from movepass_issuer.storage.sqlite_ledger import SqliteLedger
from movepass_keys import KeySet, PassKey
from movepass_keys.records import algorithms
from movepass_wire import Pass, encode_claims, parse_number
from movepass_wire.payload import ESP256
from movepass_wire.times import day_of

NOW = 1795316400  # 2026-11-22T09:00:00+06:00
COMPOSED, DECOMPOSED = normalize("NFC", "Ré-ড়1"), normalize("NFD", "Ré-ড়1")
TYPED = "Ré-\u09dc1"
"""As a Bangla keyboard types it, which is neither of the two."""


class MemorySigner:
    """A signer whose key lives in memory."""

    def __init__(self) -> None:
        self._key = algorithms.generate(ESP256)
        self.public_key = self._key.public_key()
        self.kid = algorithms.key_id(self.public_key)

    def sign(self, message: bytes) -> bytes:
        return algorithms.sign(self._key, message)


OLD, NEW = MemorySigner(), MemorySigner()
KEYS = KeySet("Test", test=True, keys={s.kid: PassKey(s.public_key, NOW - 86400, NOW + 9 * 86400) for s in (OLD, NEW)})


@pytest.fixture(params=["sqlite", "dynamodb"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    if request.param == "sqlite":
        return SqliteLedger(tmp_path / "ledger.sqlite", create=True)
    client = request.getfixturevalue("ministack").client("dynamodb")
    table = f"ids-{uuid4()}"
    DynamoDbLedger.create(table, client=client)
    return DynamoDbLedger(table, client=client)


def issuer(ledger: Ledger, signer: MemorySigner = OLD) -> Issuer:
    return Issuer(signer=signer, ledger=ledger, keys=KEYS, clock=lambda: NOW)


def revoked(ledger: Ledger) -> list[int]:
    return sorted(ledger.revoked(day_of(NOW + 3 * 3600)))


def issue_as_before(ledger: Ledger, name: str, signer: MemorySigner = OLD, **changes: Any) -> int:
    """Issue a pass as an earlier version did, under the name as it came; returns its index."""
    wanted = approved("any", NOW, **changes)
    (entry,) = ledger.reserve([Request(name, wanted.content_hash, day_of(wanted.trip.not_after))])
    ledger.store([(name, issuer(ledger, signer)._sign(Pass(entry.index, wanted.trip), wanted.claims))])
    return entry.index


def migrated(ledger: Ledger) -> Ledger:
    """Open a ledger as one of the version before; a table is as it was."""
    if not isinstance(ledger, SqliteLedger):
        return ledger
    ledger.close()
    with closing(sqlite3.connect(ledger._path)) as db:
        db.execute("PRAGMA user_version = 2")
        db.commit()
    return SqliteLedger(ledger._path)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (COMPOSED, DECOMPOSED),
        (DECOMPOSED, COMPOSED),
        (COMPOSED, TYPED),
        ("W-1", "W-1 "),
        ("W-1", "\u00a0\tW-1\u3000\r\n"),
        ("W 1", "W\u00a01"),
    ],
    ids=["nfc nfd", "nfd nfc", "typed", "a blank after", "blanks around", "another blank inside"],
)
def test_two_spellings_of_an_id_are_one_request(ledger: Ledger, one: str, other: str) -> None:
    desk = issuer(ledger)
    first, second = desk.issue(approved(one, NOW)), desk.issue(approved(other, NOW))
    assert first == second
    assert first.request_id == ApprovedPass.from_json(request(other, NOW)).request_id
    together = desk.issue_many([approved(one, NOW), approved(other, NOW)])
    assert together == [first, first]
    assert desk.known([approved(other, NOW)]) == [first]
    assert desk.find(request_id=other) == desk.find(request_id=one) == first
    assert desk.revoke(request_id=other) == desk.revoke(request_id=one)
    assert len(revoked(ledger)) == 1
    with pytest.raises(RequestConflictError):
        desk.issue(approved(other, NOW, reason="funeral"))


def test_case_and_blanks_within_make_another_request(ledger: Ledger) -> None:
    passes = issuer(ledger).issue_many([approved(i, NOW) for i in ("w-1", "W-1", "W -1", "W  -1")])
    assert len({p.number for p in passes if isinstance(p, SignedPass)}) == 4


@pytest.mark.parametrize(
    ("request_id", "words"),
    [
        ("X+e0ea10e5", r'"\+" is not allowed'),
        ("+", r'"\+" is not allowed'),
        ("W-1\u3164", "U\\+3164 is invisible"),
        ("W\u034f-1", "U\\+034F is invisible"),
        ("W-1\ufe0f", "U\\+FE0F is invisible"),
        ("\uff37-1", "mistaken for 'W-1'"),
        ("W-\u00b9", "mistaken for 'W-1'"),
        ("W\u200d-1", "printable"),
        ("W\u00ad-1", "printable"),
        ("W-1\u200b", "printable"),
        ("W\x00-1", "printable"),
        ("W\n1", "printable"),
        ("X\ne0ea10e5", "printable"),
        ("W\u202e1", "printable"),
        ("\ud800", "printable"),
        (" \u00a0\n", "1 to 128"),
        ("ড়" * 65, "1 to 128"),
        ("é" * 129, "1 to 128"),
    ],
)
def test_an_id_that_could_be_mistaken_for_another_is_refused_and_nothing_reserved(
    tmp_path: Path, request_id: str, words: str
) -> None:
    with closing(SqliteLedger(tmp_path / "ledger.sqlite", create=True)) as ledger:
        desk = issuer(ledger)
        with pytest.raises(RequestError, match=f"^request_id: .*{words}"):
            desk.issue(approved(request_id, NOW))
        assert desk.issue(approved("next", NOW)).pass_.index == 0
        for ask in (desk.find, desk.revoke):
            with pytest.raises(UnknownPassError):
                ask(request_id=request_id)


def test_the_length_of_an_id_is_counted_in_its_one_spelling(ledger: Ledger) -> None:
    longest = "é" * 128
    desk = issuer(ledger)
    assert desk.issue(approved(normalize("NFD", f" {longest} "), NOW)) == desk.issue(approved(longest, NOW))


@pytest.mark.parametrize("request_id", ["", "\n", "x" * (STORED_ID_MAX_CHARS + 1), "\ud800", "X\ne0ea10e5", "\x00"])
def test_what_no_ledger_can_hold_is_not_asked_for(request_id: str) -> None:
    assert spellings(request_id) == ()


def test_a_reissue_is_no_id_of_a_callers(ledger: Ledger) -> None:
    """Nobody can take its name first, and revoking a request revokes no other caller's."""
    desk = issuer(ledger)
    first = desk.issue(approved("X", NOW))
    squatted = issue_as_before(ledger, f"X+{NEW.kid.hex()}", reason="another caller's")
    after = issuer(ledger, NEW)
    pairs = list(after.reissue(OLD.kid))
    assert list(after.reissue(OLD.kid)) == pairs
    made = {before.number: again for before, again in pairs}
    assert len(made) == 2
    assert made[first.number].request_id == "X"
    assert made[first.number].pass_.trip == first.pass_.trip
    desk.revoke(request_id="X")
    assert revoked(ledger) == [first.pass_.index, made[first.number].pass_.index]
    assert squatted not in revoked(ledger)
    for name in (f"X+{OLD.kid.hex()}", f"X\n{NEW.kid.hex()}"):
        with pytest.raises(UnknownPassError):
            after.revoke(request_id=name)


def test_reissues_of_many_requests_are_found_in_the_order_of_their_replacement(ledger: Ledger) -> None:
    issuer(ledger).issue_many([approved(name, NOW) for name in "XYZ"])
    list(issuer(ledger, NEW).reissue(OLD.kid))
    list(issuer(ledger, OLD).reissue(NEW.kid))
    late = issuer(ledger).issue(approved("late", NOW))
    ledger.reserve([Request(f"late\n{NEW.kid.hex()}", b"h" * 32, day_of(NOW + 3 * 3600))])  # and was killed then
    found = Revoker(ledger=ledger, kids=KEYS.keys, clock=lambda: NOW).find_reissues(["X", "Z", "late", "unknown"])
    assert found.keys() == {"X", "Z"}
    for name, ((first, second), (again, third)) in found.items():
        assert (first.request_id, again) == (name, second)
        assert [entry.request_id for entry in (second, third)] == [
            f"{name}\n{NEW.kid.hex()}", f"{name}\n{NEW.kid.hex()}\n{OLD.kid.hex()}",
        ]  # fmt: skip
        assert second.text
        assert third.text
    assert late.pass_.index not in {entry.index for pairs in found.values() for pair in pairs for entry in pair}


def test_a_reissue_of_a_reissue_is_revoked_with_the_request(ledger: Ledger) -> None:
    issuer(ledger).issue(approved("X", NOW))
    list(issuer(ledger, NEW).reissue(OLD.kid))
    list(issuer(ledger, OLD).reissue(NEW.kid))
    Revoker(ledger=ledger, kids=KEYS.keys, clock=lambda: NOW).revoke(request_id="X")
    assert len(revoked(ledger)) == 3


def test_a_text_that_is_refused_today_stops_no_reissue(ledger: Ledger) -> None:
    """A pass that an earlier version issued is in force, whatever its holder is called."""
    desk = issuer(ledger)
    trip = approved("X", NOW).trip._replace(holder_name="\u200c\u200c")
    with pytest.raises(RequestError, match=r"^holder\.name: "):
        ApprovedPass("X", trip)
    (entry,) = ledger.reserve([Request("X", b"h" * 32, day_of(trip.not_after))])
    ledger.store([("X", desk._sign(Pass(entry.index, trip), encode_claims(Pass(0, trip))))])
    ((_, again),) = issuer(ledger, NEW).reissue(OLD.kid)
    assert again.pass_.trip == trip


def test_what_an_earlier_version_kept_is_found_revoked_and_reissued(ledger: Ledger) -> None:
    names = ["W-1 ", DECOMPOSED, "X", "Y+1", "plain"]
    indexes = {name: issue_as_before(ledger, name) for name in names}
    reissue = issue_as_before(ledger, f"X+{NEW.kid.hex()}", NEW)
    twice = issue_as_before(ledger, f"X+{NEW.kid.hex()}+{OLD.kid.hex()}", OLD)
    stranger = issue_as_before(ledger, f"plain+{NEW.kid.hex()}", reason="another caller's")
    ledger = migrated(ledger)
    desk = issuer(ledger)
    for name, index in indexes.items():
        assert desk.issue(approved(name, NOW)).pass_.index == index
        assert parse_number(desk.find(request_id=name).number)[1] == index
    assert desk.issue(approved(COMPOSED, NOW)).pass_.index == indexes[DECOMPOSED]
    made = {before.pass_.index: again.pass_.index for before, again in issuer(ledger, NEW).reissue(OLD.kid)}
    assert made[indexes["X"]] == reissue
    desk.revoke(request_id="X")
    assert {indexes["X"], reissue, twice, made[twice]} == set(revoked(ledger))
    desk.revoke(request_id="plain")
    assert stranger not in revoked(ledger)
    assert desk.issue(approved(f"plain+{NEW.kid.hex()}", NOW, reason="another caller's")).pass_.index == stranger


def test_twins_of_an_earlier_version_are_revoked_together(ledger: Ledger) -> None:
    twins = [issue_as_before(ledger, name) for name in ("W-1", "W-1 ", COMPOSED, DECOMPOSED)]
    ledger = migrated(ledger)
    desk = issuer(ledger)
    desk.revoke(request_id="W-1 ")
    desk.revoke(request_id=COMPOSED)
    assert revoked(ledger) == sorted(twins)


def test_a_migrated_ledger_has_every_spelling_in_one(tmp_path: Path) -> None:
    """A file is read whole once, so that whatever spelling comes next finds what was kept in another one."""
    ledger = SqliteLedger(tmp_path / "ledger.sqlite", create=True)
    kept = {name: issue_as_before(ledger, name) for name in ("  W-1  ", TYPED)}
    twins = [issue_as_before(ledger, name) for name in ("W-2  ", "W-2", " W-2", "\u00c5", "A\u030a", "\u212b")]
    ledger.reserve([Request("unfinished ", b"h" * 32, 1)])
    opened = migrated(ledger)
    desk = issuer(opened)
    assert desk.issue(approved("W-1", NOW)).pass_.index == kept["  W-1  "]
    assert desk.issue(approved(DECOMPOSED, NOW)).pass_.index == kept[TYPED]
    for name in ("W-2", "\u00c5"):
        desk.revoke(request_id=name)
    assert set(revoked(opened)) == set(twins)
    assert opened.find(["unfinished"])
    before = opened.find(spellings("W-2"))
    opened.close()
    again = SqliteLedger(tmp_path / "ledger.sqlite")
    assert again.find(spellings("W-2")) == before
    again.close()


def test_the_request_of_a_name() -> None:
    assert [request_of(name) for name in ("X", "X+e0ea10e5", "X\ne0ea10e5", "X\ne0ea10e5\n00000001")] == [
        "X", "X+e0ea10e5", "X", "X",
    ]  # fmt: skip


def test_reissuing_needs_another_key_than_the_leaked_one(tmp_path: Path) -> None:
    with (
        closing(SqliteLedger(tmp_path / "ledger.sqlite", create=True)) as ledger,
        pytest.raises(IssuerError, match="in use"),
    ):
        list(issuer(ledger).reissue(OLD.kid))
