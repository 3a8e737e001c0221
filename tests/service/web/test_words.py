import re
from pathlib import Path

import pytest

import movepass_words
from movepass_service import site, web
from movepass_service.applications.states import State
from movepass_service.site.forms import FIELDS
from movepass_service.site.words import words
from movepass_service.web.exchange import LANGUAGES

FOLDERS = [Path(str(package.__file__)).parent for package in (site, web)]
SOURCES = [path for folder in FOLDERS for path in folder.glob("**/*.py")]
TEMPLATES = [path for folder in FOLDERS for path in folder.glob("templates/*.html")]
SATURDAY = 1795802400
"""28 November 2026, midnight in Dhaka."""
PLACEHOLDER = re.compile(r"\{\w+(?::\w+)?\}")


def test_both_languages_have_the_same_texts_with_the_same_placeholders() -> None:
    bangla, english = (words(language).texts for language in LANGUAGES)
    assert list(bangla) == list(english)
    for key in english:
        if not key.startswith("format."):
            assert sorted(PLACEHOLDER.findall(bangla[key])) == sorted(PLACEHOLDER.findall(english[key])), key


def test_no_text_is_empty_or_holds_markup() -> None:
    for language in LANGUAGES:
        for key, text in words(language).texts.items():
            assert text.strip(), key
            assert not set(text) & set("<>&"), key


def test_bangla_is_written_in_bangla() -> None:
    for key, text in words("bn").texts.items():
        letters = re.sub(r"\{[^}]*\}|\(PDF\)|JSON|UTF-8|UUID|request_id", "", text)
        assert not re.search(r"[A-Za-z]", letters), (key, text)


def test_templates_and_code_use_texts_that_exist() -> None:
    texts = words("en").texts
    used = {
        key
        for source in [*TEMPLATES, *SOURCES]
        for key in re.findall(r'\b(?:t|w|other)\("([a-z][\w.-]*[\w-])"', source.read_text())
    }
    assert len(used) > 80
    assert used <= texts.keys()


def test_every_text_is_used() -> None:
    sources = [*TEMPLATES, *SOURCES, Path(movepass_words.__file__)]
    everything = "\n".join(source.read_text() for source in sources)
    families = re.findall(r'"([a-z-]+\.)" ~|f"([a-z-]+\.)\{|f"([a-z]+\.)\{', everything)
    prefixes = tuple({prefix for found in families for prefix in found if prefix})
    unused = [
        k
        for k in words("en").texts
        if not re.search(rf"""["']{re.escape(k)}["']""", everything) and not k.startswith(prefixes)
    ]
    assert unused == []


def test_every_state_field_and_refusal_has_its_words() -> None:
    texts = words("en").texts
    for state in State:
        assert {f"state.{state}", f"state-text.{state}"} <= texts.keys()
    for name in FIELDS:
        assert f"field.{name}" in texts
    for source in SOURCES:
        for code in re.findall(r'(?:RefusedError\(\w+, |code=)"([a-z-]+)"', source.read_text()):
            assert f"refused.{code}" in texts
            assert f"refused-text.{code}" in texts


@pytest.mark.parametrize(
    ("hour", "minute", "english", "bangla"),
    [
        (0, 0, "12 midnight", "রাত ১২টা"),
        (3, 59, "3:59 am", "রাত ৩টা ৫৯ মিনিট"),
        (4, 0, "4 am", "ভোর ৪টা"),
        (9, 30, "9:30 am", "সকাল ৯টা ৩০ মিনিট"),
        (12, 0, "12 noon", "দুপুর ১২টা"),
        (12, 5, "12:05 pm", "দুপুর ১২টা ০৫ মিনিট"),
        (15, 0, "3 pm", "বিকেল ৩টা"),
        (18, 0, "6 pm", "সন্ধ্যা ৬টা"),
        (23, 0, "11 pm", "রাত ১১টা"),
    ],
)
def test_the_time_of_day_is_written_as_people_say_it(hour: int, minute: int, english: str, bangla: str) -> None:
    seconds = SATURDAY + hour * 3600 + minute * 60
    assert words("en").clock(seconds) == english
    assert words("bn").clock(seconds) == bangla


def test_a_period_names_its_day_once_or_both_days() -> None:
    midnight = SATURDAY
    assert words("en").period(midnight + 9 * 3600, midnight + 12 * 3600) == "Saturday 28 November 2026, 9 am to 12 noon"
    assert (
        words("en").period(midnight + 23 * 3600, midnight + 26 * 3600)
        == "Saturday 28 November 2026, 11 pm to Sunday 29 November 2026, 2 am"
    )
    assert words("bn").period(midnight + 9 * 3600, midnight + 12 * 3600) == "শনিবার, ২৮ নভেম্বর ২০২৬, সকাল ৯টা থেকে দুপুর ১২টা"


@pytest.mark.parametrize(
    ("seconds", "english"),
    [(1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (61, "2 minutes"), (3600, "1 hour"), (100_000, "2 days")],
)
def test_a_length_of_time_is_rounded_up(seconds: int, english: str) -> None:
    assert words("en").span(seconds) == english


def test_times_in_lists_are_short() -> None:
    nine, noon = SATURDAY + 9 * 3600, SATURDAY + 12 * 3600
    assert words("en").short_period(nine, noon) == "28 Nov, 9 am to 12 noon"
    assert words("bn").short_period(nine, noon) == "২৮ নভেম্বর, সকাল ৯টা থেকে দুপুর ১২টা"
    assert words("en").short_period(nine, noon + 86400) == "28 Nov, 9 am to 29 Nov, 12 noon"
    assert words("en").short_time(nine) == "28 Nov, 9 am"
