"""Whatever is sent, the answer is 4xx and never 500, and the service stays well."""

import html
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from support.sites import FORM, RunningSite, answers, whole_application

JSON = "application/json"
MEGABYTE = 1_000_000
FORM_POSTS = ["/apply", "/en/apply", "/apply/change", "/apply/send", "/status"]
BODIES = {
    "empty": b"",
    "no pair": b"holder.name",
    "no name": b"=x",
    "arrays": b"holder.name[]=a&holder.name[]=b",
    "a field twice": b"holder.name=a&holder.name=b",
    "an object": b"holder[name]=a&holder=b",
    "both an object and a field": b"holder=b&holder.name=a",
    "65 fields": b"&".join(b"f%d=1" % n for n in range(65)),
    "a long name": b"x" * 5000 + b"=1",
    "a long value": b"holder.name=" + b"x" * 20_000,
    "a value of 3,000": b"holder.name=" + b"x" * 3000,
    "Latin-1": "holder.name=Ren\xe9".encode("latin-1"),
    "UTF-16": "holder.name=Rahima".encode("utf-16"),
    "a lone surrogate": b"holder.name=%ED%A0%80",
    "an overlong slash": b"holder.name=%C0%AF",
    "NUL": b"holder.name=a%00b",
    "NUL in a name": b"holder%00.name=a",
    "an escape that is none": b"holder.name=%zz%",
    "line ends": b"holder.name=a%0d%0aSet-Cookie:+x=y",
    "dots": b"..=1&.=2&a.=3&.a=4&holder..name=5",
    "deep": b"a.b.c.d.e.f.g.h.i=1",
    "prototype": b"__proto__.x=1&constructor=2",
    "template": b"holder.name=%7B%7B7*7%7D%7D",
    "days": b"not_before.date=%E0%A7%A9%E0%A7%A7%2F%E0%A7%A8&not_before.time=%F0%9D%9F%97:30&hours=%E2%91%A2",
    "a superscript": b"not_before.date=%C2%B2&back.not_before.date=%C2%B2&hours=%C2%B2&back.hours=%C2%B2",
    "far years": b"not_before.date=9999-12-31&not_before.time=23:59&hours=12",
    "year nought": b"not_before.date=0000-00-00&not_before.time=00:00&hours=1",
    "language": b"language=xx&evidence=employer&phone_verified=1",
    "emoji": "holder.name=👩‍⚕️&vehicle.registration=🚗".encode(),
    "right to left": b"holder.name=%E2%80%AEabc",
}


@pytest.fixture(autouse=True)
def _is_well_afterwards(site: RunningSite, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert site.ask("GET", "/healthz").status == 200
    assert [record for record in caplog.records if "incident" in record.getMessage()] == []


@pytest.mark.parametrize("path", FORM_POSTS)
@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_form_of_ours(site: RunningSite, path: str, name: str) -> None:
    answer = site.ask("POST", path, BODIES[name], headers={"Content-Type": FORM})
    expected = {200} if path.endswith("change") else set()
    assert 400 <= answer.status < 500 or answer.status in expected, answer.text
    assert b"Traceback" not in answer.body


@pytest.mark.parametrize("field", ["holder.name", "not_before.date", "request_id", "hours", "unknown"])
def test_a_field_of_a_megabyte_is_refused_before_it_is_parsed(site: RunningSite, field: str) -> None:
    body = field.encode() + b"=" + b"9" * MEGABYTE
    for path in FORM_POSTS:
        try:
            answer = site.ask("POST", path, body, headers={"Content-Type": FORM})
        except ConnectionError:  # the server had answered and closed while we were still sending
            continue
        assert answer.status == 413


def test_a_body_without_a_length_is_bounded_too(site: RunningSite) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as connection:
        head = f"POST /apply HTTP/1.1\r\nHost: localhost:{site.port}\r\nContent-Type: {FORM}\r\n"
        connection.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(100):
                connection.sendall(b"8000\r\n" + b"a" * 0x8000 + b"\r\n")
        except ConnectionError:
            return
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data; boundary=x", "text/plain", "application/json", "",
        "application/x-www-form-urlencoded; charset=utf-16",
        "application/x-www-form-urlencoded; charset=iso-8859-1", "x" * 5000,
    ],
)  # fmt: skip
def test_another_content_type_is_refused(site: RunningSite, kind: str) -> None:
    headers = {"Content-Type": kind} if kind else {}
    assert site.ask("POST", "/apply", b"holder.name=a", headers=headers).status in {400, 415}


def test_utf_8_may_be_named(site: RunningSite) -> None:
    kind = f'{FORM}; charset="UTF-8"'
    assert site.ask("POST", "/apply/change", b"holder.name=a", headers={"Content-Type": kind}).status == 200


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 400, "٣", "0x10", " ", "1, 2"])
def test_a_length_that_is_none_is_refused(site: RunningSite, length: str) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as connection:
        head = f"POST /apply HTTP/1.1\r\nHost: localhost:{site.port}\r\nContent-Type: {FORM}\r\n"
        connection.sendall(f"{head}Content-Length: {length}\r\n\r\nx=1".encode())
        assert connection.recv(100)[9:10] == b"4"


