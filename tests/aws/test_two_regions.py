"""The functions of two regions beside each other, reached or cut off, and what devices of each then say."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from click.testing import CliRunner
from support.cloud import Cloud
from support.ministack import REGION
from support.passes import request
from support.servers import drips
from support.stack import template

from movepass_cli.main import cli
from movepass_issuer.authority import ceremony_desk
from movepass_issuer.authority.ceremony_desk import Denial
from movepass_issuer.authority.creation import Elsewhere, begin_authority
from movepass_issuer.aws import telemetry
from movepass_issuer.aws.issue import IssueFunction
from movepass_issuer.aws.publish import PublishFunction
from movepass_issuer.aws.revoke import RevokeFunction
from movepass_issuer.aws.settings import FunctionSettings
from movepass_issuer.errors import AuthorityError, IssuerError
from movepass_issuer.publishing.published import HEAD
from movepass_issuer.publishing.published_lists import PublishedLists
from movepass_issuer.regions import peers as regions
from movepass_issuer.regions.ledger import Region
from movepass_issuer.regions.peers import Peer
from movepass_issuer.storage.s3_repository import S3Repository
from movepass_keys import signer_from_uri
from movepass_keys.aws import Patience
from movepass_keys.records.checkpoint import Checkpoint, origin_of, sign_checkpoint
from movepass_keys.records.layout import head_target
from movepass_verifier import Device, Verdict
from movepass_wire import open_text

NOW = int(time.time())
DRIPS_SECONDS = 60
TABLES = f"arn:aws:dynamodb:{REGION}:000000000000:table"
NOWHERE = f"arn:aws:dynamodb:{REGION}:000000000000:table/nowhere,arn:aws:s3:::nowhere-at-all"


def cut_off(settings: FunctionSettings) -> FunctionSettings:
    """Return settings by which the other region can't be reached."""
    (peer,) = settings.peers
    return replace(settings, peers=(Peer.parse(f"{peer.number},{NOWHERE}"),))


class Officers:
    """A device for each region, which syncs from that region's bucket alone."""

    def __init__(self, pair: tuple[Cloud, Cloud], folder: Path) -> None:
        self._pair = pair
        self._folder = folder
        for number, cloud in enumerate(pair):
            cloud.enroll(folder / f"device-{number}")

    def verdicts(self, *made: dict[str, Any]) -> list[list[Verdict]]:
        """Sync, and give what each device says of each pass."""
        said = []
        for number, cloud in enumerate(self._pair):
            with Device.open(self._folder / f"device-{number}") as device:
                device.sync(str(cloud.mirror(self._folder / f"mirror-{number}")))
                said.append([device.verify(one["text"]).verdict for one in made])
        return said


@pytest.fixture
def officers(pair: tuple[Cloud, Cloud], tmp_path: Path) -> Officers:
    return Officers(pair, tmp_path)


def publish(*clouds: Cloud) -> list[dict[str, Any]]:
    return [cloud.publish()({}, cloud.context) for cloud in clouds]


def test_a_request_revoked_while_cut_off_is_void_in_the_other_region(
    pair: tuple[Cloud, Cloud], officers: Officers
) -> None:
    one, two = pair
    publish(one, two)
    made = [cloud.issue()(request("R", NOW), cloud.context) for cloud in pair]
    one.issue()(request("S", NOW), one.context)
    cut = RevokeFunction.open(cut_off(one.settings))
    assert all("revoked_at" in cut({"request_id": request_id}, one.context) for request_id in "RS")
    publish(one, two, one, two)
    assert officers.verdicts(*made) == [[Verdict.REVOKED] * 2] * 2
    told = two.issue()(request("S", NOW), two.context)
    assert (told["request_id"], "text" in told) == ("S", False)
    assert "revoked at" in told["error"]


