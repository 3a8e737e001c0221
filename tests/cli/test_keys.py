"""Check the commands of key holders with files and folders that are not as they should be."""

from pathlib import Path

import pytest
from support.faults import small_files

from .conftest import Movepass, set_up

NO_FILES = {
    "text": b"hello",
    "cut short": b'{"movepass_proposal": 1, "ro',
    "other JSON": b'{"a": 1}',
    "a list": b"[]",
    "binary": bytes(range(256)),
    "half a proposal": b'{"movepass_proposal": 1, "role": "root"}',
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("kind", NO_FILES)
def test_a_file_that_is_no_proposal_is_bad_input(movepass: Movepass, tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_bytes(NO_FILES[kind])
    for command in (("show", "file"), ("sign", "file", "--key", "folder", "--out", "sig"), ("collect", "file", "file")):
        ran = movepass("keys", *command, cwd=tmp_path)
        assert ran.code == 2, ran.err
        assert "proposal" in ran.err


def test_a_file_that_is_no_signature_or_no_card_is_bad_input(movepass: Movepass, tmp_path: Path) -> None:
    field = set_up(tmp_path)
    (tmp_path / "bad").write_bytes(b'{"a": 1}')
    assert movepass("keys", "propose", "root", "--authority", field.authority, "--out", tmp_path / "p").code == 0
    ran = movepass("keys", "collect", tmp_path / "p", tmp_path / "bad")
    assert (ran.code, ran.err) == (2, f"movepass: error: {tmp_path}/bad: this is not a signature file\n")
    ran = movepass("keys", "propose", "root", "--authority", field.authority, "--card", tmp_path / "bad", "--out", "x")
    assert ran.code == 2
    assert "this is not a custodian's card" in ran.err


def test_a_root_that_can_not_be_read_says_to_restore_it(movepass: Movepass, tmp_path: Path) -> None:
    field = set_up(tmp_path)
    (field.authority / "repository" / "metadata" / "1.root.json").write_bytes(b'{"signed": ')
    ran = movepass("keys", "propose", "root", "--authority", field.authority, "--out", tmp_path / "p")
    assert ran.code == 4
    assert "a document of the repository can't be read" in ran.err
    assert "restore it from a copy" in ran.err
    assert "defect" not in ran.err


def test_a_stick_is_blamed_only_where_one_may_be(movepass: Movepass, tmp_path: Path) -> None:
    field = set_up(tmp_path)
    ran = movepass("keys", "propose", "root", "--authority", field.authority, "--out", tmp_path / "none" / "p")
    assert ran.code == 4
    assert "is the stick still plugged in?" in ran.err
    with small_files(300):  # a key's file fits, and authority.json can't be written
        ran = movepass("keys", "new", "--authority", field.authority)
    assert ran.code == 4
    assert f"can't write {field.authority}/authority.json" in ran.err
    assert "plugged" not in ran.err


def test_a_custodians_folder_that_can_not_be_written_to(movepass: Movepass, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = movepass("keys", "custodian", tmp_path / "file" / "mine", "--name", "Rahima", "--no-passphrase")
    assert ran.code == 4
    assert "can't make" in ran.err
