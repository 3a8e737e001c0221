"""Make boto3 clients, and call AWS patiently. Needs the [aws] extra.

Each client has its own session, because making clients with boto3's default session is not safe in threads. Loading
the descriptions of AWS's services takes most of a session's time; each process loads them once.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from math import inf
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from movepass_keys.errors import KeysError

NETWORK_ATTEMPTS = 3
"""Retrying an endpoint that does not answer rarely helps, and somebody waits."""
NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError")
NO_CONNECTION = (
    "EndpointConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ConnectionClosedError",
    "ProxyConnectionError",
    "SSLError",
    "OverdueError",
)
"""The names of exceptions, botocore's and one of ours, that call for the same advice."""
_SERVER_ERROR = 500
GIVEN_UP_MOST = 32
"""The most abandoned calls that one client may still have running: each holds a thread and a connection."""
_given_up: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
_counting = threading.Lock()
_until: ContextVar[float] = ContextVar("until", default=inf)
_T = TypeVar("_T")


class AwsClientError(KeysError):
    """A client can't be made: the [aws] extra is missing, or boto3 can't use its settings."""


class UnintelligibleError(Exception):
    """The endpoint is not the service that was called; the message names it and what to check."""


class OverdueError(Exception):
    """The whole answer did not arrive before the deadline."""


class RefusedError(Exception):
    """A call failed for good.

    Attributes:
        answer: AWS's answer; empty if there was none.
        code: AWS's error code; "" if there was no answer.
        status: the HTTP status; 0 if there was no answer.
        said: the message of AWS or of botocore.
        kind: the code, or the name of botocore's exception if there is no code.
        attempts: the number of attempts.
    """

    def __init__(self, error: Exception, attempts: int) -> None:
        super().__init__(str(error))
        self.answer: Mapping[str, Any] = getattr(error, "response", None) or {}
        details = self.answer.get("Error", {})
        self.code: str = details.get("Code", "")
        self.status: int = self.answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        self.said: str = details.get("Message") or str(error)
        self.kind = self.code or type(error).__name__
        self.attempts = attempts


@dataclass(frozen=True, slots=True)
class Patience:
    """The time limits of a call, in seconds.

    Attributes:
        deadline: for the whole call with all attempts and waits, up to the last byte of the answer.
        connect: for one attempt to connect.
        read: for one attempt to receive data; another attempt starts only if connect and read still fit the deadline.
        backoff_first: the wait before attempt n+1 is random, from 0 to backoff_first * 2^n ("full jitter").
        backoff_max: the most that this wait can be.
    """

    deadline: float
    connect: float
    read: float
    backoff_first: float
    backoff_max: float

    def in_words(self, attempts: int) -> str:
        """Return the number of attempts and their deadline in words."""
        return f"{attempts} attempt{'s' * (attempts != 1)} within {self.deadline:g} s"


def new_client(service: str, region: str | None = None, **config: Any) -> Any:
    """Make a client.

    Args:
        service: its name in boto3.
        region: the AWS region; without it boto3 looks it up.
        config: arguments of botocore's Config.

    Raises:
        AwsClientError: the [aws] extra is missing, or boto3 can't use its settings (environment or ~/.aws).
    """
    try:
        from boto3.session import Session  # noqa: PLC0415 - an extra; botocore may be there without boto3
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415
        from botocore.session import get_session  # noqa: PLC0415
    except ImportError as e:
        raise AwsClientError("this needs the aws extra: pip install 'movepass[aws]'") from e
    try:
        core = get_session()
        core.register_component("data_loader", _loader(core.get_config_variable("data_path")))
        return Session(botocore_session=core).client(service, region_name=region, config=Config(**config))
    except (BotoCoreError, ValueError) as e:
        raise AwsClientError(f"boto3 can't use its settings (environment or ~/.aws): {e}") from e


def patient_client(service: str, patience: Patience, region: str | None = None, *, at_once: int = 10) -> Any:
    """Make a client for `patiently`, which counts the attempts because botocore's retries have no overall deadline.

    Args:
        service: its name in boto3.
        patience: how long its calls may take.
        region: the AWS region; without it boto3 looks it up.
        at_once: how many connections it keeps, for calls in threads.

    Raises:
        AwsClientError: see new_client.
    """
    retries = {"total_max_attempts": 1, "mode": "standard"}
    times = {"connect_timeout": patience.connect, "read_timeout": patience.read}
    return new_client(service, region, retries=retries, max_pool_connections=at_once, **times)


