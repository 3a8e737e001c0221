"""A pack that is hostile as an answer: it costs one request, and the device takes what is honest file by file."""

from pathlib import Path

import pytest

from attacks.packs import with_packs
from attacks.scene import Scene
from attacks.server import ENDLESS, Answer, Repeated, serving, silence
from attacks.simulator import Repository
from movepass_verifier.sync.sources import web as web_source
from movepass_wire.limits import PACK_MAX_BYTES

ANSWERS = {
    "an error": Answer(503),
    "a page": Answer(200, body=[b"<html>log in</html>"]),
    "a redirect": Answer(302, {"Location": "http://127.0.0.1:9/"}),
    "compressed": Answer(200, {"Content-Encoding": "gzip"}, [b"\x1f\x8b"]),
    "endless": Answer(200, body=ENDLESS),
    "endless parts": Answer(200, body=Repeated(b"\x01a" + bytes(8), after=b"MPK1")),
    "too long": Answer(200, body=[bytes(PACK_MAX_BYTES + 1)]),
    "cut off": Answer(200, {"Content-Length": "1000"}, [b"MPK1"]),
    "nothing": Answer(raw=[]),
    "a huge part": Answer(200, body=[b"MPK1\x01a" + b"\xff" * 8]),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_hostile_answer_for_a_pack_costs_one_request(web: Scene, answer: Answer) -> None:
    _move_on(web)
    assert web.server
    web.server.rule = lambda asked, _: answer if asked.startswith("packs/") else None
    web.server.asked.clear()
    assert web.must_take().changed
    once = {"packs" if name.startswith("packs/") else name for name in web.server.asked}
    assert "packs" in once
    assert [name for name in web.server.asked if not name.startswith("packs/")].count("metadata/timestamp.json") == 1


def test_a_pack_that_never_comes_is_left_after_the_time_for_an_answer(
    web: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_source, "READ_SECONDS", 0.3)
    _move_on(web)
    assert web.server
    web.server.rule = lambda asked, _: silence() if asked.startswith("packs/") else None
    assert web.must_take().changed


def test_an_honest_pack_makes_a_sync_one_request(repository: Repository, tmp_path: Path) -> None:
    """Else the attacks with packs would show nothing."""
    with serving(lambda: with_packs(repository.files)) as server:
        scene = Scene.set_up(repository, tmp_path, server)
        for _ in range(2):
            _move_on(scene)
            server.asked.clear()
            assert scene.must_take().changed
            assert len(server.asked) == 1


def _move_on(scene: Scene) -> None:
    scene.repository.now += 60
    scene.repository.publish()
