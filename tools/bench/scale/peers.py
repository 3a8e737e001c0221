"""The other ways to tell officers what is revoked, under the same assumptions, each taken in its favour."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from scale.assumptions import (
    ANSWER_BYTES,
    API_CALL,
    CHECKS_A_PASS,
    DAY,
    DELAYS,
    DEVICES,
    DHAKA_AHEAD,
    DOWN_HOURS,
    HOUR,
    HOURLY_WEIGHTS,
    LAMBDA_CALL,
    LAMBDA_GB_SECOND,
    LAMBDA_GB_SECONDS,
    LAUNCH_HOUR,
    LINKS,
    NO_NETWORK_AT_POST,
    PASSES_A_DAY,
    TABLE_READ,
    Link,
)
from scale.devices import draw_plans
from scale.lists import Life, TokenStatusList, share_of_day
from scale.model import (
    Cost,
    Documents,
    Lists,
    Reach,
    day_cost,
    found_at,
    lists_of,
    mean_cost,
    reach,
    sync_cost,
)

_SEED = 5
"""One for all, so that each way has the same devices."""
CHECKS_A_DAY = PASSES_A_DAY * CHECKS_A_PASS


@dataclass(frozen=True, slots=True)
class Outcome:
    """The costs and effects of one way in a day.

    Attributes:
        cost: of one device on average.
        usd: for all devices.
        reach: how revocations arrive; None where a device has no lists.
        unanswered: share of the checks that can't be decided.
    """

    name: str
    cost: Cost
    usd: float
    reach: Reach | None
    unanswered: float


def ours(name: str, life: Life, documents: Documents, links: Sequence[Link], drawn: int) -> Outcome:
    """Our logs, at the links' intervals."""
    return _outcome(name, life, partial(sync_cost, documents), links, drawn)


def _outcome(
    name: str, life: Life, price: Callable[[Lists | None, Lists, Lists | None], Cost], links: Sequence[Link], drawn: int
) -> Outcome:
    """Let devices sync for a day, and see what it costs and how revocations arrive."""
    rng = random.Random(_SEED)
    plans = draw_plans(links, devices=drawn, rng=rng)
    look = cache(partial(lists_of, lambda _day: life))  # every day's log has the same life
    costs = [day_cost(plan.syncs, found_at(plan.syncs, life.every, DELAYS, rng), look, price) for plan in plans]
    cost, arrived = mean_cost(costs), reach(plans, rng=rng, every=life.every)
    return Outcome(name, cost, (cost * DEVICES).usd, arrived, arrived.stale)


def token_status_list(name: str, life: Life, tsl: TokenStatusList, links: Sequence[Link], drawn: int) -> Outcome:
    """One Token Status List for each day that ours has a log for; fetched whole if changed, else answered 304."""
    size = cache(partial(tsl.size, life.passes))

    def price(held: Lists | None, new: Lists, _packed: Lists | None) -> Cost:
        changed = [v for day, v in new.items() if held is None or day not in held or held[day].count != v.count]
        return Cost(1, len(new), sum(size(version.count) for version in changed))

    return _outcome(name, life, price, links, drawn)


def at_intervals(links: Sequence[Link], seconds: float) -> list[Link]:
    """Return the links with another interval, where a device has a network at its post."""
    return [link if link.name == NO_NETWORK_AT_POST else replace(link, interval=round(seconds)) for link in links]


def back_end(name: str) -> Outcome:
    """Every check asks the back end, which is built of functions and a table, and as loaded as in April 2021."""
    check = Cost(1, 1, ANSWER_BYTES)
    cost = check * (CHECKS_A_DAY / DEVICES)
    calls = API_CALL + LAMBDA_CALL + LAMBDA_GB_SECONDS * LAMBDA_GB_SECOND + TABLE_READ
    traffic = replace(cost * DEVICES, requests=0.0)
    heads = (check * CHECKS_A_DAY).link_bytes - traffic.link_bytes
    usd = CHECKS_A_DAY * calls + replace(traffic, bodies=traffic.bodies + heads).usd
    return Outcome(name, cost, usd, None, 1 - (1 - without_network()) * (1 - site_down()))


def without_network() -> float:
    """Return the share of checks made where there is no network."""
    return sum(link.share * (1.0 if link.name == NO_NETWORK_AT_POST else link.offline) for link in LINKS)


def site_down() -> float:
    """Return the share of a day's checks that fall into the hours in which the site of April 2021 was reported down."""
    start, end = ((LAUNCH_HOUR + hours) * HOUR - DHAKA_AHEAD for hours in DOWN_HOURS)
    return share_of_day(start, end)


def peak_checks_a_second() -> float:
    """Return the checks a second in the busiest hour."""
    return CHECKS_A_DAY * max(HOURLY_WEIGHTS) / sum(HOURLY_WEIGHTS) / HOUR


def requests_a_second(outcome: Outcome) -> float:
    """Return the requests a second on the CDN, spread by jitter."""
    return outcome.cost.requests * DEVICES / DAY
