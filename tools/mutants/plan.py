"""The mutated modules and the tests that must notice: quick ones, the most likely first."""

import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
_SURVIVORS = Path(__file__).with_name("survivors.toml")
_WIRE = "tests/wire"
_VERIFY = "tests/verifier/test_verify.py"
_RECORDS = "tests/keys/test_records.py"
_PASSES = ("payload",)
_LOGS = ("statuslog-read", "statuslog-write")
_NUMBERS = ("number-read", "number-write", "number-day")
TOO_SLOW = (
    f"{_VERIFY}::test_no_change_of_one_character_is_ever_accepted",
    "tests/verifier/test_lists.py::Test",
    "tests/verifier/test_lists.py::test_lists_answer_as_sets_do_after_any_publications_a_hundred_thousand_times",
    "tests/issuer/test_publisher.py::test_killed",
)
"""What takes seconds a mutant."""


class Target(NamedTuple):
    """A module, and what must notice a change of it.

    Attributes:
        path: of the module.
        vectors: kinds of vectors (tests/vectors), run first.
        tests: as pytest takes them.
    """

    path: str
    vectors: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def short(self) -> str:
        """The module's own name."""
        return Path(self.path).stem

    @property
    def module(self) -> str:
        """The module's name as it is imported."""
        return ".".join(Path(self.path).with_suffix("").parts[1:])


def _wire(name: str, *more: str, vectors: tuple[str, ...] = _PASSES) -> Target:
    return Target(f"wire/movepass_wire/{name}.py", vectors, (f"{_WIRE}/test_{name}.py", *more))


def _keys(name: str, *tests: str) -> Target:
    return Target(f"keys/movepass_keys/{name}.py", ("verify",), tests)


def _verifier(name: str, *tests: str, vectors: tuple[str, ...] = ("verify",)) -> Target:
    return Target(f"verifier/movepass_verifier/{name}.py", vectors, tests)


TARGETS = (
    _verifier("deciding/verify", _VERIFY, "tests/verifier/test_checkup.py"),
    _verifier("deciding/verdicts", _VERIFY, "tests/verifier/test_device.py"),
    _verifier("deciding/lists", _VERIFY, "tests/verifier/test_device.py"),
    _keys("records/algorithms", _RECORDS, "tests/keys/test_signers.py", "tests/keys/test_foreign_vectors.py"),
    _keys("records/key_set", _RECORDS, _VERIFY),
    _wire("payload"),
    _wire("cbor", f"{_WIRE}/test_claims.py"),
    _wire("claims"),
    _wire("text", f"{_WIRE}/test_claims.py"),
    _wire("base45"),
    _wire("number", "tests/verifier/test_by_number.py", vectors=_NUMBERS),
    _wire("statuslog", vectors=_LOGS),
    _wire("times", f"{_WIRE}/test_trip_json.py"),
    _wire("codes", f"{_WIRE}/test_trip_json.py"),
    _wire("trip_json"),
    Target(
        "wire/movepass_wire/limits.py",
        (*_PASSES, "verify", *_LOGS, *_NUMBERS),
        (_WIRE, _RECORDS, "tests/issuer/test_issuer.py", "tests/issuer/test_publisher.py"),
    ),
    _verifier("store/pages", "tests/verifier/test_pages.py", "tests/verifier/test_lists.py", vectors=()),
)  # fmt: skip


def explanations() -> dict[str, list[str]]:
    """Read which mutants of each module survive for a reason."""
    found: dict[str, list[str]] = {}
    for group in tomllib.loads(_SURVIVORS.read_text("utf-8"))["survivors"]:
        for module, names in group["mutants"].items():
            found.setdefault(module, []).extend(names)
    return found
