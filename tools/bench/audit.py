"""Measure an audit of a million decisions and passes: seconds, and the most memory.

    python tools/bench/audit.py [--passes 1000000] [--keep DIR]

It writes honest copies, as docs/spec.md describes them, and runs `movepass audit` on them as a process of its own. It
exits with 1 if the copies are not found whole, or if a bar is missed.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from movepass_keys.records import algorithms
from movepass_keys.records.checkpoint import Checkpoint, origin_of, sign_checkpoint
from movepass_wire.merkle import Tree, leaf_hash
from movepass_wire.payload import ED25519

START = 1795314600
PASSES = 1_000_000
AUDIT_MAX_SECONDS, AUDIT_MAX_MIB = 60, 300
"""The bars for a million, on two cores."""
_A_DAY = 250_000
_FACTS = {
    "reason": "medical", "minutes": 180, "lead_minutes": 95, "passes_today": 0, "passes_week": 1, "overlaps": False,
    "district_from": "dhaka", "district_to": "gazipur", "closed": False, "phone_verified": True, "evidence": False,
}  # fmt: skip


class _Signer:
    def __init__(self) -> None:
        self._key = algorithms.generate(ED25519)
        self.public_key = self._key.public_key()

    def sign(self, message: bytes) -> bytes:
        return algorithms.sign(self._key, message)


def write_copies(folder: Path, passes: int) -> None:
    """Write copies in which each decision approves one pass, a tenth of them an officer's after a referral."""
    for name in ("decisions", "issued"):
        (folder / name).mkdir(parents=True)
    tree, position = Tree(), 0
    with (
        (folder / "decisions/leaves.jsonl").open("w", encoding="ascii") as leaves,
        (folder / "decisions/records.jsonl").open("w", encoding="utf-8") as records,
        (folder / "issued/issued.jsonl").open("w", encoding="ascii") as issued,
    ):

        def append(leaf: str) -> None:
            nonlocal position
            leaves.write(leaf + "\n")
            tree.append(leaf_hash(leaf.encode()))
            position += 1

        def decide(number: int, at: int, action: str, actor: str) -> None:
            document = {
                "action": action, "actor": actor, "at": at, "code": "ok", "content": "1" * 64, "correction": 0,
                "facts": _FACTS, "reference": f"R{number:08}", "row": "medical-short", "rules": "2026-11",
                "rules_digest": "0" * 64,
            }  # fmt: skip
            text, salt = json.dumps(document, separators=(",", ":")), os.urandom(16)
            records.write(json.dumps({"position": position, "salt": salt.hex(), "text": text}) + "\n")
            digest = sha256(salt + text.encode()).hexdigest()
            append(f'{{"at":{at},"digest":"{digest}","kind":"decision"}}')

        for number in range(passes):
            at, day = START + number // 60, START // 86400 + number // _A_DAY
            if number % 10 == 0:
                decide(number, at, "refer", "rules")
                decide(number, at, "approve", f"officer:officer{number % 37}")
            else:
                decide(number, at, "approve", "rules")
            payload = sha256(b"MP1:%d" % number).hexdigest()
            index = number % _A_DAY
            decided = f'"at":{at},"day":{day},"decision":{position - 1}'
            append(f'{{{decided},"index":{index},"kind":"issuance","payload":"{payload}"}}')
            issued.write(f'{{"day":{day},"index":{index},"payload":"{payload}","revoked":false}}\n')
    checkpoint = Checkpoint(origin_of("bench.example"), tree.size, tree.root(), START + passes // 60)
    (folder / "head").write_bytes(sign_checkpoint(checkpoint, _Signer()))


def measure(copies: Path) -> dict[str, Any]:
    """Run the command on copies; returns seconds, those of a core, the most memory in MiB, and what it said."""
    began = time.monotonic()
    command = [sys.executable, "-m", "movepass_cli.main", "audit", "--decisions", str(copies), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    said = json.loads(ran.stdout) if ran.stdout else {"counts": ran.stderr}
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "audit_s": round(seconds, 1), "audit_cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "audit_mib": round(used.ru_maxrss / 1024), "exit": ran.returncode,
        "leaves": said.get("leaves"), "issued": said.get("issued"), "counts": said["counts"],
    }  # fmt: skip


def main() -> int:
    """Write the copies, measure, and print one object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=PASSES)
    parser.add_argument("--keep", type=Path, help="use the copies in this folder; write them if it is missing")
    options = parser.parse_args()
    with TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary) / "copies"
        if not folder.exists():
            write_copies(folder, options.passes)
        measured = measure(folder)
    print(json.dumps({"passes": options.passes, **measured}))
    is_whole = measured["exit"] == 0 and measured["issued"] == options.passes
    return 0 if is_whole and measured["audit_s"] <= AUDIT_MAX_SECONDS and measured["audit_mib"] <= AUDIT_MAX_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
