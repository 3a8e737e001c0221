"""The operator's settings of the line: the table [line] of service.toml. Bounds have their home here."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from movepass_service.admission.lanes import Lane

BOUNDS: Mapping[str, tuple[float, float]] = {
    "urgent_per_s": (0.1, 100_000),
    "ordinary_per_s": (0.1, 100_000),
    "slow_urgent_per_s": (0.1, 10_000),
    "slow_per_s": (0.1, 10_000),
    "turn_s": (60, 3600),
    "urgent_bound_s": (60, 3600),
    "flood_times": (1.5, 1000),
    "flood_after_s": (1, 3600),
    "proof_hashes": (1000, 10_000_000),
}
"""The least and the most of each setting."""


@dataclass(frozen=True, slots=True)
class LineSettings:
    """How many applications are let in, and what happens beyond that.

    The defaults are more than one process can take: its line begins only where the operator sets a capacity.

    Attributes:
        urgent_per_s: medical trips and burials let in a second.
        ordinary_per_s: all others.
        slow_urgent_per_s: during a flood, urgent ones without a proof of work.
        slow_per_s: during a flood, others without one.
        turn_s: for how long a turn can be used; afterwards the place is over.
        urgent_bound_s: within so long urgent applications shall enter; the ordinary lane lends its capacity for it.
        flood_times: a flood is this many times the capacity of the first two lanes.
        flood_after_s: for so many seconds.
        proof_hashes: the most hashes that a proof takes; half of them on average.
    """

    urgent_per_s: float = 1000.0
    ordinary_per_s: float = 1000.0
    slow_urgent_per_s: float = 10.0
    slow_per_s: float = 5.0
    turn_s: float = 300.0
    urgent_bound_s: float = 600.0
    flood_times: float = 4.0
    flood_after_s: float = 10.0
    proof_hashes: float = 100_000

    @classmethod
    def read(cls, document: object) -> Self:
        """Read the table.

        Raises:
            ValueError: it is no table, or holds what is no setting or out of its bounds.
        """
        if not isinstance(document, Mapping):
            raise ValueError("line: expected a table, [line]")  # noqa: TRY004 - the caller names the file
        known = [field.name for field in fields(cls)]
        for name, value in document.items():
            if name not in known:
                raise ValueError(f"line.{name} is no setting; known: {', '.join(known)}")
            least, most = BOUNDS[name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
                raise ValueError(f"line.{name}: expected a number from {least:g} to {most:g}")
        return cls(**document)

    def per_s(self, lane: Lane) -> float:
        """Return a lane's capacity in applications a second."""
        return {
            Lane.URGENT: self.urgent_per_s,
            Lane.ORDINARY: self.ordinary_per_s,
            Lane.SLOW_URGENT: self.slow_urgent_per_s,
            Lane.SLOW: self.slow_per_s,
        }[lane]
