"""payload.json: what claims may hold, and properly signed ones that break one rule each."""

from collections.abc import Callable, Iterable, Mapping

from make_vectors.cbor import Block, Raw, bytes_of, cbor, head, legal, mapping
from make_vectors.common import CODE_LIMIT, EXP, INDEX_LIMIT, NBF, PASS_MAX, TIME_LIMIT, Vector, unhex
from make_vectors.passes import FIELDS, KA, STANDARD, Sample, bad_claims, body, claims, readable


def claims_vectors() -> list[Vector]:
    return [
        *unknown_keys(),
        *cbor_faults(),
        *claims_structure(),
        *number_fields(),
        *times(),
        *text_fields(),
        *text_forms(),
        *characters(),
    ]


def unknown_keys() -> Iterable[Vector]:
    """Later versions may add fields; this one keeps what it does not know."""
    for name, key in (
        ("10", 10), ("23", 23), ("24", 24), ("255", 255), ("256", 256), ("65536", 65536), ("2-pow-32", 1 << 32),
        ("2-pow-64-less-1", (1 << 64) - 1), ("minus-1", -1), ("minus-25", -25), ("minus-2-pow-64", -(1 << 64)),
    ):  # fmt: skip
        yield readable(f"unknown-key-{name}", f"the unknown key {key}", Sample({key: 1}))
    values: tuple[tuple[str, object], ...] = (
        ("0", 0), ("24", 24), ("256", 256), ("65536", 65536), ("2-pow-32", 1 << 32), ("2-pow-53", 1 << 53),
        ("2-pow-53-and-1", (1 << 53) + 1), ("minus-2-pow-53-less-1", -(1 << 53) - 1), ("2-pow-63", 1 << 63),
        ("2-pow-64-less-1", (1 << 64) - 1), ("minus-1", -1), ("minus-257", -257), ("minus-2-pow-64", -(1 << 64)),
        ("false", False), ("true", True), ("text", "x"), ("text-empty", ""), ("text-nul", "\0"),
        ("text-illegal-as-field", "\u0995\u0996"), ("bytes", b"\x01"), ("bytes-empty", b""), ("bytes-24", bytes(24)),
        ("array", [1, "x", b"y", False]), ("array-empty", []), ("array-24", [0] * 24), ("map", {1: 2, "a": "b"}),
        ("map-empty", {}), ("map-keys", {24: 0, -1: 0, "": 0, "b": 0, "aa": 0}),
        ("map-24", dict.fromkeys(range(24), 1)),
        ("depth-4-arrays", [[]]), ("depth-4-maps", {0: {0: 0}}), ("depth-4-mixed", [{"a": True}]),
    )  # fmt: skip
    for name, value in values:
        yield readable(f"unknown-value-{name}", "an unknown field of a kind that claims may hold", Sample({10: value}))
    yield readable(
        "unknown-both", "two unknown keys, in bytewise order: 24 (18 18) before -1 (20)", Sample({24: 1, -1: 2})
    )


