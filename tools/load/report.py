"""What was measured, as tables, each figure beside its bar."""

from load.run import VIEWS_RATE, AtRate, Most, Results, Times

P99_MS_MAX = 300.0
READY_S_MAX = 10.0
RATIO_MIN = 0.5
FIRST_PAGE_MAX = 30_000
"""Bytes of the first page with all that it names, as they come over the line."""


def show(results: Results, machine_load: float) -> tuple[list[str], list[str]]:
    """Write the tables; returns their lines, and what missed its bar."""
    at_rate = results.at_rate
    lines = [
        f"machine load before: {machine_load:.1f}",
        "",
        f"{results.rate:.0f} applications a second for {at_rate.seconds / 60:g} min, two POSTs each, one machine",
        *_rows(at_rate),
    ]
    if results.with_views and results.with_views.views:
        seen, seconds = results.with_views.views, results.with_views.seconds
        lines += [
            "",
            f"the same for {seconds:.0f} s, and {VIEWS_RATE:.0f} page views a second by nginx's cache",
            *_rows(results.with_views),
            f"  {_times('page view, nginx', seen)}",
        ]
    if results.whole and results.floor:
        lines += ["", "as many as it takes (whole: until the last pass; floor: no rules, no issuing)"]
        lines += [_most("whole", results.whole), _most("floor", results.floor), f"  ratio {results.ratio:.2f}"]
    missed = _missed(results)
    lines += ["", *(f"SHORT: {one}" for one in missed)] if missed else ["", "every bar is met"]
    return lines, missed


def accept_p99_ms(part: AtRate) -> float:
    """Return the 99th percentile of the slower of the form's two POSTs."""
    return max(part.check.p99, part.send.p99)


def _missed(results: Results) -> list[str]:
    missed = []
    for name, part in (("", results.at_rate), (" beside page views", results.with_views)):
        if part is None:
            continue
        p99 = accept_p99_ms(part)
        missed += [f"accept p99{name} {p99:.0f} ms, at most {P99_MS_MAX:.0f}"] * (p99 >= P99_MS_MAX)
        missed += [f"pass ready p99{name} {part.ready_s:.1f} s, at most {READY_S_MAX:.0f}"] * (
            part.ready_s >= READY_S_MAX
        )
        missed += [f"lost{name}: {part.audit.lost}"] * bool(part.audit.lost)
        missed += [f"twice{name}: {part.audit.twice}"] * bool(part.audit.twice)
        missed += [f"page views that failed: {part.views_failed:,}"] * bool(part.views_failed)
        missed += [f"wrong answers{name}: {', '.join(part.wrong)}"] * bool(part.wrong)
    if results.at_rate.first_page_bytes > FIRST_PAGE_MAX:
        missed.append(f"first page {results.at_rate.first_page_bytes:,} bytes, at most {FIRST_PAGE_MAX:,}")
    if results.ratio is not None and results.ratio < RATIO_MIN:
        missed.append(f"ratio to the floor {results.ratio:.2f}, at least {RATIO_MIN}")
    return missed


def _rows(part: AtRate) -> list[str]:
    kept = part.audit
    states = ", ".join(f"{count:,} {state}" for state, count in kept.states.items())
    came = (
        f"came {part.came:,}   receipts {kept.received:,}   lost {kept.lost}   twice {kept.twice}   "
        f"put off {part.put_off}   broken {part.broken}   wrong {len(part.wrong)}"
    )
    processor = (
        f"processor: service {part.service_cores:.2f} cores, {part.service_ms:.2f} ms an application, its memory "
        f"{part.service_mb:.0f} MB; generator {part.generator_cores:.2f} cores"
    )
    lines = [
        came,
        f"kept {states}   passes {kept.passes:,}",
        _times("check (1st POST)", part.check),
        _times("accept (2nd POST)", part.send),
        _times("receipt and status", part.look),
        f"pass ready, as the page shows it: p99 {part.ready_s:.1f} s   nothing waits {part.drained_s:.1f} s after",
        f"first page, with all that it names: {part.first_page_bytes:,} bytes",
        processor,
        *[f"wrong: {one}" for one in kept.named],
    ]
    return [f"  {line}" for line in lines]


def _times(name: str, times: Times) -> str:
    return (
        f"  {name:<20} {times.count:>8,}   p50 {times.p50:>7.1f}   p99 {times.p99:>7.1f}   most {times.most:>7.1f} ms"
    )


def _most(name: str, most: Most) -> str:
    return (
        f"  {name:<6} {most.per_s:>6.0f} applications a second ({most.accepted:,} in {most.seconds:.1f} s), "
        f"accept p99 {most.send.p99:.0f} ms, {most.service_ms:.2f} ms of processor time each"
    )
