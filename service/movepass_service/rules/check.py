"""Checks a decision table exhaustively.

It finds combinations that no row covers, rows that never decide, texts that nobody reads, and pairs of rows of which
only the order decides.

The number of combinations is astronomical, but rows can't tell most of them apart. So the check walks through the
columns one by one and keeps only the sets of rows that some combination still fits, each with one such combination.
What is left at the end are all sets of rows that can match together: nothing is sampled.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from movepass_service.errors import ServiceError
from movepass_service.rules.columns import COLUMNS, Column, Condition, split
from movepass_service.rules.table import Row, Table

GAPS_SHOWN = 20
"""So many gaps are described for each period; a table with more has no row for the rest."""
_SETS_MAX = 1_000_000
STEPS_MAX = 10_000_000
"""Steps of a check: about two minutes. The default rules take under 300."""
_When = Mapping[str, Condition]
_Chain = tuple["_Chain", Condition] | None
"""A combination: the condition on the last column, and the chain of those before it."""


class TooManyCombinationsError(ServiceError):
    """A table with too many different conditions to be checked."""

    is_input = True


@dataclass(frozen=True, slots=True)
class Period:
    """Days on which the same rows hold."""

    first_day: int
    last_day: int | None


@dataclass(frozen=True, slots=True)
class Gap:
    """Combinations that no row covers: every value of these conditions together."""

    period: Period
    combination: _When
    """Only columns that matter; every value of the others is meant."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two rows that decide differently and match together; the earlier one decides."""

    period: Period
    earlier: str
    later: str
    combination: _When
    is_exception: bool
    """Whether the later row covers everything that the earlier one does: an exception before its rule."""


@dataclass(frozen=True, slots=True)
class DeadRow:
    """A row that never decides, and the rows that decide in its place (none if it could match nothing)."""

    row: str
    hidden_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings of a check."""

    gaps: tuple[Gap, ...]
    dead_rows: tuple[DeadRow, ...]
    unused_texts: tuple[str, ...]
    """Codes that no application can ever get."""
    overlaps: tuple[Overlap, ...]

    @property
    def is_sound(self) -> bool:
        """Return whether the table may go live. Overlaps are no fault: the order of rows expresses exceptions."""
        return not (self.gaps or self.dead_rows or self.unused_texts)


def check_table(table: Table, columns: Mapping[str, Column] = COLUMNS, *, steps_max: int = STEPS_MAX) -> Findings:
    """Check a table on every day on which it holds.

    Args:
        table: the rules.
        columns: what they may look at.
        steps_max: how long it may take.

    Raises:
        TooManyCombinationsError: its rows have too many different conditions.
    """
    tally, steps = _Tally(columns), _Steps(steps_max)
    for period, rows in _periods(table):
        whens = [row.when for row in rows]
        sets = _matching_sets(whens, columns, steps)
        for mask, chain in sets.items():
            tally.add(period, [rows[number] for number in _bits(mask)], _named(chain, _tested(whens, columns)))
        if 0 in sets:
            tally.gaps += [Gap(period, found) for found in _gaps(whens, columns, steps)]
    dead = tuple(DeadRow(row.id, tally.hiding(row)) for row in table.rows if row.id not in tally.deciding)
    used = {row.code for row in table.rows if row.id in tally.deciding}
    unused = tuple(code for code in table.texts if code not in used)
    order = {row.id: number for number, row in enumerate(table.rows)}
    overlaps = sorted(tally.overlaps.values(), key=lambda pair: (order[pair.earlier], order[pair.later]))
    return Findings(_joined(tally.gaps), dead, unused, tuple(overlaps))


@dataclass(slots=True)
class _Tally:
    """Adds up what the periods show."""

    columns: Mapping[str, Column]
    deciding: set[str] = field(default_factory=set)
    """Rows that decide something."""
    hidden: dict[str, dict[str, None]] = field(default_factory=dict)
    """Behind each row, those that decide in its place."""
    overlaps: dict[tuple[str, str], Overlap] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)

    def add(self, period: Period, matching: Sequence[Row], combination: _When) -> None:
        for later in matching[1:]:
            self._note_pair(period, matching[0], later, combination)
        if matching:
            self.deciding.add(matching[0].id)

    def _note_pair(self, period: Period, earlier: Row, later: Row, combination: _When) -> None:
        self.hidden.setdefault(later.id, {})[earlier.id] = None
        if earlier.action != later.action and (earlier.id, later.id) not in self.overlaps:
            found = Overlap(period, earlier.id, later.id, combination, _covers(later.when, earlier.when, self.columns))
            self.overlaps[earlier.id, later.id] = found

    def hiding(self, row: Row) -> tuple[str, ...]:
        return tuple(self.hidden.get(row.id, ()))


def _periods(table: Table) -> Iterator[tuple[Period, tuple[Row, ...]]]:
    starts = {table.first_day}
    for row in table.rows:
        starts.add(row.first_day)
        if row.last_day is not None:
            starts.add(row.last_day + 1)
    inside = sorted(day for day in starts if table.last_day is None or day <= table.last_day)
    ends = [day - 1 for day in inside[1:]]
    for first, last in zip(inside, [*ends, table.last_day], strict=True):
        yield Period(first, last), tuple(row for row in table.rows if row.holds_on(first))


@dataclass(slots=True)
class _Steps:
    """The steps that a check may still take."""

    left: int

    def take(self, count: int, sets: int, column: Column) -> None:
        """Take some steps.

        Raises:
            TooManyCombinationsError: there are no more, or too many sets of rows.
        """
        self.left -= count
        if self.left < 0 or sets > _SETS_MAX:
            many = f"more than {_SETS_MAX:,}" if sets > _SETS_MAX else "so many"
            raise TooManyCombinationsError(
                f"the rows have {many} different combinations, too many to check: use fewer different limits and "
                f"lists, above all in {column.name}"
            )


def _matching_sets(whens: Sequence[_When], columns: Mapping[str, Column], steps: _Steps) -> dict[int, _Chain]:
    """Return every set of rows that match together, as a mask, with a combination that they match.

    Raises:
        TooManyCombinationsError: there are too many.
    """
    sets: dict[int, _Chain] = {(1 << len(whens)) - 1: None}
    for column in _tested(whens, columns):
        classes = split(column, [when.get(column.name) for when in whens])
        narrowed: dict[int, _Chain] = {}
        for mask, chain in sets.items():
            for condition, accepting in classes:
                narrowed.setdefault(mask & accepting, (chain, condition))
            steps.take(len(classes), len(narrowed), column)
        sets = narrowed
    return sets


def _gaps(whens: Sequence[_When], columns: Mapping[str, Column], steps: _Steps) -> list[_When]:
    """Describe what no row covers by combinations as wide as possible."""
    found: list[_When] = []
    while len(found) < GAPS_SHOWN:
        covering = [*whens, *found]
        sets = _matching_sets(covering, columns, steps)
        if 0 not in sets:
            break
        found.append(_widened(_named(sets[0], _tested(covering, columns)), covering, columns))
    return found


def _widened(combination: _When, whens: Sequence[_When], columns: Mapping[str, Column]) -> _When:
    """Widen a combination column by column while no row matches any of it; drop columns that don't matter."""
    wide = dict(combination)
    for column in _tested(whens, columns):
        classes = [condition for condition, _ in split(column, [when.get(column.name) for when in whens])]
        free = [c for c in classes if not any(_meets(when, {**wide, column.name: c}) for when in whens)]
        if len(free) == len(classes):
            del wide[column.name]
        else:
            wide[column.name] = _union(wide[column.name], free)
    return wide


