"""Two people put rules into force; what they signed can't be changed, exchanged or dropped unseen."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import processes
from support.rule_tables import row, table_text

from movepass_keys import FileSigner, create_key_file
from movepass_service.rules import RuleSet, RuleTableError, default_rules
from movepass_service.rules.activation import (
    Activation,
    ActivationError,
    ArchiveError,
    Draft,
    make_activation,
    make_draft,
    verify_activations,
)
from movepass_service.rules.archive import FolderArchive
from movepass_wire.payload import ED25519, ESP256

NOW = 1_618_358_400


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FileSigner]:
    folder = tmp_path_factory.mktemp("keys")
    for name, alg in (("rahima", ESP256), ("kamal", ED25519), ("joy", ED25519)):
        create_key_file(folder / name, alg)
    return {path.name: FileSigner(path) for path in folder.iterdir()}


@pytest.fixture
def archive(tmp_path: Path) -> FolderArchive:
    return FolderArchive(tmp_path / "rules")


def rules_text(version: str) -> str:
    return table_text(row("all")).replace('version = "1"', f'version = "{version}"')


Activate = Callable[..., Activation]


@pytest.fixture
def activate(archive: FolderArchive, signers: dict[str, FileSigner]) -> Activate:
    def activate(version: str, at: int = NOW, author: str = "rahima", person: str = "kamal") -> Activation:
        draft = drafted(archive, signers, version, author)
        activation = make_activation(draft, person=person, signer=signers[person], now=at, archive=archive)
        archive.confirm(activation)
        return activation

    return activate


def drafted(archive: FolderArchive, signers: dict[str, FileSigner], version: str, author: str = "rahima") -> Draft:
    draft = make_draft(rules_text(version), author=author, signer=signers[author], now=NOW, archive=archive)
    archive.add(draft)
    return draft


def test_a_draft_is_not_in_force_until_a_second_person_confirms_it(
    archive: FolderArchive, activate: Activate, signers: dict[str, FileSigner]
) -> None:
    assert archive.in_force(NOW) is None
    drafted(archive, signers, "0")
    assert archive.in_force(NOW) is None
    first = activate("1")
    assert (first.number, first.previous, first.draft.author, first.confirmed_by) == (1, None, "rahima", "kamal")
    rules = archive.in_force(NOW)
    assert rules is not None
    assert (rules.version, rules.digest) == ("1", first.draft.digest)


def test_each_time_has_the_version_that_was_in_force_then(archive: FolderArchive, activate: Activate) -> None:
    for number, at in enumerate((NOW, NOW + 10, NOW + 20), 1):
        activate(str(number), at)
    found = [archive.in_force(at) for at in (NOW - 1, NOW, NOW + 9, NOW + 10, NOW + 99)]
    assert [rules and rules.version for rules in found] == [None, "1", "1", "2", "3"]


def test_the_author_does_not_confirm(archive: FolderArchive, signers: dict[str, FileSigner]) -> None:
    draft = drafted(archive, signers, "1")
    for person, key, words in (("Rahima", "kamal", "second person"), ("kamal", "rahima", "key of the author")):
        with pytest.raises(ActivationError, match=words):
            make_activation(draft, person=person, signer=signers[key], now=NOW, archive=archive)


def test_a_name_keeps_its_key_and_a_key_its_name(
    archive: FolderArchive, activate: Activate, signers: dict[str, FileSigner]
) -> None:
    activate("1")
    draft = drafted(archive, signers, "2")
    with pytest.raises(ActivationError, match="signed with another key before"):
        make_activation(draft, person="Kamal", signer=signers["joy"], now=NOW, archive=archive)
    with pytest.raises(ActivationError, match="signed as kamal before"):
        make_activation(draft, person="somebody", signer=signers["kamal"], now=NOW, archive=archive)
    with pytest.raises(ActivationError, match="signed as rahima before"):
        make_draft(rules_text("3"), author="joy", signer=signers["rahima"], now=NOW, archive=archive)


def test_rules_with_a_gap_are_not_signed(archive: FolderArchive, signers: dict[str, FileSigner]) -> None:
    text = table_text(row("a", "{ closed = true }"))
    with pytest.raises(ActivationError, match="gaps"):
        make_draft(text, author="rahima", signer=signers["rahima"], now=NOW, archive=archive)
    with pytest.raises(RuleTableError):
        make_draft("", author="rahima", signer=signers["rahima"], now=NOW, archive=archive)


@pytest.mark.parametrize("author", ["", " ", "a\nb", "\ud800"])
def test_a_name_is_text(archive: FolderArchive, signers: dict[str, FileSigner], author: str) -> None:
    with pytest.raises(ActivationError, match="name"):
        make_draft(rules_text("1"), author=author, signer=signers["rahima"], now=NOW, archive=archive)


def test_a_version_is_drafted_and_activated_once(
    archive: FolderArchive, activate: Activate, signers: dict[str, FileSigner]
) -> None:
    activation = activate("1")
    with pytest.raises(ActivationError, match="version 1 is a draft already"):
        archive.add(activation.draft)
    other = make_draft(
        rules_text("1") + "# changed", author="rahima", signer=signers["rahima"], now=NOW, archive=archive
    )
    with pytest.raises(ActivationError, match="give yours another version"):
        archive.add(other)
    again = make_activation(activation.draft, person="joy", signer=signers["joy"], now=NOW, archive=archive)
    with pytest.raises(ActivationError, match="activated before"):
        archive.confirm(again)


def test_of_two_who_confirm_at_once_one_is_refused(archive: FolderArchive, signers: dict[str, FileSigner]) -> None:
    drafts = [drafted(archive, signers, version) for version in ("1", "2")]
    both = [make_activation(d, person="kamal", signer=signers["kamal"], now=NOW, archive=archive) for d in drafts]
    archive.confirm(both[0])
    with pytest.raises(ActivationError, match="at this moment"):
        archive.confirm(both[1])


def test_a_clock_behind_the_last_activation_is_refused(archive: FolderArchive, activate: Activate) -> None:
    activate("1")
    with pytest.raises(ActivationError, match="clock"):
        activate("2", NOW - 1)
    assert len(archive.activations()) == 1


def change(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))


def set_rules(document: dict[str, Any]) -> None:
    document["draft"]["rules"] += "# changed"


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (set_rules, "after rahima had signed"),
        (lambda d: d["draft"].update(author="joy"), "after joy had signed"),
        (lambda d: d.update(at=0), "after kamal had signed"),
        (lambda d: d.update(confirmed_by="joy"), "after joy had signed"),
        (lambda d: d.update(key=d["draft"]["key"]), "after kamal had signed"),
        (lambda d: d.update(key="Ed25519:00"), "after kamal had signed"),
        (lambda d: d.update(key="none"), "after kamal had signed"),
        (lambda d: d.update(signature="x"), "after kamal had signed"),
        (lambda d: d.pop("at"), "no time"),
        (lambda d: d.pop("draft"), "no draft"),
        (lambda d: d.pop("number"), "no number"),
        (lambda d: d.pop("key"), "no key"),
    ],
)
def test_a_changed_activation_is_named(
    tmp_path: Path, archive: FolderArchive, activate: Activate, edit: Callable[[dict[str, Any]], None], words: str
) -> None:
    activate("1")
    change(tmp_path / "rules" / "activated" / "000001.json", edit)
    with pytest.raises(ArchiveError, match=words):
        archive.in_force(NOW)


def test_a_missing_activation_is_named(tmp_path: Path, archive: FolderArchive, activate: Activate) -> None:
    for number in (1, 2, 3):
        activate(str(number))
    (tmp_path / "rules" / "activated" / "000002.json").unlink()
    with pytest.raises(ArchiveError, match=r"activation 3 \(version 3\) does not follow"):
        archive.activations()


def signed_again(activation: Activation, signer: FileSigner, **fields: Any) -> Activation:
    """Sign an activation with other fields, as two people who agree on it could."""
    changed = replace(activation, **fields)
    return replace(changed, signature=signer.sign(b"movepass rules 1\n" + canonical(changed.body())).hex())


def canonical(body: dict[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_an_exchanged_activation_is_named_though_its_signatures_hold(
    activate: Activate, signers: dict[str, FileSigner]
) -> None:
    first, second = activate("1"), activate("2")
    verify_activations([first, second])
    other = signed_again(first, signers["kamal"], at=NOW - 5)
    verify_activations([other])
    with pytest.raises(ArchiveError, match="activation 2"):
        verify_activations([other, second])
    with pytest.raises(ArchiveError, match="activation 7"):
        verify_activations([signed_again(first, signers["kamal"], number=7)])
    with pytest.raises(ArchiveError, match="two signatures of one key"):
        verify_activations([signed_again(first, signers["rahima"], key=first.draft.key)])


def test_a_changed_draft_is_not_confirmed(
    tmp_path: Path, archive: FolderArchive, signers: dict[str, FileSigner]
) -> None:
    drafted(archive, signers, "1")
    change(tmp_path / "rules" / "drafts" / "1.json", lambda document: document.update(at=5))
    (draft,) = archive.drafts()
    with pytest.raises(ArchiveError, match="changed after rahima had signed"):
        make_activation(draft, person="kamal", signer=signers["kamal"], now=NOW, archive=archive)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_a_file_that_is_no_activation_is_named(tmp_path: Path, archive: FolderArchive, data: bytes) -> None:
    path = tmp_path / "rules" / "activated" / "000001.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match=r"000001\.json"):
        archive.activations()


WRITER = """
import sys
from pathlib import Path
from movepass_keys import FileSigner
from movepass_service.rules.activation import make_activation, make_draft
from movepass_service.rules.archive import FolderArchive

