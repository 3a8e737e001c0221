"""Check that every pass round-trips and that both sides enforce every rule and name the field at fault."""

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import passes

from movepass_wire.cbor import encode
from movepass_wire.claims import Pass, Place, Trip, decode_claims, encode_claims, number_claims
from movepass_wire.errors import ClaimsError, WireError

NBF = 1795316400  # 2026-11-22T09:00:00+06:00
HOUR = 3600
DAY = 86400

STANDARD = Trip(
    not_before=NBF,
    not_after=NBF + 3 * HOUR,
    holder_name="Mohammad Rafiqul Islam",
    id_type=1,
    id_last="4821",
    origin=Place(13),
    destination=Place(18),
    reason=3,
    vehicle="DHAKA METRO-GA 15-4821",
)
BODY: dict[Any, Any] = {
    0: 400_000,
    1: "Mohammad Rafiqul Islam",
    2: 1,
    3: "4821",
    4: 13,
    5: 18,
    6: 3,
    7: "DHAKA METRO-GA 15-4821",
}


def claims_with(body: Any = BODY, *, nbf: Any = NBF, exp: Any = NBF + 3 * HOUR) -> bytes:
    return encode({4: exp, 5: nbf, -65537: body})


@given(passes())
def test_claims_that_were_encoded_once_take_any_index(pass_: Pass) -> None:
    assert number_claims(encode_claims(Pass(0, pass_.trip)), pass_) == encode_claims(pass_)


@given(passes())
def test_every_pass_round_trips(pass_: Pass) -> None:
    assert decode_claims(encode_claims(pass_)) == pass_


@given(passes())
def test_a_pass_has_one_encoding(pass_: Pass) -> None:
    data = encode_claims(pass_)
    assert encode_claims(decode_claims(data)) == data


def test_the_claims_of_the_standard_pass_are_these_bytes() -> None:
    expected = cbor2.dumps({4: NBF + 3 * HOUR, 5: NBF, -65537: BODY})
    assert encode_claims(Pass(400_000, STANDARD)) == expected


def test_the_claims_of_a_bangla_pass_are_these_bytes() -> None:
    trip = Trip(NBF, NBF + HOUR, "রহিমা খাতুন", 1, "৪৮২১", Place(13, "মিরপুর ১০"), Place(18), "জানাজা", "গ ১১", "আব্দুল", "১২")
    body = {
        0: 7,
        1: bytes.fromhex("13b0b9bfaebe2096bea4c1a8"),
        2: 1,
        3: bytes.fromhex("13eaeee8e7"),
        4: [13, bytes.fromhex("13aebfb0aac1b020e7e6")],
        5: 18,
        6: bytes.fromhex("139cbea8be9cbe"),
        7: bytes.fromhex("139720e7e7"),
        8: bytes.fromhex("1386accda6c1b2"),
        9: bytes.fromhex("13e7e8"),
    }
    assert encode_claims(Pass(7, trip)) == cbor2.dumps({4: NBF + HOUR, 5: NBF, -65537: body})


@pytest.mark.parametrize(
    ("not_after", "day"), [(DAY, 1), (2 * DAY - 1, 1), (2 * DAY, 2)], ids=["first second", "last", "next day"]
)
def test_the_day_of_a_pass_is_the_utc_day_of_exp(not_after: int, day: int) -> None:
    assert Pass(0, STANDARD._replace(not_before=not_after - HOUR, not_after=not_after)).day == day


@pytest.mark.parametrize("seconds", [1, 12 * HOUR])
def test_the_shortest_and_the_longest_pass_are_allowed(seconds: int) -> None:
    trip = STANDARD._replace(not_after=NBF + seconds)
    assert decode_claims(encode_claims(Pass(0, trip))).trip == trip


@pytest.mark.parametrize("index", [0, (1 << 30) - 1])
def test_the_lowest_and_the_highest_index_are_allowed(index: int) -> None:
    assert decode_claims(encode_claims(Pass(index, STANDARD))).index == index


