"""Ten attacks on the desk over real HTTP, each refused. Wrong roles by URL and by API are in test_roles.py."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape
from support.desks import DeskBrowser, RunningDesk, running_desk
from support.sites import Answer

from movepass_service.stores.store import Officer

SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture
def own_desk(tmp_path: Path) -> Any:
    with running_desk(tmp_path) as opened:
        yield opened


def state(desk: RunningDesk, reference: str) -> str:
    kept = desk.service.store.find(reference)
    assert kept
    return str(kept.state)


def holder(desk: RunningDesk, reference: str) -> str:
    kept = desk.service.store.find(reference)
    assert kept
    hold = desk.service.store.hold(kept.number)
    return hold.officer if hold else ""


def in_words(answer: Answer, status: int, words: str) -> None:
    assert (answer.status, words in answer.text) == (status, True), (answer.status, answer.text)


def claim(browser: DeskBrowser, reference: str) -> str:
    """Claim a case; returns the form's token."""
    assert browser.send(f"/en/case/{reference}/claim").status == 303
    return browser.token()


@pytest.mark.parametrize("is_counting", [True, False])
def test_an_assertion_that_is_sent_again_signs_nobody_in(desk: RunningDesk, *, is_counting: bool) -> None:
    browser = desk.browser()
    assert browser.enrol(desk.add("officer"), is_counting=is_counting).status == 200
    assert browser.authenticator
    credential = browser.authenticator.get(browser.options())
    waiting = dict(browser.jar)
    assert browser.call("/api/sign-in", {"credential": credential}).status == 200
    thief = desk.browser()
    for jar in (waiting, {}):
        thief.jar = dict(jar)
        assert thief.call("/api/sign-in", {"credential": credential}).status == 403
    thief.jar = {}
    thief.options()  # a challenge of the thief's own
    assert thief.call("/api/sign-in", {"credential": credential}).status == 403
    assert thief.get("/en/").status == 303


def test_a_session_that_a_stranger_planted_is_never_signed_in(desk: RunningDesk) -> None:
    planted = "ab" * 32
    browser = desk.browser()
    assert browser.enrol(desk.add("officer")).status == 200
    browser.jar["desk-session", "/"] = planted
    thief = desk.browser()
    thief.options()
    browser.jar["desk-browser", "/"] = thief.jar["desk-browser", "/"]
    assert browser.sign_in().status == 200, "it asks for a challenge of its own"
    assert browser.jar["desk-session", "/"] != planted
    thief.jar["desk-session", "/"] = planted
    assert thief.get("/en/").status == 303
    before = browser.jar["desk-session", "/"]
    assert browser.sign_in().status == 200
    thief.jar["desk-session", "/"] = before
    assert thief.get("/en/").status == 303, "signing in again ends the session before"


def test_a_form_of_another_site_changes_nothing(desk: RunningDesk) -> None:
    reference = desk.case()
    browser = desk.signed_in("officer")
    token = claim(browser, reference)
    path, fields = f"/en/case/{reference}/decide", {"action": "approve", "seen": "0", "token": token}
    for headers in (
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost:8080", "Sec-Fetch-Site": "same-site"},  # the public site of the same host
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    ):
        assert browser.post(path, fields, **headers).status == 403, headers
    for token_ in ("", "0" * 32, desk.signed_in("officer").token()):
        in_words(browser.post(path, {**fields, "token": token_}), 403, "This page is too old")
    assert browser.get(f"{path}?action=approve&token={token}").status == 405
    assert state(desk, reference) == "referred"
    assert browser.post(path, fields).status == 303
    assert state(desk, reference) == "approved"


def test_a_link_on_another_site_signs_nobody_out(desk: RunningDesk) -> None:
    """A browser sends no Strict cookie with it, and would obey an answer that deletes the cookie."""
    browser = desk.signed_in("officer")
    for path in ("/en/", "/en/bulk?action=approve", "/case/none"):
        answer = desk.ask("GET", path, headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})
        assert (answer.status, answer.cookies()) == (303, []), path
    assert browser.get("/en/").status == 200
    over = desk.ask("GET", "/en/", headers={"Cookie": "desk-session=over"})
    assert [cookie.partition(";")[0] for cookie in over.cookies()] == ["desk-session="], "one that is over goes"


