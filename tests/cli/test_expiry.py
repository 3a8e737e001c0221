"""Check what operators and officers see when the custodians' documents or the pass key end, with the real command.

Each authority is made as of some days ago, and everything after that happens today.
"""

import json
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from movepass_issuer.authority.ceremony_desk import propose_keys, publish_proposals
from movepass_issuer.authority.creation import create_authority
from movepass_issuer.authority.folder import Authority
from movepass_issuer.errors import NotAcceptedError
from movepass_keys.ceremony import custodian
from movepass_keys.ceremony.proposal import KeyChange, add_signature, sign_proposal
from movepass_wire.times import DAY_SECONDS, iso

from .conftest import HOUR, Movepass, Ran, make_request

Old = Callable[[int], Path]


@pytest.fixture
def old(tmp_path: Path) -> Old:
    """Make an authority as of some days ago. Its targets last 365 days, its root 730, its key to a midnight before."""

    def make(days: int) -> Path:
        folder = tmp_path / f"authority-{days}"
        create_authority(folder, name="Old", test=True, now=int(time.time()) - days * DAY_SECONDS)
        return folder

    return make


@pytest.fixture
def publish(movepass: Movepass) -> Callable[[Path], Ran]:
    return lambda authority: movepass("publish", "--authority", authority, "--clock-checked")


@pytest.fixture
def issue(movepass: Movepass) -> Callable[..., Ran]:
    def run(authority: Path, *requests: dict[str, object]) -> Ran:
        lines = "".join(json.dumps(request) + "\n" for request in requests or (make_request(),))
        return movepass("issue", "--authority", authority, "-", "--json", given=lines)

    return run


Publish = Callable[[Path], Ran]
Issue = Callable[..., Ran]


def test_a_new_authority_is_told_when_it_must_meet_again(movepass: Movepass, tmp_path: Path) -> None:
    ran = movepass("init", "--authority", tmp_path / "a")
    assert ran.code == 0
    for name in ("the custodians' root", "the custodians' list of pass keys", "the pass key"):
        assert f"{name} " in ran.out
    assert ran.out.count(" ends at 20") == 3


def test_far_from_any_end_nobody_is_bothered(movepass: Movepass, old: Old, publish: Publish, issue: Issue) -> None:
    authority = old(290)
    listed = movepass("keys", "list", "--authority", authority)
    for ran in (publish(authority), issue(authority), listed):
        assert (ran.code, ran.err) == (0, "")
    assert "in use\n" in listed.out


def test_from_sixty_days_before_everything_that_an_operator_does_says_so(
    movepass: Movepass, old: Old, publish: Publish, issue: Issue
) -> None:
    authority = old(310)
    published, issued = publish(authority), issue(authority, make_request("a"), make_request("b"))
    listed = movepass("keys", "list", "--authority", authority)
    assert published.out.startswith("Published at ")
    assert "in use, ends in 5" in listed.out
    for ran in (published, issued, listed):
        assert ran.code == 0
        assert ran.err.count("warning: the custodians' list of pass keys ends in 5") == 1
        assert ran.err.count("warning: the pass key ") == 1
        assert "movepass keys propose keys" in ran.err


def test_a_device_says_it_in_both_languages(movepass: Movepass, old: Old, publish: Publish, tmp_path: Path) -> None:
    authority, device = old(310), tmp_path / "device"
    publish(authority)
    root = authority / "repository" / "metadata" / "1.root.json"
    assert movepass("enroll", "--store", device, "--root", root, "--source", authority / "repository").code == 0
    assert movepass("sync", "--store", device).code == 0
    for command in ("status", "doctor"):
        english = movepass(command, "--store", device)
        assert english.code == 0
        assert "The authority's signed documents end at " in english.out
        assert "The authority's last key ends at " in english.out
        assert "কর্তৃপক্ষের শেষ চাবির মেয়াদ" in movepass(command, "--store", device, "--language", "bn").out
    ends = movepass("status", "--store", device, "--json").row["ends"]
    assert set(ends) == {"root", "targets", "pass-key"}


@pytest.mark.parametrize(
    ("days", "says", "act"),
    [(366, "the custodians' list of pass keys ended", "movepass keys propose keys"),
     (731, "the custodians' root ended", "movepass keys propose root")],
)  # fmt: skip
def test_what_devices_refuse_is_never_called_published(
    old: Old, publish: Publish, days: int, says: str, act: str
) -> None:
    ran = publish(old(days))
    assert (ran.code, ran.out) == (4, "")
    assert says in ran.err
    assert act in ran.err


def test_a_watching_publisher_says_it_at_once_and_goes_on(movepass: Movepass, launch: object, old: Old) -> None:
    authority = old(366)
    watcher = launch("publish", "--authority", authority, "--clock-checked", "--watch", 1, "--json")  # type: ignore[operator]
    rows = [json.loads(watcher.stdout.readline()) for _ in range(2)]
    assert all("not accepted by devices" in row["error"] for row in rows)
    assert movepass("keys", "list", "--authority", authority).code == 0


