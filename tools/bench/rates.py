"""Measures how fast passes are verified and issued, beside the signature alone and beside other verifiers.

Verifying is `movepass_verifier.verify`: from the QR code's text to the full result, with every check, the keys and a
list of 10,000 revoked of 1 M in memory. The floor is OpenSSL's check of the same signature through pyca/cryptography,
the key loaded and the signature in DER beforehand. The peers have the same content, their key loaded beforehand too,
and do less: signature and claims, python-cwt and PyJWT the times as well; none asks for revocation.

    python-cwt    a CWT, from its bytes
    PyJWT, joserfc    a JWT, ES256, from its text
    HCERT decode    a health certificate's steps, from its text: base45 (ours), zlib, python-cwt

What is compared is timed in turn, in short batches, and the batch that others on the machine disturbed least counts.
Only the ratios of one run mean anything.
"""

import os
import random
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import cwt
import jwt as pyjwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cwt import COSEKey
from joserfc import jwt
from joserfc.jwk import ECKey
from qr_sizes import HCERT, JWT, OURS, SCHEMES, STANDARD, SUBJECTS, Key
from support.passes import iso

from movepass_issuer import ApprovedPass, Issuer
from movepass_issuer.issuing.issuer import GROUP
from movepass_issuer.storage.sqlite_ledger import SqliteLedger
from movepass_keys import KeySet, PassKey
from movepass_keys.records.algorithms import der_from_raw, sign
from movepass_verifier import verify
from movepass_verifier.deciding.lists import StatusLists
from movepass_wire import base45, decode_claims, encode_block, new_log, open_text, read_log
from movepass_wire.limits import TIME_LIMIT

VERIFY_MIN, TWO_PROCESSES_MIN, ISSUE_MIN = 0.65, 1.8, 0.5
"""The bars: share of the bare rate, and how many times one process's rate two reach."""
OPENSSL, PYTHON_CWT, PYJWT, JOSERFC, HCERT_DECODE = "bare OpenSSL", "python-cwt", "PyJWT", "joserfc", "HCERT decode"
MOVEPASS = "movepass"

_ECDSA = ec.ECDSA(SHA256())
_BATCH = 20
"""Calls timed together: short enough to lie within one time slice of a busy machine."""
_PASSES, _REVOKED = 1_000_000, 10_000

Calls = Mapping[str, Callable[[], object]]


def in_turn(calls: Calls, rounds: int, batch: int = _BATCH) -> dict[str, float]:
    """Time calls in turn, each batch after one that does not count: the others have left the caches theirs.

    Returns:
        Seconds a call, of the batch that was disturbed least.
    """
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            took(call, batch)
            best[name] = min(best[name], took(call, batch))
    return best


def took(call: Callable[[], object], times: int = 1) -> float:
    """Return seconds a call."""
    began = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - began) / times


@dataclass(frozen=True, slots=True)
class Subject:
    """The standard pass in force now, under a fresh key, and the device that verifies it.

    Attributes:
        texts: by scheme of qr_sizes.
    """

    key: Key
    texts: Mapping[str, str]
    keys: KeySet
    lists: StatusLists
    now: int

    @classmethod
    def make(cls) -> "Subject":
        """Sign the content in each scheme, and draw a revocation list that does not hold it."""
        key, now = Key.fresh(), int(time.time())
        document = SUBJECTS[STANDARD] | {"not_before": iso(now - 600), "not_after": iso(now - 600 + 3 * 3600)}
        texts = {scheme: SCHEMES[scheme](document, key).text for scheme in (OURS, HCERT, JWT)}
        pass_ = decode_claims(open_text(texts[OURS]).claims)
        drawn = set(random.Random(1).sample(range(_PASSES), _REVOKED)) - {pass_.index}
        revoked = read_log(new_log(pass_.day) + encode_block(sorted(drawn))).revoked
        keys = KeySet.of("Authority", [PassKey(key.private.public_key(), 0, TIME_LIMIT - 1)], test=False)
        return cls(key, texts, keys, StatusLists({pass_.day: revoked}, now - 60, now - 30), now)

    def verify(self) -> str:
        """Verify as a device does; gives the verdict."""
        return verify(self.texts[OURS], keys=self.keys, lists=self.lists, now=self.now).verdict.value

    def bare(self) -> Callable[[], None]:
        """Prepare the check of our signature alone."""
        envelope, public_key = open_text(self.texts[OURS]), self.key.private.public_key()
        return partial(public_key.verify, der_from_raw(envelope.signature), envelope.signed, _ECDSA)

    def verifiers(self) -> dict[str, Callable[[], Any]]:
        """Prepare every way to verify; the peers' give the claims."""
        public = self.key.private.public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        cose_key, jose_key = COSEKey.from_pem(pem, kid=self.key.kid, alg="ES256"), ECKey.import_key(pem)
        hcert, token = self.texts[HCERT], self.texts[JWT]

        def unwrap() -> bytes:
            return zlib.decompress(base45.decode(hcert.removeprefix("HC1:")))

        signed = unwrap()
        return {
            OPENSSL: self.bare(),
            MOVEPASS: self.verify,
            JOSERFC: lambda: jwt.decode(token, jose_key).claims,
            PYTHON_CWT: lambda: cwt.decode(signed, cose_key),
            PYJWT: lambda: pyjwt.decode(token, public, algorithms=["ES256"]),
            HCERT_DECODE: lambda: cwt.decode(unwrap(), cose_key),
        }


