"""The vectors hold for this implementation, and the runner tells when they do not hold for another."""

import copy
import json
import os
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import run_vectors
from jsonschema import Draft202012Validator
from make_vectors.files import files, stale
from run_vectors import Case, VectorsError
from vectors_adapter import answer

from movepass_verifier.deciding.verdicts import CHECKS, Verdict

HERE = Path(__file__).resolve().parent
CASES = run_vectors.load()
FILES = {name: json.loads((run_vectors.FOLDER / f"{name}.json").read_text("utf-8")) for name in run_vectors.FILES}
ADAPTER = shlex.join([sys.executable, str(HERE / "vectors_adapter.py")])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_vector(case: Case) -> None:
    assert run_vectors.disagreement(case, answer(case.request)) is None


def test_every_verdict_and_every_check_has_vectors() -> None:
    verdicts = [vector["expect"] for vector in FILES["verify"]["vectors"]]
    assert {verdict["verdict"] for verdict in verdicts} == {verdict.value for verdict in Verdict}
    assert {verdict["failed"] for verdict in verdicts} == {*CHECKS, None}


def test_nothing_of_a_pass_is_expected_before_its_signature_and_claims_held() -> None:
    after_claims = CHECKS[CHECKS.index("claims") + 1 :]
    for case in CASES:
        if case.request["kind"] == "verify":
            shown = {case.expect[name] is not None for name in ("pass", "pass_number", "authority")}
            assert shown == {case.expect["failed"] in (None, *after_claims)}, case.name


# --- the files ---------------------------------------------------------------------------------------------------

SCHEMA = json.loads((run_vectors.FOLDER / "schema.json").read_text("utf-8"))


@pytest.mark.parametrize("name", FILES)
def test_file_keeps_to_the_schema(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(FILES[name])


def _objects(schema: object) -> list[dict[str, Any]]:
    """Find every place of the schema that describes an object."""
    if isinstance(schema, list):
        return [found for part in schema for found in _objects(part)]
    if not isinstance(schema, dict):
        return []
    own = (
        [schema]
        if "properties" in schema or "patternProperties" in schema or "object" in schema.get("type", ())
        else []
    )
    return own + [found for part in schema.values() for found in _objects(part)]


def test_schema_lets_no_unknown_key_through() -> None:
    described = [found for found in _objects(SCHEMA["$defs"]) if found.get("type") == "object"]
    assert len(described) > 30
    assert all(found["additionalProperties"] is False for found in described)


def test_files_are_as_make_vectors_writes_them() -> None:
    command = [sys.executable, "-m", "make_vectors", "--check"]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent / "tools"), "PYTHONHASHSEED": "1"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    for name, data in files().items():
        (tmp_path / name).write_bytes(data)
    assert stale(tmp_path) == []
    (tmp_path / "number.json").write_bytes((tmp_path / "number.json").read_bytes().replace(b"slip", b"slap", 1))
    (tmp_path / "payload.json").unlink()
    assert stale(tmp_path) == ["payload.json", "number.json"]


def test_files_have_no_more_than_the_loader_knows() -> None:
    assert {path.name for path in run_vectors.FOLDER.iterdir()} == {
        *(f"{name}.json" for name in FILES),
        "schema.json",
        "hostile.json",  # for shells, which the runner does not run
        "README.md",
    }


# --- the loader --------------------------------------------------------------------------------------------------

Change = Callable[[dict[str, Any]], object]


def _write(folder: Path, name: str, change: Change) -> None:
    """Copy the vectors' files with a change in one of them."""
    for other, document in FILES.items():
        changed = copy.deepcopy(document)
        if other == name:
            change(changed)
        (folder / f"{other}.json").write_text(json.dumps(changed), "utf-8")


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        pytest.param("number", lambda d: d.update(extra=1), "number.json: expected the keys", id="a key of a file"),
        pytest.param("number", lambda d: d.pop("note"), "number.json: expected the keys", id="a missing key"),
        pytest.param("number", lambda d: d.update(states={}), "number.json: expected the keys", id="states elsewhere"),
        pytest.param("number", lambda d: d.update(format=2), "number in format 1", id="another format"),
        pytest.param("number", lambda d: d.update(name="payload"), "number in format 1", id="another name"),
        pytest.param("number", lambda d: d["vectors"][0].update(extra=1), "expected the keys", id="a vector's key"),
        pytest.param("payload", lambda d: d["vectors"][0].pop("why"), "expected the keys", id="a vector's missing key"),
        pytest.param("payload", lambda d: d["vectors"][0].update(kind="verify"), "got the kind 'verify'", id="a kind"),
        pytest.param(
            "payload", lambda d: d["vectors"][0]["input"].update(extra=1), "payload/standard, input", id="an input"
        ),
        pytest.param(
            "payload", lambda d: d["vectors"][0]["expect"].update(refused={}), "payload/standard, expect", id="both"
        ),
        pytest.param("payload", lambda d: d["vectors"].append(d["vectors"][0]), "the same id", id="an id twice"),
        pytest.param(
            "verify", lambda d: d["vectors"][0]["input"]["policy"].update(extra=1), "policy", id="a policy's key"
        ),
        pytest.param(
            "verify", lambda d: d["vectors"][0]["input"].update(state="?"), "there is no state", id="an unknown state"
        ),
        pytest.param(
            "sync",
            lambda d: d["vectors"][0]["input"].update(repository="?"),
            "there is no repository",
            id="no repository",
        ),
        pytest.param("sync", lambda d: d.pop("repositories"), "sync.json: expected the keys", id="no repositories"),
        pytest.param("verify", lambda d: d["states"]["main"].update(extra=1), "state main", id="a state's key"),
        pytest.param(
            "verify", lambda d: d["states"]["main"]["lists"].update(extra=1), "state main, lists", id="a list's key"
        ),
    ],
)
def test_loader_refuses(name: str, change: Change, words: str, tmp_path: Path) -> None:
    _write(tmp_path, name, change)
    with pytest.raises(VectorsError, match=words):
        run_vectors.load(tmp_path)


