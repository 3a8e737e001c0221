"""Writes words/movepass_words/banners.json: the outcomes in letters that are read at two metres.

    python tools/make_banners.py

A terminal has one size of letters, and none of its own for Bangla that could be put together from blocks. So the words
of the catalogues are drawn from the fonts of the printed card, once, and kept as quarter blocks, two pixels by two a
character. Needs the [issuer] extra and FriBiDi, as the card does.
"""

import json
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from movepass_words import LANGUAGES

HOUSE = Path(__file__).parent.parent
WORDS = HOUSE / "words" / "movepass_words"
FONTS = HOUSE / "issuer" / "movepass_issuer" / "printing" / "fonts"
LATIN = FONTS / "NotoSans-Bold.ttf"
FONT = {"bn": FONTS / "NotoSansBengali-Bold.ttf"}
"""Of languages that are written in another script."""
OUTCOMES = ("accept", "reject", "cannot-verify")
ROWS, COLUMNS = 8, 62
HALF_ROWS = 4
"""Beside "TEST", which takes the other half: a TEST authority's outcome is never as large as a real one."""
SYMBOL_COLUMNS = 14
QUARTERS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
"""By which quarters are filled: 1 upper left, 2 upper right, 4 lower left, 8 lower right."""
SCALE = 8
"""Drawn this much larger, then averaged."""
FILLED = 110
"""From this grey on a quarter is filled: a little less than half, so that thin strokes stay."""


def draw_word(text: str, font: Path, rows: int) -> Image.Image:
    """Draw one line as high as fits; a quarter is twice as high as it is wide."""
    for size in range(4 * rows, 4, -1):
        letters = ImageFont.truetype(font, size * SCALE, layout_engine=ImageFont.Layout.RAQM)
        left, top, right, bottom = (round(edge) for edge in letters.getbbox(text))
        width, height = (right - left) * 2 // SCALE, -(-(bottom - top) // SCALE)
        if height <= 2 * rows and width <= 2 * COLUMNS:
            image = Image.new("L", (right - left, bottom - top))
            ImageDraw.Draw(image).text((-left, -top), text, font=letters, fill=255)
            return image.resize((width + width % 2, height + height % 2), Image.Resampling.BOX)
    raise ValueError(f"{text!r} does not fit into {COLUMNS} columns")


def draw_lines(text: str, font: Path, rows: int) -> list[str]:
    """Draw a text on one line or on two, whichever gives the larger letters."""
    words = text.split()
    splits = [[text]]
    if rows > HALF_ROWS:
        splits += [[" ".join(words[:at]), " ".join(words[at:])] for at in range(1, len(words))]
    drawn = [[draw_word(line, font, rows // len(lines)) for line in lines] for lines in splits]
    best = max(drawn, key=lambda images: min(image.height for image in images))
    return [row for image in best for row in quarters(image)]


def draw_symbol(outcome: str, rows: int) -> list[str]:
    """Draw a tick, a cross or a question mark."""
    columns = SYMBOL_COLUMNS * rows // ROWS
    width, height = 2 * columns * SCALE, 4 * rows * SCALE
    image = Image.new("L", (width, height))
    draw = ImageDraw.Draw(image)

    def stroke(*points: tuple[float, float]) -> None:
        ends = [(x * width, y * height) for x, y in points]
        for one, other in pairwise(ends):
            draw.line([one, other], fill=255, width=width // 6)

    if outcome == "accept":
        stroke((0.08, 0.55), (0.38, 0.86), (0.92, 0.14))
    elif outcome == "reject":
        stroke((0.12, 0.08), (0.88, 0.92))
        stroke((0.88, 0.08), (0.12, 0.92))
    else:
        letters = ImageFont.truetype(LATIN, height)
        left, top, right, bottom = letters.getbbox("?")
        draw.text(((width - right - left) / 2, (height - bottom - top) / 2), "?", font=letters, fill=255)
    return quarters(image.resize((2 * columns, 2 * rows), Image.Resampling.BOX))


def quarters(image: Image.Image) -> list[str]:
    """Write an image of an even size as quarter blocks."""
    pixels = image.load()
    assert pixels is not None
    places = [(dx, dy) for dy in (0, 1) for dx in (0, 1)]

    def block(x: int, y: int) -> str:
        filled = (pixels[x + dx, y + dy] > FILLED for dx, dy in places)  # type: ignore[operator] # "L" has one number
        return QUARTERS[sum(1 << bit for bit, full in enumerate(filled) if full)]

    rows = ["".join(block(x, y) for x in range(0, image.width, 2)) for y in range(0, image.height, 2)]
    return [row.rstrip() for row in rows]


def banners() -> dict[str, dict[str, dict[str, list[str]]]]:
    """Draw all of them: "whole" or "half" as high, "symbol" or language, outcome or "test"."""
    return {name: _banners(rows) for name, rows in (("whole", ROWS), ("half", HALF_ROWS))}


def _banners(rows: int) -> dict[str, dict[str, list[str]]]:
    found = {"symbol": {outcome: draw_symbol(outcome, rows) for outcome in OUTCOMES}}
    for language in LANGUAGES:
        font = FONT.get(language, LATIN)
        texts = json.loads((WORDS / f"{language}.json").read_text("utf-8"))
        wanted = {outcome: texts[f"outcome.{outcome}"] for outcome in OUTCOMES} | {"test": texts["test.short"]}
        found[language] = {name: draw_lines(text, font, rows) for name, text in wanted.items()}
    return found


def main() -> None:
    """Write the file."""
    text = json.dumps(banners(), ensure_ascii=False, indent=1)
    (WORDS / "banners.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
