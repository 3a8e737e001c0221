"""Check the officer's screen for every size, language and verdict."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_banners import banners as drawn
from support.processes import ROOT
from support.writing import foreign

from movepass_cli.display import columns
from movepass_cli.officer.scanning.keyboard import ESCAPE, Key
from movepass_cli.officer.scanning.screen import Badge, ScreenLine, Size, banners, frame
from movepass_cli.officer.scanning.session import KEYS, Page, Session
from movepass_verifier import Freshness, Outcome, Verdict
from movepass_verifier.officer.journal import Seen
from movepass_wire import Place
from movepass_words import LANGUAGES, message, words

from .conftest import FRESH, NOW, TRIP, FakePost

USUAL = Size(80, 24)
VERDICTS = (Verdict.VALID, Verdict.REVOKED, Verdict.FORGED, Verdict.STALE)


def texts(lines: list[ScreenLine]) -> list[str]:
    return ["".join(span.text for span in line).rstrip() for line in lines]


def text(session: Session, badge: Badge, size: Size = USUAL, *, typed: str = "", unicode: bool = True) -> str:
    return "\n".join(texts(frame(session, badge, typed, size, unicode=unicode)))


def styles(lines: list[ScreenLine]) -> set[str]:
    return {span.style for line in lines for span in line}


@given(
    st.builds(Size, st.integers(1, 200), st.integers(1, 60)),
    st.sampled_from(LANGUAGES),
    st.sampled_from([*VERDICTS, None]),
    st.sampled_from("dhnx"),
    st.sampled_from(["utf-8", "ascii"]),
    st.text(max_size=200),
)
def test_a_frame_has_the_size_of_its_terminal(
    size: Size, language: str, verdict: Verdict | None, key: str, encoding: str, typed: str
) -> None:
    session = Session(FakePost(Seen(2, NOW), test=len(typed) % 2 == 0), language)
    if verdict:
        session.code(verdict.value, NOW)
        session.note()
    session.key(Key(key), NOW)
    badge = Badge("Dhaka Metropolitan Police " * 3, test=True, freshness=FRESH, problem=message("ready.never-synced"))
    lines = frame(session, badge, typed, size, unicode=encoding == "utf-8")
    assert len(lines) <= size.rows
    assert all(sum(columns(span.text) for span in line) <= size.columns for line in lines)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("verdict", VERDICTS)
def test_outcome_reason_and_advice_are_always_there(
    post: FakePost, badge: Badge, verdict: Verdict, language: str
) -> None:
    say = words(language)
    for size in (USUAL, Size(80, 16), Size(40, 12)):
        session = Session(post, language)
        session.code(verdict.value, NOW)
        result = post.verify(verdict.value)
        plain = text(session, badge, size).replace("\n", " ")
        joined = "".join(plain.split())
        assert "".join(say.say(result.why).split()) in joined
        assert "".join(say(f"advice.{verdict.value}").split()) in joined
        large = banners()["whole"][language][result.outcome.value]
        assert say(f"outcome.{result.outcome.value}") in plain or large[0] in plain


def test_at_the_usual_size_nothing_of_a_pass_is_left_out(post: FakePost, badge: Badge) -> None:
    post.seen = Seen(2, NOW - 600)
    for verdict in (Verdict.VALID, Verdict.REVOKED):
        session = Session(post, "en")
        session.code(verdict.value, NOW)
        session.note()
        shown = text(session, badge)
        for value in ("Rahima Khatun", "National ID ending 4821", "DHAKA METRO GA 11-2233", "Abdul Karim",
                      "Mirpur 10, Dhaka", "Gazipur", "Medical treatment", "Pass  "):  # fmt: skip
            assert value in shown
        assert "SHOWN BEFORE" in shown


def test_no_holder_is_shown_where_no_signature_held(post: FakePost, badge: Badge) -> None:
    session = Session(post, "en")
    session.code("forged", NOW)
    assert "Rahima" not in text(session, badge)


def test_after_cannot_verify_the_screen_asks_what_was_done(post: FakePost, badge: Badge) -> None:
    session = Session(post, "en")
    session.code("stale", NOW)
    session.note()
    assert "1 let through" in text(session, badge)
    session.key(Key("3"), NOW)
    assert f"called in: type {session.number}, then Enter" in text(session, badge)
    session.line(str(session.number), NOW)
    assert "*3 called in" in text(session, badge)
    session.code("revoked", NOW)
    session.note()
    assert "let through" not in text(session, badge).replace("Do not let through", "")


@pytest.mark.parametrize("verdict", ["valid", "revoked", "stale"])
@pytest.mark.parametrize("key", [*KEYS, ESCAPE])
def test_no_key_leaves_a_verdict_in_sight_that_would_pass_for_its_own(
    post: FakePost, badge: Badge, verdict: str, key: str
) -> None:
    for then in ("", *KEYS, ESCAPE):
        session = Session(post, "en")
        session.code(verdict, NOW)
        session.note()
        for pressed in (key, then):
            if pressed:
                session.key(Key(pressed), NOW)
            assert "Rahima" not in text(session, badge)
            *above, _last, _keys = frame(session, badge, "", USUAL, unicode=True)
            bands = {span.style for line in above for span in line} & {outcome.value for outcome in Outcome}
            assert bands <= ({"cannot-verify"} if session.confirming and session.page is Page.CONFIRM else set())


def test_a_key_that_took_a_verdict_away_says_so(post: FakePost, badge: Badge) -> None:
    session = Session(post, "en")
    for key, words_shown in (("l", "এক কি-র একটি কোড"), ("l", "code that is a single key"), ("1", "A key was pressed")):
        session.code("valid", NOW)
        session.key(Key(key), NOW)
        assert words_shown in text(session, badge)
    session.code("valid", NOW)
    session.key(Key("d"), NOW + 5)
    assert "Details of the verdict at 09:00" in text(session, badge)


@pytest.mark.parametrize("page", ["", *"dh"])
def test_the_first_character_of_a_scan_blanks_the_verdict_before_it(post: FakePost, badge: Badge, page: str) -> None:
    session = Session(post, "en")
    session.code("valid", NOW)
    for key in page:
        session.key(Key(key), NOW)
    shown = text(session, badge, typed="M")
    assert "length 1 so far, and no end yet" in shown
    assert "Rahima" not in shown
    assert "ACCEPT" not in shown


def test_details_are_the_checks_in_order(post: FakePost, badge: Badge) -> None:
    session = Session(post, "en")
    session.code("stale", NOW)
    session.key(Key("d"), NOW)
    shown = text(session, badge)
    assert shown.index("signature") < shown.index("not revoked") < shown.index("lists fresh enough")
    assert "✘ lists fresh enough" in shown


def test_a_test_authority_is_as_large_as_the_outcome_and_never_green_alone(badge: Badge) -> None:
    session = Session(FakePost(test=True), "en")
    session.code("valid", NOW)
    shown = text(session, badge)
    assert banners()["half"]["en"]["test"][0] in shown
    assert banners()["whole"]["en"]["accept"][0] not in shown
    assert words("en")("test.long") in shown
    small = text(session, badge, Size(60, 15))
    assert "T E S T   T E S T" in small


def test_the_top_says_how_old_the_lists_are_and_warns(post: FakePost, badge: Badge) -> None:
    fresh = frame(Session(post, "en"), badge, "", USUAL, unicode=True)
    assert "Lists: 12 min old" in texts(fresh)[0]
    assert "warn" not in styles(fresh)
    old = Badge("A", test=False, freshness=Freshness(NOW - 30000, NOW, NOW, 21600, 86400), problem=None)
    lines = frame(Session(post, "en"), old, "", USUAL, unicode=True)
    assert "8 h 20 min old; sync soon" in texts(lines)[0]
    assert "warn" in styles(lines[:1])


def test_an_idle_screen_never_says_ready_on_a_device_that_is_not(post: FakePost) -> None:
    never = Freshness(None, None, NOW, 21600, 86400)
    badge = Badge("", test=False, freshness=never, problem=message("ready.never-synced"))
    shown = text(Session(post, "en"), badge)
    assert "No pass can be accepted now." in shown
    assert "never been synced; sync it" in shown
    assert "Ready" not in shown


def test_what_is_typed_is_seen(post: FakePost, badge: Badge) -> None:
    session = Session(post, "en")
    session.key(Key("n"), NOW)
    assert "Typed: 9B0-0" in text(session, badge, typed="9B0-0")


def test_control_characters_do_not_reach_the_terminal(post: FakePost, badge: Badge) -> None:
    shown = frame(Session(post, "en"), badge, "\x1b[2J\x9b2J\u202e", USUAL, unicode=True)
    assert all(span.text.isprintable() for line in shown for span in line)


def test_without_unicode_the_outcome_is_plain_words(post: FakePost, badge: Badge) -> None:
    session = Session(post, "en", languages=("en",))
    for verdict in VERDICTS:
        session.code(verdict.value, NOW)
    shown = text(session, badge, unicode=False)
    assert shown.isascii()
    assert "?  CANNOT VERIFY  ?" in shown


def test_the_large_letters_are_what_the_catalogues_words_come_to() -> None:
    kept = json.loads((ROOT / "words/movepass_words/banners.json").read_text("utf-8"))
    assert kept == drawn(), "write them again: python tools/make_banners.py"


def test_the_last_verdicts_stay_in_sight(post: FakePost, badge: Badge) -> None:
    session = Session(post, "en")
    for verdict in ("revoked", "valid"):
        session.code(verdict, NOW)
    session.tick(NOW + 3600)
    last = texts(frame(session, badge, "", USUAL, unicode=True))[-2]
    assert last.index("✔") < last.index("✘")


HOSTILE_NAMES = {
    "wide": "\uff21" * 64,
    "wide, with a copy of the ID line": "\uff21" * 33 + "\uff29\uff24  National ID card ending 9999",
    "padded": "A" + " " * 50 + "ID            National ID card ending 9999",
    "padded with other blanks": "A" + "\u3000" * 30 + "ID\u00a0ending\u00a09999",
    "marks": "A" + "\u0301" * 62,
    "fillers": "\u3164" * 64,
    "one word": "x" * 64,
    "bangla": "ক্ষ্ম্যাঁ" * 7,
}


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
@pytest.mark.parametrize("size", [Size(80, 24), Size(60, 24), Size(40, 24), Size(80, 20)])
def test_no_name_takes_the_place_of_the_id(post: FakePost, badge: Badge, name: str, size: Size) -> None:
    trip = TRIP._replace(holder_name=name, vehicle=name, driver_name=name, origin=Place(13, name))
    post.trip = trip
    session = Session(post, "en")
    session.code("valid", NOW)
    lines = frame(session, badge, "", size, unicode=True)
    assert all(sum(columns(span.text) for span in line) <= size.columns for line in lines)
    rows = texts(lines)
    ids = [at for at, row in enumerate(rows) if row.startswith("  ID ")]
    assert len(ids) == 1, rows
    assert "4821" in "".join(rows[ids[0] : ids[0] + 3])
    assert any(row.startswith("  Name ") and row[len("  Name ") :].strip() for row in rows)
    assert not any(" " * 9 in row.strip() for row in rows if row.startswith("  Name "))


def test_what_is_left_out_of_a_name_shows(post: FakePost, badge: Badge) -> None:
    post.trip = TRIP._replace(holder_name="\uff21" * 64, vehicle="\uff22" * 64, driver_name="\uff23" * 64)
    session = Session(post, "en")
    session.code("valid", NOW)
    assert "…" in text(session, badge, Size(40, 24))


@given(st.text(max_size=64), st.sampled_from(["utf-8", "ascii"]))
def test_nothing_from_outside_steers_the_screen(name: str, encoding: str) -> None:
    post = FakePost(trip=TRIP._replace(holder_name=name, vehicle=name, reason=name))
    session = Session(post, "en")
    badge = Badge(name, test=True, freshness=FRESH, problem=message("scan.store", problem=name))
    for show in (
        lambda: session.code("valid", NOW),
        lambda: session.problem(message("image.no-code", file=name), NOW),
        lambda: session.trouble(message("scan.serial-gone", device=name)),
        session._clear,
    ):
        show()
        lines = frame(session, badge, name, USUAL, unicode=encoding == "utf-8")
        assert all(foreign(span.text.encode()) == [] for line in lines for span in line)
        assert all(sum(columns(span.text) for span in line) <= USUAL.columns for line in lines)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("test", [True, False])
@pytest.mark.parametrize("size", [USUAL, Size(100, 40), Size(60, 24), Size(80, 15), Size(40, 12)])
def test_a_verdict_says_how_many_seconds_ago_it_came(
    badge: Badge, language: str, verdict: Verdict, size: Size, *, test: bool
) -> None:
    session = Session(FakePost(test=test), language)
    session.code(verdict.value, NOW)
    before, after = (frame(session, badge, "", size, unicode=True, now=NOW + age) for age in (7.2, 8.1))
    moved = [at for at, line in enumerate(before) if line != after[at]]
    assert len(moved) == 1, "one field a second"
    assert texts(after)[moved[0]].endswith(words(language).span(8))
    assert before[moved[0]][0].style == after[moved[0]][0].style == before[moved[0]][-1].style
