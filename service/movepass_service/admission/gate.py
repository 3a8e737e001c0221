"""The gate that an application comes to: let in at once, or given a place in line. It does the I/O of the pure rest."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from movepass_service.admission import proof as proofs
from movepass_service.admission.flood import Flood, watch
from movepass_service.admission.lanes import Lane, lane_of
from movepass_service.admission.lending import lent, per_s_with
from movepass_service.admission.line import (
    TICK_S,
    Counters,
    LineState,
    advance,
    begin,
    burst,
    due,
    is_open,
    now_free,
    steps,
)
from movepass_service.admission.outlook import RETRY_MAX_S, Outlook, outlook
from movepass_service.admission.settings import LineSettings
from movepass_service.admission.store import LineStore, Use
from movepass_service.admission.tokens import BadTokenError, Place, read_token, write_token

QUIET_S = 10.0
"""Greatest age of the view of a lane at which few come."""
_QUIET_PART = 20
"""Uncounted entries that a quiet lane may have, as a part of its burst."""
_PROOFS = "proofs"


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody asks to be let in with a form.

    Attributes:
        client: under what the form's client id is kept.
        is_urgent: by its reason.
        token: of a place, "" without one.
        proof: of work, "" without one.
        now: Unix seconds.
    """

    client: bytes
    is_urgent: bool
    token: str
    proof: str
    now: float


@dataclass(frozen=True, slots=True)
class Admitted:
    """The application is let in.

    Attributes:
        place: the place it had, if it had waited.
    """

    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """The application has a place in line.

    Attributes:
        place: the place.
        token: the same, signed.
        outlook: how long it will wait.
        is_called: whether its turn has come; more came than can enter in these seconds, so it has its moment.
        refused: why another token was not taken: "forged", "old", "over", "used" or "other-lane"; "" if it was.
        challenge: a proof of work that leads to a faster lane; None without a flood.
    """

    place: Place
    token: str
    outlook: Outlook
    is_called: bool = False
    refused: str = ""
    challenge: str | None = None


@dataclass(frozen=True, slots=True)
class LaneFigures:
    """A lane as operators see it.

    Attributes:
        waiting: places that have not been called.
        called: the last place whose turn has come.
        share: of called people, how many come.
    """

    waiting: int
    called: int
    share: float


@dataclass(slots=True)
class _View:
    """A lane as this process knows it, and what it has not counted in the store yet."""

    state: LineState
    counters: Counters
    at: float
    entered: int = 0
    unreserved: int = 0

    @property
    def arrived(self) -> int:
        """Return how many came without a place."""
        return self.counters.issued + self.counters.unreserved + self.unreserved

    @property
    def now_counted(self) -> Counters:
        """Return the counters with what this process has not told yet."""
        return replace(
            self.counters,
            entered=self.counters.entered + self.entered,
            unreserved=self.counters.unreserved + self.unreserved,
        )


