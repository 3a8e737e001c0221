"""A lost day is built again from what is left, counts what was deleted, and says so."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support.applications import ID_NUMBER, NAME, OFFICER, bytes_of, play_three

from movepass_issuer.issuing.ledger import Ledger
from movepass_service.service import Service
from movepass_service.statistics import collecting, engine
from movepass_service.statistics.asking import Facts
from movepass_service.statistics.building import FactBuilder
from movepass_service.statistics.collecting import Collector, compact
from movepass_service.statistics.facts import QuestionError, moment
from movepass_service.statistics.folder import day_path, facts_folder, list_days, part_path, reading
from movepass_service.statistics.parts import FolderParts
from movepass_service.statistics.rebuilding import Rebuilt, rebuild_day

DAY_SECONDS = 86400
PLAYED = Counter({
    ("applied", None): 3, ("decided", "approve"): 2, ("decided", "refer"): 1, ("decided", "reject"): 1,
    ("issued", None): 2, ("withdrawn", "withdraw"): 1, ("revoked", "withdraw"): 1,
})  # fmt: skip


@pytest.fixture
def noon(now: int) -> int:
    """A noon in Dhaka: nothing of the story is on another day."""
    return now - (now + 6 * 3600) % DAY_SECONDS + 12 * 3600


@pytest.fixture
def played(service: Service, noon: int) -> Service:
    play_three(service, noon)
    Collector(service.store, parts(service), builder(service)).collect(noon + 800)
    compact(folder(service), noon + 2 * DAY_SECONDS)
    return service


@pytest.fixture
def ledger(service: Service) -> Iterator[Ledger]:
    with closing(service.authority.ledger()) as opened:
        yield opened


def folder(service: Service) -> Path:
    return facts_folder(service.store.folder)


def parts(service: Service) -> FolderParts:
    return FolderParts(folder(service))


def builder(service: Service) -> FactBuilder:
    return FactBuilder(b"key", service.rules)


def day_of(at: int) -> date:
    return date.fromisoformat(moment(at).day)


def rebuild(service: Service, ledger: Ledger, at: int, now: int) -> Rebuilt:
    day = day_of(at)
    return rebuild_day(service.store, ledger.find_index, folder(service), builder(service), day=day, now=now)


def counted(service: Service, columns: str = "type, outcome") -> Counter[tuple[Any, ...]]:
    with reading(folder(service)), engine.connect() as db:
        query = engine.facts_query(list_days(folder(service)))
        return Counter(db.execute(f"SELECT {columns} FROM ({query}) WHERE type <> 'published'").fetchall())


def test_a_lost_day_of_which_all_is_kept_comes_back_and_says_so(played: Service, ledger: Ledger, noon: int) -> None:
    columns = "* EXCLUDE (is_rebuilt)"
    before = counted(played, columns)
    assert counted(played) == PLAYED
    path = day_path(folder(played), moment(noon).day)
    path.unlink()
    assert counted(played) == Counter()
    assert rebuild(played, ledger, noon, noon + 2 * DAY_SECONDS) == Rebuilt(PLAYED.total(), 0)
    assert counted(played, columns) == before
    with Facts.open(folder(played)) as facts:
        answer = facts.ask("applications-by-hour", since=day_of(noon), until=day_of(noon))
    assert (sum(row[2] for row in answer.rows), answer.rebuilt) == (3, (moment(noon).day,))


def test_what_was_deleted_since_is_counted_without_details(
    played: Service, ledger: Ledger, noon: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "PART_POSITIONS", 2)
    later = noon + 3 * DAY_SECONDS
    names = names_of(played)
    assert played.store.forget(later, 0, 10) == 1, "the one that was withdrawn"
    day_path(folder(played), moment(noon).day).unlink()
    assert rebuild(played, ledger, noon, later).forgotten == 2
    assert counted(played) == Counter({
        ("applied", None): 2, ("decided", "approve"): 1, ("decided", "refer"): 1, ("decided", "reject"): 1,
        ("issued", None): 2, ("revoked", None): 1, ("forgotten", None): 2,
    })  # fmt: skip
    kept = counted(played, "type, reason, from_district, hours, correction, at_s IS NOT NULL, is_rebuilt")
    trip = ("groceries", "dhaka", 3, 0)
    assert kept["issued", *trip, False, True] == 1, "the ledger knows for a week what the pass says"
    (revoked,) = (key for key in kept if key[0] == "revoked")
    assert revoked[1:3] + revoked[4:] == ("groceries", "dhaka", 0, True, True), "the ledger's clock says from when"
    assert played.store.forget(noon + 20 * DAY_SECONDS, 0, 10) == 2
    ledger.forget((noon + 20 * DAY_SECONDS) // DAY_SECONDS)
    day_path(folder(played), moment(noon).day).unlink()
    assert rebuild(played, ledger, noon, later).forgotten == 5
    assert counted(played, "type, reason") == Counter(
        {("issued", None): 2, ("revoked", None): 1, ("forgotten", None): 5}
    )
    secrets = [NAME, ID_NUMBER, OFFICER, *names]
    assert [secret for secret in secrets if secret.encode() in bytes_of(folder(played))] == []


def names_of(service: Service) -> list[str]:
    """Return the references and the pass numbers of all applications."""
    found = [story.kept for story in service.store.stories(0, service.store.log_size())]
    return [name for kept in found for name in (kept.reference, kept.pass_number) if name]


def test_late_facts_that_are_there_stay_as_they_were(played: Service, ledger: Ledger, noon: int) -> None:
    day_path(folder(played), moment(noon).day).unlink()
    (folder(played) / "state.json").unlink()
    Collector(played.store, parts(played), builder(played)).collect(noon + 800)
    rebuild(played, ledger, noon, noon + 2 * DAY_SECONDS)
    assert counted(played) == PLAYED
    assert counted(played, "is_rebuilt") == Counter({(None,): PLAYED.total()})
    assert list(folder(played).rglob("*.jsonl")) == []


def test_a_damaged_file_is_put_aside_and_a_whole_one_is_left_alone(played: Service, ledger: Ledger, noon: int) -> None:
    path = day_path(folder(played), moment(noon).day)
    whole = path.read_bytes()
    with pytest.raises(QuestionError, match="is there and can be read"):
        rebuild(played, ledger, noon, noon + 2 * DAY_SECONDS)
    assert path.read_bytes() == whole
    path.write_bytes(whole[:-9])
    rebuild(played, ledger, noon, noon + 2 * DAY_SECONDS)
    assert counted(played) == PLAYED
    assert path.with_name("facts.parquet.damaged").read_bytes() == whole[:-9]
    rebuild(played, ledger, noon, noon + 2 * DAY_SECONDS)
    assert counted(played) == PLAYED, "what was built again can be built once more"


def test_a_day_that_is_not_over_and_one_on_which_nothing_happened(played: Service, ledger: Ledger, noon: int) -> None:
    with pytest.raises(QuestionError, match="is not over"):
        rebuild(played, ledger, noon, noon + 100)
    empty = noon - 9 * DAY_SECONDS
    assert rebuild(played, ledger, empty, noon + 2 * DAY_SECONDS) == Rebuilt(0, 0)
    assert part_path(folder(played), moment(empty).day, "rebuilt").exists() is False
    assert counted(played) == PLAYED