def test_each_regions_head_of_its_decision_log_is_published_under_a_name_of_its_own(pair: tuple[Cloud, Cloud]) -> None:
    one, two = pair
    first = [offer_head(cloud, region, 1) for region, cloud in enumerate(pair)]
    publish(one, two)
    assert [published_heads(cloud) for cloud in pair] == [first, first]
    second = [offer_head(cloud, region, 2) for region, cloud in enumerate(pair)]
    PublishFunction.open(cut_off(one.online))({}, one.context)
    assert published_heads(one) == [second[0], first[1]], "the head of a region that can't be reached stays"
    publish(two)
    publish(two, one)
    assert "took_over" in two.publish()({"take_over": True}, two.context)
    publish(one)
    assert [published_heads(cloud) for cloud in pair] == [second, second]


def offer_head(cloud: Cloud, region: int, size: int) -> bytes:
    """Put the head of a region's log into its bucket, as its service does."""
    checkpoint = Checkpoint(origin_of("00" * 32, region), size, bytes([region]) * 32, NOW)
    head = sign_checkpoint(checkpoint, signer_from_uri(cloud.online.signer))
    repository = S3Repository(cloud.settings.repository)
    repository.replace(HEAD, head, expected=repository.read(HEAD))
    return head


def published_heads(cloud: Cloud) -> list[bytes | None]:
    """Read the heads of both regions' logs as a region publishes them."""
    lists = PublishedLists.read(S3Repository(cloud.settings.repository))
    return [lists.target(head_target(region)) for region in (0, 1)]


def test_what_devices_know_as_revoked_stays_so_when_regions_that_were_cut_off_meet(
    pair: tuple[Cloud, Cloud], officers: Officers
) -> None:
    one, two = pair
    made = one.issue()(request("R", NOW), one.context)
    publish(one, two)
    RevokeFunction.open(cut_off(one.settings))({"pass_number": made["pass_number"]}, one.context)
    PublishFunction.open(cut_off(one.online))({}, one.context)
    PublishFunction.open(cut_off(two.online))({"take_over": True}, two.context)
    assert officers.verdicts(made) == [[Verdict.REVOKED], [Verdict.VALID]]
    (done,) = publish(one)
    assert "lacks 1 of the revocations" in done["waiting"]
    assert officers.verdicts(made) == [[Verdict.REVOKED], [Verdict.VALID]]
    assert "published" in publish(two)[0]
    assert "waiting" not in publish(one)[0]
    assert officers.verdicts(made) == [[Verdict.REVOKED]] * 2


def test_a_key_denied_at_the_desk_is_denied_by_whichever_region_publishes_next(
    pair: tuple[Cloud, Cloud], officers: Officers
) -> None:
    one, two = pair
    made = one.issue()(request("R", NOW), one.context)
    publish(one, two)
    kid = one.authority.pass_key
    assert kid
    assert ceremony_desk.deny(one.authority, kid, "leaked", int(time.time())) == Denial(listed=True, missed={})
    PublishFunction.open(cut_off(two.online))({"take_over": True}, two.context)  # the first is lost
    assert officers.verdicts(made) == [[Verdict.KEY_REVOKED]] * 2
    assert "followed" in publish(one)[0]
    assert officers.verdicts(made) == [[Verdict.KEY_REVOKED]] * 2


def test_a_key_denied_while_the_other_region_publishes_is_listed_by_that_and_who_is_not_told_is_named(
    pair: tuple[Cloud, Cloud], officers: Officers
) -> None:
    one, two = pair
    made = one.issue()(request("R", NOW), one.context)
    publish(one)
    two.publish()({"take_over": True}, two.context)
    publish(one)
    kid = one.authority.pass_key
    assert kid
    alone = replace(one.authority, peers=(f"1,{NOWHERE}",)).save()
    denial = ceremony_desk.deny(alone, kid, "leaked", int(time.time()))
    assert (denial.listed, list(denial.missed)) == (False, ["s3://nowhere-at-all"])
    one.authority.save()
    assert ceremony_desk.deny(one.authority, kid, "leaked", int(time.time())) == Denial(listed=False, missed={})
    publish(two, one)
    assert officers.verdicts(made) == [[Verdict.KEY_REVOKED]] * 2


