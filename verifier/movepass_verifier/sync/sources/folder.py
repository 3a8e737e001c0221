"""Use a folder on this machine or on a USB stick as a source.

The carrier of the stick may have put anything on it. Only regular files below the folder are read, and no link in it is
followed (movepass_keys.files.Folder). The caller limits how much is read.
"""

from collections.abc import Generator
from contextlib import ExitStack
from io import FileIO
from pathlib import Path

from tuf.api.exceptions import DownloadError, DownloadHTTPError

from movepass_keys import files
from movepass_keys.records import layout
from movepass_verifier.sync.sources.medium import CHUNK_BYTES, NOT_FOUND


class LocalFolder:
    """A folder that holds a repository."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, name: str, start: int) -> tuple[int, Generator[bytes]]:
        """Open a file; see Medium."""
        if not self._root.is_dir():
            raise DownloadError(f"there is no folder {self._root}; is the stick plugged in?")
        try:
            file = self._open(name)
        except FileNotFoundError as e:
            if not (self._root / layout.METADATA).is_dir():  # an empty folder may be left where a stick was
                raise DownloadError(f"there is no {layout.METADATA} in {self._root}; is the stick plugged in?") from e
            raise DownloadHTTPError(f"there is no {name} in {self._root}", NOT_FOUND) from e
        file.seek(start)

        def chunks() -> Generator[bytes]:
            with file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk

        return start, chunks()

    def _open(self, name: str) -> FileIO:
        *parents, last = name.split("/")
        with ExitStack() as stack:
            folder = stack.enter_context(files.Folder.open(self._root, through_link=True))
            for parent in parents:
                folder = stack.enter_context(folder.folder(parent))
            return folder.open_file(last, may_be_linked=True)  # a publisher links a file while it writes it

    def close(self) -> None:
        """Do nothing: each file is closed after reading."""
