"""Check limits that follow from other limits."""

from movepass_wire.limits import (
    ISSUE_AHEAD_MAX_SECONDS,
    PASS_DAYS_AHEAD_MAX,
    PASS_MAX_SECONDS,
    PUBLISHED_DAYS_AHEAD,
)
from movepass_wire.times import DAY_SECONDS, day_of


def test_a_pass_ends_on_a_day_that_has_a_log_when_it_is_issued() -> None:
    last_second = 20_780 * DAY_SECONDS - 1
    latest_end = last_second + ISSUE_AHEAD_MAX_SECONDS + PASS_MAX_SECONDS
    assert day_of(latest_end) == day_of(last_second) + PASS_DAYS_AHEAD_MAX
    assert PASS_DAYS_AHEAD_MAX <= PUBLISHED_DAYS_AHEAD
