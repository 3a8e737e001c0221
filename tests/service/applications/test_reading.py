"""Reading applications: as people type them, all faults at once, and never more of a number than its end."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.applications import ID_NUMBER, form

from movepass_service.applications.application import (
    Application,
    FieldError,
    InvalidApplication,
    read_application,
    read_applications,
)
from movepass_wire import Place
from movepass_wire.times import DHAKA, iso

NOW = 1795316400  # 2026-11-22T09:00:00+06:00
LEAP = int(datetime(2028, 2, 28, 12, tzinfo=DHAKA).timestamp())


def hash_id(week: int, number: bytes) -> bytes:
    return f"{week} {number.decode()}".encode()


def read(now: int = NOW, /, **changes: Any) -> Application:
    return read_application(form(now, **changes), now=now, hash_id=hash_id)


def faults(now: int = NOW, /, **changes: Any) -> dict[str, FieldError]:
    with pytest.raises(InvalidApplication) as error:
        read(now, **changes)
    return {fault.field: fault for fault in error.value.errors}


def codes(now: int = NOW, /, **changes: Any) -> dict[str, str]:
    return {field: fault.code for field, fault in faults(now, **changes).items()}


def test_a_form_and_the_api_are_read_alike() -> None:
    nested = {
        "request_id": "8f6f9d3a-1111-4222-8333-444455556666",
        "holder": {"name": "Rahima", "id_type": "nid", "id_last": "4821"},
        "from": {"district": "dhaka", "place": "Mirpur 10"},
        "to": {"district": 18},
        "reason": "medical",
        "not_before": "2026-11-22T10:00:00+06:00",
        "not_after": "2026-11-22T13:00:00+06:00",
        "vehicle": {"registration": "DHAKA METRO GA 11-2233", "driver": {"name": "Karim", "licence_last": "77AB"}},
        "language": "en",
        "phone": "01712-345678",
    }
    flat = {
        "holder.name": " Rahima ",
        "holder.id_type": "National ID",
        "holder.id_last": "৪৮২১",
        "holder.id_number": "",
        "from.district": "ঢাকা",
        "from.place": "Mirpur 10",
        "to.district": "১৮",
        "to.place": "  ",
        "reason": "চিকিৎসা",
        "not_before.date": "২২/১১/২০২৬",
        "not_before.time": "১০:০০",
        "hours": "৩",
        "vehicle.registration": "DHAKA METRO GA 11-2233",
        "vehicle.driver.name": "Karim",
        "vehicle.driver.licence_last": "DK0077AB",
        "language": "en",
        "phone": "+৮৮০ ১৭১২ ৩৪৫৬৭৮",
        "on_behalf_of": "",
    }
    one, two = (read_application(fields, now=NOW) for fields in (nested, flat))
    assert one == two
    assert one.trip.origin == Place(13, "Mirpur 10")
    assert (one.phone, one.language, one.trip.driver_licence_last) == ("+8801712345678", "en", "77AB")


def test_an_empty_form_names_every_field_that_is_missing() -> None:
    with pytest.raises(InvalidApplication) as error:
        read_application({}, now=NOW)
    assert {fault.field: fault.code for fault in error.value.errors} == dict.fromkeys(
        [
            "holder.name", "holder.id_type", "holder.id_last", "from.district", "to.district", "reason", "not_before",
            "not_after",
        ],
        "missing",
    )  # fmt: skip


def test_all_faults_are_named_at_once_beside_their_fields() -> None:
    found = codes(
        holder__name="a\u202eb", holder__id_number="12", to__district="Chittagong", reason="!", hours="13",
        not_before="2026-11-22T25:00", phone="999", language="fr", colour="red", on_behalf_of="\u200b",
    )  # fmt: skip
    assert found == {
        "holder.name": "character", "holder.id_number": "id-number", "to.district": "district-misspelt",
        "reason": "no-letter", "hours": "hours", "not_before": "no-time", "phone": "phone", "language": "not-listed",
        "colour": "unknown-key", "on_behalf_of": "character",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Dhakaa", "dhaka"), ("Gajipur", "gazipur"), ("Chittagong", "chattogram"), ("comilla", "cumilla"),
        ("Narayongonj", "narayanganj"), ("গাজিপুর", "gazipur"), ("Coxs Bazar", "coxs-bazar"), ("BARISAL", "barishal"),
    ],
)  # fmt: skip
def test_a_misspelt_district_is_offered(typed: str, meant: str) -> None:
    fault = faults(to__district=typed)["to.district"]
    assert fault.code == "district-misspelt"
    assert fault.values["district"] == meant
    assert read(to__district=fault.values["name_bn"]).trip.destination == read(to__district=meant).trip.destination


def test_a_district_like_no_other_is_only_refused() -> None:
    assert codes(to__district="Zurich-Oerlikon") == {"to.district": "not-listed"}


@pytest.mark.parametrize(
    "start",
    [
        "2026-11-22T10:00:00+06:00", "2026-11-22T04:00:00Z", "2026-11-22T10:00", "2026-11-22 10:00", "২০২৬-১১-২২ ১০:০০",
        "22/11/2026 10:00", "22.11.2026 10.00", {"date": "2026-11-22", "time": "10:00"},
        {"date": "২২-১১-২০২৬", "time": "১০:০০"},
    ],
    ids=str,
)  # fmt: skip
def test_a_time_may_be_written_in_many_ways(start: object) -> None:
    assert iso(read(not_before=start).trip.not_before) == "2026-11-22T10:00:00+06:00"


@pytest.mark.parametrize(
    "start",
    ["", "now", "2026-02-29 10:00", "2026-11-31 10:00", "2026-11-22 24:00", "2026-11-22", ["x"], 7, {"date": "x"}],
)
def test_a_time_that_is_none_is_one_fault(start: object) -> None:
    assert set(codes(not_before=start)) == {"not_before"}


def test_29_february_is_a_day_in_leap_years_only() -> None:
    assert iso(read(LEAP, not_before="29/02/2028 09:00").trip.not_before).startswith("2028-02-29")
    assert set(codes(not_before="2027-02-29 09:00")) == {"not_before"}


def test_an_end_without_a_date_may_be_after_midnight() -> None:
    trip = read(not_before="2026-11-22 23:00", not_after={"time": "01:30"}, hours=None).trip
    assert iso(trip.not_after) == "2026-11-23T01:30:00+06:00"
    trip = read(not_before="2026-11-22 20:00", not_after={"time": "21:30"}, hours=None).trip
    assert iso(trip.not_after) == "2026-11-22T21:30:00+06:00"


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"not_before": iso(NOW - 4 * 3600)}, {"not_after": "over"}),
        ({"not_before": iso(NOW + 73 * 3600)}, {"not_before": "too-far-ahead"}),
        ({"not_after": iso(NOW + 14 * 3600), "hours": None}, {"not_after": "too-many-hours"}),
        ({"not_after": iso(NOW + 3600), "hours": None}, {"not_after": "not-later"}),
    ],
)
def test_what_the_issuer_would_refuse_is_refused_here(changes: dict[str, Any], found: dict[str, str]) -> None:
    assert codes(**changes) == found


def test_of_a_whole_number_the_end_and_a_hash_remain() -> None:
    application = read(holder__id_number="৭৩১২ ৯০৪-৮৫৬")
    assert application.trip.id_last == ID_NUMBER[-4:]
    assert application.id_hash == hash_id(2969, f"nid {ID_NUMBER}".encode())
    assert ID_NUMBER not in repr(application.to_json())
    assert read(holder__id_number=None, holder__id_last="4856").id_hash is None


@pytest.mark.parametrize(
    ("id_type", "number", "is_good"),
    [
        ("nid", "1234567890", True), ("nid", "1234567890123", True), ("nid", "12345678901234567", True),
        ("nid", "123456789", False), ("nid", "12345678AB", False), ("birth-registration", "20011234567890123", True),
        ("passport", "bx 0123456", True), ("passport", "!", False), ("passport", "1" * 25, False),
    ],
)  # fmt: skip
def test_numbers_have_as_many_digits_as_their_papers(id_type: str, number: str, *, is_good: bool) -> None:
    changes = {"holder__id_type": id_type, "holder__id_number": number}
    if is_good:
        assert read(**changes).id_hash
    else:
        assert codes(**changes) == {"holder.id_number": "id-number"}


def test_the_end_of_a_number_is_no_place_for_a_whole_one() -> None:
    assert codes(holder__id_number=None, holder__id_last=ID_NUMBER) == {"holder.id_last": "id-last-too-long"}
    assert codes(holder__id_last="1111") == {"holder.id_last": "id-last-differs"}


def test_out_and_back_are_two_trips_of_one_form() -> None:
    fields = form(NOW, **{"back.not_before": "2026-11-22 18:00", "from.place": "Mirpur"})
    out, back = read_applications(fields, now=NOW)
    assert (out.trip.origin, out.trip.destination) == (back.trip.destination, back.trip.origin)
    assert iso(back.trip.not_after) == "2026-11-22T21:00:00+06:00"
    with pytest.raises(InvalidApplication) as error:
        read_applications(form(NOW, **{"back.not_before": "2026-11-22 10:30", "back.hours": "1"}), now=NOW)
    assert error.value.errors == (FieldError("back.not_before", "before-way-out"),)
    with pytest.raises(InvalidApplication) as error:
        read_applications(form(NOW, reason=None, **{"back.not_before": "later"}), now=NOW)
    assert {f.field: f.code for f in error.value.errors} == {"reason": "missing", "back.not_before": "no-time"}


def test_a_reason_may_be_in_ones_own_words() -> None:
    assert read(reason="other", other_reason="Wedding").trip.reason == "Wedding"
    assert read(reason=None, other_reason="Wedding").trip.reason == "Wedding"


def test_what_is_kept_reads_back_as_the_same() -> None:
    application = read(phone="01812345678", on_behalf_of="Union office", vehicle__registration="DHAKA 1")
    kept = json.loads(json.dumps(application.to_json()))
    assert Application.from_json(kept, application.id_hash) == application


def test_a_digest_is_of_the_content_and_the_whole_number() -> None:
    one = read()
    assert one.digest(b"k") == read().digest(b"k")
    assert one.digest(b"k") != one.digest(b"other key")
    others = [read(reason="office"), read(holder__id_number="7312904857"), read(holder__id_number="9912904856")]
    assert len({one.digest(b"k"), *(other.digest(b"k") for other in others)}) == 4


@pytest.mark.parametrize("value", [["a"], {"a": {"b": {"c": {"d": {"e": 1}}}}}, 1 << 70, 1.5, True, "x" * 1_000_000])
def test_fields_of_the_wrong_kind_are_faults(value: object) -> None:
    for field in form(NOW):
        with pytest.raises(InvalidApplication):
            read_application(form(NOW) | {field: value}, now=NOW)


def test_fields_without_end_are_refused() -> None:
    with pytest.raises(InvalidApplication):
        read_application({str(n): n for n in range(100_000)}, now=NOW)


@pytest.mark.parametrize("hours", ["0", "13", "x", [], {"a": 1}])
def test_the_hours_of_the_way_back_are_its_own_fault(hours: object) -> None:
    back = {"back.not_before": iso(NOW + 8 * 3600), "back.hours": hours}
    with pytest.raises(InvalidApplication) as error:
        read_applications(form(NOW) | back, now=NOW, hash_id=hash_id)
    assert {fault.field for fault in error.value.errors} == {"back.hours"}


@pytest.mark.parametrize(
    "day", ["9999-12-31 23:59", "9999-12-31T23:59:00+06:00", {"date": "9999-12-31", "time": "23:59"}]
)
def test_a_day_to_which_nothing_can_be_added_is_a_fault(day: object) -> None:
    fields = {name: value for name, value in form(NOW).items() if not name.startswith("not_")}
    with pytest.raises(InvalidApplication) as error:
        read_application(fields | {"not_before": day, "hours": "12"}, now=NOW)
    assert {fault.field for fault in error.value.errors} == {"not_before"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
TYPED = st.text(st.characters(codec="utf-8", exclude_categories=()) | st.sampled_from("০১২৩৪৫৬৭৮৯0123456789-/:. TZ+"))
NAMES = st.sampled_from(
    [*form(NOW), "not_after", "phone", "language", "back", "holder", "from", "vehicle.driver.name", "."]
)


@given(st.dictionaries(NAMES | st.text(max_size=6), JSON | TYPED, max_size=6))
def test_any_fields_are_an_application_or_faults(changes: dict[str, Any]) -> None:
    try:
        applications = read_applications(form(NOW) | changes, now=NOW, hash_id=hash_id)
    except InvalidApplication as e:
        texts = [text for error in e.errors for text in (error.field, error.code, *error.values.values())]
        if not texts or not all(isinstance(text, str) for text in texts):
            pytest.fail(repr(e.errors))
        return
    for application in applications:
        assert Application.from_json(json.loads(json.dumps(application.to_json())), application.id_hash) == application
