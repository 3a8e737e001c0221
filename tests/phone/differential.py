"""Sends mutated payloads, logs and publications through the Python verifier and through the phone's, and compares.

    python -m phone.differential --command 'node build/phone-test/differential_adapter.mjs' --count 100000

Each disagreement is printed with what is needed to see it again; the last line is "N inputs, M disagreements". The exit
code is 1 if there were any. Inputs follow from --seed alone, but for the signatures in them, which are random.
"""

import argparse
import json
import random
import shlex
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from phone import logs, numbers, payloads, publications
from phone.mutate import Mutator

Message = dict[str, Any]
SHARES = {"payload": 0.55, "number": 0.05, "log": 0.3, "publication": 0.1}
"""How many of the inputs are of each kind; a publication takes a hundred times as long as a payload."""
_WINDOW = 16
"""So many requests are on their way at once; their answers fit into a pipe, or each side would wait for the other."""
_SHOWN_CHARS = 20_000
_SHOWN_MOST = 20


class Case(NamedTuple):
    """One input: its kind, what the phone is asked, and what Python answers."""

    kind: str
    request: Message
    expect: Message


def cases(rng: random.Random, count: int, folder: Path) -> Iterator[Case]:
    """Make inputs, the kinds one after the other."""
    mutator = Mutator(rng)
    streams = {
        "payload": payloads.cases(mutator),
        "number": numbers.cases(mutator),
        "log": logs.cases(mutator),
        "publication": publications.cases(mutator, folder),
    }
    for kind, stream in streams.items():
        for request, expect in islice(stream, round(count * SHARES[kind])):
            yield Case(kind, {"kind": kind, **request}, expect)


def run(command: str, count: int, seed: int) -> int:
    """Compare; returns how many disagree."""
    answers: Counter[str] = Counter()
    disagreements, began = 0, time.monotonic()
    with (
        tempfile.TemporaryDirectory(dir=_memory()) as folder,
        subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as phone,
    ):
        assert phone.stdin
        assert phone.stdout
        stream = cases(random.Random(seed), count, Path(folder))
        done = 0
        while window := list(islice(stream, _WINDOW)):
            phone.stdin.write("".join(json.dumps(case.request) + "\n" for case in window))
            phone.stdin.flush()
            for case in window:
                got = json.loads(phone.stdout.readline())
                answers[f"{case.kind}: {case.expect.get('verdict') or case.expect['result']}"] += 1
                if got != case.expect:
                    disagreements += 1
                    if disagreements <= _SHOWN_MOST:
                        print(_shown(case, got), flush=True)
            done += len(window)
        phone.stdin.close()
    for answer, times in sorted(answers.items()):
        print(f"{times:8,} {answer}")
    print(f"{done:,} inputs, {disagreements:,} disagreements ({time.monotonic() - began:.0f} s)")
    return disagreements


def _shown(case: Case, got: Message) -> str:
    differ = {key: (case.expect.get(key), got.get(key)) for key in case.expect | got}
    differ = {key: both for key, both in differ.items() if both[0] != both[1]}
    return f"DISAGREE {case.kind}: Python, phone: {differ}\n    {json.dumps(case.request)[:_SHOWN_CHARS]}"


def _memory() -> str | None:
    """Give a folder in memory, where there is one: each publication writes a dozen files."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def main() -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Compare the phone's verifier with the Python one.")
    parser.add_argument("--command", required=True, help="the phone's side")
    parser.add_argument("--count", type=int, default=100_000, help="how many inputs")
    parser.add_argument("--seed", type=int, default=1, help="for other inputs")
    options = parser.parse_args()
    return 1 if run(options.command, options.count, options.seed) else 0


if __name__ == "__main__":
    sys.exit(main())
