"""Packs as bytes: what is written is read, and anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movepass_wire.errors import PackError
from movepass_wire.limits import PACK_MAX_BYTES
from movepass_wire.packs import Part, read_pack, write_pack

PARTS = [Part("metadata/timestamp.json", 0, b"{}"), Part("status/20779.log", 8, b"\x01\x02"), Part("a", 2**32 - 1, b"")]
HEAD = b"MPK1"
NAMES = st.text(st.characters(max_codepoint=127), min_size=1, max_size=255)
PART = st.builds(Part, NAMES, st.integers(0, 2**32 - 1), st.binary())


def test_a_pack_is_written_byte_by_byte_as_the_specification_says() -> None:
    assert (
        write_pack([Part("ab", 258, b"xyz")]) == HEAD + b"\x02ab" + b"\x00\x00\x01\x02" + b"\x00\x00\x00\x03" + b"xyz"
    )


@given(st.lists(PART, unique_by=lambda part: part.name))
def test_what_is_written_is_read(parts: list[Part]) -> None:
    assert list(read_pack(write_pack(parts)).values()) == parts


@pytest.mark.parametrize("length", range(len(write_pack(PARTS))))
def test_a_pack_that_is_cut_short_is_refused_or_ends_with_a_whole_part(length: int) -> None:
    whole = [len(write_pack(PARTS[:count])) for count in range(len(PARTS))]
    if length in whole:
        assert len(read_pack(write_pack(PARTS)[:length])) == whole.index(length)
    else:
        with pytest.raises(PackError):
            read_pack(write_pack(PARTS)[:length])


@pytest.mark.parametrize(
    "data",
    [
        b"<html>", b"MPK2", HEAD + b"\x00" + bytes(8), HEAD + b"\x02\xc3\xa9" + bytes(8), HEAD + b"\x01",
        HEAD + b"\x01a" + bytes(4) + b"\xff\xff\xff\xff", write_pack([PARTS[0]]) + write_pack([PARTS[0]])[4:],
    ],
    ids=["a page", "another version", "no name", "no ASCII", "no place", "too long a part", "a name twice"],
)  # fmt: skip
def test_what_is_no_pack_is_refused(data: bytes) -> None:
    with pytest.raises(PackError):
        read_pack(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_pack_or_refused(data: bytes) -> None:
    try:
        parts = read_pack(HEAD + data)
    except PackError:
        return
    assert write_pack(parts.values()) == HEAD + data


def test_a_pack_is_at_most_as_long_as_a_device_reads() -> None:
    most = PACK_MAX_BYTES - len(write_pack([Part("a", 0, b"")]))
    assert len(write_pack([Part("a", 0, bytes(most))])) == PACK_MAX_BYTES
    with pytest.raises(PackError):
        write_pack([Part("a", 0, bytes(most + 1))])
    with pytest.raises(PackError):
        read_pack(write_pack([Part("a", 0, bytes(most))]) + b"\x00")


@pytest.mark.parametrize("names", [["é"], ["a" * 256], [""], ["a", "a"]])
def test_a_name_that_no_device_would_read_is_not_written(names: list[str]) -> None:
    with pytest.raises(PackError):
        write_pack(Part(name, 0, b"") for name in names)
