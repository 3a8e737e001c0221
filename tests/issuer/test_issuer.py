"""Issuing: each request exactly one pass, refusals before anything is reserved, nothing unverified leaves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.passes import DAY, HOUR, approved, iso

from movepass_issuer import (
    ApprovedPass,
    Issuer,
    IssuerError,
    RequestConflictError,
    RequestError,
    SignedPass,
    SqliteLedger,
    UnknownPassError,
)
from movepass_issuer.errors import KeyPeriodError
from movepass_issuer.issuing.issuer import GROUP
from movepass_issuer.issuing.ledger import PERSONAL_DAYS, REQUEST_DAYS, Request
from movepass_keys import KeySet, PassKey, SignerError, Withdrawal
from movepass_keys.records import algorithms
from movepass_wire import NumberError, decode_claims, open_text, parse_number
from movepass_wire.limits import INDEX_LIMIT, TEXT_MAX_CHARS
from movepass_wire.payload import ED25519, ESP256
from movepass_wire.times import day_of

NOW = 1795316400  # 2026-11-22T09:00:00+06:00


class MemorySigner:
    """A signer whose key lives in memory."""

    def __init__(self, alg: int = ESP256) -> None:
        self._key = algorithms.generate(alg)
        self.public_key = self._key.public_key()
        self.signed = 0

    def sign(self, message: bytes) -> bytes:
        self.signed += 1
        return algorithms.sign(self._key, message)


class BrokenSigner(MemorySigner):
    """Fails at its n-th signature."""

    def __init__(self, fails_at: int) -> None:
        super().__init__()
        self.fails_at = fails_at

    def sign(self, message: bytes) -> bytes:
        if self.signed == self.fails_at:
            raise SignerError("no signature could be had")
        return super().sign(message)


@dataclass
class Desk:
    """An issuer with its ledger and a clock that the test turns."""

    ledger: SqliteLedger
    signer: MemorySigner
    keys: KeySet | None = None
    now: int = NOW

    @property
    def issuer(self) -> Issuer:
        return Issuer(signer=self.signer, ledger=self.ledger, keys=self.keys, clock=lambda: self.now + 0.9)

    def issue(self, request_id: str = "R-1", **changes: Any) -> SignedPass:
        return self.issuer.issue(approved(request_id, NOW, **changes))

    def issued(self) -> int:
        count: int = self.ledger._db.execute("SELECT count(*) FROM passes").fetchone()[0]
        return count


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite", create=True)
    yield ledger
    ledger.close()


@pytest.fixture(params=[ESP256, ED25519], ids=["esp256", "ed25519"])
def either(request: pytest.FixtureRequest, ledger: SqliteLedger) -> Desk:
    return Desk(ledger, MemorySigner(request.param))


@pytest.fixture
def desk(ledger: SqliteLedger) -> Desk:
    return Desk(ledger, MemorySigner())


def good(results: Sequence[SignedPass | IssuerError]) -> list[SignedPass]:
    assert all(isinstance(r, SignedPass) for r in results), results
    return [r for r in results if isinstance(r, SignedPass)]


def test_a_pass_says_what_was_approved_and_its_signature_holds(either: Desk) -> None:
    request = approved("R-1", NOW)
    signed = either.issuer.issue(request)
    envelope = open_text(signed.text)
    assert algorithms.verify_signature(either.signer.public_key, envelope.signature, envelope.signed)
    assert envelope.kid == algorithms.key_id(either.signer.public_key)
    assert envelope.alg == algorithms.algorithm_of(either.signer.public_key)
    assert decode_claims(envelope.claims) == signed.pass_
    assert signed.pass_.trip == request.trip
    assert (signed.request_id, signed.pass_.index, signed.revoked_at) == ("R-1", 0, None)


def test_the_pass_number_is_of_its_day_and_index(either: Desk) -> None:
    either.issue("R-0")
    signed = either.issue("R-1")
    assert parse_number(signed.number) == (day_of(NOW) % 1024, 1)


def test_the_same_request_again_is_the_same_pass_byte_for_byte(either: Desk) -> None:
    """ECDSA is random, so it can't have been signed again."""
    first = either.issue()
    assert either.issue() == first
    assert either.signer.signed == 1


