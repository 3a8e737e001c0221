"""`kill -9` anywhere: no receipt without its application, nothing lost, no pass twice, none without a decision."""

import json
import random
import sqlite3
import time
from collections import Counter
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support import processes
from support.applications import APPROVE_ALL
from support.sampling import some_of
from support.world import World

from movepass_keys.records.checkpoint import read_checkpoint
from movepass_service.applications.references import hash_secret
from movepass_service.applications.states import State
from movepass_service.rules import RuleSet
from movepass_service.stores.sqlite.store import SqliteStore
from movepass_verifier import Verdict
from movepass_wire.merkle import Tree, leaf_hash

APPLICATIONS, TOGETHER = 60, 10
"""Of one round, and how many of them are sent at once."""
SECRET_CHARS = 26
KILLS_A_SERVICE = 50
PAUSE_MAX_SECONDS = 0.05
"""From the last answer waited for to the kill, at most: rounds of the worker and publications fall into it."""

SERVE = """
import asyncio, sys, time
from dataclasses import replace
from pathlib import Path
from support.applications import form
from movepass_service.applications.states import State
from movepass_service.errors import NotAllowed
from movepass_service.issuing.publishing import PublisherThread
from movepass_service.issuing.worker import Worker
from movepass_service.service import Service
from movepass_service.settings import Settings
from movepass_wire.times import iso

data, authority, answers = map(Path, sys.argv[1:4])
now, first, last, together = map(int, sys.argv[4:])
settings = Settings(publish_every_s=0.3, publish_after_revocation_s=0.05)

async def corrected(service, receipt, application, file):
    while True:
        try:
            done = await service.correct(receipt.reference, receipt.secret, application, now=now)
            return file.write(f"corrected {receipt.reference} -\\n")
        except NotAllowed:  # while it is approved
            await asyncio.sleep(0.01)

async def main(service, file):
    for start in range(first, last, together):
        numbers = range(start, min(start + together, last))
        forms = [form(now, not_before=iso(now), holder__id_number=str(10**9 + n)) for n in numbers]
        asked = [service.read(fields, now=now) for fields in forms]
        sent = [service.submit(f"client-{n}", one, now=now) for n, one in zip(numbers, asked, strict=True)]
        for task in asyncio.as_completed(sent):
            (receipt,) = await task
            file.write(f"received {receipt.reference} {receipt.secret}\\n")
        receipts = [await service.submit(f"client-{n}", one, now=now) for n, one in zip(numbers, asked, strict=True)]
        for n, (receipt,), (one,) in zip(numbers, receipts, asked, strict=True):
            if n % 5 == 0:
                await service.withdraw(receipt.reference, receipt.secret, now=now)
                file.write(f"withdrawn {receipt.reference} -\\n")
            elif n % 7 == 0:
                other = replace(one, trip=one.trip._replace(reason="Something else"))
                await corrected(service, receipt, other, file)

with Service.open(data, authority, settings) as service, open(answers, "a", buffering=1) as file:
    worker, publisher = Worker(service), PublisherThread(service)
    worker.start()
    publisher.start()
    print("started", flush=True)
    asyncio.run(main(service, file))
    while {State.RECEIVED, State.APPROVED} & service.store.counts_by_state().keys() or service.store.to_revoke(1):
        time.sleep(0.01)
    worker.stop()
    publisher.stop()
"""
"""Sends applications, withdraws and corrects some, and writes each answer down as whoever is given it would."""


