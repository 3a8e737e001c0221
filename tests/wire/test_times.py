"""Check days, and times as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movepass_wire.times import ago, day_name, day_of, iso, local, parse_day, parse_duration, parse_iso


@pytest.mark.parametrize(
    ("seconds", "day"), [(0, 0), (86399, 0), (86400, 1), (1795305599, 20778), (1795305600, 20779), (1795327200, 20779)]
)
def test_a_day_is_a_day_in_utc(seconds: int, day: int) -> None:
    assert day_of(seconds) == day


def test_a_day_is_named_by_its_date() -> None:
    assert (day_name(0), day_name(20779)) == ("1970-01-01", "2026-11-22")
    assert (parse_day("1970-01-01"), parse_day("2026-11-22")) == (0, 20779)
    with pytest.raises(ValueError, match="expected a UTC day like 2026-11-22, got "):
        parse_day("22.11.2026")


def test_a_time_is_shown_in_dhaka() -> None:
    assert iso(1795316400) == "2026-11-22T09:00:00+06:00"
    assert local(1795316400) == "2026-11-22 09:00 Asia/Dhaka"


def test_a_negative_time_is_shown_as_the_first_second() -> None:
    assert {iso(seconds) for seconds in (-(1 << 60), -1, 0)} == {"1970-01-01T06:00:00+06:00"}


@given(st.integers(0, (1 << 32) - 1))
def test_every_time_of_a_pass_round_trips(seconds: int) -> None:
    assert parse_iso(iso(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("1970-01-01T06:00:00+06:00", 0), ("2106-02-07T06:28:15+00:00", (1 << 32) - 1)]
)
def test_the_first_and_the_last_possible_time_of_a_pass_are_read(text: str, seconds: int) -> None:
    assert parse_iso(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "1969-12-31T23:59:59+00:00",
        "2106-02-07T06:28:16+00:00",
        "2200-01-01T00:00:00+00:00",
        "9999-12-31T23:59:59-23:59",
        "2026-11-22T09:00:00",
        "2026-11-22T09:00:00.5+06:00",
        "now",
    ],
)
def test_an_impossible_time_or_a_time_without_zone_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"with its zone like 2026-11-22T09:00:00\+06:00, got"):
        parse_iso(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90m", 5_400), ("24h", 86_400), ("2d", 172_800), ("0m", 0), ("999999d", 86_399_913_600)]
)
def test_a_duration_is_read_in_minutes_hours_or_days(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "90", "90s", "1.5h", "-1h", "1h30m", " 1h", "1 h", "1H", "৯m", "1000000m"])
def test_any_other_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="like 90m, 24h or 2d"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (7199, "1 h 59 min"),
        (90_061, "1 d 1 h"),
        (18720, "5 h 12 min"),
        (273_600, "3 d 4 h"),
        (86_460, "1 d"),
    ],
)
def test_a_duration_is_formatted_in_its_two_largest_units(seconds: int, words: str) -> None:
    assert ago(seconds) == words
