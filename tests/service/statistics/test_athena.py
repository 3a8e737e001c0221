"""The same reports on Athena: every construct is one that Athena has, and the template holds the reports."""

from datetime import date

import pytest
import reports as template
import sqlglot
from support.athena import DIALECT, lacks
from support.stack import read_template

from movepass_service.statistics.facts import DICTIONARY
from movepass_service.statistics.reports import all_reports
from movepass_service.statistics.templates import ATHENA, DUCKDB, LastDays, Window, render

WINDOW = Window.of(date(2021, 4, 14), date(2021, 4, 20))


@pytest.mark.parametrize("name", all_reports())
def test_both_engines_read_each_report(name: str) -> None:
    report = all_reports()[name]
    conditions = tuple(one.condition(one.values[0]) for one in report.parameters)
    for window in (WINDOW, LastDays(7), Window(WINDOW.since, WINDOW.until, WINDOW.end_hour, conditions)):
        query = render(report.sql, window, ATHENA)
        assert lacks(query) == []
        assert "{" not in query
    parsed = sqlglot.parse_one(render(report.sql, WINDOW, ATHENA), dialect=DIALECT)
    assert isinstance(parsed, sqlglot.exp.Query)
    assert parsed.named_selects == [column.name for column in report.columns]
    sqlglot.parse_one(render(report.sql, WINDOW, DUCKDB), dialect="duckdb")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("SELECT day FROM facts QUALIFY row_number() OVER (ORDER BY day) = 1", "QUALIFY"),
        ("SELECT a.day FROM facts a ASOF JOIN facts b ON a.at_s <= b.at_s", "an ASOF join"),
        ("SELECT day::DATE FROM facts", "a cast by ::"),
        ("SELECT starts // 24 FROM facts", "a division by //"),
        ("SELECT starts / 24 FROM facts", "a division of whole numbers"),
        ("SELECT quantile_disc(waited_s, 0.5) FROM facts", "the function quantile_disc"),
        ("SELECT strftime(day, '%Y') FROM facts", "the function strftime"),
        ("SELECT day, count(*) FROM facts GROUP BY ALL", "GROUP BY ALL"),
        ("SELECT * EXCLUDE (day) FROM facts", "EXCLUDE"),
        ("SELECT DISTINCT ON (day) day, hour FROM facts", "DISTINCT ON"),
        ("SELECT [1, 2] FROM facts", "a list or an element in brackets"),
        ("SELECT {'a': day} FROM facts", "a struct or a map in braces"),
        ("SELECT day || '0' AS later, count(*) FROM facts GROUP BY later", "a name of the select list in GROUP BY"),
        ("SELECT h FROM generate_series(1, 2) AS t (h)", "the function generate_series"),
        ("SELECT FROM WHERE", "it can't be parsed"),
    ],
)
def test_what_athena_lacks_is_named(query: str, named: str) -> None:
    assert [one for one in lacks(query) if one.startswith(named)]


def test_template_and_page_are_written_from_the_reports_and_the_dictionary() -> None:
    assert template.TEMPLATE.read_text("utf-8") == template.write_template(), "make athena writes it again"
    page = template.PAGE.read_text("utf-8")
    assert page == template.write_page(page), "make athena writes it again"
    resources = read_template(template.TEMPLATE)["Resources"]
    saved = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::Athena::NamedQuery"]
    queries = {one["Name"]: one for one in saved}
    assert queries.keys() == all_reports().keys()
    for name, query in queries.items():
        assert query["QueryString"].strip() == render(all_reports()[name].sql, LastDays(template.DAYS), ATHENA).strip()
    table = resources["Facts"]["Properties"]["TableInput"]
    columns = [one["Name"] for one in (*table["PartitionKeys"], *table["StorageDescriptor"]["Columns"])]
    assert columns == list(DICTIONARY)
