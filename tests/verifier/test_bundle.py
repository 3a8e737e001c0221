"""Check bundles on sticks: exactly what devices need, verified, and whole whenever the stick is pulled out."""

import json
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import processes
from support.mounts import may_mount, small_disk
from support.repositories import publish_by_hand, sign_targets
from support.servers import Answer, RangeServer, serving
from support.world import World, facts

from movepass_issuer.authority.creation import create_authority
from movepass_keys import files
from movepass_keys.records import layout
from movepass_verifier import BundleError, Device, SyncError
from movepass_verifier.sync import bundle

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    return tmp_path / "stick"


@pytest.fixture
def changed(world: World) -> World:
    """A world whose repository is ahead of the device by one publication."""
    world.revoke_indexes([5])
    world.publish()
    return world


@pytest.fixture
def server(changed: World) -> Iterator[RangeServer]:
    with serving(changed.repository) as server:
        yield server


def is_new(world: World) -> bool:
    with world.device() as device, device._store.reading() as state:
        return state.lists.published == world.now and 5 in state.lists.days[world.today]


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_bundle_carries_a_publication_to_a_device(changed: World, stick: Path) -> None:
    made = bundle.export(str(changed.repository), stick)
    changed.sync(str(stick))
    assert is_new(changed)
    assert made.published == changed.now
    assert made.size == made.written == sum(path.stat().st_size for path in stick.rglob("*/*") if path.is_file())
    assert made.expires - made.published == 48 * 3600


def test_it_holds_what_devices_need_and_nothing_else(changed: World, stick: Path) -> None:
    changed.publish()
    bundle.export(str(changed.repository), stick)
    held = names(stick)
    assert held < names(changed.repository) | {bundle.MARK}
    assert sorted(name for name in held if name.startswith("metadata/")) == [
        "metadata/1.root.json", "metadata/1.targets.json", "metadata/2.snapshot.json", "metadata/2.status.json",
        "metadata/timestamp.json",
    ]  # fmt: skip
    assert len([name for name in held if name.endswith(".log")]) == len({n.split(".")[1] for n in held if ".log" in n})
    assert b"sync --store" in (stick / bundle.MARK).read_bytes()


def test_a_device_that_was_never_synced_takes_a_bundle(changed: World, stick: Path, tmp_path: Path) -> None:
    text = changed.issue().text
    bundle.export(str(changed.repository), stick)
    changed.enroll(tmp_path / "fresh", str(stick))
    with Device.open(tmp_path / "fresh") as device:
        device.sync()
        assert device.verify(text).verdict.value == "valid"


def test_every_root_is_in_it_so_that_devices_of_any_age_can_follow(world: World, stick: Path) -> None:
    first = world.repository / "metadata" / "1.root.json"
    second = json.loads(first.read_bytes())
    second["signed"]["version"] = 2
    _sign_root(world, second)
    world.publish()
    bundle.export(str(world.repository), stick)
    assert {"metadata/1.root.json", "metadata/2.root.json"} <= names(stick)
    world.sync(str(stick))
    with world.device() as device:
        assert json.loads(device._store.held().metadata["root"])["signed"]["version"] == 2


def _sign_root(world: World, document: dict[str, Any]) -> None:
    from tuf.api.metadata import Metadata, Root  # noqa: PLC0415

    from movepass_keys import FileSigner  # noqa: PLC0415
    from movepass_keys.records import roles  # noqa: PLC0415

    metadata = Metadata[Root].from_dict(document)
    signers = [FileSigner(world.authority.folder / "custodians" / str(n) / "root.pem") for n in (1, 2)]
    (world.repository / "metadata" / "2.root.json").write_bytes(roles.sign_document(metadata, signers))


# Brought up to date


def test_an_older_bundle_is_brought_up_to_date_by_what_is_new_alone(
    changed: World, server: RangeServer, stick: Path
) -> None:
    changed.revoke_indexes(random.Random(3).sample(range(1 << 20), 20_000))
    changed.publish()
    whole = bundle.export(server.url, stick)
    changed.revoke_indexes([(1 << 20) + 1])
    changed.publish()
    server.exchanges.clear()
    more = bundle.export(server.url, stick)
    assert more.received == sum(e.sent for e in server.exchanges if e.status < 400) < 7_000
    assert whole.received > 20_000
    assert [e.status for e in server.exchanges if e.path.endswith(".log")] == [206]
    assert abs(more.size - whole.size) < 100  # a signature has a byte more or less
    changed.sync(str(stick))
    assert is_new(changed)
    assert len([name for name in names(stick) if f".{changed.today}.log" in name]) == 1


