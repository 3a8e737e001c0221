"""The line on the site: an ordinary day without it, a place beyond the capacity, turns, refused places, floods."""

import base64
import hashlib
import json
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.lines import SLOW, Clock
from support.sites import Browser, RunningSite, answers, hidden, references, running_site, serving, whole_application

from movepass_service.admission import Gate, LineSettings
from movepass_service.admission.sqlite_line import SqliteLine
from movepass_service.site import make_app


@dataclass
class Crowded:
    """A site at which somebody has just entered in each lane."""

    site: RunningSite
    clock: Clock

    def person(self, name: str, prefix: str = "", **changes: str) -> tuple[Browser, dict[str, str]]:
        """Fill in the form as far as the check page."""
        browser = self.site.browser()
        checked = browser.post(f"{prefix}/apply", answers(holder__name=name, **changes))
        return browser, hidden(checked)


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Crowded]:
    clock = Clock(time.time())
    with running_site(tmp_path, line=SLOW, clock=clock) as site:
        crowd = Crowded(site, clock)
        for reason in ("medical", "groceries"):
            browser, form = crowd.person("The First", reason=reason)
            assert browser.post("/apply/send", form).status == 303
        yield crowd


def stored(site: RunningSite) -> int:
    return sum(site.service.statistics_public().values())


def test_on_an_ordinary_day_every_byte_is_as_without_a_gate(tmp_path: Path) -> None:
    clock = Clock(time.time())
    with running_site(tmp_path, clock=clock) as site:
        gate = Gate(SqliteLine(tmp_path), site.service.line_key, LineSettings())
        gated = make_app(site.service, site.settings, accounts=site.accounts, gate=gate, clock=clock)
        seen: list[list[Any]] = []
        nonce, sent_with = "ab" * 16, {"Content-Type": "application/x-www-form-urlencoded"}
        program = json.dumps(whole_application(request_id="0b9f3d0e-6f0a-4c53-9a53-5f3a4a0e8f11")).encode()
        with serving(gated) as port:
            for at in (site.port, port):
                here = RunningSite(site.service, at, site.settings, site.worker, site.data, site.accounts)
                browser = Browser(here, {("form", "/"): nonce})
                checked = browser.post("/apply", answers())
                sent = browser.post("/apply/send", hidden(checked))
                receipt = browser.follow(sent)
                asked = here.ask("POST", "/api/applications", program, headers={"Content-Type": "application/json"})
                again = here.ask("POST", "/apply/send", b"", headers=sent_with)
                pages = (browser.get("/apply"), checked, sent, receipt, asked, again)
                seen.append([(page.status, _without_date(page.headers), page.body) for page in pages])
        assert seen[0] == seen[1]


