"""Lends the ordinary lane's capacity to the urgent one, so that urgent applications enter within their bound.

The more urgent people wait, the more is lent: nothing while they would wait less than a fifth of the bound, and most of
the ordinary lane's capacity from half of it on. Both lanes together let in no more than before. It follows from the
urgent lane's state alone, so that all processes lend the same.
"""

from movepass_service.admission.lanes import Lane
from movepass_service.admission.line import Counters, LineState
from movepass_service.admission.settings import LineSettings

LENT_MOST = 0.8
"""Of the ordinary lane's capacity: it never stands still."""
_FROM, _ALL = 0.2, 0.5
"""Parts of the bound that people would wait in the urgent lane alone, from which on something, and most, is lent."""


def lent(state: LineState, counters: Counters, settings: LineSettings) -> float:
    """Return how many applications a second the ordinary lane lends.

    Args:
        state: the urgent lane's.
        counters: the urgent lane's.
        settings: the operator's.
    """
    waiting = max(0, counters.issued - state.called) * state.share
    part = waiting / settings.urgent_per_s / settings.urgent_bound_s
    return LENT_MOST * settings.ordinary_per_s * min(1.0, max(0.0, (part - _FROM) / (_ALL - _FROM)))


def per_s_with(lane: Lane, settings: LineSettings, lends: float) -> float:
    """Return a lane's capacity in applications a second, while the ordinary lane lends so many."""
    return settings.per_s(lane) + {Lane.URGENT: lends, Lane.ORDINARY: -lends}.get(lane, 0.0)
