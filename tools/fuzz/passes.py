"""Targets from a text to a verdict: the text itself, the payload in it, the claims in that, and pass numbers.

Keys, lists and good passes are those of tests/vectors. What is accepted must have been issued; what claims come to is
held against cbor2 and python-cwt, which share nothing with us.
"""

import json
import struct
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cwt import COSE, COSEKey

from fuzz.targets import Check, WrongAcceptError, hold
from movepass_keys import KeySet, PassKey
from movepass_keys.records import algorithms
from movepass_verifier import Outcome, Policy, StatusLists, Verdict, verify
from movepass_verifier.deciding.scanner import find_payload
from movepass_verifier.officer.by_number import check_number
from movepass_verifier.officer.shown import shown
from movepass_wire import (
    ESP256,
    Pass,
    Place,
    Trip,
    WireError,
    base45,
    decode_claims,
    encode_claims,
    format_number,
    open_text,
    read_log,
    seal,
    to_be_signed,
)
from movepass_wire.limits import TEXT_MAX_CHARS
from movepass_wire.payload import PREFIX
from movepass_words import LANGUAGES, words

_VECTORS = Path(__file__).parents[2] / "tests" / "vectors"
_DAY_SECONDS = 86400


def vectors(name: str) -> dict[str, Any]:
    """Read a file of vectors."""
    document: dict[str, Any] = json.loads((_VECTORS / f"{name}.json").read_text("utf-8"))
    return document


class _Post:
    """A device that knows what the vectors' main state says, and which passes were issued."""

    def __init__(self) -> None:
        verdicts = vectors("verify")
        state = verdicts["states"]["main"]
        lists = state["lists"]
        days: dict[int, Any] = {int(day): read_log(bytes.fromhex(log)).revoked for day, log in lists["days"].items()}
        self.keys = KeySet.from_jwks(state["keys"]).with_denied(state["denied"])
        self.lists = StatusLists(days, lists["published"], lists["synced_at"])
        self.now: int = verdicts["vectors"][0]["input"]["now"]
        read = [v for v in vectors("payload")["vectors"] if v["kind"] == "payload"]
        self.texts = sorted({v["input"]["text"] for v in (*verdicts["vectors"], *read)})
        accepted = {v["input"]["text"] for v in verdicts["vectors"] if v["expect"]["outcome"] == "accept"}
        self.issued = accepted | {v["input"]["text"] for v in read if "decoded" in v["expect"]}

    def check(self, text: str) -> None:
        result = verify(text, keys=self.keys, lists=self.lists, now=self.now)
        if result.outcome is Outcome.ACCEPT:
            hold(text in self.issued, f"accepted, and never issued: {text!r}")
        if result.verdict is Verdict.SCANNER_WRONG:
            found = find_payload(text)
            hold(found is not None and found.payload in self.issued, f"the scanner's fault, and no pass: {text!r}")
        if _is_sample(text):
            shown(result, words(LANGUAGES[len(text) % len(LANGUAGES)]))
            json.dumps(result.to_json())


def _is_sample(text: str) -> bool:
    """Choose one in eight, the same ones each time: words take longer than a verdict."""
    return crc32(text.encode(errors="surrogatepass")) % 8 == 0


def text() -> tuple[Check, Sequence[bytes]]:
    """Any text that a scanner may send."""
    post = _Post()
    return lambda data: post.check(data.decode(errors="surrogateescape")), [text.encode() for text in post.texts]


def payload() -> tuple[Check, Sequence[bytes]]:
    """Any bytes in base45, so that more gets as far as the envelope and the signature."""
    post = _Post()
    seeds = []
    for one in post.texts:
        try:
            seeds.append(base45.decode(one.removeprefix(PREFIX)))
        except WireError:
            continue
    return lambda data: post.check(PREFIX + _base45(data)), seeds


