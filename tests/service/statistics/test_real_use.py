"""Every report about what people really did: by the site, its line, the collector and the command `movepass report`.

The answers are compared with a naive reading of the collected facts, and some numbers with what was done.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.applications import OFFICER, decision, rules, run, use_rules
from support.lines import SLOW, Clock
from support.naive_reports import answer_all
from support.sites import Browser, RunningSite, answers, hidden, references, running_site

from movepass_cli.main import cli
from movepass_service.statistics import engine
from movepass_service.statistics.building import FactBuilder
from movepass_service.statistics.collecting import Collector, compact
from movepass_service.statistics.facts import DICTIONARY, moment
from movepass_service.statistics.folder import facts_folder, list_days
from movepass_service.statistics.hiding import as_document, hide_small
from movepass_service.statistics.parts import FolderParts
from movepass_service.statistics.publications import Publications, newest_of
from movepass_service.statistics.reports import Answer, all_reports
from movepass_wire.times import iso

RULES = rules(
    "real", ('reason = ["business"]', "refer"), ("passes_today = { at_least = 1 }", "reject"), ("", "approve")
)
BEFORE_S = 300
"""Before now the story begins, as nothing may happen later than the worker's clock says."""
LATER_S = 2 * 86_400
HEADING = "hour,outcome,verdict,scans,shown_before,let_through,sent_back,called_in\n"


@dataclass
class Town:
    """People at a site with a line."""

    site: RunningSite
    clock: Clock
    collector: Collector
    forms: dict[str, tuple[Browser, dict[str, str]]] = field(default_factory=dict)
    receipts: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return facts_folder(self.site.data)

    def comes(self, name: str, number: int, reason: str) -> int:
        """Fill in a form and send it; returns the status. Whoever gets a place can come again."""
        browser = self.site.browser()
        who = {"holder__name": name, "holder__id_number": f"{number:010}"}
        checked = browser.post("/en/apply", answers(reason=reason, **who))
        return self.sends(name, browser, hidden(checked))

    def comes_again(self, name: str) -> int:
        return self.sends(name, *self.forms[name])

    def sends(self, name: str, browser: Browser, form: dict[str, str]) -> int:
        page = browser.post("/en/apply/send", form)
        if page.status == 303:
            (self.receipts[name],) = references(browser.follow(page))
        else:
            self.forms[name] = (browser, hidden(page))
        return page.status

    def collect(self) -> None:
        """Count the last entries in the line, as its next visitor does, and collect."""
        self.clock.now += 12
        for browser, form in self.forms.values():
            browser.get(f"/en/line?place={form['place']}")
        self.collector.collect(int(self.clock.now))

    def collect_later(self) -> None:
        """Collect when all trips are over, so that reports know of all their hours."""
        self.collector.collect(int(self.clock.now) + LATER_S)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    clock = Clock(time.time() - BEFORE_S)
    with running_site(folder, line=SLOW, clock=clock) as site:
        use_rules(site.service, RULES, int(clock.now))
        builder = FactBuilder(b"k" * 32, site.service.rules)
        parts, told = FolderParts(facts_folder(site.data)), Publications(newest_of(site.service.authority.folder))
        town = Town(site, clock, Collector(site.service.store, parts, builder, told, site.line))
        town.collector.collect(int(clock.now))  # as the embedded service does when it starts
        live_through(town)
        yield town


def live_through(town: Town) -> None:
    """Six people come; one must wait in line, one never comes back, and one gives the pass back."""
    site, store = town.site, town.site.service.store
    assert town.comes("ill", 1, "medical") == 303
    assert town.comes("shops", 2, "groceries") == 303
    assert town.comes("waits", 3, "business") == 503
    assert town.comes("never comes", 4, "burial") == 503
    town.collector.collect(int(town.clock.now))
    town.collect()
    assert town.comes_again("waits") == 303
    town.clock.now += 12
    assert town.comes("again", 2, "groceries") == 303
    town.clock.now += 12
    assert town.comes("gives back", 5, "groceries") == 303
    site.work()
    now = int(time.time())
    store.decide_case(town.receipts["waits"], decision("approve", actor=f"officer:{OFFICER}"), now)
    site.work()
    run(store.change(town.receipts["gives back"], decision("withdraw", actor="applicant"), now))
    site.work()
    import_counts(town, now)
    time.sleep(1.1)  # a list says when a revocation was listed if it is of a later second
    asked(["publish", "--authority", str(site.service.authority.folder)])
    town.collect()
    town.collect_later()


