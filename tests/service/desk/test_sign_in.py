"""Enrolling and signing in over real HTTP, with an authenticator in software that can be made to lie."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import closing
from pathlib import Path
from typing import Any

import cbor2
import pytest
from support.desks import Authenticator, DeskBrowser, RunningDesk, running_desk
from support.sites import Answer

from movepass_service.decisions.officers import add_officer
from movepass_service.officers import accounts
from movepass_service.officers.accounts import (
    CHALLENGE_SECONDS,
    IDLE_SECONDS,
    LINK_SECONDS,
    SESSION_SECONDS,
    SESSIONS_MAX,
    AccountError,
    OfficerAccounts,
)
from movepass_service.officers.passkeys import RelyingParty
from movepass_service.stores.sqlite.store import SqliteStore

NOW = 1_795_316_400


def code(answer: Answer) -> str:
    return str(json.loads(answer.body)["errors"][0]["code"])


def refused(answer: Answer, expected: str, status: int = 403) -> None:
    assert (answer.status, code(answer)) == (status, expected)
    assert not any("desk-session=" in cookie and "Max-Age=0" not in cookie for cookie in answer.cookies())


@pytest.fixture
def own_desk(tmp_path: Path) -> Any:
    """A desk whose clock a test may set as it likes."""
    with running_desk(tmp_path) as opened:
        yield opened


def test_an_officer_enrols_once_and_signs_in_without_a_name(desk: RunningDesk) -> None:
    secret = desk.add("officer", "Shahana Parvin")
    browser = desk.browser()
    done = browser.enrol(secret)
    assert json.loads(done.body) == {"to": "/sign-in?done=enrolled"}
    assert browser.get("/en/").status == 303, "enrolling signs nobody in"
    answer = browser.sign_in()
    assert json.loads(answer.body) == {"to": "/en/"}
    cookie = next(one for one in answer.cookies() if one.startswith("desk-session="))
    assert cookie.endswith(f"; Path=/; Max-Age={SESSION_SECONDS}; HttpOnly; SameSite=Strict")
    assert "Shahana Parvin" in browser.get("/en/").text
    refused(desk.browser().enrol(secret), "desk-link-over")


def test_a_link_ends_after_a_day_and_setting_the_clock_back_does_not_help(own_desk: RunningDesk) -> None:
    secret, other = own_desk.add("officer"), own_desk.add("officer")
    own_desk.clock.shift = LINK_SECONDS - 60
    assert own_desk.browser().enrol(secret).status == 200
    own_desk.clock.shift = LINK_SECONDS + 60
    refused(own_desk.browser().enrol(other), "desk-link-over")
    own_desk.clock.shift = 0
    refused(own_desk.browser().enrol(other), "desk-link-over")


def test_a_clock_that_was_far_ahead_keeps_no_link_for_ever(tmp_path: Path) -> None:
    ticks = 0.0
    with closing(SqliteStore(tmp_path / "data")) as store:
        party = RelyingParty("localhost", ("http://localhost",), "TEST")
        accounts = OfficerAccounts(store, party, monotonic=lambda: ticks)
        with pytest.raises(AccountError):
            accounts.link_officer("none", now=NOW + 30 * LINK_SECONDS)  # the clock was a month ahead at that moment
        secret = add_officer(store, "Salma", "officer", NOW).secret
        for ticks in (0.0, LINK_SECONDS - 60.0):
            assert accounts.link_officer(secret, now=NOW + int(ticks)).name == "Salma"
        ticks = LINK_SECONDS + 60.0
        with pytest.raises(AccountError) as error:
            accounts.link_officer(secret, now=NOW + int(ticks))
        assert error.value.code == "link-over"


def test_a_link_that_never_was_is_refused(desk: RunningDesk) -> None:
    refused(desk.browser().enrol("A" * 43), "desk-link-over")


def test_options_ask_for_a_passkey_that_knows_its_owner(desk: RunningDesk) -> None:
    browser = desk.browser()
    begun = json.loads(browser.call("/api/enrol/options", {"secret": desk.add("officer", "Nadia Islam")}).body)
    options = begun["options"]
    assert begun["name"] == "Nadia Islam"
    assert options["rp"]["id"] == "localhost"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert browser.options() | {"challenge": ""} == {
        "challenge": "", "timeout": 120000, "rpId": "localhost", "allowCredentials": [], "userVerification": "required",
    }  # fmt: skip


@pytest.mark.parametrize(
    "what", ["unverified", "other origin", "other key", "other account", "other challenge", "host"]
)
def test_an_answer_that_is_not_what_was_asked_for_signs_nobody_in(desk: RunningDesk, what: str) -> None:
    browser = desk.signed_in("officer")
    browser.jar.clear()
    authenticator = browser.authenticator
    assert authenticator
    options = browser.options()
    match what:
        case "unverified":
            authenticator.is_verified = False
        case "other origin":
            authenticator.origin = "http://localhost:1"
        case "other key":
            authenticator.key = Authenticator(desk.origin).key
        case "other account":
            authenticator.handle = bytes(32)
        case "other challenge":
            options["challenge"] = "A" * 43
        case "host":
            options["rpId"] = "evil.example"
    refused(browser.call("/api/sign-in", {"credential": authenticator.get(options)}), "desk-passkey")


def test_a_passkey_that_does_not_verify_its_owner_is_not_enrolled(desk: RunningDesk) -> None:
    browser, secret = desk.browser(), desk.add("officer")
    browser.authenticator = authenticator = Authenticator(desk.origin, is_verified=False)
    options = json.loads(browser.call("/api/enrol/options", {"secret": secret}).body)["options"]
    refused(browser.call("/api/enrol", {"credential": authenticator.create(options)}), "desk-passkey")
    assert desk.browser().enrol(secret).status == 200, "the link is still good"


@pytest.mark.parametrize("key", [b"", b"\x81" * 3_000, cbor2.dumps({}), cbor2.dumps([1]), cbor2.dumps({1: 2, 3: -7})])
def test_a_key_that_is_none_is_refused_in_words(desk: RunningDesk, key: bytes) -> None:
    browser = desk.browser()
    authenticator = Authenticator(desk.origin)
    options = json.loads(browser.call("/api/enrol/options", {"secret": desk.add("officer")}).body)["options"]
    credential = authenticator.create(options)
    response = credential["response"]
    attestation = cbor2.loads(urlsafe_b64decode(response["attestationObject"] + "=="))
    attestation["authData"] = attestation["authData"][: 37 + 16 + 2 + len(authenticator.id)] + key
    response["attestationObject"] = urlsafe_b64encode(cbor2.dumps(attestation)).rstrip(b"=").decode()
    refused(browser.call("/api/enrol", {"credential": credential}), "desk-passkey")


@pytest.mark.parametrize(
    "credential",
    [
        {}, {"id": 1}, {"id": "", "response": {}}, {"id": "!!!", "response": None}, {"id": "AAAA", "response": {}},
        {"id": "A" * 4000, "rawId": "A" * 4000, "type": "public-key", "response": {"userHandle": "A"}},
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["sign-in", "enrol"])
def test_nonsense_is_refused_in_words(desk: RunningDesk, path: str, credential: dict[str, object]) -> None:
    browser = desk.browser()
    first = {"secret": desk.add("officer")} if path == "enrol" else {}
    assert browser.call(f"/api/{path}/options", first).status == 200
    refused(browser.call(f"/api/{path}", {"credential": credential}), "desk-passkey")


def known_parts(browser: DeskBrowser) -> dict[str, Any]:
    assert browser.authenticator
    return browser.authenticator.get(browser.options())


def test_nonsense_in_parts_of_an_answer_is_refused(desk: RunningDesk) -> None:
    browser = desk.signed_in("officer")
    for name in ("authenticatorData", "clientDataJSON", "signature", "userHandle"):
        values: tuple[object, ...] = ("", "AAAA", 7, None, [], "ÿ")
        for value in values:
            credential = known_parts(browser)
            credential["response"][name] = value
            refused(browser.call("/api/sign-in", {"credential": credential}), "desk-passkey")


def test_an_old_counter_stops_the_passkey_for_ever(desk: RunningDesk) -> None:
    browser = desk.signed_in("officer")
    authenticator = browser.authenticator
    assert authenticator
    authenticator.counter = 0
    refused(browser.sign_in(), "desk-copied")
    assert browser.get("/en/").status == 303, "the officer's sessions end"
    authenticator.counter = 50
    refused(browser.sign_in(), "desk-passkey")
    assert "stop-copied-passkey" in {act["action"] for act in desk.service.store.administration(5)}


def test_a_session_ends_when_nobody_works_and_after_half_a_day(own_desk: RunningDesk) -> None:
    idle, busy = own_desk.signed_in("officer"), own_desk.signed_in("officer")
    for minutes in range(20, 12 * 60, 20):
        own_desk.clock.shift = minutes * 60
        assert busy.get("/en/").status == 200, minutes
        if minutes * 60 > IDLE_SECONDS:
            assert idle.get("/en/").status == 303
    own_desk.clock.shift = SESSION_SECONDS + 1
    assert busy.get("/en/").status == 303


def test_what_a_page_asks_by_itself_keeps_no_session_alive(own_desk: RunningDesk) -> None:
    browser = own_desk.signed_in("officer")
    for minutes in (10, 20, 29):
        own_desk.clock.shift = minutes * 60
        assert browser.get("/en/", **{"X-Background": "1"}).status == 200
    own_desk.clock.shift = IDLE_SECONDS + 60
    assert browser.get("/en/").status == 303


def test_a_challenge_is_too_old_after_minutes(own_desk: RunningDesk) -> None:
    browser = own_desk.signed_in("officer")
    credential = known_parts(browser)
    own_desk.clock.shift = CHALLENGE_SECONDS + 1
    refused(browser.call("/api/sign-in", {"credential": credential}), "desk-passkey")


def test_a_session_of_another_role_is_over_however_the_role_was_changed(desk: RunningDesk) -> None:
    browser = desk.signed_in("supervisor", "Other Role")
    change = "UPDATE officers SET role = 'officer' WHERE name = 'Other Role'"
    desk.service.store.writer.call(lambda db: db.execute(change) and None)
    assert browser.get("/en/").status == 303


def test_a_flood_of_challenges_ends_the_oldest_and_refuses_nobody(
    own_desk: RunningDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "CHALLENGES_MAX", 3)
    first, last = own_desk.signed_in("officer"), own_desk.signed_in("officer")
    early = known_parts(first)
    for _ in range(2):
        own_desk.clock.shift += 1
        own_desk.browser().options()
    late = known_parts(last)
    refused(first.call("/api/sign-in", {"credential": early}), "desk-passkey")
    assert last.call("/api/sign-in", {"credential": late}).status == 200


def test_the_oldest_session_ends_where_there_are_too_many(own_desk: RunningDesk) -> None:
    first = own_desk.signed_in("officer")
    for number in range(SESSIONS_MAX):
        own_desk.clock.shift += 2
        other = own_desk.browser()
        other.authenticator = first.authenticator
        assert other.sign_in().status == 200
        assert first.get("/en/").status == (200 if number < SESSIONS_MAX - 1 else 303)


def test_signing_out_ends_the_session_on_the_server(desk: RunningDesk) -> None:
    browser = desk.signed_in("officer")
    copied = dict(browser.jar)
    assert browser.send("/en/sign-out").header("Location") == "/en/sign-in?done=signed-out"
    browser.jar = copied
    assert browser.get("/en/").status == 303


def test_after_signing_in_one_comes_to_the_page_that_was_asked_for_and_to_no_other_site(desk: RunningDesk) -> None:
    browser = desk.signed_in("auditor")
    browser.jar.clear()
    asked = browser.get("/en/audit")
    assert asked.header("Location") == "/en/sign-in?next=%2Fen%2Faudit"
    for wanted, expected in (
        ("/en/audit", "/en/audit"), ("//evil.example", "/rules"), ("https://evil.example/", "/rules"),
        ("/\\evil.example", "/rules"), ("javascript:alert(1)", "/rules"),
    ):  # fmt: skip
        answer = browser.call("/api/sign-in", {"credential": known_parts(browser), "next": wanted})
        assert json.loads(answer.body) == {"to": expected}


def test_with_https_cookies_belong_to_the_host_alone(tmp_path: Path) -> None:
    with running_desk(tmp_path, url="https://desk.pass.example") as desk:
        browser = desk.browser()
        assert browser.enrol(desk.add("officer")).status == 200
        answer = browser.sign_in()
        cookie = next(one for one in answer.cookies() if "desk-session=" in one)
        assert cookie.startswith("__Host-desk-session=")
        assert cookie.endswith("; HttpOnly; SameSite=Strict; Secure")
        assert browser.get("/en/").status == 200
