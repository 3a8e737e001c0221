"""The functions killed before and after each call to AWS that they make: what is begun again ends as it should."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from support.cloud import Cloud, event, failed
from support.passes import request
from support.sampling import every_nth_of

from movepass_issuer.storage import s3_repository
from movepass_verifier import Device, Verdict


class Killed(BaseException):
    """As if the process had been killed: nothing of ours may catch it."""


class Life:
    """Every call to AWS that a process makes, until it is killed before or after one of them; then it makes none."""

    def __init__(self, *, ends_at: int | None = None, after: bool = False) -> None:
        self.calls: list[str] = []
        self.ends_at = ends_at
        self.after = after
        self.over = False

    @contextmanager
    def lived(self) -> Iterator["Life"]:
        make = BaseClient._make_api_call

        def call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            last = len(self.calls) == self.ends_at
            self.calls.append(f"{client.meta.service_model.service_name}:{operation}")
            if self.over or (last and not self.after):
                self._end()
            try:
                return make(client, operation, parameters)
            finally:
                if last:
                    self._end()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", call)
            yield self

    def _end(self) -> None:
        self.over = True
        raise Killed


def boundaries(run: Callable[[], object]) -> list[tuple[int, bool]]:
    """Find every place to be killed at, from a run that is not."""
    with Life().lived() as life:
        run()
    print(f"{2 * len(life.calls)} boundaries: before and after each of {', '.join(life.calls)}")
    return [(at, after) for at in range(len(life.calls)) for after in (False, True)]


def killed(run: Callable[[], object], at: int, *, after: bool) -> None:
    with Life(ends_at=at, after=after).lived() as life:
        try:
            run()
        except Killed:
            return
    assert life.over, f"there is no call {at}: {life.calls}"


def batch(begin: str, now: int) -> list[str]:
    """Write a batch as it may come: a request twice, one with two contents, one that is no request."""
    good = [request(f"{begin}-{n}", now) for n in range(3)]
    other = good[0] | {"reason": "something else"}
    return [json.dumps(document) for document in (*good, good[1], other)] + ["poison"]


@pytest.mark.parametrize("every", every_nth_of("calls to AWS at which issuing is killed", 11))
def test_killed_anywhere_while_issuing_each_request_has_one_pass_after_redelivery(cloud: Cloud, every: int) -> None:
    now = int(time.time())
    places = boundaries(lambda: cloud.issue()(event(batch("rehearsal", now)), cloud.context))
    for at, after in places[::every]:
        bodies = batch(f"R-{at}-{after}", now)
        killed(lambda bodies=bodies: cloud.issue()(event(bodies), cloud.context), at, after=after)  # type: ignore[misc]
        assert failed(cloud.issue()(event(bodies, attempt=2), cloud.context)) == []
        answers = cloud.answers()
        ids = [f"R-{at}-{after}-{n}" for n in range(3)]
        entries = cloud.ledger().find(ids)
        for request_id in ids:
            given = {a["text"] for a in answers if a.get("request_id") == request_id and "text" in a}
            assert given == {entries[request_id].text}, (at, after, request_id)
        assert {letter["kind"] for letter in cloud.dead()} == {"RequestError", "RequestConflictError"}, (at, after)
    assert len(places) > 20


@pytest.mark.parametrize("every", every_nth_of("calls to AWS at which revoking is killed", 7))
def test_killed_anywhere_while_revoking_the_pass_is_on_the_next_list_once_it_was_confirmed(
    cloud: Cloud, tmp_path: Path, every: int
) -> None:
    now = int(time.time())
    passes = cloud.issue()([request(f"R-{n}", now) for n in range(60)], cloud.context)
    unused = iter(passes)
    places = boundaries(lambda: cloud.revoke()({"pass_number": next(unused)["pass_number"]}, cloud.context))
    confirmed = []
    for at, after in places[::every]:
        one = next(unused)
        wanted = {"pass_number": one["pass_number"]}
        killed(lambda wanted=wanted: cloud.revoke()(wanted, cloud.context), at, after=after)  # type: ignore[misc]
        assert "revoked_at" in cloud.revoke()(wanted, cloud.context)
        confirmed.append(one)
    cloud.publish()({}, cloud.context)
    assert verdicts(cloud, tmp_path, confirmed) == {Verdict.REVOKED}
    assert verdicts(cloud, tmp_path, list(unused)) == {Verdict.VALID}


@pytest.mark.parametrize("every", every_nth_of("calls to AWS at which revoking in two regions is killed", 19))
def test_killed_anywhere_while_revoking_in_either_of_two_regions_both_lists_have_what_was_confirmed(
    pair: tuple[Cloud, Cloud], tmp_path: Path, every: int
) -> None:
    one, two = pair
    two.publish()({}, two.context)
    now = int(time.time())
    passes = one.issue()([request(f"R-{n}", now) for n in range(150)], one.context)
    unused, confirmed = iter(passes), []
    for taking in pair:
        places = boundaries(lambda: taking.revoke()({"pass_number": next(unused)["pass_number"]}, taking.context))  # noqa: B023
        assert len(places) > 20
        for at, after in places[::every]:
            confirmed.append(next(unused))
            wanted = {"pass_number": confirmed[-1]["pass_number"]}
            killed(lambda: taking.revoke()(wanted, taking.context), at, after=after)  # noqa: B023
            assert taking.revoke()(wanted, taking.context)["request_id"] == confirmed[-1]["request_id"]
    for cloud in (two, one, two):  # what one was not told at once it is told before the publication
        assert "error" not in cloud.publish()({}, cloud.context)
    for cloud in pair:
        assert {index for _, index in cloud.ledger().pending()} == set()
        assert verdicts(cloud, tmp_path / cloud.bucket, confirmed) == {Verdict.REVOKED}
        assert verdicts(cloud, tmp_path / cloud.bucket, list(unused)) == {Verdict.VALID}
        unused = iter(passes[-5:])


@pytest.mark.parametrize("every", every_nth_of("calls to AWS at which copying a publication is killed", 79))
def test_killed_anywhere_while_keeping_a_copy_the_next_copy_has_every_confirmed_revocation(
    pair: tuple[Cloud, Cloud], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    monkeypatch.setattr(s3_repository, "LEASE_SECONDS", 0)  # a lease that was left behind has run out
    one, two = pair
    passes = iter(one.issue()([request(f"R-{n}", int(time.time())) for n in range(200)], one.context))
    confirmed: list[dict[str, Any]] = []

    def publish_one() -> None:
        confirmed.append(next(passes))
        one.revoke()({"pass_number": confirmed[-1]["pass_number"]}, one.context)
        assert "published" in one.publish()({}, one.context)

    two.publish()({}, two.context)
    publish_one()
    places = boundaries(lambda: two.publish()({}, two.context))
    for at, after in places[::every]:
        publish_one()
        killed(lambda: two.publish()({}, two.context), at, after=after)
        verdicts(two, tmp_path, [])  # a device that syncs from what was left behind is content with it
        publish_one()
        assert "followed" in two.publish()({}, two.context)
        assert verdicts(two, tmp_path, confirmed[-2:]) == {Verdict.REVOKED}, (at, after)
    assert verdicts(two, tmp_path, confirmed) == {Verdict.REVOKED}
    assert verdicts(two, tmp_path, list(passes)) == {Verdict.VALID}
    assert len(places) > 40


@pytest.mark.parametrize("every", every_nth_of("calls to AWS at which publishing is killed", 21))
def test_killed_anywhere_while_publishing_the_next_list_has_every_confirmed_revocation(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    monkeypatch.setattr(s3_repository, "LEASE_SECONDS", 0)  # a lease that was left behind has run out
    now = int(time.time())
    passes = iter(cloud.issue()([request(f"R-{n}", now) for n in range(200)], cloud.context))
    confirmed: list[dict[str, Any]] = []

    def revoke_one() -> None:
        confirmed.append(next(passes))
        cloud.revoke()({"request_id": confirmed[-1]["request_id"]}, cloud.context)

    revoke_one()
    cloud.enroll(tmp_path / "device")
    places = boundaries(lambda: cloud.publish()({}, cloud.context))
    for at, after in places[::every]:
        revoke_one()
        killed(lambda: cloud.publish()({}, cloud.context), at, after=after)
        verdicts(cloud, tmp_path, [])  # a device that syncs from what was left behind is content with it
        revoke_one()
        assert "error" not in cloud.publish()({}, cloud.context)
        assert verdicts(cloud, tmp_path, confirmed[-2:]) == {Verdict.REVOKED}, (at, after)
    assert verdicts(cloud, tmp_path, confirmed) == {Verdict.REVOKED}
    assert verdicts(cloud, tmp_path, list(passes)) == {Verdict.VALID}
    assert len(places) > 20


def verdicts(cloud: Cloud, folder: Path, passes: list[dict[str, Any]]) -> set[Verdict]:
    """Sync a device from a copy of what is published, and give its verdicts."""
    if not (folder / "device").exists():
        cloud.enroll(folder / "device")
    mirror = cloud.mirror(folder / "mirror")
    with Device.open(folder / "device") as device:
        device.sync(str(mirror))
        return {device.verify(one["text"]).verdict for one in passes}
