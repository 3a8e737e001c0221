"""Check that the doctor finds every damage, repairs from verifiable data, and never trusts less than before."""

import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import processes
from support.passes import HOUR
from support.world import World, facts, written_to_by_nobody

from movepass_issuer import SignedPass
from movepass_verifier import Device, Outcome, StoreError
from movepass_verifier.deciding.lists import MAX_AGE_LEAST
from movepass_verifier.store.doctor import examine
from movepass_verifier.store.store import FILE_NAME, Store
from movepass_wire.times import day_name


@dataclass(frozen=True)
class Told:
    """A diagnosis in English."""

    problems: tuple[str, ...] = ()
    mended: str | None = None
    obstacle: str | None = None


def look_over(store: Path, source: str | None, now: int) -> Told:
    said = examine(store, source=source, now=now).to_json()
    assert said["ok"] == (said["obstacle"] is None)
    return Told(tuple(said["problems"]), said["mended"], said["obstacle"])


class Synced:
    """A world with a good and a revoked pass, synced."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.good, self.bad = world.issue_many(2)
        world.revoke(self.bad)
        self.day = self.good.pass_.day
        world.revoke_indexes(range(100, 60_000, 7), self.day)
        world.publish()
        world.sync()

    def examine(self, source: str | None = None) -> Told:
        return look_over(self.world.store, source or str(self.world.repository), self.world.now)

    def verdicts(self) -> tuple[str, str]:
        return self.world.verdict(self.good.text), self.world.verdict(self.bad.text)

    def change(self, *statements: str) -> None:
        """Write into the store what no software of ours would."""
        with closing(sqlite3.connect(self.world.store / FILE_NAME, isolation_level=None)) as db:
            for statement in statements:
                db.execute(statement)

    def rows(self) -> dict[str, list[object]]:
        with closing(sqlite3.connect(self.world.store / FILE_NAME)) as db:
            tables = ("facts", "metadata", "documents", "logs", "pages")
            return {table: db.execute(f"SELECT * FROM {table}").fetchall() for table in tables}

    @contextmanager
    def nothing_to_fetch(self) -> Iterator[None]:
        hidden = self.world.repository.with_name("hidden")
        self.world.repository.rename(hidden)
        yield
        hidden.rename(self.world.repository)


@pytest.fixture
def synced(world: World) -> Synced:
    return Synced(world)


def test_a_store_that_is_as_it_should_be_is_left_alone(synced: Synced, tmp_path: Path) -> None:
    before = (synced.world.store / FILE_NAME).read_bytes()
    assert synced.examine() == Told()
    assert (synced.world.store / FILE_NAME).read_bytes() == before
    synced.world.enroll(tmp_path / "fresh")
    assert look_over(tmp_path / "fresh", None, synced.world.now) == Told()


# Mended from what the store itself holds

FROM_ITSELF = {
    "DELETE FROM pages WHERE id = (SELECT max(id) FROM pages)": "page 3 of the list of DAY",
    "UPDATE pages SET bits = zeroblob(2000)": "page 0 of the list of DAY",
    "INSERT INTO pages VALUES (7, x'00')": "page 7 of the list of 1970-01-01",
    "UPDATE logs SET revoked = revoked + 1": "the list of DAY",
    "UPDATE logs SET sums = zeroblob(length(sums))": "the list of DAY",
    "UPDATE logs SET sum = sum + 1": "the list of DAY",
    "INSERT INTO logs VALUES (1, 0, 0, x'', x'')": "the list of 1970-01-02",
    "UPDATE documents SET sum = sum + 1 WHERE name = 'keys'": "its document 'keys'",
    "UPDATE metadata SET sum = 0 WHERE name = 'root'": "its signed document 'root'",
    "UPDATE facts SET value = value + 3600 WHERE name = 'published'": "its 'published'",
    "DELETE FROM facts WHERE name = 'published'": "its 'published'",
    "UPDATE facts SET value = '{}' WHERE name = 'versions'": "its 'versions'",
    "UPDATE facts SET value = 7 WHERE name = 'seal'": "its 'seal'",
    "DELETE FROM facts WHERE name = 'syncs'": "its 'syncs'",
    "UPDATE facts SET value = 1000000 WHERE name = 'max_age'": "its 'max_age' is lost: the strictest takes its place",
    "CREATE INDEX i ON pages (bits)": "its tables are not as they should be",
    "PRAGMA application_id = 0": "it does not begin like a device's store",
}


@pytest.mark.parametrize("damage", FROM_ITSELF)
def test_what_the_signed_documents_and_logs_prove_is_mended_without_fetching(synced: Synced, damage: str) -> None:
    before = facts(synced.world)
    synced.change(damage)
    with synced.nothing_to_fetch():
        diagnosis = synced.examine()
        assert (diagnosis.mended, diagnosis.obstacle) == ("from what it holds itself", None)
        words = FROM_ITSELF[damage].replace("DAY", day_name(synced.day))
        assert any(words in problem for problem in diagnosis.problems), diagnosis
        assert synced.examine() == Told()
    if "max_age" not in damage:
        assert synced.verdicts() == ("valid", "revoked")
    assert facts(synced.world) == before


def test_an_age_that_was_configured_and_is_lost_becomes_the_strictest(synced: Synced) -> None:
    synced.change("UPDATE facts SET value = 1000000 WHERE name = 'max_age'")
    assert synced.examine().obstacle is None
    with synced.world.device() as device:
        assert device.policy.max_age == MAX_AGE_LEAST


def test_what_the_device_itself_has_noted_and_decided_outlasts_mending(synced: Synced) -> None:
    with synced.world.device() as device:
        device.configure(max_age=2 * HOUR, warning_age=HOUR)
        device._store.raise_floor(synced.world.now + 600, None)
        before = device.state().sources, device.policy, device.state().last_seen, device.state().lists.synced_at
    synced.change("UPDATE pages SET bits = zeroblob(2000)")
    assert synced.examine().mended
    with synced.world.device() as device:
        state = device.state()
        assert (state.sources, device.policy, state.last_seen, state.lists.synced_at) == before


# Fetched again

TO_FETCH = {
    "UPDATE logs SET data = zeroblob(length(data))": "the list of DAY is not the one that was signed",
    "DELETE FROM logs": "the list of DAY is not the one that was signed",
    "UPDATE documents SET data = x'7b7d' WHERE name = 'denied'": "its document 'denied' is not the one that was signed",
    "DELETE FROM documents": "its document 'keys' is not the one that was signed",
    "UPDATE metadata SET data = x'7b7d' WHERE name = 'timestamp'": "its signed document 'timestamp' does not hold",
    "DELETE FROM metadata WHERE name = 'targets'": "its signed document 'targets' is gone",
    "UPDATE metadata SET data = (SELECT data FROM metadata WHERE name = 'snapshot') WHERE name = 'status'":
        "its signed document 'status' does not hold",
    "DELETE FROM metadata WHERE name <> 'root'": "its signed document 'snapshot' is gone",
    "UPDATE facts SET value = 1 WHERE name = 'synced_at'": "when it last synced is no longer known",
    "DELETE FROM facts WHERE name = 'synced_at'": "when it last synced is no longer known",
    "INSERT INTO facts VALUES ('last_seen', 5, 5)": "when it last checked a pass is not what was written",
}  # fmt: skip


@pytest.mark.parametrize("damage", TO_FETCH)
def test_what_only_the_authority_can_prove_is_fetched_and_until_then_nothing_changes(
    synced: Synced, damage: str
) -> None:
    synced.change(damage)
    before = synced.rows()
    with synced.nothing_to_fetch():
        diagnosis = synced.examine()
        words = TO_FETCH[damage].replace("DAY", day_name(synced.day))
        assert any(words in problem for problem in diagnosis.problems), diagnosis
        assert "is the stick plugged in?" in (diagnosis.obstacle or "")
        assert synced.rows() == before
    assert str(synced.world.repository) in (synced.examine().mended or "")
    assert synced.examine() == Told()
    assert synced.verdicts() == ("valid", "revoked")


def test_a_device_that_was_mended_does_not_go_back_behind_what_it_has_seen(synced: Synced, tmp_path: Path) -> None:
    shutil.copytree(synced.world.repository, tmp_path / "old")
    synced.world.revoke(synced.good)
    synced.world.publish(synced.world.now + 1)
    synced.world.sync()
    synced.change("DELETE FROM metadata WHERE name <> 'root'", "DELETE FROM documents")
    diagnosis = synced.examine(str(tmp_path / "old"))
    assert diagnosis.obstacle == f"{tmp_path / 'old'} is behind what this device has seen; try another source: --source"
    assert synced.examine().obstacle is None
    assert synced.world.verdict(synced.good.text, synced.world.now + 1) == "revoked"


def test_where_even_the_versions_are_lost_the_time_of_publication_keeps_it_from_going_back(
    synced: Synced, tmp_path: Path
) -> None:
    shutil.copytree(synced.world.repository, tmp_path / "old")
    synced.world.publish(synced.world.now + 1)
    synced.world.sync()
    synced.change("DELETE FROM metadata WHERE name = 'timestamp'", "DELETE FROM facts WHERE name = 'versions'",
                  "DELETE FROM metadata WHERE name = 'snapshot'")  # fmt: skip
    assert "is behind" in (synced.examine(str(tmp_path / "old")).obstacle or "")
    assert synced.examine().obstacle is None


def test_where_sources_are_lost_one_must_be_named(synced: Synced) -> None:
    synced.change("DELETE FROM facts WHERE name = 'sources'")
    diagnosis = look_over(synced.world.store, None, synced.world.now)
    assert diagnosis.obstacle == "name where to sync from: movepass doctor --source"
    assert synced.examine().mended
    with synced.world.device() as device:
        assert device.state().sources == (str(synced.world.repository),)


# Beyond mending


@pytest.mark.parametrize(
    "damage",
    ["DELETE FROM metadata WHERE name = 'root'", "UPDATE metadata SET data = x'7b7d' WHERE name = 'root'",
     "DROP TABLE metadata",
     "UPDATE metadata SET data = (SELECT data FROM metadata WHERE name = 'targets') WHERE name = 'root'"],
)  # fmt: skip
def test_without_a_root_that_holds_the_device_must_be_enrolled_anew(synced: Synced, damage: str) -> None:
    synced.change(damage)
    assert "enroll the device anew" in (synced.examine().obstacle or "")


@pytest.mark.parametrize("content", [b"", b"not a database", bytes(8192), b"SQLite format 3\0" + bytes(84)])
def test_a_file_that_is_no_database_means_enrolling_anew(synced: Synced, content: bytes) -> None:
    (synced.world.store / FILE_NAME).write_bytes(content)
    assert "enroll the device anew" in (synced.examine().obstacle or "")


def test_a_folder_without_a_store_is_no_case_for_the_doctor(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="movepass enroll"):
        examine(tmp_path, source=None, now=0)


EXAMINE = (
    processes.AS_NOBODY
    + """
