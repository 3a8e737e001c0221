"""Carry out an audit: read the copies once, make every check, and report."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from movepass_keys.records.checkpoint import region_of
from movepass_keys.records.layout import head_target, target_name
from movepass_verifier.auditing import checks, copies, heads, officers, roadside
from movepass_verifier.auditing.checks import Context
from movepass_verifier.auditing.copies import Copies
from movepass_verifier.auditing.findings import Findings
from movepass_verifier.auditing.heads import NamedHead
from movepass_verifier.auditing.leaves import LEAF_MAX_BYTES
from movepass_verifier.auditing.officers import Share
from movepass_verifier.auditing.scan import LogScan, Scanned
from movepass_verifier.auditing.tables import TableWriter, add_indexes, open_tables, pass_key
from movepass_verifier.auditing.trust import Trust
from movepass_verifier.errors import CopiesError
from movepass_wire.errors import TreeError
from movepass_wire.merkle import consistency_proof, leaf_hash
from movepass_wire.times import iso


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The report of an audit.

    Attributes:
        findings: what is wrong, and what is to be looked at.
        heads: those that were compared, smallest first.
        trust: the authority, if a store was given.
        scanned: what the log holds.
        issued: how many passes the ledger's copy has.
        forgotten: how many records are missing as retention explains.
        found: an object for each pass found at the roadside.
        shares: the officers' shares of approvals.
    """

    findings: Findings
    heads: Sequence[NamedHead]
    trust: Trust | None
    scanned: Scanned
    issued: int
    forgotten: int
    found: Sequence[dict[str, Any]]
    shares: Sequence[Share]

    @property
    def is_whole(self) -> bool:
        """Return whether nothing is wrong."""
        return not self.findings.failures

    def to_json(self) -> dict[str, Any]:
        """Return the object that `audit --json` shows."""
        scanned = self.scanned
        return {
            "whole": self.is_whole,
            "heads": [describe_head(head, self.trust) for head in self.heads],
            "leaves": scanned.leaves,
            "decisions": scanned.decisions,
            "issuances": scanned.issuances,
            "administrations": scanned.administrations,
            "records": scanned.records,
            "forgotten": self.forgotten,
            "issued": self.issued,
            "passes": list(self.found),
            "counts": dict(self.findings.counts),
            "findings": [finding.to_json() for finding in self.findings],
            "officers": [share.to_json() for share in self.shares],
        }


def audit_copies(
    files: Copies, given: Sequence[NamedHead], *, taken: int, trust: Trust | None = None, passes: Iterable[str] = ()
) -> AuditReport:
    """Audit copies of a log and a ledger.

    Args:
        files: the copies.
        given: at least one head.
        taken: when the copies were taken, seconds since 1970 UTC; not before the newest head.
        trust: whose signatures count; without it no signature is checked.
        passes: payloads and pass numbers found at the roadside.

    Raises:
        CopiesError: a copy, a head or a pass can't be read.
        AuditError: there is no room for the temporary database.
    """
    findings = Findings()
    ordered = check_heads(given, trust, findings)
    covered_until = max(head.checkpoint.at for head in ordered)
    taken = max(taken, covered_until)
    found = [roadside.read_found(text, trust.keys if trust else None, taken) for text in passes]
    with open_tables() as db:
        scan = LogScan(db, ordered, taken, findings)
        records = copies.read_records(files.records)
        scanned = scan.read(copies.read_lines(files.leaves, LEAF_MAX_BYTES), records)
        heads.compare_with_log(ordered, scanned.roots, scanned.leaves, findings)
        heads.check_times(ordered, scanned.newest_at_heads, findings)
        _check_coverage(ordered[-1], scanned.leaves, findings)
        issued = _load_issued(TableWriter(db, "issued", 3), files)
        add_indexes(db)
        context = Context(db, scanned.leaves, ordered, taken, findings)
        forgotten = checks.check_all(context) + scanned.forgotten
        shares = officers.check_officers(context)
        shown = [roadside.look_up(context, one, covered_until) for one in found]
    return AuditReport(findings, ordered, trust, scanned, issued, forgotten, shown, shares)


def check_heads(given: Sequence[NamedHead], trust: Trust | None, findings: Findings) -> list[NamedHead]:
    """Compare heads with each other and with what a store knows; returns them in order."""
    ordered = heads.order_heads(given)
    heads.compare_heads(ordered, findings)
    if trust is None:
        words = "the heads' signatures were not checked: give an enrolled and synced device's store (--store)"
        findings.add("signatures-not-checked", words)
        return ordered
    heads.check_signatures(ordered, trust.online, findings)
    target = head_target(region_of(ordered[-1].checkpoint.origin))
    published = trust.published_heads.get(target)
    if published is None:
        words = f"the repository that the store synced publishes no head ({target})"
        findings.add("published-head-missing", words)
    elif published not in {sha256(head.note).hexdigest() for head in ordered}:
        file = target_name(target, published)
        words = f"the published head was not given, so that it may be another: fetch {file}, and give it (--head)"
        findings.add("published-head-missing", words, file=file)
    for other, digest in sorted(trust.published_heads.items()):
        if other != target:
            file = target_name(other, digest)
            words = f"another region's log is published as well ({file}): audit it by itself, from its own copies"
            findings.add("other-region", words, file=file)
    return ordered


def prove(leaves: Path, old: NamedHead, new: NamedHead) -> bytes:
    """Write the proof that the log of one head continues that of another (see heads.write_proof).

    Raises:
        CopiesError: there are fewer leaves than the new head covers.
    """
    try:
        lines = map(leaf_hash, copies.read_lines(leaves, LEAF_MAX_BYTES))
        hashes = consistency_proof(lines, old.checkpoint.size, new.checkpoint.size)
    except TreeError as e:
        raise CopiesError(f"can't prove anything between {old} and {new}: {e}") from e
    return heads.write_proof(old.checkpoint.size, hashes, new)


def describe_head(head: NamedHead, trust: Trust | None) -> dict[str, Any]:
    """Return the object for a head that `audit --json` shows."""
    checkpoint = head.checkpoint
    signed = head.signed.verified_by(trust.online) is not None if trust else None
    return {
        "file": head.name, "origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex(),
        "at": iso(checkpoint.at), "signed": signed,
        "published": sha256(head.note).hexdigest() in trust.published_heads.values() if trust else None,
    }  # fmt: skip


def _check_coverage(newest: NamedHead, leaves: int, findings: Findings) -> None:
    beyond = leaves - newest.checkpoint.size
    if beyond > 0:
        words = f"{beyond:,} leaves are newer than {newest}: nothing binds them yet"
        findings.add("not-covered", words, position=newest.checkpoint.size, leaves=beyond)


def _load_issued(rows: TableWriter, files: Copies) -> int:
    count = 0
    for count, one in enumerate(copies.read_issued(files.issued), 1):  # noqa: B007 - it is returned
        rows.add(pass_key(one.day, one.index), one.payload, one.is_revoked)
    rows.flush()
    return count
