"""Set devices up by command, one and many: from a file, from a picture of a QR code, and from its text."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import processes

from movepass_cli.it_desk.enrolment import enroll
from movepass_verifier import Device
from movepass_words import words

from .conftest import Field, Movepass, run_movepass


@dataclass(frozen=True)
class Made:
    """An enrolment as a picture, as a file and as its text, and the root's fingerprint."""

    png: Path
    file: Path
    text: str
    told: str


@pytest.fixture(scope="session")
def made(field: Field, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder, source = tmp_path_factory.mktemp("enrolment"), field.authority / "repository"
    ran = run_movepass(
        "enrolment", "--authority", field.authority, "--source", source, "--png", folder / "e.png",
        "--file", folder / "e.json", "--max-age", "12h", "--language", "bn", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert ran.row["sources"] == [str(source)]
    return Made(folder / "e.png", folder / "e.json", ran.row["text"], ran.row["fingerprint"])


@pytest.mark.parametrize("form", ["picture", "file", "text", "stdin"])
def test_a_device_is_set_up_in_one_step(movepass: Movepass, made: Made, tmp_path: Path, form: str) -> None:
    given = {"picture": made.png, "file": made.file, "text": made.text, "stdin": "-"}[form]
    ran = movepass("enroll", "--store", tmp_path / "d", "--fingerprint", made.told, given, given=made.text + "\n")
    assert (ran.code, ran.err) == (0, "")
    assert made.told in ran.out
    with Device.open(tmp_path / "d") as device:
        device.sync()
        assert device.readiness() is None
        state = device.state()
    assert (state.policy.max_age, state.language) == ((43_200, "bn") if form == "file" else (86_400, "en"))


def test_it_speaks_what_it_was_set_up_with_unless_it_is_told_otherwise(
    movepass: Movepass, field: Field, made: Made, tmp_path: Path
) -> None:
    enroll.main(["--store", str(tmp_path / "d"), "--fingerprint", made.told, str(made.file)], standalone_mode=False)
    with Device.open(tmp_path / "d") as device:
        device.sync()
    assert words("bn")("outcome.accept") in movepass("verify", "--store", tmp_path / "d", field.text).out
    assert "ACCEPT" in movepass("verify", "--store", tmp_path / "d", "--language", "en", field.text).out
    english = {"MOVEPASS_LANGUAGE": "en"}
    assert "ACCEPT" in movepass("verify", "--store", tmp_path / "d", field.text, env=english).out


def test_whoever_gives_no_fingerprint_is_asked_and_may_say_no(movepass: Movepass, made: Made, tmp_path: Path) -> None:
    no = movepass("enroll", "--store", tmp_path / "d", made.file, given="n\n")
    assert no.code == 2
    assert f"Fingerprint {made.told}" in no.err
    nobody = movepass("enroll", "--store", tmp_path / "d", made.file)
    assert nobody.code == 2
    assert "nobody answered: to set devices up unasked, give --fingerprint" in nobody.err
    assert not (tmp_path / "d").exists()
    yes = movepass("enroll", "--store", tmp_path / "d", "--json", made.file, given="y\n")
    assert yes.code == 0
    assert yes.row["fingerprint"] == made.told
    assert movepass("enroll", "--store", tmp_path / "d", made.file, "--fingerprint", made.told).code == 4


def test_another_root_than_was_told_sets_nothing_up(movepass: Movepass, made: Made, tmp_path: Path) -> None:
    ran = movepass("enroll", "--store", tmp_path / "d", made.png, "--fingerprint", "00000 " * 8)
    assert ran.code == 4
    assert "the root has ANOTHER fingerprint" in ran.err
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give an ENROLMENT, or --root and --source"),
        (["--source", "/x"], "give an ENROLMENT, or --root and --source"),
        (["nowhere.json"], "can't read the enrolment nowhere.json: No such file"),
        (["nowhere.png"], "there is no picture nowhere.png"),
        (["MPE1:ABC!"], "this enrolment is damaged, or not copied exactly"),
        (["a\nb"], "can't read the enrolment a"),
        (["CARD"], "expected an enrolment: a JSON file, a picture of its QR code, or a text MPE1:…; this is none"),
    ],
)
def test_what_is_no_enrolment_is_told_in_one_line(
    movepass: Movepass, field: Field, tmp_path: Path, arguments: list[str], words: str
) -> None:
    given = [str(field.png) if argument == "CARD" else argument for argument in arguments]
    ran = movepass("enroll", "--store", tmp_path / "d", *given)
    assert ran.code == 2
    assert words in ran.err
    assert len(ran.err.splitlines()) == 1
    assert not (tmp_path / "d").exists()


def test_the_authority_writes_over_nothing_and_refuses_what_no_device_would_take(
    movepass: Movepass, field: Field, made: Made, tmp_path: Path
) -> None:
    about = ("enrolment", "--authority", field.authority, "--source", "https://passes.example")
    before = made.file.read_bytes()
    assert "it is not written over" in movepass(*about, "--file", made.file).err
    assert made.file.read_bytes() == before
    ran = movepass(*about, "--png", tmp_path / "new.png", "--file", made.file)
    assert (ran.code, ran.out) == (2, "")
    assert not (tmp_path / "new.png").exists(), "all or nothing"
    ran = movepass(*about, "--file", tmp_path / "new.json", "--max-age", "72h")
    assert ran.code == 2
    assert "expected a maximum age from 15 min to 2 d" in ran.err
    assert not (tmp_path / "new.json").exists()
    ran = movepass(*about, "--file", tmp_path / "nowhere" / "new.json")
    assert (ran.code, ran.out) == (2, "")
    assert f"can't write {tmp_path / 'nowhere' / 'new.json'}: No such file" in ran.err
    shown = movepass(*about, "--source", "s3://bucket").out
    assert made.told in shown
    assert "\n  MPE1:" in shown


