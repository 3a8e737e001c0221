"""One process: the public site, the desk, the worker and the publisher.

Each web server runs in a thread of its own, so that the caller's main thread stays free to wait for signals.
"""

import ipaddress
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from movepass_service import lock
from movepass_service.accounts import Accounts
from movepass_service.admission import Gate
from movepass_service.admission.sqlite_line import SqliteLine
from movepass_service.decisions.desk import Desk
from movepass_service.decisions.officers import DESK_URL
from movepass_service.desk import default_desk_limits, make_desk_app
from movepass_service.errors import ServiceError
from movepass_service.issuing.publishing import PublisherThread
from movepass_service.issuing.worker import Worker
from movepass_service.officers.accounts import forget_sessions
from movepass_service.service import Service
from movepass_service.site import default_limits, make_app
from movepass_service.statistics.building import FactBuilder
from movepass_service.statistics.collecting import Collector, collector_rounds
from movepass_service.statistics.folder import facts_folder
from movepass_service.statistics.open.running import open_statistics
from movepass_service.statistics.parts import FolderParts
from movepass_service.statistics.publications import Publications, newest_of
from movepass_service.statistics.rounds import Rounds
from movepass_service.web import WebSettings
from movepass_service.web.limits import Limit

HOST = "127.0.0.1"
_BACKLOG = 2048
_GRACE_SECONDS = 10
_KEEP_ALIVE_SECONDS = 15
_START_SECONDS = 10.0
LOG = logging.getLogger(__name__)


class RunError(ServiceError):
    """The service can't be started."""

    is_input = True


@dataclass(frozen=True, slots=True)
class Site:
    """The addresses of the public site.

    Attributes:
        port: on the loopback interface; 0 takes a free one.
        url: its public address, where a proxy stands before it.
        trusted_proxies: addresses whose X-Forwarded-For is believed.
    """

    port: int = 8080
    url: str | None = None
    trusted_proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeskAt:
    """The addresses of the desk.

    Attributes:
        port: on the loopback interface; 0 takes a free one.
        url: its address, where a proxy stands before it; passkeys belong to its host for ever.
    """

    port: int = 8081
    url: str | None = None


@dataclass(slots=True)
class Running:
    """A service at work: the addresses of its site and its desk, and the threads that serve them."""

    url: str
    desk_url: str
    threads: tuple[threading.Thread, ...]

    @property
    def is_alive(self) -> bool:
        """Return whether both web servers run."""
        return all(thread.is_alive() for thread in self.threads)


@contextmanager
def running(service: Service, site: Site, desk: DeskAt | None = None) -> Iterator[Running]:
    """Serve until the end of the block; then finish what was begun.

    Args:
        service: what is served.
        site: where the public site is.
        desk: where the desk is; without it on a free port.

    Raises:
        RunError: a port is taken, or an address can't be used.
    """
    desk = desk or DeskAt(0)
    with ExitStack() as begun:
        begun.callback(os.close, lock.take(service.store.folder))
        listener = begun.enter_context(_listen(site.port, "--site-port"))
        desk_listener = begun.enter_context(_listen(desk.port, "--desk-port"))
        accounts = _open_accounts(service)
        if accounts:
            begun.callback(accounts.close)
        url, desk_url = _address(site.url, listener), _address(desk.url, desk_listener)
        trusted = _addresses(site.trusted_proxies)
        is_test = service.authority.test
        settings = _settings(service, url, listener, trusted, default_limits(is_test=is_test))
        desk_settings = _settings(service, desk_url, desk_listener, trusted, default_desk_limits(is_test=is_test))
        service.store.note(DESK_URL, desk_url.encode())
        line = SqliteLine(service.store.folder)
        begun.callback(line.close)
        gate = Gate(line, service.line_key, service.settings.line)
        site_app = make_app(service, settings, accounts=accounts, gate=gate)
        desk_app = make_desk_app(service, Desk(service.store, service.rules, accounts), desk_settings)
        worker = Worker(service, also_forget=partial(_forget, service, accounts))
        statistics = open_statistics(service.store.folder, service.statistics_key)
        publications = Publications(newest_of(service.authority.folder))
        for helper in (
            _collector(service, publications, line),
            statistics,
            PublisherThread(service, also_tell=publications.tell),
            worker,
        ):  # the last revocations are published in the end
            helper.start()
            begun.callback(helper.stop)
        threads = (
            begun.enter_context(_serving("site", site_app, listener)),
            begun.enter_context(_serving("desk", desk_app, desk_listener)),
        )
        yield Running(url, desk_url, threads)


@contextmanager
def _serving(name: str, app: Any, listener: socket.socket) -> Iterator[threading.Thread]:
    """Serve an application in a thread of its own until the end of the block."""
    config = uvicorn.Config(
        app, http="httptools", loop="asyncio", lifespan="off", access_log=False,
        log_config=None, server_header=False, proxy_headers=False, backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS, timeout_graceful_shutdown=_GRACE_SECONDS,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name=name, daemon=True)
    thread.start()
    try:
        _await_start(server, thread)
        yield thread
    finally:
        server.should_exit = True
        thread.join()


def _address(url: str | None, listener: socket.socket) -> str:
    return url or f"http://localhost:{listener.getsockname()[1]}"


def _collector(service: Service, publications: Publications, line: SqliteLine) -> Rounds:
    folder = facts_folder(service.store.folder)
    builder = FactBuilder(service.statistics_key, service.rules)
    collector = Collector(service.store, FolderParts(folder), builder, publications, line)
    return collector_rounds(collector, folder, time.time)


def _forget(service: Service, accounts: Accounts | None, now: int) -> None:
    """Delete sessions that are over, officers' and applicants'."""
    forget_sessions(service.store, now)
    if accounts:
        accounts.forget(now)


def _open_accounts(service: Service) -> Accounts | None:
    """Open what lets people register their telephone number; None where nobody would send them a code."""
    if service.authority.test or service.settings.sms_outbox:
        return Accounts.open(service.store.folder)
    return None


def _listen(port: int, option: str) -> socket.socket:
    # asyncio sets TCP_NODELAY only where the protocol is named; without it, each page waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(_BACKLOG)
    except OSError as e:
        listener.close()
        raise RunError(f"can't listen on {HOST}:{port}: {e.strerror}; choose another {option}") from e
    return listener


def _settings(
    service: Service, url: str, listener: socket.socket, trusted: frozenset[str], limits: Mapping[str, Limit]
) -> WebSettings:
    """Return the settings of a web application.

    Raises:
        RunError: the address is none, or one that a browser does not trust with cookies.
    """
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname != "localhost":
        raise RunError(f"a public address is https://…, got {url[:80]!r}; plain http is for localhost alone")
    authority, port = service.authority, listener.getsockname()[1]
    own = frozenset([f"localhost:{port}", f"{HOST}:{port}"])
    try:
        return WebSettings(
            url=url, authority=authority.name, is_test=authority.test, other_hosts=own, trusted_proxies=trusted,
            limits=limits,
        )  # fmt: skip
    except ValueError as e:
        raise RunError(str(e)) from e


def _addresses(given: tuple[str, ...]) -> frozenset[str]:
    """Return addresses in their one spelling.

    Raises:
        RunError: one is a name or a network: it would never match, and all applicants would share one address's limit.
    """
    try:
        return frozenset(str(ipaddress.ip_address(address)) for address in given)
    except ValueError as e:
        raise RunError(f"--trusted-proxy: {e}; give each proxy's own address") from e


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    give_up = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > give_up:
            raise RunError("the web server does not start; the log says why")
        time.sleep(0.01)
