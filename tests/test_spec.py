"""What docs/spec.md shows is what the code does: its examples, its tables, its numbered checks."""

import hashlib
import inspect
import json
import re
from base64 import urlsafe_b64decode
from itertools import pairwise
from pathlib import Path

import pytest
from tuf.ngclient import UpdaterConfig

from movepass_keys import KeySet
from movepass_keys.records import generations, layout, roles
from movepass_keys.records.layout import LOG_MAX_BYTES
from movepass_verifier.deciding.lists import Policy, StatusLists
from movepass_verifier.deciding.verdicts import CHECKS, Verdict
from movepass_verifier.deciding.verify import _decide, verify
from movepass_verifier.sync import enrolment, offer
from movepass_wire import (
    ClaimsError,
    Place,
    base45,
    claims,
    decode_claims,
    encode_block,
    format_number,
    limits,
    new_log,
    number,
    open_text,
    read_log,
    seal,
    statuslog,
    text,
    to_be_signed,
)
from movepass_wire.payload import payload_length
from movepass_wire.text import pack_text

ROOT = Path(__file__).resolve().parent.parent
SPEC = (ROOT / "docs" / "spec.md").read_text("utf-8")
VECTORS = ROOT / "tests" / "vectors"


def _fenced(title: str) -> str:
    """Give the one fenced block with this title."""
    found = re.findall(rf"^```{title}\n(.*?)^```$", SPEC, re.MULTILINE | re.DOTALL)
    assert len(found) == 1, title
    return str(found[0])


def _hex(title: str) -> bytes:
    """Join the bytes at the beginning of a fenced block's lines; what they mean stands behind two spaces."""
    return b"".join(bytes.fromhex(line.split("  ")[0]) for line in _fenced(title).splitlines())


def _rows(header: str, which: int = 0) -> list[list[str]]:
    """Give the cells of a table that has this first line."""
    table = SPEC.split(header + "\n")[which + 1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[1:]]


def _point(name: str) -> int:
    """Read a code point's name, U+0020."""
    return int(name.removeprefix("U+"), 16)


def _vector(file: str, name: str) -> dict[str, dict[str, str]]:
    vectors = json.loads((VECTORS / f"{file}.json").read_text("utf-8"))["vectors"]
    return next(vector for vector in vectors if vector["id"] == name)


# --- the payload -------------------------------------------------------------------------------------------------


def test_payload_taken_apart_is_the_standard_vector() -> None:
    payload = _fenced("text payload").strip()
    assert payload == _vector("payload", "standard")["input"]["text"]
    assert base45.decode(payload.removeprefix("MP1:")) == _hex("hex payload")
    assert f"{len(_hex('hex payload'))} bytes, is the vector `standard`" in SPEC
    assert f"Its text has {len(payload)} characters" in SPEC


def test_what_is_signed() -> None:
    envelope = open_text(_fenced("text payload").strip())
    assert envelope.signed == _hex("hex signed") == to_be_signed(envelope.alg, envelope.kid, envelope.claims)
    data = _hex("hex payload")
    head_and_claims = data[13 : len(data) - 66]
    assert envelope.signed == bytes.fromhex("846a5369676e617475726531") + data[2:12] + b"\x40" + head_and_claims


def test_what_the_taken_apart_payload_says() -> None:
    pass_ = decode_claims(open_text(_fenced("text payload").strip()).claims)
    trip = pass_.trip
    assert (pass_.index, trip.not_before, trip.not_after) == (400_000, 1795316400, 1795327200)
    assert (trip.holder_name, trip.vehicle) == ("Mohammad Rafiqul Islam", "DHAKA METRO-GA 15-4821")
    assert (trip.id_type, trip.id_last, trip.origin, trip.destination) == (1, "4821", Place(13), Place(18))
    assert trip.reason == 3


def test_the_bodys_fields() -> None:
    fields = {int(key): bool(optional) for optional, key in re.findall(r"^      (\? )?([0-9]+): ", SPEC, re.MULTILINE)}
    assert list(fields) == list(claims.FIELD_NAMES)
    assert {key for key, optional in fields.items() if not optional} == claims._REQUIRED
    assert f"keys other than 0 to {max(fields)}" in SPEC


def test_base45_alphabet_and_why_no_payload_ends_with_a_space() -> None:
    assert f"\n    {base45.ALPHABET}\n" in SPEC
    assert base45.ALPHABET[36] == " "
    last = {base45.encode(n.to_bytes(2, "big"))[-1] for n in range(1 << 16)} | {
        base45.encode(bytes([n]))[-1] for n in range(256)
    }
    assert max(map(base45.ALPHABET.index, last)) == 65535 // 2025 == 32


