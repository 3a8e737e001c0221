"""Check which characters text fields may hold, and their one form on the wire."""

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from movepass_wire.errors import ClaimsError, WireError
from movepass_wire.text import check_text, normalise, pack_text, unpack_text

JOINERS = "\u200c\u200d"
DANDA = "\u0964"

_bengali = [chr(point) for point in range(0x980, 0xA00)]
_devanagari = [chr(point) for point in range(0x900, 0x980)]
_ascii = [chr(point) for point in range(0x20, 0x7F)]
_latin = [chr(point) for point in range(0x80, 0x100)]
_letters = [*JOINERS, DANDA, "水", "\U0001f600", "\u0400", "\u7fff", "\u8000"]

_one_script = st.sampled_from([_bengali, _devanagari, _latin]).flatmap(
    lambda block: st.text(st.sampled_from([*block, *_ascii, *JOINERS, DANDA]), max_size=64)
)
texts = _one_script | st.text(
    st.characters(min_codepoint=0x20, exclude_categories=["Cs"]) | st.sampled_from(_letters + _bengali), max_size=64
)


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        pytest.param("Rahima Khatun", "Rahima Khatun", id="English stays text"),
        pytest.param("রহিমা খাতুন", bytes.fromhex("13b0b9bfaebe2096bea4c1a8"), id="Bangla is one byte a character"),
        pytest.param("মিরপুর 10", bytes.fromhex("13aebfb0aac1b0203130"), id="ASCII among Bangla"),
        pytest.param("র\u200d্য", bytes.fromhex("13b002cdaf"), id="ZWJ is 0x02"),
        pytest.param("ক্\u200cষ", bytes.fromhex("1395cd01b7"), id="ZWNJ is 0x01"),
        pytest.param("শেষ" + DANDA, bytes.fromhex("13b6c7b703"), id="danda is 0x03"),
        pytest.param("हाँ" + DANDA, bytes.fromhex("12b9be8103"), id="danda is 0x03 in its own block too"),
        pytest.param("Ñuñoa", bytes.fromhex("01d175f16f61"), id="two accents are a byte shorter"),
        pytest.param("José", "José", id="one accent is a tie, and stays text"),
        pytest.param("\u0995\u043a", "\u0995\u043a", id="two blocks stay text"),
        pytest.param("ককক水", "ককক水", id="a character of another block keeps all as text"),
        pytest.param("\U0001f600\U0001f601", "\U0001f600\U0001f601", id="beyond block 0xff stays text"),
        pytest.param("\u7fff\u7fff", b"\xff\xff\xff", id="the last block there is"),
        pytest.param("\u8000\u8000", "\u8000\u8000", id="the first block there is not"),
        pytest.param(DANDA * 3, DANDA * 3, id="shared characters alone name no block"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_text_has_this_one_form(text: str, packed: str | bytes) -> None:
    assert pack_text(text) == packed
    assert unpack_text(packed) == text


@given(texts)
def test_every_text_round_trips(text: str) -> None:
    assert unpack_text(pack_text(text)) == text


@given(texts)
def test_the_shorter_form_is_chosen_and_text_on_a_tie(text: str) -> None:
    packed, utf8 = pack_text(text), len(text.encode())
    if isinstance(packed, bytes):
        assert len(packed) == len(text) + 1 < utf8
    else:
        assert packed == text


@given(_one_script)
def test_text_of_one_block_takes_at_most_a_byte_per_character(text: str) -> None:
    assume(any(c in text for c in [*_bengali, *_devanagari[:0x64], *_latin]))
    packed = pack_text(text)
    size = len(packed) if isinstance(packed, bytes) else len(packed.encode())
    assert size <= len(text) + 1


@given(st.binary(max_size=12))
def test_any_block_text_is_refused_or_is_the_one_form_of_its_text(packed: bytes) -> None:
    try:
        text = unpack_text(packed)
    except WireError:
        return
    assert pack_text(text) == packed


@pytest.mark.parametrize("byte", [b for b in range(0x20) if b not in {1, 2, 3}])
def test_block_text_with_a_byte_of_no_character_is_refused(byte: int) -> None:
    with pytest.raises(WireError, match=f"{byte:#04x}, which encodes no character"):
        unpack_text(bytes([0x13, 0x95, 0x95, byte]))


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(b"", id="no block"),
        pytest.param(b"\x13", id="a block and no text"),
        pytest.param(b"\x13Dhaka", id="ASCII as block text"),
        pytest.param(b"\x00Dhaka", id="ASCII as block 0"),
        pytest.param(b"\x00\xc4\xe8", id="ASCII as the upper half of block 0"),
        pytest.param(b"\x01\xe9", id="a tie as block text"),
        pytest.param(b"\x12\xb9\xbe\xe4", id="danda by its place in the block"),
        pytest.param(b"\x40\x8c\x8d", id="joiners by their place in the block"),
        pytest.param(b"\x13\x03\x03\x03", id="danda alone"),
        pytest.param("কখগ", id="Bangla as UTF-8"),
        pytest.param("কa", id="two bytes more than one"),
        pytest.param("ক", id="one letter of three bytes, two in block text"),
    ],
)
def test_a_text_in_its_other_form_is_refused(packed: str | bytes) -> None:
    with pytest.raises(WireError, match="one legal form"):
        unpack_text(packed)


