"""Explains in words why an application waits for an officer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from movepass_service.decisions.records import RULES, SERVICE
from movepass_service.errors import ServiceError
from movepass_service.rules import RuleSet
from movepass_service.rules.wording import describe_row
from movepass_service.stores.kept import Kept

LANGUAGES = ("bn", "en")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an application was referred or rejected, in one language.

    Attributes:
        told: the reason as the applicant reads it; empty if it is no longer known.
        conditions: of the row that decided; none if no row decided, or if its rules are gone.
    """

    told: str = ""
    conditions: tuple[str, ...] = ()


def explain(
    kept: Kept, history: Sequence[Mapping[str, Any]], rules: Callable[[str | None], RuleSet]
) -> Mapping[str, Explanation]:
    """Return by language why the rules or the service last referred or rejected an application.

    Args:
        kept: the application.
        history: the records of its decisions, the first one at the beginning.
        rules: finds a rule set by its version.
    """
    decided = (one for one in reversed(history) if one["actor"] in (RULES, SERVICE))
    record = next((one for one in decided if one["action"] in ("refer", "reject")), None)
    if record is None:
        return dict.fromkeys(LANGUAGES, Explanation())
    texts = kept.reason[1] if kept.reason and kept.reason[0] == record["code"] else {}
    try:
        table = rules(record.get("rules")).table if record["actor"] == RULES else None
    except ServiceError:  # rules that are gone explain nothing, and hide no case
        table = None
    texts = texts or (table.texts.get(record["code"], {}) if table else {})
    row = next((row for row in table.rows if row.id == record.get("row")), None) if table else None
    return {
        language: Explanation(texts.get(language) or "", tuple(describe_row(row, language)) if row else ())
        for language in LANGUAGES
    }