# --- text fields -------------------------------------------------------------------------------------------------


def test_refused_characters() -> None:
    table = [(_point(first), _point(last)) for first, last, _ in _rows("| from | to | what |")]
    assert tuple(table) == text._REFUSED


def test_white_space() -> None:
    listed = re.search(r"White space is (.*?);", SPEC, re.DOTALL)
    assert listed
    points: set[int] = set()
    for first, last in re.findall(r"U\+([0-9A-F]{4})(?: to U\+([0-9A-F]{4}))?", listed[1]):
        points |= set(range(int(first, 16), int(last or first, 16) + 1))
    refused = {point for first, last in text._REFUSED for point in range(first, last + 1)}
    assert points == {point for point in range(0x110000) if chr(point).isspace()} - refused
    for point in points:
        with pytest.raises(ClaimsError, match="expected text, got none"):
            text.check_text("x", chr(point) * 2)
        text.check_text("x", f"a{chr(point)}b")


def test_block_text_examples() -> None:
    assert pack_text("José") == "José"
    example = re.search(r'"(\S+)" is `([0-9a-f ]+)`', SPEC)
    assert example
    assert pack_text(example[1]) == bytes.fromhex(example[2])


def test_shared_characters() -> None:
    rows = _rows("| byte | character |")
    shared = {_point(last): int(byte, 16) for byte, what in rows[:3] for last in [what.split(", ")[1]]}
    assert shared == text._SHARED


# --- the pass number ---------------------------------------------------------------------------------------------


def test_number_worked_out() -> None:
    lines = [line.split() for line in _fenced("text number").splitlines()[1:]]
    total = 0
    for symbol, value, shown in lines:
        total = number._times_x(total) ^ int(value)
        assert number.ALPHABET[int(value)] == symbol
        assert total == int(shown)
    written = "".join(symbol for symbol, _, _ in lines)
    assert format_number(20779, 400_000).replace("-", "") == written
    assert f"The number is `{format_number(20779, 400_000)}`" in SPEC
    assert f"\n    {number.ALPHABET}\n" in SPEC
    assert [number.ALPHABET.index(symbol) for symbol in written] == [int(value) for _, value, _ in lines]


def _points(header: str) -> list[tuple[int, int]]:
    return [(_point(first), _point(last)) for first, last, _ in _rows(header)]


def test_what_is_typed_for_a_number() -> None:
    assert _points("| from | to | what does not count |") == list(number._SKIPPED)
    reads = {chr(p) for a, b in _points("| from | to | read as |") for p in range(a, b + 1)}
    full_width_u = {"\uff35", "\uff55"}
    assert set(number._READ_AS) == reads - {"U", "u"} - full_width_u
    for first, last, what in _rows("| from | to | read as |"):
        for point in range(_point(first), _point(last) + 1):
            plain = chr(ord(what[0]) + point - _point(first))
            assert number._READ_AS.get(chr(point)) == number._READ_AS.get(plain)


# --- the status log ----------------------------------------------------------------------------------------------


def test_log_taken_apart() -> None:
    log = read_log(_hex("hex log"))
    indexes = [int(row[0]) for row in _rows("| index | gap | quotient | in unary | remainder | in k bits |")]
    assert (log.day, log.generation, list(log.revoked)) == (20779, 1, sorted(indexes))
    assert new_log(20779, 1) + encode_block(indexes[:-1]) + encode_block(indexes[-1:]) == _hex("hex log")


def test_log_bit_by_bit() -> None:
    """Every bit shown is its byte's, and each block's are those of the table, then padding."""
    shown = [line.split("  ", 1) for line in _fenced("hex log").splitlines()]
    bits = []
    for data, meaning in shown:
        if re.fullmatch(r"[01 ]+", meaning) and len(meaning.replace(" ", "")) == 4 * len(data):
            bits.append(meaning.replace(" ", ""))
            assert f"{int(data, 16):0{4 * len(data)}b}" == bits[-1]
    assert len(bits) == 4
    rows = _rows("| index | gap | quotient | in unary | remainder | in k bits |")
    for block, k, streams in ((rows[:-1], 2, bits[:2]), (rows[-1:], 18, bits[2:])):
        before = -1
        for index, gap, quotient, unary, remainder, rest in block:
            assert int(gap) == int(index) - before - 1
            assert divmod(int(gap), 1 << k) == (int(quotient), int(remainder))
            assert (unary, rest) == ("1" * int(quotient) + "0", f"{int(remainder):0{k}b}")
            before = int(index)
        for column, stream in zip((3, 5), streams, strict=True):
            joined = "".join(row[column] for row in block)
            assert stream == joined.ljust(len(stream), "0")
            assert len(stream) - len(joined) < 8
    assert "300 as a varint would be `ac 02`" in SPEC
    assert statuslog._varint(300) == b"\xac\x02"


