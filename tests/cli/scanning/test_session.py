"""Check the events of a session at the post."""

import pytest

from movepass_cli.officer.scanning import confirmation
from movepass_cli.officer.scanning.confirmation import Confirmation
from movepass_cli.officer.scanning.keyboard import ESCAPE, Key
from movepass_cli.officer.scanning.session import KEYS, PAGE_SECONDS, Decided, Page, Session
from movepass_verifier import Outcome, Verdict
from movepass_verifier.officer.by_number import NumberAnswer
from movepass_verifier.officer.journal import Decision, Seen
from movepass_wire import format_number
from movepass_words import message

from .conftest import NOW, FakePost

NUMBER = 4071


def asking(post: FakePost, *numbers: int) -> Session:
    """Make a session whose confirmations ask for known numbers."""
    drawn = iter(numbers)
    return Session(post, "en", confirmation=Confirmation(lambda: next(drawn, NUMBER)))


def make_undecided(post: FakePost, *numbers: int) -> Session:
    """Make one that shows a verdict which asks what was done."""
    session = asking(post, *numbers)
    session.code("stale", NOW)
    session.note()
    return session


def verdict_of(session: Session) -> Verdict | None:
    return session.shown.result.verdict if isinstance(session.shown, Decided) else None


def test_a_code_is_decided_shown_noted_and_counted(post: FakePost) -> None:
    session = Session(post, "en")
    assert session.code("revoked", NOW) is Outcome.REJECT
    assert verdict_of(session) is Verdict.REVOKED
    assert post.noted == []
    session.note()
    session.note()
    assert post.noted == [Verdict.REVOKED]
    assert session.checked == 1
    assert [(one.outcome, one.number) for one in session.recent] == [(Outcome.REJECT, session.recent[0].number)]


def test_a_verdict_closes_itself_and_nothing_of_it_stays(post: FakePost) -> None:
    session = Session(post, "en", close_after=20)
    session.code("valid", NOW)
    session.tick(NOW + 19)
    assert session.shown is not None
    session.tick(NOW + 20)
    assert session.shown is None
    assert session.closes is None


def test_a_key_keeps_what_somebody_is_reading(post: FakePost) -> None:
    session = Session(post, "en", close_after=20)
    session.code("valid", NOW)
    session.key(Key("d"), NOW + 15)
    session.tick(NOW + 30)
    assert session.page is Page.DETAILS
    session.tick(NOW + 35)
    assert (session.page, session.shown) == (Page.MAIN, None)


def test_it_may_stay_until_the_next(post: FakePost) -> None:
    session = Session(post, "en", close_after=0)
    session.code("valid", NOW)
    session.tick(NOW + 10**6)
    assert session.shown is not None


def test_the_next_code_takes_the_place_of_whatever_is_shown(post: FakePost) -> None:
    session = Session(post, "en")
    for page in "dhn":
        session.code("valid", NOW)
        session.key(Key(page), NOW)
        session.code("revoked", NOW)
        assert (session.page, verdict_of(session)) == (Page.MAIN, Verdict.REVOKED)


def test_pages_turn_and_turn_back(post: FakePost) -> None:
    session = Session(post, "en")
    session.key(Key("d"), NOW)
    assert session.page is Page.MAIN, "there are no details of nothing"
    session.code("valid", NOW)
    for key, page in (("d", Page.DETAILS), ("D", Page.MAIN), ("?", Page.HELP), ("h", Page.MAIN), ("n", Page.NUMBER)):
        session.key(Key(key), NOW)
        assert session.page is page
    session.key(Key(ESCAPE), NOW)
    assert (session.page, session.shown) == (Page.MAIN, None)
    session.code("valid", NOW)
    session.key(Key(ESCAPE), NOW)
    assert session.shown is None


def test_a_question_that_nobody_answers_takes_its_verdict_along(post: FakePost) -> None:
    session = make_undecided(post)
    session.key(Key("1"), NOW)
    session.tick(NOW + PAGE_SECONDS)
    assert (session.page, session.shown) == (Page.MAIN, None)


