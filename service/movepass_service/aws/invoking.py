"""Invokes another Lambda function."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from movepass_keys.aws import Patience, patiently

_THROTTLED = {"TooManyRequestsException", "ThrottlingException", "EC2ThrottledException"}


def invoke(client: Any, patience: Patience, function: str, payload: object, **how: str) -> Mapping[str, Any]:
    """Invoke a function, again while Lambda throttles, and return Lambda's answer.

    Args:
        client: boto3's for Lambda.
        patience: how long to wait, and how often to try.
        function: the function's name.
        payload: what it is handed, as JSON can hold it.
        how: further parameters of Lambda's Invoke.

    Raises:
        RefusedError: Lambda refused.
        UnintelligibleError: the answer is none of Lambda's.
    """
    call = partial(client.invoke, FunctionName=function, Payload=json.dumps(payload).encode(), **how)
    answer: Mapping[str, Any] = patiently(client, call, patience, lambda refused: refused.code in _THROTTLED)
    return answer
