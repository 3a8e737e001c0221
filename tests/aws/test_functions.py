"""The functions' answers to every kind of caller and request."""

import base64
import json
import time
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from support.cloud import ATTEMPTS, Cloud, Context, event, failed
from support.passes import HOLDER, HOUR, approved, iso, request

from movepass_issuer import IssuerError, LedgerError
from movepass_issuer.authority import ceremony_desk
from movepass_issuer.authority.creation import Elsewhere, begin_authority
from movepass_issuer.authority.folder import Authority
from movepass_issuer.aws import telemetry
from movepass_issuer.aws.issue import IssueFunction
from movepass_issuer.aws.opening import KEYS_SECONDS, Reread
from movepass_issuer.aws.revoke import RevokeFunction
from movepass_issuer.aws.settings import FunctionSettings
from movepass_issuer.errors import RepositoryError, RequestError, RestoredError
from movepass_issuer.issuing.issuer import GROUP, Revoker
from movepass_issuer.issuing.ledger import Entry
from movepass_issuer.publishing.published import HEAD
from movepass_issuer.publishing.published_lists import PublishedLists
from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger, _announced
from movepass_issuer.storage.s3_repository import S3Repository
from movepass_keys import SignerError, signer_from_uri
from movepass_keys.records.checkpoint import Checkpoint, origin_of, sign_checkpoint
from movepass_keys.records.layout import HEAD_TARGET
from movepass_keys.signers.kms import KmsSigner
from movepass_verifier import Device, Verdict

NOW = int(time.time())
Answer = Any


def http(body: str, **changes: Any) -> dict[str, Any]:
    return {"requestContext": {"http": {"method": "POST"}}, "body": body, "isBase64Encoded": False} | changes


@pytest.fixture
def issue(cloud: Cloud) -> IssueFunction:
    return cloud.issue()


@pytest.fixture
def shared_issue(shared: Cloud) -> IssueFunction:
    return shared.issue()


def test_the_same_request_by_every_way_in_has_the_same_pass(cloud: Cloud, issue: IssueFunction) -> None:
    asked = request("R-1", NOW)
    direct = issue(asked, cloud.context)
    assert set(direct) == {"request_id", "pass_number", "text"}
    assert issue([asked], cloud.context) == [direct]
    assert issue({"show": {"request_id": "R-1"}}, cloud.context) == direct
    assert issue({"show": {"pass_number": direct["pass_number"]}}, cloud.context) == direct
    by_url = issue(http(json.dumps(asked)), cloud.context)
    assert (by_url["statusCode"], json.loads(by_url["body"])) == (200, direct)
    packed = http(base64.b64encode(json.dumps(asked).encode()).decode(), isBase64Encoded=True)
    assert json.loads(issue(packed, cloud.context)["body"]) == direct
    assert failed(issue(event([json.dumps(asked)]), cloud.context)) == []
    assert cloud.answers() == [direct]


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        ("", "RequestError", "not a JSON object"),
        ("poison", "RequestError", "not a JSON object"),
        ("[1]", "RequestError", "expected a JSON object"),
        ("[" * 100_000, "RequestError", "at most 65536"),
        ("[" * 50_000, "RequestError", "not a JSON object"),
        ('{"a": 1, "a": 2}', "RequestError", "a: given twice"),
        (json.dumps(request("R-1", NOW, colour="red")), "RequestError", "colour"),
        (json.dumps(request("R-1", NOW - 10 * HOUR)), "RequestError", "is over"),
        (json.dumps(request("R-1", NOW, not_after=iso(NOW + 20 * HOUR))), "RequestError", "12"),
        (json.dumps(request("taken", NOW, reason="otherwise")), "RequestConflictError", "used before"),
        (json.dumps(request("\u0007", NOW)), "RequestError", "printable"),
    ],
    ids=[
        "empty",
        "no JSON",
        "a list",
        "too long",
        "too deep",
        "a key twice",
        "an unknown key",
        "over",
        "too long a trip",
        "another content",
        "not printable",
    ],
)
def test_what_no_pass_can_come_of_goes_to_the_dead_letters_at_once_with_its_reason(
    shared: Cloud, shared_issue: IssueFunction, body: str, kind: str, reason: str
) -> None:
    shared_issue(request("taken", NOW), shared.context)
    good = request("good", NOW)
    answer = shared_issue(event([json.dumps(good), body] if body else [json.dumps(good), " "]), shared.context)
    assert failed(answer) == []
    (letter,) = shared.dead()
    assert (letter["body"], letter["kind"]) == (body or " ", kind)
    assert reason in letter["reason"]
    answers = shared.answers()
    assert sum("text" in a for a in answers) == 1
    assert sum(reason in a.get("error", "") for a in answers) == 1


