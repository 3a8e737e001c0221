"""Play the worst days with real folders and with devices that were offline in between (docs/drills.md)."""

import json
import shutil
import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import pytest

from movepass_issuer import AuthorityError, IssuerError, RepositoryError
from movepass_issuer.authority.ceremony_desk import (
    deny,
    first_pass_key,
    new_pass_key,
    pass_public_key,
    propose_keys,
    propose_root,
    publish_proposals,
    recover,
    use_pass_key,
)
from movepass_issuer.authority.creation import begin_authority
from movepass_issuer.publishing.publisher import Publisher
from movepass_keys import FileSigner, create_key_file
from movepass_keys.ceremony import custodian
from movepass_keys.ceremony.proposal import (
    LAST_PASS_SECONDS,
    Card,
    KeyChange,
    Proposal,
    add_signature,
    check_clock,
    delegated_by,
    digits_of,
    finish_document,
    sign_proposal,
)
from movepass_keys.ceremony.wording import describe_proposal
from movepass_keys.errors import CeremonyError, NotEnoughSignaturesError
from movepass_keys.records import roles
from movepass_verifier import Device, SyncError
from movepass_verifier.store.schema import JOURNAL
from movepass_wire.payload import ESP256

from .conftest import Drill, request, signed_by


def now() -> int:
    return int(time.time())


def leak_pass_key(drill: Drill, count: int) -> tuple[int, float]:
    """Play the leaked pass key with so many passes in force, and return a device's bytes and seconds."""
    with drill.authority.issuer() as issuer:
        old = [p for p in issuer.issue_many([request(f"L-{n}") for n in range(count)]) if not isinstance(p, Exception)]
    assert drill.verdict("device", old[0].text) == "valid"
    leaked = drill.authority.pass_key
    assert leaked
    begun = time.monotonic()
    deny(drill.authority, leaked, "copied from a server", now())
    drill.sync("device")
    assert drill.verdict("device", old[0].text) == "key-revoked"
    kid = new_pass_key(drill.authority, ESP256)
    key = first_pass_key(pass_public_key(drill.authority, kid), now())
    drill.agree(
        propose_keys(drill.authority, KeyChange(add=(key,), revoke={leaked: "copied from a server"}), now=now())
    )
    assert json.loads(drill.authority.denied()) == {"denied": []}  # the custodians have replaced the denial
    use_pass_key(drill.authority, kid, now(), urgent=True)
    with drill.authority.issuer() as issuer:
        pairs = list(issuer.reissue(leaked))
        again = list(issuer.reissue(leaked))
    took = time.monotonic() - begun
    assert pairs == again
    received = drill.sync("device")
    assert {before.text for before, _ in pairs} == {p.text for p in old}
    assert len({made.number for _, made in pairs}) == count
    with drill.device("device") as device:
        assert {device.verify(before.text).verdict.value for before, _ in pairs} == {"key-revoked"}
        assert {device.verify(made.text).verdict.value for _, made in pairs} == {"valid"}
    return received, took


def test_a_leaked_pass_key_is_denied_revoked_and_its_passes_issued_anew(drill: Drill) -> None:
    leak_pass_key(drill, 700)


@pytest.mark.slow
def test_a_leaked_pass_key_with_ten_thousand_passes_in_force(drill: Drill, capsys: pytest.CaptureFixture[str]) -> None:
    received, took = leak_pass_key(drill, 10_000)
    with capsys.disabled():
        print(f"\nleaked key, 10,000 passes in force: {took:.1f} s to replace all, {received} bytes for a device")


def test_revoked_passes_are_not_issued_anew(drill: Drill) -> None:
    good, bad = drill.issue("good", "bad")
    with drill.authority.issuer() as issuer:
        issuer.revoke(number=bad.number)
    leaked = drill.authority.pass_key
    assert leaked
    kid = new_pass_key(drill.authority, ESP256)
    drill.agree(
        propose_keys(
            drill.authority, KeyChange(add=(first_pass_key(pass_public_key(drill.authority, kid), now()),)), now=now()
        )
    )
    use_pass_key(drill.authority, kid, now(), urgent=True)
    with drill.authority.issuer() as issuer:
        assert [before.number for before, _ in issuer.reissue(leaked)] == [good.number]


