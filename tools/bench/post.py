"""Measures an officer's waits: after a hand scanner's Enter, a picture, a first check; and a shift without an end.

Run it with `PYTHONPATH=tools/bench:tests python tools/bench/post.py`. It prints a table, and exits
1 if a bar is missed. Everything is the real thing: `movepass scan` in a terminal, typed into as a hand scanner does,
while another process revokes, publishes and syncs without a pause; pictures from files; `movepass verify` as a
process of its own. Beside each stands what it can't do without:

    screen      `verify` itself, of the same text, on a copy of the store that nobody else uses
    image       zxing-cpp, given the same file in grey, and looking for QR codes only
    cold        a process that imports click, cbor2, sqlite3 and cryptography's EC module, and does nothing

What is compared is timed in turn. Of the screen every scan counts, by the clock on the wall. Of image, which another
process reads, the clock on the wall counts as well, and of cold, which waits for nothing, processor time; both in the
least disturbed round.
"""

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import cycle, islice, pairwise
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import zxingcpp
from PIL import Image
from support.processes import converse
from support.screens import Screen, movepass, running
from support.world import World

from movepass_cli.officer.scanning.screen import banners
from movepass_issuer import SignedPass
from movepass_verifier import Device
from movepass_verifier.officer.journal import ENTRIES_MOST
from movepass_verifier.reading.image import PictureReader
from movepass_verifier.store.store import FILE_NAME
from movepass_wire import open_text, seal

SCREEN_MEDIAN_MS_MAX, SCREEN_99TH_MS_MAX = 5.0, 20.0
IMAGE_RATIO_MAX = 1.2
COLD_RATIO_MAX = 1.5
GROWTH_MB_MAX = 4.0
SCANS, PICTURE_SECONDS, COLD_SECONDS, SHIFT_SCANS = 120, 2.0, 4.0, 5_000
_PASSES = 12
"""More than the screen keeps in sight, so that a pass number that appears is the answer to this scan."""
_TYPED_CHARS = 16
_TYPED_SECONDS = 0.001
"""For one character: as fast as USB keyboards are asked for keys; most hand scanners take several times as long."""
_PHOTO = 4000, 3000
_SHIFT_PASSES, _BATCH = 2_000, 100
_FLOOR = "import click, cbor2, sqlite3; from cryptography.hazmat.primitives.asymmetric import ec"

_SYNCS = """
import select, sys, time
from pathlib import Path
from movepass_issuer.authority.folder import Authority
from support.world import World
world = World(Authority.open(Path(sys.argv[1])), Path(sys.argv[2]))
syncs = 0
while not select.select([sys.stdin], [], [], 0)[0]:
    world.revoke_indexes([1_000_000 + syncs])
    world.publish(int(time.time()))
    assert world.sync().changed
    if not syncs:
        print("begun", flush=True)
    syncs += 1
print(syncs, flush=True)
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, with its bar in the same unit, and in words what it was measured beside."""

    name: str
    value: float
    unit: str
    most: float
    beside: str


# The screen


def screen(world: World, scans: int) -> list[Figure]:
    """Time a hand scanner's Enter until the verdict is on the screen, while lists change."""
    passes = world.issue_many(_PASSES)
    world.revoke_and_publish(*passes[::2])
    world.sync()
    alone = Path(shutil.copytree(world.store, world.store.with_name("alone")))
    waited, verified = [], []
    scan = running(movepass("scan", "--store", world.store, "--silent"))
    with scan as shown, Device.open(alone) as device, syncing(world) as syncs:
        shown.until(lambda text: text.strip())
        for number, signed in enumerate(islice(cycle(passes), scans)):
            waited.append(_scan(shown, signed, "accept" if number % 2 else "reject"))
            verified.append(_seconds(lambda text=signed.text: device.verify(text)))  # type: ignore[misc]
    beyond = [(all_of_it - verify) * 1e3 for all_of_it, verify in zip(waited, verified, strict=True)]
    beside = f"verify {median(verified) * 1e3:.2f} ms; {scans} scans, {syncs[0]} syncs that brought something"
    return [
        Figure("screen_beyond_verify_median", median(beyond), "ms", SCREEN_MEDIAN_MS_MAX, beside),
        Figure("screen_beyond_verify_99th", quantiles(beyond, n=100)[-1], "ms", SCREEN_99TH_MS_MAX, ""),
    ]