def import_counts(town: Town, now: int) -> None:
    """Bring in what the device of a post counted in the hour before."""
    hour = iso(now // 3600 * 3600 - 3600)
    file = town.site.data.parent / "post.csv"
    rows = (
        f"{hour},accept,valid,40,3,0,0,0",
        f"{hour},reject,forged,2,0,0,0,0",
        f"{hour},cannot-verify,stale,4,0,1,2,1",
    )
    file.write_text(HEADING + "\n".join(rows) + "\n", "utf-8")
    asked([
        "service", "counts", str(file), "--data", str(town.site.data), "--post", "Gabtoli 7", "--district", "dhaka",
    ])  # fmt: skip


def asked(command: list[str]) -> str:
    ran = CliRunner().invoke(cli, command)
    assert ran.exit_code == 0, ran.output
    return ran.stdout


def collected(town: Town) -> list[Mapping[str, Any]]:
    """Read all facts, each once."""
    with closing(engine.connect()) as db:
        rows = db.execute(engine.facts_query(list_days(town.folder))).fetchall()
    return [dict(zip(DICTIONARY, row, strict=True)) for row in rows]


def days_of(town: Town) -> tuple[date, date]:
    day = date.fromisoformat(moment(int(town.clock.now)).day)
    return day - timedelta(days=1), day + timedelta(days=1)


def report(town: Town, name: str) -> list[dict[str, Any]]:
    """Ask by the command."""
    since, until = map(str, days_of(town))
    shown = asked([
        "report", name, "--data", str(town.site.data), "--since", since, "--until", until, "--format", "json",
    ])  # fmt: skip
    rows: list[dict[str, Any]] = json.loads(shown)["rows"]
    return rows


def in_no_order(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


@pytest.mark.parametrize("name", all_reports())
def test_each_report_answers_as_a_naive_reading_of_what_was_collected(town: Town, name: str) -> None:
    since, until = days_of(town)
    naive = answer_all(collected(town), since, until, {}, only=name)[name]
    answer = Answer(all_reports()[name], since, until, {}, tuple(naive), None)
    expected = as_document(answer, hide_small(answer))["rows"]
    shown = report(town, name)
    assert in_no_order(shown) == in_no_order(expected)
    assert shown, "something happened that this report tells of"


def test_the_reports_tell_what_people_did(town: Town) -> None:
    def total(name: str, *columns: str) -> list[int]:
        return [sum(row[column] for row in report(town, name)) for column in columns]

    decided = ("applied", "approved", "rejected", "referred", "issued", "withdrawn")
    assert total("applications-by-hour", *decided) == [5, 4, 1, 1, 4, 1]
    assert total("load", "applied", "let_in", "given_places") == [5, 5, 2]
    assert max(row["longest_line"] for row in report(town, "load")) >= 1
    assert total("quotas", "per_day") == [1]
    assert total("revocations", "revoked", "listed") == [2, 2], "one, and all together"
    assert total("verdicts-by-hour", "checks", "forged", "let_through") == [46, 2, 1]
    assert total("officers-load", "decided") == [1]


def test_compacted_the_reports_say_the_same(town: Town) -> None:
    before = {name: in_no_order(report(town, name)) for name in all_reports()}
    assert compact(town.folder, int(town.clock.now) + 3 * 86400) >= 1
    assert {name: in_no_order(report(town, name)) for name in all_reports()} == before


def test_the_line_tells_nothing_of_people_and_is_counted_once(town: Town) -> None:
    lined = [fact for fact in collected(town) if fact["type"] == "lined"]
    assert {fact["lane"] for fact in lined} == {"urgent", "ordinary"}
    assert sum(fact["entered"] for fact in lined) == 5
    assert sum(fact["places"] for fact in lined) == 2
    town.collect_later()
    assert [fact for fact in collected(town) if fact["type"] == "lined"] == lined
