"""Compare deterministic CBOR with the examples of RFC 8949 and with cbor2; every other form is refused."""

import struct
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movepass_wire import cbor
from movepass_wire.errors import WireError

RFC_8949_APPENDIX_A: list[tuple[str, Any]] = [
    ("00", 0),
    ("01", 1),
    ("0a", 10),
    ("17", 23),
    ("1818", 24),
    ("1819", 25),
    ("1864", 100),
    ("1903e8", 1000),
    ("1a000f4240", 1000000),
    ("1b000000e8d4a51000", 1000000000000),
    ("1bffffffffffffffff", 18446744073709551615),
    ("3bffffffffffffffff", -18446744073709551616),
    ("20", -1),
    ("29", -10),
    ("3863", -100),
    ("3903e7", -1000),
    ("f4", False),
    ("f5", True),
    ("40", b""),
    ("4401020304", b"\x01\x02\x03\x04"),
    ("60", ""),
    ("6161", "a"),
    ("6449455446", "IETF"),
    ("62225c", '"\\'),
    ("62c3bc", "ü"),
    ("63e6b0b4", "水"),
    ("64f0908591", "\U00010151"),
    ("80", []),
    ("83010203", [1, 2, 3]),
    ("8301820203820405", [1, [2, 3], [4, 5]]),
    ("98190102030405060708090a0b0c0d0e0f101112131415161718181819", list(range(1, 26))),
    ("a0", {}),
    ("a201020304", {1: 2, 3: 4}),
    ("a26161016162820203", {"a": 1, "b": [2, 3]}),
    ("826161a161626163", ["a", {"b": "c"}]),
    ("a56161614161626142616361436164614461656145", {"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"}),
]

WIDTH_EDGES = [0, 23, 24, 0xFF, 0x100, 0xFFFF, 0x10000, 0xFFFFFFFF, 0x100000000, 0xFFFFFFFFFFFFFFFF]
NESTED = {4: 1795327200, 5: -1000, -65537: {0: 400_000, 1: b"\x13" * 30, 4: [13, "মিরপুর ১০"], "later": True}}

_integers = st.integers(-(1 << 64), (1 << 64) - 1) | st.sampled_from(WIDTH_EDGES).map(lambda n: -1 - n)
_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_leaves = st.booleans() | _integers | _texts | st.binary(max_size=30)
_keys = _integers | _texts


def _inside(depth: int) -> st.SearchStrategy[Any]:
    if depth == 0:
        return _leaves
    deeper = _inside(depth - 1)
    return _leaves | st.lists(deeper, max_size=4) | st.dictionaries(_keys, deeper, max_size=4)


values = _inside(4)


