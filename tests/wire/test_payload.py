"""Check the one byte form of payloads, and that any other text is refused with the check named."""

import re
from itertools import pairwise

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movepass_wire import base45
from movepass_wire.claims import Pass, Place, Trip, encode_claims
from movepass_wire.errors import MalformedError, NotAPassError, PayloadError, UnsupportedVersionError, WireError
from movepass_wire.payload import ED25519, ESP256, Envelope, open_text, payload_length, seal, to_be_signed

NBF = 1795316400  # 2026-11-22T09:00:00+06:00
KID = bytes.fromhex("01fe7f80")
SIGNATURE = bytes(range(64))
STANDARD = Trip(
    not_before=NBF,
    not_after=NBF + 3 * 3600,
    holder_name="Mohammad Rafiqul Islam",
    id_type=1,
    id_last="4821",
    origin=Place(13),
    destination=Place(18),
    reason=3,
    vehicle="DHAKA METRO-GA 15-4821",
)
CLAIMS = encode_claims(Pass(400_000, STANDARD))
TEXT = seal(ESP256, KID, CLAIMS, SIGNATURE)
DATA = base45.decode(TEXT.removeprefix("MP1:"))

ALG_AT, KID_AT, LENGTH_AT, CLAIMS_AT = 5, slice(8, 12), 14, 15
CLAIMS_END = CLAIMS_AT + len(CLAIMS)
TEMPLATE = [*range(5), 6, 7, 12, 13, 14, CLAIMS_END, CLAIMS_END + 1]
"""The bytes of the standard pass's envelope that are the same in every pass of its size."""


def open_bytes(data: bytes) -> Envelope:
    return open_text("MP1:" + base45.encode(data))


