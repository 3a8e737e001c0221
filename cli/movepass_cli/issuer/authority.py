"""Provide the commands of an authority: init, issue, show, revoke."""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import click

from movepass_cli.inputs import InputError, open_requests, split_requests, write_picture
from movepass_cli.issuer.endings import describe_end, warn_of_endings
from movepass_cli.main import DONE, FAILED, USAGE
from movepass_cli.options import (
    PATH,
    alg_option,
    authority_option,
    days_ahead_option,
    example,
    json_option,
    option,
    plain_option,
)
from movepass_cli.output import say, show_json, show_line, show_rows
from movepass_issuer import ApprovedPass, Issuer, IssuerError, RequestError, SignedPass
from movepass_issuer.authority.creation import Elsewhere, begin_authority, create_authority
from movepass_issuer.authority.folder import LEDGER, REPOSITORY, Authority
from movepass_issuer.errors import KeyPeriodError
from movepass_issuer.issuing import answers
from movepass_issuer.issuing.approved import REQUEST_MAX_BYTES
from movepass_issuer.issuing.issuer import GROUP
from movepass_issuer.printing.card import UnprintableError, check_shaping, format_of
from movepass_issuer.storage.opening import is_remote
from movepass_keys.records.algorithms import BY_NAME
from movepass_verifier.officer.shown import trip_rows
from movepass_wire import format_number
from movepass_wire.times import iso, local
from movepass_words import words

png_option = option("--png", type=PATH, metavar="F", help="Write the QR code as PNG; for many, into the folder F.")
card_option = option(
    "--card",
    type=PATH,
    metavar="F",
    help="Write a card to print, PNG or PDF by its ending; for many, into the folder F.",
)


@click.command(
    epilog=example(
        "movepass init --authority my-authority --name 'Dhaka trial'",
        "movepass init --authority aws --ledger dynamodb:TABLE --repository s3://BUCKET --pass-signer awskms:ARN …",
    )
)
@authority_option
@plain_option("--name", default="TEST authority", show_default=True, help="What officers see.")
@plain_option("--production", is_flag=True, help="Not a TEST authority: its passes count.")
@alg_option
@days_ahead_option
@click.option("--ceremony", is_flag=True, help="Without custodians: they hold a ceremony (see movepass keys).")
@option("--ledger", default=LEDGER, metavar="URI", help="Keep the ledger elsewhere: dynamodb:TABLE.")
@plain_option("--repository", default=REPOSITORY, metavar="URI", help="Publish elsewhere: s3://BUCKET/PREFIX.")
@option(
    "--pass-signer",
    "pass_signers",
    multiple=True,
    metavar="URI",
    help="Sign passes with a key that is held elsewhere: awskms:ARN. Repeat it for other regions' keys.",
)
@option(
    "--online-signer",
    "online_signers",
    multiple=True,
    metavar="URI",
    help="Sign publications with a key that is held elsewhere: awskms:ARN. Repeat it for other regions' keys.",
)
@option(
    "--peer",
    "peers",
    multiple=True,
    metavar="NUMBER,TABLE-ARN,BUCKET-ARN",
    help="Another region that issues as well; regions are numbered from 0. Repeat it.",
)
@json_option
def init(
    authority: Path, name: str, alg: str, days_ahead: int, ledger: str, repository: str, pass_signers: tuple[str, ...],
    online_signers: tuple[str, ...], peers: tuple[str, ...], *, production: bool, ceremony: bool, as_json: bool,
) -> None:  # fmt: skip
    """Create an authority: the custodians' and its own keys, a ledger and a published repository."""
    elsewhere = Elsewhere(ledger, repository, pass_signers, online_signers, peers)
    about: dict[str, Any] = {
        "name": name, "test": not production, "alg": BY_NAME[alg], "elsewhere": elsewhere
    }  # fmt: skip
    made = (
        begin_authority(authority, **about) if ceremony else create_authority(authority, **about, days_ahead=days_ahead)
    )
    paths = {
        "root": made.root_path,
        "repository": repository if is_remote(repository) else made.repository_path,
        "ledger": made.ledger_path if ledger == LEDGER else ledger,
    }
    if as_json:
        show_json({what: str(path) for what, path in paths.items()})
        return
    show_line(f"{name}{'' if production else ' (TEST)'} is ready in {authority}.")
    show_rows([(what, str(path)) for what, path in paths.items()])
    if ceremony:
        kids = ", ".join(kid.hex() for kid in made.held_keys)
        click.echo(f"It has an online key and the pass key {kids}. Next: movepass keys propose root")
    else:
        click.echo("Set devices up: movepass enrolment. This machine holds every key: for the real thing, --ceremony.")
        click.echo("What must be renewed in time (warnings begin 60 days before):")
        show_rows([(ending.name, describe_end(ending)) for ending in made.endings(int(time.time()))])


