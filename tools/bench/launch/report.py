"""The tables and the plot of docs/admission.md."""

import math
from collections.abc import Mapping

from page import table
from svg import Axis, Chart

from launch import scaling
from launch.crowd import BOUND_S, STORM, Scenario, Seen

_MINUTES = 120
_STEP_S = 60


def waits(seen: Mapping[Scenario, Seen]) -> str:
    """Write how long people waited in each scenario."""
    rows = []
    for scenario, one in seen.items():
        urgent, ordinary = one.wait(is_urgent=True), one.wait(is_urgent=False)
        rows.append(
            [
                scenario.name,
                *(_span(value) for value in (urgent[0], urgent[1], urgent[2])),
                f"{one.broken / max(1, len(one.waits[True])):.1%}",
                *(_span(value) for value in (ordinary[0], ordinary[1])),
                f"{one.kept / max(1, one.told):.1%}",
            ]
        )
    head = ["", "urgent: median", "99 of 100", "longest", f"over {BOUND_S // 60} min", "others: median", "99 of 100"]
    return table([*head, "entered by the time they were told"], rows)


def handlers(ms: Mapping[str, float]) -> str:
    """Write the processor time of each handler."""
    return table(["what", "ms of processor time"], [[name, f"{value:.2f}"] for name, value in ms.items()])


def parts(ms: Mapping[str, float]) -> str:
    """Write what each part must bear, beside its quota."""
    rows = []
    for design, each in (("ours", scaling.ours(ms)), ("the seed's", scaling.seed(ms))):
        for part in sorted(each, key=lambda part: -part.share):
            need = f"{part.need:,.0f} {part.unit}"
            quota = f"{part.quota:,.0f}" if math.isfinite(part.quota) else "nearly unlimited"
            rows.append([design, part.name, need, quota, f"{part.share:.0%}", part.source])
    return table(["design", "part", "at the peak", "default quota", "share", "source"], rows)


def costs(ms: Mapping[str, float]) -> str:
    """Write what the 46 hours cost."""
    mine, theirs = scaling.cost_of_ours(ms), scaling.cost_of_seed(ms)
    names = list(dict.fromkeys([*mine, *theirs]))
    rows = [[name, *(f"{costs[name]:,.2f}" if name in costs else "" for costs in (mine, theirs))] for name in names]
    rows.append(["together", f"{sum(mine.values()):,.0f}", f"{sum(theirs.values()):,.0f}"])
    return table(["USD", "ours", "the seed's"], rows)


def plot(seen: Mapping[Scenario, Seen]) -> str:
    """Draw the longest waits of people who came in each minute."""
    alone, _, _, proving, sending, beyond = seen.values()
    x = Axis("minutes after the launch", [(n, str(n)) for n in range(0, _MINUTES + 1, 20)])
    y = Axis("minutes, the longest wait of those who came in a minute", [(n, str(n)) for n in range(0, 41, 10)])
    chart = Chart("Waits in line, April 2021 played at the real gate", "At the top: 40 minutes and more", x, y)
    chart.band(STORM[0] / 60, STORM[1] / 60, "programs")
    lines = (
        ("others, people alone", alone, False, "a"),
        ("urgent, people alone", alone, True, "c"),
        ("urgent, programs that prove", proving, True, "d"),
        ("urgent, 50,000 programs that send three", sending, True, "b"),
        ("urgent, 100,000 that send six", beyond, True, "e"),
    )
    for _, one, is_urgent, colour in lines:
        chart.line(_longest(one, is_urgent=is_urgent), colour)
    chart.legend([(name, colour) for name, _, _, colour in lines])
    return chart.write()


def _longest(seen: Seen, *, is_urgent: bool) -> list[tuple[float, float]]:
    longest: dict[int, float] = {}
    for came, wait in seen.waits[is_urgent]:
        minute = int(came // _STEP_S)
        longest[minute] = max(longest.get(minute, 0.0), wait / 60)
    return sorted((float(minute), wait) for minute, wait in longest.items())


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
