"""Deploy infra/main.yaml to a ministack: its templates nested, as AWS's command does it."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.ministack import REGION, Ministack
from support.processes import ROOT
from support.stack import Stack, create, deployer, let_people_in, read_stack

INFRA = ROOT / "infra"
SERVICE_TEMPLATE = INFRA / "service.yaml"
_BUCKET = "code"
_DEPLOY_SECONDS = 240
_PYTHON = ROOT / ".venv-aws" / "bin" / "python"
_LACKING = "AWS::Athena::NamedQuery"
"""The kinds that ministack can't make; cfn-lint checks them."""
_EXPAND = f"""
import json, sys
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse
translator = Translator({{}}, Parser())
template = translator.translate(yaml_parse(sys.stdin.read()), {{}})
template["Resources"] = {{name: one for name, one in template["Resources"].items() if one["Type"] != "{_LACKING}"}}
print(json.dumps(template))
"""


@dataclass(frozen=True)
class Whole:
    """The nested stacks; each has its own outputs."""

    issuer: Stack
    service: Stack
    reports: Stack
    ministack: Ministack


def deploy_whole(ministack: Ministack, *packages: Path, **parameters: str) -> Whole:
    """Upload packages, by their own names, and templates, create the stack, and wait for it."""
    s3, cloudformation = ministack.client("s3"), deployer(ministack)
    s3.create_bucket(Bucket=_BUCKET, CreateBucketConfiguration={"LocationConstraint": ministack.region})
    for file in packages:
        s3.upload_file(str(file), _BUCKET, file.name)
    whole = (INFRA / "main.yaml").read_text("utf-8")
    for name in ("template.yaml", "service.yaml", "reports.yaml"):
        text = (INFRA / name).read_text("utf-8")
        for package in packages:
            text = text.replace(f"CodeUri: ../build/lambda/{package.name}", f"CodeUri: s3://{_BUCKET}/{package.name}")
        s3.put_object(Bucket=_BUCKET, Key=name, Body=_expanded(text))
        assert f"TemplateURL: {name}" in whole
        whole = whole.replace(f"TemplateURL: {name}", f"TemplateURL: {ministack.url}/{_BUCKET}/{name}")
    create(ministack, cloudformation, "movepass", whole, parameters, seconds=_DEPLOY_SECONDS)
    issuer, service, reports = (_nested(ministack, cloudformation, name) for name in ("Issuer", "Service", "Questions"))
    let_people_in(issuer)
    _let(ministack, issuer.outputs["SealRole"], "sqs:SendMessageBatch")  # see stack._mend
    read = {"SiteRole": ("SiteSecretArn", "EdgeSecretArn"), "FactsRole": ("StatisticsSecretArn",)}
    for role, outputs in read.items():
        find = ministack.client("secretsmanager").describe_secret
        # A reference to a secret is its name there, and its ARN on AWS.
        secrets = [find(SecretId=service.outputs[output])["ARN"] for output in outputs]
        _let(ministack, service.resources()[role], "secretsmanager:GetSecretValue", *secrets)
    s3.delete_bucket_policy(Bucket=service.outputs["FactsBucket"])  # ministack is spoken to in the clear
    return Whole(issuer, service, reports, ministack)


def _expanded(template: str) -> bytes:
    """Expand the SAM transform, which ministack does for a template that is not nested, and AWS for both."""
    region = os.environ | {"AWS_DEFAULT_REGION": REGION}
    done = subprocess.run(
        [_PYTHON, "-c", _EXPAND], input=template.encode(), stdout=subprocess.PIPE, check=True, env=region
    )
    return done.stdout


def _nested(ministack: Ministack, cloudformation: Any, name: str) -> Stack:
    found = cloudformation.describe_stack_resource(StackName="movepass", LogicalResourceId=name)
    return read_stack(ministack, found["StackResourceDetail"]["PhysicalResourceId"])


def _let(ministack: Ministack, role: str, action: str, *resources: str) -> None:
    """Allow what ministack asks for and AWS does not."""
    statement = {"Effect": "Allow", "Action": action, "Resource": list(resources) or "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    ministack.client("iam").put_role_policy(RoleName=role, PolicyName="ministack", PolicyDocument=document)
