"""Check which pictures are read and refused, and that none takes more time or memory than allowed."""

import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import qrcode
from PIL import Image, ImageChops

from movepass_verifier.errors import ImageError
from movepass_verifier.reading import decoder, image
from movepass_verifier.reading.image import PictureReader, read_qr

TEXT = "MP1:" + "AB3 C9$K" * 30
MEMORY_MOST_BYTES = 250_000_000


def _code(text: str = TEXT) -> Image.Image:
    code = qrcode.QRCode(border=4, box_size=4)
    code.add_data(text)
    grey: Image.Image = code.make_image().get_image().convert("L")
    return grey


def _finder_patterns(size: int) -> Image.Image:
    """Tile a picture with the corners of QR codes, which a reader tries to put together in all ways."""
    one = np.full((18, 18), 255, np.uint8)
    one[2:16, 2:16] = 0
    one[4:14, 4:14] = 255
    one[6:12, 6:12] = 0
    times = -(-size // len(one))
    return Image.fromarray(np.tile(one, (times, times))[:size, :size])


def _key(call: Callable[[], object]) -> str:
    """Return the key of what was wrong, or nothing."""
    try:
        call()
    except ImageError as e:
        return e.why.key
    return ""


@pytest.fixture(scope="module")
def reader() -> Iterator[PictureReader]:
    """One process for many pictures, as `movepass scan` has it."""
    with PictureReader() as one:
        yield one


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}), ("JPEG", {}), ("WEBP", {}), ("GIF", {}), ("BMP", {}), ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}), ("TIFF", {"compression": "jpeg"}), ("JPEG", {"progressive": True}),
        ("MPO", {"save_all": True}), ("GIF", {"save_all": True}), ("TIFF", {"save_all": True}),
    ],
)  # fmt: skip
def test_a_picture_is_read_by_what_it_holds_whatever_it_is_called(
    kind: str, options: dict[str, object], tmp_path: Path, reader: PictureReader
) -> None:
    others = {"append_images": [Image.new("L", (400, 400), 255)]} if "save_all" in options else {}
    _code().save(tmp_path / "picture.svg", kind, **options, **others)
    assert reader.read(tmp_path / "picture.svg") == TEXT


def _transparent(mode: str, ink: int) -> Image.Image:
    """Draw a code whose light modules are clear, over hidden colour of the ink."""
    code = _code()
    picture = Image.new("RGBA", code.size, (ink, ink, ink, 0))
    picture.putalpha(ImageChops.invert(code))
    return picture.convert(mode)


@pytest.mark.parametrize("ink", [0, 255])
@pytest.mark.parametrize(("mode", "kind"), [("RGBA", "PNG"), ("LA", "PNG"), ("RGBA", "WEBP"), ("RGBA", "TIFF")])
def test_a_code_on_a_clear_ground_is_read_as_if_it_lay_on_paper(
    mode: str, kind: str, ink: int, tmp_path: Path, reader: PictureReader
) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    _transparent(mode, ink).save(tmp_path / "picture", kind, **options)
    assert reader.read(tmp_path / "picture") == TEXT


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_palette_with_a_clear_colour_is_read(kind: str, tmp_path: Path, reader: PictureReader) -> None:
    picture = Image.new("P", _code().size, 1)
    picture.putpalette([0, 0, 0] * 256)
    picture.paste(0, mask=ImageChops.invert(_code()))
    picture.save(tmp_path / "picture", kind, transparency=1)
    assert reader.read(tmp_path / "picture") == TEXT


def test_a_clear_picture_shows_nothing_of_what_it_hides(tmp_path: Path, reader: PictureReader) -> None:
    hidden = _code().convert("RGBA")
    hidden.putalpha(0)
    hidden.save(tmp_path / "picture.png")
    assert _key(lambda: reader.read(tmp_path / "picture.png")) == "image.no-code"


