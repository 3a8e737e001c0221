"""The service as main.yaml deploys it, as the second of two regions: its story with permissions on, and its roles."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from run import Story
from service import wait_for
from service_aws import Play
from support.ministack import REGION, running
from support.stack import ACCOUNT, assume_as_test, read_template
from support.whole_stack import INFRA, SERVICE_TEMPLATE

from movepass_service.applications.states import State
from movepass_service.aws.edge import HEADER
from movepass_service.stores.dynamodb.document import kept_of
from movepass_service.stores.dynamodb.homes import HomeItems
from movepass_service.stores.dynamodb.store import DynamoDbStore
from movepass_service.stores.dynamodb.table import Table

WRITERS = ("SiteRole", "DeskRole", "DecideRole", "AnswersRole", "TidyRole", "SealRole")
SITE, DESK, DECIDE, ANSWERS, TIDY, SEAL = WRITERS
FACTS, COMPACT = "FactsRole", "CompactRole"
PEOPLE = 3
NUMBER = 1
PEER = "applications-of-another-region"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    folder = tmp_path_factory.mktemp("service-aws")
    with running(folder) as ministack:
        DynamoDbStore.create(PEER, client=ministack.client("dynamodb"))
        make = ministack.client("secretsmanager").create_secret
        secret, statistics = (make(Name=name, SecretString="x" * 64)["ARN"] for name in (PEER, f"{PEER}-statistics"))
        play = Play(
            Story(folder), ministack, PEOPLE, RegionNumber=str(NUMBER), RegionCount="2", SiteSecretArn=secret,
            StatisticsSecretArn=statistics,
            PeerApplicationsArn=f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{PEER}",
        )  # fmt: skip
        play.play()
        yield play


def test_people_apply_and_get_passes_that_a_device_accepts_and_an_auditor_finds_whole(played: Play) -> None:
    assert [row for row in played.story.shown if row.got != row.expected] == []
    assert len(played.story.shown) >= 15


def test_the_whole_stack_hands_on_all_that_the_services_template_takes() -> None:
    whole = read_template(INFRA / "main.yaml")
    given = whole["Resources"]["Service"]["Properties"]["Parameters"]
    assert set(given) == set(read_template(SERVICE_TEMPLATE)["Parameters"])


def test_the_other_region_has_a_copy_of_every_application_in_its_last_state(played: Play) -> None:
    home, client = played.store, played.ministack.client("dynamodb")
    copies = {one.reference: one for one in HomeItems(Table(PEER, client=client)).of_region(NUMBER)}
    assert len(copies) >= PEOPLE + 2

    def differ() -> list[str]:
        kept = home.find_many(list(copies))
        now = {one.reference: one for one in HomeItems(Table(PEER, client=client)).of_region(NUMBER)}
        return [name for name, one in now.items() if kept_of(one.content, one.document) != kept.get(name)]

    wait_for("the copies", lambda: not differ())
    assert {kept.state for kept in home.find_many(list(copies)).values()} >= {State.ISSUED, State.WITHDRAWN}


@pytest.mark.parametrize("sent", [{}, {HEADER: ""}, {HEADER: "guessed"}])
def test_nobody_reaches_the_site_past_cloudfront(played: Play, sent: dict[str, str]) -> None:
    assert played.site.ask("GET", "/en/").status == 200
    past = replace(played.site, added={})
    for method, path in (("GET", "/en/"), ("GET", "/healthz"), ("POST", "/api/applications")):
        assert past.ask(method, path, headers=sent).status == 403


def test_athena_asks_the_facts_of_the_service(played: Play) -> None:
    whole, client = played.whole, played.ministack.client
    bucket, reports = whole.service.outputs["FactsBucket"], whole.reports.outputs
    table = client("glue").get_table(DatabaseName=reports["Database"], Name="facts")["Table"]
    assert table["StorageDescriptor"]["Location"] == f"s3://{bucket}/facts/"
    assert table["Parameters"]["storage.location.template"] == f"s3://{bucket}/facts/day=${{day}}/"
    group = client("athena").get_work_group(WorkGroup=reports["WorkGroup"])["WorkGroup"]
    assert group["Name"] == reports["WorkGroup"]


def calls(play: Play) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return what could be done with the service's resources: name -> service, method, parameters."""
    service, issuer = play.whole.service.outputs, play.whole.issuer.outputs
    table = service["TableName"]

    def put(pk: str) -> tuple[str, str, dict[str, Any]]:
        return "dynamodb", "put_item", {"TableName": table, "Item": {"pk": {"S": pk}, "sk": {"S": "try"}}}

    def delete(pk: str) -> tuple[str, str, dict[str, Any]]:
        return "dynamodb", "delete_item", {"TableName": table, "Key": {"pk": {"S": pk}, "sk": {"S": "try"}}}

    def facts(key: str, **more: Any) -> dict[str, Any]:
        return {"Bucket": service["FactsBucket"], "Key": key, **more}

    sign = {"Message": b"m", "MessageType": "RAW", "SigningAlgorithm": "ECDSA_SHA_256"}
    peer = {"TableName": PEER}
    item = {"pk": {"S": "HOME#TRY"}, "sk": {"S": "-"}}
    return {
        "write another region's copy": ("dynamodb", "put_item", {**peer, "Item": item}),
        "read another region's application": ("dynamodb", "batch_get_item", {"RequestItems": {PEER: {"Keys": [item]}}}),
        "delete another region's application": ("dynamodb", "delete_item", {**peer, "Key": item}),
        "read all of another region": ("dynamodb", "scan", peer),
        "write an application": put("A#TRY"),
        "read all applications": ("dynamodb", "scan", {"TableName": table}),
        "delete an application": delete("A#TRY"),
        "read the site's secret": ("secretsmanager", "get_secret_value", {"SecretId": service["SiteSecretArn"]}),
        "read CloudFront's secret": ("secretsmanager", "get_secret_value", {"SecretId": service["EdgeSecretArn"]}),
        "read the statistics' secret": (
            "secretsmanager", "get_secret_value", {"SecretId": service["StatisticsSecretArn"]}),
        "write a part of the facts": ("s3", "put_object", facts("parts/day=2021-04-14/try.jsonl", Body=b"")),
        "delete a part of the facts": ("s3", "delete_object", facts("parts/day=2021-04-14/try.jsonl")),
        "write a day of the facts": ("s3", "put_object", facts("facts/day=2021-04-14/try.parquet", Body=b"")),
        "delete a day of the facts": ("s3", "delete_object", facts("facts/day=2021-04-14/try.parquet")),
        "sign a head": ("kms", "sign", {"KeyId": issuer["OnlineKeyArn"], **sign}),
        "sign a pass": ("kms", "sign", {"KeyId": issuer["PassKeyArn"], **sign}),
        "ask for a pass": ("sqs", "send_message", {"QueueUrl": issuer["RequestsUrl"], "MessageBody": "x"}),
        "hand over what is left behind": (
            "lambda", "invoke", {"FunctionName": service["DecideFunctionName"], "Payload": b'{"references": []}'}),
        "revoke a pass": ("lambda", "invoke", {"FunctionName": issuer["RevokeFunctionName"], "Payload": b"[]"}),
        "write the ledger": ("dynamodb", "put_item", {
            "TableName": issuer["Table"], "Item": {"pk": {"S": "R#TRY"}, "sk": {"S": "-"}}}),
        "read the ledger": ("dynamodb", "batch_get_item", {
            "RequestItems": {issuer["Table"]: {"Keys": [{"pk": {"S": "R#TRY"}, "sk": {"S": "-"}}]}}}),
        "offer a head": ("s3", "put_object", {
            "Bucket": issuer["RepositoryBucket"], "Key": "decisions.head", "Body": b"x"}),
        "write what is published": ("s3", "put_object", {
            "Bucket": issuer["RepositoryBucket"], "Key": "metadata/try.json", "Body": b"x"}),
    }  # fmt: skip