def test_a_script_in_every_field_of_an_application_is_shown_as_text(desk: RunningDesk) -> None:
    place = SCRIPT[:40]
    vehicle = {"registration": SCRIPT[:30], "driver": {"name": SCRIPT[:40], "licence_last": "A1\"'"}}
    who = {"name": SCRIPT, "id_type": "nid", "id_last": "1\"'<"}
    places = {"from": {"district": "dhaka", "place": place}, "to": {"district": "gazipur", "place": place}}
    reference = desk.case(SCRIPT, holder=who, reason=SCRIPT, vehicle=vehicle, on_behalf_of=SCRIPT, **places)
    browser = desk.signed_in("supervisor")
    claim(browser, reference)
    assert browser.send(f"/en/case/{reference}/note", text=SCRIPT).status == 303
    assert browser.send(f"/en/case/{reference}/decide", action="approve", note=SCRIPT).status == 303
    desk.worker.round()
    paths = (
        "/", f"/case/{reference}", "/bulk?action=approve", "/bulk?reason=%3Cscript%3E&action=approve",
        "/find?q=%3Cscript%3E", "/?q=%3Cscript%3E", "/?reason=%22%3E%3Cscript%3E",
    )  # fmt: skip
    shown = 0
    for path in paths:
        for prefix in ("", "/en"):
            answer = browser.get(prefix + path)
            text = browser.follow(answer).text if answer.status == 303 else answer.text
            assert not re.search(r"<script(?! src=\"/static/)|<img|onerror=alert\(2\)>", text), path
            shown += text.count(str(escape(SCRIPT)))
            policy = answer.header("Content-Security-Policy") or ""
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
    assert shown >= 10, "name, reason, who applied, the note of the case and of the record, in two languages"


def test_a_form_with_a_field_that_nobody_asked_for_is_refused(desk: RunningDesk) -> None:
    reference = desk.case()
    browser = desk.signed_in("officer")
    token = claim(browser, reference)
    fields = {"action": "approve", "seen": "0", "token": token}
    for name, value in (
        ("actor", "officer:Nasrin"), ("officer", "Nasrin"), ("role", "supervisor"), ("now", "1"), ("state", "issued"),
        ("reference", "other"), ("__class__", "x"),
    ):  # fmt: skip
        answer = browser.post(f"/en/case/{reference}/decide", {**fields, name: value})
        in_words(answer, 400, "We could not read this request")
    lease = browser.call(f"/api/lease/{reference}", {"token": token, "lease_s": 10**9})
    assert lease.status == 400
    assert state(desk, reference) == "referred"
    manager = desk.signed_in("manager")
    made = manager.send("/en/accounts/add", name="Extra Field", role="officer", phone="", passkeys="9")
    assert made.status == 400
    assert desk.service.store.officer("Extra Field") is None


def test_a_lease_of_another_officer_is_not_to_be_had(desk: RunningDesk) -> None:
    reference = desk.case()
    browser, thief = desk.signed_in("officer"), desk.signed_in("officer")
    claim(browser, reference)
    owner = holder(desk, reference)
    in_words(thief.send(f"/en/case/{reference}/claim"), 409, "Another officer has this case open")
    in_words(thief.send(f"/en/case/{reference}/decide", action="approve"), 409, "Your time for this case is over")
    lease = thief.call(f"/api/lease/{reference}", {"token": thief.token()})
    assert (lease.status, json.loads(lease.body)["errors"][0]["code"]) == (409, "desk-no-lease")
    thief.send(f"/en/case/{reference}/release")
    assert holder(desk, reference) == owner
    assert state(desk, reference) == "referred"
    renewed = browser.call(f"/api/lease/{reference}", {"token": browser.token()})
    assert json.loads(renewed.body)["lease_s"] > 200
    assert browser.send(f"/en/case/{reference}/decide", action="approve").status == 303


def bulk(browser: DeskBrowser, references: list[str]) -> str:
    """Approve cases together; returns the batch's id."""
    sent = browser.send("/en/bulk/decide", references=" ".join(f"{one}/0" for one in references), action="approve")
    assert sent.status == 303, sent.text
    found = re.search(r'name="batch" value="([^"]+)"', browser.get("/en/bulk").text)
    assert found
    return found[1]


