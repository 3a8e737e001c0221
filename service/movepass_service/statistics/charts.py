"""Draw charts as SVG for pages and for print: bars, lines and stacked columns, each readable without colour.

Everything is drawn in the colour of the text around it, so that light, dark and print look right by themselves; what
belongs together has a pattern or a way of dashing. A chart has a title and a description for screen readers, and no
style of its own: a page may forbid those. Whoever shows a chart shows its numbers as a table too.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

WIDTH = 320
"""Width of every chart, in units that are pixels on a small phone."""
SERIES_MAX = 6
BARS_MAX = 16
"""Rows of a bar chart; its table has all."""
_TEXT, _ROW, _PAD, _PLOT_HEIGHT = 14, 38, 4, 150
_LETTER = 7.4
"""Width of a letter on average."""
_DASHES = ("", "7 3", "2 3", "10 3 2 3", "4 4 1 4", "1 4")
_STEPS = (1, 2, 2.5, 5, 10)
_TICKS = 4
_LABEL_GAP = 12
_LINE = 18
Number = int | float
Write = Callable[[Number], str]


class ChartError(ValueError):
    """The numbers can't be drawn."""


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers that belong together, one for each label; None where a number is not shown."""

    name: str
    values: tuple[Number | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """The content of a chart, whatever its kind.

    Attributes:
        key: unique on its page, of letters, digits and hyphens.
        title: in one line.
        description: what can be seen, for whoever can't see it.
        labels: of the values, in their order.
        series: one or more.
        write: writes a number in the reader's language, with its unit.
        hidden: what is written for a number that is not shown.

    Raises:
        ChartError: a series has more or fewer values than there are labels, or there are too many of them.
    """

    key: str
    title: str
    description: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    write: Write
    hidden: str = "-"

    def __post_init__(self) -> None:
        if not 0 < len(self.series) <= SERIES_MAX:
            raise ChartError(f"a chart has 1 to {SERIES_MAX} series, got {len(self.series)}")
        for one in self.series:
            if len(one.values) != len(self.labels):
                raise ChartError(f"{one.name}: expected {len(self.labels)} values, got {len(one.values)}")
            if any(value is not None and value < 0 for value in one.values):
                raise ChartError(f"{one.name}: a value is below 0")

    def text(self, value: Number | None) -> str:
        """Write a value, or what stands for one that is not shown."""
        return self.hidden if value is None else self.write(value)


def draw_bars(chart: Chart) -> str:
    """Draw the first series as bars, in the given order, at most BARS_MAX of them."""
    values = chart.series[0].values[:BARS_MAX]
    most = max([value for value in values if value is not None], default=0) or 1
    numbers = [chart.text(value) for value in values]
    room = WIDTH - 2 * _PAD - max([_width(number) for number in numbers], default=0) - 6
    parts: list[str] = []
    for row, (label, value, number) in enumerate(zip(chart.labels, values, numbers, strict=False)):
        top = _PAD + row * _ROW
        length = 0.0 if value is None else value / most * room
        parts.append(_text(_PAD, top + _TEXT, _cut(label, WIDTH - 2 * _PAD)))
        parts.append(_box(_PAD, top + _TEXT + 4, length, 12, "currentColor"))
        parts.append(_text(_PAD + length + 5, top + _TEXT + 14, number))
    return _svg(chart, _PAD * 2 + len(values) * _ROW, parts)


def draw_lines(chart: Chart) -> str:
    """Draw each series as a line with a dash of its own; a value that is not shown is a gap."""
    plot = _Plot.of(chart, max(_known(chart), default=0))
    parts = [*plot.frame(), *_legend(chart, plot.bottom + 34, _line_sample)]
    for at, series in enumerate(chart.series):
        points = [None if v is None else (plot.x(n), plot.y(v)) for n, v in enumerate(series.values)]
        for start, end in pairwise(points):
            if start and end:
                parts.append(_line(*start, *end, dash=_DASHES[at], width=2))
        alone = [p for n, p in enumerate(points) if p and not any(points[max(0, n - 1) : n] + points[n + 1 : n + 2])]
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="currentColor"/>' for x, y in alone]
    return _svg(chart, plot.bottom + 34 + _legend_height(chart), parts)


def draw_stacked(chart: Chart) -> str:
    """Draw a column for each label, divided by series, each with a pattern of its own."""
    sums = [sum(series.values[n] or 0 for series in chart.series) for n in range(len(chart.labels))]
    plot = _Plot.of(chart, max(sums, default=0))
    parts = [*_patterns(chart), *plot.frame(), *_legend(chart, plot.bottom + 34, _box_sample)]
    width = plot.step * 0.7
    for n in range(len(chart.labels)):
        below: Number = 0
        for at, series in enumerate(chart.series):
            value = series.values[n] or 0
            top, bottom = plot.y(below + value), plot.y(below)
            if value:
                parts.append(_box(plot.x(n) - width / 2, top, width, bottom - top, _fill(chart, at)))
            below += value
    return _svg(chart, plot.bottom + 34 + _legend_height(chart), parts)


def as_file(svg: str, lines: Sequence[str] = ()) -> str:
    """Return a chart as a file of its own: black on white, whatever shows it, with lines of text above it."""
    head, _, rest = svg.partition(">")
    inner = f'{head} y="{len(lines) * _LINE}">{rest}'
    height = float(head.partition(f'viewBox="0 0 {WIDTH} ')[2].partition('"')[0])
    total = height + len(lines) * _LINE
    texts = "".join(_text(_PAD, _LINE * (n + 0.8), _cut(line, WIDTH - 2 * _PAD)) for n, line in enumerate(lines))
    size = f'width="{2 * WIDTH}" height="{2 * total:.0f}" viewBox="0 0 {WIDTH} {total:.0f}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} color="#000" font-family="system-ui, sans-serif" '
        f'font-size="{_TEXT}"><rect width="100%" height="100%" fill="#fff"/>{texts}'
        f'{inner.replace("<svg ", f"""<svg width="{WIDTH}" height="{height:.0f}" """, 1)}</svg>'
    )


@dataclass(frozen=True, slots=True)
class _Plot:
    """The area of lines and columns, its axes and what stands at them."""

    left: float
    bottom: float
    step: float
    top_value: float
    ticks: tuple[tuple[float, str], ...]
    labels: tuple[str, ...]

    @classmethod
    def of(cls, chart: Chart, most: Number) -> "_Plot":
        ticks = tuple((value, chart.write(value)) for value in _nice_ticks(most))
        left = _PAD + max(_width(text) for _, text in ticks) + 6
        step = (WIDTH - _PAD - left) / max(1, len(chart.labels))
        return cls(left, _PAD + _TEXT + _PLOT_HEIGHT, step, ticks[-1][0], ticks, chart.labels)

    def x(self, n: int) -> float:
        return self.left + (n + 0.5) * self.step

    def y(self, value: Number) -> float:
        return self.bottom - value / self.top_value * _PLOT_HEIGHT

    def frame(self) -> Iterator[str]:
        for value, text in self.ticks:
            faint = "" if value == 0 else ' stroke-opacity="0.3"'
            yield _line(self.left, self.y(value), WIDTH - _PAD, self.y(value), more=faint)
            yield _text(self.left - 6, self.y(value) + 4, text, anchor="end")
        free = 0.0
        for n, label in enumerate(self.labels):
            half = _width(label) / 2
            middle = max(half + _PAD, min(self.x(n), WIDTH - _PAD - half))
            if middle - half >= free:
                yield _text(middle, self.bottom + 18, label, anchor="middle")
                free = middle + half + _LABEL_GAP


def _nice_ticks(most: Number) -> tuple[float, ...]:
    """Return ticks from 0 to at least `most`, at steps that people count in; whole numbers where they are small."""
    rough = max(most, 1) / _TICKS
    size = 1
    while size * 10 <= rough:
        size *= 10
    step = max(1, next(factor * size for factor in _STEPS if factor * size >= rough))
    number = max(1, -int(-most // step))
    return tuple(n * step for n in range(number + 1))


def _known(chart: Chart) -> Iterator[Number]:
    return (value for series in chart.series for value in series.values if value is not None)


def _legend_height(chart: Chart) -> float:
    return 18.0 * len(chart.series) + _PAD if len(chart.series) > 1 else _PAD


def _legend(chart: Chart, top: float, sample: Callable[[Chart, int, float], str]) -> Iterator[str]:
    if len(chart.series) > 1:
        for at, series in enumerate(chart.series):
            y = top + 18 * at + 8
            yield sample(chart, at, y)
            yield _text(_PAD + 36, y + 4, _cut(series.name, WIDTH - 44))


def _line_sample(_chart: Chart, at: int, y: float) -> str:
    return _line(_PAD, y, _PAD + 30, y, dash=_DASHES[at], width=2)


def _box_sample(chart: Chart, at: int, y: float) -> str:
    return _box(_PAD, y - 6, 30, 12, _fill(chart, at))


def _fill(chart: Chart, at: int) -> str:
    return "currentColor" if at == 0 else "none" if at == 1 else f"url(#{chart.key}-fill-{at})"


def _patterns(chart: Chart) -> Iterator[str]:
    """Write the fills of the third series and those after it; the first is solid, and the second is empty."""
    strokes = ("M0 6 6 0", "M0 3H6", "M3 0V6M0 3H6", "M3 2.4V3.6")
    for at, stroke in zip(range(2, len(chart.series)), strokes, strict=False):
        yield (
            f'<pattern id="{chart.key}-fill-{at}" width="6" height="6" patternUnits="userSpaceOnUse">'
            f'<path d="{stroke}" stroke="currentColor" stroke-width="1.2" fill="none"/></pattern>'
        )


def _svg(chart: Chart, height: float, parts: Sequence[str]) -> str:
    title, description = f"{chart.key}-title", f"{chart.key}-text"
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-labelledby="{title} {description}" '
        f'font-family="system-ui, sans-serif" font-size="{_TEXT}">'
        f'<title id="{title}">{escape(chart.title)}</title><desc id="{description}">{escape(chart.description)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="currentColor">{escape(text)}</text>'


def _line(  # noqa: PLR0913 - two ends, and how it looks
    x1: float, y1: float, x2: float, y2: float, *, dash: str = "", width: float = 1, more: str = ""
) -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="currentColor" stroke-width="{width}"{dashed}{more}/>'


def _box(x: float, y: float, width: float, height: float, fill: str) -> str:
    size = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {size} fill="{fill}" stroke="currentColor" stroke-width="1"/>'


def _width(text: str) -> float:
    return len(text) * _LETTER


def _cut(text: str, room: float) -> str:
    """Shorten a text to the room that it has."""
    most = int(room / _LETTER)
    return text if len(text) <= most else text[: most - 1] + "…"
