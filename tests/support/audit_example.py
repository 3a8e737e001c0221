"""Make what docs/audit.md begins with: a service whose operator sells a pass, and an auditor who kept a head."""

import json
import os
import time
from functools import partial
from pathlib import Path

from movepass_issuer import ApprovedPass
from movepass_issuer.authority.creation import create_authority
from movepass_issuer.authority.folder import Authority
from movepass_keys import signer_from_uri
from movepass_keys.records.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint
from movepass_service.decisions import copies
from movepass_service.issuing.publishing import PublisherThread
from movepass_service.service import Service
from movepass_verifier import Device
from support.applications import APPROVE_ALL, HOUR, submit, use_rules, work
from support.passes import iso, request

_APPLICATIONS = 5


def make_example(folder: Path) -> str:
    """Make authority, device, copies and heads in a folder, and return the number of the pass that was sold.

    The copies' own ledger lacks the sold pass, which is in found.txt. ledger.jsonl is the same copy with it.
    """
    now = int(time.time())
    create_authority(folder / "my-authority", name="Test Authority", test=True)
    authority = Authority.open(folder / "my-authority")
    Device.enroll(folder / "device", root=authority.root_path.read_bytes(), sources=[str(authority.repository_path)])
    with Service.open(folder / "service", authority.folder) as service:
        use_rules(service, APPROVE_ALL, now)
        for number in range(_APPLICATIONS):
            submit(service, now, f"monday {number}")
        work(service, now)
        copies.export(service.store, authority, folder / "copies", patience=0)
        (folder / "kept.head").write_bytes((folder / "copies/head").read_bytes())
        with authority.issuer() as issuer:
            times = {"not_before": iso(now + HOUR), "not_after": iso(now + 4 * HOUR)}
            sold = issuer.issue(ApprovedPass.from_json(request("sold", now, **times)))
        submit(service, now, "monday, after it")
        work(service, now)
        later = now + 25 * HOUR  # another day for certain
        for number in range(_APPLICATIONS):
            submit(service, later, f"later {number}")
        work(service, later)
        PublisherThread(service, clock=partial(float, later))._publish()
        copies.export(service.store, authority, folder / "copies", patience=0)
    ledger = folder / "copies/issued/issued.jsonl"
    (folder / "ledger.jsonl").write_bytes(ledger.read_bytes())
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    kept = [line for line in lines if (line["day"], line["index"]) != (sold.pass_.day, sold.pass_.index)]
    ledger.write_text("".join(json.dumps(line) + "\n" for line in kept))
    (folder / "found.txt").write_text(f"{sold.text}\n")
    _show_another(folder, authority)
    return sold.number


def _show_another(folder: Path, authority: Authority) -> None:
    """Sign a second head of the newest size, as a service does that shows two auditors two logs."""
    mine = (folder / "copies/head").read_bytes()
    (folder / "mine.head").write_bytes(mine)
    newest = read_checkpoint(mine).checkpoint
    other = Checkpoint(newest.origin, newest.size, os.urandom(32), newest.at)
    signer = signer_from_uri(authority.online_signer, authority.folder)
    (folder / "hers.head").write_bytes(sign_checkpoint(other, signer))