def test_a_revocation_waits_in_what_was_written_until_the_custodians_have_met(
    movepass: Movepass, old: Old, publish: Publish, issue: Issue, tmp_path: Path
) -> None:
    authority = old(366)
    renew(movepass, authority, tmp_path, with_key=True)
    (row,) = issue(authority).rows
    end_targets(authority)
    assert movepass("revoke", "--authority", authority, row["pass_number"]).code == 0
    ran = publish(authority)
    assert ran.code == 4
    assert "written, with 1 newly revoked, and not accepted by devices" in ran.err
    with closing(Authority.open(authority).ledger()) as ledger:
        assert ledger.pending() == []
    device, root = tmp_path / "device", authority / "repository" / "metadata" / "1.root.json"
    assert movepass("enroll", "--store", device, "--root", root, "--source", authority / "repository").code == 0
    refused = movepass("sync", "--store", device)
    assert refused.code == 4
    assert "the authority's signed documents have ended: it must renew them" in refused.err
    renew(movepass, authority, tmp_path)
    assert movepass("sync", "--store", device).code == 0
    assert movepass("verify", "--store", device, "--json", row["text"]).row["verdict"] == "revoked"


def test_an_ended_key_is_the_authoritys_fault(movepass: Movepass, old: Old, issue: Issue) -> None:
    authority = old(366)
    ran = issue(authority, make_request("a"), make_request("late", not_before=iso(0), not_after=iso(HOUR)))
    assert ran.code == 4
    mine, theirs = ran.rows
    assert "the authority's key " in mine["error"]
    assert "ended at " in mine["error"]
    assert "The request is right" in mine["error"]
    assert "is over" in theirs["error"]
    assert ran.err.count("ERROR: the pass key ") == 1
    assert "in use, ENDED at " in movepass("keys", "list", "--authority", authority).out


def test_a_pass_beyond_the_keys_end_is_the_authoritys_fault_and_hides_no_other(old: Old, issue: Issue) -> None:
    authority, now = old(362), int(time.time())  # its key ends within one to two days
    beyond = make_request("b", not_before=iso(now + 60 * HOUR), not_after=iso(now + 61 * HOUR))
    near = make_request("a")
    ran = issue(authority, beyond, near)
    assert ran.code == 4
    assert "before the pass does" in ran.rows[0]["error"]
    assert ran.rows[1]["request_id"] == "a"
    assert issue(authority, near).rows == ran.rows[1:]


def test_no_key_is_taken_into_use_that_is_not_valid(movepass: Movepass, old: Old, tmp_path: Path) -> None:
    authority, now = old(0), int(time.time())
    kid = movepass("keys", "new", "--authority", authority, "--json").row["kid"]
    hold_ceremony(movepass, authority, tmp_path / "keys", "--add", kid, "--from", iso(now + 2 * DAY_SECONDS))
    ran = movepass("keys", "use", kid, "--authority", authority, "--urgent")
    assert ran.code == 4
    assert f"the key {kid} is valid from " in ran.err
    assert "not valid yet" in movepass("keys", "list", "--authority", authority).out


def renew(movepass: Movepass, authority: Path, folder: Path, *, with_key: bool = False) -> None:
    """Have the custodians sign the pass keys again; with a new one, put it into use."""
    add: list[object] = []
    if with_key:
        kid = movepass("keys", "new", "--authority", authority, "--json").row["kid"]
        add = ["--add", kid]
    hold_ceremony(movepass, authority, folder / f"keys-{time.monotonic_ns()}", *add)
    assert movepass("publish", "--authority", authority, "--clock-checked").code == 0
    if with_key:
        assert movepass("keys", "use", kid, "--authority", authority, "--urgent").code == 0


def hold_ceremony(movepass: Movepass, authority: Path, proposal: Path, *change: object) -> None:
    assert movepass("keys", "propose", "keys", "--authority", authority, *change, "--out", proposal).code == 0
    for number in ("1", "2"):
        custodian, signature = authority / "custodians" / number, proposal.with_suffix(f".{number}")
        assert movepass("keys", "sign", proposal, "--key", custodian, "--out", signature, "--yes").code == 0
        assert movepass("keys", "collect", proposal, signature).code == 0
    movepass("keys", "publish", proposal, "--authority", authority)  # where its clock jumped, the next one is said to


def end_targets(authority: Path) -> None:
    """Put targets into force that ended yesterday."""
    opened, now = Authority.open(authority), int(time.time())
    proposal = propose_keys(opened, KeyChange(), now=now - 366 * DAY_SECONDS)
    for number in ("1", "2"):
        signature = sign_proposal(proposal, custodian.signer(authority / "custodians" / number, "targets"))
        proposal, _ = add_signature(proposal, signature)
    with pytest.raises(NotAcceptedError):
        publish_proposals(opened, [proposal], now)
