"""Describes a log's generation, and the ones before it, in what a target says of itself (docs/spec.md, section 9).

    custom = {"generation": G, "rewritten": F, "before": [{"length": L, "sha256": "…", "rewritten": F}, …]}

A log that was rewritten begins with F bytes, header and first block, which hold exactly the set of the last file of the
generation before. So a device that has that file, or can complete it, writes these bytes by itself. `before` describes
the last files of the generations before, the newest first.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from movepass_keys.records.layout import LOG_MAX_BYTES

GENERATION: Final = "generation"
REWRITTEN: Final = "rewritten"
BEFORE: Final = "before"
WRITTEN_BEFORE: Final = 4
"""Generations that a target describes: each is some 110 bytes that every sync downloads (docs/scale.md)."""
READ_BEFORE: Final = 32
"""Generations that a device reads; what describes more is as if it described none."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class LastFile:
    """The last file of an earlier generation.

    Attributes:
        length: its bytes.
        sha256: its hash in hexadecimal, which also names it.
        rewritten: its first bytes, which hold the set of the generation before it; 0 where it was not rewritten.
    """

    length: int
    sha256: str
    rewritten: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return what a target says of it."""
        known = {"length": self.length, "sha256": self.sha256}
        return known | ({REWRITTEN: self.rewritten} if self.rewritten else {})

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read what to_json wrote.

        Raises:
            ValueError: it is something else.
        """
        if not isinstance(value, dict):
            raise ValueError("no object")  # noqa: TRY004 - as for all that is not what was expected
        digest = value.get("sha256")
        if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            raise ValueError("no SHA-256")
        length = _size(value.get("length"))
        return cls(length, digest, _size(value.get(REWRITTEN, 0), length))


@dataclass(frozen=True, slots=True)
class Generations:
    """A log's generation, and what is needed to make it from an earlier one.

    Attributes:
        generation: the number in the log's header.
        rewritten: the log's first bytes, which hold the set of the generation before; 0 where it was not rewritten.
        before: the last files of the generations before, the newest first.
    """

    generation: int
    rewritten: int = 0
    before: tuple[LastFile, ...] = ()

    def to_custom(self) -> dict[str, Any]:
        """Return what a target says of itself."""
        said: dict[str, Any] = {GENERATION: self.generation}
        if self.rewritten:
            said |= {REWRITTEN: self.rewritten, BEFORE: [last.to_json() for last in self.before]}
        return said

    @classmethod
    def from_custom(cls, custom: Any, length: int) -> Self | None:
        """Read what a target of `length` bytes says of itself; None where it names no generation.

        What it says of rewriting is a help and no rule: if any of it can't be read, it is as if nothing was said.
        """
        generation = custom.get(GENERATION) if isinstance(custom, dict) else None
        if not isinstance(generation, int) or isinstance(generation, bool):
            return None
        plain = cls(generation)
        try:
            before = custom.get(BEFORE, [])
            if not isinstance(before, list) or len(before) > READ_BEFORE:
                return plain
            rewritten = _size(custom.get(REWRITTEN, 0), length)
            return cls(generation, rewritten, tuple(map(LastFile.from_json, before))) if rewritten else plain
        except ValueError:
            return plain

    def next(self, last: LastFile, rewritten: int) -> Self:
        """Return the next generation, by the last file of this one and the bytes that hold its set."""
        last = replace(last, rewritten=self.rewritten)
        return replace(
            self, generation=self.generation + 1, rewritten=rewritten, before=(last, *self.before)[:WRITTEN_BEFORE]
        )


def _size(value: Any, most: int = LOG_MAX_BYTES) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ValueError(f"expected a number up to {most}")
    return value
