"""What an auditor at the desk can see: the log's heads, what was administered, and how to audit without trusting us."""

from typing import Any

from movepass_service.desk.front import DeskFront
from movepass_service.desk.pages.shown import action_name, actor_name
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
    """Return an act of administration as a line; what describes it is written as it is kept."""
    more = [f"{key}: {value}" for key, value in act.items() if key not in _SHOWN_APART]
    return {
        "at": act["at"],
        "what": action_name(t, str(act["action"])),
        "who": actor_name(t, str(act["actor"])),
        "more": "; ".join(more),
    }
