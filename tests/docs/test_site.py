"""docs/site.md: its limits and its addresses are the code's, and each page has its pictures."""

import re

from support.processes import ROOT

from movepass_service.accounts import Budgets
from movepass_service.accounts.accounts import CODE_SECONDS, TRIES_MAX
from movepass_service.applications.states import State
from movepass_service.site.app import API, PAGES
from movepass_service.site.limits import default_limits
from movepass_service.web.bodies import FIELDS_MAX
from movepass_service.web.settings import WebSettings

PAGE = (ROOT / "docs" / "site.md").read_text("utf-8")
NUMBERS = {2: "two", 5: "five", 10: "ten", 60: "a minute"}


def test_limits() -> None:
    rows = re.findall(r"^\| ([a-z, ]+) \| ([\d,]+) \| ([\d,]+) \|$", PAGE, re.MULTILINE)
    limits = [default_limits(is_test=is_test) for is_test in (False, True)]
    named = {
        "checking, sending": ("check", "send"),
        "guessing codes, changes": ("lookup", "change"),
        "status": ("status",),
    }
    assert {name for name, *_ in rows} == named.keys()
    for name, *figures in rows:
        for form in named[name]:
            assert [limit[form].per_s for limit in limits] == [int(figure.replace(",", "")) for figure in figures]
    settings, budgets = WebSettings(), Budgets()
    assert (
        f"at most {settings.body_max_bytes >> 10} KiB, {FIELDS_MAX} fields and {settings.body_timeout_s:g} seconds"
        in PAGE
    )
    assert (
        f"{NUMBERS[budgets.number]} for a number on a\nday, {NUMBERS[budgets.pause_s]} apart, {budgets.prefix} for"
        in PAGE
    )
    assert f"{budgets.day:,} in all; {NUMBERS[TRIES_MAX]} tries for each, {NUMBERS[CODE_SECONDS // 60]} minutes" in PAGE


def test_addresses_and_states() -> None:
    shown = set(re.findall(r"`(/[a-z-]*(?:/[a-zA-Z-]+)*)", PAGE.split("## The API")[0]))
    known = {path.replace("{reference}", "REFERENCE") for path in (*PAGES, *API)} | {"/en"}
    assert shown <= known
    assert ", ".join(State) in PAGE


def test_every_picture_is_there_in_both_languages_and_widths() -> None:
    script = (ROOT / "tests/service/browser/pictures.mjs").read_text("utf-8")
    names = re.findall(r'(?:shoot|own)\("([a-z-]+)"|open\("[^"]+", "([a-z-]+)"\)', script)
    pages = {first or second for first, second in names}
    assert len(pages) > 18
    drawn = {path.name for path in (ROOT / "docs/service").glob("*.png")}
    assert drawn == {
        f"{page}-{language}-{width}.png" for page in pages for language in ("bn", "en") for width in (320, 1024)
    }