def test_the_k_of_the_vectors_is_the_writers() -> None:
    """Fewest bits before padding, though another k may take as many bytes."""
    for gaps in ([1, 1, 1], [0, 2, 5], [3] * 5, [100, 0, 0], [7]):
        indexes = [sum(gaps[: at + 1]) + at for at in range(len(gaps))]
        costs = [len(gaps) * k + sum(gap >> k for gap in gaps) for k in range(limits.RICE_MAX_K + 1)]
        assert encode_block(indexes)[1] == costs.index(min(costs))
    assert "k makes count * k + sum least" in " ".join(SPEC.split())


# --- keys --------------------------------------------------------------------------------------------------------


def test_key_documents() -> None:
    keys = KeySet.from_jwks(_fenced("json keys")).with_denied(_fenced("json denied"))
    main = json.loads((VECTORS / "verify.json").read_text("utf-8"))["states"]["main"]
    published = KeySet.from_jwks(main["keys"])
    assert (keys.authority, keys.test) == (published.authority, published.test)
    for kid, key in keys.keys.items():
        assert (key.not_before, key.not_after) == (published.keys[kid].not_before, published.keys[kid].not_after)
    denied = bytes.fromhex(json.loads(_fenced("json denied"))["denied"][0]["kid"])
    assert keys.withdrawn(denied)
    assert KeySet.from_jwks(main["keys"]).with_denied(main["denied"]).withdrawn(denied)
    envelope = open_text(_fenced("text payload").strip())
    assert keys.keys[envelope.kid].verifies(envelope.signature, envelope.signed)


def test_kid_from_the_parts_of_the_spki() -> None:
    ec, okp = (bytes.fromhex(line.split("  ")[0]) for line in _fenced("hex spki").splitlines())
    for jwk in json.loads(_fenced("json keys"))["keys"]:
        parts = [urlsafe_b64decode(jwk[name] + "=") for name in ("x", "y") if name in jwk]
        spki = (ec if jwk["kty"] == "EC" else okp) + b"".join(parts)
        assert hashlib.sha256(spki).hexdigest()[:8] == jwk["kid"]


# --- the repository ----------------------------------------------------------------------------------------------


def test_roles_and_their_expiry() -> None:
    hours = {
        "root": roles.ROOT_DAYS * 24,
        "targets": roles.TARGETS_DAYS * 24,
        roles.STATUS: roles.STATUS_SECONDS // 3600,
        "snapshot": roles.SNAPSHOT_SECONDS // 3600,
        "timestamp": roles.TIMESTAMP_SECONDS // 3600,
    }
    rows = {row[0]: row[3].split() for row in _rows("| role | keys | names | expires after |")}
    assert {role: int(count) * {"days": 24, "h": 1}[unit] for role, (count, unit) in rows.items()} == hours
    assert f"when less than {roles.RESIGN_BEFORE_SECONDS // 3600} h is left" in SPEC
    for name in (layout.KEYS_TARGET, roles.DENIED_TARGET, roles.PUBLISHED, roles.STATUS_PATHS):
        assert f"`{name}`" in SPEC
    assert f'`custom: {{"{generations.GENERATION}": G}}`' in SPEC
    assert f"`{generations.REWRITTEN}`" in SPEC
    assert f"`{generations.BEFORE}`" in SPEC
    assert f"more than {generations.READ_BEFORE} entries" in SPEC


def test_sizes_in_a_sync() -> None:
    config = UpdaterConfig()
    assert {row[0]: row[1] for row in _rows("| file | bytes at most |")} == {
        "root": str(config.root_max_length),
        "timestamp": str(config.timestamp_max_length),
        "snapshot": str(config.snapshot_max_length),
        "targets, status": str(config.targets_max_length),
        "key documents": "DOCUMENT_MAX_BYTES",
        "log": "LOG_MAX_BYTES, as signed",
        "pack": "PACK_MAX_BYTES",
    }
    assert config.root_max_length == enrolment.ROOT_MAX_BYTES
    assert f"at most {config.max_root_rotations} roots" in SPEC
    assert f"status document of at most {offer.STATUS_TARGETS_MAX} names" in SPEC


