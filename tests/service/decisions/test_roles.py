"""Who may do what: the whole table, written a second time, and every method of the desk against it."""

from collections.abc import Callable

import pytest
from support.office import Office

from movepass_service.decisions.desk import Desk, DeskSettings, Filters
from movepass_service.decisions.roles import ALLOWED, ROLES, Action, ForbiddenError, may, require, roles_that_may
from movepass_service.errors import ServiceError
from movepass_service.stores.store import Officer

TABLE = """
                 officer supervisor rule-author manager auditor
see-cases           x        x          -          -       -
decide              x        x          -          -       -
decide-many         x        x          -          -       -
undo-of-others      -        x          -          -       -
look-again          x        x          -          -       -
reverse             -        x          -          -       -
see-settings        x        x          x          x       x
change-settings     -        x          -          -       -
see-rules           x        x          x          x       x
draft-rules         -        -          x          -       -
activate-rules      -        x          x          -       -
see-reports         -        x          x          x       x
see-officers-work   -        x          -          x       x
see-events          -        -          -          -       x
see-log             -        x          -          x       x
see-accounts        -        x          -          x       x
manage-accounts     -        -          -          x       -
"""
HEADING, *LINES = [line.split() for line in TABLE.strip().splitlines()]
METHODS: dict[str, tuple[Action, Callable[[Desk, Officer], object]]] = {
    "queue": (Action.SEE_CASES, lambda desk, me: desk.queue(me, Filters(), now=0)),
    "open_case": (Action.SEE_CASES, lambda desk, me: desk.open_case(me, "x", now=0)),
    "find_reference": (Action.SEE_CASES, lambda desk, me: desk.find_reference(me, "x", now=0)),
    "proposals": (Action.SEE_CASES, lambda desk, me: desk.proposals(me)),
    "batches": (Action.SEE_CASES, lambda desk, me: desk.batches(me, now=0)),
    "claim": (Action.DECIDE, lambda desk, me: desk.claim(me, "x", now=0)),
    "claim_next": (Action.DECIDE, lambda desk, me: desk.claim_next(me, Filters(), now=0)),
    "renew": (Action.DECIDE, lambda desk, me: desk.renew(me, "x", now=0)),
    "release": (Action.DECIDE, lambda desk, me: desk.release(me, "x", now=0)),
    "decide": (Action.DECIDE, lambda desk, me: desk.decide(me, "x", "approve", now=0)),
    "decide_unclaimed": (
        Action.DECIDE,
        lambda desk, me: desk.decide_unclaimed(me, "x", "withdraw", now=0, code=None, note=None, actor=""),
    ),
    "add_note": (Action.DECIDE, lambda desk, me: desk.add_note(me, "x", "seen", now=0)),
    "confirm": (Action.DECIDE, lambda desk, me: desk.confirm(me, "x", now=0)),
    "refuse": (Action.DECIDE, lambda desk, me: desk.refuse(me, "x", now=0, note="no")),
    "bulk_preview": (Action.DECIDE_MANY, lambda desk, me: desk.bulk_preview(me, Filters(), "approve", now=0)),
    "bulk_decide": (Action.DECIDE_MANY, lambda desk, me: desk.bulk_decide(me, ["x"], "approve", now=0)),
    "bulk_undo": (Action.DECIDE_MANY, lambda desk, me: desk.bulk_undo(me, "x", now=0)),
    "second_looks": (Action.LOOK_AGAIN, lambda desk, me: desk.second_looks(me, now=0)),
    "record_second_look": (
        Action.LOOK_AGAIN,
        lambda desk, me: desk.record_second_look(me, 9, agrees=True, note="", now=0),
    ),
    "resolve_second_look": (
        Action.REVERSE,
        lambda desk, me: desk.resolve_second_look(me, 9, reverse=True, note="no", now=0),
    ),
    "reverse": (Action.REVERSE, lambda desk, me: desk.reverse(me, "x", now=0, note="no")),
    "change_settings": (
        Action.CHANGE_SETTINGS,
        lambda desk, me: desk.change_settings(me, DeskSettings(), DeskSettings(undo_s=5), now=0),
    ),
}
OPEN_TO_ALL = {"officer", "settings", "carry_out"}
"""What needs no officer: a look-up, the settings in force, and the worker's own."""


def test_the_table_names_every_role_and_every_action() -> None:
    assert tuple(HEADING) == ROLES == tuple(ALLOWED)
    assert [line[0] for line in LINES] == list(Action)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[0])
def test_each_role_may_do_what_the_table_says_and_nothing_else(line: list[str]) -> None:
    action = Action(line[0])
    assert {role: may(role, action) for role in ROLES} == {
        role: mark == "x" for role, mark in zip(HEADING, line[1:], strict=True)
    }
    assert set(roles_that_may(action)) == {role for role in ROLES if may(role, action)}


def test_an_unknown_role_may_do_nothing() -> None:
    for action in Action:
        with pytest.raises(ForbiddenError):
            require(Officer("X", "king"), action)


def test_every_method_of_the_desk_is_in_the_table() -> None:
    assert {name for name in dir(Desk) if not name.startswith("_")} == METHODS.keys() | OPEN_TO_ALL


@pytest.mark.parametrize("name", METHODS)
def test_every_method_asks_for_the_role_before_anything_else(office: Office, name: str) -> None:
    action, method = METHODS[name]
    for role in (*ROLES, "king"):
        try:
            method(office.desk, Officer("Somebody", role))
            refused = None
        except ServiceError as e:
            refused = e
        assert isinstance(refused, ForbiddenError) != may(role, action)
        if isinstance(refused, ForbiddenError):
            assert (refused.role, refused.action) == (role, action)
