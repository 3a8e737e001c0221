"""Pages that are the same for everybody: the first one, and the rules in words."""

from movepass_service.rules import dhaka_day
from movepass_service.rules.wording import describe
from movepass_service.site.pages.site import Site, public
from movepass_service.web.exchange import Answer, Request


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
