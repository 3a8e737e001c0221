"""The rights of each role: enough for its work (the story shows that), and nothing of the others'."""

from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import boto3
import pytest
from botocore.exceptions import ClientError
from support.ministack import REGION
from support.stack import CEREMONY, OPERATOR, PEER, Stack, assume_as_test, template

ISSUE, REVOKE, PUBLISH = "IssueRole", "RevokeRole", "PublishRole"
KEY = {"pk": {"S": "R#nobody"}, "sk": {"S": "-"}}


@pytest.fixture(scope="session")
def act(deployed: Stack) -> Callable[[str, str], Any]:
    """Return a client as a function of that role has it, or a person."""
    sessions = {
        role: assume_as_test(deployed.ministack, deployed.resources()[role]) for role in (ISSUE, REVOKE, PUBLISH)
    }

    def client(role: str, service: str) -> Any:
        if role not in sessions:
            sessions[role] = deployed.assume(role)
        keys = sessions[role]
        return boto3.client(
            service, endpoint_url=deployed.ministack.url, region_name=REGION, aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"],
        )  # fmt: skip

    return client


def calls(stack: Stack) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return every kind of thing that could be done with the stack's resources: name -> service, method, parameters."""
    o = stack.outputs
    sign = {"Message": b"m", "MessageType": "RAW", "SigningAlgorithm": "ECDSA_SHA_256"}
    table, bucket, item = {"TableName": o["Table"]}, {"Bucket": o["RepositoryBucket"]}, {**KEY, "a": {"S": "a"}}
    one = {"Key": "metadata/1.root.json"}
    return {
        "sign a pass": ("kms", "sign", {"KeyId": o["PassKeyArn"], **sign}),
        "sign a publication": ("kms", "sign", {"KeyId": o["OnlineKeyArn"], **sign}),
        "let others sign": ("kms", "create_grant", {
            "KeyId": o["PassKeyArn"], "GranteePrincipal": "arn:aws:iam::000000000000:role/x", "Operations": ["Sign"]}),
        "change a key's policy": ("kms", "put_key_policy", {"KeyId": o["PassKeyArn"], "Policy": "{}"}),
        "disable a key": ("kms", "disable_key", {"KeyId": o["PassKeyArn"]}),
        "delete a key": ("kms", "schedule_key_deletion", {"KeyId": o["OnlineKeyArn"], "PendingWindowInDays": 7}),
        "read what is published": ("s3", "list_objects_v2", bucket),
        "write what is published": ("s3", "put_object", {**bucket, **one, "Body": b"x"}),
        "delete what is published": ("s3", "delete_object", {**bucket, **one}),
        "change who reads the bucket": ("s3", "put_bucket_policy", {**bucket, "Policy": "{}"}),
        "read the ledger": ("dynamodb", "batch_get_item", {"RequestItems": {o["Table"]: {"Keys": [KEY]}}}),
        "write the ledger": ("dynamodb", "put_item", {**table, "Item": item}),
        "read all of the ledger": ("dynamodb", "scan", table),
        "list the pending ones": ("dynamodb", "query", {
            **table, "KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "PENDING#0"}}}),
        "take from the pending ones": ("dynamodb", "batch_write_item", {
            "RequestItems": {o["Table"]: [{"DeleteRequest": {"Key": KEY}}]}}),
        "read the other region's ledger": ("dynamodb", "batch_get_item", {"RequestItems": {PEER: {"Keys": [KEY]}}}),
        "write the other region's ledger": ("dynamodb", "put_item", {"TableName": PEER, "Item": item}),
        "list all of the other region's ledger": ("dynamodb", "scan", {"TableName": PEER}),
        "take from the other region's ledger": ("dynamodb", "batch_write_item", {
            "RequestItems": {PEER: [{"DeleteRequest": {"Key": KEY}}]}}),
        "read what the other region publishes": ("s3", "list_objects_v2", {"Bucket": PEER}),
        "write what the other region publishes": ("s3", "put_object", {"Bucket": PEER, **one, "Body": b"x"}),
        "delete what the other region publishes": ("s3", "delete_object", {"Bucket": PEER, **one}),
        "delete one item": ("dynamodb", "delete_item", {**table, "Key": KEY}),
        "delete the ledger": ("dynamodb", "delete_table", table),
        "read the requests": ("sqs", "receive_message", {"QueueUrl": o["RequestsUrl"], "VisibilityTimeout": 0}),
        "send a request": ("sqs", "send_message", {"QueueUrl": o["RequestsUrl"], "MessageBody": "x"}),
        "send an answer": ("sqs", "send_message", {"QueueUrl": o["AnswersUrl"], "MessageBody": "x"}),
        "read answers": ("sqs", "receive_message", {"QueueUrl": o["AnswersUrl"], "VisibilityTimeout": 0}),
        "send a dead letter": ("sqs", "send_message", {"QueueUrl": o["DeadLettersUrl"], "MessageBody": "x"}),
        "read dead letters": ("sqs", "receive_message", {"QueueUrl": o["DeadLettersUrl"], "VisibilityTimeout": 0}),
        "drop all requests": ("sqs", "purge_queue", {"QueueUrl": o["RequestsUrl"]}),
        "issue": ("lambda", "invoke", {"FunctionName": o["IssueFunctionName"]}),
        "revoke": ("lambda", "invoke", {"FunctionName": o["RevokeFunctionName"]}),
        "change a function": ("lambda", "update_function_configuration", {
            "FunctionName": o["IssueFunctionName"], "Timeout": 1}),
    }  # fmt: skip


LEDGER = {"read the ledger", "write the ledger"}
TELL = {"read the other region's ledger", "write the other region's ledger"}
ALLOWED = {
    ISSUE: LEDGER
    | {"sign a pass", "read what is published", "read the requests", "send an answer", "send a dead letter"},
    REVOKE: LEDGER | TELL | {"read what is published", "take from the pending ones"},
    PUBLISH: LEDGER
    | TELL
    | {"read what the other region publishes"}
    | {"sign a publication", "read what is published", "write what is published", "delete what is published"}
    | {"list the pending ones", "take from the pending ones"},
    CEREMONY: LEDGER
    | {"read all of the ledger", "list the pending ones", "take from the pending ones"}
    | {"sign a publication", "read what is published", "write what is published", "delete what is published"},
    OPERATOR: {"read dead letters", "send a request", "revoke"},
}


@pytest.mark.parametrize("role", ALLOWED)
def test_a_role_lets_its_work_be_done_and_nothing_else(
    deployed: Stack, act: Callable[[str, str], Any], role: str
) -> None:
    allowed = set()
    for what, (service, method, parameters) in calls(deployed).items():
        try:
            getattr(act(role, service), method)(**parameters)
        except ClientError as e:
            if "AccessDenied" in e.response["Error"]["Code"]:
                continue
            raise
        allowed.add(what)
    assert allowed == ALLOWED[role]


def test_who_administers_a_key_can_neither_use_it_nor_say_who_may(deployed: Stack) -> None:
    attempts = {
        "key-admin": {"sign", "put_key_policy", "create_grant"},
        "key-policy": {"sign", "disable_key", "schedule_key_deletion", "create_grant"},
        "ceremony": {"sign", "disable_key", "schedule_key_deletion", "put_key_policy", "create_grant"},
    }
    pass_key = {call[1]: call[2] for call in calls(deployed).values() if call[0] == "kms" and call[1] != "sign"}
    pass_key["sign"] = calls(deployed)["sign a pass"][2]
    for person, methods in attempts.items():
        keys = deployed.environment(person)
        kms = boto3.client(
            "kms", endpoint_url=deployed.ministack.url, region_name=REGION, aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"], aws_session_token=keys["AWS_SESSION_TOKEN"],
        )  # fmt: skip
        for method in methods:
            with pytest.raises(ClientError) as caught:
                getattr(kms, method)(**pass_key[method] | {"KeyId": deployed.outputs["PassKeyArn"]})
            assert "AccessDenied" in caught.value.response["Error"]["Code"], (person, method)


def test_nobody_reads_the_bucket_without_a_name(deployed: Stack) -> None:
    address = f"{deployed.ministack.url}/{deployed.outputs['RepositoryBucket']}/metadata/1.root.json"
    with pytest.raises(HTTPError) as caught:
        urlopen(address)
    assert caught.value.code == 403


def test_no_statement_of_the_template_allows_everything() -> None:
    statements = [
        statement
        for resource in template()["Resources"].values()
        for properties in [resource.get("Properties", {})]
        for policy in [*properties.get("Policies", []), properties]
        for statement in policy.get("PolicyDocument", {}).get("Statement", [])
        if statement["Effect"] == "Allow"
    ]
    assert len(statements) > 20
    for statement in statements:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not any("*" in action for action in actions if isinstance(action, str)), statement
        assert statement["Resource"] != "*" or str(actions[0]).startswith("xray:"), statement