def _union(own: Condition, free: Sequence[Condition]) -> Condition:
    """Join classes with a combination's own; of numbers only those beside it, so that they are one range."""
    if not isinstance(own, range):
        return frozenset[str | bool]().union(*(c for c in free if not isinstance(c, range)))
    spans = sorted((c for c in free if isinstance(c, range)), key=lambda span: span.start)
    first, last = own.start, own.stop
    for span in spans:
        last = span.stop if span.start == last else last
    for span in reversed(spans):
        first = span.start if span.stop == first else first
    return range(first, last)


def _meets(when: _When, combination: _When) -> bool:
    """Return whether some values fit both."""
    return all(name not in combination or _common(condition, combination[name]) for name, condition in when.items())


def _common(one: Condition, other: Condition) -> bool:
    if isinstance(one, range) and isinstance(other, range):
        return max(one.start, other.start) < min(one.stop, other.stop)
    return not frozenset(one).isdisjoint(other)


def _covers(wide: _When, narrow: _When, columns: Mapping[str, Column]) -> bool:
    """Return whether a row accepts all that another accepts."""
    return all(
        all(value in condition for value in narrow.get(name, columns[name].domain)) for name, condition in wide.items()
    )


def _named(chain: _Chain, tested: Sequence[Column]) -> _When:
    """Return a chain's conditions by column."""
    conditions: list[Condition] = []
    link = chain
    while link is not None:
        link, condition = link
        conditions.append(condition)
    return {column.name: condition for column, condition in zip(tested, reversed(conditions), strict=True)}


def _tested(whens: Sequence[_When], columns: Mapping[str, Column]) -> list[Column]:
    return [column for name, column in columns.items() if any(name in when for when in whens)]


def _joined(gaps: Sequence[Gap]) -> tuple[Gap, ...]:
    """Join a gap with the same one of the next period."""
    joined: list[Gap] = []
    for gap in gaps:
        for number, earlier in enumerate(joined):
            is_next = earlier.period.last_day is not None and earlier.period.last_day + 1 == gap.period.first_day
            if is_next and earlier.combination == gap.combination:
                joined[number] = replace(earlier, period=Period(earlier.period.first_day, gap.period.last_day))
                break
        else:
            joined.append(gap)
    return tuple(joined)


def _bits(mask: int) -> Iterator[int]:
    rest = mask
    while rest:
        lowest = rest & -rest
        yield lowest.bit_length() - 1
        rest ^= lowest
