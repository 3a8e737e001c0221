"""A service at work, the copies that an auditor takes, and a pass that somebody sold past it: the story by command."""

import json
import shutil
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from support.applications import APPROVE_ALL, submit, use_rules, work
from support.passes import HOUR, approved, iso, request
from support.repositories import revoked_in, status_of
from support.world import World

from movepass_issuer import Issuer, SignedPass
from movepass_issuer.storage.sqlite_ledger import SqliteLedger
from movepass_keys import signer_from_uri
from movepass_keys.records.layout import HEAD_TARGET, target_file
from movepass_service.service import Service
from movepass_wire.times import day_of

from .conftest import Movepass, Ran, Start, end, next_row, run_movepass

WITHIN_SECONDS = 30


def ask(url: str, document: Any = None, secret: str = "") -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {secret}"} if secret else {})
    data = None if document is None else json.dumps(document).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=10) as answer:
        return json.load(answer)


def wait_for(happens: Callable[[], Any]) -> Any:
    give_up = time.monotonic() + WITHIN_SECONDS
    while not (found := happens()):
        assert time.monotonic() < give_up
        time.sleep(0.05)
    return found


def application(now: int) -> dict[str, Any]:
    times = {"not_before": iso(now), "not_after": iso(now + 3 * HOUR)}
    return request(str(uuid4()), now, language="en", **times)


def is_issued(status: str, secret: str) -> bool:
    return bool(ask(status, secret=secret)["state"] == "issued")


