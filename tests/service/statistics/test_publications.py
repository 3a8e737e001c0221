"""Publications of lists are in the facts: those of this process, and the newest of another one."""

import pytest
from support.applications import APPROVE_ALL, run, submit, use_rules, work

from movepass_service.issuing.publishing import PublisherThread
from movepass_service.service import Service
from movepass_service.statistics import publications
from movepass_service.statistics.building import FactBuilder
from movepass_service.statistics.collecting import Collector
from movepass_service.statistics.facts import PUBLISHED, REVOKED, FactsError, read_line
from movepass_service.statistics.folder import facts_folder
from movepass_service.statistics.parts import FolderParts
from movepass_service.statistics.publications import Publications, newest_of


def told(service: Service, kind: str) -> list[tuple[int | None, int | None]]:
    paths = sorted(facts_folder(service.store.folder).rglob("*.jsonl"))
    facts = (read_line(line) for path in paths for line in path.read_text("utf-8").splitlines())
    return [(fact.at_s, fact.noted_s) for fact in facts if fact.type == kind]


def collect(service: Service, known: Publications, now: int) -> int:
    parts = FolderParts(facts_folder(service.store.folder))
    return Collector(service.store, parts, FactBuilder(b"key", service.rules), known).collect(now)


def publish(service: Service, known: Publications, now: int) -> None:
    """Publish once, as a service does that is started and stopped."""
    publisher = PublisherThread(service, lambda: now, known.tell)
    publisher._tell(publisher._publish(), 0)


def test_a_revocation_waits_for_the_publication_that_lists_it(service: Service, now: int) -> None:
    use_rules(service, APPROVE_ALL, now)
    receipt = submit(service, now)
    work(service, now + 5)
    run(service.withdraw(receipt.reference, receipt.secret, now=now + 60))
    known = Publications(newest_of(service.authority.folder))
    publish(service, known, now + 62)
    work(service, now + 65)
    publish(service, known, now + 70)
    publish(service, known, now + 100)
    collect(service, known, now + 120)
    (noted_at, noted_s) = told(service, REVOKED)[0]
    assert (noted_at, noted_s) == (now + 66, 6)
    at = [at for at, _ in told(service, PUBLISHED)]
    assert set(at) >= {now + 62, now + 70, now + 100}
    assert min(one for one in at if one and one >= now + 66) == now + 70, "not the one between"
    assert collect(service, known, now + 121) == 0
    assert [at for _, at in known.since(0)] == [now + 100], "what was counted is not kept"


def test_the_newest_of_another_process_is_counted_once(service: Service, now: int) -> None:
    publish(service, Publications(lambda: None), now + 10)
    publish(service, Publications(lambda: None), now + 20)
    known = Publications(newest_of(service.authority.folder))
    assert collect(service, known, now + 30) == 1
    assert told(service, PUBLISHED) == [(now + 20, None)]
    assert collect(service, Publications(newest_of(service.authority.folder)), now + 40) == 0


def test_a_repository_out_of_reach_keeps_nothing_else_from_being_counted(
    service: Service, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_rules(service, APPROVE_ALL, now)
    submit(service, now)
    work(service, now + 5)

    def unreadable(_: object) -> None:
        raise FactsError("the repository can't be read")

    monkeypatch.setattr(publications, "read_newest", unreadable)
    known = Publications(newest_of(service.authority.folder))
    known.tell(2, now + 6)
    assert collect(service, known, now + 10) == 3
    monkeypatch.undo()
    assert collect(service, known, now + 11) > 0
    assert (now + 6, None) in told(service, PUBLISHED)