def longest_claims() -> int:
    """Find the largest number of claims bytes that fit into a text of 1,024 characters."""
    fits = (size for size in range(700, 500, -1) if len(DATA) - len(CLAIMS) + 1 + size <= (1024 - 4) // 3 * 2)
    return next(fits)


def test_the_standard_pass_is_168_bytes_and_256_characters() -> None:
    assert (len(DATA), len(TEXT)) == (168, 256)


def test_the_envelope_of_the_standard_pass_is_this_template() -> None:
    template = "d2 84 49 a2 01 28 04 44 01fe7f80 a0 58 57"
    assert bytes.fromhex(template) + CLAIMS + b"\x58\x40" + SIGNATURE == DATA


@pytest.mark.parametrize("alg", [ESP256, ED25519])
@given(claims=st.binary(min_size=24, max_size=300))
def test_the_envelope_is_what_cbor2_writes_for_cose_sign1(alg: int, claims: bytes) -> None:
    protected = cbor2.dumps({1: alg, 4: KID})
    expected = cbor2.dumps(cbor2.CBORTag(18, [protected, {}, claims, SIGNATURE]))
    assert seal(alg, KID, claims, SIGNATURE) == "MP1:" + base45.encode(expected)


@pytest.mark.parametrize("alg", [ESP256, ED25519])
@given(kid=st.binary(min_size=4, max_size=4), claims=st.binary(min_size=24, max_size=600))
def test_the_signed_bytes_are_a_cose_sig_structure(alg: int, kid: bytes, claims: bytes) -> None:
    protected = cbor2.dumps({1: alg, 4: kid})
    assert to_be_signed(alg, kid, claims) == cbor2.dumps(["Signature1", protected, b"", claims])


@pytest.mark.parametrize("alg", [ESP256, ED25519])
@given(
    kid=st.binary(min_size=4, max_size=4),
    claims=st.binary(min_size=24, max_size=600),
    signature=st.binary(min_size=64, max_size=64),
)
def test_every_payload_opens_to_the_parts_it_was_sealed_from(
    alg: int, kid: bytes, claims: bytes, signature: bytes
) -> None:
    opened = open_text(seal(alg, kid, claims, signature))
    assert opened == Envelope(alg, kid, claims, signature, to_be_signed(alg, kid, claims))


@pytest.mark.parametrize("size", [24, 255, 256, 257, longest_claims()])
def test_claims_of_each_head_width_round_trip(size: int) -> None:
    claims = b"c" * size
    assert open_text(seal(ESP256, KID, claims, SIGNATURE)).claims == claims


@pytest.mark.parametrize("at", TEMPLATE)
def test_any_other_byte_in_the_template_is_refused(at: int) -> None:
    for other in set(range(256)) - {DATA[at]}:
        with pytest.raises(MalformedError) as refusal:
            open_bytes(DATA[:at] + bytes([other]) + DATA[at + 1 :])
        assert refusal.value.check == "envelope"


def test_any_algorithm_but_the_two_is_refused() -> None:
    for other in set(range(256)) - {0x28, 0x32}:
        with pytest.raises(MalformedError, match=f"algorithm byte {other:#04x}") as refusal:
            open_bytes(DATA[:ALG_AT] + bytes([other]) + DATA[ALG_AT + 1 :])
        assert refusal.value.check == "envelope"


def test_the_other_algorithm_changes_what_is_signed() -> None:
    opened = open_bytes(DATA[:ALG_AT] + b"\x32" + DATA[ALG_AT + 1 :])
    assert opened.alg == ED25519
    assert opened.signed == to_be_signed(ED25519, KID, CLAIMS)


@pytest.mark.parametrize("at", range(KID_AT.start, KID_AT.stop))
def test_another_kid_changes_what_is_signed(at: int) -> None:
    data = bytearray(DATA)
    data[at] ^= 1
    opened = open_bytes(bytes(data))
    assert opened.kid == data[KID_AT]
    assert opened.signed == to_be_signed(ESP256, bytes(data[KID_AT]), CLAIMS)


def test_every_other_byte_is_claims_or_signature() -> None:
    free = set(range(len(DATA))) - set(TEMPLATE) - {ALG_AT} - set(range(KID_AT.start, KID_AT.stop))
    assert free == set(range(CLAIMS_AT, CLAIMS_END)) | set(range(CLAIMS_END + 2, len(DATA)))


@pytest.mark.parametrize("at", range(CLAIMS_AT, CLAIMS_END))
def test_every_byte_of_the_claims_is_signed(at: int) -> None:
    data = bytearray(DATA)
    data[at] ^= 0x80
    assert open_bytes(bytes(data)).signed != to_be_signed(ESP256, KID, CLAIMS)


@pytest.mark.parametrize("size", range(len(DATA)))
def test_an_envelope_cut_short_anywhere_is_refused(size: int) -> None:
    with pytest.raises(MalformedError) as refusal:
        open_bytes(DATA[:size])
    assert refusal.value.check == "envelope"


@pytest.mark.parametrize("size", range(len(TEXT)))
def test_a_text_cut_short_anywhere_is_refused(size: int) -> None:
    with pytest.raises(PayloadError):
        open_text(TEXT[:size])


@pytest.mark.parametrize("extra", [b"\x00", b"\xff", bytes(64)])
def test_bytes_after_the_signature_are_refused(extra: bytes) -> None:
    with pytest.raises(MalformedError) as refusal:
        open_bytes(DATA + extra)
    assert refusal.value.check == "envelope"


@pytest.mark.parametrize(
    ("size", "head"),
    [
        pytest.param(87, "590057", id="two bytes where one will do"),
        pytest.param(87, "5a00000057", id="four bytes where one will do"),
        pytest.param(87, "5b0000000000000057", id="eight bytes where one will do"),
        pytest.param(300, "5a0000012c", id="four bytes where two will do"),
        pytest.param(23, "5817", id="one byte where none will do"),
        pytest.param(87, "7857", id="text in place of bytes"),
        pytest.param(87, "9857", id="an array in place of bytes"),
        pytest.param(87, "5f", id="indefinite"),
        pytest.param(87, "5c", id="reserved"),
    ],
)
def test_the_claims_head_has_one_form(size: int, head: str) -> None:
    data = DATA[:13] + bytes.fromhex(head) + b"c" * size + DATA[CLAIMS_END:]
    with pytest.raises(MalformedError) as refusal:
        open_bytes(data)
    assert refusal.value.check == "envelope"


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("84 49 a2 01 28 04 44 01fe7f80 a0", id="no tag"),
        pytest.param("d8 12 84 49 a2 01 28 04 44 01fe7f80 a0", id="the tag in two bytes"),
        pytest.param("d8 3d d2 84 49 a2 01 28 04 44 01fe7f80 a0", id="the CWT tag around it"),
        pytest.param("d2 84 49 a2 04 44 01fe7f80 01 28 a0", id="kid before alg"),
        pytest.param("d2 84 43 a1 01 28 a1 04 44 01fe7f80", id="kid not protected"),
        pytest.param("d2 84 49 a2 01 28 04 44 01fe7f80 a1 04 44 01fe7f80", id="kid in both"),
        pytest.param("d2 84 49 a2 01 28 04 44 01fe7f80 bf ff", id="an unprotected header without length"),
        pytest.param("d2 84 4a a2 01 38 08 04 44 01fe7f80 a0", id="alg in two bytes"),
        pytest.param("d2 84 4a a2 01 28 04 58 04 01fe7f80 a0", id="kid's length in two bytes"),
        pytest.param("d2 84 58 09 a2 01 28 04 44 01fe7f80 a0", id="the header's length in two bytes"),
        pytest.param("d2 84 48 a2 01 28 04 43 01fe7f a0", id="a kid of three bytes"),
        pytest.param("d2 84 4d a2 01 28 04 48 01fe7f8001fe7f80 a0", id="a kid of eight bytes"),
        pytest.param("d2 9f 49 a2 01 28 04 44 01fe7f80 a0", id="an array without length"),
        pytest.param("d1 84 49 a2 01 28 04 44 01fe7f80 a0", id="COSE_Mac0"),
        pytest.param("d2 84 49 a2 01 26 04 44 01fe7f80 a0", id="ES256, deprecated"),
        pytest.param("d2 84 49 a2 01 27 04 44 01fe7f80 a0", id="EdDSA, deprecated"),
    ],
)
def test_other_forms_of_the_same_cose_are_refused(before: str) -> None:
    data = bytes.fromhex(before) + DATA[13:]
    with pytest.raises(MalformedError) as refusal:
        open_bytes(data)
    assert refusal.value.check == "envelope"


