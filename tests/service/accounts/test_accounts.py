"""Codes, sessions and budgets of registered numbers."""

import json
import re
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from movepass_service.accounts import Accounts, Budgets, Helper, TooManyCodes, WrongCode
from movepass_service.accounts.accounts import APPLICATIONS_SECONDS, CODE_SECONDS, OUTBOX, SESSION_SECONDS, TRIES_MAX

NOW = 1_795_802_400 + 3600
"""28 November 2026, one in the morning in Dhaka."""
PHONE, OTHER = "+8801712345678", "+8801712345679"
DAY = 86400


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    opened = Accounts.open(tmp_path, budgets=Budgets(number=3, prefix=5, day=7, pause_s=60))
    yield opened
    opened.close()


def send(accounts: Accounts, phone: str = PHONE, now: int = NOW) -> str:
    return accounts.send_code(phone, lambda prefix, code: f"{prefix}-{code}", now=now).id


def sent(folder: Path) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in (folder / OUTBOX).read_text().splitlines()]
    return [(line["phone"], line["text"]) for line in lines]


def last_code(folder: Path) -> str:
    return sent(folder)[-1][1][-6:]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_the_code_that_was_sent_opens_a_session(accounts: Accounts, tmp_path: Path) -> None:
    challenge = send(accounts)
    ((phone, text),) = sent(tmp_path)
    assert phone == PHONE
    assert re.fullmatch(r"[BCDFGHJ-NP-TV-Z]{2}-\d{6}", text)
    token = accounts.sign_in(challenge, text[-6:], now=NOW + CODE_SECONDS - 1)
    assert accounts.phone_of(token, now=NOW) == PHONE
    assert stat.S_IMODE((tmp_path / OUTBOX).stat().st_mode) == 0o600


def test_a_code_is_used_once(accounts: Accounts, tmp_path: Path) -> None:
    challenge = send(accounts)
    accounts.sign_in(challenge, last_code(tmp_path), now=NOW)
    with pytest.raises(WrongCode):
        accounts.sign_in(challenge, last_code(tmp_path), now=NOW)


def test_a_code_lasts_ten_minutes(accounts: Accounts, tmp_path: Path) -> None:
    challenge = send(accounts)
    with pytest.raises(WrongCode):
        accounts.sign_in(challenge, last_code(tmp_path), now=NOW + CODE_SECONDS)


def test_a_code_can_be_tried_five_times(accounts: Accounts, tmp_path: Path) -> None:
    challenge = send(accounts)
    code = last_code(tmp_path)
    for _ in range(TRIES_MAX):
        with pytest.raises(WrongCode):
            accounts.sign_in(challenge, wrong(code), now=NOW)
    with pytest.raises(WrongCode):
        accounts.sign_in(challenge, code, now=NOW)


@pytest.mark.parametrize("challenge", ["", "0" * 32, "x" * 5000])
@pytest.mark.parametrize("code", ["", "123456", "০১২৩৪৫", "x" * 5000])
def test_a_challenge_that_is_none_says_the_same(accounts: Accounts, challenge: str, code: str) -> None:
    with pytest.raises(WrongCode, match="not the code that was sent"):
        accounts.sign_in(challenge, code, now=NOW)


def test_the_code_of_one_challenge_opens_no_other(accounts: Accounts, tmp_path: Path) -> None:
    send(accounts)
    code = last_code(tmp_path)
    other = send(accounts, OTHER)
    if last_code(tmp_path) != code:
        with pytest.raises(WrongCode):
            accounts.sign_in(other, code, now=NOW)


def test_a_number_has_a_budget_and_a_pause(accounts: Accounts, tmp_path: Path) -> None:
    send(accounts)
    with pytest.raises(TooManyCodes) as soon:
        send(accounts, now=NOW + 20)
    assert soon.value.retry_after_s == 40
    send(accounts, now=NOW + 60)
    send(accounts, now=NOW + 120)
    with pytest.raises(TooManyCodes) as spent:
        send(accounts, now=NOW + 180)
    assert spent.value.retry_after_s == 23 * 3600 - 180
    assert len(sent(tmp_path)) == 3
    send(accounts, now=NOW + DAY)


