"""The publisher's thread: lists and the head of the decision log on a schedule, and soon after a revocation."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing

from movepass_issuer import IssuerError
from movepass_issuer.authority.folder import Authority
from movepass_issuer.publishing.published_lists import PublishedLists
from movepass_issuer.publishing.publisher import Publication
from movepass_issuer.publishing.watch import PublishingFailure, publish_every
from movepass_issuer.regions.replication import Followed
from movepass_keys import KeysError
from movepass_keys.records.layout import HEAD_TARGET, TIMESTAMP
from movepass_service.errors import ServiceError
from movepass_service.service import Service

LOG = logging.getLogger(__name__)
_FOREIGN_HEAD = (
    "the published head of the decision log is not of this log, and stays: the service was restored from a copy, or "
    "another one publishes for this authority. If you know that it was restored: replace_head = true in service.toml"
)


class _Stop:
    """Ends a wait early: at the end of the service, or once passes were revoked."""

    def __init__(self, revoked: threading.Event, gather_s: float) -> None:
        self._stopped = threading.Event()
        self._revoked = revoked
        self._gather_s = gather_s

    def set(self) -> None:
        self._stopped.set()
        self._revoked.set()

    def is_set(self) -> bool:
        return self._stopped.is_set()

    def wait(self, timeout: float) -> bool:
        """Wait for a revocation, and then a little for more of them; or for the time to be over."""
        if self._revoked.wait(timeout) and not self._stopped.is_set():
            self._stopped.wait(self._gather_s)
        self._revoked.clear()
        return self._stopped.is_set()


class PublisherThread:
    """Publishes for one service until it is told to stop."""

    def __init__(
        self,
        service: Service,
        clock: Callable[[], float] = time.time,
        also_tell: Callable[[int, int], None] = lambda _version, _at: None,
    ) -> None:
        """Take the service to publish for.

        Args:
            service: an open one.
            clock: gives the time in seconds since 1970 UTC.
            also_tell: called with the version and the time of each publication.
        """
        self._service = service
        self._also_tell = also_tell
        self._clock = clock
        self._stop = _Stop(service.pulse.revoked, service.settings.publish_after_revocation_s)
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the publication at work, publish what was revoked and sealed since, and end the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        publish_every(self._service.settings.publish_every_s, self._publish, stop=self._stop, tell=self._tell)
        try:
            if self._has_revoked() or self._has_sealed():
                self._tell(self._publish(), 0)
        except (IssuerError, KeysError, OSError) as e:  # which the next start does
            self._tell(e, 0)
        except ServiceError as e:
            LOG.error("the head of the decision log is not published: %s", e)  # noqa: TRY400 - a cause, no defect

    def _has_revoked(self) -> bool:
        with closing(Authority.open(self._service.authority.folder).ledger()) as ledger:
            return bool(ledger.pending())

    def _has_sealed(self) -> bool:
        """Return whether the newest head of the decision log was not to be published yet."""
        head = self._service.store.newest_head()
        return head is not None and not self._service.store.has_offered(head.note)

    def _publish(self) -> Publication:
        with Authority.open(self._service.authority.folder).publisher(self._others) as publisher:
            return publisher.publish(int(self._clock()))

    def _others(self) -> dict[str, bytes]:
        """Return what is published beside the lists: the head of the decision log, once there is one.

        A published head that this log did not have stays: it is what an auditor has to compare with.
        """
        store, settings, pulse = self._service.store, self._service.settings, self._service.pulse
        try:
            known = settings.replace_head or self._has_published()
            pulse.log_trouble = "" if known else _FOREIGN_HEAD
            head = store.offer_head() if known else None
        except (ServiceError, IssuerError) as e:  # revocations go out all the same, and the last head stays
            pulse.log_trouble = f"the head of the decision log is not published: {e}"
            LOG.error("%s", pulse.log_trouble)  # noqa: TRY400 - a cause, no defect
            return {}
        return {} if head is None else {HEAD_TARGET: head.encode()}

    def _has_published(self) -> bool:
        """Return whether the published head, if there is one, is of this log."""
        repository = Authority.open(self._service.authority.folder).repository
        if repository.read(TIMESTAMP) is None:
            return True
        published = PublishedLists.read(repository).target(HEAD_TARGET)
        return published is None or self._service.store.has_offered(published.decode(errors="replace"))

    def _tell(self, came: Publication | Followed | PublishingFailure, wait: float) -> None:
        pulse = self._service.pulse
        if isinstance(came, Publication | Followed):
            pulse.published_at, pulse.publisher_trouble = came.published, ""
            if isinstance(came, Publication):
                self._also_tell(came.version, came.published)
        else:
            pulse.publisher_trouble = f"lists are not published: {came}"
            LOG.error("nothing was published; next try in %.0f s: %s", wait, came)
