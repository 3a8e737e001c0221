"""Lie in every way that an auditor must notice: each lie is named, and an honest log is whole."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.honest_log import DAY, ONLINE, START, HonestLog, MemorySigner, Story, canonical, tell_story

from movepass_keys import KeySet, PassKey
from movepass_keys.records.layout import HEAD_TARGET, head_target
from movepass_verifier.auditing import copies, tables
from movepass_verifier.auditing.audit import AuditReport, audit_copies, check_heads, prove
from movepass_verifier.auditing.findings import FAILURES, KEPT_MAX, NOTICES, Finding, Findings
from movepass_verifier.auditing.heads import check_proof, read_head, read_proof
from movepass_verifier.auditing.officers import Share
from movepass_verifier.auditing.trust import Trust
from movepass_verifier.errors import AuditError, CopiesError
from movepass_wire import ED25519, Pass, Place, Trip, encode_claims, format_number, seal, to_be_signed

HOUR = 3600
SOON = START + HOUR
"""When the copies are taken, if a test says nothing else."""
NO_STORE = "signatures-not-checked"


def run(
    log: HonestLog, folder: Path, *, given: Sequence[bytes] = (), head: bytes | None = None, taken: int = SOON,
    trust: Trust | None = None, passes: Sequence[str] = (),
) -> AuditReport:  # fmt: skip
    """Write copies and audit them with the heads that the auditor kept."""
    found = copies.find_copies(log.write(folder, head), folder)
    assert found.head
    named = [read_head(f"kept {number}", note) for number, note in enumerate(given)]
    own = read_head("head", found.head.read_bytes())
    return audit_copies(found, [*named, own], taken=taken, trust=trust, passes=passes)


def codes(report: AuditReport) -> dict[str, int]:
    """Count what was found, without the notice that no store was given."""
    return {code: count for code, count in report.findings.counts.items() if code != NO_STORE}


def only(report: AuditReport) -> Finding:
    """Return the single finding."""
    (found,) = [finding for finding in report.findings if finding.code != NO_STORE]
    return found


def test_an_honest_log_is_whole(tmp_path: Path) -> None:
    story = tell_story()
    report = run(story.log, tmp_path, given=[story.old_head])
    assert codes(report) == {}
    assert report.is_whole
    scanned = report.scanned
    assert (scanned.leaves, scanned.decisions, scanned.issuances, scanned.administrations) == (25, 16, 8, 1)
    assert (scanned.records, report.forgotten, report.issued) == (17, 0, 8)


def test_an_empty_log_is_whole(tmp_path: Path) -> None:
    assert codes(run(HonestLog(), tmp_path)) == {}


# --- lies that leave the log's roots as they should be ---------------------------------------------------------------


def change_record(story: Story) -> int:
    at = story.positions["by officer"]
    salt, text = story.log.records[at]
    story.log.records[at] = salt, text.replace("officer:Rahim", "officer:Karim")
    return at


def change_salt(story: Story) -> int:
    at = story.positions["by officer"]
    story.log.records[at] = "00" * 16, story.log.records[at][1]
    return at


def remove_record(story: Story) -> int:
    del story.log.records[story.positions["by officer"]]
    return story.positions["by officer"]


def remove_record_of_administration(story: Story) -> int:
    del story.log.records[story.positions["officer added"]]
    return story.positions["officer added"]


def remove_record_without_a_pass(story: Story) -> int:
    del story.log.records[story.positions["rejected"]]
    return story.positions["rejected"]


def invent_record(story: Story) -> int:
    story.log.records[3 * len(story.log.leaves)] = story.log.records[0]
    return 3 * len(story.log.leaves)


def record_for_an_issuance(story: Story) -> int:
    at = story.positions["plain"] + 1
    story.log.records[at] = story.log.records[0]
    return at


def sell_a_pass(story: Story) -> None:
    story.log.issue_unlogged()


def leave_a_pass_out(story: Story) -> None:
    del story.log.issued[story.passes["by officer"]]


def list_a_pass_twice(story: Story) -> None:
    row = story.log.issued[story.passes["plain"]]
    story.log.issued[-1, -1] = row


def change_a_payload(story: Story) -> None:
    story.log.issued[story.passes["plain"]]["payload"] = "0" * 64


def forget_a_payload_too_early(story: Story) -> None:
    del story.log.issued[story.passes["plain"]]["payload"]


def keep_a_reversed_pass(story: Story) -> None:
    story.log.issued[story.passes["reversed"]]["revoked"] = False


def keep_a_withdrawn_pass(story: Story) -> None:
    story.log.issued[story.passes["withdrawn"]]["revoked"] = False


def keep_a_corrected_pass(story: Story) -> None:
    story.log.issued[story.passes["before correction"]]["revoked"] = False


COPY_LIES: dict[str, list[Callable[[Story], object]]] = {
    "record-changed": [change_record, change_salt],
    "record-removed": [remove_record, remove_record_of_administration, remove_record_without_a_pass],
    "record-without-leaf": [invent_record, record_for_an_issuance],
    "pass-without-decision": [sell_a_pass],
    "not-in-ledger": [leave_a_pass_out],
    "listed-twice": [list_a_pass_twice],
    "payload-differs": [change_a_payload],
    "payload-removed": [forget_a_payload_too_early],
    "not-revoked": [keep_a_reversed_pass, keep_a_withdrawn_pass],
    "replaced-in-force": [keep_a_corrected_pass],
}


@pytest.mark.parametrize(("code", "lie"), [(code, lie) for code, lies in COPY_LIES.items() for lie in lies])
def test_a_copy_that_lies_is_named(tmp_path: Path, code: str, lie: Callable[[Story], int | None]) -> None:
    story = tell_story()
    position = lie(story)
    report = run(story.log, tmp_path, given=[story.old_head], taken=SOON)
    assert codes(report) == {code: 1}
    assert not report.is_whole
    found = only(report)
    if position is not None:
        assert found.position == position
        assert f"leaf {position:,}" in found.words


@pytest.mark.parametrize(("indexes", "first", "missing"), [([0, 1, 3, 4, 7], 2, 3), ([1, 2], 0, 1), ([5], 0, 5)])
def test_an_index_that_nobody_has_is_a_notice(tmp_path: Path, indexes: list[int], first: int, missing: int) -> None:
    """So a pass that all copies leave out leaves a trace, unless it was the last of its day."""
    log = HonestLog()
    for index in indexes:
        log.issue(log.decide(f"A{index}", "approve"), index=index)
    report = run(log, tmp_path)
    assert codes(report) == {"index-gap": 1}
    assert report.is_whole
    assert (only(report).pass_key, only(report).details) == ((DAY, first), {"missing": missing})


def test_a_ledger_forgets_whole_passes_after_ninety_days(tmp_path: Path) -> None:
    story = tell_story()
    story.log.records.clear()
    story.log.issued.clear()
    assert codes(run(story.log, tmp_path, taken=(DAY + 91) * 86400 - 1)) == {"not-in-ledger": 8}
    assert codes(run(story.log, tmp_path, taken=(DAY + 91) * 86400)) == {
        "not-in-ledger": 1
    }  # the last one's day is later
    assert codes(run(story.log, tmp_path, taken=(DAY + 92) * 86400)) == {}


def test_a_sold_pass_is_named_by_its_number(tmp_path: Path) -> None:
    story = tell_story()
    key = story.log.issue_unlogged()
    found = only(run(story.log, tmp_path))
    assert found.pass_key == key
    assert format_number(*key) in found.words
    assert found.to_json()["pass_number"] == format_number(*key)


# --- lies that are in the log itself ---------------------------------------------------------------------------------


def issue_by_a_rejection(log: HonestLog) -> None:
    log.issue(log.decide("XXX", "reject", row="closed"))


def issue_by_a_referral(log: HonestLog) -> None:
    log.issue(log.decide("XXX", "refer", row="closed"))


def issue_by_an_issuance(log: HonestLog) -> None:
    log.issue(log.decide("XXX", "approve"))
    log.issue(len(log.leaves) - 1)


def issue_by_an_administration(log: HonestLog) -> None:
    log.issue(log.administer("settings"))


def issue_by_no_leaf(log: HonestLog) -> None:
    log.issue(10**9)


def issue_by_what_is_no_record(log: HonestLog) -> None:
    at = log.decide("XXX", "approve")
    salt = log.records[at][0]
    log.records[at] = salt, "[" * 5000
    leaf = {"kind": "decision", "at": log.now, "digest": sha256(bytes.fromhex(salt) + b"[" * 5000).hexdigest()}
    log.leaves[at] = canonical(leaf).encode()
    log.issue(at)


def decide_afterwards(log: HonestLog) -> None:
    log.issue(len(log.leaves) + 1)
    log.decide("XXX", "approve")


def backdate_nothing_but_the_pass(log: HonestLog) -> None:
    """The leaf of the decision comes first, and says a later time than the pass."""
    log.now += HOUR
    at = log.decide("XXX", "approve")
    log.now -= HOUR
    log.issue(at)


def decide_and_log_after_the_trip(log: HonestLog) -> None:
    """A pass was sold and used; once somebody asks, a decision is written."""
    log.now += 2 * 86400
    log.issue(log.decide("XXX", "approve"), day=DAY)


def two_for_one(log: HonestLog) -> None:
    at = log.decide("XXX", "approve")
    log.issue(at)
    log.issue(at)


def two_for_one_beside_a_reissue(log: HonestLog) -> None:
    at = log.decide("XXX", "approve")
    first = log.issue(at)
    log.issue(at, replaces=first)
    log.issue(at, replaces=first)


def two_leaves(log: HonestLog) -> None:
    at = log.decide("XXX", "approve")
    day, index = log.issue(at)
    log.issue(at, day=day, index=index)


def replace_nothing(log: HonestLog) -> None:
    log.issue(log.decide("XXX", "approve"), replaces=(DAY, 999))


def replace_anothers(log: HonestLog) -> None:
    old = log.issue(log.decide("XXX", "approve"))
    log.issue(log.decide("YYY", "approve"), replaces=old)
    log.revoke(old)


def approve_twice(log: HonestLog) -> None:
    log.issue(log.decide("XXX", "approve"))
    log.issue(log.decide("XXX", "approve", "officer:Rahim"))


def approve_again_by_the_same_record(log: HonestLog) -> None:
    """A decision is copied with its salt, to have two leaves of one digest."""
    at = log.decide("XXX", "approve")
    log.issue(at)
    log.records[len(log.leaves)] = log.records[at]
    log.leaves.append(log.leaves[at])
    log.issue(len(log.leaves) - 1)


def write_a_strange_leaf(log: HonestLog) -> None:
    log.leaves.append(b'{"kind":"gift"}')


def write_a_leaf_with_blanks(log: HonestLog) -> None:
    log.leaves.append(log.leaves[0].replace(b":", b": "))


def write_two_kinds_in_one(log: HonestLog) -> None:
    log.leaves.append(log.leaves[0].replace(b"}", b',"kind":"decision"}'))


def set_the_clock_back(log: HonestLog) -> None:
    log.now -= HOUR
    log.decide("XXX", "refer")


def log_another_time(log: HonestLog) -> None:
    at = log.decide("XXX", "refer")
    log.leaves[at] = log.leaves[at].replace(b'"at":%d' % log.now, b'"at":%d' % (log.now + 1))


LOG_LIES: dict[str, list[Callable[[HonestLog], None]]] = {
    "no-approval": [
        issue_by_a_rejection, issue_by_a_referral, issue_by_an_issuance, issue_by_an_administration, issue_by_no_leaf,
    ],
    "record-unreadable": [issue_by_what_is_no_record],
    "decision-after-pass": [decide_afterwards, backdate_nothing_but_the_pass],
    "logged-late": [decide_and_log_after_the_trip],
    "decision-used-twice": [two_for_one, two_for_one_beside_a_reissue],
    "pass-logged-twice": [two_leaves],
    "replaces-nothing": [replace_nothing, replace_anothers],
    "two-in-force": [approve_twice, approve_again_by_the_same_record],
    "leaf-unreadable": [write_a_strange_leaf, write_a_leaf_with_blanks, write_two_kinds_in_one],
    "time-backwards": [set_the_clock_back],
    "record-time": [log_another_time],
}  # fmt: skip
ALSO = {
    "two_for_one_beside_a_reissue": {"replaces-nothing", "reissued-in-force"},
    "issue_by_what_is_no_record": {"no-approval"},
    "backdate_nothing_but_the_pass": {"time-backwards", "head-backwards"},
    "set_the_clock_back": {"head-backwards"},
    "approve_again_by_the_same_record": {"time-backwards"},
}
"""What such a lie makes wrong besides."""


@pytest.mark.parametrize(("code", "lie"), [(code, lie) for code, lies in LOG_LIES.items() for lie in lies])
def test_a_log_that_lies_is_named(tmp_path: Path, code: str, lie: Callable[[HonestLog], None]) -> None:
    """The heads are those of the lying log itself: the lie is in what it says, not in how it changed."""
    story = tell_story()
    lie(story.log)
    report = run(story.log, tmp_path, given=[story.old_head])
    assert code in codes(report)
    assert codes(report).keys() - {code} <= ALSO.get(lie.__name__, set())
    assert not report.is_whole


def test_a_correction_and_a_reissue_are_no_lies(tmp_path: Path) -> None:
    """A reissued pass is not revoked itself where its key is: that is worth a notice, and no more."""
    log = HonestLog()
    at = log.decide("AAA", "approve")
    first = log.issue(at)
    second = log.issue(at, replaces=first)
    log.issue(at, replaces=second)
    report = run(log, tmp_path)
    assert codes(report) == {"reissued-in-force": 1}
    assert report.is_whole
    assert only(report).details == {"passes": 2}


def test_a_pass_that_is_to_be_revoked_has_some_minutes(tmp_path: Path) -> None:
    story = tell_story()
    keep_a_reversed_pass(story)
    keep_a_corrected_pass(story)
    now = story.log.now
    assert codes(run(story.log, tmp_path, taken=now + 60)) == {"not-revoked-yet": 2}
    assert codes(run(story.log, tmp_path, taken=now + HOUR)) == {"not-revoked": 1, "replaced-in-force": 1}


def test_an_auditors_clock_that_is_behind_counts_from_the_newest_head(tmp_path: Path) -> None:
    story = tell_story()
    keep_a_reversed_pass(story)
    assert codes(run(story.log, tmp_path, head=story.log.head(at=SOON), taken=0)) == {"not-revoked": 1}


def test_an_approval_that_is_reversed_and_given_again_has_one_pass_in_force(tmp_path: Path) -> None:
    log = HonestLog()
    first = log.issue(log.decide("AAA", "approve"))
    log.decide("AAA", "reject", "officer:Rahim")
    log.revoke(first)
    log.decide("AAA", "appeal", "applicant")
    log.issue(log.decide("AAA", "approve", "officer:Karim"))
    assert codes(run(log, tmp_path)) == {}


def test_times_of_processes_that_began_together_may_cross(tmp_path: Path) -> None:
    log = HonestLog()
    log.decide("AAA", "approve")
    log.now -= 100
    log.decide("BBB", "approve")
    assert codes(run(log, tmp_path)) == {}


# --- retention -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "taken", "code"),
    [
        ("by officer", (DAY + 7) * 86400 - 1, "record-removed"),
        ("by officer", (DAY + 7) * 86400, None),
        ("rejected", START + 86400, "record-removed"),
        ("rejected", START + 86400 + 60, None),
        ("to withdraw", START + 86400 + 60, None),  # the pass is revoked, and a withdrawn application goes after a day
        ("before correction", START + 86400 + 60, None),  # a correction's trip may end earlier
        ("last", (DAY + 8) * 86400 - 1, "record-removed"),
        ("last", (DAY + 8) * 86400, None),
        ("officer added", START + 86400 + 60, None),
    ],
)
def test_retention_explains_a_missing_record_once_its_time_is_over(
    tmp_path: Path, what: str, taken: int, code: str | None
) -> None:
    story = tell_story()
    del story.log.records[story.positions[what]]
    report = run(story.log, tmp_path, taken=taken)
    assert codes(report) == ({code: 1} if code else {})
    assert report.forgotten == (0 if code else 1)


def test_a_pass_in_force_keeps_the_record_of_its_decision_whatever_it_replaces(tmp_path: Path) -> None:
    """A decision that nobody ever recorded, sold twice: the second pass pretends to be the first one issued again."""
    log = HonestLog()
    decision = log.decide("AAA", "approve", "officer:Rahim")
    del log.records[decision]
    first = log.issue(decision, day=DAY + 3)
    log.issue(decision, day=DAY + 3, replaces=first)
    report = run(log, tmp_path, taken=START + 2 * 86400)
    assert codes(report) == {"record-removed": 1, "reissued-in-force": 1}
    assert codes(run(log, tmp_path, taken=(DAY + 10) * 86400)) == {"reissued-in-force": 1}


def test_everything_may_be_forgotten_at_last(tmp_path: Path) -> None:
    story = tell_story()
    story.log.records.clear()
    for row in story.log.issued.values():
        del row["payload"]
    report = run(story.log, tmp_path, taken=(DAY + 9) * 86400)
    assert codes(report) == {}
    assert report.forgotten == 17


def test_a_payload_is_kept_as_long_as_the_issuer_keeps_it(tmp_path: Path) -> None:
    """The ledger forgets payloads of days before today - 7."""
    story = tell_story()
    forget_a_payload_too_early(story)
    assert codes(run(story.log, tmp_path, taken=(DAY + 8) * 86400 - 1)) == {"payload-removed": 1}
    assert codes(run(story.log, tmp_path, taken=(DAY + 8) * 86400)) == {}


# --- heads -----------------------------------------------------------------------------------------------------------


def rewrite(log: HonestLog, position: int) -> None:
    """Write another decision in place of one, as whoever owns the database can."""
    other = HonestLog(now=START + position)
    other.decide("ZZZ", "approve", "officer:Mallory")
    log.leaves[position] = other.leaves[0]
    log.records[position] = other.records[0]


def test_a_log_that_was_changed_after_a_head_is_named(tmp_path: Path) -> None:
    story = tell_story()
    head = story.log.head()
    rewrite(story.log, story.positions["rejected"])
    found = only(run(story.log, tmp_path, given=[story.old_head], head=head))
    assert (found.code, found.position) == ("log-changed", 11)
    assert "leaves 11 to 24" in found.words  # the old head still agrees


def test_a_log_that_was_rewound_between_two_heads_names_them(tmp_path: Path) -> None:
    """The service signs a new head over what it rewrote; only who kept the old one sees it."""
    story = tell_story()
    rewrite(story.log, story.positions["plain"])
    assert codes(run(story.log, tmp_path)) == {}
    report = run(story.log, tmp_path, given=[story.old_head])
    (found,) = [finding for finding in report.findings if finding.code == "log-changed"]
    assert "leaves 0 to 10 were rewritten between the two heads" in found.words
    assert found.details["heads"] == ["kept 0", "head"]


def test_a_log_that_was_rewound_and_is_shorter_is_named(tmp_path: Path) -> None:
    story = tell_story()
    kept = story.log.head()
    for log in (story.log,):
        del log.leaves[20:]
    report = run(story.log, tmp_path, given=[kept], head=story.log.head(at=START + HOUR))
    assert codes(report).keys() >= {"log-cut", "head-backwards"}
    (found,) = [finding for finding in report.findings if finding.code == "log-cut"]
    assert (found.position, found.details["missing"]) == (20, 5)


def test_two_heads_of_one_size_are_a_split_view(tmp_path: Path) -> None:
    """One auditor is shown one log, another the next: they compare their heads."""
    mine, hers = tell_story(), tell_story()
    assert codes(run(mine.log, tmp_path / "mine")) == codes(run(hers.log, tmp_path / "hers")) == {}
    findings = Findings()
    check_heads([read_head("mine", mine.log.head()), read_head("hers", hers.log.head())], None, findings)
    assert findings.counts["split-view"] == 1
    assert codes(run(mine.log, tmp_path / "mine", given=[hers.log.head()])).keys() == {"split-view", "log-changed"}


def test_a_backdated_decision_is_found_by_a_head_that_was_kept(tmp_path: Path) -> None:
    """The service was quiet, or the backdated leaves follow each other: only the head was made when it was made."""
    story = tell_story()
    kept = story.log.head(at=(DAY + 1) * 86400)  # made when the day was over
    story.log.issue(story.log.decide("XXX", "approve"))
    assert codes(run(story.log, tmp_path)) == {}
    found = next(iter(run(story.log, tmp_path, given=[kept], head=story.log.head(at=(DAY + 2) * 86400)).findings))
    assert (found.code, found.position) == ("logged-late", 26)
    assert "is newer than the head of 25 leaves" in found.words


def test_a_backdated_head_is_named(tmp_path: Path) -> None:
    log = HonestLog()
    log.decide("AAA", "approve")
    assert codes(run(log, tmp_path, head=log.head(at=log.now - 60))) == {}
    assert codes(run(log, tmp_path, head=log.head(at=log.now - HOUR))) == {"head-backwards": 1}


def test_heads_of_two_logs_are_not_compared(tmp_path: Path) -> None:
    log = HonestLog(identity="other.example")
    log.administer("x")
    assert "other-log" in codes(run(tell_story().log, tmp_path, given=[log.head()]))


def test_leaves_beyond_the_newest_head_are_a_notice(tmp_path: Path) -> None:
    story = tell_story()
    report = run(story.log, tmp_path, head=story.old_head)
    assert codes(report) == {"not-covered": 1}
    assert only(report).details == {"leaves": 14}


def trust(*online: MemorySigner, head: bytes | None = None, keys: KeySet | None = None) -> Trust:
    published = {HEAD_TARGET: sha256(head).hexdigest()} if head else {}
    signers = tuple(signer.public_key for signer in online)
    return Trust("Test", signers, keys or KeySet.of("Test", [], test=True), published)


def test_signatures_are_checked_with_a_store(tmp_path: Path) -> None:
    story = tell_story()
    head = story.log.head()
    signed = run(story.log, tmp_path, head=head, given=[story.old_head], trust=trust(MemorySigner(), ONLINE, head=head))
    assert signed.findings.counts == {}
    assert [shown["signed"] for shown in signed.to_json()["heads"]] == [True, True]
    assert [shown["published"] for shown in signed.to_json()["heads"]] == [False, True]
    report = run(story.log, tmp_path, head=head, given=[story.old_head], trust=trust(MemorySigner(), head=head))
    assert report.findings.counts == {"head-signature": 2}


@pytest.mark.parametrize(("published", "words"), [(b"another", "fetch targets/status/"), (None, "publishes no head")])
def test_a_published_head_that_was_not_given_is_asked_for(tmp_path: Path, published: bytes | None, words: str) -> None:
    report = run(tell_story().log, tmp_path, trust=trust(ONLINE, head=published))
    assert codes(report) == {"published-head-missing": 1}
    assert words in only(report).words
    assert report.is_whole


def test_another_regions_head_is_not_taken_for_this_ones(tmp_path: Path) -> None:
    story = tell_story()
    story.log.identity += "/1"
    head = story.log.head()
    known = replace(trust(ONLINE), published_heads={HEAD_TARGET: "00" * 32, head_target(1): sha256(head).hexdigest()})
    report = run(story.log, tmp_path, head=head, trust=known)
    assert codes(report) == {"other-region": 1}
    assert only(report).details == {"file": f"targets/status/{'00' * 32}.decisions.head"}
    assert report.is_whole
    report = run(story.log, tmp_path, head=head, trust=replace(known, published_heads={HEAD_TARGET: "00" * 32}))
    assert codes(report) == {"other-region": 1, "published-head-missing": 1}
    both = run(story.log, tmp_path, head=head, given=[tell_story().log.head()], trust=known)
    assert "other-log" in codes(both)


@pytest.mark.parametrize("sizes", [(0, 25), (1, 25), (11, 25), (11, 24), (25, 25)])
def test_a_proof_between_any_two_heads_is_checked_without_leaves(tmp_path: Path, sizes: tuple[int, int]) -> None:
    story = tell_story()
    found = copies.find_copies(story.log.write(tmp_path), tmp_path)
    old, new = (read_head("x", story.log.head(size, at=START + size)) for size in sizes)
    proof = read_proof("proof", prove(found.leaves, old, new))
    findings = Findings()
    check_proof(proof, old, findings)
    assert findings.counts == {}
    assert proof.new.checkpoint == new.checkpoint
    other = tell_story().log
    rewrite(other, 0)
    check_proof(proof, read_head("y", other.head(sizes[0])), findings)
    assert findings.counts == ({"log-changed": 1} if sizes[0] else {})


def test_a_log_that_was_rewound_has_no_proof(tmp_path: Path) -> None:
    story = tell_story()
    rewrite(story.log, 3)
    story.log.write(tmp_path)
    old, new = read_head("old", story.old_head), read_head("new", story.log.head())
    findings = Findings()
    check_proof(read_proof("proof", prove(copies.find_leaves(tmp_path), old, new)), old, findings)
    assert findings.counts == {"log-changed": 1}


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:40], lambda data: data[:0], lambda data: data.replace(b"old 11", b"old -1"),
        lambda data: data.replace(b"old 11", b"old 11\nAA"), lambda data: data.replace(b"old", b"\xff"),
        lambda data: data.replace(b"old 11\n", b"old 11\n" + (b"A" * 43 + b"=\n") * 200), lambda data: data[:-9],
    ],
)  # fmt: skip
def test_what_is_no_proof_is_refused(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    story = tell_story()
    story.log.write(tmp_path)
    ends = read_head("old", story.old_head), read_head("new", story.log.head())
    data = prove(copies.find_leaves(tmp_path), *ends)
    with pytest.raises(CopiesError, match="proof"):
        read_proof("a proof", change(data))


def test_a_proof_needs_the_leaves_and_the_right_old_head(tmp_path: Path) -> None:
    story = tell_story()
    story.log.write(tmp_path)
    leaves, new = copies.find_leaves(tmp_path), story.log.head()
    story.log.decide("more", "approve")
    with pytest.raises(CopiesError, match="fewer"):
        prove(leaves, read_head("old", story.old_head), read_head("new", story.log.head()))
    proof = read_proof("x", prove(leaves, read_head("old", story.old_head), read_head("new", new)))
    with pytest.raises(CopiesError, match="begins with 11 leaves"):
        check_proof(proof, read_head("new", new), Findings())


# --- passes found at the roadside ------------------------------------------------------------------------------------

PASS_SIGNER = MemorySigner(ED25519)
PASS_KEYS = KeySet.of("Test", [PassKey(PASS_SIGNER.public_key, START - 86400, START + 30 * 86400)], test=True)


def sign_pass(index: int, signer: MemorySigner = PASS_SIGNER, *, ends: int = START + HOUR) -> str:
    """Sign a pass of the day of START."""
    (kid,) = PASS_KEYS.keys
    claims = encode_claims(Pass(index, Trip(ends - HOUR, ends, "Rahima Khatun", 1, "4821", Place(13), Place(18), 1)))
    return seal(ED25519, kid, claims, signer.sign(to_be_signed(ED25519, kid, claims)))


@pytest.fixture
def logged() -> tuple[HonestLog, str]:
    log, text = HonestLog(), sign_pass(0)
    log.decide("AAA", "refer", row="market")
    log.issue(log.decide("AAA", "approve", "officer:Rahim"), text=text)
    return log, text


def look_up(log: HonestLog, folder: Path, text: str, *, made: int, keys: KeySet | None = PASS_KEYS) -> dict[str, Any]:
    head = log.head(at=made)
    known = trust(ONLINE, head=head, keys=keys) if keys else None
    report = run(log, folder, head=head, taken=made, passes=[text], trust=known)
    (shown,) = report.found
    failures = {code for code in report.findings.counts if code in FAILURES}
    return shown | {"failures": failures, "notices": set(codes(report)) - failures}


AFTER = START + 2 * HOUR
BEFORE = START + 60


@pytest.mark.parametrize("by_number", [True, False])
def test_a_found_pass_with_a_decision_is_shown_with_it(
    tmp_path: Path, logged: tuple[HonestLog, str], *, by_number: bool
) -> None:
    log, text = logged
    shown = look_up(log, tmp_path, format_number(DAY, 0) if by_number else text, made=AFTER)
    assert (shown["result"], shown["position"], shown["decision"], shown["actor"]) == ("logged", 2, 1, "officer:Rahim")
    assert shown["failures"] == shown["notices"] == set()
    assert "approve by officer:Rahim" in shown["words"]


def test_a_found_pass_without_a_leaf_is_a_pass_without_a_decision(
    tmp_path: Path, logged: tuple[HonestLog, str]
) -> None:
    """The ledger's copy leaves it out too: only the pass itself shows it."""
    log, _ = logged
    shown = look_up(log, tmp_path, sign_pass(7), made=AFTER)
    assert (shown["result"], shown["failures"]) == ("without-decision", {"found-without-decision"})
    assert "pass without a decision" in shown["words"]