CBOR_FAULTS = (
    ("null", "f6", "null is not used"),
    ("undefined", "f7", "undefined is not used"),
    ("simple-0", "e0", "simple values are not used"),
    ("simple-19", "f3", "simple values are not used"),
    ("simple-24", "f818", "simple values are not used"),
    ("simple-false-wide", "f814", "false in two bytes"),
    ("simple-255", "f8ff", "simple values are not used"),
    ("half-float", "f93c00", "floats are not used"),
    ("float", "fa3f800000", "floats are not used"),
    ("double", "fb3ff0000000000000", "floats are not used"),
    ("nan", "f97e00", "floats are not used"),
    ("tag", "c11a6b000000", "tags are not used"),
    ("tag-wide", "d83d00", "tags are not used"),
    ("bignum", "c249010000000000000000", "integers have at most 64 bits"),
    ("break", "ff", "a break without a beginning"),
    ("reserved-28", "1c", "the additional information 28 is reserved"),
    ("reserved-29", "3d", "the additional information 29 is reserved"),
    ("reserved-30", "5e", "the additional information 30 is reserved"),
    ("reserved-31", "1f", "no integer is indefinite"),
    ("reserved-array-28", "9c", "the additional information 28 is reserved"),
    ("indefinite-bytes", "5f4101ff", "lengths are definite"),
    ("indefinite-text", "7f6161ff", "lengths are definite"),
    ("indefinite-array", "9f01ff", "lengths are definite"),
    ("indefinite-array-empty", "9fff", "lengths are definite"),
    ("indefinite-map", "bf0102ff", "lengths are definite"),
    ("long-0", "1800", "0 in two bytes"),
    ("long-23", "1817", "23 in two bytes"),
    ("long-255", "1900ff", "255 in three bytes"),
    ("long-65535", "1a0000ffff", "65,535 in five bytes"),
    ("long-2-pow-32", "1b00000000ffffffff", "2^32 - 1 in nine bytes"),
    ("long-minus-24", "3817", "-24 in two bytes"),
    ("long-minus-256", "3900ff", "-256 in three bytes"),
    ("long-bytes", "580101", "a byte string's length in two bytes"),
    ("long-text", "780161", "a text's length in two bytes"),
    ("long-text-3", "79000161", "a text's length in three bytes"),
    ("long-array", "980100", "an array's count in two bytes"),
    ("long-map", "b8010000", "a map's count in two bytes"),
    ("utf8-lone", "6180", "a continuation byte alone"),
    ("utf8-overlong", "62c080", "NUL in two bytes"),
    ("utf8-overlong-3", "63e08080", "NUL in three bytes"),
    ("utf8-cut", "61c3", "a character cut short"),
    ("utf8-cut-in-text", "62c361", "a character cut short by another"),
    ("utf8-surrogate", "63eda080", "U+D800, a surrogate"),
    ("utf8-surrogates", "66eda0bdedb880", "an emoji as two surrogates"),
    ("utf8-beyond", "64f4908080", "beyond U+10FFFF"),
    ("utf8-ff", "61ff", "a byte that UTF-8 never has"),
    ("key-twice", "a200000001", "a map's key twice"),
    ("key-twice-text", "a2616100616101", "a map's text key twice"),
    ("key-order", "a201000000", "a map's keys out of order"),
    ("key-order-length-first", "a220001818 00", "keys in the order of RFC 7049, the shorter first"),
    ("key-order-text", "a26261610061 6200", "the text aa before the text b: 62 61 61 comes after 61 62"),
    ("key-order-types", "a2616100 0000", "a text key before an integer"),
    ("key-bool", "a1f400", "a boolean as a key"),
    ("key-bytes", "a14000", "a byte string as a key"),
    ("key-array", "a18000", "an array as a key"),
    ("key-map", "a1a000", "a map as a key"),
    ("key-float", "a1f93c0000", "a float as a key"),
    ("key-null", "a1f600", "null as a key"),
    ("key-long", "a1180000", "a key that is not in its shortest form"),
    ("depth-5-array", "818180", "a fifth array or map inside each other"),
    ("depth-5-map", "a100a100a0", "a fifth array or map inside each other"),
    ("depth-5-mixed", "8181a0", "a fifth array or map inside each other"),
    ("depth-4-utf8", "818161ff", "text that is no UTF-8, four deep"),
    ("depth-4-overlong", "818162c1bf", "an overlong form, four deep"),
    ("depth-4-surrogate", "818163eda080", "a surrogate, four deep"),
    ("depth-4-key-utf8", "81a161ff00", "a key that is no UTF-8, four deep"),
    ("depth-4-order", "81a202000100", "keys in another order, four deep"),
    ("depth-4-order-text", "81a262616100616200", "the shorter key after the longer one, four deep"),
    ("depth-4-order-map", "a100a202000100", "keys in another order, in maps four deep"),
    ("depth-4-twice", "81a201000100", "a key twice, four deep"),
    ("depth-4-long", "81811801", "a head that is not the shortest, four deep"),
    ("depth-4-null", "8181f6", "null, four deep"),
    ("depth-4-float", "8181f90000", "a float, four deep"),
    ("depth-4-tag", "8181c100", "a tag, four deep"),
    ("depth-4-indefinite", "819fff", "an array of indefinite length, four deep"),
    ("depth-4-cut", "81814261", "a byte string cut short, four deep"),
    ("cut-int", "18", "an integer cut short"),
    ("cut-int-4", "1a000100", "an integer cut short"),
    ("cut-bytes", "4201", "a byte string cut short"),
    ("cut-text", "6261", "a text cut short"),
    ("cut-array", "8200", "an array cut short"),
    ("cut-array-empty", "81", "an array cut short"),
    ("cut-map", "a100", "a map cut short"),
    ("cut-map-pair", "a2000001", "a map cut short"),
    ("huge-bytes", "5bffffffffffffffff", "a length of 2^64 - 1"),
    ("huge-text", "7bffffffffffffffff", "a length of 2^64 - 1"),
    ("huge-array", "9bffffffffffffffff", "a count of 2^64 - 1"),
    ("huge-map", "bbffffffffffffffff", "a count of 2^64 - 1"),
    ("huge-2-pow-31", "5a80000000", "a length of 2^31, negative if taken as signed"),
)
"""One fault each inside an unknown field, which is the last thing in the claims: name, CBOR and why."""


