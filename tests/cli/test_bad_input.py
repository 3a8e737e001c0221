"""Check that bad input gets a clear message and the right exit code, and that nothing is lost or half done."""

import ctypes
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import qrcode
from PIL import Image

from .conftest import Field, Movepass, make_request, set_up

PEER = "{},arn:aws:dynamodb:eu-west-1:000000000000:table/t,arn:aws:s3:::bbb"
HCERT = "HC1:NCFOXN%TS3DH3ZSUZK+.V0ETD%65NL-AH-R6IOO6+IUKRG*I.I5BROCWAAT4V22F/8X*G3M9JUPY0BX/KR96R/S09T./0LW"


@pytest.mark.parametrize(
    "text",
    [
        "https://movementpass.police.gov.bd/verify?id=1",
        "BEGIN:VCARD\nVERSION:3.0\nFN:Abdul Karim\nEND:VCARD",
        HCERT,
        "shc:/56762909524320603460292437404460312229595326546034602925407728043360287028647167452228",
        "eyJhbGciOiJFUzI1NiJ9.eyJuYW1lIjoiUmFoaW1hIn0.c2ln",
        '{"name":"Rahima Khatun","nid":"1990"}',
        " ",
    ],
)
def test_other_schemes_are_not_a_pass(movepass: Movepass, field: Field, text: str) -> None:
    ran = movepass("verify", "--store", field.device, "--json", text)
    assert (ran.code, ran.row["verdict"]) == (1, "not-a-pass")


@pytest.mark.parametrize("change", ["url", "truncated", "nul", "doubled"])
def test_a_payload_that_was_not_copied_exactly_is_malformed(movepass: Movepass, field: Field, change: str) -> None:
    text = {
        "url": f"https://passes.example/of-some-authority/v?p={field.text}",  # more than a scanner adds
        "truncated": field.text[:-20],
        "nul": field.text[:30] + "\0" + field.text[30:],
        "doubled": field.text + field.text,
    }[change]
    ran = movepass("verify", "--store", field.device, "--json", "-", given=text)
    assert (ran.code, ran.row["verdict"]) == (1, "malformed")


@pytest.mark.parametrize(("start", "verdict"), [("MP1:", "malformed"), ("", "not-a-pass")])
def test_ten_megabytes_of_text(movepass: Movepass, field: Field, start: str, verdict: str) -> None:
    ran = movepass("verify", "--store", field.device, "--json", "-", given=start + "A" * 10_000_000)
    assert (ran.code, ran.row["verdict"]) == (1, verdict)
    assert len(ran.out) < 4000


def test_nothing_at_all_is_not_a_pass(movepass: Movepass, field: Field) -> None:
    assert movepass("verify", "--store", field.device, "-", given="").code == 1


def _picture(path: Path, *texts: str) -> Path:
    """Draw one QR code beside the other."""
    codes = []
    for text in texts:
        code = qrcode.QRCode(border=6)
        code.add_data(text)
        codes.append(code.make_image().get_image().convert("L"))
    picture = Image.new("L", (sum(c.width for c in codes) or 400, max((c.height for c in codes), default=300)), 200)
    x = 0
    for code in codes:
        picture.paste(code, (x, 0))
        x += code.width
    picture.save(path)
    return path


