"""Check private key files, which only their owner reads and which are never overwritten, and 64-byte signatures."""

import hashlib
import os
import stat
from base64 import encodebytes
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from movepass_keys import FileSigner, KeyFileError, KeysError, SignerError, create_key_file, signer_from_uri
from movepass_keys.records import algorithms
from movepass_keys.records.algorithms import NAMES, key_id, verify_signature
from movepass_keys.signers import opening
from movepass_keys.signers.signer import PASSPHRASE
from movepass_wire.payload import ESP256

EACH = pytest.mark.parametrize("alg", NAMES, ids=NAMES.values())
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def pem_of(key: object) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined, no-any-return]


def write_key(path: Path, pem: bytes) -> Path:
    path.write_bytes(pem)
    path.chmod(0o600)
    return path


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    create_key_file(path, ESP256)
    return path


@EACH
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_key_file_has_mode_0600_whatever_the_umask(tmp_path: Path, alg: int, umask: int) -> None:
    before = os.umask(umask)
    try:
        create_key_file(tmp_path / "key.pem", alg)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600


@EACH
def test_a_key_file_is_never_written_over(tmp_path: Path, alg: int) -> None:
    path = tmp_path / "key.pem"
    create_key_file(path, alg)
    before = path.read_bytes()
    with pytest.raises(KeyFileError, match="never written over"):
        create_key_file(path, alg)
    assert path.read_bytes() == before


def test_not_even_an_empty_file_or_a_dangling_link_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    (tmp_path / "link.pem").symlink_to(tmp_path / "elsewhere.pem")
    for name in ("empty.pem", "link.pem"):
        with pytest.raises(KeyFileError):
            create_key_file(tmp_path / name, ESP256)
    assert (tmp_path / "empty.pem").read_bytes() == b""
    assert not (tmp_path / "elsewhere.pem").exists()


def test_a_key_file_in_a_folder_that_is_not_there_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"can't create .*key\.pem"):
        create_key_file(tmp_path / "nowhere" / "key.pem", ESP256)


@EACH
def test_two_new_keys_differ(tmp_path: Path, alg: int) -> None:
    one, two = (create_key_file(tmp_path / name, alg) for name in ("1.pem", "2.pem"))
    assert key_id(one) != key_id(two)