def cbor_faults() -> Iterable[Vector]:
    for name, data, why in CBOR_FAULTS:
        yield bad_claims(f"cbor-{name}", why, claims({10: Raw(unhex(data))}))


def claims_structure() -> Iterable[Vector]:
    good = STANDARD.claims
    said = list(body().items())

    def whole(name: str, why: str, pairs: Iterable[tuple[object, object]]) -> Vector:
        return bad_claims(f"claims-{name}", why, bytes_of(*pairs))

    def inner(name: str, why: str, pairs: Iterable[tuple[object, object]]) -> Vector:
        return whole(f"body-{name}", why, [(4, EXP), (5, NBF), (-65537, mapping(pairs))])

    yield bad_claims("claims-trailing", "a byte after the claims", good + b"\0")
    yield bad_claims("claims-twice", "the claims twice", good + good)
    yield bad_claims("claims-cut", "the claims' last byte is missing", good[:-1])
    yield bad_claims("claims-tagged", "inside the tag of a CWT", unhex("d83d") + good)
    yield bad_claims("claims-array", "an array", cbor([EXP, NBF, body()]))
    yield bad_claims("claims-bytes", "a byte string around the claims", cbor(good))
    yield bad_claims("claims-indefinite", "a map of indefinite length", b"\xbf" + good[1:] + b"\xff")
    yield bad_claims("claims-long-head", "the map's count in two bytes", b"\xb8\x03" + good[1:])
    yield whole("no-exp", "without exp", [(5, NBF), (-65537, body())])
    yield whole("no-nbf", "without nbf", [(4, EXP), (-65537, body())])
    yield whole("no-body", "without the body", [(4, EXP), (5, NBF)])
    yield whole("none", "a map of nothing, long enough for the envelope", [(10, bytes(30))])
    yield whole("iat", "one claim more", [(4, EXP), (5, NBF), (6, NBF), (-65537, body())])
    yield whole("text-key", "a claim named by text", [(4, EXP), (5, NBF), (-65537, body()), ("x", 1)])
    yield whole("order", "nbf before exp", [(5, NBF), (4, EXP), (-65537, body())])
    yield whole("body-first", "the body before the times", [(-65537, body()), (4, EXP), (5, NBF)])
    yield whole("exp-twice", "exp twice", [(4, EXP), (4, EXP), (5, NBF), (-65537, body())])
    yield whole("exp-key-long", "the key 4 in two bytes", [(Raw(head(0, 4, 1)), EXP), (5, NBF), (-65537, body())])
    yield whole("long-body-key", "the body's key in nine bytes", [(4, EXP), (5, NBF), (Raw(head(1, 65536, 8)), body())])
    yield whole("body-array", "the body is an array", [(4, EXP), (5, NBF), (-65537, [value for _, value in said])])
    yield whole(
        "body-bytes", "the body is a byte string", [(4, EXP), (5, NBF), (-65537, bytes(mapping(body().items())))]
    )
    yield inner("empty", "the body is empty", [])
    yield inner("order", "holder name before index", [said[1], said[0], *said[2:]])
    yield inner("twice", "the index twice", [said[0], *said])
    yield inner("key-long", "the key 7 in two bytes", [*said[:-1], (Raw(head(0, 7, 1)), said[-1][1])])
    yield inner("text-key", "a key of text", [*said, ("name", "x")])
    yield inner("bool-key", "a key that is a boolean", [*said, (True, "x")])
    yield inner("length-first", "-1 (20) before 24 (18 18), the order of RFC 7049", [*said, (-1, 0), (24, 0)])
    for key in range(7):
        yield inner(f"without-{key}", f"{key} ({FIELDS[key]}) is missing", [pair for pair in said if pair[0] != key])


