"""Plays people and programs at the real gate, event by event, from a seed.

Everything is at one part in SCALE: arrivals, capacities and programs alike, so waits are those of the whole.
"""

import base64
import heapq
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from statistics import quantiles

from support.lines import MemoryLine

from movepass_service.admission import Admitted, Gate, LineSettings
from movepass_service.admission.gate import Ask
from movepass_service.admission.lanes import Lane
from movepass_service.admission.proof import make_challenge

HOUR = 3600
PEAK_PER_S = 250.0
"""15,000 applications a minute, which police spoke of for the first hour (docs/scale.md has the sources)."""
LATER_PER_S = 125_000 / HOUR
"""125,000 applications in an hour, as were counted."""
URGENT_SHARE = 0.1
"""Assumed: medical trips and burials."""
ABANDONED = 0.3
"""Of the people in line, those who never come back."""
LOOK_S = 10.0
"""A page that waits asks which places are called, and comes within this time of its turn."""
STORM = 1200.0, 3000.0
"""From the 20th to the 50th minute."""
BOUND_S = 600
"""An urgent application enters within ten minutes."""
SCALE = 40
CAPACITY = LineSettings(urgent_per_s=75, ordinary_per_s=125, slow_urgent_per_s=10, slow_per_s=5)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens beside the people.

    Attributes:
        name: for tables.
        bots: programs, from the 20th to the 50th minute, each asking again and again.
        every_s: how often each asks for a new place.
        solves: whether they solve proofs of work.
        comes: the share of their turns that they use.
        urgent: the share that claims an urgent reason.
        reload_s: how often people send their form again in those minutes, whatever the page says; 0 as it says.
        hours: how long it is played.
        is_beyond: whether it is more than the line can hold off.
    """

    name: str
    bots: int = 0
    every_s: float = 20.0
    solves: bool = False
    comes: float = 0.0
    urgent: float = 0.5
    reload_s: float = 0.0
    hours: float = 2.0
    is_beyond: bool = False


SCENARIOS = (
    Scenario("people alone"),
    Scenario("and a refresh storm: everybody in line sends again every 15 s", reload_s=15.0),
    Scenario("and 50,000 programs without proofs", bots=50_000),
    Scenario(
        "and 50,000 programs with proofs, all as urgent, that never come back", bots=50_000, solves=True, urgent=1.0
    ),
    Scenario(
        "and 50,000 programs that send three urgent applications each",
        bots=50_000,
        every_s=600,
        solves=True,
        comes=1.0,
        urgent=1.0,
    ),
    Scenario(
        "and 100,000 programs that send six urgent applications each",
        bots=100_000,
        every_s=300,
        solves=True,
        comes=1.0,
        urgent=1.0,
        is_beyond=True,
    ),
)


@dataclass(slots=True)
class Seen:
    """What was seen.

    Attributes:
        waits: of people who stayed, by whether their reason is urgent: when they came and how long they waited.
        asked: requests that the gate answered.
        waiting: places not called, by lane, minute by minute.
        broken: urgent people who did not enter within the bound.
        kept: of the times that people were told, how many were kept, and of how many.
    """

    waits: dict[bool, list[tuple[float, float]]] = field(default_factory=lambda: {True: [], False: []})
    asked: int = 0
    waiting: list[tuple[float, dict[str, int]]] = field(default_factory=list)
    broken: int = 0
    kept: int = 0
    told: int = 0
    flood_s: int = 0
    entered: int = 0

    def wait(self, *, is_urgent: bool) -> tuple[float, float, float]:
        """Return the median, the 99th percentile and the longest wait in seconds."""
        waits = sorted(wait for _, wait in self.waits[is_urgent])
        if len(waits) < 2:
            return (0.0, 0.0, 0.0)
        cuts = quantiles(waits, n=100, method="inclusive")
        return cuts[49], cuts[98], waits[-1]


@dataclass(slots=True)
class _Person:
    came: float
    is_urgent: bool
    client: bytes
    is_bot: bool = False
    stays: bool = True
    token: str = ""
    number: int = 0
    lane: str = ""
    latest: float = 0.0
    proof: str = ""


class Crowd:
    """One run of a scenario."""

    def __init__(self, scenario: Scenario, *, seed: int = 2021, scale: int = SCALE) -> None:
        """Take the scenario; the same seed plays the same."""
        self._scenario, self._scale = scenario, scale
        self._random = random.Random(seed)
        capacity = CAPACITY
        self._settings = LineSettings(
            **{f"{lane.replace('-', '_')}_per_s": capacity.per_s(lane) / scale for lane in Lane},
            proof_hashes=1000,
        )
        self._key = b"simulation" * 4
        self._gate = Gate(MemoryLine(), self._key, self._settings)
        self._events: list[tuple[float, int, _Person]] = []
        self._count = 0
        self.seen = Seen()

    def play(self) -> Seen:
        """Play to the end, and until everybody who stays has entered."""
        end = self._scenario.hours * HOUR
        arrivals = self._arrivals(end)
        following = next(arrivals, None)
        minute = 0
        while following or self._events:
            if following and (not self._events or following.came <= self._events[0][0]):
                now, person = following.came, following
                following = next(arrivals, None)
            else:
                now, _, person = heapq.heappop(self._events)
            while minute * 60 <= now:
                self._note(minute * 60)
                minute += 1
            if now > end + 4 * HOUR:
                break
            self._ask(now, person)
        late = [person for _, _, person in self._events if person.is_urgent and not person.is_bot]
        self.seen.broken = len(late) + sum(wait > BOUND_S for _, wait in self.seen.waits[True])
        return self.seen

    def _arrivals(self, end: float) -> Iterator[_Person]:
        """Return people and programs in the order in which they come."""
        yield from heapq.merge(self._people(end), self._bots(), key=lambda person: person.came)

    def _people(self, end: float) -> Iterator[_Person]:
        now = 0.0
        while now < end:
            per_s = (PEAK_PER_S if now < HOUR else LATER_PER_S) / self._scale
            now += self._random.expovariate(per_s)
            self._count += 1
            urgent, stays = self._random.random() < URGENT_SHARE, self._random.random() >= ABANDONED
            yield _Person(now, urgent, f"p{self._count}".encode(), stays=stays)

    def _bots(self) -> Iterator[_Person]:
        bots = self._scenario.bots // self._scale
        if not bots:
            return
        step = self._scenario.every_s / bots
        for n in range(int((STORM[1] - STORM[0]) / step)):
            urgent, stays = self._random.random() < self._scenario.urgent, self._random.random() < self._scenario.comes
            yield _Person(STORM[0] + n * step, urgent, f"b{n}".encode(), is_bot=True, stays=stays)

    def _ask(self, now: float, person: _Person) -> None:
        scenario = self._scenario
        reload_s = scenario.reload_s if STORM[0] <= now < STORM[1] else 0.0
        if person.number and not reload_s and self._gate.called(now)[person.lane] < person.number:
            return self._again(now, person, LOOK_S)
        solves = scenario.solves or not person.is_bot
        self.seen.asked += 1
        answer = self._gate.ask(Ask(person.client, person.is_urgent, person.token, person.proof, now))
        person.proof = ""
        if isinstance(answer, Admitted):
            return self._enter(now, person)
        if answer.challenge and solves:
            person.proof = self._solve(person, now)
            return self._again(now, person, 1.0 if person.is_bot else self._random.uniform(2, 30))
        if not person.token and not person.is_bot and answer.outlook.latest_s:
            person.latest = now + answer.outlook.latest_s
        person.token, person.number, person.lane = answer.token, answer.place.number, str(answer.place.lane)
        if person.stays:
            at_door = float(answer.outlook.retry_after_s) if answer.is_called else LOOK_S
            self._again(now, person, reload_s or at_door)
        return None

    def _solve(self, person: _Person, now: float) -> str:
        """Return a proof as if it had been worked out: how long that takes is the caller's."""
        return solved(self._key, person.client, now)

    def _enter(self, now: float, person: _Person) -> None:
        self.seen.entered += 1
        if person.is_bot:
            return
        self.seen.waits[person.is_urgent].append((person.came, now - person.came))
        if person.latest:
            self.seen.told += 1
            self.seen.kept += now <= person.latest + LOOK_S

    def _again(self, now: float, person: _Person, seconds: float) -> None:
        self._count += 1
        heapq.heappush(self._events, (now + seconds * self._random.uniform(0.9, 1.1), self._count, person))

    def _note(self, now: float) -> None:
        self.seen.flood_s += 60 * self._gate.is_flood
        figures = self._gate.figures(now)
        self.seen.waiting.append((now, {lane: one.waiting * self._scale for lane, one in figures.items()}))


def solved(key: bytes, client: bytes, now: float) -> str:
    """Return a proof of one hash."""
    challenge = make_challenge(key, client, now, 1)
    number = next(n for n in (0, 1) if sha256(f"{challenge.salt}{n}".encode()).hexdigest() == challenge.challenge)
    document = {**json.loads(challenge.write()), "number": number}
    return base64.b64encode(json.dumps(document).encode()).decode()
