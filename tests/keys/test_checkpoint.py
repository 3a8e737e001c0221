"""The head of a decision log: a C2SP checkpoint in a signed note, by either kind of online key."""

from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from movepass_keys.errors import CheckpointError
from movepass_keys.records import algorithms, checkpoint
from movepass_keys.records.checkpoint import Checkpoint, origin_of, read_checkpoint, region_of, sign_checkpoint
from movepass_keys.records.layout import HEAD_TARGET, head_target, is_head_target
from movepass_wire.payload import ED25519, ESP256

AT = 1795314600
HEAD = Checkpoint(origin_of("dmp.example"), 20852163, sha256(b"root").digest(), AT)


class KeyInMemory:
    """A signer for tests."""

    def __init__(self, alg: int) -> None:
        self._key = algorithms.generate(alg)
        self.public_key = self._key.public_key()

    def sign(self, message: bytes) -> bytes:
        return algorithms.sign(self._key, message)


SIGNERS = {"ESP256": KeyInMemory(ESP256), "Ed25519": KeyInMemory(ED25519)}
NOTES = {name: sign_checkpoint(HEAD, signer) for name, signer in SIGNERS.items()}


@pytest.mark.parametrize("alg", SIGNERS)
def test_a_head_is_read_as_it_was_written_and_its_signature_holds(alg: str) -> None:
    signed = read_checkpoint(NOTES[alg])
    assert signed.checkpoint == HEAD
    others = [KeyInMemory(ESP256).public_key, KeyInMemory(ED25519).public_key]
    assert signed.verified_by([*others, SIGNERS[alg].public_key]) == SIGNERS[alg].public_key
    assert signed.verified_by(others) is None
    assert signed.verified_by([]) is None


def test_a_note_has_the_form_that_c2sp_specifies() -> None:
    text, _, signature = NOTES["ESP256"].decode().partition("\n\n")
    assert text.split("\n") == [
        "movepass-decisions/dmp.example",
        "20852163",
        b64encode(sha256(b"root").digest()).decode(),
        "at 1795314600",
    ]
    assert signature.startswith("— movepass-decisions/dmp.example ")
    assert signature.endswith("\n")


def test_an_ecdsa_signature_is_as_other_software_makes_it() -> None:
    """Key bytes: SHA-256 of the SPKI. Signature: DER, of SHA-256 of the text with its last newline."""
    key = SIGNERS["ESP256"].public_key
    assert isinstance(key, EllipticCurvePublicKey)
    text, _, signature = NOTES["ESP256"].partition(b"\n\n")
    data = b64decode(signature.split(b" ")[2])
    assert data[:4] == sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()[:4]
    key.verify(data[4:], text + b"\n", ECDSA(SHA256()))


def test_an_ed25519_signature_is_as_gos_sumdb_makes_it() -> None:
    """The example of golang.org/x/mod/sumdb/note: PeterNeumann+c74f20a3."""
    raw = b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    key = Ed25519PublicKey.from_public_bytes(raw[1:])
    data = b64decode("x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=")
    text = b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    assert checkpoint._key_id("PeterNeumann", key) == data[:4] == bytes.fromhex("c74f20a3")
    assert checkpoint._verifies(key, data[4:], text)


def test_signatures_of_others_are_ignored() -> None:
    """A log may change its key, and witnesses may sign too."""
    witness = "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZ\n"
    signed = read_checkpoint(NOTES["Ed25519"] + witness.encode() + NOTES["ESP256"].rpartition(b"\n\n")[2])
    for signer in SIGNERS.values():
        assert signed.verified_by([signer.public_key]) == signer.public_key


def test_extension_lines_after_the_time_are_signed_and_ignored() -> None:
    note = NOTES["Ed25519"].replace(b"\n\n", b"\nlater 1\n\n")
    assert read_checkpoint(note).checkpoint == HEAD
    assert read_checkpoint(note).verified_by([SIGNERS["Ed25519"].public_key]) is None


@pytest.mark.parametrize("alg", SIGNERS)
@pytest.mark.parametrize(
    ("old", "new"), [("20852163", "20852164"), ("at 1795314600", "at 1795314601"), ("dmp.example", "dmq.example")]
)
def test_a_changed_head_has_no_signature(alg: str, old: str, new: str) -> None:
    changed = NOTES[alg].replace(old.encode(), new.encode())
    assert read_checkpoint(changed).verified_by([SIGNERS[alg].public_key]) is None


