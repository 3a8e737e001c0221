"""Provide the command sync, once or until stopped."""

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from movepass_cli.options import SOURCE, ca_option, example, json_option, option, store_option
from movepass_cli.output import progress_on_terminal, say, show_json, show_line, show_rows
from movepass_verifier import Device
from movepass_wire.times import ago, day_name, iso, local

if TYPE_CHECKING:
    from collections.abc import Callable

    from movepass_verifier.sync.sync import SyncResult

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
    requests = "1 request" if result.requests == 1 else f"{result.requests} requests"
    return f"{news}, from {result.source}: {requests}, {result.received:,} bytes"


def _list_words(revoked: int, added: int) -> str:
    return f"{revoked:,} revoked" + (f", {added:,} of them new" if added > 0 else "")
