"""The tables of docs/scale.md, in Markdown, and how they get there."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from page import Row, table, update

from scale import april_2021
from scale import assumptions as given
from scale.full_size import Sync
from scale.lists import Life, TokenStatusList, entropy_bytes
from scale.model import Reach
from scale.peers import CHECKS_A_DAY, Outcome, peak_checks_a_second, site_down, without_network
from scale.sample import Measured, Sample, total

MB = 1e6
CAPACITIES = (20_000, 60_000, 150_000, 300_000)
_SMALL = 16 << 10
"""Bytes below which a log's ratio to the entropy says nothing of interest."""


def write(folder: Path, tables: Mapping[str, str], plots: Mapping[str, str]) -> None:
    """Write plots into a folder, and tables into its scale.md, which is begun if there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, plot in plots.items():
        (folder / f"scale-{name}.svg").write_text(plot, "utf-8")
    update(folder / "scale.md", tables)


def assumed() -> str:
    """Describe what is assumed."""
    return table(("what", "how much", "source"), [*_country(), *_network(), *_prices()])


def _country() -> list[Row]:
    names = {0: "on the day", 1: "the day before"}
    before = ", ".join(
        f"{share:.0%} {names.get(days, f'{days} days before')}" for days, share in given.REVOKED_DAYS_BEFORE.items()
    )
    busiest = max(given.HOURLY_WEIGHTS) / sum(given.HOURLY_WEIGHTS)
    return [
        ("passes that end on a day", f"{given.PASSES_A_DAY:,}", "target"),
        ("of them revoked", ", ".join(f"{share:.1%}" for share in given.REVOKED_SHARES), "target"),
        ("when a day's passes are revoked", before, given.ASSUMED),
        ("within a day", f"as people travel, {busiest:.0%} in the busiest hour; checks likewise", given.ASSUMED),
        ("devices", f"{given.DEVICES:,}", "target"),
        ("checks", f"{given.CHECKS_A_PASS} a pass: {CHECKS_A_DAY / given.DEVICES:,.0f} a device", given.ASSUMED),
    ]


def _network() -> list[Row]:
    delays = given.DELAYS
    publishing = f"every {_time(given.PUBLISH_SECONDS)}, served {delays.publishing:.0f} s later"
    around = f"{given.HEAD_BYTES} B of head an answer, {given.HANDSHAKE_BYTES:,} B of TLS handshake a sync or check"
    return [
        ("publication", publishing, given.ASSUMED),
        ("CDN", f"an edge may show a timestamp {delays.cache:.0f} s old", "its `Cache-Control` in S3"),
        *[(f"{link.share:.0%} of devices: {link.name}", _link(link), given.ASSUMED) for link in given.LINKS],
        ("around the files", around, given.ASSUMED),
        ("a check at the back end", "an HTTP call, a function of 256 MB for 20 ms, a read", given.ASSUMED),
    ]


def _prices() -> list[Row]:
    return [
        (
            price.name,
            f"{price.usd:.10f}".rstrip("0").rstrip(".") + f" USD {price.unit}",
            f"{price.source}; {price.read}",
        )
        for price in given.PRICES
    ]


def _link(link: given.Link) -> str:
    every = f"syncs every {_time(link.interval)}, give or take {given.JITTER:.0%}"
    return every + (f"; offline {link.offline:.0%} of the time, {_time(link.spell)} on average" if link.offline else "")


def ways(outcomes: Sequence[Outcome]) -> str:
    """Describe what each way costs and does."""
    head = ("a day", "requests", "MB", "GB in all", "USD", "refused: median", "99 of 100", "checks undecided")
    return table(head, [_way(outcome) for outcome in outcomes])


def _way(way: Outcome) -> Row:
    arrive = [_time(way.reach.quantile(q)) for q in (0.5, 0.99)] if way.reach else ["at once", "no answer"]
    in_all = way.cost.link_bytes * given.DEVICES / given.GB
    cost = [f"{way.cost.requests:,.0f}", _mb(way.cost.link_bytes), f"{in_all:,.0f}", f"{way.usd:,.0f}"]
    return (way.name, *cost, *arrive, f"{way.unanswered:.1%}")


def links(reached: Mapping[str, Reach]) -> str:
    """Describe how long revocations take to reach each group of devices."""
    quantiles = (0.5, 0.9, 0.99)
    rows = [(name, *[_time(reach.quantile(q)) for q in quantiles]) for name, reach in reached.items()]
    return table(("ours, every 15 min", "median", "90 of 100", "99 of 100"), rows)


def shares(outcomes: Mapping[float, Sequence[Outcome]]) -> str:
    """Describe how the cost goes with the share of revoked passes."""
    names = [way.name for way in next(iter(outcomes.values()))]
    columns = zip(*outcomes.values(), strict=True)
    rows = [
        (name, *[f"{_mb(way.cost.link_bytes)} MB, {way.usd:,.0f} USD" for way in column])
        for name, column in zip(names, columns, strict=True)
    ]
    return table(("a device; all of them", *[f"{share:.1%} revoked" for share in outcomes]), rows)


def sizes(lives: Mapping[float, Life], tsl: TokenStatusList) -> str:
    """Describe how large the lists are."""
    head = (
        "one day's list",
        "indexes",
        "entropy, MB",
        "ours in the end",
        "at worst",
        "rewritten",
        "Token Status List",
    )
    return table(head, [_size(share, life, tsl) for share, life in lives.items()])


def _size(share: float, life: Life, tsl: TokenStatusList) -> Row:
    last = life.versions[-1]
    bound = entropy_bytes(life.passes, last.count)
    worst = max((v.size / entropy_bytes(life.passes, v.count) for v in life.versions if v.size > _SMALL), default=0.0)
    theirs = tsl.size(life.passes, last.count)
    ours = (f"{last.size / bound:.2f} of it", f"{worst:.2f}", f"{last.generation} times")
    return (f"{share:.1%} revoked", f"{last.count:,}", _mb(bound), *ours, f"{theirs / bound:.2f}")


def on_device(syncs: Mapping[float, tuple[Sync, Sync]]) -> str:
    """Describe what lists of full size take on a device."""
    head = ("revoked", "indexes held", "first sync", "takes", "memory", "disk", "next sync", "takes", "memory")
    rows = [
        (f"{share:.1%}", f"{first.revoked:,}", *_sync(first), f"{first.disk_mb:.0f} MB", *_sync(second))
        for share, (first, second) in syncs.items()
    ]
    return table(head, rows)


def _sync(sync: Sync) -> Row:
    return (f"{sync.received / 1000:,.0f} kB", f"{sync.seconds:.1f} s", f"{sync.peak_mb:.0f} MB")


def april(issued_a_second: float) -> str:
    """Describe what the replay of April 2021 gave."""
    backlog = april_2021.issue(issued_a_second)
    lost = ", ".join(f"{capacity:,}: {april_2021.unanswered(capacity):.0%}" for capacity in CAPACITIES)
    peak = max(april_2021.hits(minute) for minute in range(april_2021.MINUTES))
    national = given.PASSES_A_DAY * max(given.HOURLY_WEIGHTS) / sum(given.HOURLY_WEIGHTS) / given.HOUR
    rows = [
        ("hits a minute on the site, in the busiest stretch between two reports", f"{peak:,.0f}"),
        ("checks a minute in the busiest hour, if each asked the back end", f"{peak_checks_a_second() * 60:,.0f}"),
        ("checks unanswered in 46 h if one front door serves both, by the requests a minute it is built for", lost),
        ("checks in the hours for which the site was reported down", f"{site_down():.0%}"),
        ("checks made where there is no network", f"{without_network():.1%}"),
        ("checks of ours that need the back end", "0"),
        ("passes that one issuer signs in a second (measured)", f"{issued_a_second:,.0f}"),
        (
            f"{given.APPLICATIONS_A_MINUTE:,} applications a minute for an hour, all approved at once",
            f"{backlog.busy:.0%} of one issuer, longest wait {backlog.seconds:.0f} s",
        ),
        ("passes to issue in a second at the target, busiest hour", f"{national:,.0f}"),
    ]
    return table(("April 2021, replayed", ""), rows)


def checked(sample: Sample) -> str:
    """Hold the model against the sample."""
    names = list(dict.fromkeys(plan.link.name for plan in sample.plans))
    groups = {name: [n for n, plan in enumerate(sample.plans) if plan.link.name == name] for name in names}
    groups["all"] = list(range(len(sample.plans)))
    rows = [
        (f"{len(at)} {name}", *_compared([sample.measured[n] for n in at], [sample.modelled[n] for n in at]))
        for name, at in groups.items()
    ]
    return table(("devices: measured, model, ratio", "syncs", "requests", "bytes", "median wait, s"), rows)


def _compared(measured: Sequence[Measured], modelled: Sequence[Measured]) -> Row:
    ours, theirs = total(measured), total(modelled)
    pairs = (
        (ours.requests, theirs.requests),
        (ours.bodies, theirs.bodies),
        (_median_wait(measured), _median_wait(modelled)),
    )
    return (f"{ours.connections:,.0f}", *[f"{one:,.0f}, {other:,.0f}, {other / one:.3f}" for one, other in pairs])


def _median_wait(devices: Sequence[Measured]) -> float:
    waits = sorted(wait for device in devices for wait in device.waits)
    return waits[len(waits) // 2]


def _mb(count: float) -> str:
    return f"{count / MB:.3g}" if count < 100 * MB else f"{count / MB:,.0f}"


def _time(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h".replace(".0 h", " h")
