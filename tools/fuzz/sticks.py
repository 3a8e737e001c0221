"""The target stick: anything laid on a stick where commands read, write and delete. Nothing outside it may change.

An input lays up to sixteen things, three bytes each: where, what, and how large or by which ending.

Every input goes through all that reads, writes and deletes on a stick. TUF's checks between them take most of the time
and touch no stick, so only one input in _WHOLE_EVERY goes through them as well.
"""

import atexit
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest import mock

from attacks.simulator import Repository
from support.sticks import TRAPS, content, lay

from fuzz.targets import Check, hold
from movepass_keys import files
from movepass_keys.ceremony.proposal import Proposal
from movepass_keys.errors import CeremonyError
from movepass_verifier import Device, SyncError
from movepass_verifier.errors import BundleError
from movepass_verifier.sync import bundle, offer
from movepass_verifier.sync.offer import FAILED
from movepass_verifier.sync.sources import Source

_PLACES = (
    bundle.MARK, "metadata", "targets", "targets/status", "metadata/timestamp.json", "metadata/1.root.json",
    "metadata/2.root.json", "metadata/1.snapshot.json", "metadata/1.status.json", "metadata/.timestamp.json.new",
    "metadata/\x1b[2J", "targets/status/\u202egol", "targets/old", "targets/status/.x.new", "root.proposal",
    "rahima.sig", ".rahima.sig.new",
)  # fmt: skip
_STEP, _STEPS_MOST = 3, 16
_MOST_SECONDS = 20
"""Far more than an input takes on a slow machine; a pipe that is opened would take for ever."""
_WHOLE_EVERY = 25
_READ_MOST_BYTES = 1 << 20


def stick() -> tuple[Check, Sequence[bytes]]:
    """Any stick, given to sync, to an export and to a custodian."""
    memory = Path("/dev/shm")
    base = Path(tempfile.mkdtemp(prefix="movepass-fuzz-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, base, ignore_errors=True)
    home, source, good, on = base / "home", base / "source", base / "good", base / "on" / "stick"
    (home / "status").mkdir(parents=True)
    for name in ("key.pem", "old", "timestamp.json", "status/old"):
        (home / name).write_bytes(b"-----BEGIN PRIVATE KEY-----\n")
    honest = Repository.create(int(time.time()), revoked=[3, 70_000])
    for name, data in honest.files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(data)
    bundle.export(str(source), good)
    Device.enroll(base / "device", root=honest.files["metadata/1.root.json"], sources=[str(source)])
    before, beside = content(home), _changes(source)
    known, number = _Remembered(), 0
    with known.recording():
        bundle.export(str(source), base / "again")
    shutil.rmtree(base / "again")

    def check(data: bytes) -> None:
        nonlocal number
        number += 1
        shutil.rmtree(on.parent, ignore_errors=True)
        shutil.copytree(good, on)
        for at in range(0, min(len(data), _STEP * _STEPS_MOST) - _STEP + 1, _STEP):
            where, what, end = data[at : at + _STEP]
            place = on / _PLACES[where % len(_PLACES)]
            if end & 1:
                place = place.with_name(f"{place.name}{end:x}")
            with suppress(OSError):  # below what an earlier step has made no folder any more
                if not any(parent.is_symlink() for parent in place.parents):
                    lay(sorted(TRAPS)[what % len(TRAPS)], place, home / "key.pem")
        began = time.monotonic()
        _use(on)
        if number % _WHOLE_EVERY == 0:
            with Device.open(base / "device") as opened, suppress(SyncError):
                opened.sync(str(on))
            _export(source, on)
        else:
            _read_all(on, list(honest.files))
            with known.replayed():
                _export(source, on)
        hold(time.monotonic() - began < _MOST_SECONDS, "a stick holds a command up")
        hold(content(home) == before, "something outside the stick has changed")
        hold(_changes(source) == beside, "the source has changed")
        hold({path.name for path in base.iterdir()} == {"home", "source", "good", "on", "device"}, "something was made")
        hold([path.name for path in on.parent.iterdir()] == ["stick"], "something was made beside the stick")

    return check, [bytes((where, what, 0)) for where in range(len(_PLACES)) for what in range(len(TRAPS))]


def _changes(folder: Path) -> list[tuple[str, int]]:
    """Return when each thing in a folder last changed, by the kernel's word, which nobody can set back."""
    return [(str(path), path.lstat().st_ctime_ns) for path in sorted(folder.rglob("*"))]


class _Remembered:
    """The files of an honest source, kept so that an export need not fetch and check them each time."""

    def __init__(self) -> None:
        self._fetch: Any = offer.fetch
        self._offered: Any = None

    @contextmanager
    def recording(self) -> Iterator[None]:
        def fetch(*arguments: Any) -> Any:
            self._offered = self._fetch(*arguments)
            return self._offered

        with mock.patch.object(offer, "fetch", fetch):
            yield

    @contextmanager
    def replayed(self) -> Iterator[None]:
        with mock.patch.object(offer, "fetch", return_value=self._offered):
            yield


def _read_all(on: Path, names: Sequence[str]) -> None:
    """Read every file of a repository off a stick, as a sync would ask for them."""
    with Source(str(on)) as source:
        for name in names:
            with suppress(*FAILED):
                source.download_bytes(name, _READ_MOST_BYTES)


def _export(source: Path, on: Path) -> None:
    with suppress(BundleError, SyncError):
        bundle.export(str(source), on)


def _use(on: Path) -> None:
    """Read a proposal off a stick and write a signature onto it, as a custodian does."""
    with suppress(OSError, CeremonyError):
        Proposal.from_bytes(files.read_regular(on / "root.proposal", 1 << 22))
    with suppress(OSError), files.Folder.open(on) as folder:
        folder.write_new("rahima.sig", b"{}")
    with suppress(OSError), files.Folder.open(on) as folder:
        folder.write_whole("root.proposal", b"{}")
