"""Provide the commands for rule authors: service rules check, show, replay, activate."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from movepass_cli.inputs import InputError, ask_secret
from movepass_cli.main import REJECT, USAGE
from movepass_cli.options import PATH, data_option, example, json_option, language_option, option, plain_option
from movepass_cli.output import say, show_json, show_line
from movepass_cli.service.rules_shown import (
    change_json,
    findings_json,
    history_json,
    replay_json,
    show_findings,
    show_history,
    show_replay,
    show_table,
    table_json,
)
from movepass_cli.service.stores import AnyStore, StorePlace, maybe_place_option, open_store, place_option
from movepass_cli.service.user import machine_user
from movepass_keys import Signer, files, signer_from_uri
from movepass_service.decisions.records import console_actor
from movepass_service.rules.activation import ActivationError, Draft, make_activation, make_draft
from movepass_service.rules.archive import FOLDER, FolderArchive
from movepass_service.rules.check import check_table
from movepass_service.rules.columns import start_of_day
from movepass_service.rules.engine import RuleSet, default_rules
from movepass_service.rules.table import RULES_MAX_BYTES, RuleTableError
from movepass_service.stores.sqlite.replay_source import replay_past
from movepass_service.stores.sqlite.store import SqliteStore
from movepass_wire.times import iso, parse_day

_AUTHOR, _SUPERVISOR = "rule-author", "supervisor"
_CHANGES_SHOWN = 20
_ENGLISH = "en"
drafts_option = option(
    "--drafts", type=PATH, metavar="DIR",
    help="Where drafts and activations are kept; needed for a table, in a folder that both people reach.",
)  # fmt: skip
file_argument = click.argument("file", type=PATH, metavar="FILE")


@click.group()
def rules() -> None:
    """Check, show, try and activate the rules that decide about applications."""


def _since(ctx: click.Context, param: click.Parameter, value: str | None) -> int:  # noqa: ARG001 - click's
    try:
        return 0 if value is None else start_of_day(parse_day(value))
    except ValueError as e:
        raise click.BadParameter(str(e).replace("UTC day", "day")) from e


@rules.command(epilog=example("movepass service rules check rules.toml"))
@maybe_place_option
@json_option
@file_argument
def check(file: Path, data: StorePlace | None, *, as_json: bool) -> int:
    """Find gaps, rows that never decide, texts that nobody reads, and rows whose order alone decides.

    Every combination is tried, on every day. Exit code 1 if there is a gap, a dead row or an unused text. With --data,
    it also tells whether the version is still free.
    """
    with _table_faults(file, as_json=as_json):
        rule_set = _read(file)
    findings = check_table(rule_set.table)
    if data:
        with open_store(data) as store:
            _check_version(store, rule_set)
    if as_json:
        show_json({"file": str(file), "version": rule_set.version} | findings_json(findings))
    else:
        show_findings(rule_set.table, findings)
    return 0 if findings.is_sound else REJECT


@rules.command(
    epilog=example(
        "movepass service rules show rules.toml --language bn",
        "movepass service rules show --data my-authority/service",
    )
)
@maybe_place_option
@drafts_option
@language_option
@json_option
@click.argument("file", type=PATH, metavar="[FILE]", required=False)
def show(
    file: Path | None, data: StorePlace | None, drafts: Path | None, language: str | None, *, as_json: bool
) -> None:
    """Show a file of rules in words; without FILE, the rules in force, waiting drafts and earlier versions."""
    if file is not None:
        with _table_faults(file, as_json=as_json):
            table = _read(file).table
    elif data is not None:
        with open_store(data) as store:
            table = _in_force(store).table
    else:
        raise click.UsageError("name a FILE, or the service's folder by --data")
    archive = _find_archive(data, drafts)
    if as_json:
        show_json(table_json(table) | (history_json(archive) if archive else {}))
        return
    show_table(table, language or _ENGLISH)
    if archive:
        show_history(archive)


@rules.command("replay", epilog=example("movepass service rules replay rules.toml --data DIR --since 2021-04-14"))
@data_option
@plain_option("--since", callback=_since, metavar="DAY", help="Tell only of applications since this day in Dhaka.")
@json_option
@file_argument
def replay_(file: Path, data: Path, since: int, *, as_json: bool) -> None:
    """Show what FILE would have done to the applications that the service still has.

    Quotas are counted again in the order in which applications came. With --json there is a line for every
    application that would have been decided otherwise, then one with the counts.
    """
    with _table_faults(file, as_json=as_json):
        rule_set = _read(file)
    with open_store(data):  # reports clearly what is wrong with the folder
        pass
    result, changes = replay_past(data, rule_set, since=since, changes_max=None if as_json else _CHANGES_SHOWN)
    if not as_json:
        show_replay(result, changes)
        return
    for change in changes:
        show_json(change_json(change))
    show_json(replay_json(rule_set.version, result))


@rules.command(
    epilog=example(
        "movepass service rules activate rules.toml --data DIR --key file:rahima.pem --as Rahima",
        "movepass service rules activate rules.toml --data DIR --key file:kamal.pem --as Kamal --confirm",
        "movepass service rules activate rules.toml --data dynamodb:TABLE --drafts DIR --key awskms:ARN --as Rahima",
    )
)
@place_option
@drafts_option
@option("--key", required=True, metavar="URI", help="Your key: file:KEY.pem, hsm:1?label=TOKEN, awskms:ARN.")
@plain_option("--as", "person", required=True, metavar="NAME", help="Who signs: see service officer.")
@click.option("--confirm", is_flag=True, help="Confirm somebody else's draft of FILE: it is in force at once.")
@json_option
@file_argument
def activate(
    file: Path, data: StorePlace, drafts: Path | None, key: str, person: str, *, confirm: bool, as_json: bool
) -> None:
    """Sign FILE as its author, which leaves a draft, or --confirm another person's draft.

    The author is a rule author; who confirms is another rule author or a supervisor, with a key of their own.
    Applications that came before are decided by the rules that were in force then.
    """
    with _table_faults(file, as_json=as_json):
        rule_set = _read(file)
    archive = _find_archive(data, drafts)
    if archive is None:
        raise click.UsageError("a table keeps no drafts: name a folder that both people reach by --drafts")
    with open_store(data) as store:
        _check_version(store, rule_set)
        _check_role(store, person, (_AUTHOR, _SUPERVISOR) if confirm else (_AUTHOR,))
        signer = signer_from_uri(key, ask=ask_secret)
        now = int(time.time())
        if confirm:
            _confirm(archive, store, rule_set, person=person, signer=signer, now=now, as_json=as_json)
            return
        draft = make_draft(rule_set.table.source, author=person, signer=signer, now=now, archive=archive)
        archive.add(draft)
    if as_json:
        show_json(
            {"version": draft.version, "digest": draft.digest, "state": "draft", "author": person, "at": iso(now)}
        )
        return
    show_line(f"Version {draft.version} is a draft, signed by {person}. It is not in force.")
    show_line(f"A second person puts it into force: movepass service rules activate {file} --confirm")


def _confirm(
    archive: FolderArchive,
    store: AnyStore,
    rule_set: RuleSet,
    *,
    person: str,
    signer: Signer,
    now: int,
    as_json: bool,
) -> None:
    """Confirm a draft and pass it to the service. The next call finishes an interrupted one."""
    activation = next((a for a in archive.activations() if a.draft.version == rule_set.version), None)
    if activation is None:
        draft = _draft_of(archive, rule_set)
        activation = make_activation(draft, person=person, signer=signer, now=now, archive=archive)
        archive.confirm(activation)
    elif store.rules_text(rule_set.version) is not None:
        raise ActivationError(f"version {rule_set.version} was activated by {activation.confirmed_by} before")
    act = {
        "action": "activate-rules",
        "actor": console_actor(machine_user(), activation.confirmed_by),
        "author": activation.draft.author,
        "version": rule_set.version,
        "rules_digest": rule_set.digest,
        "activation": activation.digest,
    }
    store.add_rules(rule_set.version, activation.draft.source, now, act)
    if store.rules_in_force() != rule_set.version:
        raise ActivationError("the service has rules from a later time than now; set the clock right")
    if as_json:
        show_json(
            {"version": rule_set.version, "digest": rule_set.digest, "state": "in force", "number": activation.number}
            | {"author": activation.draft.author, "confirmed_by": activation.confirmed_by, "at": iso(now)}
        )
        return
    show_line(f"Version {rule_set.version} is in force for applications that come from now on.")
    show_line(f"Signed by {activation.draft.author}, confirmed by {activation.confirmed_by}.")


def _draft_of(archive: FolderArchive, rule_set: RuleSet) -> Draft:
    draft = next((draft for draft in archive.drafts() if draft.version == rule_set.version), None)
    if draft is None:
        raise ActivationError(f"there is no draft of version {rule_set.version}; its author makes it without --confirm")
    if draft.digest != rule_set.digest:
        raise ActivationError(
            f"the file is not what {draft.author} signed as version {draft.version}; get that file, and read it again"
        )
    return draft


def _check_version(store: AnyStore, rule_set: RuleSet) -> None:
    known = store.rules_text(rule_set.version)
    if known is not None and known != rule_set.table.source:
        raise ActivationError(
            f"version {rule_set.version} was in force with another text; write another version into the file"
        )
    if known is not None and store.rules_in_force() != rule_set.version:
        raise ActivationError(
            f"version {rule_set.version} was in force before, and a version is used once; write another into the file"
        )


def _check_role(store: AnyStore, person: str, roles: tuple[str, ...]) -> None:
    officer = store.officer(person)
    if officer is None:
        raise ActivationError(f"the service knows nobody called {person!r}; see movepass service officer add")
    if officer.role not in roles:
        raise ActivationError(f"{person} is {officer.role}; expected {' or '.join(roles)}")


def _in_force(store: AnyStore) -> RuleSet:
    version = store.rules_in_force()
    if version is None and not isinstance(store, SqliteStore):
        return default_rules()
    source = None if version is None else store.rules_text(version)
    if source is None:
        raise InputError("the service has no rules yet; start it once: movepass service run")
    return RuleSet.from_toml(source)


def _find_archive(data: StorePlace | None, drafts: Path | None) -> FolderArchive | None:
    """Return where drafts and activations are kept; None where nobody says it."""
    if drafts is not None:
        return FolderArchive(drafts)
    return FolderArchive(data / FOLDER) if isinstance(data, Path) else None


@contextmanager
def _table_faults(file: Path, *, as_json: bool) -> Iterator[None]:
    """Show every fault of a file on its own line, and exit with the code for unreadable input."""
    try:
        yield
    except RuleTableError as e:
        if as_json:
            faults = [{"where": fault.where, "message": fault.message} for fault in e.faults]
            show_json({"file": str(file), "sound": False, "faults": faults})
        else:
            for fault in e.faults:
                say(f"error: {file}: {fault}")
        raise click.exceptions.Exit(USAGE) from e


def _read(file: Path) -> RuleSet:
    try:
        opened, _ = files.open_regular(file)
        with opened:
            data = opened.read(RULES_MAX_BYTES + 1)
        return RuleSet.from_toml(data.decode())
    except OSError as e:
        raise InputError(f"can't read {file}: {e.strerror}") from e
    except UnicodeDecodeError as e:
        raise InputError(f"{file} is not UTF-8 text, from byte {e.start} on; save it as UTF-8") from e
