"""Registering by telephone over HTTP: a code, a session, the passes of a number, and a form that is filled."""

import re

import pytest
from support.sites import Browser, RunningSite, apply, hidden, new_number, references, registered

from movepass_service.accounts import SmsError


def test_a_proved_number_finds_its_passes_from_any_browser(site: RunningSite) -> None:
    phone = new_number()
    browser = registered(site, phone)
    assert "You have not applied since" in browser.get("/en/my-passes").text
    (reference,) = references(apply(browser, "/en", holder__name="My Own", phone=phone))
    again = registered_later(site, phone)
    page = again.get("/en/my-passes")
    assert reference in page.text
    assert "My Own" in page.text
    opened = again.follow(again.get(f"/en/my-passes/open/{reference}"))
    assert "My Own" in opened.text


def registered_later(site: RunningSite, phone: str) -> Browser:
    """Prove the number again, as from another phone; the pause between two codes has gone by."""
    accounts = site.accounts
    challenge = accounts.send_code("+88" + phone, lambda _, code: code, now=2_000_000_000)
    token = accounts.sign_in(challenge.id, site.last_message(), now=2_000_000_000)
    browser = site.browser()
    browser.jar["session", "/"] = token
    return browser


def test_the_next_form_is_filled_without_the_time(site: RunningSite) -> None:
    phone = new_number()
    browser = registered(site, phone)
    assert f'value="{phone}"' in browser.get("/en/my-passes/apply").text
    apply(browser, "/en", holder__name="Filled In", phone=phone, vehicle__registration="GA 11")
    form = browser.get("/en/my-passes/apply").text
    for value in ("Filled In", "7890", "GA 11", phone):
        assert f'value="{value}"' in form
    assert '<option value="gazipur" selected>' in form
    assert " checked" not in form


def test_a_proved_number_is_recorded_with_the_application_and_only_then(site: RunningSite) -> None:
    phone = new_number()
    browser = registered(site, phone)

    def is_verified(who: Browser, number: str, name: str) -> bool:
        (reference,) = references(apply(who, "/en", holder__name=name, phone=number))
        secret = who.jar["key", f"/status/{reference}"]
        return site.service.status(reference, secret, now=0).application.phone_verified

    assert is_verified(browser, phone, "Verified")
    assert not is_verified(browser, new_number(), "Another number")
    assert not is_verified(site.browser(), phone, "No session")


def test_a_wrong_code_says_so_and_keeps_the_challenge(site: RunningSite) -> None:
    browser = site.browser()
    page = browser.post("/en/my-passes", {"phone": new_number()})
    failed = browser.post("/en/my-passes/code", hidden(page) | {"code": "12"})
    assert failed.status == 400
    assert hidden(failed) == hidden(page)
    assert "This is not the code" in failed.text
    code = "".join(chr(0x09E6 + int(digit)) for digit in re.findall(r"\d{6}", site.last_message())[0])
    assert browser.post("/en/my-passes/code", hidden(page) | {"code": f" {code[:3]} {code[3:]} "}).status == 303


def test_each_number_gets_the_same_answer_and_too_many_codes_are_refused_kindly(site: RunningSite) -> None:
    known = new_number()
    browser = registered(site, known)
    apply(browser, phone=known)
    refused = site.browser().post("/en/my-passes", {"phone": known})
    assert refused.status == 429
    assert int(refused.header("Retry-After") or 0) > 0
    assert "You can also apply without a code" in refused.text
    unknown = new_number()
    assert site.browser().post("/en/my-passes", {"phone": unknown}).status == 200
    assert site.browser().post("/en/my-passes", {"phone": unknown}).status == 429


@pytest.mark.parametrize("phone", ["", "123", "+447911123456", "01212345678", "০১৭", "x" * 3000])
def test_a_number_that_is_none_of_bangladesh_gets_no_code(site: RunningSite, phone: str) -> None:
    page = site.browser().post("/en/my-passes", {"phone": phone})
    assert page.status == 400
    assert 'href="#phone"' in page.text


def test_signing_out_ends_the_session_on_the_server_too(site: RunningSite) -> None:
    browser = registered(site, new_number())
    session = browser.jar["session", "/"]
    token = hidden(browser.get("/en/my-passes"))
    assert browser.post("/en/my-passes/sign-out", {"token": "0" * 32}).status == 403
    assert browser.post("/en/my-passes/sign-out", token).status == 303
    assert ("session", "/") not in browser.jar
    thief = site.browser()
    thief.jar["session", "/"] = session
    assert "Mobile number" in thief.get("/en/my-passes").text


def test_a_planted_session_is_not_taken_over(site: RunningSite) -> None:
    victim = site.browser()
    victim.jar["session", "/"] = "0" * 32
    page = victim.post("/en/my-passes", {"phone": new_number()})
    code = re.findall(r"\d{6}", site.last_message())[0]
    victim.post("/en/my-passes/code", hidden(page) | {"code": code})
    assert victim.jar["session", "/"] != "0" * 32


@pytest.mark.parametrize("session", ["", "x", "0" * 32, "é"])
def test_without_a_session_there_are_no_passes(site: RunningSite, session: str) -> None:
    browser = site.browser()
    mine = registered(site, phone := new_number())
    (reference,) = references(apply(mine, phone=phone))
    if session.isascii():
        browser.jar["session", "/"] = session
    assert browser.get(f"/my-passes/open/{reference}").header("Location") == "/my-passes"
    assert browser.get("/my-passes/apply").header("Location") == "/apply"
    other = registered(site, new_number())
    assert other.get(f"/my-passes/open/{reference}").status == 404


@pytest.mark.parametrize(("path", "said"), [("/my-passes", "কোড পাঠানো যায়নি"), ("/en/my-passes", "could not be sent")])
def test_a_gateway_that_takes_no_message_is_said(
    site: RunningSite, monkeypatch: pytest.MonkeyPatch, path: str, said: str
) -> None:
    def refuse(*_: str) -> None:
        raise SmsError("SNS took no message: Throttling")

    monkeypatch.setattr(site.accounts._gateway, "send", refuse)
    answer = site.browser().post(path, {"phone": new_number()})
    assert answer.status == 503
    assert answer.header("Retry-After") == "60"
    assert said in answer.text