author, person = (FileSigner(Path(sys.argv[2]) / name) for name in ("rahima", "kamal"))
archive, text = FolderArchive(Path(sys.argv[1])), sys.argv[3]
while True:
    source = text.replace("VERSION", str(len(archive.drafts())))
    draft = make_draft(source, author="rahima", signer=author, now=1, archive=archive)
    archive.add(draft)
    archive.confirm(make_activation(draft, person="kamal", signer=person, now=1, archive=archive))
"""


def test_a_writer_may_be_killed_at_any_moment(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    for name in ("rahima", "kamal"):
        create_key_file(keys / name, ED25519)
    folder, archive, seen = tmp_path / "rules", FolderArchive(tmp_path / "rules"), 0
    for attempt in range(8):
        with processes.start(WRITER, folder, keys, rules_text("VERSION")) as process:
            deadline = time.monotonic() + 60
            while len(archive.activations()) <= seen and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.002 * attempt)
            assert process.poll() is None
            process.kill()
        found = archive.activations()
        assert len(found) > seen
        assert len(archive.drafts()) - len(found) <= attempt + 1
        seen = len(found)


def test_the_default_rules_can_be_activated(archive: FolderArchive, signers: dict[str, FileSigner]) -> None:
    source = default_rules().table.source
    archive.add(make_draft(source, author="rahima", signer=signers["rahima"], now=NOW, archive=archive))
    (draft,) = archive.drafts()
    archive.confirm(make_activation(draft, person="kamal", signer=signers["kamal"], now=NOW, archive=archive))
    rules = archive.in_force(NOW)
    assert isinstance(rules, RuleSet)
    assert rules.digest == default_rules().digest
