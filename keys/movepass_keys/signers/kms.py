"""Sign with keys that AWS KMS keeps. Needs the [aws] extra; docs/kms.md has the key policies.

    awskms:KEY-ARN             kms:Sign for every message: the private key never leaves the HSM
    awskms-wrapped:FILE.json   a data key pair that KMS made and wrapped: unwrapped once per process, signs locally

Keys are named by ARN. An alias can be pointed at another key without the devices noticing, and a policy that names the
key's ARN does not cover calls by alias. The region is that of the ARN. The endpoint is AWS's, or AWS_ENDPOINT_URL.
boto3 finds the credentials.

Sources: the KMS API Reference, https://docs.aws.amazon.com/kms/latest/APIReference/ (Sign, GetPublicKey, Decrypt,
GenerateDataKeyPairWithoutPlaintext), which is also in botocore's data/kms/2014-11-01/service-2.json.
"""

import hashlib
import json
import logging
import re
import secrets
import threading
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from movepass_keys import files
from movepass_keys.aws import (
    NO_CONNECTION,
    NO_CREDENTIALS,
    AwsClientError,
    Patience,
    RefusedError,
    UnintelligibleError,
    patient_client,
    patiently,
)
from movepass_keys.errors import KeyFileError, KeysError, SignerError
from movepass_keys.records import algorithms
from movepass_keys.signers.key_files import write_key_file
from movepass_wire.payload import ED25519, ESP256

RAW_MAX_BYTES = 4096
"""The longest message of kms:Sign (API Reference, Sign, Message). Emulators accept more, so we check it ourselves."""
DEADLINE_SECONDS = 20.0
"""How long one call may take with all its attempts and waits."""
CONNECT_SECONDS = 2.0
READ_SECONDS = 5.0
"""Limits of one attempt; no attempt starts when less than their sum is left until the deadline."""
BACKOFF_FIRST_SECONDS = 0.1
BACKOFF_MAX_SECONDS = 2.0
"""The wait before attempt n+1 is random, from 0 to FIRST * 2^n, at most MAX ("full jitter")."""

_FILE_MAX_BYTES = 1 << 16
_SPECS = {"ECC_NIST_P256": (ESP256, "ECDSA_SHA_256"), "ECC_NIST_EDWARDS25519": (ED25519, "ED25519_SHA_512")}
"""Our algorithm and its KMS name for each KeySpec and KeyPairSpec."""
_SIGNING_KEY = "an asymmetric key of KeySpec ECC_NIST_P256 or ECC_NIST_EDWARDS25519 and KeyUsage SIGN_VERIFY"
_WRAPPING_KEY = "a symmetric key (KeySpec SYMMETRIC_DEFAULT, KeyUsage ENCRYPT_DECRYPT)"
_PURPOSE = {"movepass": "signing-key"}
_FORMAT = 1
_TOO_MANY_REQUESTS = 429
_ED25519_V2 = bytes.fromhex("020101 3005 06032b6570 0422 0420")
"""The bytes before the seed: version 2, id-Ed25519, an octet string in an octet string."""
_ARN = re.compile(r"arn:aws[a-z-]*:kms:([a-z0-9-]+):[0-9]{12}:(key|alias)/[A-Za-z0-9/_-]+")


@dataclass(frozen=True, slots=True)
class KeyArn:
    """The permanent name of a KMS key.

    Attributes:
        text: the ARN.
        region: the region in the ARN.
    """

    text: str
    region: str

    @classmethod
    def parse(cls, text: str, scheme: str = "awskms:") -> "KeyArn":
        """Read the ARN of a key.

        Raises:
            SignerError: the text is an alias, or not the ARN of a KMS key.
        """
        match = _ARN.fullmatch(text)
        if match is None:
            raise SignerError(f"expected a signer like {scheme}arn:aws:kms:REGION:ACCOUNT:key/ID, got {text!r}")
        if match[2] == "alias":
            raise SignerError(
                f"{text} is an alias, which can be pointed at another key and which policies for the key's ARN "
                f"don't cover; give the ARN: aws kms describe-key --key-id {text} --query KeyMetadata.Arn"
            )
        return cls(text, match[1])


