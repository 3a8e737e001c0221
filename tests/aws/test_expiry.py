"""The functions and the alarms when the custodians' documents and the pass key have ended."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from support.cloud import ATTEMPTS, Cloud, event, failed
from support.ministack import Ministack
from support.passes import DAY, request
from support.stack import template

from movepass_issuer.aws import telemetry
from movepass_issuer.errors import KeyPeriodError, NotAcceptedError

NOW = int(time.time())


@pytest.fixture
def old(ministack: Ministack, environment: None, tmp_path: Path) -> Cloud:  # noqa: ARG001
    """An authority whose targets and pass key ended yesterday or the day before."""
    return Cloud.create(ministack, tmp_path, NOW - 366 * DAY)


def reported(out: str) -> dict[tuple[str, str], float]:
    """Read the metrics in a log that alarms look at: name and document -> value."""
    found = {}
    for line in out.splitlines():
        document = json.loads(line)
        if "_aws" in document:
            (metrics,) = document["_aws"]["CloudWatchMetrics"]
            for metric in metrics["Metrics"]:
                (value,) = document[metric["Name"]]
                found[metric["Name"], document.get("document", "")] = value
    return found


def test_requests_that_wait_for_a_valid_key_are_never_the_askers_fault(old: Cloud) -> None:
    issue, asked = old.issue(), request("R-1", NOW)
    with pytest.raises(KeyPeriodError, match="ended at"):
        issue(asked, old.context)
    by_url = issue(
        {"requestContext": {"http": {"method": "POST"}}, "body": json.dumps(asked), "isBase64Encoded": False},
        old.context,
    )
    assert by_url["statusCode"] == 503
    (listed,) = issue([asked], old.context)
    assert "The request is right" in listed["error"]
    for attempt in range(1, ATTEMPTS):
        assert failed(issue(event([json.dumps(asked)], attempt), old.context)) == ["m-0"]
    assert (old.answers(), old.dead()) == ([], [])
    assert failed(issue(event([json.dumps(asked)], ATTEMPTS), old.context)) == []
    assert old.answers() == []
    (letter,) = old.dead()
    assert (json.loads(letter["body"]), letter["kind"]) == (asked, "KeyPeriodError")


def test_what_devices_refuse_is_an_error_of_the_publish_function(old: Cloud) -> None:
    with pytest.raises(NotAcceptedError, match="the custodians' list of pass keys ended"):
        old.publish()({"clock_checked": True}, old.context)


@pytest.fixture(autouse=True)
def no_metrics_of_other_tests() -> None:
    telemetry._metrics.clear_metrics()


def test_alarms_look_at_what_is_reported(old: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    ends = {}
    for function, asked in ((old.publish(), {"clock_checked": True}), (old.issue(), request("R-1", NOW))):
        capsys.readouterr()
        with pytest.raises(Exception, match="ended"):
            telemetry.observed(function.__call__)(asked, old.context)
        ends[type(function).__name__] = reported(capsys.readouterr().out)
    publish, issue = ends["PublishFunction"], ends["IssueFunction"]
    assert -3 < publish["DaysUntilExpiry", "targets"] < 0
    assert -3 < publish["DaysUntilExpiry", "pass-key"] < 0
    assert 350 < publish["DaysUntilExpiry", "root"] < 366
    assert issue["DaysUntilExpiry", "pass-key"] == publish["DaysUntilExpiry", "pass-key"]
    assert issue["KeyNotValid", ""] == 1
    assert ("Published", "") not in publish
    resources: dict[str, Any] = template()["Resources"]
    watched = [
        {d["Name"]: d["Value"] for d in resource["Properties"]["Dimensions"]}
        | {"at": resource["Properties"]["Threshold"]}
        for resource in resources.values()
        if resource.get("Properties", {}).get("MetricName") == "DaysUntilExpiry"
    ]
    expected = [
        {"service": "movepass", "function": function, "document": document, "at": days}
        for days in (60, 14)
        for function, document in (
            ("PublishFunction", "root"), ("PublishFunction", "targets"), ("PublishFunction", "pass-key"),
            ("IssueFunction", "pass-key"),
        )
    ]  # fmt: skip
    assert watched == expected


def test_far_from_any_end_it_publishes_as_ever(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.observed(cloud.publish().__call__)({}, cloud.context)
    metrics = reported(capsys.readouterr().out)
    assert metrics["Published", ""] == 1
    assert metrics["DaysUntilExpiry", "targets"] > 364
