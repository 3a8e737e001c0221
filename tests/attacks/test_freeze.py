"""Check indefinite freeze: a server that keeps offering an old publication."""

import pytest

from attacks.scene import DAY, GOOD, REVOKED, Scene, time_passes
from attacks.simulator import HOUR, Lie

TOO_LONG_AGO = "published too long ago, or this device's clock is ahead"
ENDED = "the authority's signed documents have ended: it must renew them, or this device's clock is ahead"


@pytest.mark.parametrize(
    ("days", "words"),
    [(2.1, (TOO_LONG_AGO, "timestamp.json is expired")), (731, (ENDED, "root.json is expired"))],
    ids=["timestamp", "root"],
)
def test_a_server_that_stands_still_is_refused_when_its_documents_expire(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, days: float, words: tuple[str, str]
) -> None:
    scene.must_refuse(*words, during=time_passes(monkeypatch, days * DAY), recover=False)


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "status"])
def test_an_expired_document_of_the_online_key_is_refused(scene: Scene, role: str) -> None:
    scene.repository.publish({role: Lie(expires=scene.now - 1)})
    scene.must_refuse(TOO_LONG_AGO, f"{role}")


def test_expired_targets_are_refused(scene: Scene) -> None:
    scene.repository.sign_targets(Lie(expires=scene.now - 1))
    scene.repository.publish()
    scene.must_refuse(ENDED, "targets is expired")


def test_an_expired_root_is_refused_if_no_later_one_is_there(scene: Scene) -> None:
    scene.repository.sign_root(Lie(expires=scene.now - 1))
    scene.repository.publish()
    scene.must_refuse(ENDED, "root.json is expired")


def test_a_device_that_was_off_for_a_year_follows_the_roots_through_expired_ones(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = scene.repository
    first, second = repository.now + 200 * DAY, repository.now + 300 * DAY
    repository.sign_root(Lie(version=1, expires=first))
    scene.enroll(repository.files["metadata/1.root.json"])
    repository.publish()
    scene.sync()
    repository.sign_root(Lie(expires=second))
    repository.sign_root()
    repository.move_on(365 * DAY)
    repository.revoke([REVOKED])
    repository.publish()
    with time_passes(monkeypatch, 365 * DAY):
        scene.sync()
    assert scene.held("root") == repository.files["metadata/3.root.json"]
    assert scene.verdict(repository.issue(GOOD)) == "valid"
    assert scene.verdict(repository.issue(REVOKED)) == "revoked"


def test_a_frozen_publication_that_has_not_expired_makes_the_lists_stale(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = scene.now + 30 * HOUR
    good = scene.repository.issue(GOOD, begins=later - 600)
    revoked = scene.repository.issue(REVOKED, begins=later - 600)
    scene.repository.revoke([GOOD])
    with time_passes(monkeypatch, 30 * HOUR):
        assert not scene.sync().changed
    verification = scene.verify(good, at=later)
    assert verification.verdict.value == "stale"
    assert verification.reason.startswith("the lists are 1 d 6 h old")
    assert scene.verdict(revoked, at=later) == "revoked"


def test_a_publication_that_is_new_to_the_device_but_old_makes_the_lists_stale(scene: Scene) -> None:
    scene.repository.publish(at=scene.now - 30 * HOUR)
    assert scene.sync().changed
    assert scene.verdict(scene.good) == "stale"
    assert scene.verdict(scene.revoked) == "revoked"


def test_a_device_enrolled_in_front_of_a_frozen_server_says_stale(scene: Scene) -> None:
    scene.repository.publish(at=scene.now - 30 * HOUR)
    scene.enroll(scene.repository.files["metadata/1.root.json"])
    scene.sync()
    assert scene.verdict(scene.good) == "stale"


@pytest.mark.parametrize("value", [None, "now", True])
def test_a_timestamp_that_does_not_say_when_it_was_published_is_refused(scene: Scene, value: object) -> None:
    scene.repository.publish({"timestamp": Lie(edit=lambda t: t.unrecognized_fields.update(_publish(value)))})
    scene.must_refuse("the timestamp lacks x-movepass-published")


def _publish(value: object) -> dict[str, object]:
    return {"x-movepass-published": value}
