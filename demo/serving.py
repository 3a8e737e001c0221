"""The service and browsers as processes, which a demo starts, kills and talks to."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from run import COMMAND, Story

WAIT_SECONDS = 60.0
AUTHORITY, DATA, DEVICE = "authority", "service", "device"
"""Folders in the demo's."""


class Site:
    """The service as a process; it can be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.desk_port = _free_port(), _free_port()
        self.url = f"http://localhost:{self.port}"
        self.desk_url = f"http://localhost:{self.desk_port}"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it serves."""
        arguments = [
            "service",
            "run",
            "--authority",
            AUTHORITY,
            "--data",
            DATA,
            "--site-port",
            str(self.port),
            "--desk-port",
            str(self.desk_port),
            "--json",
        ]
        print("$ movepass " + " ".join(arguments) + " &", flush=True)
        with (self.folder / "service.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*COMMAND, *arguments], cwd=self.folder, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            sys.exit(f"demo: the service does not start: see {self.folder / 'service.log'}")

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None and self._process.poll() is None:
            print(f"$ kill -9 {self._process.pid}", flush=True)
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        """End it as an operator would."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(WAIT_SECONDS)

    def ask(self, path: str, document: dict[str, Any] | None = None, secret: str = "") -> tuple[int, dict[str, Any]]:
        """Ask the JSON API, as another program would; the status is 0 where there is no answer."""
        body = json.dumps(document).encode() if document is not None else None
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {secret}"} if secret else {})
        request = urllib.request.Request(self.url + path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as e:
            return e.code, json.load(e)
        except (OSError, ValueError, urllib.error.URLError):
            return 0, {}

    def wait_for_list(self, since: float) -> None:
        """Wait for a publication after a moment."""
        end = time.monotonic() + WAIT_SECONDS
        while (self.ask("/healthz")[1].get("last_publication") or 0) <= since:
            if time.monotonic() > end:
                sys.exit("demo: no list is published")
            time.sleep(0.1)


class Browsers:
    """People with browsers, in a process of Node's."""

    def __init__(self, script: Path, **addresses: str) -> None:
        self._process = subprocess.Popen(
            ["node", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | addresses,
        )  # fmt: skip

    def do(self, deed: str, **given: Any) -> dict[str, Any]:
        """Let somebody do something, and return what they saw."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"deed": deed, **given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"broken": "the browser ended"}
        if "broken" in answer:
            sys.exit(f"demo: {given.get('name', 'somebody')} could not {deed}: {answer['broken']}")
        return answer

    def end(self) -> None:
        """Close the browsers."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(WAIT_SECONDS)


@contextmanager
def at_work(site: Site, script: Path, **addresses: str) -> Iterator[Browsers]:
    """Serve, with people at their browsers, until the end of the block."""
    site.start()
    browsers = Browsers(script, **addresses)
    try:
        yield browsers
    finally:
        browsers.end()
        site.stop()


def set_up(story: Story) -> None:
    """Make an authority and a device that has its root."""
    story.done("init", "--authority", AUTHORITY, "--name", "Dhaka Metropolitan Police")
    story.done("publish", "--authority", AUTHORITY)
    root = f"{AUTHORITY}/repository/metadata/1.root.json"
    story.done("enroll", "--store", DEVICE, "--root", root, "--source", f"{AUTHORITY}/repository")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
