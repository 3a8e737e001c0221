"""Check signatures that are too few, from the wrong people or duplicated, and roots that do not follow."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from securesystemslib.signer import SSlibKey

from attacks.scene import Scene
from attacks.simulator import Lie, MemorySigner, Repository
from movepass_keys.records import roles

Twin = Callable[[SSlibKey], SSlibKey]
NOT_SIGNED = "not signed by those whom this device trusts"
NOT_OURS = "does not offer what an authority publishes"


def _invent_id(key: SSlibKey) -> SSlibKey:
    return SSlibKey("ab" * 32, key.keytype, key.scheme, key.keyval)


def _other_type(key: SSlibKey) -> SSlibKey:
    return _with_own_id("ecdsa-sha2-nistp256", key, key.keyval)


def _other_pem(key: SSlibKey) -> SSlibKey:
    return _with_own_id(key.keytype, key, {"public": key.keyval["public"] + "\n"})


def _other_field(key: SSlibKey) -> SSlibKey:
    return _with_own_id(key.keytype, key, {**key.keyval, "custodian": "2"})


def _with_own_id(keytype: str, key: SSlibKey, keyval: dict[str, Any]) -> SSlibKey:
    twin = SSlibKey("", keytype, key.scheme, keyval)
    twin.keyid = roles.keyid_of(twin)
    assert twin.keyid != key.keyid
    return twin


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "status"])
def test_a_document_that_a_stranger_signed_is_refused(scene: Scene, role: str) -> None:
    scene.repository.publish({role: Lie(signers=[MemorySigner()])})
    scene.must_refuse(NOT_SIGNED, f"{role} was signed by 0/1 keys")


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "status"])
def test_a_document_changed_after_it_was_signed_is_refused(scene: Scene, role: str) -> None:
    scene.repository.publish({role: Lie(twist=_change)})
    scene.must_refuse(NOT_SIGNED, f"{role} was signed by 0/1 keys")


def test_pass_keys_signed_by_the_online_key_are_refused(scene: Scene) -> None:
    """The online key can name a targets document; it can't make one."""
    repository, forger = scene.repository, MemorySigner()
    repository.sign_targets(Lie(signers=[repository.online]), keys=[repository.pass_key, forger])
    repository.publish()
    scene.must_refuse(NOT_SIGNED, "targets was signed by 0/2 keys")
    assert scene.verdict(repository.issue(1, signer=forger)) == "unknown-key"


def test_pass_keys_signed_by_one_custodian_are_refused(scene: Scene) -> None:
    repository, forger = scene.repository, MemorySigner()
    repository.sign_targets(Lie(signers=repository.targets_custodians[:1]), keys=[repository.pass_key, forger])
    repository.publish()
    scene.must_refuse(NOT_SIGNED, "targets was signed by 1/2 keys")
    assert scene.verdict(repository.issue(1, signer=forger)) == "unknown-key"


def test_pass_keys_signed_by_the_custodians_of_the_root_are_refused(scene: Scene) -> None:
    repository = scene.repository
    repository.sign_targets(Lie(signers=repository.root_custodians))
    repository.publish()
    scene.must_refuse(NOT_SIGNED, "targets was signed by 0/2 keys")


def test_one_signature_that_is_there_twice_does_not_count_twice(scene: Scene) -> None:
    def twice(data: bytes) -> bytes:
        return _with_signatures(data, lambda signatures: signatures * 2)

    scene.repository.sign_targets(Lie(signers=scene.repository.targets_custodians[:1], twist=twice))
    scene.repository.publish()
    scene.must_refuse(NOT_OURS)


def test_one_signature_under_the_name_of_another_custodian_does_not_count(scene: Scene) -> None:
    other = json.loads(scene.repository.files[scene.repository.path("targets")])["signatures"][1]["keyid"]

    def borrow(data: bytes) -> bytes:
        return _with_signatures(data, lambda signatures: [*signatures, {**signatures[0], "keyid": other}])

    scene.repository.sign_targets(Lie(signers=scene.repository.targets_custodians[:1], twist=borrow))
    scene.repository.publish()
    scene.must_refuse(NOT_SIGNED, "targets was signed by 1/2 keys")


def test_a_root_that_lists_one_custodian_twice_is_refused(scene: Scene) -> None:
    def list_twice(root: Any) -> None:
        keyids = root.roles["targets"].keyids
        keyids[1:] = keyids[:1]

    scene.repository.sign_root(Lie(edit=list_twice))
    scene.repository.publish()
    scene.must_refuse(NOT_OURS)


@pytest.mark.parametrize("role", ["root", "targets"])
def test_a_root_with_one_key_under_an_id_that_is_not_its_own_is_refused(scene: Scene, role: str) -> None:
    """Who gets it signed at a ceremony meets the threshold alone from then on."""
    _list_twin(scene.repository, role, _invent_id)
    scene.repository.publish()
    scene.must_refuse("not signed by those whom this device trusts")


