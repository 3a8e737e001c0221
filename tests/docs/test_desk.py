"""docs/desk.md: its table of roles, its figures and its reasons are the code's."""

import re

from movepass_service.decisions.desk import cases, settings, single
from movepass_service.decisions.desk.settings import DeskSettings
from movepass_service.decisions.reasons import ACTIONS, NOTE_MAX_CHARS, codes_of
from movepass_service.decisions.roles import ROLES, Action, may
from movepass_service.desk.pages.rules import REPLAYED_MAX
from movepass_service.officers import accounts

from .reading import ROOT

TEMPLATES = ROOT / "service/movepass_service/desk/templates"
PAGE = (ROOT / "docs" / "desk.md").read_text("utf-8")


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_who_may_do_what() -> None:
    heading, _, *lines = rows(section("Who may do what"))
    assert tuple(heading[1:]) == ROLES
    assert [line[0].replace(" ", "-") for line in lines] == list(Action)
    for name, *cells in lines:
        action = Action(name.replace(" ", "-"))
        assert [cell == "yes" for cell in cells] == [may(role, action) for role in ROLES], name


def test_reasons() -> None:
    _, _, *lines = rows(section("One case"))
    assert [re.findall(r"`([\w-]+)`", line[2]) for line in lines] == [list(codes_of(action)) for action in ACTIONS]


def test_settings() -> None:
    _, _, *lines = rows(section("Settings"))
    default = DeskSettings()
    assert [line[0].strip("`") for line in lines] == list(default.to_json())
    bounds = {name: (low, high) for name, low, high in settings._BOUNDS}
    for name, first, bound in lines:
        value = getattr(default, name.strip("`"))
        assert first == "none" if value == () else first.split(":")[0] == str(value)
        if isinstance(value, int):
            assert tuple(map(int, re.findall(r"\d+", bound))) == bounds[name.strip("`")]


def test_figures() -> None:
    default = DeskSettings()
    for figure, heading in (
        (f"{cases.ALERT_SECONDS // 3600} hour", "The queue"),
        (f"{default.lease_s // 60} minutes", "One case"),
        (str(single.LEASES_MAX), "One case"),
        (str(NOTE_MAX_CHARS), "One case"),
        (str(single.NOTES_MAX), "One case"),
        (str(default.bulk_limit), "Many cases at once"),
        (f"{default.undo_s} seconds", "Many cases at once"),
        (f"{default.second_look_percent} %", "Second looks"),
        (f"{accounts.LINK_SECONDS // 3600} hours", "Signing in"),
        (f"{accounts.IDLE_SECONDS // 60} minutes", "Signing in"),
        (f"{accounts.SESSION_SECONDS // 3600} hours", "Signing in"),
        (str(accounts.SESSIONS_MAX), "Signing in"),
    ):
        assert f"**{figure}**" in section(heading), figure


def test_keys() -> None:
    _, _, *lines = rows(section("Keys"))
    templates = "".join(path.read_text("utf-8") for path in TEMPLATES.glob("*.html"))
    used = set(re.findall(r'data-key="([a-z])"', templates)) | set(re.findall(r'\("[a-z-]+", "([a-z])"\)', templates))
    assert {line[0].strip("`") for line in lines} == used


def test_what_is_replayed_at_most() -> None:
    assert f"up to {REPLAYED_MAX:,} of them" in section("Rules")


def test_every_picture_is_there_in_both_languages_and_widths() -> None:
    script = (ROOT / "tests/service/browser/desk_pictures.mjs").read_text("utf-8")
    pages = set(re.findall(r'(?:shoot|draw)\([a-z.]+, "([a-z-]+)"', script))
    assert len(pages) > 17
    drawn = {path.name for path in (ROOT / "docs/desk").glob("*.png")}
    assert drawn == {
        f"{page}-{language}-{width}.png" for page in pages for language in ("bn", "en") for width in (320, 1280)
    }
