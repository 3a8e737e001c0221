"""Check syncs from folders and real servers: cheap, all or nothing, and never to unacceptable data."""

import json
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support import processes
from support.certificates import make_ca
from support.passes import DAY, HOUR
from support.repositories import logs_of, publish_by_hand, sign_targets, signed, status_of
from support.servers import Answer, RangeServer, plainly_serving, serving
from support.world import World, facts

from movepass_issuer.authority.creation import create_authority
from movepass_keys import KeySet, PassKey
from movepass_keys.records import algorithms, layout, roles
from movepass_verifier import Device, StoreError, SyncError, Verdict
from movepass_verifier.store import schema
from movepass_verifier.sync import offer
from movepass_verifier.sync.sources import web as web_module
from movepass_wire import encode_block, new_log
from movepass_wire.payload import ED25519
from movepass_wire.times import day_name

pytestmark = pytest.mark.usefixtures("without_packs")
"""File by file; tests/verifier/test_packs.py has the same with packs."""

NOT_FOUND = Answer(404, b"not here\n")


@pytest.fixture
def server(world: World) -> Iterator[RangeServer]:
    with serving(world.repository) as server:
        yield server


@pytest.fixture
def changed(world: World) -> World:
    """A world whose repository is ahead of the device by one publication, with a revoked index in today's log."""
    world.revoke_indexes([5])
    world.publish()
    return world


@contextmanager
def nothing_changes(world: World) -> Iterator[None]:
    """Compare the whole state of a device before with the state after."""
    with world.device() as device:
        before = device._store.held(), device.state().lists.synced_at
    yield
    with world.device() as device:
        assert (device._store.held(), device.state().lists.synced_at) == before


def must_refuse(world: World, source: str | Path, words: str) -> None:
    """Expect a sync to be refused with these words, and the device to keep what it has."""
    with nothing_changes(world), pytest.raises(SyncError, match=words) as error:
        world.sync(str(source))
    assert str(source) in str(error.value)
    assert str(error.value).endswith("this device keeps what it has")


def is_new(world: World) -> bool:
    with world.device() as device, device._store.reading() as state:
        new = state.lists.published == world.now
        assert (5 in state.lists.days[world.today]) is new
    return new


# Good ways


@pytest.mark.parametrize("how", ["folder", "file-url", "plain-server", "range-server", "slash-at-the-end"])
def test_a_device_syncs_from_a_folder_and_from_web_servers(changed: World, server: RangeServer, how: str) -> None:
    with plainly_serving(changed.repository) as plain:
        source = {
            "folder": str(changed.repository), "file-url": changed.repository.as_uri(), "plain-server": plain,
            "range-server": server.url, "slash-at-the-end": server.url + "/",
        }[how]  # fmt: skip
        result = changed.sync(source)
    full = str(changed.repository) if how == "file-url" else source
    assert (result.changed, result.source, result.published) == (True, full, changed.now)
    assert is_new(changed)


def test_a_folder_with_blanks_and_bangla_in_its_name_is_a_source(changed: World, tmp_path: Path) -> None:
    stick = tmp_path / "ঢাকা stick 100%"
    shutil.copytree(changed.repository, stick)
    changed.sync(stick.as_uri())
    assert is_new(changed)
    changed.sync(str(stick))


def test_a_first_sync_brings_keys_and_a_list_for_every_listed_day(world: World, tmp_path: Path) -> None:
    signed_pass = world.issue()
    world.enroll(tmp_path / "fresh", str(world.repository))
    with Device.open(tmp_path / "fresh") as device:
        result = device.sync()
        assert device.verify(signed_pass.text).verdict is Verdict.VALID
    assert [log.day for log in result.logs] == sorted(logs_of(world.repository))


