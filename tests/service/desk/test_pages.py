"""The pages of the desk over real HTTP: their words, what a day's work goes through, and bad input."""

import json
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from support.desks import RunningDesk
from support.rule_tables import row, table_text
from support.sites import tomorrow

from movepass_service import desk as desk_package
from movepass_service import web
from movepass_service.applications.states import State
from movepass_service.decisions.desk import Filters
from movepass_service.decisions.desk.settings import BULK_MAX, UNDO_MAX_SECONDS
from movepass_service.decisions.roles import ROLES
from movepass_service.desk.words import words
from movepass_service.rules import default_rules
from movepass_service.stores.store import Officer
from movepass_service.web.exchange import LANGUAGES

FOLDERS = [Path(str(package.__file__)).parent for package in (desk_package, web)]
SOURCES = [path for folder in FOLDERS for path in folder.glob("**/*.py")]
TEMPLATES = [path for folder in FOLDERS for path in folder.glob("templates/*.html")]
PLACEHOLDER = re.compile(r"\{\w+(?::\w+)?\}")
LATER = f"{tomorrow()}T14:00:00+06:00"


def test_both_languages_say_the_same() -> None:
    bangla, english = (words(language).texts for language in LANGUAGES)
    assert list(bangla) == list(english)
    for key, text in english.items():
        assert not set(text + bangla[key]) & set("<>&"), key
        if not key.startswith("format."):
            assert sorted(PLACEHOLDER.findall(bangla[key])) == sorted(PLACEHOLDER.findall(text)), key
            plain = re.sub(r"\{[^}]*\}|JSON|UTF-8|SHA-256|movepass service rules replay", "", bangla[key])
            assert not re.search(r"[A-Za-z]", plain), (key, plain)


def test_templates_and_code_use_texts_that_exist_and_none_is_left_over() -> None:
    texts = words("en").texts
    everything = "\n".join(source.read_text() for source in [*TEMPLATES, *SOURCES])
    used = set(re.findall(r'\b(?:t|w|other)\("([a-z][\w.-]*[\w-])"', everything))
    assert len(used) > 150
    assert used <= texts.keys()
    families = re.findall(r'"([a-z-]+(?:\.[a-z-]+)*\.)" ~|f"([a-z-]+(?:\.[a-z-]+)*\.)\{', everything)
    prefixes = tuple({prefix for found in families for prefix in found if prefix})
    own_texts = json.loads((FOLDERS[0] / "words/en.json").read_text())
    own = [key for key in own_texts if not re.search(rf"""["']{re.escape(key)}["']""", everything)]
    assert [key for key in own if not key.startswith(prefixes)] == []


def test_every_refusal_role_state_and_note_has_its_words() -> None:
    texts = words("en").texts
    for state in State:
        assert f"state.{state}" in texts
    for role in ROLES:
        assert f"role.{role}" in texts
    service = FOLDERS[0].parent
    core = "\n".join(path.read_text() for path in (service / "decisions").glob("**/*.py"))
    codes = set(re.findall(r'DeskError\(\s*"([a-z-]+)"', core))
    own = (service / "officers/accounts.py").read_text()
    codes |= set(re.findall(r'AccountError\("([a-z-]+)"', own))
    assert len(codes) > 20
    for code in codes:
        assert {f"refused.desk-{code}", f"refused-text.desk-{code}"} <= texts.keys(), code
    for source in SOURCES:
        for code in re.findall(r'RefusedError\(\w+, "([a-z-]+)"', source.read_text()):
            assert {f"refused.{code}", f"refused-text.{code}"} <= texts.keys(), code
        for done in re.findall(r'done[=]"?([a-z-]+)"', source.read_text()):
            assert f"done.{done}" in texts, done
    acts = set(re.findall(r'"action": "([a-z-]+)"', core)) | set(re.findall(r'_act\(by, "([a-z-]+)"', own))
    acts |= set(re.findall(r'"action": "([a-z-]+)"', own))
    assert {f"action.{act}" for act in acts} <= texts.keys()


def test_an_officer_goes_from_case_to_case_by_forms_alone(desk: RunningDesk) -> None:
    for case in desk.service.desk.queue(Officer("x", "officer"), _nothing(), now=desk.now).lines:
        if case.case.reason == "travel-abroad":
            pytest.fail("the session's desk has a case of this kind already")
    references = desk.cases(3, reason="travel-abroad", not_after=LATER)
    browser = desk.signed_in("officer")
    answer = browser.send("/en/next", reason="travel-abroad")
    seen = []
    for _ in references:
        opened = browser.follow(answer)
        found = re.search(r"/case/([0-9A-Z-]{14})/decide", opened.text)
        assert found
        seen.append(found[1])
        answer = browser.send(f"/en/case/{found[1]}/decide", action="approve", reason="travel-abroad")
    assert seen == references, "in the order in which they came"
    assert answer.header("Location") == "/en/?reason=travel-abroad&done=approve-last"
    assert "Approved. No further case is free." in browser.follow(answer).text


