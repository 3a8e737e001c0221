"""Commands of a field device: enroll, sync, verify, scan, status, inspect."""

import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from movepass_cli.inputs import InputError, payload_text
from movepass_cli.main import ACCEPT, CANNOT_VERIFY, REJECT, USAGE
from movepass_cli.options import PATH, example, json_option, option, store_option, time_of
from movepass_cli.output import printable, say, show_json, show_rows, show_verification, trip_rows
from movepass_verifier import Device, Freshness, ImageError, Outcome, Policy, Verification
from movepass_verifier.store import describe
from movepass_wire import PayloadError, WireError, decode_claims, format_number, open_text, trip_to_json
from movepass_wire.payload import ESP256
from movepass_wire.times import ago, day_name, iso, local

_POLICY = Policy()
_EXIT = {Outcome.ACCEPT: ACCEPT, Outcome.REJECT: REJECT, Outcome.CANNOT_VERIFY: CANNOT_VERIFY}
_ROOT_MAX_BYTES = 1 << 20


@click.command(
    epilog=example("movepass enroll --store device --root 1.root.json --source https://passes.example/repository")
)
@store_option
@option("--root", type=PATH, required=True, metavar="FILE", help="The authority's root document.")
@option("--source", required=True, metavar="URL-OR-DIR", help="Where the device syncs from.")
@json_option
def enroll(store: Path, root: Path, source: str, *, as_json: bool) -> None:
    """Set up a device's store.

    The device will believe what the root says: get it by hand from the authority, not over the network.
    """
    try:
        with root.open("rb") as file:
            document = file.read(_ROOT_MAX_BYTES)
    except OSError as e:
        raise InputError(f"can't read the root {root}: {e.strerror}") from None
    Device.enroll(store, root=document, sources=[source])
    if as_json:
        show_json({"store": str(store), "source": source})
    else:
        click.echo(f"{store} is set up. It has no keys or lists yet: movepass sync --store {store}")


@click.command(epilog=example("movepass sync --store device", "movepass sync --store device --source /media/stick"))
@store_option
@option("--source", metavar="URL-OR-DIR", help="Another source, this time only.")
@json_option
def sync(store: Path, source: str | None, *, as_json: bool) -> None:
    """Fetch keys and revocation lists, and take them over if everything about them is right."""
    with Device.open(store) as device:
        result = device.sync(source)
    if as_json:
        show_json(result.to_json())
        return
    news = "Newer keys or lists taken over" if result.changed else "Nothing new"
    click.echo(f"{news}, from {result.source}: {result.requests} requests, {result.received} bytes.")
    age = ago(result.synced_at - result.published)
    click.echo(f"Published {age} ago, at {local(result.published)}.")
    show_rows([(day_name(log.day), f"{log.revoked} revoked") for log in result.logs])


@click.command(
    epilog=example("movepass verify --store device photo.png", "movepass verify --store device --json - < payload.txt")
)
@store_option
@option("--at", callback=time_of, metavar="TIME", help="Verify as of another time, ISO 8601 with zone.")
@json_option
@click.argument("given", metavar="TEXT|IMAGE|-")
@click.pass_context
def verify(ctx: click.Context, store: Path, given: str, at: int | None, *, as_json: bool) -> None:
    """Verify one pass, offline: a payload's text, a picture of its QR code, or text on stdin."""
    with Device.open(store) as device:
        result = device.verify(payload_text(given), at)
    _show(result, as_json=as_json)
    ctx.exit(_EXIT[result.outcome])


@click.command(epilog=example("movepass scan --store device", "movepass scan --store device inbox/*.png"))
@store_option
@json_option
@click.argument("pictures", nargs=-1, type=click.Path())
def scan(store: Path, pictures: tuple[str, ...], *, as_json: bool) -> None:
    """Verify one pass after the other: pictures, or else lines of text on stdin, as a hand scanner types them.

    A line or picture that can't be read does not stop it; the end of input does.
    """
    with Device.open(store) as device:
        for given in pictures or _typed_lines():
            try:
                text = payload_text(given) if pictures else given
            except ImageError as e:
                say(str(e))
                continue
            _show(device.verify(text), as_json=as_json)
            if not as_json:
                click.echo()


@click.command(epilog=example("movepass status --store device"))
@store_option
@json_option
@click.pass_context
def status(ctx: click.Context, store: Path, *, as_json: bool) -> None:
    """Show the keys and lists on the device, and how old they are.

    Exit code 0 where a good pass would be accepted now, 3 where it could not be verified.
    """
    now = int(time.time())
    with Device.open(store) as device:
        state, problem = device.state(), device.readiness()
    freshness = Freshness(state.lists.published, state.lists.synced_at, now)
    if as_json:
        keys = [_key_row(key, state.keys.withdrawn(key.kid)) for key in state.keys.keys.values()]
        show_json(
            {
                "ready": not problem,
                "reason": problem or None,
                "authority": {"name": state.keys.authority, "test": state.keys.test},
                "sources": list(state.sources),
                "freshness": freshness.to_json(),
                "keys": keys,
                "lists": [describe(log) for log in state.logs],
            }
        )
    else:
        age = "never fetched" if freshness.age is None else f"published {ago(freshness.age)} ago"
        click.echo(f"{f'NOT READY: {problem}' if problem else 'READY'}. Lists {age}.")
        test = " (TEST)" if state.keys.test else ""
        show_rows([("Authority", state.keys.authority + test), *(("Source", source) for source in state.sources)])
        for key in state.keys.keys.values():
            withdrawn = state.keys.withdrawn(key.kid)
            state_words = f"withdrawn: {withdrawn.reason}" if withdrawn else f"until {local(key.not_after)}"
            show_rows([("Key", f"{key.kid.hex()} {state_words}")])
        show_rows([("List", f"{day_name(log.day)}: {log.revoked} revoked") for log in state.logs])
    ctx.exit(CANNOT_VERIFY if problem else ACCEPT)


@click.command(epilog=example("movepass inspect photo.png"))
@json_option
@click.argument("given", metavar="TEXT|IMAGE|-")
@click.pass_context
def inspect(ctx: click.Context, given: str, *, as_json: bool) -> None:
    """Show what a payload says. Nothing is verified: anybody can make a payload that says anything."""
    try:
        envelope = open_text(payload_text(given))
        pass_ = decode_claims(envelope.claims)
    except (PayloadError, WireError) as e:
        if as_json:
            show_json({"verified": False, "error": str(e)})
        say(f"error: not a readable pass: {e}")
        ctx.exit(USAGE)
    number = format_number(pass_.day, pass_.index)
    alg = "ESP256" if envelope.alg == ESP256 else "Ed25519"
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
    show_rows([("Pass", number), *trip_rows(pass_.trip), ("Key", f"{envelope.kid.hex()} ({alg})")])


def _typed_lines() -> Iterable[str]:
    if sys.stdin.isatty():
        say("scan a pass, or type its text and Enter; Ctrl-D ends")
    for line in sys.stdin.buffer:
        text = line.decode(errors="replace").rstrip("\r\n")
        if text:
            yield text


def _show(result: Verification, *, as_json: bool) -> None:
    if as_json:
        show_json(result.to_json())
    else:
        show_verification(result, _POLICY.warning_age)
    sys.stdout.flush()


def _key_row(key: Any, withdrawn: Any) -> dict[str, Any]:
    row = {"kid": key.kid.hex(), "not_before": iso(key.not_before), "not_after": iso(key.not_after)}
    return row | ({"withdrawn": printable(withdrawn.reason)} if withdrawn else {})