from movepass_verifier.store.doctor import examine
sync_a_copy(Path(sys.argv[1]), sys.argv[2])
become_nobody()
print(examine(Path(sys.argv[1]), source=sys.argv[2], now=0).to_json()["obstacle"])
"""
)


def test_on_a_medium_that_can_not_be_written_to_it_says_what_is_wrong_and_leaves_it(synced: Synced) -> None:
    synced.change("UPDATE pages SET bits = zeroblob(2000)")
    with written_to_by_nobody(synced.world):
        said = processes.run(EXAMINE, synced.world.store, synced.world.repository)
    assert said == "it is on a medium that can't be written to: copy its folder to another"


# At the same time as others


def test_another_process_sees_the_mended_store_without_being_started_anew(synced: Synced) -> None:
    with synced.world.device() as device:
        assert device.verify(synced.bad.text).verdict.value == "revoked"
        synced.change("UPDATE pages SET bits = zeroblob(2000)")
        with pytest.raises(StoreError, match="movepass doctor"):
            device.verify(synced.bad.text)
        assert synced.examine().mended
        assert device.verify(synced.bad.text).verdict.value == "revoked"
        assert device.verify(synced.good.text).verdict.value == "valid"


def test_a_check_that_is_under_way_goes_on_with_what_it_began_with(synced: Synced) -> None:
    synced.change("DELETE FROM pages WHERE id = (SELECT max(id) FROM pages)")
    with closing(Store(synced.world.store)) as store, store.reading() as state:
        assert synced.examine().mended
        assert synced.bad.pass_.index in state.lists.days[synced.bad.pass_.day]


EXAMINE_WHEN_TOLD = """
import sys
from pathlib import Path
from movepass_verifier.store.doctor import examine
print("ready", flush=True)
examine(Path(sys.argv[1]), source=None, now=0)
"""


def test_killed_at_any_instant_the_doctor_leaves_the_damaged_store_or_the_mended_one(
    synced: Synced, tmp_path: Path
) -> None:
    synced.change("DELETE FROM pages WHERE id = (SELECT min(id) FROM pages)", "UPDATE documents SET sum = 1")
    store, damaged, chance, seen = synced.world.store, tmp_path / "damaged", random.Random(2), list[bool]()
    shutil.copytree(store, damaged)
    for _ in range(8):
        child = processes.start(EXAMINE_WHEN_TOLD, store, temporary=tmp_path)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, 0.1))
        child.kill()
        child.communicate(timeout=60)
        seen.append(use(synced))
        assert doctor_mends(synced)
        shutil.rmtree(store)
        shutil.copytree(damaged, store)
    assert not all(seen)


# Damage anywhere


def flip(data: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(chance.choice((1, 1, 4, 64))):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def is_right(device: Device, signed: SignedPass, right: str) -> bool:
    """Check a verdict; no verdict, or "cannot verify", is never wrong."""
    try:
        result = device.verify(signed.text)
    except StoreError:
        return False
    device.note(result)  # whatever is damaged, it gives no error
    assert result.verdict.value == right or result.outcome is Outcome.CANNOT_VERIFY
    return result.verdict.value == right


def use(synced: Synced) -> bool:
    """Use a store that may be damaged, and return whether everything worked."""
    try:
        with synced.world.device() as device:
            return all([is_right(device, synced.good, "valid"), is_right(device, synced.bad, "revoked")])
    except StoreError:
        return False


def damage_and(synced: Synced, times: int, seed: int, then: Callable[[], bool]) -> tuple[int, int]:
    """Damage the store repeatedly; return how often it was unusable at once, and how often `then` repaired it."""
    path, chance = synced.world.store / FILE_NAME, random.Random(seed)
    data, noticed, mended = path.read_bytes(), 0, 0
    for _ in range(times):
        for beside in path.parent.glob("*-*"):
            beside.unlink()
        path.write_bytes(flip(data, chance))
        noticed += not use(synced)
        mended += then()
    return noticed, mended


def doctor_mends(synced: Synced) -> bool:
    try:
        diagnosis = synced.examine()
    except StoreError:
        return False
    if diagnosis.obstacle:
        assert "enroll" in diagnosis.obstacle or "medium" in diagnosis.obstacle, diagnosis
        return False
    assert use(synced)
    assert synced.examine() == Told()
    return True


def sync_mends(synced: Synced) -> bool:
    try:
        synced.world.sync()
    except StoreError:
        return False
    return use(synced)


def test_a_store_that_is_damaged_anywhere_never_says_what_is_not_so_and_the_doctor_mends_it(synced: Synced) -> None:
    noticed, mended = damage_and(synced, 100, 5, lambda: doctor_mends(synced))
    assert noticed > 20
    assert mended > 40


def test_a_sync_of_a_damaged_store_never_leads_to_a_wrong_verdict(synced: Synced) -> None:
    damage_and(synced, 100, 6, lambda: sync_mends(synced))


@pytest.mark.slow
def test_much_damage_never_leads_to_a_wrong_verdict(synced: Synced) -> None:
    seed = int(time.time())
    damage_and(synced, 2_000, seed, lambda: doctor_mends(synced))
    damage_and(synced, 2_000, seed + 1, lambda: sync_mends(synced))