@click.command(
    epilog=example(
        "movepass issue --authority my-authority request.json --png pass.png",
        "movepass issue --authority my-authority - --json < requests.jsonl > passes.jsonl",
    )
)
@authority_option
@png_option
@card_option
@json_option
@click.argument("request", metavar="REQUEST|-")
@click.pass_context
def issue(
    ctx: click.Context, authority: Path, request: str, png: Path | None, card: Path | None, *, as_json: bool
) -> None:
    """Sign approved passes: one JSON object, or JSON Lines for many.

    The same request again gives the same pass. JSON Lines in, or an answer that no person reads, gives JSON Lines
    out, in order; a bad line is answered with its number and the reason, and does not stop the rest (exit code 2). Nor
    does a pass that says more than a card can hold, or in letters that no font here has: it is issued, and has no card.
    Where the authority's own key is not valid for a pass, the request is not at fault (exit code 4): send it again once
    another key is in use.
    """
    opened = Authority.open(authority)
    pictures = _Pictures(opened, png, card)
    code = DONE
    with open_requests(request) as file, opened.issuer() as issuer:
        single, lines = split_requests(file, REQUEST_MAX_BYTES)
        pictures.many = not single
        pictures.check()
        for_person = single and not as_json and sys.stdout.isatty()
        warn_of_endings(opened, int(time.time()))
        progress = _Progress(file)
        for answer in _answers(issuer, lines):
            progress.step()
            if isinstance(answer.result, SignedPass):
                error = _show_issued(answer.line, answer.result, pictures, for_person=for_person)
            else:
                error = str(answer.result)
                _show_refused(answer, error, for_person=for_person)
            if error:
                code = max(code, FAILED if isinstance(answer.result, KeyPeriodError) else USAGE)
                say(f"error: {'' if single else f'line {answer.line}: '}{error}")
        progress.end()
    ctx.exit(code)


@click.command(epilog=example("movepass show --authority my-authority A1B-2C3-D4E --card pass.pdf"))
@authority_option
@plain_option("--request", metavar="ID", help="Find it by its request id instead.")
@png_option
@card_option
@json_option
@click.argument("number", required=False, metavar="PASS-NUMBER")
@click.pass_context
def show(
    ctx: click.Context, authority: Path, number: str | None, request: str | None, png: Path | None, card: Path | None,
    *, as_json: bool,
) -> None:  # fmt: skip
    """Show an issued pass again, or reprint it."""
    _one_of(number, request)
    opened = Authority.open(authority)
    pictures = _Pictures(opened, png, card)
    pictures.check()
    with opened.issuer() as issuer:
        signed = issuer.find(number=number, request_id=request)
    document = _issued(signed, pictures)
    if as_json:
        show_json(document | {"revoked_at": None if signed.revoked_at is None else iso(signed.revoked_at)})
    else:
        _show_for_person(signed, document)
    if "error" in document:
        say(f"error: {document['error']}")
        ctx.exit(USAGE)


@click.command(epilog=example("movepass revoke --authority my-authority A1B-2C3-D4E --reason 'given in error'"))
@authority_option
@plain_option("--request", metavar="ID", help="Find the pass by its request id instead.")
@plain_option("--reason", default="", metavar="R", help="Kept in the ledger.")
@json_option
@click.argument("numbers", nargs=-1, metavar="PASS-NUMBER...")
def revoke(authority: Path, numbers: tuple[str, ...], request: str | None, reason: str, *, as_json: bool) -> None:
    """Revoke passes. Devices refuse them once this has been published and they have synced."""
    _one_of(numbers, request)
    with Authority.open(authority).revoker() as revoker:
        wanted: list[dict[str, str]] = [{"number": n} for n in numbers] if numbers else [{"request_id": request or ""}]
        for pass_ in wanted:
            revoker.find_entry(**pass_)  # all or nothing: a mistyped number must not leave half of them revoked
        with revoker.waited_for():
            for pass_ in wanted:
                entry = revoker.revoke(reason=reason, **pass_)
                number = format_number(entry.day, entry.index)
                since = local(entry.revoked_at or 0)
                if as_json:
                    show_json(answers.revoked(entry))
                else:
                    click.echo(f"{number} is revoked since {since}; publish to let devices know.")


@dataclass(frozen=True, slots=True)
class _Answer:
    """The result of one request."""

    line: int
    request_id: str | None
    result: SignedPass | IssuerError


