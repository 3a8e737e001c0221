"""Check the condition of a device, and everything that can be wrong with it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.mounts import may_mount, read_only
from support.passes import DAY, HOUR
from support.world import World

from movepass_keys import KeySet, Withdrawal
from movepass_verifier.deciding.lists import StatusLists
from movepass_verifier.deciding.verify import readiness
from movepass_verifier.officer import checkup
from movepass_verifier.officer.checkup import Standing, details, findings, glance
from movepass_wire.times import day_of
from movepass_words import LANGUAGES, words


def keys_of(
    standing: Standing, *, writable: bool = True, encoding: str | None = "utf-8", camera: bool = False
) -> list[str]:
    return [finding.key for finding in findings(standing, writable=writable, encoding=encoding, camera=camera)]


@pytest.fixture
def standing(world: World) -> Standing:
    with world.device() as device:
        return device.standing()


def at(standing: Standing, now: int) -> Standing:
    return replace(standing, now=now)


def test_of_a_good_device_there_is_nothing_to_say(standing: Standing) -> None:
    assert standing.why_not is None
    assert keys_of(standing) == []
    assert glance(standing, words("en")).startswith("READY: a good pass is accepted now. Lists published ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_said_in_both_languages(world: World, standing: Standing, language: str) -> None:
    say = words(language)
    with world.device(lambda: world.now + 3 * DAY) as late:
        for one in (standing, late.standing()):
            assert "\n" not in glance(one, say)
            assert all(label and value for label, value in details(one, say))
            assert all(say.say(finding) for finding in findings(one, writable=False, encoding="ascii", camera=True))


def test_what_stands_in_the_way_of_a_good_pass_comes_first(world: World) -> None:
    for now, key in ((world.now + 2 * DAY, "reason.stale"), (world.now - DAY, "reason.clock-before-lists")):
        with world.device(lambda now=now: now) as device:  # type: ignore[misc]
            (finding,) = findings(device.standing(), writable=True, encoding="utf-8", camera=False)
        assert (finding.key, finding.values["why"].key) == ("doctor.not-ready", key)


def test_fresh_lists_make_no_device_ready_whose_keys_are_over(standing: Standing) -> None:
    keys = standing.state.keys
    over = max(key.not_after for key in keys.keys.values())
    lists = StatusLists({day_of(over - 1): (), day_of(over): ()}, over - HOUR, over)
    no_key = "NOT READY: a good pass can't be verified now: this device has no key that is valid at "
    for now, said in ((over - 1, "READY"), (over, no_key)):
        why = readiness(keys=keys, lists=lists, now=now)
        assert glance(Standing(standing.state._replace(lists=lists), why, now), words("en")).startswith(said)


def test_a_device_is_ready_from_the_first_second_of_its_keys_and_not_before(standing: Standing) -> None:
    keys = standing.state.keys
    begins = min(key.not_before for key in keys.keys.values())
    lists = StatusLists({day_of(begins - 1): (), day_of(begins): ()}, begins - HOUR, begins)
    assert readiness(keys=keys, lists=lists, now=begins) is None
    why = readiness(keys=keys, lists=lists, now=begins - 1)
    assert (why and why.key) == "ready.no-key-now"


def test_what_stands_first_in_the_way_is_told_first(standing: Standing) -> None:
    state, now = standing.state, standing.now
    denied = {kid: Withdrawal(now, "tried out") for kid in state.keys.keys}
    never = state.lists._replace(published=None)
    for keys, lists, at, key in (
        (KeySet("", test=False, keys={}), never, now, "ready.never-synced"),
        (replace(state.keys, denied=denied), state.lists, now + 4_000 * DAY, "ready.no-good-key"),
        (state.keys, state.lists, now - 4_000 * DAY, "reason.clock-before-lists"),
        (state.keys, state.lists, now + 4_000 * DAY, "ready.no-key-now"),
        (state.keys, state.lists, now + 3 * DAY, "reason.stale"),
        (state.keys, state.lists._replace(days={}), now, "ready.no-list"),
    ):
        why = readiness(keys=keys, lists=lists, now=at)
        assert (why and why.key) == key


def test_what_does_not_matter_yet_is_said_in_time(standing: Standing) -> None:
    now = standing.now
    assert keys_of(at(standing, now + 7 * HOUR)) in (
        ["doctor.sync-soon"],
        ["doctor.days-missing", "doctor.sync-soon"],  # where that is the next UTC day
    )
    assert "doctor.days-missing" in keys_of(at(standing, now + 2 * DAY))


def test_a_store_that_can_not_be_written_and_a_terminal_without_utf_8_are_told(standing: Standing) -> None:
    assert keys_of(standing, writable=False) == ["doctor.read-only"]
    for encoding, told in (("UTF-8", False), ("utf8", False), ("ascii", True), ("cp1252", True), (None, False)):
        assert ("doctor.no-utf8" in keys_of(standing, encoding=encoding)) == told


def without(*gone: str) -> Callable[[str], object]:
    return lambda name: None if name in gone else name


def test_an_extra_that_is_missing_is_told_only_where_it_is_needed(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = replace(standing, state=standing.state._replace(sources=("https://a.example", "s3://bucket")))
    assert keys_of(bucket) == []
    monkeypatch.setattr(checkup, "find_spec", without("botocore"))
    assert keys_of(standing) == []
    assert keys_of(bucket) == ["doctor.no-buckets"]
    monkeypatch.setattr(checkup, "find_spec", without("cv2"))
    assert keys_of(standing) == []
    assert keys_of(standing, camera=True) == ["doctor.no-camera"]
    monkeypatch.setattr(checkup, "find_spec", without("zxingcpp", "cv2"))
    assert keys_of(standing, camera=True) == ["doctor.no-pictures"]


def test_a_folder_to_sync_from_that_is_not_there_is_told(standing: Standing, tmp_path: Path) -> None:
    sources = ("https://a.example", str(tmp_path), str(tmp_path / "stick"))
    one = replace(standing, state=standing.state._replace(sources=sources))
    (told,) = findings(one, writable=True, encoding="utf-8", camera=False)
    assert words("en").say(told).startswith(f"{tmp_path / 'stick'} is not there: is the stick plugged in?")


if may_mount():

    def test_a_device_on_a_read_only_medium_knows_it(world: World) -> None:
        with world.device() as device:
            assert device.writable
        with read_only(world.store), world.device() as device:
            assert not device.writable
            assert device.standing().why_not is None
