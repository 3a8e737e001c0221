"""The pages of one application: opened by the secret link, followed, corrected, appealed, withdrawn."""

import re
from io import BytesIO

import pytest
import zxingcpp
from PIL import Image
from support.sites import Answer, Browser, RunningSite, answers, apply, hidden, references

from movepass_words import words


def secret_link(receipt: Answer) -> str:
    found = re.search(r'href="http://localhost:\d+(/[^"]*\?key=[^"]+)"', receipt.text)
    assert found
    return found[1]


def applied(site: RunningSite, **changes: str) -> tuple[Browser, str, str]:
    """Apply; gives the browser, the reference and the secret link's path."""
    browser = site.browser()
    receipt = apply(browser, "/en", **changes)
    (reference,) = references(receipt)
    return browser, reference, secret_link(receipt)


def state_of(answer: Answer) -> str:
    found = re.search(r'id="state" class="state ([a-z-]+)"', answer.text)
    assert found, answer.text
    return found[1]


def test_the_secret_link_sets_a_cookie_and_leads_to_a_clean_address_any_number_of_times(site: RunningSite) -> None:
    _, reference, link = applied(site, holder__name="Link")
    for _ in range(3):
        stranger = site.browser()
        moved = stranger.get(link)
        assert moved.status == 303
        assert moved.header("Location") == f"/en/status/{reference}?from=link"
        assert moved.header("Referrer-Policy") == "no-referrer"
        assert moved.header("Cache-Control") == "private, no-store"
        assert all("HttpOnly; SameSite=Lax" in cookie for cookie in moved.cookies())
        assert "key=" not in (moved.header("Location") or "")
        page = stranger.follow(moved)
        assert page.status == 200
        assert state_of(page) == "received"
        assert "key=" not in page.text


def test_the_link_as_a_preview_fetches_it_changes_nothing(site: RunningSite) -> None:
    browser, reference, link = applied(site, holder__name="Preview")
    assert site.ask("HEAD", link).status == 303
    assert state_of(browser.get(f"/status/{reference}")) == "received"


def test_a_cookie_is_sent_to_its_own_application_only(site: RunningSite) -> None:
    browser, reference, _ = applied(site, holder__name="Own")
    paths = {where for name, where in browser.jar if name == "key"}
    assert paths == {f"/status/{reference}", f"/en/status/{reference}"}


@pytest.mark.parametrize("path", ["", "/qr.png", "/card.pdf", "/withdraw", "/appeal", "/correct"])
def test_without_the_secret_nobody_learns_whether_an_application_is_there(site: RunningSite, path: str) -> None:
    _, reference, _ = applied(site, holder__name="Hidden")
    known, unknown = (site.browser().get(f"/en/status/{ref}{path}") for ref in (reference, "0000-0000-0000"))
    assert known.status == unknown.status
    assert known.status in {403, 404}
    assert known.text.replace(reference, "") == unknown.text.replace("0000-0000-0000", "")
    wrong = site.browser()
    wrong.jar["key", f"/en/status/{reference}"] = "A" * 26
    assert wrong.get(f"/en/status/{reference}{path}").text.replace(reference, "") == known.text.replace(reference, "")


@pytest.mark.parametrize("key", ["", "A" * 26, "x", "../..", "%0d%0aSet-Cookie:a=b", "A" * 600, "%F0%9F%98%80"])
def test_a_wrong_key_is_an_unknown_application(site: RunningSite, key: str) -> None:
    _, reference, _ = applied(site, holder__name="Wrong key")
    answer = site.browser().get(f"/en/status/{reference}?key={key}")
    assert answer.status == 404
    assert not answer.cookies()
    assert "We know no such reference with this code" in answer.text


