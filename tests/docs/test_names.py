"""Whether the files, folders, modules and make targets that the documents name are there."""

import importlib
import re
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from .reading import DOCUMENTS, ROOT

_CODE = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
_SOURCE = re.compile(r"[\w./*-]+\.(?:py|ts|js|toml)\b")
_PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]+)+")
_MODULE = re.compile(r"movepass_\w+(?:\.\w+)+(?![\w./])")
_TARGET = re.compile(r"^make ([a-z][a-z-]+(?: [a-z][a-z-]+)*)")
_TO_BE_WRITTEN = re.compile(r"\b(?:NEW|CODE)\b|NEW_")
"""Stands in the name of a file that the reader is to write."""
_MADE = {"build", "bench"}
"""Folders that make writes, and that are in no commit."""
_ELSEWHERE = {"service_worker.js", "rules.toml", "keys/online-2.pem"}
"""In the phone's built app, and in a reader's own folders."""


def _tracked() -> frozenset[str]:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return frozenset(listed.stdout.splitlines())


FILES = _tracked()
PLACES = FILES | {str(parent) for file in FILES for parent in Path(file).parents}
"""Files and folders."""
SHORT = PLACES | {re.sub(r"/movepass_\w+", "", place) for place in PLACES}
"""The same, and each without its package's folder, as the map writes them."""
TOPS = {file.split("/")[0] for file in FILES if "/" in file} | _MADE


def is_there(name: str) -> bool:
    """Tell whether a file or folder is named so, wherever it lies."""
    name = name.removeprefix("../").rstrip("/")
    if name in SHORT or any(place.endswith("/" + name) for place in SHORT):
        return True
    return "*" in name and any(fnmatch(place, name) or fnmatch(place, "*/" + name) for place in SHORT)


def module_is_there(name: str) -> bool:
    """Tell whether a dotted name is a module, or something in one."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[count:]:
            found = getattr(found, attribute, None)
        return found is not None
    return False


def wrong_names(document: Path, text: str) -> Iterator[str]:
    """Name what a document names and is not there."""
    for link in _LINK.findall(text):
        if not (document.parent / link).exists():
            yield link
    for code in _CODE.findall(text):
        if "://" in code or _TO_BE_WRITTEN.search(code):
            continue
        sources = {name for name in _SOURCE.findall(code) if name not in _ELSEWHERE}
        paths = {name for name in _PATH.findall(code) if name.split("/")[0] in TOPS} - _ELSEWHERE
        yield from sorted(name for name in sources | paths if name.split("/")[0] not in _MADE and not is_there(name))
        yield from (name for name in _MODULE.findall(code) if not module_is_there(name))


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_every_file_and_module_that_a_document_names_is_there(path: Path) -> None:
    assert list(wrong_names(path, path.read_text("utf-8"))) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_every_make_target_that_a_document_names_is_there(path: Path) -> None:
    text = path.read_text("utf-8")
    shown = _CODE.findall(text) + re.findall(r"^ {4}(make .*)$", text, re.MULTILINE)
    named = {word for code in shown for words in _TARGET.findall(code.split("#")[0]) for word in words.split()}
    assert named - targets() == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("`wire/movepass_wire/claims.py` and `wire/claims.py`, `claims.py`, `wire/*.json`", []),
        ("`issuer/movepass_issuer/publisher.py`", ["issuer/movepass_issuer/publisher.py"]),
        ("`nothing.ts`", ["nothing.ts"]),
        ("`issuer/movepass_issuer/corridor`", ["issuer/movepass_issuer/corridor"]),
        ("[a page](gone.md#part)", ["gone.md"]),
        (
            "`movepass_wire.claims`, `movepass_issuer.Issuer`, `movepass_issuer.publisher`",
            ["movepass_issuer.publisher"],
        ),
        ("`build/anything.py`, `NEW_ledger.py`", []),
    ],
)
def test_a_name_of_nothing_is_noticed(text: str, expected: list[str]) -> None:
    assert list(wrong_names(ROOT / "docs" / "README.md", text)) == expected
