"""Write and read the head of a decision log: a checkpoint in a signed note, as C2SP specifies both.

    movepass-decisions/IDENTITY     the origin: whose log it is; of region 1, 2 … with a stroke and its number behind
    SIZE                            the number of leaves
    BASE64                          the root of the Merkle tree (movepass_wire.merkle)
    at SECONDS                      an extension line: when it was made, in seconds since 1970 UTC

    — ORIGIN BASE64                 four bytes that name the key, then its signature of the lines above the blank one

An authority's online key signs it. No document of The Update Framework can be taken for a note, nor a note for one:
those are canonical JSON, which begins with a brace.

https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from movepass_keys.errors import CheckpointError
from movepass_keys.records import algorithms
from movepass_keys.signers.signer import Signer
from movepass_wire.limits import TIME_LIMIT
from movepass_wire.merkle import HASH_BYTES, SIZE_LIMIT
from movepass_wire.payload import ED25519, ESP256

ORIGIN_PREFIX = "movepass-decisions/"
HEAD_MAX_BYTES = 1 << 17
"""A longer note is refused. The specification wants room for 16 signatures of nearly 5 kB."""
_LEAD = "— "
_KEY_ID_BYTES = 4
_ED25519_TYPE = b"\x01"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_REGION = re.compile(r"/([1-9][0-9]{0,2})\Z")
_BODY_LINES = 4


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a decision log at one time.

    Attributes:
        origin: whose log it is, without blanks (see origin_of).
        size: the number of leaves.
        root: the root of their tree, 32 bytes.
        at: when it was made, seconds since 1970 UTC.
    """

    origin: str
    size: int
    root: bytes
    at: int


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint as read, with its signatures, of which none is checked yet.

    Attributes:
        checkpoint: what the note says.
        text: the bytes that are signed.
        signatures: the name, the key's four bytes and the signature of each signature line.
    """

    checkpoint: Checkpoint
    text: bytes
    signatures: tuple[tuple[str, bytes, bytes], ...]

    def verified_by(self, keys: Iterable[algorithms.PublicKey]) -> algorithms.PublicKey | None:
        """Return the first of the keys that signed the checkpoint, or None.

        Signatures of other names, as of a witness, and of other keys are ignored.
        """
        by_id = {_key_id(self.checkpoint.origin, key): key for key in keys}
        for name, key_id, signature in self.signatures:
            key = by_id.get(key_id) if name == self.checkpoint.origin else None
            if key is not None and _verifies(key, signature, self.text):
                return key
        return None


def origin_of(identity: str, region: int = 0) -> str:
    """Return the origin of an authority's decision log, or of that of one of its regions.

    Raises:
        CheckpointError: the identity is empty, or has blanks, control characters or a plus.
    """
    _check_origin(ORIGIN_PREFIX + identity)
    if not identity:
        raise CheckpointError("a decision log's origin needs the authority's identity")
    return f"{ORIGIN_PREFIX}{identity}/{region}" if region else ORIGIN_PREFIX + identity


def region_of(origin: str) -> int:
    """Return the region whose decision log has an origin; 0 where it names none."""
    match = _REGION.search(origin.removeprefix(ORIGIN_PREFIX))
    return int(match[1]) if match else 0


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """Write a checkpoint as a note with one signature.

    Raises:
        CheckpointError: a value is out of its bounds.
        SignerError: the signer could not sign.
    """
    text = _write(checkpoint)
    key = signer.public_key
    raw = signer.sign(text)
    signature = algorithms.der_from_raw(raw) if algorithms.algorithm_of(key) == ESP256 else raw
    encoded = b64encode(_key_id(checkpoint.origin, key) + signature).decode()
    return text + f"\n{_LEAD}{checkpoint.origin} {encoded}\n".encode()


def read_checkpoint(data: bytes) -> SignedCheckpoint:
    """Read a note with a checkpoint. Its signatures are not checked: see SignedCheckpoint.verified_by.

    Raises:
        CheckpointError: it is no such note; the message says where it differs.
    """
    if len(data) > HEAD_MAX_BYTES:
        raise CheckpointError(f"expected at most {HEAD_MAX_BYTES:,} bytes, got more")
    try:
        note = data.decode()
    except UnicodeDecodeError as e:
        raise CheckpointError("expected a signed note, got bytes that are not UTF-8") from e
    text, blank, signed = note.rpartition("\n\n")
    if not blank or any(c < " " and c != "\n" for c in note):
        raise CheckpointError(f"expected a signed note, got {_begin(note)}")
    if not signed.endswith("\n"):
        raise CheckpointError("the note is cut short: its last line has no end")
    lines = text.split("\n")
    signatures = tuple(_read_signature(line) for line in signed[:-1].split("\n"))
    return SignedCheckpoint(_read_body(lines), f"{text}\n".encode(), signatures)


def _write(checkpoint: Checkpoint) -> bytes:
    _check_origin(checkpoint.origin)
    if not (0 <= checkpoint.size < SIZE_LIMIT and 0 <= checkpoint.at < TIME_LIMIT):
        raise CheckpointError(f"a checkpoint can't have the size {checkpoint.size} and the time {checkpoint.at}")
    if len(checkpoint.root) != HASH_BYTES:
        raise CheckpointError(f"a root must have {HASH_BYTES} bytes, got {len(checkpoint.root)}")
    return f"{checkpoint.origin}\n{checkpoint.size}\n{encode_hash(checkpoint.root)}\nat {checkpoint.at}\n".encode()


def _read_body(lines: list[str]) -> Checkpoint:
    """Read the lines above the blank one. Extension lines after the time are ignored."""
    if len(lines) < _BODY_LINES or not all(lines):
        raise CheckpointError(f"a checkpoint needs an origin, a size, a root and a time, got {len(lines)} lines")
    origin, size, root, at, *_ = lines
    _check_origin(origin)
    seconds = at.removeprefix("at ")
    if at == seconds:
        raise CheckpointError(f'expected "at" and seconds since 1970 in line 4, got {_begin(at)}')
    return Checkpoint(origin, _read_number(size, SIZE_LIMIT), decode_hash(root), _read_number(seconds, TIME_LIMIT))


def _check_origin(origin: str) -> None:
    rest = origin.removeprefix(ORIGIN_PREFIX)
    if rest == origin or not rest.isprintable() or "+" in rest or any(c.isspace() for c in rest):
        raise CheckpointError(
            f"expected the origin {ORIGIN_PREFIX} and an identity without blanks or plus, got {_begin(origin)}"
        )


def _read_number(text: str, limit: int) -> int:
    if not _NUMBER.fullmatch(text) or int(text) >= limit:
        raise CheckpointError(f"expected a number below {limit} without leading zeros, got {_begin(text)}")
    return int(text)


def encode_hash(hashed: bytes) -> str:
    """Write a hash as notes and proofs have it."""
    return b64encode(hashed).decode()


def decode_hash(text: str) -> bytes:
    """Read a hash in base64 strictly: one text for each hash.

    Raises:
        CheckpointError: it is not 32 bytes in base64.
    """
    data = _decode(text)
    if len(data) != HASH_BYTES:
        raise CheckpointError(f"expected {HASH_BYTES} bytes in base64, got {_begin(text)}")
    return data


def _read_signature(line: str) -> tuple[str, bytes, bytes]:
    name, blank, encoded = line.removeprefix(_LEAD).partition(" ")
    data = _decode(encoded)
    if not line.startswith(_LEAD) or not name or not blank or len(data) <= _KEY_ID_BYTES:
        raise CheckpointError(f"expected a signature line, got {_begin(line)}")
    return name, data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:]


def _decode(text: str) -> bytes:
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        return b""
    return data if b64encode(data).decode() == text else b""


def _key_id(name: str, key: algorithms.PublicKey) -> bytes:
    """Return the four bytes that name a key: for P-256 of its SPKI DER, for Ed25519 of its name, type and bytes."""
    if algorithms.algorithm_of(key) == ED25519:
        return sha256(name.encode() + b"\n" + _ED25519_TYPE + algorithms.raw_public(key)).digest()[:_KEY_ID_BYTES]
    return algorithms.key_id(key)


def _verifies(key: algorithms.PublicKey, signature: bytes, text: bytes) -> bool:
    if algorithms.algorithm_of(key) == ESP256:
        try:
            signature = algorithms.raw_from_der(signature)
        except (ValueError, OverflowError):  # not DER, or numbers of more than 32 bytes
            return False
    return algorithms.verify_signature(key, signature, text)


def _begin(text: str) -> str:
    return repr(text[:60])
