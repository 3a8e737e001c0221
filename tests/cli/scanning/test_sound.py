"""Check the sound of each outcome."""

import io
import os
import wave
from array import array
from itertools import groupby, pairwise
from pathlib import Path

import pytest

from movepass_cli.officer.scanning.sound import Speaker, tones
from movepass_verifier import Outcome
from movepass_verifier.officer.shown import looks


def play(wav: bytes) -> "tuple[int, array[int]]":
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return file.getframerate(), array("h", file.readframes(file.getnframes()))


def hertz(rate: int, samples: "array[int]") -> float:
    """Count how often the wave goes up through zero."""
    ups = sum(one < 0 <= other for one, other in pairwise(samples))
    return ups * rate / len(samples)


@pytest.mark.parametrize("pitch", [220, 880, 1320])
def test_a_tone_has_its_pitch_and_length(pitch: int) -> None:
    rate, samples = play(tones([(pitch, 200)]))
    assert len(samples) == rate // 5
    assert hertz(rate, samples) == pytest.approx(pitch, rel=0.05)
    assert max(samples) > 15_000


def test_silence_is_silent() -> None:
    assert not any(play(tones([(0, 50)]))[1])


def rhythm(outcome: Outcome) -> list[bool]:
    """Return the audible parts of an outcome, without pitch and length."""
    return [heard for heard, _ in groupby(hz > 0 for hz, _ in looks()[outcome].sound)]


def test_the_outcomes_differ_in_rhythm_so_that_a_bad_loudspeaker_will_do() -> None:
    assert len({tuple(rhythm(outcome)) for outcome in Outcome}) == len(Outcome)


@pytest.fixture
def player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that notes what it was given to play."""
    program = tmp_path / "aplay"
    program.write_text(f"#!/bin/sh\ncat > {tmp_path}/heard.wav\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return tmp_path / "heard.wav"


def test_the_systems_player_is_given_the_outcomes_tones(player: Path) -> None:
    speaker = Speaker(on=True)
    assert speaker.bells(Outcome.REJECT) == ""
    speaker.play(Outcome.REJECT)
    assert speaker._playing is not None
    speaker._playing.wait(10)
    assert player.read_bytes() == tones(looks()[Outcome.REJECT].sound)


def test_without_a_player_the_bell_rings_as_often_as_tells_the_outcomes_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    speaker = Speaker(on=True)
    speaker.play(Outcome.ACCEPT)
    assert len({speaker.bells(outcome) for outcome in Outcome}) == len(Outcome)


def test_silent_means_silent(player: Path) -> None:
    speaker = Speaker(on=False)
    speaker.play(Outcome.REJECT)
    assert speaker.bells(Outcome.REJECT) == ""
    assert not player.exists()
