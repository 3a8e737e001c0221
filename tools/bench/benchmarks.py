"""Everything that is claimed of sizes and speeds, measured in one run, each figure beside its floor and its peers.

Run it with `make bench`; it takes some minutes. It writes bench/results.json and the tables of DOCS/benchmarks.md and
DOCS/aws.md (build/bench where DOCS is not given), and says which bars were missed; the exit code tells only whether the
run is whole. Each module that measures says how: qr_sizes, rates, lists, sync_bytes, post, aws_load, aws_application,
and for the service the package tools/load.
"""

import asyncio
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aws_application
import aws_load
import lists
import post
import qr_sizes
import rates
import report_speed
import sync_bytes
from cryptography.hazmat.backends.openssl import backend
from load import report as load_report
from load import run as load_run
from page import table, update
from support.ministack import COMMAND as MINISTACK
from support.processes import ROOT
from svg import Axis, dots

RESULTS = ROOT / "bench" / "results.json"
PAGE, AWS_PAGE = "benchmarks.md", "aws.md"
_LIBRARIES = ("cryptography", "cwt", "PyJWT", "joserfc", "cbor2", "pyroaring", "zxing-cpp", "tuf")
_AT_MOST, _AT_LEAST = "at most", "at least"
_NAMES_PX, _ROW_PX = 150, 34
"""Of the plots."""


@dataclass(frozen=True, slots=True)
class Effort:
    """The amount to measure; a test measures less.

    Attributes:
        rounds: of what is timed in turn.
        issued: batches of a group of passes each.
        group: passes of a batch.
        seconds: for which processes verify.
        small: passes of a day's list, and how many of them are revoked before; the results' syncs are of this one.
        large: the same of a large list.
        aws: batches of each size on AWS; 0 leaves AWS out.
        service: applications a second, and for how many minutes they come.
        reports: applications of the month that the reports are about.
    """

    rounds: int = 1000
    issued: int = 20
    group: int = 500
    seconds: float = 1.0
    small: tuple[int, int] = sync_bytes.SMALL
    large: tuple[int, int] = sync_bytes.LARGE
    aws: int = aws_load.ROUNDS
    service: tuple[float, float] = (load_run.RATE, 1.0)
    reports: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Result:
    """One figure of results.json.

    Attributes:
        name: one ending in _vs_X is a ratio to X in this run.
        value: None where it could not be measured here.
        beside: what it stands beside, in the same unit.
        bar: what it is held to: _AT_MOST or _AT_LEAST, and how much.
        behind: peers that are ahead though none should be.
    """

    name: str
    value: float | None
    unit: str
    bar: tuple[str, float]
    beside: Mapping[str, float] = field(default_factory=dict)
    behind: Sequence[str] = ()

    @property
    def missed(self) -> str:
        """By how much it misses its bar, in words; empty if it does not."""
        if self.value is None:
            return ""
        way, bar = self.bar
        over = self.value > bar if way == _AT_MOST else self.value < bar
        said = [f"{way} {bar:,.4g}"] if over else []
        return "; ".join([*said, *[f"behind {peer}" for peer in self.behind]])

    def to_json(self) -> dict[str, Any]:
        """Write as in results.json."""
        return {"name": self.name, "value": self.value, "unit": self.unit, "beside": dict(self.beside)}


@dataclass(frozen=True, slots=True)
class Chapter:
    """The measurements of one room: figures, tables of the page by their names, and plots by their files' names."""

    results: Sequence[Result]
    tables: Mapping[str, str]
    plots: Mapping[str, str] = field(default_factory=dict)


# The rooms