def test_pictures_that_hold_no_single_code(movepass: Movepass, field: Field, tmp_path: Path) -> None:
    two = movepass("verify", "--store", field.device, _picture(tmp_path / "two.png", field.text, "MP1:ANOTHER"))
    none = movepass("verify", "--store", field.device, _picture(tmp_path / "none.png"))
    (tmp_path / "not.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(field.card.read_bytes()[:5000])
    broken = [
        movepass("verify", "--store", field.device, tmp_path / name) for name in ("not.png", "cut.png", "gone.png")
    ]
    assert [ran.code for ran in (two, none, *broken)] == [2] * 5
    assert "2 QR codes" in two.err
    assert "no QR code" in none.err
    assert all(len(ran.err.splitlines()) == 1 for ran in (two, none, *broken))


def test_somebody_elses_code_in_a_picture(movepass: Movepass, field: Field, tmp_path: Path) -> None:
    ran = movepass("verify", "--store", field.device, "--json", _picture(tmp_path / "other.png", HCERT))
    assert (ran.code, ran.row["verdict"]) == (1, "not-a-pass")


def _driver(name: str) -> dict[str, object]:
    return {"registration": "X 1", "driver": {"name": name, "licence_last": "1"}}


WIDE = "অ🙂" * 32


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"holder": {"name": "a" * 65, "id_type": "nid", "id_last": "1"}}, "holder.name: 65 characters; at most 64"),
        ({"holder": {"name": "a\x07b", "id_type": "nid", "id_last": "1"}}, "holder.name: U+0007"),
        ({"holder": {"name": "a\u202eb", "id_type": "nid", "id_last": "1"}}, "holder.name: U+202E"),
        ({"holder": {"name": "", "id_type": "nid", "id_last": "1"}}, "holder.name: expected text"),
        ({"holder": {"name": "A", "id_type": "library-card", "id_last": "1"}}, "expected one of nid"),
        ({"colour": "green"}, "colour: unknown key"),
        ({"to": {"district": "dhaka", "street": "1"}}, "to.street: unknown key"),
        ({"to": {"district": "atlantis"}}, "to.district: expected one of the 64 districts"),
        ({"vehicle": _driver("x") | {"wheels": 4}}, "vehicle.wheels: unknown key"),
        ({"not_before": "2026-11-22T09:00:00"}, "not_before: expected a time with its zone"),
        ({"reason": 3}, "reason: expected text, got 3"),
        (
            {
                "holder": {"name": WIDE, "id_type": "nid", "id_last": "1"},
                "from": {"district": "dhaka", "place": WIDE}, "to": {"district": "dhaka", "place": WIDE},
                "reason": WIDE, "vehicle": _driver(WIDE),
            },
            "would pass 1024 characters; shorten holder.name (224 bytes)",
        ),
    ],
)  # fmt: skip
def test_requests_that_cannot_become_a_pass(
    movepass: Movepass, field: Field, change: dict[str, object], words: str
) -> None:
    ran = movepass("issue", "--authority", field.authority, "-", given=json.dumps(make_request("bad", **change)))
    assert ran.code == 2
    assert words in ran.row["error"]
    assert movepass("show", "--authority", field.authority, "--request", "bad").code == 2


@pytest.mark.parametrize(
    ("not_before", "not_after", "words"),
    [
        ("2040-01-01T09:00:00+06:00", "2040-01-01T08:00:00+06:00", "not_after: must be later"),
        ("2040-01-01T09:00:00+06:00", "2040-01-01T22:00:00+06:00", "13 hours; a pass lasts at most 12"),
        ("2040-01-01T09:00:00+06:00", "2040-01-01T12:00:00+06:00", "more than 72 hours ahead"),
        ("2021-04-14T09:00:00+06:00", "2021-04-14T12:00:00+06:00", "is over"),
    ],
)
def test_times_that_cannot_be(movepass: Movepass, field: Field, not_before: str, not_after: str, words: str) -> None:
    request = make_request("times", not_before=not_before, not_after=not_after)
    ran = movepass("issue", "--authority", field.authority, "-", given=json.dumps(request))
    assert ran.code == 2
    assert words in ran.row["error"]


def test_a_byte_order_mark_does_not_matter(movepass: Movepass, field: Field, tmp_path: Path) -> None:
    for name, requests in (("one", ["bom-1"]), ("many", ["bom-2", "bom-3"])):
        lines = "\r\n".join(json.dumps(make_request(r)) for r in requests)
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + lines.encode())
        ran = movepass("issue", "--authority", field.authority, tmp_path / name)
        assert ran.code == 0, ran.err
        assert [row["request_id"] for row in ran.rows] == requests


def test_an_id_used_for_other_content(movepass: Movepass, field: Field) -> None:
    ran = movepass("issue", "--authority", field.authority, "-", given=json.dumps(make_request("R-1", reason="goods")))
    assert ran.code == 2
    assert "used before for other content" in ran.row["error"]


def test_a_line_of_ten_megabytes_does_not_stop_the_rest(movepass: Movepass, field: Field) -> None:
    lines = ["x" * 10_000_000, json.dumps(make_request("after"))]
    ran = movepass("issue", "--authority", field.authority, "-", given="\n".join(lines))
    assert ran.code == 2
    assert [("line" in row, row.get("request_id")) for row in ran.rows] == [(True, None), (False, "after")]


def test_escape_sequences_in_a_request_do_not_reach_the_terminal(movepass: Movepass, field: Field) -> None:
    ran = movepass("issue", "--authority", field.authority, "-", given=json.dumps({"\x1b[2J": 1} | make_request("esc")))
    assert ran.code == 2
    assert "\x1b" not in ran.out + ran.err


