"""Check the command's names, answers and exit codes, which the users of DESIGN rely on."""

import json
import re
import time
from base64 import urlsafe_b64encode
from datetime import timedelta
from pathlib import Path

import pytest
import qrcode
from click import Context

from movepass_cli.main import cli
from movepass_wire.times import iso, parse_iso
from movepass_words import LANGUAGES, words

from .conftest import HOUR, Field, Movepass, make_request, set_up


def test_init_names_what_it_made(movepass: Movepass, tmp_path: Path) -> None:
    made = movepass("init", "--authority", tmp_path / "a", "--json").row
    assert set(made) == {"root", "repository", "ledger"}
    assert all(Path(path).exists() for path in made.values())


def test_issue_answers_one_request(movepass: Movepass, field: Field, tmp_path: Path) -> None:
    request = tmp_path / "request.json"
    request.write_text(json.dumps(make_request("one"), indent=2))
    png = tmp_path / "one.png"
    ran = movepass("issue", "--authority", field.authority, "--json", "--png", png, request)
    assert ran.code == 0
    assert set(ran.row) == {"request_id", "pass_number", "text", "png"}
    assert png.read_bytes().startswith(b"\x89PNG")


def test_json_lines_are_answered_in_order_and_bad_ones_by_line(movepass: Movepass, field: Field) -> None:
    lines = [
        json.dumps(make_request("a")),
        "not json",
        "",
        json.dumps(make_request("b", reason="x" * 65)),
        json.dumps(make_request("c")),
    ]
    ran = movepass("issue", "--authority", field.authority, "-", given="\n".join(lines))
    assert ran.code == 2
    assert [row.get("request_id") for row in ran.rows] == ["a", None, None, "c"]
    assert [row.get("line") for row in ran.rows] == [None, 2, 4, None]
    assert "reason" in ran.rows[2]["error"]
    assert "line 4" in ran.err


def test_the_same_file_twice_gives_the_same_passes(movepass: Movepass, field: Field) -> None:
    given = "\n".join(json.dumps(make_request(f"twice-{n}")) for n in range(600))
    first = movepass("issue", "--authority", field.authority, "-", given=given)
    again = movepass("issue", "--authority", field.authority, "-", given=given)
    assert first.code == 0
    assert first.out == again.out
    assert len({row["pass_number"] for row in first.rows}) == 600


@pytest.mark.parametrize("how", ["text", "stdin", "png", "card"])
def test_verify_accepts_a_good_pass_however_it_comes(movepass: Movepass, field: Field, how: str) -> None:
    given = {"text": field.text, "stdin": "-", "png": field.png, "card": field.card}[how]
    ran = movepass("verify", "--store", field.device, "--json", given, given=field.text)
    assert ran.code == 0
    assert ran.row["outcome"] == "accept"
    assert ran.row["verdict"] == "valid"
    assert ran.row["pass_number"] == field.number
    assert ran.row["pass"]["holder"] == {"name": "Rahima Khatun", "id_type": "nid", "id_last": "4821"}
    assert [check["state"] for check in ran.row["checks"]] == ["passed"] * 13
    assert set(ran.row["freshness"]) >= {"synced_at", "age_s"}


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_line_end_after_the_text_does_not_matter(movepass: Movepass, field: Field, line_end: str) -> None:
    assert movepass("verify", "--store", field.device, "-", given=field.text + line_end).code == 0
    assert movepass("verify", "--store", field.device, field.text + line_end).code == 0


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        ("", " "),
        ("]Q1", ""),
        ("\\000026", ""),
        ('"', '"'),
        ("\ufeff", ""),
        ("\u00a0", ""),
        ("\x02", "\x03"),
        ("", "\t"),
    ],
)
def test_what_a_scanner_adds_is_named_and_not_mended(
    movepass: Movepass, field: Field, before: str, behind: str
) -> None:
    ran = movepass("verify", "--store", field.device, "--json", "-", given=f"{before}{field.text}{behind}\r\n")
    assert (ran.code, ran.row["outcome"], ran.row["verdict"]) == (3, "cannot-verify", "scanner-wrong")
    assert "the scanner adds characters" in ran.row["reason"]
    assert (ran.row["pass"], ran.row["pass_number"], ran.row["authority"]) == (None, None, None)
    later = iso(int(time.time()) + 7200)
    expired = movepass("verify", "--store", field.device, "--at", later, "-", given=f"{before}{field.text}{behind}")
    assert expired.code == 1


def test_a_scanner_that_changes_case_is_named(movepass: Movepass, field: Field) -> None:
    said = movepass("verify", "--store", field.device, "-", given="]q1" + field.text.lower())
    assert said.code == 3
    assert "Caps Lock" in said.out


def test_verdicts_have_their_exit_codes(movepass: Movepass, field: Field) -> None:
    def code_at(offset: timedelta) -> tuple[int, str]:
        at = iso(int(time.time() + offset.total_seconds()))
        ran = movepass("verify", "--store", field.device, "--json", "--at", at, field.text)
        return ran.code, ran.row["verdict"]

    assert code_at(timedelta(hours=3)) == (1, "expired")
    assert code_at(timedelta(hours=-2)) == (3, "clock-wrong")
    assert movepass("verify", "--store", field.device, "MP2:" + field.text[4:]).code == 3


