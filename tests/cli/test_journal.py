"""Check the journal by command: a warning beside the verdict, a summary, entries, and counts to export."""

import csv
import io
import shutil
from pathlib import Path

import pytest

from movepass_verifier.store.schema import JOURNAL
from movepass_words import words

from .conftest import Field, Movepass
from .test_upkeep import age, change


@pytest.fixture
def device(field: Field, tmp_path: Path) -> Path:
    """A device of the test's own, with nothing in its journal."""
    device = Path(shutil.copytree(field.device, tmp_path / "device"))
    for table in JOURNAL:
        change(device, f"DELETE FROM {table}")
    return device


def test_a_pass_that_was_shown_before_is_warned_of_and_still_accepted(
    movepass: Movepass, field: Field, tmp_path: Path
) -> None:
    device = tmp_path / "device"
    root, source = field.authority / "repository" / "metadata" / "1.root.json", field.authority / "repository"
    assert movepass("enroll", "--store", device, "--root", root, "--source", source).code == 0
    assert movepass("sync", "--store", device).code == 0
    assert movepass("verify", "--store", device, "--json", field.text).row["shown_before"] is None
    wait_out_a_double_read(device)
    again = movepass("verify", "--store", device, field.text)
    assert again.code == 0
    assert "\n! SHOWN BEFORE on this device, " in again.out
    assert "A pass is for one trip one way: ask." in again.out
    wait_out_a_double_read(device)
    before = movepass("verify", "--store", device, "--json", field.text).row["shown_before"]
    assert before["count"] == 2
    assert before["last_at"].endswith("+06:00")
    wait_out_a_double_read(device)
    bangla = movepass("verify", "--store", device, "--language", "bn", field.text).out
    assert "! আগেও দেখানো হয়েছে: এই যন্ত্রে ৩ বার" in bangla
    at = movepass("verify", "--store", device, "--json", "--at", "2026-11-22T09:00:00+06:00", field.text)
    assert at.row["shown_before"] is None
    assert movepass("journal", "--store", device, "--json").row["entries"] == 4


def wait_out_a_double_read(device: Path) -> None:
    """Let the entries be a minute older, as the clock would."""
    change(device, "UPDATE journal_entries SET at = at - 60")


def test_the_summary_the_entries_and_the_export_agree(movepass: Movepass, field: Field, device: Path) -> None:
    movepass("verify", "--store", device, field.text)
    movepass("verify", "--store", device, "nothing")
    age(device, 25 * 3600)
    assert movepass("verify", "--store", device, field.text).code == 3
    change(device, "UPDATE journal_hours SET called_in = 1 WHERE verdict = 'stale'")
    change(device, "UPDATE journal_entries SET decision = 'called-in' WHERE verdict = 'stale'")
    said = movepass("journal", "--store", device).out
    assert " checks in the last 24 hours\n" in said
    assert "\n  not a pass    1\n" in said
    assert "called in 1\n" in said
    assert "entries are kept, for 7 d;" in said
    row = movepass("journal", "--store", device, "--json").row
    exported = movepass("journal", "--store", device, "export", "--json").rows
    written = list(csv.DictReader(io.StringIO(movepass("journal", "--store", device, "export").out)))
    assert [{name: str(value) for name, value in line.items()} for line in exported] == written
    assert sum(line["scans"] for line in exported) == row["scans"]
    assert {line["verdict"] for line in exported} == {"valid", "not-a-pass", "stale"}
    assert movepass("journal", "--store", device, "--format", "json").code == 2, "no option is taken and ignored"
    entries = movepass("journal", "--store", device, "entries", "--json").rows
    assert entries[-1]["decision"] == "called-in"
    assert [entry["failed"] for entry in entries] == [None, "prefix", "freshness"]
    assert "CANNOT VERIFY (lists too old)  called in\n" in movepass("journal", "--store", device, "entries").out
    bangla = movepass("journal", "--store", device, "entries", "--language", "bn").out
    say = words("bn")
    expected = f"{say('outcome.cannot-verify')} ({say('verdict.stale')})  {say('decision.called-in')}"
    assert bangla.splitlines()[-1].endswith(expected)


def test_an_empty_journal_has_nothing_to_tell(movepass: Movepass, field: Field, tmp_path: Path) -> None:
    root = field.authority / "repository" / "metadata" / "1.root.json"
    movepass("enroll", "--store", tmp_path / "new", "--root", root, "--source", tmp_path)
    assert movepass("journal", "--store", tmp_path / "new").out.startswith("0 checks in the last 24 hours\n")
    header = "hour,outcome,verdict,scans,shown_before,let_through,sent_back,called_in\n"
    assert movepass("journal", "--store", tmp_path / "new", "export").out == header
    assert movepass("journal", "--store", tmp_path / "new", "export", "--json").out == ""


def test_a_damaged_journal_is_said_once_beside_the_verdict(movepass: Movepass, field: Field, device: Path) -> None:
    movepass("verify", "--store", device, field.text)
    change(device, "UPDATE journal_keys SET key = 7", check=False)
    ran = movepass("verify", "--store", device, field.text)
    assert (ran.code, ran.err) == (0, "movepass: the journal is damaged and not kept; movepass doctor mends it\n")
    mended = movepass("doctor", "--store", device)
    assert "its journal is not as it should be: it begins anew" in mended.out
    assert movepass("verify", "--store", device, field.text).err == ""
