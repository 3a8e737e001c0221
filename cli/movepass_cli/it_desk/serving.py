"""Provide the command serve, for the phone's app and a repository on this machine."""

import threading
from pathlib import Path

import click

from movepass_cli.inputs import InputError, write_picture
from movepass_cli.options import PATH, example, json_option, option, plain_option
from movepass_cli.output import show_json
from movepass_cli.signals import stopped_by_signals
from movepass_keys.files import read_regular
from movepass_keys.records.layout import document_name
from movepass_phone import PhoneServer, ServeError
from movepass_verifier.sync import enrolment
from movepass_verifier.sync.enrolment import ENROLMENT_MAX_BYTES

_PORT, _PORT_MOST = 8000, 65535


@click.command(
    epilog=example(
        "movepass serve --authority my-authority --enrolment-qr set-up.png",
        "movepass serve --repository /media/stick --app build/phone --port 0",
    )
)
@option("--authority", type=PATH, metavar="DIR", help="Serve the repository of this authority.")
@plain_option("--repository", type=PATH, metavar="DIR", help="Serve this repository.")
@option("--app", type=PATH, default="build/phone", show_default=True, metavar="DIR", help="The app, as built.")
@option("--port", type=click.IntRange(0, _PORT_MOST), default=_PORT, show_default=True, help="0 chooses a free port.")
@option("--enrolment-qr", "picture", type=PATH, metavar="FILE", help="Write the code that sets a phone up, as PNG.")
@json_option
def serve(
    authority: Path | None, repository: Path | None, app: Path, port: int, picture: Path | None, *, as_json: bool
) -> None:
    """Serve the phone's app and a repository on localhost, until stopped.

    For a laptop with a camera, and for trying out. Phones take a server with https: docs/phone.md.
    """
    if (authority is None) == (repository is None):
        raise click.UsageError("give --authority or --repository")
    try:
        server = PhoneServer(app, repository or _repository_folder(authority), port)
    except ServeError as e:
        raise InputError(str(e)) from e
    with stopped_by_signals() as stop, server:
        text = enrolment.code([server.source], _first_root(server.roots["repository"]))
        if picture:
            _draw(text, picture)
        if as_json:
            show_json({"url": server.url, "source": server.source, "enrolment": text})
        else:
            click.echo(f"The app: {server.url}\nThe repository: {server.source}\nSets a phone up: {text}")
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        stop.wait()
        server.shutdown()


def _repository_folder(authority: Path | None) -> Path:
    from movepass_issuer.authority.folder import Authority  # noqa: PLC0415 - who serves a stick has no authority
    from movepass_issuer.storage.opening import is_remote  # noqa: PLC0415

    assert authority is not None  # noqa: S101 - one of the two was given
    opened = Authority.open(authority)
    if is_remote(opened.repository_uri):
        raise InputError(f"{authority} publishes in {opened.repository_uri}: make a copy, movepass export-bundle")
    return opened.repository_path


def _first_root(repository: Path) -> bytes:
    root = repository / document_name("root", 1)
    try:
        return read_regular(root, ENROLMENT_MAX_BYTES)
    except OSError as e:
        raise InputError(f"can't read {root}: {e.strerror}; a repository begins with its first root") from e


def _draw(text: str, picture: Path) -> None:
    from movepass_issuer.printing.qr import QrError, qr_png  # noqa: PLC0415 - an extra

    try:
        write_picture(picture, qr_png(text))
    except QrError as e:
        raise InputError(str(e)) from e
