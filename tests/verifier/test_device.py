"""Check a device in use: the traces of its scans, what a sync clears, and two devices of one authority."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from support.passes import DAY, HOUR, approved, iso
from support.world import World, facts

from movepass_issuer import SqliteLedger
from movepass_issuer.authority.creation import create_authority
from movepass_verifier import Device, Policy, PolicyError, StoreError, SyncError, Verdict
from movepass_verifier.store.store import FILE_NAME


@dataclass
class Clock:
    """A clock that the test turns."""

    now: float

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(world: World) -> Clock:
    return Clock(world.now)


def see(device: Device) -> int | None:
    return device.state().last_seen


def test_a_device_that_has_synced_accepts_a_genuine_pass_and_shows_it(world: World) -> None:
    signed = world.issue()
    result = world.verify(signed.text)
    assert (result.verdict, result.pass_, result.pass_number) == (Verdict.VALID, signed.pass_, signed.number)
    assert (result.authority, result.test) == ("Test Authority", True)
    assert result.freshness.synced_at is not None


def test_a_scan_raises_the_soft_floor_of_the_clock(world: World, clock: Clock) -> None:
    text = world.issue().text
    with world.device(clock) as device:
        device.verify(text)
        assert see(device) == world.now
        clock.now += HOUR
        device.verify("anything that was scanned")
        assert see(device) == world.now + HOUR
        clock.now -= 301
        assert device.verify(text).verdict is Verdict.CLOCK_WRONG
        clock.now += 1
        assert device.verify(text).verdict is Verdict.VALID


def test_a_clock_that_is_wrong_does_not_lower_the_floor(world: World, clock: Clock) -> None:
    text = world.issue().text
    with world.device(clock) as device:
        device.verify(text)
        clock.now -= DAY
        for _ in range(3):
            assert device.verify(text).verdict is Verdict.CLOCK_WRONG
        assert see(device) == world.now


def test_one_scan_with_the_year_at_2030_locks_the_device_until_a_sync_clears_it(world: World, clock: Clock) -> None:
    text = world.issue().text
    with world.device(clock) as device:
        clock.now += 4 * 365 * DAY
        device.verify(text)
        clock.now = world.now
        assert device.verify(text).verdict is Verdict.CLOCK_WRONG
        device.sync(str(world.repository))
        assert device.verify(text).verdict is Verdict.VALID


def test_the_signed_time_of_publication_is_a_floor_that_no_sync_clears(world: World, clock: Clock) -> None:
    text = world.issue().text
    with world.device(clock) as device:
        world.publish()
        device.sync(str(world.repository))
        clock.now = world.now - 301
        result = device.verify(text)
        assert result.verdict is Verdict.CLOCK_WRONG
        assert result.reason.endswith("set the clock; if it is right, sync")
        assert result.why == device.readiness()
        device.sync(str(world.repository))
        assert device.verify(text).verdict is Verdict.CLOCK_WRONG


def test_asking_for_another_time_leaves_no_trace(world: World, clock: Clock) -> None:
    text = world.issue().text
    with world.device(clock) as device:
        before = (world.store / FILE_NAME).read_bytes(), see(device)
        assert device.verify(text, at=world.now + 10 * HOUR).verdict is Verdict.EXPIRED
        assert device.verify(text, at=world.now + 4 * 365 * DAY).verdict is Verdict.EXPIRED
        assert ((world.store / FILE_NAME).read_bytes(), see(device)) == before
        assert see(device) is None
        assert device.verify(text).verdict is Verdict.VALID


def test_asking_for_another_time_is_answered_as_of_that_time(world: World) -> None:
    signed = world.issue()
    with world.device() as device:
        for at, verdict in (
            (world.now - HOUR, Verdict.CLOCK_WRONG),
            (world.now, Verdict.VALID),
            (signed.pass_.trip.not_after, Verdict.EXPIRED),
        ):
            result = device.verify(signed.text, at=at)
            assert (result.verdict, result.freshness.now) == (verdict, at)


def test_lists_that_get_too_old_give_stale_and_a_sync_mends_it(world: World, clock: Clock) -> None:
    published = facts(world)[0] or 0
    long_pass = world.issue("R-1", not_before=iso(published + 20 * HOUR), not_after=iso(published + 30 * HOUR))
    with world.device(clock) as device:
        clock.now = published + DAY
        assert device.verify(long_pass.text).verdict is Verdict.VALID
        clock.now += 1
        stale = device.verify(long_pass.text)
        assert (stale.verdict, stale.pass_) == (Verdict.STALE, long_pass.pass_)
        world.publish(published + DAY)
        device.sync(str(world.repository))
        assert device.verify(long_pass.text).verdict is Verdict.VALID


def test_the_devices_own_policy_decides_what_is_stale(world: World) -> None:
    text = world.issue().text
    world.publish()
    world.sync()
    published = facts(world)[0] or 0
    with Device.open(world.store, policy=Policy(max_age=60), clock=lambda: published + 61) as device:
        assert device.verify(text).verdict is Verdict.STALE
    with Device.open(world.store, policy=Policy(max_age=61), clock=lambda: published + 61) as device:
        assert device.verify(text).verdict is Verdict.VALID


def test_a_device_goes_by_what_it_was_configured_with_and_keeps_it_through_a_sync(world: World, clock: Clock) -> None:
    text = world.issue().text
    with world.device(clock) as device:
        device.configure(max_age=2 * HOUR, warning_age=HOUR)
        device.configure(sources=["https://one.example", str(world.repository)])
        world.publish()
        device.sync(str(world.repository))
    with world.device(clock) as device:
        assert device.policy == Policy(max_age=2 * HOUR, warning_age=HOUR)
        assert device.state().sources == ("https://one.example", str(world.repository))
        clock.now = world.now + HOUR + 1
        assert device.verify(text).freshness.sync_soon
        assert device.verify(text).verdict is Verdict.VALID
        clock.now = world.now + 2 * HOUR + 1
        assert device.verify(text).verdict is Verdict.STALE


def test_what_is_configured_while_a_sync_is_under_way_is_not_lost(world: World) -> None:
    world.publish()
    with world.device() as device:
        before = device._store.held()
        device.configure(max_age=2 * HOUR, warning_age=HOUR, sources=["https://one.example"])
        device._store.take_over(before, replace(before, published=world.now), synced_at=world.now)
        assert (device.policy.max_age, device.state().sources) == (2 * HOUR, ("https://one.example",))


@pytest.mark.parametrize(
    "ages",
    [
        {"max_age": 48 * HOUR + 1},
        {"max_age": 15 * 60 - 1, "warning_age": 60},
        {"warning_age": 59},
        {"warning_age": DAY},
        {"warning_age": DAY + 1},
        {"max_age": 6 * HOUR},
        {"max_age": -1},
    ],
    ids=str,
)
def test_ages_out_of_bounds_are_refused_and_nothing_changes(world: World, ages: dict[str, Any]) -> None:
    with world.device() as device:
        with pytest.raises(PolicyError, match=r"expected a (maximum|warning) age"):
            device.configure(**ages)
        assert device.policy == Policy()


@pytest.mark.parametrize("ages", [(48 * HOUR, 48 * HOUR - 1), (15 * 60, 60), (DAY, DAY - 1)], ids=str)
def test_ages_at_the_bounds_are_taken(world: World, ages: tuple[int, int]) -> None:
    with world.device() as device:
        device.configure(max_age=ages[0], warning_age=ages[1])
        assert (device.policy.max_age, device.policy.warning_age) == ages


def test_a_sync_that_brings_nothing_newer_moves_the_time_of_syncing_and_not_the_age(world: World, clock: Clock) -> None:
    world.publish()
    with world.device(clock) as device:
        device.sync(str(world.repository))
        clock.now += 5 * HOUR
        device.sync(str(world.repository))
        lists = device.state().lists
        assert (lists.published, lists.synced_at) == (world.now, world.now + 5 * HOUR)
        assert device.verify("").freshness.age == 5 * HOUR


def test_a_sync_that_was_refused_moves_neither(world: World, clock: Clock) -> None:
    with world.device(clock) as device:
        before = device.state().lists
        clock.now += HOUR
        with pytest.raises(SyncError):
            device.sync(str(world.store))
        assert (device.state().lists.published, device.state().lists.synced_at) == (before.published, before.synced_at)


def test_a_pass_for_a_day_that_has_no_list_is_status_unknown_until_the_day_is_published(world: World) -> None:
    with world.device() as device:
        later = (max(device.state().lists.days) + 1) * DAY + HOUR
    with closing(SqliteLedger(world.authority.ledger_path)) as ledger:
        signed = world.fixed_issuer(ledger, later).issue(approved("R-1", later))
    with Device.open(world.store, policy=Policy(max_age=30 * DAY), clock=lambda: later) as device:
        assert device.verify(signed.text).verdict is Verdict.STATUS_UNKNOWN
        world.publish(later)
        device.sync(str(world.repository))
        assert device.verify(signed.text).verdict is Verdict.VALID


def test_two_devices_know_what_each_has_synced(world: World, tmp_path: Path) -> None:
    signed = world.issue()
    world.enroll(tmp_path / "other")
    world.sync(store=tmp_path / "other")
    world.revoke_and_publish(signed)
    world.sync(store=tmp_path / "other")
    with Device.open(tmp_path / "other", clock=lambda: world.now) as other, world.device() as device:
        assert other.verify(signed.text).verdict is Verdict.REVOKED
        assert device.verify(signed.text).verdict is Verdict.VALID
        device.sync(str(world.repository))
        assert device.verify(signed.text).verdict is Verdict.REVOKED


def test_two_openings_of_one_store_share_the_floor_and_the_sync(world: World, clock: Clock) -> None:
    signed = world.issue()
    with world.device(clock) as one, world.device(clock) as two:
        one.verify(signed.text)
        assert see(two) == world.now
        world.revoke_and_publish(signed)
        one.sync(str(world.repository))
        assert see(two) is None
        assert two.verify(signed.text).verdict is Verdict.REVOKED


def test_passes_of_another_authority_are_not_signed_by_any_key_of_this_one(world: World) -> None:
    other = World(create_authority(world.store.parent / "other", name="Other", test=True), world.store)
    result = world.verify(other.issue().text)
    assert result.verdict is Verdict.UNKNOWN_KEY
    assert "not signed by any key of Test Authority" in result.reason


def test_many_passes_of_which_some_are_revoked_are_each_told_apart(world: World) -> None:
    passes = world.issue_many(300)
    revoked = passes[::7]
    world.revoke_and_publish(*revoked)
    world.sync()
    with world.device() as device:
        verdicts = {p.number: device.verify(p.text).verdict for p in passes}
    gone = {p.number for p in revoked}
    assert verdicts == {n: Verdict.REVOKED if n in gone else Verdict.VALID for n in verdicts}


def test_a_revoked_pass_stays_revoked_through_later_publications(world: World) -> None:
    signed = world.issue()
    world.revoke_and_publish(signed)
    for n in range(3):
        world.revoke_indexes([1_000 + n])
        world.publish(world.now + n)
        world.sync()
        assert world.verdict(signed.text, world.now + n) == "revoked"


def test_a_fraction_of_a_second_is_no_part_of_a_verdict(world: World) -> None:
    signed = world.issue()
    end = signed.pass_.trip.not_after
    with Device.open(world.store, clock=lambda: end - 0.001) as device:
        assert device.verify(signed.text).verdict is Verdict.VALID


def test_a_device_can_be_asked_by_several_threads_at_once(world: World) -> None:
    """Its connection says check_same_thread=False."""
    text = world.issue().text
    with world.device() as device, ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(lambda _: device.verify(text).verdict, range(400)))
    assert set(verdicts) == {Verdict.VALID}


def test_a_closed_device_gives_a_store_error(world: World) -> None:
    device = world.device()
    device.close()
    for call in (lambda: device.verify("x"), device.state, lambda: device.sync(str(world.repository))):
        with pytest.raises(StoreError):
            call()
    device.close()


def test_the_whole_way_from_an_approved_pass_to_a_verdict_with_both_devices_offline(world: World) -> None:
    """Issue, verify, revoke, publish, sync by stick, verify: the main job once through."""
    signed = world.issue()
    assert world.verdict(signed.text) == "valid"
    world.revoke_and_publish(signed)
    assert world.verdict(signed.text) == "valid"  # not yet synced
    stick = world.store.parent / "stick"
    world.repository.rename(stick)
    world.sync(str(stick))
    stick.rename(world.repository)
    result = world.verify(signed.text).to_json()
    assert (result["outcome"], result["verdict"]) == ("reject", "revoked")
    assert result["pass"]["holder"]["name"] == "Rahima Khatun"
