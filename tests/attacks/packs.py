"""Offer everything that a hostile repository holds in packs too, whatever version a device asks with."""

from collections.abc import Iterator, Mapping

from movepass_keys.records import layout
from movepass_keys.records.layout import METADATA, PACKS_FOLDER
from movepass_wire.errors import PackError
from movepass_wire.packs import Part, write_pack


def with_packs(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Return the files and, under the name of any pack, all of them in one; nothing where they fit into none."""
    return _WithPacks(files)


class _WithPacks(Mapping[str, bytes]):
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def __getitem__(self, name: str) -> bytes:
        if not name.startswith(f"{PACKS_FOLDER}/"):
            return self._files[name]
        parts: dict[str, Part] = {}
        for file, content in self._files.items():
            plain = file if file.startswith(METADATA) else layout.plain_target(file)
            if plain:
                parts[plain] = Part(plain, 0, content)
        try:
            return write_pack(parts.values())
        except PackError as e:
            raise KeyError(name) from e

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)
