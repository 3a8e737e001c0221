"""Check that files are written whole or not at all: killed, without space, created by two at once."""

import errno
import os
import random
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import processes

from movepass_keys.files import write_new, write_whole

CONTENTS = (b"old" * 100_000, b"new" * 200_000)
WRITER = """
import sys
from pathlib import Path
from movepass_keys.files import write_whole
print("begun", flush=True)
while True:
    for content in (b"old" * 100_000, b"new" * 200_000):
        write_whole(Path(sys.argv[1]), content)
"""
FULL = """
import resource, signal, sys
from pathlib import Path
from movepass_keys import files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    getattr(files, sys.argv[1])(Path(sys.argv[2]), bytes(2000))
except OSError as e:
    print(e.strerror)
"""


def test_a_writer_that_is_killed_leaves_the_old_content_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, CONTENTS[0])
    seen = set()
    for _ in range(15):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, env=processes.environment()
        ) as writer:
            assert writer.stdout
            writer.stdout.readline()
            time.sleep(random.uniform(0, 0.05))
            writer.send_signal(signal.SIGKILL)
        assert path.read_bytes() in CONTENTS
        seen.add(len(list(tmp_path.iterdir())))
    write_whole(path, CONTENTS[0])
    assert list(tmp_path.iterdir()) == [path]
    assert 2 in seen, "no kill came in the middle of a file, so nothing was shown"


@pytest.mark.parametrize("write", [write_whole, write_new])
def test_what_can_not_be_written_is_told_by_its_own_name(tmp_path: Path, write: Callable[[Path, bytes], None]) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        write(tmp_path / "nowhere" / "file", b"")
    assert caught.value.filename == str(tmp_path / "nowhere" / "file")


@pytest.mark.parametrize("function", ["write_whole", "write_new"])
def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path: Path, function: str) -> None:
    path = tmp_path / "file"
    if function == "write_whole":
        path.write_bytes(b"old")
    before = list(tmp_path.iterdir())
    said = processes.run(FULL, function, path)
    assert "File too large" in said
    assert list(tmp_path.iterdir()) == before
    assert not before or path.read_bytes() == b"old"


def test_of_many_who_make_one_new_file_exactly_one_does(tmp_path: Path) -> None:
    path = tmp_path / "file"
    made: list[bytes] = []
    start = threading.Barrier(8)

    def make(content: bytes) -> None:
        start.wait()
        try:
            write_new(path, content)
        except FileExistsError:
            return
        made.append(content)

    threads = [threading.Thread(target=make, args=(bytes([n]) * 100_000,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [path.read_bytes()]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP])
def test_a_new_file_needs_no_hard_links_and_still_replaces_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)  # no stick with FAT can be had here
    write_new(tmp_path / "file", b"content", 0o600)
    assert (tmp_path / "file").read_bytes() == b"content"
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "file", b"other")
    assert (tmp_path / "file").read_bytes() == b"content"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_can_not_sync_folders_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """As CIFS, vboxsf and some of FUSE; the file's own sync must do there, and has to work."""
    original = os.fsync

    def sync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        original(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    write_whole(tmp_path / "file", b"one")
    write_new(tmp_path / "other", b"two")
    assert (tmp_path / "file").read_bytes() == b"one"

    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        write_whole(tmp_path / "file", b"three")
    assert (tmp_path / "file").read_bytes() == b"one"


IN_A_FOLDER_NOT_TO_BE_LISTED = (
    processes.AS_NOBODY
    + """
from movepass_keys.files import read_regular, write_new, write_whole
folder = Path(sys.argv[1])
become_nobody()
print(read_regular(folder / "file", 10).decode())
write_whole(folder / "file", b"two")
write_new(folder / "new", b"three")
print(read_regular(folder / "file", 10).decode())
"""
)


def test_a_folder_that_may_be_passed_through_and_not_listed_is_of_use() -> None:
    with tempfile.TemporaryDirectory() as name:  # below folders that nobody may pass, pytest's own
        Path(name).chmod(0o755)
        folder = Path(name) / "folder"
        folder.mkdir()
        (folder / "file").write_bytes(b"one")
        folder.chmod(0o333)
        assert processes.run(IN_A_FOLDER_NOT_TO_BE_LISTED, folder).split() == ["one", "two"]
        folder.chmod(0o755)
