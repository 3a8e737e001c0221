"""Let custodians on different machines agree on a root or on the pass keys, carrying files on a stick.

A proposal is a file. It holds the proposed document, the documents that it is built on, and the signatures so far. It
can be carried, shown, signed in any order, and continued after any interruption. Nobody signs a document that this
software can't describe: a proposal with anything beyond its description is refused.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from securesystemslib.signer import SSlibKey
from tuf.api.exceptions import LengthOrHashMismatchError, RepositoryError
from tuf.api.metadata import Metadata, Root, Targets

from movepass_keys.errors import CeremonyError, CeremonyFileError, KeyDocumentError, NotEnoughSignaturesError
from movepass_keys.records import layout, roles
from movepass_keys.records.key_set import KeySet, PassKey
from movepass_keys.signers.signer import Signer
from movepass_wire.limits import ISSUE_AHEAD_MAX_SECONDS, PASS_MAX_SECONDS
from movepass_wire.times import local

ROOT, TARGETS = "root", "targets"
_ROLES = (ROOT, TARGETS)
_FORMAT = 1
_NAME = "x-movepass-custodian"
"""The field of a custodian's key in the root that holds the custodian's name."""
LAST_PASS_SECONDS = ISSUE_AHEAD_MAX_SECONDS + PASS_MAX_SECONDS
"""The time from a key's last signature until its last pass has ended."""
CLOCK_SLACK_SECONDS = 3600
"""How far the clocks of two machines may differ in a ceremony, because expiry dates come from them."""


