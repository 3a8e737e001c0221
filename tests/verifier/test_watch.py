"""Check when a device syncs next: spread over the period, off an outage's rhythm, and never given up."""

import random
from collections import Counter
from threading import Event
from typing import Any

import pytest

from movepass_verifier import SyncError
from movepass_verifier.sync import watch

DEVICES = 100_000
PERIOD = 900


def test_a_country_of_devices_that_start_at_once_comes_spread_over_the_period() -> None:
    draw = random.Random(1).uniform
    seconds = Counter(int(watch.first_wait(PERIOD, ready=True, draw=draw)) for _ in range(DEVICES))
    assert set(seconds) == set(range(PERIOD))
    assert max(seconds.values()) < 1.6 * DEVICES / PERIOD


def test_devices_that_can_accept_nothing_come_within_a_minute_and_still_spread() -> None:
    draw = random.Random(2).uniform
    seconds = Counter(int(watch.first_wait(PERIOD, ready=False, draw=draw)) for _ in range(DEVICES))
    assert set(seconds) == set(range(60))
    assert max(seconds.values()) < 1.2 * DEVICES / 60
    assert watch.first_wait(5, ready=False, draw=lambda _, high: high) == 5


def test_devices_stay_spread_and_do_not_drift_into_step() -> None:
    """A day later the busiest second is no busier than by chance."""
    chance = random.Random(3)
    comes = [0.0] * 20_000  # all at once
    for _ in range(96):
        comes = [at + watch.next_wait(PERIOD, 0, draw=chance.uniform) for at in comes]
    seconds = Counter(int(at) % PERIOD for at in comes)
    assert max(seconds.values()) < 3 * len(comes) / PERIOD


def test_after_failures_the_waits_double_up_to_the_period_or_an_hour() -> None:
    longest = [watch.next_wait(PERIOD, failures, draw=lambda _, high: high) for failures in range(1, 10)]
    assert longest == [15, 30, 60, 120, 240, 480, 900, 900, 900]
    shortest = [watch.next_wait(PERIOD, failures, draw=lambda low, _: low) for failures in range(1, 10)]
    assert shortest == [half / 2 for half in longest]
    assert watch.next_wait(86_400, 10**6, draw=lambda _, high: high) == 3600
    assert watch.next_wait(1, 1, draw=lambda _, high: high) == 1


def test_an_outage_that_all_devices_saw_does_not_make_them_come_back_in_step() -> None:
    """All fail in the same second for ten minutes; when they come back, no second sees more than one in fifty."""
    chance = random.Random(4)
    back: Counter[int] = Counter()
    for _ in range(20_000):
        at, failures = 0.0, 0
        while at < 600:
            failures += 1
            at += watch.next_wait(PERIOD, failures, draw=chance.uniform)
        back[int(at)] += 1
    assert max(back.values()) < 20_000 / 50


class Clock(Event):
    """Counts what is waited for, and ends after so many waits."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self.waits: list[float] = []
        self._rounds = rounds

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(timeout)
        return len(self.waits) > self._rounds


def test_no_failure_ends_it_and_a_success_starts_the_waits_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "first_wait", lambda *_, **__: 0.0)
    monkeypatch.setattr(watch, "next_wait", lambda _, failures: float(failures))
    outcomes: list[Any] = [SyncError("no"), OSError("no"), ZeroDivisionError(), "done", SyncError("no")]
    told: list[tuple[object, float]] = []

    def sync() -> Any:
        outcome = outcomes[len(told) - 1]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    clock = Clock(len(outcomes))
    watch.sync_every(PERIOD, sync, ready=True, stop=clock, tell=lambda came, wait: told.append((came, wait)))
    assert [came for came, _ in told] == [None, *outcomes]
    assert clock.waits == [0, 1, 2, 3, 0, 1]
    assert [wait for _, wait in told] == clock.waits