@contextmanager
def calls_until(end: float) -> Iterator[None]:
    """Stop every call by `patiently` at a given time, whatever its own deadline is.

    Args:
        end: the time, by time.monotonic().
    """
    token = _until.set(min(end, _until.get()))
    try:
        yield
    finally:
        _until.reset(token)


def patiently(client: Any, ask: Callable[[], _T], patience: Patience, passes: Callable[[RefusedError], bool]) -> _T:
    """Call AWS, and retry up to the deadline while the same request may succeed later.

    Source: https://docs.aws.amazon.com/general/latest/gr/api-retries.html.

    Args:
        client: the boto3 client.
        ask: calls the service and extracts what the caller needs from the answer.
        patience: the limits of the call.
        passes: checks whether a refusal is transient; a status of 500 or more always is.

    Raises:
        RefusedError: the call failed for good.
        UnintelligibleError: the answer can't be read, or lacks a member.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - an extra, and slow to import
    from botocore.parsers import ResponseParserError  # noqa: PLC0415

    end = min(time.monotonic() + patience.deadline, _until.get())
    last_start = end - patience.connect - patience.read
    attempts = 0
    while True:
        attempts += 1
        try:
            return _call_in_thread(client, ask, end)
        except OverdueError as e:
            raise RefusedError(e, attempts) from e
        except (BotoCoreError, ClientError) as e:
            refused = RefusedError(e, attempts)
            wait = random.uniform(0, min(patience.backoff_first * 2**attempts, patience.backoff_max))  # noqa: S311
            if not _may_pass(e, refused, passes) or time.monotonic() + wait > last_start:
                raise refused from e
        except (ResponseParserError, LookupError, TypeError, ValueError) as e:  # botocore checks little of its input
            raise UnintelligibleError(
                f"{client.meta.endpoint_url} does not answer as {client.meta.service_model.service_id} does; look at "
                "AWS_ENDPOINT_URL and at proxies"
            ) from e
        time.sleep(wait)


def _call_in_thread(client: Any, ask: Callable[[], _T], end: float) -> _T:
    """Run a call in its own thread and abandon it at the end, because botocore's timeouts restart with every byte.

    Raises:
        OverdueError: there is no whole answer yet, or too many abandoned calls are still running.
    """
    if _given_up.get(client, 0) >= GIVEN_UP_MOST:
        raise OverdueError(f"{GIVEN_UP_MOST} earlier calls are still unanswered")
    left = end - time.monotonic()
    if left <= 0:
        raise OverdueError("no time is left")
    answer: Future[_T] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except BaseException as e:  # noqa: BLE001 - the waiting thread gets it, whatever it is
            answer.set_exception(e)

    try:
        threading.Thread(target=run, daemon=True).start()
    except RuntimeError as e:
        raise OverdueError(f"no thread for the call: {e}") from e
    try:
        return answer.result(left)
    except TimeoutError as e:
        if answer.done():  # it finished just in time, or the timeout is the call's own
            return answer.result()
        _give_up(client, answer)
        raise OverdueError("no whole answer in time") from e


def _give_up(client: Any, answer: Future[Any]) -> None:
    """Count an abandoned call until it is answered after all."""

    def count(by: int) -> None:
        with _counting:
            _given_up[client] = _given_up.get(client, 0) + by

    count(1)
    answer.add_done_callback(lambda _: count(-1))


def _may_pass(error: Exception, refused: RefusedError, passes: Callable[[RefusedError], bool]) -> bool:
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, IncompleteReadError  # noqa: A004, PLC0415

    if isinstance(error, ClientError):
        return passes(refused) or refused.status >= _SERVER_ERROR
    broken = isinstance(error, ConnectionError | HTTPClientError | IncompleteReadError)
    return broken and refused.attempts < NETWORK_ATTEMPTS


@cache
def _loader(data_path: str | None) -> Any:
    from botocore.loaders import create_loader  # noqa: PLC0415

    return create_loader(data_path)
