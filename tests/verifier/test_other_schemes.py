"""Check codes of other schemes, made by their own rules: they are named, without personal data."""

import json
import zlib
from base64 import urlsafe_b64encode
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cwt import COSE, COSEKey
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from movepass_verifier.deciding.other_codes import looks_like_jwt
from movepass_verifier.errors import OtherCodeError
from movepass_verifier.reading.other_schemes import CODE_MAX_CHARS, OtherCode, take_apart
from movepass_wire import base45
from movepass_words import message

NAME = "Musterfrau"
ISSUED, EXPIRES = 1_700_000_000, 1_730_000_000
DCC = {1: "DE", 4: EXPIRES, 6: ISSUED, -260: {1: {"nam": {"fn": NAME}, "dob": "1964-08-12", "ver": "1.3.0"}}}
KEY = ECKey.generate_key("P-256")
KID = bytes.fromhex("d919375fc1e7b6b2")


def hcert(claims: Any = DCC, *, protected: bool = True, tagged: bool = True) -> str:
    """Make an HCERT with python-cwt."""
    key = COSEKey.new({1: 2, 3: -7, -1: 1, **_coordinates()})
    headers: dict[str, Any] = {"protected": {1: -7}, "unprotected": {}}
    headers["protected" if protected else "unprotected"][4] = KID
    made = COSE.new().encode_and_sign(cbor2.dumps(claims), key, **headers)
    assert isinstance(made, bytes)
    return "HC1:" + base45.encode(zlib.compress(made if tagged else made[1:], 9))


def _coordinates() -> dict[int, bytes]:
    private = ec.generate_private_key(ec.SECP256R1())
    point = private.public_key().public_numbers()
    values = {-2: point.x, -3: point.y, -4: private.private_numbers().private_value}
    return {name: value.to_bytes(32, "big") for name, value in values.items()}


def health_card(payload: dict[str, Any]) -> str:
    """Make a SMART Health Card, whose payload is deflated before it is signed."""
    header = _base64(json.dumps({"alg": "ES256", "zip": "DEF", "kid": "3Kfdg-XwP-7gXyywtUfUADwBumDOPKMQx-iELL11W9s"}))
    squeeze = zlib.compressobj(9, wbits=-15)
    body = _base64(squeeze.compress(json.dumps(payload).encode()) + squeeze.flush())
    text = f"{header}.{body}.{_base64(bytes(64))}"
    return "shc:/" + "".join(f"{ord(char) - 45:02}" for char in text)


def _base64(data: str | bytes) -> str:
    return urlsafe_b64encode(data.encode() if isinstance(data, str) else data).rstrip(b"=").decode()


def token(payload: dict[str, Any]) -> str:
    return jwt.encode({"alg": "ES256", "kid": "key-1", "typ": "JWT"}, payload, KEY)


@pytest.mark.parametrize("protected", [True, False])
@pytest.mark.parametrize("tagged", [True, False])
def test_an_hcert_says_who_issued_it_and_when(protected: bool, tagged: bool) -> None:  # noqa: FBT001
    read = take_apart(hcert(protected=protected, tagged=tagged))
    assert read is not None
    assert (read.scheme, read.what.key) == ("hcert", "reason.covid-certificate")
    assert (read.alg, read.kid, read.issuer) == ("ES256", "2Rk3X8HntrI=", "DE")
    assert (read.issued_at, read.not_before, read.expires_at) == (ISSUED, None, EXPIRES)


def test_a_health_card_says_who_issued_it_and_when() -> None:
    subject = {"credentialSubject": {"fhirBundle": {"name": NAME}}}
    read = take_apart(
        health_card({"iss": "https://smarthealth.cards/examples/issuer", "nbf": ISSUED + 0.5, "vc": subject})
    )
    assert read is not None
    assert (read.scheme, read.what.key) == ("shc", "reason.health-card")
    assert (read.alg, read.issuer) == ("ES256", "https://smarthealth.cards/examples/issuer")
    assert (read.issued_at, read.not_before, read.expires_at) == (None, ISSUED, None)


def test_a_jwt_by_joserfc_says_who_issued_it_and_when() -> None:
    read = take_apart(token({"iss": "https://issuer.example", "sub": NAME, "iat": ISSUED, "exp": EXPIRES}))
    assert read == OtherCode(
        "jwt", message("reason.signed-token"), "ES256", "key-1", "https://issuer.example", ISSUED, None, EXPIRES
    )


def test_nothing_of_the_person_is_given() -> None:
    for text in (hcert(), token({"sub": NAME}), health_card({"vc": {"name": NAME}})):
        assert NAME not in repr(take_apart(text))


@pytest.mark.parametrize("text", ["", "MP1:ABC", "https://example.org", "eyJ", "eyJhbGciOiJFUzI1NiJ9.e30", "a.b.c"])
def test_what_is_of_no_known_scheme_is_none(text: str) -> None:
    assert take_apart(text) is None


BROKEN = {
    "HC1:": "it can't be read",
    "hc1:6bf": "base45",
    hcert()[:-6]: "it can't be read",
    "HC1:" + base45.encode(zlib.compress(b"\x01")): "COSE_Sign1",
    "HC1:" + base45.encode(zlib.compress(cbor2.dumps([b"", {}, 7, b""]))): "byte string",
    "HC1:" + base45.encode(zlib.compress(cbor2.dumps([b"", [], cbor2.dumps({}), b""]))): "maps",
    "HC1:" + base45.encode(zlib.compress(bytes(1 << 20))): "cut short, or of more than",
    "shc:/2/3/5676": "one part of several",
    "shc:/567": "pairs of digits",
    "shc:/5676": "it can't be read",
    "eyJhbGciOiJFUzI1NiJ9.W10.x": "JSON object",
    "eyJh.e30.x": "it can't be read",
    "HC1:" + "0" * CODE_MAX_CHARS: "at most 7089",
}


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_what_begins_as_a_code_and_is_none_says_why(text: str) -> None:
    with pytest.raises(OtherCodeError, match=BROKEN[text]) as error:
        take_apart(text)
    assert "not a movement pass" in str(error.value)


@given(st.one_of(st.integers(), st.floats(), st.booleans(), st.text(), st.none(), st.lists(st.integers())))
def test_a_value_of_any_kind_is_shown_or_left_out(value: Any) -> None:
    for text in (hcert({1: value, 4: value, 5: value, 6: value}), token_with(value)):
        read = take_apart(text)
        assert read is not None
        assert read.issuer == (value[:200] if isinstance(value, str) else None)
        assert read.expires_at is None or 0 <= read.expires_at < 1 << 32


def token_with(value: Any) -> str:
    body = json.dumps(dict.fromkeys(("iss", "iat", "nbf", "exp"), value))
    return f"{_base64(json.dumps({'alg': 'none'}))}.{_base64(body)}."


def test_without_the_extra_a_certificate_is_named_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cbor2", None)
    with pytest.raises(OtherCodeError, match=r"COVID certificate.*movepass\[scan\]"):
        take_apart(hcert())
    assert looks_like_jwt(token({}))