def _answers(issuer: Issuer, lines: Iterator[tuple[int, bytes]]) -> Iterator[_Answer]:
    """Issue group by group, and answer in the order of the lines."""
    while group := list(islice(lines, GROUP)):
        parsed = [(line, _parse(document)) for line, document in group]
        issued = iter(issuer.issue_many([p for _, p in parsed if isinstance(p, ApprovedPass)]))
        for line, request in parsed:
            if isinstance(request, ApprovedPass):
                yield _Answer(line, request.request_id, next(issued))
            else:
                yield _Answer(line, None, request)


def _parse(document: bytes) -> ApprovedPass | RequestError:
    try:
        return ApprovedPass.from_json(document)
    except RequestError as e:
        return e


class _Pictures:
    """The files for the QR codes and cards."""

    def __init__(self, authority: Authority, png: Path | None, card: Path | None) -> None:
        self._authority = authority
        self._png = png
        self._card = card
        self.many = False

    def check(self) -> None:
        """Check, before anything is issued, that they can be written.

        Raises:
            InputError: there is no such folder.
            UnprintableError: a card's name ends in neither of its formats.
            CardError: no card can be drawn on this machine.
        """
        if self._card:
            check_shaping()
        for given in (self._png, self._card):
            if given and not self._is_folder(given) and not given.parent.is_dir():
                raise InputError(f"can't write {given}: there is no folder {given.parent}")
        if self._card and not self._is_folder(self._card):
            format_of(self._card)

    def write(self, signed: SignedPass) -> dict[str, str]:
        """Write the requested pictures and return their paths, and as "error" why no card can hold the pass."""
        written = {}
        if self._png:
            path = self._path(self._png, f"{signed.number}.png")
            write_picture(path, signed.png())
            written["png"] = str(path)
        if self._card:
            path, by = self._path(self._card, f"card-{signed.number}.png"), self._authority
            try:
                card = signed.card(authority=by.name, test=by.test, file_format=format_of(path))
            except UnprintableError as e:
                return written | {"error": f"pass {signed.number} is issued, and has no card: {e}"}
            write_picture(path, card)
            written["card"] = str(path)
        return written

    def _path(self, given: Path, name: str) -> Path:
        if not self._is_folder(given):
            return given
        given.mkdir(parents=True, exist_ok=True)
        return given / name

    def _is_folder(self, given: Path) -> bool:
        return self.many or given.is_dir()


def _issued(signed: SignedPass, pictures: _Pictures) -> dict[str, Any]:
    return answers.issued(signed) | pictures.write(signed)


def _show_issued(line: int, signed: SignedPass, pictures: _Pictures, *, for_person: bool) -> str:
    """Show an issued pass, and return why it has no card, or ""."""
    document = _issued(signed, pictures)
    error: str = document.get("error", "")
    if for_person:
        _show_for_person(signed, document)
    else:
        show_json(document | ({"line": line} if error else {}))
    return error


def _show_for_person(signed: SignedPass, document: dict[str, Any]) -> None:
    rows = [("Pass", signed.number), ("Request", signed.request_id), *trip_rows(signed.pass_.trip, words())]
    revoked = "" if signed.revoked_at is None else f"since {local(signed.revoked_at)}"
    show_rows([*rows, ("REVOKED", revoked), ("QR code", document.get("png", "")), ("Card", document.get("card", ""))])
    click.echo(f"  {signed.text}")


def _show_refused(answer: _Answer, error: str, *, for_person: bool) -> None:
    if not for_person:
        named = {"request_id": answer.request_id} if answer.request_id else {}
        show_json({**named, "line": answer.line, "error": error})


class _Progress:
    """The progress of a batch, on stderr when a person watches."""

    def __init__(self, file: BinaryIO) -> None:
        self._watched = sys.stderr.isatty() and not sys.stdout.isatty()
        self._total = os.fstat(file.fileno()).st_size if self._watched else 0
        self._file = file
        self._count = 0

    def step(self) -> None:
        """Count one more request."""
        self._count += 1
        if self._watched and self._count % GROUP == 0:
            done = f" ({100 * self._file.tell() // self._total} %)" if self._total and self._file.seekable() else ""
            click.echo(f"\r{self._count} requests{done}", err=True, nl=False)

    def end(self) -> None:
        """Finish the line."""
        if self._watched and self._count >= GROUP:
            click.echo(f"\r{self._count} requests, done   ", err=True)


def _one_of(numbers: object, request: str | None) -> None:
    if bool(numbers) == bool(request):
        raise click.UsageError("expected a pass number or --request ID, one of the two")
