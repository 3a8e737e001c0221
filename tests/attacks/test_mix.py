"""Check mix-and-match: parts that were each signed, but never published together."""

import pytest

from attacks.scene import Scene
from attacks.simulator import TIMESTAMP, Lie, log_name

WRONG_FILE = "a file is "
"""Not the one that was signed, or, where more is revoked, longer."""


@pytest.fixture
def old(scene: Scene) -> dict[str, bytes]:
    """Files of a publication that the device never saw, and which another has followed."""
    scene.repository.revoke([1000])
    scene.repository.sign_targets()
    scene.repository.publish()
    files = dict(scene.repository.files)
    scene.repository.revoke([1001])
    scene.repository.sign_targets()
    scene.repository.publish()
    return files


@pytest.mark.parametrize("role", ["snapshot", "status", "targets"])
def test_an_older_document_among_new_ones_is_refused(scene: Scene, old: dict[str, bytes], role: str) -> None:
    repository = scene.repository
    repository.files[repository.path(role)] = old[f"metadata/{repository.versions[role] - 1}.{role}.json"]
    scene.must_refuse(WRONG_FILE)


@pytest.mark.parametrize("role", ["snapshot", "status", "targets"])
def test_a_newer_document_among_old_ones_is_refused(scene: Scene, old: dict[str, bytes], role: str) -> None:
    repository = scene.repository
    new = repository.files[repository.path(role)]
    repository.files = old | {f"metadata/{repository.versions[role] - 1}.{role}.json": new}
    scene.must_refuse(WRONG_FILE)


def test_an_old_timestamp_before_new_documents_gives_the_old_publication_whole(
    scene: Scene, old: dict[str, bytes]
) -> None:
    """Nothing is mixed: the device then holds the publication that the timestamp is of, and not a bit of the other."""
    repository = scene.repository
    repository.files[TIMESTAMP] = old[TIMESTAMP]
    assert scene.must_take().changed
    assert scene.verdict(repository.issue(1000)) == "revoked"
    assert scene.verdict(repository.issue(1001)) == "valid"


def test_a_log_of_another_publication_is_refused(scene: Scene, old: dict[str, bytes]) -> None:
    repository = scene.repository
    path = repository.target_path(log_name(repository.today))
    others = [name for name in old if name.endswith(f".{repository.today}.log") and name != path]
    for name in others:
        repository.files[path] = old[name]
        scene.must_refuse(WRONG_FILE)


@pytest.mark.parametrize("role", ["snapshot", "status"])
def test_a_document_under_another_version_than_its_own_is_refused(scene: Scene, role: str) -> None:
    """Even with the hash right, as the holder of the online key could make it."""
    repository, above = scene.repository, {"snapshot": "timestamp", "status": "snapshot"}[role]

    def name_it_ahead(signed: object) -> None:
        meta = signed.snapshot_meta if above == "timestamp" else signed.meta["status.json"]  # type: ignore[attr-defined]
        repository.files[f"metadata/{meta.version + 5}.{role}.json"] = repository.files[repository.path(role)]
        meta.version += 5

    repository.publish({above: Lie(edit=name_it_ahead)})
    scene.must_refuse(f"{role}")
