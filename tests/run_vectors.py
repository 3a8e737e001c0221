"""Runs the test vectors against an implementation of docs/spec.md.

    python tests/run_vectors.py                               our own, in this process
    python tests/run_vectors.py --command 'node adapter.js'   any other, behind a command
    python tests/run_vectors.py --only payload --only number-read …

The command gets one request a line and answers each with one line; tests/vectors/README.md has their form. Each
disagreement is printed, then "N passed, M failed". Exit code 0 if all passed, 1 if any failed or the command did not
keep to the protocol, 2 for wrong usage or vectors that can't be read. Needs Python's standard library only.
"""

import argparse
import hashlib
import json
import queue
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

FOLDER = Path(__file__).resolve().parent / "vectors"
FORMAT = 1
ANSWER_SECONDS = 10.0
"""For one answer; a command that needs longer has hung."""
ANSWER_MAX_CHARS = 1 << 24
_SHOWN_CHARS = 300
_END_SECONDS = 5.0

Message = dict[str, Any]
Answer = Callable[[Message], Message]

_VECTOR = {"id", "why", "kind", "input", "expect"}
_FILE = {"format", "name", "note", "vectors"}
_STATE = {"keys", "denied", "lists"}
_LISTS = {"published", "synced_at", "days"}
_POLICY = {"max_age", "warning_age", "clock_slack"}
_VERDICT = {"outcome", "verdict", "failed", "pass", "pass_number", "authority"}
_REFUSED = {"refused"}
_DIGEST = {"count", "sha256"}

FILES = {
    "payload": ("payload",),
    "verify": ("verify",),
    "statuslog": ("statuslog-read", "statuslog-write"),
    "number": ("number-read", "number-write", "number-day"),
    "keys": ("keys",),
    "enrolment": ("enrolment",),
    "sync": ("sync",),
}
"""The files, and the kinds of vectors in each."""
_INPUT = {
    "payload": {"text"},
    "verify": {"text", "state", "now", "policy", "last_seen"},
    "statuslog-read": {"log"},
    "statuslog-write": {"day", "generation", "blocks"},
    "number-read": {"text"},
    "number-write": {"day", "index"},
    "number-day": {"day_in_number", "near"},
    "keys": {"keys", "denied"},
    "enrolment": {"text"},
    "sync": {"root", "held", "held_at", "repository", "changed", "now"},
}
_EXPECT = {
    "payload": ({"decoded"}, _REFUSED),
    "verify": (_VERDICT,),
    "statuslog-read": ({"day", "generation", "indexes"}, {"day", "generation", *_DIGEST}, _REFUSED),
    "statuslog-write": ({"log"}, _REFUSED),
    "number-read": ({"day", "index"}, _REFUSED),
    "number-write": ({"number"}, _REFUSED),
    "number-day": ({"day"},),
    "keys": ({"authority", "keys", "denied"}, _REFUSED),
    "enrolment": ({"sources", "root"}, _REFUSED),
    "sync": ({"published", "files"}, _REFUSED),
}


class VectorsError(Exception):
    """The vectors' files can't be read, or hold what this runner does not know."""


class ProtocolError(Exception):
    """The command died, hung, or did not answer as it should."""


@dataclass(frozen=True, slots=True)
class Case:
    """One vector, ready to be asked.

    Attributes:
        name: file and id.
        why: what it is about.
        request: what is sent.
        expect: what must come back, without the id.
    """

    name: str
    why: str
    request: Message
    expect: Message


def load(folder: Path = FOLDER) -> list[Case]:
    """Read all vectors.

    Each refused text of payload.json becomes a second case: verified in the state "main" it must get the verdict
    of its kind, and nothing of it may be shown.

    Raises:
        VectorsError: a file is missing or not JSON, or has a key too many or too few.
    """
    documents = {name: _document(folder, name) for name in FILES}
    shared = documents["verify"]["states"] | documents["sync"]["repositories"]
    states = documents["verify"]["states"]
    cases = [_case(name, vector, shared) for name, document in documents.items() for vector in document["vectors"]]
    names = {case.name for case in cases}
    if len(names) != len(cases):
        raise VectorsError("two vectors of a file have the same id")
    return cases + [_verified(case, states["main"]) for case in cases if _refused_text(case)]


