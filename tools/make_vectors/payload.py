"""payload.json: texts, taken apart or refused. What is wrong within signed claims is in claims.py."""

from collections.abc import Iterable
from hashlib import sha256

from make_vectors.cbor import Raw, bytes_of, cbor, head
from make_vectors.claims import claims_vectors
from make_vectors.common import TEXT_MAX, Vector, unhex
from make_vectors.keys import A, E
from make_vectors.passes import (
    BANGLA,
    ENGLISH,
    PROTECTED,
    STANDARD,
    Sample,
    bad_claims,
    claims,
    envelope,
    payload,
    readable,
    refused,
    text_of,
)


def payload_vectors() -> list[Vector]:
    return [
        *whole_passes(),
        *claims_lengths(),
        *other_texts(),
        *later_versions(),
        *broken_prefixes(),
        *sizes(),
        *base45_faults(),
        *envelope_bytes(),
        *algorithms(),
        *envelope_forms(),
        *envelope_lengths(),
        *claims_vectors(),
    ]


def whole_passes() -> Iterable[Vector]:
    yield readable("standard", "the standard pass", STANDARD)
    yield readable("standard-ed25519", "the standard pass, signed with Ed25519", Sample(key=E))
    yield readable("english", "a pass with place and driver, in English", Sample(ENGLISH))
    yield readable("bangla", "the same pass in Bangla: every text is block text", Sample(BANGLA))
    yield readable("no-vehicle", "a pass without a vehicle", Sample({7: None}))
    yield readable("driver-without-vehicle", "8 and 9 do not need 7", Sample({7: None, 8: "Abdul Karim", 9: "77AB"}))
    yield readable("driver-name-only", "8 does not need 9", Sample({8: "Abdul Karim"}))
    yield readable("driver-licence-only", "9 does not need 8", Sample({9: "77AB"}))
    yield readable("both-places", "both districts with a text", Sample({4: [13, "Mirpur 10"], 5: [18, "Tongi"]}))
    yield readable("free-reason", "a reason in words", Sample({6: "Sister's wedding"}))