def test_the_online_key_is_replaced_and_devices_follow(drill: Drill) -> None:
    (signed,) = drill.issue("a")
    assert drill.verdict("device", signed.text) == "valid"
    create_key_file(drill.authority.folder / "keys" / "online-2.pem", custodian.ALG)
    root = propose_root(drill.authority, [], online=["file:keys/online-2.pem"], now=now())
    keys = propose_keys(drill.authority, KeyChange(), now=now(), root=root)
    old = drill.authority.online_signer
    with pytest.raises(AuthorityError, match="propose the pass keys as well"):
        drill.agree(root)
    drill.agree(root, keys)
    assert drill.authority.online_signer == "file:keys/online-2.pem" != old
    with drill.authority.issuer() as issuer:
        issuer.revoke(number=signed.number)
    drill.publish()
    drill.sync("device")
    assert drill.verdict("device", signed.text) == "revoked"


def test_another_regions_online_key_joins_and_each_of_the_two_publishes(drill: Drill) -> None:
    (signed,) = drill.issue("a")
    assert drill.verdict("device", signed.text) == "valid"
    other = drill.authority.folder / "keys" / "online-2.pem"
    create_key_file(other, custodian.ALG)
    both = [drill.authority.online_signer, "file:keys/online-2.pem"]
    root = propose_root(drill.authority, [], online=both, now=now())
    keys = propose_keys(drill.authority, KeyChange(), now=now(), root=root)
    for proposal in (root, keys):
        lines = describe_proposal(Proposal.from_bytes(proposal.to_bytes()), now())
        assert sum("NEW ONLINE KEY" in line for line in lines) == 1
        assert sum("stays an online key" in line for line in lines) == 1
    drill.agree(root, keys)
    authority = drill.authority
    assert (authority.online_signer, *authority.online_peers) == tuple(both)
    with authority.revoker() as revoker:
        revoker.revoke(number=signed.number)
    ledger = authority.ledger()
    Publisher(repository=authority.repository, ledger=ledger, signer=FileSigner(other)).publish(now())
    ledger.close()
    drill.sync("device")
    assert drill.verdict("device", signed.text) == "revoked"
    drill.publish()
    drill.sync("device")
    unchanged = propose_root(drill.authority, [], now=now())
    assert not any("ONLINE KEY" in line for line in describe_proposal(unchanged, now()))
    alone = propose_root(drill.authority, [], online=[authority.online_signer], now=now())
    assert any("NO LONGER AN ONLINE KEY" in line for line in describe_proposal(alone, now()))


def test_the_old_online_key_publishes_nothing_any_more(drill: Drill) -> None:
    drill.issue("a")
    create_key_file(drill.authority.folder / "keys" / "online-2.pem", custodian.ALG)
    stale = drill.authority
    root = propose_root(stale, [], online=["file:keys/online-2.pem"], now=now())
    drill.agree(root, propose_keys(stale, KeyChange(), now=now(), root=root))
    with stale.publisher() as publisher, pytest.raises(RepositoryError, match="another online key"):
        publisher.publish(now())


def test_a_lost_root_key_is_replaced_by_the_other_two(drill: Drill) -> None:
    (signed,) = drill.issue("a")
    assert drill.verdict("device", signed.text) == "valid"
    shutil.rmtree(drill.custodians / "1")
    card = custodian.create_custodian(drill.custodians / "4", "4", None)
    root = propose_root(drill.authority, [card], without=["1"], now=now())
    drill.agree(root, propose_keys(drill.authority, KeyChange(), now=now(), root=root), names=("2", "3"))
    drill.sync("device")
    assert drill.verdict("device", signed.text) == "valid"
    again = propose_root(drill.authority, [], now=now())
    drill.agree(again, propose_keys(drill.authority, KeyChange(), now=now(), root=again), names=("3", "4"))
    drill.sync("device")


