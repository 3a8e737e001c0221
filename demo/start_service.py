"""Starts the issuing service on this machine with a TEST authority and three officers, made at the first start.

python demo/start_service.py FOLDER [PORT [DESK_PORT]]
"""

import os
import sys
import time
from pathlib import Path

from movepass_issuer.authority.creation import create_authority
from movepass_service.decisions.officers import add_officer, enrolment_link, renew_link
from movepass_service.service import Service

MOVEPASS = str(Path(sys.executable).with_name("movepass"))
OFFICER = "Nasrin Akter"
PEOPLE = {OFFICER: "supervisor", "Kamal Hossain": "officer", "Rumana Islam": "manager"}

folder = Path(sys.argv[1])
port = sys.argv[2] if len(sys.argv) > 2 else "8080"
desk_port = sys.argv[3] if len(sys.argv) > 3 else "8081"
authority, data = folder / "authority", folder / "data"
if not authority.exists():
    create_authority(authority, name="Dhaka Metropolitan Police", test=True)
now, links = int(time.time()), {}
with Service.open(data, authority) as service:
    store = service.store
    for name, role in PEOPLE.items():
        if store.passkeys_of(name):
            continue
        made = renew_link(store, name, now) if store.officer(name) else add_officer(store, name, role, now)
        links[f"{name}, {role}"] = enrolment_link(f"http://localhost:{desk_port}", made.secret)
print(f"A device: {MOVEPASS} enrolment --authority {authority}")
print(f"Cases:    {MOVEPASS} service cases --data {data}")
print(f"Decide:   {MOVEPASS} service decide --data {data} REFERENCE approve --as '{OFFICER}'")
if links:
    print("Set up passkeys for the desk; each link works once:")
for person, link in links.items():
    print(f"  {person}: {link}")
print("Stop it with Ctrl-C.", flush=True)
run = [MOVEPASS, "service", "run", "--authority", authority, "--data", data, "--site-port", port]
run += ["--desk-port", desk_port]
os.execv(MOVEPASS, [str(part) for part in run])