def test_at_takes_any_zone(movepass: Movepass, field: Field) -> None:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
    assert movepass("verify", "--store", field.device, "--at", at, field.text).code == 0


def test_enroll_may_be_spelled_as_in_britain(movepass: Movepass) -> None:
    assert "Set up a device's store" in movepass("enrol", "--help").out


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_verdict_as_of_another_time_says_so(movepass: Movepass, field: Field, language: str) -> None:
    at = int(time.time()) + 60
    said = movepass("verify", "--store", field.device, "--language", language, "--at", iso(at), field.text).out
    assert said.splitlines()[1] == f"! {words(language)('verify.as-of', at=at)}"
    assert "not now" not in movepass("verify", "--store", field.device, field.text).out


def test_another_time_left_in_the_environment_decides_nothing(movepass: Movepass, field: Field) -> None:
    ran = movepass("verify", "--store", field.device, field.text, env={"MOVEPASS_AT": "2001-01-01T00:00:00Z"})
    assert ran.code == 0


def test_a_test_authority_says_so_large(movepass: Movepass, field: Field) -> None:
    ran = movepass("verify", "--store", field.device, field.text)
    assert "ACCEPT" in ran.out
    assert "T E S T   T E S T" in ran.out
    assert movepass("verify", "--store", field.device, "--json", field.text).row["authority"]["test"] is True


def test_a_production_authority_does_not(movepass: Movepass, tmp_path: Path) -> None:
    authority, device = tmp_path / "a", tmp_path / "d"
    movepass("init", "--authority", authority, "--production", "--name", "DMP")
    text = movepass("issue", "--authority", authority, "-", given=json.dumps(make_request())).row["text"]
    root = authority / "repository/metadata/1.root.json"
    movepass("enroll", "--store", device, "--root", root, "--source", authority / "repository")
    movepass("sync", "--store", device)
    ran = movepass("verify", "--store", device, text)
    assert ran.code == 0
    assert "TEST" not in ran.out


def test_no_holder_data_where_the_signature_does_not_hold(movepass: Movepass, field: Field) -> None:
    at = len(field.text) // 2
    forged = field.text[:at] + ("0" if field.text[at] != "0" else "1") + field.text[at + 1 :]
    for extra in ([], ["--json"]):
        ran = movepass("verify", "--store", field.device, *extra, forged)
        assert ran.code == 1
        assert "Rahima" not in ran.out + ran.err


def test_revoke_publish_sync_refuse(movepass: Movepass, tmp_path: Path) -> None:
    own = set_up(tmp_path)
    assert movepass("revoke", "--authority", own.authority, own.number, "--reason", "x").code == 0
    assert movepass("verify", "--store", own.device, own.text).code == 0
    assert movepass("publish", "--authority", own.authority, "--json").row["revoked"] == 1
    synced = movepass("sync", "--store", own.device, "--json").row
    assert set(synced) >= {"changed", "requests", "bytes", "source", "synced_at", "lists"}
    assert synced["changed"] is True
    assert sum(day["revoked"] for day in synced["lists"]) == 1
    ran = movepass("verify", "--store", own.device, "--json", own.text)
    assert (ran.code, ran.row["verdict"]) == (1, "revoked")
    again = movepass("sync", "--store", own.device, "--json").row
    assert again["changed"] is False
    assert again["requests"] == 1
    shown = movepass("show", "--authority", own.authority, own.number, "--json").row
    assert parse_iso(shown["revoked_at"]) <= time.time()


def test_show_finds_by_number_and_request_and_reprints(movepass: Movepass, field: Field, tmp_path: Path) -> None:
    card = tmp_path / "again.pdf"
    by_number = movepass("show", "--authority", field.authority, field.number.lower(), "--json", "--card", card)
    by_request = movepass("show", "--authority", field.authority, "--request", "R-1", "--json")
    assert by_number.row["text"] == by_request.row["text"] == field.text
    assert card.read_bytes().startswith(b"%PDF")


def test_a_reason_that_no_ledger_keeps_is_one_line(movepass: Movepass, field: Field) -> None:
    ran = movepass("revoke", "--authority", field.authority, field.number, "--reason", "x" * 257)
    assert (ran.code, ran.out) == (2, "")
    assert "reason: expected at most 256 printable characters, got 257" in ran.err


def test_revoke_with_one_bad_number_revokes_none(movepass: Movepass, tmp_path: Path) -> None:
    own = set_up(tmp_path)
    ran = movepass("revoke", "--authority", own.authority, own.number, "000-000-00Z")
    assert ran.code == 2
    assert movepass("publish", "--authority", own.authority, "--json").row["revoked"] == 0


def test_scan_goes_on_after_a_bad_line(movepass: Movepass, field: Field) -> None:
    ran = movepass("scan", "--store", field.device, "--json", given=f"hello\r\n{field.text}\r\n\r\n\x00\xff\n")
    assert ran.code == 0
    assert [row["verdict"] for row in ran.rows] == ["not-a-pass", "valid", "not-a-pass"]


