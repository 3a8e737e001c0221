"""What every request must pass and every answer carries; what the log says and what it never says."""

import logging
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.sites import FORM, Browser, RunningSite, answers, apply, hidden, references, running_site

from movepass_service.errors import Busy, StorageFull
from movepass_service.web import WebSettings
from movepass_service.web.exchange import Answer as OurAnswer
from movepass_service.web.exchange import Cookie
from movepass_service.web.guards import client_address
from movepass_service.web.limits import BLOCKS_MAX, Limit, Limiter, block_of

PATHS = [
    "/",
    "/en/",
    "/apply",
    "/status",
    "/rules",
    "/statistics",
    "/my-passes",
    "/healthz",
    "/nowhere",
    "/en/nowhere",
    "/api/applications/x",
]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_its_headers(site: RunningSite, path: str) -> None:
    answer = site.ask("GET", path)
    policy = answer.header("Content-Security-Policy") or ""
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Referrer-Policy") in {"same-origin", "no-referrer"}
    assert answer.header("Cache-Control")
    assert answer.header("Server") is None
    assert answer.header("Strict-Transport-Security") is None
    assert len([1 for name, _ in answer.headers if name.lower() == "referrer-policy"]) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
    ],
)
@pytest.mark.parametrize("path", ["/apply", "/apply/send", "/status", "/api/applications"])
def test_a_post_from_another_site_is_refused(site: RunningSite, path: str, headers: dict[str, str]) -> None:
    assert site.ask("POST", path, b"", headers={"Content-Type": FORM, **headers}).status == 403


def test_a_post_from_another_site_withdraws_nothing(browser: Browser) -> None:
    (reference,) = references(apply(browser, "/en", holder__name="Forgery"))
    token = hidden(browser.get(f"/en/status/{reference}/withdraw"))
    answer = browser.post(f"/en/status/{reference}/withdraw", token, Origin="https://evil.example")
    assert answer.status == 403
    assert "state received" in browser.get(f"/en/status/{reference}").text


@pytest.mark.parametrize(
    "host", ["evil.example", "", "localhost", "localhost:1", "127.0.0.1:1", "localhost:80@evil.example", "x" * 3000]
)
def test_another_host_is_refused_and_nothing_is_built_from_it(site: RunningSite, host: str) -> None:
    answer = site.ask("GET", "/", headers={"Host": host})
    assert answer.status in {400, 421}
    assert "evil" not in answer.text


def test_a_cookie_of_an_attackers_is_not_taken_over(site: RunningSite) -> None:
    """Whoever plants a cookie shows their own application, and never gets at another one: no session is made of it."""
    mine = site.browser()
    mine.jar["form", "/"] = "planted"
    checked = mine.post("/en/apply", answers(holder__name="Fixation"))
    assert mine.jar["form", "/"] != "planted"
    assert re.fullmatch(r"[0-9a-f]{32}", mine.jar["form", "/"])
    (reference,) = references(mine.follow(mine.post("/en/apply/send", hidden(checked))))
    victim = site.browser()
    victim.jar["key", f"/en/status/{reference}"] = "0" * 26
    assert victim.get(f"/en/status/{reference}").status == 403


def test_no_header_can_be_added_by_what_is_typed() -> None:
    for evil in ("a\r\nSet-Cookie: x=y", "a\nb", "é", "a\x00b"):
        with pytest.raises(ValueError, match="no header may have"):
            OurAnswer(headers=(("Location", evil),))
        with pytest.raises(ValueError, match="no header may have"):
            OurAnswer().with_cookies(Cookie("key", evil, "/", 1, secure=True))