def test_a_found_pass_that_may_be_newer_than_the_head_is_not_covered(
    tmp_path: Path, logged: tuple[HonestLog, str]
) -> None:
    log, _ = logged
    shown = look_up(log, tmp_path, sign_pass(7), made=BEFORE)
    assert (shown["result"], shown["failures"], shown["notices"]) == ("not-covered", set(), {"found-not-covered"})
    assert "take newer copies" in shown["words"]


def test_a_found_number_is_judged_by_the_end_of_its_day(tmp_path: Path, logged: tuple[HonestLog, str]) -> None:
    log, _ = logged
    number = format_number(DAY, 7)
    assert look_up(log, tmp_path, number, made=(DAY + 1) * 86400 - 1)["result"] == "not-covered"
    assert look_up(log, tmp_path, number, made=(DAY + 1) * 86400)["result"] == "without-decision"


def test_a_found_pass_of_another_payload_is_named(tmp_path: Path, logged: tuple[HonestLog, str]) -> None:
    """Two passes of one number: the log and the ledger know only one of them."""
    log, _ = logged
    shown = look_up(log, tmp_path, sign_pass(0, ends=START + HOUR - 60), made=AFTER)
    assert (shown["result"], shown["failures"]) == ("other-payload", {"found-with-other-payload"})


