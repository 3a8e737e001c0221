"""An authority's folder: all of it or nothing, private keys for their owner alone, and everything relative."""

import json
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
from support import processes
from support.passes import DAY, approved
from support.repositories import logs_of, signed
from support.world import World

from movepass_issuer import AuthorityError, IssuerError, RepositoryError
from movepass_issuer.authority import ceremony_desk, creation
from movepass_issuer.authority import folder as authority_folder
from movepass_issuer.authority.ceremony_desk import CUSTODIANS, THRESHOLD
from movepass_issuer.authority.creation import create_authority
from movepass_issuer.authority.folder import Authority
from movepass_issuer.publishing.publisher import Publisher, listed_days
from movepass_issuer.storage import opening
from movepass_keys import KeyFileError, KeysError
from movepass_keys.ceremony import custodian
from movepass_keys.records import roles
from movepass_verifier import Device
from movepass_wire.payload import ED25519, ESP256

NOW = 1795316400  # 2026-11-22T09:00:00+06:00


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that the tests only look at."""
    return create_authority(tmp_path_factory.mktemp("made") / "authority", name="Dhaka", test=False, now=NOW)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_layout_is_as_documented(made: Authority) -> None:
    kid = next(iter(made.keys().keys)).hex()
    files = {str(path.relative_to(made.folder)) for path in made.folder.rglob("*") if path.is_file()}
    private = {f"custodians/{n}/{role}.pem" for n in (1, 2, 3) for role in ("root", "targets")}
    private |= {"keys/online.pem", f"keys/pass-{kid}.pem"}
    assert {name for name in files if name.endswith(".pem")} == private
    assert files - private >= {
        "authority.json", "ledger.sqlite", "repository/metadata/1.root.json", "repository/metadata/1.targets.json",
        "repository/metadata/1.status.json", "repository/metadata/1.snapshot.json",
        "repository/metadata/timestamp.json",
    }  # fmt: skip


def test_private_keys_and_their_folders_are_for_their_owner_alone(made: Authority) -> None:
    keys = list(made.folder.rglob("*.pem"))
    assert len(keys) == 2 * CUSTODIANS + 2
    assert {mode(path) for path in keys} == {0o600}
    assert {mode(path.parent) for path in keys} == {0o700}
    assert mode(made.folder) == 0o700


def test_nothing_private_stands_in_what_is_published(made: Authority) -> None:
    for path in made.repository_path.rglob("*"):
        assert not path.is_file() or b"PRIVATE" not in path.read_bytes()
        assert path.suffix != ".pem"


def test_custodians_hold_root_and_targets_two_of_three_and_the_online_key_the_rest(made: Authority) -> None:
    root = signed(made.repository_path, "1.root.json")
    for name, role in root.roles.items():
        offline = name in ("root", "targets")
        assert (len(role.keyids), role.threshold) == ((CUSTODIANS, THRESHOLD) if offline else (1, 1))
    holders = [set(root.roles[name].keyids) for name in ("root", "targets", "snapshot")]
    assert not holders[0] & holders[1]
    assert not holders[2] & (holders[0] | holders[1])
    assert root.consistent_snapshot
    targets = signed(made.repository_path, "1.targets.json")
    delegated = targets.delegations.roles["status"]
    assert (delegated.paths, delegated.terminating, set(delegated.keyids)) == (["status/*"], True, holders[2])


def test_it_has_been_published_once(made: Authority) -> None:
    assert sorted(logs_of(made.repository_path)) == list(listed_days(NOW))
    assert roles.published_at(signed(made.repository_path, "timestamp.json")) == NOW


@pytest.mark.parametrize("test", [True, False])
def test_whether_it_is_a_test_authority_reaches_devices(tmp_path: Path, test: bool) -> None:  # noqa: FBT001
    authority = create_authority(tmp_path / "authority", name="Dhaka", test=test)
    assert authority.test is Authority.open(authority.folder).test is authority.keys().test is test
    Device.enroll(tmp_path / "d", root=authority.root_path.read_bytes(), sources=[str(authority.repository_path)])
    with Device.open(tmp_path / "d") as device:
        device.sync()
        keys = device.state().keys
    assert (keys.authority, keys.test) == ("Dhaka", test)


@pytest.mark.parametrize("alg", [ESP256, ED25519], ids=["esp256", "ed25519"])
def test_passes_of_either_algorithm_are_accepted_by_a_device(tmp_path: Path, alg: int) -> None:
    authority = create_authority(tmp_path / "authority", name="Dhaka", test=True, alg=alg)
    assert [key.alg for key in authority.keys().keys.values()] == [alg]
    world = World(authority, tmp_path / "device")
    world.enroll(world.store)
    world.sync()
    result = world.verify(world.issue().text)
    assert (result.verdict.value, result.test, result.authority) == ("valid", True, "Dhaka")


def test_the_pass_key_is_valid_from_yesterday_for_a_year(made: Authority) -> None:
    key = next(iter(made.keys().keys.values()))
    assert (key.not_before, key.not_after) == ((NOW // DAY - 1) * DAY, (NOW // DAY + 364) * DAY)


def test_a_folder_that_is_moved_works_where_it_is(world: World, tmp_path: Path) -> None:
    shutil.move(world.authority.folder, tmp_path / "elsewhere")
    moved = Authority.open(tmp_path / "elsewhere")
    with moved.issuer() as issuer:
        assert issuer.issue(approved("R-1", world.now)).text
    with moved.publisher() as publisher:
        publisher.publish(world.now)


def test_an_empty_folder_is_taken_and_missing_parents_are_made(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir(mode=0o755)
    create_authority(tmp_path / "empty", name="x", test=True)
    create_authority(tmp_path / "a" / "b" / "c", name="x", test=True)
    assert mode(tmp_path / "empty") == 0o700
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "a"}


def test_a_folder_in_use_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "letter.txt").write_text("dear")
    (tmp_path / "file").write_text("dear")
    for name in ("used", "file"):
        with pytest.raises(AuthorityError, match="in use already"):
            create_authority(tmp_path / name, name="x", test=True)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "letter.txt", "used"]


def test_an_authority_is_never_made_over_another(world: World) -> None:
    before = {path: path.read_bytes() for path in world.authority.folder.rglob("*") if path.is_file()}
    with pytest.raises(AuthorityError, match="in use already"):
        create_authority(world.authority.folder, name="x", test=True)
    assert {path: path.read_bytes() for path in world.authority.folder.rglob("*") if path.is_file()} == before


def test_where_no_folder_can_be_made_it_is_an_authority_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AuthorityError, match="can't make"):
        create_authority(tmp_path / "file" / "authority", name="x", test=True)


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb", "a\0", "a\u202eb"])
def test_a_name_that_can_not_be_shown_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(AuthorityError, match="printable"):
        create_authority(tmp_path / "authority", name=name, test=True)
    assert list(tmp_path.iterdir()) == []


def test_a_bangla_name_reaches_the_published_keys(tmp_path: Path) -> None:
    assert (
        create_authority(tmp_path / "a", name="ঢাকা মেট্রোপলিটন পুলিশ", test=True).keys().authority == "ঢাকা মেট্রোপলিটন পুলিশ"
    )


class Fails:
    """Calls through until the n-th call, which raises."""

    def __init__(self, method: Any, nth: int, error: BaseException) -> None:
        self._method = method
        self._left = nth
        self._error = error

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            raise self._error
        return self._method(*args, **kwargs)


STEPS = [
    ("creation.create_key_file", 1, KeyFileError("full")),
    ("folder.create_key_file", 1, KeyFileError("full")),
    *[("custodian.create_key_file", n, KeyFileError("full")) for n in (1, 4, 6)],
    ("ceremony_desk.put_keys", 1, RepositoryError("full")),
    ("json.dumps", 1, OSError(28, "No space left on device")),
    ("opening.SqliteLedger", 1, KeyboardInterrupt()),
    ("Publisher.publish", 1, RepositoryError("full")),
    ("Publisher.publish", 1, KeyboardInterrupt()),
    ("Path.replace", 1, OSError(28, "No space left on device")),
]


@pytest.mark.parametrize(("step", "nth", "error"), STEPS)
@pytest.mark.parametrize("existing", [False, True], ids=["new", "empty"])
def test_a_failure_midway_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    nth: int,
    error: BaseException,
    existing: bool,  # noqa: FBT001
) -> None:
    folder = tmp_path / "authority"
    if existing:
        folder.mkdir()
    owner, _, name = step.rpartition(".")
    owners = {
        "creation": creation,
        "folder": authority_folder,
        "json": json,
        "Publisher": Publisher,
        "custodian": custodian,
        "ceremony_desk": ceremony_desk,
        "opening": opening,
    }
    if owner == "Path":
        monkeypatch.setattr(Path, "replace", _only_for(folder, Path.replace, error))
    else:
        target = owners[owner]
        monkeypatch.setattr(target, name, Fails(getattr(target, name), nth, error))
    with pytest.raises((AuthorityError, RepositoryError, KeyFileError, KeyboardInterrupt)):
        create_authority(folder, name="x", test=True, now=NOW)
    monkeypatch.undo()
    assert [path for path in tmp_path.rglob("*") if path != folder] == []
    create_authority(folder, name="x", test=True, now=NOW)


def _only_for(folder: Path, method: Any, error: BaseException) -> Any:
    def replace(self: Path, target: Path) -> Any:
        if Path(target) == folder:
            raise error
        return method(self, target)

    return replace


@pytest.mark.parametrize(
    "content",
    [
        None, b"", b"{", b"\xff", b"[]", b"null", b'"text"', b"{}", b'{"version": 1}',
        b'{"version": 1, "name": "x", "test": true, "pass_signer": "file:x"}',
    ],
)  # fmt: skip
def test_a_folder_that_is_no_authority_is_refused_with_what_to_do(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "authority.json").write_bytes(content)
    with pytest.raises(AuthorityError, match="movepass init"):
        Authority.open(tmp_path)


def test_an_authority_of_a_later_version_is_refused(world: World) -> None:
    path = world.authority.folder / "authority.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 2}))
    with pytest.raises(AuthorityError, match="version 2"):
        Authority.open(world.authority.folder)


@pytest.mark.parametrize("part", ["keys", "ledger.sqlite", "repository/metadata", "repository/targets"])
def test_a_missing_part_is_an_error_of_ours(world: World, part: str) -> None:
    path = world.authority.folder / part
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises((IssuerError, KeysError)), world.authority.issuer():
        pass


def test_a_pass_key_that_others_can_read_is_not_used(world: World) -> None:
    for path in (world.authority.folder / "keys").iterdir():
        path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"), world.authority.issuer():
        pass
    with pytest.raises(KeyFileError, match="chmod 600"):
        world.publish()


def test_published_keys_that_can_not_be_read_are_an_error_of_ours(world: World) -> None:
    document = next((world.repository / "targets").glob("*.jwks.json"))
    document.write_bytes(b"{}")
    with pytest.raises(IssuerError, match="published keys can't be read"):
        world.authority.keys()
    document.unlink()
    with pytest.raises(RepositoryError, match="missing"):
        world.authority.keys()


def test_the_issuer_lets_go_of_the_ledger_even_if_it_did_not_start(world: World) -> None:
    next((world.repository / "targets").glob("*.jwks.json")).unlink()
    with pytest.raises(RepositoryError), world.authority.issuer():
        pass
    assert processes.open_files(world.authority.folder) == []
