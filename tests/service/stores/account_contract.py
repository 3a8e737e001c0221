"""What every store of officers' accounts must keep; a subclass has a fixture `store`."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from movepass_service.errors import NotAllowed
from movepass_service.stores.accounts import (
    CLOSED,
    Challenge,
    Enrolment,
    KeptSession,
    NoSuchAccount,
    Passkey,
    StoreWithAccounts,
)
from movepass_service.stores.store import Officer

NOW = 1_795_800_000
NASRIN, RAHIM = Officer("Nasrin", "officer", "+8801712345678"), Officer("Rahim", "manager")
LINK, OTHER_LINK = b"a" * 32, b"b" * 32
KEY = Passkey(b"key", "Nasrin", b"cose", 7, NOW + 1)
SESSION = KeptSession(b"t" * 32, "Nasrin", "officer", KEY.id, b"g" * 32, NOW + 2, NOW + 2)


def act(action: str, at: int = NOW) -> dict[str, Any]:
    return {"action": action, "actor": "console:me", "officer": "Nasrin", "at": at}


def enrolled(store: StoreWithAccounts, passkey: Passkey = KEY) -> None:
    """Add Nasrin, and let her enrol a passkey."""
    store.add_officer(NASRIN, LINK, NOW, act("add-officer"))
    store.enrol(LINK, passkey, NOW + 1, act("enrol-passkey"))


def signed_in(store: StoreWithAccounts) -> None:
    enrolled(store)
    store.begin_session(SESSION, 8, 3)


class AccountContract:
    """The promises of stores.accounts.AccountStore."""

    def test_an_officer_is_found_by_the_name_as_it_was_written(self, store: StoreWithAccounts) -> None:
        store.add_officer(NASRIN, LINK, NOW, act("add-officer"))
        assert store.officer("Nasrin") == NASRIN
        assert store.officer("NASRIN") is None
        assert store.officer("Rahim") is None
        with pytest.raises(NotAllowed):
            store.add_officer(replace(RAHIM, name="ＮASRIN"), OTHER_LINK, NOW)  # noqa: RUF001 - looks the same
        assert store.enrolment(OTHER_LINK) is None
        store.add_officer(RAHIM, b"", NOW, asked_by="Dipa")
        shown = store.accounts()
        assert [one.officer for one in shown] == [NASRIN, RAHIM]
        assert [(one.link_made_at, one.asked_by, one.asked_at) for one in shown] == [(NOW, "", 0), (None, "Dipa", NOW)]
        assert len(store.handle("Nasrin")) == 32
        assert store.handle("Nasrin") == store.handle("Nasrin") != store.handle("Rahim")
        with pytest.raises(NoSuchAccount):
            store.handle("Karim")

    def test_a_name_is_given_to_one_of_many_who_ask_at_once(self, store: StoreWithAccounts) -> None:
        def add(number: int) -> bool:
            try:
                store.add_officer(replace(NASRIN, name="nasrin" if number % 2 else "Nasrin"), bytes([number] * 32), NOW)
            except NotAllowed:
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(add, range(6))) == 1
        assert len(store.accounts()) == 1

    def test_a_link_enrols_one_passkey_once(self, store: StoreWithAccounts) -> None:
        store.add_officer(NASRIN, LINK, NOW, act("add-officer"))
        assert store.enrolment(LINK) == Enrolment("Nasrin", NOW, replaces=False)
        assert store.enrolment(OTHER_LINK) is None

        def enrol(number: int) -> bool:
            try:
                store.enrol(LINK, replace(KEY, id=bytes([number])), NOW + 1, act("enrol-passkey"))
            except NoSuchAccount:
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(enrol, range(6))) == 1
        assert store.enrolment(LINK) is None
        (kept,) = store.passkeys_of("Nasrin")
        assert store.passkey(kept.id) == kept == replace(KEY, id=kept.id)
        assert store.passkey(b"another") is None
        assert store.accounts()[0].passkeys == 1

    def test_a_passkey_is_enrolled_for_one_officer_only(self, store: StoreWithAccounts) -> None:
        enrolled(store)
        store.add_officer(RAHIM, OTHER_LINK, NOW)
        with pytest.raises(NoSuchAccount):
            store.enrol(OTHER_LINK, replace(KEY, officer="Rahim"), NOW + 1, act("enrol-passkey"))
        assert store.enrolment(OTHER_LINK) == Enrolment("Rahim", NOW, replaces=False)
        assert store.passkeys_of("Rahim") == []

    def test_a_link_is_of_one_officer(self, store: StoreWithAccounts) -> None:
        store.add_officer(NASRIN, LINK, NOW)
        store.add_officer(RAHIM, OTHER_LINK, NOW)
        with pytest.raises(NoSuchAccount):
            store.enrol(OTHER_LINK, KEY, NOW + 1, act("enrol-passkey"))
        assert store.passkeys_of("Nasrin") == []

    def test_a_new_link_replaces_the_one_before_and_in_the_end_the_passkeys(self, store: StoreWithAccounts) -> None:
        signed_in(store)
        store.renew_enrolment("Nasrin", LINK, NOW + 3, act("renew-enrolment"))
        store.renew_enrolment("Nasrin", OTHER_LINK, NOW + 3, act("renew-enrolment"))
        assert store.enrolment(LINK) is None
        assert store.enrolment(OTHER_LINK) == Enrolment("Nasrin", NOW + 3, replaces=True)
        assert store.passkey(KEY.id) is not None
        store.enrol(OTHER_LINK, replace(KEY, id=b"new"), NOW + 4, act("enrol-passkey"))
        assert [kept.id for kept in store.passkeys_of("Nasrin")] == [b"new"]
        assert store.passkey(KEY.id) is None
        assert store.session(SESSION.token) is None
        with pytest.raises(NoSuchAccount):
            store.renew_enrolment("Karim", LINK, NOW, act("renew-enrolment"))

    def test_what_a_manager_asks_for_another_one_approves(self, store: StoreWithAccounts) -> None:
        enrolled(store)
        with pytest.raises(NoSuchAccount):
            store.approve_enrolment("Nasrin", "Dipa", LINK, NOW, act("approve-enrolment"))
        with pytest.raises(NoSuchAccount):
            store.drop_enrolment("Nasrin", NOW, act("refuse-enrolment"))
        store.ask_enrolment("Nasrin", "Rahim", NOW + 2, act("ask-enrolment"))
        with pytest.raises(NoSuchAccount):
            store.ask_enrolment("Nasrin", "Dipa", NOW + 3, act("ask-enrolment"))
        with pytest.raises(NoSuchAccount):
            store.approve_enrolment("Nasrin", "rahim", LINK, NOW + 4, act("approve-enrolment"))
        assert (store.accounts()[0].asked_by, store.accounts()[0].asked_at) == ("Rahim", NOW + 2)
        store.approve_enrolment("Nasrin", "Dipa", OTHER_LINK, NOW + 5, act("approve-enrolment"))
        assert store.enrolment(OTHER_LINK) == Enrolment("Nasrin", NOW + 5, replaces=True)
        assert store.accounts()[0].asked_by == ""
        store.ask_enrolment("Nasrin", "Rahim", NOW + 6, act("ask-enrolment"))
        store.drop_enrolment("Nasrin", NOW + 7, act("refuse-enrolment"))
        assert store.accounts()[0].asked_by == ""

    def test_a_challenge_is_taken_once(self, store: StoreWithAccounts) -> None:
        for browser, enrolment in ((b"1" * 32, None), (b"2" * 32, LINK)):
            challenge = Challenge(b"value", enrolment, NOW)
            store.put_challenge(browser, Challenge(b"before", None, NOW), 10, NOW - 300)
            store.put_challenge(browser, challenge, 10, NOW - 300)
            with ThreadPoolExecutor(6) as pool:
                taken = list(pool.map(store.take_challenge, [browser] * 6))
            assert [one for one in taken if one] == [challenge]
            assert store.take_challenge(browser) is None

    def test_a_session_lasts_until_it_is_ended(self, store: StoreWithAccounts) -> None:
        signed_in(store)
        assert store.session(SESSION.token) == SESSION
        assert store.session(b"x" * 32) is None
        kept = store.passkey(KEY.id)
        assert kept is not None
        assert (kept.sign_count, kept.used_at) == (8, SESSION.began_at)
        assert (store.accounts()[0].sessions, store.accounts()[0].used_at) == (1, SESSION.began_at)
        store.touch_session(SESSION.token, NOW + 50)
        store.touch_session(SESSION.token, NOW + 40)
        assert store.session(SESSION.token) == replace(SESSION, seen_at=NOW + 50)
        store.end_session(SESSION.token)
        store.end_session(SESSION.token)
        store.end_session(b"x" * 32)
        store.touch_session(SESSION.token, NOW + 60)
        assert store.session(SESSION.token) is None

    def test_of_an_officers_sessions_the_oldest_end(self, store: StoreWithAccounts) -> None:
        enrolled(store)
        for number in range(5):
            at = SESSION.began_at + number
            store.begin_session(replace(SESSION, token=bytes([number] * 32), began_at=at), 8 + number, 3)
        alive = [number for number in range(5) if store.session(bytes([number] * 32))]
        assert alive == [2, 3, 4]

    @pytest.mark.parametrize("change", ["stopped", "role", "closed", "count", "unknown"])
    def test_no_session_begins_once_something_has_changed(self, store: StoreWithAccounts, change: str) -> None:
        enrolled(store)
        session = SESSION
        if change == "stopped":
            store.stop_passkey(KEY.id, NOW + 2, act("stop-copied-passkey"))
        elif change == "role":
            store.change_role("Nasrin", "auditor", NOW + 2, act("change-role"))
        elif change == "closed":
            store.set_disabled("Nasrin", NOW + 2, act("close-account"), disabled=True)
        elif change == "unknown":
            session = replace(SESSION, passkey=b"another")
        with pytest.raises(NoSuchAccount):
            store.begin_session(session, 7 if change == "count" else 8, 3)
        assert store.session(SESSION.token) is None

    def test_a_counter_moves_on_once(self, store: StoreWithAccounts) -> None:
        enrolled(store)

        def begin(number: int) -> bool:
            try:
                store.begin_session(replace(SESSION, token=bytes([number] * 32)), 8, 9)
            except NoSuchAccount:
                return False
            return True

        with ThreadPoolExecutor(5) as pool:
            assert sum(pool.map(begin, range(5))) == 1

    def test_a_passkey_stops_for_ever(self, store: StoreWithAccounts) -> None:
        signed_in(store)
        store.stop_passkey(KEY.id, NOW + 3, act("stop-copied-passkey"))
        store.stop_passkey(KEY.id, NOW + 4, act("stop-copied-passkey"))
        store.stop_passkey(b"another", NOW + 4, act("stop-copied-passkey"))
        assert store.passkey(KEY.id) is None
        assert store.session(SESSION.token) is None
        actions = [record["action"] for record in store.administration(10)]
        assert actions == ["stop-copied-passkey", "enrol-passkey", "add-officer"]

    def test_a_new_role_ends_sessions_and_for_a_manager_all_that_signs_in(self, store: StoreWithAccounts) -> None:
        signed_in(store)
        with pytest.raises(NoSuchAccount):
            store.change_role("Nasrin", "officer", NOW, act("change-role"))
        store.change_role("Nasrin", "supervisor", NOW + 3, act("change-role"))
        assert store.officer("Nasrin") == replace(NASRIN, role="supervisor")
        assert store.session(SESSION.token) is None
        assert store.passkey(KEY.id) is not None
        store.renew_enrolment("Nasrin", OTHER_LINK, NOW + 4, act("renew-enrolment"))
        store.change_role("Nasrin", "manager", NOW + 5, act("change-role"), asked_by="Dipa")
        assert store.passkey(KEY.id) is None
        assert store.enrolment(OTHER_LINK) is None
        assert (store.accounts()[0].asked_by, store.accounts()[0].asked_at) == ("Dipa", NOW + 5)

    def test_a_closed_account_allows_nothing_and_opens_as_it_was(self, store: StoreWithAccounts) -> None:
        signed_in(store)
        store.ask_enrolment("Nasrin", "Rahim", NOW + 2, act("ask-enrolment"))
        store.set_disabled("Nasrin", NOW + 3, act("close-account"), disabled=True)
        assert store.officer("Nasrin") == replace(NASRIN, role=CLOSED)
        assert store.session(SESSION.token) is None
        assert store.passkey(KEY.id) is None
        (shown,) = store.accounts()
        assert (shown.officer, shown.disabled_at, shown.asked_by) == (NASRIN, NOW + 3, "")
        with pytest.raises(NoSuchAccount):
            store.set_disabled("Nasrin", NOW + 4, act("close-account"), disabled=True)
        store.set_disabled("Nasrin", NOW + 5, act("open-account"), disabled=False)
        assert store.officer("Nasrin") == NASRIN
        assert store.passkey(KEY.id) is not None
        with pytest.raises(NoSuchAccount):
            store.set_disabled("Nasrin", NOW + 6, act("open-account"), disabled=False)

    def test_sessions_are_ended_and_counted(self, store: StoreWithAccounts) -> None:
        signed_in(store)
        assert store.end_sessions("Nasrin", NOW + 3, act("end-sessions")) == 1
        assert store.end_sessions("Nasrin", NOW + 3, act("end-sessions")) == 0
        assert store.session(SESSION.token) is None
        with pytest.raises(NoSuchAccount):
            store.end_sessions("Karim", NOW, act("end-sessions"))

    def test_sessions_that_are_over_are_forgotten(self, store: StoreWithAccounts) -> None:
        enrolled(store)
        for number, (began, seen) in enumerate([(100, 100), (100, 200), (0, 200)]):
            session = replace(SESSION, token=bytes([number] * 32), began_at=NOW + began, seen_at=NOW + seen)
            store.begin_session(session, 8 + number, 9)
        store.forget_sessions(NOW + 100, NOW)
        assert [bool(store.session(bytes([number] * 32))) for number in range(3)] == [False, True, False]

    def test_every_change_has_its_record_in_the_log(self, store: StoreWithAccounts) -> None:
        before = store.log_size()
        signed_in(store)
        store.ask_enrolment("Nasrin", "Rahim", NOW + 9, act("ask-enrolment", NOW + 9))
        records = store.administration(2)
        assert [record["action"] for record in records] == ["ask-enrolment", "enrol-passkey"]
        assert store.log_size() == before + 3
        assert len(list(store.records(store.log_size()))) == 3
        with pytest.raises(NoSuchAccount):
            store.ask_enrolment("Nasrin", "Rahim", NOW + 9, act("ask-enrolment"))
        assert store.log_size() == before + 3
