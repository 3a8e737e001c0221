"""Feeds a target and counts: guided by atheris (libFuzzer) where it can be installed, else by chance."""

import json
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from random import Random

from fuzz.mutation import mutate
from fuzz.targets import Target, WrongAcceptError, open_target

ATHERIS, RANDOM = "atheris", "random"
_UNDER_TEST = [
    "movepass_wire", "movepass_keys", "movepass_verifier", "movepass_issuer", "movepass_service", "movepass_cli",
]  # fmt: skip
_MOST_BYTES = 4096
_INPUT_MOST_SECONDS = 20
_NOTE_SECONDS = 1.0


def best_engine() -> str:
    """Choose atheris where it is installed."""
    return ATHERIS if find_spec("atheris") else RANDOM


@dataclass
class Count:
    """The inputs that were fed, and their results.

    Attributes:
        escapes: inputs that gave an exception that is not declared.
        wrong: inputs that were accepted, or read, as what they are not.
        findings: of each kind the first input, in hexadecimal, by where it broke.
    """

    target: str
    engine: str
    seed: int
    inputs: int = 0
    seconds: float = 0.0
    escapes: int = 0
    wrong: int = 0
    findings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with nothing held back."""
        self._held: list[bytes] = []

    def feed(self, target: Target, data: bytes) -> None:
        """Feed a target one input, or hold it back until the target has as many as it takes at once."""
        self._held.append(data)
        if len(self._held) >= target.at_once:
            self.flush(target)

    def flush(self, target: Target) -> None:
        """Feed a target the inputs that were held back."""
        held, self._held = self._held, []
        if held:
            target.prepare(held)
        for data in held:
            self._check(target, data)

    def _check(self, target: Target, data: bytes) -> None:
        self.inputs += 1
        try:
            target.check(data)
        except Exception as e:  # noqa: BLE001 - what it looks for
            if isinstance(e, WrongAcceptError):
                self.wrong += 1
            else:
                self.escapes += 1
            last = traceback.extract_tb(e.__traceback__)[-1]
            self.findings.setdefault(f"{type(e).__name__} at {last.filename}:{last.lineno}: {e}"[:300], data.hex())

    def line(self) -> str:
        """Describe it in one line."""
        rate = self.inputs / self.seconds if self.seconds else 0
        return (
            f"{self.target:10} {self.inputs:>12,} inputs {self.seconds:>7.0f} s {rate:>9,.0f}/s "
            f"{self.escapes:>3} escapes {self.wrong:>3} wrong accepts   seed {self.seed} ({self.engine})"
        )


def run(name: str, engine: str, seed: int, seconds: float, folder: Path) -> None:
    """Fuzz one target for some time, in a process of its own; writes its count to folder/NAME.json as it goes."""
    count = Count(name, engine, seed)
    note = _noting(count, folder / f"{name}.json")
    if engine == ATHERIS:
        _run_atheris(count, seconds, folder, note)  # does not return
        return
    feed_random(count, open_target(name), lambda: count.seconds >= seconds, note)
    note(last=True)


def feed_random(
    count: Count, target: Target, done: Callable[[], bool], note: Callable[[], None] = lambda: None
) -> None:
    """Feed a target by chance, first its seeds as they are."""
    chance = Random(count.seed)
    for data in target.seeds:
        count.feed(target, data)
    while not done():
        count.feed(target, mutate(chance, target.seeds))
        note()
    count.flush(target)


def _run_atheris(count: Count, seconds: float, folder: Path, note: Callable[..., None]) -> None:
    import atheris  # noqa: PLC0415 - an extra

    with atheris.instrument_imports(include=_UNDER_TEST):
        target = open_target(count.target)
    corpus = folder / "corpus" / count.target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(target.seeds):
        (corpus / f"seed-{number:04}").write_bytes(data)

    def one(data: bytes) -> None:
        count.feed(target, data)
        note()

    atheris.Setup(
        [
            sys.argv[0], str(corpus), f"-max_total_time={int(seconds)}", f"-seed={count.seed}",
            f"-max_len={_MOST_BYTES}", f"-timeout={_INPUT_MOST_SECONDS}",
            f"-artifact_prefix={folder}/{count.target}-", "-verbosity=0",
        ],
        one,
    )  # fmt: skip
    atheris.Fuzz()


def _noting(count: Count, path: Path) -> Callable[..., None]:
    """Write a count down once a second: libFuzzer ends the process by itself."""
    began = noted = time.monotonic()

    def note(*, last: bool = False) -> None:
        nonlocal noted
        now = time.monotonic()
        count.seconds = now - began
        if last or now - noted > _NOTE_SECONDS:
            noted = now
            path.write_text(json.dumps(asdict(count)), "utf-8")

    return note
