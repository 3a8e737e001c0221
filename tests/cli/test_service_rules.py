"""Run `movepass service rules` as a rule author does."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.rule_tables import row, table_text
from support.trips import HOUR, NOW, decide, submit, trip

from movepass_keys import create_key_file
from movepass_service.issuing.deciding import decider
from movepass_service.rules import RuleSet, default_rules
from movepass_service.rules.archive import FolderArchive
from movepass_service.stores.sqlite.replay_source import read_past
from movepass_service.stores.sqlite.store import SqliteStore
from movepass_service.stores.store import Officer
from movepass_wire.payload import ED25519

from .conftest import Movepass

STRICT = default_rules().table.source.replace("{ at_least = 3 }", "{ at_least = 2 }").replace(
    'version = "2021-04-14"', 'version = "2021-04-20"'
)  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A service's folder with people, keys beside it, and the default rules."""
    folder = tmp_path / "service"
    store = SqliteStore(folder)
    for name, role in (("Rahima", "rule-author"), ("Kamal", "supervisor"), ("Joy", "officer")):
        store.add_officer(Officer(name, role), b"", NOW)
        create_key_file(tmp_path / f"{name}.pem", ED25519)
    store.add_rules("2021-04-14", default_rules().table.source, NOW)
    store.close()
    return folder


@pytest.fixture
def strict(tmp_path: Path) -> Path:
    path = tmp_path / "strict.toml"
    path.write_text(STRICT)
    return path


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_check_says_that_a_table_is_sound(movepass: Movepass, strict: Path) -> None:
    ran = movepass("service", "rules", "check", strict)
    assert ran.code == 0
    assert "✔ Version 2021-04-20 is sound" in ran.out
    assert "closed-district comes before duty, three-hours, three-a-day, one-direction\n" in ran.out
    row = movepass("service", "rules", "check", strict, "--json").row
    assert row["sound"]
    assert {"earlier", "later", "exception", "example", "from", "until"} == row["overlaps"][0].keys()


def test_check_prints_the_missing_combination_and_exits_with_1(movepass: Movepass, tmp_path: Path) -> None:
    rows = (row("short", "{ minutes = { at_most = 180 } }"), row("dead", "{ minutes = 5 }", code="no"))
    file = write(tmp_path / "rules.toml", table_text(*rows, codes=("yes", "no")))
    ran = movepass("service", "rules", "check", file)
    assert ran.code == 1
    assert ran.out.splitlines() == [
        "✘ Gap: no row decides",
        "      length of the trip: more than 3 h",
        "✘ Dead row: dead never decides; short before it cover all of it",
        "✘ Unused text: nobody ever reads no",
        "✘ Version 1 can't be activated.",
    ]
    found = movepass("service", "rules", "check", file, "--json").row
    assert found["gaps"] == [
        {"from": "2021-04-01", "until": None, "combination": {"minutes": {"at_least": 181, "at_most": 720}}}
    ]
    assert found["dead_rows"] == [{"row": "dead", "hidden_by": ["short"]}]
    assert (found["sound"], found["unused_texts"]) == (False, ["no"])


def test_every_fault_of_a_file_has_a_line_of_its_own(movepass: Movepass, tmp_path: Path) -> None:
    file = write(tmp_path / "rules.toml", table_text(row("a", '{ reason = "medcal", minutes = 0 }', "aprove")))
    for command in (("check",), ("show",)):
        ran = movepass("service", "rules", *command, file)
        assert ran.code == 2
        lines = ran.err.splitlines()
        assert len(lines) == 3
        assert all(line.startswith(f"movepass: error: {file}: line 5, row 1 (a)") for line in lines)
    assert len(movepass("service", "rules", "check", file, "--json").row["faults"]) == 3


