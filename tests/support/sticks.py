"""Prepare hostile sticks: links, pipes, devices, endless and huge files where a command reads or writes."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

HUGE = 8 << 30
"""Bytes of a sparse file: reading it whole would take more memory than a test may have."""
Trap = Callable[[Path, Path], None]
"""Puts something at a place on the stick; knows a file outside that must stay as it is."""


def _clear(place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def _link(place: Path, outside: Path) -> None:
    place.symlink_to(outside)


def _link_to_folder(place: Path, outside: Path) -> None:
    place.symlink_to(outside.parent)


def _dangling(place: Path, outside: Path) -> None:
    place.symlink_to(outside.with_name("made-by-the-command"))


def _hard_link(place: Path, outside: Path) -> None:
    os.link(outside, place)


def _pipe(place: Path, _: Path) -> None:
    os.mkfifo(place)


def _endless(place: Path, _: Path) -> None:
    place.symlink_to("/dev/zero")


def _huge(place: Path, _: Path) -> None:
    with place.open("wb") as file:
        file.truncate(HUGE)


def _folder(place: Path, _: Path) -> None:
    (place / "inside").mkdir(parents=True)


def _file(place: Path, _: Path) -> None:
    place.write_bytes(b"{}")


TRAPS: dict[str, Trap] = {
    "a link": _link,
    "a link to a folder": _link_to_folder,
    "a link to nothing": _dangling,
    "a hard link": _hard_link,
    "a pipe": _pipe,
    "a link to /dev/zero": _endless,
    "a huge file": _huge,
    "a folder": _folder,
    "a file": _file,
}


def lay(trap: str, place: Path, outside: Path) -> None:
    """Put a trap in place of whatever is at a place; `outside` is a file that it may lead to."""
    _clear(place)
    TRAPS[trap](place, outside)


def content(folder: Path) -> dict[str, bytes | str | None]:
    """Read everything in a folder for a later comparison: files' bytes, links' targets, and folders."""
    found: dict[str, bytes | str | None] = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found
