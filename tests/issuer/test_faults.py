"""All faults of a request at once: each by the same code that stops an issuer at the first."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.passes import HOUR, iso, request

from movepass_issuer import ApprovedPass, RequestError, read_trip
from movepass_issuer.issuing.faults import FAULTS_MAX

NOW = 1795316400  # 2026-11-22T09:00:00+06:00


def trip(**changes: Any) -> dict[str, Any]:
    document = request("R-1", NOW, **changes)
    del document["request_id"]
    return document


def codes(document: dict[str, Any]) -> dict[str, str]:
    read, faults = read_trip(document, now=NOW)
    assert (read is None) == bool(faults)
    return {fault.field: fault.code for fault in faults}


def test_a_good_trip_is_what_an_issuer_reads() -> None:
    read, faults = read_trip(trip(), now=NOW)
    assert faults == ()
    assert read == ApprovedPass.from_json(request("R-1", NOW)).trip


def test_every_field_at_fault_is_named_once() -> None:
    document = trip(
        holder={"name": "a\u202eb", "id_type": "library-card", "id_last": "x" * 65},
        to={"district": "Atlantis"},
        reason="!",
        not_before="yesterday",
        not_after=iso(NOW - HOUR),
        vehicle={"registration": "", "driver": {"name": "A"}},
        colour="red",
    )
    assert codes(document) == {
        "colour": "unknown-key",
        "vehicle.driver.licence_last": "missing",
        "not_before": "no-time",
        "holder.id_type": "not-listed",
        "to.district": "not-listed",
        "holder.name": "character",
        "holder.id_last": "too-long",
        "vehicle.registration": "missing",
        "reason": "no-letter",
        "not_after": "over",
    }


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        (NOW - 2 * HOUR, NOW, {"not_after": "over"}),
        (NOW + 73 * HOUR, NOW + 74 * HOUR, {"not_before": "too-far-ahead"}),
        (NOW, NOW + 13 * HOUR, {"not_after": "too-many-hours"}),
        (NOW + HOUR, NOW + HOUR, {"not_after": "not-later"}),
        (NOW + 72 * HOUR, NOW + 84 * HOUR, {}),
    ],
)
def test_times_are_checked_as_when_a_pass_is_issued(start: int, end: int, found: dict[str, str]) -> None:
    assert codes(trip(not_before=iso(start), not_after=iso(end))) == found


def test_a_document_is_not_changed_and_faults_without_end_are_cut_off() -> None:
    document = trip(reason="!", **{f"key {number}": number for number in range(100)})
    before = json.dumps(document)
    assert len(codes(document)) == FAULTS_MAX
    assert json.dumps(document) == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("holder", "from", "to", "reason", "not_before", "not_after", "vehicle", "x", "a.b")


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_values_are_a_trip_or_faults_of_which_the_first_is_the_issuers(changes: dict[str, Any]) -> None:
    document = trip() | changes
    read, faults = read_trip(document, now=NOW)
    assert (read is None) == bool(faults)
    assert len({fault.field for fault in faults}) == len(faults)
    if faults and faults[0].code not in ("over", "too-far-ahead"):
        with pytest.raises(RequestError) as error:
            ApprovedPass.from_json({"request_id": "R-1", **document})
        assert str(error.value) == str(faults[0])