@pytest.mark.parametrize("arguments", [
    ["frobnicate"], ["verify"], ["verify", "--store", "nowhere"], ["verify", "--at", "noon", "x"], ["publish"],
    ["issue", "--authority", "nowhere"], ["--colour"], ["revoke", "--authority", "nowhere"],
])  # fmt: skip
def test_wrong_usage_is_exit_code_2(movepass: Movepass, arguments: list[str]) -> None:
    ran = movepass(*arguments)
    assert ran.code == 2
    assert ran.err.startswith("movepass: error: ")


@pytest.mark.parametrize(
    ("option", "name", "words"),
    [
        ("--card", "card.jpg", "a card is saved as PNG or PDF by its name's ending, got "),
        ("--card", "card", "a card is saved as PNG or PDF by its name's ending, got "),
        ("--card", "nowhere/card.pdf", "there is no folder "),
        ("--png", "nowhere/pass.png", "there is no folder "),
        ("--png", "file/pass.png", "there is no folder "),
    ],
)
def test_pictures_that_can_not_be_written_are_told_before_anything_is_issued(
    movepass: Movepass, field: Field, tmp_path: Path, option: str, name: str, words: str
) -> None:
    (tmp_path / "file").write_text("")
    given = json.dumps(make_request(f"{option} {name}"))
    ran = movepass("issue", "--authority", field.authority, option, tmp_path / name, "-", given=given)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert name.partition("/")[0] in ran.err
    assert movepass("show", "--authority", field.authority, "--request", f"{option} {name}").code == 2
    ran = movepass("show", "--authority", field.authority, field.number, option, tmp_path / name)
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.parametrize(
    ("name", "letters"),
    [("राहुल शर्मा", "र (U+0930), "), ("Rahima 🙂", "🙂 (U+1F642):")],
    ids=["Devanagari", "emoji"],
)
def test_a_card_whose_letters_no_font_has_does_not_stop_the_rest(
    movepass: Movepass, field: Field, tmp_path: Path, name: str, letters: str
) -> None:
    holder = {"name": name, "id_type": "nid", "id_last": "4821"}
    requests = [make_request(f"{which}-{ord(letters[0])}") for which in ("before", "strange", "after")]
    lines = [json.dumps(one) for one in (requests[0], requests[1] | {"holder": holder}, requests[2])]
    both = ("--png", tmp_path / "cards", "--card", tmp_path / "cards")
    ran = movepass("issue", "--authority", field.authority, *both, "-", given="\n".join(lines))
    assert ran.code == 2
    before, middle, after = ran.rows
    assert set(before) == set(after) == {"request_id", "pass_number", "text", "png", "card"}
    assert set(middle) == {"request_id", "pass_number", "text", "png", "line", "error"}
    assert middle["error"].startswith(f"pass {middle['pass_number']} is issued, and has no card: no font for {letters}")
    assert ran.err == f"movepass: error: line 2: {middle['error']}\n"
    assert sorted(path.name for path in (tmp_path / "cards").iterdir()) == sorted(
        [
            *(f"{row['pass_number']}.png" for row in ran.rows),
            *(f"card-{row['pass_number']}.png" for row in (before, after)),
        ]
    )
    shown = movepass("show", "--authority", field.authority, middle["pass_number"], "--card", tmp_path / "c.pdf")
    assert (shown.code, shown.err) == (2, f"movepass: error: {middle['error']}\n")
    assert not (tmp_path / "c.pdf").exists()


@pytest.mark.parametrize(
    ("peers", "words"),
    [
        (["nonsense"], "expected a region as NUMBER,TABLE-ARN,BUCKET-ARN, got 'nonsense'"),
        ([PEER.format(2)], "regions are numbered from 0, each once; the others are said to be [2]"),
        ([PEER.format(1), PEER.format(1)], "regions are numbered from 0"),
        ([PEER.format(1)], "expected --ledger dynamodb:TABLE-ARN and --repository s3://BUCKET"),
    ],
)
def test_regions_that_can_not_be(movepass: Movepass, tmp_path: Path, peers: list[str], words: str) -> None:
    ran = movepass("init", "--authority", tmp_path / "a", *(part for peer in peers for part in ("--peer", peer)))
    assert ran.code == 4
    assert words in ran.err
    assert not (tmp_path / "a").exists()


