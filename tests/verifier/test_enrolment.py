"""Check enrolments, read strictly: the root must be the named one, and the fingerprint comes another way."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.servers import serving
from support.world import World

from movepass_issuer.printing.qr import qr_version
from movepass_verifier import Device, Policy, PolicyError, Verdict
from movepass_verifier.errors import EnrolmentError, RootRefusedError, SyncError
from movepass_verifier.sync import enrolment as enrolments
from movepass_verifier.sync.enrolment import Enrolment
from movepass_wire import base45

SHA = "ab" * 32


def root_of(world: World) -> bytes:
    return world.authority.repository.read("metadata/1.root.json") or b""


def text_of(document: Any) -> bytes:
    return b"MPE1:" + base45.encode(json.dumps(document).encode()).encode()


@pytest.mark.parametrize("sources", [["https://passes.example/r"], ["https://a.example", "/media/stick"]])
def test_a_code_and_a_file_say_what_was_put_in(world: World, sources: list[str]) -> None:
    root = root_of(world)
    code = enrolments.read(enrolments.code(sources, root).encode())
    assert code == Enrolment(tuple(sources), root_sha256=hashlib.sha256(root).hexdigest())
    file = enrolments.read(enrolments.file(sources, root, max_age="12h", language="bn"))
    assert file == Enrolment(tuple(sources), root=root, max_age=12 * 3600, language="bn")
    assert file.policy == Policy(max_age=12 * 3600)


def test_a_code_stays_small_enough_to_scan(world: World) -> None:
    assert qr_version(enrolments.code(["https://passes.police.gov.bd/repository"], root_of(world))) <= 10


def test_a_device_that_was_set_up_by_a_code_syncs_and_verifies(world: World, tmp_path: Path) -> None:
    signed = world.issue()
    with serving(world.repository) as server:
        read = enrolments.read(enrolments.code([server.url], root_of(world)).encode() + b"\r\n")
        Device.enroll(tmp_path / "d", root=enrolments.root_of(read), sources=read.sources, language="bn")
        with Device.open(tmp_path / "d", clock=lambda: world.now) as device:
            device.sync()
            assert device.verify(signed.text).verdict is Verdict.VALID
            assert device.language == "bn"
            device.configure(language="en")
            assert device.language == "en"


def test_the_root_comes_from_the_first_source_that_has_the_one_named(world: World, tmp_path: Path) -> None:
    root = root_of(world)
    other = tmp_path / "other" / "metadata"
    other.mkdir(parents=True)
    (other / "1.root.json").write_bytes(root.replace(b"2", b"3", 1))
    sources = [str(tmp_path / "nowhere"), str(tmp_path / "other"), str(world.repository)]
    assert enrolments.root_of(enrolments.read(enrolments.code(sources, root).encode())) == root
    with pytest.raises(RootRefusedError) as caught:
        enrolments.root_of(enrolments.read(enrolments.code(sources[:2], root).encode()))
    assert "is the stick plugged in?" in str(caught.value)
    assert "its root is NOT the one in the enrolment" in str(caught.value)
    assert str(caught.value).endswith("nothing was set up")


def test_a_file_with_something_else_as_root_is_refused() -> None:
    document = json.dumps({"source": "/x", "root": {"signed": {}}}).encode()
    with pytest.raises(SyncError, match="not a root document"):
        enrolments.root_of(enrolments.read(document))


BAD_FILES = {
    "not JSON": (b"MPE2:ABC", "expected an enrolment: a JSON file"),
    "a pass": (b"MP1:6BFOXN", "expected an enrolment: a JSON file"),
    "bytes": (b"\xff\xfe\x00", "expected an enrolment: a JSON file"),
    "nothing": (b"", "expected an enrolment: a JSON file"),
    "deep": (b"[" * 100_000, "expected an enrolment: a JSON file"),
    "a list": (b"[]", "as a JSON object, got list"),
    "a key too many": ({"source": "/x", "root_sha256": SHA, "sources": []}, "an enrolment has no 'sources'"),
    "a key twice": (b'{"source": "/x", "source": "/y"}', "a duplicate key"),
    "no root": ({"source": "/x"}, "either the root or its root_sha256"),
    "both": ({"source": "/x", "root": {}, "root_sha256": SHA}, "either the root or its root_sha256"),
    "a hash as root": ({"source": "/x", "root": SHA}, "for its SHA-256, 'root_sha256'"),
    "half a hash": ({"source": "/x", "root_sha256": SHA[:-1]}, "a SHA-256 of 64 hexadecimal digits as root_sha256"),
    "no source": ({"root_sha256": SHA}, "expected a source, or a list of at most 16"),
    "an empty list": ({"source": [], "root_sha256": SHA}, "expected a source, or a list of at most 16"),
    "too many": ({"source": ["/x"] * 17, "root_sha256": SHA}, "expected a source, or a list of at most 16"),
    "a number": ({"source": ["/x", 7], "root_sha256": SHA}, "expected addresses or folders"),
    "an age": ({"source": "/x", "root_sha256": SHA, "max_age": "soon"}, "max_age: expected a length of time"),
    "a number as age": ({"source": "/x", "root_sha256": SHA, "max_age": 24}, "max_age: expected a length of time"),
    "a language": ({"source": "/x", "root_sha256": SHA, "language": "fr"}, "expected a language of en, bn, got 'fr'"),
    "a text cut short": (text_of({"source": "/x", "root": SHA})[:-1], "damaged, or not copied exactly"),
    "a text in the wrong case": (text_of({"source": "/x", "root": SHA}).lower(), "expected an enrolment: a JSON file"),
    "a text with more": (text_of({"source": "/x", "root": SHA, "max_age": "1h"}), "nothing else; it has 'max_age'"),
    "a text without": (text_of({"source": "/x"}), "nothing else; it has no root"),
    "a text not JSON": (text_of(7), "as a JSON object, got int"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FILES)
def test_what_is_no_enrolment_says_what_was_expected(name: str) -> None:
    given_, words = BAD_FILES[name]
    with pytest.raises(EnrolmentError, match=words):
        enrolments.read(given_ if isinstance(given_, bytes) else json.dumps(given_).encode())


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: b"MPE1:" + text.encode()))
def test_whatever_is_given_is_an_enrolment_or_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(EnrolmentError):
        enrolments.read(data)


@pytest.mark.parametrize(("name", "age"), [("max_age", "72h"), ("max_age", "0h"), ("warning_age", "0h")])
def test_ages_out_of_bounds_are_refused_and_nothing_is_set_up(
    world: World, tmp_path: Path, name: str, age: str
) -> None:
    read = enrolments.read(enrolments.file([str(world.repository)], root_of(world), **{name: age}))
    with pytest.raises(PolicyError, match="expected a "):
        Device.enroll(tmp_path / "d", root=enrolments.root_of(read), sources=read.sources, policy=read.policy)
    assert not (tmp_path / "d").exists()


def test_the_fingerprint_may_be_told_in_either_form(world: World) -> None:
    root = root_of(world)
    sha, digits = hashlib.sha256(root).hexdigest(), enrolments.fingerprint(root)
    for told in (
        sha,
        sha.upper(),
        ":".join(sha[at : at + 2] for at in range(0, 64, 2)),
        digits,
        digits.replace(" ", ""),
    ):
        enrolments.check_fingerprint(root, told)
    for told in (sha[:-1] + ("0" if sha[-1] != "0" else "1"), digits[:-1] + ("0" if digits[-1] != "0" else "1")):
        with pytest.raises(RootRefusedError, match="ANOTHER fingerprint"):
            enrolments.check_fingerprint(root, told)
    for told in ("", "0" * 39, sha[:-1], "\u09e6" * 40):
        with pytest.raises(EnrolmentError, match="or 40 digits as fingerprint"):
            enrolments.check_fingerprint(root, told)
