"""The desk's part of the embedded store."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from movepass_service.applications.application import split_hash
from movepass_service.stores.desk import Hold, Note, SecondLook
from movepass_service.stores.kept import Kept
from movepass_service.stores.sqlite import desk_rows, log
from movepass_service.stores.sqlite.writer import Writer, failures

_CLOCK = "desk-clock"
_CLOCK_BYTES = 8


class SqliteDesk:
    """See stores.desk.DeskStore for what each method promises."""

    writer: Writer
    if TYPE_CHECKING:

        @property
        def _reader(self) -> sqlite3.Connection: ...
        def _kept(self, condition: str, values: Sequence[Any]) -> list[Kept]: ...
        def noted(self, name: str) -> bytes | None: ...  # noqa: D102 - see SqliteStore

    def hold(self, number: int) -> Hold | None:
        """See DeskStore."""
        with failures():
            row = self._reader.execute(f"{desk_rows.HOLDS} WHERE number = ?", (number,)).fetchone()
        return desk_rows.hold(row) if row else None

    def holds(self, limit: int) -> list[Hold]:
        """See DeskStore."""
        with failures():
            found = self._reader.execute(f"{desk_rows.HOLDS} ORDER BY number LIMIT ?", (limit,))
            return [desk_rows.hold(row) for row in found]

    def put_hold(self, hold: Hold, found: str | None, *, delete: bool = False, note: Note | None = None) -> str:
        """See DeskStore."""

        def work(db: sqlite3.Connection) -> str:
            token = desk_rows.put_hold(db, hold, found, delete=delete)
            if note is not None:
                desk_rows.add_note(db, hold.number, note, None)
            return token

        return self.writer.call(work)

    def same_person(self, kept: Kept, limit: int) -> list[Kept]:
        """See DeskStore."""
        if kept.id_hash is None:
            return []
        person, after = split_hash(kept.id_hash)
        return self._kept(desk_rows.SAME_PERSON, (kept.number, person, after, person, limit))

    def add_note(self, number: int, note: Note, limit: int) -> None:
        """See DeskStore."""
        self.writer.call(lambda db: desk_rows.add_note(db, number, note, limit))

    def notes(self, number: int) -> list[Note]:
        """See DeskStore."""
        with failures():
            found = self._reader.execute(
                "SELECT at, officer, text FROM notes WHERE number = ? ORDER BY rowid", (number,)
            )
            return [Note(*row) for row in found]

    def approvals_since(self, officer: str, at: int) -> int:
        """See DeskStore."""
        with failures():
            return desk_rows.approvals_since(self._reader, officer, at)

    def second_looks(self, outcomes: Sequence[str], limit: int) -> list[SecondLook]:
        """See DeskStore."""
        with failures():
            return desk_rows.second_looks(self._reader, outcomes, limit)

    def second_look(self, decision: int) -> SecondLook | None:
        """See DeskStore."""
        with failures():
            return desk_rows.second_look(self._reader, decision)

    def put_second_look(self, look: SecondLook, found: str, now: int, act: Mapping[str, Any] | None = None) -> None:
        """See DeskStore."""

        def work(db: sqlite3.Connection) -> None:
            desk_rows.put_second_look(db, look, found)
            if act is not None:
                log.append_administration(db, act, now)

        self.writer.call(work)

    def find_pass(self, day: int, index: int) -> Kept | None:
        """See DeskStore."""
        found = self._kept("number IN (SELECT number FROM issuances WHERE day = ? AND idx = ?)", (day, index))
        return found[0] if found else None

    def replace_noted(
        self, name: str, found: bytes | None, value: bytes, now: int, act: Mapping[str, Any] | None = None
    ) -> None:
        """See DeskStore."""

        def work(db: sqlite3.Connection) -> None:
            desk_rows.replace_noted(db, name, found, value)
            if act is not None:
                log.append_administration(db, act, now)

        self.writer.call(work)

    def advance_clock(self, now: int) -> int:
        """See DeskStore. Nothing is written, and nobody waits for the disk, where the time is known already."""
        latest = int.from_bytes(self.noted(_CLOCK) or b"", "big")
        if now <= latest:
            return latest

        def work(db: sqlite3.Connection) -> int:
            row = db.execute("SELECT value FROM meta WHERE name = ?", (_CLOCK,)).fetchone()
            known = int.from_bytes(row[0], "big") if row else 0
            if now > known:
                value = now.to_bytes(_CLOCK_BYTES, "big")
                db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_CLOCK, value))
            return max(now, known)

        return self.writer.call(work)
