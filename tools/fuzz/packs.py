"""The target pack: any bytes as the pack that a device asks for first, before an honest repository."""

from collections.abc import Sequence

from fuzz.repository import Memory, Roadside, is_same
from fuzz.targets import Check, hold
from movepass_keys.records import layout
from movepass_keys.records.layout import METADATA, TIMESTAMP
from movepass_verifier.sync import offer as offers
from movepass_verifier.sync.scratch import Partials
from movepass_wire.errors import PackError
from movepass_wire.packs import Part, read_pack, write_pack

_HEAD_BYTES = 9


def pack() -> tuple[Check, Sequence[bytes]]:
    """Mutates packs that bring a newer publication, say that nothing is newer, or are of something else."""
    device = _Device()
    return device.check, device.seeds()


class _Device(Roadside):
    """A device that asks for packs, and whose source has any bytes under the name of each."""

    def check(self, data: bytes) -> None:
        """See Check."""
        parts = _by_the_specification(data)
        try:
            hold(read_pack(data) == parts, "a pack is read as another")
        except PackError:
            hold(parts is None, "a pack is refused that keeps the rules")
        if parts is None or TIMESTAMP not in parts:
            return  # as if there were none
        files = self.honest.files | {layout.version_pack(version): data for version in range(1, 3)}
        with Partials(self.store.folder) as partials:
            new = offers.fetch(self.before, Memory(files), self.store.folder, partials, packs_at=self.now)
        says_nothing = parts[TIMESTAMP] == Part(TIMESTAMP, 0, self.before.metadata["timestamp"])
        hold(is_same(new, self.before if says_nothing else self.after), "a pack changes what a device takes")

    def seeds(self) -> list[bytes]:
        """Make packs of both publications."""
        held = {f"metadata/{role}.json": data for role, data in self.before.metadata.items()}
        files = {
            path if path.startswith(METADATA) else layout.plain_target(path) or "": data
            for path, data in self.honest.files.items()
        }
        parts = {name: Part(name, 0, data) for name, data in files.items() if name and name not in held}
        parts[TIMESTAMP] = Part(TIMESTAMP, 0, self.after.metadata["timestamp"])
        for day, log in self.before.logs.items():
            name = layout.log_target(day)
            if name in parts:
                parts[name] = Part(name, len(log), parts[name].content[len(log) :])
        nothing = Part(TIMESTAMP, 0, self.before.metadata["timestamp"])
        some = [{name: part} | {TIMESTAMP: parts[TIMESTAMP]} for name, part in parts.items()]
        packs = [parts, {TIMESTAMP: nothing}, {}, {**parts, TIMESTAMP: nothing}, *some]
        return [write_pack(pack.values()) for pack in packs]


def _by_the_specification(data: bytes) -> dict[str, Part] | None:
    """Read a pack by the words of docs/spec.md; None where a rule is broken."""
    if data[:4] != b"MPK1" or len(data) > 1 << 20:
        return None
    rest, parts = data[4:], dict[str, Part]()
    while rest:
        name, rest = rest[1 : 1 + rest[0]], rest[1:]
        rest = rest[len(name) :] if name else rest
        numbers = rest[: _HEAD_BYTES - 1]
        start, length = int.from_bytes(numbers[:4], "big"), int.from_bytes(numbers[4:], "big")
        content, rest = rest[8 : 8 + length], rest[8 + length :]
        is_cut = len(numbers) < _HEAD_BYTES - 1 or len(content) < length
        if is_cut or not name or max(name) > 127 or name.decode() in parts:
            return None
        parts[name.decode()] = Part(name.decode(), start, content)
    return parts