def test_reference_and_code_are_read_as_people_type_them(site: RunningSite) -> None:
    _, reference, link = applied(site, holder__name="Typed")
    secret = link.rpartition("=")[2]
    odd = reference.replace("0", "o").replace("1", "l").replace("-", " ").lower()
    spaced = " ".join(secret[at : at + 4] for at in range(0, 26, 4)).lower().replace("0", "o")
    browser = site.browser()
    moved = browser.post("/en/status", {"reference": odd, "secret": spaced})
    assert moved.header("Location") == f"/en/status/{reference}?from=form"
    assert state_of(browser.follow(moved)) == "received"
    wrong = site.browser().post("/en/status", {"reference": odd, "secret": "A" * 26})
    assert wrong.status == 404
    assert f'value="{odd}"' in wrong.text


def test_a_browser_that_refuses_cookies_is_told_so(site: RunningSite) -> None:
    _, reference, _ = applied(site, holder__name="No cookie")
    assert "refuses cookies" in site.browser().get(f"/en/status/{reference}?from=form").text


def test_the_page_says_when_to_look_again_and_refreshes_without_javascript(site: RunningSite) -> None:
    browser, reference, _ = applied(site, holder__name="Again")
    page = browser.get(f"/en/status/{reference}")
    assert int(page.header("Retry-After") or 0) > 0
    assert re.search(r'<noscript><meta http-equiv="refresh" content="\d\d+"></noscript>', page.text)
    assert "refresh" not in browser.get(f"/en/status/{reference}?still=1").text.lower().partition("</head>")[0]
    assert page.header("Cache-Control") == "private, no-cache"
    again = browser.get(f"/en/status/{reference}", **{"If-None-Match": page.header("ETag") or ""})
    assert again.status == 304
    assert again.body == b""
    assert again.header("Retry-After") == page.header("Retry-After")


def test_an_approved_application_shows_its_pass(site: RunningSite) -> None:
    browser, reference, _ = applied(site, holder__name="Pass Holder", phone="01799001122")
    assert "01799001122" in browser.get(f"/en/status/{reference}").text
    site.work()
    page = browser.get(f"/en/status/{reference}")
    assert "01799001122" not in page.text
    assert state_of(page) == "issued"
    labels = re.findall(r"<dt>([^<]+)</dt>", page.text)
    said = words("en")
    for field in ("holder", "id", "from", "to", "valid", "reason"):
        assert said(f"label.{field}") in labels, "as on the officer's screen and the card"
    assert "Your pass is ready" in page.text
    assert re.search(r"<dd class=\"big code\">[0-9A-Z]{3}-[0-9A-Z]{3}-[0-9A-Z]{3}</dd>", page.text)
    assert "Pass Holder" in page.text
    assert page.header("Retry-After") is None
    picture = browser.get(f"/en/status/{reference}/qr.png")
    assert picture.header("Content-Type") == "image/png"
    (read,) = zxingcpp.read_barcodes(
        Image.open(BytesIO(picture.body)), formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    )
    assert read.text.startswith("MP1:")
    card = browser.get(f"/en/status/{reference}/card.pdf")
    assert card.body.startswith(b"%PDF")
    assert card.header("Cache-Control") == "private, no-cache"


def test_an_officers_case_says_its_place(site: RunningSite) -> None:
    browser, reference, _ = applied(site, holder__name="Referred", holder__id_number="4821", reason="business")
    site.work()
    page = browser.get(f"/en/status/{reference}")
    assert state_of(page) == "referred"
    assert re.search(r"Your application is number \d+ in the queue", page.text)
    assert "Without the whole ID number" in page.text
    assert "একজন কর্মকর্তা" in browser.get(f"/status/{reference}").text


def refused(site: RunningSite, name: str) -> tuple[Browser, str]:
    browser, reference, _ = applied(site, holder__name=name, reason="groceries", hours="6")
    site.work()
    assert state_of(browser.get(f"/en/status/{reference}")) == "rejected"
    return browser, reference


