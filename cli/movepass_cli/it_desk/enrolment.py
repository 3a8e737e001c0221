"""Provide the commands that set devices up: enrolment for the authority, enroll for each device."""

import hashlib
import sys
from contextlib import ExitStack
from pathlib import Path

import click

from movepass_cli.inputs import STDIN, InputError, writing_to
from movepass_cli.options import (
    LANGUAGE,
    PATH,
    SOURCE,
    authority_option,
    ca_option,
    example,
    json_option,
    option,
    plain_option,
    store_option,
)
from movepass_cli.output import show_json, show_line, show_rows
from movepass_keys import files
from movepass_keys.records import layout
from movepass_verifier import Device
from movepass_verifier.reading.image import PICTURE_ENDINGS, read_qr
from movepass_verifier.store.store import check_vacant
from movepass_verifier.sync import enrolment as enrolments
from movepass_verifier.sync.enrolment import ENROLMENT_MAX_BYTES, PREFIX, SOURCES_MOST, Enrolment
from movepass_verifier.sync.sources import resolve


@click.command(
    epilog=example(
        "movepass enroll --store device enrolment.json",
        "movepass enroll --store device enrolment.png --fingerprint '01234 56789 …'",
        "movepass enroll --store device --root 1.root.json --source https://passes.example/repository",
    )
)
@store_option
@option("--fingerprint", metavar="HEX", help="The root's, got another way; then nothing is asked.")
@plain_option("--root", type=PATH, metavar="FILE", help="Without ENROLMENT: the authority's root document.")
@plain_option("--source", "sources", multiple=True, metavar=SOURCE,
              help="Without ENROLMENT: where to sync from; several are tried in this order.")  # fmt: skip
@ca_option
@json_option
@click.argument("given", metavar="ENROLMENT", required=False)
def enroll(
    store: Path, fingerprint: str | None, root: Path | None, sources: tuple[str, ...], ca: Path | None,
    given: str | None, *, as_json: bool,
) -> None:  # fmt: skip
    """Set up a device's store, by an enrolment: its file, a picture of its QR code, its text, or - for stdin.

    The device will believe what the root says. Compare its fingerprint with one that came from the authority another
    way: by eye, or with --fingerprint (SHA-256 in hexadecimal, or the forty digits).
    """
    if given is not None and (root or sources):
        raise click.UsageError("an ENROLMENT names the root and the sources: give it, or --root and --source")
    check_vacant(store)
    if given is not None:
        enrolment = enrolments.read(_content(given))
    elif root and sources:
        enrolment = Enrolment(sources, root=_read(root, "the root"))
    else:
        raise click.UsageError("give an ENROLMENT, or --root and --source")
    document = enrolments.root_of(enrolment, ca=ca)
    if fingerprint is not None:
        enrolments.check_fingerprint(document, fingerprint)
    elif given is not None:
        _ask(document, enrolment)
    Device.enroll(store, root=document, sources=enrolment.sources, policy=enrolment.policy, language=enrolment.language)
    if as_json:
        show_json({"store": str(store), "sources": enrolment.sources, **_fingerprints(document)})
    else:
        show_line(f"{store} is set up, by the root with the fingerprint {enrolments.fingerprint(document)}.")
        show_line(f"It has no keys or lists yet: movepass sync --store {store}")


def _sources_in_full(ctx: click.Context, param: click.Parameter, sources: tuple[str, ...]) -> tuple[str, ...]:  # noqa: ARG001 - click's
    """Return sources in a form that every device understands, wherever it is set up."""
    if len(sources) > SOURCES_MOST:
        raise click.BadParameter(f"expected at most {SOURCES_MOST} sources, got {len(sources)}")
    return tuple(map(resolve, sources))


@click.command(
    epilog=example(
        "movepass enrolment --authority my-authority --source https://passes.example --png enrolment.png",
        "movepass enrolment --authority my-authority --source https://passes.example --file post.json --language bn",
    )
)
@authority_option
@plain_option("--source", "sources", required=True, multiple=True, metavar=SOURCE, callback=_sources_in_full,
              help="Where devices sync from; several are tried in this order.")  # fmt: skip
