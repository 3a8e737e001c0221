"""boto3's clients. Needs the [aws] extra.

Each client has a session of its own, because boto3's default one is not safe to make clients with in threads. What
takes a session's time is reading how AWS's services are called; that is read once a process, for all of them.
"""

from functools import cache
from typing import Any


def new_client(service: str, **settings: Any) -> Any:
    """Make a client.

    Args:
        service: as boto3 names it.
        settings: as boto3's Session.client takes them.

    Raises:
        ImportError: no [aws] extra.
        BotoCoreError, ValueError: settings (environment or ~/.aws) that boto3 can't use.
    """
    from boto3.session import Session  # noqa: PLC0415 - an extra
    from botocore.session import get_session  # noqa: PLC0415

    core = get_session()
    core.register_component("data_loader", _loader(core.get_config_variable("data_path")))
    return Session(botocore_session=core).client(service, **settings)


@cache
def _loader(data_path: str | None) -> Any:
    from botocore.loaders import create_loader  # noqa: PLC0415

    return create_loader(data_path)
