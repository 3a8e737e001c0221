"""The ceremony: how custodians on different machines agree on a root, or on the pass keys, one stick at a time.

A proposal is a file. It holds what is proposed, what it is built on, and the signatures it has so far, so it can be
carried about, shown, signed in any order, and gone on with after any interruption. Nobody signs what this software
can't describe: a proposal that holds anything beyond what is described is refused.
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
"""Field of a custodian's key in the root: whose it is."""
LAST_PASS_SECONDS = ISSUE_AHEAD_MAX_SECONDS + PASS_MAX_SECONDS
"""From the moment a key stops signing until its last pass has ended."""
CLOCK_SLACK_SECONDS = 3600
"""How far two machines' clocks may differ in a ceremony: expiry dates are made from them."""


@dataclass(frozen=True, slots=True)
class Card:
    """The public half of a custodian: a name, a key for the root and one for the pass keys."""

    name: str
    root: SSlibKey
    targets: SSlibKey

    @classmethod
    def of(cls, name: str, root: Signer, targets: Signer) -> "Card":
        """Make a custodian's card."""
        return cls(name, _named(roles.role_key(root), name), _named(roles.role_key(targets), name))

    def to_json(self) -> dict[str, Any]:
        """Write the card as a file that may be seen by anybody."""
        return {"movepass_custodian": self.name, **{role: _key_to_json(getattr(self, role)) for role in _ROLES}}

    @classmethod
    def from_json(cls, data: bytes) -> "Card":
        """Read a card.

        Raises:
            CeremonyFileError: not one.
        """
        document = _document(data, "a custodian's card")
        try:
            name = document["movepass_custodian"]
            root, targets = (_named(_key_from_json(document[role]), name) for role in _ROLES)
        except (KeyError, TypeError, ValueError) as e:
            raise CeremonyFileError(f"this is not a custodian's card: {e!r}") from None
        if not isinstance(name, str) or not name.isprintable() or not name:
            raise CeremonyFileError("a custodian's card has a name that can be printed")
        return cls(name, root, targets)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed, on what it is built, and who has signed.

    Attributes:
        role: ROOT or TARGETS.
        proposed_at: by the proposer's clock, seconds since 1970 UTC.
        metadata: the document that becomes valid once enough have signed it.
        root: the root whose custodians must sign: the one in force, or one proposed together with this; None before
            the first.
        current: the document that it replaces, None for a first one.
        keys: the pass keys' document that a TARGETS proposal names, and the one in force.
        chain: every root there has been, from the first to the one in force, so that a custodian who was at none of
            the ceremonies since can follow them; empty before the first.
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
        """The root in force, by which `current` is believed."""
        return self.chain[-1] if self.chain else None

    @property
    def digest(self) -> str:
        """SHA-256 of what is signed: two proposals are the same if this is."""
        return hashlib.sha256(self.metadata.signed_bytes).hexdigest()

    @property
    def file_name(self) -> str:
        """The repository's name for it."""
        return layout.document_name(self.role, self.metadata.signed.version)

    def to_bytes(self) -> bytes:
        """Write the proposal's file."""
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
        """Read a proposal's file, and check that it is all that it describes.

        Raises:
            CeremonyFileError: not a proposal, or cut short.
            CeremonyError: it holds something that can't be described.
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
        except Exception as e:  # noqa: BLE001 - tuf raises many kinds for one cause
            raise CeremonyFileError(f"the proposal can't be read: {e!r}") from None
        kinds = [(metadata, kind), *((r, Root) for r in (root, *chain) if r), *((c, kind) for c in [current] if c)]
        if not all(part and isinstance(part.signed, of) for part, of in kinds) or not isinstance(proposed_at, int):
            raise CeremonyFileError(f"the proposal is not one for {document['role']}")
        assert metadata  # noqa: S101 - the first of those above
        proposal = cls(document["role"], proposed_at, metadata, root, current, (new_keys, old_keys), chain)
        proposal.check_describable()
        return proposal

    def check_describable(self) -> None:
        """Refuse what `describe_proposal` would not show: build it again from what is shown, and compare.

        What it is built on must be what was signed and published, or a change could be shown as no change. That rests
        on `base`: whether it is the right one, a custodian's folder knows (movepass_keys.ceremony.anchor), or a person
        who compares its fingerprint.

        Raises:
            CeremonyError: it holds more, or what it says it is built on was never signed.
        """
        unknown = "the proposal holds something that this software can't describe: nobody should sign it"
        try:
            same = self._rebuilt().signed.to_dict() == self.metadata.signed.to_dict()
            if self.role == TARGETS:
                same &= roles.json_bytes(KeySet.from_jwks(self.keys[0] or b"").to_jwks()) == self.keys[0]
        except (KeyError, ValueError, KeyDocumentError):
            raise CeremonyError(unknown) from None
        if not same:
            raise CeremonyError(unknown)
        try:
            self._check_base()
        except (KeyError, RepositoryError, LengthOrHashMismatchError) as e:
            raise CeremonyError(f"the proposal is not built on what was signed before ({e}): do not sign it") from None

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
            raise RepositoryError("it names pass keys in force, and nothing that signs for them")

    def _rebuilt(self) -> Any:
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
            raise CeremonyError("a proposal for the pass keys carries them")
        online = delegated_by(signed)
        return roles.make_targets(self.keys[0], online, version=signed.version, expires=signed.expires)


@dataclass(frozen=True, slots=True)
class Tally:
    """Who has signed for one role's threshold, and who could still."""

    of: str
    signed: tuple[str, ...]
    missing: tuple[str, ...]
    threshold: int

    @property
    def enough(self) -> bool:
        """Whether the threshold is met."""
        return len(self.signed) >= self.threshold


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What a proposal does to the pass keys.

    Attributes:
        add: new keys.
        retire: kid -> first second at which no pass of it may still be in force.
        revoke: kid -> reason.
    """

    add: tuple[PassKey, ...] = ()
    retire: Mapping[bytes, int] = field(default_factory=dict)
    revoke: Mapping[bytes, str] = field(default_factory=dict)


def build_root_proposal(
    cards: Iterable[Card], online: Sequence[SSlibKey], *,
    threshold: int, now: int, chain: Sequence[Metadata[Root]] = (),
) -> Proposal:  # fmt: skip
    """Propose a root: the custodians named by the cards, and the online keys.

    Args:
        cards: everyone who shall be a custodian from then on.
        online: the keys that publish: one a region.
        threshold: how many of them must sign.
        now: seconds since 1970 UTC.
        chain: every root so far, the one in force last.

    Raises:
        CeremonyError: two cards of one name or key, or a threshold that can't be met.
    """
    cards = list(cards)
    names = [card.name for card in cards]
    keyids = [key.keyid for card in cards for key in (card.root, card.targets)]
    publishing = [key.keyid for key in online]
    if len(set(names)) != len(names) or len({*keyids, *publishing}) != len(keyids) + len(publishing):
        raise CeremonyError("every custodian has a name and two keys of their own, and none is an online key")
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
    """Propose new pass keys, or what becomes of the old ones.

    Args:
        change: what to do.
        root: the root whose custodians shall sign: the one in force, or one proposed together with this.
        now: seconds since 1970 UTC.
        current: the targets in force, None for the first.
        keys: the pass keys in force, as published; for the first time an empty KeySet that names the authority.
        chain: every root so far, the one in force last.

    Raises:
        CeremonyError: a kid that is not there.
        KeyDocumentError: a new key has another's kid.
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
    """Apply a change; keys whose last pass has ended are left out."""
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
    """Refuse a proposal from the future: one of the two clocks is wrong, and expiry dates with it.

    Raises:
        CeremonyError: it is.
    """
    if proposal.proposed_at > now + CLOCK_SLACK_SECONDS:
        raise CeremonyError(
            f"proposed at {local(proposal.proposed_at)}, and this machine's clock says {local(now)}: "
            "one of the two clocks is wrong; set it, and propose anew if it was the proposer's"
        )


