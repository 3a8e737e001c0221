"""Check that a proposal is built on the root that a custodian trusts, or on a successor of it.

The custodian trusts the first root by comparing its fingerprint. Every later root must be signed by enough custodians
of the root before it and by enough of its own, version by version. Devices follow roots by the same rule (The Update
Framework's specification 1.0, section 5.3), with one exception: custodians may follow an expired root, because the
proposal that replaces it is built on it.
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
        CeremonyFileError: the data is not a root document.
    """
    try:
        root: Metadata[Root] = Metadata.from_bytes(data)
    except Exception as e:  # tuf raises many kinds for one cause
        raise CeremonyFileError(f"this is not a root document, or it was cut short; copy it again ({e})") from e
    if not isinstance(root.signed, Root):
        raise CeremonyFileError(f"expected a root document, got one of {root.signed.type}")
    return root


def follow(held: Metadata[Root] | None, chain: Sequence[Metadata[Root]]) -> Metadata[Root]:
    """Follow the chain of roots from the trusted root.

    Args:
        held: the last root that the custodian accepted; None for a custodian who must compare the first fingerprint.
        chain: every root by rising version, ending with the one to trust.

    Returns:
        The last root of the chain.

    Raises:
        CeremonyError: the last root is older, different, or no successor; the message says what came and what to do.
    """
    newest = chain[-1]
    if held is None:
        _verify(newest, newest)
        return newest
    mine, version = held.signed.version, newest.signed.version
    if version < mine:
        raise CeremonyError(
            f"this comes with root version {version}, and version {mine}, which you accepted, has replaced it: "
            "do not sign. Have it proposed again, from the repository as it is now"
        )
    rest = [root for root in chain if root.signed.version >= mine]
    if [root.signed.version for root in rest] != list(range(mine, version + 1)):
        raise CeremonyError(f"this does not come with every root from version {mine}, which you accepted, to {version}")
    if rest[0].signed_bytes != held.signed_bytes:
        raise CeremonyError(
            f"this comes with ANOTHER root version {mine} than the one you accepted: do not sign, and tell the others. "
            f"The fingerprint of the other root: {digits_of(document_bytes(rest[0]))}"
        )
    _verify(rest[0], rest[0])
    for before, root in pairwise(rest):
        _verify(before, root)
        _verify(root, root)
    return newest


def root_accepted_by_signing(held: Metadata[Root] | None, proposal: Proposal) -> Metadata[Root] | None:
    """Return the root that a custodian accepts by signing a proposal, to compare the next proposal with.

    A first root has no predecessor, so signing it accepts the proposed root. Until it has enough signatures it may be
    proposed again with changes; signing that proposal accepts the changed root.

    Raises:
        CeremonyError: the proposal is not built on the accepted root, nor on a successor of it.
    """
    if proposal.chain:
        return follow(held, proposal.chain)
    first = proposal.metadata if proposal.role == ROOT else proposal.root
    same = held is not None and first is not None and first.signed_bytes == held.signed_bytes
    if held is None:
        return first if proposal.role == ROOT else None
    if same or (proposal.role == ROOT and not _is_finished(held)):
        return held if same else first
    raise CeremonyError(
        f"this starts over without a root, and you accepted root version {held.signed.version}: "
        "do not sign, and tell the others"
    )


def _is_finished(root: Metadata[Root]) -> bool:
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
        ) from e
