"""A scaled-down day for real: the real publisher, a web server, real devices; and what the model says of the same day.

The clock is passed in, so a day takes a minute. Devices sync when the model's schedules say; what it costs is read off
their SyncResults and the server; when a pass is refused is read off their verdicts.
"""

import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from support.passes import approved, iso
from support.repositories import signed
from support.servers import RangeServer, serving
from support.world import World

from movepass_issuer import SignedPass
from movepass_issuer.authority.creation import create_authority
from movepass_issuer.storage.sqlite_ledger import SqliteLedger
from movepass_keys.records.layout import log_day
from movepass_keys.records.roles import json_bytes
from movepass_verifier import Device
from movepass_wire.times import day_of
from scale.assumptions import DAY, HOUR, MINUTE, PUBLISH_SECONDS, Delays, Link
from scale.devices import Schedule, schedule
from scale.lists import DAYS_AHEAD, Life, Version, live, revoked_by
from scale.model import Cost, Documents, Lists, day_cost, found_at, lists_of, refused_at, sync_cost

if TYPE_CHECKING:
    from movepass_issuer.publishing.publisher import Publisher

_PROBE_LIFE = 12 * HOUR
_NOT_FOUND = 404
_IN_MEMORY = Path("/dev/shm")
"""Where there is one, for the disk is not what is measured, and the publisher and the devices sync it often."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The sample's settings.

    Attributes:
        passes: that end on each day.
        share: of them that are revoked.
        hours: of the day, from 00:00 UTC.
        links: one device for each.
        probes: real passes, each revoked at a random time.
    """

    passes: int
    share: float
    hours: int
    links: tuple[Link, ...]
    probes: int


FULL = Setting(
    passes=2_000_000,
    share=0.01,
    hours=24,
    links=tuple(
        Link(f"every {seconds // MINUTE} min", 0, seconds, offline, spell)
        for seconds, offline, spell in (
            (5 * MINUTE, 0, 0),
            *[(15 * MINUTE, 0, 0)] * 3,
            *[(15 * MINUTE, 0.3, 2 * HOUR)] * 2,
            *[(HOUR, 0, 0)] * 3,
            *[(8 * HOUR, 0, 0)] * 2,
            (DAY, 0, 0),
        )
    ),
    probes=48,
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One device's day.

    Attributes:
        cost: as its SyncResults tell, or the model.
        waits: seconds from each probe's revocation until the device refused it, of those it refused.
    """

    cost: Cost
    waits: tuple[float, ...]


def total(devices: Iterable[Measured]) -> Cost:
    """Add up what devices asked for."""
    return sum((device.cost for device in devices), Cost())


@dataclass(frozen=True, slots=True)
class Sample:
    """The day, measured and computed.

    Attributes:
        served: requests and body bytes that the server counted, error pages not among the bytes.
        wrong: verdicts that were neither right nor late, but wrong: none, it is hoped.
    """

    setting: Setting
    plans: tuple[Schedule, ...]
    documents: Documents
    measured: tuple[Measured, ...]
    modelled: tuple[Measured, ...]
    served: Cost
    wrong: int
    seconds: float


@dataclass
class _Probe:
    """A real pass to be revoked."""

    signed: SignedPass
    revoked: float
    unseen: set[int]
    refused: dict[int, float] = field(default_factory=dict)


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def play(setting: Setting, *, seed: int = 7) -> Sample:
    """Play the day, then compute it."""
    rng = random.Random(seed)
    plans = tuple(schedule(link, 0, setting.hours * HOUR, rng) for link in setting.links)
    began = time.monotonic()
    with scratch() as folder, _Day(setting, plans, folder, rng) as day:
        day.run()
        documents, served = day.documents(), day.served()
        measured = tuple(Measured(cost, day.waits(at)) for at, cost in enumerate(day.costs))
        probes = [(probe.revoked, probe.revoked // _PROBE_LIFE * _PROBE_LIFE + _PROBE_LIFE) for probe in day.probes]
        wrong = day.wrong
    seconds = time.monotonic() - began
    look = cache(partial(lists_of, _lives(setting)))
    modelled = tuple(_compute(plan, look, documents, probes) for plan in plans)
    return Sample(setting, plans, documents, measured, modelled, served, wrong, seconds)


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder for a while."""
    where = _IN_MEMORY if _IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="movepass-scale-", dir=where) as folder:
        yield Path(folder)


def _lives(setting: Setting) -> Callable[[int], Life]:
    """Play the logs' lives as the model has them, with revocations of its own; before 0 nothing was published."""
    unborn = Life(setting.passes, PUBLISH_SECONDS, (Version(),), {})
    lives = {
        day: live(setting.passes, setting.share, begins=(DAYS_AHEAD - day) * DAY, seed=11 + day)
        for day in range(DAYS_AHEAD + 1)
    }
    return lambda day: lives.get(day, unborn)


def _compute(
    plan: Schedule, look: Callable[[int], Lists], documents: Documents, revoked: Sequence[tuple[float, float]]
) -> Measured:
    """Let the model say what a device's day costs; it knows the schedule, and what the documents weigh."""
    start = [0.0, *plan.syncs]  # a device begins with a sync at 0, which is not counted
    found = found_at(start, PUBLISH_SECONDS, Delays(0, 0, 0), random.Random(0))
    cost = day_cost(start, found, look, partial(sync_cost, documents))
    refused = [(refused_at(at, start, found, PUBLISH_SECONDS), at, end) for at, end in revoked]
    return Measured(cost, tuple(when - at for when, at, end in refused if when < end))


