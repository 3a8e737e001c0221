"""Long proofs: every run takes a sample of each, `make slow` all of it. A run ends by naming what it sampled."""

from collections.abc import Sequence
from typing import Any

import pytest
from _pytest.mark import ParameterSet


def some_of(what: str, some: int, of: int) -> list[ParameterSet]:
    """Return the parameters of a test that repeats something: how often in every run, and how often in all."""
    return _sampled(some, of, f"{what}: {some:,} of {of:,}")


def every_nth_of(what: str, nth: int) -> list[ParameterSet]:
    """Return the parameters of a test that goes through a list in steps: the step of every run, and 1."""
    return _sampled(nth, 1, f"{what}: 1 in {nth:,}")


def first_of(what: str, some: int, values: Sequence[Any]) -> list[ParameterSet]:
    """Return the parameters of a test of many like values: every run tries the first ones, `make slow` the others."""
    mark = pytest.mark.sampled(f"{what}: {some:,} of {len(values):,}")
    return [pytest.param(value, marks=mark if place < some else pytest.mark.slow) for place, value in enumerate(values)]


def _sampled(some: int, whole: int, said: str) -> list[ParameterSet]:
    return [pytest.param(some, marks=pytest.mark.sampled(said)), pytest.param(whole, marks=pytest.mark.slow)]
