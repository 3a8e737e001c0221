"""Token Status List tokens: read back by a reader that shares nothing with us, and held against the IETF's vectors.

The reader is python-cwt, cbor2 and zlib. It reads all of the draft's vectors, of any number of bits; our encoder, which
writes one bit an index, is held against those of one bit.
"""

import json
import zlib
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cwt import VerifyError
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey
from support.processes import ROOT
from support.status_lists import STATUS_LIST, read_token, statuses
from support.world import World

from movepass_issuer.errors import IssuerError, RepositoryError
from movepass_issuer.publishing.published_lists import PublishedLists
from movepass_issuer.publishing.status_list_token import MEDIA_TYPE, TTL_SECONDS, status_list, token
from movepass_keys.records import algorithms
from movepass_keys.records.algorithms import PrivateKey, PublicKey
from movepass_wire import ED25519, ESP256

VECTORS: dict[str, Any] = json.loads(
    (ROOT / "tests" / "foreign" / "token-status-list" / "token_status_list.json").read_text("utf-8")
)
LISTS = {vector["name"]: vector for vector in VECTORS["lists"]}
ONE_BIT = [name for name, vector in LISTS.items() if vector["bits"] == 1]
URI = "https://example.com/statuslists/1"
TYP = 16


class Signing:
    """A key in memory."""

    def __init__(self, alg: int = ESP256) -> None:
        self._private: PrivateKey = algorithms.generate(alg)
        self.public_key: PublicKey = self._private.public_key()

    def sign(self, message: bytes) -> bytes:
        return algorithms.sign(self._private, message)


def drafts_key() -> PublicKey:
    key = ECKey.import_key(VECTORS["public_key_jwk"]).public_key
    assert isinstance(key, EllipticCurvePublicKey)
    return key


@pytest.mark.parametrize("name", LISTS)
def test_the_reader_agrees_with_all_6_lists_of_the_draft_and_their_321_statuses(name: str) -> None:
    vector = LISTS[name]
    said = cbor2.loads(bytes.fromhex(vector["cbor_hex"]))
    read = statuses(said["bits"], said["lst"])
    assert said["bits"] == vector["bits"]
    assert sha256(zlib.decompress(said["lst"])).hexdigest() == vector["uncompressed_sha256"]
    assert [(at, read[at]) for at, _ in vector["statuses"]] == [tuple(pair) for pair in vector["statuses"]]
    assert sum(status > 0 for status in read) == sum(status > 0 for _, status in vector["statuses"])


def test_every_vector_of_the_draft_is_here() -> None:
    assert (len(LISTS), sum(len(vector["statuses"]) for vector in LISTS.values())) == (6, 321)
    assert ONE_BIT == ["1bit-16", "1bit-2^20"]


@pytest.mark.parametrize("name", ONE_BIT)
def test_our_list_is_the_drafts_bit_by_bit(name: str) -> None:
    """Unzipped, for what zlib makes of it is another matter with another zlib."""
    vector = LISTS[name]
    ours = zlib.decompress(status_list((at for at, status in vector["statuses"] if status), vector["size"]))
    assert ours == zlib.decompress(cbor2.loads(bytes.fromhex(vector["cbor_hex"]))["lst"])


def test_the_drafts_token_verifies_by_our_signature_layer_and_by_python_cwt() -> None:
    data = bytes.fromhex(VECTORS["status_list_token_cwt"]["hex"])
    headers, claims = read_token(data, drafts_key())
    assert (headers[TYP], claims[2]) == (MEDIA_TYPE, URI)
    protected, _, payload, signature = cbor2.loads(data).value
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    assert algorithms.verify_signature(drafts_key(), signature, signed)
    assert not algorithms.verify_signature(drafts_key(), signature, signed + b"\x00")


def test_our_token_says_what_the_drafts_does_but_for_the_times_and_the_keys_name() -> None:
    theirs = read_token(bytes.fromhex(VECTORS["status_list_token_cwt"]["hex"]), drafts_key())
    listed = [at for at, status in LISTS["1bit-16"]["statuses"] if status]
    key = Signing()
    made = token(status_list(listed, 16), signer=key, subject=URI, issued_at=theirs[1][6], expires_at=theirs[1][4])
    headers, claims = read_token(made, key.public_key)
    assert headers == {**theirs[0], 4: algorithms.key_id(key.public_key)}
    assert claims == {**theirs[1], 65534: TTL_SECONDS}


def test_the_drafts_token_in_jwt_has_the_same_list() -> None:
    said = jwt.decode(VECTORS["status_list_token_jwt"]["compact"], ECKey.import_key(VECTORS["public_key_jwk"])).claims
    assert said["status_list"] == LISTS["1bit-16"]["json"]


def test_the_drafts_referenced_token_verifies_and_points_at_an_index() -> None:
    _, claims = read_token(bytes.fromhex(VECTORS["referenced_token_cwt"]["hex"]), drafts_key())
    assert claims[65535] == {"status_list": {"idx": 0, "uri": URI}}


@pytest.mark.parametrize("alg", [ESP256, ED25519])
@given(revoked=st.sets(st.integers(0, 4095), max_size=60), more=st.integers(0, 9))
def test_what_is_listed_comes_back(alg: int, revoked: set[int], more: int) -> None:
    key, size = Signing(alg), max(revoked, default=0) + 1 + more
    _, claims = read_token(
        token(status_list(revoked, size), signer=key, subject=URI, issued_at=1, expires_at=2), key.public_key
    )
    read = statuses(claims[STATUS_LIST]["bits"], claims[STATUS_LIST]["lst"])
    assert {at for at, status in enumerate(read) if status} == revoked
    assert len(read) == (size + 7) // 8 * 8
    assert (claims[6], claims[4]) == (1, 2)


def test_a_changed_token_does_not_verify() -> None:
    key = Signing()
    made = bytearray(token(status_list([3], 16), signer=key, subject=URI, issued_at=1, expires_at=2))
    made[made.index(b"https") + 1] ^= 1
    with pytest.raises(VerifyError):
        read_token(bytes(made), key.public_key)


@pytest.mark.parametrize(("revoked", "size"), [([16], 16), ([], 0), ([], (1 << 30) + 1)])
def test_an_index_that_has_no_place_and_a_size_that_can_not_be_are_refused(revoked: Iterable[int], size: int) -> None:
    with pytest.raises(IssuerError):
        status_list(revoked, size)


def test_the_published_list_is_read_with_its_age(world: World) -> None:
    world.revoke_indexes([7, 70_000])
    done = world.publish()
    lists = PublishedLists.read(world.authority.repository)
    assert (lists.published, tuple(lists.days)) == (done.published, done.days)
    assert lists.expires - lists.published == 48 * 3600
    assert list(lists.log(world.today).revoked) == [7, 70_000]
    assert list(lists.log(world.today + 1).revoked) == []


def test_a_list_that_is_damaged_is_not_exported(world: World) -> None:
    world.revoke_indexes([7])
    world.publish()
    lists = PublishedLists.read(world.authority.repository)
    for log in (world.repository / "targets" / "status").glob(f"*.{world.today}.log"):
        log.write_bytes(log.read_bytes()[:-1])
    with pytest.raises(RepositoryError, match="damaged"):
        lists.log(world.today)


def test_without_a_publication_there_is_nothing_to_export(world: World) -> None:
    (world.repository / "metadata" / "timestamp.json").unlink()
    with pytest.raises(RepositoryError, match="nothing has been published"):
        PublishedLists.read(world.authority.repository)
