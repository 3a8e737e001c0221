"""Each target for a moment, by chance from a fixed seed; and that each would notice if something were wrong."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fuzz.engine import RANDOM, Count, feed_random
from fuzz.targets import NAMES, open_target
from securesystemslib.signer import SSlibKey
from support import writing
from support.processes import ROOT, environment
from support.sampling import every_nth_of

from movepass_cli import display
from movepass_cli.officer.scanning.session import Session
from movepass_keys.files import Folder
from movepass_service.site import forms
from movepass_service.site.pages.site import Site
from movepass_verifier import verify
from movepass_verifier.officer import by_number
from movepass_verifier.reading import image, other_schemes
from movepass_verifier.sync import enrolment, offer
from movepass_wire import claims, statuslog
from movepass_wire import trip_json as documents
from movepass_words import message

INPUTS = dict.fromkeys(NAMES, 2_000) | {
    "offer": 150,
    "pack": 250,
    "claims": 1_000,
    "picture": 1_000,
    "stick": 250,
    "typed": 600,
    "web": 400,
}


def fed(name: str, inputs: int, seed: int = 1) -> Count:
    count, target = Count(name, RANDOM, seed), open_target(name)
    feed_random(count, target, lambda: count.inputs >= len(target.seeds) + inputs or bool(count.findings))
    return count


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("nth", every_nth_of("the first inputs of each fuzz target", 7))
def test_nothing_escapes_and_nothing_is_accepted_that_must_not_be(name: str, nth: int) -> None:
    count = fed(name, INPUTS[name] // nth)
    assert not count.findings
    assert count.inputs >= INPUTS[name] // nth


def _nothing(*_: Any, **__: Any) -> None:
    """Check nothing."""


def _key_error(*_: Any) -> Any:
    raise KeyError


def _set_bits(page: bytearray, within: Any) -> None:
    for index in within:
        page[index >> 3] |= 1 << (index & 7)


def _follow(folder: Folder, name: str, *, make: bool = False) -> Folder:
    return Folder.open(folder.path / name, through_link=True, make=make)


FAULTS: dict[str, tuple[str, Any, str, Any]] = {
    "files of a pack are not checked": ("pack", offer, "is_signed", lambda *_: True),
    "signatures are not checked": ("text", sys.modules[verify.__module__], "_check_signature", _nothing),
    "signatures of envelopes are not checked": (
        "payload",
        sys.modules[verify.__module__],
        "_check_signature",
        _nothing,
    ),
    "claims' limits are not checked": ("claims", claims, "_check", _nothing),
    "the list is not asked": ("claims", sys.modules[verify.__module__], "_check_status", _nothing),
    "an index may be listed twice": ("log", statuslog, "set_bits", _set_bits),
    "a number's day is tomorrow": ("number", by_number, "_day", lambda *_: 1),
    "documents are not signed": ("offer", SSlibKey, "verify_signature", _nothing),
    "keys of objects are not checked": ("request", documents, "_keys", lambda _, value, *__: value),
    "a hash may be anything": ("enrolment", enrolment, "_hash", lambda value, _: value),
    "a name is not escaped": ("names", display, "escape", lambda text: text),
    "a terminal's own sequences are not known": ("typed", writing, "_OURS", re.compile(b"[ -~]")),
    "a key ends the shift": ("typed", Session, "_ask", lambda session, *_: setattr(session, "ended", True)),
    "a verdict stays while a code comes": ("typed", Session, "typing", _nothing),
    "a fault of the decoder has no words": ("picture", image, "_fault", lambda *_: message("image.nothing")),
    "links to folders are followed": ("stick", Folder, "folder", _follow),
    "a fault of the form has no words": ("web", forms, "say_fault", _key_error),
    "a redirect leads to another site": ("web", Site, "address", lambda *_: "//evil.example/"),
    "an exception is not caught": ("other", other_schemes, "_inflate", _key_error),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, owner, attribute, instead = FAULTS[fault]
    target = open_target(name)
    monkeypatch.setattr(owner, attribute, instead)
    count = Count(name, RANDOM, 1)
    feed_random(count, target, lambda: bool(count.findings) or count.inputs > 20_000)
    assert count.findings


def test_the_same_seed_gives_the_same_inputs() -> None:
    inputs: list[list[bytes]] = []
    for _ in range(2):
        target = open_target("other")
        seen: list[bytes] = []
        object.__setattr__(target, "check", seen.append)
        feed_random(Count("other", RANDOM, 5), target, lambda seen=seen: len(seen) > 500)  # type: ignore[misc]
        inputs.append(seen)
    assert inputs[0] == inputs[1]


def test_a_run_sums_up_what_it_did(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "fuzz",
        "number",
        "other",
        "--seconds",
        "0.5",
        "--engine",
        RANDOM,
        "--folder",
        tmp_path,
    ]
    ran = subprocess.run(
        [*map(str, command)],
        env=environment({"PYTHONPATH": ":".join(str(ROOT / folder) for folder in ("tools", "tests"))}),
        capture_output=True,
        check=True,
    )
    lines = ran.stdout.decode().splitlines()
    assert [line.split()[0] for line in lines] == ["number", "other", "total"]
    assert "0 escapes   0 wrong accepts   seed 20210413 (random)" in lines[0]
    assert (tmp_path / "summary.txt").read_text("utf-8").splitlines()[1:] == lines
    assert json.loads((tmp_path / "number.json").read_text("utf-8"))["inputs"] > 0
