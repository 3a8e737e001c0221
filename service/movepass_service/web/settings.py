"""The settings of a web application: its address, its limits, its texts' names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from movepass_service.web.limits import Limit


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The settings of the site, or of the desk.

    Attributes:
        url: the public address: scheme, host and port. Other hosts are refused.
        authority: the issuing authority's name, as pages show it.
        is_test: whether it is a TEST authority; pages then say so.
        other_hosts: further values of the Host header that are accepted.
        trusted_proxies: addresses whose X-Forwarded-For is believed.
        limits: by form; a form without one is not limited.
        helpline: a telephone number that pages name, if there is one.
        body_max_bytes: the longest body.
        body_timeout_s: how long a body may take.
        in_flight_max: requests at work at one time; more are told to come back, so that nobody waits many seconds.
        has_cache: whether a cache of the operator's own is before the site, whose key holds the Authorization header.
            It then keeps what the API answers about an application that waits, for some seconds.
    """

    url: str = "http://localhost:8080"
    authority: str = "TEST"
    is_test: bool = True
    other_hosts: frozenset[str] = frozenset()
    trusted_proxies: frozenset[str] = frozenset()
    limits: Mapping[str, Limit] = field(default_factory=dict)
    helpline: str | None = None
    body_max_bytes: int = 65536
    body_timeout_s: float = 20.0
    in_flight_max: int = 600
    has_cache: bool = False

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path not in {"", "/"}:
            raise ValueError(f"an address is like https://pass.example.gov.bd, got {self.url[:80]!r}")

    @property
    def origin(self) -> str:
        """Return the origin as browsers send it."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def origins(self) -> frozenset[str]:
        """Return the origins that forms are taken from: the site under each of its hosts."""
        scheme = urlsplit(self.url).scheme
        return frozenset(f"{scheme}://{host}" for host in self.hosts)

    @property
    def hosts(self) -> frozenset[str]:
        """Return the values of the Host header that are accepted."""
        return self.other_hosts | {urlsplit(self.url).netloc.lower()}

    @property
    def is_secure(self) -> bool:
        """Return whether the site is served over HTTPS: cookies and headers then insist on it."""
        return self.url.startswith("https://")
