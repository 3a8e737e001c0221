"""The pages that are the same for everybody: their size, their links, and that they need nothing from elsewhere."""

import gzip
import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.sites import Browser, RunningSite, answers, apply, references

from movepass_service import web
from movepass_words import TOKENS

HOUSE = Path(__file__).resolve().parents[3]
FIRST_PAGE_MAX_BYTES = 30_000
PUBLIC = [
    "/",
    "/apply",
    "/rules",
    "/statistics",
    "/statistics/reasons",
    "/statistics-dictionary",
    "/status",
    "/my-passes",
]
VOID = {"meta", "link", "input", "img", "br", "option"}


class Checker(HTMLParser):
    """Notes what is wrong with a page: tags that do not close, ids given twice, inline code, addresses elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [values[name] or "" for name in ("href", "src", "action", "formaction") if name in values]
        self.wrong += [f"{tag} {name}" for name in values if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in values):
            self.wrong.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")


def check(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.wrong == []
    assert checker.open == []
    assert len(checker.ids) == len(set(checker.ids))
    return checker


@pytest.mark.parametrize("prefix", ["", "/en"])
@pytest.mark.parametrize("path", PUBLIC)
def test_a_page_is_whole_and_asks_nobody_else(site: RunningSite, path: str, prefix: str) -> None:
    answer = site.ask("GET", prefix + path)
    assert answer.status == 200
    assert f'<html lang="{"en" if prefix else "bn"}">' in answer.text
    checker = check(answer.text)
    for link in checker.links:
        if link.startswith("#"):
            assert link[1:] in checker.ids
            continue
        assert re.match(r"/(?!/)", link), link
        assert site.ask("GET", link).status in {200, 405}, link


@pytest.mark.parametrize("path", ["/", "/en/", "/apply", "/en/apply"])
def test_a_first_page_with_all_its_files_is_under_30_kb(site: RunningSite, path: str) -> None:
    page = site.ask("GET", path)
    files = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text))
    assert len(files) == 3
    plain = len(page.body) + sum(len(site.ask("GET", file).body) for file in files)
    zipped = {"Accept-Encoding": "gzip"}
    sent = sum(len(site.ask("GET", file, headers=zipped).body) for file in [path, *files])
    assert plain < FIRST_PAGE_MAX_BYTES
    assert sent < FIRST_PAGE_MAX_BYTES / 3


def test_the_colours_of_site_desk_and_phone_have_one_home(site: RunningSite) -> None:
    tokens = set(re.findall(r"(--[a-z-]+):", TOKENS.read_text()))
    assert len(tokens) == 9
    for sheet in (*Path(web.__file__).parents[1].glob("*/static/*.css"), HOUSE / "phone/static/app.css"):
        own = "".join(re.findall(r"^:root \{[^}]*\}", sheet.read_text(), re.MULTILINE))  # print has colours of its own
        assert not tokens & set(re.findall(r"(--[a-z-]+):", own)), sheet
    (path,) = set(re.findall(r'href="(/static/style\.[^"]+)"', site.ask("GET", "/").text))
    assert "--ground: #ffffff;" in site.ask("GET", path).text


def test_style_sheets_can_be_joined_line_by_line() -> None:
    for sheet in Path(web.__file__).parents[1].glob("*/static/*.css"):
        for line in sheet.read_text().splitlines():
            assert not line.strip() or line.rstrip()[-1] in "{};,:", line


def test_static_files_are_kept_for_ever_and_zipped(site: RunningSite) -> None:
    (path,) = set(re.findall(r'href="(/static/style\.[^"]+)"', site.ask("GET", "/").text))
    plain = site.ask("GET", path)
    zipped = site.ask("GET", path, headers={"Accept-Encoding": "gzip"})
    assert "immutable" in (plain.header("Cache-Control") or "")
    assert gzip.decompress(zipped.body) == plain.body
    assert plain.header("Vary") == zipped.header("Vary") == "Accept-Encoding"


def test_the_empty_form_is_the_same_for_everybody_and_asked_again_by_its_tag(site: RunningSite) -> None:
    first, second = site.ask("GET", "/apply"), site.browser().get("/apply")
    assert first.body == second.body
    assert first.header("Cache-Control") == "public, max-age=60"
    assert not first.cookies()
    assert site.ask("GET", "/apply", headers={"If-None-Match": first.header("ETag") or ""}).status == 304


def test_pages_of_one_person_are_kept_nowhere_and_never_zipped(browser: Browser) -> None:
    zipped = {"Accept-Encoding": "gzip"}
    checked = browser.post("/en/apply", answers(), **zipped)
    receipt = apply(browser, "/en")
    (reference,) = references(receipt)
    for page in (
        checked,
        receipt,
        browser.get("/en/receipt", **zipped),
        browser.get(f"/en/status/{reference}", **zipped),
    ):
        assert page.header("Content-Encoding") is None
        assert (page.header("Cache-Control") or "").startswith("private, no-")
        check(page.text)


def test_every_page_of_an_application_is_whole(site: RunningSite, browser: Browser) -> None:
    (reference,) = references(apply(browser, "/en", reason="groceries", hours="6"))
    site.work()
    for path in ("", "/appeal", "/correct"):
        check(browser.get(f"/en/status/{reference}{path}").text)
    (reference,) = references(apply(browser, "/en"))
    site.work()
    for path in ("", "/withdraw"):
        check(browser.get(f"/en/status/{reference}{path}").text)
    check(browser.post("/en/apply", {}).text)


def test_the_rules_are_shown_in_their_order_in_both_languages(site: RunningSite) -> None:
    table = site.service.rules_in_force().table
    for prefix, language in (("", "bn"), ("/en", "en")):
        page = html.unescape(site.ask("GET", f"{prefix}/rules").text)
        told = re.findall(r'<p class="hint">[^<:]+: ([^<]+)</p>\n</li>', page)
        assert told == [table.texts[row.code][language] for row in table.rows]
    assert re.search(
        r"<p>reason: Medical treatment, Burial or funeral</p>\s*<p>length of the trip: at most 3 h</p>", page
    )
    assert "<p>length of the trip: more than 3 h</p>" in page
    assert "<p>All other applications</p>" in page


def test_the_english_first_page_needs_no_stroke_at_its_end(site: RunningSite) -> None:
    assert site.browser().get("/en").body == site.browser().get("/en/").body
