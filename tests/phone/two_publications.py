"""Writes two publications of one authority, and passes: `python -m phone.two_publications OUT.json`.

In the second one a list has grown, and a second root, signed by other custodians, is there.
"""

import json
import sys
import time
from pathlib import Path

from attacks.simulator import MemorySigner, Repository, log_name


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
    text = {
        "now": now,
        "log": repository.target_path(log_name(repository.today)),
        "day": repository.today,
        "first": {path: data.decode("latin-1") for path, data in first.items()},
        "second": {path: data.decode("latin-1") for path, data in repository.files.items()},
        "good": repository.issue(9),
        "revoked": repository.issue(8),
        "revoked_later": repository.issue(7),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(text), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
