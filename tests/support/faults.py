"""Simulate death at a chosen call, and a full disk."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Killed(BaseException):
    """As if the process had been killed: nothing of ours may catch it."""


class Doom:
    """Counts calls over several wrapped objects, and dies before or after the one that was chosen.

    Attributes:
        calls: the calls so far, by name.
    """

    def __init__(self, at: int = -1, *, after: bool = False) -> None:
        self.calls: list[str] = []
        self._at = at
        self._after = after

    def wrap(self, target: Any, *names: str) -> Any:
        """Wrap a target in an object that behaves the same until the end comes."""
        return _Doomed(self, target, names)

    def call(self, name: str, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        chosen = len(self.calls) == self._at
        self.calls.append(name)
        if chosen and not self._after:
            raise Killed(name)
        result = method(*args, **kwargs)
        if chosen:
            raise Killed(name)
        return result


class _Doomed:
    def __init__(self, doom: Doom, target: Any, names: tuple[str, ...]) -> None:
        self._doom = doom
        self._target = target
        self._names = names

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if name not in self._names:
            return value
        return lambda *args, **kwargs: self._doom.call(name, value, *args, **kwargs)


@contextmanager
def small_files(most: int) -> Iterator[None]:
    """Let this process, and those that it starts, write no file of more bytes than this, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
