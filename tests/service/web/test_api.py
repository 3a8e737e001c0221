"""The public JSON API over HTTP."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.sites import Answer, RunningSite, apply, references, running_site, tomorrow
from support.sites import whole_application as application

from movepass_service.stores.kept import Kept
from movepass_service.stores.store import Draft, Submitted

API = "/api/applications"


def post(site: RunningSite, document: object, path: str = API, **headers: str) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return site.ask("POST", path, body, headers={"Content-Type": "application/json", **headers})


def got(answer: Answer) -> dict[str, Any]:
    assert answer.header("Content-Type") == "application/json"
    document = json.loads(answer.body)
    assert isinstance(document, dict)
    return document


def accepted(site: RunningSite, **changes: Any) -> tuple[str, dict[str, str]]:
    """Apply; gives the path of the application and the header that opens it."""
    answer = post(site, application(**changes))
    assert answer.status == 202, answer.text
    made = got(answer)
    assert set(made) == {"reference", "secret", "status_url"}
    return f"{API}/{made['reference']}", {"Authorization": f"Bearer {made['secret']}"}


def test_an_application_is_taken_and_becomes_a_pass(site: RunningSite) -> None:
    path, opens = accepted(site)
    first = site.ask("GET", path, headers=opens)
    assert first.status == 200
    assert got(first)["state"] == "received"
    assert int(first.header("Retry-After") or 0) > 0
    assert (first.header("Cache-Control") or "").startswith("private, max-age=")
    site.work()
    issued = got(site.ask("GET", path, headers=opens))
    assert issued["state"] == "issued"
    assert set(issued["reason"]) == {"code", "text"}
    assert set(issued["pass"]) == {"pass_number", "text", "qr_url", "card_url"}
    assert issued["pass"]["text"].startswith("MP1:")
    for name, kind in (("qr_url", "image/png"), ("card_url", "application/pdf")):
        picture = site.ask("GET", issued["pass"][name].removeprefix(site.origin), headers=opens)
        assert picture.header("Content-Type") == kind


def test_behind_a_cache_of_its_own_only_what_waits_is_kept_and_told_apart_by_its_secret(tmp_path: Path) -> None:
    with running_site(tmp_path, has_cache=True) as site:
        path, opens = accepted(site)
        waiting = site.ask("GET", path, headers=opens)
        seconds = int(waiting.header("Retry-After") or 0)
        assert waiting.header("Cache-Control") == f"s-maxage={seconds}, max-age={seconds}"
        assert "Authorization" in (waiting.header("Vary") or "")
        assert waiting.header("Set-Cookie") is None
        browser = site.browser()
        page = browser.follow(browser.get(got(post(site, application()))["status_url"].removeprefix(site.origin)))
        unknown = site.ask("GET", path, headers={"Authorization": "Bearer 0000-0000-0000-0000"})
        site.work()
        answers = {
            "a page by a cookie": page,
            "a wrong secret": unknown,
            "a pass": site.ask("GET", path, headers=opens),
            "a POST": post(site, {}, f"{path}/withdraw", **opens),
            "a receipt": post(site, application()),
        }
        for what, answer in answers.items():
            kept = answer.header("Cache-Control") or ""
            assert kept.startswith("private, no-"), (what, kept)


def test_the_status_url_is_the_secret_link(site: RunningSite) -> None:
    url = got(post(site, application()))["status_url"]
    browser = site.browser()
    assert browser.follow(browser.get(url.removeprefix(site.origin))).status == 200


def test_the_same_application_again_gives_the_same_receipt_and_another_is_refused(site: RunningSite) -> None:
    asked = application()
    first, again = post(site, asked), post(site, asked)
    assert first.body == again.body
    before = site.service.statistics_public()
    other = post(site, asked | {"reason": "groceries"})
    assert other.status == 409
    assert "secret" not in other.text
    assert got(first)["reference"] not in other.text
    assert site.service.statistics_public() == before


def test_all_faults_come_at_once_in_the_applicants_language(site: RunningSite) -> None:
    wrong = application(holder={"id_type": "nid"}, reason=None, colour="red", request_id="R-1")
    wrong["from"] = {"district": "Dhaak"}
    english = got(post(site, wrong))["errors"]
    assert {fault["field"] for fault in english} >= {"request_id", "holder.name", "from.district", "reason", "colour"}
    assert any("Did you mean Dhaka?" in fault["message"] for fault in english)
    bangla = got(post(site, wrong | {"language": "bn"}))["errors"]
    assert any("ঢাকা" in fault["message"] for fault in bangla)


@pytest.mark.parametrize(
    "opens", [None, "", "Bearer", "Bearer " + "A" * 26, "Basic YTpi", "Bearer " + "A" * 5000, "Bearer ü"]
)
def test_without_the_secret_an_application_is_unknown(site: RunningSite, opens: str | None) -> None:
    path, _ = accepted(site)
    headers = {} if opens is None else {"Authorization": opens}
    known, unknown = (site.ask("GET", p, headers=headers) for p in (path, f"{API}/0000-0000-0000"))
    assert known.status == unknown.status
    assert known.status in {401, 404}
    assert known.body == unknown.body


def test_withdraw_correct_and_appeal(site: RunningSite) -> None:
    path, opens = accepted(site, reason="groceries", not_after=f"{tomorrow()}T18:00:00+06:00")
    site.work()
    assert got(site.ask("GET", path, headers=opens))["state"] == "rejected"
    assert post(site, {}, f"{path}/appeal", **opens).status == 400
    assert post(site, {"note": 5}, f"{path}/appeal", **opens).status == 400
    assert got(post(site, {"note": "Please look"}, f"{path}/appeal", **opens))["state"] == "appealed"
    assert got(site.ask("POST", f"{path}/withdraw", b"", headers=opens))["state"] == "withdrawn"
    assert site.ask("POST", f"{path}/withdraw", b"", headers=opens).status == 200
    assert post(site, application(), f"{path}/correct", **opens).status == 409

    path, opens = accepted(site, reason="groceries", not_after=f"{tomorrow()}T18:00:00+06:00")
    site.work()
    assert post(site, application(reason=""), f"{path}/correct", **opens).status == 400
    assert got(post(site, application(), f"{path}/correct", **opens))["state"] == "received"
    site.work()
    assert got(site.ask("GET", path, headers=opens))["state"] == "issued"


def test_one_object_is_one_application(site: RunningSite) -> None:
    back = {"not_before": f"{tomorrow()}T15:00:00+06:00", "not_after": f"{tomorrow()}T16:00:00+06:00"}
    answer = post(site, application(back=back))
    assert answer.status == 400
    assert [fault["field"] for fault in got(answer)["errors"]] == ["back"]


def test_evidence_and_verified_phone_are_not_the_applicants_to_claim(site: RunningSite) -> None:
    for claim in ({"evidence": "employer"}, {"phone_verified": True}, {"id_hash": "00"}):
        assert post(site, application(**claim)).status == 400, claim


def test_health_says_how_the_worker_is(site: RunningSite) -> None:
    site.work()
    answer = site.ask("GET", "/healthz", headers={"Host": "10.0.0.7"})
    assert answer.status == 200
    assert set(got(answer)) == {"ok", "worker_age_s", "last_publication", "queue"}
    assert got(answer)["ok"] is True


def test_a_card_that_no_font_can_write_is_refused_in_words_and_the_code_is_good(site: RunningSite) -> None:
    path, opens = accepted(site, holder={"name": "မောင်မောင်", "id_type": "nid", "id_number": "4444567890"})
    site.work()
    card = site.ask("GET", f"{path}/card", headers=opens)
    assert card.status == 409
    assert got(card)["errors"][0]["code"] == "no-card"
    assert site.ask("GET", f"{path}/qr", headers=opens).status == 200


@pytest.fixture
def held_here_only(site: RunningSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the store be one of two regions, of which the other does not answer."""
    submit, find = site.service.store.submit, site.service.store.find

    async def submit_here(drafts: Sequence[Draft], now: int) -> list[Submitted]:
        return [replace(one, is_copied=False) for one in await submit(drafts, now)]

    def find_here(reference: str) -> Kept | None:
        kept = find(reference)
        return kept and replace(kept, is_copied=False)

    monkeypatch.setattr(site.service.store, "submit", submit_here)
    monkeypatch.setattr(site.service.store, "find", find_here)


@pytest.mark.usefixtures("held_here_only")
def test_what_one_region_holds_alone_is_said_so(site: RunningSite) -> None:
    made = got(post(site, application()))
    assert made["held_in"] == "this-region-only"
    opens = {"Authorization": f"Bearer {made['secret']}"}
    assert got(site.ask("GET", f"{API}/{made['reference']}", headers=opens))["held_in"] == "this-region-only"
    for prefix, said in (("", "দুটি তথ্যকেন্দ্রের একটিতেই"), ("/en", "one of our two data centres only")):
        browser = site.browser()
        receipt = apply(browser, prefix)
        assert said in receipt.text
        assert said in browser.get(f"{prefix}/status/{references(receipt)[0]}").text