def _without_date(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [pair for pair in headers if pair[0].lower() != "date"]


@pytest.mark.parametrize("prefix", ["", "/en"])
def test_beyond_the_capacity_the_answers_are_kept_with_a_place(crowded: Crowded, prefix: str) -> None:
    before = stored(crowded.site)
    browser, form = crowded.person("Second", prefix)
    page = browser.post(f"{prefix}/apply/send", form)
    assert page.status == 503
    assert int(page.header("Retry-After") or 0) >= 5
    kept = hidden(page)
    token = kept.pop("place")
    assert kept == form
    assert browser.jar["place", "/"] == token
    assert re.fullmatch(r"urgent\.1\.[0-9]+\.[0-9a-f]{32}", token)
    assert f"{prefix}/line?place={token}" in page.text
    assert ("You are the next" in page.text) == bool(prefix)
    assert stored(crowded.site) == before


def test_a_place_is_kept_through_refresh_and_enters_when_it_is_its_turn(crowded: Crowded) -> None:
    before = stored(crowded.site)
    people = [crowded.person(f"Waiting {n}") for n in range(3)]
    pages = [browser.post("/apply/send", form) for browser, form in people]
    numbers = [hidden(page)["place"].split(".")[1] for page in pages]
    assert numbers == ["1", "2", "3"]
    for (browser, _), page in zip(people, pages, strict=True):
        assert hidden(browser.post("/apply/send", hidden(page)))["place"] == hidden(page)["place"]
    crowded.clock.now += 12
    sent = [browser.post("/apply/send", hidden(page)) for (browser, _), page in zip(people, pages, strict=True)]
    assert [page.status for page in sent] == [303, 503, 503]
    assert len(references(people[0][0].follow(sent[0]))) == 1
    assert ("place", "/") not in people[0][0].jar
    assert stored(crowded.site) == before + 1


def test_a_closed_browser_finds_its_place_by_cookie_and_by_link(crowded: Crowded) -> None:
    browser, form = crowded.person("Closes The Browser", "/en")
    page = browser.post("/en/apply/send", form)
    shown = browser.get("/en/line")
    assert "You are the next" in shown.text
    link = re.search(r'href="[^"]*(/en/line\?place=[^"]+)"', page.text)
    assert link
    other = crowded.site.browser()
    assert other.follow(other.get(link[1])).text == shown.text
    crowded.clock.now += 12
    assert "Your turn has come" in browser.get("/en/line").text
    again = browser.post("/en/apply", answers(holder__name="Filled In Again"))
    assert browser.post("/en/apply/send", hidden(again)).status == 303
    assert "no place" in browser.get("/en/line").text


def test_one_browser_has_one_place_whatever_it_asks_for(crowded: Crowded) -> None:
    browser, form = crowded.person("One Place")
    first = hidden(browser.post("/apply/send", form))["place"]
    other = hidden(browser.post("/apply", answers(holder__name="Another Form")))
    assert hidden(browser.post("/apply/send", other))["place"] == first


def test_another_reason_has_another_line(crowded: Crowded) -> None:
    browser, form = crowded.person("Two Reasons", "/en", reason="groceries")
    place = hidden(browser.post("/en/apply/send", form))["place"]
    assert place.startswith("ordinary.")
    urgent = hidden(browser.post("/en/apply", answers(holder__name="Two Reasons")))
    page = browser.post("/en/apply/send", urgent)
    assert hidden(page)["place"].startswith("urgent.")
    assert "is for other reasons" in page.text


def test_what_was_stored_before_gets_its_receipt_and_no_place(crowded: Crowded) -> None:
    browser, form = crowded.person("Sent Twice")
    page = browser.post("/apply/send", form)
    crowded.clock.now += 12
    receipt = browser.follow(browser.post("/apply/send", hidden(page)))
    other, form_of_other = crowded.person("In Between")
    assert other.post("/apply/send", form_of_other).status == 503
    again = browser.follow(browser.post("/apply/send", form))
    assert references(again) == references(receipt)


def test_a_place_serves_one_application(crowded: Crowded) -> None:
    seller, form = crowded.person("Seller", "/en")
    page = hidden(seller.post("/en/apply/send", form))
    crowded.clock.now += 12
    assert seller.post("/en/apply/send", page).status == 303
    buyer, bought = crowded.person("Buyer", "/en")
    answer = buyer.post("/en/apply/send", bought | {"place": page["place"]})
    assert answer.status == 503
    assert "used for another application" in answer.text
    assert hidden(answer)["place"] != page["place"]


@pytest.mark.parametrize(
    "change",
    [lambda t: t[:-1] + ("0" if t[-1] != "0" else "1"), lambda t: t.replace("urgent.1", "urgent.9"), lambda _: "x"],
)
def test_a_forged_place_is_refused_in_words(crowded: Crowded, change: Any) -> None:
    browser, form = crowded.person("Forger", "/en")
    token = hidden(browser.post("/en/apply/send", form))["place"]
    answer = crowded.site.browser().post("/en/apply/send", form | {"place": change(token)})
    assert "not one of ours" in answer.text
    assert hidden(answer)["place"] != token


def test_who_does_not_come_loses_the_place_in_words(crowded: Crowded) -> None:
    late, form = crowded.person("Late", "/en")
    page = hidden(late.post("/en/apply/send", form))
    for n in range(60):
        crowded.clock.now += 10
        browser, others = crowded.person(f"In Time {n}", "/en")
        browser.post("/en/apply/send", others)
    answer = late.post("/en/apply/send", page)
    assert answer.status == 503
    assert "did not come while it was your turn" in answer.text
    assert int(hidden(answer)["place"].split(".")[1]) > 1


def test_a_program_gets_its_place_as_json(crowded: Crowded) -> None:
    def send(document: Any, **headers: str) -> Any:
        body = json.dumps(document).encode()
        return crowded.site.ask(
            "POST", "/api/applications", body, headers={"Content-Type": "application/json", **headers}
        )

    document = whole_application()
    answer = send(document)
    assert answer.status == 503
    assert answer.header("Retry-After")
    told = json.loads(answer.body)
    assert told["errors"][0]["code"] == "line"
    place = told["place"]
    assert (place["lane"], place["number"], place["ahead"]) == ("urgent", 1, 0)
    assert place["soonest_s"] <= place["latest_s"]
    forged = json.loads(send(whole_application(), **{"Movepass-Place": "urgent.1.1.00"}).body)
    assert forged["errors"][0]["code"] == "forged"
    crowded.clock.now += 12
    assert send(document, **{"Movepass-Place": place["token"]}).status == 202


def test_places_survive_a_restart(tmp_path: Path) -> None:
    clock = Clock(time.time())
    tokens = []
    for n in range(2):
        with running_site(tmp_path, line=SLOW, clock=clock, url="http://localhost:8080") as site:
            crowd = Crowded(site, clock)
            for k in range(3):
                browser, form = crowd.person(f"Start {n} {k}")
                page = browser.post("/apply/send", form)
                if page.status == 503:
                    tokens.append((form, hidden(page)["place"]))
    numbers = [int(token.split(".")[1]) for _, token in tokens]
    assert numbers == sorted(set(numbers))
    clock.now += 12
    with running_site(tmp_path, line=SLOW, clock=clock, url="http://localhost:8080") as site:
        form, token = tokens[0]
        assert site.browser().post("/apply/send", form | {"place": token}).status in {200, 303}


def test_health_and_caches_see_the_line(crowded: Crowded) -> None:
    for n in range(2):
        browser, form = crowded.person(f"Counted {n}")
        browser.post("/apply/send", form)
    line = json.loads(crowded.site.ask("GET", "/healthz").body)["line"]
    assert line["lanes"]["urgent"]["waiting"] == 2
    assert line["is_flood"] is False
    called = crowded.site.ask("GET", "/line/called")
    assert called.header("Cache-Control") == "public, max-age=5"
    assert json.loads(called.body)["called"]["urgent"] == 0


def test_in_a_flood_a_proof_leads_to_the_faster_lane(tmp_path: Path) -> None:
    clock = Clock(time.time())
    line = LineSettings(
        urgent_per_s=0.1, ordinary_per_s=0.1, slow_per_s=0.1, slow_urgent_per_s=0.1, flood_times=1.5,
        flood_after_s=1, proof_hashes=2000,
    )  # fmt: skip
    with running_site(tmp_path, line=line, clock=clock) as site:
        crowd = Crowded(site, clock)
        browser, form = crowd.person("A Person", "/en")
        _, other = crowd.person("A Program", "/en")
        for _ in range(40):
            clock.now += 0.5
            crowd.site.browser().post("/en/apply/send", other | {"request_id": str(uuid.uuid4())})
        assert json.loads(site.ask("GET", "/healthz").body)["line"]["is_flood"] is True
        page = browser.post("/en/apply/send", form)
        kept = hidden(page)
        assert kept["place"].startswith("slow-urgent.")
        challenge = json.loads(_unescape(re.search(r'data-challenge="([^"]+)"', page.text)))
        proof = _solve(challenge)
        solved = browser.post("/en/apply/send", kept | {"proof": proof})
        assert hidden(solved)["place"].startswith("urgent.")
        assert "data-challenge" not in solved.text
        twice = site.browser().post("/en/apply/send", form | {"proof": proof})
        assert hidden(twice)["place"].startswith("slow-urgent."), "a proof serves once"


def _unescape(found: re.Match[str] | None) -> str:
    assert found
    return found[1].replace("&#34;", '"').replace("&amp;", "&")


def _solve(challenge: dict[str, Any]) -> str:
    numbers = range(challenge["maxnumber"] + 1)
    found = next(n for n in numbers if _hash(f"{challenge['salt']}{n}") == challenge["challenge"])
    return base64.b64encode(json.dumps({**challenge, "number": found}).encode()).decode()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