def test_the_same_request_again_is_answered_even_when_it_could_not_be_issued_any_more(desk: Desk) -> None:
    first = desk.issue()
    desk.now = NOW + DAY
    assert desk.issue() == first


def test_a_request_id_used_for_other_content_is_a_conflict(desk: Desk) -> None:
    first = desk.issue()
    with pytest.raises(RequestConflictError, match="other content"):
        desk.issue(reason="funeral")
    assert desk.issue() == first
    assert desk.issued() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"holder": {"name": "Rahima Khatum", "id_type": "nid", "id_last": "4821"}},
        {"not_after": iso(NOW + 3 * HOUR)},
        {"not_before": iso(NOW - 599)},
        {"to": {"district": "gazipur", "place": "Tongi"}},
        {"vehicle": None},
    ],
)
def test_every_part_of_the_content_counts_as_other_content(desk: Desk, change: dict[str, Any]) -> None:
    desk.issue()
    with pytest.raises(RequestConflictError):
        desk.issue(**change)


def test_content_that_is_only_written_otherwise_is_the_same_content(desk: Desk) -> None:
    first = desk.issue()
    assert desk.issue(holder={"id_last": " 4821", "id_type": 1, "name": "Rahima Khatun "}) == first


def test_one_request_twice_in_a_batch_is_one_pass(either: Desk) -> None:
    one, two, other = good(either.issuer.issue_many([approved(i, NOW) for i in ("R-1", "R-1", "R-2")]))
    assert one == two
    assert other.pass_.index == 1
    assert either.signer.signed == 2


def test_one_request_id_with_two_contents_in_a_batch_is_one_pass_and_one_conflict(desk: Desk) -> None:
    one, two, three = desk.issuer.issue_many(
        [approved("R-1", NOW), approved("R-1", NOW, reason="funeral"), approved("R-1", NOW)]
    )
    assert isinstance(one, SignedPass)
    assert isinstance(two, RequestConflictError)
    assert three == one
    assert desk.issued() == 1


def test_in_a_batch_the_bad_ones_say_why_and_the_good_ones_are_issued_in_order(desk: Desk) -> None:
    desk.issue("used", reason="funeral")
    batch = [
        approved("R-1", NOW),
        approved("late", NOW - DAY),
        approved("used", NOW),
        approved("early", NOW + 4 * DAY),
        approved("R-2", NOW),
    ]
    first, late, used, early, last = desk.issuer.issue_many(batch)
    assert isinstance(late, RequestError)
    assert "is over" in str(late)
    assert isinstance(used, RequestConflictError)
    assert isinstance(early, RequestError)
    assert "72 hours ahead" in str(early)
    assert [s.pass_.index for s in good([first, last])] == [1, 2]


def test_a_batch_larger_than_a_group_keeps_its_order_and_its_indexes_apart(desk: Desk) -> None:
    batch = [approved(f"R-{n}", NOW) for n in range(2 * GROUP + 1)]
    results = good(desk.issuer.issue_many(batch))
    assert [r.request_id for r in results] == [a.request_id for a in batch]
    assert [r.pass_.index for r in results] == list(range(len(batch)))
    assert desk.issuer.issue_many([]) == []


def test_a_batch_across_midnight_counts_each_day_by_itself(desk: Desk) -> None:
    midnight = (day_of(NOW) + 1) * DAY
    ends = [midnight - 1, midnight, midnight + 1]
    batch = [approved(f"R-{n}", NOW, not_before=iso(end - HOUR), not_after=iso(end)) for n, end in enumerate(ends)]
    passes = [r.pass_ for r in good(desk.issuer.issue_many(batch))]
    assert [(p.day - day_of(NOW), p.index) for p in passes] == [(0, 0), (1, 0), (1, 1)]


@pytest.mark.parametrize(("end", "issued"), [(NOW, False), (NOW + 1, True)])
def test_a_pass_that_has_expired_is_not_issued(desk: Desk, end: int, issued: bool) -> None:  # noqa: FBT001
    request = approved("R-1", NOW, not_before=iso(NOW - HOUR), not_after=iso(end))
    assert isinstance(desk.issuer.issue_many([request])[0], SignedPass) is issued
    assert desk.issued() == issued


