"""The root that a custodian holds to: a proposal must be built on it, or on one that follows from it.

The first one is believed on a person's word, who compares its fingerprint. Each later one must have been signed by
enough custodians of the one before it and by enough of its own, version by version: the rule by which devices follow
roots (The Update Framework's specification 1.0, section 5.3), except that an expired one may be followed, since
replacing it takes a proposal that is built on it.
"""

from collections.abc import Sequence
from itertools import pairwise

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root

from movepass_keys.ceremony.proposal import ROOT, Proposal, digits_of
from movepass_keys.errors import CeremonyError, CeremonyFileError
from movepass_keys.records.roles import document_bytes


def read_root(data: bytes) -> Metadata[Root]:
    """Read a root document.

    Raises:
        CeremonyFileError: not one.
    """
    try:
        root: Metadata[Root] = Metadata.from_bytes(data)
    except Exception as e:  # noqa: BLE001 - tuf raises many kinds for one cause
        raise CeremonyFileError(f"this is not a root document, or it was cut short; copy it again ({e})") from None
    if not isinstance(root.signed, Root):
        raise CeremonyFileError(f"expected a root document, got one of {root.signed.type}")
    return root


def follow(held: Metadata[Root] | None, chain: Sequence[Metadata[Root]]) -> Metadata[Root]:
    """Follow roots from the one that is held.

    Args:
        held: the last one accepted; None for somebody who has accepted none, and must compare the fingerprint.
        chain: roots in rising order of version, one of each; the last is the one to be believed.

    Returns:
        The last one.

    Raises:
        CeremonyError: it is older, another, or does not follow; says what came and what to do.
    """
    newest = chain[-1]
    if held is None:
        _verify(newest, newest)
        return newest
    mine, version = held.signed.version, newest.signed.version
    if version < mine:
        raise CeremonyError(
            f"this comes with root version {version}, and version {mine}, which you accepted, has replaced it: "
            "do not sign. Have it made anew from what is published now"
        )
    rest = [root for root in chain if root.signed.version >= mine]
    if [root.signed.version for root in rest] != list(range(mine, version + 1)):
        raise CeremonyError(f"this does not come with every root from version {mine}, which you accepted, to {version}")
    if rest[0].signed_bytes != held.signed_bytes:
        raise CeremonyError(
            f"this comes with ANOTHER root version {mine} than the one you accepted: do not sign, and tell the others. "
            f"The fingerprint of what came: {digits_of(document_bytes(rest[0]))}"
        )
    _verify(rest[0], rest[0])
    for before, root in pairwise(rest):
        _verify(before, root)
        _verify(root, root)
    return newest


def accepted_by_signing(held: Metadata[Root] | None, proposal: Proposal) -> Metadata[Root] | None:
    """Give the root that a custodian accepts by signing a proposal, for the next one to be held against.

    A first root has none before it, so whoever signs it accepts the root that is proposed. Until it has enough
    signatures it may be proposed again, changed; who signs then accepts that one.

    Raises:
        CeremonyError: the proposal is not built on the root held, nor on one that follows from it.
    """
    if proposal.chain:
        return follow(held, proposal.chain)
    first = proposal.metadata if proposal.role == ROOT else proposal.root
    same = held is not None and first is not None and first.signed_bytes == held.signed_bytes
    if held is None:
        return first if proposal.role == ROOT else None
    if same or (proposal.role == ROOT and not _finished(held)):
        return held if same else first
    raise CeremonyError(
        f"this begins anew, from no root, and you accepted root version {held.signed.version}: "
        "do not sign, and tell the others"
    )


def _finished(root: Metadata[Root]) -> bool:
    try:
        root.signed.verify_delegate(ROOT, root.signed_bytes, root.signatures)
    except RepositoryError:
        return False
    return True


def _verify(by: Metadata[Root], root: Metadata[Root]) -> None:
    try:
        by.signed.verify_delegate(ROOT, root.signed_bytes, root.signatures)
    except RepositoryError as e:
        raise CeremonyError(
            f"root version {root.signed.version} does not follow: it lacks signatures that version "
            f"{by.signed.version} asks for ({e}). Do not sign, and tell the others"
        ) from None