@pytest.mark.parametrize("head", ["58 3f", "58 41", "40", "59 0040", "78 40"])
def test_a_signature_with_another_head_is_refused(head: str) -> None:
    data = DATA[:CLAIMS_END] + bytes.fromhex(head) + SIGNATURE
    with pytest.raises(MalformedError) as refusal:
        open_bytes(data)
    assert refusal.value.check == "envelope"


@pytest.mark.parametrize("size", [63, 65])
def test_a_signature_of_another_size_is_refused(size: int) -> None:
    data = DATA[:CLAIMS_END] + bytes([0x58, size]) + bytes(size)
    with pytest.raises(MalformedError) as refusal:
        open_bytes(data)
    assert refusal.value.check == "envelope"


def test_a_text_of_1024_characters_is_the_longest() -> None:
    size = longest_claims()
    assert len(seal(ESP256, KID, bytes(size), SIGNATURE)) == 1024
    with pytest.raises(WireError, match="would have 1026 characters; at most 1024"):
        seal(ESP256, KID, bytes(size + 1), SIGNATURE)


@pytest.mark.parametrize(
    ("text", "error", "check"),
    [
        pytest.param("MP1:" + "0" * 1020, MalformedError, "envelope", id="1,024 characters"),
        pytest.param("MP1:" + "0" * 1021, MalformedError, "bounds", id="1,025 characters"),
        pytest.param("MP1:" + "0" * 10**6, MalformedError, "bounds", id="a million"),
        pytest.param("x" * 1024, NotAPassError, "prefix", id="1,024 characters of another scheme"),
        pytest.param("x" * 1025, NotAPassError, "bounds", id="1,025 characters of another scheme"),
        pytest.param("MP2:" + "0" * 1021, NotAPassError, "bounds", id="1,025 characters of MP2"),
        pytest.param("", NotAPassError, "prefix", id="nothing"),
        pytest.param("\x00", NotAPassError, "prefix", id="NUL"),
        pytest.param("\x00" + TEXT, MalformedError, "prefix", id="NUL before"),
        pytest.param(TEXT + "\x00", MalformedError, "encoding", id="NUL behind"),
        pytest.param(TEXT.replace(":", ":\x00", 1), MalformedError, "encoding", id="NUL inside"),
        pytest.param("MP1:", MalformedError, "envelope", id="the prefix alone"),
        pytest.param("MP1", NotAPassError, "prefix", id="the prefix without its colon"),
        pytest.param("MP1;" + TEXT[4:], NotAPassError, "prefix", id="another colon"),
        pytest.param(TEXT[4:], NotAPassError, "prefix", id="no prefix"),
        pytest.param(TEXT.lower(), MalformedError, "prefix", id="lower case"),
        pytest.param("Mp1:" + TEXT[4:], MalformedError, "prefix", id="mixed case"),
        pytest.param("MP1:" + TEXT[4:].lower(), MalformedError, "encoding", id="base45 in lower case"),
        pytest.param("https://pass.example/?q=" + TEXT, MalformedError, "prefix", id="in a URL"),
        pytest.param(" " + TEXT, MalformedError, "prefix", id="a space before"),
        pytest.param("\ufeff" + TEXT, MalformedError, "prefix", id="a BOM before"),
        pytest.param(TEXT + " ", MalformedError, "encoding", id="a space behind"),
        pytest.param(TEXT + "\n", MalformedError, "encoding", id="a newline behind"),
        pytest.param(TEXT + TEXT, MalformedError, "encoding", id="twice"),
        pytest.param("HC1:6BFOXN", NotAPassError, "prefix", id="HCERT"),
        pytest.param("shc:/56762909", NotAPassError, "prefix", id="SMART Health Card"),
        pytest.param("eyJhbGciOiJFUzI1NiJ9.e30.AAAA", NotAPassError, "prefix", id="JWT"),
        pytest.param("https://example.org/", NotAPassError, "prefix", id="a URL"),
        pytest.param('{"name": "Rahima"}', NotAPassError, "prefix", id="JSON"),
        pytest.param("রহিমা", NotAPassError, "prefix", id="Bangla"),
        pytest.param("\ud800", NotAPassError, "prefix", id="a lone surrogate"),
        pytest.param("MP1:রহিমা", MalformedError, "encoding", id="Bangla behind the prefix"),
        pytest.param("MP1:\ud800", MalformedError, "encoding", id="a surrogate behind the prefix"),
        pytest.param("MP1:0", MalformedError, "encoding", id="a length that base45 never has"),
        pytest.param("MP1:GGW", MalformedError, "encoding", id="a base45 group over its maximum"),
        pytest.param("MP2:" + TEXT[4:], UnsupportedVersionError, "prefix", id="version 2"),
        pytest.param("MP2:mp1:", UnsupportedVersionError, "prefix", id="version 2 of version 1"),
        pytest.param("MP10:", UnsupportedVersionError, "prefix", id="version 10"),
        pytest.param("MP999:\x00", UnsupportedVersionError, "prefix", id="version 999"),
        pytest.param("MP1000:", NotAPassError, "prefix", id="version 1000"),
        pytest.param("MP0:" + TEXT[4:], NotAPassError, "prefix", id="version 0"),
        pytest.param("MP01:" + TEXT[4:], NotAPassError, "prefix", id="version 01"),
        pytest.param("MP২:", NotAPassError, "prefix", id="version 2 in Bangla"),
    ],
)
def test_a_text_that_is_not_a_pass_is_refused_and_the_check_named(
    text: str, error: type[PayloadError], check: str
) -> None:
    with pytest.raises(PayloadError) as refusal:
        open_text(text)
    assert (type(refusal.value), refusal.value.check) == (error, check)


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "no text at all"), ("https://example.org/", "expected MP1: at the start, got 'https://exam'")],
)
def test_the_message_quotes_the_start_of_a_foreign_text(text: str, words: str) -> None:
    with pytest.raises(NotAPassError) as refusal:
        open_text(text)
    assert str(refusal.value) == words


