"""Two regions: one publishes, the other copies, and each takes over when the other falls silent."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from drills.conftest import Drill
from support.faults import Doom, Killed
from support.ministack import Ministack
from support.repositories import revoked_in, signed, status_of, target
from support.sampling import every_nth_of, some_of
from tuf.api.metadata import Metadata

from movepass_issuer import RepositoryError
from movepass_issuer.authority.ceremony_desk import propose_keys, propose_root
from movepass_issuer.authority.creation import Elsewhere, create_authority
from movepass_issuer.authority.folder import Authority
from movepass_issuer.errors import ClockError
from movepass_issuer.issuing.ledger import Announced, Request
from movepass_issuer.publishing.published import DENIED, read_denied
from movepass_issuer.publishing.publisher import Publication, Publisher
from movepass_issuer.regions import replication
from movepass_issuer.regions.ledger import Region, Revocation
from movepass_issuer.regions.replication import Followed, RegionalPublisher
from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger
from movepass_issuer.storage.folder_repository import FolderRepository
from movepass_issuer.storage.repository import Repository
from movepass_keys import FileSigner, Signer, create_key_file
from movepass_keys.ceremony.proposal import KeyChange
from movepass_keys.records import roles
from movepass_keys.records.layout import HEAD_TARGET, TIMESTAMP, version_pack
from movepass_verifier import Device
from movepass_wire.packs import read_pack
from movepass_wire.payload import ESP256
from movepass_wire.times import DAY_SECONDS, day_of

TAKEOVER = 900
CALLS = ("read", "put_target", "create_version", "replace_timestamp", "delete", "files", "versions")


@dataclass
class Side:
    """One of the two regions."""

    folder: Path
    ledger: DynamoDbLedger
    signer: Signer
    other: Path

    def publisher(
        self, repository: Repository | None = None, *, alone: bool = False,
        warn: Callable[[str, str], None] = lambda _name, _why: None,
    ) -> RegionalPublisher:  # fmt: skip
        own = repository or FolderRepository(self.folder)
        publisher = Publisher(
            repository=own, ledger=self.ledger, signer=self.signer, patience=0, denied=lambda: read_denied(own)
        )
        others = [] if alone else [FolderRepository(self.other)]
        return RegionalPublisher(
            publisher,
            repository=own,
            ledger=self.ledger,
            signer=self.signer,
            others=others,
            takeover=TAKEOVER,
            warn=warn,
        )

    def publish(self, now: int, *, alone: bool = False) -> Publication | Followed:
        return self.publisher(alone=alone).publish(now)


@dataclass
class Pair:
    """Two regions of one authority, and the time that the test takes as now."""

    authority: Authority
    one: Side
    two: Side
    now: int

    @property
    def day(self) -> int:
        return day_of(self.now)

    def revoke(self, side: Side, index: int, *, tell: bool = True) -> None:
        """Revoke an index in a region, and tell the other."""
        revocation = Revocation(self.day, index, self.now, "lost")
        side.ledger.take(revocation, tell=[])
        if tell:
            (self.two if side is self.one else self.one).ledger.take(revocation)

    def devices(self, folder: Path) -> list[Path]:
        """Enroll a device for each region."""
        stores = [folder / f"device-{number}" for number in range(2)]
        for store in stores:
            if not store.exists():
                Device.enroll(store, root=self.authority.root_path.read_bytes(), sources=["nowhere"])
        return stores


@pytest.fixture
def pair(ministack: Ministack, tmp_path: Path) -> Iterator[Pair]:
    keys = [tmp_path / f"online-{number}.pem" for number in range(2)]
    for path in keys:
        create_key_file(path, ESP256)
    now = int(time.time())
    elsewhere = Elsewhere(online_signers=tuple(f"file:{path}" for path in keys))
    authority = create_authority(tmp_path / "authority", name="Two", test=True, elsewhere=elsewhere, now=now - 1)
    folders = [authority.repository_path, tmp_path / "two"]
    FolderRepository.create(folders[1])
    client = ministack.client("dynamodb")
    sides = []
    for number in range(2):
        table = f"side-{uuid4()}"
        DynamoDbLedger.create(table, client=client)
        ledger = DynamoDbLedger(table, client=client, region=Region(number, 2))
        sides.append(Side(folders[number], ledger, FileSigner(keys[number]), folders[1 - number]))
    yield Pair(authority, sides[0], sides[1], now)
    for side in sides:
        side.ledger.close()


def sync(store: Path, source: Path) -> None:
    with Device.open(store) as device:
        device.sync(str(source))


def waiting(done: Publication | Followed) -> str:
    assert isinstance(done, Followed)
    return done.waiting


def test_a_region_copies_the_head_of_the_decision_log_and_keeps_it_when_it_takes_over(
    pair: Pair, tmp_path: Path
) -> None:
    own = FolderRepository(pair.one.folder)
    others = lambda: {HEAD_TARGET: b"head"}  # noqa: E731
    Publisher(repository=own, ledger=pair.one.ledger, signer=pair.one.signer, others=others).publish(pair.now)
    for later in (60, TAKEOVER + 120):
        done = pair.two.publish(pair.now + later)
        assert isinstance(done, Followed if later == 60 else Publication)
        status = status_of(pair.two.folder)
        assert target(pair.two.folder, HEAD_TARGET, status.targets[HEAD_TARGET]) == b"head"
    sync(pair.devices(tmp_path)[1], pair.two.folder)


def denied_on(store: Path, source: Path) -> set[bytes]:
    """Sync a device, and give the keys that it then refuses."""
    sync(store, source)
    with Device.open(store) as device:
        return set(device.state().keys.denied)


def test_one_publishes_and_the_other_keeps_a_copy_that_devices_may_read(pair: Pair, tmp_path: Path) -> None:
    pair.revoke(pair.one, 7)
    assert isinstance(pair.one.publish(pair.now), Publication)
    followed = pair.two.publish(pair.now + 1)
    assert isinstance(followed, Followed)
    assert followed.source == str(pair.one.folder)
    assert revoked_in(pair.two.folder) == {(pair.day, 7)}
    assert pair.two.ledger.pending() == []
    for name in (TIMESTAMP, "metadata/1.root.json", "metadata/1.targets.json"):
        assert (pair.one.folder / name).read_bytes() == (pair.two.folder / name).read_bytes()
    own_pack = version_pack(followed.version)
    assert list(read_pack((pair.two.folder / own_pack).read_bytes())) == [TIMESTAMP]
    for store in pair.devices(tmp_path):
        sync(store, pair.two.folder)
        sync(store, pair.one.folder)
    assert pair.two.publish(pair.now + 2) == replace(followed, source="")


def test_the_other_takes_over_when_nothing_was_published_for_long_enough_and_not_before(
    pair: Pair, tmp_path: Path
) -> None:
    pair.revoke(pair.one, 1)
    pair.one.publish(pair.now)
    pair.two.publish(pair.now)
    stores = pair.devices(tmp_path)
    sync(stores[0], pair.one.folder)
    pair.revoke(pair.two, 2002)
    assert isinstance(pair.two.publish(pair.now + TAKEOVER - 1), Followed)
    done = pair.two.publish(pair.now + TAKEOVER)
    assert isinstance(done, Publication)
    assert (done.version, done.took_over) == (pair.now + TAKEOVER, True)
    assert revoked_in(pair.two.folder) == {(pair.day, 1), (pair.day, 2002)}
    for store in stores:
        sync(store, pair.two.folder)
    again = pair.two.publish(pair.now + TAKEOVER + 1)
    assert isinstance(again, Publication)
    assert (again.version, again.took_over) == (done.version + 1, False), "whoever published last goes on"


def test_one_that_comes_back_keeps_a_copy_and_what_nobody_was_told_of_is_published(pair: Pair, tmp_path: Path) -> None:
    pair.one.publish(pair.now)
    pair.two.publish(pair.now)
    pair.revoke(pair.one, 1, tell=False)
    pair.one.publish(pair.now + 1)  # its last one; nobody has seen it but a device
    stores = pair.devices(tmp_path)
    sync(stores[0], pair.one.folder)
    pair.two.publish(pair.now + 1 + TAKEOVER, alone=True)
    assert revoked_in(pair.two.folder) == set()
    sync(stores[0], pair.two.folder)  # newer than what it holds, though its region never saw that
    assert "lacks 1 of the revocations" in waiting(pair.one.publish(pair.now + 2 + TAKEOVER))
    assert revoked_in(pair.one.folder) == {(pair.day, 1)}
    pair.two.ledger.take(Revocation(pair.day, 1, pair.now, "lost"))  # as the outbox does
    pair.two.publish(pair.now + 3 + TAKEOVER)
    pair.one.publish(pair.now + 4 + TAKEOVER)
    assert revoked_in(pair.one.folder) == revoked_in(pair.two.folder) == {(pair.day, 1)}
    for store in stores:
        sync(store, pair.one.folder)


def test_two_that_are_cut_off_from_each_other_both_publish_and_agree_when_they_meet(pair: Pair) -> None:
    pair.one.publish(pair.now)
    pair.two.publish(pair.now)
    pair.revoke(pair.one, 1, tell=False)
    pair.revoke(pair.two, 1001, tell=False)
    for later in range(3):
        pair.one.publish(pair.now + TAKEOVER + later - 3, alone=True)
        pair.two.publish(pair.now + TAKEOVER + later, alone=True)
    pair.revoke(pair.one, 1001)
    pair.revoke(pair.two, 1)
    assert "lacks 1 of the revocations" in waiting(pair.one.publish(pair.now + TAKEOVER + 4))
    assert revoked_in(pair.one.folder) == {(pair.day, 1)}, "what its devices know is not taken from them"
    assert isinstance(pair.two.publish(pair.now + TAKEOVER + 4), Publication)
    assert waiting(pair.one.publish(pair.now + TAKEOVER + 5)) == ""
    assert revoked_in(pair.one.folder) == revoked_in(pair.two.folder) == {(pair.day, 1), (pair.day, 1001)}


def test_a_list_that_can_not_be_read_is_told_as_what_it_is() -> None:
    with pytest.raises(RepositoryError, match="a list that another region signed can't be read"):
        replication._missing(b"this is", b"no log")


def test_the_one_asked_to_take_over_does_and_what_is_put_elsewhere_is_refused(pair: Pair) -> None:
    pair.one.publish(pair.now)
    pair.two.publish(pair.now)
    pair.one.publisher().check_turn()
    with pytest.raises(RepositoryError, match="another region publishes at present"):
        pair.two.publisher().check_turn()
    pair.two.publisher().publish(pair.now + 1, take_over=True)
    pair.two.publisher().check_turn()
    with pytest.raises(RepositoryError, match="publish --take-over"):
        pair.one.publisher().check_turn()
    assert isinstance(pair.one.publish(pair.now + 2), Followed)


def test_new_roots_keys_and_denials_come_with_the_copy(pair: Pair, tmp_path: Path) -> None:
    pair.two.publish(pair.now)
    drill = Drill(tmp_path)
    root = propose_root(drill.authority, [], now=pair.now)
    drill.agree(root, propose_keys(drill.authority, KeyChange(), now=pair.now, root=root))
    denied = denial(pair)
    (pair.one.folder / DENIED).write_bytes(denied)
    pair.one.publish(int(time.time()) + 1)
    pair.two.publish(int(time.time()) + 1)
    assert (pair.two.folder / "metadata/2.root.json").exists()
    assert (pair.two.folder / "metadata/2.targets.json").exists()
    assert read_denied(FolderRepository(pair.two.folder)) == denied
    sync(pair.devices(tmp_path)[0], pair.two.folder)


def denial(pair: Pair) -> bytes:
    kid = pair.authority.pass_key
    assert kid
    return roles.json_bytes({"denied": [{"kid": kid.hex(), "at": 1, "reason": "leaked"}]})


def test_what_one_region_denies_while_cut_off_stays_denied_and_the_other_denies_it_when_they_meet(
    pair: Pair, tmp_path: Path
) -> None:
    pair.one.publish(pair.now)
    pair.two.publish(pair.now)
    (pair.one.folder / DENIED).write_bytes(denial(pair))
    pair.one.publish(pair.now + 1, alone=True)
    kid = pair.authority.pass_key
    store = pair.devices(tmp_path)[0]
    assert denied_on(store, pair.one.folder) == {kid}
    pair.two.publish(pair.now + 1 + TAKEOVER, alone=True)
    assert "is denied here and not there" in waiting(pair.one.publish(pair.now + 2 + TAKEOVER))
    assert denied_on(store, pair.one.folder) == {kid}
    pair.two.publish(pair.now + 3 + TAKEOVER)
    assert waiting(pair.one.publish(pair.now + 4 + TAKEOVER)) == ""
    for side in (pair.one, pair.two):
        assert read_denied(FolderRepository(side.folder)) == denial(pair)
        assert denied_on(store, side.folder) == {kid}


def test_what_the_custodians_have_revoked_is_denied_no_longer_in_any_region(pair: Pair, tmp_path: Path) -> None:
    pair.two.publish(pair.now)
    drill, kid = Drill(tmp_path), pair.authority.pass_key
    assert kid
    for side in (pair.one, pair.two):
        (side.folder / DENIED).write_bytes(denial(pair))
    drill.agree(propose_keys(drill.authority, KeyChange(revoke={kid: "leaked"}), now=pair.now + 2))
    assert waiting(pair.two.publish(int(time.time()) + 3)) == ""
    for side in (pair.one, pair.two):
        assert read_denied(FolderRepository(side.folder)) == b'{"denied":[]}'


def test_who_has_waited_as_long_as_for_a_takeover_publishes_what_either_holds(pair: Pair, tmp_path: Path) -> None:
    pair.one.publish(pair.now)
    pair.two.publish(pair.now)
    pair.revoke(pair.one, 1, tell=False)
    pair.one.publish(pair.now + 1, alone=True)
    pair.revoke(pair.two, 1001, tell=False)
    now = pair.now + 1 + TAKEOVER
    pair.two.publish(now, alone=True)
    store, back = pair.devices(tmp_path)[0], pair.one.publisher()
    sync(store, pair.two.folder)
    for later in range(0, TAKEOVER, 300):
        pair.two.publish(now + later)
        assert waiting(back.publish(now + later))
    done = back.publish(now + TAKEOVER)
    assert isinstance(done, Publication)
    assert done.took_over
    assert revoked_in(pair.one.folder) == {(pair.day, 1), (pair.day, 1001)}
    assert waiting(pair.two.publish(now + TAKEOVER + 1)) == ""
    sync(store, pair.two.folder)


def test_a_ceremony_that_the_other_region_has_not_seen_is_not_undone_by_its_publication(
    pair: Pair, tmp_path: Path
) -> None:
    pair.two.publish(pair.now)
    drill = Drill(tmp_path)
    drill.agree(propose_keys(drill.authority, KeyChange(), now=pair.now))
    now = int(time.time()) + 1 + TAKEOVER
    pair.two.publish(now, alone=True)
    assert "pass keys are of version 1" in waiting(pair.one.publish(now + 1))
    assert isinstance(pair.one.publisher().publish(now + 2, take_over=True), Publication)
    assert waiting(pair.two.publish(now + 3)) == ""
    assert (pair.two.folder / "metadata/2.targets.json").exists()


@pytest.mark.parametrize("how", ["by itself", "asked to"])
@pytest.mark.parametrize("missed", some_of("publications that a lost region misses", 5, of=50))
def test_regions_lost_in_turn_publish_what_devices_take_for_newer(
    pair: Pair, tmp_path: Path, how: str, missed: int
) -> None:
    pair.one.publish(pair.now)
    pair.two.publish(pair.now)
    now = pair.now + TAKEOVER
    for later in range(missed):
        pair.two.publish(now + later, alone=True)  # as the first is lost
    store = pair.devices(tmp_path)[0]
    sync(store, pair.two.folder)
    pair.revoke(pair.one, 5, tell=False)
    if how == "by itself":
        pair.one.publish(now + missed + TAKEOVER, alone=True)  # as the second is lost, and the first is back
    else:
        pair.one.publisher(alone=True).publish(now + missed, take_over=True)
    with Device.open(store) as device:
        assert device.sync(str(pair.one.folder)).changed


def test_of_two_publications_of_one_version_all_regions_take_the_same(pair: Pair) -> None:
    pair.one.publish(pair.now)
    pair.two.publish(pair.now)
    for side in (pair.one, pair.two):
        side.publisher(alone=True).publish(pair.now + 5, take_over=True)
    done = [pair.one.publish(pair.now + 6), pair.two.publish(pair.now + 7), pair.one.publish(pair.now + 8)]
    assert sorted(type(one).__name__ for one in done[1:]) == ["Followed", "Publication"]


def test_a_region_that_can_not_be_read_is_told_of(pair: Pair) -> None:
    pair.one.publish(pair.now)
    pair.two.publish(pair.now)
    (pair.one.folder / TIMESTAMP).write_bytes(b"not one")
    told: list[tuple[str, str]] = []
    pair.two.publisher(warn=lambda *what: told.append(what)).publish(pair.now + 1)
    assert [name for name, _ in told] == [str(pair.one.folder)]


def test_what_nobody_of_the_authority_signed_is_as_if_it_were_not_there(pair: Pair) -> None:
    pair.one.publish(pair.now)
    pair.two.publish(pair.now)
    path = pair.one.folder / TIMESTAMP
    version = signed(pair.one.folder, "timestamp.json").version
    path.write_bytes(path.read_bytes().replace(f'"version":{version}'.encode(), b'"version":99999999'))
    held = (pair.two.folder / TIMESTAMP).read_bytes()
    assert isinstance(pair.two.publish(pair.now + 1), Followed)
    assert (pair.two.folder / TIMESTAMP).read_bytes() == held
    assert isinstance(pair.two.publish(pair.now + TAKEOVER), Publication)


@pytest.mark.parametrize("role", ["root", "targets"])
def test_what_too_few_custodians_signed_is_not_taken_over_whatever_the_other_region_published(
    pair: Pair, role: str
) -> None:
    pair.one.publish(pair.now)
    pair.two.publish(pair.now)
    forged = Metadata[Any].from_bytes((pair.one.folder / f"metadata/1.{role}.json").read_bytes())
    forged.signed.version = 2  # and the signatures are those of the first
    (pair.one.folder / f"metadata/2.{role}.json").write_bytes(roles.document_bytes(forged))
    pair.one.publish(pair.now + 1)
    if role == "targets":
        with pytest.raises(RepositoryError, match="lack signatures of the custodians"):
            pair.two.publish(pair.now + 2)
    else:
        assert isinstance(pair.two.publish(pair.now + 2), Followed)
    assert not (pair.two.folder / f"metadata/2.{role}.json").exists()
    assert isinstance(pair.two.publish(pair.now + 2 + TAKEOVER), Publication)


def test_a_copy_with_a_part_missing_changes_nothing_and_does_not_hold_up_a_takeover(pair: Pair) -> None:
    pair.one.publish(pair.now)
    pair.two.publish(pair.now)
    held = (pair.two.folder / TIMESTAMP).read_bytes()
    pair.revoke(pair.one, 1)
    pair.one.publish(pair.now + 1)
    for path in (pair.one.folder / "targets" / "status").glob(f"*.{pair.day}.log"):
        if not (pair.two.folder / "targets" / "status" / path.name).exists():
            path.write_bytes(b"damaged")
    with pytest.raises(RepositoryError, match="is damaged"):
        pair.two.publish(pair.now + 2)
    assert (pair.two.folder / TIMESTAMP).read_bytes() == held
    assert isinstance(pair.two.publish(pair.now + 1 + TAKEOVER), Publication)
    assert revoked_in(pair.two.folder) == {(pair.day, 1)}


def test_a_clock_that_has_jumped_takes_nothing_over(pair: Pair) -> None:
    pair.one.publish(pair.now)
    pair.two.publish(pair.now)
    with pytest.raises(ClockError):
        pair.two.publish(pair.now + 4 * DAY_SECONDS)


@pytest.mark.parametrize("every", every_nth_of("calls at which copying to another region is killed", 7))
def test_killed_anywhere_while_copying_devices_are_content_and_the_next_copy_is_whole(
    pair: Pair, tmp_path: Path, every: int
) -> None:
    pair.one.publish(pair.now)
    pair.two.publish(pair.now)
    store = pair.devices(tmp_path)[0]
    sync(store, pair.two.folder)
    own = FolderRepository(pair.two.folder)
    places, at = 0, 0
    while True:
        pair.revoke(pair.one, at)
        pair.one.publish(pair.now + 1 + 2 * at)
        doom = Doom(at // 2, after=bool(at % 2))
        try:
            pair.two.publisher(doom.wrap(own, *CALLS)).publish(pair.now + 2 + 2 * at)
        except Killed:
            places += 1
            sync(store, pair.two.folder)
            with Device.open(store) as device:  # no pack hid what the killed one published
                newest = roles.published_at(signed(pair.two.folder, "timestamp.json"))
                assert device.state().lists.published == newest
            assert isinstance(pair.two.publish(pair.now + 2 + 2 * at), Followed)
        assert revoked_in(pair.two.folder) == {(pair.day, index) for index in range(0, at + 1, every)}
        if at // 2 >= len(doom.calls):
            break
        at += every  # before one call, and after another
        sync(store, pair.two.folder)
    print(f"{places} places")
    assert places > 4
    sync(store, pair.two.folder)
    assert pair.two.ledger.pending() == [], "what a killed one left was taken away by the next copy"


def test_a_timestamp_that_was_taken_over_is_known_again_when_the_region_publishes(pair: Pair) -> None:
    pair.one.publish(pair.now)
    pair.two.publish(pair.now)
    known = pair.two.ledger.announced()
    assert [a.settled for a in known] == [True]
    pair.two.ledger.announce(Announced(known[0].version + 1, b"x" * 32))  # killed before it published
    assert isinstance(pair.two.publisher().publish(pair.now + 1, take_over=True), Publication)


def test_what_is_pending_and_not_on_the_copied_list_stays_pending(pair: Pair) -> None:
    pair.two.ledger.reserve([Request("a", b"h" * 32, pair.day)])
    pair.one.publish(pair.now)
    pair.revoke(pair.two, 1000, tell=False)
    pair.two.publish(pair.now)
    assert pair.two.ledger.pending() == [(pair.day, 1000)]
