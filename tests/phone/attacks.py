"""Runs the attacks of tests/attacks against the phone: `pytest tests/attacks -p phone.attacks`, PHONE_DEVICE=COMMAND.

The same hostile repository and server, the same tests; only the device is another one, behind a process. Where a test
expects Python's words, the phone must have refused for the same reason.
"""

import base64
import json
import os
import shlex
import subprocess
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import attacks.conftest
import pytest
from attacks.scene import Scene
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet
from tuf.ngclient.config import EnvelopeType

from movepass_verifier import SyncError
from movepass_verifier.sync import sync
from movepass_verifier.sync.sources import web as web_source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_KINDS = {
    "published too long ago": "expired",
    "signed documents have ended": "expired",
    "it is behind what this device has": "behind",
    "Expected root version": "root-order",
    "not signed by those": "unsigned",
    "a key is listed twice": "unsigned",
    "a file is not the one that was signed": "wrong-file",
    "a file is longer than was signed": "too-long",
    "is this a login page?": "login-page",
    "does not offer what an authority publishes": "not-ours",
    "is more than a device takes": "too-large",
    "signed and yet unreadable": "unreadable",
    "too slow": "slow",
    "the connection was lost": "no-connection",
}
"""Python's words, and what the phone calls that."""
_NOT_HERE = (
    "test_a_compressed_answer_is_not_unpacked",  # a browser unpacks by itself; bounds and hashes are of what comes out
    "test_the_rest_of_a_log_is_not_unpacked_either",
    "test_wrong_bytes_of_a_log_that_was_cut_off_poison_no_later_sync",  # it looks for Python's files
    "test_an_answer_without_end_that_is_no_file_is_left_at_once[status line]",  # the browser reads an answer's head
    "test_an_answer_that_never_comes_to_its_status_is_left_after_the_time_for_a_file",
    "test_a_tls_handshake_that_drips_is_left_after_the_time_for_a_file",
)


class _Phone:
    """The process; one device at a time."""

    def __init__(self) -> None:
        command = shlex.split(os.environ["PHONE_DEVICE"])
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, kind: str, **request: Any) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"kind": kind, **request}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.communicate()


_phone: list[_Phone] = []


class PhoneScene(Scene):
    """A scene whose device is the phone's."""

    def enroll(self, root: bytes) -> None:
        answer = _phone[0].ask("enroll", root=base64.b64encode(root).decode(), now=self.now)
        if "failed" in answer:
            raise SyncError(f"this is not a root document of an authority: {answer['failed']} {answer['detail']}")

    def sync(self) -> Any:
        assert self.server
        source = vars(sync)["Source"](self.server.url)  # as the tests have it noted
        seconds = {"silence": web_source.READ_SECONDS, "file": web_source.FILE_SECONDS}
        answer = _phone[0].ask("sync", url=self.server.url, now=self._time(), seconds=seconds)
        source.received = answer["received"]
        if "failed" in answer:
            raise _RefusedError(answer["failed"], answer["detail"])
        return SimpleNamespace(**answer, logs=[SimpleNamespace(day=day) for day in answer["days"]])

    def must_refuse(
        self, *words: str, during: AbstractContextManager[object] | None = None, recover: bool = True
    ) -> str:
        before = self.tables()
        with during or nullcontext(), pytest.raises(_RefusedError) as caught:
            self.sync()
        for phrase, kind in _KINDS.items():
            if any(phrase in word for word in words):
                assert caught.value.kind == kind
        assert self.tables() == before
        self.assert_verdicts_hold()
        if recover:
            self._recover()
        return str(caught.value)

    def verify(self, text: str, *, at: int | None = None) -> Any:
        answer = _phone[0].ask("verify", text=text, now=self.now if at is None else at)
        return SimpleNamespace(verdict=SimpleNamespace(value=answer["verdict"]), reason=answer["reason"])

    def tables(self) -> dict[str, list[Any]]:
        return {"all": [_phone[0].ask("dump")["hash"]]}

    def held(self, role: str) -> bytes:
        return base64.b64decode(_phone[0].ask("dump")["metadata"][role])

    def _time(self) -> int:
        """Give the time that python-tuf would go by: tests let it pass there."""
        root = self.honest["metadata/1.root.json"]
        return int(TrustedMetadataSet(root, EnvelopeType.METADATA).reference_time.timestamp())


class _RefusedError(SyncError):
    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind


def pytest_configure() -> None:
    """Put the phone in the device's place."""
    _phone.append(_Phone())
    vars(attacks.conftest)["Scene"] = PhoneScene


def pytest_unconfigure() -> None:
    """Let it go."""
    _phone.pop().close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what a phone has nothing to do with: sticks and folders, and what _NOT_HERE says."""
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        fixtures: Sequence[str] = getattr(item, "fixturenames", ())
        parameters: Mapping[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
        other = "stick" in fixtures or parameters.get("scene") == "folder" or item.name.startswith(_NOT_HERE)
        mine = any(fixture in fixtures for fixture in ("scene", "web"))
        (kept if mine and not other else left).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept
