"""Commands of a field device: sync, verify, inspect."""

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from movepass_cli.inputs import payload_text
from movepass_cli.main import ACCEPT, CANNOT_VERIFY, REJECT, USAGE
from movepass_cli.options import (
    SOURCE,
    Check,
    ca_option,
    example,
    image_option,
    json_option,
    language_option,
    option,
    plain_option,
    store_option,
    text_option,
    time_of,
)
from movepass_cli.output import note, progress_on_terminal, say, show_json, show_line, show_result, show_rows
from movepass_keys.records.algorithms import NAMES
from movepass_verifier import Device, Outcome
from movepass_verifier.errors import OtherCodeError
from movepass_verifier.officer.shown import trip_rows
from movepass_wire import PayloadError, WireError, decode_claims, format_number, open_text, trip_to_json
from movepass_wire.times import ago, day_name, iso, local
from movepass_words import words

if TYPE_CHECKING:
    from collections.abc import Callable

    from movepass_verifier.reading.other_schemes import OtherCode
    from movepass_verifier.sync.sync import SyncResult

_EXIT = {Outcome.ACCEPT: ACCEPT, Outcome.REJECT: REJECT, Outcome.CANNOT_VERIFY: CANNOT_VERIFY}
_WATCH_SECONDS, _WATCH_MAX_SECONDS = 900, 86400


@click.command(
    epilog=example(
        "movepass sync --store device",
        "movepass sync --store device --source /media/stick",
        "movepass sync --store device --watch 900",
    )
)
@store_option
@option("--source", "sources", multiple=True, metavar=SOURCE,
        help="Other sources, this time only; several are tried in this order.")  # fmt: skip
@ca_option
@option("--watch", type=click.IntRange(1, _WATCH_MAX_SECONDS), is_flag=False, flag_value=_WATCH_SECONDS,
        metavar="[SECONDS]", help="Sync about every SECONDS (900) until stopped, whatever fails.")  # fmt: skip
@json_option
def sync(store: Path, sources: tuple[str, ...], ca: Path | None, watch: int | None, *, as_json: bool) -> None:
    """Fetch keys and revocation lists, and take them over if everything about them is right.

    A proxy is taken from HTTP_PROXY, HTTPS_PROXY and NO_PROXY.
    """

    def once() -> "SyncResult":
        with Device.open(store) as device, progress_on_terminal() as progress:
            return device.sync(*sources, ca=ca, progress=progress)

    if watch:
        with Device.open(store) as device:
            ready = not device.readiness()
        _watch(watch, once, ready=ready, as_json=as_json)
        return
    result = once()
    if as_json:
        show_json(result.to_json())
        return
    _say_failures(result)
    show_line(f"{_news(result)}.")
    click.echo(f"Published {ago(result.synced_at - result.published)} ago, at {local(result.published)}.")
    show_rows([(day_name(log.day), _list_words(log.revoked, result.added[log.day])) for log in result.logs])


def _watch(seconds: int, once: "Callable[[], SyncResult]", *, ready: bool, as_json: bool) -> None:
    from movepass_cli.signals import Stopped, stopped_by_signals  # noqa: PLC0415 - verifying ends before any signal
    from movepass_verifier.sync.watch import sync_every  # noqa: PLC0415 - TUF is slow to import, verifying needs none

    def tell(came: "SyncResult | Exception | None", wait: float) -> None:
        if came is None:
            say(f"the first sync is in {wait:.0f} s; SIGTERM or Ctrl-C ends this")
        elif isinstance(came, Exception):
            if as_json:
                show_json({"at": iso(int(time.time())), "error": str(came), "next_s": round(wait)})
            else:
                say(f"error: {came}; next try in {wait:.0f} s")
        elif as_json:
            show_json(came.to_json() | {"next_s": round(wait)})
        else:
            _say_failures(came)
            age = ago(came.synced_at - came.published)
            show_line(f"{local(came.synced_at)}: {_news(came)}; published {age} ago; next sync in {wait:.0f} s")

    with suppress(Stopped), stopped_by_signals(at_once=True) as stop:
        sync_every(seconds, once, ready=ready, stop=stop, tell=tell)


def _say_failures(result: "SyncResult") -> None:
    for failure in result.failures:
        say(f"{failure.source}: {failure.reason}; went on to the next source")


def _news(result: "SyncResult") -> str:
    news = "Newer keys or lists taken over" if result.changed else "Nothing new"
    return f"{news}, from {result.source}: {result.requests} requests, {result.received:,} bytes"


