"""Play a day at the desk with real processes, and fails if anything is not as expected.

Two hundred applications wait for an officer. Five officers decide them at once by keyboard, each in a Chromium with a
passkey. An auditor takes copies; then somebody sells a pass past the service, and somebody restores an old copy of it.
All files stay in the folder. It takes some minutes.
"""

import json
import shutil
import sys
import time
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from run import Story
from serving import AUTHORITY, DATA, DEVICE, WAIT_SECONDS, Browsers, Site, at_work, set_up

from movepass_wire.times import DHAKA

OFFICERS = Path(__file__).with_name("officers.mjs")
SUPERVISOR = "Nasrin Akter"
NAMES = ("Asma Begum", "Babul Mia", "Chandra Das", "Dipa Sen", "Elias Khan")
URGENT, PLAIN, ABROAD, HOME = 20, 150, 10, 20
"""Cases of a sick person, with a reason in one's own words, of travel abroad, and of the way home."""
UNDO_SECONDS = 10
SETTINGS = "publish_every_s = 2\npublish_after_revocation_s = 1\n"
COPIES, HEADS = "copies", "heads"


class Office(Story):
    """The demo's folder, its service, its officers and its auditor."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        for name in (DATA, HEADS):
            (folder / name).mkdir()
        (folder / DATA / "service.toml").write_text(SETTINGS, "utf-8")
        self.site = Site(folder)
        self.officers: Browsers
        self.receipts: dict[str, dict[str, Any]] = {}
        self.reasons: dict[str, str] = {}
        self._begins = datetime.now(DHAKA) - timedelta(minutes=2)

    def apply(self, reason: str, hours: int, text: str = "") -> str:
        """Send an application, as a program does; returns its reference."""
        number = len(self.receipts)
        document = {
            "request_id": str(uuid.uuid4()), "reason": text or reason, "language": "en",
            "holder": {"name": f"Person {number}", "id_type": "nid", "id_number": str(10**9 + number)},
            "from": {"district": "dhaka"}, "to": {"district": "gazipur"},
            "not_before": self._begins.isoformat(timespec="seconds"),
            "not_after": (self._begins + timedelta(hours=hours)).isoformat(timespec="seconds"),
        }  # fmt: skip
        status, receipt = self.site.ask("/api/applications", document)
        if status != 202:
            sys.exit(f"demo: an application got {status}: {receipt}")
        reference: str = receipt["reference"]
        self.receipts[reference], self.reasons[reference] = receipt, reason
        return reference

    def state(self, reference: str) -> str:
        """Ask where an application stands."""
        return str(self._status(reference)["state"])

    def text(self, reference: str) -> str:
        """Return the pass of an application."""
        return str(self._status(reference)["pass"]["text"])

    def wait_for(self, reference: str, state: str) -> str:
        """Wait for a state, and return what came."""
        end = time.monotonic() + WAIT_SECONDS
        while (found := self.state(reference)) != state and time.monotonic() < end:
            time.sleep(0.1)
        return found

    def states(self) -> dict[str, int]:
        """Count all applications by state, once nothing is left to issue."""
        end = time.monotonic() + WAIT_SECONDS
        while True:
            found = [self.state(reference) for reference in self.receipts]
            if "approved" not in found or time.monotonic() > end:
                return {state: found.count(state) for state in sorted(set(found))}
            time.sleep(0.5)

    def export(self, to: str) -> Path:
        """Let the operator write copies, and the auditor sync and keep their head; returns the head."""
        since = time.time()
        self.site.wait_for_list(since + 1)
        self.done("service", "export", "--data", DATA, "--authority", AUTHORITY, "--to", to)
        self.done("sync", "--store", DEVICE)
        kept = self.folder / HEADS / f"{len(list((self.folder / HEADS).iterdir()))}.head"
        shutil.copyfile(self.folder / to / "head", kept)
        return kept

    def audit(self, to: str, *more: str) -> tuple[int, list[str]]:
        """Let the auditor check copies; returns the exit code and the codes of what is wrong."""
        result = self.movepass("audit", "--decisions", to, "--issued", to, "--store", DEVICE, "--json", *more)
        rows = [json.loads(line) for line in result.stdout.splitlines()]
        found = [finding for row in rows for finding in row.get("findings", [row])]
        return result.returncode, sorted({row["code"] for row in found if row.get("failure")})

    def _status(self, reference: str) -> dict[str, Any]:
        path = f"/api/applications/{reference}"
        return self.site.ask(path, secret=self.receipts[reference]["secret"])[1]


def sign_in(office: Office) -> None:
    """Let each officer set up a passkey by a link that works once, and sign in with it."""
    print("\n--- A supervisor and five officers set up passkeys and sign in")
    desk = ["--data", DATA, "--desk-url", office.site.desk_url]
    for name in (SUPERVISOR, *NAMES):
        role = "supervisor" if name == SUPERVISOR else "officer"
        (added,) = office.done("service", "officer", "add", name, "--role", role, *desk)
        office.officers.do("signIn", name=name, link=added["enrolment_link"])
    office.officers.do(
        "choose", name=SUPERVISOR, reasons=["travel-abroad"], secondLookPercent=10, undoSeconds=UNDO_SECONDS
    )


def decide(office: Office) -> None:
    """Let five officers decide two hundred cases at once."""
    print("\n--- Two hundred applications are referred to officers")
    plain = [office.apply("other", 3, "Harvest of Boro rice") for _ in range(PLAIN)]
    abroad = [office.apply("travel-abroad", 5) for _ in range(ABROAD)]
    home = [office.apply("return-home", 5) for _ in range(HOME)]
    urgent = [office.apply("medical", 5) for _ in range(URGENT)]
    for reference in (plain[-1], urgent[-1]):
        office.note("the last one waits", "referred", office.wait_for(reference, "referred"))
    office.officers.do("picture", name=SUPERVISOR, path="/", file=str(office.folder / "queue.png"))

    print("\n--- Nobody opens another officer's case; two approve what the supervisor chose")
    asma, babul, chandra, *_ = NAMES
    refused = office.officers.do("claimTwice", first=asma, second=babul, reference=plain[0])["refused"]
    office.note("a case that Asma has open is refused to", babul, refused)
    done = office.officers.do("approve", name=asma, reference=abroad[0])
    office.note("Asma's approval of travel abroad waits for another", "yes", "yes" if done["waits"] else "no")
    office.note("she could confirm it herself", "no", "yes" if done["mine"] else "no")
    office.officers.do("confirm", name=babul, reference=abroad[0])
    office.note("once Babul has confirmed it", "issued", office.wait_for(abroad[0], "issued"))

    print("\n--- Chandra approves all ways home at once, thinks better of it, and does it again")
    undone = office.officers.do("decideMany", name=chandra, reason="return-home", undo=True)["count"]
    office.note("cases in the preview", HOME, undone)
    time.sleep(UNDO_SECONDS + 2)
    office.note("after the window, what was undone", "referred", office.state(home[0]))
    office.officers.do("decideMany", name=chandra, reason="return-home", undo=False)
    office.note("inside the window of the second time", "referred", office.state(home[0]))
    office.note("after it", "issued", office.wait_for(home[0], "issued"))

    print("\n--- All five work off the queue at once, by keyboard")
    begun = time.monotonic()
    opened = office.officers.do("workOff", names=NAMES, most=len(office.receipts))["opened"]
    took = time.monotonic() - begun
    print(f"  {len(opened)} cases in {took:.0f} s, {took * len(NAMES) / len(opened):.1f} s for each officer's case")
    references = [one["reference"] for one in opened]
    office.note("cases that two officers had", 0, len(references) - len(set(references)))
    office.note("cases that nobody had", 0, len({*plain, *abroad[1:], *urgent} - set(references)))
    office.note("officers who had an urgent case after one that is not", [], _late(opened, set(urgent)))
    for reference in (one for one in abroad if office.state(one) == "referred"):
        office.officers.do("confirm", name=SUPERVISOR, reference=reference)
    states = office.states()
    rejected = states.get("rejected", 0)
    office.note("applications by state", {"issued": len(office.receipts) - rejected, "rejected": rejected}, states)
    office.done("sync", "--store", DEVICE)
    office.check("the pass of a sick person", office.text(_issued(office, urgent)), "accept: valid")


def audited(office: Office) -> None:
    """Take an auditor's copies of an honest day, then sell a pass and find it."""
    print("\n--- An auditor takes copies")
    office.export(COPIES)
    office.note("the audit of an honest day", (0, []), office.audit(COPIES))

    print("\n--- An official who has the keys sells a pass past the service")
    now = datetime.now(DHAKA)
    sold: dict[str, Any] = {
        "request_id": "private", "reason": "groceries",
        "holder": {"name": "Rich Man", "id_type": "nid", "id_last": "4711"},
        "from": {"district": "dhaka"}, "to": {"district": "chattogram"},
        "not_before": now.isoformat(timespec="seconds"),
        "not_after": (now + timedelta(hours=8)).isoformat(timespec="seconds"),
    }  # fmt: skip
    (issued,) = office.done("issue", "--authority", AUTHORITY, "-", given=json.dumps(sold))
    office.check("the sold pass at the roadside", issued["text"], "accept: valid")
    office.export(COPIES)
    office.note("the audit of the next copies", (1, ["pass-without-decision"]), office.audit(COPIES))


