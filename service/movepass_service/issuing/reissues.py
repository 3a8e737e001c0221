"""Shows applicants the passes that custodians have issued again under another key, in place of the void ones."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from movepass_issuer import SignedPass
from movepass_issuer.issuing.issuer import Revoker
from movepass_issuer.issuing.ledger import Entry
from movepass_service.stores.store import Issued, Reissuable, Store
from movepass_wire import format_number, open_text
from movepass_wire.times import day_of


def take_reissues(
    store: Store, revoker: Revoker, passes: Sequence[Reissuable], is_shown: Callable[[bytes], bool], now: int
) -> int:
    """Note what was issued again for some passes, and show it to the applicants; returns how many passes were.

    Args:
        store: the service's.
        revoker: looks them up in the issuer's ledger.
        passes: which may have been issued again.
        is_shown: whether applicants get a pass under a key; of several the last.
        now: seconds since 1970 UTC.

    Raises:
        StoreError, IssuerError: store or ledger failed; the next look does it again.
    """
    if not passes:
        return 0
    found = revoker.find_reissues([one.request_id for one in passes])
    made: list[Issued] = []
    shown: list[Issued] = []
    for one in passes:
        again = [
            replace(describe(one.number, one.correction, entry), replaces=(before.day, before.index))
            for before, entry in found.get(one.request_id, ())
        ]
        made += again
        shown += [issued for issued in again if is_shown(issued.kid)][-1:]
    if made:
        store.record_reissued(made, shown, now)
    return len(made)


def describe(number: int, correction: int, made: SignedPass | Entry) -> Issued:
    """Describe a pass for the store, by the number of its application and the content that it has."""
    if isinstance(made, SignedPass):
        text, day, index = made.text, day_of(made.pass_.trip.not_after), made.pass_.index
    else:
        text, day, index = made.text or "", made.day, made.index
    return Issued(number, correction, format_number(day, index), text, day, index, open_text(text).kid)
