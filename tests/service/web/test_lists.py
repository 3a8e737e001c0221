"""Lists of an assistant or an employer: stored once, faults by row, quotas a day, and whose word it is."""

import html
import re
from typing import Any

import pytest
from support.sites import Browser, RunningSite, answers, apply, hidden, new_number, references, registered, tomorrow

from movepass_service.accounts import Helper

HEADING = "holder.name,holder.id_type,holder.id_number,from.district,to.district,reason,not_before,hours"


def helper(site: RunningSite, *, role: str = "employer", quota: int = 100) -> Browser:
    phone = new_number()
    site.accounts.appoint(f"+88{phone}", Helper(role, "Padma Textiles", quota))
    return registered(site, phone)


def line(name: str, number: int, **changes: str) -> str:
    cells = {
        "type": "nid",
        "from": "dhaka",
        "to": "gazipur",
        "reason": "office",
        "at": f"{tomorrow()} 08:00",
        "hours": "3",
    }
    cells |= changes
    middle = [cells["type"], str(number), cells["from"], cells["to"], cells["reason"], cells["at"], cells["hours"]]
    return ",".join([name, *middle])


def send(browser: Browser, *lines: str) -> Any:
    token = hidden(browser.get("/en/my-passes/list"))
    return browser.post("/en/my-passes/list", token | {"rows": "\r\n".join(lines)})


def stored(page: Any) -> list[str]:
    return re.findall(r'my-passes/open/([0-9A-Z-]{14})"', page.text)


def left(page: Any) -> list[str]:
    found = re.search(r"<textarea[^>]*>\n([^<]*)</textarea>", page.text)
    assert found
    return html.unescape(found[1]).splitlines()


def test_good_rows_are_stored_and_faulty_ones_stay_with_their_faults(site: RunningSite) -> None:
    browser = helper(site)
    bad = line("Wrong Place", 4_000_000_002, to="Gazipor")
    page = send(browser, HEADING, line('"One, the First"', 4_000_000_001), bad, line("Three", 4_000_000_003))
    assert page.status == 400
    assert len(stored(page)) == 2
    assert left(page) == [HEADING, bad]
    assert "Line 3: There is no such district. Did you mean Gazipur?" in page.text
    mended = send(browser, *[text.replace("Gazipor", "Gazipur") for text in left(page)])
    assert mended.status == 200
    assert len(stored(mended)) == 1
    assert left(mended) == []
    assert all(reference in browser.get("/en/my-passes").text for reference in stored(page) + stored(mended))


def test_a_list_that_is_sent_again_applies_for_nobody_twice(site: RunningSite) -> None:
    browser = helper(site, quota=120)
    lines = [HEADING, *(line(f"Again {n}", 4_100_000_000 + n) for n in range(120))]
    first = send(browser, *lines)
    before = site.service.statistics_public()
    assert len(stored(first)) == 120
    assert stored(send(browser, *lines)) == stored(first)
    assert site.service.statistics_public() == before
    for reference in (stored(first)[0], stored(first)[-1]):
        assert browser.get(f"/en/my-passes/open/{reference}").header("Location") == f"/en/status/{reference}"


def test_the_days_quota_holds_and_is_not_spent_twice(site: RunningSite) -> None:
    browser = helper(site, quota=3)
    lines = [line(f"Quota {n}", 4_200_000_000 + n) for n in range(5)]
    page = send(browser, HEADING, *lines)
    assert len(stored(page)) == 3
    assert left(page) == [HEADING, *lines[3:]]
    assert page.text.count("at most 3 applications on a day") == 2
    assert "You can send 0 more applications today" in page.text


def test_whose_word_it_is_goes_on_record(site: RunningSite) -> None:
    for role in ("assistant", "employer"):
        browser = helper(site, role=role)
        (reference,) = stored(send(browser, HEADING, line(f"Word {role}", 4_300_000_001)))
        (typed,) = references(apply(browser, "/en", holder__name=f"Typed {role}"))
        browser.get(f"/en/my-passes/open/{reference}")
        for one in (reference, typed):
            secret = browser.jar["key", f"/status/{one}"]
            application = site.service.status(one, secret, now=0).application
            assert application.evidence == role
            assert application.on_behalf_of == "Padma Textiles"
    for column in ("evidence", "phone_verified", "id_hash"):
        claimed = send(browser, f"{HEADING},{column}", line("Claims", 4_300_000_009) + ",employer")
        assert claimed.status == 400
        assert stored(claimed) == []


def test_nobody_else_sends_lists_or_sees_theirs(site: RunningSite) -> None:
    browser = helper(site)
    (reference,) = stored(send(browser, HEADING, line("Theirs", 4_400_000_001)))
    ordinary = registered(site, new_number())
    assert "Apply with a list" not in ordinary.get("/en/my-passes").text
    for stranger in (ordinary, site.browser()):
        assert stranger.get("/en/my-passes/list").header("Location") == "/en/my-passes"
        assert stranger.post("/en/my-passes/list", {"rows": HEADING}).header("Location") == "/en/my-passes"
    assert helper(site).get(f"/en/my-passes/open/{reference}").status == 404
    assert browser.post("/en/my-passes/list", {"rows": HEADING, "token": "0" * 32}).status == 403


@pytest.mark.parametrize(
    "text", ["", "x", HEADING, f'{HEADING}\n"open', "\n\n", "a,b\n" * 202, f"{HEADING}\n" + "x,y\n" * 201]
)
def test_what_is_no_list_is_refused(site: RunningSite, text: str) -> None:
    answer = send(helper(site), text)
    assert answer.status == 400
    assert stored(answer) == []


@pytest.mark.parametrize(
    "text", ["a,a\n1,2", "back.hours\n3", f"{HEADING}\n1,2,3,4,5,6,7,8,9,10", "=1+1\n=cmd|x", "a,\n,x"]
)
def test_odd_lists_are_faults_by_row(site: RunningSite, text: str) -> None:
    answer = send(helper(site), text)
    assert answer.status == 400
    assert "Line 2:" in answer.text


def shown_state(site: RunningSite, browser: Browser, reference: str) -> str:
    site.work()
    return browser.get(f"/en/status/{reference}").text


def test_the_form_costs_a_helpers_quota_too_and_the_same_form_costs_it_once(site: RunningSite) -> None:
    browser = helper(site, quota=1)
    checked = browser.post("/en/apply", answers(holder__id_number="5000000001"))
    for _ in range(2):
        assert browser.post("/en/apply/send", hidden(checked)).status == 303
    other = browser.post("/en/apply", answers(holder__id_number="5000000002"))
    refused = browser.post("/en/apply/send", hidden(other))
    assert refused.status == 429
    assert "used up" in refused.text
    page = send(browser, HEADING, line("Beyond", 5_000_000_003))
    assert not stored(page)


def test_a_helpers_correction_keeps_the_helpers_word(site: RunningSite) -> None:
    browser = helper(site)
    (reference,) = references(apply(browser, "/en", holder__id_number="5100000001", reason="relief", hours="5"))
    assert "Approved for duty" in shown_state(site, browser, reference)
    form = hidden(browser.get(f"/en/status/{reference}/correct"))
    typed = answers(holder__id_number="5100000001", reason="relief", hours="6")
    checked = browser.post(f"/en/status/{reference}/correct", form | typed)
    assert browser.post(f"/en/status/{reference}/correct/send", hidden(checked)).status == 303
    assert "Approved for duty" in shown_state(site, browser, reference)
