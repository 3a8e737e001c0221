"""How often the phone's app reads a code under abuse, through a browser's fake camera; beside bare zxing-cpp.

    PYTHONPATH=bench:tests python bench/phone_reading.py      the table of docs/phone.md, anew

Photographs are those of bench/rain, one of each strength; the phone has three seconds for each.
"""

import io
import json
import subprocess
from pathlib import Path

import zxingcpp
from page import table, update
from phone.world import HEIGHT, OUT, WIDTH, video
from PIL import Image
from rain.abuse import KINDS
from rain.codes import CARD, OURS_AS_DRAWN, SCREEN
from rain.trials import Trial, photograph, play

HOUSE = Path(__file__).resolve().parents[1]
_GREY = 118
_QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


def main() -> None:
    """Measure, print, and write the table."""
    photographs = {trial: photograph(trial) for trial in _trials()}
    names = {trial: f"reading-{number}" for number, trial in enumerate(photographs)}
    for trial, data in photographs.items():
        video(OUT / f"{names[trial]}.y4m", [_framed(data)])
    program = HOUSE / "build" / "phone-test" / "browser" / "reading.mjs"
    done = subprocess.run(
        ["node", str(program), *names.values()], cwd=HOUSE / "phone", stdout=subprocess.PIPE, text=True, check=True
    )
    read = json.loads(done.stdout.splitlines()[-1])
    bare = {trial: bool(zxingcpp.read_barcodes(_framed(data), formats=_QR)) for trial, data in photographs.items()}
    ours = {trial: play(trial).read for trial in photographs}
    phone = {trial: read[names[trial]] for trial in photographs}
    rows = []
    for number, kind in enumerate(KINDS):
        of_kind = [trial for trial in photographs if trial.kind == number]
        counts = [sum(reader[trial] for trial in of_kind) for reader in (bare, ours, phone)]
        rows.append([kind.name, *(f"{count} of {len(of_kind)}" for count in counts)])
    sums = [sum(reader.values()) for reader in (bare, ours, phone)]
    rows.append(["all", *(f"{count} of {len(photographs)}" for count in sums)])
    text = table(["abuse", "zxing-cpp alone", "`movepass verify`", "the phone"], rows)
    print(text)
    update(HOUSE / "docs" / "phone.md", {"reading": text})


def _trials() -> list[Trial]:
    return [
        Trial(number, strength, OURS_AS_DRAWN[CARD if CARD in kind.on else SCREEN], seed=0)
        for number, kind in enumerate(KINDS)
        for strength in range(len(kind.strengths))
    ]


def _framed(photograph_: bytes) -> Image.Image:
    """Lay a photograph into the middle of what a camera gives."""
    frame = Image.new("L", (WIDTH, HEIGHT), _GREY)
    with Image.open(io.BytesIO(photograph_)) as picture:
        frame.paste(picture.convert("L"), ((WIDTH - picture.width) // 2, (HEIGHT - picture.height) // 2))
    return frame


if __name__ == "__main__":
    main()
