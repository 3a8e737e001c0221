"""The rule sets that a store keeps, each read once."""

from typing import Protocol

from movepass_service.errors import MissingRules
from movepass_service.rules.engine import RuleSet, default_rules


class _Texts(Protocol):
    def rules_text(self, version: str) -> str | None:
        """Return a rule set's file."""


class KeptRules:
    """Finds a rule set by its version."""

    def __init__(self, store: _Texts) -> None:
        """Take the store that keeps their files."""
        self._store = store
        self._read: dict[str, RuleSet] = {}

    def __call__(self, version: str | None) -> RuleSet:
        """Return a rule set; None stands for the one that comes with the software.

        Raises:
            MissingRules: there is none of this version.
            StoreError, Busy: the store can't be read now.
        """
        if version is None:
            return default_rules()
        if version not in self._read:
            text = self._store.rules_text(version)
            if text is None:
                raise MissingRules(f"the rules of version {version} are missing in the store")
            self._read[version] = RuleSet.from_toml(text)
        return self._read[version]
