"""AWS's API on this machine: ministack as a process of its own, and a front before it that counts and misbehaves.

Ministack is not AWS; what it can't show stands in docs/kms.md. It runs with AUTH=true, so that permissions count: the
access key "test" is the account's root, users have what their policies say.
"""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import boto3
import pytest

from movepass_keys import aws
from support.processes import ROOT

COMMAND = ROOT / ".venv-aws" / "bin" / "ministack"
REGION = "eu-central-1"
_START_SECONDS = 120
_STOP_SECONDS = 60


@dataclass(frozen=True)
class Ministack:
    """A running one."""

    url: str
    pid: int
    region: str = REGION

    @cache  # noqa: B019 - there are few a session
    def client(self, service: str, region: str | None = None) -> Any:
        """Give a client of the account's root."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region or self.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def key(self, spec: str = "ECC_NIST_P256", usage: str = "SIGN_VERIFY", **more: Any) -> str:
        """Make a KMS key and give its ARN."""
        made = self.client("kms").create_key(KeySpec=spec, KeyUsage=usage, **more)
        return str(made["KeyMetadata"]["Arn"])

    def wrapping_key(self) -> str:
        return self.key("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")

    def user(self, name: str, *actions: str, resource: str = "*") -> tuple[str, str]:
        """Make a user who may do these actions and nothing else, and give their access key."""
        return self.user_of({action: [resource] for action in actions}, name=name)

    def user_of(self, allowed: dict[str, list[str]], *, name: str) -> tuple[str, str]:
        """Make a user who may do each action on these resources and nothing else, and give their access key."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if allowed:
            statements = [{"Effect": "Allow", "Action": a, "Resource": r} for a, r in allowed.items()]
            document = json.dumps({"Version": "2012-10-17", "Statement": statements})
            iam.put_user_policy(UserName=name, PolicyName="only", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]


@contextmanager
def running(
    folder: Path, *, region: str = REGION, auth: bool = True, more: Mapping[str, str] | None = None
) -> Iterator[Ministack]:
    """Start ministack on a free port and stop it in the end; its log is in the folder. Skips where it is missing.

    It leads a group of processes, with those that it runs functions in.
    """
    available()
    port = _free_port()
    settings = {
        "AUTH": str(auth).lower(), "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": region, "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0",
    }  # fmt: skip
    # Its functions inherit its environment: an address in it would send them to another ministack.
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with (folder / "ministack.log").open("wb") as log:
        process = subprocess.Popen(
            [COMMAND], stdout=log, stderr=log, env=ours | settings | dict(more or {}), cwd=folder,
            start_new_session=True,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for_health(process, url, folder / "ministack.log")
        yield Ministack(url, process.pid, region)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGCONT)  # a test may have stopped it
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def share_clients(patch: pytest.MonkeyPatch) -> None:
    """Give one boto3 client to all in this process that ask for the same; an authority makes two dozen, of 50 ms each.

    A client keeps nothing of one call for the next, except connections.
    """
    patch.setattr(aws, "new_client", _client)


def _client(service: str, region: str | None = None, **config: Any) -> Any:
    settings = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    return _made(json.dumps([service, region, config, settings], sort_keys=True))


_NEW_CLIENT = aws.new_client


@cache
def _made(asked: str) -> Any:
    service, region, config, _ = json.loads(asked)
    return _NEW_CLIENT(service, region, **config)


def available() -> None:
    """Skip the test, loudly, where ministack can't be had."""
    if not COMMAND.exists():
        pytest.skip(f"NOT TESTED: {COMMAND} is missing; `make test` installs it where the package index has ministack")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_health(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(f"{url}/_ministack/health", timeout=1):
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"ministack did not start:\n{log.read_text('utf-8', 'replace')}")


@dataclass(frozen=True)
class Refusal:
    """An answer of KMS instead of the result; a status of 0 closes the connection without one."""

    code: str
    status: int = 400
    message: str = "as the test wants it"


Rule = Callable[[str, int], Refusal | bytes | None]
"""Given an operation ("Sign") and how often it was asked for before, an answer, or None for ministack's own."""


@dataclass
class Front:
    """A server before ministack.

    Attributes:
        requests: every operation that was asked for and its parameters, in order.
    """

    url: str = ""
    rule: Rule | None = None
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def asked(self) -> list[str]:
        """The operations alone."""
        return [operation for operation, _ in self.requests]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, front: Front, upstream: str, *args: Any) -> None:
        self._front, self._upstream = front, upstream
        super().__init__(*args)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].removeprefix("TrentService.")
        answer = self._front.rule(operation, self._front.asked.count(operation)) if self._front.rule else None
        self._front.requests.append((operation, json.loads(body)))
        if isinstance(answer, Refusal):
            if not answer.status:
                self.close_connection = True
                return
            self._answer(answer.status, json.dumps({"__type": answer.code, "message": answer.message}).encode())
        else:
            self._answer(200, answer) if answer is not None else self._forward(body)

    def _forward(self, body: bytes) -> None:
        connection = HTTPConnection(self._upstream, timeout=60)
        try:
            connection.request("POST", self.path, body, dict(self.headers))  # the Host that was signed stays
            response = connection.getresponse()
            self._answer(response.status, response.read())
        except (OSError, HTTPException) as e:
            self._answer(502, str(e).encode())
        finally:
            connection.close()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def fronting(ministack: Ministack, rule: Rule | None = None) -> Iterator[Front]:
    """Serve a front on a free port."""
    front = Front(rule=rule)
    upstream = ministack.url.removeprefix("http://")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, front, upstream)) as server:
        server.daemon_threads = True
        front.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield front
        finally:
            server.shutdown()
            thread.join()