class KmsSigner:
    """A key in KMS: every signature is one kms:Sign, so that this process has no private key to steal.

    A message of up to RAW_MAX_BYTES goes to KMS as it is (MessageType RAW). That covers every pass, and in practice
    every document of the online role. A longer message, such as a root of many custodians, goes as its SHA-256 with
    P-256 (MessageType DIGEST, as AWS recommends; ECDSA defines the same signature). With Ed25519 it is refused: the
    algorithm ED25519_SHA_512 is RAW only, and no verifier of ours accepts the prehashed ED25519_PH_SHA_512.

    IAM: kms:GetPublicKey (once, when opened), kms:Sign.
    Source: API Reference, Sign, Message, MessageType and SigningAlgorithm.
    """

    def __init__(self, arn: str) -> None:
        """Ask KMS for the public key, and check that its kind is supported.

        Args:
            arn: the ARN of the key.

        Raises:
            SignerError: the [aws] extra, the key or a permission is missing, the key is unsuitable, or KMS is
                unreachable.
        """
        key = KeyArn.parse(arn)
        self._kms = _Kms(key, _SIGNING_KEY)
        answer = self._kms.call("GetPublicKey", "PublicKey")
        spec, usage = answer.get("KeySpec"), answer.get("KeyUsage")
        if spec not in _SPECS or usage != "SIGN_VERIFY":
            raise SignerError(f"{arn} is of KeySpec {spec} and KeyUsage {usage}; make {_SIGNING_KEY}")
        self._alg, self._signing_algorithm = _SPECS[spec]
        self.public_key = _public_key(answer["PublicKey"], self._alg, arn)
        self._arn = arn

    def sign(self, message: bytes) -> bytes:
        """Sign a message; see Signer. The answer of KMS is verified with the public key.

        IAM: kms:Sign.

        Raises:
            SignerError: the message is too long for Ed25519, or KMS returned no signature; the message says what is
                missing.
        """
        message_type = "RAW"
        if not 1 <= len(message) <= RAW_MAX_BYTES:
            if self._alg == ED25519:
                raise SignerError(
                    f"{self._arn}: kms:Sign takes 1 to {RAW_MAX_BYTES} bytes of an Ed25519 key, got {len(message)}; "
                    "sign such documents with a P-256 key"
                )
            message_type = "DIGEST"
        signed = message if message_type == "RAW" else hashlib.sha256(message).digest()
        answer = self._kms.call(
            "Sign", "Signature", Message=signed, MessageType=message_type, SigningAlgorithm=self._signing_algorithm
        )
        return self._check_signature(answer["Signature"], message)

    def _check_signature(self, signature: bytes, message: bytes) -> bytes:
        try:
            raw = signature if self._alg == ED25519 else algorithms.raw_from_der(signature)
        except (ValueError, OverflowError):
            raw = b""
        if not algorithms.verify_signature(self.public_key, raw, message):
            raise SignerError(f"{self._arn}: KMS answered with a signature that the key does not verify; not used")
        return raw


class WrappedSigner:
    """A key pair in a file that KMS made and wrapped: one kms:Decrypt per process, then it signs locally.

    It serves rates and costs that a kms:Sign for each pass can't. The price: while the process runs, the private key is
    in its memory (and nowhere else, as it is never written). Disabling the wrapping key stops only processes that have
    not unwrapped it yet. An attacker who reads the memory has the key; then a ceremony must revoke it.

    IAM: kms:Decrypt on the wrapping key.
    Source: API Reference, GenerateDataKeyPairWithoutPlaintext and Decrypt.
    """

    def __init__(self, path: Path) -> None:
        """Open the file and unwrap the key, unless this process has already done so.

        Raises:
            KeyFileError: the file is missing or of another kind.
            SignerError: the [aws] extra is missing, KMS did not unwrap the key, or the result is not the file's key.
        """
        try:
            data = files.read_regular(path, _FILE_MAX_BYTES, own=True)
        except OSError as e:
            raise KeyFileError(f"can't read the wrapped key {path}: {e.strerror}") from e
        wrapped = _Wrapped.from_bytes(data, path)
        try:
            self._private_key = _unwrap_once(wrapped, hashlib.sha256(data).digest())
        except SignerError as e:
            raise SignerError(f"{path}: {e}") from e
        self.public_key = self._private_key.public_key()

    def sign(self, message: bytes) -> bytes:
        """Sign a message; see Signer."""
        return algorithms.sign(self._private_key, message)


