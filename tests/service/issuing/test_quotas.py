"""Quotas: what a person may not get twice, whichever way it is asked for."""

import pytest
from support.applications import HOUR, ID_NUMBER, form, rules, run, submit, use_rules, work

from movepass_service.applications.states import State
from movepass_service.issuing.deciding import decider
from movepass_service.rules.columns import dhaka_day, week_of
from movepass_service.service import Receipt, Service
from movepass_wire.times import iso

DAY = 86400
DHAKA = 6 * HOUR
ONE_A_DAY = rules(
    "one-a-day", ('reason = "other"', "refer"), ("passes_today = { at_least = 1 }", "reject"), ("", "approve")
)
NO_OVERLAP = rules("no-overlap", ("overlaps = true", "reject"), ("", "approve"))


@pytest.fixture
def one_a_day(service: Service, now: int) -> Service:
    use_rules(service, ONE_A_DAY, now)
    return service


@pytest.fixture
def morning(now: int) -> int:
    """Eight o'clock in Dhaka on the next day, so that nothing here runs over midnight."""
    return (dhaka_day(now) + 1) * DAY - DHAKA + 8 * HOUR


def decided(service: Service, receipt: Receipt, now: int) -> State:
    work(service, now)
    return service.status(receipt.reference, receipt.secret, now=now).state


def correct(service: Service, receipt: Receipt, now: int, **changes: object) -> State:
    application = service.read_one(form(now, **changes), now=now)
    run(service.correct(receipt.reference, receipt.secret, application, now=now))
    return decided(service, receipt, now)


def first_sunday_after(now: int) -> int:
    day = dhaka_day(now)
    return next(later for later in range(day + 1, day + 8) if week_of(later - 1) < week_of(later))


@pytest.mark.parametrize(
    "change",
    [
        {"holder__id_type": "passport", "holder__id_number": "A1234567"},
        {"holder__id_number": None, "holder__id_last": "9999"},
        {"not_before": "day after"},
    ],
    ids=["another paper", "no number", "another day"],
)
def test_a_pass_counts_as_it_was_issued_while_its_correction_waits(
    one_a_day: Service, morning: int, change: dict[str, str | None]
) -> None:
    first = submit(one_a_day, morning)
    assert decided(one_a_day, first, morning) == State.ISSUED
    if "not_before" in change:
        change = {"not_before": iso(morning + DAY)}
    assert correct(one_a_day, first, morning, reason="a cousin's wedding", **change) == State.REFERRED
    second = submit(one_a_day, morning, "second", not_before=iso(morning + 5 * HOUR))
    assert decided(one_a_day, second, morning) == State.REJECTED


def test_a_pass_that_was_withdrawn_after_it_began_still_counts(one_a_day: Service, morning: int) -> None:
    first = submit(one_a_day, morning)
    assert decided(one_a_day, first, morning) == State.ISSUED
    noon = morning + 4 * HOUR
    run(one_a_day.withdraw(first.reference, first.secret, now=noon))
    assert decided(one_a_day, submit(one_a_day, noon, "second"), noon) == State.REJECTED


def test_a_pass_that_was_withdrawn_before_it_began_does_not_count(one_a_day: Service, morning: int) -> None:
    first = submit(one_a_day, morning)
    assert decided(one_a_day, first, morning) == State.ISSUED
    run(one_a_day.withdraw(first.reference, first.secret, now=morning))
    assert decided(one_a_day, submit(one_a_day, morning, "second"), morning) == State.ISSUED


def test_a_pass_can_be_corrected_into_another_only_before_it_began(one_a_day: Service, morning: int) -> None:
    first = submit(one_a_day, morning)
    assert decided(one_a_day, first, morning) == State.ISSUED
    assert correct(one_a_day, first, morning, not_before=iso(morning + 2 * HOUR)) == State.ISSUED
    afternoon = morning + 6 * HOUR
    assert correct(one_a_day, first, afternoon) == State.REJECTED


def by_rules(service: Service, now: int, client_id: str, start: int) -> State:
    """Have the rules alone decide: the issuer's clock is another, and makes no pass for a far week."""
    receipt = submit(service, now, client_id, not_before=iso(start))
    service.store.decide_next(10, decider(service.rules, now), now)
    return service.status(receipt.reference, receipt.secret, now=now).state


def test_passes_overlap_across_the_border_of_a_week(service: Service, now: int) -> None:
    use_rules(service, NO_OVERLAP, now)
    border = first_sunday_after(now) * DAY - DHAKA
    early = border - DAY
    assert by_rules(service, early, "before", border - HOUR) == State.APPROVED
    assert by_rules(service, early, "after", border) == State.REJECTED
    assert by_rules(service, early, "over, too", border - HOUR // 2) == State.REJECTED
    assert by_rules(service, early, "later", border + 2 * HOUR) == State.APPROVED


def test_a_trip_over_the_border_of_a_week_finds_the_passes_after_it(service: Service, now: int) -> None:
    use_rules(service, NO_OVERLAP, now)
    border = first_sunday_after(now) * DAY - DHAKA
    early = border - DAY
    assert by_rules(service, early, "after", border) == State.APPROVED
    assert by_rules(service, early, "over", border - HOUR) == State.REJECTED


@pytest.mark.parametrize(
    ("hours", "corrected", "is_known"),
    [((-2, 6), (-2, 1), True), ((-2, 6), (1, 3), True), ((-2, 1), (-2, 6), False), ((-2, 1), (1, 3), False)],
    ids=["only before", "only after", "now over the border", "now after the border"],
)
def test_a_correction_keeps_the_number_in_the_weeks_that_the_trip_reached(
    service: Service, now: int, hours: tuple[int, int], corrected: tuple[int, int], *, is_known: bool
) -> None:
    """The form shows four characters of it, and an officer would have to decide without the rest."""
    use_rules(service, NO_OVERLAP, now)
    border = first_sunday_after(now) * DAY - DHAKA
    early = border - DAY
    receipt = submit(service, early, not_before=iso(border + hours[0] * HOUR), hours=str(hours[1]))
    last = {"holder__id_number": None, "holder__id_last": ID_NUMBER[-4:], "reason": "office"}
    when = {"not_before": iso(border + corrected[0] * HOUR), "hours": str(corrected[1])}
    application = service.read_one(form(early, **last, **when), now=early)
    run(service.correct(receipt.reference, receipt.secret, application, now=early))
    service.store.decide_next(10, decider(service.rules, early), early)
    state = service.status(receipt.reference, receipt.secret, now=early).state
    assert state == (State.APPROVED if is_known else State.REFERRED)


@pytest.mark.parametrize(
    ("id_type", "one", "other"),
    [
        ("nid", "2691649102331", "19852691649102331"),
        ("birth-registration", "1985269164912345", "19852691649012345"),
    ],
)
def test_one_paper_counts_once_however_its_number_is_written(
    one_a_day: Service, morning: int, id_type: str, one: str, other: str
) -> None:
    first = submit(one_a_day, morning, holder__id_type=id_type, holder__id_number=one)
    assert decided(one_a_day, first, morning) == State.ISSUED
    second = submit(one_a_day, morning, "second", holder__id_type=id_type, holder__id_number=other)
    assert decided(one_a_day, second, morning) == State.REJECTED
