"""Nobody passes by CloudFront: the site function answers only what carries the secret that the template gives it."""

from typing import Any

import pytest
from support.stack import read_template
from support.whole_stack import SERVICE_TEMPLATE

from movepass_service.aws.edge import HEADER, behind_edge

SECRET = "s" * 64


def serve(event: Any, context: Any) -> Any:
    return {"statusCode": 200, "body": (event, context)}


def test_what_carries_the_secret_is_served() -> None:
    event = {"headers": {HEADER: SECRET}}
    assert behind_edge(serve, SECRET)(event, "context") == {"statusCode": 200, "body": (event, "context")}


@pytest.mark.parametrize(
    "event",
    [
        {}, {"headers": None}, {"headers": {}}, {"headers": {HEADER: ""}}, {"headers": {HEADER: SECRET[:-1]}},
        {"headers": {HEADER: f"{SECRET},{SECRET}"}}, {"headers": {HEADER: "\u09e7"}}, {"headers": {HEADER: None}}, [],
        None,
    ],
)  # fmt: skip
def test_anything_else_is_refused_before_it_is_read(event: Any) -> None:
    def unreached(*_: Any) -> Any:
        raise AssertionError("it was served")

    answer = behind_edge(unreached, SECRET)(event, None)
    assert (answer["statusCode"], answer["headers"]["cache-control"]) == (403, "no-store")


def test_cloudfront_adds_the_secret_that_the_function_knows_to_the_pages_alone() -> None:
    resources = read_template(SERVICE_TEMPLATE)["Resources"]
    origins = resources["Site"]["Properties"]["DistributionConfig"]["Origins"]
    added = {one["Id"]: one.get("OriginCustomHeaders", []) for one in origins}
    assert added == {
        "pages": [{"HeaderName": HEADER, "HeaderValue": "{{resolve:secretsmanager:${EdgeSecret}}}"}], "assets": []
    }  # fmt: skip
    variables = {name: one["Properties"].get("Environment", {}).get("Variables", {}) for name, one in resources.items()
                 if one["Type"] == "AWS::Serverless::Function"}  # fmt: skip
    assert variables["SiteFunction"]["MOVEPASS_EDGE_SECRET"] == "EdgeSecret"
    assert [name for name, given in variables.items() if "MOVEPASS_EDGE_SECRET" in given] == ["SiteFunction"]
    domain = {one["Id"]: one["DomainName"] for one in origins}["pages"]
    assert "SiteApi" in domain