JSON_BODIES: dict[str, Any] = {
    "empty": b"",
    "not JSON": b"{",
    "an array": b"[]",
    "a text": b'"x"',
    "null": b"null",
    "NaN": b'{"reason": NaN}',
    "a key twice": b'{"reason": "medical", "reason": "burial"}',
    "a lone surrogate": b'{"reason": "\\ud800"}',
    "a lone surrogate as a key": b'{"\\udfff": 1}',
    "NUL": b'{"reason": "a\\u0000b"}',
    "not UTF-8": b'{"reason": "\xff"}',
    "a byte order mark": b'\xef\xbb\xbf{"reason": "medical"}',
    "deep arrays": b'{"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "deep objects": b'{"a":' * 9000 + b"1" + b"}" * 9000,
    "a number of 5,000 digits": b'{"not_before": ' + b"9" * 5000 + b"}",
    "a huge exponent": b'{"not_before": 1e999, "hours": 1e308}',
    "many keys": json.dumps({f"k{n}": n for n in range(3000)}).encode(),
}


@pytest.mark.parametrize("name", JSON_BODIES)
def test_json_that_is_none_or_none_of_ours(site: RunningSite, name: str) -> None:
    answer = site.ask("POST", "/api/applications", JSON_BODIES[name], headers={"Content-Type": JSON})
    assert answer.status == 400, answer.text
    assert json.loads(answer.body)["errors"]


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -1,
        1.5,
        "",
        [],
        {},
        ["medical"],
        {"a": 1},
        "x" * 3000,
        "\u202e",
        " ",
        10**40,
        [[[[[]]]]],
        {"date": []},
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    "field",
    [
        "request_id", "holder", "holder.name", "holder.id_type", "holder.id_number", "holder.id_last", "from",
        "from.district", "from.place", "to", "reason", "not_before", "not_after", "hours", "vehicle",
        "vehicle.registration", "vehicle.driver", "vehicle.driver.name", "language", "phone", "on_behalf_of",
        "evidence", "back", "other_reason",
    ],
)  # fmt: skip
def test_a_value_of_another_kind(site: RunningSite, field: str, value: object) -> None:
    document = whole_application()
    inner: Any = document
    *path, last = field.split(".")
    for key in path:
        inner = inner.setdefault(key, {})
    inner[last] = value
    answer = site.ask("POST", "/api/applications", json.dumps(document).encode(), headers={"Content-Type": JSON})
    assert answer.status in {202, 400}, answer.text
    if answer.status == 400:
        assert all(fault["message"] for fault in json.loads(answer.body)["errors"])


@pytest.mark.parametrize(
    "path",
    [
        "/status/..%2f..%2fetc%2fpasswd", "/status/%00", "/status/" + "A" * 900, "/status/" + "A" * 5000,
        "/status/%ED%A0%80", "/status/%F0%9F%98%80", "/status/AAAA-AAAA-AAAA/qr.png", "/status/x?key=%FF",
        "/status/x?key=a&key=b", "/apply?" + "&".join(f"a{n}=1" for n in range(70)), "/static/../app.py",
        "/static/site.css", "/en/en/", "//", "/healthz/", "/api", "/api/applications/x/y", "/apply/send",
        "/status/%7B%7B7*7%7D%7D", "/rules?lang=%0d%0aX:y", "/apply/",
    ],
)  # fmt: skip
def test_a_path_that_leads_nowhere(site: RunningSite, path: str) -> None:
    answer = site.ask("GET", path)
    assert 400 <= answer.status < 500 or path.startswith("/rules"), answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "M-SEARCH"])
def test_another_method_is_refused(site: RunningSite, method: str) -> None:
    for path in ("/", "/apply", "/api/applications"):
        answer = site.ask(method, path)
        assert answer.status == 405
        assert answer.header("Allow")


@pytest.mark.parametrize(
    "cookie",
    ["", "key", "=", "key=\xff", "key=a; key=b", ";" * 2000, "form=" + "z" * 3000, "receipt=a.b~c~~.", "receipt=~"],
)
def test_cookies_that_are_none_of_ours(site: RunningSite, cookie: str) -> None:
    for path in ("/", "/receipt", "/status/0000-0000-0000", "/apply"):
        assert site.ask("GET", path, headers={"Cookie": cookie}).status < 500
    answer = site.ask("POST", "/apply", b"holder.name=a", headers={"Cookie": cookie, "Content-Type": FORM})
    assert answer.status == 400


def test_garbage_on_the_wire_is_answered_or_closed(site: RunningSite) -> None:
    for garbage in (
        b"\x00" * 100,
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/1.1\r\nA:" + b"b" * 100_000,
    ):
        with socket.create_connection(("127.0.0.1", site.port), timeout=20) as connection:
            try:
                connection.sendall(garbage)
                connection.shutdown(socket.SHUT_WR)
                said = connection.recv(1000)
            except ConnectionError:
                continue
            assert said == b"" or said[9:10] == b"4", said


@pytest.mark.parametrize(
    "evil", ['"><script>alert(1)</script>', "{{ 7*7 }}", "</textarea><img src=x onerror=alert(1)>", "' onfocus='x"]
)
def test_markup_that_was_typed_is_text(site: RunningSite, evil: str) -> None:
    browser = site.browser()
    pages = [
        browser.post("/en/apply", answers(holder__name=evil, hours="")),
        browser.post("/en/apply", answers(other_reason=evil, reason="other")),
        browser.post("/en/status", {"reference": evil, "secret": evil}),
    ]
    for page in pages:
        assert page.status < 500
        assert html.escape(evil, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page.text
        assert not set("<>\"'") & set(evil) or evil not in page.text