def test_an_export_of_nothing_new_writes_nothing(server: RangeServer, stick: Path) -> None:
    bundle.export(server.url, stick)
    before = {path: path.stat().st_mtime_ns for path in stick.rglob("*")}
    again = bundle.export(server.url, stick)
    assert (again.written, again.requests) == (0, 3)
    assert {path: path.stat().st_mtime_ns for path in stick.rglob("*")} == before


@pytest.mark.parametrize(
    "name", ["timestamp.json", ".snapshot.json", ".status.json", ".targets.json", ".log", ".jwks.json"]
)
@pytest.mark.parametrize("content", [b"", b"{}", b"rubbish"])
def test_what_a_failing_stick_has_made_of_a_file_is_mended(
    changed: World, stick: Path, name: str, content: bytes
) -> None:
    bundle.export(str(changed.repository), stick)
    for path in [path for path in stick.rglob("*") if path.name.endswith(name)]:
        path.write_bytes(content)
    bundle.export(str(changed.repository), stick)
    changed.sync(str(stick))
    assert is_new(changed)


def test_an_older_repository_does_not_replace_a_newer_bundle(world: World, stick: Path, tmp_path: Path) -> None:
    shutil.copytree(world.repository, tmp_path / "old")
    world.revoke_indexes([5])
    world.publish()
    bundle.export(str(world.repository), stick)
    with pytest.raises(BundleError, match=r"is behind what .* holds already"):
        bundle.export(str(tmp_path / "old"), stick)
    world.sync(str(stick))
    assert is_new(world)


def test_another_authoritys_bundle_is_not_overwritten(changed: World, stick: Path, tmp_path: Path) -> None:
    other = create_authority(tmp_path / "other", name="Other", test=True)
    with other.publisher() as publisher:
        publisher.publish(changed.now)
    bundle.export(str(changed.repository), stick)
    with pytest.raises(BundleError, match="holds the bundle of another authority"):
        bundle.export(other.repository.name, stick)


# What is not carried


def test_a_folder_that_holds_a_repository_is_never_taken_for_a_bundle(changed: World, tmp_path: Path) -> None:
    """Else a slip of the hand would clean a publisher's repository away."""
    theirs = tmp_path / "theirs"
    shutil.copytree(changed.repository, theirs)
    before = names(theirs)
    with pytest.raises(BundleError, match="holds a repository that is no bundle"):
        bundle.export(str(changed.repository), theirs)
    with pytest.raises(BundleError, match="is the source itself"):
        bundle.export(str(theirs), theirs)
    assert names(theirs) == before


def test_files_of_ones_own_on_the_stick_stay(changed: World, stick: Path) -> None:
    stick.mkdir()
    (stick / "holiday.jpg").write_bytes(b"jpg")
    for _ in range(2):
        bundle.export(str(changed.repository), stick)
        changed.publish()
    assert (stick / "holiday.jpg").read_bytes() == b"jpg"


@pytest.mark.parametrize("name", [".log", ".jwks.json", ".snapshot.json", "timestamp.json", "1.root.json"])
def test_a_repository_that_is_damaged_is_not_carried_anywhere(changed: World, stick: Path, name: str) -> None:
    for path in [path for path in changed.repository.rglob("*") if path.name.endswith(name)]:
        path.write_bytes(path.read_bytes()[:-3] + b"xyz")
    with pytest.raises(SyncError, match=r"not the one that was signed|does not offer|not a root"):
        bundle.export(str(changed.repository), stick)
    assert not (stick / layout.TIMESTAMP).exists()


def test_what_has_expired_is_not_carried(world: World, stick: Path) -> None:
    world.publish(world.now - 49 * 3600)
    with pytest.raises(SyncError, match="published too long ago"):
        bundle.export(str(world.repository), stick)


def test_a_list_that_is_of_another_day_is_not_carried(changed: World, stick: Path) -> None:
    from movepass_wire import new_log  # noqa: PLC0415

    publish_by_hand(changed, {f"status/{changed.today}.log": new_log(changed.today + 1)})
    with pytest.raises(SyncError, match="says that it is of day"):
        bundle.export(str(changed.repository), stick)


def test_a_source_that_is_not_there_leaves_the_bundle_as_it_was(changed: World, stick: Path) -> None:
    bundle.export(str(changed.repository), stick)
    before = names(stick)
    with pytest.raises(SyncError, match="no connection"):
        bundle.export(NOWHERE, stick)
    assert names(stick) == before


