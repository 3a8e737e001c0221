"""Name what an audit can find. docs/audit.md says for each code what it means and what to do."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from movepass_wire.number import format_number
from movepass_wire.times import day_name

FAILURES = {
    "head-signature": "a head that the authority's online key did not sign",
    "other-log": "a head of another log",
    "split-view": "two heads of one size with different roots",
    "head-backwards": "a later head that covers fewer leaves, or one that covers leaves newer than itself",
    "log-cut": "fewer leaves than a head covers",
    "log-changed": "leaves that are not those of a head",
    "leaf-unreadable": "a leaf of no known form",
    "time-backwards": "a time before that of an earlier leaf",
    "record-changed": "a record that is not that of its leaf",
    "record-unreadable": "a record that is that of its leaf and can't be read",
    "record-time": "a record of another time than its leaf",
    "record-removed": "a record that is missing too early",
    "record-without-leaf": "a record at a position without a decision",
    "pass-without-decision": "an issued pass that the log does not have",
    "pass-logged-twice": "two leaves for one pass",
    "no-approval": "a pass whose decision does not approve, or is none",
    "decision-after-pass": "a decision that was written after the pass it approves",
    "logged-late": "a pass that was logged after its trip, as one that was sold before",
    "decision-used-twice": "one decision for two passes that do not replace each other",
    "replaces-nothing": "a pass that replaces one of another application, or one that is not there",
    "confirmed-alone": "a decision that whoever proposed it confirmed",
    "two-in-force": "two passes in force for one application",
    "replaced-in-force": "a pass that a correction replaced, and that is not revoked",
    "not-revoked": "a pass whose approval was reversed, and that is not revoked",
    "payload-differs": "a payload other than the log's",
    "payload-removed": "a payload that is missing too early",
    "not-in-ledger": "a pass of the log that the ledger does not have",
    "listed-twice": "a pass that the ledger's copy has twice",
    "found-without-decision": "a pass found at the roadside that the log does not have",
    "found-with-other-payload": "a pass found at the roadside with a payload other than the log's",
}
NOTICES = {
    "signatures-not-checked": "no device's store was given, so nobody knows who signed the heads",
    "published-head-missing": "the published head was not given",
    "other-region": "another region's log is published as well",
    "not-covered": "leaves that no head covers yet",
    "not-revoked-yet": "passes to be revoked since a few minutes",
    "found-not-covered": "a pass found at the roadside that may be newer than the head",
    "found-forged": "a pass found at the roadside that the authority did not sign",
    "index-gap": "indexes between others that the ledger's copy does not have",
    "reissued-in-force": "passes issued again under the same decision, of which the first is not revoked",
    "console-decisions": "decisions at the console instead of the desk",
    "officer-share": "an officer who approves far more than colleagues",
    "officer-speed": "an officer who approves faster than anybody reads",
    "officer-own-appeal": "an officer who approved after having rejected the same application",
}
KEPT_MAX = 200
"""Findings of one code that are kept in full; all are counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an audit found.

    Attributes:
        code: one of FAILURES or NOTICES.
        words: what was found, for people.
        position: the leaf that it is about, from 0.
        pass_key: the pass that it is about, as (day, index).
        details: more values, for programs.
    """

    code: str
    words: str
    position: int | None = None
    pass_key: tuple[int, int] | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def is_failure(self) -> bool:
        """Return whether something is wrong; a notice is only to be looked at."""
        return self.code in FAILURES

    def to_json(self) -> dict[str, Any]:
        """Return the object that `audit --json` shows."""
        found: dict[str, Any] = {"code": self.code, "failure": self.is_failure, "words": self.words}
        if self.position is not None:
            found["position"] = self.position
        if self.pass_key is not None:
            day, index = self.pass_key
            found |= {"day": day, "index": index, "pass_number": format_number(day, index)}
        return found | self.details


class Findings:
    """The findings of an audit: the first of each code in full, and the count of all."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._kept: dict[str, list[Finding]] = {}

    def add(
        self,
        code: str,
        words: str,
        position: int | None = None,
        pass_key: tuple[int, int] | None = None,
        **details: Any,
    ) -> None:
        """Add a finding; see Finding."""
        assert code in FAILURES or code in NOTICES  # noqa: S101 - a misspelt code would be a notice
        self.counts[code] += 1
        if self.counts[code] <= KEPT_MAX:
            self._kept.setdefault(code, []).append(Finding(code, words, position, pass_key, details))

    def __iter__(self) -> Iterator[Finding]:
        """Go through the findings that are kept: failures first, each code together."""
        for code in (*FAILURES, *NOTICES):
            yield from self._kept.get(code, ())

    @property
    def failures(self) -> int:
        """Count what is wrong."""
        return sum(count for code, count in self.counts.items() if code in FAILURES)


def name_pass(day: int, index: int) -> str:
    """Name a pass as people do and as the log does."""
    return f"pass {format_number(day, index)} (day {day_name(day)}, index {index})"