def test_a_found_pass_that_was_logged_after_its_trip_is_named(tmp_path: Path, logged: tuple[HonestLog, str]) -> None:
    """Its day was not over, so that only its text says when its trip ended."""
    log, _ = logged
    log.now = START + 2 * HOUR
    log.issue(log.decide("XXX", "approve"), text=sign_pass(1))
    shown = look_up(log, tmp_path, sign_pass(1), made=log.now)
    assert (shown["result"], shown["failures"]) == ("logged-late", {"logged-late"})


def test_a_forged_pass_says_nothing_about_the_log(tmp_path: Path, logged: tuple[HonestLog, str]) -> None:
    log, _ = logged
    shown = look_up(log, tmp_path, sign_pass(7, MemorySigner(ED25519)), made=AFTER)
    assert (shown["result"], shown["failures"], shown["notices"]) == ("forged", set(), {"found-forged"})


def test_without_a_store_the_answer_says_that_no_signature_was_checked(
    tmp_path: Path, logged: tuple[HonestLog, str]
) -> None:
    log, text = logged
    assert "signature was not checked" in look_up(log, tmp_path, text, made=AFTER, keys=None)["words"]


@pytest.mark.parametrize("text", ["", "hello", "MP1:", "MP1:" + "0" * 300, "A1B-2C3-D4", "MP1:" + "A" * 5000])
def test_what_is_neither_a_pass_nor_a_number_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(CopiesError, match="expected a pass or a pass number"):
        run(HonestLog(), tmp_path, passes=[text])


