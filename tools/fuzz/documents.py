"""Targets that are documents: requests, key documents, enrolments, and codes of other schemes."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fuzz.passes import vectors
from fuzz.targets import Check, corpus, hold
from movepass_issuer import ApprovedPass, RequestError
from movepass_keys import KeyDocumentError, KeySet
from movepass_verifier.deciding.other_codes import what_else
from movepass_verifier.errors import EnrolmentError, OtherCodeError, SyncError
from movepass_verifier.reading.other_schemes import take_apart
from movepass_verifier.sync import enrolment as enrolments
from movepass_verifier.sync.offer import check_root
from movepass_wire import Pass, decode_claims, encode_claims, trip_to_json
from movepass_words import LANGUAGES, words

_ROOT = Path(__file__).parents[2]


_BLANKS = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")


def _spelt(text: str) -> str:
    """Spell a text as an issuer signs it."""
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", text).strip())


def request() -> tuple[Check, Sequence[bytes]]:
    """Any bytes as a request: refused with a reason, or a pass that says what the request did."""

    def check(data: bytes) -> None:
        try:
            approved = ApprovedPass.from_json(data)
        except RequestError:
            return
        trip = approved.trip
        hold(decode_claims(encode_claims(Pass(7, trip))) == Pass(7, trip), "a pass that does not come back")
        given = json.loads(data.decode("utf-8-sig"))
        hold(approved.request_id == _spelt(given["request_id"]), "another request id")
        hold(approved.names[0] == approved.request_id, "kept under another name")
        for name in ("name", "id_last"):
            said = trip_to_json(trip)["holder"][name]
            hold(said == _spelt(given["holder"][name]), f"another {name}")
            hold(any(char.isalnum() for char in said), f"nothing to see in {name}")
            hold(all(char.isprintable() or char in "\u200c\u200d" for char in said), f"something invisible in {name}")

    return check, [line for line in (_ROOT / "examples" / "approved.jsonl").read_bytes().splitlines() if line]


def keys() -> tuple[Check, Sequence[bytes]]:
    """Any bytes as the pass keys' document, or as that of denied keys."""
    good = KeySet.from_jwks(vectors("verify")["states"]["main"]["keys"])

    def check(data: bytes) -> None:
        try:
            read = KeySet.from_jwks(data)
        except KeyDocumentError:
            pass
        else:
            for kid, key in read.keys.items():
                spki = key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
                hold(hashlib.sha256(spki).digest()[:4] == kid == key.kid, "a key under another kid")
            hold(KeySet.from_jwks(read.to_jwks()) == read, "keys that do not come back")
        try:
            denied = good.with_denied(data)
        except KeyDocumentError:
            return
        hold(denied.keys == good.keys, "denying made or changed a key")
        hold(all(denied.withdrawn(kid) for kid in good.keys if good.withdrawn(kid)), "denying gave a key back")

    states = vectors("verify")["states"].values()
    documents = [document for state in states for document in (state["keys"], state["denied"])]
    return check, sorted({json.dumps(document, ensure_ascii=False).encode() for document in documents})


def enrolment() -> tuple[Check, Sequence[bytes]]:
    """Any bytes as an enrolment, a file's or a QR code's."""

    def check(data: bytes) -> None:
        try:
            read = enrolments.read(data)
        except EnrolmentError:
            return
        hold((read.root is None) != (read.root_sha256 is None), "an enrolment with both or neither root")
        hold(all(read.sources) and 0 < len(read.sources) <= enrolments.SOURCES_MOST, "sources that are none")
        if read.root is None:
            hold(len(bytes.fromhex(read.root_sha256 or "")) == hashlib.sha256().digest_size, "a hash that is none")
            return
        try:
            check_root(read.root)
        except SyncError:
            return
        hold(b'"_type":"root"' in read.root, "a root that is none")

    return check, corpus("enrolment")


def other() -> tuple[Check, Sequence[bytes]]:
    """Any text as another scheme's code."""

    def check(data: bytes) -> None:
        text = data.decode(errors="surrogateescape")
        for language in LANGUAGES:
            words(language).say(what_else(text))
        try:
            code = take_apart(text)
        except OtherCodeError as e:
            str(e)
            return
        if code is None:
            return
        times: list[Any] = [code.issued_at, code.not_before, code.expires_at]
        hold(all(at is None or (type(at) is int and 0 <= at < 1 << 32) for at in times), "a time that is none")
        hold(all(said is None or isinstance(said, str) for said in (code.alg, code.kid, code.issuer)), "no words")

    return check, corpus("other")
