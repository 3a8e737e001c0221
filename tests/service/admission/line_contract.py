"""What every store of the line promises."""

from collections.abc import Callable

from movepass_service.admission.line import Counters, LineState, advance, begin
from movepass_service.admission.store import LineStore, Use

NOW = 1_800_000_000.0
LANE = "urgent"
ONE, TWO, LATER = Use(b"one", 1_800_000_000_000), Use(b"two", 1_800_000_000_001), Use(b"one", 1_800_000_900_000)
Open = Callable[[], LineStore]
"""Opens the same line again, as another process or the next start does."""


def moved(state: LineState, counters: Counters, seconds: float) -> LineState:
    return advance(state, state.at + seconds, counters, [], per_s=2, turn_s=60)


class LineContract:
    def test_a_new_lane_has_nothing(self, line: LineStore) -> None:
        assert line.load(LANE) == (None, Counters())

    def test_places_are_numbers_from_one_and_lanes_have_their_own(self, line: LineStore) -> None:
        assert [line.take(LANE, NOW) for _ in range(5)] == [1, 2, 3, 4, 5]
        assert line.take("slow", NOW) == 1
        assert line.load(LANE)[1].issued >= 5

    def test_nobody_gets_a_place_twice_after_a_restart(self, line: LineStore, again: Open) -> None:
        given = [line.take(LANE, NOW + n / 100) for n in range(70)]
        other = again()
        given += [other.take(LANE, NOW + n / 100) for n in range(70)]
        assert len(set(given)) == 140
        assert max(given) <= other.load(LANE)[1].issued

    def test_counters_add_up_and_are_answered(self, line: LineStore) -> None:
        line.load(LANE, entered=3, unreserved=2)
        assert line.load(LANE, entered=4)[1] == Counters(0, 7, 2)
        assert line.load(LANE)[1] == Counters(0, 7, 2)

    def test_where_a_lane_stands_is_kept_whole(self, line: LineStore, again: Open) -> None:
        for _ in range(40):
            line.take(LANE, NOW)
        _, counters = line.load(LANE)
        first = begin(NOW, 2)
        second = moved(first, counters, 60)
        assert second.batches
        assert second.marks
        assert line.save(LANE, None, first)
        assert line.save(LANE, first, second)
        assert line.load(LANE)[0] == second
        assert again().load(LANE)[0] == second

    def test_a_lane_moves_on_once(self, line: LineStore) -> None:
        line.take(LANE, NOW)
        _, counters = line.load(LANE)
        first = begin(NOW, 2)
        assert line.save(LANE, None, first)
        assert not line.save(LANE, None, begin(NOW + 1, 2))
        second = moved(first, counters, 5)
        assert line.save(LANE, first, second)
        assert not line.save(LANE, first, moved(first, counters, 6))
        assert line.load(LANE)[0] == second

    def test_a_place_belongs_to_the_first_form_that_uses_it(self, line: LineStore, again: Open) -> None:
        line.take(LANE, NOW)
        assert line.use_of(LANE, 1) is None
        assert line.come(LANE, 1, ONE) is None
        assert line.come(LANE, 1, ONE) == ONE
        assert again().come(LANE, 1, TWO) == ONE
        assert line.use_of(LANE, 1) == ONE
        assert line.come("slow", 1, TWO) is None

    def test_uses_are_counted_by_place(self, line: LineStore) -> None:
        for number in (1, 2, 63, 64, 65, 128, 200):
            line.come(LANE, number, ONE)
        assert line.came(LANE, 1, 200) == 7
        assert line.came(LANE, 2, 64) == 3
        assert line.came(LANE, 65, 127) == 1
        assert line.came(LANE, 129, 199) == 0

    def test_forgetting_keeps_the_places_after_and_those_that_enter_later(self, line: LineStore) -> None:
        for number, use in ((1, ONE), (2, LATER), (3, ONE)):
            line.come(LANE, number, use)
        line.forget(LANE, 2, LATER.enter_at)
        assert line.use_of(LANE, 2) == LATER
        assert line.use_of(LANE, 3) == ONE
