"""Measures how often the phone's app reads abused codes through a browser's fake camera, beside bare zxing-cpp.

    make bench-phone      rewrites the table of docs/phone.md; some minutes

Photographs are those of tools/bench/rain, one of each strength of each abuse, of a card and of a screen, laid into the
middle of what a camera gives. All readers get the same picture; the phone has three seconds for it.
"""

import io
import json
import statistics
import subprocess
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import zxingcpp
from page import table, update
from phone.world import HEIGHT, OUT, WIDTH, video
from PIL import Image
from rain.abuse import KINDS
from rain.codes import OURS_AS_DRAWN
from rain.trials import PROCESSES, Trial, photograph, trials

from movepass_verifier.errors import ImageError
from movepass_verifier.reading.image import PictureReader

HOUSE = Path(__file__).resolve().parents[2]
_GREY = 118
_QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


def main() -> None:
    """Measure, print, and write the table."""
    todo = trials(list(OURS_AS_DRAWN.values()), seeds=1)
    with ProcessPoolExecutor(PROCESSES) as pool:
        frames = list(pool.map(_frame, todo))
    bare = [bool(zxingcpp.read_barcodes(frame, formats=_QR)) for frame in frames]
    ours = [_read(frame) for frame in frames]
    milliseconds = _on_the_phone(frames)
    phone = [taken is not None for taken in milliseconds]
    rows = []
    for number, kind in enumerate(KINDS):
        of_kind = [place for place, trial in enumerate(todo) if trial.kind == number]
        counts = [sum(read[place] for place in of_kind) for read in (bare, ours, phone)]
        rows.append([kind.name, *(f"{count} of {len(of_kind)}" for count in counts)])
    rows.append(["all", *(f"{sum(read)} of {len(todo)}" for read in (bare, ours, phone))])
    text = table(["abuse", "zxing-cpp alone", "`movepass verify`", "the phone"], rows)
    print(text)
    taken = sorted(taken for taken in milliseconds if taken is not None)
    print(f"\nthe phone: half within {statistics.median(taken):.0f} ms, the last after {taken[-1]} ms")
    update(HOUSE / "docs" / "phone.md", {"reading": text})


_READER = PictureReader()


def _frame(trial: Trial) -> Image.Image:
    """Lay a photograph into the middle of what a camera gives."""
    frame = Image.new("L", (WIDTH, HEIGHT), _GREY)
    with Image.open(io.BytesIO(photograph(trial))) as picture:
        frame.paste(picture.convert("L"), ((WIDTH - picture.width) // 2, (HEIGHT - picture.height) // 2))
    return frame


def _read(frame: Image.Image) -> bool:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "frame.png"
        frame.save(file, compress_level=1)
        try:
            _READER.read(file)
        except ImageError:
            return False
    return True


def _on_the_phone(frames: list[Image.Image]) -> list[int | None]:
    """Show frames to the phone's camera; gives after how many milliseconds it showed a verdict for each."""
    names = [f"reading-{number}" for number in range(len(frames))]
    for name, frame in zip(names, frames, strict=True):
        video(OUT / f"{name}.y4m", [frame])
    program = HOUSE / "build" / "phone-test" / "browser" / "reading.mjs"
    done = subprocess.run(
        ["node", str(program), *names], cwd=HOUSE / "phone", stdout=subprocess.PIPE, text=True, check=True
    )
    read = json.loads(done.stdout.splitlines()[-1])
    return [read[name] for name in names]


if __name__ == "__main__":
    main()
