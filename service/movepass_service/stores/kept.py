"""An application as a store keeps it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from movepass_service.applications.application import Application
from movepass_service.applications.states import OPEN, REVERSIBLE, State


@dataclass(frozen=True, slots=True)
class Kept:
    """An application as it is kept.

    Attributes:
        number: in the order in which applications came.
        correction: how often its content was replaced.
        since: when it came into its state, seconds since 1970 UTC, as all times here.
        content: what was asked for, as JSON in one form.
        not_before: when the trip begins.
        not_after: when it ends.
        by_rules: whether rules decided it, and no officer.
        rules_version: of the rules in force when it came, or when it was corrected.
        reason: the code of the latest decision, and its words by language; None before any.
        pass_number: of its pass, None before it is issued.
        pass_text: the payload.
        row: the id of the rules' row that decided this content of it, or could not be judged; None where none did.
        is_copied: whether other regions have it too, where there are any.
    """

    number: int
    reference: str
    secret_hash: bytes
    state: State
    since: int
    received_at: int
    correction: int
    is_urgent: bool
    by_rules: bool
    content: str
    id_hash: bytes | None
    not_before: int
    not_after: int
    rules_version: str | None
    reason: tuple[str, Mapping[str, str]] | None
    pass_number: str | None
    pass_text: str | None
    row: str | None = None
    is_copied: bool = True

    def application(self) -> Application:
        """Read what was asked for.

        Raises:
            WireError, ValueError, LookupError, TypeError: the content is damaged.
        """
        try:
            return Application.from_json(json.loads(self.content), self.id_hash)
        except RecursionError as e:
            raise ValueError("brackets inside brackets") from e

    @property
    def is_reversible(self) -> bool:
        """Return whether there is an approval to reverse.

        That is so while the application is approved, and while a correction waits: the pass that it would replace is
        in force until then.
        """
        return self.state in REVERSIBLE or (self.state in OPEN and self.pass_text is not None)

    @property
    def request_id(self) -> str:
        """Return the name under which the issuer knows this content of it."""
        return self.request_id_of(self.correction)

    def request_id_of(self, correction: int) -> str:
        """Return the name under which the issuer knows the content that it has, or had, after so many corrections."""
        return f"{self.reference}.{correction}"
