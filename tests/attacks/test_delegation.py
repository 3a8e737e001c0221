"""Check that the online key is trusted for status/* only, and that what it signs must be readable."""

import random
from contextlib import suppress
from typing import Any

import pytest
from tuf.api.metadata import DelegatedRole, Delegations, TargetFile

from attacks.scene import GOOD, Scene
from attacks.simulator import Lie, MemorySigner, Repository, log_name
from movepass_keys import KeySet, PassKey
from movepass_keys.records import generations, layout, roles
from movepass_verifier import SyncError
from movepass_wire import encode_block, new_log

NOT_OURS = "does not offer what an authority publishes"
UNREADABLE = "is signed and yet unreadable"


def forge_keys(repository: Repository, forger: MemorySigner) -> bytes:
    """Write a list of pass keys with a forger's in it."""
    end = repository.now + 10**7
    keys = [PassKey(signer.public_key, 0, end) for signer in (repository.pass_key, forger)]
    return roles.json_bytes(KeySet.of(repository.name, keys, test=False).to_jwks())


def test_pass_keys_that_the_online_role_lists_are_ignored(scene: Scene) -> None:
    repository, forger = scene.repository, MemorySigner()
    repository.status[layout.KEYS_TARGET] = forge_keys(repository, forger)
    repository.publish()
    assert scene.must_take().changed
    assert scene.verdict(repository.issue(1, signer=forger)) == "unknown-key"


def test_pass_keys_that_only_the_online_role_lists_are_not_published(scene: Scene) -> None:
    repository, forger = scene.repository, MemorySigner()
    repository.sign_targets(Lie(edit=lambda targets: targets.targets.clear()))
    repository.status[layout.KEYS_TARGET] = forge_keys(repository, forger)
    repository.publish()
    scene.must_refuse("keys.jwks.json is not published")


def test_the_online_role_can_not_delegate_the_pass_keys_further(scene: Scene) -> None:
    repository, forger = scene.repository, MemorySigner()
    target = repository.put_target(layout.KEYS_TARGET, forge_keys(repository, forger))

    def delegate(status: Any) -> None:
        key = roles.role_key(forger)
        role = DelegatedRole("helper", [key.keyid], 1, terminating=False, paths=["*"])
        status.delegations = Delegations({key.keyid: key}, {"helper": role})

    def name_helper(snapshot: Any) -> None:
        snapshot.meta["helper.json"] = repository.named["helper"]

    helper = roles.make_status({layout.KEYS_TARGET: target}, now=repository.now, version=1)
    repository._put("helper", helper, [forger], Lie())
    repository.publish({"status": Lie(edit=delegate), "snapshot": Lie(edit=name_helper)})
    assert scene.must_take().changed
    assert scene.verdict(repository.issue(1, signer=forger)) == "unknown-key"


@pytest.mark.parametrize("name", [5, True])
def test_a_delegation_to_a_role_whose_name_is_no_text_is_refused(scene: Scene, name: Any) -> None:
    repository = scene.repository
    key = roles.role_key(repository.online)

    def delegate(status: Any) -> None:
        del status.targets[roles.DENIED_TARGET]
        role = DelegatedRole("helper", [key.keyid], 1, terminating=False, paths=["status/*"])
        status.delegations = Delegations({key.keyid: key}, {"helper": role})
        role.name = name

    repository.publish({"status": Lie(edit=delegate)})
    scene.must_refuse(NOT_OURS)


@pytest.mark.parametrize(
    "name",
    [
        "status/tomorrow.log",
        "status/123456.log",
        "status/20.log.log",
        "status/a/20.log",
        "20.log",
        "status/.log",
        "status/020.log",
    ],
)
def test_names_that_are_no_logs_names_are_ignored(scene: Scene, name: str) -> None:
    scene.repository.status[name] = new_log(20) + encode_block([GOOD])
    scene.repository.publish()
    days = {log.day for log in scene.must_take().logs}
    assert days == set(range(scene.repository.today - 1, scene.repository.today + 5))


