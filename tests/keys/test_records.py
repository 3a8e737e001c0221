"""Check that published keys round-trip, and that every other document is refused in one way."""

import json
from base64 import urlsafe_b64encode
from contextlib import suppress
from copy import deepcopy
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movepass_keys import KeyDocumentError, KeySet, PassKey, Withdrawal
from movepass_keys.records import algorithms
from movepass_wire.payload import ED25519, ESP256

NBF, EXP = 1795316400, 1826852400
REVOKED = Withdrawal(1795400000, "lost laptop")
ECDSA = PassKey(algorithms.generate(ESP256).public_key(), NBF, EXP)
EDDSA = PassKey(algorithms.generate(ED25519).public_key(), NBF, EXP, REVOKED)
BOTH = KeySet.of("Dhaka Metropolitan Police", [ECDSA, EDDSA], test=False)
DENIED = {"denied": [{"kid": "0011aabb", "at": 1795400000, "reason": "stolen token"}]}


def document(**changes: Any) -> dict[str, Any]:
    """Write the standard document with its first key changed; None takes a member out."""
    jwks = BOTH.to_jwks()
    key = jwks["keys"][0] | changes
    jwks["keys"][0] = {name: value for name, value in key.items() if value is not None}
    return jwks


def test_keys_of_both_algorithms_come_back_as_they_went_out() -> None:
    back = KeySet.from_jwks(json.dumps(BOTH.to_jwks()))
    assert (back.authority, back.test) == ("Dhaka Metropolitan Police", False)
    assert back.keys.keys() == BOTH.keys.keys()
    for kid, key in BOTH.keys.items():
        read = back.keys[kid]
        assert (read.kid, read.alg, read.not_before, read.not_after) == (key.kid, key.alg, NBF, EXP)
        assert read.revoked == key.revoked
        assert read.public_key == key.public_key
    assert back.to_jwks() == BOTH.to_jwks()


@pytest.mark.parametrize("test", [True, False])
def test_whether_it_is_a_test_authority_comes_back(test: bool) -> None:  # noqa: FBT001
    assert KeySet.from_jwks(KeySet.of("x", [ECDSA], test=test).to_jwks()).test is test


@pytest.mark.parametrize("form", [json.dumps, lambda d: json.dumps(d).encode(), lambda d: d])
def test_text_bytes_and_objects_are_read_alike(form: Any) -> None:
    assert KeySet.from_jwks(form(BOTH.to_jwks())).keys.keys() == BOTH.keys.keys()


def test_the_jwk_is_what_rfc_7518_and_rfc_8037_say() -> None:
    ecdsa, eddsa = BOTH.to_jwks()["keys"]
    assert {k: ecdsa[k] for k in ("kty", "crv", "alg", "use")} == {
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig",
    }  # fmt: skip
    assert {k: eddsa[k] for k in ("kty", "crv", "alg", "use")} == {
        "kty": "OKP", "crv": "Ed25519", "alg": "Ed25519", "use": "sig",
    }  # fmt: skip
    assert "y" not in eddsa
    assert not {"d", "k"} & (ecdsa.keys() | eddsa.keys())  # nothing private


def test_joserfc_reads_our_jwks_as_the_same_keys() -> None:
    joserfc_jwk = pytest.importorskip("joserfc.jwk")
    for jwk, key in zip(BOTH.to_jwks()["keys"], BOTH.keys.values(), strict=True):
        cls = joserfc_jwk.ECKey if jwk["kty"] == "EC" else joserfc_jwk.OKPKey
        assert cls.import_key(jwk).raw_value == key.public_key


def test_ed25519s_rfc_8037_key_is_read() -> None:
    """The public key of RFC 8037, appendix A.2."""
    jwk = {
        "kty": "OKP", "crv": "Ed25519", "alg": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kid": "06e3fd8f", "nbf": 0, "exp": 1,
    }  # fmt: skip
    assert list(KeySet.from_jwks({"authority": {"name": "x", "test": True}, "keys": [jwk]}).keys) == [
        bytes.fromhex("06e3fd8f")
    ]


def test_a_coordinate_that_begins_with_zeros_keeps_its_32_bytes() -> None:
    key = algorithms.generate(ESP256).public_key()
    while not _has_short_coordinate(key):
        key = algorithms.generate(ESP256).public_key()
    keys = KeySet.of("x", [PassKey(key, NBF, EXP)], test=True)
    assert {len(keys.to_jwks()["keys"][0][c]) for c in "xy"} == {43}
    assert KeySet.from_jwks(keys.to_jwks()).keys.keys() == keys.keys.keys()


