"""Define the medium of a source, whose files are read whole or from an offset."""

from collections.abc import Generator
from typing import Protocol

from tuf.api.exceptions import DownloadError

CHUNK_BYTES = 65536
"""The most bytes that are read at once."""
OK, PARTIAL = 200, 206
FORBIDDEN, NOT_FOUND, NO_SUCH_RANGE = 403, 404, 416
GONE = (NOT_FOUND, FORBIDDEN)
"""The status of a missing file; FORBIDDEN where a bucket may not be listed."""


class NoConnectionError(DownloadError):
    """A server can't be reached at all, so that no other request to it has better prospects."""


class Medium(Protocol):
    """A web server, a bucket or a folder."""

    def open(self, name: str, start: int) -> tuple[int, Generator[bytes]]:
        """Open a file.

        Returns:
            The offset at which the answer starts (0 if the medium can't start elsewhere), and its bytes.

        Raises:
            DownloadError: it can't be read; DownloadHTTPError with NOT_FOUND if it is missing.
        """

    def close(self) -> None:
        """Close everything."""
