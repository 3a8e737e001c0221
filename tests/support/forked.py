"""Processes forked from one that has already loaded the packages: a start costs milliseconds, not half a second.

Each has its own standard streams, folder, environment and exit code, as a process that Python starts for it has.
`MOVEPASS_TEST_STARTS=fresh` starts Python for each of them instead; `make slow` runs the command's tests so.
"""

import atexit
import json
import os
import resource
import select
import socket
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_AT_START = ("PYTHON", "LC_", "LANG", "LD_")
"""Python reads variables that begin so when it starts: a process with its own must be started by Python."""

_NUMBER_BYTES = 16

_SERVER = """
import atexit, fcntl, gc, json, os, select, signal, socket, sys, termios, threading, time
from importlib import import_module
from movepass_cli.main import _COMMANDS, main

USED = ["_strptime", "movepass_verifier.store.doctor", "PIL.ImageDraw", "PIL.ImageFont", "PIL.PngImagePlugin", "qrcode"]
for name in [*(f"movepass_cli.{module}" for module, _ in _COMMANDS.values()), *USED, *sys.argv[2:]]:
    import_module(name)
gc.freeze()
interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
listener = socket.socket(fileno=int(sys.argv[1]))
ended, end = os.pipe()
os.set_blocking(end, False)
signal.signal(signal.SIGCHLD, lambda *_: None)
signal.set_wakeup_fd(end, warn_on_full_buffer=False)
running = {}

def become(arguments, folder, variables, own_session, fds):
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, interrupt)
    for connection in (listener, *running.values()):
        connection.close()
    os.close(ended), os.close(end)
    for standard, fd in enumerate(fds):
        os.dup2(fd, standard)
        os.close(fd)
    if own_session:
        os.setsid()
        if os.isatty(0):
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for standard, (name, mode) in enumerate([("stdin", "r"), ("stdout", "w"), ("stderr", "w")]):
        old, by_line = getattr(sys, name), name == "stderr" or os.isatty(standard)
        stream = open(standard, mode, 1 if by_line else -1, encoding=old.encoding, errors=old.errors, closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    running.clear()
    if arguments[0] == "-c":
        sys.argv[:] = ["-c", *arguments[2:]]
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv[:] = arguments
        main()

def leave(code):
    # End as the interpreter does, but leave the heap to the kernel: freeing what is shared would copy it first.
    threading._shutdown()
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # the interpreter says so, and changes the exit code
    os._exit(code)

while True:
    ready, _, _ = select.select([0, listener, ended], [], [])
    if ended in ready:
        os.read(ended, 4096)
        while running and (found := os.waitpid(-1, os.WNOHANG))[0]:
            with running.pop(found[0]) as connection:
                connection.sendall(b"%d" % os.waitstatus_to_exitcode(found[1]))
    if listener in ready:
        connection, _ = listener.accept()
        _, fds, _, _ = socket.recv_fds(connection, 1, 3)
        with connection.makefile("r") as file:
            asked = json.loads(file.readline())
        child = os.fork()
        if not child:
            connection.close()
            try:
                become(*asked, fds)
            except SystemExit as e:
                if e.code is None or type(e.code) is int:
                    leave((e.code or 0) & 0xFF)
                raise
            leave(0)
            break
        running[child] = connection
        connection.sendall(b"%16d" % child)
        for fd in fds:
            os.close(fd)
    if 0 in ready:
        break
"""
"""Forks when it is asked to; answers with the process's id, and with its exit code when it has ended."""