class Gate:
    """Lets applications in up to the capacity, and keeps the others in line."""

    def __init__(self, store: LineStore, key: bytes, settings: LineSettings) -> None:
        """Take what keeps the line, the key that signs places, and the operator's settings."""
        self._store = store
        self._key = key
        self._settings = settings
        self._views: dict[Lane, _View] = {}
        self._flood = Flood(0.0)
        self._before: dict[Lane, int] = {}

    def ask(self, ask: Ask) -> Admitted | Waiting:
        """Let an application in, or give it a place, or its place again."""
        is_flood = self._watch(ask.now)
        has_proof = is_flood and self._has_proof(ask)
        lane = lane_of(is_urgent=ask.is_urgent, has_proof=has_proof, is_flood=is_flood)
        place, refused = self._place_of(ask, lane, has_proof=has_proof)
        if place is None:
            return self._newcomer(lane, ask, refused)
        view = self._view(place.lane, ask.now)
        if place.number > view.state.called:
            return self._waiting(place, view, ask)
        use = self._use(place, view, ask)
        if use.client != ask.client:
            return self._newcomer(lane, ask, "used")
        later_ms = use.enter_at - _ms(ask.now)
        return Admitted(place) if later_ms <= 0 else self._waiting(place, view, ask, enter_in_s=later_ms / 1000)

    def _use(self, place: Place, view: _View, ask: Ask) -> Use:
        """Note that a place is used, and when its form may enter; return the use that stands."""
        per_s = self._per_s(place.lane, ask.now)
        _, door = self._free(place.lane, view, ask.now)
        use = Use(ask.client, _ms(ask.now + max(0.0, 1 - door) / per_s))
        known = self._store.come(place.lane, place.number, use)
        if known is None:
            view.entered += 1
            view.unreserved += place.number <= view.state.settled
        return known or use

    def _newcomer(self, lane: Lane, ask: Ask, refused: str) -> Admitted | Waiting:
        """Let somebody without a good place in, if there is room, or give a place."""
        view = self._view(lane, ask.now)
        room, door = self._free(lane, view, ask.now)
        if is_open(view.state, view.counters.issued, room=room, door=door):
            view.entered += 1
            view.unreserved += 1
            return Admitted()
        number = self._store.take(lane, ask.now)
        view.counters = replace(view.counters, issued=max(number, view.counters.issued))
        return self._waiting(Place(lane, number, int(ask.now)), view, ask, refused=refused)

    def look(self, token: str, now: float) -> Waiting | None:
        """Return where a place stands, or None if there is no such place any longer."""
        try:
            place = read_token(self._key, token, now)
        except BadTokenError:
            return None
        view = self._view(place.lane, now)
        if not view.state.over < place.number <= view.counters.issued:
            return None
        seen = outlook(view.state, place.number, self._per_s(place.lane, now))
        return Waiting(place, token, seen, is_called=place.number <= view.state.called)

    @property
    def is_flood(self) -> bool:
        """Return whether far more come than the capacity."""
        return self._flood.is_on

    def _watch(self, now: float) -> bool:
        """Return whether there is a flood, after a look at how many have come."""
        if now - self._flood.at >= TICK_S:
            arrived = sum(view.arrived - self._before[lane] for lane, view in self._views.items())
            bound = self._settings.flood_times * (self._settings.urgent_per_s + self._settings.ordinary_per_s)
            after_s = self._settings.flood_after_s
            self._flood = watch(self._flood, now, arrived, bound_per_s=bound, after_s=after_s)
        return self._flood.is_on

    def called(self, now: float) -> Mapping[str, int]:
        """Return the last place called in each lane: the same for everybody, so it may be kept for some seconds."""
        return {str(lane): self._view(lane, now).state.called for lane in Lane}

    def figures(self, now: float) -> Mapping[str, LaneFigures]:
        """Return how many wait in each lane, for operators."""
        found = {}
        for lane in Lane:
            view = self._view(lane, now)
            waiting = max(0, view.counters.issued - view.state.called)
            found[str(lane)] = LaneFigures(waiting, view.state.called, round(view.state.share, 2))
        return found

    def _has_proof(self, ask: Ask) -> bool:
        name = proofs.check_proof(self._key, ask.proof, ask.client, ask.now) if ask.proof else None
        return name is not None and self._store.come(_PROOFS, name, Use(ask.client, _ms(ask.now))) is None

    def _place_of(self, ask: Ask, lane: Lane, *, has_proof: bool) -> tuple[Place | None, str]:
        """Return the place of a token that is good for a lane; else why it is not."""
        if not ask.token:
            return None, ""
        try:
            place = read_token(self._key, ask.token, ask.now)
        except BadTokenError as e:
            return None, e.code
        if has_proof and place.lane.is_slow:
            return None, ""
        fault = "other-lane" if place.lane.slow != lane.slow else self._fault_of(place, ask.now)
        return (None, fault) if fault else (place, "")

    def _fault_of(self, place: Place, now: float) -> str:
        """Return why a signed place can't be used, or ""."""
        view = self._view(place.lane, now)
        if place.number > view.counters.issued:
            view = self._reload(place.lane, now)
        if place.number > view.counters.issued:
            return "old"
        is_over = place.number <= view.state.over and self._store.use_of(place.lane, place.number) is None
        return "over" if is_over else ""

    def _waiting(
        self, place: Place, view: _View, ask: Ask, *, refused: str = "", enter_in_s: float | None = None
    ) -> Waiting:
        seen = outlook(view.state, place.number, self._per_s(place.lane, ask.now))
        if enter_in_s is not None:
            seconds = math.ceil(enter_in_s)
            seen = Outlook(0, seconds, seconds, min(RETRY_MAX_S, seconds))
        challenge = None
        if self.is_flood and place.lane.is_slow:
            hashes = int(self._settings.proof_hashes)
            challenge = proofs.make_challenge(self._key, ask.client, ask.now, hashes).write()
        token = write_token(self._key, place)
        return Waiting(place, token, seen, enter_in_s is not None, refused, challenge)

    def _view(self, lane: Lane, now: float) -> _View:
        """Return a lane as it is known, after it has moved on if it is time."""
        view = self._views.get(lane)
        if view is not None and not self._is_stale(view, lane, now):
            return view
        return self._reload(lane, now)

    def _is_stale(self, view: _View, lane: Lane, now: float) -> bool:
        age = now - view.at
        saved = burst(self._settings.per_s(lane))
        is_quiet = view.state.called >= view.counters.issued and view.state.door > saved / 2
        if is_quiet and view.entered < saved / _QUIET_PART:
            return age >= QUIET_S or age < 0
        return age >= TICK_S or age < 0

    def _reload(self, lane: Lane, now: float) -> _View:
        """Count in the store what came, and move the lane on, unless another process has just done so."""
        known = self._views.get(lane)
        entered, unreserved = (known.entered, known.unreserved) if known else (0, 0)
        state, counters = self._store.load(lane, entered=entered, unreserved=unreserved)
        if state is None or now - state.at >= TICK_S:
            state, counters = self._move(lane, state, counters, now)
        self._views[lane] = view = _View(state, counters, now)
        self._before.setdefault(lane, view.arrived)
        return view

    def _move(self, lane: Lane, state: LineState | None, counters: Counters, now: float) -> tuple[LineState, Counters]:
        per_s = self._per_s(lane, now)
        if state is None:
            moved = replace(begin(now, per_s), counted=counters)
        else:
            moved = state
            for at in steps(state, now):
                came = [self._store.came(lane, batch.first, batch.last) for batch in due(moved, at)]
                moved = advance(moved, at, counters, came, per_s=per_s, turn_s=self._settings.turn_s)
        if not self._store.save(lane, state, moved):
            found, counters = self._store.load(lane)
            return found or moved, counters
        if state is not None and moved.over > state.over:
            self._store.forget(lane, moved.over, _ms(now - self._settings.turn_s))
        return moved, counters

    def _free(self, lane: Lane, view: _View, now: float) -> tuple[float, float]:
        return now_free(view.state, now, view.now_counted, self._per_s(lane, now))

    def _per_s(self, lane: Lane, now: float) -> float:
        """Return a lane's capacity in applications a second, with what is lent by the lane as it is known."""
        view = self._view(Lane.URGENT, now) if lane is Lane.ORDINARY else self._views.get(Lane.URGENT)
        lends = lent(view.state, view.counters, self._settings) if view else 0.0
        return per_s_with(lane, self._settings, lends)


def _ms(seconds: float) -> int:
    return math.ceil(seconds * 1000)