def _document(folder: Path, name: str) -> Message:
    path = folder / f"{name}.json"
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as e:
        raise VectorsError(f"can't read {path.name}: {e}") from None
    _keys(path.name, document, _FILE | _SHARED.get(name, set()))
    if document["format"] != FORMAT or document["name"] != name:
        raise VectorsError(f"{path.name}: expected {name} in format {FORMAT}")
    for title, state in document.get("states", {}).items():
        _keys(f"{path.name}, state {title}", state, _STATE)
        _keys(f"{path.name}, state {title}, lists", state["lists"], _LISTS)
    return dict(document)


def _keys(where: str, value: object, *allowed: Iterable[str]) -> None:
    """Insist on an object with one of these sets of keys, no more and no fewer."""
    if not isinstance(value, Mapping) or set(value) not in [set(keys) for keys in allowed]:
        got = sorted(value) if isinstance(value, Mapping) else type(value).__name__
        raise VectorsError(
            f"{where}: expected the keys {' or '.join(str(sorted(keys)) for keys in allowed)}, got {got}"
        )


_SHARED = {"verify": {"states"}, "sync": {"repositories"}}
"""What vectors of a file name, and the file has beside them."""


def _case(name: str, vector: Any, shared: Mapping[str, Message]) -> Case:
    _keys(f"{name}.json", vector, _VECTOR)
    where = f"{name}/{vector['id']}"
    kind, given, expect = vector["kind"], vector["input"], vector["expect"]
    if kind not in FILES[name]:
        raise VectorsError(f"{where}: expected one of {', '.join(FILES[name])}, got the kind {kind!r}")
    _keys(f"{where}, input", given, _INPUT[kind])
    _keys(f"{where}, expect", expect, *_EXPECT[kind])
    if kind == "verify":
        _keys(f"{where}, policy", given["policy"], _POLICY)
        given = {**given, "state": _named(where, "state", given["state"], shared)}
    if kind == "sync":
        given = _repository(where, given, shared)
    return Case(where, vector["why"], {"id": vector["id"], "kind": kind, **given}, expect)


def _named(where: str, what: str, name: str, shared: Mapping[str, Message]) -> Message:
    if name not in shared:
        raise VectorsError(f"{where}: there is no {what} {name!r}")
    return shared[name]


def _repository(where: str, given: Message, shared: Mapping[str, Message]) -> Message:
    """Put the files themselves in the place of their repositories' names."""
    root, held, base = (
        given[member] and _named(where, "repository", given[member], shared)
        for member in ("root", "held", "repository")
    )
    files = {path: data for path, data in {**base, **given["changed"]}.items() if data is not None}
    before = held and {"files": held, "now": given["held_at"]}
    return {"root": root["metadata/1.root.json"], "held": before, "files": files, "now": given["now"]}


def _refused_text(case: Case) -> bool:
    return case.request["kind"] == "payload" and "refused" in case.expect


def _verified(case: Case, state: Message) -> Case:
    refused = case.expect["refused"]
    published: int = state["lists"]["published"]
    policy = {"max_age": 86400, "warning_age": 21600, "clock_slack": 300}
    request = {
        "id": f"{case.request['id']}, verified",
        "kind": "verify",
        "text": case.request["text"],
        "state": state,
        "now": published,
        "policy": policy,
        "last_seen": None,
    }
    expect = {
        "outcome": "cannot-verify" if refused["kind"] == "unsupported-version" else "reject",
        "verdict": refused["kind"],
        "failed": refused["check"],
        "pass": None,
        "pass_number": None,
        "authority": None,
    }
    return Case(f"{case.name}, verified", case.why, request, expect)


def disagreement(case: Case, answer: Mapping[str, Any]) -> str | None:
    """Compare an answer with what is expected; returns None where they agree."""
    got = {key: value for key, value in answer.items() if key != "id"}
    if set(case.expect) >= _DIGEST and isinstance(got.get("indexes"), list):
        got |= _digest(got.pop("indexes"))
    if _canonical(got) == _canonical(case.expect):
        return None
    different = [key for key in {**case.expect, **got} if _member(got, key) != _member(case.expect, key)]
    expected, came = ({key: m[key] for key in different if key in m} for m in (case.expect, got))
    return f"{case.name}: {case.why}\n  expected {_shown(expected)}\n  got      {_shown(came)}"


def _member(message: Mapping[str, Any], key: str) -> str | None:
    return _canonical(message[key]) if key in message else None


