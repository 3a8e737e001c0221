"""The approved pass: what an issuing service may hand over, and everything else refused with words that help."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.passes import HOUR, approved, iso, request

from movepass_issuer import ApprovedPass, RequestError
from movepass_issuer.issuing.approved import REQUEST_MAX_BYTES
from movepass_wire import Place
from movepass_wire.trip_json import trip_to_json

NOW = 1795316400  # 2026-11-22T09:00:00+06:00


def changed(**changes: Any) -> dict[str, Any]:
    return request("R-1", NOW, **changes)


def refusal(document: Any) -> str:
    with pytest.raises(RequestError) as error:
        ApprovedPass.from_json(document)
    return str(error.value)


def test_designs_example_is_read_as_it_says() -> None:
    """DESIGN.md, section 9."""
    example = """
    {"request_id": "R-1001",
     "holder": {"name": "Rahima Khatun", "id_type": "nid", "id_last": "4821"},
     "from": {"district": "dhaka", "place": "Mirpur 10"}, "to": {"district": "gazipur"},
     "reason": "medical", "not_before": "2026-11-22T09:00:00+06:00", "not_after": "2026-11-22T12:00:00+06:00",
     "vehicle": {"registration": "DHAKA METRO GA 11-2233", "driver": {"name": "Abdul Karim", "licence_last": "77AB"}}}
    """
    request = ApprovedPass.from_json(example)
    trip = request.trip
    assert (request.request_id, trip.holder_name, trip.id_type, trip.id_last) == ("R-1001", "Rahima Khatun", 1, "4821")
    assert (trip.origin, trip.destination) == (Place(13, "Mirpur 10"), Place(18))
    assert (trip.reason, trip.not_before, trip.not_after) == (3, NOW, NOW + 3 * HOUR)
    assert (trip.vehicle, trip.driver_name, trip.driver_licence_last) == (
        "DHAKA METRO GA 11-2233", "Abdul Karim", "77AB",
    )  # fmt: skip


def test_text_bytes_and_objects_are_read_alike() -> None:
    document = changed()
    text = json.dumps(document, ensure_ascii=False)
    forms = (document, text, text.encode(), json.dumps(document, indent=2))
    assert len({ApprovedPass.from_json(form).content_hash for form in forms}) == 1


def test_a_byte_order_mark_is_no_fault() -> None:
    text = json.dumps(changed())
    for form in ("\ufeff" + text, b"\xef\xbb\xbf" + text.encode()):
        assert ApprovedPass.from_json(form) == ApprovedPass.from_json(text)


def test_an_object_that_is_handed_over_is_not_changed() -> None:
    document = changed()
    before = json.dumps(document)
    ApprovedPass.from_json(document)
    assert json.dumps(document) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "not a JSON object"),
        (b"{", "not a JSON object"),
        (b"hello", "not a JSON object"),
        (b"\xff\xfe{\0}\0", "not a JSON object"),
        (b'{"a": "\xff"}', "not a JSON object"),
        (b"{} {}", "not a JSON object"),
        (b"[]", "got list"),
        (b"null", "got NoneType"),
        (b'"R-1"', "got str"),
        (b"7", "got int"),
        (b"NaN", "got float"),
        (b"{}", "request_id"),
        (b'{"request_id": "R-1"}', "missing"),
        (b"9" * 5000, "not a JSON object"),
        (b'\xef\xbb\xbf\xef\xbb\xbf{"request_id": "R-1"}', "not a JSON object"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_is_no_request_is_refused_with_the_reason(text: bytes, words: str) -> None:
    assert words in refusal(text)


def test_a_key_given_twice_is_refused_and_named_at_any_depth() -> None:
    good = json.dumps(changed())
    assert refusal(good.replace('"reason"', '"reason": "funeral", "reason"')) == "reason: given twice"
    assert refusal(good.replace('"id_type"', '"name": "Somebody Else", "id_type"')) == "name: given twice"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "13.0", "true", "null", "0", "65", "-1"])
def test_a_number_that_is_no_districts_is_refused(number: str) -> None:
    text = json.dumps(changed(to={"district": "DISTRICT"})).replace('"DISTRICT"', number)
    assert "to.district" in refusal(text)


@pytest.mark.parametrize("field", ["not_before", "not_after", "reason", "holder", "from", "vehicle"])
@pytest.mark.parametrize("value", ["NaN", "1e999", "7", "true", "null", "[]", '""', "{}"])
def test_a_value_of_the_wrong_kind_names_its_field(field: str, value: str) -> None:
    text = json.dumps(changed(**{field: "VALUE"})).replace('"VALUE"', value)
    assert field in refusal(text)


@pytest.mark.parametrize("field", ["request_id", "holder", "not_before", "reason", "unknown", "to"])
@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"a":', "}")])
def test_nesting_of_any_depth_is_a_request_error(field: str, left: str, right: str) -> None:
    """Also where reading it just works and showing it would be too deep."""
    text = json.dumps(changed(**{field: "DEEP"}))
    for depth in [100, *range(850, 1_010), 10_000]:
        refusal(text.replace('"DEEP"', left * depth + ("1" if left != "[" else "") + right * depth))


def test_a_huge_request_is_refused_before_it_is_read() -> None:
    text = json.dumps(changed())
    padded = text + " " * (REQUEST_MAX_BYTES - len(text))
    assert ApprovedPass.from_json(padded)
    assert str(REQUEST_MAX_BYTES) in refusal(padded + " ")
    assert str(REQUEST_MAX_BYTES) in refusal((padded + " ").encode())


@pytest.mark.parametrize("good", ["R", "R" * 128, "ঢাকা-১", "a b", "'\"\\/%", "🚗"])
def test_a_request_id_is_any_printable_text_of_up_to_128_characters(good: str) -> None:
    assert ApprovedPass.from_json(changed(request_id=good)).request_id == good


@pytest.mark.parametrize(
    "bad", ["", "R" * 129, "a\nb", "a\tb", "a\0", "a\u202eb", "a\u200bb", "\ud800", 7, None, ["R"]]
)
def test_another_request_id_is_refused(bad: Any) -> None:
    document = changed()
    document["request_id"] = bad
    assert refusal(document).startswith("request_id: ")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ((), "extra"), (("holder",), "holder.extra"), (("from",), "from.extra"), (("vehicle",), "vehicle.extra"),
        (("vehicle", "driver"), "vehicle.driver.extra"),
    ],
)  # fmt: skip
def test_an_unknown_key_is_refused_and_named_with_those_that_are_known(path: tuple[str, ...], name: str) -> None:
    document: Any = changed()
    inner = document
    for key in path:
        inner = inner[key]
    known = next(iter(inner.keys() - {"request_id"}))
    inner["extra"] = 1
    message = refusal(document)
    assert message.startswith(f"{name}: unknown key")
    assert known in message


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"holder": None}, "holder"), ({"from": None}, "from"), ({"to": None}, "to"), ({"reason": None}, "reason"),
        ({"not_before": None}, "not_before"), ({"not_after": None}, "not_after"),
        ({"holder": {"name": "A", "id_type": "nid"}}, "holder.id_last"), ({"from": {"place": "A"}}, "from.district"),
        ({"vehicle": {}}, "vehicle.registration"),
        ({"vehicle": {"registration": "A", "driver": {"name": "A"}}}, "vehicle.driver.licence_last"),
    ],
)  # fmt: skip
def test_a_missing_key_is_named(change: dict[str, Any], name: str) -> None:
    assert refusal(changed(**change)) == f"{name}: missing"


@pytest.mark.parametrize("missing", ["vehicle", "driver", "place"])
def test_place_vehicle_and_driver_may_be_missing(missing: str) -> None:
    document = changed()
    for holder in (document, document["vehicle"], document["from"]):
        holder.pop(missing, None)
    trip = ApprovedPass.from_json(document).trip
    assert missing not in json.dumps(trip_to_json(trip))


@pytest.mark.parametrize("seconds", [12 * HOUR, 1])
def test_a_pass_lasts_up_to_12_hours(seconds: int) -> None:
    assert approved("R-1", NOW, not_before=iso(NOW), not_after=iso(NOW + seconds))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (12 * HOUR + 1, "at most 12"), (13 * HOUR, "13 hours; a pass lasts at most 12"),
        (0, "later than not_before"), (-HOUR, "later than not_before"),
    ],
)  # fmt: skip
def test_a_time_that_is_too_long_or_the_wrong_way_round_is_refused(seconds: int, words: str) -> None:
    message = refusal(changed(not_before=iso(NOW), not_after=iso(NOW + seconds)))
    assert message.startswith("not_after: ")
    assert words in message


@pytest.mark.parametrize(
    "bad",
    [
        "2026-11-22T09:00:00", "2026-11-22", "now", "1795316400", 1795316400, "2026-02-30T09:00:00+06:00",
        "2026-11-22T09:00:00.5+06:00", "2026-11-22T25:00:00+06:00", "0000-01-01T00:00:00Z", "", None, True, [],
        "1950-01-01T00:00:00Z", "2200-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59",
    ],
)  # fmt: skip
def test_a_time_that_is_none_has_no_zone_or_no_place_on_the_wire_is_refused(bad: Any) -> None:
    document = changed()
    document["not_before"] = bad
    assert "not_" in refusal(document)


def test_zones_are_only_ways_to_write_one_time() -> None:
    utc, dhaka = ("2026-11-22T03:00:00Z", "2026-11-22T09:00:00+06:00")
    assert ApprovedPass.from_json(changed(not_before=utc)) == ApprovedPass.from_json(changed(not_before=dhaka))


BIDI = ["\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\u200e", "\u200f"]
TEXTS = {
    "holder.name": lambda text: changed(holder={"name": text, "id_type": "nid", "id_last": "4821"}),
    "holder.id_last": lambda text: changed(holder={"name": "A", "id_type": "nid", "id_last": text}),
    "from.place": lambda text: changed(**{"from": {"district": "dhaka", "place": text}}),
    "to.place": lambda text: changed(to={"district": "dhaka", "place": text}),
    "reason": lambda text: changed(reason=text),
    "vehicle.registration": lambda text: changed(vehicle={"registration": text}),
    "vehicle.driver.name": lambda text: changed(
        vehicle={"registration": "A", "driver": {"name": text, "licence_last": "A"}}
    ),
    "vehicle.driver.licence_last": lambda text: changed(
        vehicle={"registration": "A", "driver": {"name": "A", "licence_last": text}}
    ),
}


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("bad", [*BIDI, "\0", "\n", "\x1b", "\x7f", "\u200b", "\ufeff", "\ud800", "\ue000"], ids=ascii)
def test_control_format_and_direction_characters_are_refused_in_every_field(field: str, bad: str) -> None:
    message = refusal(TEXTS[field](f"a{bad}b"))
    assert message.startswith(f"{field}: U+{ord(bad):04X}")


@pytest.mark.parametrize("field", TEXTS)
def test_a_text_has_1_to_64_characters_after_nfc(field: str) -> None:
    assert ApprovedPass.from_json(TEXTS[field]("x" * 64))
    assert ApprovedPass.from_json(TEXTS[field]("e\u0301" * 64))  # 128 code points, 64 after NFC
    assert refusal(TEXTS[field]("x" * 65)).startswith(f"{field}: 65 characters")
    for empty in ("", "   ", "\u00a0"):
        assert refusal(TEXTS[field](empty)).startswith(f"{field}: ")


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("wrong", [7, None, True, ["a"], {"a": 1}])
def test_a_text_that_is_none_is_refused(field: str, wrong: Any) -> None:
    assert refusal(TEXTS[field](wrong)).startswith(field)


def test_bangla_with_joiners_is_kept_as_it_was_written() -> None:
    name = "র‍্যাব ক্‌ষ আবুল কাসেম"
    assert ApprovedPass.from_json(TEXTS["holder.name"](name)).trip.holder_name == name


def test_text_that_is_not_in_nfc_is_the_same_content_as_text_that_is() -> None:
    one, two = (ApprovedPass.from_json(TEXTS["holder.name"](name)) for name in ("Rene\u0301", "Ren\u00e9"))
    assert one.content_hash == two.content_hash


def test_a_payload_that_would_pass_1024_characters_names_the_three_longest_fields() -> None:
    wide = "中文" * 32
    document = changed(
        holder={"name": wide, "id_type": "nid", "id_last": wide[:60]},
        reason=wide[:62],
        **{"from": {"district": "dhaka", "place": "short"}},
    )
    message = refusal(document)
    assert "1024" in message
    assert "shorten holder.name (192 bytes), reason (186 bytes), holder.id_last (180 bytes)" in message


@pytest.mark.parametrize("name", ["Dhaka", "dhaka", " DHAKA ", "ঢাকা", "13", 13])
def test_a_district_goes_by_key_name_or_code(name: Any) -> None:
    assert ApprovedPass.from_json(changed(to={"district": name})).trip.destination == Place(13)


@pytest.mark.parametrize("name", ["", "Atlantis", "1.0", "\u0660", "²", "013579", "9" * 5000, 10**100, [], {}])
def test_a_district_that_there_is_not_is_refused(name: Any) -> None:
    assert refusal(changed(to={"district": name})).startswith("to.district: expected one of the 64")


def test_a_listed_reason_becomes_its_code_and_any_other_stays_text() -> None:
    listed, free = (ApprovedPass.from_json(changed(reason=reason)).trip.reason for reason in ("medical", "my reason"))
    assert (listed, free) == (3, "my reason")


def test_the_content_hash_is_of_the_content_alone() -> None:
    one, two = approved("R-1", NOW), approved("R-2", NOW)
    assert one.content_hash == two.content_hash
    assert one.content_hash != approved("R-1", NOW, reason="funeral").content_hash


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_PLACES: list[tuple[str, ...]] = [
    ("request_id",), ("holder",), ("holder", "name"), ("holder", "id_type"), ("holder", "id_last"), ("from",),
    ("from", "district"), ("from", "place"), ("to", "district"), ("reason",), ("not_before",), ("not_after",),
    ("vehicle",), ("vehicle", "registration"), ("vehicle", "driver"), ("vehicle", "driver", "name"),
]  # fmt: skip


@given(JSON)
def test_any_json_is_an_approved_pass_or_a_request_error(value: Any) -> None:
    with pytest.raises(RequestError):
        ApprovedPass.from_json(json.dumps(value))


@given(place=st.sampled_from(_PLACES), value=JSON | st.text(max_size=80) | st.integers(-1, 70))
def test_any_value_in_any_place_of_a_good_request_is_read_or_a_request_error(
    place: tuple[str, ...], value: Any
) -> None:
    document: Any = changed()
    inner = document
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    try:
        request = ApprovedPass.from_json(json.dumps(document))
    except RequestError:
        return
    assert len(request.content_hash) == 32
    assert ApprovedPass.from_json({"request_id": "R-2", **trip_to_json(request.trip)}).trip == request.trip
