"""Does the tidy function's part where two regions serve applicants (docs/regions.md).

Each minute it copies what the other region lacks, and revokes strays: passes that this region made for applications
that the other has adopted. Once an hour it looks for strays that were made before it knew. An operator sends
{"adopt": NUMBER} once a region is lost, again until the answer is {"adopted": 0}; and {"strays": true} once this region
is back, so that nobody waits for the hour.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from movepass_service.aws.events import UnknownEventError
from movepass_service.aws.revoking import REVOKED_AT_ONCE, Revocations
from movepass_service.aws.telemetry import count
from movepass_service.stores.dynamodb.regional import RegionalStore
from movepass_service.stores.dynamodb.table import groups

ADOPTED_MAX = 10_000
"""Adopted by one invocation, at most."""
STRAYS_MAX = 1_000
"""Revoked by one invocation, at most."""
_REASON = "another region has adopted the application"


@dataclass(frozen=True, slots=True)
class Step:
    """A step that an operator asks for when a region is lost or has come back.

    Attributes:
        adopt: number of the lost region, whose open applications shall be adopted; None where strays shall be found.
    """

    adopt: int | None


def read_step(event: object) -> Step | None:
    """Read an operator's event; None where it is a schedule's.

    Raises:
        UnknownEventError: it asks for something else.
    """
    if not isinstance(event, Mapping) or not event.keys() & {"adopt", "strays"}:
        return None
    number = event.get("adopt")
    if event == {"adopt": number} and type(number) is int:
        return Step(number)
    if len(event) == 1 and event.get("strays") is True:
        return Step(None)
    raise UnknownEventError('expected {"adopt": NUMBER} or {"strays": true}')


class OtherRegion:
    """Works on what is between this region and the other."""

    def __init__(self, store: RegionalStore, revocations: Revocations) -> None:
        """Take this region's store and the issuer's revoke function."""
        self._store = store
        self._revocations = revocations

    def tidy(self, now: int) -> dict[str, int]:
        """Copy what the other region lacks, and revoke strays.

        Raises:
            NotFollowedError: strays could not be revoked; they stay noted.
        """
        uncopied = self._store.copy_rest()
        count("Uncopied", uncopied)
        return {"uncopied": uncopied, "strays": self._revoke_strays(now)}

    def take(self, step: Step, now: int) -> dict[str, int]:
        """Do what an operator asks for.

        Raises:
            UnknownEventError: the region that is said to be lost is none of the others.
            NotFollowedError: see tidy.
        """
        if step.adopt is None:
            self.find_strays()
            return {"strays": self._revoke_strays(now)}
        if step.adopt not in self._store.others:
            raise UnknownEventError(f"region {step.adopt} is none of the others, {sorted(self._store.others)}")
        return {"adopted": len(self._store.adopt_open(step.adopt, now, ADOPTED_MAX))}

    def find_strays(self) -> None:
        """Look through the whole table for passes that must be revoked."""
        self._store.find_strays()

    def _revoke_strays(self, now: int) -> int:
        strays = self._store.strays(STRAYS_MAX)
        for some in groups(strays, REVOKED_AT_ONCE):
            self._revocations.revoke([one.pass_number for one in some], _REASON)
            for one in some:
                self._store.settle_stray(one, now)
        count("StraysRevoked", len(strays))
        return len(strays)
