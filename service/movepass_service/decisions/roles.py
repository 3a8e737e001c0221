"""The table of roles at the desk and the actions that each allows."""

from collections.abc import Mapping
from enum import StrEnum

from movepass_service.errors import ServiceError
from movepass_service.stores.store import Officer

ROLES = ("officer", "supervisor", "rule-author", "manager", "auditor")


MANAGER = "manager"


class Action(StrEnum):
    """Something that a role allows, or does not."""

    SEE_CASES = "see-cases"
    """The queue, a case with its content, its history and notes."""
    DECIDE = "decide"
    """Claim, approve, reject, ask for a correction, write a note, confirm another officer's proposal."""
    DECIDE_MANY = "decide-many"
    """A bulk decision, and the undoing of one's own."""
    UNDO_OF_OTHERS = "undo-of-others"
    LOOK_AGAIN = "look-again"
    """A second look at another officer's approval."""
    REVERSE = "reverse"
    """Revoke what was approved; close a second look that ended in disagreement."""
    SEE_SETTINGS = "see-settings"
    CHANGE_SETTINGS = "change-settings"
    SEE_RULES = "see-rules"
    DRAFT_RULES = "draft-rules"
    ACTIVATE_RULES = "activate-rules"
    SEE_REPORTS = "see-reports"
    SEE_OFFICERS_WORK = "see-officers-work"
    """Reports about single officers, by their pseudonyms."""
    SEE_EVENTS = "see-events"
    """Single events of the facts, from which small counts could be made up again."""
    SEE_LOG = "see-log"
    """Decision records, the log's heads, and what was administered; no application."""
    SEE_ACCOUNTS = "see-accounts"
    MANAGE_ACCOUNTS = "manage-accounts"
    """Add officers, change roles, end sessions, enrol again."""


_OFFICER = frozenset(
    [
        Action.SEE_CASES, Action.DECIDE, Action.DECIDE_MANY, Action.LOOK_AGAIN, Action.SEE_SETTINGS, Action.SEE_RULES,
    ]
)  # fmt: skip
_READING = frozenset(
    [
        Action.SEE_SETTINGS, Action.SEE_RULES, Action.SEE_REPORTS, Action.SEE_OFFICERS_WORK, Action.SEE_LOG,
        Action.SEE_ACCOUNTS,
    ]
)  # fmt: skip
ALLOWED: Mapping[str, frozenset[Action]] = {
    "officer": _OFFICER,
    "supervisor": _OFFICER | _READING | {
        Action.UNDO_OF_OTHERS, Action.REVERSE, Action.CHANGE_SETTINGS, Action.ACTIVATE_RULES,
    },
    "rule-author": frozenset(
        [Action.SEE_RULES, Action.DRAFT_RULES, Action.ACTIVATE_RULES, Action.SEE_REPORTS, Action.SEE_SETTINGS]
    ),
    "manager": _READING | {Action.MANAGE_ACCOUNTS},
    "auditor": _READING | {Action.SEE_EVENTS},
}  # fmt: skip
"""The actions of each role. A manager decides nothing, and an auditor changes nothing and reads no application."""


class ForbiddenError(ServiceError):
    """An officer's role does not allow what was asked for.

    Attributes:
        role: theirs.
        action: what was asked for.
    """

    is_input = True

    def __init__(self, officer: Officer, action: Action) -> None:
        roles = ", ".join(roles_that_may(action))
        super().__init__(f"{officer.name} is {officer.role}; {action} is for: {roles}")
        self.role = officer.role
        self.action = action


def may(role: str, action: Action) -> bool:
    """Return whether a role allows an action. An unknown role allows nothing."""
    return action in ALLOWED.get(role, frozenset())


def roles_that_may(action: Action) -> tuple[str, ...]:
    """Return the roles that allow an action."""
    return tuple(role for role in ROLES if may(role, action))


def require(officer: Officer, action: Action) -> None:
    """Check that an officer's role allows an action.

    Raises:
        ForbiddenError: it does not.
    """
    if not may(officer.role, action):
        raise ForbiddenError(officer, action)