class _Server:
    """Answers at a socket until this process ends."""

    def __init__(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind("")  # Linux chooses a name that no file has
        self._listener.listen()
        number, path = self._listener.fileno(), {"PYTHONPATH": os.pathsep.join(sys.path)}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVER, str(number)],
            stdin=subprocess.PIPE,
            env=os.environ | path,
            pass_fds=[number],
        )

        atexit.register(self._end)

    @property
    def address(self) -> bytes:
        """Where it answers: a name that no file has."""
        return bytes(self._listener.getsockname())

    def _end(self) -> None:
        """Let the server end, and wait for that: the time it took counts as this process's."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)

    def fork(self, streams: list[int], *asked: Any) -> tuple[int, socket.socket]:
        """Fork; returns the process's id and the socket that its exit code will come from."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(self.address)
        socket.send_fds(connection, [b" "], streams)
        connection.sendall(json.dumps(asked).encode() + b"\n")
        number = connection.recv(_NUMBER_BYTES, socket.MSG_WAITALL)  # and no more: the exit code may be behind it
        return int(number), connection


_server = cache(_Server)


class Forked(subprocess.Popen[Any]):
    """A process as `subprocess.Popen` starts one, but forked.

    Its arguments are the command's, or "-c" and a program. Of the options it obeys the streams', `text`, `cwd`, `env`
    and `start_new_session`, which takes the terminal as well if its input is one.
    """

    def _execute_child(self, arguments: list[str], *given: Any) -> None:
        """Fork in place of starting a program."""
        folder, variables, ends, own_session = given[4], given[5], given[9:15], given[20]
        streams = [standard if end == -1 else end for standard, end in enumerate((ends[0], ends[3], ends[5]))]
        asked = [os.fspath(argument) for argument in arguments], os.fspath(folder or Path.cwd())
        self.pid, self._connection = _server().fork(streams, *asked, dict(variables or os.environ), own_session)
        self._child_created = True
        self._close_pipe_fds(*ends)  # type: ignore[attr-defined] # the stubs know no private names

    def _ended(self, seconds: float | None) -> bool:
        """Wait for the exit code for so many seconds, or for as long as it takes."""
        if self.returncode is None and select.select([self._connection], [], [], seconds)[0]:
            with self._connection:
                self.returncode = int(self._connection.recv(16))
        return self.returncode is not None

    def _internal_poll(self, _deadstate: int | None = None, **_: Any) -> int | None:
        self._ended(0)
        return self.returncode

    def _wait(self, timeout: float | None) -> int:
        if not self._ended(timeout):
            assert timeout is not None
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.returncode


_CLIENT = """#!{python} -IS
import json, os, socket, sys
connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
connection.connect({address!r})
socket.send_fds(connection, [b" "], [0, 1, 2])
asked = ["movepass", *sys.argv[1:]], os.getcwd(), dict(os.environ), False
connection.sendall(json.dumps(asked).encode() + b"\\n")
connection.recv({number_bytes}, socket.MSG_WAITALL)
code = int(connection.recv(16))
sys.exit(code if code >= 0 else 128 - code)
"""


def write_movepass(path: Path) -> None:
    """Write a program that does what `movepass` does, for shells to start; a fork does it where that is the same."""
    if starts_fresh():
        program = f'#!/bin/sh\nexec "{sys.executable}" -m movepass_cli.main "$@"\n'
    else:
        address = _server().address
        program = _CLIENT.format(python=sys.executable, address=address, number_bytes=_NUMBER_BYTES)
    path.write_text(program)
    path.chmod(0o755)


def starts_fresh() -> bool:
    """Tell whether Python must start each process: because that is wanted, is measured, or this one has a limit."""
    is_wanted = os.environ.get("MOVEPASS_TEST_STARTS") == "fresh"
    is_measured = any(name.startswith("COVERAGE_") for name in os.environ)
    return is_wanted or is_measured or resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY


def can_fork(variables: Mapping[str, str]) -> bool:
    """Tell whether a process with these variables can be forked, or must be started by Python."""
    if starts_fresh():
        return False
    ours = {"LANG": "C.UTF-8"} | os.environ  # without a language Python takes this one
    names = {name for name in {*variables, *os.environ} if name.startswith(_AT_START)}
    return all(variables.get(name, ours.get(name)) == ours.get(name) for name in names)