def _has_short_coordinate(key: Any) -> bool:
    numbers = key.public_numbers()
    return bool(min(numbers.x, numbers.y) >> 248 == 0)


def test_a_coordinate_is_of_32_bytes_and_in_no_other_letters() -> None:
    private: Any = next(key for key in iter(partial(algorithms.generate, ESP256), None) if _x(key)[0] == 0)
    key = PassKey(private.public_key(), NBF, EXP)
    whole = KeySet.of("x", [key], test=False).to_jwks()
    text = whole["keys"][0]["x"]
    for x in (_text(_x(private)[1:]), _text(b"\0" + _x(private)), text + "!!!!", "\n" + text):
        with pytest.raises(KeyDocumentError, match="not a point of its curve"):
            KeySet.from_jwks({**whole, "keys": [whole["keys"][0] | {"x": x}]})
    assert KeySet.from_jwks(whole).keys == {key.kid: key}


def _x(private: Any) -> bytes:
    return algorithms.raw_public(private.public_key())[:32]


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "change",
    [{"kty": "RSA"}, {"crv": "P-384"}, {"alg": "ES384"}, {"alg": None}, {"kty": "AKP"}, {"kty": 7}, {"crv": ["P-256"]}],
)
def test_a_key_of_an_unknown_kind_is_left_out_and_the_others_stay(change: dict[str, Any]) -> None:
    assert list(KeySet.from_jwks(document(**change)).keys) == [EDDSA.kid]


@pytest.mark.parametrize("change", [{"x": None}, {"y": None}, {"y": 7}])
def test_a_key_of_a_known_kind_without_its_point_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(KeyDocumentError, match="not a point of its curve"):
        KeySet.from_jwks(document(**change))


@pytest.mark.parametrize("revoked", [None, False, {}, [], "lost", {"at": 5}, {"at": 5, "reason": None}])
def test_a_revocation_that_can_not_be_read_leaves_no_key_good(revoked: object) -> None:
    jwks = BOTH.to_jwks()
    jwks["keys"][0]["revoked"] = revoked
    with pytest.raises(KeyDocumentError):
        KeySet.from_jwks(jwks)


@pytest.mark.parametrize("kind", ["EC", "RSA"])
@pytest.mark.parametrize("member", ["d", "k"])
def test_a_private_part_is_refused_whatever_the_kind(kind: str, member: str) -> None:
    with pytest.raises(KeyDocumentError, match="private part"):
        KeySet.from_jwks(document(kty=kind, **{member: "AQAB"}))


def test_a_coordinate_has_one_form() -> None:
    jwk = BOTH.to_jwks()["keys"][0]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = jwk["x"][:-1] + letters[letters.index(jwk["x"][-1]) + 1]
    for x in (jwk["x"] + "=", other):
        with pytest.raises(KeyDocumentError, match="without padding"):
            KeySet.from_jwks(document(x=x))


def test_a_key_of_an_unknown_kind_may_have_a_kid_of_another_form() -> None:
    jwks = BOTH.to_jwks()
    jwks["keys"].append({"kty": "AKP", "alg": "ML-DSA-44", "kid": "a-longer-kid-of-later", "pub": "AAAA"})
    assert KeySet.from_jwks(jwks).keys.keys() == BOTH.keys.keys()


def test_members_that_this_software_does_not_know_are_no_fault() -> None:
    jwks = document(later="field") | {"more": [1]}
    assert KeySet.from_jwks(jwks).keys.keys() == BOTH.keys.keys()


@pytest.mark.parametrize("kid", ["00000000", "ffffffff"])
def test_a_key_under_another_kid_than_its_own_is_refused(kid: str) -> None:
    with pytest.raises(KeyDocumentError, match=rf"named {kid} has the kid {ECDSA.kid.hex()}"):
        KeySet.from_jwks(document(kid=kid))


def test_a_key_under_another_keys_kid_is_refused() -> None:
    with pytest.raises(KeyDocumentError):
        KeySet.from_jwks(document(kid=EDDSA.kid.hex()))


def test_two_keys_with_one_kid_are_refused_even_if_they_are_the_same() -> None:
    with pytest.raises(KeyDocumentError, match="make another key"):
        KeySet.of("x", [ECDSA, ECDSA], test=True)
    jwks = BOTH.to_jwks()
    jwks["keys"].append(deepcopy(jwks["keys"][0]))
    with pytest.raises(KeyDocumentError, match="two keys"):
        KeySet.from_jwks(jwks)


