"""Check that a signal ends a wait, whenever and in whichever thread it comes."""

import signal
import subprocess
import sys

import pytest
from support.sampling import some_of

HAMMER = """
import os, random, sys, time
from movepass_cli.signals import stopped_by_signals

rounds, short = int(sys.argv[1]), sys.argv[2] == "short"
asked, ask = os.pipe()
if not os.fork():  # another process sends, so that nothing here waits for Python's own lock
    os.close(ask)
    while os.read(asked, 1):
        end = time.perf_counter() + random.uniform(0, 0.0005)
        while time.perf_counter() < end:
            pass
        os.kill(os.getppid(), 15)
    os._exit(0)
for _ in range(rounds):
    with stopped_by_signals() as stop:
        os.write(ask, b".")
        if short:
            while not stop.wait(0.000001):
                pass
        else:
            assert stop.wait()
os.close(ask)
os.close(asked)
os.wait()
print("done")
"""
ELSEWHERE = """
import os, signal, threading, time
from movepass_cli.signals import stopped_by_signals

with stopped_by_signals() as stop:
    def fire():
        for number in (signal.SIGUSR1, signal.SIGUSR1, signal.SIGTERM):
            signal.pthread_kill(threading.get_ident(), number)
            time.sleep(0.05)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    threading.Thread(target=fire).start()
    assert stop.wait()  # the main thread is not the one that is interrupted
print("done")
"""
OTHERS = """
import signal, threading, time, os
from movepass_cli.signals import stopped_by_signals

signal.signal(signal.SIGUSR1, lambda *_: None)
with stopped_by_signals() as stop:
    begun = time.monotonic()
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
    assert not stop.wait(0.3)
    assert time.monotonic() - begun >= 0.3
    assert not stop.is_set()
print("done")
"""
TWICE = """
import os, signal
from movepass_cli.signals import stopped_by_signals

with stopped_by_signals() as stop:
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    print("still there")
"""


def run(program: str, *arguments: object, seconds: float = 120) -> "subprocess.CompletedProcess[str]":
    """Run a program; one that hangs fails after a time that no machine is too slow for."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)


@pytest.mark.parametrize("waits", ["short", "long"])
@pytest.mark.parametrize("signals", some_of("signals at any instant of a wait", 3000, of=50_000))
def test_no_signal_is_lost_and_none_hangs(waits: str, signals: int) -> None:
    ran = run(HAMMER, signals, waits, seconds=1800)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "done\n", "")


@pytest.mark.parametrize("program", [ELSEWHERE, OTHERS], ids=["in another thread", "of another kind"])
def test_only_the_right_signal_ends_the_wait_wherever_it_comes(program: str) -> None:
    ran = run(program)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "done\n", "")


def test_the_second_signal_ends_the_process() -> None:
    ran = run(TWICE)
    assert (ran.returncode, ran.stdout) == (-signal.SIGTERM, "")