@pytest.mark.parametrize("body", ["x" * (1 << 20), "é" * (1 << 19)], ids=["ASCII", "two bytes a character"])
def test_a_request_as_long_as_a_message_may_be_is_put_aside_with_its_reason(
    shared: Cloud, shared_issue: IssueFunction, body: str
) -> None:
    assert failed(shared_issue(event([body]), shared.context)) == []
    (letter,) = shared.dead()
    assert (letter["kind"], "at most 65536" in letter["reason"]) == ("RequestError", True)
    assert body.startswith(letter["body"])
    counted = [letter["body"], *(f"{name}String{letter[name]}" for name in ("kind", "reason"))]
    assert (1 << 20) - 1 <= sum(len(text.encode()) for text in counted) <= 1 << 20


def test_what_fails_in_passing_stays_in_the_queue_and_the_last_time_goes_to_the_dead_letters_with_its_reason(
    cloud: Cloud, issue: IssueFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled(_: KmsSigner, __: bytes) -> bytes:
        raise SignerError("KMS is throttling")

    bodies = [json.dumps(request(f"R-{n}", NOW)) for n in range(2)]
    with monkeypatch.context() as patch:
        patch.setattr(KmsSigner, "sign", throttled)
        for attempt in range(1, ATTEMPTS):
            assert failed(issue(event(bodies, attempt), cloud.context)) == ["m-0", "m-1"]
        assert cloud.dead() == []
        assert failed(issue(event(bodies[:1], ATTEMPTS), cloud.context)) == []
        (letter,) = cloud.dead()
        assert (letter["kind"], letter["reason"]) == ("SignerError", "KMS is throttling")
    assert failed(issue(event(bodies, 2), cloud.context)) == []
    assert sorted(answer["request_id"] for answer in cloud.answers()) == ["R-0", "R-1"]


def test_a_real_disabled_key_and_a_missing_table_are_told_in_words(cloud: Cloud, issue: IssueFunction) -> None:
    arn = cloud.settings.signer.removeprefix("awskms:")
    cloud.ministack.client("kms").disable_key(KeyId=arn)
    with pytest.raises(SignerError, match="the key is disabled"):
        issue(request("R-1", NOW), cloud.context)
    assert failed(issue(event([json.dumps(request("R-1", NOW))]), cloud.context)) == ["m-0"]
    by_url = issue(http(json.dumps(request("R-1", NOW))), cloud.context)
    assert by_url["statusCode"] == 503
    cloud.ministack.client("kms").enable_key(KeyId=arn)
    assert "text" in issue(request("R-1", NOW), cloud.context)
    cloud.ministack.client("dynamodb").delete_table(TableName=cloud.settings.table)
    with pytest.raises(LedgerError, match="no such table"):
        issue(request("R-2", NOW), cloud.context)
    assert failed(issue(event([json.dumps(request("R-2", NOW))]), cloud.context)) == ["m-0"]


def test_a_request_that_breaks_us_does_not_hold_up_the_others(
    cloud: Cloud, issue: IssueFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer = issue._issuer.get()
    many = issuer.issue_many

    def breaks(requests: Any) -> Any:
        if any(one.request_id == "R-3" for one in requests):
            raise ZeroDivisionError(HOLDER)
        return many(requests)

    monkeypatch.setattr(issuer, "issue_many", breaks)
    bodies = [json.dumps(request(f"R-{n}", NOW)) for n in range(6)]
    assert failed(issue(event(bodies), cloud.context)) == ["m-3"]
    assert len(cloud.answers()) == 5


def test_an_invocation_that_runs_out_of_time_keeps_what_it_has_signed(cloud: Cloud, issue: IssueFunction) -> None:
    class Running(Context):
        def get_remaining_time_in_millis(self) -> int:
            self.left -= 10
            return super().get_remaining_time_in_millis()

    bodies = [json.dumps(request(f"R-{n}", NOW)) for n in range(10)]
    left = [len(failed(issue(event(bodies), Running(left=60.0)))) for _ in range(6)]
    assert 10 > left[0] > left[1] > left[-1] == 0
    assert {answer["request_id"] for answer in cloud.answers()} == {f"R-{n}" for n in range(10)}


def test_answers_that_can_not_be_sent_bring_the_request_back(cloud: Cloud, issue: IssueFunction) -> None:
    body = json.dumps(request("R-1", NOW))
    sqs = cloud.ministack.client("sqs")
    sqs.delete_queue(QueueUrl=cloud.settings.answers)
    assert failed(issue(event([body, "poison"]), cloud.context)) == ["m-0", "m-1"]
    assert cloud.dead() == [], "its sender has not been told yet"
    name = cloud.settings.answers.rpartition("/")[2]
    sqs.create_queue(QueueName=name)
    assert failed(issue(event([body, "poison"], 2), cloud.context)) == []
    assert len(cloud.answers()) == 2
    assert len(cloud.dead()) == 1


@pytest.mark.parametrize(
    ("asked", "status", "error"),
    [
        (http("{"), 400, "JSON"),
        (http("x", isBase64Encoded=True), 400, "JSON"),
        ({"requestContext": {"http": {"method": "POST"}}, "body": 5}, 400, "JSON"),
        ({"requestContext": {"http": {"method": "GET"}}}, 405, "POST"),
        (http(json.dumps({"request_id": "R"})), 422, "missing"),
        (http(json.dumps([{}] * (GROUP + 1))), 422, f"at most {GROUP}"),
        (http("7"), 422, "expected an approved pass as an object, got int"),
        (http(json.dumps({"show": {"request_id": "nobody"}})), 422, "no pass"),
    ],
    ids=["half", "base64", "no text", "get", "missing", "many", "number", "unknown"],
)
def test_the_url_refuses_with_a_reason(
    shared: Cloud, shared_issue: IssueFunction, asked: dict[str, Any], status: int, error: str
) -> None:
    answer = shared_issue(asked, shared.context)
    assert answer["statusCode"] == status
    assert error in json.loads(answer["body"])["error"]


def test_a_list_is_answered_in_order_each_by_itself(shared: Cloud, shared_issue: IssueFunction) -> None:
    asked = [request("R-1", NOW), 7, {"request_id": "R-2"}, request("R-3", NOW)]
    answers = shared_issue(asked, shared.context)
    assert [("text" in answer, answer.get("request_id")) for answer in answers] == [
        (True, "R-1"), (False, None), (False, "R-2"), (True, "R-3"),
    ]  # fmt: skip


def test_a_revocation_is_durable_and_a_second_one_changes_nothing(cloud: Cloud, issue: IssueFunction) -> None:
    issued = issue(request("R-1", NOW), cloud.context)
    revoke = cloud.revoke()
    first = revoke({"pass_number": issued["pass_number"], "reason": "stolen"}, cloud.context)
    assert set(first) == {"pass_number", "request_id", "revoked_at"}
    assert revoke([{"request_id": "R-1"}], cloud.context) == [first]
    assert cloud.ledger().pending() != []
    assert issue({"show": {"request_id": "R-1"}}, cloud.context)["revoked_at"] == first["revoked_at"]


@pytest.mark.parametrize(
    "wanted", [{}, 7, {"pass_number": 7}, {"request_id": "a", "reason": 7}, {"request_id": "a", "why": "x"},
               {"request_id": "nobody"}, {"pass_number": "nonsense"}], ids=str,
)  # fmt: skip
def test_a_revocation_that_can_not_be_says_why(shared: Cloud, wanted: Any) -> None:
    assert "error" in shared.revoke()(wanted, shared.context)


@pytest.mark.parametrize(
    "bad", [{"request_id": "x" * 3000}, {"request_id": "R-1", "reason": "x" * 500_000}, {"request_id": "\ud800"}],
    ids=["long id", "long reason", "surrogate"],
)  # fmt: skip
def test_one_bad_entry_keeps_no_other_of_a_list_from_being_revoked(
    cloud: Cloud, issue: IssueFunction, bad: dict[str, str]
) -> None:
    issued = issue([request("R-1", NOW), request("R-2", NOW)], cloud.context)
    told = cloud.revoke()([bad, {"pass_number": issued[1]["pass_number"]}], cloud.context)
    assert "expected at most" in told[0]["error"]
    assert told[1]["request_id"] == "R-2"


def test_a_warm_function_knows_keys_that_came_since(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise it would miss reissues of a pass."""
    known, asked = [b"old"], []

    class Noting(Revoker):
        def __init__(self, kids: Iterable[bytes]) -> None:
            self.kids = list(kids)

        def revoke(self, **_: Any) -> Entry:
            asked.append(self.kids)
            return Entry("R-1", b"", 20779, 1, revoked_at=NOW)

    function = RevokeFunction(Reread(lambda: Noting(known)))
    known.append(b"new")
    function({"request_id": "R-1"}, Context())
    minute_later(monkeypatch)
    function({"request_id": "R-1"}, Context())
    assert asked == [[b"old"], [b"old", b"new"]]


def minute_later(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + KEYS_SECONDS + 1)


def test_a_warm_function_signs_nothing_with_a_key_that_was_denied_since(
    cloud: Cloud, issue: IssueFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "text" in issue(request("R-1", NOW), cloud.context)
    (kid,) = cloud.authority.held_keys
    ceremony_desk.deny(cloud.authority, kid, "leaked", int(time.time()))
    minute_later(monkeypatch)
    for _ in range(2):
        with pytest.raises(SignerError, match="has been revoked"):
            issue(request("R-2", NOW), cloud.context)
    assert failed(issue(event([json.dumps(request("R-2", NOW))]), cloud.context)) == ["m-0"]
    assert failed(issue(event([json.dumps(request("R-2", NOW))], ATTEMPTS), cloud.context)) == []
    (letter,) = cloud.dead()
    assert "has been revoked" in letter["reason"]


def test_a_warm_function_reads_the_keys_once_a_minute_and_goes_on_where_it_can_not(
    cloud: Cloud, issue: IssueFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoke = cloud.revoke()
    asked, read = [], S3Repository.read

    def counting(repository: S3Repository, name: str) -> bytes | None:
        asked.append(name)
        return read(repository, name)

    monkeypatch.setattr(S3Repository, "read", counting)
    for n in range(3):
        issue(request(f"R-{n}", NOW), cloud.context)
        revoke({"request_id": f"R-{n}"}, cloud.context)
    assert asked == []
    minute_later(monkeypatch)
    issue(request("R-3", NOW), cloud.context)
    once = len(asked)
    issue(request("R-4", NOW), cloud.context)
    assert len(asked) == once > 0

    def broken(*_: Any) -> None:
        raise RepositoryError("S3 is out of reach")

    monkeypatch.setattr(S3Repository, "read", broken)
    minute_later(monkeypatch)
    assert "text" in issue(request("R-5", NOW), cloud.context)
    assert "revoked_at" in revoke({"request_id": "R-5"}, cloud.context)


@pytest.mark.parametrize(
    "odd",
    [{"Records": 5}, {"Records": [{}]}, {"Records": [{"Sns": {"Message": "x"}}]}, {"requestContext": {}},
     {"requestContext": {"http": {}}}, {"Records": [{"messageId": "m", "body": 5, "attributes": {}}]}], ids=str,
)  # fmt: skip
def test_an_event_of_something_else_is_refused_and_logged(
    shared: Cloud, shared_issue: IssueFunction, odd: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(RequestError, match="expected"):
        shared_issue(odd, shared.context)
    assert "not for this function" in caplog.text
    assert "error" in shared.revoke()(odd, shared.context)
    assert "published" in shared.publish()(odd, shared.context)


@pytest.mark.parametrize(("number", "count"), [("3", "1"), ("-1", "0"), ("2", "2")])
def test_a_region_that_is_none_is_refused(number: str, count: str) -> None:
    with pytest.raises(IssuerError, match="REGION_NUMBER: expected 0 to"):
        FunctionSettings.from_environment({"MOVEPASS_REGION_NUMBER": number, "MOVEPASS_REGION_COUNT": count})


def test_a_key_that_devices_do_not_know_does_not_sign(shared: Cloud) -> None:
    settings = FunctionSettings.from_environment(
        {"MOVEPASS_TABLE": shared.settings.table, "MOVEPASS_REPOSITORY": shared.settings.repository}
        | {"MOVEPASS_SIGNER": f"awskms:{shared.ministack.key()}"}
    )
    with pytest.raises(IssuerError, match="devices do not know the key"):
        IssueFunction.open(settings)


def test_a_key_denied_at_the_desk_stays_denied_when_the_function_publishes(cloud: Cloud, tmp_path: Path) -> None:
    issued = cloud.issue()(request("R-1", NOW), cloud.context)
    (kid,) = cloud.authority.held_keys
    ceremony_desk.deny(cloud.authority, kid, "leaked", int(time.time()))
    assert "published" in cloud.publish()({}, cloud.context)
    cloud.enroll(tmp_path / "device")
    with Device.open(tmp_path / "device") as device:
        device.sync(str(cloud.mirror(tmp_path / "mirror")))
        assert device.verify(issued["text"]).verdict is Verdict.KEY_REVOKED
    with pytest.raises(IssuerError, match="has been revoked"):
        cloud.issue()


def test_the_head_of_a_decision_log_that_a_service_puts_there_is_published_beside_the_lists(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    repository = cloud.authority.repository

    def published() -> bytes | None:
        assert "published" in cloud.publish()({}, cloud.context)
        return PublishedLists.read(repository).target(HEAD_TARGET)

    assert published() is None
    found = None
    for size in (1, 2):
        checkpoint = Checkpoint(origin_of("00" * 32), size, bytes(32), NOW)
        head = sign_checkpoint(checkpoint, signer_from_uri(cloud.online.signer))
        repository.replace(HEAD, head, expected=found)
        assert published() == head
        found = head
    repository.replace(HEAD, b"no head", expected=found)
    assert published() == found, "the last one stays, and the lists go out"
    assert "the head of a decision log is not published" in caplog.text


def test_custodians_hold_their_ceremony_for_an_authority_whose_parts_are_elsewhere(
    cloud: Cloud, tmp_path: Path
) -> None:
    settings, online = cloud.settings, cloud.online.signer
    DynamoDbLedger.create(f"{settings.table}-other", client=cloud.ministack.client("dynamodb"))
    elsewhere = Elsewhere(
        f"dynamodb:{settings.table}-other", f"{settings.repository}/other", (settings.signer,), (online,)
    )
    begun = begin_authority(tmp_path / "begun", name="Begun", test=False, elsewhere=elsewhere)
    assert not begun.root_path.exists()
    ceremony_desk.hold_ceremony(begun, NOW, 4)
    opened = Authority.open(tmp_path / "begun")
    assert opened.pass_key is not None
    assert opened.root_path.read_bytes() == opened.repository.read("metadata/1.root.json")
    assert not (tmp_path / "begun" / "ledger.sqlite").exists()
    with opened.issuer() as issuer:
        assert issuer.issue(approved("R-1", NOW)).text.startswith("MP1:")
    with pytest.raises(IssuerError, match="holds a repository already"):
        begin_authority(tmp_path / "again", name="Again", test=False, elsewhere=elsewhere)


def test_a_publisher_that_meets_another_says_so_and_is_done(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    publish = cloud.publish()
    monkeypatch.setattr(publish._publisher, "_patience", 0)
    with cloud.authority.repository.lease():
        assert "another publisher is at work" in publish({}, cloud.context)["error"]
    assert "published" in publish({}, cloud.context)


def test_neither_logs_nor_errors_tell_what_a_pass_says(
    cloud: Cloud, issue: IssueFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = StringIO()
    monkeypatch.setattr(telemetry.logger.registered_handler, "stream", log)

    def broken(_: Any) -> Any:
        raise ValueError(f"could not do it for {HOLDER}")

    handler = telemetry.observed(issue.__call__)
    bad = [json.dumps(request("R-1", NOW, holder={"name": HOLDER, "id_type": HOLDER, "id_last": "4821"})), HOLDER]
    handler(event([*bad, json.dumps(request("R-2", NOW))]), cloud.context)
    monkeypatch.setattr(issue, "_answer", broken)
    with pytest.raises(IssuerError, match="ValueError at test_functions"):
        handler(request("R-3", NOW), cloud.context)
    said = log.getvalue()
    assert "dead letter" in said
    assert "a defect" in said
    assert not [text for text in (HOLDER, "4821", "MP1:", "DHAKA METRO") if text in said]


def forget_publications(cloud: Cloud) -> None:
    """Make the table one that was restored from a time before the newest publication."""
    client = cloud.ministack.client("dynamodb")
    for announced in cloud.ledger().announced():
        client.delete_item(TableName=cloud.settings.table, Key=_announced(announced))


def test_functions_write_nothing_to_a_table_that_was_restored(
    cloud: Cloud, issue: IssueFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a new process nor a warm one: the next index may be somebody else's."""
    revoke = cloud.revoke()
    issue(request("R-1", NOW), cloud.context)
    forget_publications(cloud)
    for opened in (cloud.issue, cloud.revoke):
        with pytest.raises(RestoredError, match="movepass recover"):
            opened()
    minute_later(monkeypatch)
    with pytest.raises(SignerError, match="movepass recover"):
        issue(request("R-2", NOW), cloud.context)
    assert failed(issue(event([json.dumps(request("R-2", NOW))]), cloud.context)) == ["m-0"]
    with pytest.raises(RestoredError, match="movepass recover"):
        revoke({"request_id": "R-1"}, cloud.context)
    assert cloud.ledger().find(["R-1", "R-2"])["R-1"].revoked_at is None
    assert not cloud.ledger().find(["R-2"])


def test_two_spellings_of_a_request_id_are_one_request_by_every_way_in(cloud: Cloud, issue: IssueFunction) -> None:
    one, other = "R\u00e9-\u09a1\u09bc1", " Re\u0301-\u09dc1\n"
    direct = issue(request(one, NOW), cloud.context)
    assert issue(request(other, NOW), cloud.context) == direct
    assert failed(issue(event([json.dumps(request(other, NOW))]), cloud.context)) == []
    assert cloud.answers() == [direct]
    assert issue({"show": {"request_id": other}}, cloud.context) == direct
    revoked = cloud.revoke()({"request_id": other}, cloud.context)
    assert (revoked["pass_number"], revoked["request_id"]) == (direct["pass_number"], one)
    refused = issue([request("X+1", NOW), request(f"{other}+", NOW), request("\ud800", NOW)], cloud.context)
    assert ["error" in answer for answer in refused] == [True] * 3
    assert cloud.revoke()([{"request_id": i} for i in ("\ud800", "X\ne0ea10e5", "x" * 5000)], cloud.context)
