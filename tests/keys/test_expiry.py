"""Check when the custodians' documents and the pass key end, and how urgent that is."""

import json

import pytest

from movepass_keys import KeyDocumentError, KeySet, PassKey, Withdrawal
from movepass_keys.records import algorithms
from movepass_keys.records.expiry import WARNING_SECONDS, Ending, Ends, endings, expires_at
from movepass_wire.payload import ESP256

END = 1_827_232_656  # 2027-11-26T12:37:36Z


def document(expires: object = "2027-11-26T12:37:36Z") -> bytes:
    return json.dumps({"signed": {"expires": expires}}).encode()


def key(until: int, revoked: Withdrawal | None = None) -> PassKey:
    return PassKey(algorithms.generate(ESP256).public_key(), 0, until, revoked)


def the_key(keys: KeySet, in_use: bytes | None = None, now: int = END) -> Ending | None:
    return next((e for e in endings(root=None, targets=None, keys=keys, now=now, in_use=in_use)), None)


def test_each_part_says_when_it_ends() -> None:
    used = key(END + 5)
    found = endings(root=document(), targets=document(), keys=KeySet.of("x", [used], test=True), now=END - 7)
    assert [(e.what, e.at, e.left, e.kid) for e in found] == [
        (Ends.ROOT, END, 7, None), (Ends.TARGETS, END, 7, None), (Ends.PASS_KEY, END + 5, 12, used.kid),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("left", "soon", "ended"),
    [(WARNING_SECONDS + 1, False, False), (WARNING_SECONDS, True, False), (1, True, False), (0, True, True),
     (-1, True, True)],
)  # fmt: skip
def test_sixty_days_before_it_is_soon_and_in_its_own_second_it_has_ended(left: int, soon: bool, ended: bool) -> None:  # noqa: FBT001
    (ending,) = endings(root=document(), targets=None, keys=KeySet("x", test=True, keys={}), now=END - left)
    assert (ending.soon, ending.ended, ending.stops_syncs) == (soon, ended, ended)
    assert ("ended" in str(ending)) is ended
    assert "movepass keys propose root" in str(ending)


def test_of_several_keys_the_one_in_use_counts() -> None:
    used, other = key(END + 10), key(END + 20)
    keys = KeySet.of("x", [used, other], test=True)
    found = the_key(keys, used.kid)
    assert found
    assert found.kid == used.kid


def test_where_nobody_knows_which_is_in_use_the_last_good_one_counts() -> None:
    first, last, revoked, denied = key(END + 10), key(END + 20), key(END + 30, Withdrawal(1, "stolen")), key(END + 40)
    keys = KeySet.of("x", [last, first, revoked, denied], test=True).with_denied(
        {"denied": [{"kid": denied.kid.hex(), "at": 1, "reason": "stolen"}]}
    )
    for in_use in (None, revoked.kid, b"none"):
        found = the_key(keys, in_use)
        assert found
        assert found.kid == last.kid


def test_a_key_that_has_ended_stops_no_sync() -> None:
    found = the_key(KeySet.of("x", [key(END)], test=True))
    assert found
    assert (found.ended, found.stops_syncs) == (True, False)


@pytest.mark.parametrize(
    "wrong", [b"", b"[]", b"{}", b'{"signed": []}', b'{"signed": {"expires": 5}}', document("soon"), b"[" * 100_000]
)
def test_a_document_that_does_not_say_is_refused_in_words(wrong: bytes) -> None:
    with pytest.raises(KeyDocumentError, match="with its expiry"):
        expires_at(wrong)