@pytest.mark.parametrize("alg", SIGNERS)
def test_a_changed_or_shorter_signature_is_none(alg: str) -> None:
    text, _, line = NOTES[alg].decode().rpartition("\n\n")
    lead, name, encoded = line.strip().split(" ")
    data = b64decode(encoded)
    for wrong in (
        data[:-1],
        data[:4] + bytes(64),
        data[:4] + b"\x30\x06\x02\x01\x01\x02\x01\x01",
        data[:-1] + b"x",
        data[:5],
    ):
        note = f"{text}\n\n{lead} {name} {b64encode(wrong).decode()}\n".encode()
        assert read_checkpoint(note).verified_by([SIGNERS[alg].public_key]) is None


GOOD = NOTES["Ed25519"].decode()
ROOT = GOOD.split("\n")[2]


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ("", "expected a signed note, got ''"),
        ("no note", "expected a signed note"),
        (GOOD.replace("\n\n", "\n"), "expected a signed note"),
        (GOOD[:-1], "cut short"),
        (GOOD.replace("\n", "\r\n"), "expected a signed note"),
        (GOOD.replace("movepass-decisions/", "movepass-other/", 1), "expected the origin"),
        (GOOD.replace("dmp.example", "dmp example", 1), "without blanks"),
        (GOOD.replace("dmp.example", "dmp+example", 1), "without blanks or plus"),
        (GOOD.replace("20852163", "020852163"), "without leading zeros"),
        (GOOD.replace("20852163", "-1"), "expected a number"),
        (GOOD.replace("20852163", "9" * 19), "expected a number below"),
        (GOOD.replace("20852163", "২০"), "expected a number"),
        (GOOD.replace(ROOT, ROOT[:-1]), "32 bytes in base64"),
        (GOOD.replace(ROOT, ROOT[:-2] + "x="), "32 bytes in base64"),  # bits set after the last byte
        (GOOD.replace(ROOT, b64encode(bytes(31)).decode()), "32 bytes in base64"),
        (GOOD.replace("at 1795314600\n", ""), "got 3 lines"),
        (GOOD.replace("at 1795314600", "AT 1795314600"), 'expected "at"'),
        (GOOD.replace("at 1795314600", "at 4294967296"), "below 4294967296"),
        (GOOD.replace("— ", "- "), "expected a signature line"),
        (GOOD + "trailing\n", "expected a signature line"),
        (GOOD + "x" * (1 << 17), "at most 131,072 bytes"),
    ],
)
def test_what_is_no_head_is_refused_in_words(note: str, words: str) -> None:
    with pytest.raises(CheckpointError, match=words):
        read_checkpoint(note.encode())


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(CheckpointError, match="not UTF-8"):
        read_checkpoint(b"\xff" + NOTES["Ed25519"])


@pytest.mark.parametrize(
    "wrong", [replace(HEAD, size=-1), replace(HEAD, root=b""), replace(HEAD, at=-1), replace(HEAD, origin="a b")]
)
def test_what_can_not_be_read_is_not_written(wrong: Checkpoint) -> None:
    with pytest.raises(CheckpointError):
        sign_checkpoint(wrong, SIGNERS["Ed25519"])


@pytest.mark.parametrize("identity", ["", "two words", "a+b", "line\nline", "\u00a0x"])
def test_an_identity_that_fits_no_origin_is_refused(identity: str) -> None:
    with pytest.raises(CheckpointError):
        origin_of(identity)


@given(data=st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for note in (data, NOTES["Ed25519"][: len(data)] + data):
        try:
            read_checkpoint(note)
        except CheckpointError:
            continue


@given(at=st.integers(0, len(GOOD.encode()) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_never_gives_another_signed_head(at: int, byte: int) -> None:
    data = NOTES["Ed25519"]
    changed = data[:at] + bytes([byte]) + data[at + 1 :]
    try:
        signed = read_checkpoint(changed)
    except CheckpointError:
        return
    assert changed == data or signed.verified_by([SIGNERS["Ed25519"].public_key]) is None


@pytest.mark.parametrize("region", [0, 1, 999])
def test_the_origin_of_a_regions_log_tells_the_region(region: int) -> None:
    origin = origin_of("ab" * 32, region)
    assert region_of(origin) == region
    assert read_checkpoint(sign_checkpoint(replace(HEAD, origin=origin), SIGNERS["ESP256"])).checkpoint.origin == origin


def test_each_regions_head_has_a_target_of_its_own() -> None:
    targets = [head_target(region) for region in (0, 1, 2, 10)]
    assert targets[0] == HEAD_TARGET == "status/decisions.head"
    assert len(set(targets)) == len(targets)
    assert all(map(is_head_target, targets))
    others = ("status/decisions.0.head", "status/decisions.x.head", "decisions.head", "status/1.log", "status/head")
    assert not any(map(is_head_target, others))