def test_a_dishonest_custodian_alone_gets_nothing_through(drill: Drill) -> None:
    accomplice = custodian.create_custodian(drill.folder / "accomplice", "accomplice", None)
    takeover = propose_root(drill.authority, [accomplice], without=["2", "3"], threshold=1, now=now())
    alone = signed_by(drill.custodians, takeover, ["1"])
    with pytest.raises(NotEnoughSignaturesError, match="still missing, any of: 2, 3"):
        publish_proposals(drill.authority, [alone], now())
    (drill.authority.repository_path / alone.file_name).write_bytes(roles.document_bytes(alone.metadata))
    with pytest.raises(SyncError, match="not signed by those whom this device trusts"):
        drill.device("device")


def test_a_lost_threshold_leaves_only_enrolling_anew(drill: Drill) -> None:
    (signed,) = drill.issue("a")
    assert drill.verdict("device", signed.text) == "valid"
    for name in ("1", "2"):
        shutil.rmtree(drill.custodians / name)
    cards = [custodian.create_custodian(drill.custodians / name, name, None) for name in ("5", "6")]
    root = propose_root(drill.authority, cards, without=["1", "2"], now=now())
    with pytest.raises(NotEnoughSignaturesError):
        drill.agree(root, names=("3", "5", "6"))
    with drill.authority.issuer() as issuer:  # what goes on until the documents expire: issuing, revoking, publishing
        issuer.revoke(number=signed.number)
    drill.publish()
    drill.sync("device")
    assert drill.verdict("device", signed.text) == "revoked"


def test_a_stolen_device_holds_no_secret_and_nobodys_data(drill: Drill) -> None:
    (signed,) = drill.issue("a")
    assert drill.verdict("device", signed.text) == "valid"
    with drill.device("device") as device:
        assert device.note(device.verify(signed.text))
    names = {path.name for path in (drill.folder / "device").iterdir()}
    assert names <= {"device.sqlite", "device.sqlite-wal", "device.sqlite-shm"}
    dump = b"".join(path.read_bytes() for path in (drill.folder / "device").iterdir())
    for secret in (b"Rahima", b"PRIVATE", signed.text.encode(), signed.number.encode()):
        assert secret not in dump
    with sqlite3.connect(drill.folder / "device" / "device.sqlite") as db:
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    db.close()
    assert tables == {"facts", "metadata", "documents", "logs", "pages", *JOURNAL}


def test_a_lost_disk_restored_from_a_backup_gives_no_index_twice(drill: Drill) -> None:
    first = drill.issue("a", "b")
    backup = drill.folder / "backup"
    shutil.copytree(drill.folder / "authority", backup)
    lost = drill.issue("c", "d", "e")
    with drill.authority.issuer() as issuer:
        issuer.revoke(number=first[0].number)
    drill.publish()
    drill.publish()
    assert drill.verdict("device", first[0].text) == "revoked"
    shutil.rmtree(drill.folder / "authority")
    backup.rename(drill.folder / "authority")
    drill.publish()
    with pytest.raises(SyncError, match="behind what this device has"):
        drill.sync("device")
    recover(drill.authority, now(), skip=1000)
    new = drill.issue("f", "g", "h")
    numbers = [signed.number for signed in (*first, *lost, *new)]
    assert len(set(numbers)) == len(numbers)
    with drill.authority.issuer() as issuer:
        issuer.revoke(number=first[0].number)  # the revocation was lost with the disk: revoked again, from the paper
        issuer.revoke(number=new[0].number)
    drill.publish()
    drill.sync("device")
    verdicts = [drill.verdict("device", signed.text) for signed in (first[0], first[1], lost[0], new[0], new[1])]
    assert verdicts == ["revoked", "valid", "valid", "revoked", "valid"]


