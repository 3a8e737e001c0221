"""Write an auditor's copies as an honest service does, from the format alone; a test then lies in one way."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from movepass_keys.records import algorithms
from movepass_keys.records.checkpoint import Checkpoint, origin_of, sign_checkpoint
from movepass_keys.signers.signer import Signer
from movepass_wire.merkle import Tree, leaf_hash
from movepass_wire.payload import ESP256

START = 1795314600
DAY = START // 86400
PassKey = tuple[int, int]


class MemorySigner:
    """An online key for tests."""

    def __init__(self, alg: int = ESP256) -> None:
        self._key = algorithms.generate(alg)
        self.public_key = self._key.public_key()

    def sign(self, message: bytes) -> bytes:
        return algorithms.sign(self._key, message)


ONLINE = MemorySigner()


def canonical(document: Mapping[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass
class HonestLog:
    """A decision log and an issuer's ledger.

    Attributes:
        now: what a leaf gets as its time; each leaf comes a second after the one before.
        leaves: their bytes.
        records: salt and text by position.
        issued: the ledger's rows by (day, index).
    """

    now: int = START
    signer: Signer = ONLINE
    identity: str = "test.example"
    leaves: list[bytes] = field(default_factory=list)
    records: dict[int, tuple[str, str]] = field(default_factory=dict)
    issued: dict[PassKey, dict[str, Any]] = field(default_factory=dict)

    def decide(self, reference: str, action: str, actor: str = "rules", **more: Any) -> int:
        """Decide, and return the position of the leaf."""
        return self._record("decision", {"reference": reference, "action": action, "actor": actor, **more})

    def administer(self, action: str, actor: str = "officer:Manik", **more: Any) -> int:
        return self._record("administration", {"action": action, "actor": actor, **more})

    def issue(
        self, decision: int, *, day: int = DAY, index: int | None = None, text: str | None = None,
        replaces: PassKey | None = None,
    ) -> PassKey:  # fmt: skip
        """Issue a pass and log it."""
        key = self.issue_unlogged(day=day, index=index, text=text)
        more = {"replaces": list(replaces)} if replaces else {}
        payload = self.issued[key]["payload"]
        leaf = {"kind": "issuance", "at": self._tick(), "day": key[0], "index": key[1], "payload": payload}
        self.leaves.append(canonical(leaf | {"decision": decision} | more).encode())
        return key

    def issue_unlogged(self, *, day: int = DAY, index: int | None = None, text: str | None = None) -> PassKey:
        """Issue a pass that nobody decided, as somebody does who sells it."""
        taken = [at for its_day, at in self.issued if its_day == day]
        key = day, max(taken, default=-1) + 1 if index is None else index
        payload = sha256((text or f"MP1:{key}").encode()).hexdigest()
        self.issued[key] = {"day": key[0], "index": key[1], "payload": payload, "revoked": False}
        return key

    def revoke(self, key: PassKey) -> None:
        self.issued[key]["revoked"] = True

    def head(self, size: int | None = None, at: int | None = None) -> bytes:
        """Sign a head over the first leaves, or all."""
        tree = Tree()
        for leaf in self.leaves[:size]:
            tree.append(leaf_hash(leaf))
        checkpoint = Checkpoint(origin_of(self.identity), tree.size, tree.root(), self.now if at is None else at)
        return sign_checkpoint(checkpoint, self.signer)

    def write(self, folder: Path, head: bytes | None = None) -> Path:
        """Write the copies; returns their folder."""
        for name in ("decisions", "issued"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "decisions/leaves.jsonl").write_bytes(b"".join(leaf + b"\n" for leaf in self.leaves))
        rows = ({"position": at, "salt": salt, "text": text} for at, (salt, text) in sorted(self.records.items()))
        (folder / "decisions/records.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        lines = (json.dumps(row) + "\n" for row in self.issued.values())
        (folder / "issued/issued.jsonl").write_text("".join(lines), "utf-8")
        (folder / "head").write_bytes(head or self.head())
        return folder

    def _record(self, kind: str, document: Mapping[str, Any]) -> int:
        at, salt = self._tick(), os.urandom(16)
        text = canonical({"at": at, "code": "x", **document})
        position = len(self.leaves)
        self.records[position] = salt.hex(), text
        leaf = {"kind": kind, "at": at, "digest": sha256(salt + text.encode()).hexdigest()}
        self.leaves.append(canonical(leaf).encode())
        return position

    def _tick(self) -> int:
        self.now += 1
        return self.now


@dataclass
class Story:
    """An honest log in which everything happens once, and where to find each thing in it."""

    log: HonestLog
    old_head: bytes
    positions: dict[str, int]
    passes: dict[str, PassKey]


def tell_story() -> Story:
    """Write a log with every kind of honest decision."""
    log = HonestLog()
    at: dict[str, int] = {}
    made: dict[str, PassKey] = {}
    at["officer added"] = log.administer("add-officer", name="Rahim")
    at["plain"] = log.decide("AAA", "approve", row="medical")
    made["plain"] = log.issue(at["plain"], text="MP1:PLAIN")
    at["referred"] = log.decide("BBB", "refer", row="market")
    at["by officer"] = log.decide("BBB", "approve", "officer:Rahim")
    made["by officer"] = log.issue(at["by officer"])
    log.decide("CCC", "refer", row="market")
    log.decide("CCC", "reject", "officer:Rahim")
    log.decide("CCC", "appeal", "applicant")
    at["appeal"] = log.decide("CCC", "approve", "officer:Karim")
    made["appeal"] = log.issue(at["appeal"])
    old = log.head()
    at["before correction"] = log.decide("DDD", "approve", row="market")
    made["before correction"] = log.issue(at["before correction"])
    at["correction"] = log.decide("DDD", "approve", row="market", correction=1)
    made["correction"] = log.issue(at["correction"], replaces=made["before correction"])
    log.revoke(made["before correction"])
    at["to withdraw"] = log.decide("EEE", "approve", row="market")
    made["withdrawn"] = log.issue(at["to withdraw"])
    at["withdrawal"] = log.decide("EEE", "withdraw", "applicant")
    log.revoke(made["withdrawn"])
    at["to reverse"] = log.decide("FFF", "approve", row="market")
    made["reversed"] = log.issue(at["to reverse"])
    at["reversal"] = log.decide("FFF", "revoke", "officer:Karim")
    log.revoke(made["reversed"])
    at["never issued"] = log.decide("GGG", "approve", row="market")
    at["rejected"] = log.decide("HHH", "reject", row="closed")
    at["last"] = log.decide("III", "approve", row="medical")
    made["last"] = log.issue(at["last"], day=DAY + 1)
    return Story(log, old, at, made)
