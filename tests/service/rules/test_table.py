import random
from dataclasses import asdict

import pytest
from support.rule_tables import row, table_text

from movepass_service.rules import RuleSet, RuleTableError, default_rules
from movepass_service.rules.columns import COLUMNS, Facts
from movepass_service.rules.table import RULES_MAX_BYTES, read_table


def faults(text: str) -> list[str]:
    with pytest.raises(RuleTableError) as caught:
        read_table(text)
    assert caught.value.is_input
    return [str(fault) for fault in caught.value.faults]


def test_a_row_is_read_with_its_types() -> None:
    text = table_text(
        row("a", '{ reason = ["medical"], minutes = { at_most = 90 }, passes_today = 2, closed = true }', "refer"),
        row("b", more='from = 2021-04-14\nuntil = 2021-04-21\nowner = "Somebody else"'),
    )
    first, second = read_table(text).rows
    assert first.when == {
        "reason": frozenset(["medical"]),
        "minutes": range(1, 91),
        "passes_today": range(2, 3),
        "closed": frozenset([True]),
    }
    assert (first.action, first.code, first.owner, first.last_day) == ("refer", "yes", "Desk", None)
    assert (second.owner, second.first_day, second.last_day) == ("Somebody else", 18_731, 18_738)


@pytest.mark.parametrize("name", ["dhaka", "Dhaka", "ঢাকা", " DHAKA "])
def test_a_district_may_be_written_in_any_language(name: str) -> None:
    table = read_table(table_text(row("a", f'{{ from_district = ["{name}"] }}')))
    assert table.rows[0].when["from_district"] == frozenset(["dhaka"])


def test_except_accepts_every_other_word() -> None:
    table = read_table(table_text(row("a", '{ reason = { except = ["other", "office"] } }')))
    accepted = table.rows[0].when["reason"]
    assert "medical" in accepted
    assert "other" not in accepted
    assert len(accepted) == len(COLUMNS["reason"].domain) - 2


def test_every_fault_is_told_at_once_with_its_line() -> None:
    found = faults(
        table_text(row("a", '{ resaon = "x", reason = "medcal", minutes = 0 }', "aprove"), row("a", code="no"))
    )
    assert [fault.partition(":")[0] for fault in found] == [
        "line 5, row 1 (a)",
        "line 5, row 1 (a), reason",
        "line 5, row 1 (a), minutes",
        "line 5, row 1 (a)",
        "line 11, row 2 (a)",
        "line 11, row 2 (a)",
    ]
    assert "did you mean 'reason'?" in found[0]
    assert "did you mean 'medical'?" in found[1]
    assert "whole number from 1 to 720" in found[2]
    assert "write one of approve, reject, refer" in found[3]
    assert "also that of line 5" in found[4]
    assert "[texts.no]" in found[5]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("minutes = true", "got true"),
        ("minutes = 1.5", "got 1.5"),
        ("minutes = { at_most = true }", "got true"),
        ("minutes = { at_least = 9, at_most = 8 }", "nothing is between"),
        ("minutes = { at_least = 721 }", "from 1 to 720"),
        ("minutes = {}", "got {}"),
        ("minutes = { over = 3 }", "unknown key 'over'"),
        ("closed = 1", "expected true or false, got 1"),
        ('closed = "yes"', "expected true or false, got 'yes'"),
        ("reason = []", "got []"),
        ("reason = [[]]", "[] is none of its words"),
        ("reason = 3", "got 3"),
        ("reason = { except = 3 }", "got 3"),
        ('evidence = { except = ["own-word", "assistant", "employer"] }', "nothing is left"),
        ('to_district = ["Dhka"]', "did you mean 'dhaka'?"),
        ("when = 3", "no column 'when'"),
    ],
)
def test_a_condition_of_the_wrong_type_is_refused(condition: str, message: str) -> None:
    (found,) = faults(table_text(row("a", f"{{ {condition} }}")))[:1]
    assert message in found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rows"),
        ("version = ", "not TOML"),
        ("a = " + "[" * 5000, "not TOML"),
        ("a = " + "9" * 5000, "thousands of digits"),
        ("#" * (RULES_MAX_BYTES + 1), "larger than"),
        ("row = 3", "two brackets"),
        (table_text(row("a"), top="until = 2021-03-31\n"), "until is before from"),
        (table_text(row("a"), top="until = 2021-05-01T00:00:00\n"), "a day without quotes"),
        (table_text(row("a", more="from = 2021-03-31")), "on which the table does not"),
        (table_text(row("a", more="until = 2021-05-02"), top="until = 2021-05-01\n"), "on which the table does not"),
        (table_text(row("a")).replace('bn = "yes বাংলা"', ""), "bn is missing"),
        (table_text(row("a")).replace('en = "yes English"', 'en = "a\\u0000b"'), "characters on one line"),
        (table_text(row("a", code="no-rule"), codes=("no-rule",)), "is none of missing-input, no-rule"),
        (table_text(row("a"), top='[[closure]]\ndistrict = "dhaka"\nfrom = 2021-04-14\n'), "last day of the closure"),
    ],
)
def test_a_file_that_is_no_table_is_refused(text: str, message: str) -> None:
    assert any(message in fault for fault in faults(text))


def test_joiners_of_bangla_are_text() -> None:
    text = table_text(row("a")).replace("yes বাংলা", "র\u200c্যাব")
    assert read_table(text).texts["yes"]["bn"] == "র\u200c্যাব"


def test_a_header_inside_a_text_does_not_move_the_lines() -> None:
    found = faults(table_text(row("a"), 'id = """\n[[row]]\n"""'))
    assert all(not fault.startswith("line") for fault in found)


def test_the_columns_are_those_of_the_facts() -> None:
    assert list(asdict(Facts(*[None] * 11))) == list(COLUMNS)


def test_the_digest_is_of_the_file() -> None:
    text = table_text(row("a"))
    assert RuleSet.from_toml(text).digest != RuleSet.from_toml(text + "# a comment\n").digest
    assert default_rules() is default_rules()


PIECES = [
    "{", "}", "[", "]", '"', "=", "true", "1", "-5", "1e9", "nan", "inf", "2021-04-14", "2021-04-14T00:00:00",
    "07:00:00", '""', "[[row]]", "\n", "{}", "[]", "[[]]", "when = 3", "\u09e6", "\0", "9" * 30, "0x10",
    "0001-01-01", "9999-12-31",
    'id = "urgent"', "[texts.x]", "a.b = 1", "row = []", '"\\ud800"',
]  # fmt: skip


def test_a_damaged_file_is_a_table_or_an_error_with_places() -> None:
    chance, refused = random.Random(16), []
    for _ in range(1500):
        text = default_rules().table.source
        for _ in range(chance.randint(1, 4)):
            start = chance.randrange(len(text) + 1)
            text = text[:start] + chance.choice(PIECES) + text[start + chance.choice([0, 1, 1, 3, 10]) :]
        try:
            RuleSet.from_toml(text)
        except RuleTableError as e:
            refused.append(e.faults)
    assert 500 < len(refused) < 1500
    assert all(faults and all(fault.where and fault.message for fault in faults) for faults in refused)
