"""Show auditors the log's heads, the acts of administration, and how to audit without trusting this page."""

from typing import Any

from movepass_service.desk.front import DeskFront
from movepass_service.desk.pages.shown import action_name, actor_name, reason_name
from movepass_service.officers.accounts import Session
from movepass_service.web.exchange import Answer, Request
from movepass_service.web.words import Words

ENTRIES = 50
HEADS = 10
_SHOWN_APART = frozenset(["action", "actor", "at"])


def show(front: DeskFront, request: Request, session: Session) -> Answer:
    """Show the newest heads, the last acts of administration, and the commands of an audit."""
    t, store = front.words(request), front.service.store
    newest = store.newest_head()
    context = {
        "size": store.log_size(),
        "newest": newest.note if newest else "",
        "covered": newest.size if newest else 0,
        "published": store.published_heads(HEADS),
        "entries": [_entry(t, act) for act in store.administration(ENTRIES)],
    }
    return front.show(request, session, "audit.html", context)


def _entry(t: Words, act: dict[str, Any]) -> dict[str, Any]:
    """Return an act of administration as a line: when, what, by whom, and whatever describes it."""
    rest = {name: value for name, value in act.items() if name not in _SHOWN_APART}
    who = actor_name(t, str(act["actor"]))
    officer = rest.pop("officer", who)
    before, after = rest.pop("from", {}), rest.pop("to", {})
    more = [] if officer == who else [officer]
    more += [t("act.of", what=_label(t, name), value=_value(t, name, value)) for name, value in rest.items()]
    more += [
        t("act.change", what=_label(t, name), before=_value(t, name, before[name]), after=_value(t, name, after[name]))
        for name in after
    ]
    return {"at": act["at"], "what": action_name(t, str(act["action"])), "who": who, "more": "; ".join(more)}


def _label(t: Words, name: str) -> str:
    """Name what describes an act; what has no name here is shown as it is kept."""
    return t(f"act.{name}") if t.has(f"act.{name}") else name


def _value(t: Words, name: str, value: object) -> str:
    """Write a value of an act: roles, outcomes and reasons of trips in words, lists with commas."""
    if isinstance(value, list):
        names = [reason_name(t, str(one)) if name == "four_eyes_reasons" else str(one) for one in value]
        return ", ".join(names) or t("act.none")
    if isinstance(value, int):
        return t.number(value)
    key = {"role": f"role.{value}", "outcome": f"outcome.{value}"}.get(name, "")
    return t(key) if t.has(key) else str(value)