@pytest.mark.parametrize(
    "change",
    [
        {"kid": None}, {"kid": 7}, {"kid": ""}, {"kid": "0011223"}, {"kid": "001122334"}, {"kid": "0011 2233"},
        {"kid": ECDSA.kid.hex().upper() + "A"}, {"kid": "zzzzzzzz"}, {"kid": "١٢٣٤٥٦٧٨"},
        {"nbf": None}, {"exp": None}, {"nbf": "0"}, {"nbf": True}, {"nbf": -1}, {"exp": 1e9},
        {"exp": 1 << 32}, {"exp": 1 << 33}, {"exp": NBF}, {"exp": NBF - 1},
        {"x": ""}, {"x": "A"}, {"x": "AAAA"}, {"x": "é" * 43}, {"x": "A" * 43}, {"x": "_" * 43},
        {"revoked": "yes"}, {"revoked": {}}, {"revoked": {"at": 1}}, {"revoked": {"reason": "x"}},
        {"revoked": {"at": "1", "reason": "x"}}, {"revoked": {"at": 1, "reason": 7}}, {"revoked": False},
    ],
)  # fmt: skip
def test_a_malformed_key_makes_the_whole_document_unreadable(change: dict[str, Any]) -> None:
    with pytest.raises(KeyDocumentError):
        KeySet.from_jwks(document(**change))


@pytest.mark.parametrize(
    "bad",
    [
        b"", b"{", b"\xff", b"\xef\xbb\xbf{}", "[]", "null", '"keys"', "7", "[" * 100_000, "{}",
        '{"keys": []}', '{"authority": {"name": "x", "test": true}}',
        '{"authority": "x", "keys": []}', '{"authority": {"name": "x"}, "keys": []}',
        '{"authority": {"name": "x", "test": 1}, "keys": []}', '{"authority": {"name": 1, "test": true}, "keys": []}',
        '{"authority": {"name": "x", "test": true}, "keys": {}}',
        '{"authority": {"name": "x", "test": true}, "keys": [7]}', [], 7, None,
    ],
)  # fmt: skip
def test_what_is_no_jwk_set_of_ours_is_refused(bad: Any) -> None:
    with pytest.raises(KeyDocumentError):
        KeySet.from_jwks(bad)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1"])
def test_documents_are_utf_8_and_nothing_else(encoding: str) -> None:
    named = KeySet("Dépôt", test=False, keys=BOTH.keys)
    documents = [json.dumps(document, ensure_ascii=False) for document in (named.to_jwks(), named.denied_to_json())]
    assert KeySet.from_jwks(documents[0].encode()).with_denied(documents[1].encode()) == named
    with pytest.raises(KeyDocumentError, match="the JWK set is not JSON"):
        KeySet.from_jwks(documents[0].encode(encoding))
    if encoding != "latin-1":  # which is ASCII here
        with pytest.raises(KeyDocumentError, match="denied-keys is not JSON"):
            named.with_denied(documents[1].encode(encoding))


@pytest.mark.parametrize("field", ["kid", "nbf"])
def test_nesting_of_any_depth_is_a_key_document_error(field: str) -> None:
    """Also where reading it just works and showing it would be too deep."""
    key = json.dumps({**BOTH.to_jwks()["keys"][1], field: "DEEP"})
    for depth in [10, *range(850, 1_010), 10_000]:
        deep = key.replace('"DEEP"', "[" * depth + "]" * depth)
        with pytest.raises(KeyDocumentError):
            KeySet.from_jwks(f'{{"authority": {{"name": "x", "test": true}}, "keys": [{deep}]}}')


def test_denied_keys_come_back_as_they_went_out() -> None:
    keys = BOTH.with_denied(json.dumps(DENIED))
    assert keys.denied == {bytes.fromhex("0011aabb"): Withdrawal(1795400000, "stolen token")}
    assert keys.denied_to_json() == DENIED
    assert keys.keys == BOTH.keys
    assert BOTH.denied == {}  # the one it came from is as before


@pytest.mark.parametrize(
    "bad",
    [
        "", "[]", "{}", '{"denied": {}}', '{"denied": [7]}', '{"denied": [{"kid": "0011aabb"}]}',
        '{"denied": [{"kid": "0011aabb", "at": 1, "reason": null}]}', '{"denied": [{"at": 1, "reason": "x"}]}',
        *(f'{{"denied": [{{"kid": "{kid}", "at": 1, "reason": ""}}]}}' for kid in ("0011AABB", "0011aa", "0011aabbcc")),
    ],
)  # fmt: skip
def test_what_is_no_list_of_denied_keys_is_refused(bad: str) -> None:
    with pytest.raises(KeyDocumentError):
        BOTH.with_denied(bad)