def test_a_publication_in_the_middle_of_an_export_is_survived(changed: World, server: RangeServer, stick: Path) -> None:
    gone: list[Path] = []

    def publish_meanwhile(path: str, _: str | None) -> Answer | None:
        if path.endswith(".status.json") and not gone:
            gone.append(changed.repository / path)
            changed.revoke_indexes([6])
            changed.publish()
            gone[0].unlink()
        return None

    server.rule = publish_meanwhile
    bundle.export(server.url, stick)
    changed.sync(str(stick))
    assert is_new(changed)


def test_new_pass_keys_are_carried(world: World, stick: Path) -> None:
    bundle.export(str(world.repository), stick)
    sign_targets(world, world.authority.keys(), version=2)
    world.publish()
    bundle.export(str(world.repository), stick)
    assert "metadata/2.targets.json" in names(stick)
    assert "metadata/1.targets.json" not in names(stick)
    world.sync(str(stick))


# Pulled out


def assert_old_new_or_none(world: World, stick: Path, old: int | None) -> str:
    """Sync a copy of the device from a stick that was pulled out, and return the result."""
    store = stick.parent / "copy"
    shutil.rmtree(store, ignore_errors=True)
    world.enroll(store, str(stick))
    with Device.open(store) as device:
        try:
            device.sync()
        except SyncError as e:
            return "none" if old is None and "there is no metadata/" in str(e) else str(e)
        published = device.state().lists.published
    assert published in (old, world.now)
    return "new" if published == world.now else "old"


class PulledOut(BaseException):
    """The stick has gone."""


@pytest.mark.parametrize("kind", ["first bundle", "update"])
def test_pulled_out_at_any_file_the_stick_holds_the_old_bundle_the_new_one_or_none(
    changed: World, stick: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    first = kind == "first bundle"
    old = None if first else bundle.export(str(changed.repository), stick).published
    changed.revoke_indexes([6, 7])
    changed.now += 60
    changed.publish()
    original, seen = files.Folder._write, []
    for last in range(40):
        copy = stick.parent / f"stick-{last}"
        if not first:
            shutil.copytree(stick, copy)
        left = [last]

        def torn(folder: files.Folder, name: str, data: bytes, mode: int, left: list[int] = left) -> str:
            temporary = original(folder, name, data if left[0] else data[: len(data) // 2], mode)
            if not left[0]:
                raise PulledOut
            left[0] -= 1
            return temporary

        with monkeypatch.context() as patch:
            patch.setattr(files.Folder, "_write", torn)
            try:
                bundle.export(str(changed.repository), copy)
            except PulledOut:
                seen.append(assert_old_new_or_none(changed, copy, old))
            else:
                break
        bundle.export(str(changed.repository), copy)
        assert assert_old_new_or_none(changed, copy, old) == "new"
        assert not [name for name in names(copy) if name.endswith(files.TEMPORARY)]
    assert len(seen) == last > 3
    assert set(seen) == {"none" if first else "old"}


EXPORT = """
import sys
from pathlib import Path
from movepass_verifier.sync import bundle
print("ready", flush=True)
bundle.export(sys.argv[1], Path(sys.argv[2]))
"""


def test_killed_at_a_random_instant_the_stick_holds_the_old_bundle_or_the_new_one(changed: World, stick: Path) -> None:
    old = bundle.export(str(changed.repository), stick).published
    changed.revoke_indexes(random.Random(1).sample(range(1 << 16), 2_000))
    changed.now += 60
    changed.publish()
    chance = random.Random(9)
    for number in range(6):
        copy = stick.parent / f"stick-{number}"
        shutil.copytree(stick, copy)
        child = processes.start(EXPORT, changed.repository, copy, temporary=stick.parent)
        assert child.stdout is not None
        child.stdout.readline()
        try:
            child.wait(chance.uniform(0, 0.3))
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
        child.communicate(timeout=20)
        assert assert_old_new_or_none(changed, copy, old) in {"old", "new"}


@pytest.mark.skipif(not may_mount(), reason="only who may mount a file system can fill a small one")
def test_a_stick_that_is_full_says_so_and_holds_what_it_held(changed: World, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", 64) as stick:
        old = bundle.export(str(changed.repository), stick).published
        changed.revoke_indexes(random.Random(1).sample(range(1 << 20), 60_000))
        changed.now += 60
        changed.publish()
        with pytest.raises(BundleError, match="No space left on device; a bundle that was there is still whole"):
            bundle.export(str(changed.repository), stick)
        before = facts(changed)
        changed.sync(str(stick))
        assert facts(changed)[0] == old != before[0]
