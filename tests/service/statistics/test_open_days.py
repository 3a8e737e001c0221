"""Published days: written and read the same, kept once, and refused when damaged."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movepass_service.statistics.open.days import OpenDay, OpenDayError, make_day
from movepass_service.statistics.open.kept import FOLDER, KeptDays, KeptDaysError
from movepass_service.statistics.open.tables import BY_NAME, NOT_PASSED, PASSED

DAY = date(2026, 11, 28)
REASONS = BY_NAME["reasons"]
LEAVES = st.dictionaries(st.sampled_from(REASONS.tree.leaves), st.integers(0, 60))


@given(LEAVES, LEAVES)
def test_a_day_is_read_as_it_was_written(passed: dict[str, int], others: dict[str, int]) -> None:
    made = make_day(REASONS, DAY, {PASSED: passed, NOT_PASSED: others}, secret=b"s")
    assert OpenDay.read(made.write()) == made
    assert all(count >= 9 for count in made.counts.values())
    assert (made.total is None) == (sum(passed.values()) + sum(others.values()) < 10)


@pytest.mark.parametrize(
    "written",
    [b"", b"nonsense", b"2026-11-28,all,all,x\n", b"2026-11-28,pass,all,12\n", b"\xff",
     b"2026-11-28,all,all,12\n2026-11-29,all,all,12\n", b"2026-11-28,all,all,12\n2026-11-28,all,all,15\n"],
)  # fmt: skip
def test_a_damaged_day_is_refused(tmp_path: Path, written: bytes) -> None:
    with pytest.raises(OpenDayError):
        OpenDay.read(written)
    path = tmp_path / FOLDER / "reasons" / "2026-11-28.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(written)
    with pytest.raises(KeptDaysError):
        KeptDays(tmp_path).read(REASONS, DAY)


def test_the_first_one_stays(tmp_path: Path) -> None:
    kept = KeptDays(tmp_path)
    first = OpenDay(DAY, {("all", "all"): 12})
    assert kept.keep(REASONS, first) == first
    assert KeptDays(tmp_path).keep(REASONS, OpenDay(DAY, {("all", "all"): 15})) == first
    (tmp_path / FOLDER / "reasons" / ".2026-11-29.csv.x").write_bytes(b"cut off")
    assert kept.days(REASONS) == [DAY]
