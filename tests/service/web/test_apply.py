"""Applying without JavaScript: what is typed, what is sent, and that it becomes one application."""

import html
import re
import uuid

import pytest
from support.sites import Browser, RunningSite, answers, apply, hidden, references, tomorrow

REFERENCE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}")


def applications(site: RunningSite) -> int:
    return sum(site.service.statistics_public().values())


def test_the_first_post_stores_nothing_and_carries_everything_with_an_id(site: RunningSite, browser: Browser) -> None:
    before = applications(site)
    checked = browser.post("/en/apply", answers())
    assert checked.status == 200
    carried = hidden(checked)
    assert uuid.UUID(carried.pop("request_id")).version == 4
    assert carried == answers(not_before__date=tomorrow())
    assert applications(site) == before


def test_the_second_post_gives_reference_code_and_secret_link(site: RunningSite, browser: Browser) -> None:
    receipt = apply(browser, "/en")
    (reference,) = references(receipt)
    assert REFERENCE.fullmatch(reference)
    link = re.search(rf'href="({re.escape(site.origin)}/en/status/{reference}\?key=[0-9A-Z]{{26}})"', receipt.text)
    assert link
    secret = link[1].rpartition("=")[2]
    assert " ".join(secret[at : at + 4] for at in range(0, 26, 4)) in receipt.text
    assert "screenshot" in receipt.text


def test_refresh_and_back_show_the_receipt_again(site: RunningSite, browser: Browser) -> None:
    receipt = apply(browser)
    before = applications(site)
    assert browser.get("/receipt").text == receipt.text
    assert references(browser.get("/en/receipt")) == references(receipt)
    assert applications(site) == before


@pytest.mark.parametrize("way", ["the same page sent twice", "refreshed in between", "another tab", "changed and back"])
def test_one_application_whatever_is_sent_again(site: RunningSite, browser: Browser, way: str) -> None:
    asked = answers(holder__name=f"Twice {way}")
    first = browser.post("/apply", asked)
    second = first
    if way == "refreshed in between":
        second = browser.post("/apply", asked)
    elif way == "another tab":
        browser.get("/apply")
        second = browser.post("/apply", asked)
    elif way == "changed and back":
        browser.post("/apply/change", hidden(first))
        browser.post("/apply", asked | {"hours": "2"})
        second = browser.post("/apply", hidden(first))
    before = applications(site)
    receipts = [browser.follow(browser.post("/apply/send", hidden(page))) for page in (first, second)]
    assert references(receipts[0]) == references(receipts[1])
    assert applications(site) == before + 1


def test_the_same_answers_from_another_browser_are_another_application(site: RunningSite) -> None:
    one, other = (apply(site.browser(), holder__name="Two people") for _ in range(2))
    assert references(one) != references(other)


def test_a_browser_without_cookies_gets_its_receipt_in_the_answer(site: RunningSite) -> None:
    checked = site.browser().post("/en/apply", answers(holder__name="No Cookies"))
    sent = site.browser().post("/en/apply/send", hidden(checked))
    assert sent.status == 200
    assert references(sent)
    again = site.browser().post("/en/apply/send", hidden(checked))
    assert references(again) == references(sent)


def test_an_id_with_other_answers_shows_them_again_with_an_id_of_their_own(site: RunningSite, browser: Browser) -> None:
    carried = hidden(browser.post("/en/apply", answers(holder__name="Conflict")))
    browser.post("/en/apply/send", carried)
    before = applications(site)
    answer = browser.post("/en/apply/send", carried | {"holder.name": "Somebody Else"})
    assert answer.status == 409
    assert hidden(answer)["holder.name"] == "Somebody Else"
    assert hidden(answer)["request_id"] != carried["request_id"]
    assert applications(site) == before


@pytest.mark.parametrize("given", [None, "", "1", "x" * 36, "00000000-0000-0000-0000-00000000000g", "{" * 36])
def test_an_id_that_is_none_is_replaced(site: RunningSite, browser: Browser, given: str | None) -> None:
    carried = hidden(browser.post("/apply", answers()))
    del carried["request_id"]
    before = applications(site)
    answer = browser.post("/apply/send", carried | ({} if given is None else {"request_id": given}))
    assert answer.status == 200
    assert uuid.UUID(hidden(answer)["request_id"])
    assert applications(site) == before


def test_out_and_back_is_one_form_and_two_applications(site: RunningSite, browser: Browser) -> None:
    before = applications(site)
    back = {"back__not_before__date": "1", "back__not_before__time": "15:00", "back__hours": "2"}
    receipt = apply(browser, "/en", holder__name="There And Back", **back)
    assert len(references(receipt)) == 2
    assert applications(site) == before + 2
    assert "Dhaka to Gazipur" in receipt.text
    assert "Gazipur to Mirpur 10, Dhaka" in receipt.text
    for reference in references(receipt):
        assert browser.get(f"/en/status/{reference}").status == 200


def test_all_errors_stand_beside_their_fields_with_a_summary_that_leads_to_them(browser: Browser) -> None:
    wrong = answers(holder__name="", reason="", from__district="Dhaak", not_before__time="25:00", phone="123")
    page = browser.post("/en/apply", wrong)
    assert page.status == 400
    summary = re.findall(r'<li><a href="#([^"]+)">([^<]+)</a></li>', page.text)
    named = [name for name, _ in summary]
    assert named == ["holder.name", "phone", "reason", "from.district", "not_before.time"]
    for name, text in summary:
        assert f'id="{name}"' in page.text
        assert re.search(
            rf'id="{re.escape(name)}-error"[^>]*><span class="unseen">Error:</span> {re.escape(text)}<', page.text
        )
    assert "Did you mean Dhaka?" in page.text
    assert page.text.count('aria-invalid="true"') == 5
    assert "<title>Error:" in page.text