def _scan(shown: Screen, signed: SignedPass, outcome: str) -> float:
    """Type a pass as a hand scanner does, and time its Enter; the verdict must be the right one."""
    for at in range(0, len(signed.text), _TYPED_CHARS):
        shown.type(signed.text[at : at + _TYPED_CHARS])
        shown.idle(_TYPED_CHARS * _TYPED_SECONDS)
    seconds = shown.answer("\r", signed.number)
    wanted = banners()["half"]["en"][outcome][1]  # half as high, for the word TEST stands above it
    if wanted not in shown.text:
        raise RuntimeError(f"expected {outcome} of {signed.number}, got\n{shown.text}")
    return seconds


@contextmanager
def syncing(world: World) -> Iterator[list[int]]:
    """Let another process revoke, publish and sync in turn; gives how often it did, once the block is over."""
    counted: list[int] = []
    with converse(_SYNCS, world.authority.folder, world.store) as other:
        assert other.stdout is not None
        other.stdout.readline()
        yield counted
        out, _ = other.communicate("")
    counted.append(int(out))


# Pictures


def pictures(world: World, folder: Path, seconds: float) -> list[Figure]:
    """Time a picture's way to its verdict, beside what zxing-cpp alone needs to read it."""
    signed = world.issue()
    qr_only = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    figures = []
    with world.device(time.time) as device, PictureReader() as reader:
        for name, path in _files(signed, folder).items():

            def ours(path: Path = path) -> str:
                return device.verify(reader.read(path)).verdict.value

            def alone(path: Path = path) -> str:
                with Image.open(path) as picture:
                    (code,) = zxingcpp.read_barcodes(picture.convert("L"), formats=qr_only)
                return str(code.text)

            if ours() != "valid" or alone() != signed.text:
                raise RuntimeError(f"{path} was not read as it should be")
            took, peer = _in_turn(ours, alone, seconds, time.perf_counter)
            beside = f"{name}: {took * 1e3:.1f} ms; zxing-cpp {peer * 1e3:.1f} ms"
            figures.append(Figure("image_verify_vs_decoder", took / peer, "", IMAGE_RATIO_MAX, beside))
    return figures