# --- officers --------------------------------------------------------------------------------------------------------


def decide_many(
    log: HonestLog, officer: str, approved: int, rejected: int, *, row: str = "market", every: int = 20
) -> None:
    for number in range(approved + rejected):
        reference = f"{officer}-{row}-{number}"
        log.decide(reference, "refer", row=row)
        log.now += every
        log.decide(reference, "approve" if number < approved else "reject", f"officer:{officer}")


def test_an_officer_who_approves_far_more_than_colleagues_is_a_notice(tmp_path: Path) -> None:
    log = HonestLog()
    for officer in ("Rahim", "Karim", "Jamal"):
        decide_many(log, officer, 30, 20)
    decide_many(log, "Salma", 50, 0)
    decide_many(log, "Salma", 30, 20, row="other")
    decide_many(log, "Rahim", 30, 20, row="other")
    report = run(log, tmp_path, taken=log.now)
    assert codes(report) == {"officer-share": 1}
    assert report.is_whole
    found = only(report)
    assert (found.details["officer"], found.details["row"]) == ("Salma", "market")
    assert (found.details["approved"], found.details["others_approved"]) == (50, 90)
    assert "50 of 50 cases of row market (100%)" in found.words


@pytest.mark.parametrize(
    ("share", "unusual"),
    [
        (Share("A", "r", 19, 19, 10, 100), False),  # too few
        (Share("A", "r", 100, 100, 5, 19), False),  # nobody to compare with
        (Share("A", "r", 9_900, 10_000, 97_000, 100_000), False),  # certain, and no great difference
        (Share("A", "r", 20, 20, 20, 20), False),
        (Share("A", "r", 0, 100, 90, 100), False),  # who approves less sells nothing
        (Share("A", "r", 90, 100, 50, 100), True),
    ],
)
def test_the_statistic_needs_numbers_and_a_difference(share: Share, *, unusual: bool) -> None:
    assert share.is_unusual is unusual