def test_loader_refuses_what_is_not_there_or_not_json(tmp_path: Path) -> None:
    with pytest.raises(VectorsError, match=r"can't read payload\.json"):
        run_vectors.load(tmp_path)
    _write(tmp_path, "payload", dict.clear)
    (tmp_path / "verify.json").write_text("{", "utf-8")
    with pytest.raises(VectorsError, match=r"payload\.json: expected the keys"):
        run_vectors.load(tmp_path)
    _write(tmp_path, "payload", lambda _: None)
    (tmp_path / "verify.json").write_text("{", "utf-8")
    with pytest.raises(VectorsError, match=r"can't read verify\.json"):
        run_vectors.load(tmp_path)


# --- the runner --------------------------------------------------------------------------------------------------


def _last_line(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """Split what was printed into the last line and all before it."""
    before, _, last = capsys.readouterr().out.rstrip("\n").rpartition("\n")
    return last, before


def test_adapter_agrees_behind_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_vectors.main(["--command", ADAPTER]) == 0
    assert _last_line(capsys) == (f"{len(CASES)} passed, 0 failed", "")


def test_only_some_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = Counter(case.request["kind"] for case in CASES)
    assert run_vectors.main(["--only", "number-write", "--only", "number-day"]) == 0
    assert _last_line(capsys) == (f"{kinds['number-write'] + kinds['number-day']} passed, 0 failed", "")


ONLY = ["--only", "number-day"]
DAYS = sum(case.request["kind"] == "number-day" for case in CASES)
ANSWERS = """
import json, sys
sys.path.insert(0, {folder!r})
from vectors_adapter import answer
for line in sys.stdin:
    request = json.loads(line)
    reply = answer(request)
    {change}
    print(json.dumps(reply), flush=True)
"""


def _command(tmp_path: Path, change: str) -> str:
    """Write a command that answers as it should, but for a change."""
    path = tmp_path / "adapter.py"
    path.write_text(ANSWERS.format(folder=str(HERE), change=change), "utf-8")
    return shlex.join([sys.executable, str(path)])


def test_a_wrong_implementation_is_caught(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that takes lists a second too old is wrong in the vectors made for that, and in no other."""
    change = 'reply = answer(request | {"policy": request["policy"] | {"max_age": request["policy"]["max_age"] + 1}})'
    assert run_vectors.main(["--only", "verify", "--command", _command(tmp_path, change)]) == 1
    last, before = _last_line(capsys)
    wrong = [line.split(":")[0] for line in before.splitlines() if not line.startswith("  ")]
    assert wrong == ["verify/stale", "verify/stale-policy", "verify/stale-max-age-0", "verify/stale-test"]
    assert last.endswith(f", {len(wrong)} failed")
    assert '"verdict": "stale"' in before
    assert '"verdict": "valid"' in before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param('reply["day"] = float(reply["day"])', "", id="1.0 is not 1"),
        pytest.param('reply["more"] = 1', "", id="a key too many"),
        pytest.param('del reply["day"]', "", id="a key too few"),
        pytest.param("sys.exit(7)", "ended with exit code 7 before it had answered", id="dies"),
        pytest.param('raise ValueError("no")', "ended with exit code 1 before it had answered", id="raises"),
        pytest.param("import os; os.close(1); sys.stdin.read()", "the command closed its output before", id="closes"),
        pytest.param("import time; time.sleep(60)", "no answer within 0.5 s", id="hangs"),
        pytest.param('print("Ready.")', "expected a line of JSON, got 'Ready.", id="garbage"),
        pytest.param("print()", r"expected a line of JSON, got '\n'", id="an empty line"),
        pytest.param(r'sys.stdout.buffer.write(b"\xff\n")', "expected a line of JSON", id="not UTF-8"),
        pytest.param("reply = [reply]", "expected an object with the request's id", id="a list"),
        pytest.param('reply["id"] += "?"', "expected an object with the request's id", id="another id"),
        pytest.param('reply = {"x": "[" * 10**5}; print("[" * 10**5)', "expected a line of JSON", id="deep"),
    ],
)
def test_a_bad_command_is_caught(
    change: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_vectors, "_END_SECONDS", 0.5)
    timeout = "0.5" if "no answer" in words else "20"
    assert run_vectors.main([*ONLY, "--timeout", timeout, "--command", _command(tmp_path, change)]) == 1
    last, before = _last_line(capsys)
    if words:
        assert words in before
        assert f"stopped here; {DAYS - 1} vectors were not asked" in before
        assert last == "0 passed, 1 failed"
    else:
        assert last == f"0 passed, {DAYS} failed"


def test_no_such_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_vectors.main([*ONLY, "--command", "no-such-command"]) == 1
    last, before = _last_line(capsys)
    assert "can't start 'no-such-command'" in before
    assert last == f"0 passed, {DAYS} failed"
    assert run_vectors.main([*ONLY, "--command", "a 'b"]) == 1


def test_wrong_usage() -> None:
    with pytest.raises(SystemExit) as caught:
        run_vectors.main(["--only", "everything"])
    assert caught.value.code == 2


def test_vectors_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_vectors, "load", lambda: run_vectors._document(tmp_path, "payload"))
    assert run_vectors.main([]) == 2
    assert "can't read payload.json" in capsys.readouterr().err
