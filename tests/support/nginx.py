"""Run Debian's nginx as a separate process that serves a folder."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_STARTS_WITHIN = 20
_CONFIG = """
daemon off;
master_process off;
pid {work}/nginx.pid;
error_log {work}/error.log;
events {{}}
http {{
    log_format test '$request_uri $status $body_bytes_sent';
    access_log {work}/access.log test;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    gzip on;  # as Debian has it, and for everything: a device asks for none
    gzip_types *;
    gzip_min_length 0;
    server {{
        listen 127.0.0.1:{port};
        root {root};
    }}
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A running one."""

    url: str
    log: Path

    def answers(self, count: int) -> list[tuple[str, int, int]]:
        """Wait until the log has so many answers, and return each path, status and body size."""
        end = time.monotonic() + _STARTS_WITHIN
        while True:
            lines = [line.split() for line in self.log.read_text("utf-8").splitlines()]
            if len(lines) >= count or time.monotonic() > end:
                return [(path.lstrip("/"), int(status), int(size)) for path, status, size in lines]
            time.sleep(0.01)


def find_nginx() -> str | None:
    """Return the command if it is installed."""
    return shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


@contextmanager
def nginx_serving(root: Path, work: Path, user: int | None = None) -> Iterator[Nginx]:
    """Serve a folder; what nginx writes goes into another. Skips where it is not installed.

    Args:
        root: what to serve.
        work: what does not exist yet.
        user: the user it runs as, which only root can choose.
    """
    command = find_nginx()
    if not command:
        pytest.skip("NOT TESTED: nginx is missing; on Debian: apt install nginx")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    work.mkdir()
    config, log = work / "nginx.conf", work / "access.log"
    config.write_text(_CONFIG.format(work=work, root=root, port=port))
    if user is not None:
        os.chown(work, user, user)
    process = subprocess.Popen(
        [command, "-p", str(work), "-e", str(work / "error.log"), "-c", str(config)],
        user=user, group=user, extra_groups=None if user is None else [],
    )  # fmt: skip
    try:
        _wait(process, port, work)
        yield Nginx(f"http://127.0.0.1:{port}", log)
    finally:
        process.terminate()
        process.wait(_STARTS_WITHIN)


def _wait(process: "subprocess.Popen[bytes]", port: int, work: Path) -> None:
    end = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"nginx did not start: {(work / 'error.log').read_text('utf-8')}")