def test_an_officer_at_odd_speed_is_a_notice(tmp_path: Path) -> None:
    log = HonestLog()
    decide_many(log, "Rahim", 40, 0, every=0)  # a decision every other second
    decide_many(log, "Karim", 29, 0, every=0)
    report = run(log, tmp_path, taken=log.now)
    assert codes(report) == {"officer-speed": 1}
    assert only(report).details["officer"] == "Rahim"
    assert only(report).details["approved"] == 30


def test_bulk_decisions_are_not_decided_at_odd_speed(tmp_path: Path) -> None:
    log = HonestLog()
    for number in range(60):
        log.decide(f"A{number}", "approve", "officer:Rahim", batch="B1")
    assert codes(run(log, tmp_path, taken=log.now)) == {}


@pytest.mark.parametrize(
    ("actor", "proposer", "alone"),
    [
        ("officer:Rahim", "officer:Rahim", True),
        ("officer:Rahim", "console:root as Rahim", True),
        ("officer:Rahim", "officer:Karim", False),
        ("officer:Rahim", "console:Rahim as Karim", False),
    ],
)
def test_two_pairs_of_eyes_are_two_officers(tmp_path: Path, actor: str, proposer: str, *, alone: bool) -> None:
    log = HonestLog()
    log.decide("AAA", "refer", row="market")
    log.issue(log.decide("AAA", "approve", actor, proposed_by=proposer))
    assert codes(run(log, tmp_path)) == ({"confirmed-alone": 1} if alone else {})


