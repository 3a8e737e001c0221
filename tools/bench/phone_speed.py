"""Measures what an officer waits for on a cheap phone, beside zxing-wasm alone.

    make bench-phone-speed      some minutes; needs root, for the threads' shares of a processor

Every thread of the browser but those that a phone has other hardware for gets a sixth of a core. The device holds five
days' lists of 100 M passes each, 1 % of them revoked, as they are at the end of their day.
"""

import argparse
import json
import math
import os
import random
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from page import table, update
from phone.world import HEIGHT, WIDTH, video
from PIL import Image, ImageFilter
from scale.lists import DAYS_AHEAD, LIFE_SECONDS, live
from support.repositories import publish_by_hand
from support.world import World

from movepass_issuer.authority.creation import create_authority
from movepass_issuer.printing.qr import qr_image
from movepass_wire import decode_claims, encode_block, open_text, read_log

HOUSE = Path(__file__).resolve().parents[2]
OUT = HOUSE / "build" / "phone-speed"
PASSES = 100_000_000
SHARE = 0.01
_PUBLICATIONS = LIFE_SECONDS // 300
_PASSES_SHOWN = 4
_REVOKED = 0
"""Which of the passes is revoked."""
_SIDES = (430, 380, 450, 400)
_TURNS = (4, -9, 13, -3)