def _nothing() -> Filters:

    return Filters()


def test_urgent_and_late_cases_are_said_to_be_so(desk: RunningDesk) -> None:
    reference = desk.case("Late Patient", reason="medical", not_after=LATER)
    browser = desk.signed_in("officer")
    assert "urgent, late" not in browser.get(f"/en/case/{reference}").text
    desk.age(reference, 5400)
    page = browser.get("/en/").text
    assert 'role="alert"' in page
    line = page[page.index('<ol class="queue') :].split("</li>")[0]
    assert "Late Patient" in line, "it comes first"
    assert "1 h 30 min" in line
    assert "urgent, late" in browser.get(f"/en/case/{reference}").text


def test_past_applications_of_the_same_number_stand_beside_it(desk: RunningDesk) -> None:
    holder = {"name": "Twice Asked", "id_type": "nid", "id_number": "7777000111"}
    first, second = (desk.case(holder=holder, reason=f"Reason number {n}") for n in (1, 2))
    browser = desk.signed_in("officer")
    for one, other in ((first, second), (second, first)):
        assert f'href="/en/case/{other}"' in browser.get(f"/en/case/{one}").text


def test_content_that_was_corrected_meanwhile_is_not_decided(desk: RunningDesk) -> None:
    reference = desk.case()
    browser = desk.signed_in("officer")
    assert browser.send(f"/en/case/{reference}/claim").status == 303
    assert 'name="seen" value="0"' in browser.get(f"/en/case/{reference}").text
    for seen, status in (("1", 409), ("", 400), ("x", 400), ("9" * 12, 400), ("0", 303)):
        assert browser.send(f"/en/case/{reference}/decide", action="approve", seen=seen).status == status, seen


def test_a_case_is_found_by_reference_and_by_pass_number(desk: RunningDesk) -> None:
    reference = desk.case("Found One")
    browser = desk.signed_in("officer")
    browser.send(f"/en/case/{reference}/claim")
    browser.send(f"/en/case/{reference}/decide", action="approve")
    desk.worker.round()
    kept = desk.service.store.find(reference)
    assert kept
    assert kept.pass_number
    for typed in (reference, reference.lower().replace("-", " "), kept.pass_number):
        answer = browser.get(f"/en/find?q={typed.replace(' ', '+')}")
        assert answer.header("Location") == f"/en/case/{reference}", typed
    missed = browser.follow(browser.get("/en/find?q=nothing"))
    assert "There is no application with this reference or pass number." in missed.text
    assert 'value="nothing"' in missed.text


def test_settings_are_changed_by_a_supervisor_and_faults_stand_beside_their_fields(desk: RunningDesk) -> None:
    browser = desk.signed_in("supervisor")
    page = browser.get("/en/settings").text
    found = re.search(r'name="found" value="([^"]+)"', page)
    assert found
    before = found[1].replace("&#34;", '"')
    fields = {
        "found": before, "four_eyes_rows": "", "approvals_per_hour": "0", "second_look_percent": "5", "undo_s": "90",
        "bulk_limit": "50", "lease_s": "300",
    }  # fmt: skip
    for name, value in (("undo_s", str(UNDO_MAX_SECONDS + 1)), ("bulk_limit", str(BULK_MAX + 1)), ("lease_s", "abc")):
        refused = browser.send("/en/settings", **{**fields, name: value})
        assert refused.status == 400
        assert f'id="{name}-error"' in refused.text
        assert f'value="{value}"' in refused.text
    assert browser.send("/en/settings", **fields).status == 303
    again = browser.send("/en/settings", **fields)
    assert (again.status, "Somebody changed this" in again.text) == (409, True)
    core = desk.service.desk
    core.change_settings(Officer("x", "supervisor"), core.settings(), replace(core.settings(), undo_s=60), now=desk.now)


def test_rules_are_tried_out_and_nothing_is_kept(desk: RunningDesk) -> None:
    browser = desk.signed_in("rule-author")
    source = default_rules().table.source.replace('2021-04-14"', '2026-01-01"', 1)
    page = browser.send("/en/rules/try", source=source.replace("\n", "\r\n"))
    assert page.status == 200
    assert "Sound: no gap" in page.text
    assert "would have been decided differently" in page.text
    broken = browser.send("/en/rules/try", source=source.replace('decision = "approve"', 'decision = "perhaps"', 1))
    assert broken.status == 400
    assert "perhaps" in broken.text
    assert browser.send("/en/rules/try", source="").status == 400
    assert browser.send("/en/rules/try", source="a = " + "9" * 5_000).status == 400
    assert "2026-01-01" not in browser.get("/en/rules").text
    assert browser.get("/en/rules/draft?version=nothing").status == 404


