"""The line itself: order, capacity, abandoned places; by chance, with many kinds of people."""

import random
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from support.lines import MemoryLine

from movepass_service.admission import Admitted, Gate, LineSettings, Waiting
from movepass_service.admission.gate import Ask
from movepass_service.admission.lanes import Lane
from movepass_service.admission.line import BURST_S, SETTLE_S, Counters, LineState, Mark, advance, begin, due
from movepass_service.admission.outlook import outlook

NOW = 1_800_000_000.0


@dataclass
class Play:
    """People at a gate, second by second."""

    per_s: float
    stay: float
    """The share that stays until its turn."""
    seed: int = 0
    entered: list[tuple[float, int]] = field(default_factory=list)
    """When, and with which place; 0 without one."""
    waits: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.gate = Gate(MemoryLine(), b"key" * 11, LineSettings(ordinary_per_s=self.per_s, flood_times=1000))
        self.waiting: list[tuple[float, float, bytes, str]] = []
        self.taken: list[int] = []
        self.people = 0

    def run(self, arrivals: list[int]) -> None:
        for second, count in enumerate(arrivals):
            now = NOW + second
            for _ in range(count):
                self.people += 1
                self.ask(now, now, str(self.people).encode(), "")
            due_now = [one for one in self.waiting if one[0] <= now]
            self.waiting = [one for one in self.waiting if one[0] > now]
            for _, came, client, token in due_now:
                self.ask(now, came, client, token)

    def ask(self, now: float, came: float, client: bytes, token: str) -> None:
        answer = self.gate.ask(Ask(client, is_urgent=False, token=token, proof="", now=now))
        if isinstance(answer, Admitted):
            number = answer.place.number if answer.place else 0
            self.entered.append((now, number))
            self.waits[number] = now - came
            return
        assert not answer.refused
        if not token:
            self.taken.append(answer.place.number)
        if token or self.random.random() < self.stay:
            self.waiting.append((now + answer.outlook.retry_after_s, came, client, answer.token))


def test_within_capacity_everybody_enters_at_once_without_a_place() -> None:
    play = Play(per_s=10, stay=1)
    play.run([10] * 300)
    assert len(play.entered) == 3000
    assert not play.taken


@settings(max_examples=8, deadline=None)
@given(
    per_s=st.sampled_from([0.5, 2, 20]),
    stay=st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0]),
    load=st.sampled_from([1.5, 3, 6]),
    seed=st.integers(0, 9),
)
def test_no_place_is_given_twice_and_nobody_is_forgotten(per_s: float, stay: float, load: float, seed: int) -> None:
    play = Play(per_s, stay, seed)
    crowd = [round(per_s * load) or 1] * 60
    play.run([*crowd, *[0] * round(900 + 60 * load)])
    assert len(set(play.taken)) == len(play.taken)
    assert not play.waiting, "everybody who stayed has entered"
    numbers = [number for _, number in play.entered if number]
    assert len(set(numbers)) == len(numbers)


@settings(max_examples=4, deadline=None)
@given(per_s=st.sampled_from([1, 5, 10]), stay=st.sampled_from([0.05, 0.3, 0.7, 1.0]), seed=st.integers(0, 9))
def test_never_more_enter_than_the_capacity(per_s: float, stay: float, seed: int) -> None:
    play = Play(per_s, stay, seed)
    play.run([round(4 * per_s)] * 200 + [0] * 400)
    times = sorted(at for at, _ in play.entered)
    for length in (1, 10, 60, 300):
        for start in range(0, 600 - length, 13):
            count = sum(NOW + start <= at < NOW + start + length for at in times)
            assert count <= per_s * (length + BURST_S) + 2


def test_turns_come_in_the_order_of_the_places() -> None:
    play = Play(per_s=5, stay=0.8)
    play.run([*[20] * 100, *[0] * 600])
    queued = [(at, number) for at, number in play.entered if number]
    for (at, number), (later, other) in pairwise(queued):
        if other < number:
            assert later - at <= 60, "who was called looks again within a minute"


def test_abandoned_places_hold_nobody_up() -> None:
    """One in twenty stays; without a remedy the others' turns would hold them up twenty times as long."""
    waits = {}
    for stay in (1.0, 0.05):
        play = Play(per_s=10, stay=stay, seed=3)
        play.run([*[round(20 / stay)] * 100, *[0] * 3000])
        waits[stay] = max(play.waits.values())
        assert not play.waiting
    assert waits[0.05] < 4 * waits[1.0] + 3 * SETTLE_S


