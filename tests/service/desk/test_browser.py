"""The desk in a real Chromium with its virtual authenticator (tests/service/browser/desk.test.mjs)."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from support.desk_pictures import LATER, fill, links_of
from support.desks import RunningDesk, running_desk
from support.report_questions import ask

from movepass_service.decisions.desk import DeskSettings
from movepass_service.stores.store import Officer

HOUSE = Path(__file__).resolve().parents[3]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
BULK = 3
QUESTIONS, CLICKS_MAX = 10, 9


def prepare(desk: RunningDesk, plain: int) -> dict[str, str]:
    """Let people apply for each test, and add its officers; returns what the tests must know."""
    cases: dict[str, object] = dict(fill(desk))
    core = desk.service.desk
    found = core.settings()
    wanted = replace(DeskSettings(), four_eyes_reasons=("burial",), second_look_percent=100)
    core.change_settings(Officer("Nasrin Akter", "supervisor"), found, wanted, now=desk.now)
    desk.cases(plain, reason="travel-abroad", not_after=LATER)
    desk.cases(BULK, reason="return-home", not_after=LATER)
    cases |= {
        "slip": desk.case("Slip Of Key"), "eyes": desk.case("Four Eyes", reason="burial", not_after=LATER),
        "bulk": BULK,
    }  # fmt: skip
    links = links_of(desk)
    people = (
        ("keys-bn", "officer", "Keys Bangla"), ("keys-en", "officer", "Keys English"),
        ("ended", "officer", "Ended Session"), ("unverified", "officer", "Not Verified"),
        ("axe-supervisor", "supervisor", "Axe Supervisor"), ("axe-author", "rule-author", "Axe Author"),
        ("axe-manager", "manager", "Axe Manager"),
    )  # fmt: skip
    for name, role, person in people:
        links[name] = desk.link(role, person)
    return {"LINKS": json.dumps(links), "CASES": json.dumps(cases), "DESK": desk.origin}


def play(folder: Path, *, plain: int, pace_ms: int, only: str = "") -> str:
    """Run the tests in Chromium; returns what they say."""
    _need_browser()
    with running_desk(folder) as desk:
        environment = {**os.environ, **prepare(desk, plain), "PLAIN": str(plain), "PACE": str(pace_ms)}
        command = ["node", "--test", "--test-concurrency=1", *([f"--test-name-pattern={only}"] if only else [])]
        command.append(str(HOUSE / "tests/service/browser/desk.test.mjs"))
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _need_browser() -> None:
    if not Path(CHROMIUM).exists() or shutil.which("node") is None:
        pytest.skip("needs Chromium and Node.js: apt install chromium nodejs")
    if not (HOUSE / "phone/node_modules/playwright-core").exists():
        pytest.skip("needs the phone's tools: make test-phone brings them")


def test_the_desk_in_chromium(tmp_path: Path) -> None:
    play(tmp_path, plain=6, pace_ms=0)


@pytest.mark.slow
def test_an_officer_decides_100_plain_cases_by_keyboard_in_under_10_minutes(tmp_path: Path) -> None:
    print(play(tmp_path, plain=100, pace_ms=4000, only="plain cases"))


@pytest.mark.slow
def test_a_manager_answers_ten_questions_in_a_few_clicks(tmp_path: Path) -> None:
    _need_browser()
    answers = list(ask(tmp_path))
    assert len(answers) == len({one["question"] for one in answers}) == QUESTIONS
    for one in answers:
        print(one)
        assert any(letter.isdigit() for letter in one["answer"])
        assert one["clicks"] <= CLICKS_MAX
