"""Look after a device by command: status at a glance, configuration, and the doctor."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from movepass_verifier.store import schema
from movepass_verifier.store.store import FILE_NAME

from .conftest import Field, Movepass


@pytest.fixture
def device(field: Field, tmp_path: Path) -> Path:
    return Path(shutil.copytree(field.device, tmp_path / "device"))


def change(device: Path, statement: str, *, check: bool = True) -> None:
    """Write into the store what no software of ours would; without `check` also what its tables refuse."""
    with closing(sqlite3.connect(device / FILE_NAME, isolation_level=None)) as db:
        db.execute(f"PRAGMA ignore_check_constraints = {not check}")
        db.execute(statement)


def age(device: Path, seconds: int) -> None:
    """Let the lists be older, as the store's own software would have written them."""
    with closing(sqlite3.connect(device / FILE_NAME, isolation_level=None)) as db:
        schema.put_facts(db, published=schema.facts(db)["published"] - seconds)
        schema.put_seal(db)


# Status


def test_status_tells_at_a_glance_that_a_device_is_ready(movepass: Movepass, device: Path) -> None:
    ran = movepass("status", "--store", device)
    assert ran.code == 0
    (line,) = ran.out.splitlines()
    assert line.startswith("✔ READY: a good pass is accepted now. Lists published ")
    assert "good for 23 h" in line
    assert line.endswith("TEST: its passes let nobody through.")


def test_status_tells_the_rest_on_request(movepass: Movepass, device: Path) -> None:
    said = movepass("status", "--store", device, "--details").out
    assert "good for 1 d, with a warning from 6 h on" in said
    labels = {line.split()[0] for line in said.splitlines()[1:]}
    assert labels == {"Authority", "Published", "Synced", "Key", "List", "Source", "Lists", "Journal", "Language"}
    assert "Test of the command (TEST)" in said


def test_status_tells_to_sync_soon_when_lists_are_getting_old(movepass: Movepass, device: Path) -> None:
    age(device, 7 * 3600)
    ran = movepass("status", "--store", device)
    assert ran.code == 0
    assert ran.out.startswith("✔ READY, SYNC SOON: a good pass is accepted now. Lists published 7 h")
    row = movepass("status", "--store", device, "--json").row
    assert (row["ready"], row["freshness"]["sync_soon"]) == (True, True)
    assert row["freshness"]["synced_at"] > row["freshness"]["published"]


def test_status_of_lists_that_are_too_old_names_both_causes_and_what_to_do(movepass: Movepass, device: Path) -> None:
    age(device, 25 * 3600)
    ran = movepass("status", "--store", device)
    assert ran.code == 3
    (line,) = ran.out.splitlines()
    assert line.startswith(
        "? NOT READY: a good pass can't be verified now: the lists are 1 d 1 h old, more than 1 d, or"
    )
    assert "this device's clock is ahead: check the clock, then sync" in line


def test_status_and_doctor_speak_what_the_device_speaks(movepass: Movepass, device: Path) -> None:
    assert movepass("configure", "--store", device, "--language", "bn").code == 0
    said = movepass("status", "--store", device, "--details").out
    assert said.startswith("✔ প্রস্তুত: ভালো পাস এখন গ্রহণ করা হবে।")
    assert "\n  কর্তৃপক্ষ" in said
    assert movepass("doctor", "--store", device).out == f"{device} ঠিক আছে।\n"
    assert movepass("status", "--store", device, "--language", "en").out.startswith("✔ READY")
    change(device, "UPDATE documents SET sum = 1 WHERE name = 'keys'")
    said = movepass("doctor", "--store", device, "--language", "bn").out
    assert "এর দলিল 'keys' যেমন হওয়ার কথা তেমন নয়" in said
    assert "যা আছে তা থেকেই ঠিক করা হয়েছে।" in said


# Configuring


def test_what_is_configured_is_kept_and_shown(movepass: Movepass, device: Path, tmp_path: Path) -> None:
    ran = movepass("configure", "--store", device, "--max-age", "12h", "--warning-age", "90m",
                   "--source", tmp_path / "a", "--source", "https://passes.example/",
                   "--journal-keep", "2d", "--language", "bn", "--json")  # fmt: skip
    expected = {
        "sources": [str(tmp_path / "a"), "https://passes.example/"], "max_age_s": 43_200, "warning_age_s": 5_400,
        "journal_keep_s": 172_800, "language": "bn",
    }  # fmt: skip
    assert (ran.code, ran.row) == (0, expected)
    assert movepass("configure", "--store", device, "--json").row == expected
    status = movepass("status", "--store", device, "--json").row
    assert {name: status[name] for name in expected} == expected
    assert (
        "good for 12 h, with a warning from 1 h 30 min on"
        in movepass("status", "--store", device, "--details", "--language", "en").out
    )


def test_no_variable_that_is_for_other_commands_changes_what_the_device_keeps(movepass: Movepass, device: Path) -> None:
    before = movepass("configure", "--store", device, "--json").row
    left = {"MAX_AGE": "2h", "WARNING_AGE": "1h", "SOURCE": "/media/stick", "JOURNAL_KEEP": "2d", "LANGUAGE": "bn"}
    environment = {f"MOVEPASS_{name}": value for name, value in left.items()} | {"MOVEPASS_STORE": str(device)}
    assert movepass("configure", "--json", env=environment).row == before