def serve(world: World, folder: Path, applications: range, *, kill_after: int | None = None, pause: float = 0) -> bool:
    """Run until all is done, or be killed after so many answers and some seconds; tells whether it ended itself."""
    before = count_lines(folder)
    child = processes.start(
        SERVE, folder / "service", world.authority.folder, folder / "answers.txt", world.now, applications.start,
        applications.stop, TOGETHER,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "started\n"
    if kill_after is not None:
        while count_lines(folder) < before + kill_after and child.poll() is None:
            time.sleep(0.001)
        time.sleep(pause)
        child.kill()
    child.communicate(timeout=60)
    return child.returncode == 0


def count_lines(folder: Path) -> int:
    path = folder / "answers.txt"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def answers(folder: Path) -> list[list[str]]:
    lines = [line.split(" ") for line in (folder / "answers.txt").read_text().splitlines()]
    return [line for line in lines if len(line) == 3 and (line[0] != "received" or len(line[2]) == SECRET_CHARS)]


def check_answers(folder: Path) -> None:
    """Compare what was answered before a kill with the store, before anybody sends anything again."""
    given = answers(folder)
    with closing(SqliteStore(folder / "service")) as store:
        kept = {reference: store.find(reference) for _, reference, _ in given}
    for what, reference, secret in given:
        one = kept[reference]
        assert one is not None, "a receipt without its application"
        if what == "received":
            assert hash_secret(secret) == one.secret_hash
        elif what == "withdrawn":
            assert one.state == State.WITHDRAWN
        else:
            assert one.correction == 1


def check(world: World, folder: Path, count: int) -> None:
    """Compare every answer ever given with the store, the store with the ledger, and the ledger with the decisions."""
    lines = answers(folder)
    secrets = {(reference, secret) for what, reference, secret in lines if what == "received"}
    assert len({reference for reference, _ in secrets}) == count, "an application got two references, or none"
    assert len(secrets) == count, "an application got two secrets"
    withdrawn = {reference for what, reference, _ in lines if what == "withdrawn"}
    corrected = {reference for what, reference, _ in lines if what == "corrected"}
    with closing(SqliteStore(folder / "service")) as store:
        kept = {reference: store.find(reference) for reference, _ in secrets}
    with closing(sqlite3.connect(folder / "service" / "service.sqlite")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        records = [json.loads(text) for (text,) in db.execute("SELECT record FROM decisions")]
        assert db.execute("SELECT count(*) FROM applications").fetchone() == (count,)
    with closing(sqlite3.connect(world.authority.ledger_path)) as db:
        passes = db.execute("SELECT request_id, text, revoked_at IS NOT NULL, day, idx FROM passes").fetchall()
        pending = db.execute("SELECT count(*) FROM pending").fetchone()
    approved = Counter((r["reference"], r["correction"]) for r in records if r["action"] == "approve")
    assert set(approved.values()) == {1}, "an application was decided twice"
    assert max(Counter((day, index) for *_, day, index in passes).values()) == 1
    in_force: Counter[str] = Counter()
    for request_id, text, revoked, *_ in passes:
        reference, correction = request_id.rsplit(".", 1)
        assert (reference, int(correction)) in approved, "a pass without a decision"
        in_force[reference] += bool(text) and not revoked
    for reference, secret in secrets:
        one = kept[reference]
        assert one is not None
        assert hash_secret(secret) == one.secret_hash
        assert one.state == (State.WITHDRAWN if reference in withdrawn else State.ISSUED)
        assert in_force[reference] == (reference not in withdrawn)
        assert one.correction == (reference in corrected)
    assert pending == (0,), "a revocation is in no list"
    texts = {request_id: text for request_id, text, *_ in passes}
    sample = random.Random(1).sample(sorted(reference for reference, _ in secrets), 20)
    world.sync()
    with world.device() as device:
        for reference in sample:
            one = kept[reference]
            assert one is not None
            text = texts.get(one.request_id) if one.state == State.WITHDRAWN else one.pass_text
            if text:
                expected = Verdict.REVOKED if one.state == State.WITHDRAWN else Verdict.VALID
                assert device.verify(text, world.now).verdict == expected


def check_log(world: World, folder: Path) -> None:
    """Every pass of the ledger, seen or not, has one leaf that names its own approval, and a signed head covers all."""
    with closing(SqliteStore(folder / "service")) as store:
        leaves, head = list(store.leaves(0, store.log_size())), store.newest_head()
        records = {record.position: record for record in store.records(len(leaves))}
    with closing(sqlite3.connect(folder / "service" / "service.sqlite")) as db:
        shown = db.execute("SELECT reference, correction, pass_text FROM applications WHERE pass_text IS NOT NULL")
        visible = {text: (reference, correction) for reference, correction, text in shown}
    with closing(sqlite3.connect(world.authority.ledger_path)) as db:
        ledger = db.execute("SELECT day, idx, text FROM passes WHERE text IS NOT NULL").fetchall()
    assert head is not None
    signed, tree = read_checkpoint(head.note.encode()), Tree()
    for leaf in leaves:
        tree.append(leaf_hash(leaf.encode()))
    assert signed.verified_by([world.online_signer().public_key])
    assert (signed.checkpoint.size, signed.checkpoint.root) == (tree.size, tree.root())
    issued: dict[tuple[int, int], dict[str, Any]] = {}
    approvals: Counter[int] = Counter()
    for position, leaf in enumerate(map(json.loads, leaves)):
        if leaf["kind"] == "decision":
            record = records.pop(position)
            assert sha256(record.salt + record.text.encode()).hexdigest() == leaf["digest"]
            continue
        approvals[leaf["decision"]] += 1
        assert leaf["decision"] < position
        assert issued.setdefault((leaf["day"], leaf["index"]), leaf) is leaf, "a pass has two leaves"
    assert records == {}, "a record without its leaf"
    assert set(approvals.values()) == {1}, "a decision approved two passes"
    assert {(day, index): sha256(text.encode()).hexdigest() for day, index, text in ledger} == {
        place: leaf["payload"] for place, leaf in issued.items()
    }
    with closing(sqlite3.connect(folder / "service" / "service.sqlite")) as db:
        approved = {
            position: json.loads(text)
            for position, text in db.execute("SELECT id, record FROM decisions") if position in approvals
        }  # fmt: skip
    assert all(record["action"] == "approve" for record in approved.values())
    for day, index, text in ledger:
        record = approved[issued[day, index]["decision"]]
        assert visible.pop(text, (record["reference"], record["correction"])) == (
            record["reference"],
            record["correction"],
        )
    assert visible == {}, "a pass that is seen and not in the ledger"


def rounds(world: World, folder: Path, count: int, seed: int) -> None:
    """Count the answers of one run; then kill that many others after some of them; then let one come to its end."""
    chance = random.Random(seed)
    folder.mkdir(exist_ok=True)
    with closing(SqliteStore(folder / "service")) as store:
        store.add_rules(RuleSet.from_toml(APPROVE_ALL).version, APPROVE_ALL, world.now)
    assert serve(world, folder, range(APPLICATIONS))
    most = count_lines(folder)
    killed = 0
    for number in range(1, count + 1):
        new = range(number * APPLICATIONS, (number + 1) * APPLICATIONS)
        after, pause = chance.randint(0, most), chance.uniform(0, PAUSE_MAX_SECONDS)
        killed += not serve(world, folder, new, kill_after=after, pause=pause)
    assert killed >= count / 2  # else the instants were badly chosen, and nothing was shown
    check_answers(folder)
    total = (count + 1) * APPLICATIONS
    assert serve(world, folder, range(total))
    check(world, folder, total)
    check_log(world, folder)


@pytest.mark.parametrize("kills", some_of("kills of a service at work", 5, of=500))
def test_killed_at_random_instants_nothing_is_lost_or_done_twice(world: World, tmp_path: Path, kills: int) -> None:
    for part in range(max(1, kills // KILLS_A_SERVICE)):
        struck = world.copy(tmp_path / f"part-{part}")
        seed = 20_210_414 if kills < KILLS_A_SERVICE else int(time.time()) + part
        rounds(struck, tmp_path / f"part-{part}" / "run", min(kills, KILLS_A_SERVICE), seed=seed)
