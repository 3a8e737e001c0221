"""A desk with cases for tests: a store, officers, and a clock that a test moves."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from movepass_service.accounts import Accounts
from movepass_service.applications.application import read_application
from movepass_service.applications.references import write_reference
from movepass_service.applications.states import State
from movepass_service.decisions.desk import Desk, DeskError, DeskSettings
from movepass_service.decisions.officers import add_officer
from movepass_service.rules import RuleSet
from movepass_service.rules.kept import KeptRules
from movepass_service.stores.kept import Kept
from movepass_service.stores.sqlite.store import SqliteStore
from movepass_service.stores.store import Issued, Officer
from support.applications import decision, draft, form, rules, run

NOW = 1795316400  # 2026-11-22T09:00:00+06:00, a Sunday
DAY = NOW // 86400
PHONE = "01712345678"
RULES = rules("office", ("minutes = { at_least = 181 }", "reject"), ("", "refer"))


@dataclass
class Office:
    """A store with officers, a desk over it, and what time it is."""

    store: SqliteStore
    accounts: Accounts
    now: int = NOW
    ticks: float = 0.0
    desk: Desk = field(init=False)
    numbers: int = 0

    def __post_init__(self) -> None:
        self.desk = self.new_desk()
        self.store.add_rules(RuleSet.from_toml(RULES).version, RULES, NOW)
        for name, role in (("Asma", "officer"), ("Babul", "officer"), ("Chandra", "officer"), ("Dipa", "supervisor")):
            setattr(self, name.lower(), add_officer(self.store, name, role, NOW).officer)

    asma: Officer = field(init=False)
    babul: Officer = field(init=False)
    chandra: Officer = field(init=False)
    dipa: Officer = field(init=False)

    def new_desk(self) -> Desk:
        """Open the desk again, as another process does."""
        return Desk(self.store, KeptRules(self.store), self.accounts, monotonic=lambda: self.ticks)

    def wait(self, seconds: int) -> None:
        """Let time go by."""
        self.now += seconds
        self.ticks += seconds

    def case(self, action: str = "refer", person: bytes | None = None, row: str = "row-1", **changes: Any) -> str:
        """Put in an application that rules referred (or decided otherwise); returns its reference."""
        self.numbers += 1
        reference = reference_of(self.numbers)
        changes.setdefault("holder__id_number", None)
        changes.setdefault("holder__id_last", "4856")
        content = replace(read_application(form(self.now, **changes), now=self.now), id_hash=person)
        content = replace(content, **{key: value for key, value in self.vouched.items() if value})
        run(self.store.submit([draft(content, client=reference.encode(), reference=reference)], self.now))
        decided = decision(action, row=row, code="officer", rules_version="office", rules_digest="00")
        assert self.store.decide_next(1, lambda *_: decided, self.now) == 1
        return reference

    vouched: dict[str, Any] = field(default_factory=dict)

    def kept(self, reference: str) -> Kept:
        """Look an application up."""
        kept = self.store.find(reference)
        assert kept is not None
        return kept

    def state(self, reference: str) -> State:
        """Tell an application's state."""
        return self.kept(reference).state

    def records(self, reference: str) -> list[dict[str, Any]]:
        """Return the records of an application's decisions."""
        return self.store.history(self.kept(reference).number)

    def change(self, **changes: Any) -> None:
        """Change the desk's settings as the supervisor."""
        found = self.desk.settings()
        self.desk.change_settings(self.dipa, found, DeskSettings.from_json(found.to_json() | changes), now=self.now)

    def approve(self, officer: Officer, reference: str, **more: Any) -> State:
        """Claim a case and approve it."""
        self.desk.claim(officer, reference, now=self.now)
        return self.desk.decide(officer, reference, "approve", now=self.now, **more).state

    def issue(self, reference: str) -> None:
        """Let the issuer have made the pass of what was approved."""
        kept = self.kept(reference)
        made = Issued(kept.number, kept.correction, f"PASS-{kept.number}", "MP1:TEXT", DAY, 10 * kept.number, bytes(8))
        self.store.record_issued([made], self.now)

    def correct(self, reference: str, action: str = "refer", **changes: Any) -> None:
        """Let the applicant correct an application, and rules refer it again or decide otherwise."""
        content = replace(self.kept(reference).application(), **(changes or {"language": "en"}))
        run(self.store.correct(reference, str(changes).encode(), content, self.now))
        self.store.decide_next(1, lambda *_: decision(action, row="row-1"), self.now)

    def has_phone(self, officer: Officer, phone: str = "+8801712345678") -> Officer:
        """Return an officer with a telephone."""
        return replace(officer, phone=phone)


@contextmanager
def refused(code: str) -> Iterator[None]:
    """Expect that the desk refuses with a code."""
    with pytest.raises(DeskError) as error:
        yield
    assert error.value.code == code, error.value


def reference_of(number: int) -> str:
    """Write a number as a reference that people can type: with a check symbol."""
    return write_reference(number)


@contextmanager
def office_in(folder: Path) -> Iterator[Office]:
    """Open an office in a folder."""
    with closing(SqliteStore(folder)) as store, closing(Accounts.open(folder)) as accounts:
        yield Office(store, accounts)