def test_the_log_names_no_person_no_reference_and_no_secret(
    site: RunningSite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    browser = site.browser()
    receipt = apply(browser, holder__name="Nobody May Read", holder__id_number="5544332211", phone="01799887766")
    (reference,) = references(receipt)
    link = re.search(r"(/status/[^\"]*\?key=([0-9A-Z]+))", receipt.text)
    assert link
    site.browser().get(link[1])
    browser.get(f"/status/{reference}")
    browser.post("/status", {"reference": reference, "secret": link[2]})
    browser.post("/apply", answers(holder__name="Nobody May Read", phone="wrong number"))
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "GET /status/{reference} 200" in said
    for private in (reference, link[2], "Nobody", "5544332211", "01799887766", "1799887766", "wrong number"):
        assert private not in said


def test_a_fault_of_ours_has_an_id_that_page_and_log_share_and_quotes_nothing(
    site: RunningSite, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("Rahima Khatun 5544332211")

    monkeypatch.setattr(site.service, "read", broken)
    answer = site.ask("POST", "/en/apply", b"holder.name=Rahima+Khatun", headers={"Content-Type": FORM})
    assert answer.status == 500
    found = re.search(r"name this number: ([0-9a-f]{10})", answer.text)
    assert found
    assert "এই নম্বরটি বলুন: " + found[1] in answer.text
    assert f"incident {found[1]}: ValueError at " in caplog.text
    assert "Rahima" not in caplog.text + answer.text
    api = site.ask("POST", "/api/applications", b"{}", headers={"Content-Type": "application/json"})
    assert api.status == 500
    assert '"incident"' in api.text


@pytest.mark.parametrize(
    ("error", "status", "english", "bangla"),
    [
        (Busy(7), 503, "The service is very busy", "এখন অনেক চাপ"),
        (StorageFull("the disk is full"), 503, "We can&#39;t take applications now", "এখন আবেদন নেওয়া যাচ্ছে না"),
    ],
)
def test_too_busy_and_full_are_said_in_both_languages_with_a_time(
    site: RunningSite, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, english: str, bangla: str
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise error

    for prefix in ("", "/en"):
        browser = site.browser()
        checked = browser.post(f"{prefix}/apply", answers(holder__name=f"Busy {prefix}"))
        with monkeypatch.context() as patched:
            patched.setattr(site.service, "submit", refuse)
            answer = browser.post(f"{prefix}/apply/send", hidden(checked))
        assert answer.status == status
        assert int(answer.header("Retry-After") or 0) > 0
        assert english in answer.text
        assert bangla in answer.text
        assert browser.post(f"{prefix}/apply/send", hidden(checked)).status == 303


@pytest.fixture
def tight(tmp_path: Path) -> Iterator[RunningSite]:
    limits = {"check": Limit(0.5, 2), "send": Limit(0.5, 2), "lookup": Limit(0.5, 2), "status": Limit(100, 100)}
    with running_site(tmp_path, limits=limits, trusted_proxies=frozenset({"127.0.0.1"})) as site:
        yield site


def test_one_address_is_slowed_down_and_another_is_not(tight: RunningSite) -> None:
    def check(address: str) -> Any:
        headers = {"Content-Type": FORM, "X-Forwarded-For": f"6.6.6.6, {address}"}
        return tight.ask("POST", "/apply", b"holder.name=a", headers=headers)

    assert [check("103.4.145.7").status for _ in range(3)] == [400, 400, 429]
    refused = check("103.4.145.7")
    assert 1 <= int(refused.header("Retry-After") or 0) <= 3
    assert "একটু ধীরে" in refused.text
    assert "A little slower" in refused.text
    assert check("103.4.145.8").status == 400
    assert tight.ask("GET", "/apply").status == 200


def test_guessing_codes_is_slowed_down(tight: RunningSite) -> None:
    fields = b"reference=0000-0000-0000&secret=AAAA"
    headers = {"Content-Type": FORM}
    assert [tight.ask("POST", "/status", fields, headers=headers).status for _ in range(3)] == [404, 404, 429]


def test_a_bucket_fills_again_and_a_clock_that_steps_back_takes_nothing() -> None:
    limiter = Limiter({"send": Limit(2, 2)})
    assert [limiter.wait_s("send", "1.2.3.4", 100) for _ in range(3)] == [0, 0, 0.5]
    assert limiter.wait_s("send", "1.2.3.4", 100.5) == 0
    assert limiter.wait_s("send", "1.2.3.4", 50) > 0
    assert limiter.wait_s("send", "1.2.3.4", 60) == 0
    assert limiter.wait_s("other", "1.2.3.4", 60) == 0


def test_no_more_addresses_are_remembered_than_the_bound() -> None:
    limiter = Limiter({"send": Limit(1, 1)})
    for n in range(BLOCKS_MAX + 100):
        limiter.wait_s("send", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", 0)
    assert len(limiter._buckets["send"]) == BLOCKS_MAX


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("103.4.145.7", "103.4.145.7/32"),
        ("::ffff:103.4.145.7", "103.4.145.7/32"),
        ("2404:d900:1:2ff::9", "2404:d900:1:200::/56"),
        ("fe80::1%eth0", "fe80::/56"),
        ("", "unknown"),
        ("x" * 500, "unknown"),
    ],
)
def test_addresses_are_counted_by_block(address: str, block: str) -> None:
    assert block_of(address) == block


def test_forwarded_addresses_are_believed_of_trusted_proxies_alone() -> None:
    settings = WebSettings(trusted_proxies=frozenset({"10.0.0.1", "10.0.0.2"}))
    headers = {"x-forwarded-for": "6.6.6.6, 103.4.145.7, 10.0.0.2"}
    assert client_address(settings, "10.0.0.1", headers) == "103.4.145.7"
    assert client_address(settings, "103.4.145.9", headers) == "103.4.145.9"
    assert client_address(settings, "10.0.0.1", {}) == "10.0.0.1"
    assert client_address(settings, "10.0.0.1", {"x-forwarded-for": ", ,"}) == "10.0.0.1"


def test_a_slow_body_is_given_up(tmp_path: Path) -> None:
    with (
        running_site(tmp_path, body_timeout_s=0.5) as site,
        socket.create_connection(("127.0.0.1", site.port), timeout=20) as connection,
    ):
        head = f"POST /apply HTTP/1.1\r\nHost: localhost:{site.port}\r\nContent-Type: {FORM}\r\n"
        connection.sendall(f"{head}Content-Length: 10\r\n\r\na".encode())
        began = time.monotonic()
        assert connection.recv(100).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - began < 5


def test_over_https_cookies_and_headers_insist_on_it(tmp_path: Path) -> None:
    with running_site(tmp_path, url="https://pass.example.gov.bd") as site:
        browser = site.browser()
        assert (browser.get("/").header("Strict-Transport-Security") or "").startswith("max-age=")
        checked = browser.post("/en/apply", answers())
        assert checked.status == 200
        (form,) = checked.cookies()
        assert form.startswith("__Host-form=")
        assert "; Path=/;" in form
        assert "; Secure" in form
        assert "Domain" not in form
        assert site.browser().get("/my-passes/sign-out").status == 405
        (session,) = site.browser().post("/my-passes/sign-out", {}).cookies()
        assert session.startswith("__Host-session=")
        receipt = browser.follow(browser.post("/en/apply/send", hidden(checked)))
        assert "https://pass.example.gov.bd/en/status/" in receipt.text


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://x", "http://", "https://x/path", "//x"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="an address is like"):
        WebSettings(url=url)