def test_the_result_says_what_happened(changed: World, server: RangeServer) -> None:
    with Device.open(changed.store, clock=lambda: changed.now + 9.9) as device:
        result = device.sync(server.url).to_json()
    assert result["changed"] is True
    assert result["requests"] == len(server.exchanges)
    assert result["bytes"] == sum(e.sent for e in server.exchanges if e.status < 400)
    assert result["source"] == server.url
    assert result["age_s"] == 9
    assert result["failed"] == []
    size = len(logs_of(changed.repository)[changed.today])
    assert {"day": day_name(changed.today), "revoked": 1, "bytes": size, "new": 1} in result["lists"]
    with changed.device() as device:
        assert device.state().lists.synced_at == changed.now + 9


def test_an_unchanged_sync_is_two_requests_and_moves_the_time_of_syncing_alone(
    world: World, server: RangeServer
) -> None:
    before = facts(world)
    with Device.open(world.store, clock=lambda: world.now + 60) as device:
        result = device.sync(server.url)
    assert server.paths() == ["metadata/2.root.json", "metadata/timestamp.json"]
    assert (result.changed, result.requests) == (False, 2)
    assert facts(world) == (before[0], world.now + 60, before[2])


def test_a_change_in_one_log_fetches_that_log_and_three_documents(changed: World, server: RangeServer) -> None:
    changed.sync(server.url)
    snapshot, status = (signed(changed.repository, f"2.{name}.json").version for name in ("snapshot", "status"))
    info = status_of(changed.repository).targets[f"status/{changed.today}.log"]
    assert server.paths() == [
        "metadata/2.root.json",
        "metadata/timestamp.json",
        f"metadata/{snapshot}.snapshot.json",
        f"metadata/{status}.status.json",
        f"targets/status/{info.hashes['sha256']}.{changed.today}.log",
    ]


def grow(world: World, count: int = 50) -> tuple[bytes, bytes]:
    """Sync a log, then let it grow; return what the device holds of it and what is published now."""
    world.revoke_indexes(range(100, 100 + 10 * count, 10))
    world.publish()
    world.sync()
    held = logs_of(world.repository)[world.today]
    world.revoke_indexes([5])
    world.publish()
    return held, logs_of(world.repository)[world.today]


def log_exchanges(server: RangeServer) -> list[tuple[str | None, int, int]]:
    return [(e.range, e.status, e.sent) for e in server.exchanges if e.path.endswith(".log")]


def test_of_a_log_that_has_grown_only_the_rest_is_sent(world: World, server: RangeServer) -> None:
    held, now = grow(world)
    assert now.startswith(held)
    result = world.sync(server.url)
    assert log_exchanges(server) == [(f"bytes={len(held)}-", 206, len(now) - len(held))]
    assert result.received < 3_000
    assert is_new(world)


def test_a_server_that_knows_no_range_sends_the_whole_log(world: World, server: RangeServer) -> None:
    held, now = grow(world)
    server.rule = lambda path, _: Answer(200, (world.repository / path).read_bytes()) if path.endswith("log") else None
    world.sync(server.url)
    assert log_exchanges(server) == [(f"bytes={len(held)}-", 200, len(now))]
    assert is_new(world)


def test_pythons_own_server_which_knows_no_range_will_do(world: World) -> None:
    grow(world)
    with plainly_serving(world.repository) as url:
        world.sync(url)
    assert is_new(world)


def test_where_the_rest_does_not_fit_the_whole_log_is_fetched(world: World, server: RangeServer) -> None:
    held, now = grow(world)

    def garbage(path: str, wanted: str | None) -> Answer | None:
        if not (path.endswith(".log") and wanted):
            return None
        span = f"bytes {len(held)}-{len(now) - 1}/{len(now)}"
        return Answer(206, bytes(len(now) - len(held)), {"Content-Range": span})

    server.rule = garbage
    world.sync(server.url)
    assert [(wanted, status) for wanted, status, _ in log_exchanges(server)] == [
        (f"bytes={len(held)}-", 206),
        (None, 200),
    ]
    assert is_new(world)


def test_where_the_rest_is_too_long_the_whole_log_is_fetched(world: World, server: RangeServer) -> None:
    held, _ = grow(world)

    def garbage(path: str, wanted: str | None) -> Answer | None:
        if not (path.endswith(".log") and wanted):
            return None
        return Answer(206, bytes(10_000), {"Content-Range": f"bytes {len(held)}-{len(held) + 9_999}/*"})

    server.rule = garbage
    world.sync(server.url)
    assert is_new(world)


