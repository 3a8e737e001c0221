"""Detect a flood: far more people come than the capacity, and for a while. Pure, with hysteresis."""

from dataclasses import dataclass, replace

CALM_S = 120.0
"""For how long arrivals must be below half of the bound before a flood is over."""
_MEMORY_S = 3.0
"""Seconds over which the rate of arrivals is smoothed."""


@dataclass(frozen=True, slots=True)
class Flood:
    """Arrivals, as far as they are known.

    Attributes:
        at: when it was last updated.
        arrived: how many had come by then.
        rate: arrivals a second.
        since: since when arrivals have been on the other side of the bound; None if they are not.
        is_on: whether there is a flood.
    """

    at: float
    arrived: int = 0
    rate: float = 0.0
    since: float | None = None
    is_on: bool = False


def watch(flood: Flood, now: float, arrived: int, *, bound_per_s: float, after_s: float) -> Flood:
    """Return what is known after more have come.

    Args:
        flood: what was known.
        now: Unix seconds.
        arrived: how many have come in all.
        bound_per_s: above this rate it is a flood; it ends below half of it.
        after_s: how long the rate must stay above.
    """
    passed = now - flood.at
    if passed <= 0:
        return flood
    weight = 1 - 0.5 ** (passed / _MEMORY_S)
    rate = flood.rate + weight * (max(0, arrived - flood.arrived) / passed - flood.rate)
    is_beyond = rate < bound_per_s / 2 if flood.is_on else rate > bound_per_s
    since = (flood.at if flood.since is None else flood.since) if is_beyond else None
    long_enough = since is not None and now - since >= (CALM_S if flood.is_on else after_s)
    known = replace(flood, at=now, arrived=arrived, rate=rate, since=since)
    return replace(known, is_on=not flood.is_on, since=None) if long_enough else known
