"""Abuse, photograph, read, count."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import zxingcpp
from PIL import Image

from movepass_verifier.errors import ImageError
from movepass_verifier.reading.image import PictureReader
from rain.abuse import KINDS, Kind
from rain.codes import Code, shot
from rain.photograph import take
from rain.texts import SIGNATURES

PROCESSES = 2
_QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
read_qr = PictureReader().read


@dataclass(frozen=True, slots=True)
class Trial:
    """One photograph.

    Attributes:
        kind: which of KINDS.
        strength: which of the kind's strengths.
        code: what is photographed.
        seed: of everything drawn at random; codes of one seed suffer the same.
    """

    kind: int
    strength: int
    code: Code
    seed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result.

    Attributes:
        read: whether our reader read it.
        first_look: whether zxing-cpp reads the photograph as it is.
    """

    read: bool
    first_look: bool


def trials(codes: Sequence[Code], seeds: int) -> list[Trial]:
    """List the trials of codes under every abuse that can happen to them."""
    return [
        Trial(number, strength, code, seed)
        for number, kind in enumerate(KINDS)
        for strength in range(len(kind.strengths))
        for code in codes
        if code.medium in kind.on
        for seed in range(seeds)
    ]


def photograph(trial: Trial) -> bytes:
    """Do what a trial says; gives the photograph, a JPEG file's bytes."""
    kind: Kind = KINDS[trial.kind]
    code = trial.code.at(kind.side) if kind.side else trial.code
    rng = np.random.default_rng([trial.kind, trial.strength, trial.seed])
    held = replace(shot(code, trial.seed % SIGNATURES), turn=rng.uniform(-4, 4))
    return take(kind.hurt(held, kind.strengths[trial.strength], rng), rng)


def play(trial: Trial) -> Outcome:
    """Photograph and read.

    Raises:
        RuntimeError: a code was read as something else than it says, which no damage may bring about.
    """
    text = trial.code.text(trial.seed % SIGNATURES)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "photograph.jpg"
        file.write_bytes(photograph(trial))
        try:
            read = read_qr(file)
        except ImageError:
            return Outcome(read=False, first_look=False)
        if read != text:
            raise RuntimeError(f"{trial}: read {read!r}, it says {text!r}")
        with Image.open(file) as picture:
            alone = zxingcpp.read_barcodes(picture, formats=_QR)
    return Outcome(read=True, first_look=bool(alone))


class Rates:
    """The number of trials that were read, by kind, strength and code."""

    def __init__(self, seeds: int) -> None:
        self.seeds = seeds
        self.read: dict[Trial, bool] = {}
        self.first_look: Counter[tuple[int, Code]] = Counter()

    def row(self, kind: int, strength: int, code: Code) -> float | None:
        """Return the share that was read, or None where it can't happen to the code."""
        if code.medium not in KINDS[kind].on:
            return None
        return sum(self.read[Trial(kind, strength, code, seed)] for seed in range(self.seeds)) / self.seeds

    def of_kind(self, kind: int, code: Code) -> float | None:
        """Return the share that was read of all strengths of a kind."""
        rows = [self.row(kind, strength, code) for strength in range(len(KINDS[kind].strengths))]
        return None if None in rows else sum(row for row in rows if row is not None) / len(rows)

    def overall(self, code: Code) -> float:
        """Return the mean over the kinds."""
        kinds = [self.of_kind(kind, code) for kind in range(len(KINDS))]
        shares = [share for share in kinds if share is not None]
        return sum(shares) / len(shares)


def measure(codes: Sequence[Code], seeds: int, *, processes: int = PROCESSES) -> Rates:
    """Play every trial of codes."""
    rates = Rates(seeds)
    todo = trials(codes, seeds)
    with ProcessPoolExecutor(processes) as pool:
        for trial, outcome in zip(todo, pool.map(play, todo, chunksize=16), strict=True):
            rates.read[trial] = outcome.read
            rates.first_look[trial.kind, trial.code] += outcome.first_look
    return rates
