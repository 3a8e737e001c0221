"""Check the code tables, whose numbers never change."""

import pytest

from movepass_wire.codes import DISTRICTS, ID_TYPES, REASONS, Table


@pytest.mark.parametrize(("table", "rows"), [(DISTRICTS, 64), (ID_TYPES, 6), (REASONS, 14)], ids=["d", "i", "r"])
def test_a_table_is_numbered_from_1_without_gaps(table: Table, rows: int) -> None:
    assert list(table.by_number) == list(range(1, rows + 1))
    assert len(table.by_key) == rows


@pytest.mark.parametrize("table", [DISTRICTS, ID_TYPES, REASONS], ids=["districts", "id types", "reasons"])
def test_every_row_is_found_by_number_key_and_all_its_names(table: Table) -> None:
    for code in table.by_number.values():
        assert table.find(code.number) == code
        assert [table.find(name) for name in (code.key, *code.names.values())] == [code] * (1 + len(code.names))


@pytest.mark.parametrize("table", [DISTRICTS, ID_TYPES, REASONS], ids=["districts", "id types", "reasons"])
def test_every_row_of_a_table_has_names_in_the_same_languages(table: Table) -> None:
    first, *others = table.by_number.values()
    assert {"en", "bn"} <= first.names.keys()
    assert all(code.names.keys() == first.names.keys() for code in others)


def test_a_row_is_named_in_its_languages_or_in_english() -> None:
    dhaka = DISTRICTS.by_key["dhaka"]
    assert [dhaka.name(language) for language in ("en", "bn", "xx")] == ["Dhaka", "ঢাকা", "Dhaka"]


@pytest.mark.parametrize(
    ("number", "key"), [(1, "bandarban"), (13, "dhaka"), (18, "gazipur"), (60, "sylhet"), (64, "thakurgaon")]
)
def test_district_numbers_are_those_of_iso_3166_2(number: int, key: str) -> None:
    assert DISTRICTS.by_number[number].key == key


def test_a_number_of_a_newer_table_stays_a_number() -> None:
    assert (DISTRICTS.key(13), DISTRICTS.key(65)) == ("dhaka", 65)
