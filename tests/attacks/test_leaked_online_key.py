"""Check what the holder of the online key can do: deny service, hide or invent revocations, but never make a pass."""

import pytest

from attacks.scene import DAY, GOOD, REVOKED, Scene
from attacks.simulator import Lie
from movepass_keys.records import algorithms, roles
from movepass_wire import new_log


def test_a_publication_from_the_far_future_accepts_nothing_and_the_next_honest_one_mends_it(scene: Scene) -> None:
    scene.repository.publish({"timestamp": _publish(scene.now + 30 * DAY)})
    scene.sync()
    verification = scene.verify(scene.good)
    assert verification.verdict.value == "clock-wrong"
    assert "set the clock" in verification.reason
    assert scene.verdict(scene.revoked) == "clock-wrong"
    scene.repository.publish()
    scene.must_take()


@pytest.mark.parametrize("published", [-1, 2**32, 2**40, 2**63 - 1, 2**70, -(2**70)], ids=str)
def test_a_publication_from_no_year_that_can_be_is_refused(scene: Scene, published: int) -> None:
    scene.repository.publish({"timestamp": _publish(published)})
    scene.must_refuse("x-movepass-published")


def test_a_key_that_the_online_role_denies_is_refused_until_it_no_longer_does(scene: Scene) -> None:
    repository = scene.repository
    before = repository.status[roles.DENIED_TARGET]
    kid = algorithms.key_id(repository.pass_key.public_key).hex()
    denial = {"denied": [{"kid": kid, "at": scene.now, "reason": "leaked"}]}
    repository.status[roles.DENIED_TARGET] = roles.json_bytes(denial)
    repository.publish()
    scene.sync()
    assert scene.verdict(scene.good) == "key-revoked"
    repository.status[roles.DENIED_TARGET] = before
    repository.publish()
    scene.must_take()


def test_not_defended_it_can_invent_revocations(scene: Scene) -> None:
    scene.repository.revoke([GOOD])
    scene.repository.publish()
    scene.sync()
    assert scene.verdict(scene.good) == "revoked"


def test_not_defended_it_can_hide_revocations(scene: Scene) -> None:
    repository = scene.repository
    repository.status |= {
        name: new_log(int(name.removeprefix("status/").removesuffix(".log")))
        for name in repository.status
        if name.endswith(".log")
    }
    repository.publish()
    scene.sync()
    assert scene.verdict(repository.issue(REVOKED)) == "valid"


def _publish(value: int) -> Lie:
    return Lie(edit=lambda timestamp: timestamp.unrecognized_fields.update({roles.PUBLISHED: value}))
