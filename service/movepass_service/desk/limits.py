"""Limit the requests that the desk takes from one block of addresses."""

from collections.abc import Mapping
from types import MappingProxyType

from movepass_service.web.limits import Limit

PAGES_PER_S = 50
"""An office may sit behind one address."""
SIGN_INS_PER_S = 2
TEST_FACTOR = 15
"""A TEST authority's desk takes so much more, so that load can come from one machine."""


def default_desk_limits(*, is_test: bool) -> Mapping[str, Limit]:
    """Return the limits: requests a second and at once, from one block of addresses."""
    factor = TEST_FACTOR if is_test else 1
    pages, sign_ins = factor * PAGES_PER_S, factor * SIGN_INS_PER_S
    return MappingProxyType({"desk": Limit(pages, 4 * pages), "sign-in": Limit(sign_ins, 10 * sign_ins)})