def test_a_newer_version_is_named() -> None:
    with pytest.raises(UnsupportedVersionError, match="a pass of version 12; this software reads version 1"):
        open_text("MP12:ABC")


@given(st.text(max_size=40), st.sampled_from(["", "MP1:", "MP2:", "mp1:"]))
def test_any_text_is_refused_with_a_payload_error(text: str, prefix: str) -> None:
    with pytest.raises(PayloadError) as refusal:
        open_text(prefix + text)
    assert refusal.value.check in {"bounds", "prefix", "encoding", "envelope"}


@given(st.binary(max_size=200))
def test_any_bytes_after_the_prefix_are_refused_or_are_their_one_form(data: bytes) -> None:
    text = "MP1:" + base45.encode(DATA[:CLAIMS_AT] + data)
    try:
        opened = open_text(text)
    except MalformedError:
        return
    assert seal(opened.alg, opened.kid, opened.claims, opened.signature) == text


@given(st.lists(st.integers(0, len(DATA)), min_size=2, max_size=6).map(sorted), st.data())
def test_an_envelope_cut_and_glued_is_refused_or_is_its_one_form(cuts: list[int], data: st.DataObject) -> None:
    pieces = [DATA[a:b] for a, b in pairwise([0, *cuts, len(DATA)])]
    text = "MP1:" + base45.encode(b"".join(data.draw(st.permutations(pieces))))
    try:
        opened = open_text(text)
    except MalformedError:
        return
    assert seal(opened.alg, opened.kid, opened.claims, opened.signature) == text


