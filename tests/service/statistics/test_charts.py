"""Charts: whole SVG that needs no colour, and says in words what it shows."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movepass_service.statistics.charts import (
    BARS_MAX,
    WIDTH,
    Chart,
    ChartError,
    Series,
    as_file,
    draw_bars,
    draw_lines,
    draw_stacked,
)  # fmt: skip

VALUES = st.one_of(st.none(), st.integers(0, 10**7), st.floats(0, 1000))


@st.composite
def charts(draw: st.DrawFn) -> Chart:
    labels = draw(st.lists(st.text("abc <&\"'অআ", max_size=40), max_size=40))
    many = draw(st.integers(1, 6))
    series = tuple(Series(f"<{n}>", tuple(draw(VALUES) for _ in labels)) for n in range(many))
    return Chart("key", "A & B", "<what>", tuple(labels), series, str)


@given(charts())
def test_every_chart_is_whole_and_inside_its_frame(chart: Chart) -> None:
    for draw in (draw_bars, draw_lines, draw_stacked):
        svg = draw(chart)
        root = ET.fromstring(svg)
        assert [root[0].text, root[1].text] == ["A & B", "<what>"]
        assert root.get("aria-labelledby") == f"{root[0].get('id')} {root[1].get('id')}"
        height = float((root.get("viewBox") or "").split()[3])
        for box in root.iter("rect"):
            x, y, width, high = (float(box.get(name) or "") for name in ("x", "y", "width", "height"))
            assert -1 <= x <= x + width <= WIDTH + 1
            assert -1 <= y <= y + high + 0.1 <= height + 1
        assert set(re.findall(r' (?:fill|stroke)="([^"]+)"', svg)) <= {
            "currentColor", "none", *(f"url(#key-fill-{n})" for n in range(6)),
        }  # fmt: skip
        assert "style" not in svg
        ET.fromstring(as_file(svg))


def test_series_differ_without_colour() -> None:
    series = tuple(Series(f"s{n}", (1, 2, 3)) for n in range(6))
    chart = Chart("k", "t", "d", ("a", "b", "c"), series, str)
    fills = set(re.findall(r'height="12.0" fill="([^"]+)"', draw_stacked(chart)))
    assert len(fills) == 6
    assert len(set(re.findall(r'stroke-width="2"( stroke-dasharray="[^"]+")?', draw_lines(chart)))) == 6
    assert draw_stacked(chart).count("<pattern") == 4


def test_a_number_that_is_not_shown_is_a_gap_and_says_so() -> None:
    chart = Chart("k", "t", "d", ("a", "b", "c"), (Series("s", (5, None, 7)),), str, hidden="under 10")
    assert ">under 10<" in draw_bars(chart)
    assert 'stroke-width="2"' not in draw_lines(chart)
    assert draw_lines(chart).count("<circle") == 2


def test_bars_have_a_limit_and_wrong_series_are_refused() -> None:
    labels = tuple(map(str, range(64)))
    chart = Chart("k", "t", "d", labels, (Series("s", tuple(range(64))),), str)
    assert draw_bars(chart).count("<rect") == BARS_MAX
    with pytest.raises(ChartError, match="expected 64"):
        Chart("k", "t", "d", labels, (Series("s", (1,)),), str)
    with pytest.raises(ChartError, match="below 0"):
        Chart("k", "t", "d", ("a",), (Series("s", (-1,)),), str)
    with pytest.raises(ChartError, match="1 to 6"):
        Chart("k", "t", "d", (), (), str)
