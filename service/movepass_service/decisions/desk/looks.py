"""Second looks: a random share of officers' approvals, which another officer looks at again."""

from dataclasses import replace

from movepass_service.decisions.desk import checks
from movepass_service.decisions.desk.cases import read_case
from movepass_service.decisions.desk.core import DeskCore, make_decision, once
from movepass_service.decisions.desk.values import DeskError
from movepass_service.decisions.reasons import codes_of
from movepass_service.decisions.records import desk_actor
from movepass_service.decisions.roles import Action, may, require
from movepass_service.stores.desk import SecondLook
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import Officer

LOOKS_MAX = 500
"""Second looks that are read at once, the oldest first."""


class SecondLooks(DeskCore):
    """The desk's work on second looks."""

    def second_looks(self, officer: Officer, *, now: int) -> list[tuple[Kept, SecondLook]]:
        """Return approvals that this officer may look at again; for a supervisor also those with a disagreement."""
        require(officer, Action.LOOK_AGAIN)
        outcomes = ("open", "disagreed") if may(officer.role, Action.REVERSE) else ("open",)
        found, is_own = [], self._ownership(officer, now)
        for look in self._store.second_looks(outcomes, LOOKS_MAX):
            kept = self._store.find(look.reference)
            if kept and not _took_part(officer, look) and not is_own(read_case(kept)):
                found.append((kept, look))
        return found

    def record_second_look(self, officer: Officer, decision: int, *, agrees: bool, note: str, now: int) -> SecondLook:
        """Note what a second look found. A disagreement goes to a supervisor.

        Raises:
            DeskError: second-look-own, second-look-done, own, note-length: a disagreement needs a note.
        """
        require(officer, Action.LOOK_AGAIN)
        words = checks.read_note(note, is_needed=not agrees)
        look, _ = self._look(officer, decision, ("open",), now)
        outcome = "agreed" if agrees else "disagreed"
        done = replace(look, outcome=outcome, looked_by=officer.name, looked_at=now, note=words)
        self._put(done, look.outcome, officer, now)
        return done

    def resolve_second_look(self, officer: Officer, decision: int, *, reverse: bool, note: str, now: int) -> SecondLook:
        """Close a disagreement as a supervisor: reverse the approval, which revokes, or uphold it.

        Raises:
            DeskError: second-look-own, second-look-done, own, note-length.
        """
        require(officer, Action.REVERSE)
        words = checks.read_note(note, is_needed=True)
        look, kept = self._look(officer, decision, ("disagreed",), now)
        if reverse and kept.is_reversible:  # first, so that a disagreement is never closed over a pass in force
            reversal = make_decision("revoke", desk_actor(officer.name), codes_of("revoke")[0], words)
            self._store.decide_case(kept.reference, reversal, now)
        outcome = "reversed" if reverse else "upheld"
        done = replace(look, outcome=outcome, resolved_by=officer.name, note=f"{look.note} / {words}")
        self._put(done, look.outcome, officer, now)
        return done

    def _put(self, look: SecondLook, found: str, officer: Officer, now: int) -> None:
        """Keep what a second look found, and its record in the log, which holds nothing of the applicant."""
        actor = desk_actor(officer.name)
        act = {"action": "second-look", "actor": actor, "decision": look.decision, "outcome": look.outcome}
        with once():
            self._store.put_second_look(look, found, now, act)

    def _look(self, officer: Officer, decision: int, outcomes: tuple[str, ...], now: int) -> tuple[SecondLook, Kept]:
        found = self._store.second_look(decision)
        kept = self._store.find(found.reference) if found else None
        if found is None or kept is None or found.outcome not in outcomes:
            raise DeskError("second-look-done", "this approval needs no second look, or had it already")
        if _took_part(officer, found):
            raise DeskError("second-look-own", "another officer looks at what you approved")
        self._check_own(officer, read_case(kept), now)
        return found, kept


def _took_part(officer: Officer, look: SecondLook) -> bool:
    return officer.name in (look.officer, look.proposer)
