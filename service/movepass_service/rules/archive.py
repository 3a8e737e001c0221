"""Keeps drafts and activations as signed files in a folder: `drafts/VERSION.json`, `activated/000001.json`.

A file appears whole or not at all, and is never written again. So a process may be killed at any moment, and two who
confirm at the same time get one activation and one refusal.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from movepass_keys import files
from movepass_service.rules.activation import (
    Activation,
    ActivationError,
    ArchiveError,
    Draft,
    activation_from,
    draft_from,
    newest,
    to_bytes,
    verify_activations,
)
from movepass_service.rules.engine import RuleSet
from movepass_service.rules.table import RULES_MAX_BYTES

FOLDER = "rules"
"""Its name in the service's data."""
_DRAFTS, _ACTIVATED = "drafts", "activated"
_ENDING = ".json"
_FILE_MAX_BYTES = 8 * RULES_MAX_BYTES
"""JSON may write a character with six, and there is more than the rules."""
T = TypeVar("T", Draft, Activation)


class FolderArchive:
    """An archive in a folder; see activation.RuleArchive."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, which is made with the first draft."""
        self._folder = folder

    def add(self, draft: Draft) -> None:
        """See RuleArchive."""
        try:
            self._write(_DRAFTS, draft.version, to_bytes(draft))
        except FileExistsError as e:
            known = next(known for known in self.drafts() if known.version == draft.version)
            if known.source != draft.source:
                raise ActivationError(
                    f"there is a draft of version {draft.version} by {known.author} already; give yours another version"
                ) from e
            raise ActivationError(f"version {draft.version} is a draft already, signed by {known.author}") from e

    def confirm(self, activation: Activation) -> None:
        """See RuleArchive."""
        if any(known.draft.version == activation.draft.version for known in self.activations()):
            raise ActivationError(f"version {activation.draft.version} was activated before")
        try:
            self._write(_ACTIVATED, f"{activation.number:06}", to_bytes(activation))
        except FileExistsError as e:
            raise ActivationError("somebody else activated rules at this moment; look at them and try again") from e

    def drafts(self) -> Sequence[Draft]:
        """See RuleArchive."""
        return self._read(_DRAFTS, draft_from)

    def activations(self) -> Sequence[Activation]:
        """See RuleArchive."""
        found = self._read(_ACTIVATED, activation_from)
        verify_activations(found)
        return found

    def in_force(self, at: int) -> RuleSet | None:
        """See RuleArchive."""
        activation = newest(self.activations(), at)
        return RuleSet.from_toml(activation.draft.source) if activation else None

    def _write(self, room: str, name: str, data: bytes) -> None:
        with files.Folder.open(self._folder, make=True) as folder, folder.folder(room, make=True) as inner:
            inner.write_new(name + _ENDING, data)

    def _read(self, room: str, read: Callable[[bytes, str], T]) -> Sequence[T]:
        path = self._folder / room
        try:
            with files.Folder.open(path) as folder:
                names = [name for name in folder.names() if name.endswith(_ENDING)]
                # a writer links its file to its name before it unlinks the temporary one
                data = [folder.read(name, _FILE_MAX_BYTES, may_be_linked=True) for name in names]
            return [read(content, str(path / name)) for name, content in zip(names, data, strict=True)]
        except FileNotFoundError:
            return []
        except OSError as e:
            raise ArchiveError(f"can't read {e.filename or path}: {e.strerror}") from e