@pytest.mark.parametrize("where", ["start", "behind a PNG's signature", "behind a TIFF preview"])
def test_no_picture_runs_a_program(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow hands EPS to Ghostscript, `gs`; this one tells when it was called."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("gs", "gswin64c", "gswin32c"):
        (programs / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/called\necho forged\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(forged) print flush showpage\n"
    start = {"start": b"", "behind a PNG's signature": b"\x89PNG\r\n\x1a\n"}.get(where)
    if start is None:
        start = b"\xc5\xd0\xd3\xc6" + (32).to_bytes(4, "little") + len(eps).to_bytes(4, "little") + bytes(20)
    for ending in image.FILE_ENDINGS:
        (tmp_path / f"x{ending}").write_bytes(start + eps)
    with PictureReader() as fresh:
        keys = {_key(lambda ending=ending: fresh.read(tmp_path / f"x{ending}")) for ending in image.FILE_ENDINGS}  # type: ignore[misc]
    assert keys == {"image.format"}
    assert not (tmp_path / "called").exists()


def test_other_formats_that_pillow_knows_are_not_read(tmp_path: Path, reader: PictureReader) -> None:
    Image.init()
    tried = set()
    for kind in sorted(set(Image.SAVE) - {*decoder.FORMATS, "MPO", "PDF", "JFIF", "TIFF"}):
        content = BytesIO()
        try:
            _code().convert("RGB").save(content, kind)
        except (OSError, ValueError, KeyError, RuntimeError):
            continue
        tried.add(kind)
        (tmp_path / "picture.png").write_bytes(content.getvalue())
        assert _key(lambda: reader.read(tmp_path / "picture.png")) == "image.format", kind
    assert {"EPS", "TGA", "PPM", "PCX"} <= tried


def test_what_a_decoder_prints_is_shown_to_nobody(tmp_path: Path) -> None:
    """libtiff and Pillow warn on standard error, of what a stranger wrote."""
    content = BytesIO()
    _code().save(content, "TIFF", compression="tiff_lzw", description="x" * 100)
    (tmp_path / "picture.tiff").write_bytes(content.getvalue()[:-400])
    script = "import sys, pathlib, movepass_verifier.reading.image as image; image.read_qr(pathlib.Path(sys.argv[1]))"
    command = [sys.executable, "-c", script, str(tmp_path / "picture.tiff")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.stdout == ""
    assert ran.stderr.startswith("Traceback")
    assert "ImageError" in ran.stderr.splitlines()[-1]


# Bounds


@pytest.mark.parametrize(
    ("kind", "mode", "width", "height"),
    [
        ("JPEG", "L", 8001, 8000), ("PNG", "1", 8001, 8000), ("PNG", "RGB", 6000, 5001), ("WEBP", "RGB", 4000, 2501),
        ("GIF", "P", 8001, 8000), ("TIFF", "CMYK", 6000, 5001), ("BMP", "RGB", 6000, 5001),
    ],
)  # fmt: skip
def test_a_picture_larger_than_a_camera_makes_is_not_unpacked(
    kind: str, mode: str, width: int, height: int, tmp_path: Path, reader: PictureReader
) -> None:
    options = {"compression": "tiff_lzw"} if kind == "TIFF" else {}
    Image.new(mode, (width, height)).save(tmp_path / "picture", kind, **options)
    if (tmp_path / "picture").stat().st_size <= image.FILE_MAX_BYTES:
        assert _key(lambda: reader.read(tmp_path / "picture")) == "image.too-large"
    else:
        assert _key(lambda: reader.read(tmp_path / "picture")) == "image.too-many-bytes"


def test_a_photograph_of_48_megapixels_is_read(tmp_path: Path, reader: PictureReader) -> None:
    photo = Image.new("L", (8000, 6000), 130)
    photo.paste(_code().resize((1400, 1400)), (3000, 2000))
    photo.convert("RGB").save(tmp_path / "photo.jpg", quality=60)
    assert reader.read(tmp_path / "photo.jpg") == TEXT


USED = """
import resource, sys
from pathlib import Path
from movepass_verifier.errors import ImageError
from movepass_verifier.reading.image import read_qr
try:
    read_qr(Path(sys.argv[1]))
except ImageError as e:
    print(e.why.key)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
own = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print((used.ru_maxrss + int(own.split()[1])) * 1024, used.ru_utime + used.ru_stime)
"""


def _bombs() -> dict[str, Callable[[Path], object]]:
    most = int((decoder.UNPACKED_MAX_BYTES // 4) ** 0.5)
    return {
        "finder patterns": lambda path: _finder_patterns(4000).save(path, "PNG"),
        "colour": lambda path: Image.new("RGB", (most, most)).save(path, "PNG"),
        "clear": lambda path: Image.new("RGBA", (most, most)).save(path, "PNG"),
        "WebP": lambda path: Image.new("RGBA", (3100, 3100)).save(path, "WEBP", lossless=True),
        "progressive": lambda path: Image.effect_noise((6900, 6900), 90).save(
            path, "JPEG", quality=30, progressive=True
        ),
    }


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")
@pytest.mark.parametrize("bomb", _bombs())
def test_no_picture_takes_more_memory_or_processor_time_than_it_may(bomb: str, tmp_path: Path) -> None:
    """By the processor's time and not the clock's: the machine may be busy."""
    _bombs()[bomb](tmp_path / "picture")
    command = [sys.executable, "-c", USED, str(tmp_path / "picture")]
    said, used = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    memory, seconds = map(float, used.split())
    assert said in {"image.too-hard", "image.no-code", "image.unreadable"}
    assert memory < MEMORY_MOST_BYTES
    assert seconds < image.FILE_SECONDS + 0.6, "and the start of a process"


def test_a_picture_that_takes_too_long_is_given_up_and_the_next_one_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _finder_patterns(3000).save(tmp_path / "bomb.png")
    _code().save(tmp_path / "good.png")
    with PictureReader() as reader:
        monkeypatch.setattr(image, "FILE_SECONDS", 0.01)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert _key(lambda: reader.read(tmp_path / "bomb.png")) == "image.too-hard"
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert after.ru_utime - before.ru_utime < 0.6
        monkeypatch.undo()
        assert reader.read(tmp_path / "good.png") == TEXT


def test_without_a_limit_to_its_own_time_the_clock_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows; here the process's own limit is out of reach."""
    _finder_patterns(3000).save(tmp_path / "bomb.png")
    monkeypatch.setattr(image, "FILE_SECONDS", 1000)
    monkeypatch.setattr(image, "_CLOCK_SECONDS", 0.2)
    assert _key(lambda: read_qr(tmp_path / "bomb.png")) == "image.too-hard"


def test_a_frame_that_is_too_hard_is_one_without_a_code(monkeypatch: pytest.MonkeyPatch) -> None:
    with PictureReader() as reader:
        assert reader.codes_in(np.asarray(_code())) == [TEXT]
        monkeypatch.setattr(image, "FRAME_SECONDS", 0.001)
        assert reader.codes_in(np.asarray(_finder_patterns(2000))) == []
        monkeypatch.undo()
        assert reader.codes_in(np.asarray(_code())) == [TEXT]


def test_a_process_that_was_killed_or_is_another_s_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _code().save(tmp_path / "good.png")
    with PictureReader() as reader:
        reader.start()
        child = reader._child
        assert child
        child.kill()
        child.wait()
        assert reader.read(tmp_path / "good.png") == TEXT
        ours = reader._child
        assert ours
        monkeypatch.setattr("movepass_verifier.reading.image.os.getpid", lambda: -1)
        assert reader.read(tmp_path / "good.png") == TEXT
        assert reader._child is not ours
        ours.kill()
        ours.communicate()


def test_a_process_that_decodes_ends_with_whoever_started_it() -> None:
    script = """
import os, signal
from movepass_verifier.reading.image import PictureReader
reader = PictureReader()
reader.start()
print(reader._child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    pid = int(subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).stdout)
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]:
        pass


def test_a_machine_without_another_process_or_thread_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def must_refuse(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    def unable(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    _code().save(tmp_path / "good.png")
    monkeypatch.setattr("movepass_verifier.reading.image.threading.Timer.start", must_refuse)
    assert _key(lambda: read_qr(tmp_path / "good.png")) == "image.no-process"
    monkeypatch.setattr("movepass_verifier.reading.image.subprocess.Popen", unable)
    assert _key(lambda: read_qr(tmp_path / "good.png")) == "image.no-process"


# What is no file


@pytest.mark.skipif(sys.platform == "win32", reason="names of a Unix system")
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, reader: PictureReader) -> None:
    os.mkfifo(tmp_path / "fifo.png")
    (tmp_path / "endless.png").symlink_to("/dev/zero")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.png"))
        with (tmp_path / "long.png").open("wb") as file:
            file.truncate(600_000_000)
        found = {
            name: _key(lambda name=name: reader.read(tmp_path / name))  # type: ignore[misc]
            for name in (
                "fifo.png",
                "endless.png",
                "folder.png",
                "s.png",
                "long.png",
                "loop.png",
                "gone.png",
                "a\0.png",
            )
        }
    assert found == {
        "fifo.png": "image.not-a-file", "endless.png": "image.not-a-file", "folder.png": "image.not-a-file",
        "s.png": "image.not-a-file", "long.png": "image.too-many-bytes", "loop.png": "image.unreadable",
        "gone.png": "image.missing", "a\0.png": "image.unreadable",
    }  # fmt: skip
    assert _key(lambda: reader.read(Path("/proc/self/maps"))) == "image.format"


def test_an_empty_a_cut_and_a_foreign_file_are_told_apart(tmp_path: Path, reader: PictureReader) -> None:
    _code().save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:-900])
    (tmp_path / "empty.png").touch()
    (tmp_path / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    found = [_key(lambda name=name: reader.read(tmp_path / name)) for name in ("cut.png", "empty.png", "photo.heic")]  # type: ignore[misc]
    assert found == ["image.unreadable", "image.format", "image.format"]


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.4\n",
        b"%PDF-1.4\n<<\n/Subtype /Image\n/Filter /DCTDecode\n/Length 9999999\n>>stream\n\xff\xd8\xff",
        b"%PDF-1.4\n" + b"<< /Subtype /Image /Filter /FlateDecode /Length 3 >>stream\nabc",
        b"%PDF-1.4\n" + b"<</Subtype /Image /Filter /DCTDecode /Length 3>>stream\n\xff\xd8\xff" * 2,
        b"%PDF-1.4\n" + b"<<" * 100_000,
        b"%PDF-1.4\n<<" + b"/Subtype /Image /Filter /DCTDecode " * 20_000,
    ],
)  # fmt: skip
def test_another_pdf_is_not_read(data: bytes, tmp_path: Path, reader: PictureReader) -> None:
    (tmp_path / "other.pdf").write_bytes(data)
    assert _key(lambda: reader.read(tmp_path / "other.pdf")) in {"image.pdf", "image.too-hard"}


# Which code


@pytest.mark.parametrize(
    ("texts", "chosen"),
    [
        (["MP1:A"], "MP1:A"),
        (["https://example.org", "MP1:A"], "MP1:A"),
        (["MP1:A", "MP1:A"], "MP1:A"),
        (["https://example.org"], "https://example.org"),
        (["MP1:A", "MP1:B"], "image.several"),
        (["a", "b"], "image.several"),
        ([], "image.no-code"),
    ],
)
def test_the_pass_is_the_only_code_or_the_only_one_that_begins_as_a_pass_does(texts: list[str], chosen: str) -> None:
    try:
        found = image.the_pass(texts, "picture.png")
    except ImageError as e:
        found = e.why.key
    assert found == chosen