KINDS = {bool: "bool", str: "text", bytes: "bytes", list: "array", dict: "map"}


def number_fields() -> Iterable[Vector]:
    """Every field that is a number: both ends of its range, one beyond each, and every other kind of value."""

    def in_array(key: int) -> Callable[[object], Mapping[int, object]]:
        return lambda value: {key: [value, "Mirpur 10"]}

    def alone(key: int) -> Callable[[object], Mapping[int, object]]:
        return lambda value: {key: value}

    null, double = Raw(unhex("f6")), Raw(unhex("fb3ff0000000000000"))
    fields: tuple[tuple[str, int, Callable[[object], Mapping[int, object]], tuple[object, ...]], ...] = (
        ("index", INDEX_LIMIT, alone(0), ("7", b"\x07", [7])),
        ("id-type", CODE_LIMIT, alone(2), ("nid", b"\x01", [1])),
        ("from-district", CODE_LIMIT, alone(4), ("dhaka", b"\x0d", {0: 13})),
        ("from-district-of-two", CODE_LIMIT, in_array(4), ("dhaka", b"\x0d", [13])),
        ("to-district", CODE_LIMIT, alone(5), ("gazipur", b"\x12", {0: 18})),
        ("to-district-of-two", CODE_LIMIT, in_array(5), ("gazipur", b"\x12", [18])),
        ("reason-code", CODE_LIMIT, alone(6), ([3], {0: 3})),
    )
    for name, limit, change, others in fields:
        yield readable(f"{name}-least", "0 is a number like others", Sample(change(0)))
        yield readable(f"{name}-most", f"{limit - 1} is the most", Sample(change(limit - 1)))
        yield bad_claims(f"{name}-over", f"{limit} is one too many", claims(change(limit)))
        yield bad_claims(f"{name}-negative", "-1 is too little", claims(change(-1)))
        for value in (True, False, null, double, *others):
            kind = "null" if value is null else "float" if value is double else KINDS[type(value)]
            kind = str(value).lower() if isinstance(value, bool) else kind
            yield bad_claims(f"{name}-{kind}", f"{name} is no number", claims(change(value)))
    yield readable("district-65", "a district that no table has yet", Sample({4: 65, 5: [66, "Tongi"]}))
    yield readable("reason-15", "a reason that no table has yet", Sample({6: 15}))
    yield readable("id-type-7", "an identity paper that no table has yet", Sample({2: 7}))
    for key, name in ((4, "from"), (5, "to")):
        for kind, value in (
            ("empty", []), ("one", [13]), ("three", [13, "Mirpur 10", "x"]), ("swapped", ["Mirpur 10", 13]),
            ("nested", [[13, "Mirpur 10"]]),
        ):  # fmt: skip
            yield bad_claims(
                f"{name}-array-{kind}", "a place is a district, or a district and a text", claims({key: value})
            )


