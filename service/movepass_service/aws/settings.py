"""The functions' settings, from the environment that the templates give them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from movepass_service.admission.settings import LineSettings
from movepass_service.errors import ServiceError

_PEER = re.compile(r"([0-9]{1,3}),(arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]+)")
_FLAGS = {"true": True, "false": False}


class FunctionSettingsError(ServiceError):
    """A variable of a function's environment is missing, or can't be used."""

    is_input = True


@dataclass(frozen=True, slots=True)
class Peer:
    """Another region that serves applicants.

    Attributes:
        number: its number, from 0.
        table: the ARN of its service's table.
    """

    number: int
    table: str

    @classmethod
    def parse(cls, text: str) -> "Peer":
        """Read NUMBER,TABLE-ARN.

        Raises:
            FunctionSettingsError: it has another form.
        """
        match = _PEER.fullmatch(text)
        if match is None:
            raise FunctionSettingsError(f"MOVEPASS_SERVICE_PEERS: expected NUMBER,TABLE-ARN, got {text!r}")
        return cls(int(match[1]), match[2])


@dataclass(frozen=True, slots=True)
class ServiceFunctionSettings:
    """The settings of a function of the service. A function that needs no such setting has "" there.

    Attributes:
        table: MOVEPASS_SERVICE_TABLE, the service's own.
        authority: MOVEPASS_AUTHORITY, the authority's name, as pages and cards show it.
        is_test: MOVEPASS_TEST, "true" for a TEST authority, else "false".
        url: MOVEPASS_URL, the public address of the site or the desk.
        hosts: MOVEPASS_HOSTS, further values of the Host header, with blanks between them: the HTTP API's own name.
        secret: MOVEPASS_SITE_SECRET, ARN of the secret that references and applicants' secrets are derived from.
        edge_secret: MOVEPASS_EDGE_SECRET, ARN of the secret that CloudFront adds to the site's requests.
        repository: MOVEPASS_REPOSITORY, like s3://BUCKET.
        signer: MOVEPASS_SIGNER, the online key, like awskms:ARN.
        folder: where a relative file of the signer counts from: the unpacked package.
        requests: MOVEPASS_REQUESTS, URL of the issuer's request queue.
        ledger: MOVEPASS_LEDGER, name of the issuer's table.
        revoke: MOVEPASS_REVOKE_FUNCTION, name of the issuer's revoke function.
        decide: MOVEPASS_DECIDE_FUNCTION, name of the decide function.
        sequence: MOVEPASS_SEQUENCE_FUNCTION, name of the sequence function.
        sends_codes: MOVEPASS_SMS, "true" where SNS sends codes to telephone numbers; else "false".
        region: MOVEPASS_REGION_NUMBER, which of several regions this is, from 0.
        peers: MOVEPASS_SERVICE_PEERS, the other regions as NUMBER,TABLE-ARN, with blanks between them; none where
            there is one region.
        facts: MOVEPASS_FACTS, the bucket of the facts of statistics.
        statistics_secret: MOVEPASS_STATISTICS_SECRET, ARN of the secret of pseudonyms and events' names.
        line: MOVEPASS_CAPACITY and MOVEPASS_URGENT_CAPACITY, applications let in a second; none are the defaults.
    """

    table: str
    authority: str
    is_test: bool
    url: str
    hosts: frozenset[str]
    secret: str
    edge_secret: str
    repository: str
    signer: str
    folder: Path
    requests: str
    ledger: str
    revoke: str
    decide: str
    sequence: str
    sends_codes: bool
    region: int
    peers: tuple[Peer, ...]
    facts: str
    statistics_secret: str
    line: LineSettings

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *needed: str) -> "ServiceFunctionSettings":
        """Read them.

        Args:
            environment: the process's.
            needed: names of the attributes that this function can't do without, beside table and authority.

        Raises:
            FunctionSettingsError: one is missing, or can't be used.
        """

        def text(name: str) -> str:
            return environment.get(f"MOVEPASS_{name}", "").strip()

        if text("TEST") not in _FLAGS:
            raise FunctionSettingsError(f"MOVEPASS_TEST: expected true or false, got {text('TEST')!r}")
        read = cls(
            table=text("SERVICE_TABLE"),
            authority=text("AUTHORITY"),
            is_test=_FLAGS[text("TEST")],
            url=text("URL"),
            hosts=frozenset(host.lower() for host in text("HOSTS").split()),
            secret=text("SITE_SECRET"),
            edge_secret=text("EDGE_SECRET"),
            repository=text("REPOSITORY"),
            signer=text("SIGNER"),
            folder=Path(environment.get("LAMBDA_TASK_ROOT", ".")),
            requests=text("REQUESTS"),
            ledger=text("LEDGER"),
            revoke=text("REVOKE_FUNCTION"),
            decide=text("DECIDE_FUNCTION"),
            sequence=text("SEQUENCE_FUNCTION"),
            sends_codes=_FLAGS.get(text("SMS"), False),
            region=_number(text("REGION_NUMBER") or "0", "MOVEPASS_REGION_NUMBER"),
            peers=tuple(Peer.parse(peer) for peer in text("SERVICE_PEERS").split()),
            facts=text("FACTS"),
            statistics_secret=text("STATISTICS_SECRET"),
            line=_line({"ordinary_per_s": text("CAPACITY"), "urgent_per_s": text("URGENT_CAPACITY")}),
        )
        for name in ("table", "authority", *needed):
            if not getattr(read, name):
                raise FunctionSettingsError(f"MOVEPASS_{_VARIABLES[name]} is missing; the template sets it")
        if read.url and (urlsplit(read.url).scheme not in {"http", "https"} or not urlsplit(read.url).netloc):
            raise FunctionSettingsError(f"MOVEPASS_URL: expected an address like https://…, got {read.url[:80]!r}")
        if read.region in {peer.number for peer in read.peers}:
            raise FunctionSettingsError(f"MOVEPASS_SERVICE_PEERS: region {read.region} is this one")
        return read


def _number(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError as e:
        raise FunctionSettingsError(f"{name}: expected a whole number, got {text!r}") from e


def _line(given: Mapping[str, str]) -> LineSettings:
    try:
        return LineSettings.read({name: float(value) for name, value in given.items() if value})
    except ValueError as e:
        raise FunctionSettingsError(f"MOVEPASS_CAPACITY, MOVEPASS_URGENT_CAPACITY: {e}") from e


_VARIABLES = {
    "table": "SERVICE_TABLE", "authority": "AUTHORITY", "url": "URL", "secret": "SITE_SECRET",
    "edge_secret": "EDGE_SECRET", "repository": "REPOSITORY", "signer": "SIGNER", "requests": "REQUESTS",
    "ledger": "LEDGER",
    "revoke": "REVOKE_FUNCTION", "decide": "DECIDE_FUNCTION", "sequence": "SEQUENCE_FUNCTION",
    "facts": "FACTS", "statistics_secret": "STATISTICS_SECRET",
}  # fmt: skip
