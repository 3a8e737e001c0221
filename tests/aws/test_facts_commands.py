"""movepass service counts and rebuild on a table and a bucket: devices' counts come in once, a lost day comes back."""

import json
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from support.cloud import Cloud, Context
from support.ministack import REGION
from support.played import note_all

from movepass_cli.main import cli
from movepass_issuer.storage.s3_repository import S3Repository
from movepass_service.admission.dynamodb_line import DynamoDbLine
from movepass_service.aws.bucket import FactsBucket
from movepass_service.aws.compact import CompactFunction
from movepass_service.aws.facts import FactsFunction
from movepass_service.statistics import engine
from movepass_service.statistics.devices import ExportError
from movepass_service.statistics.facts import QuestionError
from movepass_service.statistics.folder import list_days, reading
from movepass_service.stores.dynamodb.document import CONTENT, STATE, key
from movepass_service.stores.dynamodb.store import DynamoDbStore

from .test_facts import DAY, mirror, play_on

SECRET = "k" * 64
HEADING = "hour,outcome,verdict,scans,shown_before,let_through,sent_back,called_in\n"
NINE = f"{DAY}T09:00:00+06:00"
COUNTED = "SELECT verdict, scans, revision FROM ({}) WHERE type = 'counted' ORDER BY ALL"


class Place:
    """A table and a bucket of facts, and the commands on them."""

    def __init__(self, cloud: Cloud) -> None:
        client, name = cloud.ministack.client, f"commands-{uuid4()}"
        DynamoDbStore.create(name, client=client("dynamodb"), has_ttl=False)
        client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.cloud = cloud
        self.s3 = client("s3")
        self.name = name
        self.secret = client("secretsmanager").create_secret(Name=name, SecretString=SECRET)["ARN"]
        self.store = DynamoDbStore(name, client=client("dynamodb"))
        self.bucket = FactsBucket(name, client=client("s3"))

    def service(self, *arguments: str) -> Result:
        place = ("--data", f"dynamodb:{self.name}", "--facts", f"s3://{self.name}")
        return CliRunner().invoke(cli, ["service", *arguments, *place, "--json"])

    def counts(self, file: Path, *rows: str) -> dict[str, Any]:
        file.write_text(HEADING + "".join(f"{row}\n" for row in rows), "utf-8")
        done = self.service("counts", str(file), "--post", "Gabtoli 7", "--district", "dhaka")
        assert done.exit_code == 0, done.output
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def rebuild(self) -> Result:
        folder = str(self.cloud.authority.folder)
        return self.service("rebuild", DAY, "--authority", folder, "--statistics-secret", self.secret)

    def collect(self) -> None:
        line = DynamoDbLine(self.name, client=self.cloud.ministack.client("dynamodb"))
        repository = S3Repository(self.cloud.settings.repository)
        FactsFunction(self.store, self.bucket, SECRET.encode(), repository, line)({}, Context())

    def compact(self) -> None:
        CompactFunction(self.bucket)({}, Context(left=900))

    def ask(self, query: str, folder: Path) -> list[tuple[Any, ...]]:
        mirror(self.bucket, folder)
        with reading(folder), engine.connect() as db:
            return db.execute(query.format(engine.facts_query(list_days(folder)))).fetchall()


@pytest.fixture
def place(shared: Cloud) -> Place:
    return Place(shared)


def test_devices_counts_come_in_once_and_grow(place: Place, tmp_path: Path) -> None:
    file, row = tmp_path / "post.csv", f"{NINE},reject,forged,2,0,0,0,0"
    first = place.counts(file, f"{NINE},accept,valid,12,2,0,0,0", row)
    assert (first["post"], first["counts"], first["new"]) == ("Gabtoli 7", 2, 2)
    assert place.counts(file, f"{NINE},accept,valid,12,2,0,0,0", row)["new"] == 0
    place.compact()
    assert place.counts(file, f"{NINE},accept,valid,15,2,0,0,0", row)["new"] == 1
    assert place.ask(COUNTED, tmp_path / "parts") == [("forged", 2, 2), ("valid", 15, 15)]
    place.compact()
    assert place.bucket.parts() == {}
    assert place.ask(COUNTED, tmp_path / "compacted") == [("forged", 2, 2), ("valid", 15, 15)]


