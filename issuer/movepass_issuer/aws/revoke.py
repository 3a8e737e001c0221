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

from movepass_issuer.aws.opening import Reread, open_revoker
from movepass_issuer.aws.settings import FunctionSettings
from movepass_issuer.aws.telemetry import count, observed
from movepass_issuer.errors import ReasonError, UnknownPassError
from movepass_issuer.issuing import answers
from movepass_issuer.issuing.issuer import Revoker
from movepass_issuer.issuing.request_ids import STORED_ID_MAX_CHARS
from movepass_wire import NumberError
from movepass_wire.text import normalise

_EXPECTED = 'expected {"pass_number": …} or {"request_id": …}, and "reason" if there is one'
_TOO_LONG = f"pass_number, request_id: expected at most {STORED_ID_MAX_CHARS} printable characters"


class RevokeFunction:
    """The function, opened."""

    def __init__(self, revoker: Reread[Revoker]) -> None:
        self._revoker = revoker

    @classmethod
    def open(cls, settings: FunctionSettings) -> "RevokeFunction":
        """Open the ledger, and read the keys under which passes may have been reissued.

        Raises:
            IssuerError: a setting is wrong, or what it names can't be had.
        """
        return cls(open_revoker(settings))

    def __call__(self, event: Any, _context: Any) -> Any:
        """Answer one invocation.

        Raises:
            IssuerError: the ledger or the repository failed; ask again, a second time changes nothing.
        """
        revoker = self._revoker.get()
        with revoker.waited_for():
            told = [_revoke(revoker, wanted) for wanted in (event if isinstance(event, list) else [event])]
        count("Revoked", sum("error" not in answer for answer in told))
        return told if isinstance(event, list) else told[0]


def _revoke(revoker: Revoker, wanted: Any) -> dict[str, Any]:
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
        if not all(len(name) <= STORED_ID_MAX_CHARS and normalise(name).isprintable() for name in named.values()):
            return {"error": _TOO_LONG}  # it would break a call, and one bad entry keeps no other from its own
        return answers.revoked(revoker.revoke(reason=reason, **named))
    except (UnknownPassError, ReasonError, NumberError) as e:
        return {"error": str(e)}


@cache
def _function() -> RevokeFunction:
    return RevokeFunction.open(FunctionSettings.from_environment(os.environ))


@observed
def handler(event: Any, context: Any) -> Any:
    """Take an invocation of Lambda's."""
    return _function()(event, context)


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _function()
