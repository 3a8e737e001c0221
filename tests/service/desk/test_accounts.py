"""What managers do with accounts, over real HTTP; every act has its leaf in the log."""

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.desks import DeskBrowser, RunningDesk

from movepass_service.decisions import officers
from movepass_service.decisions.roles import ForbiddenError

MOVEPASS = Path(sys.executable).with_name("movepass")


def link_in(text: str) -> str:
    """Return the secret of the enrolment link on a page or a screen."""
    found = re.search(r"http://localhost:\d+/enrol#([A-Za-z0-9_-]{43})", html.unescape(text))
    assert found, text
    return found[1]


def acts(desk: RunningDesk, name: str) -> list[tuple[str, str]]:
    """Return the acts of administration about an officer, the first one at the beginning: what and who."""
    found = [act for act in desk.service.store.administration(500) if act.get("officer") == name]
    return [(act["action"], act["actor"]) for act in reversed(found)]


def enrolled(desk: RunningDesk, secret: str) -> DeskBrowser:
    browser = desk.browser()
    assert browser.enrol(secret).status == 200
    return browser


def test_a_manager_adds_an_officer_and_the_link_is_shown_once(desk: RunningDesk) -> None:
    manager = desk.signed_in("manager", "Manager A")
    page = manager.send("/en/accounts/add", name="  Salma   Begum ", role="officer", phone="01711000111")
    assert page.header("Cache-Control") == "private, no-store"
    secret = link_in(page.text)
    assert "/enrol#" not in manager.get("/en/accounts").text
    browser = enrolled(desk, secret)
    assert browser.sign_in().status == 200
    assert "Salma Begum" in browser.get("/en/").text
    officer = desk.service.store.officer("Salma Begum")
    assert officer
    assert officer.phone == "+8801711000111"
    assert acts(desk, "Salma Begum") == [
        ("add-officer", "officer:Manager A"), ("enrol-passkey", "officer:Salma Begum"),
    ]  # fmt: skip


def test_two_officers_never_look_like_one(desk: RunningDesk) -> None:
    """Letters of Bangla are typed as one sign or as two, and é in either size."""
    manager = desk.signed_in("manager")
    for first, second in (("রুমা বড\u09bcুয়া", "রুমা ব\u09dcু\u09dfা"), ("Zoé Das", "ZOÉ DAS"), ("Ruma Sen", "\uff32uma Sen")):
        assert manager.send("/en/accounts/add", name=first, role="officer").status == 200
        page = manager.send("/en/accounts/add", name=second, role="officer")
        assert (page.status, "There is an officer of this name" in page.text) == (400, True), second
    assert officers.renew_link(desk.service.store, "রুমা ব\u09dcু\u09dfা", desk.now).officer.name.startswith("রুমা")


def test_nobody_makes_a_manager_alone(desk: RunningDesk) -> None:
    """Who could would be both of the two managers that a recovery takes."""
    one, other = desk.signed_in("manager", "Manager Eins"), desk.signed_in("manager", "Manager Zwei")
    desk.signed_in("officer", "Somebody Else")
    added = one.send("/en/accounts/add", name="Manager Drei", role="manager")
    assert (added.status, added.header("Location")) == (303, "/en/accounts?done=asked")
    assert one.send("/en/accounts/approve", name="Manager Drei").status == 409, "who added them does not approve"
    third = enrolled(desk, link_in(other.send("/en/accounts/approve", name="Manager Drei").text))
    assert third.sign_in().status == 200
    assert third.get("/en/accounts").status == 200

    puppet = enrolled(desk, link_in(one.send("/en/accounts/add", name="Puppet", role="officer").text))
    assert puppet.sign_in().status == 200
    assert one.send("/en/accounts/role", name="Puppet", role="manager").status == 303
    assert puppet.sign_in().status == 403, "the passkey was made with a link that one manager alone had"
    assert one.send("/en/accounts/approve", name="Puppet").status == 409
    real = enrolled(desk, link_in(other.send("/en/accounts/approve", name="Puppet").text))
    assert real.sign_in().status == 200
    assert [what for what, _ in acts(desk, "Puppet")] == [
        "add-officer", "enrol-passkey", "change-role", "approve-enrolment", "enrol-passkey",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "", "role": "officer"}, "Write a name"),
        ({"name": "x" * 65, "role": "officer"}, "Write a name"),
        ({"name": "Somebody", "role": ""}, "Choose the role"),
        ({"name": "Somebody", "role": "king"}, "Choose the role"),
        ({"name": "Somebody", "role": "officer", "phone": "12"}, "This is no mobile number"),
        ({"name": "manager known", "role": "officer"}, "There is an officer of this name"),
    ],
)
def test_what_can_not_be_an_officer_is_named_beside_its_field(
    desk: RunningDesk, fields: dict[str, str], said: str
) -> None:
    if desk.service.store.officer("Manager Known") is None:
        desk.signed_in("manager", "Manager Known")
    page = desk.signed_in("manager").send("/en/accounts/add", **fields)
    assert page.status == 400
    assert said in page.text
    assert 'id="errors"' in page.text