def test_an_officer_who_approves_what_they_rejected_is_a_notice(tmp_path: Path) -> None:
    log = HonestLog()
    log.decide("AAA", "refer", row="market")
    log.decide("AAA", "reject", "officer:Rahim")
    log.decide("AAA", "appeal", "applicant")
    at = log.decide("AAA", "approve", "officer:Rahim")
    found = only(run(log, tmp_path))
    assert (found.code, found.position) == ("officer-own-appeal", at)


def test_decisions_at_the_console_are_named_with_who_made_them(tmp_path: Path) -> None:
    log = HonestLog()
    log.issue(log.decide("AAA", "approve", "console:root as Rahim"))
    found = only(run(log, tmp_path))
    assert (found.code, found.details["actor"], found.details["approved"]) == (
        "console-decisions",
        "console:root as Rahim",
        1,
    )


# --- copies that can't be read ---------------------------------------------------------------------------------------


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tell_story().log.write(tmp_path / "copies")


def fails(folder: Path, words: str) -> None:
    """Audit copies that can't be read."""
    found = copies.find_copies(folder, folder)
    assert found.head
    with pytest.raises(CopiesError, match=words):
        audit_copies(found, [read_head("head", tell_story().log.head())], taken=SOON)


def test_a_copy_that_is_cut_within_a_line_is_refused(written: Path) -> None:
    for name in ("decisions/leaves.jsonl", "decisions/records.jsonl", "issued/issued.jsonl"):
        file = written / name
        whole = file.read_bytes()
        file.write_bytes(whole[:-5])
        fails(written, "line .* is cut short")
        file.write_bytes(whole)