def test_what_is_configured_decides(movepass: Movepass, field: Field, device: Path) -> None:
    age(device, 3600)
    assert movepass("verify", "--store", device, field.text).code == 0
    assert movepass("configure", "--store", device, "--max-age", "30m", "--warning-age", "10m").code == 0
    ran = movepass("verify", "--store", device, field.text)
    assert ran.code == 3
    assert "(lists too old)" in ran.out
    assert movepass("configure", "--store", device, "--max-age", "2h").code == 0
    assert "sync soon" in movepass("verify", "--store", device, field.text).out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--max-age", "49h"], "expected a maximum age from 15 min to 2 d, got 2 d 1 h"),
        (["--max-age", "14m"], "expected a maximum age from 15 min to 2 d, got 14 min"),
        (["--max-age", "6h"], "expected a warning age from 1 min to less than the maximum age of 6 h, got 6 h"),
        (["--warning-age", "24h"], "less than the maximum age of 1 d, got 1 d"),
        (["--warning-age", "0m"], "expected a warning age from 1 min"),
        (["--max-age", "soon"], "expected a length of time like 90m, 24h or 2d, got 'soon'"),
        (["--max-age", "-1h"], "like 90m, 24h or 2d"),
        (["--max-age", "1.5h"], "like 90m, 24h or 2d"),
        (["--journal-keep", "23h"], "expected to keep the journal for 1 d to 30 d, got 23 h"),
    ],
)
def test_what_may_not_be_configured_is_refused_with_what_may(
    movepass: Movepass, device: Path, arguments: list[str], words: str
) -> None:
    before = movepass("configure", "--store", device, "--json").row
    ran = movepass("configure", "--store", device, *arguments)
    assert ran.code == 2
    assert words in ran.err
    assert movepass("configure", "--store", device, "--json").row == before


# The doctor


def test_the_doctor_finds_nothing_wrong_with_a_good_store(movepass: Movepass, device: Path) -> None:
    ran = movepass("doctor", "--store", device)
    assert (ran.code, ran.out) == (0, f"{device} is as it should be.\n")
    nothing = {"ok": True, "problems": [], "mended": None, "obstacle": None, "findings": []}
    assert movepass("doctor", "--store", device, "--json").row == nothing


def test_a_damaged_store_names_the_doctor_and_the_doctor_mends_it(
    movepass: Movepass, field: Field, device: Path
) -> None:
    change(device, "UPDATE documents SET data = x'00' WHERE name = 'keys'")
    ran = movepass("verify", "--store", device, field.text)
    assert ran.code == 4
    assert f"is damaged: its 'keys' is not what was written; mend it: movepass doctor --store {device}" in ran.err
    mended = movepass("doctor", "--store", device)
    assert mended.code == 0
    assert mended.out.startswith("- its document 'keys' is not the one that was signed\n")
    assert f"Mended from {field.authority / 'repository'}" in mended.out
    assert movepass("verify", "--store", device, field.text).code == 0


def test_what_can_not_be_mended_says_what_to_do(movepass: Movepass, device: Path) -> None:
    change(device, "DELETE FROM metadata WHERE name = 'root'")
    ran = movepass("doctor", "--store", device)
    assert ran.code == 4
    assert (
        f"{device} is damaged and not mended: nothing of it can be trusted any more; enroll the device anew" in ran.err
    )
    row = movepass("doctor", "--store", device, "--json").row
    assert row["ok"] is False
    assert row["problems"]


def test_a_source_that_is_named_serves_the_doctor(movepass: Movepass, field: Field, device: Path) -> None:
    change(device, "DELETE FROM documents")
    assert movepass("configure", "--store", device, "--json").code == 4
    ran = movepass("doctor", "--store", device, "--source", device / "nowhere")
    assert ran.code == 4
    assert "nowhere" in ran.err
    assert movepass("doctor", "--store", device, "--source", field.authority / "repository").code == 0


def test_the_doctor_says_what_is_wrong_on_the_device_besides_its_store(movepass: Movepass, device: Path) -> None:
    ran = movepass("doctor", "--store", device, env={"PYTHONIOENCODING": "ascii"})
    assert (ran.code, ran.out) == (0, "- this terminal shows no Bangla and no signs: set LANG=C.UTF-8\n")


def test_the_doctor_of_a_device_that_can_verify_nothing_says_why(
    movepass: Movepass, field: Field, tmp_path: Path
) -> None:
    repository = field.authority / "repository"
    root = repository / "metadata" / "1.root.json"
    assert movepass("enroll", "--store", tmp_path / "new", "--root", root, "--source", repository).code == 0
    ran = movepass("doctor", "--store", tmp_path / "new")
    assert ran.code == 3
    assert ran.out == "- a good pass can't be verified now: this device has never been synced; sync it\n"
    row = movepass("doctor", "--store", tmp_path / "new", "--json").row
    assert (row["ok"], len(row["findings"])) == (True, 1)
