"""Limit the requests that the site takes from one block of addresses."""

from collections.abc import Mapping
from types import MappingProxyType

from movepass_service.web.limits import Limit

TEST_APPLICATIONS_PER_S = 300
"""Requests a second of one address to a TEST authority, so that load can come from one machine."""
APPLICATIONS_PER_S = 20
"""The same for any other authority; thousands of phones share an address of a carrier."""


def default_limits(*, is_test: bool) -> Mapping[str, Limit]:
    """Return the limits of each form: requests a second and at once, from one block of addresses."""
    per_s = TEST_APPLICATIONS_PER_S if is_test else APPLICATIONS_PER_S
    limits = {
        "check": Limit(per_s, 4 * per_s),
        "send": Limit(per_s, 4 * per_s),
        "lookup": Limit(per_s / 10, per_s),
        "code": Limit(per_s / 20, per_s),
        "change": Limit(per_s / 10, per_s),
        "status": Limit(10 * per_s, 40 * per_s),
        "picture": Limit(per_s / 2, 2 * per_s),
    }
    return MappingProxyType(limits)
