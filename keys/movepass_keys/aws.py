"""boto3's clients, and patience with what they call. Needs the [aws] extra.

Each client has a session of its own, because boto3's default one is not safe to make clients with in threads. What
takes a session's time is reading how AWS's services are called; that is read once a process, for all of them.
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
"""Where nothing answers, trying longer rarely helps, and somebody waits."""
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
"""botocore's exceptions, by name, and one of ours, that call for the same advice."""
_SERVER_ERROR = 500
GIVEN_UP_MOST = 32
"""Calls by one client that were given up and still go on: each has a thread and a connection, and both are few."""
_given_up: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
_counting = threading.Lock()
_until: ContextVar[float] = ContextVar("until", default=inf)
_T = TypeVar("_T")


class AwsClientError(KeysError):
    """No client can be made: no [aws] extra, or settings that boto3 can't use."""


class UnintelligibleError(Exception):
    """What answered is not the service that was asked; says which, where, and what to look at."""


class OverdueError(Exception):
    """No whole answer until the deadline."""


class RefusedError(Exception):
    """A call failed for good.

    Attributes:
        answer: what AWS answered; empty where it did not.
        code: AWS's code of the error; "" where it did not answer.
        status: the HTTP status; 0 where it did not answer.
        said: AWS's message, or botocore's.
        kind: the code, or else the name of botocore's exception.
        attempts: how many there were.
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
    """How long a call may take, in seconds.

    Attributes:
        deadline: with all its attempts, waits included, to the last byte of the answer.
        connect: for one attempt to get a connection.
        read: for one attempt to send something; a further one begins only if both are left until the deadline.
        backoff_first: before attempt n+1 a random time from 0 to backoff_first * 2^n ("full jitter") ...
        backoff_max: ... at most this.
    """

    deadline: float
    connect: float
    read: float
    backoff_first: float
    backoff_max: float

    def in_words(self, attempts: int) -> str:
        """Say how often was tried, and within what."""
        return f"{attempts} attempt{'s' * (attempts != 1)} within {self.deadline:g} s"


def new_client(service: str, region: str | None = None, **config: Any) -> Any:
    """Make a client.

    Args:
        service: as boto3 names it.
        region: AWS's; where boto3 finds one without it.
        config: as botocore's Config takes it.

    Raises:
        AwsClientError: no [aws] extra, or settings (environment or ~/.aws) that boto3 can't use.
    """
    try:
        from boto3.session import Session  # noqa: PLC0415 - an extra; botocore may be there without boto3
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415
        from botocore.session import get_session  # noqa: PLC0415
    except ImportError:
        raise AwsClientError("this needs the aws extra: pip install 'movepass[aws]'") from None
    try:
        core = get_session()
        core.register_component("data_loader", _loader(core.get_config_variable("data_path")))
        return Session(botocore_session=core).client(service, region_name=region, config=Config(**config))
    except (BotoCoreError, ValueError) as e:
        raise AwsClientError(f"boto3 can't use its settings (environment or ~/.aws): {e}") from None


def patient_client(service: str, patience: Patience, region: str | None = None) -> Any:
    """Make a client for `patiently`: attempts are counted there, for botocore's retries have no overall deadline.

    Raises:
        AwsClientError: see new_client.
    """
    retries = {"total_max_attempts": 1, "mode": "standard"}
    return new_client(service, region, retries=retries, connect_timeout=patience.connect, read_timeout=patience.read)


@contextmanager
def calls_until(end: float) -> Iterator[None]:
    """Let no call by `patiently` take longer than to a time, whatever its own deadline is.

    Args:
        end: by time.monotonic().
    """
    token = _until.set(min(end, _until.get()))
    try:
        yield
    finally:
        _until.reset(token)


def patiently(client: Any, ask: Callable[[], _T], patience: Patience, passes: Callable[[RefusedError], bool]) -> _T:
    """Ask AWS, again and again up to the deadline where the same request may succeed later.

    Source: https://docs.aws.amazon.com/general/latest/gr/api-retries.html.

    Args:
        client: boto3's, which is asked.
        ask: calls the service, and takes what is needed out of its answer.
        patience: how long.
        passes: tells of a refusal that it means "not now"; any status from 500 on does anyway.

    Raises:
        RefusedError: it failed for good.
        UnintelligibleError: the answer lacks what the service answers, or can't be read.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - an extra, and slow to import
    from botocore.parsers import ResponseParserError  # noqa: PLC0415

    end = min(time.monotonic() + patience.deadline, _until.get())
    last_start = end - patience.connect - patience.read
    attempts = 0
    while True:
        attempts += 1
        try:
            return _answered(client, ask, end)
        except OverdueError as e:
            raise RefusedError(e, attempts) from None
        except (BotoCoreError, ClientError) as e:
            refused = RefusedError(e, attempts)
            wait = random.uniform(0, min(patience.backoff_first * 2**attempts, patience.backoff_max))  # noqa: S311
            if not _may_pass(e, refused, passes) or time.monotonic() + wait > last_start:
                raise refused from None
        except (ResponseParserError, LookupError, TypeError, ValueError):  # botocore checks little of what it parses
            raise UnintelligibleError(
                f"{client.meta.endpoint_url} does not answer as {client.meta.service_model.service_id} does; look at "
                "AWS_ENDPOINT_URL and at proxies"
            ) from None
        time.sleep(wait)


def _answered(client: Any, ask: Callable[[], _T], end: float) -> _T:
    """Ask in a thread of its own, which is left to itself at the end: botocore's limits begin anew with every byte.

    Raises:
        OverdueError: there is no whole answer yet, or too many are still waited for by threads that were left.
    """
    if _given_up.get(client, 0) >= GIVEN_UP_MOST:
        raise OverdueError(f"{GIVEN_UP_MOST} calls before are still unanswered")
    left = end - time.monotonic()
    if left <= 0:
        raise OverdueError("no time is left")
    answer: Future[_T] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except BaseException as e:  # noqa: BLE001 - whoever waits gets it, whatever it is
            answer.set_exception(e)

    try:
        threading.Thread(target=run, daemon=True).start()
    except RuntimeError as e:
        raise OverdueError(f"no thread to ask in: {e}") from None
    try:
        return answer.result(left)
    except TimeoutError:
        if answer.done():  # just in time, or it is the call's own
            return answer.result()
        _give_up(client, answer)
        raise OverdueError("no whole answer in time") from None


def _give_up(client: Any, answer: Future[Any]) -> None:
    """Count a call that goes on, until it is answered all the same."""

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
