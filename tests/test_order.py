"""The slowest files are begun first."""

from conftest import SLOWEST
from support.processes import ROOT


def test_each_file_that_is_to_be_begun_first_is_there() -> None:
    assert [name for name in SLOWEST if not (ROOT / "tests" / name).is_file()] == []