def test_a_copy_that_is_cut_at_a_line_lacks_what_the_head_covers(written: Path) -> None:
    file = written / "decisions/leaves.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-4]))
    found = copies.find_copies(written, written)
    assert found.head
    report = audit_copies(found, [read_head("head", found.head.read_bytes())], taken=SOON)
    assert {"log-cut", "pass-without-decision", "record-without-leaf"} == codes(report).keys()


@pytest.mark.parametrize("name", ["decisions/leaves.jsonl", "decisions/records.jsonl", "issued/issued.jsonl"])
def test_a_line_of_600_mb_is_not_read(written: Path, name: str) -> None:
    with (written / name).open("r+b") as file:
        file.truncate(600_000_000)  # a hole of zeros after the last line
    fails(written, "is longer than")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("decisions/records.jsonl", b"[" * 100_000),
        ("decisions/records.jsonl", b'{"position":0,"salt":"zz","text":""}'),
        ("decisions/records.jsonl", b'{"position":true,"salt":"","text":""}'),
        ("decisions/records.jsonl", b'{"position":0,"salt":"","text":5}'),
        ("decisions/records.jsonl", b'{"position":-1,"salt":"","text":""}'),
        ("decisions/records.jsonl", b'{"position":' + b"9" * 5000 + b',"salt":"","text":""}'),
        ("decisions/records.jsonl", b"\xff\xfe"),
        ("issued/issued.jsonl", b"null"),
        ("issued/issued.jsonl", b"[" * 500),
        ("issued/issued.jsonl", b'{"day":1,"index":1,"payload":"x","revoked":true}'),
        ("issued/issued.jsonl", b'{"day":1,"index":1,"revoked":1}'),
        ("issued/issued.jsonl", b'{"day":70000,"index":1,"revoked":true}'),
        ("issued/issued.jsonl", b"\xff\xfe"),
    ],
)
def test_a_line_that_can_not_be_read_is_named(written: Path, name: str, line: bytes) -> None:
    (written / name).write_bytes(line + b"\n")
    fails(written, "line 1: expected")