@pytest.mark.parametrize("content", [b"\xff", b"", b"a = [", b"\x00"])
def test_a_file_that_is_no_table_is_told_in_words(movepass: Movepass, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "rules.toml"
    file.write_bytes(content)
    ran = movepass("service", "rules", "check", file)
    assert ran.code == 2
    assert str(file) in ran.err
    assert movepass("service", "rules", "check", tmp_path).code == 2
    assert movepass("service", "rules", "check", tmp_path / "none").code == 2


def test_check_says_when_a_version_is_taken(movepass: Movepass, data: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "rules.toml", default_rules().table.source + "# changed\n")
    assert movepass("service", "rules", "check", file).code == 0
    ran = movepass("service", "rules", "check", file, "--data", data)
    assert ran.code == 2
    assert "write another version into the file" in ran.err


def test_show_says_rules_in_both_languages(movepass: Movepass, strict: Path, data: Path) -> None:
    english = movepass("service", "rules", "show", strict).out
    assert "8. three-a-day: reject\n     if  passes for that day: at least 2\n" in english
    bangla = movepass("service", "rules", "show", strict, "--language", "bn").out
    assert "8. three-a-day: প্রত্যাখ্যান\n     if  ওই দিনের পাসের সংখ্যা: কমপক্ষে ২\n" in bangla
    shown = movepass("service", "rules", "show", "--data", data, "--json").row
    assert (shown["version"], shown["activated"], shown["drafts"]) == ("2021-04-14", [], [])
    assert shown["rows"][7]["when"] == {"passes_today": {"at_least": 3, "at_most": 1000}}
    assert movepass("service", "rules", "show").code == 2


def sign(movepass: Movepass, file: Path, data: Path, person: str, *more: str) -> tuple[int, str]:
    key = f"file:{data.parent / person}.pem"
    ran = movepass("service", "rules", "activate", file, "--data", data, "--key", key, "--as", person, *more)
    return ran.code, ran.out + ran.err


def test_two_people_put_a_version_into_force(movepass: Movepass, strict: Path, data: Path) -> None:
    code, words = sign(movepass, strict, data, "Rahima")
    assert (code, "It is not in force" in words) == (0, True)
    shown = movepass("service", "rules", "show", "--data", data).out
    assert shown.startswith("Version 2021-04-14,")
    assert "version 2021-04-20, signed by Rahima" in shown
    assert sign(movepass, strict, data, "Rahima", "--confirm")[0] == 2
    code, words = sign(movepass, strict, data, "Kamal", "--confirm")
    assert (code, "Signed by Rahima, confirmed by Kamal" in words) == (0, True)
    (act,) = acts(data)
    assert (act["action"], act["author"], act["version"]) == ("activate-rules", "Rahima", "2021-04-20")
    assert act["actor"].endswith(" as Kamal")
    shown = movepass("service", "rules", "show", "--data", data).out
    assert shown.startswith("Version 2021-04-20,")
    assert "Draft" not in shown
    code, words = sign(movepass, strict, data, "Kamal", "--confirm")
    assert (code, "was activated by Kamal before" in words) == (2, True)


@pytest.mark.parametrize(
    ("person", "more", "words"),
    [
        ("Joy", (), "Joy is officer; expected rule-author"),
        ("Kamal", (), "Kamal is supervisor; expected rule-author"),
        ("Joy", ("--confirm",), "expected rule-author or supervisor"),
        ("Nobody", (), "nobody called 'Nobody'"),
        ("Kamal", ("--confirm",), "there is no draft of version 2021-04-20"),
    ],
)
def test_who_may_not_sign_is_told_why(
    movepass: Movepass, strict: Path, data: Path, person: str, more: tuple[str, ...], words: str
) -> None:
    code, told = sign(movepass, strict, data, person, *more)
    assert (code, words in told) == (2, True), told


def acts(data: Path) -> list[dict[str, Any]]:
    with closing(SqliteStore(data)) as store:
        records = [json.loads(record.text) for record in store.records(store.log_size())]
    return [record for record in records if record["action"] == "activate-rules"]


def test_who_confirms_has_the_file_that_was_signed(movepass: Movepass, strict: Path, data: Path) -> None:
    sign(movepass, strict, data, "Rahima")
    strict.write_text(STRICT + "# changed\n")
    code, told = sign(movepass, strict, data, "Kamal", "--confirm")
    assert (code, "the file is not what Rahima signed" in told) == (2, True)


def test_an_activation_that_was_cut_short_is_finished_by_the_next(
    movepass: Movepass, strict: Path, data: Path, tmp_path: Path
) -> None:
    sign(movepass, strict, data, "Rahima")
    sign(movepass, strict, data, "Kamal", "--confirm")
    assert len(FolderArchive(data / "rules").activations()) == 1
    copy = tmp_path / "copy"  # the activation is kept, and the service does not know of it yet
    fresh = SqliteStore(copy)
    fresh.add_officer(Officer("Kamal", "supervisor"), b"", NOW)
    fresh.close()
    (data / "rules").rename(copy / "rules")
    code, _ = sign(movepass, strict, copy, "Kamal", "--confirm")
    assert code == 0
    assert movepass("service", "rules", "show", "--data", copy).out.startswith("Version 2021-04-20,")


def test_each_application_is_decided_by_the_rules_that_were_in_force_when_it_came(
    movepass: Movepass, data: Path, tmp_path: Path
) -> None:
    closed = default_rules().table.source.replace('version = "2021-04-14"', 'version = "2021-04-20"')
    closed += '\n[[closure]]\ndistrict = "gazipur"\nfrom = 2021-04-14\nuntil = 2021-04-30\n'
    file = write(tmp_path / "closed.toml", closed)
    with closing(SqliteStore(data)) as store:
        submit(store, "R1", trip("1990123456", NOW + 2 * HOUR), NOW)
        assert sign(movepass, file, data, "Rahima")[0] == 0
        submit(store, "R2", trip("1990123456", NOW + 4 * HOUR), NOW)
        assert sign(movepass, file, data, "Kamal", "--confirm")[0] == 0
        submit(store, "R3", trip("1990123456", NOW + 6 * HOUR), NOW)
        store.decide_next(9, decider(lambda name: RuleSet.from_toml(store.rules_text(str(name)) or ""), NOW), NOW)
    found = {past.reference: past.decided.row for past in read_past(data)}
    assert found == {"R1": "within-limits", "R2": "within-limits", "R3": "closed-district"}


def test_going_back_takes_a_new_version(movepass: Movepass, strict: Path, data: Path, tmp_path: Path) -> None:
    old = write(tmp_path / "old.toml", default_rules().table.source)
    assert sign(movepass, old, data, "Rahima")[0] == 0  # it is in force, and gets its signatures
    assert sign(movepass, strict, data, "Rahima")[0] == 0
    assert sign(movepass, strict, data, "Kamal", "--confirm")[0] == 0
    code, told = sign(movepass, old, data, "Kamal", "--confirm")
    assert (code, "a version is used once" in told) == (2, True)
    assert [a.draft.version for a in FolderArchive(data / "rules").activations()] == ["2021-04-20"]


def test_rules_with_a_gap_are_not_activated(movepass: Movepass, data: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "rules.toml", table_text(row("a", "{ closed = true }")))
    code, told = sign(movepass, file, data, "Rahima")
    assert (code, "service rules check" in told) == (2, True)


@pytest.fixture
def decided(data: Path) -> Path:
    """Let one person apply for four trips in a day, and another for one; the rules in force decide."""
    store = SqliteStore(data)
    for number, person in enumerate(["1990123456"] * 4 + ["1985000000"]):
        submit(store, f"R{number}", trip(person, NOW + (number + 1) * 2 * HOUR), NOW + number)
    decide(store, NOW + 10)
    store.close()
    return data


def test_replay_of_the_rules_in_force_changes_nothing(movepass: Movepass, decided: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "same.toml", default_rules().table.source)
    (summary,) = movepass("service", "rules", "replay", file, "--data", decided, "--json").rows
    assert (summary["applications"], summary["changed"]) == (5, 0)
    assert {"row": "three-a-day", "before": 1, "now": 1} in summary["rows"]
    assert {"row": "within-limits", "before": 4, "now": 4} in summary["rows"]


def test_replay_shows_every_changed_outcome(movepass: Movepass, decided: Path, strict: Path) -> None:
    change, summary = movepass("service", "rules", "replay", strict, "--data", decided, "--json").rows
    assert change["reference"] == "R2"
    assert change["before"] == {"action": "approve", "row": "within-limits", "code": "within-limits"}
    assert change["now"] == {"action": "reject", "row": "three-a-day", "code": "three-a-day"}
    assert (summary["changed"], summary["version"]) == (1, "2021-04-20")
    words = movepass("service", "rules", "replay", strict, "--data", decided, "--since", "2021-04-14").out
    assert words.startswith("5 applications, 1 would have been decided otherwise.")
    assert "approve (within-limits) -> reject (three-a-day): 1" in words
    later = movepass("service", "rules", "replay", strict, "--data", decided, "--since", "2021-04-15").out
    assert later.startswith("0 applications,")


def test_replay_without_a_service_or_with_another_day_is_refused(
    movepass: Movepass, strict: Path, data: Path, tmp_path: Path
) -> None:
    assert "is no service's folder" in movepass("service", "rules", "replay", strict, "--data", tmp_path / "x").err
    assert movepass("service", "rules", "replay", strict, "--data", data, "--since", "yesterday").code == 2
