"""Compare base45 with the examples of RFC 9285, and check every refusal and all short texts."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movepass_wire import base45
from movepass_wire.errors import WireError

RFC_9285_EXAMPLES = [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0")]
EDGES = [(b"", ""), (b"\x00", "00"), (b"\x00\x00", "000"), (b"\xff", "U5"), (b"\xff\xff", "FGW")]


@pytest.mark.parametrize(("data", "text"), RFC_9285_EXAMPLES + EDGES)
def test_encode_returns_the_text_of_the_rfc(data: bytes, text: str) -> None:
    assert base45.encode(data) == text


def test_encode_follows_the_sum_of_the_rfc_for_every_pair_and_last_byte() -> None:
    """Check section 4: two bytes are c + 45 d + 45^2 e, one byte is c + 45 d."""
    symbols = base45.ALPHABET
    pairs = [symbols[n % 45] + symbols[n // 45 % 45] + symbols[n // 45**2] for n in range(1 << 16)]
    assert base45.encode(b"".join(n.to_bytes(2, "big") for n in range(1 << 16))) == "".join(pairs)
    assert [base45.encode(bytes([n])) for n in range(256)] == [symbols[n % 45] + symbols[n // 45] for n in range(256)]


@pytest.mark.parametrize(("data", "text"), RFC_9285_EXAMPLES + EDGES)
def test_decode_returns_the_bytes_of_the_rfc(data: bytes, text: str) -> None:
    assert base45.decode(text) == data


def test_the_alphabet_is_the_alphanumeric_set_of_qr_codes() -> None:
    digits, letters, others = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", " $%*+-./:"
    assert digits + letters + others == base45.ALPHABET


@given(st.binary(max_size=200))
def test_every_byte_string_round_trips(data: bytes) -> None:
    text = base45.encode(data)
    assert set(text) <= set(base45.ALPHABET)
    assert len(text) == len(data) // 2 * 3 + len(data) % 2 * 2
    assert base45.decode(text) == data


@given(st.text(base45.ALPHABET, max_size=30))
def test_a_text_is_refused_or_is_the_one_form_of_its_bytes(text: str) -> None:
    try:
        data = base45.decode(text)
    except WireError:
        return
    assert base45.encode(data) == text


@pytest.mark.parametrize(("characters", "size"), [(2, 1), (3, 2)])
def test_groups_decode_to_every_value_exactly_once(characters: int, size: int) -> None:
    values = []
    for group in product(base45.ALPHABET, repeat=characters):
        try:
            values.append(base45.decode("".join(group)))
        except WireError as e:
            assert "more than its bytes can hold" in str(e)  # noqa: PT017 - most of 91,125 groups decode
    assert sorted(values) == [value.to_bytes(size, "big") for value in range(256**size)]


@pytest.mark.parametrize("text", ["GGW", ":::", "V5", "::", "000GGW", "GGW000", "000V5"])
def test_a_group_over_its_maximum_is_refused(text: str) -> None:
    with pytest.raises(WireError, match="more than its bytes can hold"):
        base45.decode(text)


@pytest.mark.parametrize("length", [1, 4, 7, 1000])
def test_an_impossible_length_is_refused(length: int) -> None:
    with pytest.raises(WireError, match=f"never has {length} characters"):
        base45.decode("0" * length)


@pytest.mark.parametrize("wrong", [*"abz&!_=\n\r\t\0\x7f,;", "é", "\xff", "\uff21", "\uff10", "\u2002", "\ud800", "😀"])
@pytest.mark.parametrize("at", [0, 1, 5, 7])
def test_a_character_outside_the_alphabet_is_named_with_its_position(wrong: str, at: int) -> None:
    text = "QED8WEX0"
    with pytest.raises(WireError) as refusal:
        base45.decode(text[:at] + wrong + text[at + 1 :])
    assert str(refusal.value) == f"character {wrong!r} at {at} is not in the base45 alphabet"