@pytest.mark.parametrize(
    ("given_text", "normal"),
    [
        pytest.param("\u09dc", "\u09a1\u09bc", id="U+09DC is excluded from composition"),
        pytest.param("\u09dd", "\u09a2\u09bc", id="U+09DD too"),
        pytest.param("\u09df", "\u09af\u09bc", id="U+09DF too"),
        pytest.param("\u09a1\u09bc", "\u09a1\u09bc", id="decomposed stays so"),
        pytest.param("\u09c7\u09be", "\u09cb", id="O composes"),
        pytest.param("\u09c7\u09d7", "\u09cc", id="AU composes"),
        pytest.param("Jose\u0301", "José", id="accents compose"),
        pytest.param("  Dhaka\t\n", "Dhaka", id="white space around goes"),
        pytest.param("র\u200d্য", "র\u200d্য", id="ZWJ stays"),
        pytest.param("ক্\u200cষ", "ক্\u200cষ", id="ZWNJ stays"),
        pytest.param("\uff24", "\uff24", id="compatibility forms stay"),
        pytest.param("\u00a0", "", id="only white space"),
    ],
)
def test_normalise_returns_stripped_nfc(given_text: str, normal: str) -> None:
    assert normalise(given_text) == normal


@given(st.text(max_size=20))
def test_normalise_once_is_enough(text: str) -> None:
    once = normalise(text)
    assert unicodedata.is_normalized("NFC", once)
    assert normalise(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "x" * 64,
        "ক" * 64,
        "Abdul Karim 'Rana' (Jr.) ~",
        "র\u200d্যাব",
        "উৎক্\u200cষেপ",
        "শেষ" + DANDA,
        "শেষ\u0965",
        "a\u00a0b",
        "é水😀",
        "\u09a1\u09bc",
    ],
)
def test_these_texts_are_allowed(text: str) -> None:
    check_text("reason", text)


@pytest.mark.parametrize("text", ["x" * 65, "ক" * 65, "x" * 5000], ids=["ASCII", "Bangla", "long"])
def test_a_text_over_64_characters_is_refused(text: str) -> None:
    with pytest.raises(ClaimsError, match=f"reason: {len(text)} characters; at most 64 fit") as refusal:
        check_text("reason", text)
    assert refusal.value.field == "reason"


@pytest.mark.parametrize(
    "text",
    ["", " ", "   ", "\u00a0", "\u2003 ", "\t"],
)
def test_a_blank_text_is_refused(text: str) -> None:
    with pytest.raises(ClaimsError, match=r"^holder\.name: expected text, got none") as refusal:
        check_text("holder.name", text)
    assert refusal.value.field == "holder.name"


@pytest.mark.parametrize(
    "char",
    [
        pytest.param("\x00", id="NUL"),
        pytest.param("\x1f", id="C0"),
        pytest.param("\n", id="newline"),
        pytest.param("\t", id="tab"),
        pytest.param("\x7f", id="DEL"),
        pytest.param("\x85", id="C1 NEL"),
        pytest.param("\x9f", id="C1"),
        pytest.param("\u00ad", id="soft hyphen"),
        pytest.param("\u061c", id="Arabic letter mark"),
        pytest.param("\u180e", id="Mongolian vowel separator"),
        pytest.param("\u200b", id="ZWSP"),
        pytest.param("\u200e", id="LRM"),
        pytest.param("\u200f", id="RLM"),
        pytest.param("\u2028", id="line separator"),
        pytest.param("\u2029", id="paragraph separator"),
        pytest.param("\u202a", id="LRE"),
        pytest.param("\u202e", id="RLO"),
        pytest.param("\u2060", id="word joiner"),
        pytest.param("\u2066", id="LRI"),
        pytest.param("\u2069", id="PDI"),
        pytest.param("\ud800", id="surrogate"),
        pytest.param("\udfff", id="last surrogate"),
        pytest.param("\ue000", id="private use"),
        pytest.param("\uf8ff", id="last private use"),
        pytest.param("\ufeff", id="BOM"),
        pytest.param("\ufff9", id="interlinear annotation"),
        pytest.param("\uffff", id="not a character"),
        pytest.param("\U000e0001", id="language tag"),
        pytest.param("\U000e0041", id="tag letter"),
        pytest.param("\U000e0100", id="variation selector 17"),
        pytest.param("\U0010ffff", id="the last code point"),
    ],
)
@pytest.mark.parametrize("around", ["{}Dhaka", "Dha{}ka", "ঢা{}কা", "Dhaka{}"])
def test_control_and_format_characters_are_refused_by_code_point(char: str, around: str) -> None:
    with pytest.raises(ClaimsError, match=rf"from.place: U\+{ord(char):04X} is a control or format character"):
        check_text("from.place", around.format(char))


@pytest.mark.parametrize("point", [0x00A0, 0x200A, 0x2010, 0x2027, 0x202F, 0x205F, 0x2070, 0xF900, 0xFE0F, 0xFFFD])
def test_the_neighbours_of_refused_characters_are_allowed(point: int) -> None:
    check_text("reason", f"a{chr(point)}b")


def test_every_control_and_format_character_except_the_joiners_is_refused() -> None:
    allowed = []
    for point in range(0x110000):
        if unicodedata.category(chr(point)) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}:
            try:
                check_text("reason", f"a{chr(point)}")
            except ClaimsError:
                continue
            allowed.append(chr(point))
    assert allowed == list(JOINERS)


def test_no_letter_digit_or_punctuation_of_unicode_is_refused() -> None:
    for point in range(0x110000):
        char = chr(point)
        if unicodedata.category(char)[0] in "LNPS":
            check_text("reason", char)
