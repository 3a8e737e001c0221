"""The load, small: people come on schedule and are all there afterwards; and what is lost or doubled is found."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from load import processes, report
from load.audit import Audit, audit
from load.people import Crowd, Person
from load.run import Most, Results, Times, measure

RATE, MINUTES = 20.0, 0.05


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return asyncio.run(
        measure(tmp_path_factory.mktemp("load"), minutes=MINUTES, rate=RATE, with_floor=True, with_pages=False)
    )


def test_everybody_who_came_has_what_the_rules_lead_to(results: Results) -> None:
    part = results.at_rate
    assert part.came == part.check.count == int(RATE * MINUTES * 60)
    assert part.audit.received > part.came  # those who came first, to warm up
    assert (part.audit.lost, part.audit.twice, part.wrong, part.broken) == (0, 0, (), 0), part
    assert part.send.count > part.came  # two people pressed twice
    assert part.audit.passes == part.audit.states["issued"] > part.came / 2
    assert set(part.audit.states) == {"issued", "rejected", "referred"}
    assert 0 < part.check.p50 <= part.check.p99 <= part.check.most
    assert part.ready_s > 0


def test_the_floor_takes_applications_and_decides_none(results: Results) -> None:
    assert results.floor is not None
    assert results.whole is not None
    assert results.ratio == results.whole.per_s / results.floor.per_s
    assert min(results.floor.accepted, results.whole.accepted) > 10


def test_the_report_names_each_bar_that_is_missed(results: Results) -> None:
    slow = Times(1, 0.0, 301.0, 301.0)
    most = Most(10, 10.0, 1.0, slow)
    bad = replace(results.at_rate, send=slow, ready_s=11.0, wrong=("send: 500",), audit=_audit(lost=1, twice=2))
    lines, missed = report.show(replace(results, at_rate=bad, whole=most, floor=replace(most, seconds=1.0)), 0.5)
    assert [one.split()[0].rstrip(":") for one in missed] == ["accept", "pass", "lost", "twice", "wrong", "ratio"]
    assert lines[-1] == f"SHORT: {missed[-1]}"
    good = replace(results.at_rate, check=Times(1, 1, 1, 1), send=Times(1, 1, 1, 1), ready_s=1.0)
    assert report.show(replace(results, at_rate=good, whole=most, floor=most), 0.5)[1] == []


def _audit(**changes: int) -> Audit:
    return replace(Audit(1, 0, 0, {"issued": 1}, 1, ()), **changes)  # type: ignore[arg-type]


def test_what_is_lost_or_doubled_is_found(tmp_path: Path) -> None:
    async def come(process: processes.Process) -> list[Person]:
        crowd = Crowd(process.port, process.origin)
        await crowd.arrive(10, 1)
        crowd.close()
        return crowd.seen.people

    with processes.running(tmp_path) as process:
        people = asyncio.run(come(process))
        ledger = process.authority / "ledger.sqlite"
    assert (audit(process.data, ledger, people).lost, audit(process.data, ledger, people).twice) == (0, 0)
    stranger = Person(99, "issued", {"0000-0000-0000"}, "X" * 26, has_sent=True)
    assert audit(process.data, ledger, [*people, stranger]).lost == 1
    issued = next(person for person in people if person.expected == "issued")
    assert audit(process.data, ledger, [replace(issued, secret="X" * 26), *people]).lost == 1
    assert audit(process.data, ledger, people[1:]).twice == 1
    second = replace(issued, references=issued.references | {next(iter(people[1].references))})
    assert audit(process.data, ledger, [second, *people]).twice == 1
    (reference,) = issued.references
    with closing(sqlite3.connect(ledger)) as db, db:
        db.execute("INSERT INTO passes VALUES (?, x'00', 1, 1, 'MP1:', NULL, NULL)", (f"{reference}.1",))
    assert audit(process.data, ledger, people).twice == 1
    with closing(sqlite3.connect(ledger)) as db, db:
        db.execute("DELETE FROM passes WHERE request_id LIKE ?", (f"{reference}%",))
    assert audit(process.data, ledger, people).lost == 1
    with closing(sqlite3.connect(process.data / "service.sqlite")) as db, db:
        db.execute("DELETE FROM applications WHERE reference = ?", (reference,))
    assert audit(process.data, ledger, people).lost == 1
