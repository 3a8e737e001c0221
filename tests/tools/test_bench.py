"""The one run of all benchmarks: every name that others build on is there, its page too; bars can be missed."""

import json
import math
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import aws_application
import aws_load
import benchmarks
import lists
import post
import pytest
import rates
from aws_load import STANDARD_BATCH
from benchmarks import Effort, Result
from support.ministack import available

NAMES = [
    "payload_bytes",
    "qr_version_m",
    "verify_vs_openssl",
    "verify_two_processes",
    "issue_batch_vs_sign_verify",
    "list_bootstrap_vs_entropy",
    "lookup_us",
    "decode_1m_s",
    "sync_unchanged_requests",
    "sync_unchanged_bytes",
    "sync_delta10_bytes",
    "sync_delta1000_bytes",
    "cold_verify_vs_floor",
    "image_verify_vs_decoder",
    "aws_calls_per_pass",
    "aws_write_units_per_pass",
    "aws_calls_per_application",
    "aws_write_units_per_application",
    "service_accepted_per_s",
    "service_vs_floor",
    "service_p99_ms_at_250",
    "service_lost",
    "service_pass_ready_p99_s",
    "service_first_page_bytes",
    "report_ms_1m",
]
TINY = Effort(
    rounds=2, issued=1, group=5, seconds=0.01, small=(20_000, 200), large=(50_000, 500), aws=0, service=(10.0, 0.02),
    reports=600,
)  # fmt: skip


def test_one_run_writes_every_figure_and_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(lists, "PASSES", (20_000, 50_000))
    monkeypatch.setattr(lists, "_LOOKUPS", 200)
    for name, count in {"SCANS": 14, "PICTURE_SECONDS": 0.1, "COLD_SECONDS": 0.1, "SHIFT_SCANS": 50}.items():
        monkeypatch.setattr(post, name, count)
    assert benchmarks.main(tmp_path, TINY) == 0
    told = json.loads((tmp_path / "results.json").read_text())
    assert set(told) == {"machine", "commit", "results"}
    assert told["machine"]["cores"] > 0
    assert [result["name"] for result in told["results"]] == NAMES
    for result in told["results"]:
        assert set(result) == {"name", "value", "unit", "beside"}
        assert all(math.isfinite(value) and value > 0 for value in result["beside"].values())
        if result["name"].startswith("aws_"):
            assert result["value"] is None
        elif result["name"] == "service_lost":
            assert result["value"] == 0
        else:
            assert math.isfinite(result["value"])
            assert result["value"] > 0
    page = (tmp_path / "benchmarks.md").read_text("utf-8")
    assert all(f"`{name}`" in page for name in NAMES)
    assert "| joserfc |" in page
    assert told["commit"] in page
    for plot in ("benchmarks-verifying.svg", "benchmarks-lists.svg"):
        assert "<circle" in (tmp_path / plot).read_text("utf-8")


def test_a_pass_on_aws_is_counted_on_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    available()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(aws_load, "BATCHES", (aws_load.STANDARD_BATCH,))
    chapter = benchmarks.on_aws(replace(TINY, aws=2))
    calls, units = chapter.results
    assert calls.value is not None
    assert units.value is not None
    assert 1 < calls.value <= aws_load.CALLS_MAX  # one is kms:Sign
    assert 0 < units.value <= aws_load.WRITE_UNITS_MAX
    assert "Sign 1," in chapter.tables["aws"]


def test_an_application_on_aws_is_counted_on_the_wire_from_its_post_to_its_pass(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    available()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    shares = aws_application.shares(rounds=1)
    floor = aws_application.floor(2)
    monkeypatch.setattr(aws_application, "shares", lambda **_: shares)
    monkeypatch.setattr(aws_application, "floor", lambda _: floor)
    chapter = benchmarks.applying_on_aws(replace(TINY, aws=1))
    monkeypatch.setattr(benchmarks, "RESULTS", tmp_path / "results.json")
    calls, units = chapter.results
    assert calls.value is not None
    assert units.value is not None
    assert 6 < calls.value <= aws_application.CALLS_MAX
    assert 9 < units.value <= aws_application.WRITE_UNITS_MAX
    assert (calls.beside, units.beside) == ({"floor": 3.0}, {"floor": 1.0})
    assert calls.value == pytest.approx(sum(share.calls_each for share in shares))
    by_step = {share.step: share.calls for share in shares}
    assert by_step[aws_application.POST]["PutItem"] == STANDARD_BATCH
    assert by_step[aws_application.ISSUE]["Sign"] == STANDARD_BATCH
    assert Counter(by_step[aws_application.SEQUENCE]) >= Counter({"Sign": 1, "SendMessageBatch": 1, "PutItem": 2})
    for queue in (aws_application.ASK, aws_application.READ):
        assert by_step[queue] == {"ReceiveMessage": 1, "DeleteMessageBatch": 1}
    (tmp_path / "aws.md").write_text("<!-- aws-costs -->\n<!-- /aws-costs -->\n", "utf-8")
    benchmarks.write(tmp_path, {}, [chapter])
    assert "| floor | 15.00 | 0.76 | 0.00 | 0.40 | 16.16 |" in (tmp_path / "aws.md").read_text("utf-8")


def test_a_pass_that_costs_more_than_the_bar_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks, "MINISTACK", Path(__file__))
    monkeypatch.setattr(aws_load, "costs", lambda _: [aws_load.Cost(10, 20, {"Sign": 20, "PutItem": 9}, 121.0)])
    chapter = benchmarks.on_aws(Effort())
    assert [result.missed for result in chapter.results] == ["at most 1.4", "at most 6"]


def test_every_scheme_is_verified_to_its_content() -> None:
    subject = rates.Subject.make()
    assert subject.verify() == "valid"
    for name, verify in subject.verifiers().items():
        said = verify()
        assert name in {rates.OPENSSL, rates.MOVEPASS} or "Mohammad Rafiqul Islam" in str(said)


def test_no_scheme_takes_another_keys_signature() -> None:
    subject, other = rates.Subject.make(), rates.Subject.make()
    assert replace(subject, keys=other.keys).verify() == "unknown-key"
    strange = replace(subject, key=replace(other.key, kid=subject.key.kid))
    for name, verify in strange.verifiers().items():
        if name != rates.MOVEPASS:  # which has its own keys
            with pytest.raises(Exception, match=r"(?i)verif|signature|^$"):
                verify()


@pytest.mark.parametrize(
    ("result", "missed"),
    [
        (Result("a", 2.0, "", ("at most", 2.0)), ""),
        (Result("a", 2.1, "", ("at most", 2.0)), "at most 2"),
        (Result("a", 0.65, "", ("at least", 0.65)), ""),
        (Result("a", 0.64, "", ("at least", 0.65)), "at least 0.65"),
        (Result("a", 0.66, "", ("at least", 0.65), {"x": 0.7}, ["x"]), "behind x"),
        (Result("a", None, "", ("at least", 0.65)), ""),
    ],
)
def test_a_bar_can_be_missed(result: Result, missed: str) -> None:
    assert result.missed == missed