def test_no_variable_that_is_for_other_commands_gets_into_what_devices_keep(
    movepass: Movepass, field: Field, made: Made, tmp_path: Path
) -> None:
    left = {"MOVEPASS_SOURCE": "https://other.example", "MOVEPASS_LANGUAGE": "en", "MOVEPASS_MAX_AGE": "1h"}
    about = ("--authority", field.authority, "--source", tmp_path / "r", "--file", tmp_path / "e.json")
    assert movepass("enrolment", *about, env=left).code == 0
    assert set(json.loads((tmp_path / "e.json").read_text("utf-8"))) == {"source", "root"}
    ran = movepass("enroll", "--store", tmp_path / "d", "--fingerprint", made.told, made.file, "--json", env=left)
    assert ran.row["sources"] == [str(field.authority / "repository")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--source", "ftp://x"], "expected a source like"),
        (["--source", "https:passes.example"], "expected a source like"),
        ([f"--source=/{number}" for number in range(17)], "expected at most 16 sources, got 17"),
        (["--source", "https://" + "x" * 4000, "--png", "e.png"], "so many, or so long, sources need the file"),
        (["--source", "/x", "--png", "e.png", "--language", "bn"], "--language goes into the file"),
        (["--source", "/x", "--max-age", "12h"], "--max-age goes into the file"),
    ],
)
def test_an_enrolment_that_would_not_do_what_was_asked_is_not_made(
    movepass: Movepass, field: Field, tmp_path: Path, arguments: list[str], words: str
) -> None:
    ran = movepass("enrolment", "--authority", field.authority, *arguments, cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert not list(tmp_path.iterdir())


def test_a_folder_is_a_source_wherever_the_device_is_set_up(movepass: Movepass, field: Field, tmp_path: Path) -> None:
    ran = movepass("enrolment", "--authority", field.authority, "--source", "stick", "--json", cwd=tmp_path)
    assert ran.row["sources"] == [str(tmp_path / "stick")]


def test_what_is_given_beside_an_enrolment_or_is_set_up_already_is_refused_before_anybody_is_asked(
    movepass: Movepass, field: Field, made: Made, tmp_path: Path
) -> None:
    root = field.authority / "repository" / "metadata" / "1.root.json"
    for beside in (["--source", "/x"], ["--root", root]):
        ran = movepass("enroll", "--store", tmp_path / "d", *beside, made.file)
        assert ran.code == 2
        assert "give it, or --root and --source" in ran.err
    ran = movepass("enroll", "--store", field.device, made.file, given="y\n")
    assert ran.code == 4
    assert ran.err == f"movepass: error: {field.device} is a device's store already; enroll into a new folder\n"
    ran = movepass("enroll", "--store", tmp_path / "d", root)
    assert ran.code == 2
    assert "this is a root, not an enrolment: give it as --root, with --source" in ran.err
    assert not (tmp_path / "d").exists()


def test_a_hundred_devices_are_set_up_in_a_loop_without_a_question(made: Made, tmp_path: Path) -> None:
    for number in range(100):
        arguments = ["--store", str(tmp_path / f"device-{number}"), "--fingerprint", made.told, str(made.file)]
        enroll.main(arguments, standalone_mode=False)
    with Device.open(tmp_path / "device-99") as device:
        assert device.language == "bn"


ENROLL_AS_NOBODY = (
    processes.AS_NOBODY
    + """
from movepass_cli.it_desk.enrolment import enroll
store, given, told = sys.argv[1:]
def set_up(store):
    enroll.main(["--store", store, "--fingerprint", told, given], standalone_mode=False)
    with Device.open(store) as device:
        device.sync()
        print(device.readiness(), os.geteuid() != 0)
set_up(store + "-before")  # loads all that could not be loaded afterwards
become_nobody()
set_up(store)
"""
)


def test_it_needs_no_rights_but_those_on_the_stores_folder(field: Field, made: Made, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o777)
    open_up(field.authority / "repository", made.file, home)
    said = processes.run(ENROLL_AS_NOBODY, home / "device", made.file, made.told)
    assert said.splitlines()[-1] == "None True"


def open_up(*paths: Path) -> None:
    """Let everybody read what is below, and walk there."""
    for path in paths:
        for parent in path.parents:
            if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
                parent.chmod(parent.stat().st_mode | 0o011)
        for file in path.rglob("*"):
            file.chmod(0o755 if file.is_dir() else 0o644)


def test_the_file_is_what_the_it_desks_page_says_it_is(made: Made) -> None:
    document = json.loads(made.file.read_text("utf-8"))
    assert set(document) == {"source", "root", "max_age", "language"}
    assert set(document["root"]) == {"signatures", "signed"}