def test_the_json_of_a_verdict() -> None:
    vectors = json.loads((VECTORS / "verify.json").read_text("utf-8"))
    state = vectors["states"]["main"]
    keys = KeySet.from_jwks(state["keys"])
    text = _fenced("text payload").strip()
    said = verify(text, keys=keys, lists=StatusLists({}, 1, 1), now=1795320000).to_json()
    named = [row[0].strip("`") for row in _rows("| member | value |")]
    assert named == [*said, "shown_before"]
    assert set(said["freshness"]) == set(re.findall(r'"([a-z_]+)"', _row("`freshness`")))
    assert set(said["checks"][0]) == {"name", "state", "detail"}


def _row(name: str) -> str:
    return next(row[1] for row in _rows("| member | value |") if row[0] == name)


# --- verifying ---------------------------------------------------------------------------------------------------


def test_checks_are_numbered_as_in_the_code() -> None:
    rows = _rows("| | check | passes if | otherwise |")
    assert [(int(at), name) for at, name, _, _ in rows] == list(enumerate(CHECKS, 1))
    verdicts = {word for row in rows for word in re.split(r"[;, ]+", row[3])} & {verdict.value for verdict in Verdict}
    assert verdicts == {verdict.value for verdict in Verdict} - {"valid"}
    marks = [int(mark) for mark in re.findall(r"(\d+)", " ".join(re.findall(r"# (\d.*)", inspect.getsource(_decide))))]
    assert marks == [1, 4, *range(5, 14)]


def test_what_a_scanner_adds() -> None:
    most = limits.SCANNER_ADDS_MAX_CHARS
    assert f"At most {most} characters stand before it" in SPEC
    assert f"at most {most} behind them" in SPEC
    for claims_bytes, head in ((23, 1), (24, 2), (255, 2), (256, 3)):
        text = seal(-9, bytes(4), bytes(claims_bytes), bytes(64))
        size = 79 + head + claims_bytes
        assert len(base45.decode(text[4:])) == size
        assert payload_length(text) == len(text) == 4 + size // 2 * 3 + size % 2 * 2
        assert payload_length(text[:28]) == len(text)
    assert "the envelope has 79 + h + n bytes" in " ".join(SPEC.split())


def test_outcomes() -> None:
    rows = _rows("| outcome | verdicts |")
    assert {verdict: outcome for outcome, verdicts in rows for verdict in verdicts.split(", ")} == {
        verdict.value: verdict.outcome.value for verdict in Verdict
    }


# --- limits ------------------------------------------------------------------------------------------------------


LIMITS = "| name | value | what it bounds |"


def test_limits() -> None:
    in_code = {name: value for name, value in vars(limits).items() if name.isupper()}
    assert {name: int(value) for name, value, _ in _rows(LIMITS)} == in_code


def test_policy_and_sync_limits() -> None:
    policy = Policy()
    assert {name: int(value) for name, value, _ in _rows(LIMITS, 1)} == {
        "max_age": policy.max_age,
        "warning_age": policy.warning_age,
        "clock_slack": policy.clock_slack,
        "LOG_MAX_BYTES": LOG_MAX_BYTES,
        "DOCUMENT_MAX_BYTES": offer.DOCUMENT_MAX_BYTES,
        "ENROLMENT_MAX_CHARS": enrolment.ENROLMENT_MAX_CHARS,
        "SOURCES_MOST": enrolment.SOURCES_MOST,
    }


# --- the document itself -----------------------------------------------------------------------------------------


def test_contents_name_every_section() -> None:
    sections = re.findall(r"^## (.*)$", SPEC, re.MULTILINE)
    contents = re.findall(r"^(\d+)\. \[(.*?)\]\(#(.*?)\)$", SPEC, re.MULTILINE)
    assert [f"{n}. {title}" for n, title, _ in contents] == sections
    for section, (_, _, anchor) in zip(sections, contents, strict=True):
        assert re.sub(r"[^a-z0-9 -]", "", section.lower()).replace(" ", "-") == anchor
    numbers = [int(section.split(".")[0]) for section in sections]
    assert all(after == before + 1 for before, after in pairwise(numbers))


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!#|https?:)([^)#]+)", SPEC):
        assert (ROOT / "docs" / target).is_file(), target