def test_a_key_is_not_used_before_devices_can_know_it(drill: Drill) -> None:
    kid = new_pass_key(drill.authority, ESP256)
    with pytest.raises(AuthorityError, match="is not published"):
        use_pass_key(drill.authority, kid, now())
    key = first_pass_key(pass_public_key(drill.authority, kid), now())
    drill.agree(propose_keys(drill.authority, KeyChange(add=(key,)), now=now()))
    with pytest.raises(AuthorityError, match="devices that synced before do not know it"):
        use_pass_key(drill.authority, kid, now())
    use_pass_key(drill.authority, kid, now() + 24 * 3600)
    with drill.authority.issuer() as issuer, pytest.raises(IssuerError, match="devices may not know the key"):
        issuer.issue(request("early"))


def test_retired_keys_leave_their_passes_in_force(drill: Drill) -> None:
    (signed,) = drill.issue("a")
    kid = drill.authority.pass_key
    assert kid
    end = now() + LAST_PASS_SECONDS
    drill.agree(propose_keys(drill.authority, KeyChange(retire={kid: end}), now=now()))
    assert drill.verdict("device", signed.text) == "valid"
    assert drill.authority.keys().keys[kid].not_after == end


# The ceremony's bad input


def test_two_proposals_at_once_the_second_must_be_made_anew(drill: Drill) -> None:
    first = propose_keys(drill.authority, KeyChange(), now=now())
    second = propose_keys(drill.authority, KeyChange(), now=now() - 7)
    with pytest.raises(CeremonyError, match="for another proposal"):
        add_signature(second, sign_proposal(first, custodian.signer(drill.custodians / "1", "targets")))
    drill.agree(first)
    with pytest.raises(AuthorityError, match="somebody else published meanwhile"):
        drill.agree(second)


def test_a_publication_that_was_cut_short_is_finished_by_another(drill: Drill) -> None:
    root = propose_root(drill.authority, [], now=now())
    keys = propose_keys(drill.authority, KeyChange(), now=now(), root=root)
    signed = [signed_by(drill.custodians, proposal, ("1", "2")) for proposal in (root, keys)]
    drill.authority.repository.create_version(signed[0].file_name, finish_document(signed[0]))
    publish_proposals(drill.authority, signed, now())
    publish_proposals(drill.authority, signed, now())
    with drill.device("device") as device:
        assert device.sync().published


@pytest.mark.parametrize("damage", ["cut", "foreign", "flipped", "not json"])
def test_a_signature_file_that_is_none_is_refused(drill: Drill, damage: str) -> None:
    proposal = propose_keys(drill.authority, KeyChange(), now=now())
    data = sign_proposal(proposal, custodian.signer(drill.custodians / "1", "targets"))
    other = custodian.create_custodian(drill.folder / "x", "x", None)
    document = json.loads(data)
    broken = {
        "cut": data[:-30],
        "foreign": json.dumps(document | {"keyid": other.targets.keyid}).encode(),
        "flipped": json.dumps(document | {"sig": document["sig"][:-2] + "00"}).encode(),
        "not json": b"\xff\x00",
    }[damage]
    with pytest.raises(CeremonyError):
        add_signature(proposal, broken)


def test_a_key_that_has_no_say_can_not_sign(drill: Drill) -> None:
    proposal = propose_keys(drill.authority, KeyChange(), now=now())
    with pytest.raises(CeremonyError, match="do you mean your other key"):
        sign_proposal(proposal, custodian.signer(drill.custodians / "1", "root"))


def test_a_proposal_from_tomorrow_is_not_signed(drill: Drill) -> None:
    proposal = propose_root(drill.authority, [], now=now() + 24 * 3600)
    with pytest.raises(CeremonyError, match="one of the two clocks is wrong"):
        check_clock(proposal, now())


@pytest.mark.parametrize("path", ["targets", "delegation", "key", "field"])
def test_a_proposal_that_holds_more_than_is_shown_is_refused(drill: Drill, path: str) -> None:
    document = json.loads(propose_keys(drill.authority, KeyChange(), now=now()).to_bytes())
    signed = document["metadata"]["signed"]
    if path == "targets":
        signed["targets"]["extra"] = {"length": 1, "hashes": {"sha256": "00" * 32}}
    elif path == "delegation":
        signed["delegations"]["roles"][0]["paths"] = ["*"]
    elif path == "key":
        document["keys"][0] = document["keys"][0].replace("Drill", "Other")
    else:
        signed["x-extra"] = 1
    with pytest.raises(CeremonyError, match="can't describe"):
        Proposal.from_bytes(json.dumps(document).encode())


