"""The kinds of abuse of a code, each in several strengths."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw

from rain.codes import CARD, SCREEN
from rain.photograph import Picture, Shot, blurred

_BOTH = frozenset({CARD, SCREEN})
_SENT_PX = 160
"""Across the code in a picture that was made small and packed to be sent."""

Hurt = Callable[[Shot, float, np.random.Generator], Shot]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of abuse.

    Attributes:
        name: in the table.
        unit: how a strength is written, as a format.
        strengths: from mild to hopeless.
        hurt: does it.
        on: what it can happen to.
        side: of the code in millimetres, where the kind is one of small prints.
    """

    name: str
    unit: str
    strengths: tuple[float, ...]
    hurt: Hurt
    on: frozenset[str] = _BOTH
    side: float | None = None


def _blur(shot: Shot, sigma: float, _: np.random.Generator) -> Shot:
    return replace(shot, scene=blurred(shot.scene, sigma * shot.px_per_mm))


def _move(shot: Shot, length: float, rng: np.random.Generator) -> Shot:
    """Let the hand move evenly: a box along a line, whose Fourier transform is a sinc."""
    side = len(shot.scene)
    towards = rng.uniform(0, math.pi)
    across, down = np.fft.rfftfreq(side), np.fft.fftfreq(side)[:, None]
    wave = np.sinc(length * shot.px_per_mm * (across * math.cos(towards) + down * math.sin(towards)))
    moved = np.fft.irfft2(np.fft.rfft2(shot.scene) * wave, shot.scene.shape)
    return replace(shot, scene=moved.astype(np.float32))


def _turn(shot: Shot, degrees: float, _: np.random.Generator) -> Shot:
    return replace(shot, turn=shot.turn + degrees)


def _tilt(shot: Shot, degrees: float, rng: np.random.Generator) -> Shot:
    return replace(shot, tilt=degrees, tilt_towards=rng.uniform(0, 360))


def _fade(shot: Shot, left: float, rng: np.random.Generator) -> Shot:
    middle = rng.uniform(90, 160)
    return replace(shot, scene=middle + (shot.scene - middle) * np.float32(left))


def _glare(shot: Shot, share: float, rng: np.random.Generator) -> Shot:
    light = _spots(shot, share, (3, 8), rng)
    return replace(shot, scene=np.minimum(shot.scene + 400 * blurred(255 * light, 0.8 * shot.px_per_mm) / 255, 255))


def _shade(shot: Shot, left: float, rng: np.random.Generator) -> Shot:
    """Let the light fall off to one side, and a hand's shadow lie across the code."""
    fall = (_distance(shot, rng.uniform(0, 360), 0) / shot.side + 0.5).clip(0, 1)
    edge = _distance(shot, rng.uniform(0, 360), rng.uniform(-0.3, 0.3) * shot.side)
    shadow = (edge / 4 + 0.5).clip(0, 1)
    light = (left + (1 - left) * fall) * (left + (1 - left) * shadow)
    return replace(shot, scene=(shot.scene * light).astype(np.float32))


def _fold(shot: Shot, creases: float, rng: np.random.Generator) -> Shot:
    """Fold it, now along, now across: ink is lost on the crease, what is beside it lifts and lies in shade."""
    for number in range(round(creases)):
        towards = 90.0 * number + rng.uniform(-6, 6)
        from_crease = _distance(shot, towards, rng.uniform(-0.35, 0.35) * shot.side)
        near = np.exp(-np.abs(from_crease) / 6)
        scene = _shifted(shot, near * np.float32(rng.uniform(0.5, 1.2)), towards)
        worn = np.abs(from_crease) < rng.uniform(0.1, 0.9, scene.shape)
        scene = np.where(worn, np.maximum(scene, rng.uniform(120, 240, scene.shape)), scene)
        shot = replace(shot, scene=(scene * (1 - 0.5 * near * (from_crease > 0))).astype(np.float32))
    return shot


