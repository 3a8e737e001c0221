"""Check that a text or file is read as a person or a program means it, and never leads to exit code 0 by mistake."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import qrcode

from movepass_cli.inputs import payload_text
from movepass_verifier import ImageError, Outcome
from movepass_verifier.device import Device

from .conftest import Field, Movepass, make_request, run_movepass

OPTION_LIKE = [
    "--help",
    "-h",
    "--version",
    "--json",
    "--text",
    "--real-only",
    "--at=2026-11-22T09:00:00+06:00",
    "--",
    "-",
]


@pytest.mark.parametrize("text", [*OPTION_LIKE, "", "@good.png", "good.png", "./good.png", "%PATH%", "$HOME", "*.png"])
def test_a_text_given_by_option_is_that_text_whatever_it_looks_like(
    movepass: Movepass, field: Field, text: str, tmp_path: Path
) -> None:
    """The text of a QR code is a stranger's; a file of an earlier good pass may lie there."""
    (tmp_path / "good.png").write_bytes(field.png.read_bytes())
    ran = movepass("verify", "--store", field.device, "--json", "--text", text, cwd=tmp_path, given=field.text)
    assert (ran.code, ran.row["verdict"]) == (1, "not-a-pass")


@pytest.mark.parametrize("by_environment", [False, True])
@pytest.mark.parametrize("text", [text for text in OPTION_LIKE if text != "-"])
def test_a_code_that_looks_like_an_option_is_never_an_accept(
    movepass: Movepass, field: Field, text: str, *, by_environment: bool
) -> None:
    """Given in the place that is for people, against the documents' advice."""
    store = [] if by_environment else ["--store", field.device]
    environment = {"MOVEPASS_STORE": str(field.device)} if by_environment else {}
    for command in ("verify", "check-number"):
        assert movepass(command, *store, text, env=environment).code == 2
        assert movepass(command, text, *store, env=environment).code == 2


def test_help_is_no_failure_where_nothing_could_have_been_checked(movepass: Movepass) -> None:
    ran = movepass("verify", "--help")
    assert (ran.code, ran.err) == (0, "")


def test_a_pass_is_accepted_by_text_by_picture_and_by_stdin(movepass: Movepass, field: Field, tmp_path: Path) -> None:
    (tmp_path / "-odd name").write_bytes(field.png.read_bytes())
    for given in (
        ["--text", field.text],
        ["--image", field.png],
        ["--image=-odd name"],
        [field.png],
        [field.text],
        ["-"],
    ):
        ran = movepass("verify", "--store", field.device, "--json", *given, given=field.text + "\r\n", cwd=tmp_path)
        assert (ran.code, ran.row["verdict"]) == (0, "valid"), given
        assert movepass("inspect", "--json", *given, given=field.text, cwd=tmp_path).row["pass_number"] == field.number


@pytest.mark.parametrize(
    "given", [[], ["x", "--text", "x"], ["--text", "x", "--image", "x.png"], ["-", "--image", "x"]]
)
def test_exactly_one_input_is_expected(movepass: Movepass, field: Field, given: list[str]) -> None:
    for command in (["verify", "--store", field.device], ["inspect"]):
        ran = movepass(*command, *given)
        assert ran.code == 2
        assert "expected one of TEXT|IMAGE|-, --text TEXT and --image FILE" in ran.err


def test_an_image_given_by_option_is_a_file_even_if_it_is_called_like_a_pass(movepass: Movepass, field: Field) -> None:
    assert movepass("verify", "--store", field.device, "--image", field.text).code == 2


ENDINGS = [
    "png",
    "jpg",
    "jpeg",
    "jfif",
    "jpe",
    "webp",
    "avif",
    "heic",
    "heif",
    "jxl",
    "svg",
    "ps",
    "eps",
    "tga",
    "gif",
    "bmp",
    "tif",
    "tiff",
    "ico",
    "jp2",
    "psd",
    "pdf",
    "txt",
    "docx",
]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_is_missing_or_is_no_picture_is_never_a_reject(
    movepass: Movepass, field: Field, ending: str, tmp_path: Path
) -> None:
    (tmp_path / f"there.{ending}").write_bytes(b"no picture")
    (tmp_path / f"broken.{ending}").symlink_to(tmp_path / "nothing")
    for name in (f"gone.{ending}", f"gone.{ending.upper()}", f"there.{ending}", f"broken.{ending}"):
        with pytest.raises(ImageError):
            payload_text(str(tmp_path / name))
    if ending in {"pdf", "jfif"}:
        assert movepass("verify", "--store", field.device, tmp_path / f"gone.{ending}").code == 2


@pytest.mark.parametrize("text", ["MP1:0000.PNG", "MP1:0000.PS", "https://example.org/pass.png", "pass", "a.b", ""])
def test_a_text_is_not_taken_for_a_file_by_its_end(text: str) -> None:
    """Base45 may end in any of these: one pass in some 100,000 ends in .PS."""
    assert payload_text(text + "\r\n") == text


