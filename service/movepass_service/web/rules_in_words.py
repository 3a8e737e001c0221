"""The rules in force as people read them: for each row what it looks at, in words, and what then happens."""

from dataclasses import dataclass

from movepass_service.rules import OTHER_REASON, RuleSet
from movepass_service.rules.columns import COLUMNS, Condition
from movepass_service.web.words import Words
from movepass_wire.codes import DISTRICTS, REASONS

_TIMES = frozenset({"minutes", "lead_minutes"})
_HOUR_MINUTES = 60
_MINUTE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class WrittenRule:
    """One row.

    Attributes:
        conditions: all must hold; none where the row is for whatever is left.
        action: approve, reject or refer.
        told: what the applicant reads.
    """

    conditions: tuple[str, ...]
    action: str
    told: str


def write_rules(t: Words, rules: RuleSet, day: int) -> list[WrittenRule]:
    """Write the rows that are in force on a day in Dhaka, in their order."""
    return [
        WrittenRule(
            tuple(_write(t, name, condition) for name, condition in row.when.items()),
            str(row.action),
            rules.table.texts[row.code][t.language],
        )
        for row in rules.table.rows
        if row.holds_on(day)
    ]


def _write(t: Words, name: str, condition: Condition) -> str:
    column = COLUMNS[name]
    if column.is_flag:
        return t(f"rules.flag.{name}.{'yes' if True in condition else 'no'}")
    label = t(f"rules.column.{name}")
    if not isinstance(condition, range):
        names = [_name(t, name, str(value)) for value in column.words if value in condition]
        return t("rules.one-of", label=label, names=", ".join(names))
    least, most = _amount(t, name, condition.start), _amount(t, name, condition.stop - 1)
    domain = column.domain
    if condition.start == domain[0]:
        return t("rules.at-most", label=label, most=most)
    if condition[-1] == domain[-1]:
        if name in _TIMES and condition.start % _HOUR_MINUTES == 1:
            return t("rules.more-than", label=label, least=_amount(t, name, condition.start - 1))
        return t("rules.at-least", label=label, least=least)
    return t("rules.between", label=label, least=least, most=most)


def _name(t: Words, column: str, value: str) -> str:
    if column == "evidence":
        return t(f"rules.evidence.{value}")
    if column == "reason":
        return t("rules.reason-other") if value == OTHER_REASON else t.named(REASONS, value)
    return t.named(DISTRICTS, value)


def _amount(t: Words, column: str, value: int) -> str:
    if column not in _TIMES:
        return t.number(value)
    hours, minutes = divmod(value, _HOUR_MINUTES)
    if hours and minutes:
        return t("rules.minutes-hours", hours=hours, minutes=minutes)
    return t.span(value * _MINUTE_SECONDS)
