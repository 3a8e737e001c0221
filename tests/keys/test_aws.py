"""Check that a call to AWS ends in time, and that an abandoned call counts until it is over."""

import threading
import time
from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from movepass_keys import aws
from movepass_keys.aws import GIVEN_UP_MOST, Patience, RefusedError, patiently

HASTE = Patience(deadline=0.02, connect=0.01, read=0.01, backoff_first=0, backoff_max=0)


class Client:
    """Stands for boto3's, which is only counted by."""


def test_a_client_whose_calls_never_end_asks_no_more_until_some_have() -> None:
    client, other, end = Client(), Client(), threading.Event()
    before = threading.active_count()
    for _ in range(GIVEN_UP_MOST):
        with pytest.raises(RefusedError, match="no whole answer in time"):
            patiently(client, end.wait, HASTE, lambda _: False)
    with pytest.raises(RefusedError, match="earlier calls are still unanswered"):
        patiently(client, end.wait, HASTE, lambda _: False)
    assert threading.active_count() == before + GIVEN_UP_MOST
    assert patiently(other, lambda: "well", HASTE, lambda _: False) == "well"
    end.set()
    until = time.monotonic() + 120
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert patiently(client, lambda: "well again", HASTE, lambda _: False) == "well again"


def test_an_answer_that_comes_while_it_is_given_up_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    given_up = threading.Event()

    class Late(Future[bool]):
        def result(self, timeout: float | None = None) -> bool:
            try:
                return super().result(timeout)
            except TimeoutError:
                given_up.set()
                super().result()
                raise

    monkeypatch.setattr(aws, "Future", Late)
    assert patiently(Client(), given_up.wait, HASTE, lambda _: False)


def test_where_no_thread_can_be_had_the_call_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(**_: object) -> object:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading, "Thread", lambda **_: SimpleNamespace(start=none_left))
    with pytest.raises(RefusedError, match="no thread for the call: can't start new thread"):
        patiently(Client(), lambda: "well", HASTE, lambda _: False)