def test_a_bulk_decision_is_not_undone_after_its_window_and_not_by_another_officer(own_desk: RunningDesk) -> None:
    desk = own_desk
    references = desk.cases(3)
    browser, other = desk.signed_in("officer"), desk.signed_in("officer")
    batch = bulk(browser, references)
    in_words(other.send("/en/bulk/undo", batch=batch), 409, "Another officer decided this")
    desk.clock.shift = 61
    in_words(browser.send("/en/bulk/undo", batch=batch), 409, "It can no longer be undone")
    desk.clock.shift = 0  # set back
    in_words(browser.send("/en/bulk/undo", batch=batch), 409, "It can no longer be undone")
    desk.worker.round()
    assert {state(desk, reference) for reference in references} <= {"approved", "issued"}


def test_setting_the_clock_back_prolongs_no_session_and_no_link(own_desk: RunningDesk) -> None:
    desk = own_desk
    browser, secret = desk.signed_in("officer"), desk.add("officer")
    reference = desk.case()
    claim(browser, reference)
    desk.clock.shift = 13 * 3600
    assert desk.signed_in("officer").get("/en/").status == 200
    desk.clock.shift = -3600
    assert browser.get("/en/").status == 303
    desk.clock.shift = 25 * 3600
    desk.signed_in("officer").get("/en/")
    desk.clock.shift = 0
    assert desk.browser().enrol(secret).status == 403
    other = desk.signed_in("officer")
    assert other.send(f"/en/case/{reference}/claim").status == 303, "the first officer's lease has ended"


def test_a_copied_session_is_worth_nothing_elsewhere_or_after_the_role_has_changed(desk: RunningDesk) -> None:
    browser = desk.signed_in("supervisor", "Copied Officer")
    thief = desk.browser(agent="another browser")
    thief.jar = dict(browser.jar)
    assert thief.get("/en/").status == 303
    assert browser.get("/en/").status == 303, "both end: nobody knows which one is the thief"
    assert browser.sign_in().status == 200
    thief = desk.browser()
    thief.jar = dict(browser.jar)
    assert thief.get("/en/accounts").status == 200, "the same browser by all that it says"
    manager = desk.signed_in("manager")
    assert manager.send("/en/accounts/role", name="Copied Officer", role="officer").status == 303
    for one in (thief, browser):
        assert one.get("/en/accounts").status == 303
    assert browser.sign_in().status == 200
    thief.jar = dict(browser.jar)
    assert manager.send("/en/accounts/close", name="Copied Officer").status == 303
    assert thief.get("/en/").status == 303
    assert browser.sign_in().status == 403


def test_an_officer_does_not_decide_what_came_from_their_own_telephone(desk: RunningDesk) -> None:
    reference = desk.case(phone="01711222333")
    browser = desk.signed_in("officer", "Own Phone")
    change = "UPDATE officers SET phone = '+8801711222333' WHERE name = 'Own Phone'"
    desk.service.store.writer.call(lambda db: db.execute(change) and None)
    assert desk.service.store.officer("Own Phone") == Officer("Own Phone", "officer", "+8801711222333")
    in_words(browser.get(f"/en/case/{reference}"), 200, "Another officer decides it")
    in_words(browser.send(f"/en/case/{reference}/claim"), 409, "This application is your own")
    assert state(desk, reference) == "referred"


def test_four_eyes_are_two_officers(desk: RunningDesk) -> None:
    core = desk.service.desk
    found = core.settings()
    supervisor = desk.signed_in("supervisor", "Four Eyes")
    wanted = replace(found, four_eyes_rows=("other-reason",))
    core.change_settings(Officer("Four Eyes", "supervisor"), found, wanted, now=desk.now)
    try:
        reference = desk.case()
        browser = desk.signed_in("officer")
        claim(browser, reference)
        assert browser.send(f"/en/case/{reference}/decide", action="approve").status == 303
        assert state(desk, reference) == "referred"
        in_words(browser.send(f"/en/case/{reference}/confirm"), 409, "You proposed this yourself")
        assert reference in supervisor.get("/en/proposals").text
        assert supervisor.send(f"/en/case/{reference}/confirm").status == 303
        assert state(desk, reference) == "approved"
    finally:
        core.change_settings(Officer("Four Eyes", "supervisor"), wanted, found, now=desk.now)
