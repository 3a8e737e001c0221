"""Lambda function: revokes passes, by direct invocation.

Asked {"pass_number": …} or {"request_id": …}, and "reason" if there is one; or a list of such. Answers as `movepass
revoke --json` does: once it has answered, the revocation is durable, and the next publication lists it.

Where several regions issue, it takes the pass numbers of all of them, whether they can be reached or not, and tells
them at once where they can.

IAM: dynamodb:BatchGetItem, dynamodb:PutItem, dynamodb:UpdateItem, dynamodb:BatchWriteItem on the table; the first three
on the other regions' tables; s3:ListBucket, s3:GetObject on the repository. It has no key, and can't issue.
"""

import os
from functools import cache
from typing import Any

from movepass_issuer import answers
from movepass_issuer.aws.opening import open_keys, open_ledger, open_regions
from movepass_issuer.aws.settings import Settings
from movepass_issuer.aws.telemetry import count, observed
from movepass_issuer.errors import UnknownPassError
from movepass_issuer.issuer import Revoker
from movepass_issuer.regions import RegionalRevoker
from movepass_wire import NumberError

_EXPECTED = 'expected {"pass_number": …} or {"request_id": …}, and "reason" if there is one'


class RevokeFunction:
    """The function, opened."""

    def __init__(self, revoker: Revoker) -> None:
        self._revoker = revoker

    @classmethod
    def open(cls, settings: Settings) -> "RevokeFunction":
        """Open the ledger, and read which keys passes may have been issued anew under.

        Raises:
            IssuerError: a setting is wrong, or what it names can't be had.
        """
        kids = open_keys(settings).keys
        if not settings.peers:
            return cls(Revoker(ledger=open_ledger(settings), kids=kids))
        return cls(RegionalRevoker(regions=open_regions(settings), kids=kids))

    def __call__(self, event: Any, _context: Any) -> Any:
        """Answer one invocation.

        Raises:
            LedgerError: the ledger failed; ask again, a second time changes nothing.
        """
        told = [self._revoke(wanted) for wanted in (event if isinstance(event, list) else [event])]
        count("Revoked", sum("error" not in answer for answer in told))
        return told if isinstance(event, list) else told[0]

    def _revoke(self, wanted: Any) -> dict[str, Any]:
        try:
            match wanted:
                case {"pass_number": str(number), **more}:
                    named = {"number": number}
                case {"request_id": str(request_id), **more}:
                    named = {"request_id": request_id}
                case _:
                    return {"error": _EXPECTED}
            reason = more.pop("reason", "")
            if more or not isinstance(reason, str):
                return {"error": _EXPECTED}
            return answers.revoked(self._revoker.revoke(reason=reason, **named))
        except (UnknownPassError, NumberError) as e:
            return {"error": str(e)}


@cache
def _function() -> RevokeFunction:
    return RevokeFunction.open(Settings.from_environment(os.environ))


@observed
def handler(event: Any, context: Any) -> Any:
    """Take an invocation of Lambda's."""
    return _function()(event, context)


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _function()