@EACH
def test_a_created_key_is_of_its_algorithm_and_is_the_one_the_file_holds(tmp_path: Path, alg: int) -> None:
    public_key = create_key_file(tmp_path / "key.pem", alg)
    loaded = FileSigner(tmp_path / "key.pem").public_key
    assert algorithms.algorithm_of(public_key) == algorithms.algorithm_of(loaded) == alg
    assert key_id(loaded) == key_id(public_key)


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o644, 0o666, 0o777])
def test_a_key_file_that_others_can_get_at_is_refused(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        FileSigner(key_file)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_key_file_that_only_its_owner_can_get_at_is_taken(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    FileSigner(key_file)


OTHER_KEYS: dict[str, Callable[[], object]] = {
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-224": lambda: ec.generate_private_key(ec.SECP224R1()),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "brainpoolP256r1": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "X25519": x25519.X25519PrivateKey.generate,
    "Ed448": ed448.Ed448PrivateKey.generate,
    "DSA": lambda: dsa.generate_private_key(1024),
}


@pytest.mark.parametrize("kind", OTHER_KEYS)
def test_a_key_of_another_kind_is_refused(tmp_path: Path, kind: str) -> None:
    path = write_key(tmp_path / "key.pem", pem_of(OTHER_KEYS[kind]()))
    with pytest.raises(KeyFileError, match="P-256 or Ed25519"):
        FileSigner(path)


@pytest.mark.parametrize("oid", ["06082a8648ce3d030107", "06072a8648ce3d0201"], ids=["curve", "key-type"])
def test_a_key_of_a_kind_that_cryptography_does_not_know_is_refused(tmp_path: Path, oid: str) -> None:
    der = algorithms.generate(ESP256).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    known = bytes.fromhex(oid)
    pem = write_pem(der.replace(known, known[:-1] + b"\x77"))
    with pytest.raises(KeyFileError):
        FileSigner(write_key(tmp_path / "key.pem", pem))


def write_pem(der: bytes) -> bytes:
    return b"-----BEGIN PRIVATE KEY-----\n" + encodebytes(der) + b"-----END PRIVATE KEY-----\n"


def test_a_public_key_is_refused(tmp_path: Path) -> None:
    public_key = algorithms.generate(ESP256).public_key()
    pem = public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(KeyFileError):
        FileSigner(write_key(tmp_path / "key.pem", pem))


@EACH
def test_a_key_file_cut_short_anywhere_is_refused(tmp_path: Path, alg: int) -> None:
    pem = pem_of(algorithms.generate(alg))
    for length in range(len(pem) - len("\n")):
        with pytest.raises(KeyFileError):
            FileSigner(write_key(tmp_path / "key.pem", pem[:length]))


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xfe\x00", b"-----BEGIN PRIVATE KEY-----\n"])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(KeyFileError, match="not a private key"):
        FileSigner(write_key(tmp_path / "key.pem", content))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.pem", tmp_path):
        with pytest.raises(KeyFileError, match="can't read the key"):
            FileSigner(path)


@EACH
def test_an_encrypted_key_needs_its_passphrase_and_no_other(tmp_path: Path, alg: int) -> None:
    path = tmp_path / "key.pem"
    public_key = create_key_file(path, alg, b"correct horse")
    assert b"ENCRYPTED" in path.read_bytes()
    for password in (None, b"wrong horse", b""):
        with pytest.raises(KeyFileError):
            FileSigner(path, password)
    assert key_id(FileSigner(path, b"correct horse").public_key) == key_id(public_key)


def test_a_passphrase_for_a_key_that_has_none_is_an_error_of_ours(key_file: Path) -> None:
    with pytest.raises(KeyFileError):
        FileSigner(key_file, b"correct horse")


@EACH
@pytest.mark.parametrize("message", [b"", b"m", bytes(100_000)], ids=["empty", "short", "long"])
def test_a_signature_is_64_raw_bytes_that_the_public_key_verifies(tmp_path: Path, alg: int, message: bytes) -> None:
    create_key_file(tmp_path / "key.pem", alg)
    signer = FileSigner(tmp_path / "key.pem")
    signature = signer.sign(message)
    assert len(signature) == 64
    assert verify_signature(signer.public_key, signature, message)
    assert not verify_signature(signer.public_key, signature, message + b".")


@EACH
def test_every_single_bit_of_a_signature_counts(alg: int) -> None:
    key = algorithms.generate(alg)
    signature = algorithms.sign(key, b"message")
    for bit in range(512):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        assert not verify_signature(key.public_key(), bytes(changed), b"message")


@pytest.mark.parametrize(("r", "s"), [(1, 2), (1 << 255, 1), (P256_ORDER - 1, P256_ORDER - 1)])
def test_ecdsa_numbers_are_padded_to_32_bytes_each_and_read_back(r: int, s: int) -> None:
    raw = algorithms.raw_from_der(encode_dss_signature(r, s))
    assert raw == r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert algorithms.der_from_raw(raw) == encode_dss_signature(r, s)


def test_ecdsas_twin_signature_verifies_too_so_a_signature_never_names_a_pass() -> None:
    key = algorithms.generate(ESP256)
    signature = algorithms.sign(key, b"message")
    s = int.from_bytes(signature[32:], "big")
    assert verify_signature(key.public_key(), signature[:32] + (P256_ORDER - s).to_bytes(32, "big"), b"message")


@EACH
@pytest.mark.parametrize("wrong", [b"", bytes(63), bytes(64), b"\xff" * 64], ids=["none", "63", "zeros", "ones"])
def test_what_can_not_be_a_signature_is_false_and_no_exception(alg: int, wrong: bytes) -> None:
    assert not verify_signature(algorithms.generate(alg).public_key(), wrong, b"message")


def test_a_signature_of_another_length_than_64_never_verifies() -> None:
    key = algorithms.generate(ESP256)
    signature = algorithms.sign(key, b"message")
    padded = signature[:32] + b"\0" + signature[32:]
    assert not verify_signature(key.public_key(), padded, b"message")


@EACH
def test_the_kid_is_the_first_4_bytes_of_sha256_over_the_spki(alg: int) -> None:
    public_key = algorithms.generate(alg).public_key()
    spki = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert key_id(public_key) == hashlib.sha256(spki).digest()[:4]


def test_the_kid_of_a_known_key() -> None:
    """Of the first Ed25519 key in RFC 8032 (7.1, TEST 1), the hash made with `openssl dgst -sha256`."""
    secret = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    assert key_id(Ed25519PrivateKey.from_private_bytes(secret).public_key()).hex() == "06e3fd8f"


def test_a_signer_is_found_by_its_uri_relative_to_the_base_or_absolute(tmp_path: Path) -> None:
    public_key = create_key_file(tmp_path / "key.pem", ESP256)
    for uri, base in (("file:key.pem", tmp_path), (f"file:{tmp_path}/key.pem", tmp_path / "elsewhere")):
        assert key_id(signer_from_uri(uri, base).public_key) == key_id(public_key)


@pytest.mark.parametrize("uri", ["", "key.pem", "awskms:arn:aws:kms:key", "http://127.0.0.1/key.pem", "FILE:key.pem"])
def test_another_kind_of_signer_uri_is_refused(uri: str) -> None:
    with pytest.raises(SignerError, match="expected a signer like"):
        signer_from_uri(uri)


def test_an_unknown_kind_of_signer_uri_is_told_every_kind_there_is() -> None:
    with pytest.raises(SignerError) as caught:
        signer_from_uri("vault:key")
    for scheme in opening._SCHEMES:
        assert f" {scheme}:" in str(caught.value)
    for scheme in ("file", "awskms", "awskms-wrapped", "hsm"):
        with pytest.raises(KeysError) as known:
            signer_from_uri(f"{scheme}:nothing")
        assert "one of" not in str(known.value)


def test_an_encrypted_key_by_its_uri_takes_the_passphrase_from_whoever_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_key_file(tmp_path / "key.pem", ESP256, b"correct horse")
    asked = []

    def ask(kind: str) -> str:
        asked.append(kind)
        return "correct horse"

    signer_from_uri("file:key.pem", tmp_path, ask)
    assert asked == ["passphrase"]
    monkeypatch.delenv("MOVEPASS_PASSPHRASE", raising=False)
    with pytest.raises(SignerError, match="set MOVEPASS_PASSPHRASE"):
        signer_from_uri("file:key.pem", tmp_path)
    monkeypatch.setenv("MOVEPASS_PASSPHRASE", "correct horse")
    signer_from_uri("file:key.pem", tmp_path)


def test_every_error_of_the_package_is_a_keys_error() -> None:
    assert issubclass(KeyFileError, KeysError)
    assert issubclass(SignerError, KeysError)


def test_a_key_in_the_traditional_protected_form_asks_for_its_passphrase(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    protected = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"secret"))
    assert protected.startswith(b"-----BEGIN EC PRIVATE KEY-----")
    path = tmp_path / "key.pem"
    path.write_bytes(protected)
    path.chmod(0o600)
    asked: list[str] = []
    signer = signer_from_uri(f"file:{path}", ask=lambda kind: asked.append(kind) or "secret")  # type: ignore[func-returns-value]
    assert asked == [PASSPHRASE]
    assert len(signer.sign(b"message")) == 64