@dataclass(frozen=True, slots=True)
class Card:
    """The public half of a custodian: a name, a key for the root and a key for the pass keys."""

    name: str
    root: SSlibKey
    targets: SSlibKey

    @classmethod
    def of(cls, name: str, root: Signer, targets: Signer) -> "Card":
        """Make a custodian's card."""
        return cls(name, _with_name(roles.role_key(root), name), _with_name(roles.role_key(targets), name))

    def to_json(self) -> dict[str, Any]:
        """Write the card as a file; it holds nothing secret."""
        return {"movepass_custodian": self.name, **{role: _key_to_json(getattr(self, role)) for role in _ROLES}}

    @classmethod
    def from_json(cls, data: bytes) -> "Card":
        """Read a card.

        Raises:
            CeremonyFileError: the data is not a card.
        """
        document = _document(data, "a custodian's card")
        try:
            name = document["movepass_custodian"]
            root, targets = (_with_name(_key_from_json(document[role]), name) for role in _ROLES)
        except (KeyError, TypeError, ValueError) as e:
            raise CeremonyFileError(f"this is not a custodian's card: {e!r}") from e
        if not isinstance(name, str) or not name.isprintable() or not name:
            raise CeremonyFileError("the name on a custodian's card must be printable")
        return cls(name, root, targets)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed document, the documents that it is built on, and its signatures so far.

    Attributes:
        role: ROOT or TARGETS.
        proposed_at: the time by the proposer's clock, seconds since 1970 UTC.
        metadata: the document, which becomes valid once enough custodians have signed it.
        root: the root whose custodians must sign: the root in force, or the root proposed together with this; None
            before the first root.
        current: the document that it replaces; None if it is the first.
        keys: the pass keys' document that a TARGETS proposal names, and the document in force.
        chain: every root from the first to the one in force, so that a custodian who missed ceremonies can follow them;
            empty before the first root.
    """

    role: str
    proposed_at: int
    metadata: Metadata[Any]
    root: Metadata[Root] | None = None
    current: Metadata[Any] | None = None
    keys: tuple[bytes | None, bytes | None] = (None, None)
    chain: tuple[Metadata[Root], ...] = ()

    @property
    def base(self) -> Metadata[Root] | None:
        """The root in force, by which `current` is trusted."""
        return self.chain[-1] if self.chain else None

    @property
    def digest(self) -> str:
        """The SHA-256 of the signed content; two proposals with the same digest are the same."""
        return hashlib.sha256(self.metadata.signed_bytes).hexdigest()

    @property
    def file_name(self) -> str:
        """The name of the document's file in the repository."""
        return layout.document_name(self.role, self.metadata.signed.version)

    def to_bytes(self) -> bytes:
        """Write the file of the proposal."""
        new_keys, old_keys = self.keys
        document = {
            "movepass_proposal": _FORMAT,
            "role": self.role,
            "proposed_at": self.proposed_at,
            "metadata": self.metadata.to_dict(),
            "root": self.root.to_dict() if self.root else None,
            "current": self.current.to_dict() if self.current else None,
            "roots": [root.to_dict() for root in self.chain],
            "keys": [text.decode() if text is not None else None for text in (new_keys, old_keys)],
        }
        return json.dumps(document, ensure_ascii=False, indent=1).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Proposal":
        """Read the file of a proposal, and check that it holds nothing beyond its description.

        Raises:
            CeremonyFileError: the data is not a proposal, or was cut short.
            CeremonyError: the proposal holds something that can't be described.
        """
        document = _document(data, "a proposal")
        if document.get("movepass_proposal") != _FORMAT or document.get("role") not in _ROLES:
            raise CeremonyFileError("this is not a proposal of this version")
        kind: Any = Root if document["role"] == ROOT else Targets
        try:
            parts = [document[name] for name in ("metadata", "root", "current")]
            metadata, root, current = (Metadata.from_dict(part) if part else None for part in parts)
            chain: tuple[Metadata[Any], ...] = tuple(Metadata.from_dict(part) for part in document["roots"])
            new_keys, old_keys = (text.encode() if text is not None else None for text in document["keys"])
            proposed_at = document["proposed_at"]
        except Exception as e:  # tuf raises many kinds for one cause
            raise CeremonyFileError(f"the proposal can't be read: {e!r}") from e
        kinds = [(metadata, kind), *((r, Root) for r in (root, *chain) if r), *((c, kind) for c in [current] if c)]
        if not all(part and isinstance(part.signed, of) for part, of in kinds) or not isinstance(proposed_at, int):
            raise CeremonyFileError(f"the proposal is not for {document['role']}")
        assert metadata  # noqa: S101 - the first of the documents above
        proposal = cls(document["role"], proposed_at, metadata, root, current, (new_keys, old_keys), chain)
        proposal.check_describable()
        return proposal

    def check_describable(self) -> None:
        """Refuse what `describe_proposal` would not show: rebuild the document from what it shows, and compare.

        The base documents must have been signed and published, or a change could look like no change. This check relies
        on `base`. A custodian's folder knows whether `base` is right (movepass_keys.ceremony.anchor), or a person
        compares its fingerprint.

        Raises:
            CeremonyError: the proposal holds more than is shown, or its base was never signed.
        """
        unknown = "the proposal holds something that this software can't describe: do not sign it"
        try:
            same = self._rebuild().signed.to_dict() == self.metadata.signed.to_dict()
            if self.role == TARGETS:
                same &= roles.json_bytes(KeySet.from_jwks(self.keys[0] or b"").to_jwks()) == self.keys[0]
        except (KeyError, ValueError, KeyDocumentError) as e:
            raise CeremonyError(unknown) from e
        if not same:
            raise CeremonyError(unknown)
        try:
            self._check_base()
        except (KeyError, RepositoryError, LengthOrHashMismatchError) as e:
            raise CeremonyError(f"the proposal is not built on what was signed before ({e}): do not sign it") from e

    def _check_base(self) -> None:
        if (self.base is None) != (self.current is None) and self.role == ROOT:
            raise RepositoryError("it names no root in force")
        if self.base:
            self.base.signed.verify_delegate(ROOT, self.base.signed_bytes, self.base.signatures)
        if self.role == ROOT:
            for other in (self.root, self.current):
                if (other.signed_bytes if other else None) != (self.base.signed_bytes if self.base else None):
                    raise RepositoryError("it names two roots in force")
        elif self.current:
            if self.base is None:
                raise RepositoryError("it names no root in force")
            self.base.signed.verify_delegate(TARGETS, self.current.signed_bytes, self.current.signatures)
            self.current.signed.targets[layout.KEYS_TARGET].verify_length_and_hashes(self.keys[1] or b"")
        elif self.keys[1] is not None:
            raise RepositoryError("it names pass keys in force, but no signed document for them")

    def _rebuild(self) -> Any:
        signed = self.metadata.signed
        if self.role == ROOT:
            return roles.make_root(
                {name: holders_of(signed, name) for name in _ROLES},
                online_keys(signed),
                thresholds={name: signed.roles[name].threshold for name in _ROLES},
                version=signed.version,
                expires=signed.expires,
            )
        if self.keys[0] is None:
            raise CeremonyError("a proposal for the pass keys must include them")
        online = delegated_by(signed)
        return roles.make_targets(self.keys[0], online, version=signed.version, expires=signed.expires)


