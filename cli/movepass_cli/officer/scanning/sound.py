"""Sound each outcome with its own tones, from the catalogue of looks.

Tones are played by what the system has for it; where there is nothing, the terminal's bell rings, each outcome as often
as it has tones.
"""

import io
import math
import shutil
import subprocess
import sys
import wave
from array import array
from collections.abc import Sequence
from functools import cache

from movepass_verifier import Outcome
from movepass_verifier.officer.shown import looks

_RATE = 22050
_LOUD = 20000
_FADE_SAMPLES = 110
"""Fade 5 ms in and out, because a tone otherwise starts and ends with a click."""
_PLAYERS = (("pw-play", "-"), ("aplay", "-q", "-"), ("play", "-q", "-t", "wav", "-"))


def tones(sound: Sequence[tuple[int, int]]) -> bytes:
    """Build a WAV file of tones, each Hz and milliseconds; 0 Hz is silence."""
    samples = array("h")
    for hertz, milliseconds in sound:
        count = _RATE * milliseconds // 1000
        for at in range(count):
            fade = min(1.0, at / _FADE_SAMPLES, (count - at) / _FADE_SAMPLES)
            samples.append(round(_LOUD * fade * math.sin(2 * math.pi * hertz * at / _RATE)))
    if sys.byteorder == "big":
        samples.byteswap()
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(samples.tobytes())
    return out.getvalue()


class Speaker:
    """Plays outcomes; a new outcome cuts the last one short."""

    def __init__(self, *, on: bool) -> None:
        """Find a player; if `on` is false, nothing is played."""
        self._on = on
        self._player = next(((path, *rest) for name, *rest in _PLAYERS if (path := shutil.which(name))), None)
        self._playing: subprocess.Popen[bytes] | None = None

    def bells(self, outcome: Outcome) -> str:
        """Return the bells to ring if nothing plays tones."""
        return "\a" * looks()[outcome].bells if self._on and self._player is None else ""

    def play(self, outcome: Outcome) -> None:
        """Start to play an outcome's tones, and return at once."""
        if not self._on or self._player is None:
            return
        self.stop()
        try:
            self._playing = subprocess.Popen(  # noqa: S603 - found by name on the PATH, as a shell would
                self._player, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            assert self._playing.stdin is not None  # noqa: S101 - a pipe was requested
            self._playing.stdin.write(_file(outcome))
            self._playing.stdin.close()
        except OSError:
            self._player = None  # ring the bell from now on

    def stop(self) -> None:
        """Stop the sound."""
        if self._playing is not None:
            if self._playing.poll() is None:
                self._playing.kill()
            self._playing.wait()
            self._playing = None


@cache
def _file(outcome: Outcome) -> bytes:
    return tones(looks()[outcome].sound)