@pytest.mark.parametrize(("ahead", "issued"), [(72 * HOUR, True), (72 * HOUR + 1, False)])
def test_a_pass_begins_at_most_72_hours_ahead(desk: Desk, ahead: int, issued: bool) -> None:  # noqa: FBT001
    request = approved("R-1", NOW, not_before=iso(NOW + ahead), not_after=iso(NOW + ahead + HOUR))
    assert isinstance(desk.issuer.issue_many([request])[0], SignedPass) is issued
    assert desk.issued() == issued


def test_what_issue_refuses_it_raises(desk: Desk) -> None:
    with pytest.raises(RequestError, match="is over"):
        desk.issuer.issue(approved("R-1", NOW - DAY))


@pytest.mark.parametrize(
    ("not_before", "not_after", "issued"),
    [
        (NOW - 600, NOW - 600 + 3 * HOUR, True),  # exactly the pass's time
        (NOW - 599, NOW + DAY, False),
        (NOW - DAY, NOW - 601 + 3 * HOUR, False),
    ],
)
def test_nothing_is_signed_outside_the_keys_validity(
    desk: Desk,
    not_before: int,
    not_after: int,
    issued: bool,  # noqa: FBT001
) -> None:
    key = PassKey(desk.signer.public_key, not_before, not_after)
    desk.keys = KeySet.of("x", [key], test=True)
    result = desk.issuer.issue_many([approved("R-1", NOW)])[0]
    assert isinstance(result, SignedPass) is issued
    assert issued or key.kid.hex() in str(result)
    assert desk.issued() == issued


@pytest.mark.parametrize(
    ("begins", "ends", "says"),
    [
        (-DAY, 1, "ended at"),
        (DAY, 2 * DAY, "after the pass begins"),
        (-DAY, HOUR, "before the pass does"),
    ],
)
def test_a_key_out_of_its_time_is_the_authoritys_fault_and_known_passes_are_still_answered(
    desk: Desk, begins: int, ends: int, says: str
) -> None:
    before = desk.issue("known")
    key = PassKey(desk.signer.public_key, NOW + begins, NOW + ends)
    desk.keys, desk.now = KeySet.of("x", [key], test=True), NOW + 1
    known, new = desk.issuer.issue_many([approved("known", NOW), approved("new", NOW)])
    assert isinstance(known, SignedPass)
    assert known.text == before.text
    assert isinstance(new, KeyPeriodError)
    assert not isinstance(new, RequestError)
    assert not new.is_input
    assert says in str(new)
    assert desk.issued() == 1


def test_a_key_that_devices_may_not_know_yet_hides_no_known_pass(desk: Desk) -> None:
    before = desk.issue("known")
    issuer = Issuer(signer=desk.signer, ledger=desk.ledger, usable_from=NOW + 1, clock=lambda: NOW)
    known, new = issuer.issue_many([approved("known", NOW), approved("new", NOW)])
    assert (known, type(new)) == (before, KeyPeriodError)


def test_an_issuer_whose_key_devices_do_not_know_does_not_start(desk: Desk) -> None:
    other = PassKey(MemorySigner().public_key, 0, NOW + DAY)
    desk.keys = KeySet.of("x", [other], test=True)
    with pytest.raises(IssuerError, match="devices do not know the key"):
        _ = desk.issuer


@pytest.mark.parametrize("how", ["revoked", "denied"])
def test_an_issuer_whose_key_has_been_withdrawn_does_not_start(desk: Desk, how: str) -> None:
    key = PassKey(desk.signer.public_key, 0, NOW + DAY, Withdrawal(NOW, "stolen") if how == "revoked" else None)
    desk.keys = KeySet.of("x", [key], test=True)
    if how == "denied":
        desk.keys = desk.keys.with_denied({"denied": [{"kid": key.kid.hex(), "at": NOW, "reason": "stolen"}]})
    with pytest.raises(IssuerError, match="stolen"):
        _ = desk.issuer


class LyingSigner(MemorySigner):
    """Shows one public key and signs with another."""

    def sign(self, message: bytes) -> bytes:
        return MemorySigner(algorithms.algorithm_of(self.public_key)).sign(message)


