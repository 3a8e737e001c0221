"""Find and read an auditor's copies: regular files alone, a line at a time, no line longer than it may be."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from movepass_keys import files
from movepass_verifier.auditing import leaves
from movepass_verifier.errors import CopiesError

LEAVES, RECORDS, ISSUED, HEAD = "leaves.jsonl", "records.jsonl", "issued.jsonl", "head"
DECISIONS_FOLDER, ISSUED_FOLDER = "decisions", "issued"
PASSES_MAX_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Copies:
    """The files that an auditor was handed.

    Attributes:
        leaves: the log's leaves, one a line, in order.
        records: the records that are still kept, in the order of their leaves.
        issued: the passes in the issuer's ledger.
        head: the head beside the leaves, if there is one.
    """

    leaves: Path
    records: Path
    issued: Path
    head: Path | None


def find_copies(decisions: Path, issued: Path) -> Copies:
    """Find the files in what `movepass service export` wrote.

    Args:
        decisions: the file of leaves, its folder, or the folder of the whole export.
        issued: the file of passes, its folder, or the folder of the whole export.

    Raises:
        CopiesError: they are not there.
    """
    log = find_leaves(decisions)
    ledger = _find(issued, ISSUED, ISSUED_FOLDER)
    return Copies(log, log.parent / RECORDS, ledger, head_beside(log))


def find_leaves(decisions: Path) -> Path:
    """Find the file of leaves; see find_copies."""
    return _find(decisions, LEAVES, DECISIONS_FOLDER)


def head_beside(leaves: Path) -> Path | None:
    """Return the head that was exported with a file of leaves, if it is there."""
    head = leaves.parent.parent / HEAD
    return head if head.exists() else None


def _find(given: Path, name: str, folder: str) -> Path:
    places = (given / name, given / folder / name) if given.is_dir() else (given,)
    for place in places:
        if place.exists():
            return place
    raise CopiesError(f"there is no {places[0]}; expected the folder that movepass service export wrote")


def read_lines(path: Path, most: int) -> Iterator[bytes]:
    """Read the lines of a file without their ends.

    Args:
        path: a regular file.
        most: the most bytes of a line.

    Raises:
        CopiesError: it can't be read, a line is too long, or the last one has no end.
    """
    file = _open(path)
    number = 0
    with file:
        for number, line in enumerate(iter(partial(file.readline, most + 1), b""), 1):
            if line[-1:] != b"\n":
                what = f"is longer than {most:,} bytes" if len(line) > most else "is cut short: it has no end"
                raise CopiesError(f"{path}: line {number} {what}")
            yield line[:-1]


def read_records(path: Path) -> Iterator[leaves.KeptRecord]:
    """Read the records, whose positions rise.

    Raises:
        CopiesError: they can't be read, or are in another order.
    """
    last = -1
    for number, line in enumerate(read_lines(path, leaves.RECORD_MAX_BYTES), 1):
        try:
            record = leaves.read_record(line)
        except CopiesError as e:
            raise CopiesError(f"{path}: line {number}: {e}") from e
        if record.position <= last:
            raise CopiesError(
                f"{path}: line {number}: expected a position above {last}, got {record.position}: records come in order"
            )
        last = record.position
        yield record


def read_issued(path: Path) -> Iterator[leaves.Listed]:
    """Read the passes of the ledger.

    Raises:
        CopiesError: they can't be read.
    """
    for number, line in enumerate(read_lines(path, leaves.ISSUED_MAX_BYTES), 1):
        try:
            listed = leaves.read_listed(line)
        except CopiesError as e:
            raise CopiesError(f"{path}: line {number}: {e}") from e
        yield listed


def read_small(path: Path, most: int) -> bytes:
    """Read a whole file of limited size.

    Raises:
        CopiesError: it can't be read, or is larger.
    """
    with _open(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise CopiesError(f"{path}: expected at most {most:,} bytes, got more")
    return data


def _open(path: Path) -> BinaryIO:
    try:
        return files.open_regular(path)[0]
    except OSError as e:
        raise CopiesError(f"can't read {path}: {e.strerror}") from e
