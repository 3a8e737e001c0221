"""The camera: what lies before it, and the picture it takes.

What is done to paper or screen is done in millimetres before the camera looks, so that two codes of one size suffer
alike, whatever their modules measure; noise, aliasing and JPEG come after, in its own pixels.
"""

import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Picture = NDArray[np.float32]
"""Rows of grey values, 0 black to 255 white."""

TABLE_GREY = 120
"""What lies around a card, and outside a scene."""
_DISTANCE = 250
"""Millimetres from the lens to the code: what perspective there is comes from this and the tilt."""
_LENS = 0.45
"""The lens's own blur, as a standard deviation in the camera's pixels."""
_SCREEN_PITCH = 0.094
"""Millimetres from one pixel of a phone's screen to the next, at 270 to the inch as cheap ones have them."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A code about to be photographed.

    Attributes:
        scene: paper or screen from above, square, the code in its middle.
        px_per_mm: of the scene.
        side: of the code with its quiet zone, in millimetres.
        camera_px_per_mm: of the camera, where the code lies flat.
        turn: degrees by which the code lies turned in its plane.
        tilt: degrees by which that plane is tilted away from the camera's.
        tilt_towards: the direction of the tilt, in degrees.
        noise: the sensor's, as a standard deviation in grey values.
        screen_grid: how much of the screen's pixel grid is seen, from 0 to 1.
        jpeg_quality: Pillow's, 1 to 95.
    """

    scene: Picture
    px_per_mm: float
    side: float
    camera_px_per_mm: float = 5.0
    turn: float = 0.0
    tilt: float = 0.0
    tilt_towards: float = 0.0
    noise: float = 3.0
    screen_grid: float = 0.0
    jpeg_quality: int = 90


def take(shot: Shot, rng: np.random.Generator) -> bytes:
    """Take the picture: a grey JPEG file's bytes."""
    flat = blurred(shot.scene, _LENS / shot.camera_px_per_mm * shot.px_per_mm)
    width = math.ceil(1.3 * len(flat) / shot.px_per_mm * shot.camera_px_per_mm)
    to_scene = np.linalg.inv(_to_camera(shot, width))
    seen = _as_image(flat).transform(
        (width, width),
        Image.Transform.PERSPECTIVE,
        tuple((to_scene / to_scene[2, 2]).flat)[:8],
        Image.Resampling.BICUBIC,
        fillcolor=TABLE_GREY,
    )
    light = np.asarray(seen, np.float32)
    if shot.screen_grid:
        light = light * _grid(shot, width, rng)
    noisy = light + rng.normal(0, shot.noise, light.shape).astype(np.float32)
    file = io.BytesIO()
    _as_image(noisy).save(file, "JPEG", quality=shot.jpeg_quality)
    return file.getvalue()


def blurred(picture: Picture, sigma: float) -> Picture:
    """Blur a picture by a Gaussian whose standard deviation is given in its pixels."""
    return np.asarray(_as_image(picture).filter(ImageFilter.GaussianBlur(sigma)), np.float32)


def _as_image(picture: Picture) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(picture), 0, 255).astype(np.uint8))


def _to_camera(shot: Shot, width: int) -> NDArray[np.float64]:
    """Return the matrix that takes a scene's pixel to the camera's, in homogeneous coordinates."""
    middle = len(shot.scene) / 2
    millimetres = np.array([[1, 0, -middle], [0, 1, -middle], [0, 0, shot.px_per_mm]]) / shot.px_per_mm
    tilted = _about_z(shot.tilt_towards) @ _about_x(shot.tilt) @ _about_z(shot.turn - shot.tilt_towards)
    pinhole = np.array(
        [
            [_DISTANCE * tilted[0, 0], _DISTANCE * tilted[0, 1], 0],
            [_DISTANCE * tilted[1, 0], _DISTANCE * tilted[1, 1], 0],
            [tilted[2, 0], tilted[2, 1], _DISTANCE],
        ]
    )
    scale = shot.camera_px_per_mm
    pixels = np.array([[scale, 0, width / 2], [0, scale, width / 2], [0, 0, 1]])
    to_camera: NDArray[np.float64] = pixels @ pinhole @ millimetres
    return to_camera


def _about_z(degrees: float) -> NDArray[np.float64]:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def _about_x(degrees: float) -> NDArray[np.float64]:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])


def _grid(shot: Shot, width: int, rng: np.random.Generator) -> Picture:
    """Return the light of a screen's pixels where the camera's pixels look: too coarsely, hence the moiré."""
    turn, phase_x, phase_y = rng.uniform(0, 2 * math.pi, 3)
    along = np.arange(width) / shot.camera_px_per_mm * rng.uniform(0.97, 1.03)
    x, y = np.meshgrid(along, along)
    across = x * math.cos(turn) + y * math.sin(turn)
    down = y * math.cos(turn) - x * math.sin(turn)
    waves = [np.cos(2 * math.pi * at / _SCREEN_PITCH + phase) for at, phase in ((across, phase_x), (down, phase_y))]
    light: Picture = (1 - shot.screen_grid * (2 - waves[0] - waves[1]) / 4).astype(np.float32)
    return light