@pytest.mark.parametrize("twin_of", [_other_type, _other_pem, _other_field])
@pytest.mark.parametrize("role", ["root", "targets"])
def test_a_root_with_one_key_written_in_two_ways_is_refused(scene: Scene, role: str, twin_of: Twin) -> None:
    _list_twin(scene.repository, role, twin_of)
    scene.repository.publish()
    scene.must_refuse("not signed by those whom this device trusts")


def test_a_root_with_one_key_under_two_ids_is_refused_on_the_way_to_a_later_one(scene: Scene) -> None:
    repository = scene.repository
    twin = _list_twin(repository, "root", _invent_id)
    traitor = repository.root_custodians[0]
    repository.root_custodians = [MemorySigner() for _ in range(3)]

    def sign_twice(data: bytes) -> bytes:
        return _with_signatures(data, lambda signatures: [*signatures, {**signatures[0], "keyid": twin}])

    repository.sign_root(Lie(signers=[traitor, *repository.root_custodians], twist=sign_twice))
    repository.publish()
    scene.must_refuse("not signed by those whom this device trusts")


def test_a_root_that_too_few_of_the_old_custodians_signed_is_refused(scene: Scene) -> None:
    repository = scene.repository
    old, repository.root_custodians = repository.root_custodians, [MemorySigner() for _ in range(3)]
    repository.sign_root(before=old[:1])
    repository.publish()
    scene.must_refuse(NOT_SIGNED, "root was signed by 1/2 keys")


def test_a_root_that_too_few_of_the_new_custodians_signed_is_refused(scene: Scene) -> None:
    repository = scene.repository
    old, repository.root_custodians = repository.root_custodians, [MemorySigner() for _ in range(3)]
    repository.sign_root(Lie(signers=[*old, repository.root_custodians[0]]))
    repository.publish()
    scene.must_refuse(NOT_SIGNED, "root was signed by 1/2 keys")


def test_a_root_signed_by_the_online_key_is_refused(scene: Scene) -> None:
    _rotate(scene.repository, Lie(signers=[scene.repository.online]))
    scene.must_refuse(NOT_SIGNED, "root was signed by 0/2 keys")


def test_a_root_that_skips_a_version_is_refused(scene: Scene) -> None:
    scene.repository.sign_root(Lie(version=3), put_as=2)
    scene.repository.publish()
    scene.must_refuse("Expected root version 2 instead got version 3")


def test_an_old_root_in_a_later_ones_place_is_refused(scene: Scene) -> None:
    files = scene.repository.files
    files["metadata/2.root.json"] = files["metadata/1.root.json"]
    scene.must_refuse("Expected root version 2 instead got version 1")


def test_a_root_that_skips_a_version_is_not_called_behind(scene: Scene) -> None:
    scene.repository.sign_root(Lie(version=3), put_as=2)
    assert "behind" not in scene.must_refuse()


def test_a_root_that_the_old_and_the_new_custodians_signed_is_followed(scene: Scene) -> None:
    """The counterpart of the refusals above: they do not refuse everything."""
    repository = scene.repository
    old, repository.root_custodians = repository.root_custodians, [MemorySigner() for _ in range(3)]
    repository.sign_root(before=old)
    repository.publish()
    assert scene.must_take().changed
    assert scene.held("root") == repository.files["metadata/2.root.json"]


def _rotate(repository: Repository, lie: Lie) -> None:
    repository.root_custodians = [MemorySigner() for _ in range(3)]
    repository.sign_root(lie)
    repository.publish()


def _change(data: bytes) -> bytes:
    document = json.loads(data)
    document["signed"]["x-more"] = 1
    return json.dumps(document).encode()


def _with_signatures(data: bytes, change: Callable[[list[Any]], list[Any]]) -> bytes:
    document = json.loads(data)
    document["signatures"] = change(document["signatures"])
    return json.dumps(document).encode()


def _list_twin(repository: Repository, role: str, twin_of: Twin) -> str:
    """Publish a root in which the first custodian's key stands twice, and let it alone sign for the role.

    Returns:
        The id of the second.
    """
    custodians = {"root": repository.root_custodians, "targets": repository.targets_custodians}[role]
    twin = twin_of(roles.role_key(custodians[0]))

    def list_both(root: Any) -> None:
        root.keys[twin.keyid] = twin
        root.roles[role].keyids[1:] = [twin.keyid]

    def sign_twice(data: bytes) -> bytes:
        return _with_signatures(data, lambda signatures: [*signatures, {**signatures[0], "keyid": twin.keyid}])

    repository.sign_root(Lie(edit=list_both, twist=sign_twice if role == "root" else None))
    if role == "targets":
        repository.sign_targets(Lie(signers=custodians[:1], twist=sign_twice))
    return twin.keyid