def padded(length: int) -> dict[int, object]:
    """Change the standard pass so that its claims have this many bytes, by two unknown fields."""
    change: dict[int, object] = {10: b"", 11: b""}
    spare = length - len(claims(change))
    for first in range(spare, spare - 4, -1):  # a byte string's own head grows with it
        change = {10: bytes(first // 2), 11: bytes(first - first // 2)}
        if len(claims(change)) == length:
            return change
    raise AssertionError(length)


def claims_lengths() -> Iterable[Vector]:
    yield readable("claims-255-bytes", "the longest claims with a one-byte length (58 ff)", Sample(padded(255)))
    yield readable("claims-256-bytes", "the shortest claims with a two-byte length (59 01 00)", Sample(padded(256)))
    largest = (TEXT_MAX - 4) // 3 * 2 - 13 - 3 - 66
    yield readable("text-1024", "the longest text there is: 1,024 characters", Sample(padded(largest)))
    longer = payload(claims(padded(largest + 1)))
    yield refused("text-1026", "in good order but for its 1,026 characters", longer, "bounds")
    yield bad_claims("claims-0-bytes", "no claims at all: the byte string's head is 40", b"")
    yield bad_claims("claims-1-byte", "an empty map: the byte string's head is 41", b"\xa0")
    yield bad_claims("claims-23-bytes", "the most that a head of one byte (57) stands for", b"\xa0" + bytes(22))
    yield bad_claims("claims-24-bytes", "the fewest that a head of two bytes (58 18) stands for", b"\xa0" + bytes(23))


def other_texts() -> Iterable[Vector]:
    text = STANDARD.text
    other = (
        ("empty", "no text", ""),
        ("nul", "a NUL", "\0"),
        ("space", "a space", " "),
        ("url", "a web address", "https://example.org/pass?id=400000"),
        ("vcard", "a visiting card", "BEGIN:VCARD\nVERSION:3.0\nFN:Rahima Khatun\nEND:VCARD"),
        ("hcert", "a health certificate", "HC1:" + text[4:]),
        ("shc", "a SMART Health Card", "shc:/567629095243206034602924374044603122295953265460346029254077280433"),
        ("jwt", "a JSON Web Token", "eyJhbGciOiJFUzI1NiJ9.eyJleHAiOjE3OTUzMjcyMDB9." + "A" * 86),
        ("json", "unsigned JSON", '{"name": "Rahima Khatun", "to": "gazipur"}'),
        ("wifi", "a network's password", "WIFI:S:checkpoint;T:WPA;P:secret;;"),
        ("bangla-text", "words in Bangla", "\u09b0\u09b9\u09bf\u09ae\u09be"),
        ("digits", "a bar code's digits", "8901234567894"),
        ("prefix-cut-1", "M alone", "M"),
        ("prefix-cut-3", "MP1 without its colon", "MP1"),
        ("prefix-no-colon", "a payload without the colon", text.replace(":", "", 1)),
        ("prefix-cut-off", "a payload without its prefix", text[4:]),
        ("version-none", "MP: names no version", "MP:" + text[4:]),
        ("version-0", "there is no version 0", "MP0:" + text[4:]),
        ("version-00", "there is no version 00", "MP00:" + text[4:]),
        ("version-01", "a version never begins with 0", "MP01:" + text[4:]),
        ("version-1000", "a version has at most three digits", "MP1000:" + text[4:]),
        ("version-letter", "a version is a number", "MPX:" + text[4:]),
        ("version-2-lower-case", "other versions have their prefix in capitals too", "mp2:" + text[4:]),
        ("version-arabic-digit", "a version's digits are ASCII", "MP\u0662:" + text[4:]),
        ("version-bangla-digit", "a version's digits are ASCII", "MP\u09e8:" + text[4:]),
        ("version-full-width-digit", "a version's digits are ASCII", "MP\uff12:" + text[4:]),
        ("version-1-bangla-digit", "a digit that is not ASCII after MP1", "MP1\u09e8:" + text[4:]),
        ("version-1-arabic-digit", "a digit that is not ASCII after MP1", "MP1\u0662:" + text[4:]),
        ("version-1-full-width", "a digit that is not ASCII after MP1", "MP1\uff10:" + text[4:]),
        ("version-1-superscript", "a digit that is not ASCII after MP1", "MP1\u00b2:" + text[4:]),
        ("version-full-width-colon", "another colon", "MP2\uff1a" + text[4:]),
        ("version-2-inside", "another version's prefix counts only at the start", " MP2:" + text[4:]),
        ("prefix-full-width", "full-width letters are other letters", "\uff2d\uff30\uff11\uff1a" + text[4:]),
    )
    for name, why, value in other:
        yield refused(name, why, value, "prefix", "not-a-pass")


def later_versions() -> Iterable[Vector]:
    for version in ("2", "9", "10", "11", "999"):
        name, why = f"version-{version}", f"version {version} is a later one"
        yield refused(name, why, f"MP{version}:" + STANDARD.text[4:], "prefix", "unsupported-version")
    yield refused("version-2-bare", "a later version's prefix alone", "MP2:", "prefix", "unsupported-version")
    ours = "MP2:" + STANDARD.text
    yield refused("version-2-of-ours", "no matter what follows, even ours", ours, "prefix", "unsupported-version")
    yield refused(
        "version-2-other", "what follows is the later version's affair", "MP2:\u0995", "prefix", "unsupported-version"
    )


def broken_prefixes() -> Iterable[Vector]:
    text = STANDARD.text
    wrapped = (
        ("prefix-lower-case", "the prefix in lower case", "mp1:" + text[4:]),
        ("all-lower-case", "a payload in lower case", text.lower()),
        ("prefix-mixed-case", "the prefix in mixed case", "Mp1:" + text[4:]),
        ("url-wrapped", "a payload inside a web address", "https://example.org/#" + text),
        ("space-before", "a space before the payload", " " + text),
        ("newline-before", "a newline before the payload", "\n" + text),
        ("bom-before", "a byte order mark before the payload", "\ufeff" + text),
        ("nul-before", "a NUL before the payload", "\0" + text),
        ("quoted", "a payload in quotes", f'"{text}"'),
    )
    for name, why, value in wrapped:
        yield refused(name, why, value, "prefix")


def sizes() -> Iterable[Vector]:
    astral = "\U0001f600"
    yield refused("other-1024", "other text of 1,024 characters", "x" * TEXT_MAX, "prefix", "not-a-pass")
    yield refused("other-1025", "other text of 1,025 characters", "x" * (TEXT_MAX + 1), "bounds", "not-a-pass")
    yield refused(
        "other-1024-astral", "characters are code points, not UTF-16 units", astral * TEXT_MAX, "prefix", "not-a-pass"
    )
    yield refused("other-1025-astral", "1,025 code points", astral * (TEXT_MAX + 1), "bounds", "not-a-pass")
    yield refused("text-1024-astral", "1,024 code points after all", "MP1:" + astral * (TEXT_MAX - 4), "encoding")
    yield refused(
        "text-1024-not-base45", "the length is checked first, and holds", "MP1:" + "#" * (TEXT_MAX - 4), "encoding"
    )
    yield refused(
        "text-1025", "the length is checked first, and does not hold", "MP1:" + "#" * (TEXT_MAX - 3), "bounds"
    )
    long = "0" * (TEXT_MAX - 3)
    yield refused(
        "version-2-too-long", "too long to be read at all, so no version is seen", "MP2:" + long, "bounds", "not-a-pass"
    )
    yield refused("lower-case-too-long", "too long to be read at all", "mp1:" + long, "bounds", "not-a-pass")


def base45_faults() -> Iterable[Vector]:
    text = STANDARD.text
    for name, char in (
        ("hash", "#"), ("comma", ","), ("equals", "="), ("underscore", "_"), ("at", "@"), ("backtick", "`"),
        ("lower-case", "a"), ("bang", "!"), ("semicolon", ";"), ("tab", "\t"), ("newline", "\n"), ("nul", "\0"),
        ("delete", "\x7f"), ("latin", "\u00e9"), ("bangla-digit", "\u09e7"), ("full-width", "\uff21"),
        ("no-break-space", "\u00a0"), ("kelvin", "\u212a"), ("astral", "\U0001f600"),
    ):  # fmt: skip
        yield refused(
            f"base45-{name}", f"U+{ord(char):04X} is not in the alphabet", text[:40] + char + text[41:], "encoding"
        )
    yield refused("base45-lower-case-body", "base45 in lower case", "MP1:" + text[4:].lower(), "encoding")
    yield refused("base45-one-over", "a length that leaves 1 when divided by 3", text_of(bytes(2)) + "0", "encoding")
    cut = text[: len(text) - (len(text) - 4 - 1) % 3]
    yield refused("base45-cut", "a payload cut to a length that leaves 1", cut, "encoding")
    for name, group in (("65536", "GGW"), ("90000", "ZZW"), ("91124", ":::")):
        yield refused(
            f"base45-triple-{name}",
            f"three characters that stand for {name}",
            text[:40] + group + text[43:],
            "encoding",
        )
    for name, group in (("256", "V5"), ("2024", "::")):
        whole = text[: len(text) - (len(text) - 4) % 3]
        yield refused(f"base45-pair-{name}", f"a last pair that stands for {name}", whole + group, "encoding")
    yield refused("base45-65535", "three characters that stand for 65535, the most", "MP1:FGW", "envelope")
    yield refused("base45-255", "a pair that stands for 255, the most", "MP1:U5", "envelope")
    for name, sample in (("even", STANDARD), ("odd", Sample({1: "Mohammad Rafiqul Isla"}))):
        yield readable(f"base45-{name}", f"an {name} number of bytes", sample)
        yield refused(f"base45-{name}-newline", "a line end is not part of a payload", sample.text + "\n", "encoding")
        yield refused(f"base45-{name}-space", "no payload ends with a space", sample.text + " ", "encoding")
    yield refused("base45-twice", "two payloads in a row", text + text, "encoding")
    yield refused("prefix-twice", "the prefix twice", "MP1:" + text, "encoding")


CLAIMS_LENGTH_AT = 14


def broken(name: str, why: str, data: bytes) -> Vector:
    return refused(f"envelope-{name}", why, text_of(data), "envelope")


def form(
    name: str,
    why: str,
    *,
    protected: object = PROTECTED,
    unprotected: object = Raw(b"\xa0"),
    content: object = STANDARD.claims,
    signature: object = STANDARD.signature,
) -> Vector:
    """Make an envelope of which one part is written otherwise."""
    return broken(name, why, b"\xd2" + cbor([protected, unprotected, content, signature]))


def envelope_bytes() -> Iterable[Vector]:
    """One byte of the template changed; the envelope cut short, or longer."""
    good = envelope(STANDARD.claims, STANDARD.signature, PROTECTED)
    end = len(good) - 66
    for at, what in (
        (0, "the tag 18"), (1, "the array of four"), (2, "the protected header's length"), (3, "its map of two"),
        (4, "the label alg"), (6, "the label kid"), (7, "the kid's length"), (12, "the empty unprotected header"),
        (13, "the claims' head"), (14, "the claims' length"), (end, "the signature's head"),
        (end + 1, "the signature's length"),
    ):  # fmt: skip
        for change in (0x01, 0x80):
            data = good[:at] + bytes([good[at] ^ change]) + good[at + 1 :]
            yield broken(f"byte-{at}-xor-{change:02x}", f"{what} is another byte", data)
    yield broken("empty", "the prefix alone", b"")
    for length in (1, 2, 4, 5, 6, 8, 11, 12, 13, 14, 15, 16, end - 1, end, end + 1, end + 2, len(good) - 1):
        yield broken(f"first-{length}", f"cut after {length} bytes", good[:length])
    yield broken("trailing", "a byte after the signature", good + b"\0")
    yield broken("leading", "a byte before the tag", b"\0" + good)
    for name, change in (("more", 1), ("less", -1)):
        data = good[:CLAIMS_LENGTH_AT] + bytes([good[CLAIMS_LENGTH_AT] + change]) + good[CLAIMS_LENGTH_AT + 1 :]
        yield broken(f"claims-one-{name}", f"the claims' length says one byte {name}", data)


def algorithms() -> Iterable[Vector]:
    """Every algorithm but the two; all properly signed with the key as it is."""
    names = {
        -7: "ES256, deprecated", -8: "EdDSA, deprecated", -35: "ES384", -36: "ES512", -47: "ES256K", -37: "PS256",
        -51: "ESP384", -53: "Ed448", 5: "HMAC",
    }  # fmt: skip
    for alg in (*names, -6, -10, -18, -20, 0, 1, 23):
        why = f"algorithm {alg} ({names.get(alg, 'unassigned or of no use here')})"
        yield refused(f"alg-{alg}", why, payload(STANDARD.claims, alg=alg), "envelope")
    text_alg = bytes_of((1, "ESP256"), (4, A.kid))
    yield form("alg-text", "the algorithm by its name", protected=text_alg)


def envelope_forms() -> Iterable[Vector]:
    """The same content in forms that COSE knows, and a pass does not have."""
    content, signature = STANDARD.claims, STANDARD.signature
    for name, why, tag in (
        ("untagged", "without the tag", ""),
        ("cwt-tag", "inside the tag of a CWT", "d83dd2"),
        ("long-tag", "the tag is not in its shortest form", "d812"),
        ("sign-tag", "the tag of a COSE_Sign", "d862"),
    ):
        yield broken(name, why, unhex(tag) + cbor([PROTECTED, {}, content, signature]))
    yield broken("three-parts", "three parts", b"\xd2" + cbor([PROTECTED, content, signature]))
    yield broken("five-parts", "five parts", b"\xd2" + cbor([PROTECTED, {}, content, signature, b""]))
    indefinite = cbor([PROTECTED, {}, content, signature])[1:]
    yield broken("indefinite", "an array of indefinite length", b"\xd2\x9f" + indefinite + b"\xff")
    only_alg = bytes_of((1, A.alg))
    yield form("kid-unprotected", "the kid is not protected", protected=only_alg, unprotected={4: A.kid})
    yield form("no-kid", "there is no kid", protected=only_alg)
    yield form("kid-first", "the kid before the algorithm", protected=bytes_of((4, A.kid), (1, A.alg)))
    yield form("content-type", "a third header", protected=bytes_of((1, A.alg), (3, 61), (4, A.kid)))
    for length in (0, 3, 5, 8):
        other = bytes_of((1, A.alg), (4, sha256(A.kid).digest()[:length]))
        yield form(f"kid-{length}-bytes", f"a kid of {length} bytes", protected=other)
    yield form("kid-text", "the kid is text", protected=bytes_of((1, A.alg), (4, "abcd")))
    long_head = bytes_of((1, Raw(head(1, 8, 1))), (4, A.kid))
    yield form("alg-long", "the algorithm in two bytes", protected=long_head)
    yield form("protected-map", "the protected header is no byte string", protected=Raw(PROTECTED))
    yield form("unprotected-entry", "something unprotected", unprotected={4: A.kid})
    yield form("unprotected-bytes", "the unprotected header is a byte string", unprotected=b"")


def envelope_lengths() -> Iterable[Vector]:
    content, signature = STANDARD.claims, STANDARD.signature
    yield form("claims-map", "the claims are no byte string", content=Raw(content))
    yield form("claims-text", "the claims are text", content="x" * len(content))
    yield form("claims-nil", "the claims are detached", content=Raw(b"\xf6"))
    yield form("claims-pieces", "the claims come in pieces", content=Raw(b"\x5f" + cbor(content) + b"\xff"))
    short = b"\xa0" + bytes(22)
    for data, width in ((content, 2), (content, 4), (content, 8), (short, 1), (claims(padded(255)), 2)):
        why = f"the length of {len(data)} bytes in {width}"
        wide = Raw(head(2, len(data), width) + data)
        yield form(f"claims-{len(data)}-length-{width}", why, content=wide)
    for info in (28, 29, 30):
        reserved = Raw(bytes([2 << 5 | info]) + content)
        yield form(f"claims-head-{info}", f"the additional information {info} is reserved", content=reserved)
    for length in (0, 63, 65, 96):
        yield form(f"signature-{length}", f"a signature of {length} bytes", signature=(signature * 2)[:length])
    for width in (2, 4, 8):
        wide = Raw(head(2, 64, width) + signature)
        yield form(f"signature-length-{width}", f"the signature's length in {width} bytes", signature=wide)
    yield form("signature-text", "the signature is text", signature="x" * 64)
