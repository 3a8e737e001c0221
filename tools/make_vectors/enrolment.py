"""enrolment.json: codes that set a device up, read or refused."""

import json
from collections.abc import Iterable
from hashlib import sha256

from make_vectors.common import SEED, Vector, vector
from make_vectors.passes import base45

ROOT = sha256(f"{SEED}: a root".encode()).hexdigest()
SOURCE = "https://passes.example/repository"
CODE_BYTES = 2860
"""What fits: a QR code holds 4,296 characters, and base45 makes three of two bytes."""


def code(document: object) -> str:
    text = document if isinstance(document, str) else json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return "MPE1:" + base45(text.encode())


def good(name: str, why: str, text: str, *sources: str) -> Vector:
    return vector(name, why, "enrolment", {"text": text}, {"sources": list(sources or [SOURCE]), "root": ROOT})


def bad(name: str, why: str, text: str) -> Vector:
    return vector(f"refused-{name}", why, "enrolment", {"text": text}, {"refused": True})


def enrolment_vectors() -> list[Vector]:
    return [*read(), *refused_texts(), *refused_documents()]


def read() -> Iterable[Vector]:
    standard = {"source": SOURCE, "root": ROOT}
    many = [f"https://copy-{at}.example/r" for at in range(16)]
    yield good("standard", "one source", code(standard))
    yield good("list-of-one", "a list of one source", code({"source": [SOURCE], "root": ROOT}))
    yield good(
        "sixteen", "as many sources as there may be, in their order", code({"source": many, "root": ROOT}), *many
    )
    yield good("http", "without TLS", code({"source": "http://10.0.0.1:8000", "root": ROOT}), "http://10.0.0.1:8000")
    yield good("capitals", "the hash in capitals", code({"source": SOURCE, "root": ROOT.upper()}))
    yield good("order", "the members in another order", code({"root": ROOT, "source": SOURCE}))
    yield good("spaces", "white space", code(json.dumps(standard, indent=1) + "\n"))
    yield good("escaped", "escapes", code(json.dumps(standard).replace("p", "\\u0070")))
    source = SOURCE + "x" * (CODE_BYTES - len(json.dumps(standard, separators=(",", ":"))))
    longest = code({"source": source, "root": ROOT})
    assert len(longest) == 4295
    yield good("longest", "as many characters as a QR code can hold", longest, source)


def refused_texts() -> Iterable[Vector]:
    text = code({"source": SOURCE, "root": ROOT})
    for name, why, changed in (
        ("empty", "nothing", ""),
        ("prefix", "the prefix alone", "MPE1:"),
        ("lower-case", "in small letters", text.lower()),
        ("other-version", "a later version", "MPE2:" + text[5:]),
        ("pass-prefix", "a pass's prefix", "MP1:" + text[5:]),
        ("space", "a space before", " " + text),
        ("cut", "a character lost", text[:-1]),
        ("more", "base45 behind", text + "00"),
        ("not-base45", "a character outside the alphabet", text[:20] + "?" + text[21:]),
        ("too-long", "more characters than a QR code holds", code({"source": SOURCE + "x" * CODE_BYTES, "root": ROOT})),
        ("json", "the JSON itself", json.dumps({"source": SOURCE, "root": ROOT})),
    ):
        yield bad(name, why, changed)


def refused_documents() -> Iterable[Vector]:
    standard = {"source": SOURCE, "root": ROOT}
    text = json.dumps(standard)
    for name, why, document in (
        ("array", "an array", [SOURCE, ROOT]),
        ("null", "null", None),
        ("bom", "a byte order mark", "\ufeff" + text),
        ("truncated", "a byte is missing", text[:-1]),
        ("nan", "NaN is no JSON", '{"source": NaN, "root": "' + ROOT + '"}'),
        ("no-root", "no root", {"source": SOURCE}),
        ("no-source", "no source", {"root": ROOT}),
        ("more", "another member", standard | {"max_age": "24h"}),
        ("twice", "a member twice", text[:-1] + ', "root": "' + ROOT + '"}'),
        ("root-null", "a root that is no text", standard | {"root": None}),
        ("root-short", "a hash too short", standard | {"root": ROOT[:-1]}),
        ("root-long", "a hash too long", standard | {"root": ROOT + "0"}),
        ("root-not-hex", "a hash that is not hexadecimal", standard | {"root": "g" + ROOT[1:]}),
        ("root-full-width", "digits that are not ASCII", standard | {"root": "\uff11" + ROOT[1:]}),
        ("root-space", "a hash with a space", standard | {"root": ROOT[:-1] + " "}),
        ("root-object", "a root itself", standard | {"root": {"signed": {}}}),
        ("source-null", "a source that is no text", standard | {"source": None}),
        ("source-empty", "an empty source", standard | {"source": ""}),
        ("source-object", "a source that is no text", standard | {"source": {"url": SOURCE}}),
        ("sources-none", "no source in the list", standard | {"source": []}),
        ("sources-seventeen", "more sources than there may be", standard | {"source": [SOURCE] * 17}),
        ("sources-empty-one", "an empty source among them", standard | {"source": [SOURCE, ""]}),
        ("sources-number", "a source that is no text among them", standard | {"source": [SOURCE, 5]}),
        ("sources-nested", "a list in the list", standard | {"source": [[SOURCE]]}),
    ):
        yield bad(f"document-{name}", why, code(document))
