"""Mutated payloads on devices of every kind: the whole verdict must be the same."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from movepass_keys import KeySet, PassKey
from movepass_keys.records import algorithms
from movepass_verifier.deciding.lists import Policy, StatusLists
from movepass_verifier.deciding.verdicts import Verification
from movepass_verifier.deciding.verify import verify
from movepass_verifier.officer.shown import shown
from movepass_wire import (
    ED25519,
    ESP256,
    PayloadError,
    WireError,
    base45,
    cbor,
    encode_block,
    new_log,
    open_text,
    read_log,
    seal,
    to_be_signed,
)
from movepass_wire.payload import PREFIX
from movepass_words import LANGUAGES, Words, words
from movepass_words import Message as Said
from phone.mutate import Mutator

Message = dict[str, Any]
VECTORS = Path(__file__).resolve().parents[1] / "vectors"
_DAY = 20779
_TIMES = (1795315000, 1795316400, 1795320000, 1795327199, 1795327200, 1795400000)
_POLICY = {"max_age": 86400, "warning_age": 21600, "clock_slack": 300}


_PAPERS = (
    "<pin>19901234567890123</pin><name>RAHIMA KHATUN</name><DOB>01 Jan 1990</DOB>",
    "NMRAHIMA KHATUN\x1eNW1234567890\x1eOL19901234567890123\x1eBR19900101",
    "NMRAHIMA KHATUNNW1234567890OL19901234567890123BR19900101",
    "P<BGDKHATUN<<RAHIMA<<<<<<<<<<<<<<<<<<<<<<<<<\nBX01234567BGD9001011F3001011<<<<<<<<<<<<<<04",
)
"""Codes of papers that drivers show with a pass."""


class World:
    """Two keys that sign, two that have been withdrawn, and lists of some days."""

    def __init__(self) -> None:
        self.private = {alg: algorithms.generate(alg) for alg in (ESP256, ED25519)}
        gone = [algorithms.generate(ESP256) for _ in range(2)]
        span = (1795000000, 1796000000)
        keys = [PassKey(key.public_key(), *span) for key in self.private.values()] + [
            PassKey(gone[0].public_key(), *span)
        ]
        keys[2] = keys[2].withdrawn(1795000000, "lost")
        self.kids = [key.kid for key in keys] + [algorithms.key_id(gone[1].public_key())]
        self.jwks = KeySet.of("Differential", keys, test=True).to_jwks()
        self.denied = {"denied": [{"kid": self.kids[3].hex(), "at": 1795000000, "reason": "stolen"}]}
        log = new_log(_DAY) + encode_block([400000 ^ 1 << bit for bit in range(20)])
        self.days = {str(_DAY): log.hex(), str(_DAY + 1): new_log(_DAY + 1).hex()}

    def sign(self, claims: bytes, alg: int, kid: bytes) -> str:
        signature = algorithms.sign(self.private[alg], to_be_signed(alg, kid, claims))
        return seal(alg, kid, claims, signature)


def cases(mutator: Mutator) -> Iterator[tuple[Message, Message]]:
    """Make payloads without end; the first request says what the device holds."""
    world = World()
    state = {"keys": world.jwks, "denied": world.denied, "days": world.days}
    keys = KeySet.from_jwks(world.jwks).with_denied(world.denied)
    days = {int(day): read_log(bytes.fromhex(log)).revoked for day, log in world.days.items()}
    texts, claims = _bases()
    yield {"state": state}, {"result": "ready"}
    while True:
        text = _payload(mutator, world, texts, claims)
        if any(0xD800 <= ord(c) < 0xE000 for c in text):
            continue
        given = _circumstances(mutator)
        lists = StatusLists(days if given["lists"] else {}, given["published"], given["published"])
        policy = Policy(**given["policy"])
        result = verify(text, keys=keys, lists=lists, now=given["now"], policy=policy, last_seen=given["last_seen"])
        language = mutator.rng.choice(LANGUAGES)
        expect = {**_expected(result), "shown": _in_words(result, words(language))}
        yield {"text": text, "language": language, **given}, expect


def _expected(result: Verification) -> Message:
    said = result.to_json()
    expect = {key: said[key] for key in ("outcome", "verdict", "pass", "pass_number", "authority")}
    return {**expect, "failed": result.failed, "why": plain(result.why)}


def _in_words(result: Verification, language: Words) -> Message:
    """Give what an officer is shown, but for what this software does not know: each side writes that in its own way."""
    said = shown(result, language)
    in_words: Message = {name: getattr(said, name) for name in ("outcome", "verdict", "reason", "advice")}
    return {**in_words, "rows": [list(row) for row in said.rows if row[0] != language("label.unknown")]}


def _circumstances(mutator: Mutator) -> Message:
    """Choose what the device has; half of the time nothing that would keep a good pass from being accepted."""
    rng = mutator.rng
    good = {"now": 1795320000, "published": 1795319900, "lists": True, "last_seen": None, "policy": _POLICY}
    if rng.random() < 0.5:
        return good
    now = rng.choice(_TIMES) + rng.choice((0, 0, -1, 1))
    odd = {
        "now": now,
        "published": rng.choice((now - 100, now - 86400, now - 86401, now + 300, now + 301, None)),
        "lists": rng.random() < 0.8,
        "last_seen": rng.choice((now + 300, now + 301)),
    }
    changed = {key: value for key, value in odd.items() if rng.random() < 0.5}
    return good | changed


def _payload(mutator: Mutator, world: World, texts: list[str], claims: list[bytes]) -> str:
    """Make a text: changed as text, as bytes, as claims that are signed all the same, or not at all."""
    rng = mutator.rng
    way = rng.random()
    if way < 0.05:
        good = world.sign(claims[0], ESP256, world.kids[0])
        return mutator.around(rng.choice((good, good, rng.choice(texts))))
    if way < 0.15:
        return mutator.text(rng.choice(texts))
    if way < 0.25:
        chosen = rng.choice(texts).removeprefix(PREFIX)
        try:
            return PREFIX + base45.encode(mutator.data(base45.decode(chosen)))
        except WireError:
            return mutator.text(chosen)
    signed = claims[0] if rng.random() < 0.5 else rng.choice(claims)  # the first are the standard pass's
    if way < 0.45:
        signed = mutator.data(signed)
    elif way < 0.7:
        signed = _changed_claims(mutator, signed)
    alg = rng.choice((ESP256, ED25519))
    kid = rng.choice(world.kids) if rng.random() < 0.2 else world.kids[0 if alg == ESP256 else 1]
    try:
        return world.sign(signed, alg, kid)
    except WireError:  # longer than a payload can be
        return PREFIX + base45.encode(signed)


def _changed_claims(mutator: Mutator, claims: bytes) -> bytes:
    """Change what claims say, and write that in the one form again; sometimes in a form that is none."""
    try:
        value = cbor.decode(claims)
        changed = mutator.document(value)
        return cbor.encode(changed)
    except (WireError, ValueError):  # not claims to begin with, or not CBOR any more
        return mutator.data(claims)


def _bases() -> tuple[list[str], list[bytes]]:
    """Give every text of the vectors, and the claims in those that can be opened."""
    texts = []
    for name in ("payload", "verify"):
        vectors = json.loads((VECTORS / f"{name}.json").read_text("utf-8"))["vectors"]
        texts += [vector["input"]["text"] for vector in vectors if vector["input"].get("text")]
    texts += _PAPERS
    claims = []
    for text in texts:
        try:
            claims.append(open_text(text).claims)
        except PayloadError:
            continue
    return texts, claims


def plain(said: Said) -> list[Any]:
    values = {name: plain(value) if isinstance(value, Said) else value for name, value in said.values.items()}
    return [said.key, values]
