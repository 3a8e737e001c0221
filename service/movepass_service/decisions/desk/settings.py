"""The desk's settings, chosen by a supervisor: when two officers are needed, second looks, windows and limits."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from movepass_service.canonical import canonical_json
from movepass_service.errors import ServiceError
from movepass_service.rules.columns import OTHER_REASON
from movepass_wire.codes import REASONS

NAME = "desk-settings"
"""Under which the store keeps them."""
ROWS_MAX = 100
ROW_MAX_CHARS = 64
BULK_MAX = 500
UNDO_MAX_SECONDS = 3600
LEASE_MIN_SECONDS, LEASE_MAX_SECONDS = 60, 3600
APPROVALS_MAX = 10_000


class DeskSettingsError(ServiceError):
    """A setting is unknown or out of its bounds.

    Attributes:
        field: which.
        expected: in words.
    """

    is_input = True

    def __init__(self, field: str, expected: str, got: object) -> None:
        super().__init__(f"{field}: expected {expected}, got {str(got)[:40]!r}")
        self.field = field
        self.expected = expected


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """The desk's settings.

    Attributes:
        four_eyes_reasons: reasons of trips whose approval needs two officers: keys of the reasons' table, or "other".
        four_eyes_rows: ids of rules' rows whose referred cases need two officers to be approved.
        approvals_per_hour: approvals that one officer may make in an hour alone; 0 is no bound.
        second_look_percent: the share of approvals that another officer looks at again, 0 to 100.
        undo_s: seconds in which a bulk decision can be undone.
        bulk_limit: cases in one bulk decision.
        lease_s: seconds for which a claim holds without activity.
    """

    four_eyes_reasons: tuple[str, ...] = ()
    four_eyes_rows: tuple[str, ...] = ()
    approvals_per_hour: int = 0
    second_look_percent: int = 5
    undo_s: int = 60
    bulk_limit: int = 50
    lease_s: int = 300

    def __post_init__(self) -> None:
        for name, low, high in _BOUNDS:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise DeskSettingsError(name, f"a whole number from {low} to {high}", value)
        for key in self.four_eyes_reasons:
            if key not in FOUR_EYES_REASONS:
                raise DeskSettingsError("four_eyes_reasons", f"one of {', '.join(FOUR_EYES_REASONS)}", key)
        for row in self.four_eyes_rows:
            if not 0 < len(row) <= ROW_MAX_CHARS or not row.isprintable():
                raise DeskSettingsError("four_eyes_rows", f"ids of 1 to {ROW_MAX_CHARS} printable characters", row)
        if len(self.four_eyes_rows) > ROWS_MAX:
            raise DeskSettingsError("four_eyes_rows", f"at most {ROWS_MAX} rows", len(self.four_eyes_rows))

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read settings; one that is missing keeps its default.

        Raises:
            DeskSettingsError: one is unknown, of another kind, or out of its bounds.
        """
        known = {field.name for field in fields(cls)}
        for name in document:
            if name not in known:
                raise DeskSettingsError(name[:40], f"one of {', '.join(sorted(known))}", name)
        lists = {}
        for name in _LISTS & document.keys():
            values = document[name]
            if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
                raise DeskSettingsError(name, "a list of texts", values)
            lists[name] = tuple(dict.fromkeys(values))
        return cls(**{**document, **lists})

    @classmethod
    def from_bytes(cls, kept: bytes | None) -> Self:
        """Read what the store keeps; None stands for the defaults."""
        return cls() if kept is None else cls.from_json(json.loads(kept))

    def to_json(self) -> dict[str, Any]:
        """Write the settings as an object of JSON."""
        return asdict(self)

    def to_bytes(self) -> bytes:
        """Write them as the store keeps them."""
        return canonical_json(self.to_json()).encode()


FOUR_EYES_REASONS = (*REASONS.by_key, OTHER_REASON)
_LISTS = {"four_eyes_reasons", "four_eyes_rows"}
_BOUNDS = (
    ("approvals_per_hour", 0, APPROVALS_MAX),
    ("second_look_percent", 0, 100),
    ("undo_s", 1, UNDO_MAX_SECONDS),
    ("bulk_limit", 1, BULK_MAX),
    ("lease_s", LEASE_MIN_SECONDS, LEASE_MAX_SECONDS),
)
