"""The plots of docs/scale.md."""

from collections.abc import Callable, Mapping, Sequence

from svg import Axis, Chart, dots

from scale import april_2021
from scale.assumptions import DAY, DEVICES, DOWN_HOURS, HOUR, MAIN_SHARE, MINUTE
from scale.peers import CHECKS_A_DAY, Outcome

COLOURS = "abcd"
_HOURS = {
    0: "13 Apr 11:00",
    6: "17:00",
    12: "23:00",
    18: "14 Apr 05:00",
    24: "11:00",
    30: "17:00",
    36: "23:00",
    42: "15 Apr 05:00",
    46: "",
}
_WAITS = {
    MINUTE: "1 min",
    5 * MINUTE: "5 min",
    15 * MINUTE: "15 min",
    HOUR: "1 h",
    3 * HOUR: "3 h",
    8 * HOUR: "8 h",
    DAY: "24 h",
    2 * DAY: "48 h",
}


def load(cdn_a_minute: float) -> str:
    """Draw what a back end would have to bear, over the 46 hours of April 2021.

    Args:
        cdn_a_minute: our devices' requests.
    """
    x = Axis("in Dhaka", list(_HOURS.items()))
    y = Axis("thousand a minute", [(v, str(v)) for v in range(0, 201, 50)])
    note = f"Hits as the police reported them; checks as assumed, {CHECKS_A_DAY / 1e6:.0f} M a day"
    chart = Chart("What one front door would have to answer", note, x, y)
    chart.band(*DOWN_HOURS, "reported down")
    minutes = range(0, april_2021.MINUTES, 5)
    chart.line([(m / 60, april_2021.checks(m) / 1000) for m in minutes], "a")
    chart.line([(m / 60, april_2021.hits(m) / 1000) for m in minutes], "b")
    chart.line([(hour, cdn_a_minute / 1000) for hour in (0, 46)], "c")
    names = ("checks, if each asks the back end", "hits on the site", "our devices' requests, to a CDN")
    chart.legend(list(zip(names, COLOURS, strict=False)))
    return chart.write()


def downloads(outcomes: Mapping[float, Sequence[Outcome]]) -> str:
    """Draw what a device downloads."""
    ticks = [(v, f"{v:,}") for v in (0.3, 1, 3, 10, 30, 100, 300, 1000)]
    x, rows = Axis("MB", ticks, log=True), _by_share(outcomes, lambda way: way.cost.link_bytes / 1e6)
    return _dots("What a device downloads in a day", "With heads and TLS handshakes", x, rows)


def costs(outcomes: Mapping[float, Sequence[Outcome]]) -> str:
    """Draw what that costs."""
    ticks = [(v, f"{v:,}") for v in (10, 30, 100, 300, 1000, 3000, 10000)]
    title = f"What that costs in a day, for {DEVICES:,} devices"
    x = Axis("USD", ticks, log=True)
    return _dots(title, "At public prices", x, _by_share(outcomes, lambda way: way.usd))


def refusal(ways: Mapping[str, Outcome]) -> str:
    """Draw which share of devices refuses a revoked pass, so long after its revocation."""
    x = Axis("after the revocation", list(_WAITS.items()), log=True)
    y = Axis("% of devices refuse the pass", [(v, str(v)) for v in range(0, 101, 20)])
    note = f"{MAIN_SHARE:.0%} of passes revoked; a back end answers at once, or not at all"
    chart = Chart("From revocation to refusal", note, x, y)
    for colour, way in zip(COLOURS, ways.values(), strict=False):
        if way.reach is None:
            chart.line([(at, 100 * (1 - way.unanswered)) for at in (MINUTE, 2 * DAY)], colour)
        else:
            chart.line([(way.reach.quantile(q / 200), q / 2) for q in range(201)], colour)
    chart.legend(list(zip(ways, COLOURS, strict=False)))
    return chart.write()


def _by_share(
    outcomes: Mapping[float, Sequence[Outcome]], value: Callable[[Outcome], float]
) -> dict[str, dict[float, float]]:
    """Arrange what outcomes have, by name and share."""
    rows: dict[str, dict[float, float]] = {}
    for share, ways in outcomes.items():
        for way in ways:
            rows.setdefault(way.name, {})[share] = value(way)
    return rows


def _dots(title: str, note: str, x: Axis, rows: Mapping[str, Mapping[float, float]]) -> str:
    """Draw a row for each way, a dot for each share of revoked passes; one dot where the share does not matter."""
    coloured = {name: _coloured(list(values.values())) for name, values in rows.items()}
    shares = [f"{share:.1%} revoked" for share in next(iter(rows.values()))]
    legend = [*zip(shares, COLOURS, strict=False), ("any share", COLOURS[-1])]
    return dots(title, note, x, coloured, legend, left=250, row=40)


def _coloured(values: Sequence[float]) -> list[tuple[float, str]]:
    return [(values[0], COLOURS[-1])] if len(set(values)) == 1 else list(zip(values, COLOURS, strict=False))