def test_a_line_that_nobody_stays_in_ends_by_itself() -> None:
    play = Play(per_s=10, stay=0.0)
    play.run([*[100] * 60, *[0] * 900])
    answer = play.gate.ask(Ask(b"new", is_urgent=False, token="", proof="", now=NOW + 960))
    assert answer == Admitted()


def test_a_crowd_that_comes_after_bots_is_let_in_at_the_capacity() -> None:
    """Bots that never come back teach the lane to call many; the people after them all stay."""
    play = Play(per_s=4, stay=0.0)
    play.run([40] * 120)
    play.stay = 1.0
    before = len(play.entered)
    for second in range(120, 900):
        now = NOW + second
        for n in range(12 if second < 300 else 0):
            play.ask(now, now, f"{second} {n}".encode(), "")
        again = [one for one in play.waiting if one[0] <= now]
        play.waiting = [one for one in play.waiting if one[0] > now]
        for _, came, client, token in again:
            play.ask(now, came, client, token)
    in_a_minute = [sum(NOW + s <= at < NOW + s + 60 for at, _ in play.entered[before:]) for s in range(120, 840, 20)]
    assert max(in_a_minute) <= 4 * (60 + BURST_S) + 2
    assert not play.waiting


def test_the_long_end_of_the_time_is_kept_if_everybody_comes() -> None:
    play = Play(per_s=5, stay=1.0)
    said: dict[bytes, tuple[float, int]] = {}
    for second in range(700):
        now = NOW + second
        for n in range(15 if second < 60 else 0):
            client = f"{second} {n}".encode()
            answer = play.gate.ask(Ask(client, is_urgent=False, token="", proof="", now=now))
            if isinstance(answer, Waiting):
                assert answer.outlook.latest_s is not None
                said[client] = (now, answer.outlook.latest_s)
                play.waiting.append((now + answer.outlook.retry_after_s, now, client, answer.token))
        again = [one for one in play.waiting if one[0] <= now]
        play.waiting = [one for one in play.waiting if one[0] > now]
        for _, came, client, token in again:
            answer = play.gate.ask(Ask(client, is_urgent=False, token=token, proof="", now=now))
            if isinstance(answer, Admitted):
                at, latest = said.pop(client)
                assert now - at <= 1.1 * latest + 60
            else:
                play.waiting.append((now + answer.outlook.retry_after_s, came, client, token))
    assert not said


def test_the_time_is_never_below_what_capacity_allows() -> None:
    state = begin(NOW, 10)
    state = advance(state, NOW + 1, Counters(issued=6000), [], per_s=10, turn_s=300)
    seen = outlook(state, 6000, 10)
    assert seen.latest_s is not None
    assert seen.latest_s >= seen.ahead / 10
    assert seen.soonest_s <= seen.latest_s


def test_a_line_that_stands_still_promises_nothing() -> None:
    marks = tuple(Mark(NOW - ago, 5, 95) for ago in (90, 60, 30))
    state = LineState(NOW, 0, 0, Counters(issued=100), called=5, marks=marks)
    assert outlook(state, 50, 10).latest_s is None


@given(back=st.floats(0, 10_000))
def test_a_clock_that_goes_back_moves_no_line_back(back: float) -> None:
    state = advance(begin(NOW, 5), NOW + 10, Counters(issued=100), [], per_s=5, turn_s=300)
    again = advance(state, NOW + 10 - back, Counters(issued=100), [0] * len(due(state, NOW)), per_s=5, turn_s=300)
    assert again.called >= state.called
    assert again.at == state.at


def test_each_lane_has_a_capacity_of_its_own() -> None:
    gate = Gate(MemoryLine(), b"key" * 11, LineSettings(ordinary_per_s=1, urgent_per_s=5, flood_times=1000))
    for n in range(100):
        gate.ask(Ask(str(n).encode(), is_urgent=False, token="", proof="", now=NOW))
    urgent = [gate.ask(Ask(f"u{n}".encode(), is_urgent=True, token="", proof="", now=NOW)) for n in range(20)]
    assert urgent == [Admitted()] * 20
    figures = gate.figures(NOW)
    assert figures[Lane.ORDINARY].waiting == 95
    assert figures[Lane.URGENT].waiting == 0
