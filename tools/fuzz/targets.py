"""The targets by name, each made when it is asked for, so that atheris sees the code under test imported."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

Check = Callable[[bytes], None]
"""Takes one input; returns where all is well."""
Prepare = Callable[[Sequence[bytes]], None]
"""Does for many inputs at once what would be slow for each; then Check takes them one after the other."""

_MODULES = {
    "text": "passes",
    "payload": "passes",
    "claims": "passes",
    "number": "passes",
    "log": "lists",
    "offer": "repository",
    "pack": "packs",
    "request": "documents",
    "keys": "documents",
    "enrolment": "documents",
    "other": "documents",
    "names": "terminal",
    "picture": "pictures",
    "stick": "sticks",
    "typed": "terminal",
    "web": "web",
}
NAMES = tuple(_MODULES)


class WrongAcceptError(AssertionError):
    """Something was accepted, or read as something, that it is not."""


@dataclass(frozen=True)
class Target:
    """The targets of fuzzing.

    Attributes:
        name: one of NAMES.
        check: see Check.
        seeds: good and bad examples to begin from.
        at_once: how many inputs are prepared together.
        prepare: see Prepare.
    """

    name: str
    check: Check
    seeds: Sequence[bytes]
    at_once: int = 1
    prepare: Prepare = lambda _: None


def open_target(name: str) -> Target:
    """Make a target."""
    return Target(name, *getattr(import_module(f"fuzz.{_MODULES[name]}"), name)())


def hold(holds: bool, what: str) -> None:  # noqa: FBT001 - reads as assert does
    """Make sure of something that python -O must not take out.

    Raises:
        WrongAcceptError: it does not hold.
    """
    if not holds:
        raise WrongAcceptError(what)


def corpus(name: str) -> list[bytes]:
    """Read the examples that are kept for a target: good ones, and what it once found."""
    return [path.read_bytes() for path in sorted((Path(__file__).parent / "corpus" / name).iterdir())]