class _Day:
    """The day as it is played."""

    def __init__(self, setting: Setting, plans: Sequence[Schedule], folder: Path, rng: random.Random) -> None:
        self._setting = setting
        self._plans = plans
        self._folder = folder
        self._rng = rng
        self._start = day_of(int(time.time())) * DAY  # TUF knows the real clock only: the day must not be long ago
        self._clock = _Clock()
        self._open = ExitStack()
        self._published = dict.fromkeys(range(DAYS_AHEAD + 1), 0)
        self.costs = [Cost() for _ in plans]
        self.probes: list[_Probe] = []
        self.wrong = 0

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            authority = create_authority(self._folder / "authority", name="Scale", test=True, now=self._start)
            self._world = World(authority, self._folder / "0", self._start)
            self._make_probes()
            self._unused = [
                iter(self._rng.sample(range(self._setting.probes, self._setting.passes), self._total))
                for _ in range(DAYS_AHEAD + 1)
            ]
            self._publisher: Publisher = opening.enter_context(authority.publisher())
            self._publish(0)
            self._server: RangeServer = opening.enter_context(serving(self._world.repository))
            self._devices = [opening.enter_context(self._enroll(at)) for at in range(len(self._plans))]
            self._server.exchanges.clear()
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def _total(self) -> int:
        return round(self._setting.passes * self._setting.share)

    def _make_probes(self) -> None:
        ledger = SqliteLedger(self._world.authority.ledger_path)
        issuer = self._world.fixed_issuer(ledger, self._start)
        for number in range(self._setting.probes):
            first = self._start + number % 2 * _PROBE_LIFE
            times = {"not_before": iso(first), "not_after": iso(first + _PROBE_LIFE - 1)}
            made = issuer.issue(approved(f"P-{number}", self._start, **times))
            revoked = first - self._start + self._rng.random() * _PROBE_LIFE * 0.8
            self.probes.append(_Probe(made, revoked, set(range(len(self._plans)))))
        ledger.close()

    @contextmanager
    def _enroll(self, at: int) -> Iterator[Device]:
        store = self._folder / f"device-{at}"
        self._world.enroll(store, self._server.url)
        self._clock.now = self._start
        with Device.open(store, clock=self._clock) as device:
            device.sync()
            yield device

    def run(self) -> None:
        """Play every publication and sync in its turn."""
        end = self._setting.hours * HOUR
        events: list[tuple[float, int]] = [(float(at), -1) for at in range(PUBLISH_SECONDS, end, PUBLISH_SECONDS)]
        events += [(sync, at) for at, plan in enumerate(self._plans) for sync in plan.syncs]
        for when, who in sorted(events):
            if who < 0:
                self._publish(int(when))
            else:
                self._sync(when, who)

    def _publish(self, when: int) -> None:
        """Revoke what has come up to this publication, and publish."""
        for before, unused in enumerate(self._unused):
            wanted = round(self._total * revoked_by(when + (DAYS_AHEAD - before) * DAY))
            count = wanted - self._published[before]
            self._published[before] = wanted
            if count:
                self._world.revoke_indexes([next(unused) for _ in range(count)], day_of(self._start) + before)
        due = [probe.signed for probe in self.probes if when - PUBLISH_SECONDS < probe.revoked <= when]
        self._world.revoke(*due)
        self._publisher.publish(self._start + when)

    def _sync(self, when: float, who: int) -> None:
        self._clock.now = self._start + when
        device = self._devices[who]
        result = device.sync()
        self.costs[who] += Cost(1, result.requests, result.received)
        for probe in self.probes:
            if who in probe.unseen:
                self._look(device, probe, who, when)

    def _look(self, device: Device, probe: _Probe, who: int, when: float) -> None:
        verdict = device.verify(probe.signed.text, self._start + int(when)).verdict.value
        told = probe.revoked <= when // PUBLISH_SECONDS * PUBLISH_SECONDS
        if verdict in {"revoked", "expired"}:
            probe.unseen.remove(who)
        if verdict == "revoked":
            probe.refused[who] = when - probe.revoked
        self.wrong += verdict not in ({"revoked", "expired"} if told else {"valid", "expired", "not-yet-valid"})

    def waits(self, who: int) -> tuple[float, ...]:
        """Return how long a device's probes waited."""
        return tuple(probe.refused[who] for probe in self.probes if who in probe.refused)

    def documents(self) -> Documents:
        """Measure the signed documents that are published now."""
        root = self._world.repository / "metadata"
        timestamp = signed(self._world.repository, "timestamp.json")
        snapshot = f"{timestamp.snapshot_meta.version}.snapshot.json"
        status = f"{signed(self._world.repository, snapshot).meta['status.json'].version}.status.json"
        sizes = [(root / name).stat().st_size for name in ("timestamp.json", snapshot, status)]
        targets = signed(self._world.repository, status).targets
        lists = {name: info.to_dict() for name, info in targets.items() if log_day(name) is not None}
        of_lists = len(json_bytes(lists)) - len("{}")
        return Documents(sizes[0], sizes[1], sizes[2] - of_lists, round(of_lists / len(lists)))

    def served(self) -> Cost:
        """Count what the server sent in the day."""
        sent = [e.sent for e in self._server.exchanges if e.status != _NOT_FOUND]
        return Cost(0, len(self._server.exchanges), sum(sent))