@pytest.mark.parametrize("alg", [ESP256, ED25519])
def test_a_signature_that_the_signers_own_key_does_not_verify_never_leaves(ledger: SqliteLedger, alg: int) -> None:
    desk = Desk(ledger, LyingSigner(alg))
    with pytest.raises(SignerError, match="does not verify"):
        desk.issue()
    assert ledger.find(["R-1"])["R-1"].text is None


class RawSigner(MemorySigner):
    """A signer of signatures with other lengths: 63 bytes, none, or DER as KMS does."""

    def __init__(self, signature: bytes) -> None:
        super().__init__()
        self._signature = signature

    def sign(self, message: bytes) -> bytes:
        return self._signature or algorithms.der_from_raw(super().sign(message))


@pytest.mark.parametrize("signature", [bytes(63), bytes(65), b"x", b""], ids=["63", "65", "1", "der"])
def test_a_signature_of_another_length_is_the_signers_error(ledger: SqliteLedger, signature: bytes) -> None:
    with pytest.raises(SignerError):
        Desk(ledger, RawSigner(signature)).issue()


def test_a_failing_signers_error_comes_through_as_issue_says(ledger: SqliteLedger) -> None:
    with pytest.raises(SignerError):
        Desk(ledger, BrokenSigner(0)).issue()


def test_what_was_signed_before_a_signer_failed_is_kept(ledger: SqliteLedger) -> None:
    requests = [approved(f"R-{n}", NOW) for n in range(5)]
    with pytest.raises(SignerError):
        Desk(ledger, BrokenSigner(fails_at=3)).issuer.issue_many(requests)
    signer = MemorySigner()
    Desk(ledger, signer).issuer.issue_many(requests)
    assert signer.signed == 2


def test_a_reserved_and_unsigned_request_is_finished_by_asking_again_under_its_index(ledger: SqliteLedger) -> None:
    broken = BrokenSigner(1)
    desk = Desk(ledger, broken)
    batch = [approved(i, NOW) for i in ("R-1", "R-2", "R-3")]
    with pytest.raises(SignerError):
        desk.issuer.issue_many(batch)
    broken.fails_at = -1
    assert desk.issue("R-4").pass_.index == 3
    assert [r.pass_.index for r in good(desk.issuer.issue_many(batch))] == [0, 1, 2]
    assert desk.issued() == 4


def test_a_reserved_request_is_not_finished_for_other_content_nor_after_its_time(ledger: SqliteLedger) -> None:
    broken = BrokenSigner(0)
    desk = Desk(ledger, broken)
    with pytest.raises(SignerError):
        desk.issue()
    broken.fails_at = -1
    with pytest.raises(RequestConflictError):
        desk.issue(reason="funeral")
    desk.now = NOW + DAY
    with pytest.raises(RequestError, match="is over"):
        desk.issue()
    desk.now = NOW
    assert desk.issue().pass_.index == 0


def test_two_issuers_that_sign_the_same_request_answer_the_same_payload(tmp_path: Path, ledger: SqliteLedger) -> None:
    """The other one stores its own while ours is signing: what is stored first is what both answer."""
    signer = MemorySigner()
    other_ledger = SqliteLedger(tmp_path / "ledger.sqlite")
    other = Desk(other_ledger, signer)
    answers: list[SignedPass] = []

    class Slow(MemorySigner):
        public_key = signer.public_key

        def __init__(self) -> None:
            pass

        def sign(self, message: bytes) -> bytes:
            answers.append(other.issue())
            return signer.sign(message)

    mine = Desk(ledger, Slow()).issue()
    assert [mine] == answers
    other_ledger.close()


def test_an_issued_pass_is_found_by_number_however_it_is_typed_and_by_request_id(desk: Desk) -> None:
    signed = desk.issue()
    assert desk.issuer.find(request_id="R-1") == signed
    assert desk.issuer.find(number=signed.number) == signed
    assert desk.issuer.find(number=signed.number.lower().replace("-", " ")) == signed


def test_a_number_is_of_the_day_nearest_to_now(desk: Desk) -> None:
    signed = desk.issue()
    for away in (-500 * DAY, 500 * DAY):
        desk.now = NOW + away
        assert desk.issuer.find(number=signed.number) == signed
    desk.now = NOW + 600 * DAY
    with pytest.raises(UnknownPassError):
        desk.issuer.find(number=signed.number)


