"""Writes two publications of one authority, and passes: `python -m phone.two_publications OUT.json`.

In the second one a list has grown, and a second root, signed by other custodians, is there. The list that is named is
that of the day on which the passes end, which in the evening is not the day of the publication.
"""

import json
import sys
import time
from pathlib import Path

from attacks.simulator import MemorySigner, Repository, log_name

from movepass_wire import decode_claims, open_text


def main(out: Path) -> None:
    """Write them."""
    now = int(time.time())
    repository = Repository.create(now, revoked=[8])
    repository.revoke(range(1000, 9000, 2))
    repository.publish()
    first = dict(repository.files)
    before, repository.root_custodians = repository.root_custodians, [MemorySigner() for _ in range(3)]
    repository.sign_root(before=before)
    repository.revoke([7, *range(20_000, 40_000, 3)])
    repository.publish()
    revoked = repository.issue(8)
    day = decode_claims(open_text(revoked).claims).day
    text = {
        "now": now,
        "log": repository.target_path(log_name(day)),
        "day": day,
        "first": {path: data.decode("latin-1") for path, data in first.items()},
        "second": {path: data.decode("latin-1") for path, data in repository.files.items()},
        "good": repository.issue(9),
        "revoked": revoked,
        "revoked_later": repository.issue(7),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(text), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
