"""Name what is wrong between decisions, issued passes and the ledger, once the tables hold them."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from movepass_verifier.auditing.findings import Findings, name_pass
from movepass_verifier.auditing.heads import TIME_SLACK_SECONDS, NamedHead
from movepass_verifier.auditing.leaves import APPROVING, REVERSING
from movepass_verifier.auditing.scan import LEAST_KEPT_SECONDS
from movepass_verifier.auditing.tables import KEPT, MISSING, split_key
from movepass_wire.times import DAY_SECONDS, day_name, day_of, local

KEPT_DAYS = 7
"""Days after a pass's day for which its record and its payload are kept (the service's applications/states.py, the
issuer's PERSONAL_DAYS). After a withdrawal, and without a pass, a record may go after LEAST_KEPT_SECONDS."""
LEDGER_DAYS = 90
"""Days after a pass's day for which the ledger has the pass at all (the issuer's REQUEST_DAYS)."""
REVOKED_WITHIN_SECONDS = 900
"""Seconds after a reversal for which a pass may still be in force: the worker revokes in its next round."""


@dataclass(frozen=True, slots=True)
class Context:
    """The inputs of every check.

    Attributes:
        db: the tables, filled and indexed.
        leaves: how many leaves the log has.
        heads: in the order of order_heads.
        taken: when the copies were taken, seconds since 1970 UTC.
        findings: gets what is wrong.
    """

    db: sqlite3.Connection
    leaves: int
    heads: Sequence[NamedHead]
    taken: int
    findings: Findings

    def rows(self, query: str, *values: object) -> Iterator[Any]:
        """Run a query."""
        yield from self.db.execute(query, values)


def check_all(context: Context) -> int:
    """Make every check.

    Returns:
        How many records of decisions have been forgotten, as retention explains.
    """
    for check in _CHECKS:
        check(context)
    return _check_missing_records(context)


def _check_issued_are_logged(context: Context) -> None:
    query = "SELECT key FROM issued WHERE NOT EXISTS (SELECT 1 FROM issuances i WHERE i.key = issued.key) ORDER BY key"
    for (key,) in context.rows(query):
        context.findings.add(
            "pass-without-decision",
            f"{name_pass(*split_key(key))} is in the issuer's ledger, and no leaf names it: it was issued without a "
            "decision",
            pass_key=split_key(key),
        )


def _check_logged_are_issued(context: Context) -> None:
    query = (
        "SELECT position, key FROM issuances WHERE NOT EXISTS (SELECT 1 FROM issued WHERE issued.key = issuances.key) "
        "AND (key >> 30) >= ? ORDER BY position"
    )
    for position, key in context.rows(query, day_of(context.taken) - LEDGER_DAYS):
        words = f"{name_pass(*split_key(key))} of leaf {position:,} is not in the ledger's copy: it was left out"
        context.findings.add("not-in-ledger", words, position, split_key(key))


def _check_indexes(context: Context) -> None:
    """Look for indexes that nobody has: an issuer gives a day's indexes one after the other."""
    keys = context.rows("SELECT key FROM issued UNION SELECT key FROM issuances ORDER BY key")
    for day, group in groupby((split_key(key) for (key,) in keys), key=lambda place: place[0]):
        count, last, gap = 0, -1, None
        for _, index in group:
            if gap is None and index > last + 1:
                gap = last + 1
            count, last = count + 1, index
        if gap is not None:
            words = (
                f"{last + 1 - count:,} of the first {last + 1:,} indexes of {day_name(day)} are in no copy, the first "
                f"is {gap:,}: reserved and never signed, another region's, or left out"
            )
            context.findings.add("index-gap", words, pass_key=(day, gap), missing=last + 1 - count)


def _check_logged_once(context: Context) -> None:
    query = "SELECT key, count(*), min(position), max(position) FROM issuances GROUP BY key HAVING count(*) > 1"
    for key, count, first, last in context.rows(query):
        words = f"{name_pass(*split_key(key))} has {count} leaves, from {first:,} to {last:,}"
        context.findings.add("pass-logged-twice", words, last, split_key(key))


def _check_listed_once(context: Context) -> None:
    for key, count in context.rows("SELECT key, count(*) FROM issued GROUP BY key HAVING count(*) > 1"):
        words = f"{name_pass(*split_key(key))} is in the ledger's copy {count} times"
        context.findings.add("listed-twice", words, pass_key=split_key(key))


def _check_payloads(context: Context) -> None:
    query = (
        "SELECT issuances.position, issued.key, issued.payload FROM issued JOIN issuances USING (key) "
        "WHERE issued.payload <> issuances.payload OR issued.payload IS NULL AND ? < (key >> 30) * 86400 + ? "
        "ORDER BY issuances.position"
    )
    kept = (KEPT_DAYS + 1) * DAY_SECONDS
    for position, key, payload in context.rows(query, context.taken, kept):
        what, name = split_key(key), name_pass(*split_key(key))
        if payload is None:
            words = f"the payload of {name} is missing, and must be kept until {KEPT_DAYS} days after its day"
            context.findings.add("payload-removed", words, position, what)
        else:
            words = f"{name} has another payload in the ledger than leaf {position:,} has"
            context.findings.add("payload-differs", words, position, what)


