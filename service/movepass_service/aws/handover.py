"""Hands applications that the table's stream has left behind to the functions that work on them."""

from collections.abc import Sequence
from typing import Any

from movepass_keys.aws import Patience, RefusedError, UnintelligibleError, patient_client
from movepass_keys.dynamodb import groups
from movepass_service.aws.invoking import invoke
from movepass_service.aws.telemetry import count, logger
from movepass_service.errors import ServiceError

HANDED_MAX = 500
"""References in one invocation of another function: some 10 KB."""
_PATIENCE = Patience(deadline=20, connect=2, read=10, backoff_first=0.1, backoff_max=1)


class NotHandedError(ServiceError):
    """Work that was found could not be handed to another function; the next sweep finds it again."""


class Handover:
    """The decide and the sequence function.

    IAM: lambda:InvokeFunction on both.
    """

    def __init__(self, decide: str, sequence: str, *, client: Any = None) -> None:
        """Take the functions' names.

        Args:
            decide: of the decide function.
            sequence: of the sequence function.
            client: boto3's for Lambda.
        """
        self._decide = decide
        self._sequence = sequence
        self._client = client or patient_client("lambda", _PATIENCE)

    def undecided(self, references: Sequence[str]) -> None:
        """Have applications decided.

        Raises:
            NotHandedError: the function can't be invoked.
        """
        self._hand("undecided", self._decide, references)

    def unfollowed(self, references: Sequence[str]) -> None:
        """Have done what follows a decision.

        Raises:
            NotHandedError: the function can't be invoked.
        """
        self._hand("unfollowed", self._sequence, references)

    def _hand(self, what: str, function: str, references: Sequence[str]) -> None:
        count("LeftBehind", len(references))
        for some in groups(references, HANDED_MAX):
            logger.warning("the stream has left applications behind", what=what, count=len(some))
            try:
                invoke(self._client, _PATIENCE, function, {"references": some}, InvocationType="Event")
            except (RefusedError, UnintelligibleError) as e:
                raise NotHandedError(f"the function {function} can't be invoked: {e}") from e