def test_a_number_is_asked_for_before_one_is_taken(post: FakePost) -> None:
    session = Session(post, "en")
    session.key(Key("n"), NOW)
    assert session.line("9B0-00C-6MR", NOW) is Outcome.CANNOT_VERIFY
    assert post.asked == ["9B0-00C-6MR"]
    assert isinstance(session.shown, NumberAnswer)
    session.line("revoked", NOW)
    session.key(Key("n"), NOW)
    with pytest.raises(ValueError, match="MP1"):  # the fake post knows no such verdict: it was taken for a code
        session.line("MP1:" + "0" * 240, NOW)
    assert post.asked == ["9B0-00C-6MR"]


@pytest.mark.parametrize(("key", "decision"), [("1", Decision.LET_THROUGH), ("2", Decision.SENT_BACK),
                                              ("3", Decision.CALLED_IN)])  # fmt: skip
def test_what_was_done_is_a_key_and_a_number_and_can_be_mended(post: FakePost, key: str, decision: Decision) -> None:
    session = make_undecided(post)
    for pressed in ("2", key):
        session.key(Key(pressed), NOW)
        assert (session.page, session.number) == (Page.CONFIRM, NUMBER)
        assert session.line("40\x7f071\x1b[D4\x08" if pressed == key else str(NUMBER), NOW) is None
    assert post.decided == [(1, Decision.SENT_BACK), (1, decision)]
    assert isinstance(session.shown, Decided)
    assert session.shown.decision is decision
    assert session.page is Page.MAIN


def test_a_verdict_that_leaves_nothing_to_decide_takes_no_decision(post: FakePost) -> None:
    session = asking(post)
    session.code("revoked", NOW)
    session.note()
    session.key(Key("1"), NOW)
    assert session.page is Page.MAIN
    assert post.decided == []


def test_no_key_alone_ends_or_notes_anything(post: FakePost) -> None:
    session = make_undecided(post)
    for first in [*KEYS, ESCAPE]:
        for second in [*KEYS, ESCAPE]:
            session.key(Key(first), NOW)
            session.key(Key(second), NOW)
    assert post.decided == []
    assert not session.ended
    assert session.checked == 1


def test_a_wrong_number_does_nothing_and_no_other_is_asked_for_in_the_next_minute(post: FakePost) -> None:
    session = make_undecided(post)
    session.key(Key("1"), NOW)
    assert session.line("1234", NOW) is None
    assert session.shown == message("scan.wrong-answer", wait=60)
    for guess in range(1000, 1100):
        session.key(Key("q"), NOW + 59)
        session.line(str(guess), NOW + 59) if session.page is Page.CONFIRM else None
    assert session.shown == message("scan.asked-too-soon", wait=60)
    session.key(Key("q"), NOW + 60)
    session.line(str(NUMBER), NOW + 60)
    assert session.ended
    assert post.decided == []


def test_a_code_that_comes_where_a_number_was_asked_for_is_a_code(post: FakePost) -> None:
    session = make_undecided(post)
    for page in ("q", "1"):
        session.key(Key(page), NOW)
        assert session.line("revoked", NOW) is Outcome.REJECT
        assert (session.page, verdict_of(session), session.number) == (Page.MAIN, Verdict.REVOKED, None)
        session.code("stale", NOW)
        session.note()
    assert not session.ended


def test_a_number_counts_once_and_only_while_it_is_asked_for(post: FakePost) -> None:
    session = asking(post, 1111, 2222)
    session.key(Key("q"), NOW)
    session.key(Key(ESCAPE), NOW)
    assert session.number is None
    session.key(Key("q"), NOW)
    assert session.number == 2222
    session.line("1111", NOW)
    assert not session.ended


def test_a_question_that_nobody_answers_goes(post: FakePost) -> None:
    session = asking(post)
    for key in "nq":
        session.key(Key(key), NOW)
        assert session.closes == NOW + PAGE_SECONDS
        session.typing("4", NOW + 20)
        session.tick(NOW + 49)
        assert session.asks
        session.tick(NOW + 50)
        assert (session.page, session.number) == (Page.MAIN, None)