def _check_approvals(context: Context) -> None:
    query = (
        "SELECT i.position, i.key, i.decision, d.position IS NULL, d.action FROM issuances i "
        "LEFT JOIN decisions d ON d.position = i.decision "
        "WHERE d.position IS NULL OR i.decision >= i.position OR d.at > i.at + ? OR d.state = ? AND d.action IS NOT ? "
        "ORDER BY i.position"
    )
    for position, key, decision, is_missing, action in context.rows(query, TIME_SLACK_SECONDS, KEPT, APPROVING):
        pass_ = name_pass(*split_key(key))
        if is_missing:
            beyond = f", of {context.leaves:,} leaves" if decision >= context.leaves else ""
            code, words = "no-approval", f"{pass_} names leaf {decision:,}{beyond}, which is no decision"
        elif action not in (APPROVING, None):
            code, words = "no-approval", f"{pass_} was issued by leaf {decision:,}, which does not approve but {action}"
        elif action is None and decision < position:
            code, words = "no-approval", f"{pass_} was issued by leaf {decision:,}, whose record can't be read"
        else:
            words = (
                f"{pass_} was issued by leaf {position:,}, and its decision, leaf {decision:,}, was written after it"
            )
            code = "decision-after-pass"
        context.findings.add(code, words, position, split_key(key), decision=decision)


def _check_logged_in_time(context: Context) -> None:
    """Check that no pass was logged after its day: by the leaf's own time, and by heads that were made before."""
    context.db.execute("CREATE TABLE heads (number INTEGER PRIMARY KEY, size INTEGER, at INTEGER)")
    rows = [(number, head.checkpoint.size, head.checkpoint.at) for number, head in enumerate(context.heads)]
    context.db.executemany("INSERT INTO heads VALUES (?, ?, ?)", rows)
    query = (
        "SELECT position, key, at, (SELECT number FROM heads WHERE size <= issuances.position "
        "AND heads.at >= ((issuances.key >> 30) + 1) * 86400 LIMIT 1) AS newer_than FROM issuances "
        "WHERE at >= ((key >> 30) + 1) * 86400 OR newer_than IS NOT NULL ORDER BY position"
    )
    for position, key, at, newer_than in context.rows(query):
        day, index = split_key(key)
        over, why = local((day + 1) * DAY_SECONDS), f"leaf {position:,} is of {local(at)}"
        if day_of(at) <= day:
            why = f"leaf {position:,} is newer than {context.heads[newer_than]}, though it says {local(at)}"
        words = f"{name_pass(day, index)} was over at {over}, and {why}: it was logged after the fact"
        context.findings.add("logged-late", words, position, (day, index))


def _check_decisions_used_once(context: Context) -> None:
    """Check that of all passes of one decision each later one replaces the one before it, as a reissue does."""
    query = (
        "SELECT decision, position, key, replaces FROM issuances WHERE decision IN "
        "(SELECT decision FROM issuances GROUP BY decision HAVING count(*) > 1) ORDER BY decision, position"
    )
    for decision, group in groupby(context.rows(query), key=lambda row: row[0]):
        before: set[int] = set()
        for _, position, key, replaces in group:
            if before and key not in before and replaces not in before:
                words = f"{name_pass(*split_key(key))} was issued by leaf {decision:,}, which had a pass before"
                context.findings.add("decision-used-twice", words, position, split_key(key), decision=decision)
                continue
            before.discard(replaces)
            before.add(key)


def _check_replacements(context: Context) -> None:
    """Check that what a pass replaces is an earlier pass of the same application, and is replaced once."""
    query = (
        "SELECT i.position, i.key, i.replaces FROM issuances i LEFT JOIN issuances old "
        "ON old.key = i.replaces AND old.position < i.position "
        "LEFT JOIN decisions mine ON mine.position = i.decision LEFT JOIN decisions its ON its.position = old.decision "
        "WHERE i.replaces IS NOT NULL AND (old.position IS NULL OR mine.reference <> its.reference OR EXISTS "
        "(SELECT 1 FROM issuances other WHERE other.replaces = i.replaces AND other.position < i.position)) "
        "ORDER BY i.position"
    )
    for position, key, replaces in context.rows(query):
        words = (
            f"{name_pass(*split_key(key))} replaces {name_pass(*split_key(replaces))}, which is not before it in the "
            "log, is another application's, or was replaced already"
        )
        context.findings.add("replaces-nothing", words, position, split_key(key))


