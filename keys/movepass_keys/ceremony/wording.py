"""Describe a proposal in plain words for the people who sign it."""

from securesystemslib.signer import SSlibKey

from movepass_keys.ceremony.proposal import (
    ROOT,
    TARGETS,
    Proposal,
    delegated_by,
    digits_of,
    holders_of,
    key_fingerprint,
    name_of,
    online_keys,
)  # fmt: skip
from movepass_keys.errors import CeremonyError, KeyDocumentError
from movepass_keys.records.key_set import KeySet, PassKey
from movepass_keys.records.roles import document_bytes
from movepass_wire.times import ago, local


def describe_proposal(proposal: Proposal, now: int) -> list[str]:
    """Describe what a proposal changes, line by line."""
    signed = proposal.metadata.signed
    what, changes = ("A new root", _root_changes) if proposal.role == ROOT else ("The pass keys", _key_changes)
    when = f"proposed {ago(now - proposal.proposed_at)} ago, good until {signed.expires:%Y-%m-%d}"
    lines = [f"{what}, version {signed.version}, {when}."]
    if proposal.base:
        base = digits_of(document_bytes(proposal.base))
        lines.append(f"Built on root version {proposal.base.signed.version}, fingerprint {base}")
    return lines + changes(proposal)


def _root_changes(proposal: Proposal) -> list[str]:
    new, old = proposal.metadata.signed, proposal.root.signed if proposal.root else None
    lines = []
    for role, what in ((ROOT, "the root"), (TARGETS, "the pass keys")):
        before = {key.keyid: key for key in holders_of(old, role)} if old else {}
        after = {key.keyid: key for key in holders_of(new, role)}
        for change, some, others in (("JOINS", after, before), ("LEAVES", before, after)):
            moved = [key for keyid, key in some.items() if keyid not in others]
            lines += [f"{change} for {what}: {name_of(key)}, key {key_fingerprint(key)}" for key in moved]
        lines += [f"stays for {what}: {name_of(key)}" for keyid, key in after.items() if keyid in before]
        needed = f"{new.roles[role].threshold} of {len(after)}"
        needed_before = f"{old.roles[role].threshold} of {len(before)}" if old else needed
        changed = f", BEFORE {needed_before}" if needed != needed_before else ""
        lines.append(f"Signatures needed for {what}: {needed}{changed}")
    lines += _online_changes("publishes the lists", online_keys(new), online_keys(old) if old else [])
    if new.roles[ROOT].threshold == 1:
        lines.append("CAREFUL: one signature is enough; one stolen laptop ends the system")
    return lines


def _key_changes(proposal: Proposal) -> list[str]:
    new_document, old_document = proposal.keys
    try:
        new = KeySet.from_jwks(new_document or b"")
        old = KeySet.from_jwks(old_document) if old_document else KeySet(new.authority, new.test, {})
    except KeyDocumentError as e:
        raise CeremonyError(f"the keys proposed can't be read: {e}") from e
    lines = [f"Authority: {new.authority}{' (TEST)' if new.test else ''}"]
    if (new.authority, new.test) != (old.authority, old.test):
        lines.append(f"CHANGED from: {old.authority}{' (TEST)' if old.test else ''}")
    for kid in {**old.keys, **new.keys}:
        lines += _key_change(kid.hex(), old.keys.get(kid), new.keys.get(kid))
    before = delegated_by(proposal.current.signed) if proposal.current else []
    return lines + _online_changes("signs the lists", delegated_by(proposal.metadata.signed), before)


def _online_changes(does: str, new: list[SSlibKey], old: list[SSlibKey]) -> list[str]:
    before, after = ({key.keyid for key in keys} for keys in (old, new))
    lines = [f"NEW ONLINE KEY, which {does}: {key_fingerprint(key)}" for key in new if key.keyid not in before]
    if lines:
        lines += [f"stays an online key: {key_fingerprint(key)}" for key in new if key.keyid in before]
    return lines + [f"NO LONGER AN ONLINE KEY: {key_fingerprint(key)}" for key in old if key.keyid not in after]


def _key_change(kid: str, old: PassKey | None, new: PassKey | None) -> list[str]:
    if new is None:
        return [f"GONE: key {kid}; its last pass ended at {local(old.not_after)}" if old else ""]
    span = f"{local(new.not_before)} to {local(new.not_after)}"
    if old is None:
        return [f"NEW: key {kid}, for passes within {span}"]
    if new.revoked and not old.revoked:
        return [f"REVOKED: key {kid} ({new.revoked.reason}); every pass it signed is void"]
    if (new.not_before, new.not_after) != (old.not_before, old.not_after):
        return [f"CHANGED: key {kid}, for passes within {span}; before, until {local(old.not_after)}"]
    return [f"stays: key {kid}" + (" (revoked)" if new.revoked else "")]