def sign_proposal(proposal: Proposal, signer: Signer) -> bytes:
    """Sign a proposal; returns a signature file, to be carried back.

    Raises:
        CeremonyError: the key has no say in this proposal.
    """
    key = roles.role_key(signer)
    names = {k.keyid: name_of(k) for tally_root in _roots(proposal) for k in holders_of(tally_root, proposal.role)}
    if key.keyid not in names:
        raise CeremonyError(
            f"the key {key_fingerprint(key)} has no say in this proposal; is it the other one of the two?"
        )
    signature = roles.signature(proposal.metadata, signer).to_dict()
    document = {"movepass_signature": proposal.digest, "custodian": names[key.keyid], **signature}
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def add_signature(proposal: Proposal, data: bytes) -> tuple[Proposal, str]:
    """Add a signature file to a proposal.

    Returns:
        The proposal with it, and whose it was.

    Raises:
        CeremonyFileError: not a signature file, or cut short.
        CeremonyError: for another proposal, by nobody with a say in it, or not a signature of it.
    """
    document = _document(data, "a signature file")
    digest, keyid, value = (document.get(name) for name in ("movepass_signature", "keyid", "sig"))
    if digest != proposal.digest:
        if not isinstance(digest, str):
            raise CeremonyFileError("this is not a signature file")
        raise CeremonyError(
            "this signature is for another proposal; only one can be collected at a time, and each needs its own"
        )
    for root in _roots(proposal):
        for key in holders_of(root, proposal.role):
            if key.keyid == keyid and isinstance(value, str):
                signed = roles.with_signature(proposal.metadata, key, value)
                if signed is None:
                    raise CeremonyError(f"the signature of {name_of(key)} does not hold; have it made again")
                return replace(proposal, metadata=signed), name_of(key)
    raise CeremonyError("this signature is by nobody who has a say in this proposal")


