"""Opens what the functions need: the service's core on DynamoDB, and secrets."""

import json
import os
import time
from functools import partial
from typing import Any

from movepass_keys.aws import Patience, RefusedError, UnintelligibleError, patient_client, patiently
from movepass_service.applications.references import Secrets
from movepass_service.aws.settings import FunctionSettingsError, ServiceFunctionSettings
from movepass_service.decisions.desk import Desk
from movepass_service.service import Health, ServiceCore
from movepass_service.settings import Settings
from movepass_service.stores.dynamodb.regional import Neighbour, RegionalStore
from movepass_service.stores.dynamodb.store import DynamoDbStore

SECRET_MIN_CHARS = 43
"""The least length of a secret: as many letters and digits as 256 bits need."""
COUNTS = "counts"
"""Name under which the numbers of applications by state are kept, once they were counted."""
CASES_MAX = 1_000
"""Cases that a page of the desk reads, the most urgent ones: some twenty calls to the table."""
_COUNTS_SECONDS = 60.0
_PATIENCE = Patience(deadline=8, connect=2, read=5, backoff_first=0.1, backoff_max=1)


class CloudService(ServiceCore):
    """The core as functions have it. Nothing here reads the whole table: the tidy function counts it now and then."""

    def __init__(
        self, store: DynamoDbStore, secrets: Secrets, *, name: str, is_test: bool, regional: RegionalStore | None = None
    ) -> None:
        """Take what it works with; see ServiceCore.

        Args:
            store: where applications are kept.
            secrets: see ServiceCore.
            name: see ServiceCore.
            is_test: see ServiceCore.
            regional: the same store, where there are several regions.
        """
        super().__init__(store, secrets, Settings(), name=name, is_test=is_test)
        self.desk = Desk(store, self.rules, cases_max=CASES_MAX)
        self.cloud_store = store
        self.regional = regional
        self._counts: tuple[float, dict[str, int]] = (float("-inf"), {})

    def health(self) -> Health:
        """Return that it answers. Alarms tell of what waits (docs/aws.md)."""
        self.store.rules_in_force()
        return Health(ok=True, worker_age_s=None, last_publication=None, queue=0)

    def statistics_public(self) -> dict[str, int]:
        """Return the numbers of applications by state as they were last counted."""
        read, counts = self._counts
        if time.monotonic() - read >= _COUNTS_SECONDS:
            kept = self.store.noted(COUNTS)
            counts = {} if kept is None else json.loads(kept)
            self._counts = (time.monotonic(), counts)
        return counts


def open_service(settings: ServiceFunctionSettings) -> CloudService:
    """Open the core.

    Only the site function has the site's secret. The others get a random one, as they derive no applicant's secret.

    Raises:
        ServiceError: a setting is wrong, or the secret can't be read.
    """
    master = read_secret(settings.secret).encode() if settings.secret else os.urandom(32)
    regional = _open_regional(settings)
    store = regional or DynamoDbStore(settings.table)
    return CloudService(store, Secrets(master), name=settings.authority, is_test=settings.is_test, regional=regional)


def open_store(settings: ServiceFunctionSettings) -> DynamoDbStore:
    """Open the store alone, beside other regions' where there are any.

    Raises:
        StoreError: a setting is wrong.
    """
    return _open_regional(settings) or DynamoDbStore(settings.table)


def _open_regional(settings: ServiceFunctionSettings) -> RegionalStore | None:
    if not settings.peers:
        return None
    others = [Neighbour.open(peer.number, peer.table) for peer in settings.peers]
    return RegionalStore(settings.table, settings.region, others)


def read_secret(arn: str, *, client: Any = None) -> str:
    """Read a secret of the template's.

    IAM: secretsmanager:GetSecretValue.

    Raises:
        FunctionSettingsError: it can't be read, or is too short.
    """
    manager = client or patient_client("secretsmanager", _PATIENCE)
    get = partial(manager.get_secret_value, SecretId=arn)
    try:
        secret = str(patiently(manager, get, _PATIENCE, lambda refused: "Throttl" in refused.code)["SecretString"])
    except (RefusedError, UnintelligibleError, KeyError) as e:
        raise FunctionSettingsError(f"the secret {arn} can't be read: {e}") from e
    if len(secret) < SECRET_MIN_CHARS:
        raise FunctionSettingsError(f"the secret {arn} has fewer than {SECRET_MIN_CHARS} characters")
    return secret