def times() -> Iterable[Vector]:
    yield readable("hours-12", "12 hours exactly", Sample(exp=NBF + PASS_MAX))
    yield bad_claims("hours-12-and-a-second", "12 hours and a second", claims(exp=NBF + PASS_MAX + 1))
    yield readable("second-1", "one second", Sample(exp=NBF + 1))
    yield bad_claims("seconds-0", "exp is nbf", claims(exp=NBF))
    yield bad_claims("seconds-negative", "exp is before nbf", claims(exp=NBF - 1))
    yield readable("nbf-0", "the first second of 1970", Sample(nbf=0, exp=PASS_MAX))
    yield bad_claims("nbf-negative", "before 1970", claims(nbf=-1, exp=PASS_MAX - 1))
    yield bad_claims("both-negative", "both before 1970", claims(nbf=-2, exp=-1))
    yield readable("exp-most", "exp is 2^32 - 1", Sample(nbf=TIME_LIMIT - PASS_MAX, exp=TIME_LIMIT - 1))
    yield bad_claims("exp-2-pow-32", "exp is 2^32", claims(nbf=TIME_LIMIT - PASS_MAX, exp=TIME_LIMIT))
    yield bad_claims("nbf-2-pow-32", "both are 2^32 and more", claims(nbf=TIME_LIMIT, exp=TIME_LIMIT + 1))
    others: tuple[tuple[str, object], ...] = (
        ("text", "2026"), ("bytes", b"\x01"), ("true", True), ("false", False), ("array", [NBF]), ("map", {0: NBF}),
        ("float", Raw(unhex("fb") + unhex("41dac0fa80000000"))), ("null", Raw(unhex("f6"))),
        ("tagged", Raw(b"\xc1" + cbor(NBF))), ("long", Raw(head(0, NBF, 8))),
    )  # fmt: skip
    for name, value in others:
        yield bad_claims(f"exp-{name}", "exp is no plain number", claims(exp=value))
        yield bad_claims(f"nbf-{name}", "nbf is no plain number", claims(nbf=value))


def text_fields() -> Iterable[Vector]:
    """Every rule of a text, in every field that is one."""
    fields: tuple[tuple[str, Callable[[object], Mapping[int, object]]], ...] = (
        ("holder-name", lambda value: {1: value}),
        ("id-last", lambda value: {3: value}),
        ("from-place", lambda value: {4: [13, value]}),
        ("to-place", lambda value: {5: [18, value]}),
        ("reason-text", lambda value: {6: value}),
        ("vehicle", lambda value: {7: value}),
        ("driver-name", lambda value: {8: value}),
        ("driver-licence", lambda value: {9: value}),
    )
    for name, change in fields:
        yield readable(f"{name}-1", "one character", Sample(change("x")))
        yield readable(f"{name}-64", "64 characters", Sample(change("x" * 64)))
        yield bad_claims(f"{name}-65", "65 characters", claims(change("x" * 65)))
        yield bad_claims(f"{name}-empty", "no character", claims(change("")))
        yield bad_claims(f"{name}-newline", "a control character", claims(change("a\nb")))
        yield bad_claims(f"{name}-override", "a format character", claims(change(legal("a\u202eb"))))
        yield bad_claims(f"{name}-no-break-space", "white space alone", claims(change("\u00a0")))
        yield readable(f"{name}-block", "block text", Sample(change(Block(KA * 2))))
        yield bad_claims(f"{name}-not-block", "UTF-8 where block text is shorter", claims(change(KA * 2)))
        yield bad_claims(f"{name}-not-utf8", "block text where UTF-8 is as short", claims(change(b"\x00ab")))
        yield bad_claims(f"{name}-true", "a boolean", claims(change(Raw(cbor(value=True)))))
        yield bad_claims(f"{name}-array", "an array", claims(change(["x"])))
        if name != "reason-text":
            yield bad_claims(f"{name}-number", "a number", claims(change(7)))
    yield readable("text-64-block", "64 characters as block text", Sample({1: Block(KA * 64)}))
    yield bad_claims("text-65-block", "65 characters as block text", claims({1: Block(KA * 65)}))
    yield readable("text-64-astral", "64 characters, 128 UTF-16 units, 256 bytes", Sample({1: "\U0001f600" * 64}))
    yield bad_claims("text-65-astral", "65 characters", claims({1: "\U0001f600" * 65}))
    yield readable(
        "text-64-marks",
        "a character is a code point, however it is drawn",
        Sample({1: Block("e" + "\u0301" * 63, 0x06)}),
    )
    yield bad_claims(
        "text-65-marks", "65 code points that look like one", claims({1: Block("e" + "\u0301" * 64, 0x06)})
    )
    yield readable("text-not-nfc", "only the issuer sees to NFC: e and an accent apart", Sample({1: "Jose\u0301"}))
    yield readable(
        "text-not-nfc-bangla", "U+09DF, which NFC takes apart", Sample({1: Block("\u09ae\u09df\u09a8\u09be")})
    )
    yield readable("text-spaces-around", "decoders take texts as they are", Sample({1: " Rahima "}))


