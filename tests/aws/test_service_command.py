"""movepass service on a table: the first manager, rules that two people put into force, an auditor's copies."""

import json
import time
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from support.applications import decision, draft, form, run
from support.cloud import Cloud

from movepass_cli.main import cli
from movepass_keys import signer_from_uri
from movepass_service.applications.application import read_application
from movepass_service.decisions.sealing import Sealer, origin_for
from movepass_service.errors import StoreError
from movepass_service.rules.engine import default_rules
from movepass_service.stores.dynamodb.store import DynamoDbStore

DESK = "https://desk.example"


@pytest.fixture
def store(shared: Cloud) -> DynamoDbStore:
    client = shared.ministack.client("dynamodb")
    table = f"service-{uuid4()}"
    DynamoDbStore.create(table, client=client, has_ttl=False)
    return DynamoDbStore(table, client=client)


def service(store: DynamoDbStore, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["service", *arguments, "--data", f"dynamodb:{store._table.name}"])


def test_the_first_manager_is_enrolled_by_the_command(store: DynamoDbStore) -> None:
    add = ("officer", "add", "Rahima", "--role", "manager")
    refused = service(store, *add)
    assert (refused.exit_code, "--desk-url" in refused.output) == (2, True)
    assert store.officer("Rahima") is None, "there would be an account whose link nobody knows"
    made = service(store, *add, "--desk-url", DESK, "--json")
    assert json.loads(made.output)["enrolment_link"].startswith(f"{DESK}/")
    assert service(store, "officer", "enrol", "Rahima", "--desk-url", DESK).exit_code == 0
    officer = store.officer("Rahima")
    assert officer is not None
    assert officer.role == "manager"


def test_two_people_put_rules_into_force_through_a_folder_of_drafts(
    store: DynamoDbStore, shared: Cloud, tmp_path: Path
) -> None:
    file, drafts = tmp_path / "rules.toml", tmp_path / "drafts"
    file.write_text(default_rules().table.source.replace('"2021-04-14"', '"2021-04-20"', 1), "utf-8")
    assert service(store, "rules", "show").output.startswith("Version 2021-04-14"), "those of the software"
    for name in ("Rahima", "Kamal"):
        service(store, "officer", "add", name, "--role", "rule-author", "--desk-url", DESK)
    keys = {name: f"awskms:{shared.ministack.key()}" for name in ("Rahima", "Kamal")}
    activate = ("rules", "activate", str(file))
    refused = service(store, *activate, "--key", keys["Rahima"], "--as", "Rahima")
    assert (refused.exit_code, "--drafts" in refused.output) == (2, True)
    for name, more in (("Rahima", ()), ("Kamal", ("--confirm",))):
        done = service(store, *activate, "--key", keys[name], "--as", name, "--drafts", str(drafts), *more)
        assert done.exit_code == 0, done.output
    assert store.rules_in_force() == "2021-04-20"
    assert service(store, "rules", "check", str(file)).exit_code == 0
    shown = service(store, "rules", "show", "--drafts", str(drafts)).output
    assert "Kamal" in shown


def test_an_auditors_copies_are_taken_from_a_table(store: DynamoDbStore, shared: Cloud, tmp_path: Path) -> None:
    now = int(time.time())
    run(store.submit([draft(read_application(form(now), now=now))], now))
    store.decide_next(1, lambda *_: decision("reject"), now)
    store.sequence()
    Sealer(store, origin_for(shared.authority)).seal(signer_from_uri(shared.online.signer), now)
    copies = tmp_path / "copies"
    exported = service(store, "export", "--authority", str(shared.authority.folder), "--to", str(copies), "--json")
    assert exported.exit_code == 0, exported.output
    told = json.loads(exported.output)
    assert (told["leaves"], told["records"], told["covered"]) == (1, 1, 1)
    assert {path.name for path in copies.iterdir()} == {"decisions", "issued", "head"}


@pytest.mark.usefixtures("environment")
def test_a_table_that_is_not_there_is_told_in_words() -> None:
    missing = CliRunner().invoke(cli, ["service", "rules", "show", "--data", "dynamodb:missing"])
    assert isinstance(missing.exception, StoreError)
    assert "is the stack deployed?" in str(missing.exception)
    nameless = CliRunner().invoke(cli, ["service", "rules", "show", "--data", "dynamodb:"])
    assert (nameless.exit_code, "dynamodb:TABLE" in nameless.output) == (2, True)
