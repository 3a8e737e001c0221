"""Look up officers, settings and cases for all parts of the desk, and find conflicts of interest."""

import hashlib
import hmac
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from movepass_service.accounts import Accounts
from movepass_service.applications.references import parse_reference
from movepass_service.decisions.desk.cases import Case, read_case
from movepass_service.decisions.desk.checks import appealed_against
from movepass_service.decisions.desk.clock import DeskClock
from movepass_service.decisions.desk.settings import NAME as SETTINGS
from movepass_service.decisions.desk.settings import DeskSettings
from movepass_service.decisions.desk.values import DeskError
from movepass_service.decisions.reasons import REASONS
from movepass_service.decisions.records import Decision
from movepass_service.errors import UnknownApplication
from movepass_service.rules import RuleSet
from movepass_service.stores.desk import Changed, Draw, Hold
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import Officer, Store

CASES_MAX = 10_000
HOLDS_MAX = 20_000
HOUR = 3600
LISTED_SECONDS, LISTED_MIN = 1.0, 1_000
"""A queue of at least so many cases is read at most once in so many seconds; every claim and decision looks again."""
_DRAW_KEY, _DRAW_KEY_BYTES = "second-look-key", 32
_DRAW_RANGE = 1 << 64


class DeskCore:
    """The base of the desk's parts."""

    def __init__(
        self,
        store: Store,
        rules: Callable[[str | None], RuleSet],
        accounts: Accounts | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        cases_max: int = CASES_MAX,
    ) -> None:
        """Take what the desk works with.

        Args:
            store: where applications are kept.
            rules: finds a rule set by its version.
            accounts: registered numbers, by which an officer's own applications are known; None where nobody registers.
            monotonic: runs on evenly, in seconds.
            cases_max: how many cases a page reads, the most urgent ones; where more wait, the queue says so.
        """
        self._cases_max = cases_max
        self._store = store
        self._rules = rules
        self._accounts = accounts
        self._clock = DeskClock(store, monotonic)
        self._monotonic = monotonic
        self._known: dict[int, Case] = {}
        self._listed: tuple[float, list[Case]] = (monotonic(), [])
        self._gone: set[int] = set()

    def officer(self, name: str) -> Officer:
        """Look up an officer.

        Raises:
            DeskError: unknown-officer.
        """
        found = self._store.officer(name)
        if found is None:
            raise DeskError("unknown-officer", f"there is no officer {name[:64]!r}; see movepass service officer add")
        return found

    def settings(self) -> DeskSettings:
        """Return the settings in force."""
        return DeskSettings.from_bytes(self._store.noted(SETTINGS))

    def _find(self, reference: str) -> Kept:
        kept = self._store.find(parse_reference(reference))
        if kept is None:
            raise UnknownApplication("no application of this reference")
        return kept

    def _cases(self) -> list[Case]:
        """Return what waits, most urgent first.

        What was read before and has not changed is not read again. A long queue may be LISTED_SECONDS old, but for what
        was decided here.
        """
        at, listed = self._listed
        if len(listed) >= LISTED_MIN and self._monotonic() - at < LISTED_SECONDS:
            return [case for case in listed if case.kept.number not in self._gone]
        begun, known, self._gone = self._monotonic(), self._known, set()
        cases = [
            old if (old := known.get(kept.number)) is not None and old.kept == kept else read_case(kept)
            for kept in self._store.cases(self._cases_max)
        ]
        self._known = {case.kept.number: case for case in cases}
        self._listed = (begun, cases)
        return cases

    def _holds(self) -> Mapping[int, Hold]:
        return {hold.number: hold for hold in self._store.holds(HOLDS_MAX)}

    def _conflicts_of(self, officer: Officer, now: int) -> Callable[[Case], str]:
        """Return what says why an officer must not decide a case: "own", "decided-before", or ""."""
        is_own = self._ownership(officer, now)

        def conflict(case: Case) -> str:
            if is_own(case):
                return "own"
            may_be_appeal = case.is_appeal or case.kept.correction  # which an officer asked for who had the appeal
            if may_be_appeal and officer.name in appealed_against(self._store.history(case.kept.number)):
                return "decided-before"
            return ""

        return conflict

    def _check_conflict(self, officer: Officer, case: Case, now: int) -> None:
        why = self._conflicts_of(officer, now)(case)
        if why == "own":
            raise _own()
        if why:
            raise DeskError("decided-before", "an appeal is for an officer who did not decide the application before")

    def _check_own(self, officer: Officer, case: Case, now: int) -> None:
        if self._ownership(officer, now)(case):
            raise _own()

    def _ownership(self, officer: Officer, now: int) -> Callable[[Case], bool]:
        """Return what tells whether an application came from an officer's own telephone.

        It did if it names the telephone, if it was sent while the telephone was signed in, or if its assistant or
        employer is who the telephone was appointed for.
        """
        phone = officer.phone
        if phone is None:
            return lambda _case: False
        sent = self._accounts.references_of(phone, now=now) if self._accounts else frozenset()
        helper = self._accounts.helper_of(phone) if self._accounts else None

        def is_own(case: Case) -> bool:
            content = case.application
            if case.reference in sent:
                return True
            if content is None:
                return False
            vouched = (content.evidence, content.on_behalf_of)
            return content.phone == phone or (helper is not None and vouched == (helper.role, helper.name))

        return is_own

    def _drawer(self) -> Draw:
        """Return what draws approvals for a second look: by a key that no officer knows, so that nobody foresees it.

        Key and share are read here: the draw itself runs inside the store's transaction.
        """
        key, share = self._draw_key(), self.settings().second_look_percent

        def draw(digest: bytes) -> bool:
            number = int.from_bytes(hmac.digest(key, digest, hashlib.sha256)[:8], "big")
            return number * 100 < share * _DRAW_RANGE

        return draw

    def _draw_key(self) -> bytes:
        key = self._store.noted(_DRAW_KEY)
        if key is None:
            with suppress(Changed):  # another process was quicker, and its key counts
                self._store.replace_noted(_DRAW_KEY, None, os.urandom(_DRAW_KEY_BYTES), 0)
            key = self._store.noted(_DRAW_KEY)
            assert key is not None  # noqa: S101 - just stored
        return key


def _own() -> DeskError:
    return DeskError("own", "an application that came from an officer's own telephone is for another officer")


def make_decision(
    action: str, actor: str, code: str, note: str, *, proposed_by: str | None = None, batch: str | None = None
) -> Decision:
    """Return an officer's decision, with the reason's words."""
    return Decision(action, actor, code, REASONS[code], note=note or None, proposed_by=proposed_by, batch=batch)


@contextmanager
def once() -> Iterator[None]:
    """Raise the desk's own error where somebody was quicker.

    Raises:
        DeskError: changed.
    """
    try:
        yield
    except Changed as e:
        raise DeskError("changed", f"{e}; look at it again") from e
