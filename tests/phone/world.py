"""Makes what the phone is tried out with: an authority, passes, and videos for a browser's fake camera.

    python -m phone.world                       in build/phone-world
    python -m phone.world --enrolment SOURCE    a video there of the code that sets a phone up

It gets `authority` (made by the real command), `world.json` (texts, numbers, times) and `NAME.y4m`, a video each.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from PIL import Image, ImageFilter, ImageOps

from movepass_issuer.printing.qr import qr_image
from movepass_verifier.sync.enrolment import code
from movepass_wire import base45
from movepass_wire.payload import PREFIX
from movepass_wire.times import iso

Message = dict[str, Any]
OUT = Path(__file__).resolve().parents[2] / "build" / "phone-world"
HOUR = 3600
WIDTH, HEIGHT = 1280, 720
_FRAMES_A_SECOND = 10
_CODE_PX = 460
_SMALL_CODE_PX = 250
_BLUR_PX = 3.7
"""As much as no reader reads that does not look again."""
_COMMAND = Path(sys.executable).with_name("movepass")
_GREY = 118


def make(out: Path) -> Message:
    """Make everything; gives what world.json says."""
    out.mkdir(parents=True, exist_ok=True)
    authority, now = out / "authority", int(time.time())
    _movepass("init", "--authority", authority, "--name", "Movement Pass Authority", "--production")
    requests = {
        "accept": _request(now, 4, vehicle=True),
        "revoked": _request(now, 4),
        "bangla": _request(now, 4, bangla=True),
        "later": _request(now + 29 * HOUR, 4),
        "next": _request(now, 4),
    }
    passes = {name: _issue(authority, name, request) for name, request in requests.items()}
    _movepass("revoke", "--authority", authority, passes["revoked"]["pass_number"])
    _movepass("publish", "--authority", authority)
    texts = {name: str(issued["text"]) for name, issued in passes.items()}
    trial = out / "test-authority"
    _movepass("init", "--authority", trial, "--alg", "ed25519")
    texts["test"] = str(_issue(trial, "test", _request(now, 4))["text"])
    texts |= {"forged": _forge(texts["accept"]), "newer": "MP2:" + texts["accept"][4:], "other": "HTTPS://EXAMPLE.ORG/"}
    world = {
        "now": now,
        "texts": texts,
        "numbers": {name: issued["pass_number"] for name, issued in passes.items()},
        "holder": "Rahima Khatun",
    }
    for name in ("accept", "revoked", "forged", "other", "later"):
        video(out / f"{name}.y4m", [frame(qr_image(texts[name]))])
    for name in ("revoked", "forged"):
        frame(qr_image(texts[name])).save(out / f"{name}.png")
    upright = qr_image(texts["accept"])
    video(out / "upside-down.y4m", [frame(upright.rotate(180))])
    video(out / "inverted.y4m", [frame(ImageOps.invert(upright.convert("L")))])
    video(out / "out-of-focus.y4m", [frame(upright).filter(ImageFilter.GaussianBlur(_BLUR_PX))])
    video(out / "two.y4m", [frame(upright, qr_image(texts["next"]))])
    others = [qr_image(f"HTTPS://EXAMPLE.ORG/{number}") for number in range(4)]
    video(out / "among-others.y4m", [frame(*others, upright, side=_SMALL_CODE_PX)])
    flood = [frame(qr_image(texts[name])) for name in ("revoked", "forged", "other", "newer", "later")]
    video(out / "flood.y4m", [flood[number % len(flood)] for number in range(20)])
    video(out / "nothing.y4m", [frame()])
    for name, picture in (("accept", frame(upright)), ("nothing", frame())):
        picture.save(out / f"{name}.png")
    _pictures(out, qr_image(texts["revoked"]))
    (out / "world.json").write_text(json.dumps(world), "utf-8")
    return world


def _pictures(out: Path, code: Image.Image) -> None:
    """Write pictures that people choose: without a code, transparent ones, and some that are hard to open."""
    side = code.convert("L").resize((_CODE_PX, _CODE_PX))
    black = Image.merge("LA", (Image.new("L", side.size), ImageOps.invert(side)))
    black.save(out / "on-nothing-la.png")
    black.convert("RGBA").save(out / "on-nothing-rgba.png")
    black.convert("RGBA").save(out / "on-nothing-rgba.webp", lossless=True)
    palette = ImageOps.invert(side).point(lambda grey: grey > _GREY).convert("P")
    palette.putpalette([0, 0, 0] * 256)
    palette.save(out / "on-nothing-palette.png", transparency=0)
    Image.new("RGBA", (WIDTH, HEIGHT)).save(out / "transparent.png")
    Image.new("1", (12_000, 8_000), 1).save(out / "huge.png")
    Image.new("1", (60_000, 1), 1).save(out / "thin.png")
    (out / "broken.png").write_bytes((out / "accept.png").read_bytes()[:200])


def enrolment(out: Path, source: str) -> None:
    """Write a video of the code that sets a phone up from a source."""
    root = out / "authority" / "repository" / "metadata" / "1.root.json"
    video(out / "enrolment.y4m", [frame(qr_image(code([source], root.read_bytes())))])


def frame(*codes: Image.Image, side: int = _CODE_PX) -> Image.Image:
    """Lay codes beside each other on grey, as a camera sees a print."""
    picture = Image.new("L", (WIDTH, HEIGHT), _GREY)
    for place, picture_of_code in enumerate(codes):
        code = picture_of_code.resize((side, side)).convert("L")
        left = (WIDTH * (2 * place + 1)) // (2 * len(codes)) - side // 2
        picture.paste(code, (left, (HEIGHT - side) // 2))
    return picture


def video(path: Path, pictures: list[Image.Image]) -> None:
    """Write pictures as a video that Chromium's fake camera plays again and again (YUV4MPEG2, 4:2:0, 16 to 235).

    A single one gets a second, a shade darker: a camera never gives the same pixels for long.
    """
    darker = [picture.point(lambda grey: max(grey - 2, 0)) for picture in pictures]
    frames = pictures if len(pictures) > 1 else [*pictures, *darker]
    neutral = bytes([128]) * (WIDTH * HEIGHT // 4)
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{_FRAMES_A_SECOND}:1 Ip A1:1 C420mpeg2\n".encode())
        for picture in frames:
            levels = picture.point(lambda grey: round(16 + grey * 219 / 255))
            file.write(b"FRAME\n" + levels.tobytes() + neutral + neutral)


def _request(begins: int, hours: int, *, vehicle: bool = False, bangla: bool = False) -> Message:
    holder = {"name": "রহিমা খাতুন" if bangla else "Rahima Khatun", "id_type": "nid", "id_last": "4821"}
    request: Message = {
        "holder": holder,
        "from": {"district": "dhaka", "place": "মিরপুর ১০" if bangla else "Mirpur 10"},
        "to": {"district": "gazipur"},
        "reason": "medical",
        "not_before": iso(begins),
        "not_after": iso(begins + hours * HOUR),
    }
    if vehicle:
        driver = {"name": "Abdul Karim", "licence_last": "77AB"}
        request["vehicle"] = {"registration": "DHAKA METRO GA 11-2233", "driver": driver}
    return request


def _issue(authority: Path, name: str, request: Message) -> Message:
    line = json.dumps({"request_id": name, **request})
    issued: Message = json.loads(_movepass("issue", "--authority", authority, "--json", "-", given=line))
    return issued


def _forge(text: str) -> str:
    """Change one letter of what is signed."""
    data = bytearray(base45.decode(text.removeprefix(PREFIX)))
    data[data.index(b"Rahima")] ^= 1
    return PREFIX + base45.encode(bytes(data))


def _movepass(*arguments: object, given: str = "") -> str:
    done = subprocess.run(
        [str(_COMMAND), *map(str, arguments)], input=given, capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        raise RuntimeError(f"movepass {arguments[0]}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--enrolment", source]:
            enrolment(OUT, source)
        case _:
            shutil.rmtree(OUT, ignore_errors=True)
            make(OUT)
