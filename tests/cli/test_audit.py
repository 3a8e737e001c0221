"""Audit by command: real passes, a real online key, exit codes, and files of every hostile kind."""

import json
import os
import shutil
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from support.honest_log import HonestLog, tell_story

from movepass_issuer.authority.folder import Authority
from movepass_keys import signer_from_uri
from movepass_keys.records.layout import HEAD_TARGET
from movepass_verifier.auditing.trust import read_trust
from movepass_verifier.errors import StoreError
from movepass_verifier.store.store import Store
from movepass_wire import open_text
from movepass_wire.claims import decode_claims

from .conftest import HOUR, Field, Movepass, run_movepass

COPIES = "copies"


@pytest.fixture(scope="module")
def log(field: Field) -> HonestLog:
    """A log with the authority's own online key, whose only pass is decided."""
    authority = Authority.open(field.authority)
    now = int(time.time())
    log = HonestLog(now=now, signer=signer_from_uri(authority.online_signer, authority.folder))
    log.decide("AAA", "refer", row="market")
    log.issue(log.decide("AAA", "approve", "officer:Rahim"), day=now // 86400 + 3)
    return log


@pytest.fixture
def copies(log: HonestLog, tmp_path: Path) -> Path:
    """Copies that were taken after the trip of the field's pass ended."""
    return log.write(tmp_path / COPIES, log.head(at=log.now + 3 * HOUR))


def test_a_whole_log_exits_0_with_every_signature_checked(movepass: Movepass, field: Field, copies: Path) -> None:
    ran = movepass("audit", "--decisions", copies, "--issued", copies, "--store", field.device)
    assert ran.code == 0
    assert ran.out.splitlines()[0] == "✔ NOTHING IS WRONG"
    assert ", signed: " in ran.out
    row = movepass("audit", "--decisions", copies, "--issued", copies, "--store", field.device, "--json").row
    assert row["whole"] is True
    assert (row["leaves"], row["decisions"], row["issuances"], row["issued"]) == (3, 2, 1, 1)
    assert [(head["size"], head["signed"]) for head in row["heads"]] == [(3, True)]
    assert row["counts"] == {"published-head-missing": 1}
    assert row["officers"][0]["officer"] == "Rahim"


def test_a_pass_sold_beside_the_service_is_found_in_the_ledger_and_at_the_roadside(
    movepass: Movepass, field: Field, log: HonestLog, tmp_path: Path
) -> None:
    """The field's pass was issued by `movepass issue`: the log knows nothing of it."""
    pass_ = decode_claims(open_text(field.text).claims)
    sold = replace(log, leaves=[*log.leaves], records=dict(log.records), issued=dict(log.issued))
    sold.issue_unlogged(day=pass_.day, index=pass_.index, text=field.text)
    copies = sold.write(tmp_path / COPIES, sold.head(at=log.now + 3 * HOUR))
    ran = movepass("audit", "--decisions", copies, "--issued", copies, "--store", field.device, "--pass", field.text)
    assert ran.code == 1
    assert ran.out.splitlines()[0] == "✘ 2 THINGS ARE WRONG"
    assert f"✘ pass-without-decision: pass {field.number} " in ran.out
    assert f"✘ found-without-decision: pass {field.number} " in ran.out


@pytest.mark.parametrize("form", ["text", "number", "file"])
def test_a_pass_left_out_of_all_copies_is_found_by_the_pass_alone(
    movepass: Movepass, field: Field, log: HonestLog, copies: Path, tmp_path: Path, form: str
) -> None:
    (tmp_path / "found.txt").write_bytes(f"{field.text}\r\n\n".encode())
    given = {
        "text": ("--pass", field.text),
        "number": ("--pass", field.number),
        "file": ("--passes", tmp_path / "found.txt"),
    }
    ran = movepass("audit", "--decisions", copies, "--issued", copies, "--store", field.device, "--json", *given[form])
    (found,) = ran.row["passes"]
    assert found["pass_number"] == field.number
    if form == "number":  # it says in which day the trip ends, and that day is not over
        assert (ran.code, found["result"]) in {(0, "not-covered"), (1, "without-decision")}
        assert (found["result"] == "without-decision") is (log.now + 3 * HOUR >= (found["day"] + 1) * 86400)
    else:
        assert (ran.code, found["result"]) == (1, "without-decision")


def test_a_pass_newer_than_the_head_is_not_yet_covered(
    movepass: Movepass, field: Field, log: HonestLog, tmp_path: Path
) -> None:
    copies = log.write(tmp_path / COPIES)
    ran = movepass("audit", "--decisions", copies, "--issued", copies, "--store", field.device, "--pass", field.text)
    assert ran.code == 0
    assert "not yet covered" in ran.out


def test_a_head_by_another_key_is_refused(movepass: Movepass, field: Field, tmp_path: Path) -> None:
    copies = tell_story().log.write(tmp_path / COPIES)
    ran = movepass("audit", "--decisions", copies, "--issued", copies, "--store", field.device)
    assert ran.code == 1
    assert "NOT SIGNED" in ran.out
    assert "✘ head-signature: " in ran.out


def test_heads_alone_show_a_split_view(movepass: Movepass, tmp_path: Path) -> None:
    """Two auditors compare what each was shown."""
    for name in ("mine", "hers"):
        (tmp_path / name).write_bytes(tell_story().log.head())
    ran = movepass("audit", "--head", tmp_path / "mine", "--head", tmp_path / "hers")
    assert ran.code == 1
    assert "✘ split-view: " in ran.out
    assert movepass("audit", "--head", tmp_path / "mine", "--head", tmp_path / "mine").code == 0


def test_a_proof_is_written_from_the_leaves_and_checked_without(movepass: Movepass, tmp_path: Path) -> None:
    story = tell_story()
    copies = story.log.write(tmp_path / COPIES)
    old, proof = tmp_path / "old", tmp_path / "log.proof"
    old.write_bytes(story.old_head)
    assert movepass("audit", "--decisions", copies, "--head", old, "--prove", proof).code == 0
    shutil.rmtree(copies)
    ran = movepass("audit", "--head", old, "--proof", proof, "--json")
    assert (ran.code, [head["size"] for head in ran.row["heads"]]) == (0, [11, 25])
    proof.write_bytes(proof.read_bytes().replace(b"old 11\n", b"old 11\n" + b"A" * 43 + b"=\n"))
    ran = movepass("audit", "--head", old, "--proof", proof)
    assert ran.code == 1
    assert "✘ log-changed: the proof does not lead from" in ran.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give the copies"),
        (["--head", "COPIES/head"], "or two heads to compare"),
        (["--decisions", "nowhere"], "expected the folder that movepass service export wrote"),
        (["--decisions", "COPIES/decisions"], "expected the folder that movepass service export wrote"),
        (["--head", "COPIES/decisions/leaves.jsonl", "--head", "COPIES/head"], "expected a signed note"),
        (["--head", "/dev/zero", "--head", "COPIES/head"], "can't read /dev/zero"),
        (["--decisions", "COPIES", "--issued", "/dev/zero"], "can't read /dev/zero"),
        (["--proof", "COPIES/head", "--head", "COPIES/head"], "expected a proof"),
        (["--decisions", "COPIES", "--prove", "out"], "a proof is between two heads; 1 were given"),
        (["--decisions", "COPIES", "--proof", "COPIES/head"], "without copies"),
        (["--decisions", "COPIES", "--pass", "hello"], "expected a pass or a pass number"),
        (["--decisions", "COPIES", "--passes", "/dev/zero"], "can't read /dev/zero"),
        (["--decisions", "COPIES", "--store", "nowhere"], "movepass enroll"),
        (["--decisions", "COPIES", "--taken", "yesterday"], "expected a time"),
        (["--head", "COPIES/head", "--head", "COPIES/head", "--pass", "A1B-2C3-D4E"], "looked up in the copies"),
        (["--decisions", ""], "expected a value"),
    ],
)
def test_a_mistake_is_named_in_one_line(movepass: Movepass, copies: Path, arguments: list[str], words: str) -> None:
    ran = movepass("audit", *(text.replace(COPIES.upper(), str(copies)) for text in arguments), cwd=copies.parent)
    assert (ran.code, ran.out) == ((4, "") if "nowhere" in arguments and "--store" in arguments else (2, ""))
    assert words in ran.err
    assert len(ran.err.splitlines()) == 1


