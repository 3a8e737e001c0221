"""Has the issuer's revoke function revoke passes by their numbers."""

import json
from collections.abc import Sequence
from typing import Any

from movepass_keys.aws import Patience, patient_client
from movepass_service.aws.invoking import invoke
from movepass_service.aws.telemetry import logger
from movepass_service.errors import ServiceError

REVOKED_AT_ONCE = 100
"""Passes in one invocation of the revoke function."""
_PATIENCE = Patience(deadline=60, connect=2, read=40, backoff_first=0.1, backoff_max=1)


class NotFollowedError(ServiceError):
    """A request or a revocation could not be handed to the issuer; it is done again."""


class Revocations:
    """The issuer's revoke function.

    IAM: lambda:InvokeFunction on it.
    """

    def __init__(self, function: str, *, client: Any = None) -> None:
        """Take the function's name.

        Args:
            function: the name.
            client: boto3's for Lambda.
        """
        self._function = function
        self._client = client or patient_client("lambda", _PATIENCE)

    def revoke(self, numbers: Sequence[str], reason: str) -> None:
        """Revoke at most REVOKED_AT_ONCE passes; what was revoked before stays so.

        Raises:
            NotFollowedError: the function failed, or can't be reached.
        """
        told = self._ask([{"pass_number": number, "reason": reason} for number in numbers])
        for number, answer in zip(numbers, told, strict=True):
            if "error" in answer:
                logger.warning("a pass is not in the ledger any longer", pass_number=number)

    def _ask(self, asked: Sequence[Any]) -> list[dict[str, Any]]:
        try:
            answer = invoke(self._client, _PATIENCE, self._function, asked)
            told = json.loads(answer["Payload"].read())
        except Exception as e:
            raise NotFollowedError(f"the revoke function can't be reached ({type(e).__name__})") from e
        if answer.get("FunctionError") or not isinstance(told, list) or len(told) != len(asked):
            raise NotFollowedError("the revoke function failed; its log says why")
        return told
