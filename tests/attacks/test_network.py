"""What lies between: login pages, redirects, encodings and ranges that are not what was asked for."""

import gzip

import pytest

from attacks.scene import Scene
from attacks.server import Answer
from attacks.simulator import TIMESTAMP, log_name
from attacks.test_content import PORTAL, publish_all_anew

AWAY = "elsewhere/"


def test_a_login_page_in_place_of_every_file_is_refused(web: Scene) -> None:
    assert web.server
    web.server.rule = lambda *_: Answer(200, {"Content-Type": "text/html"}, [PORTAL])
    web.must_refuse("does not offer what an authority publishes")


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
    web.must_refuse("does not offer what an authority publishes")


def test_a_part_of_a_file_that_was_asked_for_whole_is_refused(web: Scene) -> None:
    assert web.server
    body = web.repository.files[TIMESTAMP]
    web.answer(TIMESTAMP, Answer(206, {"Content-Range": "bytes 0-9/10"}, [body]))
    web.must_refuse("HTTP 206")


@pytest.mark.parametrize("span", ["bytes 0-", "bytes 9-", "", "bytes */99", "items {held}-"])
def test_another_part_of_a_log_than_was_asked_for_is_refused(web: Scene, span: str) -> None:
    assert web.server
    held, path = _longer_log(web)
    rest = web.repository.files[path][held:]
    header = {"Content-Range": span.format(held=held)}
    web.server.rule = lambda at, wanted: Answer(206, header, [rest]) if at == path and wanted else None
    web.must_refuse("another part of the file than was asked for")


@pytest.mark.parametrize("rest", [b"", b"x" * 9, b"x" * 99999], ids=["nothing", "other bytes", "too many"])
def test_a_wrong_rest_of_a_log_is_thrown_away_and_the_whole_is_asked_for(web: Scene, rest: bytes) -> None:
    """A server whose ranges are broken does no harm: what is taken over is what was signed."""
    assert web.server
    held, path = _longer_log(web)
    header = {"Content-Range": f"bytes {held}-"}
    web.server.rule = lambda at, wanted: Answer(206, header, [rest]) if at == path and wanted else None
    assert web.must_take().changed
    assert web.verdict(web.repository.issue(1000)) == "revoked"


@pytest.mark.parametrize(("surplus", "words"), [(9, "IncompleteRead"), (-9, "does not offer")], ids=["more", "less"])
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
    """Publish a log that is longer; gives how long it was, and its path."""
    name = log_name(scene.repository.today)
    held = len(scene.repository.status[name])
    publish_all_anew(scene.repository)
    return held, scene.repository.target_path(name)
