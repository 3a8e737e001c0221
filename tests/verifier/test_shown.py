"""Check what an officer is shown of a pass."""

import pytest
from support.passes import approved, changed_in_each_field

from movepass_verifier.officer.shown import trip_rows
from movepass_words import LANGUAGES, words


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_of_a_trip_is_shown(language: str) -> None:
    trip, say = approved("R-1", 1_795_316_400).trip, words(language)
    for field, other in changed_in_each_field(trip):
        assert trip_rows(other, say) != trip_rows(trip, say), field
