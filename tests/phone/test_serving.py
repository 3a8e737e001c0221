"""`movepass serve`: app and repository on localhost, with ranges; nothing else of the disk."""

import http.client
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from attacks.simulator import Repository
from support.processes import environment

from movepass_phone import PhoneServer, ServeError
from movepass_verifier import Device
from movepass_verifier.sync import enrolment

COMMAND = [sys.executable, "-m", "movepass_cli.main"]
APP = {"index.html": b"<!doctype html>", "app.0123456789ab.js": b"1;", "reader.0123456789ab.wasm": b"\0asm"}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    for name, content in APP.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    files = Repository.create(int(time.time())).files
    for name, content in files.items():
        path = tmp_path / "repository" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "repository"


@pytest.fixture
def server(app: Path, repository: Path) -> Iterator[PhoneServer]:
    with PhoneServer(app, repository) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def ask(
    server: PhoneServer, path: str, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request(method, path, headers=headers or {})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def test_the_app_is_at_the_root_with_headers_that_keep_others_out(server: PhoneServer) -> None:
    response, body = ask(server, "/?from=home")
    assert (response.status, body) == (200, APP["index.html"])
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(("name", "kind"), [("app", "text/javascript; charset=utf-8"), ("reader", "application/wasm")])
def test_what_is_named_by_its_hash_is_kept(server: PhoneServer, name: str, kind: str) -> None:
    path = next(path for path in APP if path.startswith(name))
    response, body = ask(server, f"/{path}")
    assert (response.status, body) == (200, APP[path])
    assert response.headers["Content-Type"] == kind
    assert "immutable" in response.headers["Cache-Control"]


def test_a_timestamp_is_asked_for_anew_and_a_version_is_kept(server: PhoneServer) -> None:
    assert ask(server, "/repository/metadata/timestamp.json")[0].headers["Cache-Control"] == "no-cache"
    assert "immutable" in ask(server, "/repository/metadata/1.root.json")[0].headers["Cache-Control"]


def test_a_range_from_an_offset_on_is_given(server: PhoneServer, repository: Path) -> None:
    whole = (repository / "metadata" / "1.root.json").read_bytes()
    path = "/repository/metadata/1.root.json"
    response, body = ask(server, path, headers={"Range": "bytes=100-"})
    assert (response.status, body) == (206, whole[100:])
    assert response.headers["Content-Range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
    response, body = ask(server, path, headers={"Range": f"bytes={len(whole)}-"})
    assert (response.status, body) == (416, b"")
    assert response.headers["Content-Range"] == f"bytes */{len(whole)}"
    for other in ("bytes=0-5", "bytes=-5", "lines=1-", "bytes=1-2,4-"):
        response, body = ask(server, path, headers={"Range": other})
        assert (response.status, body) == (200, whole)


def test_head_gives_no_body(server: PhoneServer) -> None:
    response, body = ask(server, "/", "HEAD")
    assert (response.status, body, response.headers["Content-Length"]) == (200, b"", str(len(APP["index.html"])))


@pytest.mark.parametrize(
    "path",
    ["/no", "/repository", "/repository/", "/../secret", "/%2e%2e/secret", "/repository/../../secret", "/a%00b",
     "//etc/passwd", "/link", "/repository/%2Fetc/passwd", "//[x"],
)  # fmt: skip
def test_nothing_else_of_the_disk_is_given(server: PhoneServer, app: Path, path: str) -> None:
    secret = app.parent / "secret"
    secret.write_bytes(b"key")
    (app / "link").symlink_to(secret)
    assert ask(server, path)[0].status == 404


def test_other_methods_are_refused(server: PhoneServer) -> None:
    assert ask(server, "/", "POST")[0].status == 501


def test_a_device_syncs_from_it(server: PhoneServer, repository: Path, tmp_path: Path) -> None:
    root = (repository / "metadata" / "1.root.json").read_bytes()
    Device.enroll(tmp_path / "device", root=root, sources=[server.source])
    with Device.open(tmp_path / "device") as device:
        assert device.sync().changed
        assert device.sync().requests == 3, "a pack, which it has none of, the next root and the timestamp"


def test_what_is_missing_or_taken_is_named(app: Path, repository: Path, tmp_path: Path, server: PhoneServer) -> None:
    with pytest.raises(ServeError, match="is not the phone's app: build it with `make phone`"):
        PhoneServer(tmp_path, repository)
    with pytest.raises(ServeError, match="is not a repository"):
        PhoneServer(app, app)
    with pytest.raises(ServeError, match="can't listen on port"):
        PhoneServer(app, repository, server.server_port)


def test_the_command_serves_until_it_is_stopped(app: Path, repository: Path, tmp_path: Path) -> None:
    picture = tmp_path / "set-up.png"
    arguments = ["--repository", repository, "--app", app, "--port", "0", "--enrolment-qr", picture, "--json"]
    with subprocess.Popen(
        [*COMMAND, "serve", *map(str, arguments)], stdout=subprocess.PIPE, text=True, env=environment()
    ) as process:
        assert process.stdout
        said = json.loads(process.stdout.readline())
        assert said["source"] == said["url"] + "repository"
        assert enrolment.read(said["enrolment"].encode()).sources == (said["source"],)
        assert picture.read_bytes().startswith(b"\x89PNG")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give --authority or --repository"),
        (["--repository", "nowhere"], "is not a repository"),
        (["--authority", "nowhere"], "nowhere"),
        (["--repository", "x", "--app", "nowhere"], "is not the phone's app"),
    ],
)
def test_bad_input_is_told_in_one_line(app: Path, arguments: list[str], words: str) -> None:
    given = arguments if "--app" in arguments else [*arguments, "--app", str(app)]
    done = subprocess.run(
        [*COMMAND, "serve", *given], capture_output=True, text=True, check=False, timeout=60, env=environment()
    )
    assert done.returncode in {2, 4}
    assert words in done.stderr
    assert "Traceback" not in done.stderr
