"""Check that whatever a server sends, a device reads and holds a bounded amount."""

import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from tuf.ngclient.config import UpdaterConfig

from attacks.scene import Scene, in_time
from attacks.server import ENDLESS, Answer, Repeated
from attacks.simulator import TIMESTAMP, Lie, log_name
from attacks.test_content import METADATA, TARGETS, path_of, publish_all_anew
from movepass_keys.records import roles
from movepass_keys.records.layout import LOG_MAX_BYTES
from movepass_verifier.sync import offer, sources, sync
from movepass_verifier.sync.sources.medium import CHUNK_BYTES
from movepass_wire import encode_block, new_log
from movepass_wire.limits import INDEX_LIMIT
from movepass_wire.statuslog import PAGE_INDEXES

TOO_LONG = "a file is longer than was signed"
ROOT = "metadata/2.root.json"
EVERYTHING = [ROOT, "timestamp", *METADATA, *TARGETS]
MOST_BYTES = UpdaterConfig().root_max_length + 5 * CHUNK_BYTES
"""The longest that one document without a signed length may be, and a chunk for each document before it."""


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[sources.Source]:
    """Every source that a sync opens."""
    found: list[sources.Source] = []

    class Noted(sources.Source):
        def __init__(self, name: str, **options: Any) -> None:
            super().__init__(name, **options)
            found.append(self)

    monkeypatch.setattr(sync, "Source", Noted)
    return found


@pytest.mark.parametrize("what", EVERYTHING)
def test_a_body_without_end_is_read_up_to_its_bound(web: Scene, opened: list[sources.Source], what: str) -> None:
    publish_all_anew(web.repository)
    path = what if what == ROOT else path_of(web.repository, what)
    web.answer(path, Answer(body=ENDLESS))
    web.must_refuse(TOO_LONG)
    assert opened[0].received <= MOST_BYTES


@pytest.mark.parametrize("what", EVERYTHING)
def test_a_terabyte_on_a_stick_is_read_up_to_its_bound(stick: Scene, opened: list[sources.Source], what: str) -> None:
    publish_all_anew(stick.repository)
    path = what if what == ROOT else path_of(stick.repository, what)
    stick.spoil = lambda folder: _become_huge(folder / path)
    stick.must_refuse(TOO_LONG)
    assert opened[0].received <= MOST_BYTES


@pytest.mark.parametrize("what", ["timestamp", "log"])
def test_chunks_without_end_are_read_up_to_the_bound(web: Scene, opened: list[sources.Source], what: str) -> None:
    publish_all_anew(web.repository)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = Answer(raw=Repeated(b"1000\r\n" + bytes(4096) + b"\r\n", after=head))
    web.answer(path_of(web.repository, what), answer)
    web.must_refuse(TOO_LONG)
    assert opened[0].received <= MOST_BYTES


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, body=ENDLESS),
        Answer(500, body=ENDLESS),
        Answer(302, {"Location": "http://login.example/"}, ENDLESS),
        Answer(raw=Repeated(b"X: y\r\n", after=b"HTTP/1.1 200 OK\r\n")),
        Answer(raw=Repeated(b"X" * 999, after=b"HTTP/1.1 200 ")),
        Answer(raw=Repeated(b"X" * 999, after=b"HTTP/1.1 200 OK\r\nX: ")),
        Answer(raw=Repeated(b"1" * 999, after=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")),
    ],
    ids=["not found", "error", "redirect", "headers", "status line", "one header", "a chunk's length"],
)
def test_an_answer_without_end_that_is_no_file_is_left_at_once(web: Scene, answer: Answer) -> None:
    web.answer(TIMESTAMP, answer)
    with in_time():
        web.must_refuse()


def test_a_log_or_a_document_signed_as_too_long_is_not_even_asked_for(scene: Scene) -> None:
    name = log_name(scene.repository.today)
    for target, most in ((name, LOG_MAX_BYTES), (roles.DENIED_TARGET, offer.DOCUMENT_MAX_BYTES)):
        scene.repository.publish({"status": _length_of(target, most + 1)})
        scene.must_refuse(f"{target} of {most + 1} bytes is more than a device takes")


def test_more_logs_than_there_are_days_to_tell_of_are_refused(scene: Scene) -> None:
    scene.repository.status |= {log_name(day): new_log(day) for day in range(500)}
    scene.repository.publish()
    scene.must_refuse("lists; a device takes")


@pytest.mark.slow
def test_a_log_of_some_kilobytes_does_not_unfold_in_memory(stick: Scene) -> None:
    """One index in each page: 134 MB of pages."""
    stick.repository.status[log_name(stick.repository.today - 1)] += encode_block(range(0, INDEX_LIMIT, PAGE_INDEXES))
    stick.repository.publish()
    tracemalloc.start()
    try:
        stick.must_take()
        assert tracemalloc.get_traced_memory()[1] < 80 << 20
    finally:
        tracemalloc.stop()


def _become_huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)  # the disk has no block of it


def _length_of(name: str, length: int) -> Lie:
    return Lie(edit=lambda status: setattr(status.targets[name], "length", length))
