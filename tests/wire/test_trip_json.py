"""Check that the JSON of a trip round-trips and that mistakes are refused with the key named."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.passes import changed_in_each_field

from movepass_wire.claims import Pass, Place, Trip, decode_claims, encode_claims
from movepass_wire.errors import ClaimsError
from movepass_wire.trip_json import trip_from_json, trip_to_json

NBF = 1795316400  # 2026-11-22T09:00:00+06:00
EXAMPLE: dict[str, Any] = {
    "holder": {"name": "Rahima Khatun", "id_type": "nid", "id_last": "4821"},
    "from": {"district": "dhaka", "place": "Mirpur 10"},
    "to": {"district": "gazipur"},
    "reason": "medical",
    "not_before": "2026-11-22T09:00:00+06:00",
    "not_after": "2026-11-22T12:00:00+06:00",
    "vehicle": {
        "registration": "DHAKA METRO GA 11-2233",
        "driver": {"name": "Abdul Karim", "licence_last": "77AB"},
    },
}
TRIP = Trip(
    not_before=NBF,
    not_after=NBF + 3 * 3600,
    holder_name="Rahima Khatun",
    id_type=1,
    id_last="4821",
    origin=Place(13, "Mirpur 10"),
    destination=Place(18),
    reason=3,
    vehicle="DHAKA METRO GA 11-2233",
    driver_name="Abdul Karim",
    driver_licence_last="77AB",
)


_MISSING = object()


def change(path: str, value: object) -> dict[str, Any]:
    """Copy the example with one key changed or removed."""
    document = deepcopy(EXAMPLE)
    *parents, last = path.split(".")
    inner = document
    for parent in parents:
        inner = inner[parent]
    if value is _MISSING:
        del inner[last]
    else:
        inner[last] = value
    return document


def test_every_field_of_a_trip_is_in_its_json_and_in_its_claims() -> None:
    for field, other in changed_in_each_field(TRIP):
        assert trip_from_json(trip_to_json(other)) == other, field
        assert decode_claims(encode_claims(Pass(0, other))).trip == other, field


def test_the_example_of_the_design_is_read() -> None:
    assert trip_from_json(EXAMPLE) == TRIP


def test_the_example_of_the_design_round_trips() -> None:
    assert trip_to_json(trip_from_json(EXAMPLE)) == EXAMPLE


def test_the_example_of_the_design_round_trips_through_the_wire() -> None:
    claims = encode_claims(Pass(400_000, trip_from_json(EXAMPLE)))
    assert trip_to_json(decode_claims(claims).trip) == EXAMPLE


@pytest.mark.parametrize("path", ["from.place", "vehicle", "vehicle.driver"])
def test_optional_keys_may_be_left_out(path: str) -> None:
    document = change(path, _MISSING)
    assert trip_to_json(trip_from_json(document)) == document


@pytest.mark.parametrize(
    "path",
    [
        "holder",
        "holder.name",
        "holder.id_type",
        "holder.id_last",
        "from",
        "from.district",
        "to",
        "to.district",
        "reason",
        "not_before",
        "not_after",
        "vehicle.registration",
        "vehicle.driver.name",
        "vehicle.driver.licence_last",
    ],
)
def test_a_missing_key_is_named(path: str) -> None:
    with pytest.raises(ClaimsError) as refusal:
        trip_from_json(change(path, _MISSING))
    assert (refusal.value.field, str(refusal.value)) == (path, f"{path}: missing")


@pytest.mark.parametrize("where", ["", "holder.", "from.", "to.", "vehicle.", "vehicle.driver."])
@pytest.mark.parametrize("key", ["phone", "Name", "", "0"])
def test_an_unknown_key_is_named_at_every_level(where: str, key: str) -> None:
    with pytest.raises(ClaimsError, match="unknown key; known here: ") as refusal:
        trip_from_json(change(where + key, 1))
    assert refusal.value.field == where + key


def test_a_request_id_does_not_belong_to_the_trip() -> None:
    with pytest.raises(ClaimsError, match=r"^request_id: unknown key"):
        trip_from_json({"request_id": "R-1001", **EXAMPLE})


def test_the_name_of_a_very_long_unknown_key_is_cut() -> None:
    with pytest.raises(ClaimsError) as refusal:
        trip_from_json(change("holder." + "x" * 1000, 1))
    assert len(refusal.value.field) == 80


@pytest.mark.parametrize("path", ["holder", "from", "to", "vehicle", "vehicle.driver"])
@pytest.mark.parametrize("value", ["text", 5, None, True, [], [{}]])
def test_a_value_that_is_not_an_object_is_refused(path: str, value: object) -> None:
    with pytest.raises(ClaimsError, match="expected an object") as refusal:
        trip_from_json(change(path, value))
    assert refusal.value.field == path


@pytest.mark.parametrize("document", ["text", 5, None, True, [], [EXAMPLE], b"{}"])
def test_a_document_that_is_not_an_object_is_refused(document: object) -> None:
    with pytest.raises(ClaimsError, match=r"^expected an object"):
        trip_from_json(document)


@pytest.mark.parametrize(
    "path",
    [
        "holder.name",
        "holder.id_last",
        "from.place",
        "reason",
        "vehicle.registration",
        "vehicle.driver.name",
        "vehicle.driver.licence_last",
    ],
)
@pytest.mark.parametrize("value", [5, None, True, 4.5, [], {}, ["a"]])
def test_a_value_that_is_not_text_is_refused(path: str, value: object) -> None:
    with pytest.raises(ClaimsError, match="expected text") as refusal:
        trip_from_json(change(path, value))
    assert refusal.value.field == path


@pytest.mark.parametrize(
    ("district", "number"),
    [
        ("dhaka", 13),
        ("Dhaka", 13),
        (" DHAKA ", 13),
        ("ঢাকা", 13),
        (13, 13),
        ("13", 13),
        ("06", 6),
        ("6", 6),
        (1, 1),
        (64, 64),
        ("Cox's Bazar", 11),
        ("coxs-bazar", 11),
        ("কক্সবাজার", 11),
        ("Chapai Nawabganj", 45),
    ],
)
def test_a_district_is_found_by_key_code_or_name_in_either_language(district: object, number: int) -> None:
    assert trip_from_json(change("to.district", district)).destination == Place(number)


@pytest.mark.parametrize(
    "district",
    [0, 65, -1, "0", "65", "013", "1" * 5000, "", " ", "atlantis", "১৩", "²", 13.0, True, False, None, [], {}, "BD-13"],
)
@pytest.mark.parametrize("place", ["from", "to"])
def test_an_unknown_district_is_refused(place: str, district: object) -> None:
    with pytest.raises(ClaimsError, match="expected one of the 64 districts by name or code") as refusal:
        trip_from_json(change(f"{place}.district", district))
    assert refusal.value.field == f"{place}.district"
    assert len(str(refusal.value)) < 200


def test_a_bangla_name_is_found_in_either_unicode_form() -> None:
    composed, decomposed = "বগু\u09dcা", "বগু\u09a1\u09bcা"
    for name in (composed, decomposed):
        assert trip_from_json(change("to.district", name)).destination == Place(3)


@pytest.mark.parametrize(
    ("id_type", "number"),
    [
        ("nid", 1),
        ("driving-licence", 2),
        ("passport", 3),
        ("birth-registration", 4),
        ("employee-id", 5),
        ("student-id", 6),
    ],
)
def test_every_identity_paper_has_its_number(id_type: str, number: int) -> None:
    document = change("holder.id_type", id_type)
    trip = trip_from_json(document)
    assert trip.id_type == number
    assert trip_to_json(trip) == document


@pytest.mark.parametrize("id_type", ["", "library-card", 0, 7, True, None, 1.0, []])
def test_an_unknown_identity_paper_is_refused_and_the_six_are_named(id_type: object) -> None:
    with pytest.raises(ClaimsError, match="expected one of nid, driving-licence, passport, ") as refusal:
        trip_from_json(change("holder.id_type", id_type))
    assert refusal.value.field == "holder.id_type"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("groceries", 1),
        ("medical", 3),
        ("return-home", 14),
        (" medical ", 3),
        ("Medical", "Medical"),
        ("Wedding of my sister", "Wedding of my sister"),
        ("জানাজা", "জানাজা"),
        ("3", "3"),
    ],
)
def test_a_reason_is_a_listed_code_or_free_text(reason: str, expected: int | str) -> None:
    assert trip_from_json(change("reason", reason)).reason == expected


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("2026-11-22T09:00:00+06:00", NBF),
        ("2026-11-22T03:00:00Z", NBF),
        ("2026-11-22T03:00:00+00:00", NBF),
        ("2026-11-22 09:00+06:00", NBF),
        ("2026-11-21T22:00:00-05:00", NBF),
        ("1970-01-01T00:00:00Z", 0),
    ],
)
def test_a_time_is_read_in_any_zone(time: str, seconds: int) -> None:
    assert trip_from_json(change("not_before", time)).not_before == seconds


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-22T09:00:00",
        "2026-11-22",
        "20261122",
        "09:00",
        "2026-11-22T09:00:00.5+06:00",
        "2026-11-22T25:00:00+06:00",
        "2026-02-30T09:00:00+06:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "tomorrow",
        "",
        "x" * 5000,
        NBF,
        20261122,
        float(NBF),
        None,
        True,
        [],
        {},
    ],
)
@pytest.mark.parametrize("field", ["not_before", "not_after"])
def test_an_impossible_time_or_a_time_without_zone_is_refused(field: str, time: object) -> None:
    with pytest.raises(ClaimsError, match="expected a time with its zone like 2026-11-22T09:00:00") as refusal:
        trip_from_json(change(field, time))
    assert refusal.value.field == field
    assert len(str(refusal.value)) < 150


@pytest.mark.parametrize(
    ("path", "attribute"),
    [
        ("holder.name", "holder_name"),
        ("holder.id_last", "id_last"),
        ("reason", "reason"),
        ("vehicle.registration", "vehicle"),
        ("vehicle.driver.name", "driver_name"),
        ("vehicle.driver.licence_last", "driver_licence_last"),
    ],
)
def test_text_is_normalised(path: str, attribute: str) -> None:
    trip = trip_from_json(change(path, "  বা\u09dc\u09bf Jose\u0301\n"))
    assert getattr(trip, attribute) == "বা\u09a1\u09bc\u09bf José"


def test_the_text_of_a_place_is_normalised() -> None:
    assert trip_from_json(change("from.place", " \u09df ")).origin == Place(13, "\u09af\u09bc")


def test_limits_are_checked_only_when_claims_are_encoded() -> None:
    trip = trip_from_json(change("holder.name", "x" * 65))
    with pytest.raises(ClaimsError, match=r"^holder.name: 65 characters; at most 64 fit"):
        encode_claims(Pass(0, trip))


def test_codes_of_newer_tables_stay_numbers() -> None:
    document = trip_to_json(TRIP._replace(id_type=99, origin=Place(65), reason=200))
    assert (document["holder"]["id_type"], document["from"]["district"], document["reason"]) == (99, 65, 200)


def test_unknown_body_keys_are_written_under_unknown() -> None:
    unknown = {10: b"\x01\xff", 11: [1, b"\x02", {3: True}], -1: "text"}
    document = trip_to_json(TRIP._replace(unknown=unknown))
    assert document["unknown"] == {"10": "01ff", "11": [1, "02", {"3": True}], "-1": "text"}


@pytest.mark.parametrize(
    ("name", "licence", "driver"),
    [
        ("Abdul", None, {"name": "Abdul"}),
        (None, "77AB", {"licence_last": "77AB"}),
        ("Abdul", "77AB", {"name": "Abdul", "licence_last": "77AB"}),
    ],
)
def test_an_incomplete_driver_from_the_wire_stays_incomplete(
    name: str | None, licence: str | None, driver: object
) -> None:
    document = trip_to_json(TRIP._replace(driver_name=name, driver_licence_last=licence, vehicle=None))
    assert document["vehicle"] == {"driver": driver}


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_paths = [
    "holder",
    "holder.name",
    "holder.id_type",
    "from.district",
    "to",
    "to.place",
    "reason",
    "not_before",
    "vehicle",
    "vehicle.driver",
    "vehicle.driver.name",
]


@given(st.sampled_from(_paths), _json)
def test_any_json_in_any_place_is_read_or_refused(path: str, value: object) -> None:
    try:
        encode_claims(Pass(0, trip_from_json(change(path, value))))
    except ClaimsError as e:
        assert e.field  # noqa: PT017 - noqa: PT017 - a value may also be valid
