"""Check hostile sticks: nothing outside a stick is read, changed, created or deleted, and nothing hangs."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import processes
from support.sticks import TRAPS, content, lay

from movepass_cli import main
from movepass_keys import files
from movepass_verifier import Device, SyncError
from movepass_verifier.errors import BundleError
from movepass_verifier.sync import bundle

from .conftest import Field, Movepass, Ran, set_up

MOST_KILOBYTES = 250 << 10
PLACES = (
    bundle.MARK,
    "metadata",
    "metadata/timestamp.json",
    "metadata/1.root.json",
    "metadata/2.root.json",
    "metadata/.timestamp.json.new",
    "metadata/\x1b[2Jcontrol",
    "targets",
    "targets/status",
    "targets/status/old.log",
)


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Field:
    return set_up(tmp_path_factory.mktemp("field"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder that no stick may reach, with a key and with what an export would clean away."""
    folder = tmp_path / "home"
    for part in ("", "status"):
        (folder / part).mkdir(exist_ok=True)
        for name in ("online.pem", "keep.log", "old.json", ".timestamp.json.new"):
            (folder / part / name).write_bytes(b"-----BEGIN PRIVATE KEY-----\n")
    return folder


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Movepass:
    """The command within this process, in the test's folder: there are many traps."""

    def run(*arguments: object) -> Ran:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["movepass", *map(str, arguments)])
        code = main._run()
        said = capsys.readouterr()
        assert "a defect in movepass" not in said.err, said.err
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture(scope="module")
def good_stick(field: Field, tmp_path_factory: pytest.TempPathFactory) -> Path:
    stick = tmp_path_factory.mktemp("good") / "stick"
    bundle.export(str(field.authority / "repository"), stick)
    return stick


@pytest.fixture
def stick(good_stick: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good_stick, tmp_path / "stick"))


@pytest.fixture(autouse=True)
def _nothing_outside_changes(home: Path) -> Iterator[None]:
    before = content(home)
    yield
    assert content(home) == before


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("trap", TRAPS)
def test_an_export_reaches_nothing_outside_its_stick(
    field: Field, home: Path, stick: Path, place: str, trap: str
) -> None:
    lay(trap, stick / place, home / "online.pem")
    try:
        bundle.export(str(field.authority / "repository"), stick)
    except BundleError as e:
        assert str(stick) in str(e)  # noqa: PT017 - either is right, and what is said must name the place
    else:
        assert not [path for path in stick.rglob("*/*") if path.is_symlink()]


@pytest.mark.parametrize("place", [place for place in PLACES if place != bundle.MARK])
@pytest.mark.parametrize("trap", TRAPS)
def test_a_sync_from_a_prepared_stick_ends_in_words(
    field: Field, home: Path, stick: Path, tmp_path: Path, place: str, trap: str
) -> None:
    store = shutil.copytree(field.device, tmp_path / "device")
    lay(trap, stick / place, home / "online.pem")
    with Device.open(store) as device:
        try:
            device.sync(str(stick))
        except SyncError as e:
            assert str(stick) in str(e)  # noqa: PT017 - as above


