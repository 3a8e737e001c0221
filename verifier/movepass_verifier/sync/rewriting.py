"""Rewrites a log of an earlier generation as the publisher did, so that a device downloads only what is new.

A log's target says how many of its first bytes hold the set of the generation before, and describes the last files of
the generations before (movepass_keys.records.generations). A device that holds one of these files, or a part of it,
fetches the rest of that and what was new in the generations since, and writes the first bytes by itself. The signed
hash of the whole log decides. Whatever does not fit, the log is downloaded whole, as by a device that has nothing.
"""

from hashlib import sha256
from itertools import pairwise
from typing import Protocol

from tuf.api import exceptions as tuf_errors
from tuf.api.metadata import TargetFile

from movepass_keys.records.generations import Generations, LastFile
from movepass_keys.records.layout import target_name
from movepass_verifier.sync.sources.medium import GONE
from movepass_wire import Bitmap, LogError, encode_set, new_log, read_log
from movepass_wire.statuslog import read_blocks, read_header


class Files(Protocol):
    """A source, or a pack."""

    def fetch_rest(self, name: str, held: bytes, length: int) -> bytes:
        """See Source.fetch_rest."""


def begin(source: Files, day: int, target: TargetFile, held: bytes) -> bytes:
    """Return the first bytes of a log, made from what is held of an earlier generation; b"" where that is no use.

    Args:
        source: has the files of the generations before.
        day: the log's.
        target: the log, as it is signed.
        held: of an earlier generation, or anything else.

    Raises:
        DownloadError: the source can't be reached.
    """
    generations = Generations.from_custom(target.custom, target.length)
    chain = _chain(generations, day, held) if generations else ()
    if not generations or not chain or not _is_cheaper(generations, chain, len(held), target.length):
        return b""
    try:
        revoked = _complete(source, target.path, chain[0], held)
        for last in chain[1:]:
            _add_new(source, target.path, last, revoked)
        made = new_log(day, generations.generation) + encode_set(revoked)
    except (LogError, tuf_errors.DownloadLengthMismatchError):
        return b""
    except tuf_errors.DownloadHTTPError as e:
        if e.status_code not in GONE:
            raise
        return b""  # a file goes a day after its successor came
    return made if len(made) == generations.rewritten else b""


def _chain(generations: Generations, day: int, held: bytes) -> tuple[LastFile, ...]:
    """Return the last files from the generation that is held to the one before the log's, that one last."""
    try:
        of, generation = read_header(held)
    except LogError:
        return ()
    steps = generations.generation - generation
    if of != day or not 1 <= steps <= len(generations.before):
        return ()
    return generations.before[steps - 1 :: -1]


def _is_cheaper(generations: Generations, chain: tuple[LastFile, ...], held: int, length: int) -> bool:
    """Return whether what must be fetched is less than the whole log. No part may be less than nothing."""
    parts = [chain[0].length - held, *(last.length - last.rewritten for last in chain[1:])]
    is_rewritten = all(after.rewritten for _, after in pairwise(chain))
    return is_rewritten and min(parts) >= 0 and sum(parts) + length - generations.rewritten < length


def _complete(source: Files, path: str, last: LastFile, held: bytes) -> Bitmap:
    """Fetch what lacks of a generation's last file, and return its set.

    Raises:
        LogError: it is not the file that was described, or no log.
    """
    data = held
    if len(held) < last.length:
        data = source.fetch_rest(target_name(path, last.sha256), held, last.length)
    if sha256(data).hexdigest() != last.sha256:
        raise LogError("the last file of an earlier generation is another one")
    return read_log(data).revoked


def _add_new(source: Files, path: str, last: LastFile, revoked: Bitmap) -> None:
    """Add what was new in a generation that was rewritten: its last file from the second block on.

    Raises:
        LogError: these are no blocks, or have what is there.
    """
    first = bytes(last.rewritten)  # nobody reads these bytes: the set that they hold is known
    data = source.fetch_rest(target_name(path, last.sha256), first, last.length)
    for indexes in read_blocks(data, last.rewritten):
        revoked.add(indexes)