def test_a_custodian_of_another_name_or_twice_is_refused(drill: Drill) -> None:
    with pytest.raises(AuthorityError, match="nobody called 'Eve'"):
        propose_root(drill.authority, [], without=["Eve"], now=now())
    card = Card.from_json((drill.custodians / "1" / "card.json").read_bytes())
    with pytest.raises(CeremonyError, match="a name and two keys of their own"):
        propose_root(drill.authority, [Card("other", card.root, card.targets)], now=now())


def test_one_signature_counts_once(drill: Drill) -> None:
    proposal = propose_keys(drill.authority, KeyChange(), now=now())
    twice = signed_by(drill.custodians, proposal, ("1", "1", "1"))
    with pytest.raises(NotEnoughSignaturesError):
        finish_document(twice)


def test_a_device_enrolled_with_the_first_root_follows_many(drill: Drill, tmp_path: Path) -> None:
    first = drill.authority.root_path.read_bytes()
    for _ in range(4):
        root = propose_root(drill.authority, [], now=now())
        drill.agree(root, propose_keys(drill.authority, KeyChange(), now=now(), root=root))
    Device.enroll(tmp_path / "late", root=first, sources=[str(drill.authority.repository_path)])
    with Device.open(tmp_path / "late") as device:
        assert device.sync().changed


def test_a_new_authority_waits_for_its_ceremony(tmp_path: Path) -> None:
    authority = begin_authority(tmp_path / "a", name="New", test=False)
    with pytest.raises(AuthorityError, match="hold the ceremony"), authority.issuer():
        pass
    with authority.publisher() as publisher, pytest.raises(RepositoryError, match="the custodians' ceremony makes it"):
        publisher.publish(now())


def test_a_proposal_that_shows_a_new_key_as_an_old_one_is_refused(drill: Drill) -> None:
    """Whoever makes proposals could else put a key of his own into what is said to be in force already."""
    kid = new_pass_key(drill.authority, ESP256)
    key = first_pass_key(pass_public_key(drill.authority, kid), now())
    document = json.loads(propose_keys(drill.authority, KeyChange(add=(key,)), now=now()).to_bytes())
    document["keys"][1] = document["keys"][0]
    with pytest.raises(CeremonyError, match="not built on what was signed before"):
        Proposal.from_bytes(json.dumps(document).encode())


def test_a_proposal_on_an_invented_root_is_refused_or_shows_its_fingerprint(drill: Drill) -> None:
    card = custodian.create_custodian(drill.folder / "Lina", "Lina", None)
    invented = propose_root(drill.authority, [card], now=now())
    document = json.loads(propose_root(drill.authority, [card], now=now()).to_bytes())
    document["root"] = document["current"] = invented.metadata.to_dict()
    document["roots"] = [invented.metadata.to_dict()]
    with pytest.raises(CeremonyError, match="not built on what was signed before"):
        Proposal.from_bytes(json.dumps(document).encode())
    root = drill.authority.root_path.read_bytes()
    shown = describe_proposal(propose_keys(drill.authority, KeyChange(), now=now()), now())
    assert digits_of(root) in shown[1]


def test_a_key_of_another_kind_is_not_smuggled_into_a_proposal(drill: Drill) -> None:
    proposal = propose_keys(drill.authority, KeyChange(), now=now())
    keys = json.loads(proposal.keys[0] or b"")
    keys["keys"].append({"kty": "EC", "crv": "P-384", "alg": "ES384", "kid": "00000000"})
    smuggled = roles.json_bytes(keys)
    metadata = roles.make_targets(
        smuggled, delegated_by(proposal.metadata.signed),
        version=proposal.metadata.signed.version, expires=proposal.metadata.signed.expires,
    )  # fmt: skip
    with pytest.raises(CeremonyError, match="can't describe"):
        Proposal.from_bytes(replace(proposal, metadata=metadata, keys=(smuggled, proposal.keys[1])).to_bytes())
