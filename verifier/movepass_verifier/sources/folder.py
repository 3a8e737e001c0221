"""A folder on this machine or on a USB stick, as a source."""

from collections.abc import Generator
from pathlib import Path

from tuf.api.exceptions import DownloadError, DownloadHTTPError

from movepass_keys import layout
from movepass_verifier.sources.medium import CHUNK_BYTES, NOT_FOUND


class Folder:
    """A folder that holds a repository."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, name: str, start: int) -> tuple[int, Generator[bytes]]:
        """Open a file of it; see Medium."""
        if not self._root.is_dir():
            raise DownloadError(f"there is no folder {self._root}; is the stick plugged in?")
        path = self._root / name
        if not path.exists():
            if not (self._root / layout.METADATA).is_dir():  # where a stick was, an empty folder may be left
                raise DownloadError(f"there is no {layout.METADATA} in {self._root}; is the stick plugged in?")
            raise DownloadHTTPError(f"there is no {name} in {self._root}", NOT_FOUND)
        if not path.is_file():  # a pipe would never answer, and a device never end
            raise DownloadError(f"can't read {name}: not a regular file")
        file = path.open("rb", buffering=0)
        file.seek(start)

        def chunks() -> Generator[bytes]:
            with file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk

        return start, chunks()

    def close(self) -> None:
        """Do nothing: files are closed when they have been read."""
