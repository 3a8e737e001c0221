"""Run `movepass export-bundle` as a courier does."""

from pathlib import Path

import pytest
from support.servers import serving

from .conftest import Field, Movepass, set_up


@pytest.fixture
def own(tmp_path: Path) -> Field:
    """An authority and a device of one's own."""
    return set_up(tmp_path / "own")


def test_a_revocation_travels_on_a_stick(movepass: Movepass, own: Field, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    assert movepass("revoke", "--authority", own.authority, own.number).code == 0
    assert movepass("publish", "--authority", own.authority).code == 0
    made = movepass("export-bundle", "--authority", own.authority, "--to", stick)
    assert made.code == 0
    assert made.out.startswith(f"{stick} holds what was published at ")
    assert f"movepass sync --store DIR --source {stick}" in made.out
    assert movepass("verify", "--store", own.device, own.text).code == 0
    assert movepass("sync", "--store", own.device, "--source", stick).code == 0
    assert movepass("verify", "--store", own.device, own.text).code == 1


def test_from_a_server_and_in_json(movepass: Movepass, own: Field, tmp_path: Path) -> None:
    with serving(own.authority / "repository") as server:
        row = movepass("export-bundle", "--source", server.url, "--to", tmp_path / "stick", "--json").row
    assert set(row) == {"source", "to", "published", "expires", "requests", "bytes", "written", "size"}
    assert (row["source"], row["to"]) == (server.url, str(tmp_path / "stick"))
    assert row["written"] == row["size"]


def test_what_is_wrong_is_told_in_one_line(movepass: Movepass, own: Field, tmp_path: Path) -> None:
    without = movepass("export-bundle", "--to", tmp_path / "stick")
    assert (without.code, "give --from or --authority" in without.err) == (2, True)
    assert movepass("export-bundle", "--from", own.authority / "repository").code == 2
    taken = movepass("export-bundle", "--authority", own.authority, "--to", own.authority / "repository")
    assert (taken.code, "is the source itself" in taken.err) == (4, True)
    file = tmp_path / "file"
    file.write_bytes(b"")
    blocked = movepass("export-bundle", "--authority", own.authority, "--to", file)
    assert (blocked.code, len(blocked.err.splitlines())) == (4, 1)