def test_a_prefix_and_a_day_have_budgets(accounts: Accounts, tmp_path: Path) -> None:
    for last in range(5):
        send(accounts, f"+880171234567{last}")
    with pytest.raises(TooManyCodes):
        send(accounts, "+8801712345679")
    send(accounts, "+8801812345678")
    send(accounts, "+8801912345678")
    with pytest.raises(TooManyCodes):
        send(accounts, "+8801512345678")
    assert len(sent(tmp_path)) == 7


def test_a_session_ends_by_itself_or_when_it_is_told(accounts: Accounts, tmp_path: Path) -> None:
    token = accounts.sign_in(send(accounts), last_code(tmp_path), now=NOW)
    other = accounts.sign_in(send(accounts, OTHER), last_code(tmp_path), now=NOW)
    accounts.sign_out(token)
    assert accounts.phone_of(token, now=NOW) is None
    assert accounts.phone_of(other, now=NOW + SESSION_SECONDS - 1) == OTHER
    assert accounts.phone_of(other, now=NOW + SESSION_SECONDS) is None
    assert accounts.phone_of("", now=NOW) is None


def test_a_number_finds_its_own_applications_for_a_while(accounts: Accounts) -> None:
    accounts.remember(PHONE, [("A", "secret a"), ("B", "secret b")], now=NOW)
    accounts.remember(PHONE, [("A", "secret a"), ("C", "secret c")], now=NOW + 1)
    accounts.remember(OTHER, [("D", "secret d")], now=NOW)
    assert [reference for reference, _ in accounts.applications_of(PHONE, now=NOW + 2)] == ["C", "A", "B"]
    assert accounts.applications_of(OTHER, now=NOW) == [("D", "secret d")]
    assert accounts.applications_of(OTHER, now=NOW + APPLICATIONS_SECONDS) == []
    assert accounts.applications_of("+8801000000000", now=NOW) == []


def test_neither_codes_nor_tokens_are_kept_as_they_are(accounts: Accounts, tmp_path: Path) -> None:
    challenge = send(accounts)
    code = last_code(tmp_path)
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("accounts.sqlite3*"))
    assert challenge.encode() not in kept
    assert bytes.fromhex(challenge) not in kept
    token = accounts.sign_in(challenge, code, now=NOW)
    accounts.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("accounts.sqlite3*"))
    assert token.encode() not in kept
    assert b"0" + code.encode() not in kept


def test_what_is_kept_outlives_a_restart(tmp_path: Path) -> None:
    accounts = Accounts.open(tmp_path)
    token = accounts.sign_in(send(accounts), last_code(tmp_path), now=NOW)
    accounts.remember(PHONE, [("A", "s")], now=NOW)
    accounts.close()
    again = Accounts.open(tmp_path)
    assert again.phone_of(token, now=NOW) == PHONE
    assert again.applications_of(PHONE, now=NOW) == [("A", "s")]
    again.close()


def test_a_quota_holds_when_lists_are_sent_at_once(accounts: Accounts) -> None:
    helper = Helper("employer", "Padma Textiles", 10)
    accounts.appoint(PHONE, helper)
    assert accounts.helper_of(PHONE) == helper
    assert accounts.helper_of(OTHER) is None
    lists = [[accounts.row_id(PHONE, f"{n} {row}") for row in range(4)] for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        reserved = list(pool.map(lambda ids: accounts.reserve_rows(PHONE, helper, ids, now=NOW), lists))
    assert sum(map(len, reserved)) == 10
    assert accounts.quota_left(PHONE, helper, now=NOW) == 0
    for ids, before in zip(lists, reserved, strict=True):
        assert accounts.reserve_rows(PHONE, helper, ids, now=NOW) == before
    assert accounts.quota_left(PHONE, helper, now=NOW + DAY) == 10
    assert accounts.row_id(PHONE, "x") != accounts.row_id(OTHER, "x")
