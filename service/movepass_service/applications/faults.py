"""What is wrong with an application, as data: words for it, in both languages, are the pages' business."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default

from movepass_service.errors import ServiceError


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of one field.

    Attributes:
        field: its path, "holder.name"; "" where the whole is at fault.
        code: the rule it breaks, "too-long".
        values: what words about it need, {"max": "64"}.
    """

    field: str
    code: str
    values: Mapping[str, str] = default(default_factory=dict)


class InvalidApplication(ServiceError):  # noqa: N818 - the name that the pages were promised
    """An application that can't become a pass as it stands.

    Attributes:
        errors: every fault, at most one for each field.
    """

    is_input = True

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        super().__init__("; ".join(f"{e.field or 'application'}: {e.code}" for e in errors))
        self.errors = errors
