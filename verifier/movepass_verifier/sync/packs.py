"""Ask a source for a pack: all that has come since the publication that this device holds, in one request.

A pack adds no trust: its files go through the same checks as if they had been fetched one by one. Files that it lacks,
or that do not fit, are fetched. Whatever is wrong with a pack, it costs one request.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tuf.api.exceptions import DownloadError, DownloadHTTPError, DownloadLengthMismatchError, RepositoryError
from tuf.api.metadata import Metadata
from tuf.ngclient.fetcher import FetcherInterface

from movepass_keys.records import layout, roles
from movepass_keys.records.layout import TIMESTAMP
from movepass_verifier.sync.sources import Source
from movepass_verifier.sync.sources.medium import GONE, NOT_FOUND, NoConnectionError
from movepass_wire.errors import PackError
from movepass_wire.limits import (
    PACK_AHEAD_SECONDS,
    PACK_FRESH_SECONDS,
    PACK_HOURS,
    PACK_MAX_BYTES,
    PACK_RECENT_SECONDS,
)
from movepass_wire.packs import Part, read_pack
from movepass_wire.times import HOUR_SECONDS


class Pack(NamedTuple):
    """The part of a pack that is used.

    Attributes:
        parts: by name; none where the pack is of no use.
        is_current: whether its timestamp counts as the newest. Otherwise timestamp and roots are asked for.
    """

    parts: Mapping[str, Part]
    is_current: bool


NO_PACK = Pack({}, is_current=False)


def request_pack(source: Source, timestamp: bytes | None, now: int) -> Pack:
    """Ask a source for the pack of this device.

    Args:
        source: the source.
        timestamp: the one that the device holds; without one there is no pack.
        now: seconds since 1970 UTC.

    Raises:
        NoConnectionError: the source can't be reached.
    """
    held = _read(timestamp)
    name = held and _name(*held, now)
    if not (held and name):
        return NO_PACK
    try:
        parts = read_pack(source.download_bytes(name, PACK_MAX_BYTES))
    except NoConnectionError:
        raise
    except (DownloadError, PackError):
        return NO_PACK
    offered = _read(parts[TIMESTAMP].content) if TIMESTAMP in parts and not parts[TIMESTAMP].start else None
    if offered is None or offered[0] < held[0]:
        return NO_PACK
    is_current = -PACK_AHEAD_SECONDS <= now - offered[1] <= PACK_FRESH_SECONDS
    return Pack(parts, is_current) if is_current or offered[0] > held[0] else NO_PACK


def _name(version: int, published: int, now: int) -> str | None:
    """Return the name of the pack to ask for, by the version and the time of the publication held."""
    if now - published <= PACK_RECENT_SECONDS:
        return layout.version_pack(version)
    if now // HOUR_SECONDS - published // HOUR_SECONDS <= PACK_HOURS:
        return layout.hour_pack(published)
    return None


def _read(timestamp: bytes | None) -> tuple[int, int] | None:
    """Return a timestamp's version and the time of its publication, signatures unchecked; None if it has none."""
    if timestamp is None:
        return None
    try:
        signed: Any = Metadata[Any].from_bytes(timestamp).signed
        published = roles.published_at(signed)
    except (RepositoryError, AttributeError, ValueError):
        return None
    return None if published is None else (signed.version, published)


class PackedSource(FetcherInterface):
    """Returns files of a pack where it has them, and those of the source where it has not, each asked for once."""

    def __init__(self, source: Source, pack: Pack) -> None:
        self._source = source
        self._parts = {name: part for name, part in pack.parts.items() if pack.is_current or name != TIMESTAMP}
        self._is_current = pack.is_current
        self._fetched: dict[str, bytes | DownloadHTTPError] = {}

    def drop_pack(self) -> None:
        """Go on without the pack; what has been asked for is not asked for again."""
        self._parts.clear()
        self._is_current = False

    def find(self, name: str, held: bytes) -> bytes | None:
        """Return a whole file from the pack if it fits behind the bytes held, unchecked; None without such a part."""
        part = self._parts.get(name)
        return held[: part.start] + part.content if part and part.start <= len(held) else None

    def fetch_rest(self, name: str, held: bytes, length: int) -> bytes:
        """Return a file from the pack, as Source.fetch_rest does from a source; one that it lacks counts as missing."""
        found = self.find(name, held)
        if found is None or len(found) > length:
            raise DownloadHTTPError(f"there is no {name} in the pack", NOT_FOUND)
        return found

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Return a document; a root that a current pack lacks counts as missing, so that no request is made for it."""
        found = self.find(url, b"")
        if found is not None:
            if len(found) > max_length:
                raise DownloadLengthMismatchError(f"{url} is longer than {max_length} bytes")
            return found
        if self._is_current and layout.document_version(url, "root") is not None:
            raise DownloadHTTPError(f"there is no {url} in the pack", NOT_FOUND)
        if url not in self._fetched:
            self._fetched[url] = self._ask(url, max_length)
        answer = self._fetched[url]
        if isinstance(answer, DownloadHTTPError):
            raise answer
        return answer

    def _ask(self, url: str, max_length: int) -> bytes | DownloadHTTPError:
        """Fetch a document; returns the error if there is none."""
        try:
            return self._source.download_bytes(url, max_length)
        except DownloadHTTPError as e:
            if e.status_code not in GONE:
                raise
            return e

    def _fetch(self, url: str) -> Any:
        return iter((self.download_bytes(url, PACK_MAX_BYTES),))