MAY = {
    SITE: {
        "write an application", "delete an application", "read the site's secret", "read CloudFront's secret",
        "write another region's copy", "read another region's application",
    },
    DESK: {"write an application", "delete an application", "read another region's application"},
    DECIDE: {"write an application"},
    ANSWERS: {"write an application"},
    TIDY: {
        "write an application", "read all applications", "delete an application", "hand over what is left behind",
        "revoke a pass", "write another region's copy", "offer a head", "read the ledger",
    },
    SEAL: {
        "write an application", "sign a head", "ask for a pass", "revoke a pass", "delete an application",
        "write another region's copy",
    },
    FACTS: {"read the statistics' secret", "write a part of the facts"},
    COMPACT: {"delete a part of the facts", "write a day of the facts"},
}  # fmt: skip
"""What each role may do; which items it may write is a condition (dynamodb:LeadingKeys), which ministack ignores."""
WRITES = {
    SITE: {
        "A#*",
        "P#*",
        "KEYS",
        "LINE#*",
        "NUMBERS",
        "NUMBER#*",
        "CODE#*",
        "SIGNED-IN#*",
        "BUDGET#*",
        "ROW#*",
    },
    DESK: None,
    DECIDE: {"A#*", "P#*"},
    ANSWERS: {"A#*", "P#*"},
    TIDY: None,
    SEAL: {"A#*", "P#*", "LOG", "HEAD", "OFFERED"},
}
"""The items that each role may write; None are all, of which those of the log may not be deleted."""