def test_another_devices_export_is_refused_as_in_a_folder(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "post.csv"
    place.counts(file, f"{NINE},accept,valid,12,2,0,0,0", f"{NINE},reject,forged,2,0,0,0,0")
    file.write_text(f"{HEADING}{NINE},accept,valid,13,2,0,0,0\n{NINE},reject,forged,1,0,0,0,0\n", "utf-8")
    refused = place.service("counts", str(file), "--post", "Gabtoli 7", "--district", "dhaka")
    assert isinstance(refused.exception, ExportError)
    assert "another device" in str(refused.exception)


def told(place: Place, folder: Path) -> Counter[tuple[Any, ...]]:
    """Count the events of the day by type, name and outcome."""
    query = f"SELECT type, event, outcome FROM ({{}}) WHERE day = '{DAY}' AND type <> 'published'"
    return Counter(place.ask(query, folder))


@pytest.mark.parametrize("is_damaged", [True, False], ids=["damaged", "lost"])
def test_a_lost_day_is_built_again_with_the_same_events(place: Place, tmp_path: Path, *, is_damaged: bool) -> None:
    play_on(place.store)
    note_all(place.store)
    place.collect()
    place.compact()
    before = told(place, tmp_path / "before")
    file = {"Bucket": place.name, "Key": f"facts/day={DAY}/facts.parquet"}
    assert isinstance(place.rebuild().exception, QuestionError), "it is there and whole"
    if is_damaged:
        place.s3.put_object(**file, Body=b"PAR1 no more")
    else:
        place.s3.delete_object(**file)
    done = place.rebuild()
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["facts"] == before.total()
    assert told(place, tmp_path / "rebuilt") == before
    place.compact()
    again = place.ask(f"SELECT count(*), bool_and(is_rebuilt) FROM ({{}}) WHERE day = '{DAY}'", tmp_path / "compacted")
    assert again == [(before.total(), True)]
    aside = place.s3.list_objects_v2(Bucket=place.name, Prefix="damaged/").get("Contents", [])
    assert len(aside) == is_damaged


def test_of_an_application_that_was_deleted_the_log_is_told(place: Place, tmp_path: Path) -> None:
    play_on(place.store)
    note_all(place.store)
    place.collect()
    before = told(place, tmp_path / "before")
    reference = next(content.reference for content, document in place.store._all() if document.pass_number)
    for sk in (CONTENT, STATE):
        place.store._table.delete(key(reference), sk)
    place.bucket.delete([one for parts in place.bucket.parts().values() for one in parts])
    done = place.rebuild()
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["forgotten"] >= 1
    after = told(place, tmp_path / "after")
    issued = {(kind, event) for kind, event, _ in before if kind == "issued"}
    assert {(kind, event) for kind, event, _ in after if kind == "issued"} == issued, "under the same names"


def test_what_a_table_needs_is_asked_for(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "post.csv"
    file.write_text(HEADING, "utf-8")
    table, post = ["--data", f"dynamodb:{place.name}"], ["--post", "P", "--district", "dhaka"]
    lacking = CliRunner().invoke(cli, ["service", "counts", str(file), *table, *post])
    assert (lacking.exit_code, "--facts s3://BUCKET" in lacking.output) == (2, True)
    folder = ["--data", str(tmp_path), "--facts", "s3://b"]
    assert CliRunner().invoke(cli, ["service", "counts", str(file), *folder, *post]).exit_code == 2
    authority = ["--authority", str(place.cloud.authority.folder)]
    lacking = CliRunner().invoke(
        cli, ["service", "rebuild", DAY, *table, "--facts", f"s3://{place.name}", *authority]
    )  # fmt: skip
    assert (lacking.exit_code, "--statistics-secret" in lacking.output) == (2, True)
