"""Check rollback: an old publication is offered again."""

import json

import pytest

from attacks.scene import GOOD, Scene, time_passes
from attacks.simulator import TIMESTAMP, Lie, MemorySigner
from movepass_keys.records import layout
from movepass_wire.times import DAY_SECONDS

BEHIND = "it is behind what this device has"


def test_an_older_publication_as_a_whole_is_refused(scene: Scene) -> None:
    """With it an old log and an old list of keys: they can be had by old metadata only."""
    repository = scene.repository
    before, third = dict(repository.files), repository.issue(9)
    repository.revoke([9])
    repository.sign_targets(keys=[repository.pass_key, MemorySigner()])
    _go_on(scene)
    repository.files = before
    scene.must_refuse(BEHIND)
    assert scene.verdict(third) == "revoked"


def test_an_older_timestamp_is_refused(scene: Scene) -> None:
    old = scene.repository.files[TIMESTAMP]
    _go_on(scene)
    scene.repository.files[TIMESTAMP] = old
    scene.must_refuse(BEHIND, "timestamp version")


def test_an_older_timestamp_is_refused_even_if_the_one_held_has_expired(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = scene.repository
    repository.publish({"timestamp": Lie(expires=scene.now + 9 * DAY_SECONDS)})
    old = repository.files[TIMESTAMP]
    _go_on(scene)
    repository.files[TIMESTAMP] = old
    scene.must_refuse(BEHIND, "timestamp version", during=time_passes(monkeypatch, 2.5 * DAY_SECONDS), recover=False)


@pytest.mark.parametrize(
    ("lies", "words"),
    [
        ({"timestamp": Lie(version=1)}, "timestamp version"),
        ({"snapshot": Lie(version=1)}, "snapshot version"),
        ({"status": Lie(version=1)}, "status.json version"),
    ],
    ids=["timestamp", "snapshot", "status"],
)
def test_no_role_of_the_online_key_goes_back_in_its_version(scene: Scene, lies: dict[str, Lie], words: str) -> None:
    _go_on(scene)
    scene.repository.publish(lies)
    scene.must_refuse(BEHIND, words)


def test_older_targets_are_refused_though_the_online_key_names_them(scene: Scene) -> None:
    repository = scene.repository
    old = repository.named["targets"]
    repository.sign_targets()
    _go_on(scene)
    repository.named["targets"] = old
    repository.publish()
    scene.must_refuse(BEHIND, "targets.json version")


@pytest.mark.parametrize("part", ["targets.json", "status.json"])
def test_a_snapshot_that_leaves_a_document_out_is_refused(scene: Scene, part: str) -> None:
    scene.repository.publish({"snapshot": Lie(edit=lambda snapshot: snapshot.meta.pop(part))})
    scene.must_refuse("does not offer what an authority publishes", part)


def test_another_timestamp_of_the_version_held_changes_nothing(scene: Scene) -> None:
    repository = scene.repository
    held = repository.versions["timestamp"]
    repository.revoke([GOOD])
    repository.publish({"timestamp": Lie(version=held)})
    assert not scene.must_take().changed


def test_an_old_log_under_the_new_ones_name_is_refused(scene: Scene) -> None:
    repository = scene.repository
    name = f"status/{repository.today}.log"
    old = repository.status[name]
    repository.revoke([1000])
    repository.publish()
    repository.files[repository.target_path(name)] = old
    scene.must_refuse("a file is not the one that was signed")


def test_old_keys_under_the_new_ones_name_are_refused(scene: Scene) -> None:
    repository = scene.repository
    old = repository.keys_document
    repository.sign_targets(keys=[repository.pass_key, MemorySigner()])
    repository.publish()
    path = repository.target_path(layout.KEYS_TARGET)
    repository.files[path] = old + b" " * (len(repository.files[path]) - len(old))
    assert json.loads(repository.files[path])
    scene.must_refuse("a file is not the one that was signed")


def _go_on(scene: Scene) -> None:
    """Publish honestly, sync the device, and make that the state it must return to after the attack."""
    scene.repository.publish()
    scene.sync()
    scene.honest = dict(scene.repository.files)