def test_there_is_nothing_to_reconcile_where_there_is_one_region(movepass: Movepass, field: Field) -> None:
    ran = movepass("reconcile", "--authority", field.authority, "--lost", "0")
    assert ran.code == 4
    assert "this authority has one region; others are named by movepass init --peer" in ran.err


def test_folders_that_are_not_what_they_should_be(movepass: Movepass, field: Field, tmp_path: Path) -> None:
    (tmp_path / "authority.json").write_text("{}")
    for arguments in (
        ["verify", "--store", tmp_path, "x"],
        ["sync", "--store", tmp_path / "missing"],
        ["publish", "--authority", tmp_path],
        ["init", "--authority", tmp_path],
        ["init", "--authority", field.authority],
        ["sync", "--store", field.device, "--source", tmp_path / "unplugged"],
        ["sync", "--store", field.device, "--source", tmp_path],
        ["sync", "--store", field.device, "--source", "http://127.0.0.1:1/"],
        ["enroll", "--store", field.device, "--root", field.authority / "repository/metadata/1.root.json",
         "--source", tmp_path],
        ["enroll", "--store", tmp_path / "new", "--root", field.png, "--source", tmp_path],
    ):  # fmt: skip
        ran = movepass(*arguments)
        assert ran.code == 4, (arguments, ran)
        assert len(ran.err.splitlines()) == 1
    assert not (tmp_path / "new").exists()
    assert movepass("verify", "--store", field.device, field.text).code == 0


