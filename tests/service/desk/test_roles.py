"""Every address of the desk with every role, over real HTTP: what the table of roles allows, and nothing else."""

import pytest
from support.desks import DeskBrowser, RunningDesk

from movepass_service.decisions.roles import ROLES
from movepass_service.desk.app import CALLS, PAGES
from movepass_service.desk.guard import Guarded

OFFICER, SUPERVISOR, AUTHOR, MANAGER, AUDITOR = ROLES
DECIDING = {OFFICER, SUPERVISOR}
READING = {SUPERVISOR, MANAGER, AUDITOR}
REPORTED = {*READING, AUTHOR}
ANYBODY = set(ROLES)
EXPECTED: dict[tuple[str, str], set[str]] = {
    ("POST", "/sign-out"): ANYBODY,
    ("GET", "/"): ANYBODY,  # whoever may not see cases is led to the first page of their role
    ("GET", "/find"): DECIDING,
    ("POST", "/next"): DECIDING,
    ("GET", "/case/{reference}"): DECIDING,
    ("POST", "/case/{reference}/claim"): DECIDING,
    ("POST", "/case/{reference}/release"): DECIDING,
    ("POST", "/case/{reference}/decide"): DECIDING,
    ("POST", "/case/{reference}/note"): DECIDING,
    ("POST", "/case/{reference}/confirm"): DECIDING,
    ("POST", "/case/{reference}/refuse"): DECIDING,
    ("POST", "/case/{reference}/reverse"): {SUPERVISOR},
    ("GET", "/bulk"): DECIDING,
    ("POST", "/bulk/decide"): DECIDING,
    ("POST", "/bulk/undo"): DECIDING,
    ("GET", "/proposals"): DECIDING,
    ("GET", "/second-looks"): DECIDING,
    ("POST", "/second-looks/record"): DECIDING,
    ("POST", "/second-looks/resolve"): {SUPERVISOR},
    ("GET", "/settings"): ANYBODY,
    ("POST", "/settings"): {SUPERVISOR},
    ("GET", "/accounts"): READING,
    ("POST", "/accounts/add"): {MANAGER},
    ("POST", "/accounts/role"): {MANAGER},
    ("POST", "/accounts/sessions"): {MANAGER},
    ("POST", "/accounts/close"): {MANAGER},
    ("POST", "/accounts/open"): {MANAGER},
    ("POST", "/accounts/ask"): {MANAGER},
    ("POST", "/accounts/approve"): {MANAGER},
    ("POST", "/accounts/drop"): {MANAGER},
    ("GET", "/rules"): ANYBODY,
    ("GET", "/rules/draft"): ANYBODY,
    ("POST", "/rules/try"): {AUTHOR},
    ("GET", "/audit"): READING,
    ("GET", "/reports"): REPORTED,
    ("GET", "/reports/{name}"): REPORTED,
    ("GET", "/reports/{name}/export"): REPORTED,
    ("POST", "/api/lease/{reference}"): DECIDING,
}
REPORT = "applications-by-hour"
OPEN = {
    ("GET", "/sign-in"), ("GET", "/enrol"), ("GET", "/healthz"), ("POST", "/api/sign-in/options"),
    ("POST", "/api/sign-in"), ("POST", "/api/enrol/options"), ("POST", "/api/enrol"),
}  # fmt: skip
"""What needs no session."""


def test_every_address_is_guarded_or_known_to_be_open() -> None:
    served = {(method, path): end.handler for table in (PAGES, CALLS) for path, ends in table.items()
              for method, end in ends.items()}  # fmt: skip
    guarded = {one for one, handler in served.items() if isinstance(handler, Guarded)}
    assert guarded == EXPECTED.keys()
    assert served.keys() - guarded == OPEN


def ask(browser: DeskBrowser, method: str, path: str, token: str) -> int:
    if path.startswith("/api/"):
        return browser.call(path, {"token": token}).status
    return browser.get(f"/en{path}").status if method == "GET" else browser.post(f"/en{path}", {"token": token}).status


@pytest.mark.parametrize("role", ROLES)
def test_the_whole_table_of_roles_and_addresses(desk: RunningDesk, role: str) -> None:
    reference = desk.case()
    browser = desk.signed_in(role)
    token, kept = browser.token(), dict(browser.jar)
    for (method, pattern), roles in EXPECTED.items():
        browser.jar = dict(kept)
        if pattern == "/sign-out":
            continue
        status = ask(browser, method, pattern.format(reference=reference, name=REPORT), token)
        assert (status == 403) == (role not in roles), (role, method, pattern, status)
        assert status < 500, (role, method, pattern, status)


def test_without_a_session_nothing_is_shown_and_nothing_is_done(desk: RunningDesk) -> None:
    reference = desk.case()
    for method, pattern in EXPECTED:
        browser, path = desk.browser(), pattern.format(reference=reference, name=REPORT)
        browser.jar["desk-session", "/"] = "0" * 64
        if method == "GET":
            assert (browser.get(path).header("Location") or "").startswith("/sign-in?next="), path
        else:
            assert ask(browser, method, path, "0" * 32) == 401, path
