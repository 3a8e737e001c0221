"""Check pass numbers by command."""

import shutil
from pathlib import Path

import pytest

from .conftest import Field, Movepass


def test_a_number_that_is_not_revoked_can_not_be_verified(movepass: Movepass, field: Field) -> None:
    ran = movepass("check-number", "--store", field.device, field.number.lower())
    assert ran.code == 3
    lines = ran.out.splitlines()
    assert lines[0] == f"? CANNOT VERIFY  {field.number}"
    assert lines[1] == "  no signature was seen: a number can be made up, or be another's"
    assert lines[2].startswith("  not on the revocation list for passes that end on ")
    row = movepass("check-number", "--store", field.device, "--json", field.number).row
    assert (row["outcome"], row["pass_number"], row["suggestions"]) == ("cannot-verify", field.number, [])
    assert set(row["freshness"]) == {"synced_at", "published", "age_s", "sync_soon"}


def test_a_revoked_number_is_rejected(movepass: Movepass, field: Field, tmp_path: Path) -> None:
    own, device = (Path(shutil.copytree(folder, tmp_path / folder.name)) for folder in (field.authority, field.device))
    assert movepass("revoke", "--authority", own, field.number).code == 0
    assert movepass("publish", "--authority", own).code == 0
    assert movepass("sync", "--store", device, "--source", own / "repository").code == 0
    ran = movepass("check-number", "--store", device, "--language", "bn", field.number)
    assert ran.code == 1
    assert "পাসটি বাতিল করা হয়েছে" in ran.out


@pytest.mark.parametrize("at", [0, 4, 6])
def test_a_slip_is_caught_and_offered_and_not_put_right(movepass: Movepass, field: Field, at: int) -> None:
    plain = field.number.replace("-", "")
    if plain[at] == plain[at + 1]:
        return
    ran = movepass("check-number", "--store", field.device, "--json", swap(plain, at))
    assert ran.code == 2
    assert ran.row["outcome"] == "cannot-verify"
    assert ran.row["pass_number"] is None
    assert field.number in ran.row["suggestions"] or len(ran.row["suggestions"]) == 3


def swap(plain: str, at: int) -> str:
    return plain[:at] + plain[at + 1] + plain[at] + plain[at + 2 :]


def test_what_is_no_number_says_what_one_looks_like(movepass: Movepass, field: Field) -> None:
    ran = movepass("check-number", "--store", field.device, "\x1b[2J")
    assert ran.code == 2
    assert "a pass number has nine letters and digits, like A1B-2C3-D4E" in ran.out
    assert "\x1b" not in ran.out