BROKEN: list[Any] = [
    pytest.param({"not_before": -1}, "not_before", id="nbf before 1970"),
    pytest.param({"not_after": 1 << 32, "not_before": (1 << 32) - 1}, "not_after", id="exp of 33 bits"),
    pytest.param({"not_before": True}, "not_before", id="nbf a bool"),
    pytest.param({"not_after": NBF}, "not_after", id="exp at nbf"),
    pytest.param({"not_after": NBF - 1}, "not_after", id="exp before nbf"),
    pytest.param({"not_after": NBF + 12 * HOUR + 1}, "not_after", id="12 h and a second"),
    pytest.param({"holder_name": ""}, "holder.name", id="no name"),
    pytest.param({"holder_name": "x" * 65}, "holder.name", id="long name"),
    pytest.param({"holder_name": "ক" * 65}, "holder.name", id="long name in Bangla"),
    pytest.param({"holder_name": "a\u202eb"}, "holder.name", id="name with RLO"),
    pytest.param({"id_type": -1}, "holder.id_type", id="id_type below 0"),
    pytest.param({"id_type": 1 << 16}, "holder.id_type", id="id_type of 17 bits"),
    pytest.param({"id_type": True}, "holder.id_type", id="id_type a bool"),
    pytest.param({"id_last": ""}, "holder.id_last", id="no id_last"),
    pytest.param({"id_last": "12\x00"}, "holder.id_last", id="id_last with NUL"),
    pytest.param({"origin": Place(-1)}, "from.district", id="from below 0"),
    pytest.param({"origin": Place(1 << 16)}, "from.district", id="from of 17 bits"),
    pytest.param({"origin": Place(district=True)}, "from.district", id="from a bool"),
    pytest.param({"origin": Place(13, "x" * 65)}, "from.place", id="long place to start from"),
    pytest.param({"origin": Place(13, "a\nb")}, "from.place", id="place of two lines"),
    pytest.param({"destination": Place(1 << 16)}, "to.district", id="to of 17 bits"),
    pytest.param({"destination": Place(13, "\u200b")}, "to.place", id="to a ZWSP"),
    pytest.param({"reason": -1}, "reason", id="reason below 0"),
    pytest.param({"reason": 1 << 16}, "reason", id="reason of 17 bits"),
    pytest.param({"reason": False}, "reason", id="reason a bool"),
    pytest.param({"reason": "x" * 65}, "reason", id="long reason"),
    pytest.param({"vehicle": ""}, "vehicle.registration", id="empty registration"),
    pytest.param({"vehicle": "x" * 65}, "vehicle.registration", id="long registration"),
    pytest.param({"driver_name": "\ufeffa"}, "vehicle.driver.name", id="driver with BOM"),
    pytest.param({"driver_licence_last": "x" * 65}, "vehicle.driver.licence_last", id="long licence"),
]


@pytest.mark.parametrize(("change", "field"), BROKEN)
def test_a_broken_rule_is_refused_on_writing_and_the_field_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ClaimsError, match=f"^{field}: ") as refusal:
        encode_claims(Pass(0, STANDARD._replace(**change)))
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"not_after": NBF + 13 * HOUR}, "not_after: 13 hours; a pass lasts at most 12"),
        ({"not_after": NBF + 12 * HOUR + 36}, "not_after: 12.01 hours; a pass lasts at most 12"),
        ({"id_type": 1 << 16}, "holder.id_type: expected a number from 0 to 65535"),
        ({"not_after": 1 << 32}, "not_after: expected a number from 0 to 4294967295"),
    ],
)
def test_the_message_names_the_limit_that_is_broken(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ClaimsError) as refusal:
        encode_claims(Pass(0, STANDARD._replace(**change)))
    assert str(refusal.value) == words