def create_wrapped_key(path: Path, wrapping_key_arn: str, alg: int) -> algorithms.PublicKey:
    """Let KMS make a key pair and wrap its private half, and write both to a new file with mode 0600.

    This process never has the private key, and creating the file needs no right to unwrap it. The wrapping is bound to
    an encryption context, which KMS requires unchanged when it unwraps. The context has the purpose, so that a policy
    can limit kms:Decrypt to signing keys (kms:EncryptionContext:movepass); the algorithm; and a random id, so that
    CloudTrail, which shows contexts, tells which key was unwrapped. It can't have the kid, because KMS takes the
    context before the key exists. The kid is bound differently: the unwrapped key must be the private half of the
    file's public key.

    IAM: kms:GenerateDataKeyPairWithoutPlaintext on the wrapping key.
    Source: API Reference, GenerateDataKeyPairWithoutPlaintext (KeyPairSpec has both specs); Developer Guide,
    https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html.

    Args:
        path: the new file.
        wrapping_key_arn: the ARN of a symmetric KMS key.
        alg: ESP256 or ED25519.

    Returns:
        The public key.

    Raises:
        SignerError: the [aws] extra, the key or a permission is missing, the key is not symmetric, or KMS is
            unreachable.
        KeyFileError: the file exists, or its folder can't be written to.
    """
    key = KeyArn.parse(wrapping_key_arn, "")
    context = {**_PURPOSE, "alg": algorithms.NAMES[alg], "id": secrets.token_hex(8)}
    spec = next(spec for spec, (ours, _) in _SPECS.items() if ours == alg)
    answer = _Kms(key, _WRAPPING_KEY).call(
        "GenerateDataKeyPairWithoutPlaintext", "PrivateKeyCiphertextBlob", KeyPairSpec=spec, EncryptionContext=context
    )
    public_key = _public_key(answer["PublicKey"], alg, key.text)
    write_key_file(path, _Wrapped(key, context, public_key, answer["PrivateKeyCiphertextBlob"]).to_bytes())
    return public_key


@dataclass(frozen=True, slots=True)
class _Wrapped:
    """The file of a wrapped key. It is useless without kms:Decrypt on the wrapping key, so it may be copied."""

    wrapping_key: KeyArn
    context: Mapping[str, str]
    public_key: algorithms.PublicKey
    blob: bytes

    def to_bytes(self) -> bytes:
        spki = self.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        document = {
            "movepass_wrapped_key": _FORMAT,
            "wrapping_key": self.wrapping_key.text,
            "context": self.context,
            "public_key": b64encode(spki).decode(),
            "wrapped_private_key": b64encode(self.blob).decode(),
        }
        return json.dumps(document, indent=1).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes, path: Path) -> "_Wrapped":
        try:
            match json.loads(data):
                case {
                    "movepass_wrapped_key": version,
                    "wrapping_key": str(arn),
                    "context": {"alg": str(alg), "id": str(), **purpose} as context,
                    "public_key": str(spki),
                    "wrapped_private_key": str(blob),
                    **rest,
                } if version == _FORMAT and purpose == _PURPOSE and alg in algorithms.BY_NAME and not rest:
                    public_key = _public_key(b64decode(spki, validate=True), algorithms.BY_NAME[alg], str(path))
                    return cls(KeyArn.parse(arn, ""), context, public_key, b64decode(blob, validate=True))
            raise KeyFileError("it has other members")
        except (ValueError, RecursionError, KeysError) as e:
            raise KeyFileError(f"{path} is not a wrapped key that this software can read: {e}") from e