@pytest.mark.parametrize("role", WRITERS)
def test_the_template_says_which_items_a_role_may_write(role: str) -> None:
    statements = _statements("SequencePolicy" if role == SEAL else role)
    writes = [one for one in statements if "dynamodb:PutItem" in one["Action"] and one["Effect"] == "Allow"]
    (write,) = writes
    if WRITES[role] is None:
        assert "Condition" not in write
        (deny,) = [one for one in statements if one["Effect"] == "Deny"]
        assert set(deny["Action"]) == {"dynamodb:UpdateItem", "dynamodb:DeleteItem"}
        kept = deny["Condition"]["ForAnyValue:StringLike"]["dynamodb:LeadingKeys"]
        assert set(kept) == {"LOG", "ADMIN", "HEAD", "OFFERED"}
    else:
        assert set(write["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]) == WRITES[role]


PEERS = {
    "SitePeer": [
        ({"BatchGetItem", "GetItem"}, "PeerApplicationsArn", {"A#*", "P#*", "RULES"}),
        ({"PutItem"}, "PeerApplicationsArn", {"A#*", "P#*", "HOME#*"}),
        ({"PutItem", "DeleteItem"}, "Applications.Arn", {"HOME#*", "UNCOPIED"}),
    ],
    "DeskPeer": [({"BatchGetItem"}, "PeerApplicationsArn", {"A#*"})],
    "SequencePeer": [
        ({"PutItem"}, "PeerApplicationsArn", {"HOME#*"}),
        ({"PutItem", "DeleteItem"}, "Applications.Arn", {"UNCOPIED"}),
    ],
    "AnswersPeer": [({"PutItem"}, "Applications.Arn", {"STRAYS"})],
    "TidyPeer": [({"PutItem"}, "PeerApplicationsArn", {"HOME#*"})],
}  # fmt: skip
"""What each role may do with items where there is another region, by the template."""


@pytest.mark.parametrize("policy", PEERS)
def test_the_template_says_which_items_a_role_may_touch_for_another_region(policy: str) -> None:
    found = [
        (
            {action.removeprefix("dynamodb:") for action in _listed(one["Action"])}, one["Resource"],
            set(one["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]),
        )
        for one in _statements(policy) if "lambda:InvokeFunction" not in _listed(one["Action"])
    ]  # fmt: skip
    assert found == PEERS[policy]
    assert read_template(SERVICE_TEMPLATE)["Resources"][policy]["Condition"] == "HasPeer"


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def test_the_facts_role_reads_no_account_number_or_key() -> None:
    (read,) = [one for one in _statements(FACTS) if "dynamodb:GetItem" in one["Action"]]
    keys = read["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert set(keys) == {"A#*", "LOG", "ADMIN", "LOOK#*", "RULES", "LINE#*"}
    assert [one for one in _statements(COMPACT) if "dynamodb" in str(one["Action"])] == []


def _statements(name: str) -> list[dict[str, Any]]:
    properties = read_template(SERVICE_TEMPLATE)["Resources"][name]["Properties"]
    policies = properties.get("Policies", [properties])
    return [one for policy in policies for one in policy["PolicyDocument"]["Statement"]]


@pytest.mark.parametrize("role", MAY)
def test_a_role_may_do_its_work_and_nothing_else(played: Play, role: str) -> None:
    done = set()
    session = _assume(played, role)
    for name, (service, method, parameters) in calls(played).items():
        client = session.client(service, endpoint_url=played.ministack.url)
        try:
            getattr(client, method)(**parameters)
        except ClientError as e:
            if "AccessDenied" not in e.response["Error"]["Code"]:
                raise
        else:
            done.add(name)
    assert done == MAY[role]


def _assume(play: Play, role: str) -> boto3.Session:
    """Act as a function of that role."""
    stack = play.whole.issuer if role == SEAL else play.whole.service
    name = stack.outputs["SealRole"] if role == SEAL else stack.resources()[role]
    keys = assume_as_test(play.ministack, name)
    return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], REGION)
