"""Writes the files that the site's pages load into a folder, to be put into the bucket behind CloudFront.

python infra/assets.py build/assets

A file's name holds its hash, so files of an earlier version may stay, and pages that are open still find theirs.
"""

import sys
from pathlib import Path

from movepass_service.site.pages.site import SOURCES


def write(folder: Path) -> list[Path]:
    """Write them; returns their paths, which are those of their addresses."""
    written = []
    for asset in SOURCES.load_assets().values():
        file = folder / asset.path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(asset.answer.body)
        written.append(file)
    return written


if __name__ == "__main__":
    for path in write(Path(sys.argv[1])):
        print(path)
