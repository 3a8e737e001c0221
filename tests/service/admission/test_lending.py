"""The ordinary lane lends to the urgent one: urgent people enter within the bound, and no more enter than before."""

import heapq
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lines import MemoryLine

from movepass_service.admission import Admitted, Gate, LineSettings
from movepass_service.admission.gate import Ask
from movepass_service.admission.lanes import Lane
from movepass_service.admission.lending import LENT_MOST, lent, per_s_with
from movepass_service.admission.line import BURST_S, Counters, begin

NOW = 1_800_000_000.0
SETTINGS = LineSettings(urgent_per_s=5, ordinary_per_s=20, urgent_bound_s=120, flood_times=1000)


@given(waiting=st.integers(0, 10_000), more=st.integers(0, 1000), share=st.floats(0.01, 1))
def test_the_more_wait_the_more_is_lent_and_both_lanes_let_in_as_many(waiting: int, more: int, share: float) -> None:
    state = replace(begin(NOW, SETTINGS.urgent_per_s), called=7, share=share)
    lends, later = (lent(state, Counters(issued=7 + n), SETTINGS) for n in (waiting, waiting + more))
    assert 0 <= lends <= later <= LENT_MOST * SETTINGS.ordinary_per_s
    assert sum(per_s_with(lane, SETTINGS, lends) for lane in (Lane.URGENT, Lane.ORDINARY)) == pytest.approx(25)
    assert all(per_s_with(lane, SETTINGS, lends) == SETTINGS.per_s(lane) for lane in (Lane.SLOW, Lane.SLOW_URGENT))


def test_nothing_is_lent_while_urgent_people_wait_a_little() -> None:
    state = begin(NOW, SETTINGS.urgent_per_s)
    assert lent(state, Counters(issued=int(5 * 120 * 0.2)), SETTINGS) == 0
    assert lent(state, Counters(issued=5 * 60), SETTINGS) == LENT_MOST * 20


@pytest.mark.parametrize("processes", [1, 3])
def test_urgent_people_enter_within_the_bound_when_far_more_come_than_their_lane_takes(processes: int) -> None:
    line = MemoryLine()
    gates = [Gate(line, b"key" * 11, SETTINGS) for _ in range(processes)]
    order, seconds = count(), 300
    events = [
        (NOW + s, next(order), is_urgent, NOW + s, "")
        for s in range(seconds)
        for is_urgent in [True] * 12 + [False] * 15
    ]
    heapq.heapify(events)
    waits: dict[bool, list[float]] = {True: [], False: []}
    entered: list[tuple[float, bool]] = []
    while events:
        now, client, is_urgent, came, token = heapq.heappop(events)
        name = token or str(client)
        answer = gates[client % processes].ask(Ask(name.encode(), is_urgent, token, "", now))
        if isinstance(answer, Admitted):
            waits[is_urgent].append(now - came)
            entered.append((now, is_urgent))
        else:
            heapq.heappush(events, (now + answer.outlook.retry_after_s, next(order), is_urgent, came, answer.token))
    assert len(waits[True]) == 12 * seconds
    assert len(waits[False]) == 15 * seconds
    assert max(waits[True]) <= SETTINGS.urgent_bound_s, "alone their lane would take 420 s"
    for second in range(60, seconds, 60):
        some = [is_urgent for at, is_urgent in entered if NOW + second - 60 <= at < NOW + second]
        assert len(some) <= 25 * (60 + 2 * BURST_S)
        assert some.count(False) >= 60 * 20 * (1 - LENT_MOST) - 20