def test_where_the_beginning_on_the_device_is_damaged_the_whole_log_is_fetched(
    world: World, server: RangeServer
) -> None:
    held, now = grow(world)
    with world.device() as device:
        damaged = held[:8] + bytes(len(held) - 8)
        device._store._db.execute("UPDATE logs SET data = ? WHERE day = ?", (damaged, world.today))
    world.sync(server.url)
    assert [status for _, status, _ in log_exchanges(server)] == [206, 200]
    with world.device() as device:
        assert device._store.held().logs[world.today] == now != held


def test_a_log_that_is_damaged_on_the_device_is_mended_by_a_sync_that_brings_nothing_new(world: World) -> None:
    held, _ = grow(world)
    world.sync()
    with world.device() as device:
        device._store._db.execute("UPDATE logs SET data = ? WHERE day = ?", (held, world.today))
        device._store._db.execute("DELETE FROM pages")
    world.sync()
    assert is_new(world)


def test_a_log_of_a_new_generation_replaces_the_held_one(world: World, server: RangeServer) -> None:
    """Compacted: shorter or longer, it does not begin as the held one does."""
    grow(world)
    world.sync()
    for generation, indexes in ((1, [5, 6]), (2, list(range(0, 4_000, 3)))):
        log = new_log(world.today, generation) + encode_block(indexes)
        publish_by_hand(world, {f"status/{world.today}.log": log})
        world.sync(server.url)
        with world.device() as device, device._store.reading() as state:
            assert {i for i in range(4_000) if i in state.lists.days[world.today]} == set(indexes)


def test_a_source_that_is_ahead_by_many_publications_is_caught_up_with_at_once(world: World) -> None:
    for n in range(12):
        world.revoke_indexes([100 + n])
        world.publish(world.now + n - 20)
    world.revoke_indexes([5])
    world.publish()
    world.sync()
    assert is_new(world)


def test_syncing_from_another_place_does_not_change_where_the_device_syncs_from(world: World, tmp_path: Path) -> None:
    shutil.copytree(world.repository, tmp_path / "stick")
    with world.device() as device:
        before = device.state().sources
        device.sync(str(tmp_path / "stick"))
        assert device.state().sources == before


# HTTPS