def rewound(office: Office) -> None:
    """Restore the service from an old copy, so that decisions are gone, and find that."""
    print("\n--- Somebody restores the service from a copy, and other decisions take the place of those that are gone")
    office.site.stop()
    backup = office.folder / "backup"
    shutil.copytree(office.folder / DATA, backup)
    office.site.start()
    office.wait_for(office.apply("groceries", 3), "issued")
    office.export(COPIES)
    office.site.stop()
    shutil.rmtree(office.folder / DATA)
    shutil.copytree(backup, office.folder / DATA)
    office.site.start()
    office.wait_for(office.apply("groceries", 3), "issued")
    office.done("service", "export", "--data", DATA, "--authority", AUTHORITY, "--to", "copies-later")
    heads = [more for head in sorted((office.folder / HEADS).iterdir()) for more in ("--head", str(head))]
    code, found = office.audit("copies-later", *heads)
    office.note("the audit with the heads that the auditor kept", 1, code)
    office.note("it names the log as changed", "yes", "yes" if {"log-changed", "log-cut"} & set(found) else f"{found}")


def _late(opened: list[dict[str, Any]], urgent: set[str]) -> list[str]:
    late = set()
    for name in NAMES:
        mine = [one["reference"] in urgent for one in sorted(opened, key=lambda one: one["at"]) if one["name"] == name]
        if mine != sorted(mine, reverse=True):
            late.add(name)
    return sorted(late)


def _issued(office: Office, references: list[str]) -> str:
    return next(reference for reference in references if office.state(reference) == "issued")


def main() -> None:
    """Play the day in a folder, print the table, and fail if anything was not as expected."""
    folder = Path(sys.argv[1]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    office = Office(folder)
    set_up(office)
    with at_work(office.site, OFFICERS, DESK=office.site.desk_url) as office.officers:
        sign_in(office)
        decide(office)
        audited(office)
        rewound(office)
    office.finish("queue.png  copies/  heads/  authority/  service/  device/")


if __name__ == "__main__":
    main()
