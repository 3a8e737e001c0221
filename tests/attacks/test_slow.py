"""Check that a device gives up after its deadline, however slowly a server sends any part of an answer."""

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from attacks.scene import Scene, in_time
from attacks.server import ENDLESS, GIVE_UP_SECONDS, Answer, Repeated, silence
from attacks.simulator import TIMESTAMP, Lie, log_name
from movepass_verifier import SyncError
from movepass_verifier.sync.sources import web as web_source

DEADLINE, PATIENCE = 1.0, 0.3
"""In place of the 300 s for a file and the 20 s for a byte: seconds."""
OK = b"HTTP/1.1 200 OK\r\n"
DRIPS = {
    "body": OK + b"\r\n",
    "body of a known length": OK + b"Content-Length: 9999\r\n\r\n",
    "chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n2000\r\n",
    "trailer": OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ",
    "header": OK + b"X: ",
}
ENDLESS_BEGINNINGS = {
    "status line": Answer(raw=Repeated(b" ", after=b"HTTP/1.1 "), pause=0.1),
    "100 Continue": Answer(raw=Repeated(b"HTTP/1.1 100 Continue\r\n\r\n"), pause=0.01),
}


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_source, "FILE_SECONDS", DEADLINE)
    monkeypatch.setattr(web_source, "READ_SECONDS", PATIENCE)


@pytest.mark.parametrize("after", [b"", OK, OK + b"\r\n", OK + b"Content-Length: 999\r\n\r\n{"])
def test_a_server_that_falls_silent_is_left_after_the_time_for_a_byte(web: Scene, after: bytes) -> None:
    web.answer(TIMESTAMP, silence(after=after))
    with in_time():
        web.must_refuse("too slow", "no answer in time")  # and not only when the time for a file is over


@pytest.mark.parametrize("begin", DRIPS.values(), ids=DRIPS)
def test_an_answer_that_drips_is_left_after_the_time_for_a_file(web: Scene, begin: bytes) -> None:
    web.answer(TIMESTAMP, Answer(raw=Repeated(b" ", after=begin), pause=0.1))
    with in_time():
        web.must_refuse()


@pytest.mark.parametrize("answer", ENDLESS_BEGINNINGS.values(), ids=ENDLESS_BEGINNINGS)
def test_an_answer_that_never_comes_to_its_status_is_left_after_the_time_for_a_file(web: Scene, answer: Answer) -> None:
    web.answer(TIMESTAMP, answer)
    with in_time():
        web.must_refuse("too slow")


def test_a_slow_stream_of_a_long_file_is_left_after_the_time_for_a_file(web: Scene) -> None:
    _stream_a_log_slowly(web)
    with in_time():
        web.must_refuse()


@pytest.mark.parametrize("what", [*DRIPS, "a long file"])
def test_the_message_of_what_was_too_slow_says_so(web: Scene, what: str) -> None:
    if what in DRIPS:
        web.answer(TIMESTAMP, Answer(raw=Repeated(b" ", after=DRIPS[what]), pause=0.1))
    else:
        _stream_a_log_slowly(web)
    web.must_refuse("too slow")


@pytest.mark.usefixtures("without_packs")
def test_a_tls_handshake_that_drips_is_left_after_the_time_for_a_file(web: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, web.device() as device:
        threading.Thread(target=_drip_handshakes, args=[listener], daemon=True).start()
        with in_time(), pytest.raises(SyncError, match="too slow"):
            device.sync(f"https://127.0.0.1:{listener.getsockname()[1]}")


@pytest.mark.parametrize("status", [413, 429, 503])
def test_an_error_page_without_end_that_asks_to_retry_is_left(web: Scene, status: int) -> None:
    web.answer(TIMESTAMP, Answer(status, {"Retry-After": "1"}, ENDLESS))
    with in_time():
        web.must_refuse(f"HTTP {status}")


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "device"])
def test_what_is_no_file_on_a_stick_is_not_opened(stick: Scene, make: Callable[[Path], None]) -> None:
    def put(folder: Path) -> None:
        (folder / TIMESTAMP).unlink()
        make(folder / TIMESTAMP)

    stick.spoil = put
    writer = threading.Timer(GIVE_UP_SECONDS, lambda: _let_go(stick.folder / TIMESTAMP))
    writer.start()
    try:
        with in_time():
            stick.must_refuse(TIMESTAMP)
    finally:
        writer.cancel()


def _stream_a_log_slowly(scene: Scene) -> None:
    repository = scene.repository
    name = log_name(repository.today)
    repository.publish({"status": Lie(edit=lambda status: setattr(status.targets[name], "length", 10**7))})
    scene.answer(repository.target_path(name), Answer(body=ENDLESS, pause=0.05))


def _drip_handshakes(listener: socket.socket) -> None:
    """Promise a long record of TLS's handshake to whoever connects, and send it byte by byte."""
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            end = time.monotonic() + GIVE_UP_SECONDS
            connection.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03")
            with suppress(OSError):
                while time.monotonic() < end:
                    connection.sendall(b"\0")
                    time.sleep(0.1)
            connection.close()


def _let_go(pipe: Path) -> None:
    """Open a pipe for writing, so that a waiting reader continues."""
    with suppress(OSError):
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
