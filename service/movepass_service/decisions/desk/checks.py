"""Check who may decide a case, and whether that takes two officers. Pure: facts come as arguments."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from movepass_service.decisions.desk.cases import Case
from movepass_service.decisions.desk.settings import DeskSettings
from movepass_service.decisions.desk.values import DeskError
from movepass_service.decisions.reasons import ACTIONS, NOTE_MAX_CHARS, codes_of
from movepass_service.decisions.records import officer_of
from movepass_service.stores.desk import Hold
from movepass_wire.text import ZWJ, ZWNJ, normalise


def read_code(action: str, code: str | None) -> str:
    """Return the reason of a decision: the one that was given, or the usual one of its action.

    Raises:
        DeskError: unknown-action, unknown-reason.
    """
    if action not in ACTIONS:
        raise DeskError("unknown-action", f"expected one of {', '.join(ACTIONS)}, got {action[:40]!r}")
    codes = codes_of(action)
    if code is not None and code not in codes:
        raise DeskError("unknown-reason", f"reason: expected one of {', '.join(codes)}, got {code[:40]!r}")
    return code or codes[0]


def read_note(text: str | None, *, is_needed: bool = False) -> str:
    """Return a note on one line, with a question mark for what nobody can see, but for the joiners of Bangla.

    Raises:
        DeskError: note-length: it is too long, or empty where something must be said.
    """
    words = " ".join(normalise(text or "").split())
    if len(words) > NOTE_MAX_CHARS or (is_needed and not words):
        least = 1 if is_needed else 0
        message = f"a note has {least} to {NOTE_MAX_CHARS} characters, got {len(words)}"
        raise DeskError("note-length", message, max=NOTE_MAX_CHARS)
    return "".join(letter if letter.isprintable() or ord(letter) in (ZWJ, ZWNJ) else "?" for letter in words)


def officers_in(history: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the officers who decided an application before, or proposed what was decided."""
    actors = (record.get(key) for record in history for key in ("actor", "proposed_by"))
    return frozenset(filter(None, (officer_of(actor) for actor in actors if actor)))


def appealed_against(history: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Return the officers whom an appeal keeps from an application: those who had to do with it before the last one."""
    appeals = [place for place, record in enumerate(history) if record["action"] == "appeal"]
    return officers_in(history[: appeals[-1]]) if appeals else frozenset()


def second_officer(case: Case, settings: DeskSettings) -> str:
    """Return why a case can be approved by two officers alone: "reason", "row", or ""."""
    if case.reason in settings.four_eyes_reasons:
        return "reason"
    return "row" if case.row in settings.four_eyes_rows else ""


def is_leased(hold: Hold | None, clock: int) -> bool:
    """Return whether somebody has a lease that has not ended."""
    return hold is not None and bool(hold.officer) and hold.until > clock
