"""movepass dlq: the queue of what no pass came of, as the person who looks after it has it."""

import json
import threading
import time
from collections.abc import Sequence
from threading import Event

import pytest
from botocore.exceptions import ReadTimeoutError
from click.testing import CliRunner, Result
from support.cloud import Cloud, event
from support.passes import HOLDER, request

from movepass_cli.main import cli
from movepass_issuer.aws import dead_letters, queues
from movepass_issuer.aws.dead_letters import DeadLetters, SameQueueError
from movepass_issuer.aws.queues import QueueError
from movepass_keys.aws import Patience

NOW = int(time.time())


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty queue of ministack's is empty at once."""
    monkeypatch.setattr(dead_letters, "_WAIT_SECONDS", 0)


@pytest.fixture
def requests(cloud: Cloud) -> str:
    """A request queue that nothing reads; its URL."""
    name = cloud.settings.dead_letters.rpartition("/")[2].replace("dead", "requests")
    return str(cloud.ministack.client("sqs").create_queue(QueueName=name)["QueueUrl"])


@pytest.fixture
def letters(cloud: Cloud) -> list[str]:
    """Three dead letters, oldest first; their ids."""
    issue = cloud.issue()
    for body in ("poison", json.dumps(request("R-1", NOW, colour="red")), json.dumps({"holder": {"name": HOLDER}})):
        issue(event([body]), cloud.context)
        time.sleep(0.01)
    return [row["id"] for row in rows(dlq(cloud, "list", "--json"))]


def dlq(cloud: Cloud, command: str, *arguments: str, queue: str | None = None) -> Result:
    url = queue or cloud.settings.dead_letters
    return CliRunner().invoke(cli, ["dlq", command, "--dead-letters", url, *arguments])


def rows(result: Result) -> list[dict[str, str]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def bodies(cloud: Cloud, url: str) -> list[str]:
    return [message["Body"] for message in cloud.taken(url)]


def test_letters_are_not_sent_to_the_queue_they_come_from(cloud: Cloud, letters: Sequence[str]) -> None:
    before = rows(dlq(cloud, "list", "--json"))
    for url in (cloud.settings.dead_letters, cloud.settings.dead_letters + "/"):
        done = dlq(cloud, "replay", "--requests", url, "--all")
        assert isinstance(done.exception, SameQueueError)
        assert "expected the request queue" in str(done.exception)
    assert rows(dlq(cloud, "list", "--json")) == before
    assert len(before) == len(letters)


def test_a_list_shows_reasons_and_requests_only_when_asked_and_takes_nothing_away(
    cloud: Cloud, letters: Sequence[str]
) -> None:
    shown = dlq(cloud, "list").stdout
    assert "not a JSON object" in shown
    assert "colour: unknown" in shown
    assert HOLDER not in shown
    assert HOLDER in dlq(cloud, "list", "--with-requests").stdout
    assert [row["id"] for row in rows(dlq(cloud, "list", "--json"))] == letters


def test_what_is_sent_again_is_in_the_request_queue_as_it_came_and_gone_from_here(
    cloud: Cloud, letters: Sequence[str], requests: str
) -> None:
    rows(dlq(cloud, "replay", "--requests", requests, "--json", letters[0]))
    assert bodies(cloud, requests) == ["poison"]
    assert [row["id"] for row in rows(dlq(cloud, "list", "--json"))] == letters[1:]
    rows(dlq(cloud, "replay", "--requests", requests, "--json", "--all"))
    assert len(bodies(cloud, requests)) == 2
    assert dlq(cloud, "list").stdout == "There are none.\n"


def test_what_is_dropped_is_gone(cloud: Cloud, letters: Sequence[str]) -> None:
    assert dlq(cloud, "drop", letters[1]).stdout == "1 deleted.\n"
    assert [row["id"] for row in rows(dlq(cloud, "list", "--json"))] == [letters[0], letters[2]]


def test_a_slip_in_an_id_does_nothing(cloud: Cloud, letters: Sequence[str], requests: str) -> None:
    for command in (("drop",), ("replay", "--requests", requests)):
        result = dlq(cloud, *command, letters[0], "nonsense")
        assert "no such letter: nonsense" in str(result.exception)
    assert dlq(cloud, "drop").exit_code == 2
    assert dlq(cloud, "drop", "--all", letters[0]).exit_code == 2
    assert len(rows(dlq(cloud, "list", "--json"))) == len(letters)
    assert bodies(cloud, requests) == []


def test_letters_that_can_not_be_sent_stay(cloud: Cloud, letters: Sequence[str]) -> None:
    nowhere = cloud.settings.dead_letters.replace("dead", "nowhere")
    result = dlq(cloud, "replay", "--requests", nowhere, "--all")
    assert f"{letters[0]} could not be sent: {nowhere}" in str(result.exception)
    assert [row["id"] for row in rows(dlq(cloud, "list", "--json"))] == letters


def test_a_queue_that_is_not_there_is_said_so(cloud: Cloud) -> None:
    result = dlq(cloud, "list", queue=cloud.settings.dead_letters.replace("dead", "nowhere"))
    assert "there is no such queue" in str(result.exception)


def test_a_queue_that_does_not_answer_in_time_is_said_so() -> None:
    class Silent:
        def send_message_batch(self, **_: object) -> None:
            raise ReadTimeoutError(endpoint_url="http://queue")

    sent = queues.send(Silent(), "http://queue", [queues.QueueMessage("a", "b")])
    assert sent == {"a": "http://queue: ReadTimeoutError"}


def test_a_queue_whose_answer_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Botocore's limits begin again with every byte, so a queue that sends one a second would hold an invocation up."""
    monkeypatch.setattr(queues, "_PATIENCE", Patience(0.2, connect=0.1, read=0.1, backoff_first=0, backoff_max=0))
    answered, threads = Event(), threading.active_count()

    class Dripping:
        def send_message_batch(self, **_: object) -> dict[str, object]:
            answered.wait(20)
            return {}

        def receive_message(self, **_: object) -> dict[str, object]:
            answered.wait(20)
            return {}

    try:
        sent = queues.send(Dripping(), "http://queue", [queues.QueueMessage("a", "b")])
        assert sent == {"a": "http://queue: OverdueError"}
        with pytest.raises(QueueError, match="OverdueError"), DeadLetters("http://queue", client=Dripping()).held():
            pytest.fail("it was not read")
    finally:
        answered.set()
        while threading.active_count() > threads:
            time.sleep(0.01)
