"""Says in Bangla and English what a row or a combination of values is about."""

from collections.abc import Mapping

from movepass_service.rules.columns import COLUMNS, OTHER_REASON, Column, Condition, Evidence, Value
from movepass_service.rules.table import Action, Row
from movepass_wire.codes import DISTRICTS, REASONS
from movepass_words import words

_FLAGS = {
    ("closed", True): {"en": "a district is closed", "bn": "কোনো একটি জেলা বন্ধ"},
    ("closed", False): {"en": "both districts are open", "bn": "দুই জেলাই খোলা"},
    ("overlaps", True): {"en": "the person has another pass for that time", "bn": "ওই সময়ে আরেকটি পাস আছে"},
    ("overlaps", False): {"en": "the person has no other pass for that time", "bn": "ওই সময়ে অন্য পাস নেই"},
    ("phone_verified", True): {"en": "the phone number is verified", "bn": "ফোন নম্বর যাচাই করা"},
    ("phone_verified", False): {"en": "the phone number is not verified", "bn": "ফোন নম্বর যাচাই করা নয়"},
}
_EVIDENCE = {
    Evidence.OWN_WORD: {"en": "nobody", "bn": "কেউ নন"},
    Evidence.ASSISTANT: {"en": "an assistant", "bn": "সহায়তাকারী"},
    Evidence.EMPLOYER: {"en": "the employer", "bn": "প্রতিষ্ঠান"},
}
_OTHER = {"en": "another reason, in words", "bn": "অন্য কারণ, নিজের ভাষায়"}
_ACTIONS = {
    Action.APPROVE: {"en": "approve", "bn": "অনুমোদন"},
    Action.REJECT: {"en": "reject", "bn": "প্রত্যাখ্যান"},
    Action.REFER: {"en": "refer to an officer", "bn": "কর্মকর্তার কাছে পাঠানো"},
}
_EVERY = {"en": "every other application", "bn": "বাকি সব আবেদন"}
_BUT = {"en": "anything but {}", "bn": "{} ছাড়া সব"}
_BETWEEN = {"en": "{} to {}", "bn": "{} থেকে {}"}
_AT_MOST = {"en": "at most {}", "bn": "সর্বোচ্চ {}"}
_AT_LEAST = {"en": "at least {}", "bn": "কমপক্ষে {}"}
_MORE_THAN = {"en": "more than {}", "bn": "{}র বেশি"}
_HOUR_MINUTES = 60
_HOURS = {"en": "{} h", "bn": "{} ঘণ্টা"}
_MINUTES = {"en": "{} min", "bn": "{} মিনিট"}


def describe_action(action: Action, language: str) -> str:
    """Return a decision in words."""
    return _ACTIONS[action][language]


def describe_row(row: Row, language: str) -> tuple[str, ...]:
    """Return a row's conditions in words, one for each column that it looks at."""
    return describe(row.when, language) or (_EVERY[language],)


def describe(
    conditions: Mapping[str, Condition], language: str, columns: Mapping[str, Column] = COLUMNS
) -> tuple[str, ...]:
    """Return conditions in words, in the order of the columns."""
    return tuple(
        _condition(column, conditions[name], language) for name, column in columns.items() if name in conditions
    )


def _condition(column: Column, condition: Condition, language: str) -> str:
    label = column.bn if language == "bn" else column.en
    if isinstance(condition, range):
        return f"{label}: {_span(column, condition, language)}"
    if column.is_flag:
        return " / ".join(_flag(column, value, language) for value in sorted(condition))
    rest = [word for word in column.words if word not in condition]
    if rest and len(rest) < len(condition):
        return f"{label}: {_BUT[language].format(_listed(column, rest, language))}"
    return f"{label}: {_listed(column, [word for word in column.words if word in condition], language)}"


def _flag(column: Column, value: Value, language: str) -> str:
    said = _FLAGS.get((column.name, bool(value)))
    return said[language] if said else f"{column.name}: {value}"


def _listed(column: Column, values: list[str | bool], language: str) -> str:
    return ", ".join(_word(column, str(value), language) for value in values)


def _word(column: Column, word: str, language: str) -> str:
    if column.name == "evidence":
        return _EVIDENCE[Evidence(word)][language]
    if word == OTHER_REASON:
        return _OTHER[language]
    code = (REASONS if column.name == "reason" else DISTRICTS).by_key.get(word)
    return code.name(language) if code else word


def _span(column: Column, span: range, language: str) -> str:
    assert isinstance(column.domain, range)  # noqa: S101 - a number's column
    write = _duration if column.unit else _count
    if len(span) == 1:
        return write(span[0], language)
    if span.start == column.domain.start:
        return _AT_MOST[language].format(write(span[-1], language))
    if span.stop == column.domain.stop:
        if column.unit and span[0] % _HOUR_MINUTES == 1:
            return _MORE_THAN[language].format(write(span[0] - 1, language))
        return _AT_LEAST[language].format(write(span[0], language))
    return _BETWEEN[language].format(write(span[0], language), write(span[-1], language))


def _count(number: int, language: str) -> str:
    return words(language).digits(str(number))


def _duration(minutes: int, language: str) -> str:
    hours, rest = divmod(minutes, _HOUR_MINUTES)
    parts = [_HOURS[language].format(_count(hours, language))] if hours else []
    if rest or not hours:
        parts.append(_MINUTES[language].format(_count(rest, language)))
    return " ".join(parts)
