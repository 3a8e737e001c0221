"""Report the condition of a device: what would happen to a good pass now, and what is wrong besides its store.

The doctor finds what is wrong inside the store.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from movepass_keys.records.expiry import Ending, Ends
from movepass_verifier.deciding.verdicts import Freshness
from movepass_verifier.officer.shown import Rows
from movepass_verifier.store.store import State
from movepass_wire.times import day_of
from movepass_words import Message, Words, message

_LISTED_DAYS = 4
"""Today and the days after it whose lists a device should have, to check passes after some days without a sync."""
_SCAN_EXTRA, _CAMERA_EXTRA, _S3_EXTRA = ("zxingcpp", "PIL"), "cv2", "botocore"


@dataclass(frozen=True, slots=True)
class Standing:
    """The condition of a device at one time.

    Attributes:
        state: the data that verifications rely on.
        why_not: why a good pass can't be verified now; None if it would be accepted.
        now: seconds since 1970 UTC.
        ends: when the custodians' documents and the last key end.
    """

    state: State
    why_not: Message | None
    now: int
    ends: tuple[Ending, ...] = ()

    @property
    def freshness(self) -> Freshness:
        """Return how old the lists are."""
        return Freshness.of(self.state.lists, self.now, self.state.policy)


def end_notices(standing: Standing) -> list[Message]:
    """List what the authority must renew soon, or has let expire; its two documents count once for officers."""
    documents = [ending for ending in standing.ends if ending.soon and ending.what is not Ends.PASS_KEY]
    first = min(documents, key=lambda ending: ending.at, default=None)
    notices = [] if first is None else [_notice("documents", first)]
    return notices + [_notice("keys", end) for end in standing.ends if end.soon and end.what is Ends.PASS_KEY]


def _notice(what: str, ending: Ending) -> Message:
    if ending.ended:
        return message(f"ends.{what}-ended", at=ending.at)
    return message(f"ends.{what}-soon", at=ending.at, left=ending.left)


def glance(standing: Standing, words: Words) -> str:
    """Describe in one line what would happen to a good pass now, and for how long."""
    notices = [words.say(notice) for notice in end_notices(standing)]
    if standing.why_not:
        return " ".join([words("status.not-ready", why=standing.why_not), *notices])
    fresh = standing.freshness
    age = fresh.age or 0
    ready = words("status.sync-soon" if fresh.sync_soon else "status.ready")
    lists = words("status.lists", age=age, left=fresh.max_age - age)
    return " ".join([ready, lists, *([words("status.test")] if standing.state.keys.test else []), *notices])


def details(standing: Standing, words: Words) -> Rows:
    """List the data on the device: whose keys, which lists, how old."""
    state, now = standing.state, standing.now
    authority = state.keys.authority
    rows = [("authority", words("status.authority-test", name=authority) if state.keys.test else authority)]
    for name, at in (("published", state.lists.published), ("synced", state.lists.synced_at)):
        rows.append((name, words("status.never") if at is None else words("status.at", at=at, ago=now - at)))
    for key in state.keys.keys.values():
        withdrawn = state.keys.withdrawn(key.kid)
        if withdrawn:
            rows.append(("key", words("status.key-withdrawn", kid=key.kid.hex(), why=withdrawn.reason)))
        else:
            rows.append(("key", words("status.key", kid=key.kid.hex(), until=key.not_after)))
    rows += [("list", words("status.list", day=log.day, count=log.revoked)) for log in state.logs]
    return [(words(f"label.{name}"), value) for name, value in rows] + configured(state, words)


def configured(state: State, words: Words) -> Rows:
    """List the device's own settings."""
    rows = [("source", source) for source in state.sources]
    rows += [
        ("lists", words("status.ages", max=state.policy.max_age, warning=state.policy.warning_age)),
        ("journal", words("status.journal", keep=state.journal_keep)),
        ("language", words("language.name")),
    ]
    return [(words(f"label.{name}"), value) for name, value in rows]


def findings(standing: Standing, *, writable: bool, encoding: str | None, camera: bool) -> list[Message]:
    """List what is wrong on this device and how to fix it, most important first.

    Args:
        standing: the condition of the device.
        writable: whether its store can be written to.
        encoding: the encoding of the terminal.
        camera: whether this machine has a camera.
    """
    found = [message("doctor.not-ready", why=standing.why_not)] if standing.why_not else list(_soon(standing))
    found += end_notices(standing)
    if not writable:
        found.append(message("doctor.read-only"))
    if any(find_spec(name) is None for name in _SCAN_EXTRA):
        found.append(message("doctor.no-pictures"))
    elif camera and find_spec(_CAMERA_EXTRA) is None:
        found.append(message("doctor.no-camera"))
    gone = (source for source in standing.state.sources if Path(source).is_absolute() and not _is_folder(source))
    found += [message("doctor.no-folder", source=source) for source in gone]
    if find_spec(_S3_EXTRA) is None:
        buckets = (source for source in standing.state.sources if source.startswith("s3:"))
        found += [message("doctor.no-buckets", source=source) for source in buckets]
    if (encoding or sys.getdefaultencoding()).lower().replace("-", "") != "utf8":
        found.append(message("doctor.no-utf8"))
    return found


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except OSError:
        return False


def _soon(standing: Standing) -> Iterator[Message]:
    """Yield what does not matter yet."""
    days = range(day_of(standing.now), day_of(standing.now) + _LISTED_DAYS)
    missing = [day for day in days if day not in standing.state.lists.days]
    if missing:
        yield message("doctor.days-missing", day=missing[0])
    if standing.freshness.sync_soon:
        yield message("doctor.sync-soon", age=standing.freshness.age)
