"""Create a small world in a folder: an authority, its repository, and a device enrolled with it."""

import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from movepass_issuer import Issuer, SignedPass
from movepass_issuer.authority.creation import create_authority
from movepass_issuer.authority.folder import Authority
from movepass_issuer.publishing.publisher import Publication
from movepass_issuer.storage.sqlite_ledger import SqliteLedger
from movepass_keys import signer_from_uri
from movepass_verifier import Device, Verification
from movepass_verifier.sync.sync import SyncResult
from movepass_wire.times import day_of
from support.passes import approved


@dataclass
class World:
    """An authority and a device.

    Attributes:
        authority: its keys, ledger and repository are copies of a template's, so that a test costs no key making.
        store: the device's folder, enrolled and synced once.
        now: the time the test takes as now.
    """

    authority: Authority
    store: Path
    now: int = field(default_factory=lambda: int(time.time()))

    @classmethod
    def create(cls, folder: Path) -> "World":
        """Make a template."""
        authority = create_authority(folder / "authority", name="Test Authority", test=True)
        world = cls(authority, folder / "device")
        world.enroll(world.store)
        world.sync()
        return world

    def copy(self, folder: Path) -> "World":
        """Copy a private world from a template."""
        shutil.copytree(self.authority.folder, folder / "authority")
        shutil.copytree(self.store, folder / "device")
        later = max(int(time.time()), self.now + 1)  # than what the template published
        return World(Authority.open(folder / "authority"), folder / "device", later)

    @property
    def repository(self) -> Path:
        return self.authority.repository_path

    @property
    def today(self) -> int:
        return day_of(self.now)

    def enroll(self, store: Path, source: str | None = None) -> None:
        root = self.authority.root_path.read_bytes()
        Device.enroll(store, root=root, sources=[source or str(self.repository)])

    def issue(self, request_id: str = "R-1", **changes: Any) -> SignedPass:
        with self.authority.issuer() as issuer:
            return issuer.issue(approved(request_id, self.now, **changes))

    def issue_many(self, count: int) -> list[SignedPass]:
        with self.authority.issuer() as issuer:
            results = issuer.issue_many([approved(f"R-{number}", self.now) for number in range(count)])
        return [result for result in results if isinstance(result, SignedPass)]

    def revoke(self, *passes: SignedPass) -> None:
        with self.authority.issuer() as issuer:
            for signed in passes:
                issuer.revoke(number=signed.number, reason="stolen phone")

    def revoke_indexes(self, indexes: Iterable[int], day: int | None = None) -> None:
        """Add indexes to the pending ones, as if that many passes had been issued and revoked."""
        ledger = SqliteLedger(self.authority.ledger_path)
        rows = [(self.today if day is None else day, index) for index in indexes]
        with ledger._transaction():
            ledger._db.executemany("INSERT INTO pending VALUES (?, ?)", rows)
        ledger.close()

    def publish(self, now: int | None = None) -> Publication:
        with self.authority.publisher() as publisher:
            return publisher.publish(self.now if now is None else now, clock_checked=True)

    def revoke_and_publish(self, *passes: SignedPass) -> None:
        self.revoke(*passes)
        self.publish()

    def device(self, clock: Callable[[], float] | None = None) -> Device:
        return Device.open(self.store, clock=clock or (lambda: self.now))

    def sync(self, source: str | None = None, store: Path | None = None) -> SyncResult:
        """Sync from the repository where it is now (a copied device's own source is the template's)."""
        with Device.open(store or self.store) as device:
            return device.sync(source or str(self.repository))

    def verify(self, text: str, at: int | None = None) -> Verification:
        with self.device() as device:
            return device.verify(text, self.now if at is None else at)

    def verdict(self, text: str, at: int | None = None) -> str:
        return self.verify(text, at).verdict.value

    def online_signer(self) -> Any:
        return signer_from_uri(self.authority.online_signer, self.authority.folder)

    def fixed_issuer(self, ledger: SqliteLedger, now: int) -> Issuer:
        """Open an issuer whose clock stands still."""
        signer = signer_from_uri(self.authority.pass_signer, self.authority.folder)
        return Issuer(signer=signer, ledger=ledger, keys=self.authority.keys(), clock=lambda: now)


def facts(world: World) -> tuple[int | None, int | None, frozenset[int]]:
    """Return what a device knows, to compare old and new: published, synced at, and its days."""
    with world.device() as device:
        lists = device.state().lists
        return lists.published, lists.synced_at, frozenset(lists.days)


@contextmanager
def written_to_by_nobody(world: World, file_mode: int = 0o444) -> Iterator[None]:
    """Let everyone read the world, but nobody write to the store's folder."""
    for folder in [world.store, world.repository, *world.repository.rglob("*")]:
        folder.chmod(0o755 if folder.is_dir() else 0o644)
    for file in world.store.iterdir():
        file.chmod(file_mode)
    world.store.chmod(0o555)
    parents = [p for p in world.store.parents if p.stat().st_uid == os.geteuid() and p != Path("/")]
    for parent in [*parents, world.authority.folder]:
        parent.chmod(parent.stat().st_mode | 0o011)  # and stays so: tests beside this one share the upper ones
    try:
        yield
    finally:
        world.store.chmod(0o755)
        for file in world.store.iterdir():
            file.chmod(0o644)