@pytest.mark.parametrize("what", ["a pipe", "a device", "a huge file"])
def test_an_authority_whose_settings_never_end_is_refused(tmp_path: Path, what: str) -> None:
    authority, settings = tmp_path / "authority", tmp_path / "authority" / "authority.json"
    authority.mkdir()
    if what == "a pipe":
        os.mkfifo(settings)
    elif what == "a device":
        settings.symlink_to("/dev/zero")
    else:
        with settings.open("wb") as file:
            file.truncate(8 << 30)
    ran = subprocess.run(
        [sys.executable, "-m", "movepass_cli.main", "publish", "--authority", str(authority)],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 4
    assert "is not an authority" in ran.stderr


@pytest.mark.parametrize("what", ["a link", "a pipe", "a folder", "a hard link"])
@pytest.mark.parametrize("lock", [".lock", "repository/.publisher.lock"])
def test_a_lock_that_was_laid_is_not_followed(movepass: Movepass, tmp_path: Path, lock: str, what: str) -> None:
    authority, outside = tmp_path / "authority", tmp_path / "outside"
    assert movepass("init", "--authority", authority).code == 0
    (authority / lock).unlink(missing_ok=True)
    if what == "a link":
        (authority / lock).symlink_to(outside)
    elif what == "a pipe":
        os.mkfifo(authority / lock)
    elif what == "a folder":
        (authority / lock).mkdir()
    else:
        outside.write_bytes(b"")
        os.link(outside, authority / lock)
    command = ("keys", "new") if lock == ".lock" else ("publish",)
    ran = movepass(*command, "--authority", authority)
    assert ran.code == 4
    assert Path(lock).name in ran.err
    assert "defect" not in ran.err
    assert outside.exists() == (what == "a hard link")


def test_a_store_is_never_made_through_a_link(movepass: Movepass, field: Field, tmp_path: Path) -> None:
    home, link = tmp_path / "home", tmp_path / "stick"
    home.mkdir()
    root = field.authority / "repository" / "metadata" / "1.root.json"
    for target in (home, tmp_path / "nowhere"):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        ran = movepass("enroll", "--store", link, "--root", root, "--source", field.authority / "repository")
        assert ran.code == 4
        assert f"{link} is a link" in ran.err
    assert list(home.iterdir()) == []
    assert not (tmp_path / "nowhere").exists()


def test_pass_numbers_with_a_slip(movepass: Movepass, field: Field) -> None:
    slipped = field.number[:-1] + ("0" if field.number[-1] != "0" else "1")
    for number in (slipped, "ABC", "A!B-2C3-D4E", "U00-000-000"):
        ran = movepass("show", "--authority", field.authority, number)
        assert ran.code == 2, number
    assert "slip" in movepass("show", "--authority", field.authority, slipped).err


def test_a_store_of_a_newer_version(movepass: Movepass, field: Field, tmp_path: Path) -> None:
    shutil.copytree(field.device, tmp_path / "newer")
    with sqlite3.connect(tmp_path / "newer" / "device.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    ran = movepass("verify", "--store", tmp_path / "newer", field.text)
    assert ran.code == 4
    assert "version 99" in ran.err
    assert "update this software" in ran.err


def test_a_ledger_of_a_newer_version(movepass: Movepass, tmp_path: Path) -> None:
    own = set_up(tmp_path)
    with sqlite3.connect(own.authority / "ledger.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    ran = movepass("issue", "--authority", own.authority, "-", given=json.dumps(make_request("new")))
    assert ran.code == 4
    assert "version 99" in ran.err


def test_a_key_that_others_can_read_is_not_used(movepass: Movepass, tmp_path: Path) -> None:
    own = set_up(tmp_path)
    (key,) = (own.authority / "keys").glob("pass-*.pem")
    key.chmod(0o644)
    ran = movepass("issue", "--authority", own.authority, "-", given=json.dumps(make_request("new")))
    assert ran.code == 4
    assert "chmod 600" in ran.err


def test_key_files_are_never_written_over(movepass: Movepass, tmp_path: Path) -> None:
    make = ("keys", "custodian", tmp_path / "k", "--name", "Rahima", "--no-passphrase")
    assert movepass(*make).code == 0
    before = (tmp_path / "k" / "root.pem").read_bytes()
    assert movepass(*make).code == 4
    assert (tmp_path / "k" / "root.pem").read_bytes() == before
    assert (tmp_path / "k" / "root.pem").stat().st_mode & 0o777 == 0o600


def _small_files_only() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def test_a_full_disk_loses_nothing(movepass: Movepass, tmp_path: Path) -> None:
    own = set_up(tmp_path)
    given = "\n".join(json.dumps(make_request(f"full-{n}")) for n in range(1500))
    full = movepass("issue", "--authority", own.authority, "-", given=given, preexec_fn=_small_files_only)
    assert full.code == 4
    assert "ledger" in full.err
    after = movepass("issue", "--authority", own.authority, "-", given=given)
    assert after.code == 0
    assert len({row["pass_number"] for row in after.rows}) == 1500
    assert after.rows[: len(full.rows)] == full.rows
    movepass("revoke", "--authority", own.authority, own.number)
    movepass("publish", "--authority", own.authority)
    shutil.rmtree(own.folder / "small", ignore_errors=True)
    failed = movepass("init", "--authority", own.folder / "small", preexec_fn=_tiny_files_only)
    assert failed.code == 4
    assert not (own.folder / "small").exists()
    assert movepass("sync", "--store", own.device, preexec_fn=_tiny_files_only).code == 4
    assert movepass("verify", "--store", own.device, own.text).code == 0
    assert movepass("sync", "--store", own.device).code == 0
    assert movepass("verify", "--store", own.device, own.text).code == 1


def _tiny_files_only() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))


def _obey_file_modes() -> None:
    """Make even root obey read-only modes: PR_CAPBSET_DROP of CAP_DAC_OVERRIDE takes effect with the next exec."""
    if os.geteuid() == 0:
        assert ctypes.CDLL(None, use_errno=True).prctl(24, 1, 0, 0, 0) == 0


def test_a_read_only_folder(movepass: Movepass, field: Field, tmp_path: Path) -> None:
    device = tmp_path / "device"
    shutil.copytree(field.device, device)
    for path in (*device.iterdir(), device, tmp_path):
        path.chmod(0o555 if path.is_dir() else 0o444)

    def code(*arguments: object) -> int:
        return movepass(*arguments, preexec_fn=_obey_file_modes).code

    try:
        assert code("verify", "--store", device, field.text) == 0
        assert code("init", "--authority", tmp_path / "a") == 4
        assert code("keys", "custodian", tmp_path / "k", "--name", "R", "--no-passphrase") == 4
        assert code("sync", "--store", device) == 4
        assert code("verify", "--store", device, field.text) == 0
    finally:
        tmp_path.chmod(0o755)
        device.chmod(0o755)


def test_output_that_nobody_reads(field: Field) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        [sys.executable, "-m", "movepass_cli.main", "scan", "--store", str(field.device)],
        input=(field.text + "\n").encode() * 2000, stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60,
    )  # fmt: skip
    os.close(writing)
    assert result.returncode == 4
    assert result.stderr == b""


def test_output_that_nobody_reads_while_the_scanner_stays_plugged_in(field: Field) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "movepass_cli.main", "scan", "--store", str(field.device)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        assert process.stdin is not None
        process.stdin.write(field.text.encode() + b"\n")
        process.stdin.flush()
        assert process.wait(timeout=60) == 4