def test_rules_whose_check_takes_minutes_stop_nobody(desk: RunningDesk) -> None:
    columns = ("minutes", "lead_minutes", "passes_today", "passes_week")
    rows = [
        row(f"{column}-{most}".replace("_", "-"), f"{{ {column} = {{ at_most = {most} }} }}")
        for column in columns
        for most in range(2, 62, 3)
    ]
    browser, source = desk.signed_in("rule-author"), table_text(*rows)
    begun = time.monotonic()
    page = browser.send("/en/rules/try", source=source)
    assert time.monotonic() - begun < 15
    assert page.status == 200
    assert "different combinations" in page.text


@pytest.mark.parametrize(
    "path",
    [
        "/case/nothing", "/case/AAAA-AAAA-AAAA", "/?from=99999999", "/?from=-1", "/?age=1&kind=x&reason=%00",
        "/?from=%E0%A7%A7", "/bulk?action=withdraw", "/bulk?action=%3C", "/find", "/rules/draft", "/nowhere",
        "/?done=%3Cscript%3E", "/?done=approve",
    ],
)  # fmt: skip
def test_bad_addresses_are_answered_in_words(desk: RunningDesk, path: str) -> None:
    browser = desk.signed_in("supervisor")
    for prefix in ("", "/en"):
        answer = browser.get(prefix + path)
        assert answer.status in {200, 303, 400, 404}, (path, answer.status)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/bulk/decide", {"references": "x y z", "action": "approve"}),
        ("/bulk/decide", {"references": "x/0 y/0 z/0", "action": "approve"}),
        ("/bulk/decide", {"references": "x/-1", "action": "approve"}),
        ("/bulk/decide", {"references": "", "action": "approve"}),
        ("/bulk/decide", {"references": "x", "action": "explode"}),
        ("/bulk/decide", {"references": " ".join(f"{n}/0" for n in range(600)), "action": "approve"}),
        ("/bulk/undo", {"batch": "x"}),
        ("/second-looks/record", {"decision": "1" * 30, "outcome": "agree"}),
        ("/second-looks/record", {"decision": "9" * 18, "outcome": "agree"}),
        ("/second-looks/record", {"decision": "1", "outcome": "perhaps"}),
        ("/second-looks/resolve", {"decision": "x", "outcome": "uphold"}),
        ("/settings", {"found": "[" * 16_000}), ("/settings", {"found": '{"undo_s":' * 1_600}),
        ("/settings", {"found": '{"undo_s":' + "9" * 9_000 + "}"}),
        ("/settings", {"found": "[]"}), ("/settings", {"found": "{"}), ("/settings", {"found": '{"undo_s": "x"}'}),
        ("/case/nothing/claim", {}), ("/case/nothing/note", {"text": "x"}), ("/case/nothing/decide", {"action": "x"}),
    ],
)  # fmt: skip
def test_bad_forms_change_nothing_and_are_answered_in_words(
    desk: RunningDesk, path: str, fields: dict[str, str]
) -> None:
    browser = desk.signed_in("supervisor")
    answer = browser.send(f"/en{path}", **fields)
    assert answer.status in {303, 400, 404, 409}, (answer.status, answer.text)
    if answer.status == 303:
        assert "done=" in (answer.header("Location") or "")


def test_the_audit_page_names_what_was_administered_in_words(desk: RunningDesk) -> None:
    core, supervisor = desk.service.desk, Officer("Nasrin Akter", "supervisor")
    found = core.settings()
    changed = replace(found, four_eyes_reasons=("burial",), second_look_percent=7)
    core.change_settings(supervisor, found, changed, now=desk.now)
    core.change_settings(supervisor, changed, found, now=desk.now)
    browser = desk.signed_in("auditor")
    page = browser.get("/en/audit").text
    assert (
        "<strong>Settings changed</strong> by Nasrin Akter: reasons that need two officers: none, now Burial or "
        f"funeral; percentage of second looks: {found.second_look_percent}, now 7" in page
    )
    assert "{&#39;" not in page
    assert "ভূমিকা: নিরীক্ষক" in browser.get("/audit").text


def test_an_empty_queue_still_shows_new_cases_by_itself(desk: RunningDesk) -> None:
    page = desk.signed_in("officer").get("/en/?row=no-such-rule").text
    assert "No case matches the filters." in page
    assert page.count("data-refresh") == 2, "the same parts as with cases, so that the script can replace them"
