"""Run a field device: its store, and the verifications and syncs made with it."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from movepass_keys import KeyDocumentError
from movepass_verifier.deciding.lists import Policy
from movepass_verifier.deciding.verdicts import Verdict, Verification
from movepass_verifier.deciding.verify import readiness, verify
from movepass_verifier.errors import StoreError
from movepass_verifier.officer.journal import Checked, Count, Decision, JournalEntry, Noted, check_keep
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
            folder: the folder for the store.
            root: the root document of an authority, obtained in a way that can't be tampered with.
            sources: http(s) addresses or folders to sync from, in the order to try them.
            policy: how old lists may be.
            language: the language of the device (words.LANGUAGES); English without it.

        Raises:
            PolicyError: an age is out of bounds.
            SyncError: the root is not a root document, or a source is of an unknown kind.
            StoreError: there is already a store, or the folder can't be written to.
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
        """Open the store of a device.

        Args:
            folder: the folder of the store.
            policy: how old lists may be; without it, as the device is configured.
            clock: returns the time in seconds since 1970 UTC.

        Raises:
            StoreError: the store is missing, damaged, or made by other software.
        """
        return cls(Store(Path(folder)), policy=policy, clock=clock)

    def verify(self, text: str, at: int | None = None, *, real_only: bool = False) -> Verification:
        """Verify a text, offline.

        Args:
            text: the content of the QR code, without a line end.
            at: another time than now, seconds since 1970 UTC; such a verification leaves no trace.
            real_only: return "cannot verify" instead of an accept for a good pass of a TEST authority.

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

    def check(self, text: str, *, real_only: bool = False) -> Checked:
        """Verify a pass that is shown now, and note the verdict in the journal.

        Args:
            text: what a scanner read.
            real_only: see verify.

        Returns:
            The verdict. It stands even if the journal can't be kept.

        Raises:
            StoreError: the store can't be read.
        """
        result = self.verify(text, real_only=real_only)
        noted = self.note(result)
        return Checked(result, noted, self.journal_trouble)

    def check_number(self, text: str) -> "NumberAnswer":
        """Return what is known of a pass number that was typed or heard; see by_number.check_number.

        Raises:
            StoreError: the store can't be read.
        """
        from movepass_verifier.officer.by_number import check_number  # noqa: PLC0415 - few scans need it, and all would wait for it

        now = int(self._clock())
        with self._store.reading() as state:
            return check_number(text, lists=state.lists, now=now, policy=self._policy or state.policy)

    def note(self, result: Verification) -> Noted | None:
        """Write a verdict into the journal, and return whether this device was shown the same pass before.

        Args:
            result: a verification made just now, not as of another time.

        Returns:
            None if the journal can't be kept; journal_trouble says why.
        """
        return self._store.note(result)

    def decide(self, entry: int, decision: Decision) -> None:
        """Write into the journal what the officer did when nothing could be verified, or change that entry.

        Args:
            entry: the number that note returned.
            decision: what the officer did.

        Raises:
            ValueError: the entry's verdict leaves nothing to decide.
        """
        self._store.decide(entry, decision)

    @property
    def journal_trouble(self) -> Message | None:
        """Why the last verdict could not be noted, or None if it was."""
        return self._store.journal_trouble

    def entries(self) -> list[JournalEntry]:
        """Read the journal, oldest entry first.

        Raises:
            StoreError: the store can't be read.
        """
        return self._store.read_journal()[0]

    def hourly(self) -> list[Count]:
        """Read how often each verdict came in each hour, oldest first; counts outlast the entries.

        Raises:
            StoreError: the store can't be read.
        """
        return self._store.read_journal()[1]

    def sync(self, *sources: str, ca: Path | None = None, progress: "Progress | None" = None) -> "SyncResult":
        """Fetch and take over what is new; see sync.sync.

        Args:
            sources: the sources for this time only, in the order to try them.
            ca: a file of CA certificates to trust besides the system's.
            progress: called with the progress of downloads.

        Raises:
            SyncError, StoreError: the sync failed, and nothing has changed.
        """
        from movepass_verifier.sync.sync import sync  # noqa: PLC0415 - TUF is slow to import, verifying needs none

        now, old = int(self._clock()), self.policy.warning_age
        return sync(self._store, now=now, sources=sources, old=old, ca=ca, progress=progress)

    def state(self) -> State:
        """Return what the device knows: keys, lists and how old they are."""
        with self._store.reading() as state:
            return state

    @property
    def policy(self) -> Policy:
        """Return how old lists may be."""
        return self._policy or self.state().policy

    @property
    def language(self) -> str:
        """The language of the device."""
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
        """Change the device's own settings; a setting that is not given stays.

        Args:
            max_age: no accept relies on lists older than this many seconds.
            warning_age: lists older than this many seconds are shown as getting old.
            sources: http(s) addresses or folders to sync from, in the order to try them.
            journal_keep: entries of the journal are deleted after this many seconds.
            language: the language of the device (words.LANGUAGES).

        Raises:
            PolicyError: an age is out of bounds.
            SyncError: a source is of an unknown kind.
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
        """Return why a good pass could not be accepted now, or None if it could."""
        return self.standing().why_not

    def reopen_if_replaced(self) -> bool:
        """Open the store again if another store has replaced it, and return whether that happened.

        Raises:
            StoreError: the new store can't be opened; the old one stays in use.
        """
        if not self._store.replaced():
            return False
        before, self._store = self._store, Store(self._store.folder)
        before.close()
        return True

    def standing(self) -> "Standing":
        """Return the condition of the device now."""
        from movepass_keys.records.expiry import endings  # noqa: PLC0415 - as above
        from movepass_verifier.officer.checkup import Standing  # noqa: PLC0415

        state, now = self.state(), int(self._clock())
        policy = self._policy or state.policy
        why_not = readiness(keys=state.keys, lists=state.lists, now=now, policy=policy, last_seen=state.last_seen)
        documents = self._store.offline_documents()
        try:
            ends = endings(root=documents.get("root"), targets=documents.get("targets"), keys=state.keys, now=now)
        except KeyDocumentError:
            ends = []  # a sync refuses signed documents without an expiry
        return Standing(state, why_not, now, tuple(ends))

    @property
    def writable(self) -> bool:
        """Return whether the store can be written to. If not, the device verifies, without syncs and a journal."""
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
