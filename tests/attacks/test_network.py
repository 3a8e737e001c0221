"""Check what a network does: login pages, redirects, encodings, and other ranges than requested."""

import gzip

import pytest

from attacks.scene import Scene
from attacks.server import Answer
from attacks.simulator import TIMESTAMP, log_name
from attacks.test_content import PORTAL, publish_all_anew

AWAY = "elsewhere/"


@pytest.mark.parametrize("kind", ["text/html", "application/json"])
def test_a_login_page_in_place_of_every_file_is_refused(web: Scene, kind: str) -> None:
    assert web.server
    web.server.rule = lambda *_: Answer(200, {"Content-Type": kind}, [b"\n " + PORTAL])
    web.must_refuse("answered with a web page", "is this a login page?")


def test_a_login_page_with_a_status_of_its_own_is_named(web: Scene) -> None:
    assert web.server
    web.server.rule = lambda *_: Answer(511, {"Content-Type": "text/html"}, [PORTAL])
    web.must_refuse("HTTP 511", "is this a login page?")


def test_a_file_that_is_served_as_a_web_page_is_no_login_page(web: Scene) -> None:
    """As a server does that does not know the ending .log; what counts is what is in it."""
    assert web.server
    _, path = _longer_log(web)
    for name in (TIMESTAMP, path):
        web.answer(name, Answer(200, {"Content-Type": "text/html"}, [web.repository.files[name]]))
        assert web.sync().requests
    assert web.verdict(web.repository.issue(1000)) == "revoked"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_though_it_leads_to_the_right_files(web: Scene, status: int) -> None:
    assert web.server
    url, files = web.server.url, web.repository.files
    web.repository.publish()
    web.repository.files = {AWAY + name: content for name, content in files.items()}

    def redirect(path: str, _: str | None) -> Answer | None:
        return None if path.startswith(AWAY) else Answer(status, {"Location": f"{url}/{AWAY}{path}"})

    web.server.rule = redirect
    web.must_refuse("redirects to", "is this a login page?")
    assert not any(path.startswith(AWAY) for path in web.server.asked)


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429, 500, 502, 511])
def test_an_error_in_place_of_the_timestamp_is_told_by_its_number(web: Scene, status: int) -> None:
    assert web.server
    web.answer(TIMESTAMP, Answer(status, body=[PORTAL]))
    web.must_refuse(f"HTTP {status}")


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate, gzip"])
def test_a_compressed_answer_is_not_unpacked(web: Scene, encoding: str) -> None:
    assert web.server
    web.repository.publish()
    packed = gzip.compress(web.repository.files[TIMESTAMP])
    web.answer(TIMESTAMP, Answer(200, {"Content-Encoding": encoding}, [packed]))
    web.must_refuse("compressed", encoding, "asked not to")


def test_the_rest_of_a_log_is_not_unpacked_either(web: Scene) -> None:
    assert web.server
    held, path = _longer_log(web)
    whole = web.repository.files[path]
    span = {"Content-Encoding": "gzip", "Content-Range": f"bytes {held}-{len(whole) - 1}/{len(whole)}"}
    packed = gzip.compress(whole[held:])
    web.server.rule = lambda at, wanted: Answer(206, span, [packed]) if at == path and wanted else None
    web.must_refuse("compressed", "asked not to")


def test_a_part_of_a_file_that_was_asked_for_whole_is_refused(web: Scene) -> None:
    assert web.server
    body = web.repository.files[TIMESTAMP]
    web.answer(TIMESTAMP, Answer(206, {"Content-Range": "bytes 0-9/10"}, [body]))
    web.must_refuse("HTTP 206")


SPANS = ["bytes 0-{last}/{size}", "bytes 9-{last}/{size}", "", "bytes */{size}", "items {held}-{last}/{size}",
         "bytes {held}-", "bytes {held}-{last}", "bytes {held}-{last}/{size}, 0-9/{size}"]  # fmt: skip


@pytest.mark.parametrize("span", SPANS)
def test_another_part_of_a_log_than_was_asked_for_is_refused(web: Scene, span: str) -> None:
    assert web.server
    held, path = _longer_log(web)
    whole = web.repository.files[path]
    header = {"Content-Range": span.format(held=held, last=len(whole) - 1, size=len(whole))}
    web.server.rule = lambda at, wanted: Answer(206, header, [whole[held:]]) if at == path and wanted else None
    web.must_refuse("another part of the file than was asked for")


def test_where_a_server_says_that_a_log_has_no_such_rest_the_whole_is_asked_for(web: Scene) -> None:
    assert web.server
    _, path = _longer_log(web)
    web.server.rule = lambda at, wanted: Answer(416, {"Content-Range": "bytes */9"}) if at == path and wanted else None
    assert web.must_take().changed
    assert web.verdict(web.repository.issue(1000)) == "revoked"


@pytest.mark.parametrize("rest", [b"", b"x" * 9, b"x" * 99999], ids=["nothing", "other bytes", "too many"])
def test_a_wrong_rest_of_a_log_is_thrown_away_and_the_whole_is_asked_for(web: Scene, rest: bytes) -> None:
    """A server whose ranges are broken does no harm: what is taken over is what was signed."""
    assert web.server
    held, path = _longer_log(web)
    header = (
        {"Content-Range": f"bytes {held}-{held + len(rest) - 1}/*"}
        if rest
        else {"Content-Range": f"bytes {held}-{held}/*"}
    )
    web.server.rule = lambda at, wanted: Answer(206, header, [rest]) if at == path and wanted else None
    assert web.must_take().changed
    assert web.verdict(web.repository.issue(1000)) == "revoked"


def test_wrong_bytes_of_a_log_that_was_cut_off_poison_no_later_sync(web: Scene) -> None:
    """What came is kept, to go on from; what the honest server sends does not fit on to it."""
    assert web.server
    held, path = _longer_log(web)
    whole = web.repository.files[path]
    wrong = b"x" * (len(whole) - held - 3)
    header = {
        "Content-Range": f"bytes {held}-{len(whole) - 1}/{len(whole)}",
        "Content-Length": str(len(whole) - held),
    }
    web.answer(path, Answer(206, header, [wrong]))
    web.must_refuse("the connection was lost", recover=False)
    assert wrong in [kept.read_bytes() for kept in web.store.glob(".partial/*")]
    web.server.rule = None
    assert web.must_take().changed
    assert web.verdict(web.repository.issue(1000)) == "revoked"


@pytest.mark.parametrize(
    ("surplus", "words"), [(9, "9 bytes were still to come"), (-9, "does not offer")], ids=["more", "less"]
)
def test_a_length_in_the_header_that_is_not_the_bodys_is_refused(web: Scene, surplus: int, words: str) -> None:
    assert web.server
    web.repository.publish()
    body = web.repository.files[TIMESTAMP]
    header = {"Content-Length": str(len(body) + surplus)}
    web.answer(TIMESTAMP, Answer(200, header, [body]))
    web.must_refuse(words)


@pytest.mark.parametrize(
    "raw", [b"", b"\0" * 99, b"HTTP/1.1 two hundred\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"]
)
def test_an_answer_that_is_not_http_is_refused(web: Scene, raw: bytes) -> None:
    assert web.server
    web.server.rule = lambda *_: Answer(raw=[raw])
    web.must_refuse()


def _longer_log(scene: Scene) -> tuple[int, str]:
    """Publish a longer log, and return its old length and its path."""
    name = log_name(scene.repository.today)
    held = len(scene.repository.status[name])
    publish_all_anew(scene.repository)
    return held, scene.repository.target_path(name)