def _files(signed: SignedPass, folder: Path) -> dict[str, Path]:
    """Make the pictures that officers are handed: a screenshot, a scanned card, a camera's photo."""
    paths = {"code": folder / "code.png", "card": folder / "card.png", "photo": folder / "photo.jpg"}
    paths["code"].write_bytes(signed.png())
    paths["card"].write_bytes(signed.card(authority="Test Authority", test=True))
    with Image.open(paths["card"]) as card:
        photo = Image.new("RGB", _PHOTO, "#8a8578")
        turned = card.convert("RGB").rotate(4, Image.Resampling.BICUBIC, expand=True, fillcolor="#8a8578")
        photo.paste(turned, ((photo.width - turned.width) // 2, (photo.height - turned.height) // 2))
    photo.save(paths["photo"], quality=85)
    return paths


# A first check


def cold(world: World, seconds: float) -> Figure:
    """Time `movepass verify TEXT` as a process, beside one that only imports what every verifier needs."""
    signed = world.issue()
    command: list[str | Path] = [
        Path(sys.executable).with_name("movepass"),
        "verify",
        "--store",
        world.store,
        signed.text,
    ]
    imports: list[str | Path] = [sys.executable, "-c", _FLOOR]
    ours, floor = _in_turn(lambda: _run(command), lambda: _run(imports), seconds, _processes_time)
    beside = f"{ours * 1e3:.0f} ms; the imports alone {floor * 1e3:.0f} ms"
    return Figure("cold_verify_vs_floor", ours / floor, "", COLD_RATIO_MAX, beside)


def _run(command: Sequence[str | Path]) -> None:
    """Run a command with its modules compiled, as an installation has them."""
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=compiled)


# A shift


def shift(world: World, scans: int) -> list[Figure]:
    """Let one process decide code after code, its journal nearly full; every verdict must be the right one."""
    texts = _texts(world)
    _fill_journal(world.store, ENTRIES_MOST - scans // 2)
    before = _disk_mb(world.store)
    memory = []
    pipe = subprocess.PIPE
    command = movepass("scan", "--store", world.store, "--json")
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        began = time.perf_counter()
        for batch in range(0, scans, _BATCH):
            _decide(process, list(islice(cycle(texts), batch, min(batch + _BATCH, scans))))
            memory.append(_memory_mb(process.pid))
        rate = scans / (time.perf_counter() - began)
    with world.device() as device:
        entries, counted = len(device.entries()), sum(count.scans for count in device.hourly())
    growth = memory[-1] - memory[len(memory) // 10]
    beside = f"{memory[-1]:.0f} MB at the end; {scans:,} scans, {rate:,.0f} a second, no verdict missed or wrong"
    kept = f"{counted:,} counted, double reads once; the store grew from {before:.1f} to {_disk_mb(world.store):.1f} MB"
    return [
        Figure("shift_memory_growth", growth, "MB", GROWTH_MB_MAX, beside),
        Figure("shift_journal_entries", entries, "", ENTRIES_MOST, kept),
    ]


def _texts(world: World) -> list[tuple[str, str]]:
    """Make what an officer is shown, with the verdict that each must get."""
    passes = world.issue_many(_SHIFT_PASSES)
    world.revoke_and_publish(*passes[::4])
    world.sync()
    texts = [(signed.text, "valid" if number % 4 else "revoked") for number, signed in enumerate(passes)]
    forged = [(_under_the_signature_of(other.text, one.text), "forged") for one, other in pairwise(passes[::8])]
    return [*texts, *forged, *[(f"noise {number}", "not-a-pass") for number in range(_SHIFT_PASSES // 8)]]


def _under_the_signature_of(other: str, text: str) -> str:
    mine, theirs = open_text(text), open_text(other)
    return seal(mine.alg, mine.kid, mine.claims, theirs.signature)


def _decide(process: "subprocess.Popen[bytes]", texts: Sequence[tuple[str, str]]) -> None:
    """Write so many codes to a process, a line each, and read its verdict on each."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("".join(f"{text}\n" for text, _ in texts).encode())
    process.stdin.flush()
    for text, verdict in texts:
        row = json.loads(process.stdout.readline())
        if row["verdict"] != verdict:
            raise RuntimeError(f"expected {verdict} of {text}, got {row}")


def _fill_journal(store: Path, entries: int) -> None:
    """Put entries of an hour ago into a journal, as if somebody had scanned all day."""
    hour_ago = int(time.time()) - 3600
    with closing(sqlite3.connect(store / FILE_NAME)) as db, db:
        db.execute(
            "INSERT INTO journal_entries (at, verdict, pass, day)"
            " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " SELECT ?, 'valid', randomblob(16), (SELECT min(day) FROM logs) FROM n",
            (entries, hour_ago),
        )


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _disk_mb(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.iterdir()) / 1e6


# Timing


def _in_turn(
    one: Callable[[], object], other: Callable[[], object], seconds: float, clock: Callable[[], float]
) -> tuple[float, float]:
    """Return a clock's seconds of either in its least disturbed round, of as many as begin within some seconds."""
    end = time.monotonic() + seconds
    one(), other()  # not counted: what is read and compiled once
    times = [(_seconds(one, clock), _seconds(other, clock))]
    while time.monotonic() < end:
        times.append((_seconds(one, clock), _seconds(other, clock)))
    return min(first for first, _ in times), min(second for _, second in times)


def _seconds(call: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    began = clock()
    call()
    return clock() - began


def _processes_time() -> float:
    """Return the processor time of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(folder: Path) -> Iterator[Figure]:
    """Measure everything, each in a world of its own."""
    template = World.create(folder / "template")
    yield from screen(template.copy(folder / "screen"), SCANS)
    yield from pictures(template.copy(folder / "pictures"), folder, PICTURE_SECONDS)
    yield cold(template.copy(folder / "cold"), COLD_SECONDS)
    yield from shift(template.copy(folder / "shift"), SHIFT_SCANS)


def missed_bars(figures: Sequence[Figure]) -> list[str]:
    """Hold the figures against the bars; gives a line for each one missed."""
    return [
        f"{figure.name} is {figure.value:.2f} {figure.unit}".rstrip() + f"; at most {figure.most:g}"
        for figure in figures
        if figure.value > figure.most
    ]


def main() -> int:
    """Print the table; the exit code is 1 if a bar is missed."""
    figures = []
    with TemporaryDirectory() as folder:
        for figure in measure(Path(folder)):
            figures.append(figure)
            print(f"{figure.name:<29}{figure.value:>10,.2f} {figure.unit:<4}at most {figure.most:<9g}{figure.beside}")
    missed = missed_bars(figures)
    for line in missed:
        print(f"MISSED: {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
