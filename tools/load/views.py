"""1,000 static page views a second by nginx: the site's public pages, which it may keep for a minute, and their files.

These are page views that nginx answers from its cache, not requests that the service answers. As a process of its own
it is the viewers:

    PYTHONPATH=tools:tests python -m load.views PORT ORIGIN RATE SECONDS
"""

import asyncio
import json
import math
import re
import subprocess
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from support.nginx import find_nginx
from support.processes import ROOT, environment

from load import processes
from load.connections import Connections
from load.schedule import run_on_schedule

__all__ = ["find_nginx", "finish", "first_page_bytes", "nginx", "start"]
_PAGES = ("/", "/apply", "/en/", "/en/apply", "/rules")
_ASSET = re.compile(rb'"(/static/[^"]+)"')
_STARTS_WITHIN = 20.0
_CONFIG = """
daemon off;
master_process off;
worker_rlimit_nofile 4096;
pid {work}/nginx.pid;
error_log {work}/error.log;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    proxy_cache_path {work}/cache keys_zone=pages:1m;
    server {{
        listen 127.0.0.1:{port};
        keepalive_requests 1000000;
        location / {{
            proxy_pass http://127.0.0.1:{site};
            proxy_set_header Host {host};
            proxy_cache pages;
            proxy_cache_lock on;
            proxy_cache_use_stale updating;
        }}
    }}
}}
"""


@contextmanager
def nginx(process: processes.Process, work: Path) -> Iterator[int]:
    """Run nginx before a service, keeping what the service says may be kept; returns its port."""
    port = process.port + 1 if process.port < 65535 else process.port - 1
    subprocess.run(["rm", "-rf", work], check=True)
    work.mkdir(parents=True)
    config = work / "nginx.conf"
    host = process.origin.partition("//")[2]
    config.write_text(_CONFIG.format(work=work.resolve(), port=port, site=process.port, host=host), "utf-8")
    command = [
        str(find_nginx()),
        "-p",
        str(work.resolve()),
        "-e",
        str((work / "error.log").resolve()),
        "-c",
        str(config.resolve()),
    ]
    with subprocess.Popen(command) as running:
        try:
            yield port
        finally:
            running.terminate()


async def start(port: int, origin: str, rate: float, seconds: float) -> Process:
    """Start the viewers."""
    path = {"PYTHONPATH": f"{ROOT / 'tools'}:{environment()['PYTHONPATH']}"}
    arguments = ("-m", "load.views", str(port), origin, str(rate), str(seconds))
    return await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=PIPE, env=environment(path))


async def finish(viewers: Process) -> tuple[Sequence[float], int]:
    """Wait for the viewers to end; returns how long each view took, in seconds, and how many got no page."""
    written, _ = await viewers.communicate()
    times, failed = json.loads(written)
    return times, failed


async def first_page_bytes(port: int, origin: str) -> int:
    """Count what a browser fetches for the first page: heads and bodies, compressed as browsers ask for them."""
    connections, counts = Connections(port), []
    head = f" HTTP/1.1\r\nHost: {origin.partition('//')[2]}\r\n"
    for page in ("/", "/en/"):
        plain = await connections.ask(f"GET {page}{head}\r\n".encode())
        count = 0
        for path in (page, *[path.decode() for path in dict.fromkeys(_ASSET.findall(plain.body))]):
            answer = await connections.ask(f"GET {path}{head}Accept-Encoding: gzip\r\n\r\n".encode())
            count += len(answer.head) + len(answer.body)
        counts.append(count)
    connections.close()
    return max(counts)


async def _view(port: int, host: str, rate: float, seconds: float) -> tuple[list[float], int]:
    connections = Connections(port)
    loop, times = asyncio.get_running_loop(), []
    head = f" HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: gzip\r\n\r\n"
    page = await connections.ask(f"GET /en/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    paths = [*_PAGES, *(path.decode() for path in _ASSET.findall(page.body))]
    requests = [f"GET {path}{head}".encode() for path in paths]

    async def look(number: int, due: float) -> None:
        with suppress(OSError):
            answer = await connections.ask(requests[number % len(requests)])
            if answer.status == 200:
                times.append(loop.time() - due)

    total = math.ceil(rate * seconds)
    await run_on_schedule(rate, total, look)
    return times, total - len(times)


def _main() -> None:
    port, origin, rate, seconds = sys.argv[1:]
    end = time.monotonic() + _STARTS_WITHIN
    while True:
        try:
            times, failed = asyncio.run(_view(int(port), origin.partition("//")[2], float(rate), float(seconds)))
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            break
    print(json.dumps([[round(t, 5) for t in times], failed]))


if __name__ == "__main__":
    _main()
