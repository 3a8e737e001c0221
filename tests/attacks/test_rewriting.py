"""A log that was rewritten: a device makes its beginning itself, and no lie about it changes what is accepted."""

import random
from hashlib import sha256
from typing import Any

import pytest

from attacks.scene import GOOD, REVOKED, Scene
from attacks.server import Answer
from attacks.simulator import Lie, log_name
from movepass_keys.records.generations import BEFORE, READ_BEFORE, REWRITTEN, Generations, LastFile
from movepass_wire import encode_block, new_log

HELD = sorted({REVOKED, *random.Random(1).sample(range(1000, 1 << 20), 3000)})
NEWER, NEWEST = [11, 12, 13], [14, 15]


def rewritten(day: int) -> tuple[bytes, bytes, bytes, Generations]:
    """Return a log as a device has it, its generation's last file, the next generation, and what that says."""
    held = new_log(day) + encode_block(HELD)
    last = held + encode_block(NEWER)
    first = new_log(day, 1) + encode_block([*HELD, *NEWER])
    said = Generations(0).next(LastFile(len(last), sha256(last).hexdigest()), len(first))
    return held, last, first + encode_block(NEWEST), said


def hold(scene: Scene) -> None:
    """Let the device hold many indexes, as otherwise the whole log is less than what it lacks."""
    repository = scene.repository
    repository.status[log_name(repository.today)] = rewritten(repository.today)[0]
    repository.publish()
    scene.must_take()


def publish(scene: Scene, said: Any, *, log: bytes | None = None) -> bytes:
    """Publish the next generation, with what its target says; the last file of the one before stays."""
    repository = scene.repository
    name, (_, last, honest, _) = log_name(repository.today), rewritten(repository.today)
    log = honest if log is None else log
    repository.put_target(name, last)
    repository.status[name] = log
    edit = Lie(edit=lambda status: status.targets[name].unrecognized_fields["custom"].update(said))
    repository.publish({"status": edit})
    return log


def assert_held(scene: Scene, log: bytes) -> None:
    """Check what the device knows by passes: those of the log are revoked, and no other."""
    scene.assert_verdicts_hold()
    for index in NEWEST:
        text = scene.repository.issue(index)
        assert scene.verdict(text) == ("revoked" if log.endswith(encode_block(NEWEST)) else "valid")


def test_only_what_is_new_is_asked_for(web: Scene) -> None:
    hold(web)
    log = publish(web, rewritten(web.repository.today)[3].to_custom())
    assert web.server
    sent: list[int] = []

    def count(path: str, wanted: str | None) -> Answer | None:
        if path.endswith(".log"):
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
            sent.append(len(web.repository.files[path]) - start)
        return None

    web.server.rule = count
    web.must_take()
    assert sent == [len(encode_block(NEWER)), len(encode_block(NEWEST))]
    assert_held(web, log)


def test_from_a_folder_too(stick: Scene) -> None:
    hold(stick)
    log = publish(stick, rewritten(stick.repository.today)[3].to_custom())
    stick.must_take()
    assert_held(stick, log)


def lies() -> dict[str, Any]:
    _, _, log, said = rewritten(20_000)
    (last,) = (one.to_json() for one in said.before)
    return {
        "none before": {BEFORE: []},
        "other bytes": {REWRITTEN: said.rewritten - 1},
        "all bytes": {REWRITTEN: len(log)},
        "more bytes than there are": {REWRITTEN: len(log) + 1},
        "no number": {REWRITTEN: "9"},
        "no list": {BEFORE: last},
        "no objects": {BEFORE: [None]},
        "too many": {BEFORE: [last] * (READ_BEFORE + 1)},
        "another file": {BEFORE: [last | {"sha256": "0" * 64}]},
        "a file elsewhere": {BEFORE: [last | {"sha256": "/../" * 16}]},
        "a longer file": {BEFORE: [last | {"length": last["length"] + 1}]},
        "a shorter file": {BEFORE: [last | {"length": 8}]},
        "a huge file": {BEFORE: [last | {"length": 1 << 40}]},
        "a file of less than nothing": {BEFORE: [last | {"length": -1}]},
        "a file that was rewritten longer than it is": {BEFORE: [last | {REWRITTEN: 1 << 20}]},
    }


@pytest.mark.parametrize("lie", lies())
def test_what_does_not_fit_costs_bytes_and_changes_nothing(scene: Scene, lie: str) -> None:
    hold(scene)
    _, last, _, said = rewritten(scene.repository.today)
    custom = said.to_custom()
    changed = lies()[lie]
    for one in changed.get(BEFORE, []) if isinstance(changed.get(BEFORE), list) else []:
        if one and one["sha256"] == rewritten(20_000)[3].before[0].sha256:
            one["sha256"] = sha256(last).hexdigest()
    log = publish(scene, custom | changed)
    scene.must_take()
    assert_held(scene, log)


def test_a_first_block_of_another_set_is_not_made_up_for(scene: Scene) -> None:
    """The publisher left a pass out: what it signed counts, and the device holds that."""
    hold(scene)
    today = scene.repository.today
    said = rewritten(today)[3]
    log = new_log(today, 1) + encode_block([REVOKED, GOOD + 90]) + encode_block(NEWEST)
    publish(scene, said.to_custom() | {REWRITTEN: len(log) - len(encode_block(NEWEST))}, log=log)
    scene.must_take()
    assert_held(scene, log)
    assert scene.verdict(scene.repository.issue(HELD[5])) == "valid"


def test_where_an_earlier_file_is_another_one_the_whole_log_is_downloaded(scene: Scene) -> None:
    hold(scene)
    repository = scene.repository
    _, last, _, said = rewritten(repository.today)
    log = publish(scene, said.to_custom())
    path = f"targets/status/{sha256(last).hexdigest()}.{repository.today}.log"
    for data in (last[:-1] + b"\0", last[:40], b"", new_log(repository.today + 1)):
        repository.files[path] = data
        scene.must_take()
        assert_held(scene, log)
    del repository.files[path]
    scene.must_take()
    assert_held(scene, log)