def _list_words(revoked: int, added: int) -> str:
    return f"{revoked:,} revoked" + (f", {added:,} of them new" if added > 0 else "")


def _check_one_given(*inputs: object) -> None:
    if sum(given is not None for given in inputs) != 1:
        raise click.UsageError("expected one of TEXT|IMAGE|-, --text TEXT and --image FILE")


@click.command(
    cls=Check,
    epilog=example(
        "movepass verify --store device photo.png",
        'movepass verify --store device --json --real-only --text "$SCANNED"',
        "movepass verify --store device --json --real-only - < payload.txt",
    ),
)
@store_option
@text_option
@image_option
@plain_option("--real-only", is_flag=True, help="Accept no pass of a TEST authority: exit code 3 for one.")
@plain_option("--at", callback=time_of, metavar="TIME", help="Verify as of another time, ISO 8601 with zone.")
@language_option
@json_option
@click.argument("given", metavar="[TEXT|IMAGE|-]", required=False)
@click.pass_context
def verify(
    ctx: click.Context, store: Path, text: str | None, image: Path | None, given: str | None, at: int | None,
    language: str | None, *, real_only: bool, as_json: bool,
) -> None:  # fmt: skip
    """Verify one pass, offline: a payload's text, a picture of its QR code, or text on stdin.

    TEXT|IMAGE is for people: a file of that name is read as a picture. Programs say which it is by --text or --image,
    or write the text to stdin. Only an accepted pass gives exit code 0, so with a store --help gives another.
    """
    _check_one_given(given, text, image)
    with Device.open(store) as device:
        language = language or device.language
        result = device.verify(payload_text(given, text, image), at, real_only=real_only)
        noted = note(device, result, language) if at is None else None
        # Closing waits for the disk; the officer need not.
        show_result(result, language, noted, as_json=as_json, as_of=at)
    ctx.exit(_EXIT[result.outcome])


@click.command(epilog=example("movepass inspect photo.png"))
@text_option
@image_option
@json_option
@click.argument("given", metavar="[TEXT|IMAGE|-]", required=False)
@click.pass_context
def inspect(ctx: click.Context, text: str | None, image: Path | None, given: str | None, *, as_json: bool) -> None:
    """Show what a payload says. Nothing is verified: anybody can make a payload that says anything.

    Of a COVID certificate (HCERT), a SMART Health Card or a signed web token (JWT) it shows who issued it, the key and
    the times, and nothing of whom it is about.
    """
    from movepass_verifier.reading.other_schemes import take_apart  # noqa: PLC0415 - verifying needs none

    _check_one_given(given, text, image)
    payload = payload_text(given, text, image)
    try:
        other = take_apart(payload)
        if other:
            _show_other(other, as_json=as_json)
            return
        envelope = open_text(payload)
        pass_ = decode_claims(envelope.claims)
    except (OtherCodeError, PayloadError, WireError) as e:
        if as_json:
            show_json({"verified": False, "error": str(e)})
        say(f"error: not a readable pass: {e}")
        ctx.exit(USAGE)
    number = format_number(pass_.day, pass_.index)
    alg = NAMES[envelope.alg]
    if as_json:
        show_json(
            {
                "verified": False,
                "alg": alg,
                "kid": envelope.kid.hex(),
                "pass_number": number,
                "pass": trip_to_json(pass_.trip),
            }
        )
        return
    click.echo("UNVERIFIED: this is what the payload says, true or not.")
    english = words()
    key = (english("label.key"), f"{envelope.kid.hex()} ({alg})")
    show_rows([(english("label.pass"), number), *trip_rows(pass_.trip, english), key])


def _show_other(code: "OtherCode", *, as_json: bool) -> None:
    """Show what a code of another scheme says of itself."""
    english = words()
    what = english.say(code.what)
    if as_json:
        said = {"scheme": code.scheme, "alg": code.alg, "kid": code.kid, "issuer": code.issuer}
        times = {"issued_at": code.issued_at, "not_before": code.not_before, "expires_at": code.expires_at}
        shown = {name: None if at is None else iso(at) for name, at in times.items()}
        show_json({"verified": False, "reason": what, **said, **shown})
        return
    show_line(f"UNVERIFIED: {what}.")
    key = " ".join(part for part in (code.kid, code.alg and f"({code.alg})") if part)
    rows = [(english("label.issuer"), code.issuer or ""), (english("label.key"), key)]
    for label, at in (
        (english("label.issued"), code.issued_at),
        (english("label.not-before"), code.not_before),
        (english("label.expires"), code.expires_at),
    ):
        rows.append((label, "" if at is None else english.time(at)))
    show_rows(rows)
