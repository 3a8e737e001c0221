"""Leaves have the form that docs/spec.md shows, and an auditor reads each as it was written."""

import re
from pathlib import Path

from movepass_service.decisions.leaves import administration_leaf, decision_leaf, issuance_leaf
from movepass_verifier.auditing.leaves import Issuance, Recorded, read_leaf

SPEC = (Path(__file__).parents[3] / "docs" / "spec.md").read_text()
DAY, AT = 20_779, 1_795_314_600


def digest(beginning: str) -> bytes:
    return bytes.fromhex(beginning.ljust(64, "0"))


def test_the_leaves_of_the_spec_are_what_the_service_writes() -> None:
    first = issuance_leaf(AT + 1, day=DAY, index=12, payload=digest("51c3b7b6"), decision=0)
    again = issuance_leaf(AT + 2, day=DAY, index=19, payload=digest("0cf3f2ab"), decision=0, replaces=(DAY, 12))
    written = [decision_leaf(digest("b9d4d5a2"), AT), first, again, administration_leaf(digest("e0a1f3c4"), AT + 3)]
    shown = re.findall(r'^    (\{"at":.*\})$', SPEC, re.MULTILINE)
    assert [re.sub(r'([0-9a-f]{8})0{56}"', r'\1…"', leaf) for leaf in written] == shown
    assert [read_leaf(leaf.encode()) for leaf in written] == [
        Recorded(AT, digest("b9d4d5a2").hex(), is_decision=True),
        Issuance(AT + 1, DAY, 12, 0, digest("51c3b7b6"), None),
        Issuance(AT + 2, DAY, 19, 0, digest("0cf3f2ab"), (DAY, 12)),
        Recorded(AT + 3, digest("e0a1f3c4").hex(), is_decision=False),
    ]
