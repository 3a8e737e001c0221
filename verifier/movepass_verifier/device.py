"""A field device: its store, and the verifications and syncs made with it."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from movepass_keys import KeyDocumentError
from movepass_verifier.deciding.lists import Policy
from movepass_verifier.deciding.verdicts import Verdict, Verification
from movepass_verifier.deciding.verify import readiness, verify
from movepass_verifier.errors import StoreError
from movepass_verifier.officer.journal import Count, Decision, JournalEntry, Noted, check_keep
from movepass_verifier.store.store import State, Store
from movepass_words import Message, message

if TYPE_CHECKING:
    from movepass_verifier.officer.by_number import NumberAnswer
    from movepass_verifier.officer.checkup import Standing
    from movepass_verifier.sync.sources import Progress
    from movepass_verifier.sync.sync import SyncResult


class Device:
    """A device in use. Close it, or use it as a context manager."""

    def __init__(self, store: Store, *, policy: Policy | None, clock: Callable[[], float]) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock

    @staticmethod
    def enroll(
        folder: str | Path,
        *,
        root: bytes,
        sources: Sequence[str],
        policy: Policy = Policy(),  # noqa: B008 - it is frozen
        language: str | None = None,
    ) -> None:
        """Set up a store that trusts a root; nothing is fetched yet.

        Args:
            folder: where the store shall be.
            root: an authority's root document, got in a way that can't be tampered with.
            sources: http(s) addresses or folders to sync from, in the order in which they shall be tried.
            policy: how old lists may be.
            language: what the device speaks (words.LANGUAGES); English without it.

        Raises:
            PolicyError: an age out of bounds.
            SyncError: not a root document, or another kind of source.
            StoreError: there is a store already, or the folder can't be written to.
        """
        from movepass_verifier.sync.offer import check_root  # noqa: PLC0415
        from movepass_verifier.sync.sources import resolve  # noqa: PLC0415 - TUF is slow to import, verifying needs none

        check_root(root)
        policy.check()
        resolved = [resolve(source) for source in sources]
        Store.create(Path(folder), root=root, sources=resolved, policy=policy, language=language)

    @classmethod
    def open(
        cls, folder: str | Path, *, policy: Policy | None = None, clock: Callable[[], float] = time.time
    ) -> "Device":
        """Open a device's store.

        Args:
            folder: the store's.
            policy: how old lists may be; as the device is configured without it.
            clock: gives the time in seconds since 1970 UTC.

        Raises:
            StoreError: missing, damaged, or made by other software.
        """
        return cls(Store(Path(folder)), policy=policy, clock=clock)

    def verify(self, text: str, at: int | None = None, *, real_only: bool = False) -> Verification:
        """Verify a text, offline.

        Args:
            text: what the QR code holds, without a line end.
            at: another time than now, seconds since 1970 UTC: "what would be", which leaves no trace.
            real_only: give "cannot verify" instead of an accept for a good pass of a TEST authority.

        Raises:
            StoreError: the store can't be read.
        """
        now = int(self._clock()) if at is None else at
        with self._store.reading() as state:
            policy = self._policy or state.policy
            result = verify(text, keys=state.keys, lists=state.lists, now=now, policy=policy, last_seen=state.last_seen)
        if at is None:
            self._store.raise_floor(now, state.last_seen)
        if real_only and result.test and result.verdict is Verdict.VALID:
            return result._replace(real_only=True, why=message("test.long"))
        return result

    def check_number(self, text: str) -> "NumberAnswer":
        """Say what is known of a pass number that was typed or heard; see by_number.check_number.

        Raises:
            StoreError: the store can't be read.
        """
        from movepass_verifier.officer.by_number import check_number  # noqa: PLC0415 - few scans need it, and all would wait

        now = int(self._clock())
        with self._store.reading() as state:
            return check_number(text, lists=state.lists, now=now, policy=self._policy or state.policy)

    def note(self, result: Verification) -> Noted | None:
        """Write a verdict into the journal, and tell whether this device was shown the same pass before.

        Args:
            result: of a verification made just now, not as of another time.

        Returns:
            None where the journal can't be kept; journal_trouble says why.
        """
        return self._store.note(result)

    def decide(self, entry: int, decision: Decision) -> None:
        """Write into the journal what the officer did where nothing could be verified; it may be changed by another.

        Args:
            entry: what note gave.
            decision: what was done.

        Raises:
            ValueError: the entry's verdict leaves nothing to decide.
        """
        self._store.decide(entry, decision)

    @property
    def journal_trouble(self) -> Message | None:
        """Why the last verdict could not be noted; None where it was."""
        return self._store.journal_trouble

    def entries(self) -> list[JournalEntry]:
        """Read the journal, the oldest entry first.

        Raises:
            StoreError: the store can't be read.
        """
        return self._store.read_journal()[0]

    def hourly(self) -> list[Count]:
        """Read how often each verdict came in each hour, the oldest first; counts outlast the entries.

        Raises:
            StoreError: the store can't be read.
        """
        return self._store.read_journal()[1]

    def sync(self, *sources: str, ca: Path | None = None, progress: "Progress | None" = None) -> "SyncResult":
        """Fetch what is new and take it over; see sync.sync.

        Args:
            sources: where from, this time only, in the order in which they are tried.
            ca: a file of CA certificates to trust besides the system's.
            progress: is told how downloads go.

        Raises:
            SyncError, StoreError: nothing has changed.
        """
        from movepass_verifier.sync.sync import sync  # noqa: PLC0415 - TUF is slow to import, verifying needs none

        now, old = int(self._clock()), self.policy.warning_age
        return sync(self._store, now=now, sources=sources, old=old, ca=ca, progress=progress)

    def state(self) -> State:
        """Give what the device knows: keys, lists and how old they are."""
        with self._store.reading() as state:
            return state

    @property
    def policy(self) -> Policy:
        """How old lists may be."""
        return self._policy or self.state().policy

    @property
    def language(self) -> str:
        """What the device speaks."""
        return self.state().language

    def configure(
        self,
        *,
        max_age: int | None = None,
        warning_age: int | None = None,
        sources: Sequence[str] | None = None,
        journal_keep: int | None = None,
        language: str | None = None,
    ) -> None:
        """Change what the device itself decides; what is not given stays as it is.

        Args:
            max_age: no accept rests on lists older than so many seconds.
            warning_age: lists older than so many seconds are shown as getting old.
            sources: http(s) addresses or folders to sync from, in the order in which they shall be tried.
            journal_keep: entries of the journal are forgotten after so many seconds.
            language: what the device speaks (words.LANGUAGES).

        Raises:
            PolicyError: an age out of bounds.
            SyncError: another kind of source.
            StoreError: the store can't be written.
        """
        from movepass_verifier.sync.sources import resolve  # noqa: PLC0415 - TUF is slow to import, verifying needs none

        state = self.state()
        policy = Policy(
            max_age=state.policy.max_age if max_age is None else max_age,
            warning_age=state.policy.warning_age if warning_age is None else warning_age,
        )
        policy.check()
        keep = state.journal_keep if journal_keep is None else journal_keep
        check_keep(keep)
        resolved = [resolve(source) for source in sources or ()]
        speaks = language or state.language
        self._store.configure(sources=resolved, policy=policy, journal_keep=keep, language=speaks)

    def readiness(self) -> Message | None:
        """Say why a good pass could not be accepted now, or None where it could."""
        return self.standing().why_not

    def reopen_if_replaced(self) -> bool:
        """Open the store anew where another one has been put into its place; tells whether that was so.

        Raises:
            StoreError: what is there now can't be opened; the old one stays in use.
        """
        if not self._store.replaced():
            return False
        before, self._store = self._store, Store(self._store.folder)
        before.close()
        return True

    def standing(self) -> "Standing":
        """Say how the device stands now."""
        from movepass_keys.records.expiry import endings  # noqa: PLC0415 - as above
        from movepass_verifier.officer.checkup import Standing  # noqa: PLC0415

        state, now = self.state(), int(self._clock())
        policy = self._policy or state.policy
        why_not = readiness(keys=state.keys, lists=state.lists, now=now, policy=policy, last_seen=state.last_seen)
        documents = self._store.offline_documents()
        try:
            ends = endings(root=documents.get("root"), targets=documents.get("targets"), keys=state.keys, now=now)
        except KeyDocumentError:
            ends = []  # what is signed and says no end is for a sync to refuse
        return Standing(state, why_not, now, tuple(ends))

    @property
    def writable(self) -> bool:
        """Whether the store can be written: without that it verifies, but can't be synced and keeps no journal."""
        try:
            self._store.check_writable()
        except StoreError:
            return False
        return True

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