@pytest.mark.parametrize("index", [-1, 1 << 30, 1 << 31, True])
def test_an_index_out_of_range_is_refused_on_writing(index: int) -> None:
    with pytest.raises(ClaimsError, match=r"^index: "):
        encode_claims(Pass(index, STANDARD))


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        pytest.param(0, 1 << 30, "index", id="index of 31 bits"),
        pytest.param(0, -1, "index", id="index below 0"),
        pytest.param(0, "1", "index", id="index a text"),
        pytest.param(0, False, "index", id="index a bool"),
        pytest.param(1, 5, "holder.name", id="name a number"),
        pytest.param(1, [], "holder.name", id="name an array"),
        pytest.param(1, True, "holder.name", id="name a bool"),
        pytest.param(1, "", "holder.name", id="no name"),
        pytest.param(1, b"", "holder.name", id="no name in block text"),
        pytest.param(1, "x" * 65, "holder.name", id="long name"),
        pytest.param(1, b"\x13" + b"\x95" * 65, "holder.name", id="long name in Bangla"),
        pytest.param(1, "কখগ", "holder.name", id="name in its longer form"),
        pytest.param(1, b"\x13\x95\x95\x04", "holder.name", id="name with a byte that stands for nothing"),
        pytest.param(1, "a\u202eb", "holder.name", id="name with RLO"),
        pytest.param(2, "nid", "holder.id_type", id="id_type a text"),
        pytest.param(2, True, "holder.id_type", id="id_type a bool"),
        pytest.param(2, 1 << 16, "holder.id_type", id="id_type of 17 bits"),
        pytest.param(3, 4821, "holder.id_last", id="id_last a number"),
        pytest.param(3, "48\x00", "holder.id_last", id="id_last with NUL"),
        pytest.param(4, True, "from.district", id="from a bool"),
        pytest.param(4, "dhaka", "from", id="from a text"),
        pytest.param(4, b"\x13\x95", "from", id="from bytes"),
        pytest.param(4, {}, "from", id="from a map"),
        pytest.param(4, [], "from", id="from an empty array"),
        pytest.param(4, [13], "from", id="from an array of one"),
        pytest.param(4, [13, "a", "b"], "from", id="from an array of three"),
        pytest.param(4, ["13", "a"], "from.district", id="from a district in text"),
        pytest.param(4, [True, "a"], "from.district", id="from a district in bool"),
        pytest.param(4, [-1, "a"], "from.district", id="from a district below 0"),
        pytest.param(4, [13, 5], "from.place", id="from a place in number"),
        pytest.param(4, [13, ""], "from.place", id="from an empty place"),
        pytest.param(4, [13, "কখগ"], "from.place", id="from a place in its longer form"),
        pytest.param(5, [18, "x" * 65], "to.place", id="to a long place"),
        pytest.param(5, 1 << 16, "to.district", id="to of 17 bits"),
        pytest.param(6, True, "reason", id="reason a bool"),
        pytest.param(6, -1, "reason", id="reason below 0"),
        pytest.param(6, [], "reason", id="reason an array"),
        pytest.param(6, "x" * 65, "reason", id="long reason"),
        pytest.param(7, 5, "vehicle.registration", id="registration a number"),
        pytest.param(7, "", "vehicle.registration", id="empty registration"),
        pytest.param(8, 5, "vehicle.driver.name", id="driver a number"),
        pytest.param(8, "a\u200bb", "vehicle.driver.name", id="driver with ZWSP"),
        pytest.param(9, False, "vehicle.driver.licence_last", id="licence a bool"),
        pytest.param(9, "x" * 65, "vehicle.driver.licence_last", id="long licence"),
    ],
)
def test_a_broken_rule_is_refused_on_reading_and_the_field_named(key: int, value: object, field: str) -> None:
    with pytest.raises(ClaimsError, match=f"^{field}: ") as refusal:
        decode_claims(claims_with(BODY | {key: value}))
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("nbf", "exp", "field"),
    [
        pytest.param(-1, HOUR, "not_before", id="nbf before 1970"),
        pytest.param("a", NBF, "not_before", id="nbf a text"),
        pytest.param(NBF, "a", "not_after", id="exp a text"),
        pytest.param(False, HOUR, "not_before", id="nbf a bool"),
        pytest.param((1 << 32) - 1, 1 << 32, "not_after", id="exp of 33 bits"),
        pytest.param(NBF, NBF, "not_after", id="exp at nbf"),
        pytest.param(NBF, NBF + 12 * HOUR + 1, "not_after", id="12 h and a second"),
    ],
)
def test_times_out_of_range_are_refused_on_reading(nbf: object, exp: object, field: str) -> None:
    with pytest.raises(ClaimsError, match=f"^{field}: "):
        decode_claims(claims_with(nbf=nbf, exp=exp))