def test_https_is_trusted_by_the_certificates_of_the_system(
    changed: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca, tls = make_ca(tmp_path)
    with serving(changed.repository, tls) as server:
        must_refuse(
            changed, server.url, "its certificate can't be trusted .*; is the clock right, or is this a login page"
        )
        monkeypatch.setenv("SSL_CERT_FILE", str(ca))
        changed.sync(server.url)
        assert is_new(changed)
        must_refuse(changed, server.url.replace("127.0.0.1", "localhost"), "localhost|match")


# Bad ways


def test_a_captive_portal_that_answers_everything_with_a_page_changes_nothing(
    changed: World, server: RangeServer
) -> None:
    server.rule = lambda *_: Answer(200, b"<html>please log in</html>", {"Content-Type": "text/html"})
    must_refuse(changed, server.url, "answered with a web page; is this a login page")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_even_to_the_true_repository(
    changed: World, server: RangeServer, status: int
) -> None:
    with serving(changed.repository) as true:
        server.rule = lambda path, _: Answer(status, b"", {"Location": f"{true.url}/{path}"})
        must_refuse(changed, server.url, "login page")
        assert true.exchanges == []


@pytest.mark.parametrize("status", [400, 401, 403, 416, 429, 500, 502, 503, 204, 206])
def test_another_status_for_a_log_changes_nothing(changed: World, server: RangeServer, status: int) -> None:
    server.rule = lambda path, _: Answer(status, b"") if path.endswith(".log") else None
    must_refuse(changed, server.url, "another part" if status == 206 else f"HTTP {status}")


def test_a_wrong_content_range_changes_nothing(world: World, server: RangeServer) -> None:
    grow(world)

    def wrong(path: str, wanted: str | None) -> Answer | None:
        return Answer(206, b"xx", {"Content-Range": "bytes 0-1/2"}) if path.endswith(".log") and wanted else None

    server.rule = wrong
    must_refuse(world, server.url, "another part of the file")


def test_a_206_without_content_range_changes_nothing(world: World, server: RangeServer) -> None:
    grow(world)
    server.rule = lambda path, wanted: Answer(206, b"xx") if path.endswith(".log") and wanted else None
    must_refuse(world, server.url, "another part of the file")


NAMES = ("timestamp.json", ".snapshot.json", ".status.json", ".log")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cut", [0, 5])
def test_a_server_that_dies_midway_changes_nothing(changed: World, server: RangeServer, name: str, cut: int) -> None:
    def dying(path: str, _: str | None) -> Answer | None:
        if not path.endswith(name):
            return None
        return Answer(200, (changed.repository / path).read_bytes(), cut=cut)

    server.rule = dying
    must_refuse(changed, server.url, "the connection was lost when [0-9]+ bytes were still to come")
    server.rule = None
    changed.sync(server.url)
    assert is_new(changed)


def test_a_server_that_sends_without_end_is_cut_off(
    changed: World, server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_module, "CHUNK_BYTES", 4096)
    endless = Answer(200, bytes(8 << 20))
    server.rule = lambda path, _: endless if path.endswith(".log") else None
    must_refuse(changed, server.url, "longer than")


def test_a_file_that_comes_too_slowly_is_given_up(
    changed: World, server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_module, "FILE_SECONDS", -1)
    must_refuse(changed, server.url, "too slow|longer than")


def test_a_server_that_does_not_answer_is_given_up(changed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_module, "READ_SECONDS", 0.1)

    left = threading.Event()

    def silent(*_: object) -> None:
        left.wait(60)

    with serving(changed.repository) as server:
        server.rule = silent
        try:
            must_refuse(changed, server.url, "too slow|no answer in time")
        finally:
            left.set()


def test_nobody_listening_changes_nothing(changed: World) -> None:
    with serving(changed.repository) as server:
        url = server.url
    must_refuse(changed, url, "no connection")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_not_there_for_a_moment_restarts_the_sync_once(
    changed: World, server: RangeServer, name: str
) -> None:
    """As when a publication comes, and cleaning with it, between two requests."""
    missing = [name]

    def once(path: str, _: str | None) -> Answer | None:
        if missing and path.endswith(missing[0]):
            missing.clear()
            return NOT_FOUND
        return None

    server.rule = once
    changed.sync(server.url)
    assert is_new(changed)
    assert server.paths().count("metadata/timestamp.json") == 2


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_not_there_at_all_is_an_error_after_the_second_time(
    changed: World, server: RangeServer, name: str
) -> None:
    server.rule = lambda path, _: NOT_FOUND if path.endswith(name) else None
    must_refuse(changed, server.url, "404|there is no")
    assert len([path for path in server.paths() if path.endswith(name)]) == 2


def test_a_publication_in_the_middle_of_a_sync_that_takes_the_old_files_away_is_survived(
    changed: World, server: RangeServer
) -> None:
    gone: list[Path] = []

    def publish_meanwhile(path: str, _: str | None) -> None:
        if path.endswith(".status.json") and not gone:
            gone.append(changed.repository / path)
            changed.revoke_indexes([6])
            changed.publish()
            gone[0].unlink()

    server.rule = publish_meanwhile
    changed.sync(server.url)
    assert is_new(changed)
    assert server.exchanges[3].status == 404


def test_an_unplugged_folder_says_so(world: World, tmp_path: Path) -> None:
    must_refuse(world, tmp_path / "stick", "is the stick plugged in")


def test_an_empty_folder_is_no_source(world: World, tmp_path: Path) -> None:
    """An empty folder is left where a stick was mounted."""
    (tmp_path / "stick").mkdir()
    must_refuse(world, tmp_path / "stick", "there is no metadata/ in .*; is the stick plugged in")


def test_a_repository_without_a_timestamp_is_no_source(changed: World) -> None:
    (changed.repository / "metadata" / "timestamp.json").unlink()
    must_refuse(changed, changed.repository, "there is no metadata/timestamp.json")


def test_a_folder_where_files_should_be_is_no_source(changed: World, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    shutil.copytree(changed.repository, stick)
    (stick / "metadata" / "timestamp.json").unlink()
    (stick / "metadata" / "timestamp.json").mkdir()
    must_refuse(changed, stick, "can't read")


@pytest.mark.parametrize("source", ["ftp://example.org/", "s3+x://bucket", "gopher://x"])
def test_a_source_of_another_kind_is_refused(world: World, source: str) -> None:
    with nothing_changes(world), pytest.raises(SyncError, match="expected a source like"):
        world.sync(source)


@pytest.mark.parametrize("source", ["http://", "https:///x", "http://127.0.0.1:99999/", "http://a..b/", "http://a b/"])
def test_an_address_that_is_none_is_a_sync_error(world: World, source: str) -> None:
    with nothing_changes(world), pytest.raises(SyncError):
        world.sync(source)


@pytest.mark.parametrize("source", ["http://[bad", "//[x", "http://[::1"])
def test_an_address_with_half_a_bracket_is_a_sync_error(world: World, source: str) -> None:
    with nothing_changes(world), pytest.raises(SyncError):
        world.sync(source)


# What must not be taken


def test_an_older_repository_is_behind_and_changes_nothing(world: World, tmp_path: Path) -> None:
    shutil.copytree(world.repository, tmp_path / "old")
    world.revoke_indexes([5])
    world.publish()
    world.sync()
    must_refuse(world, tmp_path / "old", "behind what this device has")
    assert is_new(world)


def test_a_timestamp_that_expired_is_refused_with_both_causes(world: World) -> None:
    world.publish(world.now - 49 * HOUR)
    must_refuse(world, world.repository, "published too long ago, or this device's clock is ahead")


def test_a_device_whose_lists_have_expired_can_still_sync(world: World) -> None:
    world.publish(world.now - 4 * DAY)
    with world.device() as device:
        believed = dict(device._store.held().metadata)
        for role in ("timestamp", "snapshot", "status"):
            name = "timestamp.json" if role == "timestamp" else f"2.{role}.json"
            data = (world.repository / "metadata" / name).read_bytes()
            believed[role] = data
        schema.put_documents(device._store._db, "metadata", believed)
        schema.put_facts(device._store._db, versions=schema.versions(believed))
        schema.put_seal(device._store._db)
    world.revoke_indexes([5])
    world.publish()
    world.sync()
    assert is_new(world)


@pytest.mark.parametrize("name", ["*.log", "denied-keys.json", "*.snapshot.json", "*.status.json"])
@pytest.mark.parametrize("how", ["changed", "shorter", "longer", "empty"])
def test_a_file_that_is_not_the_signed_one_is_refused(changed: World, name: str, how: str) -> None:
    if name == "denied-keys.json":
        publish_by_hand(changed, {roles.DENIED_TARGET: b'{"denied":[ ]}'})
        name = "*.denied-keys.json"
    if name == "*.log":
        info = status_of(changed.repository).targets[f"status/{changed.today}.log"]
        name = f"{info.hashes['sha256']}.*.log"
    for path in changed.repository.rglob(name):
        data = path.read_bytes()
        path.write_bytes(
            {"changed": data[:-1] + bytes([data[-1] ^ 1]), "shorter": data[:-1], "longer": data + b"\0", "empty": b""}[
                how
            ]
        )
    must_refuse(changed, changed.repository, "not the one that was signed|longer than was signed")


def test_changed_pass_keys_are_refused(world: World, tmp_path: Path) -> None:
    path = next((world.repository / "targets").glob("*.jwks.json"))
    path.write_bytes(path.read_bytes().replace(b"Test Authority", b"Rest Authority"))
    world.enroll(tmp_path / "fresh")
    with pytest.raises(SyncError, match="not the one that was signed"):
        world.sync(store=tmp_path / "fresh")
    with Device.open(tmp_path / "fresh") as device:
        assert device.state().lists.published is None


def test_a_changed_signed_document_is_refused(changed: World) -> None:
    path = changed.repository / "metadata" / "timestamp.json"
    document = json.loads(path.read_bytes())
    document["signed"][roles.PUBLISHED] += 3_600
    path.write_text(json.dumps(document))
    must_refuse(changed, changed.repository, "not signed by those whom this device trusts")


def test_documents_of_different_publications_are_not_mixed(changed: World) -> None:
    """The new timestamp and snapshot with the old status under the new one's name."""
    metadata = changed.repository / "metadata"
    shutil.copy(metadata / "1.status.json", metadata / "2.status.json")
    must_refuse(changed, changed.repository, "not the one that was signed|longer than was signed")


def test_another_authoritys_repository_is_refused(world: World, tmp_path: Path) -> None:
    other = create_authority(tmp_path / "other", name="Other", test=True)
    with other.publisher() as publisher:
        for _ in range(3):
            publisher.publish(world.now)
    must_refuse(world, other.repository_path, "not signed by those whom this device trusts")


def test_another_authoritys_root_offered_as_the_next_one_is_refused(world: World, tmp_path: Path) -> None:
    other = create_authority(tmp_path / "other", name="Other", test=True)
    shutil.copy(other.root_path, world.repository / "metadata" / "2.root.json")
    must_refuse(world, world.repository, "not signed by those whom this device trusts")


def test_who_has_the_online_key_can_not_make_pass_keys(world: World) -> None:
    thief = algorithms.generate(ED25519)
    keys = KeySet.of("Test Authority", [PassKey(thief.public_key(), 0, world.now + DAY)], test=True)
    document = roles.json_bytes(keys.to_jwks())
    publish_by_hand(world, {layout.KEYS_TARGET: document, f"status/{layout.KEYS_TARGET}": document})
    world.sync()
    with world.device() as device:
        assert device.state().keys.keys.keys() == world.authority.keys().keys.keys()


def test_who_has_the_online_key_can_take_a_key_away(world: World) -> None:
    text = world.issue().text
    kid = next(iter(world.authority.keys().keys)).hex()
    denied = {"denied": [{"kid": kid, "at": world.now, "reason": "stolen"}]}
    publish_by_hand(world, {roles.DENIED_TARGET: roles.json_bytes(denied)})
    world.sync()
    assert world.verdict(text) == "key-revoked"


def test_pass_keys_signed_by_two_custodians_are_taken_and_by_one_are_not(world: World) -> None:
    old = world.authority.keys()
    new = PassKey(algorithms.generate(ED25519).public_key(), world.now, world.now + DAY)
    both = KeySet.of(old.authority, [*old.keys.values(), new], test=True)
    sign_targets(world, both, version=2, custodians=[1])
    world.publish()
    must_refuse(world, world.repository, "not signed by those whom this device trusts")
    sign_targets(world, both, version=3, custodians=[1, 3])
    world.publish()
    world.sync()
    with world.device() as device:
        assert new.kid in device.state().keys.keys


SIGNED_AND_UNREADABLE: dict[str, Callable[[int], tuple[str, bytes]]] = {
    "garbage log": lambda day: (f"status/{day}.log", b"garbage"),
    "torn log": lambda day: (f"status/{day}.log", new_log(day) + encode_block([1, 2, 3])[:-1]),
    "another day's log": lambda day: (f"status/{day}.log", new_log(day + 1)),
    "denied keys": lambda _: (roles.DENIED_TARGET, b'{"denied":[{"kid":7}]}'),
    "no denied keys": lambda _: (roles.DENIED_TARGET, b"[]"),
}


@pytest.mark.parametrize("what", SIGNED_AND_UNREADABLE)
def test_what_is_signed_and_yet_unreadable_is_refused_whole(changed: World, what: str) -> None:
    name, content = SIGNED_AND_UNREADABLE[what](changed.today + 1)
    publish_by_hand(changed, {name: content})
    must_refuse(changed, changed.repository, "signed and yet unreadable|says that it is of day")


def test_pass_keys_that_are_signed_and_yet_unreadable_are_refused_whole(world: World) -> None:
    class Broken(KeySet):
        def to_jwks(self) -> dict[str, Any]:
            return {"authority": "nobody", "keys": []}

    sign_targets(world, Broken("x", test=True, keys={}), version=2)
    world.publish()
    must_refuse(world, world.repository, "keys are signed and yet unreadable")


def test_a_publication_without_denied_keys_is_refused(world: World) -> None:
    publish_by_hand(world, {f"status/{world.today}.log": new_log(world.today)}, keep=False)
    must_refuse(world, world.repository, "status/denied-keys.json is not published")


def test_a_log_signed_as_larger_than_a_device_takes_is_not_asked_for(
    changed: World, server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offer, "LOG_MAX_BYTES", 8)
    must_refuse(changed, server.url, "more than a device takes")
    assert not [path for path in server.paths() if path.endswith(".log")]


def test_a_timestamp_that_does_not_say_when_it_was_published_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roles, "PUBLISHED", "x-something-else")
    world.publish()
    monkeypatch.undo()
    must_refuse(world, world.repository, "x-movepass-published")


def test_targets_of_later_software_beside_the_known_ones_are_no_fault(changed: World) -> None:
    publish_by_hand(changed, {"status/news.json": b"{}", "status/0x7.log": b"?", "status/deeper/1.log": b"?"})
    changed.sync()
    assert is_new(changed)


def test_an_authority_that_published_ahead_of_time_mends_it_by_publishing_again(world: World) -> None:
    """The clock's floor follows the newest accepted publication; the highest time ever signed could never be undone."""
    (signed,) = [world.issue()]
    before = facts(world)[0]
    assert before is not None
    world.publish(before + 300 * 24 * HOUR)
    world.sync()
    assert world.verdict(signed.text) == "clock-wrong"
    world.publish(before + 60)
    world.sync()
    assert facts(world)[0] == before + 60
    assert world.verdict(signed.text) == "valid"


@pytest.mark.parametrize("root", [b"", b"{}", b"[]", b"\xff", b'{"signed": {"_type": "root"}, "signatures": []}'])
def test_what_is_no_root_document_can_not_be_enrolled_with(world: World, tmp_path: Path, root: bytes) -> None:
    with pytest.raises(SyncError, match="not a root document"):
        Device.enroll(tmp_path / "fresh", root=root, sources=[str(world.repository)])
    assert not (tmp_path / "fresh").exists()


@pytest.mark.parametrize(
    "name",
    [
        "1.targets.json",
        "1.status.json",
        "1.snapshot.json",
        "timestamp.json",
    ],
)
def test_another_document_than_a_root_can_not_be_enrolled_with(world: World, tmp_path: Path, name: str) -> None:
    root = (world.repository / "metadata" / name).read_bytes()
    with pytest.raises(SyncError, match="not a root document"):
        Device.enroll(tmp_path / "fresh", root=root, sources=[str(world.repository)])


def test_a_root_whose_signatures_do_not_hold_can_not_be_enrolled_with(world: World, tmp_path: Path) -> None:
    root = json.loads(world.authority.root_path.read_bytes())
    root["signed"]["version"] = 7
    with pytest.raises(SyncError, match="not a root document"):
        Device.enroll(tmp_path / "fresh", root=json.dumps(root).encode(), sources=[str(world.repository)])


# Dying


SYNC_AND_DIE = """
import os, signal, sys
import movepass_verifier.sync.sync
from movepass_verifier import Device
statement, statements = int(sys.argv[3]), 0
def count(_):
    global statements
    statements += 1
    if statements == statement:
        os.kill(os.getpid(), signal.SIGKILL)
with Device.open(sys.argv[1]) as device:
    device._store._db.set_trace_callback(count)
    device.sync(sys.argv[2])
    print(statements)
"""
"""Dies before the n-th SQL statement of a sync (0: not at all), and says how many there were."""


def old_or_new(world: World, store: Path, old: int) -> bool:
    """Compare a store with the two possible states; return whether it is the new one."""
    with Device.open(store) as device, device._store.reading() as state:
        published = state.lists.published
        revoked = 5 in state.lists.days[world.today]
        assert (published, revoked) in ((old, False), (world.now, True))
        assert device._store._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        held = {log.day for log in state.logs}
        assert held == set(state.lists.days)
    return published == world.now


def test_killed_before_any_statement_of_a_sync_the_device_has_the_old_state_or_the_new_one(
    changed: World, tmp_path: Path
) -> None:
    old = facts(changed)[0] or 0
    shutil.copytree(changed.store, tmp_path / "whole")
    statements = int(processes.run(SYNC_AND_DIE, tmp_path / "whole", changed.repository, 0))
    assert statements > 20
    seen = []
    for statement in [*random.Random(5).sample(range(1, statements), 12), statements]:
        store = tmp_path / str(statement)
        shutil.copytree(changed.store, store)
        child = processes.start(SYNC_AND_DIE, store, changed.repository, statement, temporary=tmp_path)
        child.communicate(timeout=60)
        assert child.returncode == -signal.SIGKILL
        seen.append(old_or_new(changed, store, old))
        changed.sync(store=store)
        assert old_or_new(changed, store, old)
    assert set(seen) == {False, True}


SYNC_WHEN_TOLD = """
import sys
import movepass_verifier.sync.sync, tuf.api.serialization.json
from movepass_verifier import Device
with Device.open(sys.argv[1]) as device:
    print("ready", flush=True)
    device.sync(sys.argv[2])
    print("done", flush=True)
"""


def kill_at_random(world: World, tmp_path: Path, times: int, seed: int) -> tuple[int, int]:
    """Kill syncs at random instants; return how many left the old state and how many the new one."""
    old = facts(world)[0] or 0
    world.revoke_indexes(random.Random(3).sample(range(1 << 20, 1 << 21), 2_000))
    world.revoke_indexes([5])
    world.publish()
    chance, seen = random.Random(seed), []
    shutil.copytree(world.store, tmp_path / "timed")
    began = time.monotonic()
    world.sync(store=tmp_path / "timed")
    seconds = time.monotonic() - began
    for number in range(times):
        store = tmp_path / f"{number}"
        shutil.copytree(world.store, store)
        child = processes.start(SYNC_WHEN_TOLD, store, world.repository, temporary=tmp_path)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, 2 * seconds))
        child.kill()
        child.communicate(timeout=60)
        seen.append(old_or_new(world, store, old))
        shutil.rmtree(store)
    return seen.count(False), seen.count(True)


