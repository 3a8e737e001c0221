"""Suppress small counts of a table so that no arithmetic on what is published narrows them down.

The categories of a table are the leaves of a fixed, public tree of pairs: two neighbouring districts, two pairs, a
division, the country. A group is shown in its parts only if every part counts at least LEAST; otherwise the group is
shown as one number. So a small count is never left out beside a total that contains it: it is added to its neighbour.

Why that holds against anybody who knows the tree, the rule and every published number exactly: let a leaf with a count
under LEAST be in a shown group of sum S >= LEAST. Give the leaf any value v from 0 to LEAST - 1, put S - v into one
leaf of the group's other part, and 0 into the rest. The part with the leaf is still under LEAST, so the group is still
shown as one number, S, and nothing published changes. So every value from 0 to LEAST - 1 remains possible.

Sources: under 10 as the Office for National Statistics' rule of thumb for research outputs (ONS, SRS output checking
guidance 1.1, 2022); random rounding to base 3 as Stats NZ (2013 Census confidentiality rules; Microdata output guide,
5th edition, 2020), here with a seed for each cell so that the same cell is always rounded to the same number.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

LEAST = 10
"""Smaller counts, and none, are not shown."""
ROUNDING_BASE = 3
_RANDOM_BYTES = 8
JOIN = "+"
"""Between the names of groups that are shown as one."""


@dataclass(frozen=True)
class Group:
    """A group of categories.

    Attributes:
        name: unique in its tree; a category's own code where it has no parts.
        parts: two groups or more, or none.

    Raises:
        ValueError: it has a single part, which would be the group itself.
    """

    name: str
    parts: tuple["Group", ...] = ()

    def __post_init__(self) -> None:
        if len(self.parts) == 1:
            raise ValueError(f"{self.name}: a group has no parts or at least two")

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """Return the codes of its categories, in their order."""
        return tuple(leaf for part in self.parts for leaf in part.leaves) if self.parts else (self.name,)

    def walk(self) -> Iterator["Group"]:
        """Go through the group and all groups in it, a group before its parts."""
        yield self
        for part in self.parts:
            yield from part.walk()


@dataclass(frozen=True, slots=True)
class Shown:
    """A group that is shown as one number."""

    group: Group
    count: int


def pair_up(parts: Sequence[Group], name: str = "") -> Group:
    """Make a tree of pairs of neighbours.

    Args:
        parts: in an order in which neighbours belong together.
        name: of the whole; without one it is named after its parts.
    """
    if len(parts) == 1:
        return parts[0]
    middle = (len(parts) + 1) // 2
    halves = (pair_up(parts[:middle]), pair_up(parts[middle:]))
    return Group(name or JOIN.join(part.name for part in parts), halves)


def sum_of(group: Group, counts: Mapping[str, int]) -> int:
    """Count what is in a group."""
    return sum(counts.get(leaf, 0) for leaf in group.leaves)


def suppress(tree: Group, counts: Mapping[str, int], least: int = LEAST) -> tuple[Shown, ...]:
    """Divide a tree into the groups that are shown, each with its exact count; none where the whole is too small.

    Args:
        tree: of the table.
        counts: by category; a category that the tree does not have raises ValueError.
        least: the smallest count that is shown.
    """
    if unknown := counts.keys() - set(tree.leaves):
        raise ValueError(f"{tree.name}: no categories: {', '.join(sorted(unknown))}")

    def divide(group: Group) -> Iterator[Shown]:
        if group.parts and all(sum_of(part, counts) >= least for part in group.parts):
            for part in group.parts:
                yield from divide(part)
        else:
            yield Shown(group, sum_of(group, counts))

    return tuple(divide(tree)) if sum_of(tree, counts) >= least else ()


def round_count(count: int, cell: str, secret: bytes) -> int:
    """Round a count at random to a multiple of ROUNDING_BASE, the nearer one with the higher probability.

    Each cell has one seed, so repeated queries can't be averaged. On average over cells the result is the count.

    Args:
        count: the exact count.
        cell: names the count: what is counted, the day and the group; the same in every table that shows it.
        secret: of the service.
    """
    rest = count % ROUNDING_BASE
    if rest == 0:
        return count
    digest = hmac.digest(secret, f"round {cell}".encode(), hashlib.sha256)
    drawn = int.from_bytes(digest[:_RANDOM_BYTES], "big") % ROUNDING_BASE
    return count - rest + (ROUNDING_BASE if drawn < rest else 0)
