"""Where a collector writes: parts of days, and how far it has read."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol, Self

from movepass_keys import files
from movepass_service.statistics.facts import Fact, FactsError
from movepass_service.statistics.folder import STATE, make_folder, part_path
from movepass_service.statistics.lining import LaneHour

STATE_VERSION = 2
"""Of what a collector remembers; 2: events have other names than before."""
STATE_MAX_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Collected:
    """The place that the reading of a store has reached.

    Attributes:
        position: the first position of the log that was not read.
        leaf: SHA-256 of the leaf before it, in hexadecimal; "" before the first.
        arrived: the number of the last application that was counted while it waited for the rules.
        noted: the position before which the issuer has noted all that was taken away.
        published: the version of the last publication that was counted.
        lanes: what the line's lanes did in the hour of the last reading.
        complete_until: until when all that happened is in the facts, seconds since 1970 UTC.
    """

    position: int = 0
    leaf: str = ""
    arrived: int = 0
    noted: int = 0
    published: int = 0
    lanes: Mapping[str, LaneHour] = field(default_factory=dict)
    complete_until: int | None = None

    def to_bytes(self) -> bytes:
        """Write it as JSON."""
        return json.dumps({"version": STATE_VERSION, **asdict(self)}).encode()

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> Self:
        """Read what to_bytes wrote.

        Raises:
            FactsError: it is something else; the message has the name.
        """
        try:
            state = json.loads(data)
            if state.pop("version") != STATE_VERSION:
                raise ValueError("of another version")
            lanes = {lane: LaneHour(**hour) for lane, hour in state.pop("lanes", {}).items()}
            read = cls(**state, lanes=lanes)
            numbers = (read.position, read.arrived, read.noted, read.published)
            if not all(type(one) is int and one >= 0 for one in numbers):
                raise ValueError("no numbers")
        except (ValueError, LookupError, TypeError, AttributeError) as e:
            raise FactsError(f"{name} can't be read; move the facts away, and they are written again") from e
        return read


class Parts(Protocol):
    """Keeps the parts of days. Methods raise FactsError if the place can't be read or written."""

    name: str
    """For messages."""

    def state(self) -> Collected:
        """Return how far the store was read; the beginning where nothing was."""

    def write_state(self, state: Collected) -> None:
        """Keep how far the store was read: durable when this returns."""

    def write(self, day: str, name: str, lines: bytes) -> None:
        """Write a part of a day, in place of an earlier one of this name: durable when this returns."""


class FolderParts:
    """Parts in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        """Take the folder of the facts."""
        self._folder = folder
        self.name = str(folder)

    def state(self) -> Collected:
        """See Parts."""
        try:
            return Collected.from_bytes(files.read_regular(self._folder / STATE, STATE_MAX_BYTES), self._state_name)
        except FileNotFoundError:
            return Collected()
        except OSError as e:
            raise FactsError(f"{self._state_name}: {e.strerror or e}") from e

    def write_state(self, state: Collected) -> None:
        """See Parts."""
        try:
            make_folder(self._folder)
            files.write_whole(self._folder / STATE, state.to_bytes())
        except OSError as e:
            raise FactsError(f"{self._state_name}: {e.strerror or e}") from e

    def write(self, day: str, name: str, lines: bytes) -> None:
        """See Parts."""
        path = part_path(self._folder, day, name)
        try:
            make_folder(path.parent)
            files.write_whole(path, lines)
        except OSError as e:
            raise FactsError(f"{path}: {e.strerror or e}") from e

    @property
    def _state_name(self) -> str:
        return str(self._folder / STATE)


def lines_by_day(facts: Iterable[Fact]) -> Mapping[str, bytes]:
    """Write facts as lines of JSON, by the days in which they happened."""
    days: defaultdict[str, list[str]] = defaultdict(list)
    for fact in facts:
        days[fact.day].append(fact.to_line() + "\n")
    return {day: "".join(lines).encode() for day, lines in days.items()}
