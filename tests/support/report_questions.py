"""Times a manager's ten questions in Chromium: `PYTHONPATH=tests python -m support.report_questions [APPLICATIONS]`.

It prints the table of docs/reports.md. The facts are of seven days; without a number they are those of the pictures.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.desk_pictures import FEW, fill, links_of
from support.desks import running_desk
from support.site_pictures import BROWSER


def ask(folder: Path, applications: int = FEW) -> Iterator[dict[str, Any]]:
    """Ask all questions at a desk in a folder; goes through what was seen of each."""
    with running_desk(folder) as desk:
        own = {"DESK": desk.origin, "CASES": json.dumps(fill(desk, applications)), "LINKS": json.dumps(links_of(desk))}
        command = ["node", str(BROWSER / "questions.mjs")]
        done = subprocess.run(command, env={**os.environ, **own}, check=True, capture_output=True, text=True)
    yield from map(json.loads, done.stdout.splitlines())


def main(applications: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        print("| question | clicks | seconds | answer |\n|---|---|---|---|")
        for seen in ask(Path(folder), applications):
            answer = seen["answer"].replace(" | ", ", ")
            print(f"| {seen['question']} | {seen['clicks']} | {seen['ms'] / 1000:.1f} | {answer} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else FEW)