def test_after_a_loss_two_managers_give_a_new_link_that_ends_what_was_before(desk: RunningDesk) -> None:
    lost = desk.signed_in("officer", "Lost Key")
    one, other = desk.signed_in("manager", "Manager One"), desk.signed_in("manager", "Manager Two")
    assert other.send("/en/accounts/approve", name="Lost Key").status == 409, "nobody has asked"
    assert one.send("/en/accounts/ask", name="Lost Key").status == 303
    assert one.send("/en/accounts/approve", name="Lost Key").status == 409, "one manager is not two"
    assert one.send("/en/accounts/ask", name="Lost Key").status == 409
    secret = link_in(other.send("/en/accounts/approve", name="Lost Key").text)
    assert lost.get("/en/").status == 200, "until the new passkey is there"
    new = enrolled(desk, secret)
    assert lost.get("/en/").status == 303
    assert lost.sign_in().status == 403
    assert new.sign_in().status == 200
    assert acts(desk, "Lost Key") == [
        ("add-officer", "console"), ("enrol-passkey", "officer:Lost Key"), ("ask-enrolment", "officer:Manager One"),
        ("approve-enrolment", "officer:Manager Two"), ("enrol-passkey", "officer:Lost Key"),
    ]  # fmt: skip


def test_a_request_for_a_link_can_be_dropped(desk: RunningDesk) -> None:
    desk.add("officer", "No Link")
    one, other = desk.signed_in("manager"), desk.signed_in("manager")
    assert one.send("/en/accounts/ask", name="No Link").status == 303
    assert other.send("/en/accounts/drop", name="No Link").status == 303
    assert other.send("/en/accounts/approve", name="No Link").status == 409


@pytest.mark.parametrize("what", ["role", "close", "open", "ask", "approve"])
def test_a_manager_does_not_change_their_own_account(desk: RunningDesk, what: str) -> None:
    name = f"Own {what}"
    browser = desk.signed_in("manager", name)
    fields = {"role": "supervisor"} if what == "role" else {}
    answer = browser.send(f"/en/accounts/{what}", name=name, **fields)
    assert answer.status == 409
    assert "Another manager changes your own account" in answer.text


def test_a_closed_account_does_nothing_and_stays_in_the_list(desk: RunningDesk) -> None:
    browser = desk.signed_in("officer", "Closed One")
    reference = desk.case()
    assert browser.send(f"/en/case/{reference}/claim").status == 303
    manager = desk.signed_in("manager")
    assert manager.send("/en/accounts/close", name="Closed One").status == 303
    assert manager.send("/en/accounts/close", name="Closed One").status == 409
    assert browser.get("/en/").status == 303
    assert browser.sign_in().status == 403
    closed = desk.service.store.officer("Closed One")
    assert closed
    with pytest.raises(ForbiddenError):
        desk.service.desk.decide(closed, reference, "approve", now=desk.now)
    assert "Closed One" in manager.get("/en/accounts").text
    assert manager.send("/en/accounts/open", name="Closed One").status == 303
    assert browser.sign_in().status == 200


def test_a_manager_ends_sessions(desk: RunningDesk) -> None:
    browser = desk.signed_in("officer", "Many Sessions")
    manager = desk.signed_in("manager")
    assert manager.send("/en/accounts/sessions", name="Many Sessions").status == 303
    assert browser.get("/en/").status == 303
    assert browser.sign_in().status == 200


@pytest.mark.parametrize("action", ["role", "close", "open", "sessions", "ask", "approve", "drop"])
def test_an_officer_that_there_is_not_is_refused_in_words(desk: RunningDesk, action: str) -> None:
    manager = desk.signed_in("manager")
    fields = {"role": "auditor"} if action == "role" else {}
    assert manager.send(f"/en/accounts/{action}", name="Nobody", **fields).status == 409
    assert manager.send(f"/en/accounts/{action}", name="", **fields).status == 409


def test_nothing_is_ever_deleted(desk: RunningDesk) -> None:
    desk.add("officer", "Stays")
    with pytest.raises(Exception, match="officers are only added"):
        desk.service.store.writer.call(lambda db: db.execute("DELETE FROM officers WHERE name = 'Stays'") and None)


def test_the_command_gives_a_new_link_where_there_are_no_two_managers(desk: RunningDesk) -> None:
    lost = desk.signed_in("manager", "Only Manager")
    command = [str(MOVEPASS), "service", "officer", "enrol", "Only Manager", "--data", str(desk.data)]
    command += ["--desk-url", desk.origin]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    new = enrolled(desk, link_in(ran.stdout))
    assert lost.get("/en/accounts").status == 303
    assert new.sign_in().status == 200
    ((action, actor),) = acts(desk, "Only Manager")[2:-1]
    assert action == "renew-enrolment"
    assert actor.startswith("console:")
    refused = subprocess.run([*command[:4], "Nobody", *command[5:]], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "there is no officer 'Nobody'" in refused.stderr