def test_regions_that_are_cut_off_from_each_other_are_counted_and_logged(
    pair: tuple[Cloud, Cloud], caplog: pytest.LogCaptureFixture
) -> None:
    one, two = pair
    publish(one, two)
    time.sleep(1.1)
    telemetry._metrics.clear_metrics()
    done = PublishFunction.open(replace(cut_off(two.online), takeover=1))({}, two.context)
    assert done["took_over"]
    counted = set(telemetry._metrics.metric_set)
    assert {"TookOver", "PeerUnseen"} <= counted
    warned = " ".join(record.getMessage() for record in caplog.records if record.levelname == "WARNING")
    assert "took over" in warned
    assert "can't be read" in warned


def test_a_region_publishes_beside_one_whose_bucket_drips(
    pair: tuple[Cloud, Cloud], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = pair
    function = one.publish()
    patience = Patience(deadline=1, connect=0.5, read=0.5, backoff_first=0.1, backoff_max=0.1)
    with drips(DRIPS_SECONDS) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        dripping = S3Repository("s3://elsewhere", patience=patience)
        assert function._beside
        monkeypatch.setattr(function._beside.turns, "_others", [dripping])
        assert "published" in function({}, one.context)
        assert server.waited_for == []


def test_a_list_is_revoked_within_the_functions_time_beside_a_region_that_answers_slowly(
    pair: tuple[Cloud, Cloud], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = pair
    made = one.issue()([request(f"R-{n}", NOW) for n in range(30)], one.context)
    revoke = one.revoke()
    asked, make = [], BaseClient._make_api_call

    def slow(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if client is revoke._revoker.get()._regions._others[1].ledger._calls.client:  # type: ignore[attr-defined]
            asked.append(operation)
            time.sleep(0.19)
        return make(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", slow)
    monkeypatch.setattr(regions, "SLOW_SECONDS", 0.1)
    told = revoke([{"pass_number": answer["pass_number"]} for answer in made], one.context)
    assert [answer["request_id"] for answer in told] == [f"R-{n}" for n in range(30)]
    assert len(asked) <= 3
    assert len(one.ledger().pending()) == 30


def test_the_desk_takes_over_only_when_it_is_told_to(
    pair: tuple[Cloud, Cloud], monkeypatch: pytest.MonkeyPatch
) -> None:
    """This holds for any age of the newest publication: the stack decides how long a region waits."""
    one, two = pair
    publish(one)
    two.publish()({"take_over": True}, two.context)
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + 7200)
    run = ["publish", "--authority", str(one.authority.folder), "--json"]
    done = CliRunner().invoke(cli, run)
    assert "followed" in json.loads(done.stdout), done.output
    assert "published" in json.loads(CliRunner().invoke(cli, [*run, "--take-over", "--clock-checked"]).stdout)


def test_the_desk_issues_from_its_own_regions_indexes(pair: tuple[Cloud, Cloud], tmp_path: Path) -> None:
    one, two = pair
    publish(one, two)
    asked = tmp_path / "request.json"
    for cloud, number in ((one, 0), (two, 1)):
        other = pair[1 - number]
        elsewhere = replace(
            cloud.authority, ledger_uri=f"dynamodb:{cloud.settings.table}",
            peers=(f"{1 - number},{TABLES}/{other.settings.table},arn:aws:s3:::{other.bucket}",),
        ).save()  # fmt: skip
        asked.write_text(json.dumps(request(f"R-{number}", NOW)))
        done = CliRunner().invoke(cli, ["issue", "--authority", str(elsewhere.folder), "--json", str(asked)])
        assert done.exit_code == 0, done.output
        entry = cloud.ledger().find([f"R-{number}"])[f"R-{number}"]
        assert Region(number, 2).owner(entry.index) == number


def test_two_regions_of_the_same_number_publish_and_say_so_each_time(pair: tuple[Cloud, Cloud]) -> None:
    one, two = pair
    publish(one, two)
    same = IssueFunction.open(replace(two.settings, region=one.settings.region))
    asked = request("R", NOW + 72 * 3600)  # as far ahead as passes may be
    numbers = {f(asked, one.context)["pass_number"] for f in (one.issue(), same)}
    assert len(numbers) == 1
    one.revoke()({"request_id": "R"}, one.context)
    assert one.ledger().pending()
    with pytest.raises(IssuerError, match="give each stack its own RegionNumber"):
        publish(one)
    assert not one.ledger().pending()


def test_the_revoke_function_touches_what_its_role_lets_it_touch(
    pair: tuple[Cloud, Cloud], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys behind dynamodb:LeadingKeys in the template, which ministack does not check."""
    one, two = pair
    publish(one, two)
    made = [cloud.issue()(request(name, NOW), cloud.context) for cloud in pair for name in ("A", "B", "C", "D")]
    touched: set[tuple[str, str, str]] = set()
    make = BaseClient._make_api_call

    def noting(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        touched.update((table, action, key) for table, action, key in leading_keys(operation, parameters))
        return make(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", noting)
    for function in (RevokeFunction.open(cut_off(one.settings)), one.revoke()):
        function([{"pass_number": made[n]["pass_number"]} for n in (0, 5)], one.context)
        function([{"request_id": "C"}, {"request_id": "nobody"}, {"pass_number": made[6]["pass_number"]}], one.context)
    function([{"pass_number": made[1]["pass_number"]}, {"request_id": "D"}], one.context)
    resources = template()["Resources"]
    own = resources["RevokeRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    other = resources["RevokePeer"]["Properties"]["PolicyDocument"]["Statement"]
    assert {action for _, action, _ in touched} == {"BatchGetItem", "PutItem", "UpdateItem", "BatchWriteItem"}
    for table, action, key in touched:
        allowed = patterns([*own, *other], "PeerTableArn" if table == two.settings.table else "Ledger.Arn", action)
        assert any(fnmatchcase(key, pattern) for pattern in allowed), (table, action, key)


def leading_keys(operation: str, parameters: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Return table, IAM action and partition key of each item that a call to DynamoDB names."""
    for item in parameters.get("TransactItems", ()):
        ((action, what),) = item.items()
        yield what["TableName"], f"{action}Item", (what.get("Item") or what["Key"])["pk"]["S"]
    for table, asked in parameters.get("RequestItems", {}).items():
        keys = asked["Keys"] if operation == "BatchGetItem" else [one["DeleteRequest"]["Key"] for one in asked]
        yield from ((table, operation, key["pk"]["S"]) for key in keys if table != "nowhere")


def patterns(statements: list[dict[str, Any]], resource: str, action: str) -> list[str]:
    """Return the partition keys with which statements of the template allow an action on a table."""
    found = []
    for statement in statements:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        named = statement["Resource"]
        if resource in (named if isinstance(named, list) else [named]) and f"dynamodb:{action}" in actions:
            found += statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    return found


def test_passes_of_a_leaked_key_that_another_region_has_are_said_to_be_its_own_to_reissue(
    pair: tuple[Cloud, Cloud],
) -> None:
    one, two = pair
    publish(one, two)
    made = [cloud.issue()(request("R", NOW), cloud.context) for cloud in pair]
    ours, theirs = (open_text(answer["text"]).kid for answer in made)
    assert one.authority.elsewhere_in_force(theirs, 0) == [1]
    assert one.authority.elsewhere_in_force(ours, 0) == []
    done = CliRunner().invoke(cli, ["keys", "reissue", "--authority", str(one.authority.folder), theirs.hex()])
    assert (done.exit_code, done.stdout) == (0, "")
    assert "region 1 also has passes of" in done.stderr


@pytest.mark.parametrize(
    ("ledger", "bucket", "expected"),
    [
        ("ledger.sqlite", "a", "expected --ledger dynamodb:TABLE-ARN"),
        (f"dynamodb:{TABLES}/b", "a", "expected a table of its own"),
        (f"dynamodb:{TABLES}/a", "b/prefix", "expected a bucket of its own"),
    ],
    ids=["a ledger in a file", "its own table", "its own bucket"],
)
def test_a_region_that_can_be_none_beside_the_other_is_not_made(
    tmp_path: Path, ledger: str, bucket: str, expected: str
) -> None:
    elsewhere = Elsewhere(ledger, f"s3://bucket-{bucket}", peers=(f"1,{TABLES}/b,arn:aws:s3:::bucket-b",))
    with pytest.raises(AuthorityError, match=expected):
        begin_authority(tmp_path / "authority", name="Two", test=True, elsewhere=elsewhere)
    assert not (tmp_path / "authority").exists()