def tallies(proposal: Proposal) -> list[Tally]:
    """Say who has signed and who is missing: a new root needs the old root's custodians and its own."""
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
    """Give the document to publish.

    Raises:
        NotEnoughSignaturesError: a threshold is not met; says who is missing.
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
            raise NotEnoughSignaturesError(f"the signatures do not hold: {e}") from None
    return roles.document_bytes(proposal.metadata)


def key_fingerprint(key: SSlibKey) -> str:
    """Give a key's fingerprint in eight groups of five digits, for two people to read to each other (132 bits)."""
    return digits_of(key.keyid.encode())


def digits_of(data: bytes) -> str:
    """Give SHA-256 of some bytes in eight groups of five digits; a root's is what devices are enrolled by."""
    digits = f"{int.from_bytes(hashlib.sha256(data).digest(), 'big') % 10**40:040d}"
    return " ".join(digits[at : at + 5] for at in range(0, 40, 5))


def cards_of(root: Metadata[Root]) -> list[Card]:
    """Give the custodians' cards that a root holds."""
    targets = {name_of(key): key for key in holders_of(root.signed, TARGETS)}
    return [Card(name_of(key), key, targets[name_of(key)]) for key in holders_of(root.signed, ROOT)]


def _roots(proposal: Proposal) -> list[Root]:
    """Give the roots whose custodians must sign."""
    roots = [proposal.root.signed] if proposal.root else []
    return [*roots, proposal.metadata.signed] if proposal.role == ROOT else roots


def holders_of(root: Root, role: str) -> list[Any]:
    """Give the keys of a role, with their custodians' names in them."""
    return [root.keys[keyid] for keyid in root.roles[role].keyids]


def online_keys(root: Root) -> list[Any]:
    """Give the online keys that a root names."""
    return holders_of(root, "timestamp")


def delegated_by(targets: Targets) -> list[Any]:
    """Give the online keys that targets delegates the lists to."""
    delegations = targets.delegations
    role = (delegations.roles or {}).get(roles.STATUS) if delegations else None
    if delegations is None or role is None:
        raise CeremonyError("the pass keys' document delegates the lists to no key; nobody should sign it")
    return [delegations.keys[keyid] for keyid in role.keyids]


def _named(key: SSlibKey, name: str) -> SSlibKey:
    key.unrecognized_fields[_NAME] = name
    return key


def name_of(key: Any) -> str:
    """Give the name of the custodian whose key this is."""
    return str(key.unrecognized_fields.get(_NAME, key.keyid[:8]))


def _key_to_json(key: SSlibKey) -> dict[str, Any]:
    return {"keyid": key.keyid, **key.to_dict()}


def _key_from_json(document: dict[str, Any]) -> SSlibKey:
    fields = dict(document)
    keyid = fields.pop("keyid")
    key: SSlibKey = SSlibKey.from_dict(keyid, fields)
    if roles.keyid_of(key) != keyid:
        raise ValueError("a key is not the one that its id says")
    return key


def _document(data: bytes, what: str) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise CeremonyFileError(f"this is not {what}, or it was cut short; copy it again") from None
    if not isinstance(document, dict):
        raise CeremonyFileError(f"this is not {what}")
    return document
