"""Pages that are the same for everybody: the first one, the rules in words, and counts."""

from movepass_service.rules import dhaka_day
from movepass_service.rules.wording import describe
from movepass_service.site.pages.site import Site, public
from movepass_service.web.exchange import Answer, Request

SHOWN_FROM = 10
"""Smaller counts are not published: in a small place they could tell of a person."""


def home(site: Site, request: Request) -> Answer:
    """Show the first page."""
    return public(site.page(request, "home.html", {}), request)


def rules(site: Site, request: Request) -> Answer:
    """Show the rules in force, in words and in their order."""
    rule_set = site.service.rules_in_force()
    language, day = site.words(request).language, dhaka_day(request.now)
    table = rule_set.table
    written = [
        {
            "conditions": describe(row.when, language),
            "action": str(row.action),
            "told": table.texts[row.code][language],
        }
        for row in table.rows
        if row.holds_on(day)
    ]
    return public(site.page(request, "rules.html", {"rules": written, "version": rule_set.version}), request)


def statistics(site: Site, request: Request) -> Answer:
    """Show how many applications are in which state; small counts are hidden."""
    t = site.words(request)
    counts = site.service.statistics_public()
    rows = [
        (t(f"state.{state}"), t.number(count) if count >= SHOWN_FROM else t("statistics.few"))
        for state, count in counts.items()
        if count and t.has(f"state.{state}")
    ]
    return public(site.page(request, "statistics.html", {"rows": rows}), request)