@option("--png", type=PATH, metavar="F", help="Write the QR code as PNG.")
@option("--file", "file", type=PATH, metavar="F", help="Write the file.")
@plain_option("--max-age", metavar="TIME", help="In the file: no accept rests on older lists.")
@plain_option("--warning-age", metavar="TIME", help="In the file: older lists are shown as getting old.")
@plain_option("--language", type=LANGUAGE, help="In the file: what devices speak.")
@json_option
def enrolment(
    authority: Path, sources: tuple[str, ...], png: Path | None, file: Path | None, max_age: str | None,
    warning_age: str | None, language: str | None, *, as_json: bool,
) -> None:  # fmt: skip
    """Create the QR code and the file that set devices up, and show the fingerprint for them.

    Neither is secret, and neither proves itself: let the fingerprint reach whoever sets devices up another way.
    """
    from movepass_issuer.authority.folder import Authority  # noqa: PLC0415 - a device has no authority, nor its libraries
    from movepass_issuer.printing.qr import TooLongError, qr_png  # noqa: PLC0415

    root = Authority.open(authority).repository.read(layout.document_name("root", 1))
    if root is None:
        raise InputError(f"{authority} has published no root yet; see movepass keys")
    given = {"max_age": max_age, "warning_age": warning_age, "language": language}
    settings = {name: value for name, value in given.items() if value is not None}
    if settings and not file:
        name = next(iter(settings)).replace("_", "-")
        raise click.UsageError(f"--{name} goes into the file, the QR code has no place for it: give --file as well")
    text, content = enrolments.code(sources, root), enrolments.file(sources, root, **settings)
    enrolments.read(content).policy.check()
    try:
        picture = qr_png(text) if png else b""
    except TooLongError as e:
        raise click.UsageError(f"so many, or so long, sources need the file: {e}") from e
    _write_new({path: data for path, data in ((png, picture), (file, content)) if path})
    if as_json:
        show_json({"text": text, "sources": sources, **_fingerprints(root)})
    else:
        written = [("QR code", str(png or "")), ("File", str(file or ""))]
        show_rows([*_ask_fingerprint(root), *(("Source", source) for source in sources), *written])
        click.echo(f"  {text}")


def _write_new(contents: dict[Path, bytes]) -> None:
    """Write new files, all of them or none.

    Raises:
        InputError: one is there already, or no file can be there.
    """
    with ExitStack() as undo:
        for path, data in contents.items():
            with writing_to(path):
                files.write_new(path, data)
            undo.callback(path.unlink)
        undo.pop_all()


def _content(given: str) -> bytes:
    """Read the ENROLMENT argument: a picture's code, a file, stdin, or the text itself."""
    if given == STDIN:
        return sys.stdin.buffer.read(ENROLMENT_MAX_BYTES)
    if given.lower().endswith(PICTURE_ENDINGS):
        return read_qr(Path(given)).encode()
    if given.startswith(PREFIX):
        return given.encode()
    return _read(Path(given), "the enrolment")


def _read(path: Path, what: str) -> bytes:
    try:
        return files.read_regular(path, ENROLMENT_MAX_BYTES)
    except (OSError, ValueError) as e:  # ValueError: a NUL in the name
        raise InputError(f"can't read {what} {path}: {getattr(e, 'strerror', None) or e}") from e


def _ask(root: bytes, enrolment: Enrolment) -> None:
    """Let a person compare the fingerprint; without a terminal it must be an option."""
    rows = [*_ask_fingerprint(root), *(("Source", source) for source in enrolment.sources)]
    for name, value in rows:
        show_line(value, lead=f"  {name:<11} ", err=True)
    try:
        same = click.confirm("Did the authority give you the same fingerprint, another way than this?", err=True)
    except click.Abort as e:
        raise click.UsageError("nobody answered: to set devices up unasked, give --fingerprint") from e
    if not same:
        raise InputError("nothing was set up; if the fingerprints differ, tell the authority")


def _ask_fingerprint(root: bytes) -> list[tuple[str, str]]:
    told = _fingerprints(root)
    return [("Fingerprint", told["fingerprint"]), ("SHA-256", told["root_sha256"])]


def _fingerprints(root: bytes) -> dict[str, str]:
    return {"fingerprint": enrolments.fingerprint(root), "root_sha256": hashlib.sha256(root).hexdigest()}
