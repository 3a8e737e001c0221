"""Check other projects' vectors: Wycheproof's for both algorithms, and the COSE working group's for Sign1.

Each folder under tests/foreign has its source's licence.
"""

import json
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.serialization import load_der_public_key

from movepass_keys.records import algorithms
from movepass_wire import MalformedError, base45, open_text, to_be_signed
from movepass_wire.payload import ED25519, ESP256

FOREIGN = Path(__file__).parents[1] / "foreign"
WYCHEPROOF = {
    "ecdsa_secp256r1_sha256_p1363_test.json": (ESP256, 173, 89),
    "ed25519_test.json": (ED25519, 88, 63),
}
"""Each file: our algorithm, how many of its signatures are valid and how many are not."""


def wycheproof(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOREIGN / "wycheproof" / name).read_text("utf-8"))
    return document


@pytest.mark.parametrize("name", WYCHEPROOF)
def test_every_wycheproof_vector_agrees(name: str) -> None:
    alg, valid, invalid = WYCHEPROOF[name]
    results: list[tuple[int, str, bool, bool]] = []
    for group in wycheproof(name)["testGroups"]:
        key = load_der_public_key(bytes.fromhex(group["publicKeyDer"]))
        assert algorithms.algorithm_of(key) == alg
        for case in group["tests"]:
            signature, message = bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"])
            expected = {"valid": True, "invalid": False}[case["result"]]
            got = algorithms.verify_signature(key, signature, message)  # type: ignore[arg-type]
            results.append((case["tcId"], case["comment"], expected, got))
    assert [r for r in results if r[2] != r[3]] == []
    assert (sum(r[2] for r in results), sum(not r[2] for r in results)) == (valid, invalid)


COSE = sorted((FOREIGN / "cose-wg").glob("sign-*.json"))
SIGNATURE_HOLDS = {
    "sign-pass-01.json": True,  # empty protected header, encoded as a map and to be signed as an empty string
    "sign-pass-02.json": True,  # external data
    "sign-pass-03.json": True,  # no tag
    "sign-fail-01.json": True,  # the wrong tag: the signature over the content holds all the same
    "sign-fail-02.json": False,  # another content
    "sign-fail-03.json": False,  # another algorithm in the protected header
    "sign-fail-04.json": False,  # an unknown one there
    "sign-fail-06.json": False,  # an attribute added there
    "sign-fail-07.json": False,  # an attribute taken out there
}
"""What the signature layer alone must say. Only a wrong tag is left to the envelope to refuse."""


def cose(path: Path) -> tuple[dict[str, Any], bytes]:
    case: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return case, bytes.fromhex(case["output"]["cbor"])


def parts(data: bytes) -> list[Any]:
    """Take a Sign1 apart, whatever its tag."""
    value = cbor2.loads(data)
    return list(value.value if isinstance(value, cbor2.CBORTag) else value)


def public_key(case: dict[str, Any]) -> algorithms.PublicKey:
    jwk = case["input"]["sign0"]["key"]
    x, y = (int.from_bytes(_strip_padding(jwk[c]), "big") for c in "xy")
    return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()


def _strip_padding(text: str) -> bytes:
    from base64 import urlsafe_b64decode  # noqa: PLC0415

    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_every_cose_vector_is_here() -> None:
    assert [path.name for path in COSE] == sorted(SIGNATURE_HOLDS)


@pytest.mark.parametrize("path", COSE, ids=lambda path: path.stem)
def test_the_signature_over_a_cose_vectors_sig_structure_holds_or_fails_as_it_should(path: Path) -> None:
    case, data = cose(path)
    protected, _, payload, signature = parts(data)
    external = bytes.fromhex(case["input"]["sign0"].get("external", ""))
    signed = cbor2.dumps(["Signature1", b"" if protected == b"\xa0" else protected, external, payload])
    if "fail" not in case:
        assert signed.hex().upper() == case["intermediates"]["ToBeSign_hex"]
    assert algorithms.verify_signature(public_key(case), signature, signed) is SIGNATURE_HOLDS[path.name]


@pytest.mark.parametrize("path", COSE, ids=lambda path: path.stem)
def test_what_a_cose_vector_was_signed_over_verifies_with_the_signature_it_was_made_with(path: Path) -> None:
    case, data = cose(path)
    signed = bytes.fromhex(case["intermediates"]["ToBeSign_hex"])
    assert algorithms.verify_signature(public_key(case), parts(data)[3], signed)


@pytest.mark.parametrize("path", COSE, ids=lambda path: path.stem)
def test_no_cose_vector_is_an_envelope_of_ours(path: Path) -> None:
    """They name the deprecated -7 and carry the kid unprotected."""
    with pytest.raises(MalformedError) as error:
        open_text("MP1:" + base45.encode(cose(path)[1]))
    assert error.value.check == "envelope"


def test_our_sig_structure_is_built_like_theirs() -> None:
    """With their payload and our header, what is signed differs from theirs in the protected header alone."""
    case, data = cose(FOREIGN / "cose-wg" / "sign-fail-02.json")
    theirs = cbor2.loads(bytes.fromhex(case["intermediates"]["ToBeSign_hex"]))
    ours = cbor2.loads(to_be_signed(ESP256, b"kid!", theirs[3]))
    assert [theirs[0], *theirs[2:]] == [ours[0], *ours[2:]]
    assert cbor2.loads(ours[1]) == {1: ESP256, 4: b"kid!"}
    assert cbor2.loads(parts(data)[0]) == {1: -7}