def test_an_export_to_a_folder_that_is_a_link_is_refused(
    inside: Movepass, field: Field, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(home)
    ran = inside("export-bundle", "--authority", field.authority, "--to", tmp_path / "link")
    assert (ran.code, "a link" in ran.err) == (4, True)


def test_what_killed_the_authoritys_keys_is_refused_by_the_command(
    movepass: Movepass, field: Field, home: Path, stick: Path
) -> None:
    shutil.rmtree(stick / "targets")
    (stick / "targets").symlink_to(home)
    ran = movepass("export-bundle", "--authority", field.authority, "--to", stick)
    assert ran.code == 4
    assert f"{stick}/targets: a link" in ran.err
    assert "take another one" in ran.err


# What custodians carry


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A custodian, an authority that waits for its own, and a proposal."""
    from .conftest import run_movepass  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("table")
    for command in (
        ("init", "--authority", "office", "--ceremony"),
        ("keys", "custodian", "rahima", "--name", "Rahima", "--no-passphrase"),
        ("keys", "propose", "root", "--authority", "office", "--card", "rahima/card.json", "--threshold", "1",
         "--out", "root.proposal"),
    ):  # fmt: skip
        ran = run_movepass(*command, cwd=folder)
        assert ran.code == 0, ran.err
    return folder


def sign(inside: Movepass, table: Path, stick: Path) -> Ran:
    return inside(
        "keys", "sign", stick / "root.proposal", "--key", table / "rahima", "--out", stick / "rahima.sig", "--yes"
    )


@pytest.mark.parametrize("name", [".rahima.sig.new", "rahima.sig"])
@pytest.mark.parametrize("trap", ["a link", "a link to nothing", "a hard link"])
def test_a_signature_is_never_written_through_a_link(
    inside: Movepass, table: Path, home: Path, tmp_path: Path, name: str, trap: str
) -> None:
    mine = shutil.copytree(table, tmp_path / "mine")
    carried = tmp_path / "carried"
    carried.mkdir()
    shutil.copy(table / "root.proposal", carried)
    lay(trap, carried / name, home / "online.pem")
    ran = sign(inside, mine, carried)
    if name == "rahima.sig":
        assert ran.code == 2
        assert "exists; it is not written over" in ran.err
    else:
        assert ran.code == 0
        assert not (carried / "rahima.sig").is_symlink()


def test_a_signature_goes_to_no_folder_that_is_a_link(
    inside: Movepass, table: Path, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "carried").symlink_to(home)
    mine = shutil.copytree(table, tmp_path / "mine")
    ran = inside(
        "keys", "sign", table / "root.proposal", "--key", mine / "rahima", "--out", tmp_path / "carried" / "s", "--yes"
    )
    assert ran.code == 2
    assert "a link" in ran.err


@pytest.mark.parametrize("trap", sorted(set(TRAPS) - {"a file"}))
@pytest.mark.parametrize("command", ["show", "fingerprint", "collect"])
def test_what_a_custodian_gets_is_a_file_or_refused(
    inside: Movepass, home: Path, tmp_path: Path, trap: str, command: str
) -> None:
    lay(trap, tmp_path / "given", home / "online.pem")
    arguments = ("given", "given") if command == "collect" else ("given",)
    ran = inside("keys", command, *arguments)
    assert ran.code == 2
    assert ran.err.startswith("movepass: error: can't read given: ")


def test_a_fingerprint_is_of_all_of_a_file_or_refused(inside: Movepass, tmp_path: Path) -> None:
    for name, end in (("one", b"a"), ("two", b"b")):
        (tmp_path / name).write_bytes(bytes((1 << 22) - 1) + end)
    ran = inside("keys", "fingerprint", tmp_path / "one", tmp_path / "two", "--json")
    assert ran.rows[0]["sha256"] != ran.rows[1]["sha256"]
    (tmp_path / "one").write_bytes(bytes((1 << 22) + 1))
    ran = inside("keys", "fingerprint", tmp_path / "one")
    assert (ran.code, "larger than the 4,194,304 bytes" in ran.err) == (2, True)


@pytest.mark.parametrize("trap", sorted(set(TRAPS) - {"a file"}))
@pytest.mark.parametrize("option", ["--root", "enrolment"])
def test_a_device_is_enrolled_by_a_file_or_not_at_all(
    inside: Movepass, home: Path, tmp_path: Path, trap: str, option: str
) -> None:
    lay(trap, tmp_path / "given", home / "online.pem")
    arguments = (
        ("--root", "given", "--source", tmp_path) if option == "--root" else ("given", "--fingerprint", "0" * 40)
    )
    ran = inside("enroll", "--store", "device", *arguments)
    assert ran.code == 2
    assert "can't read" in ran.err
    assert not (tmp_path / "device").exists()


# A store in a place that somebody has prepared


@pytest.mark.parametrize("trap", ["a link", "a link to nothing", "a pipe", "a hard link"])
@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal"])
def test_no_device_is_set_up_where_a_trap_is_laid(
    inside: Movepass, field: Field, home: Path, tmp_path: Path, trap: str, ending: str
) -> None:
    lay(trap, tmp_path / "device" / f"device.sqlite{ending}", home / "online.pem")
    root = field.authority / "repository" / "metadata" / "1.root.json"
    ran = inside("enroll", "--store", tmp_path / "device", "--root", root, "--source", field.authority / "repository")
    assert (ran.code, str(tmp_path / "device") in ran.err) == (4, True)


@pytest.mark.parametrize("name", ["device.sqlite-wal", "device.sqlite-shm", "device.sqlite-journal"])
def test_a_store_with_a_link_beside_it_is_refused(
    inside: Movepass, field: Field, home: Path, tmp_path: Path, name: str
) -> None:
    store = Path(shutil.copytree(field.device, tmp_path / "device"))
    lay("a link", store / name, home / "online.pem")
    ran = inside("status", "--store", store)
    assert (ran.code, f"{store / name} is a link" in ran.err) == (4, True)


@pytest.mark.parametrize("name", [".partial", ".lock.partial", ".sync-0", ".lock.sync-0"])
def test_a_sync_cleans_nothing_behind_a_link(
    inside: Movepass, field: Field, home: Path, tmp_path: Path, name: str
) -> None:
    store = Path(shutil.copytree(field.device, tmp_path / "device"))
    (store / name).symlink_to(home / "online.pem" if "lock" in name else home)
    inside("sync", "--store", store)


# One home


def test_memory_stays_bounded_whatever_the_file_is(tmp_path: Path) -> None:
    lay("a huge file", tmp_path / "huge", tmp_path)
    code = """
import sys
from pathlib import Path
from movepass_keys import files
try:
    files.read_regular(Path(sys.argv[1]), 1 << 22)
except files.UnfitFileError as e:
    print(e.strerror)
# Not ru_maxrss: before its exec this process shared the memory of the one that started it.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
    said, peak = processes.run(code, tmp_path / "huge").splitlines()
    assert "larger than the 4,194,304 bytes" in said
    assert int(peak) < MOST_KILOBYTES


def test_a_folder_that_is_swapped_for_a_link_meanwhile_redirects_nothing(home: Path, tmp_path: Path) -> None:
    (tmp_path / "stick" / "metadata").mkdir(parents=True)
    with files.Folder.open(tmp_path / "stick") as stick, stick.folder("metadata") as metadata:
        (tmp_path / "stick" / "metadata").rename(tmp_path / "stick" / "moved")
        (tmp_path / "stick" / "metadata").symlink_to(home)
        metadata.write_whole("online.pem", b"new")
        metadata.remove("keep.log")
    assert (tmp_path / "stick" / "moved" / "online.pem").read_bytes() == b"new"
