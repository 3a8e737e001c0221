"""The time of the next publication, after a success and after any number of failures."""

from threading import Event
from typing import Any

import pytest

from movepass_issuer import RepositoryError
from movepass_issuer.publishing.publisher import Publication
from movepass_issuer.publishing.watch import publish_every
from movepass_keys import SignerError

DONE = Publication(1, 1, 0, ())


class Stop(Event):
    """Counts how long it was waited for, and lets nobody wait."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self.waits: list[float] = []
        self._rounds = rounds

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(timeout)
        if len(self.waits) == self._rounds:
            self.set()
        return self.is_set()


def play(outcomes: list[Any], seconds: float) -> tuple[list[float], list[Any]]:
    """Let publications come out so; gives the waits after them, and what was told."""
    stop, told, left = Stop(len(outcomes)), [], list(outcomes)

    def publish() -> Publication:
        outcome = left.pop(0)
        if isinstance(outcome, Publication):
            return outcome
        raise outcome

    def tell(came: Any, wait: float) -> None:
        told.append((came, wait))

    publish_every(seconds, publish, stop=stop, tell=tell)
    assert [wait for _, wait in told] == stop.waits
    return stop.waits, [came for came, _ in told]


def test_publications_begin_at_even_times_and_failures_are_tried_again_sooner_then_ever_later() -> None:
    errors = [RepositoryError("full"), SignerError("throttled"), OSError("gone"), RepositoryError("full")]
    outcomes = [DONE, *errors, DONE, errors[0]]
    waits, told = play(outcomes, 300)
    assert told == outcomes
    assert waits[1:5] == [2, 4, 8, 16]
    assert waits[6] == 2
    assert all(299 < wait <= 300 for wait in (waits[0], waits[5]))


def test_after_failures_however_many_it_waits_no_longer_than_after_a_success() -> None:
    waits, _ = play([RepositoryError("gone")] * 3000, 300)
    assert max(waits) == 300
    assert play([RepositoryError("gone")] * 3, 1)[0] == [1, 1, 1]


def test_a_defect_is_no_failure_to_go_on_after() -> None:
    with pytest.raises(ZeroDivisionError):
        play([ZeroDivisionError()], 300)


def test_nothing_is_published_after_the_end() -> None:
    stop = Event()
    stop.set()
    publish_every(1, pytest.fail, stop=stop, tell=print)