def in_bytewise_order(value: Any) -> Any:
    """Sort the keys of every map as RFC 8949, section 4.2.1 says; cbor2 keeps the order of a dict."""
    if isinstance(value, dict):
        keys = sorted(value, key=cbor2.dumps)
        return {key: in_bytewise_order(value[key]) for key in keys}
    return [in_bytewise_order(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("encoded", "value"), RFC_8949_APPENDIX_A)
def test_decode_reads_the_rfcs_examples(encoded: str, value: Any) -> None:
    decoded = cbor.decode(bytes.fromhex(encoded))
    assert (decoded, type(decoded)) == (value, type(value))


@pytest.mark.parametrize(("encoded", "value"), RFC_8949_APPENDIX_A)
def test_encode_writes_the_rfcs_examples(encoded: str, value: Any) -> None:
    assert cbor.encode(value).hex() == encoded


@given(values)
def test_encode_agrees_with_cbor2(value: Any) -> None:
    assert cbor.encode(value) == cbor2.dumps(in_bytewise_order(value))


@given(values)
def test_decode_agrees_with_cbor2(value: Any) -> None:
    data = cbor.encode(value)
    assert cbor.decode(data) == cbor2.loads(data) == value


@given(values, st.data())
def test_every_accepted_encoding_is_the_one_form_of_its_value(value: Any, data: st.DataObject) -> None:
    encoded = bytearray(cbor.encode(value))
    for _ in range(data.draw(st.integers(1, 3))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = cbor.decode(bytes(encoded))
    except WireError:
        return
    assert cbor.encode(decoded) == encoded
    assert cbor2.loads(bytes(encoded)) == decoded


@given(st.binary(max_size=40))
def test_any_bytes_are_refused_or_are_the_one_form_of_their_value(data: bytes) -> None:
    try:
        decoded = cbor.decode(data)
    except WireError:
        return
    assert cbor.encode(decoded) == data


@pytest.mark.parametrize("argument", WIDTH_EDGES)
@pytest.mark.parametrize("major", range(6))
def test_head_is_the_shortest_for_every_major_type(major: int, argument: int) -> None:
    as_integer = cbor2.dumps(argument)
    assert cbor.head(major, argument) == bytes([as_integer[0] | major << 5]) + as_integer[1:]


@pytest.mark.parametrize("value", [1 << 64, -(1 << 64) - 1])
def test_an_integer_beyond_64_bits_cannot_be_encoded(value: int) -> None:
    with pytest.raises(WireError, match="at most 64"):
        cbor.encode(value)


@pytest.mark.parametrize(("width", "floor"), [(1, 24), (2, 1 << 8), (4, 1 << 16), (8, 1 << 32)])
@pytest.mark.parametrize("major", range(6))
@pytest.mark.parametrize("below", [1, 24])
def test_a_head_wider_than_it_needs_is_refused(major: int, width: int, floor: int, below: int) -> None:
    info = {1: 24, 2: 25, 4: 26, 8: 27}[width]
    data = bytes([major << 5 | info]) + (floor - below).to_bytes(width, "big") + bytes(300)
    with pytest.raises(WireError, match="not in its shortest form"):
        cbor.decode(data)


@pytest.mark.parametrize(("width", "floor"), [(1, 24), (2, 1 << 8), (4, 1 << 16), (8, 1 << 32)])
@pytest.mark.parametrize(("major", "sign"), [(0, 1), (1, -1)])
def test_the_smallest_argument_of_each_width_is_read(major: int, sign: int, width: int, floor: int) -> None:
    info = {1: 24, 2: 25, 4: 26, 8: 27}[width]
    value = floor if sign > 0 else -1 - floor
    assert cbor.decode(bytes([major << 5 | info]) + floor.to_bytes(width, "big")) == value


@pytest.mark.parametrize("info", [28, 29, 30, 31])
@pytest.mark.parametrize("major", range(8))
def test_reserved_and_indefinite_heads_are_refused(major: int, info: int) -> None:
    with pytest.raises(WireError, match="not used in claims"):
        cbor.decode(bytes([major << 5 | info]) + b"\x00\xff")


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param("c249010000000000000000", id="bignum"),
        pytest.param("c074323031332d30332d32315432303a30343a30305a", id="tag 0, a date"),
        pytest.param("c11a514b67b0", id="tag 1, a time"),
        pytest.param("d74401020304", id="tag 23"),
        pytest.param("d818456449455446", id="tag 24"),
        pytest.param("d2844040a040", id="tag 18, COSE_Sign1"),
        pytest.param("f90000", id="half float"),
        pytest.param("fa47c35000", id="single float"),
        pytest.param("fb3ff199999999999a", id="double float"),
        pytest.param("f97e00", id="not a number"),
        pytest.param("f6", id="null"),
        pytest.param("f7", id="undefined"),
        pytest.param("f0", id="simple 16"),
        pytest.param("f8ff", id="simple 255"),
        pytest.param("f814", id="false in two bytes"),
        pytest.param("f815", id="true in two bytes"),
        pytest.param("5f42010243030405ff", id="indefinite bytes"),
        pytest.param("7f657374726561646d696e67ff", id="indefinite text"),
        pytest.param("9fff", id="indefinite array"),
        pytest.param("bf61610161629f0203ffff", id="indefinite map"),
        pytest.param("ff", id="break"),
    ],
)
@pytest.mark.parametrize("wrapping", ["{}", "81{}", "a100{}"])
def test_items_outside_the_subset_are_refused(encoded: str, wrapping: str) -> None:
    with pytest.raises(WireError, match="not used in claims"):
        cbor.decode(bytes.fromhex(wrapping.format(encoded)))


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param("a201000100", id="an integer key twice"),
        pytest.param("a3010002000100", id="twice, not side by side"),
        pytest.param("a2616100616100", id="a text key twice"),
        pytest.param("a202000100", id="falling integers"),
        pytest.param("a220000100", id="negative before positive"),
        pytest.param("a261620061610000", id="falling texts"),
        pytest.param("a2626161006162 00", id="longer text before shorter"),
        pytest.param("a261610000 00", id="text before integer"),
        pytest.param("a22000181800", id="length first: -1 before 24"),
        pytest.param("a2616100190100 00", id="length first: text before 256"),
        pytest.param("a1 00 a202000100", id="in a map inside"),
    ],
)
def test_map_keys_out_of_order_or_duplicated_are_refused(encoded: str) -> None:
    with pytest.raises(WireError, match="out of order or duplicated"):
        cbor.decode(bytes.fromhex(encoded))