def test_a_refused_application_says_why_and_is_corrected_in_a_form_that_is_filled(site: RunningSite) -> None:
    browser, reference = refused(site, "To Correct")
    page = browser.get(f"/en/status/{reference}")
    assert re.search(r"<strong>Reason:</strong> \w+", page.text)
    form = browser.get(f"/en/status/{reference}/correct")
    assert 'value="To Correct"' in form.text
    assert '<option value="6" selected>' in form.text
    token = hidden(form)["token"]
    failed = browser.post(f"/en/status/{reference}/correct", answers(holder__name="", hours="3") | {"token": token})
    assert failed.status == 400
    assert hidden(failed)["token"] == token
    checked = browser.post(f"/en/status/{reference}/correct", answers(hours="3") | {"token": token})
    assert checked.status == 200
    changed = browser.post(f"/en/status/{reference}/correct/change", hidden(checked))
    assert '<option value="3" selected>' in changed.text
    done = browser.follow(browser.post(f"/en/status/{reference}/correct/send", hidden(checked)))
    assert "We have your new answers" in done.text
    site.work()
    assert state_of(browser.get(f"/en/status/{reference}")) == "issued"


def test_a_refused_application_is_appealed_to_a_person(site: RunningSite) -> None:
    browser, reference = refused(site, "To Appeal")
    form = browser.get(f"/en/status/{reference}/appeal")
    token = hidden(form)
    for note in ("", "x" * 501):
        failed = browser.post(f"/en/status/{reference}/appeal", {**token, "note": note})
        assert failed.status == 400
        assert 'href="#note"' in failed.text
        assert note in failed.text
    sent = {**token, "note": "My mother is ill.\r\nআমার মা অসুস্থ।"}
    done = browser.follow(browser.post(f"/en/status/{reference}/appeal", sent))
    assert state_of(done) == "appealed"
    assert browser.post(f"/en/status/{reference}/appeal", sent).status == 303


def test_withdrawing_asks_first_and_revokes_the_pass(site: RunningSite) -> None:
    browser, reference, _ = applied(site, holder__name="To Withdraw")
    site.work()
    asked = browser.get(f"/en/status/{reference}/withdraw")
    assert "can&#39;t be undone" in asked.text
    assert state_of(browser.get(f"/en/status/{reference}")) == "issued"
    for _ in range(2):
        done = browser.follow(browser.post(f"/en/status/{reference}/withdraw", hidden(asked)))
        assert state_of(done) == "withdrawn"
    assert browser.get(f"/en/status/{reference}/qr.png").status == 409
    assert browser.get(f"/en/status/{reference}/withdraw").status == 409


@pytest.mark.parametrize("action", ["withdraw", "appeal", "correct", "correct/send", "correct/change", "forget"])
@pytest.mark.parametrize("token", [None, "", "0" * 32, "ü"])
def test_a_form_without_its_token_does_nothing(site: RunningSite, action: str, token: str | None) -> None:
    browser, reference, _ = applied(site, holder__name="Token")
    fields = answers(note="x") | ({} if token is None else {"token": token})
    assert browser.post(f"/en/status/{reference}/{action}", fields).status == 403
    assert state_of(browser.get(f"/en/status/{reference}")) == "received"


def test_the_token_of_one_application_opens_no_other(site: RunningSite) -> None:
    browser, mine, _ = applied(site, holder__name="Mine")
    other, others, _ = applied(site, holder__name="Others")
    token = hidden(other.get(f"/en/status/{others}/withdraw"))
    assert browser.post(f"/en/status/{mine}/withdraw", token).status == 403


def test_a_device_can_be_made_to_forget(site: RunningSite) -> None:
    browser, reference, _ = applied(site, holder__name="Forget")
    token = hidden(browser.get(f"/en/status/{reference}"))
    assert browser.post(f"/en/status/{reference}/forget", token).status == 303
    assert browser.get(f"/en/status/{reference}").status == 403
    assert browser.get("/en/receipt").status == 303
