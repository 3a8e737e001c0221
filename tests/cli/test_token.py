"""Follow a custodian whose keys are on a token, from the first card to a device's verdict."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import processes
from support.softhsm import PIN, Tokens

from .ceremony import Table
from .conftest import make_request, run_movepass

LABEL = "Rahima's card"
URIS = {"root": "hsm:1?label=Rahima%27s+card", "targets": "hsm:2?label=Rahima%27s+card"}


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    """Rahima's laptop, with her card in it."""
    tokens = Tokens.plug_in(tmp_path_factory.mktemp("card"), LABEL)
    for number in (1, 2):
        tokens.make_key(LABEL, number)
    return tokens


@pytest.fixture
def table(tmp_path: Path, tokens: Tokens) -> Table:
    """Rahima with her card; Kamal and Joy with files."""
    table = Table.set(tmp_path / "table", "kamal", "joy")
    table.environment["rahima"] = {**tokens.environment, "MOVEPASS_PIN": PIN}
    options = ("--root-key", "hsm:1", "--targets-key", "hsm:2")
    table.person("rahima", "keys", "custodian", table.folder / "rahima", "--name", "Rahima", *options)
    return table


def test_one_of_two_who_sign_does_so_with_a_token(table: Table) -> None:
    mine = table.folder / "rahima"
    assert {path.name for path in mine.iterdir()} == {"card.json", "root.uri", "targets.uri"}
    assert {role: (mine / f"{role}.uri").read_text().strip() for role in URIS} == URIS
    table.hold(1, ("rahima", "joy"), *table.cards("rahima", "kamal", "joy"))
    root = json.loads(table.roots[0].read_bytes())
    signed = {root["signed"]["keys"][s["keyid"]]["x-movepass-custodian"] for s in root["signatures"]}
    assert signed == {"Rahima", "joy"}
    device = table.folder / "device"
    source = table.authority / "repository"
    assert run_movepass("enroll", "--store", device, "--root", table.roots[0], "--source", source).code == 0
    assert run_movepass("sync", "--store", device).code == 0
    issued = run_movepass("issue", "--authority", table.authority, "-", given=json.dumps(make_request()))
    assert run_movepass("verify", "--store", device, issued.row["text"]).code == 0
    table.hold(2, ("rahima", "kamal"), "--without", "joy")
    assert run_movepass("sync", "--store", device).code == 0
    assert run_movepass("verify", "--store", device, issued.row["text"]).code == 0


def test_a_key_by_its_uri_signs_too_and_has_the_cards_fingerprint(table: Table) -> None:
    shown = table.person("rahima", "keys", "fingerprint", "--json", "rahima/card.json", *URIS.values()).rows
    assert [shown[0]["root"], shown[0]["targets"]] == [shown[1]["key"], shown[2]["key"]]
    table.propose_root("root-1", *table.cards("rahima", "kamal", "joy"))
    table.sign("rahima", "root-1", "--key", URIS["root"])
    table.office("keys", "collect", "root-1", "rahima.root-1.sig")
    ran = table.sign("rahima", "root-1", "--key", URIS["targets"], code=4)
    assert "has no say in this proposal; do you mean your other key?" in ran.err


def test_one_key_for_both_roles_is_refused_before_anything_is_made(table: Table) -> None:
    ran = table.person(
        "rahima", "keys", "custodian", "again", "--name", "R", "--root-key", "hsm:1", "--targets-key", "hsm:1", code=4
    )
    assert "a custodian has two keys" in ran.err
    assert not (table.folder / "again").exists()


def test_keys_in_a_folder_are_not_put_aside_by_a_token(table: Table) -> None:
    table.environment["kamal"] = table.environment["rahima"]
    ran = table.person("kamal", "keys", "custodian", "kamal", "--name", "K", "--root-key", "hsm:1", code=4)
    assert "root.pem exists; a key is never written over" in ran.err
    assert not (table.folder / "kamal" / "root.uri").exists()
    ran = table.person("rahima", "keys", "custodian", "rahima", "--name", "R", code=4)
    assert "root.uri exists" in ran.err


def test_a_wrong_pin_leaves_no_signature(table: Table) -> None:
    table.propose_root("root-1", *table.cards("rahima", "kamal", "joy"))
    table.environment["rahima"]["MOVEPASS_PIN"] = "000000"
    ran = table.sign("rahima", "root-1", code=4)
    assert "wrong PIN. CAREFUL" in ran.err
    assert not (table.folder / "rahima.root-1.sig").exists()


def test_the_pin_is_asked_for_at_the_terminal_and_not_shown(table: Table, tokens: Tokens) -> None:
    table.propose_root("root-1", *table.cards("rahima", "kamal", "joy"))
    command = ["keys", "sign", "root-1", "--key", "rahima", "--out", "sig", "--yes"]
    environment = {k: v for k, v in processes.environment(tokens.environment).items() if not k.startswith("MOVEPASS_")}
    outside, inside = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "movepass_cli.main", *command],
        stdin=inside, stdout=inside, stderr=inside, env=environment, cwd=table.folder, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(inside)
        seen = read_until(outside, b"PIN: ")
        os.write(outside, f"{PIN}\n".encode())
        seen += read_until(outside, b"Signed.")
        assert process.wait(30) == 0
    os.close(outside)
    assert PIN.encode() not in seen
    table.office("keys", "collect", "root-1", "sig")


def read_until(terminal: int, words: bytes) -> bytes:
    """Read what a terminal shows, until these words."""
    seen, end = b"", time.monotonic() + 60
    while words not in seen:
        assert select.select([terminal], [], [], max(0, end - time.monotonic()))[0], seen
        seen += os.read(terminal, 1024)
    return seen
