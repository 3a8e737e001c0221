"""Conditions in words, the same for the command and the site's page of rules."""

from movepass_service.rules.columns import COLUMNS, Column, Condition
from movepass_service.rules.wording import describe
from movepass_wire.limits import PASS_MAX_SECONDS


def test_every_kind_of_condition_has_words_of_its_own() -> None:
    for language in ("bn", "en"):
        for name, column in COLUMNS.items():
            written = [describe({name: condition}, language) for condition in _conditions(column)]
            assert len(set(written)) == len(written)


def _conditions(column: Column) -> list[Condition]:
    if isinstance(column.domain, range):
        low, high = column.domain[0], column.domain[-1]
        return [range(low, 3), range(2, high + 1), range(2, 4)]
    return [frozenset([value]) for value in column.domain]


def test_a_length_beyond_whole_hours_is_more_than_those() -> None:
    end = PASS_MAX_SECONDS // 60 + 1
    assert describe({"minutes": range(181, end)}, "en") == ("length of the trip: more than 3 h",)
    assert describe({"minutes": range(180, end)}, "en") == ("length of the trip: at least 3 h",)
