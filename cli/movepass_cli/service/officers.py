"""Provide the commands about officers and decisions: service cases, decide, officer."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from movepass_cli.inputs import InputError
from movepass_cli.options import data_option, example, json_option, plain_option
from movepass_cli.output import show_json, show_line
from movepass_cli.service.stores import AnyStore, StorePlace, open_store, place_option
from movepass_cli.service.user import machine_user
from movepass_service.accounts import Accounts
from movepass_service.accounts.accounts import FILE as ACCOUNTS
from movepass_service.applications.application import Application
from movepass_service.decisions import officers
from movepass_service.decisions.desk import Desk
from movepass_service.decisions.officers import DESK_DEFAULT, DESK_URL
from movepass_service.decisions.records import console_actor
from movepass_service.rules.kept import KeptRules
from movepass_service.settings import Settings
from movepass_service.stores.kept import Kept
from movepass_service.stores.sqlite.store import SqliteStore
from movepass_wire import WireError
from movepass_wire.codes import DISTRICTS, REASONS
from movepass_wire.times import iso, local
from movepass_wire.trip_json import trip_to_json


@contextmanager
def _open_service(data: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(data, create=False)) as store:
        yield store


@contextmanager
def _open_desk(data: Path, store: SqliteStore) -> Iterator[Desk]:
    """Open the desk's core; the registered numbers are known where there are any."""
    accounts = Accounts.open(data) if (data / ACCOUNTS).exists() else None
    try:
        yield Desk(store, KeptRules(store), accounts)
    finally:
        if accounts is not None:
            accounts.close()


@click.command(epilog=example("movepass service cases --data my-authority/service"))
@data_option
@json_option
def cases(data: Path, *, as_json: bool) -> None:
    """List the applications that wait for an officer, most urgent first."""
    with _open_service(data) as store:
        waiting = officers.waiting_cases(store)
        histories = {case.number: store.history(case.number) for case in waiting if as_json}
    for case in waiting:
        if as_json:
            show_json(_case_json(case, histories[case.number]))
        else:
            show_line(_case_line(case))
    if not waiting and not as_json:
        show_line("No application waits for an officer.")


def _case_json(case: Kept, history: list[dict[str, Any]]) -> dict[str, Any]:
    application = _content(case)
    code, texts = case.reason or ("", {})
    behalf = application.on_behalf_of if application else None
    return {
        "reference": case.reference,
        "state": str(case.state),
        "since": iso(case.since),
        "received": iso(case.received_at),
        "urgent": case.is_urgent,
        "reason": {"code": code, "text": texts.get("en", "")},
        "application": trip_to_json(application.trip) if application else None,
        "history": [_record_json(record) for record in history],
    } | ({"on_behalf_of": behalf} if behalf else {})


def _content(case: Kept) -> Application | None:
    """Read an application; one that is damaged must not hide the other cases."""
    try:
        return case.application()
    except (WireError, ValueError, LookupError, TypeError):
        return None


def _record_json(record: dict[str, Any]) -> dict[str, Any]:
    shown = {key: record[key] for key in ("action", "actor", "code", "row", "note") if key in record}
    return {"at": iso(record["at"])} | shown


def _case_line(case: Kept) -> str:
    urgent = "URGENT  " if case.is_urgent else ""
    head = f"{case.reference}  {urgent}{case.state} since {local(case.since)}: "
    application = _content(case)
    if application is None:
        return head + "its content can't be read"
    trip = application.trip
    reason = str(REASONS.key(trip.reason)) if isinstance(trip.reason, int) else trip.reason
    places = " to ".join(str(DISTRICTS.key(place.district)) for place in (trip.origin, trip.destination))
    return head + f"{trip.holder_name}, {places}, {reason}, from {local(trip.not_before)}"


