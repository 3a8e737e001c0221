"""Draws the desk's pages: `PYTHONPATH=tests python -m support.desk_pictures OUT`; needs Chromium and Node.js.

WIDTHS=320,768,1280 in the environment draws other widths than the 320 and 1280 pixels of docs/desk.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image

from movepass_keys import FileSigner, create_key_file
from movepass_service.decisions.officers import add_officer
from movepass_service.rules import default_rules
from movepass_service.rules.activation import make_draft
from movepass_service.rules.archive import FOLDER, FolderArchive
from movepass_service.statistics.facts import moment
from movepass_service.statistics.folder import STATE, facts_folder
from movepass_wire.payload import ED25519
from support.desks import RunningDesk, running_desk
from support.month_of_facts import write_month
from support.site_pictures import BROWSER, COLOURS
from support.sites import DAY, tomorrow

DRAFT = "2026-11-28"
FEW = 12_000
"""Applications of the week that the reports show."""
LATER = f"{tomorrow()}T14:00:00+06:00"
"""Five hours after the beginning: longer than the rules approve by themselves."""


def fill(desk: RunningDesk, applications: int = FEW) -> dict[str, str]:
    """Let people apply and officers decide, so that every page has something to show; returns references by name."""
    core, now = desk.service.desk, desk.now
    write_month(
        facts_folder(desk.data), applications, first=date.fromisoformat(moment(now - 6 * DAY).day), days=7, until=now
    )
    (facts_folder(desk.data) / STATE).write_text(json.dumps({"position": 0, "complete_until": now}))
    kamal = add_officer(desk.service.store, "Kamal Hossain", "officer", now).officer
    nasrin = add_officer(desk.service.store, "Nasrin Akter", "supervisor", now).officer
    found = core.settings()
    core.change_settings(nasrin, found, replace(found, four_eyes_reasons=("burial",), second_look_percent=100), now=now)
    holder = {"name": "Abdul Karim", "id_type": "nid", "id_number": "1993456789"}
    earlier = desk.case("Abdul Karim", holder=holder)
    plain = desk.case("Abdul Karim", holder=holder, reason="Exam of my daughter")
    desk.cases(6, "Shirin Sultana")
    late = desk.case("Rahima Khatun", reason="medical", not_after=LATER)
    desk.age(late, 5400)
    proposed = desk.case("Jamal Uddin", reason="burial", not_after=LATER)
    approved = desk.case("Mitu Rani Das")
    desk.age(approved, 600)
    for reference in (earlier, proposed, approved):
        core.claim(kamal, reference, now=now)
        core.decide(kamal, reference, "approve", now=now, note="Called the number; the reason is true.")
    desk.worker.round()
    core.add_note(kamal, plain, "The school confirms the exam.", now=now)
    draft = default_rules().table.source.replace('version = "2021-04-14"', f'version = "{DRAFT}"')
    draft = draft.replace("passes_today = { at_least = 3 }", "passes_today = { at_least = 2 }")
    archive = FolderArchive(desk.data / FOLDER)
    create_key_file(desk.data / "author.pem", ED25519)
    signer = FileSigner(desk.data / "author.pem")
    archive.add(make_draft(draft, author="Farhana Yasmin", signer=signer, now=now, archive=archive))
    week = urlencode({"since": moment(now - 6 * DAY).day, "until": moment(now).day})
    yesterday = moment(now - DAY).day
    references = {"plain": plain, "proposed": proposed, "approved": approved, "late": late}
    return {"week": week, "yesterday": yesterday, **references, "draft": DRAFT}


def links_of(desk: RunningDesk) -> dict[str, str]:
    """Add an officer of each kind; returns their links."""
    return {
        "spare": desk.link("officer", "Tania Haque"),
        "officer": desk.link("officer", "Imran Ali"),
        "supervisor": desk.link("supervisor", "Dipa Sen"),
        "author": desk.link("rule-author", "Farhana Yasmin"),
        "manager": desk.link("manager", "Rumana Islam"),
    }


def main(out: Path) -> None:
    """Draw all pages into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running_desk(Path(folder)) as desk:
        own = {"DESK": desk.origin, "CASES": json.dumps(fill(desk)), "LINKS": json.dumps(links_of(desk))}
        environment = {**os.environ, **own}
        subprocess.run(["node", str(BROWSER / "desk_pictures.mjs"), str(out)], env=environment, check=True)
    for picture in out.glob("*.png"):
        Image.open(picture).convert("RGB").quantize(COLOURS).save(picture, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