def spoil(copies: Path, how: str) -> None:
    leaves, records = copies / "decisions/leaves.jsonl", copies / "decisions/records.jsonl"
    match how:
        case "cut":
            leaves.write_bytes(leaves.read_bytes()[:-1])
        case "600 MB":
            os.truncate(records, 600_000_000)
        case "deep":
            records.write_bytes(b"[" * 900_000 + b"\n")
        case "no text":
            (copies / "issued/issued.jsonl").write_bytes(os.urandom(300) + b"\n")
        case "pipe":
            (copies / "head").unlink()
            os.mkfifo(copies / "head")
        case "endless":
            (copies / "head").unlink()
            (copies / "head").symlink_to("/dev/zero")
        case "large head":
            os.truncate(copies / "head", 600_000_000)


@pytest.mark.parametrize("how", ["cut", "600 MB", "deep", "no text", "pipe", "endless", "large head"])
def test_hostile_copies_exit_2_in_one_line_and_do_not_hang(movepass: Movepass, copies: Path, how: str) -> None:
    spoil(copies, how)
    began = time.monotonic()
    ran = movepass("audit", "--decisions", copies, "--issued", copies)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert time.monotonic() - began < 20


def test_what_an_attacker_wrote_begins_no_line_and_moves_no_cursor(movepass: Movepass, tmp_path: Path) -> None:
    log = HonestLog()
    log.decide("AAA", "approve", "console:x as \x1b[2J\nmovepass: NOTHING IS WRONG")
    ran = movepass("audit", "--decisions", log.write(tmp_path), "--issued", tmp_path)
    assert "\x1b" not in ran.out
    assert not any(line.startswith("movepass:") for line in ran.out.splitlines())


