"""Run the service's commands as separate processes: run, cases, decide, officer."""

import json
import os
import pwd
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.applications import rules, submit, use_rules, work
from support.world import World

from movepass_issuer.authority.creation import create_authority
from movepass_service.accounts import Accounts, Helper
from movepass_service.service import Receipt, Service

from .conftest import Movepass, Ran, Start

OFFICER = "Nasrin Akter"
USER = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def data(world: World, tmp_path: Path) -> Path:
    """A service's folder with its officer."""
    folder = tmp_path / "service"
    Service.open(folder, world.authority.folder).close()
    return folder


@pytest.fixture
def referred(world: World, data: Path) -> Iterator[Receipt]:
    with Service.open(data, world.authority.folder) as service:
        use_rules(service, rules("refer-all", ("", "refer")), world.now)
        receipt = submit(service, world.now, reason="burial")
        work(service, world.now)
        yield receipt


def add_officer(movepass: Movepass, data: Path, role: str = "officer") -> None:
    assert movepass("service", "officer", "add", OFFICER, "--role", role, "--data", data).code == 0


def health(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
        document: dict[str, Any] = json.load(answer)
        return document


def wait_for_url(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()
    url: str = json.loads(line)["site"]
    return url


def test_run_serves_on_this_machine_until_it_is_stopped(world: World, data: Path, launch: Start) -> None:
    process = launch(
        "service", "run", "--authority", world.authority.folder, "--data", data, "--site-port", 0, "--desk-port", 0,
        "--json",
    )  # fmt: skip
    url = wait_for_url(process)
    assert url.startswith("http://localhost:")
    give_up = time.monotonic() + 30
    while health(url)["worker_age_s"] is None:
        assert time.monotonic() < give_up
        time.sleep(0.05)
    assert health(url)["ok"]
    port = int(url.rsplit(":", 1)[1])
    listening = Path("/proc/net/tcp").read_text()
    assert f"0100007F:{port:04X}" in listening
    assert f"00000000:{port:04X}" not in listening
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert said == ""
    with pytest.raises(urllib.error.URLError):
        health(url)


def test_one_folder_has_one_service(world: World, data: Path, launch: Start, movepass: Movepass) -> None:
    command = (
        "service",
        "run",
        "--authority",
        world.authority.folder,
        "--data",
        data,
        "--site-port",
        0,
        "--desk-port",
        0,
        "--json",
    )
    process = launch(*command)
    wait_for_url(process)
    ran = movepass(*command)
    assert (ran.code, ran.out) == (2, "")
    assert "is in use" in ran.err
    process.kill()
    process.wait()
    again = launch(*command)
    assert wait_for_url(again)


def test_run_says_what_keeps_it_from_starting(world: World, data: Path, tmp_path: Path, movepass: Movepass) -> None:
    run = ("service", "run", "--authority", world.authority.folder, "--data", data)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = movepass(*run, "--site-port", taken.getsockname()[1])
        assert ran.code == 2
        assert "--site-port" in ran.err
    assert movepass("service", "run", "--authority", tmp_path / "none").code == 4
    (data / "service.toml").write_text("publish_every_s = 'often'")
    ran = movepass(*run, "--site-port", 0)
    assert ran.code == 2
    assert "publish_every_s" in ran.err
    (data / "service.toml").write_text("nonsense = 1")
    assert "nonsense is no setting" in movepass(*run, "--site-port", 0).err
    (data / "service.toml").unlink()
    (data / "service.key").write_bytes(b"short")
    ran = movepass(*run, "--site-port", 0)
    assert ran.code == 4
    assert "damaged" in ran.err


def test_cases_list_what_waits_with_what_happened_before(data: Path, referred: Receipt, movepass: Movepass) -> None:
    (case,) = movepass("service", "cases", "--data", data, "--json").rows
    assert (case["reference"], case["state"], case["urgent"]) == (referred.reference, "referred", True)
    assert case["application"]["reason"] == "burial"
    assert [(one["action"], one["actor"]) for one in case["history"]] == [("refer", "rules")]
    shown = movepass("service", "cases", "--data", data).out
    assert referred.reference in shown
    assert "URGENT" in shown


def test_a_damaged_application_hides_no_other_case(data: Path, referred: Receipt, movepass: Movepass) -> None:
    with closing(sqlite3.connect(data / "service.sqlite")) as db, db:
        db.execute("UPDATE applications SET content = '{}'")
    assert referred.reference in movepass("service", "cases", "--data", data).out
    (case,) = movepass("service", "cases", "--data", data, "--json").rows
    assert (case["reference"], case["application"]) == (referred.reference, None)


def test_a_decision_is_recorded_with_user_and_officer_whatever_the_environment_says(
    world: World, data: Path, referred: Receipt, movepass: Movepass
) -> None:
    add_officer(movepass, data, "supervisor")
    ran = movepass(
        "service", "decide", "--data", data, referred.reference.lower(), "approve", "--as", OFFICER, "--note",
        "Called the hospital", "--json", env={"LOGNAME": "desk-7", "USER": "desk-7 as nobody"},
    )  # fmt: skip
    assert ran.code == 0
    assert (ran.row["state"], ran.row["actor"]) == ("approved", f"console:{USER} as {OFFICER}")
    with Service.open(data, world.authority.folder) as service:
        work(service, world.now)
        told = service.status(referred.reference, referred.secret, now=world.now)
        assert told.issued is not None
    with closing(sqlite3.connect(data / "service.sqlite")) as db:
        record = json.loads(db.execute("SELECT record FROM decisions ORDER BY id DESC").fetchone()[0])
    assert (record["actor"], record["note"]) == (f"console:{USER} as {OFFICER}", "Called the hospital")
    assert movepass("service", "decide", "--data", data, referred.reference, "reject", "--as", OFFICER).code == 0
    ran = movepass("service", "decide", "--data", data, referred.reference, "approve", "--as", OFFICER)
    assert ran.code == 2
    assert "revoked" in ran.err


def test_the_console_keeps_the_desks_rules(world: World, data: Path, referred: Receipt, movepass: Movepass) -> None:
    reference = referred.reference
    add = ("service", "officer", "add", "--data", data)
    for name, more in (("Asma", ()), ("Babul", ()), ("Chandra", ("--phone", "01712 345678"))):
        assert movepass(*add, name, "--role", "officer", *more).code == 0
    assert "phone" in movepass(*add, "Dipa", "--role", "officer", "--phone", "123").err
    assert movepass(*add, "Dipa", "--role", "supervisor").code == 0

    def decide(officer: str, action: str = "approve") -> Ran:
        return movepass("service", "decide", "--data", data, reference, action, "--as", officer, "--json")

    with Service.open(data, world.authority.folder) as service, closing(Accounts.open(data)) as accounts:
        desk, now = service.desk, int(time.time())
        asma, dipa = desk.officer("Asma"), desk.officer("Dipa")
        desk.claim(asma, reference, now=now)
        assert "Asma has it open" in decide("Babul").err
        desk.release(asma, reference, now=now)
        accounts.remember("+8801712345678", [(reference, "secret")], now=now)
        assert "own telephone" in decide("Chandra").err
        found = desk.settings()
        desk.change_settings(dipa, found, replace(found, four_eyes_reasons=("burial",)), now=now)
        proposed = decide("Asma")
        assert (proposed.code, proposed.row["state"], proposed.row["waits_for"]) == (0, "referred", "second-officer")
        assert "another officer confirms" in decide("Asma").err
        confirmed = decide("Babul")
        assert (confirmed.row["state"], "waits_for" in confirmed.row) == ("approved", False)
        last = service.store.history(1)[-1]
        assert last["actor"].endswith(" as Babul")
        assert last["proposed_by"].endswith(" as Asma")
        assert "reverse is for: supervisor" in decide("Asma", "reject").err
        assert decide("Dipa", "reject").row["state"] == "revoked"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("0000-0000-0001", "approve", "--as", OFFICER), "no application"),
        (("0000-0000-0000", "approve", "--as", "Nobody"), "no officer"),
        (("0000-0000-0000", "burn", "--as", OFFICER), "burn"),
        (("0000-0000-0000", "reject", "--as", OFFICER, "--reason", "because"), "because"),
        (("0000-0000-0000", "reject"), "--as"),
    ],
)
def test_a_wrong_decision_is_refused(data: Path, movepass: Movepass, arguments: tuple[str, ...], words: str) -> None:
    add_officer(movepass, data)
    ran = movepass("service", "decide", "--data", data, *arguments)
    assert ran.code == 2
    assert words in ran.err