def test_killed_at_a_random_instant_the_device_has_the_old_state_or_the_new_one(world: World, tmp_path: Path) -> None:
    old, new = kill_at_random(world, tmp_path, 20, seed=11)
    assert old + new == 20


@pytest.mark.slow
@pytest.mark.parametrize("quarter", range(4))
def test_killed_at_a_thousand_random_instants_the_device_has_the_old_state_or_the_new_one(
    world: World, tmp_path: Path, quarter: int
) -> None:
    old, new = kill_at_random(world, tmp_path, 250, seed=int(time.time()) + quarter)
    assert old > 0
    assert new > 0


def test_two_processes_that_sync_at_once_both_end_with_the_new_state(changed: World) -> None:
    children = [processes.start(SYNC_WHEN_TOLD, changed.store, changed.repository) for _ in range(3)]
    for child in children:
        child.communicate(timeout=60)
    assert is_new(changed)
    assert 0 in {child.returncode for child in children}


def test_a_sync_that_another_one_overtook_says_so_and_loses_nothing(changed: World, server: RangeServer) -> None:
    overtaken: list[str] = []

    def overtake(path: str, _: str | None) -> None:
        if path.endswith(".log") and not overtaken:
            overtaken.append(path)
            changed.sync(str(changed.repository))

    server.rule = overtake
    with pytest.raises(StoreError, match="another sync finished in between"):
        changed.sync(server.url)
    assert is_new(changed)
