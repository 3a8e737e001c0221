"""The functions' settings, from the environment that the template gives them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from movepass_issuer.errors import IssuerError
from movepass_issuer.regions.ledger import Region
from movepass_issuer.regions.peers import TAKEOVER_SECONDS, Peer, takeover_after


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """The settings of a function. A function that needs no such setting has none.

    Attributes:
        table: MOVEPASS_TABLE, the ledger's.
        repository: MOVEPASS_REPOSITORY, like s3://BUCKET.
        signer: MOVEPASS_SIGNER, awskms:ARN or awskms-wrapped:FILE; the key that this function signs with.
        folder: where a relative FILE counts from: the unpacked package.
        region: MOVEPASS_REGION_NUMBER of MOVEPASS_REGION_COUNT.
        peers: MOVEPASS_PEERS, the other regions (regions.Peer), with blanks between them.
        takeover: MOVEPASS_TAKEOVER_SECONDS without a publication after which region 0 publishes, and a third of that
            more for each number.
        usable_from: MOVEPASS_USABLE_FROM, when devices can know the pass key, seconds since 1970 UTC.
        answers: MOVEPASS_ANSWERS, URL of the queue that answers go to; "" where nobody wants them.
        dead_letters: MOVEPASS_DEAD_LETTERS, URL of the queue of what no pass came of.
        attempts: MOVEPASS_ATTEMPTS, how often the request queue hands out a message.
    """

    table: str
    repository: str
    signer: str
    folder: Path
    region: Region
    peers: tuple[Peer, ...]
    takeover: int
    usable_from: int
    answers: str
    dead_letters: str
    attempts: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "FunctionSettings":
        """Read them.

        Raises:
            IssuerError: one is not a number, or not a region.
        """

        def text(name: str) -> str:
            return environment.get(f"MOVEPASS_{name}", "")

        def number(name: str, otherwise: int) -> int:
            try:
                return int(text(name) or otherwise)
            except ValueError as e:
                raise IssuerError(f"MOVEPASS_{name}: expected a whole number, got {text(name)!r}") from e

        region = Region(number("REGION_NUMBER", 0), number("REGION_COUNT", 1))
        if not 0 <= region.number < region.count:
            raise IssuerError(f"MOVEPASS_REGION_NUMBER: expected 0 to {region.count - 1}, got {region.number}")
        return cls(
            table=text("TABLE"),
            repository=text("REPOSITORY"),
            signer=text("SIGNER"),
            folder=Path(environment.get("LAMBDA_TASK_ROOT", ".")),
            region=region,
            peers=tuple(Peer.parse(peer) for peer in text("PEERS").split()),
            takeover=takeover_after(region.number, number("TAKEOVER_SECONDS", TAKEOVER_SECONDS)),
            usable_from=number("USABLE_FROM", 0),
            answers=text("ANSWERS"),
            dead_letters=text("DEAD_LETTERS"),
            attempts=number("ATTEMPTS", 1),
        )
