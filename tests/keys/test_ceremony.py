"""Check what custodians are shown before signing and what is refused, in memory, with real keys and signatures."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tuf.api.metadata import Metadata, Root, Targets

from movepass_keys import KeySet, PassKey
from movepass_keys.ceremony.proposal import (
    TARGETS,
    Card,
    KeyChange,
    Proposal,
    add_signature,
    apply_change,
    build_keys_proposal,
    build_root_proposal,
    check_clock,
    finish_document,
    sign_proposal,
)
from movepass_keys.ceremony.wording import describe_proposal
from movepass_keys.errors import CeremonyError, CeremonyFileError, NotEnoughSignaturesError
from movepass_keys.records import algorithms, roles
from movepass_wire.payload import ED25519, ESP256

NOW = 1795316400
DAY = 86400


class Key:
    """A signer that nobody else has."""

    def __init__(self, alg: int = ESP256) -> None:
        self._private = algorithms.generate(alg)
        self.public_key = self._private.public_key()

    def sign(self, message: bytes) -> bytes:
        return algorithms.sign(self._private, message)


HELD = {name: (Key(), Key()) for name in ("Rahima", "Kamal", "Joy")}
CARDS = [Card.of(name, *keys) for name, keys in HELD.items()]
ONLINE = [roles.role_key(Key())]
OLD, NEW = (PassKey(Key(ED25519).public_key, NOW - DAY, NOW + 30 * DAY) for _ in range(2))


def sign_by(proposal: Proposal, *names: str) -> Proposal:
    for name in names:
        key = HELD[name][proposal.role == TARGETS]
        proposal, _ = add_signature(proposal, sign_proposal(proposal, key))
    return proposal


def agree(proposal: Proposal, *names: str) -> Metadata[Any]:
    document: Metadata[Any] = Metadata.from_bytes(finish_document(sign_by(proposal, *names)))
    return document


ROOT: Metadata[Root] = agree(build_root_proposal(CARDS, ONLINE, threshold=2, now=NOW - DAY), "Rahima", "Kamal")
NOBODYS = KeySet("Dhaka", test=False, keys={})
FIRST = build_keys_proposal(KeyChange(add=(OLD,)), root=ROOT, now=NOW - DAY, current=None, keys=NOBODYS, chain=[ROOT])
CURRENT: Metadata[Targets] = agree(FIRST, "Rahima", "Kamal")
KEYS = FIRST.keys[0] or b""


def propose_keys(change: KeyChange = KeyChange(), now: int = NOW, keys: bytes = KEYS) -> Proposal:  # noqa: B008
    return build_keys_proposal(change, root=ROOT, now=now, current=CURRENT, keys=keys, chain=[ROOT])


def propose_root(cards: list[Card] = CARDS, threshold: int = 2) -> Proposal:
    return build_root_proposal(cards, ONLINE, threshold=threshold, now=NOW, chain=[ROOT])


# What is shown


def kid(key: PassKey) -> str:
    return key.kid.hex()


@pytest.mark.parametrize(
    ("change", "now", "line"),
    [
        (KeyChange(), NOW, f"stays: key {kid(OLD)}"),
        (KeyChange(add=(NEW,)), NOW, f"NEW: key {kid(NEW)}, for passes within"),
        (KeyChange(revoke={OLD.kid: "stolen"}), NOW, f"REVOKED: key {kid(OLD)} (stolen); every pass it signed is void"),
        (KeyChange(retire={OLD.kid: NOW + DAY}), NOW, f"CHANGED: key {kid(OLD)}, for passes within"),
        (KeyChange(), OLD.not_after - 1, f"stays: key {kid(OLD)}"),
        (KeyChange(), OLD.not_after, f"GONE: key {kid(OLD)}; its last pass ended at"),
    ],
    ids=["nothing", "new", "revoked", "retired", "a second before its end", "at its end"],
)
def test_what_becomes_of_each_key_is_shown_in_one_line(change: KeyChange, now: int, line: str) -> None:
    (of,) = {key.kid.hex() for key in (OLD, NEW) if key.kid.hex() in line}
    (shown,) = (shown for shown in describe_proposal(propose_keys(change, now), now) if of in shown)
    assert shown.startswith(line)


def test_a_key_that_stays_revoked_is_shown_so_and_its_first_reason_stays() -> None:
    revoked = propose_keys(KeyChange(revoke={OLD.kid: "stolen"}))
    again = apply_change(KeySet.from_jwks(revoked.keys[0] or b""), KeyChange(revoke={OLD.kid: "lost"}), NOW + DAY)
    assert again.keys[OLD.kid].revoked == (NOW, "stolen")
    now_in_force = replace(revoked, keys=(revoked.keys[0], revoked.keys[0]))
    assert f"stays: key {kid(OLD)} (revoked)" in describe_proposal(now_in_force, NOW)


@pytest.mark.parametrize(("name", "test", "line"), [("Dacca", False, "Dhaka"), ("Dhaka", True, "Dhaka")])
def test_another_authority_or_a_test_become_real_is_shown(name: str, test: bool, line: str) -> None:  # noqa: FBT001
    proposal = propose_keys()
    renamed = roles.json_bytes(replace(KeySet.from_jwks(KEYS), authority=name, test=test).to_jwks())
    lines = describe_proposal(replace(proposal, keys=(renamed, KEYS)), NOW)
    assert [f"Authority: {name}{' (TEST)' if test else ''}", f"CHANGED from: {line}"] == lines[2:4]
    assert not [shown for shown in describe_proposal(proposal, NOW) if shown.startswith("CHANGED")]


def test_keys_that_can_not_be_read_are_not_described() -> None:
    with pytest.raises(CeremonyError, match="the keys proposed can't be read"):
        describe_proposal(replace(propose_keys(), keys=(b"{}", KEYS)), NOW)


def test_a_threshold_of_one_is_warned_of_and_one_of_two_is_not() -> None:
    warning = "CAREFUL: one signature is enough; one stolen laptop ends the system"
    assert warning in describe_proposal(propose_root(threshold=1), NOW)
    lines = describe_proposal(propose_root(), NOW)
    assert warning not in lines
    assert "Signatures needed for the root: 2 of 3" in lines


def test_who_leaves_and_what_is_needed_before_is_shown() -> None:
    lines = describe_proposal(propose_root(CARDS[:2], threshold=1), NOW)
    assert [line for line in lines if line.startswith("LEAVES for the root: Joy, key ")]
    assert "Signatures needed for the pass keys: 1 of 2, BEFORE 2 of 3" in lines


# What is refused


@pytest.mark.parametrize("threshold", [0, -1, 4])
def test_a_threshold_that_can_not_be_met_or_is_none_is_refused(threshold: int) -> None:
    with pytest.raises(CeremonyError, match=f"a threshold of {threshold} can't be met by 3 custodians"):
        propose_root(threshold=threshold)


def test_thresholds_of_one_and_of_all_are_taken() -> None:
    assert [propose_root(threshold=n).metadata.signed.roles["root"].threshold for n in (1, 3)] == [1, 3]


def test_a_custodians_key_that_is_an_online_key_is_refused() -> None:
    with pytest.raises(CeremonyError, match="none of them an online key"):
        build_root_proposal(CARDS, [CARDS[0].root], threshold=2, now=NOW)


@pytest.mark.parametrize("change", [KeyChange(retire={NEW.kid: NOW}), KeyChange(revoke={NEW.kid: "?"})])
def test_a_key_that_is_not_there_can_not_be_retired_or_revoked(change: KeyChange) -> None:
    with pytest.raises(CeremonyError, match=f"there is no pass key {kid(NEW)}"):
        propose_keys(change)


def read(proposal: Proposal, change: Callable[[dict[str, Any]], None]) -> Proposal:
    document = json.loads(proposal.to_bytes())
    change(document)
    return Proposal.from_bytes(json.dumps(document).encode())


def no_delegation(document: dict[str, Any]) -> None:
    del document["metadata"]["signed"]["delegations"]


@pytest.mark.parametrize(
    ("proposal", "change", "words"),
    [
        (propose_root(), lambda d: d.update(roots=[]), "it names no root in force"),
        (propose_root(), lambda d: d.update(current=None), "it names no root in force"),
        (propose_root(), lambda d: d.update(root=None), "it names two roots in force"),
        (propose_root(), lambda d: d["roots"][0].update(signatures=[]), "not built on what was signed before"),
        (propose_keys(), lambda d: d.update(roots=[]), "it names no root in force"),
        (propose_keys(), lambda d: d["current"].update(signatures=[]), "not built on what was signed before"),
        (FIRST, lambda d: d.update(keys=[d["keys"][0]] * 2), "it names pass keys in force, but no signed document"),
        (propose_keys(), lambda d: d["keys"].__setitem__(0, None), "a proposal for the pass keys must include them"),
        (propose_keys(), lambda d: d["keys"].__setitem__(0, "{}"), "can't describe"),
        (propose_keys(), no_delegation, "delegates the lists to no key"),
    ],
)
def test_a_proposal_that_is_not_built_on_what_it_says_is_refused(
    proposal: Proposal, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    assert read(proposal, lambda _: None).digest == proposal.digest
    with pytest.raises(CeremonyError, match=words):
        read(proposal, change)


@pytest.mark.parametrize("name", ["", "Ra\nhima", 7])
def test_a_card_whose_name_can_not_be_read_out_is_refused(name: object) -> None:
    document = CARDS[0].to_json() | {"movepass_custodian": name}
    with pytest.raises(CeremonyFileError, match="must be printable"):
        Card.from_json(json.dumps(document).encode())


def test_a_card_with_a_key_under_another_ones_id_is_refused() -> None:
    document = CARDS[0].to_json()
    document["root"]["keyid"] = CARDS[1].root.keyid
    with pytest.raises(CeremonyFileError, match="does not match its id"):
        Card.from_json(json.dumps(document).encode())


def test_one_signature_less_than_the_threshold_is_not_enough_and_who_is_missing_is_said() -> None:
    with pytest.raises(NotEnoughSignaturesError, match=r"1 of 2 signatures .* any of: Kamal, Joy"):
        finish_document(sign_by(propose_keys(), "Rahima"))
    assert finish_document(sign_by(propose_keys(), "Rahima", "Joy"))


def test_a_clock_an_hour_apart_is_taken_and_a_second_more_is_not() -> None:
    check_clock(propose_keys(), NOW - 3600)
    with pytest.raises(CeremonyError, match="one of the two clocks is wrong"):
        check_clock(propose_keys(), NOW - 3601)
