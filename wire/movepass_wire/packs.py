"""Read and write packs: one file with everything that a device of a known publication lacks (docs/spec.md, section 9).

    pack = "MPK1" || part*
    part = name length (1 byte) || name || start (4 bytes) || length (4 bytes) || content

A name is that of a file in metadata/, as metadata/7.status.json, or of a target, as status/20779.log; in ASCII. A part
holds the file from the byte `start` on. Numbers have their most significant byte first. A pack adds no trust: each file
is checked as if it had been fetched by itself.
"""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from movepass_wire.errors import PackError
from movepass_wire.limits import PACK_MAX_BYTES

_MAGIC = b"MPK1"
_PLACE = struct.Struct(">II")
_NAME_MAX_BYTES = 255


class Part(NamedTuple):
    """A document or a target, or the rest of one from an offset on."""

    name: str
    start: int
    content: bytes


def write_pack(parts: Iterable[Part]) -> bytes:
    """Write a pack.

    Raises:
        PackError: a name is too long, not ASCII, or there twice; or the pack is too large.
    """
    pack, names = bytearray(_MAGIC), set[str]()
    for part in parts:
        name = part.name.encode("ascii", "replace")
        if not 1 <= len(name) <= _NAME_MAX_BYTES or name.decode() != part.name or part.name in names:
            raise PackError(f"expected names of 1 to {_NAME_MAX_BYTES} ASCII characters, each once, got {part.name!r}")
        names.add(part.name)
        pack += bytes([len(name)]) + name + _PLACE.pack(part.start, len(part.content)) + part.content
    if len(pack) > PACK_MAX_BYTES:
        raise PackError(f"expected a pack of at most {PACK_MAX_BYTES} bytes, got {len(pack)}")
    return bytes(pack)


def read_pack(data: bytes) -> dict[str, Part]:
    """Read a pack's parts by name.

    Raises:
        PackError: the bytes are no whole pack.
    """
    if len(data) > PACK_MAX_BYTES:
        raise PackError(f"expected a pack of at most {PACK_MAX_BYTES} bytes, got {len(data)}")
    if not data.startswith(_MAGIC):
        raise PackError("expected a pack, which begins with MPK1")
    parts: dict[str, Part] = {}
    at = len(_MAGIC)
    while at < len(data):
        part, at = _read_part(data, at)
        if part.name in parts:
            raise PackError(f"{part.name!r} is in the pack twice")
        parts[part.name] = part
    return parts


def _read_part(data: bytes, at: int) -> tuple[Part, int]:
    """Read the part at an offset; returns it and the offset behind it."""
    name_end = at + 1 + data[at]
    begins = name_end + _PLACE.size
    if begins > len(data):
        raise PackError("the pack is cut short")
    start, length = _PLACE.unpack_from(data, name_end)
    name, content = data[at + 1 : name_end], data[begins : begins + length]
    if len(content) != length:
        raise PackError("the pack is cut short")
    if not name or not name.isascii():
        raise PackError(f"expected a name of ASCII characters, got {name!r}")
    return Part(name.decode("ascii"), start, content), begins + length