def test_help_beside_a_store_is_no_audit(movepass: Movepass, field: Field) -> None:
    assert movepass("audit", "--store", field.device, "--help").code == 2


def test_a_store_that_never_synced_trusts_nobody_yet(field: Field, tmp_path: Path) -> None:
    root = Authority.open(field.authority).root_path.read_bytes()
    Store.create(tmp_path / "device", root=root, sources=["x"])
    with pytest.raises(StoreError, match="never synced"):
        read_trust(tmp_path / "device")


def test_the_published_head_is_known_from_the_store(
    movepass: Movepass, field: Field, copies: Path, tmp_path: Path
) -> None:
    """The status role signs it among the lists; a device never downloads it."""
    device = Path(shutil.copytree(field.device, tmp_path / "device"))
    store = Store(device)
    before = store.held()
    status = json.loads(before.metadata["status"])
    head = (copies / "head").read_bytes()
    status["signed"]["targets"][HEAD_TARGET] = {"length": len(head), "hashes": {"sha256": sha256(head).hexdigest()}}
    metadata = {**before.metadata, "status": json.dumps(status).encode()}
    store.take_over(before, replace(before, metadata=metadata, syncs=before.syncs + 1), synced_at=int(time.time()))
    store.close()
    row = movepass("audit", "--decisions", copies, "--issued", copies, "--store", device, "--json").row
    assert row["counts"] == {}
    assert row["heads"][0]["published"] is True
    (copies / "head").write_bytes(head.replace(b"\n\n", b"\nx\n\n"))
    ran = run_movepass("audit", "--decisions", copies, "--issued", copies, "--store", device)
    assert "published-head-missing" in ran.out
    assert f"targets/status/{sha256(head).hexdigest()}.decisions.head" in ran.out