def test_numbers_that_are_asked_for_have_four_digits_and_differ() -> None:
    drawn = {confirmation.draw() for _ in range(200)}
    assert len(drawn) > 150
    assert all(1000 <= number <= 9999 for number in drawn)


def test_a_number_may_be_typed_in_the_officers_own_digits(post: FakePost) -> None:
    session = asking(post)
    session.key(Key("q"), NOW)
    session.line("৪০৭১", NOW)
    assert session.ended


@pytest.mark.parametrize("key", ["", *"dhnq"])
def test_what_is_typed_takes_the_verdict_before_it_off_the_screen(post: FakePost, key: str) -> None:
    session = asking(post)
    session.code("valid", NOW)
    if key:
        session.key(Key(key), NOW)
    session.typing("M" * 41, NOW)
    assert (session.shown, session.page, session.closes) == (None, Page.MAIN, None)


def test_what_begins_on_a_serial_line_takes_the_verdict_before_it_off_the_screen(post: FakePost) -> None:
    session = Session(post, "en")
    session.code("valid", NOW)
    session.begin()
    assert session.shown is None
    assert session.reading
    session.code("revoked", NOW)
    assert not session.reading


def test_an_end_alone_takes_the_verdict_before_it_off_the_screen(post: FakePost) -> None:
    session = Session(post, "en")
    session.code("valid", NOW)
    assert session.line("", NOW) is None
    assert session.shown == message("scan.empty")


def test_the_language_goes_round(post: FakePost) -> None:
    session = Session(post, "en")
    languages = []
    for _ in range(2):
        session.key(Key("l"), NOW)
        languages.append(session.language)
    assert languages == ["bn", "en"]


@pytest.mark.parametrize("key", [Key("q"), Key("Q")])
def test_it_ends_once_its_number_was_typed(post: FakePost, key: Key) -> None:
    session = asking(post)
    session.key(key, NOW)
    assert not session.ended
    session.line(str(NUMBER), NOW)
    assert session.ended


def test_a_key_that_means_nothing_takes_the_verdict_away_too(post: FakePost) -> None:
    for name in "xyz9 ম":
        session = Session(post, "en")
        session.code("valid", NOW)
        session.key(Key(name), NOW)
        assert (session.page, session.shown, session.ended) == (Page.MAIN, message("scan.key"), False)


def test_a_problem_is_shown_and_counts_as_no_verdict(post: FakePost) -> None:
    session = Session(post, "en")
    session.problem(message("scan.serial-gone", device="/dev/ttyACM0"), NOW)
    assert session.shown == message("scan.serial-gone", device="/dev/ttyACM0")
    assert session.checked == 0
    session.note()
    assert post.noted == []


def test_a_scanner_that_is_gone_takes_no_verdict_off_the_screen(post: FakePost) -> None:
    session = Session(post, "en")
    session.code("valid", NOW)
    session.trouble(message("scan.serial-gone", device="/dev/ttyACM0"))
    assert verdict_of(session) is Verdict.VALID
    assert session.notice is not None
    session.code("revoked", NOW)
    assert session.notice is None


def test_a_picture_that_shows_nothing_takes_the_last_verdict_off_the_screen(post: FakePost) -> None:
    session = Session(post, "en")
    session.code("valid", NOW)
    session.problem(message("image.no-code", file="x.png"), NOW)
    assert verdict_of(session) is None


def test_a_pass_number_alone_is_taken_for_one_whether_it_was_asked_for_or_not(post: FakePost) -> None:
    session = Session(post, "en")
    session.line(format_number(20779, 12), NOW)
    assert post.asked == [format_number(20779, 12)]


def test_ten_thousand_codes_leave_five_rows(post: FakePost) -> None:
    post.seen = Seen(1, NOW)
    session = Session(post, "en")
    for number in range(10_000):
        session.code("valid" if number % 2 else "revoked", NOW + number)
        session.note()
    assert len(session.recent) == 5
    assert session.checked == len(post.noted) == 10_000
