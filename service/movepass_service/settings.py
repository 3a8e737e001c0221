"""The service's settings: a file in its folder, service.toml, which need not exist."""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self

from movepass_service.admission.settings import LineSettings
from movepass_service.errors import ServiceError

FILE = "service.toml"


class SettingsError(ServiceError):
    """The file of settings can't be read, or holds what is no setting."""

    is_input = True


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of the service, beside those of its pages.

    Attributes:
        publish_every_s: how often lists are published at least.
        publish_after_revocation_s: how soon after a revocation.
        batch: applications that are decided in one transaction.
        console_decisions: whether officers may decide by the command although it is no TEST authority.
        sms_outbox: whether numbers can be registered although it is no TEST authority: some other program must send the
            messages that are written to the outbox.
        replace_head: whether the head of the decision log is published in place of one that the log never had, as after
            the service was restored from a copy. Auditors see that the log was rewound.
        line: how many applications are let in, the table [line].
    """

    publish_every_s: float = 300.0
    publish_after_revocation_s: float = 5.0
    batch: int = 200
    console_decisions: bool = False
    sms_outbox: bool = False
    replace_head: bool = False
    line: LineSettings = field(default_factory=LineSettings)

    @classmethod
    def load(cls, data: Path) -> Self:
        """Read the settings in the service's folder.

        Raises:
            SettingsError: the file is not TOML, or a value is none of the settings or out of its bounds.
        """
        path = data / FILE
        try:
            document = tomllib.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError) as e:
            raise SettingsError(f"{path}: {e}") from e
        try:
            line = LineSettings.read(document.pop(_LINE, {}))
        except ValueError as e:
            raise SettingsError(f"{path}: {e}") from e
        known = {known.name for known in fields(cls)} - {_LINE}
        for name, value in document.items():
            if name not in known:
                raise SettingsError(f"{path}: {name} is no setting; known: {', '.join(sorted(known))}, [{_LINE}]")
            if isinstance(getattr(cls(), name), bool) != isinstance(value, bool):
                raise SettingsError(f"{path}: {name}: expected {'true or false' if name in _FLAGS else 'a number'}")
            if name not in _FLAGS and (not isinstance(value, int | float) or not 0 < value <= _MOST):
                raise SettingsError(f"{path}: {name}: expected a number above 0 and up to {_MOST}")
        return cls(**document, line=line)


_LINE = "line"
_FLAGS = frozenset(["console_decisions", "sms_outbox", "replace_head"])
_MOST = 86_400
