"""What may be set about the site: its address, its limits, its texts' names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urlsplit

from movepass_service.web.limits import Limit

TEST_APPLICATIONS_PER_S = 300
"""What one address may send to a TEST authority, so that load can come from one machine."""
APPLICATIONS_PER_S = 20
"""What one address may send otherwise; thousands of phones share an address of a carrier."""


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


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The site's settings.

    Attributes:
        site_url: the public address: scheme, host and port. Other hosts are refused.
        authority: the issuing authority's name, as pages show it.
        is_test: whether it is a TEST authority; pages then say so.
        other_hosts: further values of the Host header that are accepted.
        trusted_proxies: addresses whose X-Forwarded-For is believed.
        limits: by form.
        helpline: a telephone number that pages name, if there is one.
        body_max_bytes: the longest body.
        body_timeout_s: how long a body may take.
        in_flight_max: requests at work at one time; more are told to come back, so that nobody waits many seconds.
    """

    site_url: str = "http://localhost:8080"
    authority: str = "TEST"
    is_test: bool = True
    other_hosts: frozenset[str] = frozenset()
    trusted_proxies: frozenset[str] = frozenset()
    limits: Mapping[str, Limit] = field(default_factory=lambda: default_limits(is_test=True))
    helpline: str | None = None
    body_max_bytes: int = 65536
    body_timeout_s: float = 20.0
    in_flight_max: int = 600

    def __post_init__(self) -> None:
        parts = urlsplit(self.site_url)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path not in {"", "/"}:
            raise ValueError(f"the site's address is like https://pass.example.gov.bd, got {self.site_url[:80]!r}")

    @property
    def origin(self) -> str:
        """Return the origin as browsers send it."""
        parts = urlsplit(self.site_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def origins(self) -> frozenset[str]:
        """Return the origins that forms are taken from: the site under each of its hosts."""
        scheme = urlsplit(self.site_url).scheme
        return frozenset(f"{scheme}://{host}" for host in self.hosts)

    @property
    def hosts(self) -> frozenset[str]:
        """Return the values of the Host header that are accepted."""
        return self.other_hosts | {urlsplit(self.site_url).netloc.lower()}

    @property
    def is_secure(self) -> bool:
        """Return whether the site is served over HTTPS: cookies and headers then insist on it."""
        return self.site_url.startswith("https://")
