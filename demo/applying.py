"""Plays a day of the issuing service with real processes, and fails if anything is not as expected.

`movepass service run` serves the site. People apply in Chromium, with JavaScript and without, in Bangla and English.
Rules and an officer decide, a device at the roadside verifies the pictures that people downloaded, and the service is
killed in the middle. All files stay in the folder. It takes about a minute.
"""

import shutil
import sqlite3
import sys
import threading
import time
import uuid
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from run import Story
from serving import AUTHORITY, DATA, DEVICE, WAIT_SECONDS, Browsers, Site, at_work, set_up

from movepass_service.stores.sqlite.store import SqliteStore
from movepass_wire.times import DHAKA

PEOPLE = Path(__file__).with_name("people.mjs")
OFFICER = "Nasrin Akter"
TOGETHER = 40
"""Applications that programs send while the service is killed."""
KILLED_AFTER = 12
"""Receipts that were given before it is killed."""
SETTINGS = "publish_after_revocation_s = 1\n"


class Day(Story):
    """The demo's folder, its site and its people."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / DATA).mkdir()
        (folder / DATA / "service.toml").write_text(SETTINGS, "utf-8")
        self.site = Site(folder)
        self.people: Browsers
        self._begins = datetime.now(DHAKA) - timedelta(minutes=2)
        self._number = 10**9

    def answers(self, name: str, **changes: str) -> dict[str, str]:
        """Return what a person types for a trip that has begun."""
        self._number += 1
        answers = {
            "holder.name": name, "holder.id_type": "nid", "holder.id_number": str(self._number), "reason": "groceries",
            "from.district": "dhaka", "from.place": "Mirpur 10", "to.district": "gazipur", "not_before.date": "0",
            "not_before.time": self._begins.strftime("%H:%M"), "hours": "3",
        }  # fmt: skip
        return answers | changes

    def apply(self, name: str, language: str, *, scripts: bool, clicks: int = 1, **changes: str) -> tuple[str, str]:
        """Let a person open the site and apply; returns the reference and the secret link."""
        print(f"- {name} applies ({language}, {'with' if scripts else 'without'} JavaScript)", flush=True)
        self.people.do("open", name=name, language=language, scripts=scripts)
        self.people.do("fill", name=name, answers=self.answers(name, **changes))
        receipt = self.people.do("send", name=name, clicks=clicks)
        (reference,) = receipt["references"]
        return reference, receipt["link"]

    def see(self, what: str, name: str, reference: str, state: str) -> dict[str, Any]:
        """Let a person wait for a state on the status page, and note it."""
        shown = self.people.do("status", name=name, reference=reference, state=state)
        self.note(what, state, shown["state"])
        return shown

    def sync(self) -> None:
        """Let the device fetch the lists."""
        self.done("sync", "--store", DEVICE)

    def cases(self) -> list[dict[str, Any]]:
        """Return what waits for an officer."""
        return list(self.done("service", "cases", "--data", DATA))

    def decide(self, reference: str, action: str, *more: str) -> None:
        """Let the officer decide."""
        self.done("service", "decide", "--data", DATA, reference, action, "--as", OFFICER, *more)


def first_pass(day: Day) -> str:
    """A person applies in Bangla without JavaScript; once, however often she sends it."""
    print("\n--- Rahima applies in Bangla, without JavaScript; she clicks twice, refreshes, goes back and sends again")
    day.people.do("open", name="Rahima", language="bn", scripts=False)
    day.people.do("fill", name="Rahima", answers=day.answers("রহিমা খাতুন", **{"from.place": "মিরপুর ১০"}))
    seen = [
        *day.people.do("send", name="Rahima", clicks=2)["references"],
        *day.people.do("refresh", name="Rahima")["references"],
    ]
    last = day.people.do("backAndSend", name="Rahima")
    seen += last["references"]
    day.note("references of two clicks, a refresh, and back", 1, len(set(seen)))
    reference: str = seen[0]
    day.see("Rahima's status page", "Rahima", reference, "issued")
    shown = day.people.do("link", name="Rahima", link=last["link"])
    day.note("her secret link on another telephone", "issued", shown["state"])
    day.note("the secret stays in the address", "no", "yes" if shown["has_key"] else "no")
    day.people.do("download", name="Rahima", qr=str(day.folder / "rahima.png"), card=str(day.folder / "rahima.pdf"))
    day.people.do("picture", name="Rahima", file=str(day.folder / "rahima-page.png"))
    day.sync()
    print("- the service may be gone now: the device verifies alone")
    day.check("Rahima's QR code, downloaded", "rahima.png", "accept: valid")
    day.check("Rahima's card, downloaded", "rahima.pdf", "accept: valid")
    return reference


def decided(day: Day) -> None:
    """Rules approve, refer and reject; an officer decides what was referred."""
    print("\n--- The rules approve one, refer one and reject one")
    karim, _ = day.apply("Abdul Karim", "en", scripts=True, clicks=2, reason="medical")
    day.see("Karim, medical, three hours", "Abdul Karim", karim, "issued")
    day.people.do("download", name="Abdul Karim", qr=str(day.folder / "karim.png"), card=str(day.folder / "karim.pdf"))
    day.check("Karim's QR code", "karim.png", "accept: valid")
    shirin, _ = day.apply("Shirin", "en", scripts=True, reason="other", other_reason="Harvest of Boro rice")
    day.see("Shirin, a reason in her own words", "Shirin", shirin, "referred")
    jamal, _ = day.apply("Jamal", "bn", scripts=False, hours="6")
    day.see("Jamal, six hours", "Jamal", jamal, "rejected")
    mitu, _ = day.apply("Mitu", "en", scripts=False, hours="8")
    shown = day.see("Mitu, eight hours", "Mitu", mitu, "rejected")
    day.note("Mitu reads why", "three hours", "three hours" if "three hours" in shown["reason"] else shown["reason"])

    print("\n--- An officer decides")
    names = {shirin: "Shirin", mitu: "Mitu"}

    def waiting() -> list[str]:
        return [names.get(case["reference"], case["reference"]) for case in day.cases()]

    day.note("cases that wait", ["Shirin"], waiting())
    day.people.do("appeal", name="Mitu", reference=mitu, note="Six of the eight hours are on the ferry.")
    day.note("cases, with Mitu's appeal", ["Shirin", "Mitu"], waiting())
    day.decide(shirin, "approve")
    day.decide(mitu, "reject", "--note", "there is a night ferry")
    day.see("Shirin, after the officer's yes", "Shirin", shirin, "issued")
    day.see("Mitu, after the officer's no", "Mitu", mitu, "rejected")
    day.people.do("download", name="Shirin", qr=str(day.folder / "shirin.png"), card=str(day.folder / "shirin.pdf"))
    day.check("Shirin's QR code", "shirin.png", "accept: valid")

    print("\n--- Jamal corrects what the reason named, and sends it again")
    kept = day.people.do("correct", name="Jamal", reference=jamal, answers={"hours": "3"})
    day.note("what Jamal had typed is still there", "Jamal", kept["kept"])
    day.see("Jamal, three hours", "Jamal", jamal, "issued")
    day.people.do("download", name="Jamal", qr=str(day.folder / "jamal.png"), card=str(day.folder / "jamal.pdf"))
    day.check("Jamal's QR code", "jamal.png", "accept: valid")


def withdrawn(day: Day, reference: str) -> None:
    """A person withdraws; once synced, the device refuses the pass."""
    print("\n--- Rahima withdraws; the device refuses her pass once it has the next list")
    address = (
        day.people.do("status", name="Rahima", reference=reference, state="issued")
        and day.people.do(
            "download", name="Rahima", qr=str(day.folder / "rahima.png"), card=str(day.folder / "rahima.pdf")
        )["address"]
    )
    since = time.time()
    done = day.people.do("withdraw", name="Rahima", reference=reference)
    day.note("Rahima's status page", "withdrawn, 0 passes", f"{done['state']}, {done['passes']} passes")
    day.note("the address of her QR code", 409, day.people.do("ask", name="Rahima", address=address)["status"])
    day.check("Rahima's old QR code, before the sync", "rahima.png", "accept: valid")
    day.site.wait_for_list(since)
    day.sync()
    day.check("Rahima's old QR code, after the sync", "rahima.png", "reject: revoked")
    day.check("Karim's QR code, after the sync", "karim.png", "accept: valid")


def killed(day: Day) -> None:
    """`kill -9` in the middle: receipts stand, what got no answer is sent again, and all is there once."""
    print(f"\n--- Programs send {TOGETHER} applications; the service is killed after {KILLED_AFTER} receipts")
    begins = day._begins  # noqa: SLF001 - of this module
    documents = [
        {
            "request_id": str(uuid.uuid4()), "reason": "groceries", "language": "en",
            "holder": {"name": f"Person {n}", "id_type": "nid", "id_number": str(2 * 10**9 + n)},
            "from": {"district": "dhaka"}, "to": {"district": "gazipur"},
            "not_before": begins.isoformat(timespec="seconds"),
            "not_after": (begins + timedelta(hours=3)).isoformat(timespec="seconds"),
        }
        for n in range(TOGETHER)
    ]  # fmt: skip
    first: dict[int, dict[str, Any]] = {}

    def send(n: int) -> None:
        status, answer = day.site.ask("/api/applications", documents[n])
        if status == 202:
            first[n] = answer

    threads = [threading.Thread(target=send, args=(n,)) for n in range(TOGETHER)]
    day.people.do("open", name="Salma", language="en", scripts=True)
    day.people.do("fill", name="Salma", answers=day.answers("Salma"))
    for thread in threads:
        thread.start()
        time.sleep(0.01)
        if len(first) >= KILLED_AFTER:
            day.site.kill()
    day.site.kill()
    for thread in threads:
        thread.join()
    print(f"  {len(first)} of {TOGETHER} had their receipt")
    day.note("some had a receipt, some had none", "yes", "yes" if 0 < len(first) < TOGETHER else f"{len(first)}")
    said = day.people.do("sendInVain", name="Salma", text="There is no network")["said"]
    day.note("Salma presses the button now", "There is no network", said.partition(".")[0])
    day.site.start()
    salma = day.people.do("receipt", name="Salma")["references"]
    day.note("Salma's receipt came by itself", 1, len(salma))
    known = {n: day.site.ask(f"/api/applications/{a['reference']}", secret=a["secret"])[0] for n, a in first.items()}
    day.note("receipts from before that open their application", len(first), list(known.values()).count(200))
    again = [day.site.ask("/api/applications", document) for document in documents]
    day.note("sent again, all of them: accepted", TOGETHER, [status for status, _ in again].count(202))
    same = sum(again[n][1] == answer for n, answer in first.items())
    day.note("the same reference and secret as before", len(first), same)
    day.see("Salma's status page", "Salma", salma[0], "issued")


def counted(day: Day) -> None:
    """Compare what is kept with who applied."""
    end = time.monotonic() + WAIT_SECONDS
    with closing(SqliteStore(day.folder / DATA, create=False)) as store:
        while {"received", "approved"} & {str(state) for state in store.counts_by_state()}:
            if time.monotonic() > end:
                break
            time.sleep(0.1)
        counts = {str(state): count for state, count in sorted(store.counts_by_state().items())}
    expected = {"issued": TOGETHER + 4, "rejected": 1, "withdrawn": 1}
    day.note("applications that are kept, by state", _shown(expected), _shown(counts))
    with closing(sqlite3.connect(day.folder / AUTHORITY / "ledger.sqlite")) as ledger:
        (passes,) = ledger.execute("SELECT count(*) FROM passes").fetchone()
    day.note("passes that were ever issued", TOGETHER + 5, passes)
    log = (day.folder / "service.log").read_text("utf-8")
    names = ("রহিমা", "Karim", "Shirin", "Jamal", "Mitu", "Salma", "?key=")
    day.note("names and secrets in the log", [], [name for name in names if name in log])


def _shown(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in counts.items())


def main() -> None:
    """Play the day in a folder, print the table, and fail if anything was not as expected."""
    folder = Path(sys.argv[1]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    day = Day(folder)
    set_up(day)
    with at_work(day.site, PEOPLE, SITE=day.site.url) as day.people:
        day.done("service", "officer", "add", OFFICER, "--role", "supervisor", "--data", DATA)
        rahima = first_pass(day)
        decided(day)
        withdrawn(day, rahima)
        killed(day)
        counted(day)
    day.finish("*.png  *.pdf  authority/  service/  device/")
    print(f"  and start it again: movepass service run --authority {folder}/authority --data {folder}/service")


if __name__ == "__main__":
    main()
