"""The SQLite ledger against a plain dict and sets, whatever is asked of it in whatever order."""

import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from movepass_issuer.errors import UnknownPassError
from movepass_issuer.issuing.ledger import PERSONAL_DAYS, REQUEST_DAYS, Announced, Entry, Request
from movepass_issuer.storage.sqlite_ledger import SqliteLedger

TODAY = 20_779
NAMES = [f"R-{n}" for n in range(12)]
days = st.integers(TODAY, TODAY + 3)
names = st.sampled_from(NAMES)


@dataclass
class Model:
    """The content that a ledger should have.

    Attributes:
        entries: by request id.
        given: how many indexes of each day have been given or skipped, for ever.
        pending: what is revoked and not settled.
        announced: in the order of their versions.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    given: dict[int, int] = field(default_factory=dict)
    pending: set[tuple[int, int]] = field(default_factory=set)
    announced: list[Announced] = field(default_factory=list)

    def reserve(self, request: Request) -> Entry:
        if request.request_id not in self.entries:
            index = self.given.get(request.day, 0)
            self.given[request.day] = index + 1
            entry = Entry(request.request_id, request.content_hash, request.day, index)
            self.entries[request.request_id] = entry
        return self.entries[request.request_id]

    def change(self, name: str, **values: Any) -> None:
        self.entries[name] = replace(self.entries[name], **values)

    def at(self, day: int, index: int) -> Entry | None:
        return next((e for e in self.entries.values() if (e.day, e.index) == (day, index)), None)


class LedgerMachine(RuleBasedStateMachine):
    """Does the same to a ledger and to the model."""

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")  # every commit is synced to the disk
        self.folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        self.model = Model()
        self.today = TODAY
        self.version = self.announcements = 0

    @initialize()
    def make(self) -> None:
        self.ledger = SqliteLedger(self.folder / "ledger.sqlite", create=True)

    def teardown(self) -> None:
        self.ledger.close()
        shutil.rmtree(self.folder)

    @rule(wanted=st.lists(st.builds(Request, names, st.sampled_from([b"a" * 32, b"b" * 32]), days), max_size=4))
    def reserve(self, wanted: list[Request]) -> None:
        assert self.ledger.reserve(wanted) == [self.model.reserve(request) for request in wanted]

    @rule(texts=st.dictionaries(names, st.sampled_from(["MP1:A", "MP1:B"]), max_size=4))
    def store(self, texts: dict[str, str]) -> None:
        stored = self.ledger.store(list(texts.items()))
        known = {name: text for name, text in texts.items() if name in self.model.entries}
        for name, text in known.items():
            if self.model.entries[name].text is None:
                self.model.change(name, text=text)
        assert stored == {name: self.model.entries[name].text for name in known}

    @rule(day=days, index=st.integers(0, 6), reason=st.sampled_from(["", "lost"]), now=st.integers(0, 9))
    def revoke(self, day: int, index: int, reason: str, now: int) -> None:
        entry = self.model.at(day, index)
        if entry is None:
            with pytest.raises(UnknownPassError):
                self.ledger.revoke(day, index, reason=reason, now=now)
            return
        if entry.revoked_at is None:
            self.model.change(entry.request_id, revoked_at=now, reason=reason)
            self.model.pending.add((day, index))
        assert self.ledger.revoke(day, index, reason=reason, now=now) == self.model.entries[entry.request_id]

    @rule(again=st.booleans())
    def announce(self, again: bool) -> None:  # noqa: FBT001
        """By the next version, or by the same one, as when a publisher was overtaken."""
        self.version += not (again and self.version)
        self.announcements += 1
        announced = Announced(self.version, self.announcements.to_bytes(32))
        self.ledger.announce(announced)
        self.model.announced.append(announced)

    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        """As a publisher does: any of those announced, with any of what was pending, and what never was."""
        if not self.model.announced:
            return
        timestamp = data.draw(st.sampled_from(self.model.announced))
        published = data.draw(st.sets(st.sampled_from(sorted(self.model.pending) or [(TODAY, 99)])))
        self.ledger.settle([*published, (TODAY, 98)], timestamp)
        self.model.pending -= published
        later = [a for a in self.model.announced if a.version > timestamp.version]
        self.model.announced = [replace(timestamp, settled=True), *later]

    @rule(day=days, count=st.integers(1, 3))
    def skip(self, day: int, count: int) -> None:
        self.ledger.skip([day], count)
        self.model.given[day] = self.model.given.get(day, 0) + count

    @rule(later=st.sampled_from([0, 1, PERSONAL_DAYS, REQUEST_DAYS - PERSONAL_DAYS]))
    def forget(self, later: int) -> None:
        self.today += later
        self.ledger.forget(self.today)
        for name, entry in list(self.model.entries.items()):
            if entry.day < self.today - REQUEST_DAYS:
                del self.model.entries[name]
            elif entry.day < self.today - PERSONAL_DAYS and entry.text is not None:
                self.model.change(name, text="")

    @rule()
    def open_again(self) -> None:
        self.ledger.close()
        self.ledger = SqliteLedger(self.folder / "ledger.sqlite")

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        entries = list(self.model.entries.values())
        assert self.ledger.find(NAMES) == self.model.entries
        assert self.ledger.pending() == sorted(self.model.pending)
        assert self.ledger.announced() == self.model.announced
        for day in range(TODAY, TODAY + 4):
            revoked = sorted(e.index for e in entries if e.day == day and e.revoked_at is not None)
            assert (sorted(self.ledger.revoked(day)), self.ledger.revoked_count(day)) == (revoked, len(revoked))
        found = [entry for some in self.ledger.in_force(TODAY + 1) for entry in some]
        wanted = [e for e in entries if e.day > TODAY and e.revoked_at is None and e.text]
        assert found == sorted(wanted, key=lambda e: (e.day, e.index))

    @invariant()
    def no_index_is_given_twice(self) -> None:
        places = [(e.day, e.index) for e in self.model.entries.values()]
        assert len(set(places)) == len(places)


LedgerMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestLedger = LedgerMachine.TestCase
