"""Hiding: no count of one answer can be worked out from what else it shows."""

from datetime import date
from typing import Any

import pytest

from movepass_service.statistics.hiding import HIDE, hide_small
from movepass_service.statistics.reports import Answer, find_report

DAY = date(2021, 4, 14)


def hidden(name: str, rows: tuple[tuple[Any, ...], ...], **filters: str) -> list[tuple[Any, ...]]:
    return hide_small(Answer(find_report(name), DAY, DAY, filters, rows, None))


def test_a_row_of_totals_goes_with_a_hidden_part() -> None:
    rows = (
        ("urgent", "all", 15, 1, 2, 3), ("urgent", "officer", 3, 1, 2, 3), ("urgent", "rules", 12, 1, 2, 3),
        ("ordinary", "all", 30, 1, 2, 3), ("ordinary", "rules", 30, 1, 2, 3),
    )  # fmt: skip
    shown = hidden("time-to-decision", rows, district="dhaka")
    assert [row[2] for row in shown] == [HIDE, HIDE, 12, 30, 30]
    assert shown[0][3:] == (HIDE, HIDE, HIDE)
    assert hidden("time-to-decision", rows) == list(rows)


def test_the_total_of_revocations_goes_with_a_hidden_outcome() -> None:
    rows = (("all", 13, 13, 1, 2, 3, 4), ("withdraw", 11, 11, 1, 2, 3, 4), ("revoke", 2, 2, 1, 2, 3, 4))
    assert [row[1] for row in hidden("revocations", rows, reason="medical")] == [HIDE, 11, HIDE]


def test_no_share_tells_how_many_all_rows_count() -> None:
    rows = (("three-a-day", "v1", 12, 80.0), ("overlap", "v1", 3, 20.0))
    assert [row[3] for row in hidden("refusals-by-rule", rows, district="dhaka")] == [HIDE, HIDE]
    assert hidden("refusals-by-rule", rows) == list(rows)


@pytest.mark.parametrize("name", ["decided-by-rules", "quotas"])
def test_a_share_of_its_own_row_is_shown_beside_a_hidden_row(name: str) -> None:
    width = len(find_report(name).columns) - 2
    rows = (("2021-04-14", *[20] * width, 50.0), ("2021-04-15", *[5] * width, 50.0))
    assert [row[-1] for row in hidden(name, rows, district="dhaka")] == [50.0, HIDE]