def _dirty(shot: Shot, share: float, rng: np.random.Generator) -> Shot:
    """Let mud and water's edges lie on it, and scratches of bare paper or broken glass go through it."""
    mud = _spots(shot, share, (0.6, 2.5), rng)
    scene = np.where(mud, rng.uniform(30, 110), shot.scene)
    image = Image.fromarray(scene.astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(round(100 * share)):
        ends = tuple(float(at) for at in rng.uniform(0, len(scene), 4))
        pen.line(ends, fill=int(rng.uniform(170, 255)), width=round(rng.uniform(0.2, 0.5) * shot.px_per_mm))
    return replace(shot, scene=np.asarray(image, np.float32))


def _wet(shot: Shot, bleeding: float, rng: np.random.Generator) -> Shot:
    """Let ink run by so many millimetres where drops fell, on a third of the code; ink wins over paper."""
    wet = blurred(255 * _spots(shot, 1 / 3, (2, 7), rng), shot.px_per_mm) / 255
    run = 255 * (blurred(shot.scene, bleeding * shot.px_per_mm) / 255) ** 2
    return replace(shot, scene=(shot.scene * (1 - wet) + (0.75 * run + 25) * wet).astype(np.float32))


def _noise(shot: Shot, sigma: float, _: np.random.Generator) -> Shot:
    return replace(shot, noise=sigma)


def _jpeg(shot: Shot, quality: float, rng: np.random.Generator) -> Shot:
    return replace(_far(shot, _SENT_PX, rng), jpeg_quality=round(quality))


def _moire(shot: Shot, seen: float, _: np.random.Generator) -> Shot:
    return replace(shot, screen_grid=seen)


def _far(shot: Shot, across: float, _: np.random.Generator) -> Shot:
    return replace(shot, camera_px_per_mm=across / shot.side)


def _all_at_once(shot: Shot, share: float, rng: np.random.Generator) -> Shot:
    """Let it rain at a checkpoint in the evening: a share of what each of these would do alone."""
    for hurt, strength in (
        (_wet, 0.6 * share),
        (_dirty, 0.03 * share),
        (_glare, 0.06 * share),
        (_shade, 1 - 0.8 * share),
        (_blur, 0.5 * share),
        (_move, 1.5 * share),
        (_tilt, 60 * share),
        (_noise, 60 * share),
    ):
        shot = hurt(shot, strength, rng)
    return shot


KINDS = (
    Kind("out of focus", "{} mm", (0.4, 0.45, 0.5, 0.55), _blur),
    Kind("moved", "{} mm", (1.2, 1.5, 1.8, 2.1), _move),
    Kind("turned", "{}°", (10, 25, 45), _turn),
    Kind("tilted", "{}°", (50, 60, 65, 70), _tilt),
    Kind("faded", "{:.0%} of the contrast left", (0.1, 0.07, 0.05, 0.04), _fade),
    Kind("glare", "{:.0%} of the code", (0.02, 0.04, 0.06, 0.09), _glare),
    Kind("uneven light", "{:.0%} left in the shade", (0.3, 0.2, 0.15, 0.1), _shade),
    Kind("folded", "{} times", (1, 2, 3, 4), _fold, frozenset({CARD})),
    Kind("dirt and scratches", "{:.0%} of the code", (0.01, 0.02, 0.03, 0.05), _dirty),
    Kind("wet", "ink runs {} mm", (0.3, 0.5, 0.6, 0.7), _wet, frozenset({CARD})),
    Kind("moiré", "{:.0%} of the grid", (0.6, 0.8, 0.9, 1.0), _moire, frozenset({SCREEN})),
    Kind("noise", "{} grey values", (40, 60, 80, 100), _noise),
    Kind("JPEG, 160 px across", "quality {}", (30, 20, 15, 10), _jpeg),
    Kind("far away", "{} px across", (160, 130, 110, 95), _far),
    Kind("printed at 35 mm, far away", "{} px across", (160, 130, 110, 95), _far, frozenset({CARD}), side=35),
    Kind("all at once", "{:.0%}", (0.2, 0.3, 0.4, 0.5), _all_at_once),
)


def _distance(shot: Shot, towards: float, offset: float) -> Picture:
    """Return each pixel's distance in millimetres from a line that passes the code's middle at an offset."""
    at = (np.arange(len(shot.scene), dtype=np.float32) - len(shot.scene) / 2) / shot.px_per_mm
    x, y = np.meshgrid(at, at)
    angle = math.radians(towards)
    distance: Picture = (x * math.cos(angle) + y * math.sin(angle) - offset).astype(np.float32)
    return distance


def _shifted(shot: Shot, millimetres: Picture, towards: float) -> Picture:
    """Move each pixel by its own distance in one direction."""
    side = len(shot.scene)
    row, column = np.indices(shot.scene.shape)
    angle = math.radians(towards)
    row = np.rint(row + millimetres * shot.px_per_mm * math.sin(angle)).astype(int).clip(0, side - 1)
    column = np.rint(column + millimetres * shot.px_per_mm * math.cos(angle)).astype(int).clip(0, side - 1)
    moved: Picture = shot.scene[row, column]
    return moved


def _spots(shot: Shot, share: float, radii: tuple[float, float], rng: np.random.Generator) -> Picture:
    """Lay spots of 1 on 0, their radii in millimetres, until they cover that share of the code with its quiet zone."""
    side = len(shot.scene)
    image = Image.new("L", (side, side), 0)
    pen = ImageDraw.Draw(image)
    first = round(side / 2 - shot.side / 2 * shot.px_per_mm)
    code = (first, first, side - first, side - first)
    while np.asarray(image.crop(code)).mean() < share:
        x, y = rng.uniform(first, side - first, 2)
        across, down = rng.uniform(*radii, 2) * shot.px_per_mm
        pen.ellipse((x - across, y - down, x + across, y + down), fill=1)
    return np.asarray(image, np.float32)
