"""Proof of work by the ALTCHA protocol, version 1: a number whose hash with a salt is known.

Source: https://altcha.org/docs/v1/server-integration/ (challenge = SHA-256(salt + number), signature = HMAC-SHA-256 of
the challenge). The salt carries when the challenge ends and which form it is for. It ends in "&", so that no digit of
the number can be taken for a part of it. Tests compare with the package `altcha`.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from urllib.parse import parse_qs

ALGORITHM = "SHA-256"
PROOF_S = 900
"""How long a challenge may take: a slow phone needs a minute, and may lose its network."""
PROOF_MAX_CHARS = 1024
_FORM_CHARS = 16


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge as ALTCHA writes it; the names are the protocol's."""

    algorithm: str
    challenge: str
    maxnumber: int
    salt: str
    signature: str

    def write(self) -> str:
        """Write it as JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))


def make_challenge(key: bytes, client: bytes, now: float, hashes: int) -> Challenge:
    """Make a challenge for one form.

    Args:
        key: the service's.
        client: under what the form's client id is kept.
        now: Unix seconds.
        hashes: the most hashes that it takes.
    """
    form = client.hex()[:_FORM_CHARS]
    salt = f"{secrets.token_hex(12)}?expires={int(now) + PROOF_S}&form={form}&"
    digest = _hash(salt, secrets.randbelow(hashes + 1))
    return Challenge(ALGORITHM, digest, hashes, salt, _sign(key, digest))


def check_proof(key: bytes, proof: str, client: bytes, now: float) -> int | None:
    """Return a number that names the proof if it is good for a form, or None."""
    try:
        given = json.loads(base64.b64decode(proof[:PROOF_MAX_CHARS], validate=True))
        salt, number = str(given["salt"]), given["number"]
        signature, algorithm = str(given["signature"]), given["algorithm"]
        query = parse_qs(salt.partition("?")[2])
        ends, (form,) = int(query["expires"][0]), query["form"]
    except (ValueError, LookupError, TypeError, RecursionError, binascii.Error):
        return None
    if algorithm != ALGORITHM or type(number) is not int or not salt.endswith("&") or not salt.isascii():
        return None
    digest = _hash(salt, number)
    is_ours = signature.isascii() and hmac.compare_digest(signature, _sign(key, digest))
    is_good = is_ours and form == client.hex()[:_FORM_CHARS] and now <= ends
    return int(digest[:12], 16) if is_good else None


def _hash(salt: str, number: int) -> str:
    return hashlib.sha256(f"{salt}{number}".encode()).hexdigest()


def _sign(key: bytes, digest: str) -> str:
    return hmac.digest(key, digest.encode(), hashlib.sha256).hex()
