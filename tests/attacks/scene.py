"""Sync a device at a checkpoint from a hostile repository, and check what must always hold."""

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet

from attacks.server import GIVE_UP_SECONDS, Answer, HostileServer
from attacks.simulator import Repository
from movepass_verifier import Device, SyncError, Verification
from movepass_verifier.store.store import FILE_NAME
from movepass_verifier.sync.sync import SyncResult

DAY = 86400
GOOD, REVOKED = 7, 8
"""The indexes of two passes; the second is revoked from the start."""
_KEEPS = "keeps what it has"

Tables = dict[str, list[Any]]


@dataclass
class Scene:
    """A repository, and a device that has synced from it while it was honest.

    Attributes:
        honest: the repository's files at that time.
        server: where the device syncs over HTTP; None where it reads a folder.
        folder: the folder that it reads otherwise.
        spoil: does something to that folder after it was written.
    """

    repository: Repository
    store: Path
    folder: Path
    server: HostileServer | None
    honest: dict[str, bytes]
    good: str
    revoked: str
    spoil: Callable[[Path], None] | None = None

    @classmethod
    def set_up(cls, repository: Repository, folder: Path, server: HostileServer | None) -> "Scene":
        good, revoked = repository.issue(GOOD), repository.issue(REVOKED)
        scene = cls(repository, folder / "device", folder / "stick", server, dict(repository.files), good, revoked)
        scene.enroll(repository.files["metadata/1.root.json"])
        scene.sync()
        scene.assert_verdicts_hold()
        return scene

    @property
    def now(self) -> int:
        return self.repository.now

    def enroll(self, root: bytes) -> None:
        """Set the device up again."""
        shutil.rmtree(self.store, ignore_errors=True)
        Device.enroll(self.store, root=root, sources=[str(self.folder)])

    @contextmanager
    def device(self) -> Iterator[Device]:
        with Device.open(self.store, clock=lambda: self.now) as device:
            yield device

    def sync(self) -> SyncResult:
        """Sync the device from the current repository."""
        with self.device() as device:
            return device.sync(self._source())

    def answer(self, path: str, answer: Answer) -> None:
        """Let the server answer like this when a path is requested."""
        assert self.server
        self.server.rule = lambda asked, _: answer if asked == path else None

    def must_refuse(
        self, *words: str, during: AbstractContextManager[object] | None = None, recover: bool = True
    ) -> str:
        """Sync the device, and check that it says why it takes nothing over and that nothing has changed.

        Afterwards the honest repository comes back, and the device must go on as if nothing had been.

        Args:
            words: what the message must hold.
            during: what shall be so while it syncs.
            recover: whether the honest repository can come back.

        Returns:
            The message.
        """
        before = self.tables()
        with during or nullcontext(), pytest.raises(SyncError) as caught:
            self.sync()
        message = str(caught.value)
        for word in words:
            assert word in message
        assert _KEEPS in message
        assert self.tables() == before
        self.assert_verdicts_hold()
        if recover:
            self._recover()
        return message

    def must_take(self) -> SyncResult:
        """Sync the device, and check that the verdicts are unchanged."""
        result = self.sync()
        self.assert_verdicts_hold()
        return result

    def verify(self, text: str, *, at: int | None = None) -> Verification:
        with self.device() as device:
            return device.verify(text, self.now if at is None else at)

    def verdict(self, text: str, *, at: int | None = None) -> str:
        return self.verify(text, at=at).verdict.value

    def assert_verdicts_hold(self) -> None:
        assert self.verdict(self.good) == "valid"
        assert self.verdict(self.revoked) == "revoked"

    def tables(self) -> Tables:
        """Dump every row of the store."""
        with sqlite3.connect(self.store / FILE_NAME) as db:
            names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            dump = {name: sorted(db.execute(f"SELECT * FROM {name}"), key=repr) for name in names}
        db.close()
        return dump

    def held(self, role: str) -> bytes:
        """Return the version that the device holds of a role."""
        held: dict[str, bytes] = {name: data for name, _, data in self.tables()["metadata"]}
        return held[role]

    def write_out(self) -> None:
        """Replace the content of the folder by the repository."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for name, content in self.repository.files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if self.spoil:
            self.spoil(self.folder)

    def _recover(self) -> None:
        attacked, self.repository.files = self.repository.files, self.honest
        spoil, self.spoil = self.spoil, None
        rule = self.server.rule if self.server else None
        if self.server:
            self.server.rule = None
        assert not self.must_take().changed
        self.repository.files, self.spoil = attacked, spoil
        if self.server:
            self.server.rule = rule

    def _source(self) -> str:
        if self.server:
            return self.server.url
        self.write_out()
        return str(self.folder)


@contextmanager
def in_time() -> Iterator[None]:
    """Check that a device gives up by itself, before the server does so after twice as long."""
    began = time.monotonic()
    try:
        yield
    finally:
        assert time.monotonic() - began < GIVE_UP_SECONDS / 2


@contextmanager
def time_passes(monkeypatch: pytest.MonkeyPatch, seconds: float) -> Iterator[None]:
    """Move python-tuf's clock, and nothing else, ahead by this much."""
    original: Callable[..., None] = TrustedMetadataSet.__init__

    def later(self: TrustedMetadataSet, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.reference_time += timedelta(seconds=seconds)

    with monkeypatch.context() as patch:
        patch.setattr(TrustedMetadataSet, "__init__", later)
        yield