def shares(seconds: Mapping[str, float]) -> dict[str, float]:
    """Return each one's rate as a share of bare OpenSSL's."""
    return {name: seconds[OPENSSL] / second for name, second in seconds.items()}


# Where the time goes


def parts(subject: Subject, rounds: int) -> dict[str, float]:
    """Time the parts of one verification, in turn; gives microseconds. What is left over is in no part."""
    text = subject.texts[OURS]
    envelope = open_text(text)
    (key,) = subject.keys.keys.values()
    seconds = in_turn(
        {
            "verify": subject.verify,
            "signature, bare": subject.bare(),
            "signature, from r and s": lambda: key.verifies(envelope.signature, envelope.signed),
            "text to envelope": lambda: open_text(text),
            "claims": lambda: decode_claims(envelope.claims),
        },
        rounds,
    )
    micro = {name: second * 1e6 for name, second in seconds.items()}
    whole = micro.pop("verify")
    micro["signature, from r and s"] -= micro["signature, bare"]
    return micro | {"checks, result and cold caches": whole - sum(micro.values())}


# Two processes


def verify_for(seconds: float) -> dict[str, float]:
    """Verify, and check bare signatures, in turn for a while in this process; gives the rate of each, a second."""
    subject = Subject.make()
    calls: Calls = {OPENSSL: subject.bare(), MOVEPASS: subject.verify}
    done, spent = dict.fromkeys(calls, 0), dict.fromkeys(calls, 0.0)
    while sum(spent.values()) < seconds:
        for name, call in calls.items():
            spent[name] += took(call, _BATCH) * _BATCH
            done[name] += _BATCH
    return {name: done[name] / spent[name] for name in calls}


def two_processes(rounds: int, seconds: float) -> dict[str, float]:
    """Let one process work, then two at once, in turn; gives how many times one's rate two reach, at their best."""
    one: dict[str, float] = {OPENSSL: 0, MOVEPASS: 0}
    two = dict(one)
    with ProcessPoolExecutor(2) as pool:
        for _ in range(rounds):
            alone = pool.submit(verify_for, seconds).result()
            both = list(pool.map(verify_for, (seconds, seconds)))
            one = {name: max(rate, alone[name]) for name, rate in one.items()}
            two = {name: max(rate, both[0][name] + both[1][name]) for name, rate in two.items()}
    return {name: two[name] / one[name] for name in one}


# Issuing


@dataclass(frozen=True, slots=True)
class Issuing:
    """The time for issuing, in seconds.

    Attributes:
        bare: one signature and its check, by OpenSSL alone.
        batch: a pass of a batch, durable, its request read before.
        request: reading one request.
        single: a durable pass issued alone, the median.
        fsync: a page written and synced to the same disk, the median.
    """

    bare: float
    batch: float
    request: float
    single: float
    fsync: float


class _KeySigner:
    """A Signer with the key in memory, as FileSigner has it."""

    def __init__(self, private_key: ec.EllipticCurvePrivateKey) -> None:
        self._private_key = private_key
        self.public_key = private_key.public_key()

    def sign(self, message: bytes) -> bytes:
        """See Signer."""
        return sign(self._private_key, message)


def issuing(subject: Subject, folder: Path, rounds: int, group: int = GROUP) -> Issuing:
    """Issue batches and single passes into an SQLite ledger in a folder, beside bare signatures as many."""
    ledger = SqliteLedger(folder / "ledger.db", create=True)
    issuer = Issuer(signer=_KeySigner(subject.key.private), ledger=ledger, keys=subject.keys)
    message, private = open_text(subject.texts[OURS]).signed, subject.key.private
    public = private.public_key()
    numbers = count()

    def request() -> ApprovedPass:
        window = {"not_before": iso(subject.now), "not_after": iso(subject.now + 3 * 3600)}
        return ApprovedPass.from_json({"request_id": f"R-{next(numbers)}", **SUBJECTS[STANDARD], **window})

    def sign_and_verify() -> None:
        public.verify(private.sign(message, _ECDSA), message, _ECDSA)

    best = dict.fromkeys(("bare", "batch", "request"), float("inf"))
    for _ in range(rounds):
        began = time.perf_counter()
        requests = [request() for _ in range(group)]
        read = time.perf_counter()
        issued = issuer.issue_many(requests)
        done = time.perf_counter()
        bare = took(sign_and_verify, group)
        if any(isinstance(one, Exception) for one in issued):
            raise RuntimeError(f"not issued: {issued}")
        seconds = {"bare": bare, "batch": (done - read) / group, "request": (read - began) / group}
        best = {name: min(least, seconds[name]) for name, least in best.items()}
    singles = [took(partial(issuer.issue, request())) for _ in range(rounds * 2)]
    with (folder / "page").open("wb", buffering=0) as file:
        syncs = [took(partial(_write_durably, file)) for _ in range(rounds * 2)]
    ledger.close()
    return Issuing(**best, single=median(singles), fsync=median(syncs))


def _write_durably(file: Any) -> None:
    file.write(bytes(4096))
    os.fsync(file.fileno())