def test_errors_are_in_the_applicants_language(browser: Browser) -> None:
    page = browser.post("/apply", answers(holder__name="", from__district="ঢাকাা"))
    assert "যিনি যাবেন তাঁর নাম লিখুন" in page.text
    assert "আপনি কি ঢাকা লিখতে চেয়েছেন?" in page.text


def test_nothing_typed_is_lost(browser: Browser) -> None:
    odd = {
        "holder.name": 'Rahima "Khatun" <b>&',
        "holder.id_number": "12 34",
        "phone": "০১৭১২",
        "from.district": "Dacca",
        "not_before.date": "31/02/2026",
        "not_before.time": "half past nine",
        "hours": "13",
        "reason": "other",
        "other_reason": "",
        "vehicle.driver.name": "Karim",
        "on_behalf_of": "Union office",
        "back.not_before.time": "26:00",
    }
    page = browser.post("/en/apply", odd)
    assert page.status == 400
    values = dict(re.findall(r'<input id="([^"]+)" name="[^"]+" type="[^"]+" value="([^"]*)"', page.text))
    for name in ("holder.name", "holder.id_number", "phone", "not_before.time", "vehicle.driver.name", "on_behalf_of"):
        assert html.unescape(values[name]) == odd[name]
    assert 'value="31/02/2026" checked' in page.text
    for value in ("Dacca", "13", "other"):
        assert f'<option value="{value}" selected>' in page.text
    assert page.text.count("<details open>") == 3
    assert "<b>" not in page.text


def test_change_shows_the_form_with_every_answer(browser: Browser) -> None:
    checked = browser.post("/en/apply", answers(not_before__time="০৯:৩০"))
    form = browser.post("/en/apply/change", hidden(checked))
    assert form.status == 200
    assert 'value="Rahima Khatun"' in form.text
    assert f'value="{tomorrow()}" checked' in form.text
    assert 'value="০৯:৩০"' in form.text


def test_the_language_can_be_changed_on_the_way_and_nothing_is_lost(browser: Browser) -> None:
    checked = browser.post("/apply", answers())
    assert 'formaction="/en/apply"' in checked.text
    english = browser.post("/en/apply", hidden(checked))
    assert hidden(english)["holder.name"] == "Rahima Khatun"
    failed = browser.post("/apply", answers(hours=""))
    assert 'formaction="/en/apply/change"' in failed.text
    assert 'value="Rahima Khatun"' in browser.post("/en/apply/change", answers(hours="")).text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"not_before__date": "2020-02-29"}, "not_before.time"),
        ({"not_before__date": "2027-02-29"}, "not_before.date"),
        ({"not_before__date": "2096-02-29"}, "not_before.date"),
        ({"not_before__date": "0"}, None),
        ({"not_before__date": "9"}, "not_before.date"),
        ({"not_before__time": "24:00"}, "not_before.time"),
        ({"hours": "0"}, "hours"),
        ({"hours": "১২"}, None),
        ({"not_before__time": "২৩:৩০", "hours": "৩"}, None),
        ({"holder__id_number": "123"}, None),
        ({"holder__id_number": "12345"}, "holder.id_number"),
        ({"reason": "other"}, "other_reason"),
        ({"reason": "other", "other_reason": "শিশুর টিকা"}, None),
        ({"holder__name": "x" * 65}, "holder.name"),
        ({"holder__name": "A\u202eB"}, "holder.name"),
        ({"vehicle__driver__name": "Karim"}, "vehicle.registration"),
        ({"back__not_before__time": "11:00"}, "back.not_before.date"),
        ({"back__not_before__date": "1", "back__not_before__time": "10:00"}, "back.not_before.time"),
        ({"back__not_before__date": "1", "back__not_before__time": "15:00", "back__hours": "99"}, "back.hours"),
        ({"back__not_before__date": "1", "back__not_before__time": "15:00"}, None),
        ({"on_behalf_of": "y" * 65}, "on_behalf_of"),
    ],
)
def test_each_answer_is_judged_where_it_stands(browser: Browser, changes: dict[str, str], field: str | None) -> None:
    if changes == {"not_before__date": "0"}:
        changes = {**changes, "not_before__time": "23:59"}
    page = browser.post("/en/apply", answers(**changes))
    assert page.status == (400 if field else 200), page.text
    if field:
        assert re.findall(r'<li><a href="#([^"]+)">', page.text)[0] == field


def test_the_whole_id_number_is_on_no_page_but_those_of_the_form(browser: Browser) -> None:
    receipt = apply(browser, holder__id_number="9988776655443")
    (reference,) = references(receipt)
    assert "9988776655443" not in receipt.text
    page = browser.get(f"/status/{reference}")
    assert "9988776655443" not in page.text
    assert "5443" in page.text
    assert "9988776655443" not in browser.get(f"/status/{reference}/correct").text


def test_the_receipt_of_another_browser_is_not_shown(site: RunningSite) -> None:
    assert site.browser().get("/receipt").header("Location") == "/status"
    stranger = site.browser()
    stranger.jar["receipt", "/receipt"] = "AAAA-AAAA-AAAA." + "A" * 26
    assert stranger.get("/receipt").status == 404


def test_after_a_withdrawal_the_same_answers_are_a_new_application(site: RunningSite) -> None:
    browser = site.browser()
    (first,) = references(apply(browser, holder__id_number="6100000001"))
    token = hidden(browser.get(f"/status/{first}/withdraw"))
    assert browser.post(f"/status/{first}/withdraw", token).status == 303
    (second,) = references(apply(browser, holder__id_number="6100000001"))
    assert second != first
