"""Draws the site's pages: `PYTHONPATH=tests python -m support.site_pictures OUT`; needs Chromium and Node.js."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from movepass_service.accounts.accounts import OUTBOX
from support.sites import running_site

BROWSER = Path(__file__).resolve().parents[1] / "service/browser"
MOVEPASS = Path(sys.executable).with_name("movepass")
COLOURS = 48
"""Enough for plain colours and the edges of letters; a picture is then a third as large."""


def main(out: Path) -> None:
    """Draw all pages into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running_site(Path(folder), is_working=True) as site:
        own = {
            "SITE": site.origin,
            "OUTBOX": str(site.data / OUTBOX),
            "DATA": str(site.data),
            "MOVEPASS": str(MOVEPASS),
        }
        environment = {**os.environ, **own}
        subprocess.run(["node", str(BROWSER / "pictures.mjs"), str(out)], env=environment, check=True)
    for picture in out.glob("*.png"):
        Image.open(picture).convert("RGB").quantize(COLOURS).save(picture, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
