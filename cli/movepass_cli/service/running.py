"""Provide the command service run."""

import time
from pathlib import Path

import click

from movepass_cli.diagnostics import set_up_logging
from movepass_cli.options import PATH, authority_option, example, json_option, option
from movepass_cli.output import say, show_json, show_line
from movepass_cli.signals import stopped_by_signals
from movepass_service.run import DeskAt, RunError, Site, running
from movepass_service.service import Service

DATA = "service"
"""The service's folder in the authority's, where no other is named."""
_PORT, _DESK_PORT, _PORT_MOST = 8080, 8081, 65535
_LOOK_SECONDS = 1.0


@click.command(
    epilog=example(
        "movepass service run --authority my-authority",
        "movepass service run --authority my-authority --site-url https://pass.gov.bd "
        "--desk-url https://desk.pass.gov.bd --trusted-proxy 127.0.0.1",
    )
)
@authority_option
@option("--data", type=PATH, metavar="DIR", help=f"The service's folder; without it {DATA} in the authority's.")
@option(
    "--site-port", type=click.IntRange(0, _PORT_MOST), default=_PORT, show_default=True,
    help="The public site's port on this machine; 0 takes a free one.",
)  # fmt: skip
@option("--site-url", metavar="URL", help="The public address, where a proxy with HTTPS stands before the site.")
@option(
    "--desk-port", type=click.IntRange(0, _PORT_MOST), default=_DESK_PORT, show_default=True,
    help="The desk's port on this machine; 0 takes a free one.",
)  # fmt: skip
@option(
    "--desk-url", metavar="URL",
    help="The desk's address, where a proxy with HTTPS stands before it. Passkeys belong to its host: choose it once.",
)  # fmt: skip
@option(
    "--trusted-proxy", "trusted_proxies", multiple=True, metavar="ADDR",
    help="An address whose X-Forwarded-For is believed. Repeat it.",
)  # fmt: skip
@json_option
def run(
    authority: Path, data: Path | None, site_port: int, site_url: str | None, desk_port: int,
    desk_url: str | None, trusted_proxies: tuple[str, ...], *, as_json: bool,
) -> None:  # fmt: skip
    """Serve site and desk on this machine, decide what comes, issue passes and publish lists, until stopped.

    Only this machine can reach them: for others, put a proxy with HTTPS before each and name its address.
    """
    set_up_logging()
    folder = data or authority / DATA
    with (
        stopped_by_signals() as stop,
        Service.open(folder, authority) as service,
        running(service, Site(site_port, site_url, trusted_proxies), DeskAt(desk_port, desk_url)) as site,
    ):
        if as_json:
            show_json({"site": site.url, "desk": site.desk_url, "data": str(folder)})
        else:
            show_line(f"The site: {site.url}")
            show_line(f"The desk: {site.desk_url}")
            show_line(f"Its folder: {folder}")
        while not stop.wait(_LOOK_SECONDS):
            if not site.is_alive:
                raise RunError("a web server has ended; the log says why")
        if not as_json:
            say(f"stopping at {time.strftime('%H:%M:%S')}: what was begun is finished")