@cache
def _triples() -> list[str]:
    digits = base45.ALPHABET
    return [digits[n % 45] + digits[n // 45 % 45] + digits[n // 2025] for n in range(1 << 16)]


def _base45(data: bytes) -> str:
    """Write base45 by the words of RFC 9285, from a table: ours would take longer than all the rest."""
    triples = _triples()
    text = "".join([triples[pair] for pair in struct.unpack(f">{len(data) // 2}H", data[: len(data) // 2 * 2])])
    return text + triples[data[-1]][:2] if len(data) % 2 else text


class _Signed:
    """Claims that a good key has signed, whatever they are."""

    def __init__(self) -> None:
        self.private = ec.derive_private_key(20_210_413, ec.SECP256R1())  # an example, known to everybody
        public = self.private.public_key()
        self.kid = algorithms.key_id(public)
        self.now: int = vectors("verify")["vectors"][0]["input"]["now"]
        self.validity = self.now - 30 * _DAY_SECONDS, self.now + 30 * _DAY_SECONDS
        self.keys = KeySet.of("Fuzz", [PassKey(public, *self.validity)], test=False)
        day = self.now // _DAY_SECONDS
        self.lists = StatusLists({day: {5, 400_001}, day + 1: {5}}, self.now - 600, self.now - 60)
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.theirs = COSEKey.from_pem(pem, alg=ESP256, kid=self.kid)

    def check(self, claims: bytes) -> None:
        text = self._text(claims)
        if text is None:
            return
        result = verify(text, keys=self.keys, lists=self.lists, now=self.now)
        try:
            pass_ = decode_claims(claims)
        except WireError:
            hold(result.verdict is Verdict.MALFORMED, f"{result.verdict} for claims that can't be read")
            return
        hold(encode_claims(pass_) == claims, "claims that have another form than the one they came in")
        theirs = COSE.new(verify_kid=True).decode(base45.decode(text.removeprefix(PREFIX)), self.theirs)
        hold(theirs == claims, "python-cwt has other claims")
        said = cbor2.loads(theirs)
        hold(_pass(said) == pass_, "cbor2 reads another pass")
        hold((result.verdict is Verdict.VALID) == self._should_be_valid(said), f"{result.verdict} for {said}")

    def _text(self, claims: bytes) -> str | None:
        try:
            signature = algorithms.sign(self.private, to_be_signed(ESP256, self.kid, claims))
            return seal(ESP256, self.kid, claims, signature)
        except WireError:
            hold(len(claims) * 3 // 2 > TEXT_MAX_CHARS - 200, "claims that would fit are refused")
            return None

    def _should_be_valid(self, said: Any) -> bool:
        """Judge from what cbor2 has read."""
        exp, nbf, index = said[4], said[5], said[-65537][0]
        listed = self.lists.days.get(exp // _DAY_SECONDS)
        inside = self.validity[0] <= nbf and exp <= self.validity[1]
        return inside and nbf <= self.now < exp and listed is not None and index not in listed


def _pass(said: Any) -> Pass:
    """Make a pass of what cbor2 has read, by the words of docs/spec.md."""
    body = dict(said[-65537])
    index, name, id_type, id_last, origin, destination, reason = (body.pop(key) for key in range(7))
    vehicle, driver, licence = (_plain(body.pop(key, None)) for key in range(7, 10))
    trip = Trip(
        said[5], said[4], _plain(name), id_type, _plain(id_last), _place(origin), _place(destination), _plain(reason),
        vehicle, driver, licence, unknown=body,
    )  # fmt: skip
    return Pass(index, trip)


def _place(value: Any) -> Place:
    return Place(value[0], _plain(value[1])) if isinstance(value, list) else Place(value)


def _plain(value: Any) -> Any:
    """Read block text; anything else is what it is."""
    if not isinstance(value, bytes):
        return value
    shared = {1: "\u200c", 2: "\u200d", 3: "\u0964"}
    return "".join(shared.get(byte) or chr(byte if byte < 128 else value[0] * 128 + byte - 128) for byte in value[1:])


def claims() -> tuple[Check, Sequence[bytes]]:
    """Any bytes as claims, with a good signature over them."""
    seeds = []
    for one in _Post().texts:
        try:
            seeds.append(open_text(one).claims)
        except WireError:
            continue
    return _Signed().check, seeds


def number() -> tuple[Check, Sequence[bytes]]:
    """Anything that is typed as a pass number: never accepted, and rejected where and only where it is revoked."""
    post = _Post()
    revoked = {format_number(day, index) for day, indexes in post.lists.days.items() for index in indexes}  # type: ignore[attr-defined]

    def check(data: bytes) -> None:
        typed = data.decode(errors="replace")
        said = check_number(typed, lists=post.lists, now=post.now, policy=Policy())
        if said.outcome is Outcome.ACCEPT:
            raise WrongAcceptError("a number was accepted")
        rejected = said.outcome is Outcome.REJECT
        hold(rejected == (said.readable and said.number in revoked), f"{typed!r} is {said.outcome}")
        hold(rejected or typed.strip() not in revoked, f"{typed!r} is revoked and not rejected")
        if _is_sample(typed):
            json.dumps(said.to_json())

    typed = [str(v["input"]["text"]) for v in vectors("number")["vectors"] if v["kind"] == "number-read"]
    return check, [one.encode() for one in (*typed, *sorted(revoked)[:50])]