@pytest.mark.parametrize(
    "more",
    [{"actor": "x" * 300}, {"proposed_by": 1}, {"row": "\ud800"}, {"reference": 5}, {"row": []}, {"action": None}],
    ids=str,
)
def test_a_record_of_strange_values_is_named_and_printed_nowhere(tmp_path: Path, more: dict[str, Any]) -> None:
    """Its digest is right, so that whoever owns the log wrote it so; lone surrogates would not even be stored."""
    log, salt = HonestLog(), b"s" * 16
    text = json.dumps({"at": START, "action": "approve", "actor": "rules", "reference": "AAA", **more})
    leaf = {"kind": "decision", "at": START, "digest": sha256(salt + text.encode()).hexdigest()}
    log.leaves.append(canonical(leaf).encode())
    log.records[0] = salt.hex(), text
    assert codes(run(log, tmp_path)) == {"record-unreadable": 1}


def test_a_salt_and_a_text_of_strange_letters_are_compared(tmp_path: Path) -> None:
    story = tell_story()
    story.log.records[0] = "", "\ud800\u0000"
    assert codes(run(story.log, tmp_path)) == {"record-changed": 1}


def test_a_full_disk_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's own bound plays the disk: its pages are used up by the story's rows."""
    monkeypatch.setattr(tables, "_TABLES", f"{tables._TABLES}; PRAGMA max_page_count = 3;")
    with pytest.raises(AuditError, match=r"disk is full.*SQLITE_TMPDIR"):
        run(tell_story().log, tmp_path)


def test_records_in_another_order_are_refused(written: Path) -> None:
    file = written / "decisions/records.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[::-1]))
    fails(written, "records come in order")


@pytest.mark.parametrize(
    "line",
    [b"\xff" * 40, b"", b"\0" * 500, b"[" * 500, b'{"at":99999999999,"digest":"' + b"0" * 64 + b'","kind":"decision"}'],
)
def test_leaves_of_any_bytes_are_hashed_and_named(tmp_path: Path, line: bytes) -> None:
    log = HonestLog(leaves=[line])
    assert codes(run(log, tmp_path)) == {"leaf-unreadable": 1}


@pytest.mark.parametrize("name", ["decisions/leaves.jsonl", "decisions/records.jsonl", "issued/issued.jsonl"])
def test_a_pipe_and_a_device_are_refused_at_once(written: Path, name: str) -> None:
    (written / name).unlink()
    os.mkfifo(written / name)
    fails(written, "can't read")
    (written / name).unlink()
    (written / name).symlink_to("/dev/zero")
    fails(written, "can't read")


def test_copies_are_found_as_they_were_exported(written: Path) -> None:
    whole = copies.find_copies(written, written)
    assert copies.find_copies(written / "decisions", written / "issued") == whole
    assert copies.find_copies(written / "decisions/leaves.jsonl", written / "issued/issued.jsonl") == whole
    with pytest.raises(CopiesError, match="movepass service export"):
        copies.find_copies(written / "nowhere", written)
    with pytest.raises(CopiesError, match="movepass service export"):
        copies.find_copies(written, written / "decisions")


def test_many_findings_are_counted_and_some_are_kept(tmp_path: Path) -> None:
    log = HonestLog()
    for _ in range(KEPT_MAX + 50):
        log.issue_unlogged()
    report = run(log, tmp_path)
    assert codes(report) == {"pass-without-decision": KEPT_MAX + 50}
    assert len(report.to_json()["findings"]) == KEPT_MAX + 1
    assert report.findings.failures == KEPT_MAX + 50


def test_every_code_has_a_lie() -> None:
    """A code that no test provokes could be one that no audit finds."""
    source = Path(__file__).read_text("utf-8")
    assert [code for code in (*FAILURES, *NOTICES) if f'"{code}"' not in source] == []
