"""Starts the issuing service on this machine with a TEST authority and an officer, made at the first start.

python demo/start_service.py FOLDER [PORT]
"""

import os
import sys
import time
from pathlib import Path

from movepass_issuer.authority.creation import create_authority
from movepass_service.decisions.officers import add_officer
from movepass_service.service import Service

MOVEPASS = str(Path(sys.executable).with_name("movepass"))
OFFICER = "Nasrin Akter"

folder = Path(sys.argv[1])
port = sys.argv[2] if len(sys.argv) > 2 else "8080"
authority, data = folder / "authority", folder / "data"
if not authority.exists():
    create_authority(authority, name="Dhaka Metropolitan Police", test=True)
with Service.open(data, authority) as service:
    if service.store.officer(OFFICER) is None:
        add_officer(service.store, OFFICER, "supervisor", int(time.time()))
print(f"A device: {MOVEPASS} enrolment --authority {authority}")
print(f"Cases:    {MOVEPASS} service cases --data {data}")
print(f"Decide:   {MOVEPASS} service decide --data {data} REFERENCE approve --as '{OFFICER}'")
print("Stop it with Ctrl-C.", flush=True)
run = [MOVEPASS, "service", "run", "--authority", authority, "--data", data, "--site-port", port]
os.execv(MOVEPASS, [str(part) for part in run])
