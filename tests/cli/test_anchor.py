"""Check a custodian's memory: whoever says yes to a proposal on another root is stopped anyway."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support import processes
from support.faults import small_files

from movepass_keys.ceremony import custodian
from movepass_keys.ceremony.anchor import read_root

from .ceremony import Table

FOUR = ("rahima", "kamal", "joy", "lina")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """Rahima, Kamal and Joy after the first ceremony, where Rahima and Kamal signed; Lina has keys as well."""
    table = Table.set(tmp_path_factory.mktemp("anchor") / "table", *FOUR)
    table.hold(1, ("rahima", "kamal"), *table.cards("rahima", "kamal", "joy"))
    return table


@pytest.fixture
def table(template: Table, tmp_path: Path) -> Table:
    return template.copy(tmp_path / "table")


@pytest.fixture(scope="module")
def other_template(tmp_path_factory: pytest.TempPathFactory) -> Table:
    table = Table.set(tmp_path_factory.mktemp("strangers") / "table", "kamal", "joy")
    table.hold(1, ("kamal", "joy"), *table.cards("kamal", "joy"))
    return table


@pytest.fixture
def strangers(other_template: Table, tmp_path: Path) -> Table:
    """Another authority, with custodians who call themselves the same."""
    return other_template.copy(tmp_path / "strangers")


def version(table: Table, who: str) -> int | None:
    held = custodian.accepted_root(table.folder / who)
    return held.signed.version if held else None


def edit(table: Table, name: str, change: Callable[[dict[str, Any]], None]) -> str:
    """Write a proposal with something changed."""
    document = json.loads((table.folder / name).read_bytes())
    change(document)
    (table.folder / f"{name}-edited").write_text(json.dumps(document))
    return f"{name}-edited"


def must_refuse(table: Table, who: str, proposal: str, words: str) -> str:
    """Let somebody say yes to a proposal, which must not be signed; what is remembered must not change."""
    path = custodian.root_path(table.folder / who)
    before = path.read_bytes()
    ran = table.sign(who, proposal, code=4)
    assert words in ran.err, ran.err
    assert path.read_bytes() == before
    assert not (table.folder / f"{who}.{proposal}.sig").exists()
    return ran.err


def test_who_signs_the_first_root_holds_to_it(table: Table) -> None:
    assert [version(table, who) for who in FOUR] == [1, 1, None, None]
    table.propose_keys("keys-2")
    assert "That is the root that you last accepted" in table.sign("rahima", "keys-2").out


def test_a_proposal_on_a_foreign_root_is_refused_whatever_its_custodian_says(table: Table, strangers: Table) -> None:
    card = table.folder / "rahima" / "card.json"
    strangers.propose_root("root-2", "--card", card)
    strangers.propose_keys("keys-2", "--with", "root-2")
    for name in ("root-2", "keys-2"):
        shutil.copy(strangers.folder / name, table.folder / f"foreign-{name}")
        said = must_refuse(
            table, "rahima", f"foreign-{name}", "ANOTHER root version 1 than the one you accepted: do not sign"
        )
        shown = table.office("keys", "fingerprint", "--json", strangers.roots[0]).row["sha256"]
        assert f"The fingerprint of the other root: {shown}" in said


def test_who_holds_nothing_yet_is_told_to_compare_and_then_holds_to_it(table: Table, strangers: Table) -> None:
    table.propose_keys("keys-2")
    ran = table.sign("joy", "keys-2")
    fingerprint = table.office("keys", "fingerprint", "--json", table.roots[0]).row["sha256"]
    assert f"Built on root version 1, fingerprint {fingerprint}" in ran.out
    assert "You hold no root to compare that fingerprint with" in ran.out
    assert version(table, "joy") == 1
    strangers.propose_root("root-j", "--without", "joy", "--card", table.folder / "joy" / "card.json")
    shutil.copy(strangers.folder / "root-j", table.folder / "root-j")
    must_refuse(table, "joy", "root-j", "ANOTHER root")


def test_who_says_no_holds_to_nothing(table: Table) -> None:
    table.propose_keys("keys-2")
    table.person("joy", "keys", "sign", "keys-2", "--key", "joy", "--out", "sig", given="n\n", code=130)
    assert version(table, "joy") is None


def test_a_later_root_is_followed_though_its_custodian_was_at_none_of_the_ceremonies(table: Table) -> None:
    table.person("joy", "keys", "remember", "--key", "joy", table.roots[0], "--yes")
    for number in (2, 3):
        table.hold(number, ("rahima", "kamal"))
    assert version(table, "joy") == 1
    table.propose_keys("keys-4")
    ran = table.sign("joy", "keys-4")
    assert "It follows from version 1, which you last accepted" in ran.out
    assert version(table, "joy") == 3


def test_a_proposal_on_a_root_that_has_been_replaced_is_refused(table: Table) -> None:
    table.propose_root("stale-root")
    table.propose_keys("stale-keys")
    table.hold(2, ("rahima", "kamal"))
    assert version(table, "rahima") == 1, "version 2 has been signed, and nobody has shown yet that enough did"
    table.person("rahima", "keys", "remember", "--key", "rahima", *table.roots)
    for name in ("stale-root", "stale-keys"):
        must_refuse(table, "rahima", name, "root version 1, and version 2, which you accepted, has replaced it")


def test_roots_that_do_not_follow_from_each_other_are_refused(table: Table, strangers: Table) -> None:
    """One who makes proposals puts roots of their own behind the true ones."""
    strangers.hold(2, ("kamal", "joy"), "--card", table.folder / "rahima" / "card.json")
    strangers.propose_root("root-3")
    shutil.copy(strangers.folder / "root-3", table.folder / "root-3")
    true_root = json.loads(table.roots[0].read_bytes())

    def put_behind(document: dict[str, Any]) -> None:
        document["roots"][0] = true_root

    must_refuse(table, "rahima", edit(table, "root-3", put_behind), "root version 2 does not follow")


def test_a_chain_with_a_root_left_out_is_refused(table: Table) -> None:
    for number in (2, 3):
        table.hold(number, ("rahima", "kamal"))
    table.propose_root("root-4")
    custodian.remember_root(table.folder / "kamal", read_root(table.roots[0].read_bytes()))
    name = edit(table, "root-4", lambda document: document["roots"].pop(1))
    must_refuse(table, "kamal", name, "does not come with every root from version 1, which you accepted, to 3")
    name = edit(table, "root-4", lambda document: document["roots"].pop(0))
    must_refuse(table, "kamal", name, "does not come with every root")


def test_a_proposal_that_begins_anew_is_refused_by_who_has_accepted_a_finished_root(table: Table) -> None:
    table.person("rahima", "keys", "remember", "--key", "rahima", table.roots[0])
    again = Table.set(table.folder / "again")
    again.propose_root("root-1", *table.cards("rahima", "lina"))
    again.propose_keys("keys-1", "--with", "root-1", "--add", again.first_kid)
    for name in ("root-1", "keys-1"):
        shutil.copy(again.folder / name, table.folder / f"anew-{name}")
        must_refuse(table, "rahima", f"anew-{name}", "this starts over without a root, and you accepted root version 1")


def test_a_first_ceremony_that_came_to_nothing_is_begun_anew(tmp_path: Path) -> None:
    table = Table.set(tmp_path / "table", *FOUR)
    table.propose_root("root-0", *table.cards("rahima", "kamal"))
    table.sign("rahima", "root-0")
    table.propose_root("root-1", *table.cards("rahima", "kamal", "joy"))
    table.propose_keys("keys-1", "--with", "root-1", "--add", table.first_kid)
    must_refuse(table, "rahima", "keys-1", "this starts over without a root")
    assert "CAREFUL: you signed another first root before" in table.sign("rahima", "root-1").out
    table.sign("kamal", "root-1")
    for who in ("rahima", "kamal"):
        table.sign(who, "keys-1")
        for name in ("root-1", "keys-1"):
            table.office("keys", "collect", name, f"{who}.{name}.sig")
    table.publish("root-1", "keys-1")
    table.propose_keys("keys-2")
    table.sign("rahima", "keys-2")


def test_remember_shows_the_fingerprint_and_takes_the_chain_in_any_order(table: Table, strangers: Table) -> None:
    fingerprint = table.office("keys", "fingerprint", "--json", table.roots[0]).row["sha256"]
    remember = ("keys", "remember", "--key", "joy")
    ran = table.person("joy", *remember, table.roots[0], given="n\n", code=130)
    assert f"Root version 1, fingerprint {fingerprint}" in ran.out
    assert "of whom 2 must sign: rahima, kamal, joy" in ran.out
    assert version(table, "joy") is None
    table.person("joy", *remember, table.roots[0], given="y\n")
    for number in (2, 3):
        table.hold(number, ("rahima", "kamal"))
    assert "does not come with every root" in table.person("joy", *remember, table.roots[2], code=4).err
    assert "ANOTHER root" in table.person("joy", *remember, strangers.roots[0], code=4).err
    table.person("joy", *remember, *reversed(table.roots))
    assert version(table, "joy") == 3
    assert "has replaced it" in table.person("joy", *remember, table.roots[0], code=4).err
    assert version(table, "joy") == 3


def put(place: str, value: object, document: dict[str, Any]) -> None:
    document[place] = value


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"signed": ', bytes(range(256))])
def test_a_file_that_is_no_root_is_bad_input_and_a_damaged_memory_is_told(table: Table, content: bytes) -> None:
    (table.folder / "bad").write_bytes(content)
    ran = table.person("joy", "keys", "remember", "--key", "joy", "bad", "--yes", code=2)
    assert "this is not a root document" in ran.err
    table.propose_keys("keys-2")
    custodian.root_path(table.folder / "rahima").write_bytes(content)
    must_refuse(table, "rahima", "keys-2", "restore it from a copy, or delete it and compare")


def test_a_document_of_another_role_is_no_root(table: Table) -> None:
    targets = table.authority / "repository" / "metadata" / "1.targets.json"
    ran = table.person("joy", "keys", "remember", "--key", "joy", targets, "--yes", code=2)
    assert "expected a root document, got one of targets" in ran.err
    table.propose_keys("keys-2")
    for place in ("roots", "root"):
        document = json.loads(targets.read_bytes())
        value = [document] if place == "roots" else document
        name = edit(table, "keys-2", partial(put, place, value))
        assert "the proposal is not for targets" in table.sign("rahima", name, code=2).err


def test_what_can_not_be_remembered_is_not_signed(table: Table) -> None:
    table.hold(2, ("rahima", "kamal"))
    table.propose_keys("keys-3")
    with small_files(200):  # so that root.json can't be written
        must_refuse(table, "rahima", "keys-3", "can't write")
    table.sign("rahima", "keys-3")
    assert version(table, "rahima") == 2


def test_a_key_by_its_uri_remembers_nothing_and_says_so(table: Table) -> None:
    table.propose_keys("keys-2")
    ran = table.sign("rahima", "keys-2", "--key", "file:rahima/targets.pem")
    assert "You hold no root to compare that fingerprint with" in ran.out


REMEMBERING = """
import sys
from pathlib import Path
from movepass_keys.ceremony import custodian
from movepass_keys.ceremony.anchor import read_root
folder, *roots = map(Path, sys.argv[1:])
roots = [custodian.read_root(path.read_bytes()) for path in roots]
print("begun", flush=True)
while True:
    for root in roots:
        custodian.remember_root(folder, root)
"""


def test_killed_while_it_remembers_a_custodian_holds_to_the_old_root_or_to_the_new(table: Table) -> None:
    table.hold(2, ("rahima", "kamal"))
    for _ in range(10):
        command = [sys.executable, "-c", REMEMBERING, str(table.folder / "rahima"), *map(str, table.roots)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=processes.environment()) as writer:
            assert writer.stdout
            writer.stdout.readline()
            time.sleep(random.uniform(0, 0.02))
            writer.send_signal(signal.SIGKILL)
        assert version(table, "rahima") in {1, 2}
    table.propose_keys("keys-3")
    table.sign("rahima", "keys-3")
