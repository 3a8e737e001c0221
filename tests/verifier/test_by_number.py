"""Check pass numbers: revoked is a reject, all others can't be verified, and a mistake is never corrected silently."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.passes import DAY
from support.world import World

from movepass_verifier import Device, Outcome
from movepass_verifier.deciding.lists import Policy, StatusLists
from movepass_verifier.officer.by_number import SUGGESTIONS_MOST, NumberAnswer, check_number
from movepass_wire import NumberError, format_number, parse_number
from movepass_wire.number import ALPHABET, DAYS, corrections
from movepass_words import LANGUAGES, words

TODAY = 20_779
NOW = TODAY * DAY + 9 * 3600
LISTS = StatusLists({TODAY + n: {7, 99} for n in range(5)}, NOW - 3600, NOW - 60)


def ask(text: str, lists: StatusLists = LISTS, now: int = NOW) -> NumberAnswer:
    return check_number(text, lists=lists, now=now, policy=Policy())


def known(text: str, lists: StatusLists = LISTS, now: int = NOW) -> list[str]:
    return [message.key for message in ask(text, lists, now).known]


def test_a_revoked_number_is_rejected_and_any_other_can_not_be_verified() -> None:
    revoked, other = ask(format_number(TODAY, 7)), ask(format_number(TODAY, 8))
    assert (revoked.outcome, revoked.why.key) == (Outcome.REJECT, "reason.revoked")
    assert (other.outcome, other.why.key) == (Outcome.CANNOT_VERIFY, "number.no-signature")
    assert [message.key for message in other.known] == ["number.not-revoked", "number.ends"]


@given(st.integers(0, 5_000), st.integers(0, (1 << 30) - 1), st.integers(0, 1 << 32))
def test_no_number_is_ever_accepted_whatever_the_clock_says(day: int, index: int, now: int) -> None:
    said = ask(format_number(day, index), now=now)
    assert said.outcome is not Outcome.ACCEPT
    assert (said.outcome is Outcome.REJECT) == (
        any(day % DAYS == listed % DAYS for listed in LISTS.days) and index in {7, 99}
    )
    for language in LANGUAGES:
        assert all(words(language).say(message) for message in (said.why, *said.known))


@given(st.text(max_size=30))
def test_whatever_is_typed_is_answered(text: str) -> None:
    assert ask(text).outcome is not Outcome.ACCEPT


def test_what_is_known_depends_on_the_day_the_number_is_of() -> None:
    for days_ahead, keys in {
        0: ["number.not-revoked", "number.ends"],
        4: ["number.not-revoked", "number.ends"],
        5: ["number.no-list", "number.far"],
        300: ["number.no-list", "number.far"],
        -1: ["number.no-list", "number.ended"],
        -7: ["number.no-list", "number.ended"],
        -8: ["number.no-list", "number.far"],
    }.items():
        assert known(format_number(TODAY + days_ahead, 5)) == keys, days_ahead


def test_lists_that_are_too_old_are_told_and_still_reject_what_they_hold() -> None:
    later = NOW + 2 * DAY
    assert known(format_number(TODAY + 2, 5), now=later)[-1] == "number.stale"
    assert ask(format_number(TODAY + 2, 7), now=later).outcome is Outcome.REJECT


def test_a_clock_that_is_years_off_does_not_hide_a_revocation() -> None:
    for years in (-10, 3, 10):
        assert ask(format_number(TODAY, 7), now=NOW + years * 365 * DAY).outcome is Outcome.REJECT
    assert known(format_number(TODAY, 8), now=NOW + 3 * 365 * DAY)[:2] == ["number.not-revoked", "number.far"]


def test_a_device_without_lists_says_so() -> None:
    assert known(format_number(TODAY, 7), StatusLists()) == ["number.no-list", "number.ends"]


def test_it_is_read_as_people_type_it() -> None:
    number = format_number(TODAY, 123456)
    for typed in (number.lower(), number.replace("-", ""), f" {number.replace('-', ' ')} "):
        assert ask(typed).number == number
    bangla = number.translate(str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯"))
    assert ask(bangla).number == number


@pytest.mark.parametrize("typed", ["", "A1B", "A1B-2C3-D4E-5", "A1B-2C3-D4U", "!!!", "MP1:6BFOXN", "-" * 500])
def test_what_is_no_number_says_what_one_looks_like(typed: str) -> None:
    said = ask(typed)
    assert (said.readable, said.why.key, said.suggestions) == (False, "number.unreadable", ())
    assert len(said.number) <= 40


# Slips


def slips(number: str, others: str = ALPHABET) -> list[str]:
    plain = number.replace("-", "")
    found = [plain[:at] + other + plain[at + 1 :] for at in range(9) for other in others if other != plain[at]]
    return found + [plain[:at] + plain[at + 1] + plain[at] + plain[at + 2 :] for at in range(8)
                    if plain[at] != plain[at + 1]]  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(st.integers(0, DAYS - 1), st.integers(0, (1 << 30) - 1))
def test_every_slip_is_caught_and_the_right_number_is_among_its_corrections(day: int, index: int) -> None:
    number = format_number(day, index)
    assert corrections(number) == []
    for slip in slips(number):
        with pytest.raises(NumberError, match="slip"):
            parse_number(slip)
        found = corrections(slip)
        assert (number, day, index) in [(c.number, c.day, c.index) for c in found]
        assert len({c.number for c in found}) == len(found)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, DAYS - 1), st.integers(0, (1 << 30) - 1))
def test_corrections_are_numbers_themselves_and_the_likely_ones_come_first(day: int, index: int) -> None:
    for slip in slips(format_number(day, index), "8B5S")[::5]:
        found = corrections(slip)
        assert all(parse_number(c.number) == (c.day, c.index) for c in found)
        assert [c.alike for c in found] == sorted((c.alike for c in found), reverse=True)


def test_swapped_neighbours_and_symbols_that_sound_alike_are_offered_and_nothing_is_used() -> None:
    number = format_number(TODAY, 400_123)
    plain = number.replace("-", "")
    swapped = plain[:5] + plain[6] + plain[5] + plain[7:]
    said = ask(swapped)
    assert number in said.suggestions
    assert (said.outcome, said.readable, said.known) == (Outcome.CANNOT_VERIFY, False, ())
    revoked = format_number(TODAY, 7).replace("-", "")
    heard = ask(revoked[0] + revoked[2] + revoked[1] + revoked[3:])
    assert heard.outcome is Outcome.CANNOT_VERIFY  # even where what was meant is revoked: it must be asked for again


def test_no_more_than_three_are_offered_and_only_such_as_a_device_can_know_of() -> None:
    listed = {day % DAYS for day in LISTS.days}
    offered = [ask(slip).suggestions for slip in slips(format_number(TODAY + 1, 400_123))]
    assert max(map(len, offered)) <= SUGGESTIONS_MOST
    assert all(parse_number(number)[0] in listed for number in itertools.chain(*offered))
    assert sum(map(bool, offered)) > len(offered) / 10
    assert ask(slips(format_number(TODAY, 5))[200], StatusLists()).suggestions == ()


def test_how_often_the_right_number_is_offered_for_a_slip_that_people_make() -> None:
    """Of one symbol for another that looks or sounds like it, and of neighbours swapped."""
    offered = right = 0
    for index in range(400_000, 400_012):
        number = format_number(TODAY, index)
        for slip in slips(number):
            likely = [c.number for c in corrections(slip) if c.alike]
            if number in likely:
                offered += 1
                right += number in ask(slip).suggestions
    assert offered > 300
    assert right / offered > 0.9


def test_a_device_answers_by_what_it_has_synced(world: World) -> None:
    good, bad = world.issue_many(2)
    world.revoke_and_publish(bad)
    world.sync()
    with Device.open(world.store, clock=lambda: world.now) as device:
        assert device.check_number(bad.number).outcome is Outcome.REJECT
        assert device.check_number(good.number).why.key == "number.no-signature"
        assert device.entries() == []