def main() -> None:
    """Make the files, measure, print, and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true", help="measure with the files of the last time")
    parser.add_argument("--beside", type=Path, help="another build of the app, measured in turn with this one")
    parser.add_argument("--write", action="store_true", help="write the table of docs/phone.md")
    given = parser.parse_args()
    if not given.keep:
        make(OUT)
    build_app(OUT / "app")
    build_floor(OUT / "floor")
    apps = {"floor": OUT / "floor", "app": OUT / "app"} | ({"beside": given.beside} if given.beside else {})
    for app in apps.values():
        shutil.copytree(OUT / "frames", app / "frames", dirs_exist_ok=True)
    program = HOUSE / "build" / "phone-test" / "speed" / "speed.mjs"
    named = [f"{name}={app.resolve()}" for name, app in apps.items()]
    command = ["node", str(program), str(OUT), "../phone-speed/authority", *named]
    before = os.getloadavg()[0]
    done = subprocess.run(command, cwd=HOUSE / "phone", stdout=subprocess.PIPE, text=True, check=True)
    measured = json.loads(done.stdout.splitlines()[-1])
    text = report(measured)
    print(text)
    print(f"\nload: {before:.0f} to {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores")
    print("a loop, slowed, takes times as long: page {:.1f}, worker {:.1f}".format(*measured["loops"]))
    if given.write:
        update(HOUSE / "docs" / "phone.md", {"speed": text})


_BARS = (("code in view to verdict, half", 0.5), ("code in view to verdict, 95 %", 0.95))


def report(measured: dict[str, Any]) -> str:
    """Write what was measured as a table: the app, zxing-wasm alone, and how they compare."""
    others = [name for name in measured["view"] if name != "floor"]
    rows = []
    for what, share in _BARS:
        values = {name: percentile(taken, share) for name, taken in measured["view"].items()}
        rows.append([what, *compared(values, others, "ms")])
    for what, field in (("first paint, without a network", "paint"), ("first verdict, without a network", "verdict")):
        values = {
            name: percentile([start[field] for start in taken], 0.5) for name, taken in measured["starts"].items()
        }
        rows.append([what, *compared(values, others, "ms")])
    for what, field in (("memory of its own", "own"), ("memory resident", "resident")):
        values = {name: max(start["memory"][field] for start in taken) for name, taken in measured["starts"].items()}
        rows.append([what, *compared(values, others, "MB")])
    return table(["", "zxing-wasm alone", *others, *(f"{name}: times" for name in others)], rows)


def compared(values: dict[str, float], others: list[str], unit: str) -> list[str]:
    """Write the floor's value, the others', and their ratios to it."""
    floor = values["floor"]
    ratios = [f"{values[name] / floor:.2f}" for name in others]
    return [f"{floor:.0f} {unit}", *(f"{values[name]:.0f} {unit}" for name in others), *ratios]


def percentile(values: list[float], share: float) -> float:
    """Return the least value that so large a share of them does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def make(out: Path) -> None:
    """Make an authority with full lists, passes, and what a camera sees of them."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    world = World(create_authority(out / "authority", name="Movement Pass Authority", test=False), out / "device")
    texts = [signed.text for signed in world.issue_many(_PASSES_SHOWN)]
    claims = [decode_claims(open_text(text).claims) for text in texts]
    log = live(PASSES, SHARE, keep=[_PUBLICATIONS]).kept[_PUBLICATIONS]
    assert not {claim.index for claim in claims} & set(read_log(log).revoked)
    today = claims[_REVOKED].day
    logs = {day: log[:4] + day.to_bytes(2, "big") + log[6:] for day in range(today - 1, today + DAYS_AHEAD + 1)}
    logs[today] += encode_block([claims[_REVOKED].index])
    later = World(world.authority, world.store, max(world.now, int(time.time())) + 1)
    publish_by_hand(later, {f"status/{day}.log": data for day, data in logs.items()})
    frames = out / "frames"
    frames.mkdir()
    rng = random.Random(1)
    codes = [seen(rng, text, place) for place, text in enumerate(texts)]
    for place, picture in enumerate([*codes, seen(rng), seen(rng)]):
        (frames / f"{place}.i420").write_bytes(i420(picture))
    for place, picture in enumerate(codes):
        video(out / f"{place}.y4m", [picture])
    verdicts = ["revoked" if place == _REVOKED else "valid" for place in range(_PASSES_SHOWN)]
    (out / "world.json").write_text(json.dumps({"texts": texts, "verdicts": verdicts}), "utf-8")


def seen(rng: random.Random, text: str | None = None, place: int = 0) -> Image.Image:
    """Draw what a camera sees: a rough ground, on it a code, neither straight nor quite sharp, and noise over all."""
    ground = Image.effect_noise((WIDTH // 8, HEIGHT // 8), 90).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    picture = ground.point(lambda grey: 60 + grey // 2)
    if text is not None:
        side = _SIDES[place]
        code = qr_image(text).convert("L").resize((side, side)).point(lambda grey: 30 + grey * 190 // 255)
        mask = Image.new("L", code.size, 255)
        smooth = Image.Resampling.BICUBIC
        code, mask = (layer.rotate(_TURNS[place], resample=smooth, expand=True) for layer in (code, mask))
        picture.paste(code, ((WIDTH - code.width) // 2 + rng.randrange(-60, 60), (HEIGHT - code.height) // 2), mask)
    soft = picture.filter(ImageFilter.GaussianBlur(1.2))
    return Image.blend(soft, Image.effect_noise((WIDTH, HEIGHT), 60), 0.12)


def i420(picture: Image.Image) -> bytes:
    """Write a grey picture as a camera gives it."""
    neutral = bytes([128]) * (WIDTH * HEIGHT // 4)
    return picture.point(lambda grey: round(16 + grey * 219 / 255)).tobytes() + neutral + neutral


def build_app(out: Path) -> None:
    """Build the app with the authority's root."""
    root = OUT / "authority" / "repository" / "metadata" / "1.root.json"
    built = {"PHONE_ROOT": str(root), "PHONE_SOURCE": "repository"}
    subprocess.run(["node", "build.js", str(out)], cwd=HOUSE / "phone", env=os.environ | built, check=True)


def build_floor(out: Path) -> None:
    """Build the page that has zxing-wasm and nothing else."""
    out.mkdir(parents=True, exist_ok=True)
    phone, packages = HOUSE / "phone", HOUSE / "phone" / "node_modules"
    for name, file in (("floor", "floor.js"), ("floor_worker", "worker.js")):
        entry = phone / "test" / "speed" / f"{name}.ts"
        flags = ["--bundle", "--minify", "--format=esm", "--target=chrome100", "--log-level=warning"]
        subprocess.run([packages / ".bin" / "esbuild", entry, *flags, f"--outfile={out / file}"], check=True)
    shutil.copy(phone / "test" / "speed" / "floor.html", out / "index.html")
    shutil.copy(packages / "zxing-wasm" / "dist" / "reader" / "zxing_reader.wasm", out)


if __name__ == "__main__":
    main()
