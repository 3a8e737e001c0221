"""Charts as SVG that follow the reader's light or dark scheme: each brings its own background."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]
Ticks = Sequence[tuple[float, str]]

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 56, 36, 112, 56
_LETTER = 6.6
"""Width of a letter on average, in pixels."""
_DASHES = {"a": "", "b": "7 4", "c": "2 4", "d": "12 4 2 4", "e": "1 3"}
_LINES = {
    "a": ("#0a58ca", "#6ea8fe"),
    "b": ("#b3470a", "#ffa657"),
    "c": ("#1a7f37", "#56d364"),
    "d": ("#7a3fc0", "#c297ff"),
    "e": ("#57606a", "#9198a1"),
}
_FILLS = {
    "page": ("#ffffff", "#0d1117"),
    "ink": ("#1f2328", "#e6edf3"),
    "faint": ("#59636e", "#9198a1"),
    "band": ("#d8dee4", "#30363d"),
}
"""Colours on a light and on a dark page."""
_RADII = {"a": 4.5, "b": 6, "c": 7.5, "d": 6, "e": 5}
_FONTS = "text{font:13px system-ui,'Segoe UI','Noto Sans',sans-serif}text.title{font-size:17px;font-weight:600}"


def _style() -> str:
    """Write the colours: by light, and by dark where the reader has that."""
    light, dark = (
        "".join(
            [f".{name}{{fill:{pair[scheme]}}}" for name, pair in _FILLS.items()]
            + [f".s-{name}{{stroke:{pair[scheme]}}}.f-{name}{{fill:{pair[scheme]}}}" for name, pair in _LINES.items()]
            + [f".grid{{stroke:{_FILLS['band'][scheme]}}}"]
        )
        for scheme in (0, 1)
    )
    shapes = ".s{fill:none;stroke-width:2.2}"
    return f"<style>{_FONTS}{shapes}{light}@media(prefers-color-scheme:dark){{{dark}}}</style>"


@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of a chart.

    Attributes:
        label: what it measures, and in which unit.
        ticks: where to draw a line across, and what to write there; the first and the last are the chart's ends.
        log: whether equal steps are equal ratios.
        inside: room between an end and the first or last tick, in pixels.
    """

    label: str
    ticks: Ticks
    log: bool = False
    inside: int = 0

    def place(self, value: float, start: float, end: float) -> float:
        """Return a value's place between two pixels; a value beyond the ends is at the end."""
        low, high = self.ticks[0][0], self.ticks[-1][0]
        value = min(max(value, low), high)
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        inside = math.copysign(self.inside, end - start)
        return start + inside + (value - low) / (high - low) * (end - start - 2 * inside)


class Chart:
    """A chart that is drawn on, and then written."""

    def __init__(self, title: str, note: str, x: Axis, y: Axis, *, height: int = 400, left: int = _LEFT) -> None:
        """Draw what stands around the data.

        Args:
            title: in one line.
            note: below it.
            x: to the right.
            y: upwards; without a label its ticks are names.
            height: of the whole, in pixels.
            left: room for what is written at y's ticks.
        """
        self._x, self._y, self._left, self._height = x, y, left, height
        self._parts: list[str] = []
        self._behind: list[str] = [f'<rect class="page" width="{_WIDTH}" height="{height}" rx="8"/>']
        self._text(20, 30, title, "ink title")
        self._text(20, 52, note, "faint")
        self._text(left, _TOP - 9, y.label, "faint")
        self._text((left + _WIDTH - _RIGHT) / 2, height - 12, x.label, "faint", "middle")
        for value, text in x.ticks:
            self._rule(self._px(value), _TOP, self._px(value), height - _BOTTOM)
            self._text(self._px(value), height - _BOTTOM + 19, text, "faint", "middle")
        for value, text in y.ticks:
            self._rule(left, self._py(value), _WIDTH - _RIGHT, self._py(value))
            self._text(left - 8, self._py(value) + 4, text, "faint" if y.label else "ink", "end")

    def band(self, start: float, end: float, text: str) -> None:
        """Mark a stretch of the x axis, behind everything."""
        left, right = self._px(start), self._px(end)
        size = f'x="{left}" y="{_TOP}" width="{right - left:.1f}" height="{self._height - _TOP - _BOTTOM}"'
        self._behind.append(f'<rect class="band" opacity="0.55" {size}/>')
        self._text((left + right) / 2, _TOP + 16, text, "faint", "middle")

    def line(self, points: Sequence[Point], colour: str) -> None:
        """Draw a line."""
        path = " ".join(f"{self._px(x)},{self._py(y)}" for x, y in points)
        self._parts.append(f'<polyline class="s s-{colour}" stroke-dasharray="{_DASHES[colour]}" points="{path}"/>')

    def dot(self, point: Point, colour: str) -> None:
        """Draw a dot."""
        self._circle(self._px(point[0]), self._py(point[1]), colour)

    def legend(self, names: Sequence[tuple[str, str]], *, dots: bool = False) -> None:
        """Name what is drawn: each name with its colour, in a row above the chart."""
        x, y = 20.0, 72
        for name, colour in names:
            if dots:
                self._circle(x + 8, y, colour)
            else:
                ends = f'x1="{x:.0f}" y1="{y}" x2="{x + 26:.0f}" y2="{y}"'
                self._parts.append(f'<line class="s s-{colour}" stroke-dasharray="{_DASHES[colour]}" {ends}/>')
            x += 20 if dots else 33
            self._text(round(x), y + 4, name, "ink")
            x += len(name) * _LETTER + 18

    def write(self) -> str:
        """Return the document."""
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {self._height}" role="img">'
        return "\n".join([head, _style(), *self._behind, *self._parts, "</svg>", ""])

    def _px(self, value: float) -> float:
        return round(self._x.place(value, self._left, _WIDTH - _RIGHT), 1)

    def _py(self, value: float) -> float:
        return round(self._y.place(value, self._height - _BOTTOM, _TOP), 1)

    def _rule(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self._behind.append(f'<line class="grid" x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}"/>')

    def _circle(self, x: float, y: float, colour: str) -> None:
        self._parts.append(f'<circle class="f-{colour}" cx="{x:.1f}" cy="{y:.1f}" r="{_RADII[colour]}"/>')

    def _text(self, x: float, y: float, text: str, css: str, anchor: str = "start") -> None:
        if text:
            self._parts.append(f'<text class="{css}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>')


def dots(  # noqa: PLR0913 - what stands around the dots, and how much room it takes
    title: str, note: str, x: Axis, rows: Mapping[str, Sequence[tuple[float, str]]],
    legend: Sequence[tuple[str, str]] = (), *, left: int, row: int,
) -> str:  # fmt: skip
    """Draw a row for each name, from above: a dot for each of its values, in a colour.

    Args:
        title: see Chart.
        note: likewise.
        x: what the values are.
        rows: each with its values and their colours; what is drawn last lies on top.
        legend: names of colours.
        left: room for the names, in pixels.
        row: height of one.
    """
    y = Axis("", list(enumerate(list(rows)[::-1])), inside=24)
    chart = Chart(title, note, x, y, height=170 + row * len(rows), left=left)
    for at, name in y.ticks:
        for value, colour in rows[name]:
            chart.dot((value, at), colour)
    if legend:
        chart.legend(legend, dots=True)
    return chart.write()
