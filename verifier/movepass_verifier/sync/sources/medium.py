"""What a source is made of: something that files can be read from, whole or from an offset on."""

from collections.abc import Generator
from typing import Protocol

CHUNK_BYTES = 65536
"""The most that is read at once."""
OK, PARTIAL = 200, 206
FORBIDDEN, NOT_FOUND, NO_SUCH_RANGE = 403, 404, 416


class Medium(Protocol):
    """A web server, a bucket, a folder."""

    def open(self, name: str, start: int) -> tuple[int, Generator[bytes]]:
        """Open a file.

        Returns:
            Where the answer starts (0 where the medium can't start elsewhere), and its bytes.

        Raises:
            DownloadError: it can't be had; DownloadHTTPError with NOT_FOUND where it is not there.
        """

    def close(self) -> None:
        """Let go of everything."""