def _digest(indexes: Sequence[Any]) -> Message:
    """Sum up a long list: SHA-256 over each index in four bytes, most significant first, in ascending order."""
    try:
        data = b"".join(index.to_bytes(4, "big") for index in indexes)
    except (AttributeError, OverflowError):
        return {"indexes": "not a list of numbers below 2^32"}
    return {"count": len(indexes), "sha256": hashlib.sha256(data).hexdigest()}


def _canonical(value: object) -> str:
    """Write a value so that true is not 1, and 1.0 not 1."""
    return json.dumps(value, sort_keys=True)


def _shown(value: object) -> str:
    text = _canonical(value)
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + " …"


class Command:
    """An implementation behind a command, asked one request at a time."""

    def __init__(self, command: str, timeout: float) -> None:
        """Start it.

        Raises:
            ProtocolError: there is no such command.
        """
        self._timeout = timeout
        try:
            self._process = subprocess.Popen(
                shlex.split(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
            )
        except (OSError, ValueError) as e:
            raise ProtocolError(f"can't start {command!r}: {e}") from None
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __call__(self, request: Message) -> Message:
        """Ask one request.

        Raises:
            ProtocolError: no answer, or none that can be one.
        """
        try:
            _pipe(self._process.stdin).write(json.dumps(request) + "\n")
            _pipe(self._process.stdin).flush()
            line = self._lines.get(timeout=self._timeout)
        except OSError:
            line = ""
        except queue.Empty:
            raise ProtocolError(f"no answer within {self._timeout:g} s; does it write a line end and flush?") from None
        if not line:
            raise ProtocolError(f"{self._end()} before it had answered")
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            raise ProtocolError(f"expected a line of JSON, got {line[:_SHOWN_CHARS]!r}") from None
        if not isinstance(answer, dict) or answer.get("id") != request["id"]:
            raise ProtocolError(f"expected an object with the request's id, got {line[:_SHOWN_CHARS]!r}")
        return answer

    def close(self) -> None:
        """End it, by the end of its input or by force."""
        with suppress(OSError):  # it may have gone first
            _pipe(self._process.stdin).close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_END_SECONDS)
        if not self._reader.is_alive():
            _pipe(self._process.stdout).close()

    def _read(self) -> None:
        """Put each line into the queue, and an empty one at the end: a pipe itself knows no time limit."""
        while line := _pipe(self._process.stdout).readline(ANSWER_MAX_CHARS):
            self._lines.put(line)
        self._lines.put("")

    def _end(self) -> str:
        """Say how the command stopped answering."""
        try:
            return f"the command ended with exit code {self._process.wait(_END_SECONDS)}"
        except subprocess.TimeoutExpired:
            return "the command closed its output"


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise AssertionError("the command was started with pipes")
    return pipe


@contextmanager
def _implementation(command: str | None, timeout: float) -> Iterator[Answer]:
    if command is None:
        from vectors_adapter import answer  # noqa: PLC0415 - other implementations need no Movepass installed

        yield answer
        return
    running = Command(command, timeout)
    try:
        yield running
    finally:
        running.close()


def run(cases: Sequence[Case], command: str | None, timeout: float = ANSWER_SECONDS) -> int:
    """Ask every case, print what does not agree, and sum up; returns the exit code."""
    passed = failed = 0
    with _implementation(command, timeout) as ask:
        for case in cases:
            try:
                problem = disagreement(case, ask(case.request))
            except ProtocolError as e:
                print(f"{case.name}: {e}\nstopped here; {len(cases) - passed - failed - 1} vectors were not asked")
                failed += 1
                break
            failed += problem is not None
            passed += problem is None
            if problem:
                print(problem)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Run the test vectors against an implementation.")
    parser.add_argument("--command", help="the command to test; without it our own implementation, in this process")
    parser.add_argument("--only", action="append", choices=_INPUT, help="a kind of vector; may be given repeatedly")
    parser.add_argument("--timeout", type=float, default=ANSWER_SECONDS, help="seconds for one answer")
    options = parser.parse_args(arguments)
    try:
        cases = load()
    except VectorsError as e:
        print(e, file=sys.stderr)
        return 2
    cases = [case for case in cases if not options.only or case.request["kind"] in options.only]
    try:
        return run(cases, options.command, options.timeout)
    except ProtocolError as e:
        print(e)
        print(f"0 passed, {len(cases)} failed")
        return 1


if __name__ == "__main__":
    sys.exit(main())