def test_map_keys_are_in_bytewise_order_not_length_first() -> None:
    keys = {"a": 0, -1: 0, 256: 0, "": 0, 24: 0, 10: 0, -25: 0, "aa": 0}
    assert list(cbor.decode(cbor.encode(keys))) == [10, 24, 256, -1, -25, "", "a", "aa"]


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param("a14000", id="bytes"),
        pytest.param("a1f400", id="false"),
        pytest.param("a1f500", id="true"),
        pytest.param("a18000", id="array"),
        pytest.param("a1a000", id="map"),
    ],
)
def test_a_map_key_of_another_type_is_refused(encoded: str) -> None:
    with pytest.raises(WireError):
        cbor.decode(bytes.fromhex(encoded))


@pytest.mark.parametrize("key", [b"a", True, None, (1,), 1.0])
def test_a_map_key_of_another_type_cannot_be_encoded(key: object) -> None:
    with pytest.raises(WireError, match="a map key must be an integer or text"):
        cbor.encode({key: 0})


@pytest.mark.parametrize("value", [None, 1.5, {1}, bytearray(b"a"), object()])
def test_a_value_of_another_type_cannot_be_encoded(value: object) -> None:
    with pytest.raises(WireError, match=f"claims cannot hold a {type(value).__name__}"):
        cbor.encode([value])


@pytest.mark.parametrize("extra", [b"\x00", b"\xff", b"\x00" * 20])
def test_bytes_after_the_value_are_refused(extra: bytes) -> None:
    with pytest.raises(WireError, match=f"{len(extra)} bytes follow"):
        cbor.decode(cbor.encode(NESTED) + extra)


@pytest.mark.parametrize("end", range(len(cbor.encode(NESTED))))
def test_a_value_cut_short_anywhere_is_refused(end: int) -> None:
    with pytest.raises(WireError, match="cut short"):
        cbor.decode(cbor.encode(NESTED)[:end])


@pytest.mark.parametrize("major", [2, 3, 4, 5])
@pytest.mark.parametrize("width", [4, 8])
def test_a_huge_length_is_refused_as_cut_short(major: int, width: int) -> None:
    head = bytes([major << 5 | {4: 26, 8: 27}[width]]) + b"\xff" * width
    with pytest.raises(WireError, match="cut short"):
        cbor.decode(head + b"\x00")


@pytest.mark.parametrize(
    "bad",
    [b"\x80", b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff", b"a\xe0\xa6"],
    ids=["continuation", "lone lead", "overlong NUL", "surrogate", "beyond U+10FFFF", "0xff", "cut in a character"],
)
@pytest.mark.parametrize("wrapping", [b"", b"\x81", b"\xa1\x00"])
def test_text_that_is_not_utf_8_is_refused(bad: bytes, wrapping: bytes) -> None:
    with pytest.raises(WireError, match="not UTF-8"):
        cbor.decode(wrapping + bytes([0x60 | len(bad)]) + bad)


@pytest.mark.parametrize("opening", [b"\x81", b"\xa1\x00"], ids=["arrays", "maps"])
def test_four_nested_arrays_or_maps_are_read(opening: bytes) -> None:
    assert cbor.encode(cbor.decode(opening * 4 + b"\x00")) == opening * 4 + b"\x00"


@pytest.mark.parametrize("depth", [5, 300, 5000])
@pytest.mark.parametrize("opening", [b"\x81", b"\xa1\x00", b"\xa1\x00\x81"], ids=["arrays", "maps", "both"])
def test_more_than_four_nested_arrays_or_maps_are_refused(opening: bytes, depth: int) -> None:
    with pytest.raises(WireError, match="more than 4 nested arrays and maps"):
        cbor.decode(opening * depth + b"\x00")


def test_an_empty_fifth_array_is_refused_too() -> None:
    with pytest.raises(WireError, match="more than 4 nested arrays and maps"):
        cbor.decode(b"\x81" * 4 + b"\x80")


def test_a_tuple_is_written_as_an_array() -> None:
    assert cbor.encode((1, (2, 3))) == cbor.encode([1, [2, 3]])


def test_a_head_cut_inside_its_argument_is_refused() -> None:
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        for have in range(size):
            with pytest.raises(WireError, match="cut short"):
                cbor.decode(struct.pack("B", info) + b"\xff" * have)
