"""Check arbitrary content in place of a document or a file."""

import json
from collections.abc import Callable

import pytest

from attacks.scene import Scene
from attacks.simulator import TIMESTAMP, MemorySigner, Repository, log_name
from movepass_keys.records import layout, roles
from movepass_verifier import SyncError

PORTAL = b"<!doctype html><title>Free WiFi</title><form action=/login>Accept the terms</form>"
GARBAGE = {
    "nothing": b"",
    "zeros": bytes(999),
    "a login page": PORTAL,
    "another JSON": b'{"signed":{"_type":"timestamp"},"signatures":[]}',
    "deep JSON": b"[" * 9999,
    "a list": b"[]",
}
WRONG_FILE = ("a file is not the one that was signed",)
TOO_LONG = ("a file is longer than was signed",)
NOT_OURS = "does not offer what an authority publishes"
METADATA = ["targets", "status", "snapshot"]
LOG, DENIED, KEYS = "log", "denied", "keys"
TARGETS = [KEYS, DENIED, LOG]


def publish_all_anew(repository: Repository) -> None:
    """Change everything, so that a device asks for every file."""
    repository.revoke([1000])
    repository.status[roles.DENIED_TARGET] = roles.json_bytes({"denied": [_denial(bytes(4))]})
    repository.sign_targets(keys=[repository.pass_key, MemorySigner()])
    repository.publish()


def path_of(repository: Repository, what: str) -> str:
    """Return the path of a document or of a target."""
    names = {KEYS: layout.KEYS_TARGET, DENIED: roles.DENIED_TARGET, LOG: log_name(repository.today)}
    return repository.target_path(names[what]) if what in names else repository.path(what)


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("path", [TIMESTAMP, "metadata/2.root.json"])
def test_garbage_in_place_of_a_document_that_nothing_names_by_hash_is_refused(
    scene: Scene, path: str, garbage: str
) -> None:
    scene.repository.files[path] = GARBAGE[garbage]
    page = scene.server is not None and garbage == "a login page"
    scene.must_refuse("answered with a web page" if page else NOT_OURS)


@pytest.mark.parametrize("what", [*METADATA, *TARGETS])
def test_other_content_of_the_same_length_is_refused(scene: Scene, what: str) -> None:
    publish_all_anew(scene.repository)
    path = path_of(scene.repository, what)
    content = scene.repository.files[path]
    scene.repository.files[path] = content[:-9] + bytes(b ^ 1 for b in content[-9:])
    scene.must_refuse(*WRONG_FILE)


@pytest.mark.parametrize(("words", "change"), [(WRONG_FILE, lambda d: d[:-1]), (TOO_LONG, lambda d: d + b" ")])
@pytest.mark.parametrize("what", [*METADATA, *TARGETS])
def test_content_of_another_length_is_refused(
    scene: Scene, what: str, words: tuple[str, ...], change: Callable[[bytes], bytes]
) -> None:
    publish_all_anew(scene.repository)
    path = path_of(scene.repository, what)
    scene.repository.files[path] = change(scene.repository.files[path])
    scene.must_refuse(*words)


@pytest.mark.parametrize("what", [*METADATA, *TARGETS, "timestamp"])
def test_a_file_that_is_missing_is_named_and_nothing_is_taken_over(scene: Scene, what: str) -> None:
    publish_all_anew(scene.repository)
    path = path_of(scene.repository, what)
    del scene.repository.files[path]
    scene.must_refuse(path)


@pytest.mark.parametrize("role", ["snapshot", "status", "targets"])
def test_a_document_of_another_role_is_refused_though_its_key_is_the_right_one(scene: Scene, role: str) -> None:
    repository = scene.repository
    repository.publish()
    repository.files[TIMESTAMP] = repository.files[repository.path(role)]
    scene.must_refuse(NOT_OURS)


def test_the_repository_of_another_authority_is_refused(scene: Scene) -> None:
    other = Repository.create(scene.now)
    other.name = "Test Authority"
    scene.repository.files = other.files
    scene.must_refuse("not signed by those whom this device trusts", "timestamp was signed by 0/1 keys")


def test_the_repository_of_another_authority_with_a_second_root_is_refused(scene: Scene) -> None:
    other = Repository.create(scene.now)
    other.sign_root()
    other.publish()
    scene.repository.files = other.files
    scene.must_refuse("not signed by those whom this device trusts", "root was signed by 0/2 keys")
    assert scene.verdict(other.issue(1)) == "unknown-key"


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_device_is_not_enrolled_with_garbage(scene: Scene, garbage: str) -> None:
    with pytest.raises(SyncError, match="not a root document"):
        scene.enroll(GARBAGE[garbage])


def test_a_device_is_not_enrolled_with_a_root_that_too_few_have_signed(scene: Scene) -> None:
    root = json.loads(scene.repository.files["metadata/1.root.json"])
    del root["signatures"][0]
    with pytest.raises(SyncError, match="1/2 keys"):
        scene.enroll(json.dumps(root).encode())


@pytest.mark.parametrize("role", ["targets", "status", "snapshot", "timestamp"])
def test_a_device_is_not_enrolled_with_a_document_of_another_role(scene: Scene, role: str) -> None:
    with pytest.raises(SyncError, match="not a root document"):
        scene.enroll(scene.repository.files[scene.repository.path(role)])


def _denial(kid: bytes) -> dict[str, object]:
    return {"kid": kid.hex(), "at": 1, "reason": "leaked"}