DEVANAGARI = "\u0939\u093e\u0901"
GOOD_FORMS: tuple[tuple[str, str, object], ...] = (
    ("tie", "one accent: both forms have five bytes, and UTF-8 it is", "Jos\u00e9"),
    ("two-accents", "two accents: block text is a byte shorter", Block("\u00d1u\u00f1oa", 0x01)),
    ("ascii-among", "ASCII among Bangla", Block(KA + " A-~ 10")),
    ("joiner", "ZWJ is 02", Block("\u09b0\u200d\u09cd\u09af")),
    ("non-joiner", "ZWNJ is 01", Block("\u0995\u09cd\u200c\u09b7")),
    ("danda", "the danda is 03", Block("\u09b6\u09c7\u09b7\u0964")),
    ("danda-own-block", "the danda is 03 in its own block too", Block(DEVANAGARI + "\u0964", 0x12)),
    ("double-danda", "the double danda is Devanagari's own", Block(DEVANAGARI + "\u0965", 0x12)),
    ("joiner-own-block", "ZWNJ is 01 in its own block too", Block("\u2013\u200c\u2014", 0x40)),
    ("joiner-first", "shared characters name no block", Block("\u200d\u0964" + KA * 2)),
    ("danda-only", "shared characters alone have no block text", "\u0964\u0964\u0964"),
    ("joiners-only", "shared characters alone have no block text", "\u200c\u200d"),
    ("two-blocks", "two blocks have no block text", KA * 9 + "\u043a"),
    ("two-blocks-neighbours", "two blocks side by side are two", "\u09ff" * 9 + "\u0a00"),
    ("one-letter", "one letter: two bytes against three", Block(KA)),
    ("greek", "another script", Block("\u0391\u03b8\u03ae\u03bd\u03b1", 0x07)),
    ("block-ff", "the last block there is", Block("\u7fff\u7f80", 0xFF)),
    ("block-100", "the first block that one byte can't number", "\u8000\u8000"),
    ("block-02", "the first block after Latin-1", Block("\u0100\u017f", 0x02)),
    ("astral", "beyond the blocks that one byte can number", "\U0001f600\U0001f601"),
    ("astral-among", "an emoji among Bangla leaves UTF-8 alone", KA * 20 + "\U0001f600"),
    ("block-23", "23 bytes of block text, with the head's one byte", Block(KA * 22)),
    ("block-24", "24 bytes of block text, with the head's two", Block(KA * 23)),
)
BAD_FORMS: tuple[tuple[str, str, object], ...] = (
    ("tie", "block text where both have five bytes", Block("Jos\u00e9", 0x01)),
    ("ascii", "block text for ASCII", b"\x13Rahima"),
    ("ascii-high", "ASCII by way of block 0", b"\x00\xd2\xe1\xe8"),
    ("two-accents", "UTF-8 where block text is a byte shorter", "\u00d1u\u00f1oa"),
    ("danda-high", "the danda by Devanagari's own byte", b"\x12\xb9\xbe\xe4"),
    ("joiner-high", "ZWNJ by its own block's byte", b"\x40\x93\x8c\x94"),
    ("danda-only", "block text of shared characters alone", b"\x13\x03\x03\x03"),
    ("joiners-only", "block text of shared characters alone", b"\x13\x01\x02"),
    ("byte-00", "block text with the byte 00", b"\x13\x95\x00\x95"),
    ("byte-04", "block text with the byte 04", b"\x13\x95\x04\x95"),
    ("byte-0a", "block text with the byte 0a", b"\x13\x95\x0a\x95"),
    ("byte-1f", "block text with the byte 1f", b"\x13\x95\x1f\x95"),
    ("byte-7f", "block text with DEL", b"\x13\x95\x7f\x95"),
    ("bytes-empty", "block text without its block", b""),
    ("bytes-block-only", "block text without a character", b"\x13"),
    ("bytes-utf8", "UTF-8 in a byte string", b"Rahima"),
    ("block-ff-utf8", "UTF-8 where block text is shorter", "\u7fff\u7f80"),
    ("soft-hyphen", "a refused character by its block's byte", b"\x01\xad\xad"),
    ("arabic-sign", "a refused character by its block's byte", b"\x0c\x80\xa7"),
    ("next-line", "a control character by its block's byte", b"\x01\x85\xe9"),
    ("override", "a format character by its block's byte", b"\x40\xae\x93"),
)


