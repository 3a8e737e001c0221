"""Deploy infra/template.yaml to a ministack, as `aws cloudformation package` and `deploy` would."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml

from support.ministack import Ministack
from support.processes import ROOT

TEMPLATE = ROOT / "infra" / "template.yaml"
_LOCAL_PACKAGE = "CodeUri: ../build/lambda/movepass.zip"
_CODE_BUCKET = "code"
_DEPLOY_SECONDS = 120
ACCOUNT = "000000000000"
PEER = "other-region"
"""Name of the table and the bucket of another region, where a test needs no more of it."""
CEREMONY, OPERATOR = "ceremony", "operator"
PEOPLE = ("key-admin", "key-policy", CEREMONY, OPERATOR)


class _Loader(yaml.SafeLoader):  # type: ignore[misc] # it has no types
    """Reads the template; an intrinsic function becomes its argument."""


_Loader.add_multi_constructor(
    "!",
    lambda loader, _, node: (
        loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode)
        else loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode)
        else loader.construct_mapping(node, deep=True)
    ),
)  # fmt: skip


def template() -> Any:
    """Read the issuer's template."""
    return read_template(TEMPLATE)


def read_template(file: Path) -> Any:
    """Read a template."""
    return yaml.load(file.read_text("utf-8"), Loader=_Loader)


