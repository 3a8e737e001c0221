"""Says what the Python verifier makes of settings: reads [[max_age, warning_age], ...], prints the policies or null."""

import json
import sys
from typing import Any

from movepass_verifier.deciding.lists import Policy
from movepass_verifier.errors import EnrolmentError, PolicyError
from movepass_verifier.sync.enrolment import read


def _policy(max_age: str, warning_age: str) -> Policy | None:
    document: dict[str, Any] = {"source": "https://passes.example", "root": {}}
    if max_age:
        document["max_age"] = max_age
    if warning_age:
        document["warning_age"] = warning_age
    try:
        policy = read(json.dumps(document).encode()).policy
        policy.check()
    except (EnrolmentError, PolicyError):
        return None
    return policy


if __name__ == "__main__":
    print(json.dumps([_policy(*pair) for pair in json.load(sys.stdin)]))
