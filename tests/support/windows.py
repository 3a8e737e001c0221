"""Make this process look like Python on Windows by removing what is missing there. Import it before other code."""

import errno
import os
import select
import shutil
import signal
import stat
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

MODULES = {"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"}
_OF_OS = [
    "O_NOFOLLOW",
    "O_DIRECTORY",
    "O_NONBLOCK",
    "O_NOCTTY",
    "O_CLOEXEC",
    "O_SYNC",
    "fork",
    "fchmod",
    "fchown",
    "chown",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "setsid",
    "killpg",
    "mkfifo",
    "mknod",
    "statvfs",
    "sync",
    "wait",
    "sysconf",
    "set_blocking",
    "pread",
    "pwrite",
    "openpty",
]
_OF_SIGNAL = [
    "SIGHUP",
    "SIGQUIT",
    "SIGWINCH",
    "SIGTSTP",
    "SIGKILL",
    "SIGALRM",
    "SIGPIPE",
    "SIGUSR1",
    "SIGUSR2",
    "SIGXFSZ",
    "pthread_sigmask",
    "alarm",
    "setitimer",
]


class _Missing(MetaPathFinder):
    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if name in MODULES:
            raise ImportError(f"no module named {name!r} on Windows", name=name)
        return None


def become() -> None:
    """Remove what Windows lacks; symbolic links fail as for a user who may make none."""
    for name in MODULES & sys.modules.keys():
        del sys.modules[name]
    sys.meta_path.insert(0, _Missing())
    for module, names in ((os, _OF_OS), (signal, _OF_SIGNAL)):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    os.supports_dir_fd = set()
    os.supports_fd = set()
    shutil._use_fd_functions = False  # type: ignore[attr-defined] # as it finds there when it is loaded
    os.symlink = _no_symlink
    open_before, select_before = os.open, select.select

    def open_file(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if Path(path).is_dir():
            raise PermissionError(errno.EACCES, "Permission denied", path)
        if dir_fd is not None:
            raise NotImplementedError("dir_fd unavailable on this platform")
        return open_before(path, flags, mode)

    def select_sockets(readable: Any, *others: Any) -> Any:
        numbers = [one if isinstance(one, int) else one.fileno() for one in readable]
        if not all(stat.S_ISSOCK(os.fstat(number).st_mode) for number in numbers):
            raise OSError("an operation was attempted on something that is not a socket")
        return select_before(readable, *others)

    os.open = open_file
    select.select = select_sockets


def _no_symlink(*_: object, **__: object) -> None:
    raise OSError(errno.EPERM, "A required privilege is not held by the client")
