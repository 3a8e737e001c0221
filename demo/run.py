"""Plays the main job with the real command and real files, and fails if any verdict is not the expected one.

Everything below is done by `movepass`, as a person would type it; this script only moves the examples' dates to
today, changes one byte of one payload, and compares what came with what was expected. It leaves all files behind.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples" / "approved.jsonl"
EXAMPLES_NOW = datetime.fromisoformat("2026-11-22T10:00:00+06:00")
"""The moment at which the examples were written: all but the last are in force then."""
COMMAND = [sys.executable, "-m", "movepass_cli.main"]
OUTCOME_BY_EXIT = {0: "accept", 1: "reject", 3: "cannot-verify"}
BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


@dataclass(frozen=True, slots=True)
class Shown:
    """One check at the roadside: what was shown, what was expected, what came."""

    what: str
    file: str
    expected: str
    got: str


class Story:
    """The demo's folder, and what has been shown in it so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shown: list[Shown] = []
        self.environment: dict[str, str] = {}

    def movepass(
        self, *arguments: str, given: str | None = None, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one command in the demo's folder, and show it."""
        print("$ movepass " + shlex.join(arguments), flush=True)
        return subprocess.run(
            [*COMMAND, *arguments], cwd=self.folder, input=given, capture_output=True, text=True, encoding="utf-8",
            check=False, env=os.environ | self.environment | (environment or {}),
        )  # fmt: skip

    def done(self, *arguments: str, given: str | None = None) -> list[dict[str, str]]:
        """Run a command that must succeed, and read its JSON."""
        result = self.movepass(*arguments, "--json", given=given)
        if result.returncode:
            sys.exit(f"demo: that failed:\n{result.stdout}{result.stderr}")
        return [json.loads(line) for line in result.stdout.splitlines()]

    def check(self, what: str, given: str, expected: str, *, device: str = "device", at: str | None = None) -> None:
        """Verify something and note what came."""
        extra = ["--at", at] if at else []
        result = self.movepass("verify", "--store", device, "--json", *extra, given)
        if result.returncode not in OUTCOME_BY_EXIT:
            sys.exit(f"demo: verify broke:\n{result.stdout}{result.stderr}")
        document = json.loads(result.stdout)
        got = f"{document['outcome']}: {document['verdict']}"
        if OUTCOME_BY_EXIT[result.returncode] != document["outcome"]:
            got += f" (exit code {result.returncode})"
        print(f"  {got}: {document['reason']}")
        self.shown.append(Shown(what, given if given.endswith(".png") else given[:24] + "…", expected, got))

    def note(self, what: str, expected: object, got: object) -> None:
        """Note something else that came."""
        print(f"  {what}: {got}")
        self.shown.append(Shown(what, "", str(expected), str(got)))

    def finish(self, files: str) -> None:
        """Print what was shown and what came, and exit with an error if anything was not as expected."""
        wrong = [row for row in self.shown if row.got != row.expected]
        width = max(len(row.what) for row in self.shown)
        print(f"\n{'WHAT WAS SHOWN':<{width}}  {'EXPECTED':<34}  GOT")
        for row in self.shown:
            print(f"{row.what:<{width}}  {row.expected:<34}  {'the same' if row.got == row.expected else row.got}")
        print(f"\n{len(self.shown) - len(wrong)} of {len(self.shown)} as expected. Look at, in {self.folder}:")
        print(f"  {files}")
        if wrong:
            sys.exit(f"demo: {len(wrong)} were not as expected")


def approved_for_today(now: datetime) -> list[str]:
    """Move the examples' times so that what was in force when they were written is in force now."""
    shift = timedelta(minutes=round((now - EXAMPLES_NOW).total_seconds() / 60))

    def moved(match: re.Match[str]) -> str:
        return (datetime.fromisoformat(match[0]) + shift).isoformat()

    text = EXAMPLES.read_text("utf-8")
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+06:00", moved, text).splitlines()


def with_one_byte_changed(text: str) -> str:
    """Change one character in the middle of a payload, where the claims are."""
    at = len(text) // 3
    at -= (at - len("MP1:")) % 3  # the lowest digit of a base45 group: the group stays in range
    changed = BASE45[(BASE45.index(text[at]) + 1) % 45]
    return text[:at] + changed + text[at + 1 :]


def play(story: Story) -> None:
    """Play the story from the first key to the last verdict."""
    now = datetime.now(EXAMPLES_NOW.tzinfo)
    requests = approved_for_today(now)
    (story.folder / "approved.jsonl").write_text("\n".join(requests) + "\n", "utf-8")

    print("\n--- An authority is set up, and issues the approved passes with their QR codes and cards")
    story.done("init", "--authority", "authority", "--name", "Demo authority", "--days-ahead", "2")
    issued = story.done("issue", "--authority", "authority", "--png", "qr", "--card", "cards", "approved.jsonl")
    story.done("show", "--authority", "authority", "--request", "D-1002", "--card", "card-bangla.pdf")
    pictures = {row["request_id"]: row["png"] for row in issued}

    print("\n--- A device is enrolled with the root, and syncs; from here on it needs no network")
    story.done("publish", "--authority", "authority", "--days-ahead", "2")
    story.done("enroll", "--store", "device", "--root", "authority/repository/metadata/1.root.json",
               "--source", "authority/repository")  # fmt: skip
    story.check("a pass on a device that never synced", pictures["D-1001"], "cannot-verify: unknown-key")
    story.done("sync", "--store", "device")

    print("\n--- At the roadside: every QR code is read back from its picture")
    for row in issued[:-1]:
        story.check(f"pass {row['request_id']}, in force", row["png"], "accept: valid")
    story.check("the card of D-1002, as printed", issued[1]["card"], "accept: valid")
    story.check("pass D-1010, three days early", pictures["D-1010"], "reject: not-yet-valid")
    in_three_days = (now + timedelta(days=3)).isoformat(timespec="seconds")
    story.check(
        "pass D-1010 on its day, list not on the device", pictures["D-1010"], "cannot-verify: status-unknown",
        at=in_three_days,
    )  # fmt: skip
    tomorrow = (now + timedelta(hours=20)).isoformat(timespec="seconds")
    story.check("pass D-1001 the day after", pictures["D-1001"], "reject: expired", at=tomorrow)
    last_year = (now - timedelta(days=365)).isoformat(timespec="seconds")
    story.check(
        "pass D-1001, device's clock a year back", pictures["D-1001"], "cannot-verify: clock-wrong", at=last_year
    )

    print("\n--- What is not a pass of this authority")
    story.check("pass D-1003 with one byte changed", with_one_byte_changed(issued[2]["text"]), "reject: forged")
    story.done("init", "--authority", "stranger", "--name", "Another authority")
    story.done("issue", "--authority", "stranger", "--png", "stranger.png", "-", given=requests[0])
    story.check("a pass signed by somebody else", "stranger.png", "cannot-verify: unknown-key")
    story.check("half of a pass", issued[0]["text"][:120], "reject: malformed")
    story.check("a pass of a later version", "MP2:" + issued[0]["text"][4:], "cannot-verify: unsupported-version")
    story.check("a web address", "https://movementpass.police.gov.bd/", "reject: not-a-pass")

    print("\n--- D-1005 is revoked, published, synced, and refused; the day's list reaches the device as well")
    story.done("revoke", "--authority", "authority", "--request", "D-1005", "--reason", "truck was stolen")
    story.check("pass D-1005, revoked, before the sync", pictures["D-1005"], "accept: valid")
    story.done("publish", "--authority", "authority")
    story.done("sync", "--store", "device")
    story.check("pass D-1005, revoked, after the sync", pictures["D-1005"], "reject: revoked")
    story.check("pass D-1004, not revoked", pictures["D-1004"], "accept: valid")
    story.check("pass D-1010 on its day, lists three days old", pictures["D-1010"], "cannot-verify: stale",
                at=in_three_days)  # fmt: skip


def main() -> None:
    """Play the story in a folder, print the table, and fail if anything was not as expected."""
    folder = Path(sys.argv[1]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    story = Story(folder)
    play(story)
    story.finish("qr/*.png  cards/*.png  card-bangla.pdf  approved.jsonl  authority/repository/  device/")
    print(f"  and ask: movepass verify --store {folder}/device PICTURE-OR-TEXT")


if __name__ == "__main__":
    main()