def test_a_card_as_pdf_is_read_and_another_pdf_refused_in_words(
    movepass: Movepass, field: Field, tmp_path: Path
) -> None:
    shown = movepass("show", "--authority", field.authority, field.number, "--card", tmp_path / "card.pdf")
    assert shown.code == 0
    ran = movepass("verify", "--store", field.device, "--json", tmp_path / "card.pdf")
    assert (ran.code, ran.row["pass_number"]) == (0, field.number)
    (tmp_path / "other.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n")
    other = movepass("verify", "--store", field.device, tmp_path / "other.pdf")
    assert other.code == 2
    assert "a PDF, but not a card that movepass wrote: take a screenshot" in other.err


# Real passes only


def test_a_test_pass_lets_nobody_through_where_only_real_ones_may(movepass: Movepass, field: Field) -> None:
    usual = movepass("verify", "--store", field.device, "--json", "--text", field.text)
    assert (usual.code, usual.row["outcome"], usual.row["lets_through"]) == (0, "accept", False)
    strict = movepass("verify", "--store", field.device, "--json", "--real-only", "--text", field.text)
    assert (strict.code, strict.row["outcome"], strict.row["lets_through"]) == (3, "cannot-verify", False)
    assert "TEST authority" in strict.row["reason"]
    shown = movepass("verify", "--store", field.device, "--real-only", "--text", field.text)
    assert shown.out.startswith("? CANNOT VERIFY")
    assert movepass("verify", "--store", field.device, "--real-only", "--text", "x").code == 1
    with Device.open(field.device) as device:
        result = device.verify(field.text, real_only=True)
        assert (result.outcome, result.lets_through) == (Outcome.CANNOT_VERIFY, False)


def test_a_real_pass_lets_somebody_through(movepass: Movepass, tmp_path: Path) -> None:
    authority, device = tmp_path / "authority", tmp_path / "device"
    assert movepass("init", "--authority", authority, "--name", "Dhaka", "--production").code == 0
    issued = movepass("issue", "--authority", authority, "--json", "-", given=_json(make_request()))
    root = authority / "repository" / "metadata" / "1.root.json"
    assert movepass("enroll", "--store", device, "--root", root, "--source", authority / "repository").code == 0
    assert movepass("sync", "--store", device).code == 0
    ran = movepass("verify", "--store", device, "--json", "--real-only", "--text", issued.row["text"])
    assert (ran.code, ran.row["outcome"], ran.row["lets_through"]) == (0, "accept", True)


def _json(document: object) -> str:
    return json.dumps(document)


# What is no file, or has no end


def test_what_is_no_file_is_refused_by_every_command(movepass: Movepass, field: Field, tmp_path: Path) -> None:
    """Each of these would wait, or read on, for ever; `timeout` in run_movepass ends the test then."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "endless").symlink_to("/dev/zero")
    (tmp_path / "long").touch()
    os.truncate(tmp_path / "long", 600_000_000)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        for name in ("fifo", "endless", "s", "long"):
            path = tmp_path / name
            for command in (
                ["verify", "--store", field.device, path], ["verify", "--store", field.device, "--image", path],
                ["inspect", path], ["inspect", "--image", path],
                ["enroll", "--store", tmp_path / "new", "--root", path, "--source", field.authority / "repository"],
                ["enroll", "--store", tmp_path / "new", path],
                ["issue", "--authority", field.authority, path],
            ):  # fmt: skip
                ran = movepass(*command)
                assert ran.code == 2, (command, ran)
                assert len([line for line in ran.err.splitlines() if "error: " in line]) >= 1
            ran = movepass("scan", "--store", field.device, "--json", path)
            assert (ran.code, ran.out) == (0, "")
            assert str(path) in ran.err


@pytest.mark.parametrize(
    "command", [["issue", "--authority", "A", "-"], ["verify", "--store", "D", "-"], ["inspect", "-"]]
)
def test_a_line_without_end_on_stdin_is_bounded(field: Field, command: list[str]) -> None:
    places = {"A": str(field.authority), "D": str(field.device)}
    run = [sys.executable, "-m", "movepass_cli.main", *[places.get(part, part) for part in command]]
    with Path("/dev/zero").open("rb") as zeros:
        ran = subprocess.run(run, stdin=zeros, capture_output=True, timeout=120, check=False)
    assert ran.returncode in {1, 2}
    assert b"Traceback" not in ran.stderr


def test_a_picture_may_be_a_link_to_a_file(field: Field, tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(field.png)
    assert payload_text(str(tmp_path / "link.png")) == field.text


def test_windows_does_not_expand_what_a_code_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """There click would replace %NAME%, ~ and * in every argument."""
    import click  # noqa: PLC0415

    from movepass_cli import main  # noqa: PLC0415

    seen: dict[str, object] = {}
    monkeypatch.setattr(click.Group, "main", lambda *_, **given: seen.update(given))
    main._run()
    assert seen["windows_expand_args"] is False


def test_a_code_in_a_picture_that_names_a_picture_opens_nothing(field: Field, tmp_path: Path) -> None:
    qrcode.make(str(field.png)).save(tmp_path / "code.png")
    ran = run_movepass("verify", "--store", field.device, "--json", tmp_path / "code.png")
    assert (ran.code, ran.row["verdict"]) == (1, "not-a-pass")