@dataclass(frozen=True, slots=True)
class Tally:
    """The custodians who have signed for the threshold of a role, and those who have not yet."""

    of: str
    signed: tuple[str, ...]
    missing: tuple[str, ...]
    threshold: int

    @property
    def enough(self) -> bool:
        """Return whether the threshold is met."""
        return len(self.signed) >= self.threshold


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A change to the pass keys.

    Attributes:
        add: new keys.
        retire: kid -> the first second at which no pass of this key is in force any more.
        revoke: kid -> reason.
    """

    add: tuple[PassKey, ...] = ()
    retire: Mapping[bytes, int] = field(default_factory=dict)
    revoke: Mapping[bytes, str] = field(default_factory=dict)


def build_root_proposal(
    cards: Iterable[Card], online: Sequence[SSlibKey], *,
    threshold: int, now: int, chain: Sequence[Metadata[Root]] = (),
) -> Proposal:  # fmt: skip
    """Propose a root with the custodians of these cards and the online keys.

    Args:
        cards: the cards of all future custodians.
        online: the keys that publish: one per region.
        threshold: the number of custodians who must sign.
        now: seconds since 1970 UTC.
        chain: every root so far, ending with the root in force.

    Raises:
        CeremonyError: two cards share a name or a key, or the threshold can't be met.
    """
    cards = list(cards)
    names = [card.name for card in cards]
    keyids = [key.keyid for card in cards for key in (card.root, card.targets)]
    publishing = [key.keyid for key in online]
    if len(set(names)) != len(names) or len({*keyids, *publishing}) != len(keyids) + len(publishing):
        raise CeremonyError("every custodian needs a name and two keys of their own, none of them an online key")
    if not 0 < threshold <= len(cards):
        raise CeremonyError(f"a threshold of {threshold} can't be met by {len(cards)} custodians")
    holders = {ROOT: [card.root for card in cards], TARGETS: [card.targets for card in cards]}
    current = chain[-1] if chain else None
    metadata = roles.make_root(
        holders, online, thresholds=dict.fromkeys(_ROLES, threshold),
        version=current.signed.version + 1 if current else 1, expires=roles.expiry(now, roles.ROOT_DAYS),
    )  # fmt: skip
    return Proposal(ROOT, now, metadata, current, current, chain=tuple(chain))


def build_keys_proposal(
    change: KeyChange, *, root: Metadata[Root], now: int,
    current: Metadata[Targets] | None, keys: bytes | KeySet, chain: Sequence[Metadata[Root]] = (),
) -> Proposal:  # fmt: skip
    """Propose new pass keys, or a change to existing keys.

    Args:
        change: the change.
        root: the root whose custodians must sign: the root in force, or the root proposed together with this.
        now: seconds since 1970 UTC.
        current: the targets in force; None if there are none yet.
        keys: the published pass keys in force, or an empty KeySet that names the authority.
        chain: every root so far, ending with the root in force.

    Raises:
        CeremonyError: there is no key with such a kid.
        KeyDocumentError: a new key has the kid of another key.
    """
    old = keys if isinstance(keys, KeySet) else KeySet.from_jwks(keys)
    changed = apply_change(old, change, now)
    document = roles.json_bytes(changed.to_jwks())
    metadata = roles.make_targets(
        document, online_keys(root.signed),
        version=current.signed.version + 1 if current else 1, expires=roles.expiry(now, roles.TARGETS_DAYS),
    )  # fmt: skip
    both = (document, keys if isinstance(keys, bytes) else None)
    return Proposal(TARGETS, now, metadata, root, current, both, tuple(chain))


def apply_change(keys: KeySet, change: KeyChange, now: int) -> KeySet:
    """Apply a change, and drop keys whose last pass has ended."""
    for kid in (*change.retire, *change.revoke):
        if kid not in keys.keys:
            raise CeremonyError(f"there is no pass key {kid.hex()}")
    kept = []
    for kid, key in keys.keys.items():
        if kid in change.retire:
            key = key.ending(min(key.not_after, change.retire[kid]))  # noqa: PLW2901 - the same key
        if kid in change.revoke:
            key = key.withdrawn(now, change.revoke[kid])  # noqa: PLW2901
        if key.not_after > now:
            kept.append(key)
    return KeySet.of(keys.authority, [*kept, *change.add], test=keys.test)


def check_clock(proposal: Proposal, now: int) -> None:
    """Refuse a proposal from the future: one of the two clocks is wrong, and so would be the expiry dates.

    Raises:
        CeremonyError: the proposal is from the future.
    """
    if proposal.proposed_at > now + CLOCK_SLACK_SECONDS:
        raise CeremonyError(
            f"proposed at {local(proposal.proposed_at)}, and this machine's clock says {local(now)}: "
            "one of the two clocks is wrong; set it, and propose again if it was the proposer's"
        )


def sign_proposal(proposal: Proposal, signer: Signer) -> bytes:
    """Sign a proposal and return a signature file for the proposer.

    Raises:
        CeremonyError: the key is none of those that may sign this proposal.
    """
    key = roles.role_key(signer)
    names = {k.keyid: name_of(k) for tally_root in _roots(proposal) for k in holders_of(tally_root, proposal.role)}
    if key.keyid not in names:
        raise CeremonyError(f"the key {key_fingerprint(key)} has no say in this proposal; do you mean your other key?")
    signature = roles.signature(proposal.metadata, signer).to_dict()
    document = {"movepass_signature": proposal.digest, "custodian": names[key.keyid], **signature}
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def add_signature(proposal: Proposal, data: bytes) -> tuple[Proposal, str]:
    """Add a signature file to a proposal.

    Returns:
        The proposal with the signature, and the name of the custodian who signed.

    Raises:
        CeremonyFileError: the data is not a signature file, or was cut short.
        CeremonyError: the signature is for another proposal, by somebody who may not sign it, or invalid.
    """
    document = _document(data, "a signature file")
    digest, keyid, value = (document.get(name) for name in ("movepass_signature", "keyid", "sig"))
    if digest != proposal.digest:
        if not isinstance(digest, str):
            raise CeremonyFileError("this is not a signature file")
        raise CeremonyError(
            "this signature is for another proposal; each proposal is collected separately, with its own signatures"
        )
    for root in _roots(proposal):
        for key in holders_of(root, proposal.role):
            if key.keyid == keyid and isinstance(value, str):
                signed = roles.with_signature(proposal.metadata, key, value)
                if signed is None:
                    raise CeremonyError(f"the signature of {name_of(key)} is invalid; have it made again")
                return replace(proposal, metadata=signed), name_of(key)
    raise CeremonyError("this signature is by somebody who may not sign this proposal")


def tallies(proposal: Proposal) -> list[Tally]:
    """Count who has signed and who has not: a new root needs the custodians of the old root and its own."""
    result = []
    for root in _roots(proposal):
        keys = holders_of(root, proposal.role)
        valid = {key.keyid for key in keys if roles.has_signed(proposal.metadata, key)}
        result.append(
            Tally(
                of=f"root version {root.version}",
                signed=tuple(name_of(key) for key in keys if key.keyid in valid),
                missing=tuple(name_of(key) for key in keys if key.keyid not in valid),
                threshold=root.roles[proposal.role].threshold,
            )
        )
    return result


def finish_document(proposal: Proposal) -> bytes:
    """Return the document to publish.

    Raises:
        NotEnoughSignaturesError: a threshold is not met; the message says who has not signed.
    """
    for tally in tallies(proposal):
        if not tally.enough:
            raise NotEnoughSignaturesError(
                f"{len(tally.signed)} of {tally.threshold} signatures that {tally.of} asks for; "
                f"still missing, any of: {', '.join(tally.missing)}"
            )
    verifying = [proposal.metadata.signed] if proposal.role == ROOT else []
    for root in ([proposal.root.signed] if proposal.root else []) + verifying:
        try:
            root.verify_delegate(proposal.role, proposal.metadata.signed_bytes, proposal.metadata.signatures)
        except RepositoryError as e:
            raise NotEnoughSignaturesError(f"the signatures do not hold: {e}") from e
    return roles.document_bytes(proposal.metadata)


def key_fingerprint(key: SSlibKey) -> str:
    """Return the fingerprint of a key in eight groups of five digits, for two people to compare aloud (132 bits)."""
    return digits_of(key.keyid.encode())


def digits_of(data: bytes) -> str:
    """Return the SHA-256 of some bytes in eight groups of five digits, as devices compare the root at enrolment."""
    digits = f"{int.from_bytes(hashlib.sha256(data).digest(), 'big') % 10**40:040d}"
    return " ".join(digits[at : at + 5] for at in range(0, 40, 5))


def cards_of(root: Metadata[Root]) -> list[Card]:
    """Return the cards of the custodians in a root."""
    targets = {name_of(key): key for key in holders_of(root.signed, TARGETS)}
    return [Card(name_of(key), key, targets[name_of(key)]) for key in holders_of(root.signed, ROOT)]


def _roots(proposal: Proposal) -> list[Root]:
    """Return the roots whose custodians must sign."""
    roots = [proposal.root.signed] if proposal.root else []
    return [*roots, proposal.metadata.signed] if proposal.role == ROOT else roots


def holders_of(root: Root, role: str) -> list[Any]:
    """Return the keys of a role, with the names of their custodians."""
    return [root.keys[keyid] for keyid in root.roles[role].keyids]


def online_keys(root: Root) -> list[Any]:
    """Return the online keys in a root."""
    return holders_of(root, "timestamp")


def delegated_by(targets: Targets) -> list[Any]:
    """Return the online keys that the targets document delegates the lists to."""
    delegations = targets.delegations
    role = (delegations.roles or {}).get(roles.STATUS) if delegations else None
    if delegations is None or role is None:
        raise CeremonyError("the pass keys' document delegates the lists to no key; do not sign it")
    return [delegations.keys[keyid] for keyid in role.keyids]


def _with_name(key: SSlibKey, name: str) -> SSlibKey:
    key.unrecognized_fields[_NAME] = name
    return key


def name_of(key: Any) -> str:
    """Return the name of the custodian who holds a key."""
    return str(key.unrecognized_fields.get(_NAME, key.keyid[:8]))


def _key_to_json(key: SSlibKey) -> dict[str, Any]:
    return {"keyid": key.keyid, **key.to_dict()}


def _key_from_json(document: dict[str, Any]) -> SSlibKey:
    fields = dict(document)
    keyid = fields.pop("keyid")
    key: SSlibKey = SSlibKey.from_dict(keyid, fields)
    if roles.keyid_of(key) != keyid:
        raise ValueError("a key does not match its id")
    return key


def _document(data: bytes, what: str) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as e:
        raise CeremonyFileError(f"this is not {what}, or it was cut short; copy it again") from e
    if not isinstance(document, dict):
        raise CeremonyFileError(f"this is not {what}")
    return document
