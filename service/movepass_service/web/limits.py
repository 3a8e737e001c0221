"""Rate limits: a token bucket for each block of addresses and each form.

Thousands of phones share one address behind a carrier, so the limits are generous, and they are settings. A bucket
holds as many tokens as its burst and gains them at its rate.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

BLOCKS_MAX = 65536
"""Blocks remembered for each form; the one that was quiet for longest goes first."""
IPV4_BLOCK_BITS = 32
IPV6_BLOCK_BITS = 56
"""What one subscriber of a provider commonly gets."""

_REMEMBERED = 4096
"""Addresses whose block need not be worked out again, which takes longer than all the rest of a limit."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit on a block's requests: a rate, and the number at once."""

    per_s: float
    burst: int


class Limiter:
    """Counts requests by form and block of addresses."""

    def __init__(self, limits: Mapping[str, Limit]) -> None:
        """Take the limit of each form; a form without one is not limited."""
        self._limits = dict(limits)
        self._buckets: dict[str, OrderedDict[str, tuple[float, float]]] = {form: OrderedDict() for form in limits}

    def wait_s(self, form: str, address: str, now: float) -> float:
        """Take a token: return 0, or the seconds after which there is one again."""
        limit = self._limits.get(form)
        if limit is None:
            return 0.0
        buckets = self._buckets[form]
        block = block_of(address)
        tokens, since = buckets.pop(block, (float(limit.burst), now))
        tokens = min(float(limit.burst), tokens + max(0.0, now - since) * limit.per_s)
        is_allowed = tokens >= 1
        buckets[block] = (tokens - 1 if is_allowed else tokens, now)
        if len(buckets) > BLOCKS_MAX:
            buckets.popitem(last=False)
        return 0.0 if is_allowed else (1 - tokens) / limit.per_s


@lru_cache(maxsize=_REMEMBERED)
def block_of(address: str) -> str:
    """Return the block that an address is counted with; a text that is no address is a block of its own."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    bits = IPV4_BLOCK_BITS if parsed.version == 4 else IPV6_BLOCK_BITS
    return str(ipaddress.ip_network((parsed, bits), strict=False))