class Country:
    """A service with three applications, one of them withdrawn; and an auditor's folder."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.data, self.copies = world, folder / "service", folder / "copies"
        with Service.open(self.data, world.authority.folder) as service:
            use_rules(service, APPROVE_ALL, world.now)
        (self.data / "service.toml").write_text("publish_every_s = 1\npublish_after_revocation_s = 0.1\n")

    def run(self, launch: Start) -> None:
        """Let the service do its work, and stop it once the head that covers all of it is published."""
        authority = self.world.authority.folder
        process = launch(
            "service",
            "run",
            "--authority",
            authority,
            "--data",
            self.data,
            "--site-port",
            0,
            "--desk-port",
            0,
            "--json",
        )
        url = next_row(process)["site"]
        receipts = [ask(f"{url}/api/applications", application(self.world.now)) for _ in range(3)]
        for receipt in receipts:
            status = f"{url}/api/applications/{receipt['reference']}"
            wait_for(partial(is_issued, status, receipt["secret"]))
        withdrawn = receipts[2]
        ask(f"{url}/api/applications/{withdrawn['reference']}/withdraw", {}, withdrawn["secret"])
        wait_for(lambda: revoked_in(self.world.repository))
        exported = self.export()
        assert exported.code == 0, exported.err
        wait_for(lambda: self.published_head() == (self.copies / "head").read_bytes())
        code, _, said = end(process)
        assert (code, said) == (0, "")

    def work(self, client: str) -> None:
        """Let the service decide and issue one more."""
        with Service.open(self.data, self.world.authority.folder) as service:
            submit(service, self.world.now, client)
            work(service, self.world.now)

    def published_head(self) -> bytes | None:
        target = status_of(self.world.repository).targets.get(HEAD_TARGET)
        return (self.world.repository / target_file(target)).read_bytes() if target else None

    def export(self) -> Ran:
        return run_movepass(
            "service", "export", "--data", self.data, "--authority", self.world.authority.folder, "--to", self.copies,
            "--json",
        )  # fmt: skip

    def audit(self, *more: object) -> Ran:
        return run_movepass(
            "audit", "--decisions", self.copies, "--issued", self.copies, "--store", self.world.store, *more, "--json"
        )


@pytest.fixture
def country(world: World, tmp_path: Path, launch: Start) -> Country:
    country = Country(world, tmp_path)
    country.run(launch)
    world.sync()
    return country


def test_an_honest_service_passes_the_audit_and_a_sold_pass_is_found(
    country: Country, movepass: Movepass, tmp_path: Path
) -> None:
    world = country.world
    clean = country.audit()
    assert clean.code == 0, clean.out
    assert clean.row["counts"] == {}, "nor anything to be looked at: the head is signed, published, and covers all"
    assert (clean.row["decisions"], clean.row["issuances"], clean.row["issued"]) == (4, 3, 3)
    kept = Path(shutil.copy(country.copies / "head", tmp_path / "kept.head"))

    outside = sell_outside_the_ledger(world)
    found = country.audit("--pass", outside.text)
    assert (found.code, found.row["counts"]) == (1, {"found-without-decision": 1})
    assert world.verdict(outside.text) == "expired", "its signature is good, and no device saw anything wrong"

    inside = world.issue("sold", holder={"name": "Somebody Rich", "id_type": "nid", "id_last": "0001"})
    exported = country.export()
    assert (exported.code, exported.row["without_leaf"]) == (0, 1)
    found = country.audit("--head", kept)
    assert found.code == 1
    assert found.row["counts"] == {"pass-without-decision": 1}
    (finding,) = found.row["findings"]
    assert inside.number in finding["words"]
    shown = movepass("service", "export", "--data", country.data, "--authority", world.authority.folder, "--to",
                     country.copies)  # fmt: skip
    assert "1 of the passes are in no leaf of the log" in shown.err


def sell_outside_the_ledger(world: World) -> SignedPass:
    """Sign a pass with the pass key, in a ledger that the seller throws away: the trip was this morning."""
    with closing(SqliteLedger(world.authority.folder / "thrown-away.sqlite", create=True)) as ledger:
        ledger.skip([day_of(world.now - 6 * HOUR + n * HOUR) for n in range(6)], 5_000)
        signer = signer_from_uri(world.authority.pass_signer, world.authority.folder)
        seller = Issuer(signer=signer, ledger=ledger, keys=world.authority.keys(), clock=lambda: world.now - 6 * HOUR)
        return seller.issue(approved("sold", world.now - 6 * HOUR))


def test_a_mistake_is_named_in_one_line(world: World, movepass: Movepass, tmp_path: Path) -> None:
    data, authority = tmp_path / "service", world.authority.folder
    export = ("service", "export", "--data", data, "--authority", authority)
    nobodys = movepass(*export, "--to", tmp_path / "copies")
    assert (nobodys.code, "no service's folder" in nobodys.err) == (4, True)
    Service.open(data, authority).close()
    unsealed = movepass(*export, "--to", tmp_path / "copies")
    assert (unsealed.code, "start the service" in unsealed.err) == (2, True)
    into_a_file = movepass(*export, "--to", authority / "authority.json")
    assert (into_a_file.code, "can't write the copies" in into_a_file.err) == (2, True)
    elsewhere = movepass(*export[:-1], tmp_path / "none", "--to", tmp_path / "copies")
    assert elsewhere.code == 4
    assert "is not an authority" in elsewhere.err
    beside = movepass(*export, "--to", authority)
    assert (beside.code, "which no export writes; name a new folder" in beside.err) == (2, True)
    assert not (authority / "decisions").exists()


def test_a_service_that_was_restored_from_a_copy_is_found_and_replaces_no_copies(
    country: Country, tmp_path: Path
) -> None:
    """The log is rewound: its newest leaves are gone, and others are in their place."""
    shutil.copytree(country.data, tmp_path / "backup")
    country.work("lost")
    assert country.export().code == 0
    kept = (country.copies / "head").rename(tmp_path / "kept.head")
    shutil.rmtree(country.data)
    shutil.copytree(tmp_path / "backup", country.data)
    for name in ("other", "another"):
        country.work(name)
    refused = country.export()
    assert (refused.code, refused.out) == (4, "")
    assert "is no beginning of this log: leaf 7 is another one there" in refused.err
    country.copies = tmp_path / "later"
    assert country.export().code == 0
    found = country.audit("--head", kept)
    assert found.code == 1
    assert "log-changed" in found.row["counts"]
