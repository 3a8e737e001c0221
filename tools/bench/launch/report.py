"""The tables and the plot of docs/admission.md."""

import math
from collections.abc import Mapping

from page import table
from svg import Axis, Chart

from launch import scaling
from launch.crowd import BOUND_S, STORM, Scenario, Seen
from launch.replay import peak, total

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


def visit(launch: scaling.Launch) -> str:
    """Write what is replayed: what an applicant fetches, and what is left as refreshes."""
    one, minutes = launch.visit, launch.ours
    kept = one.kept * total(minutes, "arrived")
    sizes = (one.bytes_whole, one.bytes_page, one.bytes_status, one.bytes_unchanged)
    busiest = peak(minutes, "arrived"), peak(minutes, "entered")
    rows = [
        ["requests of an applicant: that a cache answers, that a function answers", f"{one.kept}, {one.asked}"],
        ["bytes of all these, of the first page, of a status page, of one that is unchanged",
         ", ".join(f"{size:,}" for size in sizes)],
        ["of 160 M hits, what applicants need", f"{(kept + one.asked * total(minutes, 'arrived')) / 1e6:.1f} M"],
        ["the others, refreshes", f"{total(minutes, 'refreshes') / 1e6:.1f} M"],
        ["applications a second in the busiest minute, and let in", f"{busiest[0]:.0f}, {busiest[1]:.0f}"],
        ["refreshes a second in the busiest minutes", f"{peak(minutes, 'refreshes'):,.0f}"],
    ]  # fmt: skip
    return table(["April 2021, replayed", ""], rows)


def parts(launch: scaling.Launch) -> str:
    """Write what each part must bear, beside its quota."""
    rows = []
    for design, each in (("ours", scaling.ours(launch)), ("the seed's", scaling.seed(launch))):
        for part in sorted(each, key=lambda part: -part.share):
            quota = f"{part.quota:,.0f}" if math.isfinite(part.quota) else "nearly unlimited"
            needs = [f"{part.pages:,.0f}", f"{part.status:,.0f} {part.unit}"]
            rows.append([design, part.name, *needs, quota, f"{part.share:.0%}", part.source])
    head = ["design", "part", "if pages are refreshed", "if status pages are", "default quota", "share", "source"]
    return table(head, rows)


def costs(launch: scaling.Launch) -> str:
    """Write what the 46 hours cost."""
    each = [
        of(launch, is_status=is_status)
        for of in (scaling.cost_of_ours, scaling.cost_of_seed)
        for is_status in (False, True)
    ]
    names = list(dict.fromkeys(name for costs in each for name in costs))
    rows = [[name, *(f"{costs[name]:,.2f}" if name in costs else "" for costs in each)] for name in names]
    rows.append(["together", *(f"{sum(costs.values()):,.0f}" for costs in each)])
    whats = ["pages refreshed", "status pages refreshed"]
    return table(["USD", *(f"ours, {what}" for what in whats), *(f"the seed's, {what}" for what in whats)], rows)


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
