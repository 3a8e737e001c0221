"""Shows what a version of the rules would have done to past applications.

Everything a rule may look at was recorded with each application. Two things are not taken from there, because they
depend on the rules: a person's earlier passes, which are counted again in the order in which applications came, and
closures, which stand in the rules themselves.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from movepass_service.rules.columns import COLUMNS, COUNT_MAX, Value, dhaka_day, week_of
from movepass_service.rules.engine import MISSING_INPUT, NO_RULE, Program, RuleSet
from movepass_service.rules.table import Action

_PLACES = {name: place for place, name in enumerate(COLUMNS)}
_TODAY, _WEEK, _OVERLAPS = _PLACES["passes_today"], _PLACES["passes_week"], _PLACES["overlaps"]
_APPROVE, _REFER = Action.APPROVE.value, Action.REFER.value
_FROM, _TO, _CLOSED = _PLACES["from_district"], _PLACES["to_district"], _PLACES["closed"]


class Decided(NamedTuple):
    """The decision of rules: the action, the row (None if no row matched) and the reason's code."""

    action: str
    row: str | None
    code: str


class PastApplication(NamedTuple):
    """An application that was decided by rules, as it was recorded. Times are seconds since 1970 UTC."""

    reference: str
    came: int
    not_before: int
    not_after: int
    person: bytes | None
    """The same for all applications of a person in a week; None without the whole ID number."""
    facts: tuple[Value | None, ...]
    """In the order of COLUMNS."""
    decided: Decided
    got_pass: bool
    """Whether there was a pass in the end, by a rule or by an officer."""
    released: int | None
    """When its pass no longer counted, as after a withdrawal."""


class Change(NamedTuple):
    """An application that would have been decided otherwise."""

    application: PastApplication
    now: Decided


@dataclass(frozen=True, slots=True)
class Replay:
    """The effect of a version: how many applications each row decided then and would decide now."""

    pairs: Mapping[tuple[Decided, Decided], int]
    """Applications by what was decided then and what would be decided now."""

    @property
    def applications(self) -> int:
        """Return how many were decided again."""
        return sum(self.pairs.values())

    @property
    def changed(self) -> int:
        """Return how many would have another action or another reason."""
        return sum(count for (before, now), count in self.pairs.items() if is_change(before, now))

    @property
    def before(self) -> Counter[Decided]:
        """Return how many applications each row decided then."""
        return self._counted(0)

    @property
    def after(self) -> Counter[Decided]:
        """Return how many applications each row would decide now."""
        return self._counted(1)

    def plus(self, other: "Replay") -> "Replay":
        """Return the counts of two replays together."""
        return Replay(Counter(self.pairs) + Counter(other.pairs))

    def _counted(self, side: int) -> Counter[Decided]:
        counts: Counter[Decided] = Counter()
        for pair, count in self.pairs.items():
            counts[pair[side]] += count
        return counts


def is_change(before: Decided, now: Decided) -> bool:
    """Return whether an applicant would have been told something else; which row said it does not matter."""
    return before.action != now.action or before.code != now.code


@dataclass(slots=True)
class _Pair:
    is_change: bool
    count: int = 0


_Pass = tuple[int, int, int, int, int | None]
"""A pass in a replay: day, week, beginning, end, and when it no longer counted. A plain tuple, for there are many."""


def replay(
    rules: RuleSet,
    past: Iterable[PastApplication],
    *,
    since: int = 0,
    on_change: Callable[[Change], None] = lambda _: None,
) -> Replay:
    """Decide past applications again.

    A referred application counts for later quotas if its person got a pass in the end: what an officer would decide
    today is unknown, and what one decided then is the best guess.

    Args:
        rules: the version to try.
        past: applications in the order in which rules decided them.
        since: earlier ones (by the time they came) only count for quotas.
        on_change: called for every application that would have been decided otherwise.
    """
    pairs: dict[tuple[Decided, Decided], _Pair] = {}
    passes: defaultdict[bytes, list[_Pass]] = defaultdict(list)
    trials: dict[int, _Trial] = {}
    has_closures = bool(rules.table.closures)
    for application in past:
        _, came, not_before, not_after, person, recorded, before, got_pass, released = application
        facts = [*recorded]
        day = dhaka_day(not_before)
        if person is not None:
            if person in passes:
                _count(facts, passes[person], application, day)
            else:
                facts[_TODAY], facts[_WEEK], facts[_OVERLAPS] = 0, 0, False
        facts[_CLOSED] = has_closures and _is_closed(rules, application, day)
        came_day = dhaka_day(came)
        trial = trials.get(came_day) or trials.setdefault(came_day, _Trial(rules.program(came_day)))
        judged = trial.judge(facts)
        now = trial.outcomes.get(judged) or trial.outcome(judged)
        if person is not None and (now.action == _APPROVE or (got_pass and now.action == _REFER)):
            passes[person].append((day, week_of(day), not_before, not_after, released))
        if came < since:
            continue
        pair = pairs.get((before, now))
        if pair is None:
            pair = pairs[before, now] = _Pair(is_change(before, now))
        pair.count += 1
        if pair.is_change:
            on_change(Change(application, now))
    return Replay({key: pair.count for key, pair in pairs.items()})


def _count(facts: list[Value | None], held: Iterable[_Pass], application: PastApplication, day: int) -> None:
    """Put into the facts what passes the person then has under the rules that are tried."""
    today, this_week, overlaps = 0, 0, False
    own_week = week_of(day)
    for other_day, week, not_before, not_after, released in held:
        gone = released if released is not None and released <= application.came else None
        if gone is not None and gone <= not_before:  # what was given back after it had begun could be used
            continue
        this_week += week == own_week
        today += other_day == day
        overlaps |= gone is None and not_before < application.not_after and application.not_before < not_after
    facts[_TODAY], facts[_WEEK] = min(today, COUNT_MAX), min(this_week, COUNT_MAX)
    facts[_OVERLAPS] = overlaps


def _is_closed(rules: RuleSet, application: PastApplication, day: int) -> bool:
    districts = (str(application.facts[_FROM]), str(application.facts[_TO]))
    return rules.is_closed(districts, day, dhaka_day(application.not_after - 1))


class _Trial:
    """The rules that are tried, on one day. Each outcome is made once, for there are few of them."""

    __slots__ = ("_program", "judge", "outcomes")

    def __init__(self, program: Program) -> None:
        self._program = program
        self.judge = program.judge
        self.outcomes: dict[tuple[int | None, bool], Decided] = {}

    def outcome(self, judged: tuple[int | None, bool]) -> Decided:
        """Make the outcome of what Program.judge said."""
        index, is_certain = judged
        made = Decided(_REFER, None, NO_RULE)
        if index is not None:
            row = self._program.rows[index]
            made = Decided(row.action.value, row.id, row.code) if is_certain else Decided(_REFER, row.id, MISSING_INPUT)
        self.outcomes[judged] = made
        return made
