"""Check that every language has the same messages and that the code uses only keys that exist."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.processes import ROOT

from movepass_keys import KeySet
from movepass_verifier.deciding.lists import StatusLists
from movepass_verifier.deciding.other_codes import what_else, what_is_wrong
from movepass_verifier.deciding.verdicts import CHECKS, Outcome, Verdict
from movepass_verifier.deciding.verify import verify
from movepass_verifier.officer.shown import looks
from movepass_wire import format_number, parse_number
from movepass_wire.times import ago, day_name, local, parse_iso
from movepass_words import LANGUAGES, message, words

FOLDER = ROOT / "words" / "movepass_words"
CATALOGUES = {language: json.loads((FOLDER / f"{language}.json").read_text("utf-8")) for language in LANGUAGES}
SAMPLES = {None: "Rahima", "number": 12, "time": 1795316400, "minute": 1795316400, "day": 20779, "span": 7500}
LATIN_IN_BANGLA = {
    *("Caps", "Lock", "Enter", "Esc", "US", "English", "PNG", "JPEG", "WebP", "GIF", "TIFF", "BMP", "PDF"),
    *("QR", "UTF", "AIM", "ID", "scanner", "check", "png", "B", "Ed", "MR", *"ABCDEILOUn", *"dhlnqx"),
}
"""Texts on keys and in menus, the symbols of pass numbers, and the name of an algorithm."""
OLD_ID = "<pin>19901234567890123</pin><name>RAHIMA KHATUN</name><DOB>01 Jan 1990</DOB><FP></FP><F>RI</F>"
SMART_ID = "NMRAHIMA KHATUN{sep}NW1234567890{sep}OL19901234567890123{sep}BR19900101{sep}PEPRVA"
PASSPORT = "P<BGDKHATUN<<RAHIMA" + "<" * 25 + "\nBX01234567BGD9001011F3001011<<<<<<<<<<<<<<04"
EMPTY = KeySet.of("Dhaka", [], test=False)
COMMAND = r"movepass(?: [a-z-]+)?|usermod -aG|pip install '[^']*'|--[a-z]+|LANG=[A-Za-z0-9.-]+"
SHELLS_ONLY = {"language", "phone"}
"""Texts that only other shells than the command show."""


def placeholders(text: str) -> dict[str, str | None]:
    return {name: kind or None for name, kind in re.findall(r"\{(\w+)(?::(\w+))?\}", text)}


def sources() -> Iterator[Path]:
    for folder in ("words/movepass_words", "issuer/movepass_issuer", "verifier/movepass_verifier", "cli/movepass_cli"):
        yield from (ROOT / folder).rglob("*.py")


def test_there_is_a_catalogue_for_each_language_and_no_other() -> None:
    assert {path.stem for path in FOLDER.glob("??.json")} == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_placeholders(language: str) -> None:
    own, english = CATALOGUES[language], CATALOGUES["en"]
    assert list(own) == list(english), "the same keys in the same order"
    for key, text in english.items():
        assert own[key].strip(), key
        assert placeholders(own[key]) == placeholders(text), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_example_of_a_pass_number_is_valid(language: str) -> None:
    example = re.search(r"\w{3}-\w{3}-\w{3}", CATALOGUES[language]["scan.ask-number"])
    assert example
    assert format_number(*parse_number(example[0])) == example[0]


def test_nothing_is_left_in_english() -> None:
    for key, text in CATALOGUES["bn"].items():
        latin = set(re.findall(r"[A-Za-z]+", re.sub(rf"\{{[^}}]*\}}|{COMMAND}", "", text)))
        assert not latin - LATIN_IN_BANGLA, key


def test_every_key_in_the_code_exists_and_every_text_is_used() -> None:
    code = "\n".join(path.read_text("utf-8") for path in sources())
    groups = {key.partition(".")[0] for key in CATALOGUES["en"]}
    named = {
        key for key in re.findall(r"""["']([a-z]+\.(?!json)[a-z0-9.-]+)["']""", code) if key.partition(".")[0] in groups
    }
    assert named <= set(CATALOGUES["en"])
    built = set(re.findall(r"""f["']([a-z]+)\.""", code)) | SHELLS_ONLY
    unused = {key for key in CATALOGUES["en"] if key not in named and key.partition(".")[0] not in built}
    assert not unused


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_verdict_outcome_and_check_has_its_words(language: str) -> None:
    say = words(language)
    for verdict in Verdict:
        assert say(f"verdict.{verdict.value}")
        assert say(f"advice.{verdict.value}")
    for outcome in Outcome:
        assert say(f"outcome.{outcome.value}")
    for check in CHECKS:
        assert say(f"check.{check}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_can_be_filled(language: str) -> None:
    say = words(language)
    for key, text in say.texts.items():
        wanted = placeholders(text)
        values = {n: message("verdict.valid") if k == "message" else SAMPLES[k] for n, k in wanted.items()}
        assert "{" not in say(key, **values), key


def test_values_are_shown_as_people_write_them() -> None:
    english, bangla = words("en"), words("bn")
    assert english.time(1795327200) == "22 Nov 2026, 12:00 Asia/Dhaka"
    assert bangla("reason.valid", until=1795327200) == "ঢাকা সময় ২২ নভেম্বর ২০২৬, ১২:০০ পর্যন্ত বৈধ"
    assert english("fresh.old", age=7500) == "2 h 5 min old"
    assert bangla("fresh.old", age=7500) == "২ ঘণ্টা ৫ মিনিট পুরোনো"
    assert bangla.number(1234567) == "১,২৩৪,৫৬৭"


@pytest.mark.parametrize(
    ("start", "end", "now", "english", "bangla"),
    [
        (
            "2026-11-28T10:04",
            "2026-11-28T13:04",
            "2026-11-28T11:00",
            "28 Nov, 10:04 to 13:04",
            "২৮ নভেম্বর, ১০:০৪ থেকে ১৩:০৪",
        ),
        (
            "2026-11-28T22:00",
            "2026-11-29T01:00",
            "2026-11-28T23:00",
            "28 Nov, 22:00 to 29 Nov, 01:00",
            "২৮ নভেম্বর, ২২:০০ থেকে ২৯ নভেম্বর, ০১:০০",
        ),
        (
            "2026-11-28T21:00",
            "2026-11-29T00:00",
            "2026-11-28T23:00",
            "28 Nov, 21:00 to 29 Nov, 00:00",
            "২৮ নভেম্বর, ২১:০০ থেকে ২৯ নভেম্বর, ০০:০০",
        ),
        (
            "2025-05-01T09:00",
            "2025-05-01T12:00",
            "2026-05-01T09:30",
            "1 May 2025, 09:00 to 12:00",
            "১ মে ২০২৫, ০৯:০০ থেকে ১২:০০",
        ),
        (
            "2026-12-31T22:00",
            "2027-01-01T04:00",
            "2026-12-31T23:00",
            "31 Dec 2026, 22:00 to 1 Jan 2027, 04:00",
            "৩১ ডিসেম্বর ২০২৬, ২২:০০ থেকে ১ জানুয়ারি ২০২৭, ০৪:০০",
        ),
        (
            "2027-01-01T00:30",
            "2027-01-01T03:00",
            "2027-01-01T00:10",
            "1 Jan, 00:30 to 03:00",
            "১ জানুয়ারি, ০০:৩০ থেকে ০৩:০০",
        ),
        (
            "2026-11-28T10:04",
            "2026-11-28T13:04",
            None,
            "28 Nov 2026, 10:04 to 13:04",
            "২৮ নভেম্বর ২০২৬, ১০:০৪ থেকে ১৩:০৪",
        ),
    ],
)
def test_the_period_of_a_pass_reads_naturally(start: str, end: str, now: str | None, english: str, bangla: str) -> None:
    """Check days in Dhaka: 1 January 2027, 00:10 there is still 2026 in UTC."""
    times = [None if at is None else parse_iso(f"{at}:00+06:00") for at in (start, end, now)]
    assert times[0] is not None
    assert times[1] is not None
    assert words("en").period(times[0], times[1], times[2]) == english
    assert words("bn").period(times[0], times[1], times[2]) == bangla


def test_a_value_is_never_expanded_as_a_placeholder() -> None:
    said = words("en")("reason.key-revoked", kid="{why}", why="{kid:time}")
    assert said == "the key {why} that signed it has been withdrawn ({kid:time}); its passes are void"


@given(st.integers(0, 9999 * 86400))
def test_english_times_match_the_wire_package(seconds: int) -> None:
    english = words("en")
    assert english.time(seconds).partition(", ")[2] == local(seconds).partition(" ")[2]
    assert english.span(seconds) == ago(seconds)
    assert english.day(seconds // 86400) == day_name(seconds // 86400)


@pytest.mark.parametrize("text", [OLD_ID, SMART_ID.format(sep=""), SMART_ID.format(sep="\x1e"), PASSPORT])
def test_the_barcode_of_a_paper_is_named_without_personal_data(text: str) -> None:
    result = verify(text, keys=EMPTY, lists=StatusLists({}, None, None), now=1795316400)
    said = json.dumps(result.to_json())
    assert result.verdict is Verdict.NOT_A_PASS
    assert not any(part in said for part in ("RAHIMA", "KHATUN", "1990", "12345", "pin>", "NMR"))


def test_an_unknown_language_falls_back_to_english() -> None:
    assert words("xx").language == "en"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("HC1:6BFOXN%TS3DH0YOJ58S S", "reason.covid-certificate"),
        ("shc:/5676290952432060346029", "reason.health-card"),
        ("https://movementpass.police.gov.bd/x", "reason.web-address"),
        ("eyJhbGciOiJFUzI1NiJ9.e30.c2ln", "reason.signed-token"),
        ("MP1Ö6BFOXN", "reason.keyboard-layout"),
        ("mp1ö6bfoxn", "reason.keyboard-layout"),
        ("?P&M6BFOXN", "reason.keyboard-layout"),
        ("মপ১ঃ", "reason.keyboard-layout"),
        ("MPE1:6BFOXN", "reason.enrolment"),
        (format_number(20779, 12), "reason.pass-number"),
        (format_number(20779, 12).replace("-", "").lower(), "reason.pass-number"),
        (OLD_ID, "reason.national-id"),
        (OLD_ID.lower(), "reason.national-id"),
        (SMART_ID.format(sep=""), "reason.national-id"),
        (SMART_ID.format(sep="\x1e"), "reason.national-id"),
        ("\x1e" + SMART_ID.format(sep="\x1d"), "reason.national-id"),
        (PASSPORT, "reason.passport"),
        ("<pin>me</pin>", "reason.not-a-pass"),
        ("NMNW", "reason.not-a-pass"),
        ("PASS", "reason.not-a-pass"),
        ("MP", "reason.not-a-pass"),
        ("", "reason.not-a-pass"),
    ],
)
def test_a_code_that_is_not_a_pass_is_identified(text: str, key: str) -> None:
    assert what_else(text).key == key
    assert words("bn").say(what_else(text))


def test_letters_in_the_wrong_case_are_reported() -> None:
    assert what_is_wrong("mp1:6bf").key == "reason.letter-case"
    assert what_is_wrong("MP1:6bf").key == "reason.malformed"
    assert what_is_wrong(" MP1:6BF").key == "reason.malformed"


def test_symbol_and_sound_alone_distinguish_the_outcomes() -> None:
    for part in ("symbol", "ascii", "colour", "rgb", "sound"):
        assert len({getattr(look, part) for look in looks().values()}) == len(Outcome)