@click.command(
    epilog=example(
        "movepass service decide --data DIR 26BM-47PX-HR00 approve --as 'Nasrin Akter'",
        "movepass service decide --data DIR 26BM-47PX-HR00 reject --as 'Nasrin Akter' --reason details-wrong",
    )
)
@data_option
@click.argument("reference")
@click.argument("action", type=click.Choice(officers.ACTIONS))
@plain_option("--as", "officer", required=True, metavar="OFFICER", help="Who decides: see service officer.")
@plain_option("--reason", type=click.Choice(list(officers.REASONS)), metavar="CODE", help="What the applicant is told.")
@plain_option("--note", metavar="TEXT", help="For the record; the applicant does not read it.")
@json_option
def decide(
    data: Path, reference: str, action: str, officer: str, reason: str | None, note: str | None, *, as_json: bool
) -> None:
    """Decide an application as an officer, and record who did.

    For a TEST authority, or where service.toml has console_decisions = true: the desk asks officers for a passkey, this
    command does not, and the record says so ("console:USER as OFFICER"). It keeps the desk's rules: a case that another
    officer has open is refused, and so is an application from the officer's own telephone. Where two officers are
    needed, the first approval waits; the same command as another officer confirms it.
    """
    with _open_service(data) as store:
        if store.noted("is_test") != b"1" and not Settings.load(data).console_decisions:
            raise InputError(
                f"decisions by command are for TEST authorities; console_decisions = true in {data / 'service.toml'} "
                "allows them"
            )
        officer = officers.plain_name(officer)
        actor, now = console_actor(machine_user(), officer), int(time.time())
        with _open_desk(data, store) as desk:
            done = officers.decide(
                desk, reference, action, officer=officer, actor=actor, now=now, code=reason, note=note
            )
    waits = {"waits_for": "second-officer"} if done.proposal else {}
    if as_json:
        show_json({"reference": reference, "state": str(done.state), "actor": actor, "at": iso(now)} | waits)
    else:
        show_line(f"{reference} is {done.state}." + (" Another officer must confirm the approval." if waits else ""))


@click.group()
def officer() -> None:
    """Add officers, and give them new enrolment links."""


desk_url_option = plain_option(
    "--desk-url", metavar="URL", help="The desk's address in the link; without it the one where it was served last."
)


@officer.command(
    epilog=example(
        "movepass service officer add 'Nasrin Akter' --role officer --data DIR",
        "movepass service officer add Rahima --role manager --data dynamodb:TABLE --desk-url https://desk.example.gov.bd",
    )
)
@place_option
@click.argument("name")
@plain_option("--role", type=click.Choice(officers.ROLES), required=True)
@plain_option("--phone", metavar="NUMBER", help="The officer's own: applications from it are for other officers.")
@desk_url_option
@json_option
def add(data: StorePlace, name: str, role: str, phone: str | None, desk_url: str | None, *, as_json: bool) -> None:
    """Add an officer and print the link with which they set up their passkey: once, within 24 hours.

    Give it to the officer in person: whoever opens it first becomes this officer.
    """
    with open_store(data) as store:
        _check_desk_url(data, desk_url)
        enrolment = officers.add_officer(store, name, role, int(time.time()), phone, _console())
        _show_link(store, enrolment, desk_url, as_json=as_json)


@officer.command(epilog=example("movepass service officer enrol 'Nasrin Akter' --data DIR"))
@place_option
@click.argument("name")
@desk_url_option
@json_option
def enrol(data: StorePlace, name: str, desk_url: str | None, *, as_json: bool) -> None:
    """Print a new enrolment link for an officer who lost their passkey.

    Using it ends the earlier passkeys and sessions. At the desk two managers do this; the command is for a desk with
    fewer managers, and the log says that it was used.
    """
    with open_store(data) as store:
        _check_desk_url(data, desk_url)
        enrolment = officers.renew_link(store, name, int(time.time()), _console())
        _show_link(store, enrolment, desk_url, as_json=as_json)


def _check_desk_url(data: StorePlace, desk_url: str | None) -> None:
    """Refuse to make a link of which only its address is unknown: a table does not hold the desk's."""
    if desk_url is None and not isinstance(data, Path):
        raise click.UsageError("name the desk's address by --desk-url: the link leads there")


def _console() -> str:
    return f"{officers.CONSOLE}:{machine_user()}"


def _show_link(store: AnyStore, enrolment: officers.Enrolment, desk_url: str | None, *, as_json: bool) -> None:
    served = store.noted(DESK_URL)
    link = officers.enrolment_link(desk_url or (served.decode() if served else DESK_DEFAULT), enrolment.secret)
    name, role = enrolment.officer.name, enrolment.officer.role
    if as_json:
        show_json({"name": name, "role": role, "enrolment_link": link})
    else:
        show_line(f"{name} is {role}. Enrolment link, shown only now, works once within 24 hours: {link}")