def test_the_text_of_a_pass_uses_only_the_alphanumeric_set_of_qr_codes() -> None:
    assert re.fullmatch(r"[0-9A-Z $%*+\-./:]+", TEXT)


@given(st.binary(max_size=570), st.text(max_size=20))
def test_the_length_of_a_payload_is_read_from_its_head(claims: bytes, more: str) -> None:
    text = seal(ESP256, KID, claims, SIGNATURE)
    assert payload_length(text) == len(text)
    assert payload_length(text + more) == len(text)
    known = [at for at in range(len(text) + 1) if payload_length(text[:at]) is not None]
    assert known == list(range(known[0], len(text) + 1)), "once it is told, it is told"
    assert known[0] <= len("MP1:") + 24
    assert {payload_length(text[:at]) for at in known} == {len(text)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MP1",
        "MP1:",
        "MP1:" + "0" * 300,
        "MP1:Ö",
        "mp1:" + TEXT[4:],
        " " + TEXT,
        "hello",
        TEXT.replace("MP1", "MP2"),
    ],
)
def test_a_text_that_starts_otherwise_has_no_payload_length(text: str) -> None:
    assert payload_length(text) is None


def test_a_payload_that_would_be_too_long_has_no_payload_length() -> None:
    longest = longest_claims()
    for size, known in ((longest, True), (longest + 1, False), (65_535, False)):
        data = DATA[:13] + b"\x59" + size.to_bytes(2, "big")
        assert (payload_length("MP1:" + base45.encode(data + b"\0")) is not None) == known
