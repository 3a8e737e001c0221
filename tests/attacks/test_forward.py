"""Check fast-forward: the online key's holder raises versions until honest ones look old; and the recovery."""

import pytest

from attacks.scene import Scene
from attacks.simulator import ONLINE_ROLES, TIMESTAMP, Lie, MemorySigner

HUGE = 2**31


@pytest.fixture
def forwarded(scene: Scene) -> Scene:
    """Return a device that has taken over a publication of version 2^31."""
    repository, honest = scene.repository, dict(scene.repository.versions)
    repository.publish({role: Lie(version=HUGE) for role in ONLINE_ROLES})
    assert scene.must_take().changed
    scene.honest = dict(repository.files)
    repository.versions = honest
    return scene


def test_after_a_fast_forward_honest_publications_are_refused_as_older(forwarded: Scene) -> None:
    """So the device goes stale: it can't verify, but it accepts nothing that it should not."""
    forwarded.repository.publish()
    forwarded.must_refuse("it is behind what this device has", f"must be >= {HUGE}")


def test_a_new_root_with_another_online_key_ends_a_fast_forward(forwarded: Scene) -> None:
    repository = forwarded.repository
    _replace_online_key(forwarded)
    repository.revoke([1000])
    repository.publish()
    assert forwarded.must_take().changed
    assert forwarded.held("timestamp") == repository.files[TIMESTAMP]
    assert forwarded.verdict(repository.issue(1000)) == "revoked"
    repository.publish()
    assert forwarded.must_take().changed


def test_a_leaked_online_key_is_worth_nothing_once_the_root_has_replaced_it(scene: Scene) -> None:
    leaked = scene.repository.online
    _replace_online_key(scene)
    _go_on(scene)
    scene.repository.publish({role: Lie(version=HUGE, signers=[leaked]) for role in ONLINE_ROLES})
    scene.must_refuse("not signed by those whom this device trusts", "timestamp was signed by 0/1 keys")


def test_a_root_once_taken_over_stays_though_the_server_hides_it(scene: Scene) -> None:
    """The old root and a publication by the leaked key, as if there had been no other."""
    repository, versions = scene.repository, dict(scene.repository.versions)
    repository.publish({role: Lie(version=HUGE) for role in ONLINE_ROLES})
    attackers = dict(repository.files)
    repository.files, repository.versions = dict(scene.honest), versions
    _replace_online_key(scene)
    _go_on(scene)
    assert "metadata/2.root.json" not in attackers
    repository.files = attackers
    scene.must_refuse("not signed by those whom this device trusts")


def test_versions_of_documents_that_do_not_exist_are_not_remembered(scene: Scene) -> None:
    """The online key can name targets of version 2^31, but not make them; nothing of it stays on the device."""
    repository = scene.repository

    def name_far_ahead(snapshot: object) -> None:
        snapshot.meta["targets.json"].version = HUGE  # type: ignore[attr-defined]

    versions = dict(repository.versions)
    repository.publish({"snapshot": Lie(edit=name_far_ahead)})
    scene.must_refuse(f"{HUGE}.targets.json")
    repository.versions = versions
    repository.publish()
    assert scene.must_take().changed


def _replace_online_key(scene: Scene) -> None:
    repository = scene.repository
    repository.online = MemorySigner()
    repository.sign_root()
    repository.sign_targets()


def _go_on(scene: Scene) -> None:
    """Publish honestly, sync the device, and make that the state it must return to after the attack."""
    scene.repository.publish()
    scene.sync()
    scene.honest = dict(scene.repository.files)
