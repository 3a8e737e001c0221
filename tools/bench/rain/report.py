"""The tables of docs/rain.md and its sheet of samples."""

import io
import math
from collections.abc import Mapping
from pathlib import Path

from page import Row, table
from PIL import Image, ImageDraw, ImageFont

from movepass_issuer.printing import card
from rain.abuse import KINDS
from rain.codes import CARD, OURS_AS_DRAWN, PEERS, SCREEN, Code
from rain.trials import Rates, Trial, photograph, play

CHANCE = 0.01
"""A peer that reads more is taken for better where chance would bring that about less often."""
_SAMPLE_PX, _CAPTION_PX, _SAMPLES_A_LINE = 190, 30, 4
_GREYS = 8
_FONT = Path(card.__file__).with_name("fonts") / "NotoSans-Regular.ttf"


def by_strength(rates: Rates) -> str:
    """Write every row: ours and the peers, on both media."""
    columns = [(medium, name, code) for medium in (CARD, SCREEN) for name, code in _beside(medium).items()]
    head = ["", "", *(f"{medium}: {name}" for medium, name, _ in columns)]
    rows = [
        [
            kind.name if strength == 0 else "",
            kind.unit.format(kind.strengths[strength]),
            *(_percent(rates.row(number, strength, code)) for _, _, code in columns),
        ]
        for number, kind in enumerate(KINDS)
        for strength in range(len(kind.strengths))
    ]
    mean = ["mean of the kinds", "", *(_percent(rates.overall(code)) for _, _, code in columns)]
    return table(head, [*rows, mean])


def by_kind(rates: Rates, columns: Mapping[str, Code]) -> str:
    """Describe what was read of each kind, all its strengths together.

    Args:
        rates: what was measured.
        columns: codes, by the words at the column's head.
    """
    happen = [number for number, kind in enumerate(KINDS) if any(code.medium in kind.on for code in columns.values())]
    rows: list[Row] = [
        [KINDS[number].name, *(_percent(rates.of_kind(number, code)) for code in columns.values())] for number in happen
    ]
    mean = ["mean", *(_percent(rates.overall(code)) for code in columns.values())]
    return table(["", *columns], [*rows, mean])


def by_look(rates: Rates) -> str:
    """Describe what is read of a photograph as it is, and with the reader's further looks at it."""
    head = ["", *(f"{medium}: {what}" for medium in OURS_AS_DRAWN for what in ("as it is", "looked at again"))]
    rows = []
    for number, kind in enumerate(KINDS):
        row = [kind.name]
        for code in OURS_AS_DRAWN.values():
            share = rates.of_kind(number, code)
            first = rates.first_look[number, code] / (rates.seeds * len(kind.strengths))
            row += [_percent(None if share is None else first), _percent(share)]
        rows.append(row)
    return table(head, rows)


def missed(rates: Rates) -> list[str]:
    """Name the rows in which a peer is read more often than ours, by more than chance."""
    return [
        f"{kind.name}, {kind.unit.format(kind.strengths[strength])}, {medium}: {name} is read more often than ours, "
        f"{more} photographs to {less}"
        for number, kind in enumerate(KINDS)
        for strength in range(len(kind.strengths))
        for medium in (CARD, SCREEN)
        if medium in kind.on
        for name, code in _beside(medium).items()
        for more, less in [_against(rates, number, strength, code)]
        if _by_chance(more, less) < CHANCE
    ]


def _against(rates: Rates, kind: int, strength: int, code: Code) -> tuple[int, int]:
    """Count the seeds for which the peer alone is read, and those for which ours alone is."""
    ours = OURS_AS_DRAWN[code.medium]
    both = [tuple(rates.read[Trial(kind, strength, one, seed)] for one in (ours, code)) for seed in range(rates.seeds)]
    return both.count((False, True)), both.count((True, False))


def _by_chance(more: int, less: int) -> float:
    """Return how often fair coins fall at least so much for the peer (the sign test)."""
    tossed = more + less
    return float(sum(math.comb(tossed, heads) for heads in range(more, tossed + 1)) / 2**tossed)


def _beside(medium: str) -> dict[str, Code]:
    return {"ours": OURS_AS_DRAWN[medium], **{name: codes[medium] for name, codes in PEERS.items()}}


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f}"


def sheet() -> Image.Image:
    """Draw a sample of each kind in its second strength: ours, and whether it was read."""
    lines = math.ceil(len(KINDS) / _SAMPLES_A_LINE)
    image = Image.new("L", (_SAMPLES_A_LINE * _SAMPLE_PX, lines * (_SAMPLE_PX + _CAPTION_PX)), 255)
    pen = ImageDraw.Draw(image)
    font = ImageFont.truetype(str(_FONT), 12)
    for number, kind in enumerate(KINDS):
        trial = Trial(number, 1, OURS_AS_DRAWN[SCREEN if CARD not in kind.on else CARD], 0)
        x, y = number % _SAMPLES_A_LINE * _SAMPLE_PX, number // _SAMPLES_A_LINE * (_SAMPLE_PX + _CAPTION_PX)
        image.paste(_sample(trial), (x + 2, y + _CAPTION_PX))
        pen.text((x + 4, y + 1), kind.name, 0, font)
        told = f"{kind.unit.format(kind.strengths[1])}: {'read' if play(trial).read else 'not read'}"
        pen.text((x + 4, y + 14), told, 0, font)
    return image.quantize(_GREYS)


def _sample(trial: Trial) -> Image.Image:
    with Image.open(io.BytesIO(photograph(trial))) as picture:
        middle, half = picture.width / 2, picture.width / 2 / 1.3
        code = picture.crop((int(middle - half), int(middle - half), int(middle + half), int(middle + half)))
    return code.resize((_SAMPLE_PX - 4, _SAMPLE_PX - 4), Image.Resampling.LANCZOS)
