"""Run `movepass export-tsl` as a publisher for readers of the IETF's format does."""

import time
from pathlib import Path

import pytest
from support.status_lists import STATUS_LIST, read_token, statuses

from movepass_keys import FileSigner
from movepass_keys.signers.key_files import create_key_file
from movepass_wire import ESP256, parse_number
from movepass_wire.number import resolve_day
from movepass_wire.times import day_name, day_of

from .conftest import Field, Movepass, set_up

URI = "https://passes.example/status/today"


@pytest.fixture
def own(tmp_path: Path) -> Field:
    """An authority and a device of one's own."""
    return set_up(tmp_path / "own")


def test_a_revoked_pass_is_the_one_bit_of_its_day(movepass: Movepass, own: Field, tmp_path: Path) -> None:
    key, file = tmp_path / "tsl.pem", tmp_path / "list.cwt"
    create_key_file(key, ESP256)
    short_day, index = parse_number(own.number)
    day = day_name(resolve_day(short_day, day_of(int(time.time()))))
    movepass("revoke", "--authority", own.authority, own.number)
    movepass("publish", "--authority", own.authority)
    options = ("--authority", own.authority, "--signer", f"file:{key}", "--uri", URI, "--to", file)
    ran = movepass("export-tsl", *options, day)
    assert ran.code == 0
    assert f"{file} tells of 1,048,576 indexes of {day}, 1 of them revoked" in ran.out
    _, claims = read_token(file.read_bytes(), FileSigner(key).public_key)
    read = statuses(claims[STATUS_LIST]["bits"], claims[STATUS_LIST]["lst"])
    assert (len(read), [at for at, status in enumerate(read) if status]) == (1 << 20, [index])
    assert claims[2] == URI
    row = movepass("export-tsl", *options, "--json", "--size", "1000", day).row
    assert (row["revoked"], row["size"], row["day"]) == (1, 1000, day)


def test_what_can_not_be_exported_is_told_in_one_line(movepass: Movepass, own: Field, tmp_path: Path) -> None:
    key, file = tmp_path / "tsl.pem", tmp_path / "list.cwt"
    create_key_file(key, ESP256)
    today = day_name(day_of(int(time.time())))
    options = ("--authority", own.authority, "--uri", URI, "--to", file)
    signed = (*options, "--signer", f"file:{key}")
    for arguments, code, words in (
        ((*signed, "yesterday"), 2, "expected a UTC day like 2026-11-22"),
        ((*signed, "1999-12-31"), 2, "there is no list for 1999-12-31; there is one for"),
        ((*signed, "--size", "0", today), 2, "--size"),
        ((*options, today), 2, "--signer"),
        ((*options, "--signer", "file:nowhere.pem", today), 4, "can't read the key"),
        ((*options, "--signer", f"file:{key}", "--to", tmp_path / "nowhere" / "x", today), 4, "nowhere"),
    ):
        ran = movepass("export-tsl", *arguments)
        assert (ran.code, len(ran.err.splitlines())) == (code, 1), ran.err
        assert words in ran.err
    assert not file.exists()