def test_a_pass_that_is_not_there_is_unknown_and_a_slip_in_a_number_says_so(desk: Desk) -> None:
    signed = desk.issue()
    for call in (desk.issuer.find, desk.issuer.revoke):
        with pytest.raises(UnknownPassError, match="R-2"):
            call(request_id="R-2")
        with pytest.raises(NumberError, match="slip"):
            call(number=signed.number[:-1] + ("0" if signed.number[-1] != "0" else "1"))
        with pytest.raises(NumberError, match="neither"):
            call()


def test_revoking_is_idempotent_and_keeps_the_first_time_and_reason(desk: Desk) -> None:
    signed = desk.issue()
    first = desk.issuer.revoke(number=signed.number, reason="stolen")
    desk.now += HOUR
    assert desk.issuer.revoke(request_id="R-1", reason="another") == first
    assert (first.revoked_at, first.reason) == (NOW, "stolen")
    assert desk.ledger.pending() == [(day_of(NOW), 0)]
    assert desk.issuer.find(request_id="R-1").revoked_at == NOW
    assert desk.issue().revoked_at == NOW


def test_a_request_that_was_revoked_before_it_had_a_payload_gets_none(desk: Desk) -> None:
    request = approved("R-1", NOW)
    desk.ledger.reserve([Request("R-1", request.content_hash, day_of(request.trip.not_after))])
    desk.issuer.revoke(request_id="R-1")
    with pytest.raises(RequestError, match=r"revoked at .*, before it had a pass"):
        desk.issuer.issue(request)
    assert desk.ledger.find(["R-1"])["R-1"].text is None


def test_a_pass_whose_personal_data_has_gone_is_neither_shown_nor_issued_again_but_can_be_revoked(desk: Desk) -> None:
    signed = desk.issue()
    desk.ledger.forget(signed.pass_.day + PERSONAL_DAYS + 1)
    with pytest.raises(UnknownPassError, match=f"{signed.number}.*personal data"):
        desk.issuer.find(number=signed.number)
    with pytest.raises(RequestError, match=f"{signed.number}.*personal data has gone"):
        desk.issue()
    with pytest.raises(RequestConflictError):
        desk.issue(reason="funeral")
    desk.issuer.revoke(number=signed.number)
    assert (desk.issued(), desk.signer.signed) == (1, 1)


def test_a_request_id_that_has_been_forgotten_is_a_new_request_under_a_new_index(desk: Desk) -> None:
    signed = desk.issue()
    desk.ledger.forget(signed.pass_.day + REQUEST_DAYS + 1)
    assert desk.issue().pass_.index == 1


def test_a_pass_that_was_never_finished_is_not_shown(ledger: SqliteLedger) -> None:
    desk = Desk(ledger, BrokenSigner(0))
    with pytest.raises(SignerError):
        desk.issue()
    with pytest.raises(UnknownPassError, match="never finished"):
        desk.issuer.find(request_id="R-1")


def test_the_largest_pass_that_is_let_through_can_be_issued_under_the_last_index(desk: Desk) -> None:
    """Of all lengths of one field the largest that ApprovedPass accepts must not fail when it is sealed."""
    place = {"district": "dhaka", "place": "中文" * 32}

    def largest() -> ApprovedPass:
        for length in range(64, 0, -1):
            holder = {"name": "中文" * 32, "id_type": "nid", "id_last": "é文" * (length // 2) + "x" * (length % 2)}
            try:
                return approved("R-1", NOW, holder=holder, **{"from": place})
            except RequestError:
                pass
        raise AssertionError

    desk.ledger._db.execute("INSERT INTO next_index VALUES (?, ?)", (day_of(NOW), INDEX_LIMIT - 1))
    signed = desk.issuer.issue(largest())
    assert signed.pass_.index == INDEX_LIMIT - 1
    assert TEXT_MAX_CHARS - 5 < len(signed.text) <= TEXT_MAX_CHARS


def test_a_png_of_the_qr_code_can_be_drawn(desk: Desk) -> None:
    assert desk.issue().png().startswith(b"\x89PNG")


def test_an_approved_pass_that_was_built_in_code_is_held_to_the_same_rules(desk: Desk) -> None:
    trip = approved("R-1", NOW).trip
    assert desk.issuer.issue(ApprovedPass("R-1", trip)).pass_.trip == trip