def text_forms() -> Iterable[Vector]:
    """The one legal form of a text, both ways."""
    for name, why, value in GOOD_FORMS:
        yield readable(f"form-{name}", why, Sample({1: value}))
    for name, why, value in BAD_FORMS:
        yield bad_claims(f"form-bad-{name}", why, claims({1: value}))


REFUSED = (
    (0x0000, 0x001F), (0x007F, 0x009F), (0x00AD, 0x00AD), (0x0600, 0x0605), (0x061C, 0x061C), (0x06DD, 0x06DD),
    (0x070F, 0x070F), (0x0890, 0x0891), (0x08E2, 0x08E2), (0x180E, 0x180E), (0x200B, 0x200B), (0x200E, 0x200F),
    (0x2028, 0x202E), (0x2060, 0x206F), (0xE000, 0xF8FF), (0xFDD0, 0xFDEF), (0xFEFF, 0xFEFF), (0xFFF0, 0xFFFB),
    (0xFFFE, 0xFFFF), (0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0000, 0x10FFFF),
)  # fmt: skip
"""The spec's table but for the surrogates, which UTF-8 can't hold anyway."""
RANGE_WHOLE = 33
"""Of a range of so many characters each has a vector; of a longer one its ends, their neighbours and its middle."""
SPACES = (0x00A0, 0x1680, 0x2000, 0x2005, 0x200A, 0x202F, 0x205F, 0x3000)


def characters() -> Iterable[Vector]:
    for first, last in REFUSED:
        inside = (
            range(first, last + 1) if last - first < RANGE_WHOLE else (first, first + 1, first + last >> 1, last - 1)
        )
        for point in sorted({*inside, last}):
            text = legal("Rahima " + chr(point))
            yield bad_claims(f"char-u{point:04x}", f"U+{point:04X} is refused", claims({1: text}))
    beside = [p for first, last in REFUSED for p in (first - 1, last + 1) if 0 <= p < 0x110000 and p not in _SURROGATES]
    beside = sorted(set(beside) - {p for first, last in REFUSED for p in (first, last)} | {0xD7FF})
    text = "".join(map(chr, beside))
    assert len(text) <= 64
    yield readable("char-beside", "every character that stands beside a refused one", Sample({1: text}))
    yield readable("char-quotes", "ASCII's own signs", Sample({1: "\"'\\/<>&%$#@!{}[]`~^|"}))
    for point in SPACES:
        yield bad_claims(f"blank-u{point:04x}", f"U+{point:04X} alone is no text", claims({1: legal(chr(point))}))
    for count in (1, 2, 64):
        yield bad_claims(f"blank-{count}", f"{count} times U+0020 is no text", claims({1: " " * count}))
    yield bad_claims("blank-mixed", "white space of several kinds is no text", claims({1: " \u00a0 \u3000"}))
    yield readable("spaces-in-text", "white space of any kind inside a text", Sample({1: "a\u00a0b\u2003c\u3000d"}))


_SURROGATES = range(0xD800, 0xE000)