def test_scan_goes_on_after_a_bad_picture(movepass: Movepass, field: Field) -> None:
    ran = movepass("scan", "--store", field.device, "--json", field.folder / "missing.png", field.png)
    assert [row["verdict"] for row in ran.rows] == ["valid"]
    assert "missing.png" in ran.err


def test_status_says_whether_the_device_is_ready(movepass: Movepass, field: Field, tmp_path: Path) -> None:
    ready = movepass("status", "--store", field.device, "--json")
    assert ready.code == 0
    assert ready.row["ready"] is True
    assert len(ready.row["keys"]) == 1
    root = field.authority / "repository/metadata/1.root.json"
    movepass("enroll", "--store", tmp_path / "new", "--root", root, "--source", field.authority / "repository")
    unsynced = movepass("status", "--store", tmp_path / "new")
    assert unsynced.code == 3
    assert "NOT READY" in unsynced.out


def test_inspect_says_unverified(movepass: Movepass, field: Field) -> None:
    ran = movepass("inspect", field.png)
    assert ran.code == 0
    assert "UNVERIFIED" in ran.out
    assert movepass("inspect", "--json", field.text).row["pass_number"] == field.number


def test_inspect_says_what_a_code_of_another_scheme_is(movepass: Movepass, tmp_path: Path) -> None:
    header, payload = {"alg": "ES256", "kid": "k1"}, {"iss": "https://a.example", "sub": "Muster", "exp": 1730000000}
    text = "".join(
        urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") + "." for part in (header, payload)
    )
    ran = movepass("inspect", text)
    assert ran.code == 0
    assert ran.out.startswith("UNVERIFIED: this is a signed web token (JWT), not a movement pass.\n")
    assert "https://a.example" in ran.out
    assert "Muster" not in ran.out
    picture = tmp_path / "token.png"
    qrcode.make(text).save(picture)
    row = movepass("inspect", "--json", picture).row
    assert (row["scheme"], row["kid"], row["expires_at"]) == ("jwt", "k1", "2024-10-27T09:33:20+06:00")
    assert (row["verified"], row["issued_at"], "pass" in row) == (False, None, False)


def test_inspect_of_a_certificate_that_can_not_be_read_exits_2_and_names_it(movepass: Movepass) -> None:
    ran = movepass("inspect", "HC1:6BFOXN%TS3DH0YOJ58S S")
    assert (ran.code, ran.out) == (2, "")
    assert "this is a COVID certificate, not a movement pass, and it can't be read" in ran.err


def test_keys_list_is_a_jwk_set(movepass: Movepass, field: Field) -> None:
    document = movepass("keys", "list", "--authority", field.authority, "--json").row
    assert document["authority"] == {"name": "Test of the command", "test": True}
    assert document["keys"][0]["alg"] == "ES256"


def test_options_come_from_the_environment(movepass: Movepass, field: Field) -> None:
    ran = movepass("verify", field.text, env={"MOVEPASS_STORE": str(field.device), "MOVEPASS_JSON": "1"})
    assert ran.row["verdict"] == "valid"


def test_times_are_dhakas_whatever_the_machines_zone(movepass: Movepass, field: Field) -> None:
    ran = movepass("verify", "--store", field.device, field.text, env={"TZ": "America/New_York"})
    assert "Asia/Dhaka" in ran.out
    ends = int(time.time()) + 2 * HOUR  # the pass was issued some minutes ago, perhaps in the hour before
    assert any(words("en").minute(at)[:-2] in ran.out for at in (ends, ends - HOUR))


@pytest.mark.parametrize(
    "command",
    ["init", "issue", "show", "revoke", "publish", "recover", "enroll", "sync", "verify", "scan", "status", "configure",
     "doctor", "inspect", "export-bundle", "audit",
     "keys custodian", "keys fingerprint", "keys propose root", "keys propose keys", "keys show", "keys sign",
     "keys collect", "keys publish", "keys new", "keys use", "keys deny", "keys reissue", "keys list"],
)  # fmt: skip
def test_every_help_has_an_example(movepass: Movepass, command: str) -> None:
    ran = movepass(*command.split(), "--help")
    assert ran.code == 0
    assert f"movepass {command}" in ran.out.split("Example:")[1]


def test_help_lists_every_command_once_under_its_users(movepass: Movepass) -> None:
    shown = movepass("--help").out
    assert [line for line in shown.splitlines() if line in {"Officer:", "IT desk:", "Issuer:", "Custodian:"}] == [
        "Officer:", "IT desk:", "Issuer:", "Custodian:",
    ]  # fmt: skip
    for name in cli.list_commands(Context(cli)):
        assert len(re.findall(rf"^  {name}  ", shown, re.MULTILINE)) == 1, name


def test_a_shell_is_told_how_a_command_goes_on(movepass: Movepass) -> None:
    asked = {"_MOVEPASS_COMPLETE": "bash_complete", "COMP_WORDS": "movepass ver", "COMP_CWORD": "1"}
    completed = movepass(env=asked)
    assert (completed.code, completed.out) == (0, "plain,verify\n")
