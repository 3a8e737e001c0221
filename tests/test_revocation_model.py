"""From a revocation to a verdict, against a few sets: issue, revoke, publish, die while publishing, copy, sync.

Whatever happens in whatever order, a device says "revoked" of the passes that the publication it holds lists, and of no
other; and what it holds never becomes older.
"""

import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.faults import Doom, Killed
from support.passes import HOUR, iso
from support.repositories import revoked_in
from support.world import World

from movepass_issuer import SignedPass, SqliteLedger
from movepass_issuer.publishing.publisher import Publisher
from movepass_verifier import SyncError

REPOSITORY_CALLS = ("read", "files", "create_version", "put_target", "replace", "replace_timestamp", "delete")
LEDGER_CALLS = ("announce", "announced", "pending", "revoked", "settle", "forget")
CALLS_MOST = 80
"""More than a publication makes."""


@cache
def template() -> World:
    return World.create(_folder())


def _folder() -> Path:
    memory = Path("/dev/shm")  # every commit is synced to the disk
    return Path(tempfile.mkdtemp(prefix="movepass-model-", dir=memory if memory.is_dir() else None))


@dataclass(frozen=True)
class Copy:
    """A copy of the repository, as it travels on a stick: which publication it holds, and what that lists."""

    folder: Path
    published: int
    listed: frozenset[int]


class RevocationMachine(RuleBasedStateMachine):
    """Does the same to a world and to sets of indexes."""

    @initialize()
    def make(self) -> None:
        self.folder = _folder()
        self.world = template().copy(self.folder)
        self.began = self.world.now
        self.world.now += 1
        self.world.publish()
        self.published = self.held_published = self.world.now
        self.world.sync()
        self.issued: list[SignedPass] = []
        self.revoked: set[int] = set()
        self.listed: frozenset[int] = frozenset()
        self.held: frozenset[int] = frozenset()
        self.copies: list[Copy] = []

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @rule(again=st.booleans())
    def issue(self, again: bool) -> None:  # noqa: FBT001
        """A new request, or the last one once more."""
        number = len(self.issued) - (again and bool(self.issued))
        signed = self.world.issue(f"R-{number}", not_before=iso(self.began), not_after=iso(self.began + 3 * HOUR))
        if number < len(self.issued):
            assert signed.text == self.issued[number].text
        else:
            self.issued.append(signed)

    @precondition(lambda self: self.issued)
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        signed = data.draw(st.sampled_from(self.issued))
        self.world.revoke(signed)
        self.revoked.add(signed.pass_.index)

    @rule()
    def publish(self) -> None:
        self.world.now += 1
        self.world.publish()
        self._is_published()

    @rule(at=st.integers(0, CALLS_MOST), after=st.booleans())
    def die_while_publishing(self, at: int, after: bool) -> None:  # noqa: FBT001
        self.world.now += 1
        doom, ledger = Doom(at, after=after), SqliteLedger(self.world.authority.ledger_path)
        publisher = Publisher(
            repository=doom.wrap(self.world.authority.repository, *REPOSITORY_CALLS),
            ledger=doom.wrap(ledger, *LEDGER_CALLS),
            signer=self.world.online_signer(),
        )
        try:
            publisher.publish(self.world.now, clock_checked=True)
        except Killed:
            pass
        finally:
            ledger.close()
        if "replace_timestamp" in doom.calls and (after or doom.calls[-1] != "replace_timestamp"):
            self._is_published()

    def _is_published(self) -> None:
        self.published, self.listed = self.world.now, frozenset(self.revoked)

    @rule()
    def copy(self) -> None:
        folder = self.folder / f"copy-{len(self.copies)}"
        shutil.copytree(self.world.repository, folder)
        self.copies.append(Copy(folder, self.published, self.listed))

    @rule()
    def sync(self) -> None:
        self.world.sync()
        self.held, self.held_published = self.listed, self.published

    @precondition(lambda self: self.copies)
    @rule(data=st.data())
    def sync_from_a_copy(self, data: st.DataObject) -> None:
        copy = data.draw(st.sampled_from(self.copies))
        if copy.published < self.held_published:
            with pytest.raises(SyncError, match="behind"):
                self.world.sync(str(copy.folder))
            return
        self.world.sync(str(copy.folder))
        self.held, self.held_published = copy.listed, copy.published

    @invariant()
    def the_repository_lists_what_was_published(self) -> None:
        assert {index for _, index in revoked_in(self.world.repository)} == self.listed

    @invariant()
    def verdicts_are_those_of_the_publication_that_is_held(self) -> None:
        with self.world.device() as device:
            for signed in self.issued:
                verdict = device.verify(signed.text, self.world.now).verdict.value
                assert verdict == ("revoked" if signed.pass_.index in self.held else "valid")
            assert device.state().lists.published == self.held_published


RevocationMachine.TestCase.settings = settings(
    max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
TestRevocation = RevocationMachine.TestCase