def _check_one_in_force(context: Context) -> None:
    """Check that no application has two passes that are neither revoked nor replaced."""
    query = (
        "SELECT d.reference, i.position, i.key FROM decisions d JOIN issuances i ON i.decision = d.position "
        "JOIN issued ON issued.key = i.key WHERE NOT issued.revoked AND d.reference IN (SELECT reference "
        "FROM decisions WHERE action = ? AND reference IS NOT NULL GROUP BY reference HAVING count(*) > 1) "
        "AND NOT EXISTS (SELECT 1 FROM issuances newer WHERE newer.replaces = i.key) ORDER BY d.reference, i.position"
    )
    for reference, group in groupby(context.rows(query, APPROVING), key=lambda row: row[0]):
        first: int | None = None
        for _, position, key in group:
            if first is None:
                first = key
                continue
            words = (
                f"application {reference} has two passes in force: {name_pass(*split_key(first))} and "
                f"{name_pass(*split_key(key))}"
            )
            context.findings.add("two-in-force", words, position, split_key(key))


def _check_replaced_are_revoked(context: Context) -> None:
    """Check that a corrected pass is revoked. A reissued one need not be: its key may have been revoked instead."""
    query = (
        "SELECT i.position, i.key, i.at, old.key, old.decision = i.decision FROM issuances i "
        "JOIN issuances old ON old.key = i.replaces JOIN issued ON issued.key = old.key "
        "WHERE NOT issued.revoked ORDER BY i.position"
    )
    reissued = 0
    for position, key, at, old, is_reissue in context.rows(query):
        if is_reissue:
            reissued += 1
            continue
        code = "not-revoked-yet" if at + REVOKED_WITHIN_SECONDS > context.taken else "replaced-in-force"
        words = f"{name_pass(*split_key(old))} was replaced by {name_pass(*split_key(key))} and is not revoked"
        context.findings.add(code, words, position, split_key(old))
    if reissued:
        context.findings.add(
            "reissued-in-force",
            f"{reissued:,} passes were issued again under the same decision, and the first of each is not revoked; "
            "that is so after a change of keys if the old key was revoked: movepass keys list",
            passes=reissued,
        )


def _check_reversed_are_revoked(context: Context) -> None:
    query = (
        "SELECT i.position, i.key, d.reference, later.position, later.action, later.at "
        "FROM decisions later JOIN decisions d ON d.reference = later.reference AND d.position < later.position "
        "JOIN issuances i ON i.decision = d.position JOIN issued ON issued.key = i.key "
        "WHERE later.action IN (?, ?, ?, ?) AND NOT issued.revoked AND later.at < ((i.key >> 30) + 1) * 86400 "
        "GROUP BY i.key ORDER BY i.position"
    )
    for position, key, reference, reversal, action, at in context.rows(query, *REVERSING):
        words = (
            f"{name_pass(*split_key(key))} of application {reference} is not revoked, though leaf {reversal:,} "
            f"({action}, {local(at)}) reversed its approval"
        )
        code = "not-revoked-yet" if at + REVOKED_WITHIN_SECONDS > context.taken else "not-revoked"
        context.findings.add(code, words, position, split_key(key), decision=reversal)


def _check_missing_records(context: Context) -> int:
    """Check that only such records are missing as retention lets go; returns how many those are.

    A record may go early only if none of its passes is in force.
    """
    query = (
        "SELECT d.position, d.at, max(i.key), max(i.at), min(coalesce(issued.revoked, 1) OR EXISTS "
        "(SELECT 1 FROM issuances newer WHERE newer.replaces = i.key)) FROM decisions d "
        "LEFT JOIN issuances i ON i.decision = d.position LEFT JOIN issued ON issued.key = i.key "
        "WHERE d.state = ? GROUP BY d.position"
    )
    forgotten = 0
    for position, at, key, issued_at, may_go_early in context.rows(query, MISSING):
        until, why = max(at, issued_at or 0) + LEAST_KEPT_SECONDS, "every record is kept for a day"
        if key is not None and not may_go_early:
            day, _ = split_key(key)
            until, why = (day + KEPT_DAYS) * DAY_SECONDS, f"{name_pass(*split_key(key))} was issued by it"
        if until > context.taken:
            words = f"the record of leaf {position:,} is missing, and must be kept until {local(until)}: {why}"
            context.findings.add("record-removed", words, position)
        else:
            forgotten += 1
    return forgotten


_CHECKS: tuple[Callable[[Context], None], ...] = (
    _check_issued_are_logged,
    _check_logged_are_issued,
    _check_indexes,
    _check_logged_once,
    _check_listed_once,
    _check_payloads,
    _check_approvals,
    _check_logged_in_time,
    _check_decisions_used_once,
    _check_replacements,
    _check_one_in_force,
    _check_replaced_are_revoked,
    _check_reversed_are_revoked,
)
