"""Check that every attack test needs a defence."""

import pytest

from attacks import mutations
from attacks.defences import MUTATIONS, NOTHING_TO_DISABLE


def test_every_attack_test_has_a_defence_that_it_misses_or_a_reason_why_not() -> None:
    caught = {test for mutation in MUTATIONS.values() for test in mutation.tests}
    assert caught | set(NOTHING_TO_DISABLE) | mutations.open_tests() == set(mutations.attack_tests())


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTATIONS)
def test_what_a_defence_is_for_is_missed_when_it_is_gone(name: str) -> None:
    assert [test for test, failures in mutations.run(name).items() if not failures] == []