def passes() -> Chapter:
    """Measure what a pass takes on the wire and as a code."""
    sizes = qr_sizes.sizes()
    ours, *peers = [size for size in sizes if size.subject == qr_sizes.STANDARD]
    rows = [
        (s.subject, s.scheme, str(s.payload_bytes), str(s.characters), str(s.version_m), str(s.version_q))
        for s in sizes
    ]
    results = (
        Result(
            "payload_bytes",
            ours.payload_bytes,
            "B",
            (_AT_MOST, qr_sizes.BYTES_MAX),
            {peer.scheme: peer.payload_bytes for peer in peers},
        ),
        Result(
            "qr_version_m",
            ours.version_m,
            "",
            (_AT_MOST, qr_sizes.VERSION_M_MAX),
            {peer.scheme: peer.version_m for peer in peers},
        ),
    )
    head = ("content", "scheme", "bytes", "characters", "QR at M", "QR at Q")
    return Chapter(results, {"sizes": table(head, rows)})


def verifying(subject: rates.Subject, effort: Effort) -> Chapter:
    """Measure how fast passes are verified, by one process and by two."""
    seconds = rates.in_turn(subject.verifiers(), effort.rounds)
    shares = rates.shares(seconds)
    ours = shares[rates.MOVEPASS]
    beside = {name: share for name, share in shares.items() if name != rates.MOVEPASS}
    ahead = [name for name, share in beside.items() if name != rates.OPENSSL and share >= ours]
    two = rates.two_processes(max(1, effort.issued // 4), effort.seconds)
    results = (
        Result("verify_vs_openssl", ours, "", (_AT_LEAST, rates.VERIFY_MIN), beside, ahead),
        Result(
            "verify_two_processes",
            two[rates.MOVEPASS],
            "",
            (_AT_LEAST, rates.TWO_PROCESSES_MIN),
            {rates.OPENSSL: two[rates.OPENSSL]},
        ),
    )
    compared = [
        (name, f"{seconds[name] * 1e6:.1f} us", f"{1 / seconds[name]:,.0f}", f"{share:.2f}")
        for name, share in sorted(shares.items(), key=lambda item: -item[1])
    ]
    parts = [(name, f"{took:.1f} us") for name, took in rates.parts(subject, effort.rounds).items()]
    tables = {
        "verifying": table(("who", "one pass", "a second, one core", "of the bare rate"), compared),
        "parts": table(("part of verifying", "takes"), parts),
    }
    plot = dots(
        "How fast a pass is verified",
        "Bare OpenSSL checks the signature only; the others do less than movepass",
        Axis("of the bare rate", [(v / 10, f"{v / 10:.1f}") for v in range(0, 11, 2)]),
        {name: [(share, "a")] for name, share in sorted(shares.items(), key=lambda item: -item[1])},
        left=_NAMES_PX, row=_ROW_PX,
    )  # fmt: skip
    return Chapter(results, tables, {"benchmarks-verifying.svg": plot})


def issuing(subject: rates.Subject, effort: Effort, folder: Path) -> Chapter:
    """Measure how fast passes are issued into SQLite, durably."""
    took = rates.issuing(subject, folder, effort.issued, effort.group)
    result = Result(
        "issue_batch_vs_sign_verify", took.bare / took.batch, "", (_AT_LEAST, rates.ISSUE_MIN), {"bare OpenSSL": 1.0}
    )
    rows = [
        ("one signature and its check, bare OpenSSL", f"{took.bare * 1e6:.0f} us"),
        (f"a pass of a batch of {effort.group}, durable", f"{took.batch * 1e6:.0f} us"),
        ("reading its request from JSON's objects, before", f"{took.request * 1e6:.0f} us"),
        ("one pass alone, durable: two commits (median)", f"{took.single * 1e3:.2f} ms"),
        ("its floor: 4 KiB written and synced to the same disk (median)", f"{took.fsync * 1e3:.2f} ms"),
    ]
    return Chapter((result,), {"issuing": table(("what", "takes"), rows)})


def revocation(effort: Effort, folder: Path) -> Chapter:
    """Measure lists: their size, and what a device pays to read and to ask them."""
    table_ = [size for passes_, _ in (effort.small, effort.large) for size in lists.sizes(passes_)]
    ratios = {size.form: size.ratio for size in table_ if size.passes == effort.small[0]}
    timed = {timing.what.strip(): timing for timing in lists.timings(folder)}
    lookup, decode = timed["lookup in memory"], timed["decoding 1 M of 100 M"]
    through = {what: timing.value for what, timing in timed.items() if timing.unit == "us" and timing is not lookup}
    results = (
        Result(
            "list_bootstrap_vs_entropy",
            ratios.pop(lists.OURS),
            "",
            (_AT_MOST, lists.ENTROPY_RATIO_MAX),
            {"entropy": 1.0, **ratios},
        ),
        Result("lookup_us", lookup.value, "us", (_AT_MOST, lookup.most), through),
        Result("decode_1m_s", decode.value, "s", (_AT_MOST, decode.most)),
    )
    rows = [(f"{s.passes:,}", s.form, f"{s.size:,}", f"{s.ratio:.3f}") for s in table_]
    paid = [(timing.what.strip(), f"{timing.value:,.2f} {timing.unit}") for timing in timed.values()]
    tables = {
        "lists": table(("passes, 1 % revoked", "format", "bytes", "times the entropy"), rows),
        "device": table(("what a device pays", ""), paid),
    }
    colours = {passes_: colour for (passes_, _), colour in zip((effort.small, effort.large), "ab", strict=True)}
    by_form: dict[str, list[tuple[float, str]]] = {}
    for size in table_:
        by_form.setdefault(size.form, []).insert(0, (size.ratio, colours[size.passes]))  # the smaller dots lie on top
    plot = dots(
        "How large a whole list is",
        "1 % of the passes revoked at random; a Token Status List is a zipped bitmap",
        Axis("times the entropy", [(v, f"{v:.1f}") for v in (0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2)]),
        by_form,
        [(f"{passes_:,} passes", colour) for passes_, colour in colours.items()],
        left=_NAMES_PX, row=_ROW_PX,
    )  # fmt: skip
    return Chapter(results, tables, {"benchmarks-lists.svg": plot})


def syncs(effort: Effort) -> Chapter:
    """Measure what a sync costs on the wire."""
    costs = [cost for size in (effort.small, effort.large) for cost in sync_bytes.measure(*size)]
    unchanged, ten, thousand = costs[: len(sync_bytes.NEWLY)]
    most = sync_bytes.UNCHANGED_BYTES_MAX
    results = (
        Result("sync_unchanged_requests", unchanged.requests, "", (_AT_MOST, sync_bytes.REQUESTS_MAX)),
        Result("sync_unchanged_bytes", unchanged.sent, "B", (_AT_MOST, most), {"Token Status List": unchanged.peer}),
        *[
            Result(
                f"sync_delta{cost.newly}_bytes",
                cost.sent,
                "B",
                (_AT_MOST, cost.entropy + sync_bytes.OVERHEAD_MAX),
                {"entropy": cost.entropy, "Token Status List": cost.peer},
            )
            for cost in (ten, thousand)
        ],
    )
    rows = [
        (f"{c.revoked:,} of {c.passes:,}", f"{c.newly:,}", str(c.requests), f"{c.sent:,}", f"{c.entropy:,.0f}",
         f"{c.peer:,}") for c in costs
    ]  # fmt: skip
    head = ("revoked before", "newly", "requests", "bytes", "entropy of what is new", "Token Status List")
    return Chapter(results, {"syncs": table(head, rows)})


def waiting(folder: Path) -> Chapter:
    """Measure what an officer waits for; of the pictures the slowest counts."""
    figures = list(post.measure(folder))
    by_ratio = sorted((figure for figure in figures if "_vs_" in figure.name), key=lambda figure: figure.value)
    worst = {figure.name: figure for figure in by_ratio}
    results = [
        Result(name, worst[name].value, "", (_AT_MOST, worst[name].most), {name.partition("_vs_")[2]: 1.0})
        for name in ("cold_verify_vs_floor", "image_verify_vs_decoder")
    ]
    rows = [(f.name, _shown(f.value, f.unit), _shown(f.most, f.unit), f.beside) for f in figures]
    return Chapter(results, {"waiting": table(("what", "ours", "at most", "beside"), rows)})


def on_aws(effort: Effort) -> Chapter:
    """Count what a pass asks of AWS, which ministack plays, where that is installed."""
    costs = aws_load.costs(effort.aws) if effort.aws and MINISTACK.exists() else []
    standard = next((cost for cost in costs if cost.size == aws_load.STANDARD_BATCH), None)
    results = (
        Result("aws_calls_per_pass", standard.calls if standard else None, "", (_AT_MOST, aws_load.CALLS_MAX)),
        Result(
            "aws_write_units_per_pass",
            standard.write_units if standard else None,
            "",
            (_AT_MOST, aws_load.WRITE_UNITS_MAX),
        ),
    )
    rows = [
        (
            str(cost.size),
            f"{cost.calls:.3g}",
            ", ".join(f"{name} {count / cost.passes:.3g}" for name, count in cost.counted.items()),
            f"{cost.write_units:.3g}",
        )
        for cost in costs
    ] or [("ministack is not installed", "", "", "")]
    head = ("passes a batch", "calls to AWS a pass", "which", "write units a pass")
    return Chapter(results, {"aws": table(head, rows)})


def applying_on_aws(effort: Effort) -> Chapter:
    """Count what an application asks of AWS from its POST to its pass, in batches of 10, beside the least it can."""
    is_there = effort.aws and MINISTACK.exists()
    shares = aws_application.shares(rounds=effort.aws) if is_there else []
    floor = aws_application.floor(effort.aws) if is_there else None
    whole = aws_application.together(shares) if shares else None
    results = (
        Result(
            "aws_calls_per_application", whole.calls_each if whole else None, "",
            (_AT_MOST, aws_application.CALLS_MAX), {"floor": floor.calls_each} if floor else {},
        ),
        Result(
            "aws_write_units_per_application", whole.write_units_each if whole else None, "",
            (_AT_MOST, aws_application.WRITE_UNITS_MAX), {"floor": floor.write_units_each} if floor else {},
        ),
    )  # fmt: skip
    return Chapter(results, aws_application.tables(shares, floor))


def serving(effort: Effort, folder: Path) -> Chapter:
    """Measure the issuing service: people on schedule, the most that it takes beside its floor, and its first page."""
    rate, minutes = effort.service
    measured = asyncio.run(load_run.measure(folder, minutes=minutes, rate=rate, with_floor=True, with_pages=False))
    whole, floor, at_rate = measured.whole, measured.floor, measured.at_rate
    lines, _ = load_report.show(measured, os.getloadavg()[0])
    most = whole.per_s if whole else None
    beside = {"floor": floor.per_s} if floor else {}
    results = (
        Result("service_accepted_per_s", most, "", (_AT_LEAST, load_run.RATE), beside),
        Result("service_vs_floor", measured.ratio, "", (_AT_LEAST, load_report.RATIO_MIN), {"floor": 1.0}),
        Result("service_p99_ms_at_250", load_report.accept_p99_ms(at_rate), "ms", (_AT_MOST, load_report.P99_MS_MAX)),
        Result("service_lost", at_rate.audit.lost + at_rate.audit.twice, "", (_AT_MOST, 0)),
        Result("service_pass_ready_p99_s", at_rate.ready_s, "s", (_AT_MOST, load_report.READY_S_MAX)),
        Result("service_first_page_bytes", at_rate.first_page_bytes, "B", (_AT_MOST, load_report.FIRST_PAGE_MAX)),
    )
    return Chapter(results, {"service": "\n".join(["```", *lines, "```"])})


def reporting(effort: Effort, folder: Path) -> Chapter:
    """Measure how long managers' reports take, beside SQLite on the same facts."""
    speed = report_speed.measure(folder, effort.reports)
    result = Result(
        "report_ms_1m", max(speed.ours.values()), "ms", (_AT_MOST, report_speed.REPORT_MS_MAX),
        {"SQLite": max(speed.sqlite.values()), "the same reports here": max(speed.ours[name] for name in speed.sqlite)},
    )  # fmt: skip
    rows = [
        (
            name,
            f"{took:.0f} ms",
            f"{speed.processor[name]:.0f} ms",
            f"{speed.sqlite[name]:,.0f} ms" if name in speed.sqlite else "lacks the SQL",
        )
        for name, took in speed.ours.items()
    ]
    more = [
        ("the largest memory of the process", f"{speed.memory_mb:.0f} MB", "", ""),
        ("the largest day's file", f"{speed.bytes_a_day / 1e6:.2f} MB", "", ""),
        ("events of the month", f"{speed.rows:,}", "", ""),
    ]
    return Chapter((result,), {"reports": table(("report", "DuckDB", "its processor time", "SQLite"), [*rows, *more])})


def measure(effort: Effort) -> Iterable[Chapter]:
    """Measure everything, one thing after the other."""
    subject = rates.Subject.make()
    scratch = ROOT / "build"  # on the disk that the repository is on: /tmp may be memory, which syncs in no time
    scratch.mkdir(exist_ok=True)
    yield passes()
    yield verifying(subject, effort)
    with TemporaryDirectory(dir=scratch) as folder:
        yield issuing(subject, effort, Path(folder))
    with TemporaryDirectory() as folder:
        yield revocation(effort, Path(folder))
    yield syncs(effort)
    with TemporaryDirectory() as folder:
        yield waiting(Path(folder))
    yield on_aws(effort)
    yield applying_on_aws(effort)
    with TemporaryDirectory(dir=scratch) as folder:
        yield serving(effort, Path(folder))
    with TemporaryDirectory(dir=scratch) as folder:
        yield reporting(effort, Path(folder))


# What is written


def machine() -> dict[str, Any]:
    """Describe the machine and the versions."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.partition(":")[2].strip() for line in lines if "model name" in line), platform.machine())
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "openssl": backend.openssl_version_text().split()[1],
        **{name: version(name) for name in _LIBRARIES},
    }


def commit() -> str:
    """Name the commit that is measured; one with changes has a + behind it."""
    asked = ["git", "describe", "--always", "--abbrev=10", "--exclude=*", "--dirty=+"]
    return subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def summary(results: Iterable[Result]) -> str:
    """Write the one table: each figure, its bar, what it stands beside, and what it misses."""
    return table(
        ("figure", "ours", "bar", "", "beside"),
        [
            (
                f"`{result.name}`",
                "not measured" if result.value is None else _shown(result.value, result.unit),
                f"{result.bar[0]} {_shown(result.bar[1], result.unit)}",
                "" if result.value is None else f"**short**: {result.missed}" if result.missed else "met",
                ", ".join(f"{peer} {_shown(value, result.unit)}" for peer, value in result.beside.items()),
            )
            for result in results
        ],
    )


def _shown(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if unit == "B" or (value == int(value) and value > 1) else f"{value:.3g}"
    return f"{number} {unit}".strip()


def write(folder: Path, where: Mapping[str, Any], chapters: Sequence[Chapter]) -> None:
    """Write results.json, and the page's tables and plots into a folder."""
    results = [result for chapter in chapters for result in chapter.results]
    tables = {name: text for chapter in chapters for name, text in chapter.tables.items()}
    told = {"machine": where, "commit": commit(), "results": [result.to_json() for result in results]}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    run = table(("what", "which"), [(name, str(value)) for name, value in {**where, "commit": told["commit"]}.items()])
    update(folder / PAGE, {"summary": summary(results), **tables, "run": run})
    if (folder / AWS_PAGE).exists():
        update(folder / AWS_PAGE, tables)
    for chapter in chapters:
        for name, plot in chapter.plots.items():
            (folder / name).write_text(plot, "utf-8")


def main(folder: Path, effort: Effort) -> int:
    """Measure, write, and say which bars were missed."""
    where = machine()
    chapters = []
    for chapter in measure(effort):
        chapters.append(chapter)
        print("\n\n".join(chapter.tables.values()), end="\n\n", flush=True)
    write(folder, where, chapters)
    results = [result for chapter in chapters for result in chapter.results]
    print(summary(results))
    for result in results:
        if result.missed:
            print(f"MISSED: {result.name}: {result.missed}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/bench"), Effort()))