@pytest.mark.parametrize(
    ("key", "field"),
    [
        (0, "index"),
        (1, "holder.name"),
        (2, "holder.id_type"),
        (3, "holder.id_last"),
        (4, "from"),
        (5, "to"),
        (6, "reason"),
    ],
)
def test_a_missing_field_is_named(key: int, field: str) -> None:
    body = {k: v for k, v in BODY.items() if k != key}
    with pytest.raises(ClaimsError, match=f"^{field}: missing$"):
        decode_claims(claims_with(body))


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({}, id="no claims"),
        pytest.param([1], id="an array"),
        pytest.param(5, id="a number"),
        pytest.param({5: NBF, -65537: BODY}, id="no exp"),
        pytest.param({4: NBF + 1, -65537: BODY}, id="no nbf"),
        pytest.param({4: NBF + 1, 5: NBF}, id="no body"),
        pytest.param({1: "iss", 4: NBF + 1, 5: NBF, -65537: BODY}, id="one claim more"),
        pytest.param({4: NBF + 1, 5: NBF, -65536: BODY}, id="the body under another key"),
    ],
)
def test_claims_other_than_exp_nbf_and_body_are_refused(claims: object) -> None:
    with pytest.raises(ClaimsError, match=r"exactly exp \(4\), nbf \(5\) and the body"):
        decode_claims(encode(claims))


@pytest.mark.parametrize("body", [5, "text", b"bytes", [], True])
def test_a_body_that_is_not_a_map_is_refused(body: object) -> None:
    with pytest.raises(ClaimsError, match="the body must be a map"):
        decode_claims(claims_with(body))


def test_a_text_key_in_the_body_is_refused() -> None:
    with pytest.raises(ClaimsError, match="the keys of the body must be integers"):
        decode_claims(claims_with(BODY | {"name": "A"}))


@pytest.mark.parametrize(
    "unknown", [{10: "later"}, {-1: b"\x00"}, {1000: [1, [2]]}, {10: True, 11: {1: 2}}, {24: 1 << 60}]
)
def test_unknown_body_keys_are_kept_unchanged(unknown: dict[int, object]) -> None:
    data = claims_with(BODY | unknown)
    pass_ = decode_claims(data)
    assert pass_.trip.unknown == unknown
    assert encode_claims(pass_) == data


def test_text_in_an_unknown_body_key_is_not_unpacked() -> None:
    assert decode_claims(claims_with(BODY | {10: b"\x13\x95\x95"})).trip.unknown == {10: b"\x13\x95\x95"}


@pytest.mark.parametrize("extra", [b"\x00", claims_with()])
def test_bytes_after_the_claims_are_refused(extra: bytes) -> None:
    with pytest.raises(WireError, match="follow the CBOR value"):
        decode_claims(claims_with() + extra)


@given(st.data())
def test_damaged_claims_are_refused_or_mean_what_they_say(data: st.DataObject) -> None:
    damaged = bytearray(claims_with(BODY | {4: [13, b"\x13\xae\xbf\xb0"], 10: [1, True]}))
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        pass_ = decode_claims(bytes(damaged))
    except WireError:
        return
    assert encode_claims(pass_) == damaged


@pytest.mark.parametrize(
    "unknown",
    [
        pytest.param({0: 5}, id="a known key"),
        pytest.param({"a": 1}, id="a text key"),
        pytest.param({10: [[[1]]]}, id="too deep to be read"),
    ],
)
def test_unknown_keys_that_could_not_be_read_back_are_refused_on_writing(unknown: dict[Any, object]) -> None:
    with pytest.raises(WireError):
        encode_claims(Pass(0, STANDARD._replace(unknown=unknown)))