_unwrapped: dict[bytes, algorithms.PrivateKey] = {}
_unwrapping = threading.Lock()


def _unwrap_once(wrapped: _Wrapped, digest: bytes) -> algorithms.PrivateKey:
    """Unwrap a key, or return the key that this process has unwrapped from the same content before."""
    with _unwrapping:
        if digest not in _unwrapped:
            _unwrapped[digest] = _unwrap(wrapped)
        return _unwrapped[digest]


def _unwrap(wrapped: _Wrapped) -> algorithms.PrivateKey:
    if logging.getLogger("botocore.parsers").isEnabledFor(logging.DEBUG):
        raise SignerError("botocore logs at DEBUG, and would log the private key: raise its level above that")
    plaintext = _Kms(wrapped.wrapping_key, _WRAPPING_KEY).call(
        "Decrypt", "Plaintext", CiphertextBlob=wrapped.blob, EncryptionContext=wrapped.context
    )["Plaintext"]
    try:
        private_key = _private_key(plaintext)
    except (ValueError, TypeError, UnsupportedAlgorithm, KeysError) as e:
        raise SignerError("KMS unwrapped something that is not a private key of ours; restore the file") from e
    if private_key.public_key() != wrapped.public_key:
        raise SignerError("KMS unwrapped a key that is not the private half of the file's public key; restore the file")
    return private_key


def _private_key(pkcs8: bytes) -> algorithms.PrivateKey:
    """Read a private key as KMS wraps it: PrivateKeyInfo of RFC 5958, whose version 2 cryptography can't read.

    Version 2 includes the public key, and some libraries write it for Ed25519 (RFC 8410, section 7).
    """
    start = pkcs8.find(_ED25519_V2, 0, len(_ED25519_V2) + 3)
    if start > 0:
        seed = start + len(_ED25519_V2)
        return Ed25519PrivateKey.from_private_bytes(pkcs8[seed : seed + 32])
    private_key = load_der_private_key(pkcs8, None)
    algorithms.algorithm_of(private_key)
    return private_key  # type: ignore[return-value] # algorithm_of has checked the type


def _public_key(spki: bytes, alg: int, source: str) -> algorithms.PublicKey:
    """Read a public key as KMS returns it (SubjectPublicKeyInfo, RFC 5280), and check its algorithm."""
    try:
        public_key = load_der_public_key(spki)
        if algorithms.algorithm_of(public_key) == alg:
            return public_key  # type: ignore[return-value] # algorithm_of has checked the type
    except (ValueError, UnsupportedAlgorithm, KeysError):
        pass
    raise SignerError(f"{source}: expected an {algorithms.NAMES[alg]} public key in DER, got something else")