@dataclass(frozen=True)
class Stack:
    """A deployed stack.

    Attributes:
        outputs: as the template names them.
    """

    name: str
    outputs: dict[str, str]
    ministack: Ministack

    def invoke(self, function: str, event: Any) -> Any:
        """Invoke a function ("Issue", "Revoke", "Publish") directly.

        Raises:
            FunctionError: it raised.
        """
        answer = self.ministack.client("lambda").invoke(
            FunctionName=self.outputs[f"{function}FunctionName"], Payload=json.dumps(event)
        )
        body = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise FunctionError(json.dumps(body))
        return body

    def environment(self, person: str) -> dict[str, str]:
        """Return the environment of somebody who has assumed one of the PEOPLE's roles."""
        keys = self.assume(person)
        return {
            "AWS_ENDPOINT_URL": self.ministack.url, "AWS_DEFAULT_REGION": self.ministack.region,
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        }  # fmt: skip

    def assume(self, person: str) -> dict[str, str]:
        """Assume one of the PEOPLE's roles, and return its credentials."""
        arn = f"arn:aws:iam::{ACCOUNT}:role/{person}"
        keys: dict[str, str] = self.ministack.client("sts").assume_role(RoleArn=arn, RoleSessionName=person)[
            "Credentials"
        ]
        return keys

    def resources(self) -> dict[str, str]:
        """Return the physical names of all resources, by their names in the template."""
        found = self.ministack.client("cloudformation").describe_stack_resources(StackName=self.name)
        return {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in found["StackResources"]}

    def status(self) -> str:
        """Return CloudFormation's description of the stack."""
        stacks = self.ministack.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return str(stacks[0]["StackStatus"])

    def update(self, **parameters: str) -> None:
        """Deploy the same template with some parameters changed, and wait for it."""
        cloudformation = self.ministack.client("cloudformation")
        (before,) = cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        kept = [p for p in before["Parameters"] if p["ParameterKey"] not in parameters]
        cloudformation.update_stack(
            StackName=self.name, UsePreviousTemplate=True, Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=kept + [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )  # fmt: skip
        end = time.monotonic() + _DEPLOY_SECONDS
        while self.status() != "UPDATE_COMPLETE":
            assert self.status().endswith("IN_PROGRESS")
            assert time.monotonic() < end
            time.sleep(0.1)
        _mend(self)


class FunctionError(Exception):
    """A function raised; the message is what Lambda answered."""


def deploy(ministack: Ministack, package: Path, name: str = "movepass", **parameters: str) -> Stack:
    """Upload the package, create the stack, and wait for it."""
    s3, cloudformation = ministack.client("s3"), deployer(ministack)
    s3.create_bucket(Bucket=_CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": ministack.region})
    s3.upload_file(str(package), _CODE_BUCKET, package.name)
    template = TEMPLATE.read_text("utf-8")
    assert _LOCAL_PACKAGE in template
    body = template.replace(_LOCAL_PACKAGE, f"CodeUri: s3://{_CODE_BUCKET}/{package.name}")
    create(ministack, cloudformation, name, body, parameters, seconds=_DEPLOY_SECONDS)
    made = read_stack(ministack, name)
    let_people_in(made)
    return made


def create(
    ministack: Ministack, cloudformation: Any, name: str, body: str, parameters: dict[str, str], *, seconds: float
) -> None:
    """Create a stack with roles for the PEOPLE, and wait for it."""
    people = {person: _role(ministack, person) for person in PEOPLE}
    values = {
        "Architecture": "x86_64", "Runtime": "python3.11", "KeyAdminRoleArn": people["key-admin"],
        "KeyPolicyRoleArn": people["key-policy"], "CeremonyRoleArn": people["ceremony"],
    } | parameters  # fmt: skip
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=body,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    end = time.monotonic() + seconds
    while True:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return
        if not stack["StackStatus"].endswith("IN_PROGRESS") or time.monotonic() > end:
            events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            reasons = [
                f"{e['LogicalResourceId']}: {e['ResourceStatusReason']}"
                for e in events
                if e.get("ResourceStatusReason")
            ]
            raise RuntimeError(f"the stack is {stack['StackStatus']}: {reasons}")
        time.sleep(0.1)


def read_stack(ministack: Ministack, name: str) -> Stack:
    """Read a stack by its name or ARN."""
    (stack,) = ministack.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    return Stack(stack["StackName"], outputs, ministack)


def let_people_in(issuer: Stack) -> None:
    """Give the PEOPLE what the issuer's template makes for them, and do what ministack leaves undone."""
    for person in (CEREMONY, OPERATOR):
        arn = issuer.outputs[f"{person.title()}PolicyArn"]
        issuer.ministack.client("iam").attach_role_policy(RoleName=person, PolicyArn=arn)
    _mend(issuer)


def assume_as_test(ministack: Ministack, role: str) -> dict[str, str]:
    """Let anybody take a function's role on, and return its credentials."""
    iam, sts = ministack.client("iam"), ministack.client("sts")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=document)
    arn = iam.get_role(RoleName=role)["Role"]["Arn"]
    keys: dict[str, str] = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return keys


def deployer(ministack: Ministack) -> Any:
    """Return CloudFormation for somebody who may do anything by IAM: what a key's policy leaves out, it denies."""
    key, secret = ministack.user("deployer", "*")
    return boto3.client(
        "cloudformation", endpoint_url=ministack.url, region_name=ministack.region, aws_access_key_id=key,
        aws_secret_access_key=secret,
    )  # fmt: skip


def _mend(stack: Stack) -> None:
    """Do what ministack leaves undone.

    It keeps a number that came as a parameter as text, and can't compare it then; and it asks for a permission called
    sqs:SendMessageBatch, which AWS does not have: there sqs:SendMessage covers both. And it is spoken to in the clear,
    which the bucket's policy forbids.
    """
    functions, function = stack.ministack.client("lambda"), stack.outputs["IssueFunctionName"]
    for mapping in functions.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": 2})
    statement = {"Effect": "Allow", "Action": "sqs:SendMessageBatch", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    for role in (stack.resources()["IssueRole"], OPERATOR):
        stack.ministack.client("iam").put_role_policy(RoleName=role, PolicyName="ministack", PolicyDocument=document)
    s3, bucket = stack.ministack.client("s3"), stack.outputs["RepositoryBucket"]
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    policy["Statement"] = [s for s in policy["Statement"] if s["Sid"] != "NothingInTheClear"]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def _role(ministack: Ministack, name: str) -> str:
    """Create a role that people assume."""
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    return str(ministack.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"])