def test_a_key_is_withdrawn_by_its_revocation_or_by_a_denial_even_of_an_unknown_kid() -> None:
    denied = {"denied": [{"kid": ECDSA.kid.hex(), "at": 5, "reason": "stolen"}, *DENIED["denied"]]}
    keys = BOTH.with_denied(denied)
    assert BOTH.withdrawn(ECDSA.kid) is None
    assert keys.withdrawn(ECDSA.kid) == Withdrawal(5, "stolen")
    assert keys.withdrawn(EDDSA.kid) == REVOKED
    assert keys.withdrawn(bytes.fromhex("0011aabb")) == Withdrawal(1795400000, "stolen token")
    assert keys.withdrawn(b"none") is None


def test_a_key_that_is_revoked_stays_so_at_its_time_and_for_its_reason() -> None:
    revoked = ECDSA.withdrawn(5, "stolen")
    assert revoked.revoked == Withdrawal(5, "stolen")
    assert revoked.withdrawn(6, "lost").ending(EXP - 1).revoked == Withdrawal(5, "stolen")


def test_a_key_is_valid_for_a_second_at_least() -> None:
    assert PassKey(ECDSA.public_key, NBF, NBF + 1).covers(NBF, NBF + 1)
    for end in (NBF, NBF - 1):
        with pytest.raises(KeyDocumentError, match="must end after it begins"):
            PassKey(ECDSA.public_key, NBF, end)


@pytest.mark.parametrize(("of", "name"), [(ECDSA, "revoked"), (ECDSA, "not_after"), (BOTH, "denied"), (BOTH, "keys")])
def test_nobody_changes_a_key_or_a_key_set_that_others_have(of: object, name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(of, name, getattr(of, name))


def test_a_key_covers_what_lies_wholly_inside_its_validity() -> None:
    assert ECDSA.covers(NBF, EXP)
    assert not ECDSA.covers(NBF - 1, EXP)
    assert not ECDSA.covers(NBF, EXP + 1)


def test_a_signature_without_the_zero_that_its_second_half_begins_with_is_none() -> None:
    """The number would be the same, and one pass would have two texts."""
    private = algorithms.generate(ESP256)
    signatures = (algorithms.sign(private, number.to_bytes(4)) for number in range(1 << 14))
    number, signature = next((number, found) for number, found in enumerate(signatures) if found[32] == 0)
    key, message = PassKey(private.public_key(), NBF, EXP), number.to_bytes(4)
    assert key.verifies(signature, message)
    assert not key.verifies(signature[:32] + signature[33:], message)
    assert not key.verifies(b"\0" + signature, message)


def test_a_key_verifies_what_it_signed_and_nothing_else() -> None:
    for alg in (ESP256, ED25519):
        private_key = algorithms.generate(alg)
        key = PassKey(private_key.public_key(), NBF, EXP)
        signature = algorithms.sign(private_key, b"message")
        assert key.verifies(signature, b"message")
        assert not key.verifies(signature, b"massage")
        assert not (ECDSA if alg == ESP256 else EDDSA).verifies(signature, b"message")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_a_key_set_or_a_key_document_error(value: Any) -> None:
    for read in (KeySet.from_jwks, BOTH.with_denied):
        with suppress(KeyDocumentError):
            read(json.dumps(value))


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_bytes_and_any_text_are_a_key_set_or_a_key_document_error(value: bytes | str) -> None:
    with suppress(KeyDocumentError):
        KeySet.from_jwks(value)


_PLACES = [
    *(("keys", n, name) for n in (0, 1) for name in ("kid", "kty", "crv", "alg", "x", "y", "nbf", "exp", "revoked")),
    ("keys", 1, "revoked", "at"), ("keys", 1, "revoked", "reason"), ("keys", 0), ("keys",),
    ("authority",), ("authority", "name"), ("authority", "test"),
]  # fmt: skip


@given(place=st.sampled_from(_PLACES), value=JSON | st.text("0123456789abcdefABCDEF_-=+/", max_size=48))
def test_any_value_in_any_place_of_a_good_document_is_read_or_a_key_document_error(
    place: tuple[Any, ...], value: Any
) -> None:
    jwks: Any = BOTH.to_jwks()
    inner = jwks
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    try:
        keys = KeySet.from_jwks(json.dumps(jwks))
    except KeyDocumentError:
        return
    assert keys.keys.keys() <= BOTH.keys.keys()  # no value makes another key of it
