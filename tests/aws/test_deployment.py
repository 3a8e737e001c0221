"""The template deployed with permissions on: both kinds of signing, a restored table, no name that two could share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from support.ministack import REGION, running
from support.stack import ACCOUNT, Stack, deploy, template

from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger

RESTORED = "restored"
NAMES = {"Name", "RoleName", "FunctionName", "TableName", "BucketName", "QueueName", "LogGroupName", "TopicName",
         "AlarmName", "ManagedPolicyName", "AliasName"}  # fmt: skip
"""Properties that name a resource by a name which others may have taken."""


@pytest.fixture(scope="module")
def wrapped(tmp_path_factory: pytest.TempPathFactory, package: Path) -> Iterator[Stack]:
    """A stack whose pass key is wrapped, and whose ledger is a table that was restored; on a ministack of its own."""
    with running(tmp_path_factory.mktemp("ministack")) as ministack:
        DynamoDbLedger.create(RESTORED, client=ministack.client("dynamodb"))
        yield deploy(
            ministack, package, "wrapped", Signing="wrapped", WrappedKeyFile="pass.json", RestoredTable=RESTORED
        )


def test_a_wrapped_key_can_be_deployed_and_its_administrator_lets_it_rotate(wrapped: Stack) -> None:
    assert wrapped.status() == "CREATE_COMPLETE"
    key = wrapped.outputs["WrappingKeyArn"]
    kms = client_as(wrapped, "key-admin", "kms")
    kms.enable_key_rotation(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    variables = configuration(wrapped, "Issue")
    assert variables["MOVEPASS_SIGNER"] == "awskms-wrapped:pass.json"


def test_a_restored_table_takes_the_place_of_the_stacks_own(wrapped: Stack) -> None:
    for function in ("Issue", "Revoke", "Publish"):
        assert configuration(wrapped, function)["MOVEPASS_TABLE"] == RESTORED
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{RESTORED}"
    assert (wrapped.outputs["Table"], wrapped.outputs["TableArn"]) == (RESTORED, arn)
    iam, role = wrapped.ministack.client("iam"), wrapped.resources()["RevokeRole"]
    document = iam.get_role_policy(RoleName=role, PolicyName="revoke")["PolicyDocument"]
    tables = [s["Resource"] for s in document["Statement"] if "dynamodb" in str(s["Action"])]
    assert tables == [arn, arn]


def test_without_one_the_table_is_the_stacks_own(deployed: Stack) -> None:
    assert configuration(deployed, "Issue")["MOVEPASS_TABLE"] == deployed.resources()["Ledger"]


def test_no_name_is_one_that_another_stack_of_the_account_may_have() -> None:
    given = [
        (name, key, value)
        for name, resource in template()["Resources"].items()
        for key, value in _properties(resource.get("Properties", {}))
        if key in NAMES and name != "DevicesAccess" and str(value) not in DIMENSIONS
    ]
    assert given == []
    access = template()["Resources"]["DevicesAccess"]["Properties"]["OriginAccessControlConfig"]["Name"]
    assert "AWS::StackId" in str(access)
    schedule = template()["Resources"]["PublishFunction"]["Properties"]["Events"]["Schedule"]["Properties"]
    assert schedule["OmitName"] is True  # else it is called after the function's name in the template, in every stack


DIMENSIONS = {"service", "function", "document", "QueueName", "FunctionName"}
"""Names of an alarm's dimensions, which name no resource."""


def test_a_create_that_fails_leaves_nothing_but_keys() -> None:
    kept = {name: r["DeletionPolicy"] for name, r in template()["Resources"].items() if "DeletionPolicy" in r}
    keys = {name for name, r in template()["Resources"].items() if r["Type"] == "AWS::KMS::Key"}
    assert {name for name, policy in kept.items() if policy == "Retain"} == keys
    assert {name for name, policy in kept.items() if policy == "RetainExceptOnCreate"} == {
        "Requests", "DeadLetters", "AnswersQueue", "Ledger", "Repository",
    }  # fmt: skip


def test_whoever_deploys_asks_nothing_of_a_key_once_it_is_there() -> None:
    """Each of these properties is a call of its own after the key was made, and the key's policy denies it."""
    for resource in template()["Resources"].values():
        if resource["Type"] == "AWS::KMS::Key":
            assert not {"EnableKeyRotation", "RotationPeriodInDays", "Enabled"} & resource["Properties"].keys()


def _properties(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from _properties(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _properties(inner)


def configuration(stack: Stack, function: str) -> dict[str, str]:
    """Return a function's environment."""
    name = stack.outputs[f"{function}FunctionName"]
    found = stack.ministack.client("lambda").get_function_configuration(FunctionName=name)
    variables: dict[str, str] = found["Environment"]["Variables"]
    return variables


def client_as(stack: Stack, person: str, service: str) -> Any:
    """Return a client with a person's permissions."""

    keys = stack.assume(person)
    return boto3.client(
        service, endpoint_url=stack.ministack.url, region_name=REGION, aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"],
    )  # fmt: skip