def test_the_console_decides_for_test_authorities_unless_it_is_enabled(tmp_path: Path, movepass: Movepass) -> None:
    authority, data = tmp_path / "real", tmp_path / "service"
    create_authority(authority, name="Real", test=False)
    Service.open(data, authority).close()
    add_officer(movepass, data)
    decide = ("service", "decide", "--data", data, "0000-0000-0000", "approve", "--as", OFFICER)
    assert "console_decisions" in movepass(*decide).err
    (data / "service.toml").write_text("console_decisions = true")
    assert "no application" in movepass(*decide).err


def test_an_auditor_decides_nothing_and_nobody_is_added_twice(data: Path, movepass: Movepass) -> None:
    ran = movepass("service", "officer", "add", OFFICER, "--role", "auditor", "--data", data, "--json")
    assert (ran.row["name"], ran.row["role"]) == (OFFICER, "auditor")
    assert ran.row["enrolment_link"].startswith("http://localhost:8081/enrol#")
    assert movepass("service", "officer", "add", OFFICER, "--role", "officer", "--data", data).code == 2
    ran = movepass("service", "decide", "--data", data, "0000-0000-0000", "approve", "--as", OFFICER)
    assert ran.code == 2
    assert "auditor" in ran.err


@pytest.mark.parametrize(
    "command",
    [
        ("cases",),
        ("decide", "0000-0000-0000", "approve", "--as", OFFICER),
        ("officer", "add", "A", "--role", "officer"),
    ],
)
def test_a_folder_that_is_no_services_is_not_made_one(
    tmp_path: Path, movepass: Movepass, command: tuple[str, ...]
) -> None:
    ran = movepass("service", *command, "--data", tmp_path / "none")
    assert ran.code == 4
    assert "no service's folder" in ran.err
    assert not (tmp_path / "none").exists()


def test_a_number_is_appointed_to_apply_for_others(movepass: Movepass, data: Path) -> None:
    appoint = (
        "service",
        "assistant",
        "০১৭১২-৩৪৫৬৭৮",
        "--data",
        data,
        "--role",
        "employer",
        "--name",
        "Padma  Textiles",
    )
    said = movepass(*appoint, "--quota", "7")
    assert said.code == 0
    assert said.out == "+8801712345678 may apply for others as employer Padma Textiles, 7 a day from lists.\n"
    with closing(Accounts.open(data)) as accounts:
        assert accounts.helper_of("+8801712345678") == Helper("employer", "Padma Textiles", 7)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (("12345", "--role", "employer", "--name", "X"), "PHONE"),
        (("01712345678", "--role", "king", "--name", "X"), "--role"),
        (("01712345678", "--role", "employer", "--name", " "), "--name"),
        (("01712345678", "--role", "employer", "--name", "X", "--quota", "-1"), "--quota"),
    ],
)
def test_who_can_not_apply_for_others_is_named(
    movepass: Movepass, data: Path, wrong: tuple[str, ...], named: str
) -> None:
    said = movepass("service", "assistant", *wrong, "--data", data)
    assert said.code == 2
    assert named in said.err