class _Kms:
    """Calls KMS about one key, retries throttled calls up to a deadline, and explains every failure.

    Source: https://docs.aws.amazon.com/kms/latest/developerguide/throttling.html.
    """

    def __init__(self, key: KeyArn, wanted: str) -> None:
        """Make a client for the region of the key.

        Args:
            key: the key.
            wanted: the kind of key that it should be, in words.

        Raises:
            SignerError: the [aws] extra is missing, or boto3 can't use its settings.
        """
        self._patience = Patience(
            DEADLINE_SECONDS, CONNECT_SECONDS, READ_SECONDS, BACKOFF_FIRST_SECONDS, BACKOFF_MAX_SECONDS
        )
        try:
            self._client = patient_client("kms", self._patience, key.region)
        except AwsClientError as e:
            raise SignerError(f"{key.text}: {e}") from e
        self._endpoint = self._client.meta.endpoint_url
        self._key, self._wanted = key, wanted

    def call(self, operation: str, expected: str, **parameters: Any) -> Any:
        """Call an operation on the key.

        Args:
            operation: its name in the API Reference.
            expected: a member that its answer must have.
            parameters: the parameters besides KeyId.

        Raises:
            SignerError: it failed for good, or the deadline is near; the message names the key, the IAM action and the
                fix.
        """
        from botocore import xform_name  # noqa: PLC0415 - an extra

        method = getattr(self._client, xform_name(operation))

        def ask() -> Any:
            answer = method(KeyId=self._key.text, **parameters)
            answer[expected]
            return answer

        try:
            return patiently(self._client, ask, self._patience, _passes)
        except RefusedError as e:
            raise SignerError(self._explain(e, operation)) from e
        except UnintelligibleError as e:
            raise SignerError(f"{self._key.text}: kms:{operation}: {e}") from e

    def _explain(self, refused: RefusedError, operation: str) -> str:
        advice = _ADVICE.get(refused.kind, _OTHERWISE).format(
            action=f"kms:{operation}",
            region=self._key.region,
            wanted=self._wanted,
            endpoint=self._endpoint,
            attempts=self._patience.in_words(refused.attempts),
        )
        return f"{self._key.text}: kms:{operation}: {advice} ({refused.kind}: {refused.said})"


_NO_PERMISSION = (
    "no permission; allow {action} to the caller, in the key's policy or in an IAM policy that names the key by its ARN"
)
_BAD_CREDENTIALS = (
    "AWS does not accept the credentials; renew them, and see that they are those of the ARN's account (or of one that "
    "may use {action} on it) and that this machine's clock is right"
)
_NO_CREDENTIALS = (
    "no AWS credentials that may use {action}; give this machine a role, or set AWS_PROFILE or AWS_ACCESS_KEY_ID"
)
_NO_CONNECTION = (
    "no answer from {endpoint} after {attempts}; look at the region in the ARN, the network or VPC endpoint, and "
    "AWS_ENDPOINT_URL if it is set"
)
_WRONG_KIND = "not a key for this; make {wanted}"
_BUSY = (
    "KMS is throttling: no answer after {attempts}; ask again later, spread the load, and have the account's request "
    "quota for {action} in {region} raised"
)
_BROKEN = "KMS failed {attempts}; nothing is wrong with the request: ask again later"
_OTHERWISE = "failed; the caller needs {action} on this key"
_ADVICE = {
    "AccessDeniedException": _NO_PERMISSION,
    "NotFoundException": "no such key in {region}; look at the region and the account in the ARN, and whether the key "
    "has been deleted",
    "DisabledException": "the key is disabled; have an administrator enable it (kms:EnableKey), or use another key",
    "KMSInvalidStateException": "the key's state does not allow it; look at it (kms:DescribeKey): a deletion that was "
    "scheduled can be cancelled (kms:CancelKeyDeletion), imported material may be missing",
    "InvalidKeyUsageException": _WRONG_KIND,
    "UnsupportedOperationException": _WRONG_KIND,
    "InvalidCiphertextException": "the wrapped key or its encryption context was changed, or another key wrapped it; "
    "restore the file",
    "IncorrectKeyException": "another key wrapped it; restore the file",
    "UnrecognizedClientException": _BAD_CREDENTIALS,
    "InvalidClientTokenId": _BAD_CREDENTIALS,
    "ExpiredTokenException": _BAD_CREDENTIALS,
    "InvalidSignatureException": _BAD_CREDENTIALS,
    **dict.fromkeys(NO_CREDENTIALS, _NO_CREDENTIALS),
    **dict.fromkeys(NO_CONNECTION, _NO_CONNECTION),
    "ThrottlingException": _BUSY,
    "KMSInternalException": _BROKEN,
    "DependencyTimeoutException": _BROKEN,
    "KeyUnavailableException": _BROKEN,
}
"""What is wrong and what to do, by AWS's error code or botocore's exception."""


def _passes(refused: RefusedError) -> bool:
    """Check whether a KMS error is transient."""
    return refused.code == "ThrottlingException" or refused.status == _TOO_MANY_REQUESTS
