"""The command for those who apply for others: service assistant."""

from contextlib import closing
from pathlib import Path

import click

from movepass_cli.inputs import InputError
from movepass_cli.options import data_option, example, json_option, option, plain_option
from movepass_cli.output import show_json, show_line
from movepass_service.accounts import Accounts, Helper
from movepass_service.applications.values import parse_phone
from movepass_service.rules import Evidence
from movepass_service.stores.sqlite.store import SqliteStore

_ROLES = (str(Evidence.ASSISTANT), str(Evidence.EMPLOYER))
NAME_MAX_CHARS = 64
QUOTA_MAX = 100_000


@click.command(
    epilog=example(
        'movepass service assistant 01712345678 --data my-authority/service --role employer --name "Padma Textiles"'
    )
)
@click.argument("phone", metavar="PHONE")
@data_option
@plain_option("--role", type=click.Choice(_ROLES), required=True, help="What the rules take as evidence.")
@plain_option("--name", required=True, metavar="NAME", help="The office or firm; recorded with each application.")
@option(
    "--quota", type=click.IntRange(0, QUOTA_MAX), default=200, show_default=True, help="Applications a day from lists."
)
@json_option
def assistant(phone: str, data: Path, role: str, name: str, quota: int, *, as_json: bool) -> None:
    """Let a mobile number apply for others, with a list too; run again, it changes what that number may do.

    The number signs in under "my passes" by a code.
    """
    try:
        number = parse_phone(phone)
    except ValueError as e:
        raise InputError(f"PHONE: {e}") from e
    plain = " ".join(name.split())
    if not 0 < len(plain) <= NAME_MAX_CHARS or not plain.isprintable():
        raise InputError(f"--name: a name has 1 to {NAME_MAX_CHARS} printable characters")
    SqliteStore(data, create=False).close()
    with closing(Accounts.open(data)) as accounts:
        accounts.appoint(number, Helper(role, plain, quota))
    if as_json:
        show_json({"phone": number, "role": role, "name": plain, "quota": quota})
    else:
        show_line(f"{number} may apply for others as {role} {plain}, {quota} a day from lists.")
