"""What every store of registered numbers must keep; a subclass has a fixture `store`."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from movepass_service.stores.numbers import (
    Budgets,
    Code,
    Ends,
    Helper,
    NumberStore,
    Purses,
    TooManyCodes,
)

NOW, DAY = 1_795_802_400 + 3600, 20_785
PHONE = "+8801712345678"
CODE = Code(b"c" * 32, PHONE, b"right" * 6, NOW)
WRONG, SESSION, NAME = b"wrong" * 6, b"s" * 32, b"n" * 32
HELPER = Helper("employer", "Padma Textiles", 10)


def purses(number: int = 0, prefix: int = 0) -> Purses:
    return Purses(bytes([1, number] * 16), bytes([2, prefix] * 16), bytes([3] * 32))


def code(number: int, at: int = NOW) -> Code:
    return replace(CODE, id=number.to_bytes(32, "big"), made_at=at)


def ask(store: NumberStore, number: int, budgets: Budgets, *, of: Purses | None = None, at: int = NOW) -> bool:
    """Ask for a code; returns whether it may be sent."""
    try:
        store.add_code(code(number, at), of or purses(number), budgets, DAY)
    except TooManyCodes:
        return False
    return True


class NumberContract:
    """The promises of stores.numbers.NumberStore."""

    def try_code(
        self, store: NumberStore, given: bytes, session: bytes = SESSION, *, made_after: int = NOW - 1
    ) -> bool:
        return store.try_code(CODE.id, given, session, NOW + 5, made_after=made_after, tries_max=5)

    def keep(self, store: NumberStore) -> None:
        store.add_code(CODE, purses(), Budgets(), DAY)

    def test_the_key_stays(self, store: NumberStore) -> None:
        assert len(store.key) == 32
        assert store.key == store.key

    def test_a_right_code_opens_one_session(self, store: NumberStore) -> None:
        self.keep(store)
        sessions = [bytes([number] * 32) for number in range(6)]
        with ThreadPoolExecutor(6) as pool:
            opened = list(pool.map(lambda session: self.try_code(store, CODE.code, session), sessions))
        assert sum(opened) == 1
        assert [store.session(session, NOW) for session in sessions] == [PHONE if is_it else None for is_it in opened]
        assert not self.try_code(store, CODE.code)

    def test_wrong_codes_are_counted_when_they_come_at_once(self, store: NumberStore) -> None:
        self.keep(store)
        with ThreadPoolExecutor(5) as pool:
            assert not any(pool.map(lambda _: self.try_code(store, WRONG), range(5)))
        assert not self.try_code(store, CODE.code)
        assert store.session(SESSION, 0) is None

    def test_four_wrong_codes_and_a_right_one(self, store: NumberStore) -> None:
        self.keep(store)
        assert not any(self.try_code(store, WRONG) for _ in range(4))
        assert self.try_code(store, CODE.code)

    def test_a_code_that_is_over_or_unknown_is_wrong(self, store: NumberStore) -> None:
        assert not self.try_code(store, CODE.code)
        self.keep(store)
        assert not self.try_code(store, CODE.code, made_after=NOW)
        assert self.try_code(store, CODE.code)

    def test_a_session_ends(self, store: NumberStore) -> None:
        self.keep(store)
        self.try_code(store, CODE.code)
        assert store.session(SESSION, NOW + 4) == PHONE
        assert store.session(SESSION, NOW + 5) is None
        store.end_session(SESSION)
        store.end_session(SESSION)
        assert store.session(SESSION, 0) is None

    def test_a_number_has_a_budget_and_a_pause(self, store: NumberStore) -> None:
        budgets = Budgets(number=2, pause_s=60)
        one = purses()
        assert ask(store, 1, budgets, of=one)
        with pytest.raises(TooManyCodes) as soon:
            store.add_code(code(2, NOW + 20), one, budgets, DAY)
        assert soon.value.retry_after_s == 40
        assert ask(store, 3, budgets, of=one, at=NOW + 60)
        with pytest.raises(TooManyCodes) as spent:
            store.add_code(code(4, NOW + 180), one, budgets, DAY)
        assert spent.value.retry_after_s == 23 * 3600 - 180
        store.add_code(code(5, NOW + 180), one, budgets, DAY + 1)

    def test_a_code_that_is_refused_takes_from_no_budget_and_is_not_kept(self, store: NumberStore) -> None:
        budgets = Budgets(number=5, prefix=1, day=2)
        assert ask(store, 1, budgets, of=purses(1, 1))
        assert not ask(store, 2, budgets, of=purses(2, 1))
        assert not store.try_code(code(2).id, CODE.code, SESSION, NOW, made_after=0, tries_max=5)
        assert ask(store, 3, budgets, of=purses(2, 2)), "its number and the day had room"
        assert not ask(store, 4, budgets, of=purses(3, 3)), "the day is spent"

    @pytest.mark.parametrize(("budgets", "most"), [(Budgets(prefix=3), 3), (Budgets(day=7), 7), (Budgets(number=1), 1)])
    def test_a_budget_holds_when_many_ask_at_once(self, store: NumberStore, budgets: Budgets, most: int) -> None:
        one_number = budgets.number == 1

        def one(number: int) -> bool:
            prefix = 0 if budgets.prefix == 3 else number
            return ask(store, number, budgets, of=purses(0 if one_number else number, prefix))

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(one, range(10))) == most

    def test_a_days_budget_is_used_up_whoever_asks(self, store: NumberStore) -> None:
        budgets = Budgets(day=20)
        asked = [
            ask(store, number, budgets, of=purses(number % 3, number), at=NOW + 100 * number) for number in range(9)
        ]
        asked += [ask(store, number, budgets, of=purses(number, number)) for number in range(100, 115)]
        assert sum(asked) == 20

    def test_applications_are_found_for_a_while_the_newest_first(self, store: NumberStore) -> None:
        store.note_applications(NAME, [("A", "secret a"), ("B", "secret b")], NOW)
        store.note_applications(NAME, [("A", "other"), ("C", "secret c")], NOW + 1)
        store.note_applications(b"o" * 32, [("D", "secret d")], NOW)
        assert store.applications(NAME, 0) == [("C", "secret c"), ("A", "secret a"), ("B", "secret b")]
        assert store.applications(NAME, 0, 2) == [("C", "secret c"), ("A", "secret a")]
        assert store.applications(NAME, NOW) == [("C", "secret c")]
        assert store.application_secret(NAME, "A", NOW - 1) == "secret a"
        assert store.application_secret(NAME, "A", NOW) is None
        assert store.application_secret(NAME, "D", 0) is None

    def test_many_applications_are_noted_at_once(self, store: NumberStore) -> None:
        receipts = [(f"{number:04}", "secret") for number in range(250)]
        store.note_applications(NAME, receipts, NOW)
        assert store.applications(NAME, 0) == receipts

    def test_a_helper_is_found_and_replaced(self, store: NumberStore) -> None:
        assert store.helper(NAME) is None
        store.put_helper(NAME, HELPER)
        store.note_applications(NAME, [("A", "secret")], NOW)
        assert store.helper(NAME) == HELPER
        store.put_helper(NAME, replace(HELPER, quota=20))
        assert store.helper(NAME) == replace(HELPER, quota=20)
        assert store.applications(NAME, 0) == [("A", "secret")]

    def test_a_quota_of_rows_holds_when_lists_come_at_once(self, store: NumberStore) -> None:
        lists = [[f"{number}-{row}" for row in range(4)] for number in range(4)]
        with ThreadPoolExecutor(4) as pool:
            reserved = list(pool.map(lambda ids: store.reserve_rows(NAME, DAY, ids, 10, NOW), lists))
        assert sum(map(len, reserved)) == 10 == store.rows_spent(NAME, DAY)
        for ids, before in zip(lists, reserved, strict=True):
            assert store.reserve_rows(NAME, DAY, ids, 10, NOW) == before
        assert store.rows_spent(NAME, DAY + 1) == 0

    def test_a_long_list_is_reserved_whole_and_a_row_twice_in_it_once(self, store: NumberStore) -> None:
        ids = [str(row) for row in range(150)]
        assert store.reserve_rows(NAME, DAY, [*ids, *ids], 200, NOW) == set(ids)
        assert store.rows_spent(NAME, DAY) == 150
        assert store.reserve_rows(NAME, DAY, [*ids, "more"], 200, NOW) == {*ids, "more"}
        assert store.rows_spent(NAME, DAY) == 151

    def test_what_is_over_is_forgotten(self, store: NumberStore) -> None:
        self.keep(store)
        self.try_code(store, CODE.code)
        store.note_applications(NAME, [("A", "secret")], NOW)
        store.forget(Ends(codes=NOW, sessions=NOW + 5, applications=NOW, day=DAY + 1))
        assert store.session(SESSION, NOW + 5) is None
        assert store.applications(NAME, NOW) == []
        assert not self.try_code(store, CODE.code)
