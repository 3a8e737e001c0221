"""Read the leaves and the records side by side, once: hash them, compare them, and put them into the tables."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from movepass_verifier.auditing import leaves
from movepass_verifier.auditing.findings import Findings
from movepass_verifier.auditing.heads import TIME_SLACK_SECONDS, NamedHead
from movepass_verifier.auditing.leaves import Act, Issuance, KeptRecord, Recorded
from movepass_verifier.auditing.tables import CHANGED, KEPT, MISSING, TableWriter, pass_key
from movepass_wire.merkle import Tree, leaf_hash
from movepass_wire.times import DAY_SECONDS, local

LEAST_KEPT_SECONDS = DAY_SECONDS
"""Every record is kept at least as long: what is forgotten first is a withdrawn application, after a day."""


@dataclass(slots=True)
class Scanned:
    """The content of a log, as scanned.

    Attributes:
        leaves: how many leaves.
        decisions, issuances, administrations: how many of each kind.
        records: how many records are kept.
        forgotten: how many acts of administration have no record any more.
        newest: the newest time in a leaf, seconds since 1970 UTC.
        roots: the root of as many leaves as each head covers; None where there are fewer.
        newest_at_heads: the newest time in as many leaves, of each head that has a root.
    """

    leaves: int = 0
    decisions: int = 0
    issuances: int = 0
    administrations: int = 0
    records: int = 0
    forgotten: int = 0
    newest: int = 0
    roots: list[bytes | None] = field(default_factory=list)
    newest_at_heads: list[int] = field(default_factory=list)


class LogScan:
    """One reading of a log.

    Args:
        db: empty tables.
        heads: in the order of order_heads.
        taken: when the copies were taken, seconds since 1970 UTC.
        findings: gets leaves that can't be read, times that run backwards, and records that are not their leaf's.
    """

    def __init__(self, db: sqlite3.Connection, heads: Sequence[NamedHead], taken: int, findings: Findings) -> None:
        self._decisions = TableWriter(db, "decisions", 9)
        self._issuances = TableWriter(db, "issuances", 6)
        self._sizes = [head.checkpoint.size for head in heads]
        self._taken = taken
        self._findings = findings
        self._tree = Tree()
        self.scanned = Scanned()

    def read(self, lines: Iterable[bytes], records: Iterable[KeptRecord]) -> Scanned:
        """Read a log.

        Args:
            lines: its leaves.
            records: those that are kept, in the order of their leaves.
        """
        kept = iter(records)
        record = next(kept, None)
        self._note_roots()
        for position, line in enumerate(lines):
            self._tree.append(leaf_hash(line))
            leaf = leaves.read_leaf(line)
            while record and record.position < position:
                record = self._skip(record, kept)
            own = record if record and record.position == position else None
            if isinstance(leaf, Recorded):
                self._take_recorded(position, leaf, own)
                record = next(kept, None) if own else record
            elif leaf:
                self._take_issuance(position, leaf)
            else:
                self._findings.add("leaf-unreadable", f"leaf {position:,} has no known form", position)
            self._note_roots()
        while record:
            record = self._skip(record, kept)
        return self._finish()

    def _finish(self) -> Scanned:
        self._decisions.flush()
        self._issuances.flush()
        self.scanned.leaves = self._tree.size
        self.scanned.roots += [None] * (len(self._sizes) - len(self.scanned.roots))
        return self.scanned

    def _note_roots(self) -> None:
        roots, sizes = self.scanned.roots, self._sizes
        while len(roots) < len(sizes) and sizes[len(roots)] == self._tree.size:
            roots.append(self._tree.root())
            self.scanned.newest_at_heads.append(self.scanned.newest)

    def _skip(self, record: KeptRecord, kept: Iterator[KeptRecord]) -> KeptRecord | None:
        self._findings.add(
            "record-without-leaf", f"a record names leaf {record.position:,}, which is no decision", record.position
        )
        return next(kept, None)

    def _take_recorded(self, position: int, leaf: Recorded, record: KeptRecord | None) -> None:
        self._check_time(position, leaf.at)
        scanned, state, act = self.scanned, MISSING, None
        if record:
            scanned.records += 1
            state, act = self._compare(position, leaf, record)
        if not leaf.is_decision:
            scanned.administrations += 1
            if not record:
                self._miss_administration(position, leaf)
            return
        scanned.decisions += 1
        if act:
            _, action, actor, reference, *more = act
            self._decisions.add(position, leaf.at, state, action, actor, reference or None, *more)
        else:
            self._decisions.add(position, leaf.at, state, *(None,) * 6)

    def _compare(self, position: int, leaf: Recorded, record: KeptRecord) -> tuple[int, Act | None]:
        """Compare a record with its leaf, and read it if it is the leaf's."""
        if leaves.digest_of(record) != leaf.digest:
            words = f"the record of leaf {position:,} is not the one that was logged: it was changed"
            self._findings.add("record-changed", words, position)
            return CHANGED, None
        act = leaves.read_act(record.text)
        if act is None:
            words = f"the record of leaf {position:,} is the one that was logged, and no record of a known form"
            self._findings.add("record-unreadable", words, position)
        elif act.at != leaf.at:
            words = f"leaf {position:,} says {local(leaf.at)}, its record {local(act.at)}"
            self._findings.add("record-time", words, position)
        return KEPT, act

    def _miss_administration(self, position: int, leaf: Recorded) -> None:
        if leaf.at + LEAST_KEPT_SECONDS > self._taken:
            words = f"the record of leaf {position:,}, an act of administration of {local(leaf.at)}, is missing"
            self._findings.add("record-removed", words, position)
        else:
            self.scanned.forgotten += 1

    def _take_issuance(self, position: int, leaf: Issuance) -> None:
        self._check_time(position, leaf.at)
        self.scanned.issuances += 1
        replaces = pass_key(*leaf.replaces) if leaf.replaces else None
        self._issuances.add(position, pass_key(leaf.day, leaf.index), leaf.at, leaf.decision, leaf.payload, replaces)

    def _check_time(self, position: int, at: int) -> None:
        newest = self.scanned.newest
        if at < newest - TIME_SLACK_SECONDS:
            words = f"leaf {position:,} says {local(at)}, and one before it {local(newest)}: the clock was set back"
            self._findings.add("time-backwards", words, position)
            self.scanned.newest = at
        elif at > newest:
            self.scanned.newest = at