@pytest.mark.parametrize("shift", [-1, 1])
def test_a_log_of_another_day_is_refused_though_it_is_signed(scene: Scene, shift: int) -> None:
    repository = scene.repository
    name = log_name(repository.today)
    repository.status[name] = new_log(repository.today + shift) + encode_block([GOOD])
    repository.publish()
    scene.must_refuse(f"the list of day {repository.today} says that it is of day {repository.today + shift}")


@pytest.mark.parametrize("custom", [{generations.GENERATION: 8}, {generations.GENERATION: "9"}, {}, [9], None], ids=str)
def test_a_log_of_another_generation_than_its_target_says_is_refused(scene: Scene, custom: object) -> None:
    repository = scene.repository
    name = log_name(repository.today)
    repository.status[name] = repository.status[name][:6] + (9).to_bytes(2, "big") + repository.status[name][8:]
    edit = Lie(edit=lambda status: status.targets[name].unrecognized_fields.update(custom=custom))
    repository.publish({"status": edit})
    scene.must_refuse(f"the list of day {repository.today} says that it is of day {repository.today} and generation 9")
    repository.publish()
    scene.must_take()


@pytest.mark.parametrize(
    "log",
    [b"", b"MPL1", b"MPL2" + bytes(4), b"HEADER" + b"\xff" * 40, b"nothing here. " * 9],
    ids=["empty", "cut short", "another version", "a number without end", "prose"],
)
def test_a_log_that_can_not_be_read_is_refused_though_it_is_signed(scene: Scene, log: bytes) -> None:
    today = scene.repository.today
    scene.repository.status[log_name(today)] = log.replace(b"HEADER", new_log(today))
    scene.repository.publish()
    scene.must_refuse(UNREADABLE)


def test_no_random_damage_of_a_signed_log_breaks_anything(stick: Scene) -> None:
    repository, chance = stick.repository, random.Random(20)
    name = log_name(repository.today)
    whole = new_log(repository.today) + encode_block(range(0, 999, 3)) + encode_block([10**6, 10**8])
    refused = 0
    for _ in range(30):
        at = chance.randrange(8, len(whole))
        repository.status[name] = whole[:at] + chance.randbytes(1) + whole[at + chance.randrange(3) :]
        repository.publish()
        before = stick.tables()
        with suppress(SyncError):
            stick.sync()
            continue
        refused += 1
        assert stick.tables() == before
    assert refused


@pytest.mark.parametrize("document", [b"", b"{}", b'{"denied":[{"kid":"1"}]}', b"[" * 9999, b'{"denied":{}}'])
def test_denied_keys_that_can_not_be_read_are_refused_though_they_are_signed(scene: Scene, document: bytes) -> None:
    scene.repository.status[roles.DENIED_TARGET] = document
    scene.repository.publish()
    scene.must_refuse("the keys are signed and yet unreadable")


def test_a_publication_without_the_denied_keys_is_refused(scene: Scene) -> None:
    del scene.repository.status[roles.DENIED_TARGET]
    scene.repository.publish()
    scene.must_refuse("status/denied-keys.json is not published")


def test_a_publication_without_todays_log_leaves_its_passes_unknown_and_never_valid(scene: Scene) -> None:
    repository = scene.repository
    repository.status = {roles.DENIED_TARGET: repository.status[roles.DENIED_TARGET]}
    repository.publish()
    assert scene.sync().changed
    assert scene.verdict(scene.good) == scene.verdict(scene.revoked) == "status-unknown"


@pytest.mark.parametrize("hash_name", ["../../metadata/other", "../../../../etc/other", "a" * 300])
def test_a_hash_that_is_a_path_leads_to_nothing_that_is_taken_over(scene: Scene, hash_name: str) -> None:
    repository = scene.repository
    repository.files["metadata/other.denied-keys.json"] = repository.status[roles.DENIED_TARGET]
    repository.publish({"status": Lie(edit=lambda status: _name_denied_by(status, hash_name))})
    scene.must_refuse()


def test_a_hash_with_a_nul_in_it_leads_nowhere(stick: Scene) -> None:
    stick.repository.publish({"status": Lie(edit=lambda status: _name_denied_by(status, "\0"))})
    stick.must_refuse("denied-keys.json")


def _name_denied_by(status: Any, value: str) -> None:
    target: TargetFile = status.targets[roles.DENIED_TARGET]
    target.hashes = {"sha256": value}
