"""Says in words why an application waits for an officer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from movepass_service.decisions.records import RULES, SERVICE
from movepass_service.errors import ServiceError
from movepass_service.rules import RuleSet
from movepass_service.rules.wording import describe_row
from movepass_service.stores.kept import Kept

LANGUAGES = ("bn", "en")


def explain(
    kept: Kept, history: Sequence[Mapping[str, Any]], rules: Callable[[str | None], RuleSet]
) -> Mapping[str, tuple[str, ...]]:
    """Return by language why rules, or the service, referred or rejected an application the last time.

    Args:
        kept: the application.
        history: the records of its decisions, the first one at the beginning.
        rules: finds a rule set by its version.

    Returns:
        The reason, and then the conditions of the row in words; less where something of it is not known any longer.
    """
    decided = (one for one in reversed(history) if one["actor"] in (RULES, SERVICE))
    record = next((one for one in decided if one["action"] in ("refer", "reject")), None)
    if record is None:
        return dict.fromkeys(LANGUAGES, ())
    texts = kept.reason[1] if kept.reason and kept.reason[0] == record["code"] else {}
    try:
        table = rules(record.get("rules")).table if record["actor"] == RULES else None
    except ServiceError:  # rules that are gone explain nothing, and hide no case
        table = None
    texts = texts or (table.texts.get(record["code"], {}) if table else {})
    row = next((row for row in table.rows if row.id == record.get("row")), None) if table else None
    return {
        language: (*filter(None, [texts.get(language)]), *(describe_row(row, language) if row else ()))
        for language in LANGUAGES
    }
