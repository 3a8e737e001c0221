"""The authority's side of key ceremonies: proposals, their publication, and the life of the pass keys.

The custodians' part of a ceremony, which needs no authority, is movepass_keys.ceremony.proposal.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tuf.api import exceptions as tuf_errors
from tuf.api.metadata import Metadata

from movepass_issuer.authority.folder import Authority, HeldKey, new_key_file, write_file
from movepass_issuer.errors import AuthorityError, IssuerError
from movepass_issuer.publishing.published import read_keys_document
from movepass_issuer.publishing.publisher import Publication, put_keys
from movepass_issuer.revoking.denials import put_denials, tell_denials
from movepass_issuer.storage import opening
from movepass_keys import KeySet, PassKey, Withdrawal, signer_from_uri
from movepass_keys.ceremony import custodian
from movepass_keys.ceremony.proposal import (
    ROOT,
    TARGETS,
    Card,
    KeyChange,
    Proposal,
    add_signature,
    build_keys_proposal,
    build_root_proposal,
    cards_of,
    delegated_by,
    finish_document,
    online_keys,
    sign_proposal,
)
from movepass_keys.records import roles
from movepass_keys.records.algorithms import PublicKey, key_id
from movepass_keys.records.layout import document_name
from movepass_wire.limits import PASS_DAYS_AHEAD_MAX, PUBLISHED_DAYS_AHEAD
from movepass_wire.times import DAY_SECONDS, ago, day_of, local

CUSTODIANS = 3
THRESHOLD = 2
PASS_KEY_DAYS = 365
KNOWN_AFTER_SECONDS = DAY_SECONDS
"""From a key's publication until every device that still accepts anything knows it: lists older than this are stale,
so a device that has not synced since then accepts no pass."""


def propose_root(
    authority: Authority, joining: Iterable[Card], *, without: Iterable[str] = (), threshold: int | None = None,
    online: Sequence[str] = (), now: int,
) -> Proposal:  # fmt: skip
    """Propose a root: the present custodians, less those who leave, and those who join.

    Raises:
        CeremonyError: nobody of that name, or the rules of build_root_proposal.
    """
    chain = authority.roots()
    current = chain[-1] if chain else None
    present = {card.name: card for card in cards_of(current)} if current else {}
    for name in without:
        if present.pop(name, None) is None:
            raise AuthorityError(f"nobody called {name!r} is a custodian: {', '.join(present) or 'there is none'}")
    if current and not online:
        publishing = online_keys(current.signed)
    else:
        uris = online or (authority.online_signer, *authority.online_peers)
        publishing = [roles.role_key(signer_from_uri(uri, authority.folder)) for uri in uris]
    if online:
        with authority.changing() as authority:  # noqa: PLR1704 - the same, read again
            replace(authority, online_next=tuple(online)).save()
    needed = threshold or (current.signed.roles[ROOT].threshold if current else THRESHOLD)
    return build_root_proposal([*present.values(), *joining], publishing, threshold=needed, now=now, chain=chain)


def propose_keys(authority: Authority, change: KeyChange, *, now: int, root: Proposal | None = None) -> Proposal:
    """Propose a change of the pass keys.

    Args:
        authority: whose.
        change: what to do.
        now: seconds since 1970 UTC.
        root: a root that is proposed at the same time, to be published together with this.

    Raises:
        CeremonyError: there is no root yet, or the rules of build_keys_proposal.
    """
    in_force = root.metadata if root else authority.current(ROOT)
    if in_force is None:
        raise AuthorityError("there is no root yet; first: movepass keys propose root")
    current = authority.current(TARGETS)
    keys = read_keys_document(authority.repository) if current else KeySet(authority.name, authority.test, {})
    return build_keys_proposal(change, root=in_force, now=now, current=current, keys=keys, chain=authority.roots())


def publish_proposals(
    authority: Authority, proposals: Iterable[Proposal], now: int, *, days_ahead: int = PUBLISHED_DAYS_AHEAD
) -> list[str]:
    """Put proposals with enough signatures into the repository, all of them or none, and publish.

    Returns:
        The names of the files that were written.

    Raises:
        NotEnoughSignaturesError: a threshold is not met.
        AuthorityError: a proposal was built on a version that is no longer in force, or the lists are delegated to
            another online key.
    """
    proposals = list(proposals)
    if len({proposal.role for proposal in proposals}) != len(proposals):
        raise AuthorityError("two proposals for the same documents; choose one")
    with authority.changing() as authority:  # noqa: PLR1704 - the same, read again
        authority.check_turn()
        by_role = {proposal.role: proposal for proposal in proposals}
        documents = {role: finish_document(proposal) for role, proposal in by_role.items()}
        root, targets = by_role.get(ROOT), by_role.get(TARGETS)
        in_force = root.metadata if root else authority.current(ROOT)
        new = [p for p in by_role.values() if _check_built_on(p, authority.current(p.role), in_force)]
        newest_targets = targets.metadata if targets else authority.current(TARGETS)
        changed = _with_online_key(authority, in_force, newest_targets)
        if targets and targets.keys[0] is not None:
            put_keys(authority.repository, targets.keys[0])
            changed = _with_published(changed, KeySet.from_jwks(targets.keys[0]), now)
        for proposal in new:
            authority.repository.create_version(proposal.file_name, documents[proposal.role])
        changed.save()
        if root and opening.is_remote(changed.repository_uri):
            _keep_first_root(changed)
        if targets:
            _prune_denied(changed)
        if newest_targets is not None:
            with changed.publisher() as publisher:
                publisher.publish(now, days_ahead=days_ahead)
        return [proposal.file_name for proposal in by_role.values()]


def _keep_first_root(authority: Authority) -> None:
    """Keep a copy of the root that devices are enrolled with, where the repository is elsewhere."""
    data = authority.repository.read(document_name(ROOT, 1))
    if data is not None:
        write_file(authority.root_path, data)


def new_pass_key(authority: Authority, alg: int, uri: str | None = None, wrapping: str | None = None) -> bytes:
    """Make a pass key, or register one that is held elsewhere, and return its kid. Nothing is signed with it yet.

    Args:
        authority: whose.
        alg: ESP256 or ED25519, of a key that is made.
        uri: of a key that is held elsewhere.
        wrapping: ARN of a KMS key that shall make the key and wrap it (movepass_keys.signers.kms).

    Raises:
        KeysError: it can't be made or opened.
        AuthorityError: it is there already, or shares a kid with one that is.
    """
    with authority.changing() as authority:  # noqa: PLR1704 - the same, read again
        if uri is None:
            uri, kid = new_key_file(authority.folder, alg, wrapping)
        else:
            kid = key_id(signer_from_uri(uri, authority.folder).public_key)
            if kid in authority.held_keys:
                raise AuthorityError(f"the authority has a key {kid.hex()} already")
        replace(authority, held_keys={**authority.held_keys, kid: HeldKey(uri)}).save()
        return kid


def pass_public_key(authority: Authority, kid: bytes) -> PublicKey:
    """Return the public half of a pass key that the authority holds.

    Raises:
        AuthorityError: it holds no key of this kid.
    """
    if kid not in authority.held_keys:
        raise AuthorityError(f"the authority holds no key {kid.hex()}; make one: movepass keys new")
    return signer_from_uri(authority.held_keys[kid].uri, authority.folder).public_key


def use_pass_key(authority: Authority, kid: bytes, now: int, *, urgent: bool = False) -> int:
    """Sign passes with another published key, and return when that was published.

    Raises:
        AuthorityError: it is not held, not published, withdrawn, or published too recently for all devices to know it.
    """
    with authority.changing() as authority:  # noqa: PLR1704 - the same, read again
        held = authority.held_keys.get(kid)
        if held is None or held.published is None:
            raise AuthorityError(f"the key {kid.hex()} is not published; first: movepass keys propose keys --add")
        keys = authority.keys()
        withdrawn, key = keys.withdrawn(kid), keys.keys.get(kid)
        if withdrawn:
            raise AuthorityError(f"the key {kid.hex()} has been withdrawn ({withdrawn.reason})")
        if key is None or not key.not_before <= now < key.not_after:
            span = f"valid from {local(key.not_before)} to {local(key.not_after)}" if key else "published no longer"
            raise AuthorityError(f"the key {kid.hex()} is {span}; use another (movepass keys list)")
        known = held.published + KNOWN_AFTER_SECONDS
        if now < known and not urgent:
            raise AuthorityError(
                f"the key {kid.hex()} was published {ago(now - held.published)} ago; devices that synced before do not "
                f"know it. Wait until {local(known)}, or take --urgent: they will say unknown-key until they sync"
            )
        replace(authority, pass_key=kid, usable_from=0 if urgent else known).save()
        return held.published


@dataclass(frozen=True, slots=True)
class Denial:
    """The result of a denial.

    Attributes:
        listed: whether this region has published it; otherwise the publishing region does so next.
        missed: by name, the repositories of other regions that could not be told, and why.
    """

    listed: bool
    missed: Mapping[str, str]


def deny(authority: Authority, kid: bytes, reason: str, now: int) -> Denial:
    """Void all passes of a key from the next sync on, with the online key alone, and publish.

    Every other region that can be reached is told, so whichever publishes next lists the key as denied.

    Raises:
        AuthorityError: no such key.
    """
    with authority.changing() as authority:  # noqa: PLR1704 - the same, read again
        keys = authority.keys()
        if kid not in keys.keys:
            raise AuthorityError(f"there is no published key {kid.hex()}")
        denied = roles.json_bytes(replace(keys, denied={kid: Withdrawal(now, reason)}).denied_to_json())
        tell_denials(authority.repository, [denied])
        missed = {}
        for repository in authority.other_repositories():
            try:
                tell_denials(repository, [denied])
            except IssuerError as e:
                missed[repository.name] = str(e)
        if not authority.peers:
            with authority.publisher() as publisher:
                publisher.publish(now)
            return Denial(listed=True, missed=missed)
        with authority.turns() as turns:
            return Denial(listed=isinstance(turns.publish(now), Publication), missed=missed)


def _prune_denied(authority: Authority) -> None:
    """Remove denied keys that the custodians have revoked since, or no longer list."""
    put_denials(authority.repository, keys=authority.keys())


def recover(authority: Authority, now: int, *, skip: int) -> None:
    """Continue after a restore from a backup: give no index twice, and publish with versions that devices accept.

    Args:
        authority: whose.
        now: seconds since 1970 UTC.
        skip: how many indexes to leave out of each day for which passes may have been issued since the backup: more
            than were issued in that time.

    Raises:
        LedgerError: a day has fewer indexes left.
    """
    ledger = authority.ledger()
    try:
        ledger.skip(range(day_of(now) - 1, day_of(now) + PASS_DAYS_AHEAD_MAX + 1), skip)
    finally:
        ledger.close()
    with authority.publisher() as publisher:
        publisher.publish(now, unseen=True, clock_checked=True)


def _with_online_key(authority: Authority, root: Metadata[Any] | None, targets: Metadata[Any] | None) -> Authority:
    """Find the online key to publish with among a root's, and check that the lists are delegated to the same.

    Keys of other regions are only noted, so a ceremony needs one region.

    Raises:
        AuthorityError: no key is this authority's, or the lists are delegated to other keys.
    """
    if root is None:
        raise AuthorityError("there is no root yet; first: movepass keys propose root")
    wanted = {key.keyid for key in online_keys(root.signed)}
    uris = (authority.online_signer, *authority.online_next)
    uri = next((u for u in uris if roles.role_key(signer_from_uri(u, authority.folder)).keyid in wanted), None)
    if uri is None:
        raise AuthorityError(
            "the root names an online key that this authority was not told of by propose root --online"
        )
    if targets is not None:
        together = "propose the pass keys as well, keys propose keys --with ROOT-PROPOSAL, and publish both together"
        if {key.keyid for key in delegated_by(targets.signed)} != wanted:
            raise AuthorityError(f"the lists are delegated to another online key than this root names; {together}")
        try:
            root.signed.verify_delegate(TARGETS, targets.signed_bytes, targets.signatures)
        except tuf_errors.RepositoryError as e:
            raise AuthorityError(f"the pass keys lack signatures of this root's custodians ({e}); {together}") from e
    proposed = authority.online_next if uri in authority.online_next else (uri, *authority.online_peers)
    peers = tuple(other for other in proposed if other != uri)
    return replace(authority, online_signer=uri, online_peers=peers, online_next=())


def _with_published(authority: Authority, keys: KeySet, now: int) -> Authority:
    """Note which keys have been published now. The very first key is used at once."""
    held = {
        kid: replace(key, published=now) if key.published is None and kid in keys.keys else key
        for kid, key in authority.held_keys.items()
    }
    in_use = authority.pass_key or next((kid for kid, key in held.items() if key.published is not None), None)
    return replace(authority, held_keys=held, pass_key=in_use)


def _check_built_on(proposal: Proposal, current: Metadata[Any] | None, root: Metadata[Any] | None) -> bool:
    """Refuse a proposal that was built on another version than it would replace.

    Returns:
        Whether it must still be written; a publication that was cut short may have written it already.
    """
    if current and current.signed_bytes == proposal.metadata.signed_bytes:
        return False
    before = current.to_dict() if current else None
    built_on = proposal.current.to_dict() if proposal.current else None
    if built_on != before:
        version = current.signed.version if current else "no"
        raise AuthorityError(
            f"this proposal for {proposal.role} was built on another version than is in force ({version} version); "
            "somebody else published meanwhile: propose it again, and collect the signatures again"
        )
    if proposal.role == TARGETS and proposal.root and root and proposal.root.signed_bytes != root.signed_bytes:
        raise AuthorityError("this proposal for the pass keys was signed under another root; propose it again")
    return True


def hold_ceremony(authority: Authority, now: int, days_ahead: int) -> None:
    """Make three custodians in the authority's own folder, and have two of them sign everything."""
    folders = [authority.folder / "custodians" / str(number) for number in range(1, CUSTODIANS + 1)]
    cards = [custodian.create_custodian(folder, folder.name, None) for folder in folders]

    def signed(proposal: Proposal) -> Proposal:
        for folder in folders[:THRESHOLD]:
            signature = sign_proposal(proposal, custodian.signer(folder, proposal.role))
            proposal, _ = add_signature(proposal, signature)
        return proposal

    root = signed(propose_root(authority, cards, now=now))
    first = tuple(first_pass_key(pass_public_key(authority, kid), now) for kid in authority.held_keys)
    keys = signed(propose_keys(authority, KeyChange(add=first), now=now, root=root))
    publish_proposals(authority, [root, keys], now, days_ahead=days_ahead)


def first_pass_key(public_key: PublicKey, now: int) -> PassKey:
    """Return a new pass key with its dates. It is valid from yesterday, so a pass that has begun can be issued at once.

    It can't have signed anything before it was made, so the earlier date is harmless.
    """
    yesterday = (day_of(now) - 1) * DAY_SECONDS
    return PassKey(public_key, yesterday, yesterday + PASS_KEY_DAYS * DAY_SECONDS)
